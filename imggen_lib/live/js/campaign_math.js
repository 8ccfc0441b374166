// One headline and one picture in ten sizes: colours, dots, layouts, pixels and checks by the rules of
// imggen_lib/applications/campaign, number for number. Masks are counts of sixteenths. Sizes are CSS pixels.

const CAMPAIGN_SIZES = [
  [970, 250, 250], [970, 90, 200], [728, 90, 150], [320, 50, 50], [300, 50, 50],
  [300, 250, 150], [160, 600, 150], [300, 1050, 250], [640, 1136, 300], [120, 60, 50],
];
const CAMPAIGN_AIM = 1.02;
const CAMPAIGN_MARK = [[0.14, 0.14], [0.58, 0.22], [1.18, 0.3]];
const CAMPAIGN_WORD = 1.8;
const CAMPAIGN_BRAND = "latent";
const CAMPAIGN_LEAST = 11;

// Colours: OKLCH to 8-bit sRGB, as coloraide has it.
function campaignLinear([l, c, hue]) {
  const turn = (hue * Math.PI) / 180;
  const [a, b] = [c * Math.cos(turn), c * Math.sin(turn)];
  const x = l + 0.3963377773761749 * a + 0.21580375730991364 * b;
  const y = l - 0.10556134581565857 * a - 0.0638541728258133 * b;
  const z = l - 0.08948417752981186 * a - 1.2914855480194092 * b;
  const times = (m, v) => m.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
  const xyz = times(
    [
      [1.226879875845924, -0.5578149944602171, 0.2813910456659647],
      [-0.04057574521480083, 1.112286803280317, -0.07171105806551635],
      [-0.07637293667466008, -0.42149333240224324, 1.5869240198367818],
    ],
    [x ** 3, y ** 3, z ** 3],
  );
  return times(
    [
      [3.240969941904523, -1.5373831775700941, -0.4986107602930035],
      [-0.9692436362808797, 1.8759675015077204, 0.04155505740717562],
      [0.05563007969699365, -0.20397695888897652, 1.0569715142428784],
    ],
    xyz,
  );
}

function campaignChannels(color) {
  return campaignLinear(color).map((v) => {
    const size = Math.abs(v);
    return size > 0.0031308 ? Math.sign(v) * (1.055 * size ** (1 / 2.4) - 0.055) : 12.92 * v;
  });
}

function campaignOklch(lightness, chroma, hue) {
  const turn = ((hue % 360) + 360) % 360;
  const l = Math.min(Math.max(lightness, 0), 1);
  const inside = (c) => campaignChannels([l, c, turn]).every((v) => v >= -0.000075 && v <= 1.000075);
  let c = chroma;
  if (!inside(c)) {
    let [low, high] = [0, chroma];
    for (let k = 0; k < 20; k++) {
      const middle = (low + high) / 2;
      if (inside(middle)) low = middle;
      else high = middle;
    }
    c = low;
  }
  return campaignChannels([l, c, turn]).map((v) => Math.floor(Math.min(Math.max(v, 0), 1) * 255 + 0.5));
}

const campaignCurve = Float64Array.from({ length: 256 }, (_, k) => {
  const v = k / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

function campaignLuminance(r, g, b) {
  const of = campaignCurve;
  return 0.21263900587151024 * of[r] + 0.715168678767756 * of[g] + 0.07219231536073371 * of[b];
}

function campaignRatio(a, b) {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function campaignContrast(a, b) {
  return campaignRatio(campaignLuminance(...a), campaignLuminance(...b));
}

function campaignSolved(lightness, chroma, hue, ground, ratio) {
  const enough = (v) => campaignContrast(campaignOklch(v, chroma, hue), ground) >= ratio;
  if (enough(lightness)) return campaignOklch(lightness, chroma, hue);
  let [met, missed] = [0, lightness];
  for (let k = 0; k < 20; k++) {
    const middle = (met + missed) / 2;
    if (enough(middle)) met = middle;
    else missed = middle;
  }
  return campaignOklch(met, chroma, hue);
}

function campaignPalette(hue) {
  const paper = campaignOklch(0.975, 0.012, hue);
  const panel = campaignOklch(0.84, 0.11, hue);
  return {
    paper,
    ink: campaignSolved(0.28, 0.06, hue, paper, 4.5 * CAMPAIGN_AIM),
    panel,
    dots: campaignSolved(0.32, 0.09, hue, panel, 3 * CAMPAIGN_AIM),
    button: campaignSolved(0.62, 0.19, hue + 150, paper, 4.5 * CAMPAIGN_AIM),
    button_text: paper,
  };
}

// Dots whose area is the grey value.
function campaignArea(r) {
  if (r >= Math.sqrt(0.5)) return 1;
  if (r <= 0.5) return Math.PI * r * r;
  return Math.PI * r * r - 4 * (r * r * Math.acos(0.5 / r) - 0.5 * Math.sqrt(r * r - 0.25));
}

let campaignStored = null;
function campaignRadii() {
  campaignStored ??= Float64Array.from({ length: 256 }, (_, level) => {
    if (level === 0 || level === 255) return level / 255;
    let [low, high] = [0, Math.sqrt(0.5)];
    for (let k = 0; k < 40; k++) {
      const middle = (low + high) / 2;
      if (campaignArea(middle) < level / 255) low = middle;
      else high = middle;
    }
    return high;
  });
  return campaignStored;
}

// Ink between the pixels of an image of side x side: cubic B-spline, 0 outside.
function campaignGrey(image, side, x, y) {
  const weights = (t) => [(1 - t) ** 3 / 6, (3 * t ** 3 - 6 * t ** 2 + 4) / 6, (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6, t ** 3 / 6];
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [across, down] = [weights(x - 0.5 - left), weights(y - 0.5 - top)];
  let total = 0;
  for (let j = 0; j < 4; j++) {
    const row = top + j - 1;
    if (row < 0 || row >= side) continue;
    for (let i = 0; i < 4; i++) {
      const column = left + i - 1;
      if (column >= 0 && column < side) total += down[j] * across[i] * image[row * side + column];
    }
  }
  return total;
}

function campaignCell(side) {
  return Math.max(2, side / 46, Math.min(3, side / 28));
}

function campaignHalftone(image, side, width, height, [left, top, wide, high], cell, least = 0, angle = 30) {
  const cover = new Uint8Array(width * height);
  const rim = 2 * cell + 2 * Math.max(wide / side, high / side);
  const [x0, x1] = [Math.max(0, Math.trunc(left - rim)), Math.min(width, Math.trunc(left + wide + rim) + 1)];
  const [y0, y1] = [Math.max(0, Math.trunc(top - rim)), Math.min(height, Math.trunc(top + high + rim) + 1)];
  if (x1 <= x0 || y1 <= y0) return cover;
  const c = Math.cos((angle * Math.PI) / 180);
  const s = Math.sin((angle * Math.PI) / 180);
  const corners = [x0, x1].flatMap((x) => [y0, y1].map((y) => [x * c + y * s, y * c - x * s]));
  const bound = (f, k) => Math.floor(f(...corners.map((p) => p[k])) / cell);
  const first = [bound(Math.min, 0), bound(Math.min, 1)];
  const columns = bound(Math.max, 0) - first[0] + 1;
  const rows = bound(Math.max, 1) - first[1] + 1;
  const squared = new Float64Array(columns * rows);
  const radii = campaignRadii();
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const [u, v] = [first[0] + i + 0.5, first[1] + j + 0.5];
      const x = (u * c - v * s) * cell - left;
      const y = (u * s + v * c) * cell - top;
      let grey = campaignGrey(image, side, (x * side) / wide, (y * side) / high);
      if (grey < least) grey = 0;
      squared[j * columns + i] = radii[Math.floor(Math.min(Math.max(grey, 0), 1) * 255 + 0.5)] ** 2;
    }
  }
  for (let py = y0; py < y1; py++) {
    for (let px = x0; px < x1; px++) {
      let count = 0;
      for (let k = 0; k < 16; k++) {
        const x = px + ((k & 3) + 0.5) / 4;
        const y = py + ((k >> 2) + 0.5) / 4;
        const u = (x * c + y * s) / cell;
        const v = (y * c - x * s) / cell;
        const [i, j] = [Math.floor(u), Math.floor(v)];
        if ((u - i - 0.5) ** 2 + (v - j - 0.5) ** 2 < squared[(j - first[1]) * columns + i - first[0]]) count++;
      }
      cover[py * width + px] = count;
    }
  }
  return cover;
}

// Layouts: whole pixels, by the size alone. `measure` gives the width of a text in em.
const campaignClamp = (v, low, high) => Math.max(low, Math.min(v, high));
const campaignCap = (px) => Math.floor((px * 73 + 50) / 100);
const campaignLeading = (px) => Math.floor((px * 112 + 50) / 100);
const campaignTall = (px, lines) => campaignCap(px) + (lines - 1) * campaignLeading(px);
const campaignTextWidth = (text, px, measure) => Math.ceil(measure(text) * px * 1.05);
const campaignBrandWidth = (px, measure) =>
  campaignTextWidth(CAMPAIGN_BRAND, px, measure) + Math.trunc(CAMPAIGN_WORD * px);

function campaignWrap(text, width, measure) {
  const lines = [];
  for (const word of text.trim().split(/\s+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`;
    if (lines.length && measure(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function campaignBalanced(text, width, measure) {
  let best = campaignWrap(text, width, measure);
  for (let k = 23; k > 0; k--) {
    const tried = campaignWrap(text, (width * k) / 24, measure);
    if (tried.length > best.length || Math.max(...tried.map(measure)) > width) break;
    best = tried;
  }
  return best;
}

function campaignFitted(text, width, height, most, lines, measure) {
  for (let px = most; px >= CAMPAIGN_LEAST; px--) {
    const room = width / (px * 1.05);
    const found = campaignBalanced(text, room, measure);
    const fits = found.length <= lines && campaignTall(px, found.length) <= height;
    if (fits && Math.max(...found.map(measure)) <= room) return [px, found];
  }
  return [0, []];
}

function campaignCount(width, height) {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  return campaignClamp(Math.floor((2 * long + short) / (2 * short)), 1, 4);
}

const campaignLines = (found, x, top, px) =>
  found.map((text, k) => ({ text, x, y: top + campaignCap(px) + k * campaignLeading(px), px }));

function campaignButton(text, x, bottom, room, px, measure) {
  for (let size = px; size >= 10; size--) {
    const inside = campaignTextWidth(text, size, measure);
    const high = Math.floor((size * 12) / 5);
    if (inside + 2 * size > room) continue;
    const box = { x, y: bottom - high, w: inside + 2 * size, h: high };
    const middle = x + Math.floor((box.w - Math.trunc(measure(text) * size)) / 2);
    return [box, { text, x: middle, y: box.y + Math.floor((high + campaignCap(size)) / 2), px: size }];
  }
  return null;
}

function campaignTower(w, h, headline, button, measure) {
  const m = campaignClamp(Math.floor(Math.min(w, h) / 12), 12, 48);
  const brand = campaignClamp(m, 14, 40);
  const found = campaignButton(button, m, h - m, w - 2 * m, campaignClamp(Math.floor((m * 2) / 3), 11, 28), measure);
  const [px, lines] = campaignFitted(headline, w - 2 * m, Math.floor((h * 24) / 100), Math.floor(w / 6), 4, measure);
  if (!px || !found) return null;
  const top = found[0].y - m - Math.floor(px / 5) - campaignTall(px, lines.length);
  const y = m + campaignCap(brand) + m;
  return {
    kind: "tower", picture: { x: 0, y, w, h: top - m - y }, garments: campaignCount(w, top - m - y),
    headline: campaignLines(lines, m, top, px), brand: { text: CAMPAIGN_BRAND, x: m, y: m + campaignCap(brand), px: brand },
    stacked: false, button: found[0], button_text: found[1], note: "",
  };
}

function campaignSide(w, h, headline, button, measure) {
  const m = campaignClamp(Math.floor(Math.min(w, h) / 12), 12, 48);
  const wide = Math.floor((w * 44) / 100);
  const room = w - wide - 2 * m;
  const brand = campaignClamp(Math.floor(Math.min(w, h) / 14), 14, 40);
  const found = campaignButton(button, m, h - m, room, campaignClamp(Math.floor(w / 60), 12, 28), measure);
  if (!found) return null;
  const [low, high] = [m + campaignCap(brand) + m, found[0].y - m];
  const [px, lines] = campaignFitted(headline, room, high - low, Math.floor((h * 22) / 100), 4, measure);
  if (!px) return null;
  const top = low + Math.floor((high - low - campaignTall(px, lines.length)) / 2);
  return {
    kind: "side", picture: { x: w - wide, y: 0, w: wide, h }, garments: campaignCount(wide, h),
    headline: campaignLines(lines, m, top, px), brand: { text: CAMPAIGN_BRAND, x: m, y: m + campaignCap(brand), px: brand },
    stacked: false, button: found[0], button_text: found[1], note: "",
  };
}

function campaignStrip(w, h, headline, button, measure) {
  const m = campaignClamp(Math.floor(h / 7), 7, 14);
  const count = campaignClamp(Math.floor(w / 300), 1, 4);
  const wide = count * h + Math.floor(h / 4);
  const brand = campaignClamp(Math.floor(h / 5), 13, 20);
  let column = campaignBrandWidth(brand, measure);
  const found = h >= 60 ? campaignButton(button, 0, h - m, Math.floor(w / 4), 13, measure) : null;
  if (h >= 60 && !found) return null;
  if (found) column = Math.max(column, found[0].w);
  const x = w - m - column;
  const [px, lines] = campaignFitted(headline, x - wide - 3 * m, h - 2 * m, Math.floor((h * 2) / 5), 2, measure);
  if (!px) return null;
  const top = Math.floor((h - campaignTall(px, lines.length)) / 2);
  const drop = found ? 2 : Math.floor((h - 2 * m - campaignCap(brand)) / 2);
  return {
    kind: "strip", picture: { x: 0, y: 0, w: wide, h }, garments: count,
    headline: campaignLines(lines, wide + Math.floor((3 * m) / 2), top, px),
    brand: { text: CAMPAIGN_BRAND, x, y: m + campaignCap(brand) + drop, px: brand }, stacked: false,
    button: found && { ...found[0], x }, button_text: found && { ...found[1], x: found[1].x + x },
    note: found ? "" : "whole",
  };
}

function campaignLogo(w, h, measure, note) {
  const m = campaignClamp(Math.floor(Math.min(w, h) / 10), 5, 24);
  const flat = w >= h;
  const wide = flat ? Math.floor(w / 2) : w;
  const high = Math.floor((h * 3) / 4);
  const picture = flat ? { x: 0, y: 0, w: wide, h } : { x: 0, y: 0, w, h: high };
  const left = flat ? { x: wide, y: 0, w: w - wide, h } : { x: 0, y: high, w, h: h - high };
  const done = (brand, stacked) => ({
    kind: "logo", picture, garments: campaignCount(picture.w, picture.h), headline: [], brand, stacked,
    button: null, button_text: null, note,
  });
  for (let px = campaignClamp(Math.floor((left.h * 2) / 5), 11, 28); px > 10; px--) {
    const room = campaignBrandWidth(px, measure);
    if (room > left.w - 2 * m || px > left.h - 2 * m) continue;
    const x = left.x + Math.floor((left.w - room) / 2);
    return done({ text: CAMPAIGN_BRAND, x, y: left.y + Math.floor((left.h + campaignCap(px)) / 2), px }, false);
  }
  let px = 40;
  while (px > 10 && campaignTextWidth(CAMPAIGN_BRAND, px, measure) > left.w - 2 * m) px--;
  const x = left.x + Math.floor((left.w - Math.trunc(measure(CAMPAIGN_BRAND) * px)) / 2);
  return done({ text: CAMPAIGN_BRAND, x, y: left.y + Math.floor(left.h / 2) + campaignCap(px) + 1, px }, true);
}

// The layout of a size; `note` is "", "whole" (no button), "small" (too small for a headline) or "long" (this one is).
function campaignLayout(width, height, headline, measure, button) {
  let found = null;
  const small = width * height < 10000;
  if (!small) {
    const kind = height > width ? campaignTower : height < 150 ? campaignStrip : campaignSide;
    found = kind(width, height, headline, button, measure);
  }
  return { width, height, ...(found || campaignLogo(width, height, measure, small ? "small" : "long")) };
}

Object.assign(tools, { campaignPalette, campaignContrast, campaignHalftone, campaignLayout, campaignRadii, CAMPAIGN_SIZES });
