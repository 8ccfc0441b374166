// Formulas that a demo shows a number of, with the definitions of the Python library (named with each).

// A place on the way from a to b: along the arc (imggen_lib.noise.slerp), or along the straight line.
function between(a, b, t, arc = true) {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const cos = Math.max(-1, Math.min(1, dot / Math.max(Math.sqrt(aa * bb), 1e-12)));
  const omega = Math.acos(cos);
  const straight = !arc || Math.abs(cos) > 1 - 1e-6;
  const wa = straight ? 1 - t : Math.sin((1 - t) * omega) / Math.sin(omega);
  const wb = straight ? t : Math.sin(t * omega) / Math.sin(omega);
  return Float32Array.from(a, (x, i) => wa * x + wb * b[i]);
}

function softplus(x) {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

function logSumExp(values) {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, v) => sum + Math.exp(v - top), 0));
}

// log(1/k sum of w_j): the importance-weighted estimate of log p(x) in nats (imggen_lib.metrics.likelihood), for
// binary pixels `x` in {-1, 1} and k draws `eps` of standard normal numbers. Gives the estimate of the draws so far,
// after each part of them.
function* logLikelihood(network, x, eps, part = 8) {
  const d = network.spec.latent;
  const k = eps.length / d;
  const encoded = network.encode(x);
  const weights = [];
  for (let first = 0; first < k; first += part) {
    const n = Math.min(part, k - first);
    const z = new Float32Array(n * d);
    const extra = new Float64Array(n); // log p(z) - log q(z|x); the terms with 2 pi cancel
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) {
        const e = eps[(first + i) * d + j];
        z[i * d + j] = encoded[j] + Math.exp(0.5 * encoded[d + j]) * e;
        extra[i] += 0.5 * (e * e + encoded[d + j] - z[i * d + j] * z[i * d + j]);
      }
    }
    const logits = network.decode(z, n);
    const pixels = logits.length / n;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let p = 0; p < pixels; p++) {
        const l = logits[i * pixels + p];
        sum += (x[p] > 0 ? l : 0) - softplus(l);
      }
      weights.push(sum + extra[i]);
    }
    yield logSumExp(weights) - Math.log(weights.length);
  }
}

// Structural similarity of two images of one channel in [-1, 1] (imggen_lib.metrics.pixel.ssim): 11 x 11 windows
// inside the image, Gaussian weights with sigma 1.5.
function ssim(a, b, side) {
  const window = 11;
  const raw = Array.from({ length: window }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)));
  const total = raw.reduce((x, y) => x + y);
  const weights = raw.map((w) => w / total);
  const out = side - window + 1;
  const localMeans = (f) => {
    const rows = new Float64Array(out * side);
    for (let y = 0; y < out; y++)
      for (let x = 0; x < side; x++)
        for (let i = 0; i < window; i++) rows[y * side + x] += weights[i] * f((y + i) * side + x);
    const means = new Float64Array(out * out);
    for (let y = 0; y < out; y++)
      for (let x = 0; x < out; x++)
        for (let i = 0; i < window; i++) means[y * out + x] += weights[i] * rows[y * side + x + i];
    return means;
  };
  const c1 = (0.01 * 2) ** 2;
  const c2 = (0.03 * 2) ** 2;
  const ma = localMeans((i) => a[i] + 1);
  const mb = localMeans((i) => b[i] + 1);
  const aa = localMeans((i) => (a[i] + 1) ** 2);
  const bb = localMeans((i) => (b[i] + 1) ** 2);
  const ab = localMeans((i) => (a[i] + 1) * (b[i] + 1));
  let sum = 0;
  for (let i = 0; i < ma.length; i++) {
    const structure = (2 * (ab[i] - ma[i] * mb[i]) + c2) / (aa[i] - ma[i] ** 2 + bb[i] - mb[i] ** 2 + c2);
    sum += (structure * (2 * ma[i] * mb[i] + c1)) / (ma[i] ** 2 + mb[i] ** 2 + c1);
  }
  return sum / ma.length;
}

// How likely a coin is to give a result at least as far from n/2 as `right` of n
// (imggen_lib.people.human.preference): two-sided, exact.
function coinTest(right, n) {
  const far = Math.max(right, n - right);
  let log = -n * Math.LN2; // of the probability of 0 heads
  let tail = 0;
  for (let k = 0; k <= n; k++) {
    if (k >= far) tail += Math.exp(log);
    log += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

// Each pixel a coin, white with the probability that its grey value gives, as in training
// (imggen_lib.train.vae.observe).
function tossed(x, uniforms) {
  return x.map((v, i) => (uniforms[i] < (v + 1) / 2 ? 1 : -1));
}

Object.assign(tools, { between, coinTest, ssim, tossed, logLikelihood });
