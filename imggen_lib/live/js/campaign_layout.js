// Where things stand in ten sizes, by the rules of imggen_lib/applications/campaign/layout.py: whole CSS pixels, by the size alone.
// `measure` gives the width of a text in em.

const CAMPAIGN_SIZES = [
  [970, 250, 250], [970, 90, 200], [728, 90, 150], [320, 50, 50], [300, 50, 50],
  [300, 250, 150], [160, 600, 150], [300, 1050, 250], [640, 1136, 300], [120, 60, 50],
];
const CAMPAIGN_MARK = [[0.14, 0.14], [0.58, 0.22], [1.18, 0.3]];
const CAMPAIGN_WORD = 1.8;
const CAMPAIGN_BRAND = "latent";
const CAMPAIGN_LEAST = 11;

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

Object.assign(tools, { campaignLayout, CAMPAIGN_SIZES });
