// From a layout to pixels, to checks, to a file: imggen_lib/applications/campaign/render.py and checks.py once more.
// `mask(line, width, height, shift)` gives how much of each pixel a line of text covers, in sixteenths.

function campaignSquares(picture, count) {
  const step = Math.max(picture.w, picture.h) / count;
  const short = Math.min(picture.w, picture.h);
  const side = (Math.min(step, short) * 88) / 100;
  const across = picture.w >= picture.h;
  return Array.from({ length: count }, (_, k) => {
    const [a, b] = [(k + 0.5) * step, short / 2];
    return [picture.x + (across ? a : b) - side / 2, picture.y + (across ? b : a) - side / 2, side];
  });
}

function campaignDots(layout, garments) {
  const { picture, width, height } = layout;
  const out = new Uint8Array(width * height);
  campaignSquares(picture, layout.garments).forEach(([x, y, side], k) => {
    const box = [x - picture.x, y - picture.y, side, side];
    const image = garments[k % garments.length];
    const made = campaignHalftone(image, 28, picture.w, picture.h, box, campaignCell(Math.trunc(side)), 0.12);
    for (let j = 0; j < picture.h; j++) {
      for (let i = 0; i < picture.w; i++) {
        const at = (picture.y + j) * width + picture.x + i;
        out[at] = Math.max(out[at], made[j * picture.w + i]);
      }
    }
  });
  return out;
}

function campaignDiscs(discs, width, height) {
  const cover = new Uint8Array(width * height);
  for (const [cx, cy, r] of discs) {
    for (let py = Math.max(0, Math.trunc(cy - r) - 1); py < Math.min(height, Math.trunc(cy + r) + 2); py++) {
      for (let px = Math.max(0, Math.trunc(cx - r) - 1); px < Math.min(width, Math.trunc(cx + r) + 2); px++) {
        let count = 0;
        for (let k = 0; k < 16; k++) {
          count += (px + ((k & 3) + 0.5) / 4 - cx) ** 2 + (py + ((k >> 2) + 0.5) / 4 - cy) ** 2 < r * r;
        }
        cover[py * width + px] = Math.max(cover[py * width + px], count);
      }
    }
  }
  return cover;
}

function campaignPill({ x, y, w, h }, width, height) {
  const mask = campaignDiscs([[x + h / 2, y + h / 2, h / 2], [x + w - h / 2, y + h / 2, h / 2]], width, height);
  const half = Math.floor(h / 2);
  for (let j = y; j < y + h; j++) mask.fill(16, j * width + x + half, j * width + x + w - half);
  return mask;
}

// The brand's name as a line of text, and its dots.
function campaignBrandParts({ brand, stacked }, measure) {
  const mark = CAMPAIGN_MARK;
  if (stacked) {
    const left = brand.x + (measure(brand.text) * brand.px - (mark[2][0] + mark[2][1]) * brand.px) / 2;
    return [brand, mark.map(([x, r]) => [left + x * brand.px, brand.y - 1.2 * brand.px, r * brand.px])];
  }
  const dots = mark.map(([x, r]) => [brand.x + x * brand.px, brand.y - 0.365 * brand.px, r * brand.px]);
  return [{ ...brand, x: brand.x + Math.trunc(CAMPAIGN_WORD * brand.px) }, dots];
}

// All pixels of a banner, three bytes each, and its masks. `dots` may be given, if they are known.
function campaignRender(layout, palette, garments, measure, mask, dots = null) {
  const { width, height, picture } = layout;
  const values = new Float64Array(3 * width * height);
  for (let i = 0; i < values.length; i++) values[i] = palette.paper[i % 3];
  for (let j = picture.y; j < picture.y + picture.h; j++) {
    for (let i = 3 * (j * width + picture.x); i < 3 * (j * width + picture.x + picture.w); i++) values[i] = palette.panel[i % 3];
  }
  const lay = (colour, cover) => {
    for (let k = 0; k < cover.length; k++) {
      if (cover[k]) for (let c = 0; c < 3; c++) values[3 * k + c] += (cover[k] / 16) * (colour[c] - values[3 * k + c]);
    }
    return cover;
  };
  const [name, mark] = campaignBrandParts(layout, measure);
  const masks = { dots: lay(palette.dots, dots || campaignDots(layout, garments)) };
  const lines = {};
  layout.headline.forEach((line, k) => (lines[`headline ${k + 1}`] = line));
  for (const key of Object.keys(lines)) masks[key] = lay(palette.ink, mask(lines[key], width, height, 0));
  masks.brand = lay(palette.ink, mask(name, width, height, 0));
  lay(palette.ink, campaignDiscs(mark, width, height));
  if (layout.button) {
    lay(palette.button, campaignPill(layout.button, width, height));
    lines.button = layout.button_text;
    masks.button = lay(palette.button_text, mask(layout.button_text, width, height, 0));
  }
  lines.brand = name;
  const pixels = Uint8Array.from(values, (v) => Math.floor(v + 0.5));
  const edge = (k) => pixels.set(palette.ink, 3 * k);
  for (let i = 0; i < width; i++) [i, (height - 1) * width + i].forEach(edge);
  for (let j = 0; j < height; j++) [j * width, (j + 1) * width - 1].forEach(edge);
  return { layout, palette, pixels, masks, lines };
}

const campaignSum = (list) => list.reduce((a, b) => a + b, 0);

// The numbers that numpy.percentile and numpy.median give.
function campaignQuantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

// The lowest contrast of a text with what is up to `around` pixels away: the 5th percentile over its full pixels.
function campaignLowContrast(light, cover, width, height, around) {
  const ratios = [];
  let core = false;
  let ground = false;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (cover[y * width + x] !== 16) continue;
      core = true;
      let [low, high] = [2, -1];
      for (let j = Math.max(0, y - around); j <= Math.min(height - 1, y + around); j++) {
        for (let i = Math.max(0, x - around); i <= Math.min(width - 1, x + around); i++) {
          if (cover[j * width + i]) continue;
          const v = light[j * width + i];
          if (v < low) low = v;
          if (v > high) high = v;
        }
      }
      if (high < 0) continue;
      ground = true;
      const text = light[y * width + x];
      ratios.push(Math.min(campaignRatio(text, low), campaignRatio(text, high)));
    }
  }
  return core && ground ? campaignQuantile(ratios, 0.05) : 1;
}

// All checks but the weight: a list of { name, value, bar, atLeast, which, found }.
function campaignChecks({ layout, pixels, masks, lines }, mask) {
  const { width, height, picture } = layout;
  const light = new Float64Array(width * height);
  for (let k = 0; k < light.length; k++) light[k] = campaignLuminance(pixels[3 * k], pixels[3 * k + 1], pixels[3 * k + 2]);
  const inside = (k, { x, y, w, h }) => {
    const [i, j] = [k % width, Math.floor(k / width)];
    return i >= x && i < x + w && j >= y && j < y + h;
  };
  const names = Object.keys(lines);
  const frame = { x: 3, y: 3, w: width - 6, h: height - 6 };
  const whole = names.map((name) => {
    const free = campaignSum(mask(lines[name], width + 120, height + 120, 60));
    let kept = 0;
    masks[name].forEach((v, k) => (kept += v && inside(k, frame) ? v : 0));
    return free ? kept / free : 0;
  });
  let apart = 0;
  for (let k = 0; k < light.length; k++) {
    let count = 0;
    for (const name of names) count += masks[name][k] > 0;
    apart += (count > 1) + (count > 0 && inside(k, picture));
    if (layout.button && masks.button[k] && !inside(k, layout.button)) apart++;
  }
  const least = { headline: 8, button: 7, brand: 7 };
  const tall = names.map((name) => {
    const first = masks[name].findIndex((v) => v > 0);
    const high = first < 0 ? 0 : Math.max(0, lines[name].y - Math.floor(first / width));
    return [high / least[name.split(" ")[0]], name, high];
  });
  const read = names.map((name) => {
    const ratio = campaignLowContrast(light, masks[name], width, height, 4);
    return [ratio / (lines[name].px >= 18.66 ? 3 : 4.5), name, ratio];
  });
  const smallest = (list) => list.reduce((a, b) => (b[0] < a[0] ? b : a));
  const ring = (k) => !inside(k, { x: 1, y: 1, w: width - 2, h: height - 2 });
  const edges = [...light].filter((_, k) => ring(k));
  const border = Math.max(...edges) === Math.min(...edges) ? 1.05 / (Math.max(...edges) + 0.05) : 1;
  const free = [];
  for (let k = 0; k < light.length; k++) if (inside(k, picture) && !ring(k)) free.push(k);
  let top = 0;
  for (const k of free) top = Math.max(top, masks.dots[k]);
  const medians = [top, 0].map((v) => free.filter((k) => masks.dots[k] === v).map((k) => light[k]));
  const clear = top > 0 && medians[1].length > 0;
  const shape = clear ? campaignRatio(...medians.map((list) => campaignQuantile(list, 0.5))) : 1;
  const [high, dim] = [smallest(tall), smallest(read)];
  return [
    { name: "whole", value: Math.min(...whole), bar: 1, atLeast: true },
    { name: "apart", value: apart, bar: 0, atLeast: false },
    { name: "legible", value: high[0], bar: 1, atLeast: true, which: high[1], found: high[2] },
    { name: "contrast", value: dim[0], bar: 1, atLeast: true, which: dim[1], found: dim[2] },
    { name: "picture", value: shape, bar: 3, atLeast: true },
    { name: "border", value: border, bar: 3, atLeast: true },
  ];
}

const campaignPassed = ({ value, bar, atLeast }) => (atLeast ? value >= bar : value <= bar);

// The file: a PNG with a table of colours where there are at most 256.
const campaignCrcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function campaignChunk(kind, data) {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let k = 0; k < 4; k++) out[4 + k] = kind.charCodeAt(k);
  out.set(data, 8);
  let c = 0xffffffff;
  for (let k = 4; k < 8 + data.length; k++) c = campaignCrcTable[(c ^ out[k]) & 255] ^ (c >>> 8);
  view.setUint32(8 + data.length, (c ^ 0xffffffff) >>> 0);
  return out;
}

async function campaignPng(pixels, width, height) {
  const table = new Map();
  const index = new Uint8Array(width * height);
  for (let k = 0; k < index.length; k++) {
    const packed = (pixels[3 * k] << 16) | (pixels[3 * k + 1] << 8) | pixels[3 * k + 2];
    let at = table.get(packed);
    if (at === undefined) table.set(packed, (at = table.size));
    index[k] = at;
  }
  const few = table.size <= 256;
  const [source, step] = few ? [index, width] : [pixels, 3 * width];
  const raw = new Uint8Array(height * (step + 1));
  for (let j = 0; j < height; j++) raw.set(source.subarray(j * step, (j + 1) * step), j * (step + 1) + 1);
  const stream = new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(stream).arrayBuffer());
  const head = new Uint8Array(13);
  new DataView(head.buffer).setUint32(0, width);
  new DataView(head.buffer).setUint32(4, height);
  head.set([8, few ? 3 : 2, 0, 0, 0], 8);
  const colours = Uint8Array.from([...table.keys()].flatMap((p) => [p >> 16, (p >> 8) & 255, p & 255]));
  const parts = [
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    campaignChunk("IHDR", head),
    ...(few ? [campaignChunk("PLTE", colours)] : []),
    campaignChunk("IDAT", data),
    campaignChunk("IEND", new Uint8Array(0)),
  ];
  const out = new Uint8Array(campaignSum(parts.map((part) => part.length)));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
}

Object.assign(tools, { campaignRender, campaignChecks, campaignPng });
