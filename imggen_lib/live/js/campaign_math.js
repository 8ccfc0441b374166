// One headline and one picture in ten sizes: colours and dots by the rules of imggen_lib/applications/campaign, number for number.
// Masks are counts of sixteenths. Layouts: campaign_layout.js; pixels and checks: campaign_draw.js.

const CAMPAIGN_AIM = 1.02;

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

Object.assign(tools, { campaignPalette, campaignContrast, campaignHalftone, campaignRadii });
