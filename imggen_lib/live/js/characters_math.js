// Signed distance fields between their cells, their outlines, and what is cut out of them.
// The rules are those of imggen_lib.applications.characters: fields.between, fields.outlines, paths.shape_of.

const charactersOutside = -8; // what a field is outside of its square
const charactersUnit = 109 / 32; // units of the box a cell

// The weight of a value at the distance t, in cells: cubic convolution with a = -1/2 (Keys 1981).
function charactersCubic(t) {
  const d = Math.abs(t);
  if (d <= 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

// For each place, in cells, the first of the four values that count, in a table with a border of three cells
// (`charactersPadded`), and their weights; farther outside there is nothing new.
function charactersTaps(places, side) {
  const first = new Int32Array(places.length);
  const weights = new Float64Array(4 * places.length);
  for (let k = 0; k < places.length; k++) {
    const p = Math.max(-1.5, Math.min(side + 1.5, places[k]));
    first[k] = Math.min(Math.floor(p - 0.5), side) + 2;
    for (let i = 0; i < 4; i++) weights[4 * k + i] = charactersCubic(p - (first[k] - 2.5 + i));
  }
  return { first, weights };
}

// The field less what is outside, with a border of zeros three cells wide.
function charactersPadded(field, side) {
  const wide = side + 6;
  const out = new Float64Array(wide * wide);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) out[(y + 3) * wide + x + 3] = field[y * side + x] - charactersOutside;
  return out;
}

// The interpolated field at all pairs of `ys` and `xs`, row by row.
function charactersBetween(field, ys, xs, side = 32) {
  const padded = charactersPadded(field, side);
  const wide = side + 6;
  const down = charactersTaps(ys, side);
  const right = charactersTaps(xs, side);
  const out = new Float64Array(ys.length * xs.length);
  const row = new Float64Array(wide);
  for (let y = 0; y < ys.length; y++) {
    row.fill(0);
    for (let i = 0; i < 4; i++) {
      const w = down.weights[4 * y + i];
      const from = (down.first[y] + i) * wide;
      for (let x = 0; x < wide; x++) row[x] += w * padded[from + x];
    }
    for (let x = 0; x < xs.length; x++) {
      const f = right.first[x];
      const k = 4 * x;
      const w = right.weights;
      out[y * xs.length + x] =
        charactersOutside + w[k] * row[f] + w[k + 1] * row[f + 1] + w[k + 2] * row[f + 2] + w[k + 3] * row[f + 3];
    }
  }
  return out;
}

// How much of each pixel is ink, 0 to 255, for `size` x `size` pixels from the corner (left, top), each `step` cells
// wide. `bold` is added to the field. A pixel's share is a smooth step over the distance to the edge, which is the field
// by its slope.
function charactersInk(field, { left, top, step, size, bold = 0 }) {
  const places = (from) => Float64Array.from({ length: size + 1 }, (_, k) => from + (k + 0.5) * step);
  const f = charactersBetween(field, places(top), places(left));
  const out = new Uint8ClampedArray(size * size);
  const wide = size + 1;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const k = y * wide + x;
      const v = f[k] + bold;
      const a = f[k + 1] - f[k];
      const b = f[k + wide] - f[k];
      const slope = a * a + b * b;
      if (v * v >= slope) out[y * size + x] = v > 0 ? 255 : 0;
      else {
        const t = 0.5 + v / Math.sqrt(slope) / 2;
        out[y * size + x] = 255 * t * t * (3 - 2 * t);
      }
    }
  }
  return out;
}

// Marching squares: the closed curves where field + bold is 0, `resolution` points a cell, as lists [x0, y0, x1, y1, ...]
// in cells without a repeated last point. Ink lies on the side that makes its curves' areas positive.
function charactersOutlines(field, bold = 0, resolution = 16, side = 32) {
  const n = (side + 2) * resolution + 1;
  const places = Float64Array.from({ length: n }, (_, k) => (k - resolution) / resolution);
  const f = charactersBetween(field, places, places, side);
  const level = -bold;
  const next = new Map(); // from an edge of the grid to the next; edges: 2 * cell for the one to the right, + 1 downwards
  const part = (a, b) => (level - a) / (b - a);
  for (let r = 0; r + 1 < n; r++) {
    for (let c = 0; c + 1 < n; c++) {
      const k = r * n + c;
      const kind =
        (f[k] > level ? 1 : 0) + (f[k + 1] > level ? 2 : 0) + (f[k + n] > level ? 4 : 0) + (f[k + n + 1] > level ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
      const edge = { t: 2 * k, b: 2 * (k + n), l: 2 * k + 1, r: 2 * (k + 1) + 1 };
      const way = ["", "tl", "rt", "rl", "lb", "tb", "rtlb", "rb", "br", "tlbr", "bt", "bl", "lr", "tr", "lt"][kind];
      for (let i = 0; i < way.length; i += 2) next.set(edge[way[i]], edge[way[i + 1]]);
    }
  }
  const curves = [];
  while (next.size) {
    const curve = [];
    let edge = next.keys().next().value;
    while (next.has(edge)) {
      const k = edge >> 1;
      const [y, x] = [Math.floor(k / n), k % n];
      const [px, py] = edge & 1 ? [x, y + part(f[k], f[k + n])] : [x + part(f[k], f[k + 1]), y];
      const [qx, qy] = [px / resolution - 1, py / resolution - 1];
      const l = curve.length;
      if (!l || qx !== curve[l - 2] || qy !== curve[l - 1]) curve.push(qx, qy);
      const to = next.get(edge);
      next.delete(edge);
      edge = to;
    }
    if (curve.length >= 6) curves.push(curve);
  }
  return curves;
}

// The signed area inside a closed curve: the shoelace formula.
function charactersArea(curve) {
  let sum = 0;
  for (let i = 0, j = curve.length - 2; i < curve.length; j = i, i += 2)
    sum += curve[j] * curve[i + 1] - curve[i] * curve[j + 1];
  return sum / 2;
}

// Whether a point lies inside a curve, by the even-odd rule.
function charactersInside(curve, x, y) {
  let inside = false;
  for (let i = 0, j = curve.length - 2; i < curve.length; j = i, i += 2) {
    const [a, b] = [curve[i + 1], curve[j + 1]];
    if (a > y !== b > y && x < curve[i] + ((y - a) / (b - a)) * (curve[j] - curve[i])) inside = !inside;
  }
  return inside;
}

// Curves in pieces, each an outer curve with the holes in it; pieces below the share `speck` of the square are left out.
function charactersPieces(curves, speck = 0.01, side = 32) {
  const signed = curves.map((points) => ({ points, area: charactersArea(points) }));
  const ink = signed.filter((c) => c.area > 0).map((c) => ({ rings: [c.points], own: c.area, area: c.area }));
  for (const hole of signed.filter((c) => c.area < 0)) {
    const around = ink.filter((p) => charactersInside(p.rings[0], hole.points[0], hole.points[1]));
    const piece = around.sort((a, b) => a.own - b.own)[0];
    if (!piece) continue;
    piece.rings.push(hole.points);
    piece.area += hole.area;
  }
  const kept = ink.filter((p) => p.area >= speck * side * side);
  return { pieces: kept, specks: ink.length - kept.length };
}

// A closed curve with fewer points, none of the others farther than `far` from it (Douglas and Peucker).
function charactersSimple(curve, far) {
  const n = curve.length / 2;
  const at = (k) => [curve[2 * (k % n)], curve[2 * (k % n) + 1]];
  const keep = new Uint8Array(n);
  const distance = (k, from, to) => {
    const [[x, y], [ax, ay], [bx, by]] = [at(k), at(from), at(to)];
    const long = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = long ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / long)) : 0;
    return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
  };
  const farthest = (from, to) => {
    let best = [0, from];
    for (let k = from + 1; k < to; k++) {
      const d = distance(k, from, to);
      if (d > best[0]) best = [d, k];
    }
    return best;
  };
  const middle = farthest(0, n)[1];
  const open = [
    [0, middle],
    [middle, n],
  ];
  keep[0] = keep[middle] = 1;
  while (open.length) {
    const [from, to] = open.pop();
    const [d, k] = farthest(from, to);
    if (d <= far) continue;
    keep[k] = 1;
    open.push([from, k], [k, to]);
  }
  const simple = [];
  for (let k = 0; k < n; k++) if (keep[k]) simple.push(...at(k));
  return simple;
}

// The document: one closed path with its holes by the even-odd rule, `mm` millimetres a side; and what was left out.
function charactersSvg(field, { bold = 0, mm = 100, title, about, colour = "#000000" }) {
  const { pieces, specks } = charactersPieces(charactersOutlines(field, bold));
  const scale = mm / 32;
  const text = (s) => String(s).replace(/[<>&"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c]);
  const short = (v) => String(Math.round(v * 1000) / 1000);
  const rings = pieces.flatMap((p) => p.rings).map((ring) => charactersSimple(ring.map((v) => v * scale), 0.008));
  const d = rings
    .map((ring) => {
      const points = [];
      for (let i = 0; i < ring.length; i += 2) points.push(`${short(ring[i])},${short(ring[i + 1])}`);
      return `M${points.join(" ")}z`;
    })
    .join("");
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${mm}mm" height="${mm}mm" viewBox="0 0 ${mm} ${mm}">\n` +
    `<title>${text(title)}</title>\n<desc>${text(about)}</desc>\n` +
    `<path fill="${colour}" fill-rule="evenodd" d="${d}"/>\n</svg>\n`;
  return { svg, specks, paths: rings.length };
}

// The place on the outline that is nearest to (x, y), in cells, to the last digits; null without ink.
function charactersEdge(field, x, y, bold = 0) {
  let best = null;
  let least = Infinity;
  for (const curve of charactersOutlines(field, bold, 8)) {
    for (let i = 0; i < curve.length; i += 2) {
      const d = (curve[i] - x) ** 2 + (curve[i + 1] - y) ** 2;
      if (d < least) [least, best] = [d, [curve[i], curve[i + 1]]];
    }
  }
  for (let k = 0; best && k < 12; k++) {
    const e = 1e-4;
    const [px, py] = best;
    const f = charactersBetween(field, [py, py + e], [px, px + e]);
    const [a, b] = [(f[1] - f[0]) / e, (f[2] - f[0]) / e];
    const v = f[0] + bold;
    if (a * a + b * b > 1e-9) best = [px - (v * a) / (a * a + b * b), py - (v * b) / (a * a + b * b)];
  }
  return best;
}

Object.assign(tools, { charactersBetween, charactersInk, charactersOutlines, charactersPieces, charactersSvg, charactersEdge });
