// What the demo "Your own eyes" counts, with the definitions of imggen_lib.metrics.audit: a score above a threshold is
// an alarm, and a threshold is chosen on normal validation images.

const XRAYS_Z = 1.9599639845400536; // the 97.5 % quantile of the normal distribution

// Wilson's 95 % interval for a share (imggen_lib.metrics.intervals.wilson_interval).
function xraysWilson(successes, n) {
  const z2 = XRAYS_Z * XRAYS_Z;
  const centre = (successes + z2 / 2) / (n + z2);
  const half = (XRAYS_Z / (n + z2)) * Math.sqrt((successes * (n - successes)) / n + z2 / 4);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// The lowest threshold above which at most `allowed` of the validation normals' scores lie (threshold_at).
function xraysThreshold(validation, allowed) {
  if (allowed >= validation.length) return -Infinity;
  return Array.from(validation).sort((a, b) => b - a)[allowed];
}

// How many of the ill (truth 1) and of the normal (truth 0) are called ill, and how many of each there are (alarms).
function xraysCounts(scores, truth, threshold) {
  const found = { caught: 0, missed: 0, alarms: 0, left: 0 };
  scores.forEach((score, i) => {
    const called = score > threshold;
    found[truth[i] ? (called ? "caught" : "missed") : called ? "alarms" : "left"] += 1;
  });
  return found;
}

// The points (false alarms, caught) of the ROC curve, from none called ill to all: one a different score (roc).
function xraysRoc(scores, truth) {
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const ill = truth.reduce((sum, t) => sum + t, 0);
  const points = [[0, 0]];
  let caught = 0;
  let alarms = 0;
  order.forEach((i, k) => {
    if (truth[i]) caught += 1;
    else alarms += 1;
    const last = k + 1 === order.length || scores[order[k + 1]] !== scores[i];
    if (last) points.push([alarms / (truth.length - ill), caught / ill]);
  });
  return points;
}

// The area under the straight lines between these points (auroc).
function xraysArea(points) {
  let area = 0;
  for (let k = 1; k < points.length; k++) {
    area += ((points[k][0] - points[k - 1][0]) * (points[k][1] + points[k - 1][1])) / 2;
  }
  return area;
}

// The numbers of a file: images and reconstructions in [-1, 1], the truth, and by its name of each score the ranks: what
// is counted depends on the order alone.
function xraysRead(spec, buffer) {
  const bytes = new Uint8Array(buffer);
  const size = spec.image.reduce((a, b) => a * b, 1);
  const images = (first) =>
    Array.from({ length: spec.count }, (_, k) =>
      Float32Array.from(bytes.subarray((first + k) * size, (first + k + 1) * size), (v) => v / 127.5 - 1),
    );
  const truth = Array.from(spec.truth, Number);
  let at = 2 * spec.count * size;
  const numbers = (n) => {
    const view = new DataView(buffer, at, 2 * n);
    at += 2 * n;
    return Array.from({ length: n }, (_, k) => view.getUint16(2 * k, true));
  };
  const scores = {};
  for (const name of spec.scores) scores[name] = { validation: numbers(spec.validation), test: numbers(truth.length) };
  return { images: images(0), rebuilt: images(spec.count), truth, scores };
}
