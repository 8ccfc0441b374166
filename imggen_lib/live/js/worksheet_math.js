// A worksheet from a seed: its hand, its sums, the latents of its digits, and the curves that are drawn of them.
// The rules are those of imggen_lib.applications.worksheets: sums, hand, sheet, outline, pdf.

const worksheetKinds = { addition: ["+", 10, 99], subtraction: ["\u2212", 10, 99], multiplication: ["\u00d7", 2, 12] };
const worksheetLevels = ["easy", "medium", "hard"];
const worksheetVariants = 4;
const worksheetCut = 0.4;
const worksheetSide = 28;
const worksheetGap = 2.5;
const worksheetSign = 18; // pixels between two numbers, for the sign
const worksheetSpeck = 4; // square pixels; a smaller piece of ink is no part of a digit

function worksheetAnswer({ a, sign, b }) {
  if (sign === "+") return a + b;
  return sign === "\u00d7" ? a * b : a - b;
}

// `count` different sums; in a subtraction the larger number stands first.
function worksheetSums(random, kind, count) {
  const [sign, least, most] = worksheetKinds[kind];
  const found = [];
  while (found.length < count) {
    let a = least + random.below(most - least + 1);
    let b = least + random.below(most - least + 1);
    if (kind === "subtraction" && a < b) [a, b] = [b, a];
    if (!found.some((one) => one.a === a && one.b === b)) found.push({ a, sign, b });
  }
  return found;
}

// The digits that the hand writes of a sum, from left to right.
function worksheetDigits({ a, b }) {
  return [...`${a}${b}`].map(Number);
}

// The sheet of a seed: `hands` are [seed, kept variations as ten hexadecimal digits], the most legible first.
function worksheetPlan(seed, { kind, level, count }, hands) {
  const random = chance(seed);
  const k = worksheetLevels.indexOf(level);
  const among = hands.slice(Math.floor((k * hands.length) / 3), Math.floor(((k + 1) * hands.length) / 3));
  const [hand, bits] = among[random.below(among.length)];
  const kept = [...bits].map((c) => [0, 1, 2, 3].filter((v) => (parseInt(c, 16) >> v) & 1));
  const sums = worksheetSums(random, kind, count);
  const variations = sums.map((one) => worksheetDigits(one).map((d) => kept[d][random.below(kept[d].length)]));
  return { seed, hand, sums, variations };
}

// The latents of all variations of all digits of a hand: sqrt(1 - s^2) z + s e.
function worksheetLatents(seed, dim, spread) {
  const random = chance(seed);
  const z = Float64Array.from({ length: dim }, () => random.normal());
  const keep = Math.sqrt(1 - spread * spread);
  return Array.from({ length: 10 }, () =>
    Array.from({ length: worksheetVariants }, () => Float32Array.from(z, (v) => keep * v + spread * random.normal())),
  );
}

// A digit as it is drawn: where its ink begins and ends, in pixels, and its outlines as an SVG path.
function worksheetGlyph(values) {
  const side = worksheetSide;
  const inked = (x) => Array.from({ length: side }, (_, y) => (values[y * side + x] + 1) / 2).some((v) => v > worksheetCut);
  const columns = Array.from({ length: side }, (_, x) => x).filter(inked);
  const extent = columns.length ? [columns[0], columns[columns.length - 1] + 1] : [side / 4, (3 * side) / 4];
  const curves = charactersOutlines(Float64Array.from(values, (v) => 8 * v), 8 - 16 * worksheetCut, 6, side).filter((curve) => {
    const area = charactersArea(curve);
    return area < 0 || area >= worksheetSpeck;
  });
  const path = curves.map((curve) => {
    const points = [];
    for (let i = 0; i < curve.length; i += 2) points.push(`${curve[i].toFixed(2)} ${curve[i + 1].toFixed(2)}`);
    return `M${points.join("L")}Z`;
  });
  return { extent, path: path.join(""), curves };
}

// Where the digits of a sum stand, in pixels: set by the edges of their ink, with room for the sign before the second.
function worksheetPlaces(one, glyphs) {
  const first = String(one.a).length;
  let x = 0;
  let sign = 0;
  const places = glyphs.map(({ extent: [start, end] }, k) => {
    if (k === first) {
      sign = x + (worksheetSign - worksheetGap) / 2;
      x += worksheetSign;
    }
    const left = x - start;
    x += end - start + worksheetGap;
    return left;
  });
  return { places, sign, equals: x + 4.3 };
}

Object.assign(tools, { worksheetPlan, worksheetLatents, worksheetGlyph, worksheetPlaces, worksheetAnswer });
