// What is drawn of a surface: an image with quotes and crosses, and the smile through one quote.

const SURFACE_SIDE = 20; // CSS pixels of a place
const SURFACE_EDGE = { left: 44, top: 6, bottom: 38 };
const SURFACE_COLOURS = [[0, 34, 78], [59, 73, 108], [124, 123, 120], [187, 173, 108], [254, 232, 56]]; // cividis // prettier-ignore

function surfaceColour(share) {
  const at = Math.max(0, Math.min(0.9999, share)) * (SURFACE_COLOURS.length - 1);
  const k = Math.floor(at);
  const mixed = SURFACE_COLOURS[k].map((v, i) => Math.round(v + (at - k) * (SURFACE_COLOURS[k + 1][i] - v)));
  return `rgb(${mixed.join(",")})`;
}

// The image: `x` logarithms of volatilities from `low` to `high`, `quotes`, which of them is chosen, and what is free money.
function surfaceDrawMap(area, { x, low, high, quotes, chosen, free, spec, words: text, theme }) {
  const pen = area.pen;
  const { left, top } = SURFACE_EDGE;
  const n = spec.moneyness.length;
  const side = SURFACE_SIDE;
  pen.clearRect(0, 0, left + n * side + 12, top + n * side + SURFACE_EDGE.bottom);
  x.forEach((v, i) => {
    pen.fillStyle = surfaceColour((v - low) / (high - low || 1));
    pen.fillRect(left + (i % n) * side, top + Math.floor(i / n) * side, side, side);
  });
  const middle = (place) => [left + ((place % n) + 0.5) * side, top + (Math.floor(place / n) + 0.5) * side];
  for (const place of [...free.calendar, ...free.butterfly]) {
    const [a, b] = middle(place);
    for (const [colour, width] of [["#fff", 4], ["#c1121f", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(a - 5, b - 5);
      pen.lineTo(a + 5, b + 5);
      pen.moveTo(a + 5, b - 5);
      pen.lineTo(a - 5, b + 5);
      pen.stroke();
    }
  }
  quotes.places.forEach((place, k) => {
    const [a, b] = middle(place);
    pen.beginPath();
    pen.arc(a, b, k === chosen ? 8 : 5.5, 0, 2 * Math.PI);
    pen.fillStyle = "#fff";
    pen.fill();
    pen.lineWidth = k === chosen ? 3.5 : 1.5;
    pen.strokeStyle = "#111";
    pen.stroke();
  });
  pen.fillStyle = theme.text;
  pen.font = "12px sans-serif";
  pen.textAlign = "center";
  for (const j of [0, 5, 10, n - 1]) pen.fillText(number(spec.moneyness[j], 1), left + (j + 0.5) * side, top + n * side + 15);
  pen.fillText(text.across, left + (n * side) / 2, top + n * side + 32);
  pen.textAlign = "right";
  for (const i of [0, 5, 10, n - 1]) pen.fillText(number(spec.times[i], 2), left - 6, top + (i + 0.5) * side + 4);
}

// The smile of one maturity: the truth, three completions (that of `way` with its band), and the quotes of this maturity.
function surfaceDrawSmile(area, { row, truth, found, way, quotes, chosen, spec, words: text, theme }) {
  const pen = area.pen;
  const [width, height] = [376, 250];
  const [left, right, high, low] = [44, 366, 10, 208];
  const n = spec.moneyness.length;
  const part = (x) => Array.from(x.slice(row * n, (row + 1) * n), (v) => 100 * Math.exp(v));
  const band = [-1, 1].map((s) => part(found[way].mean.map((v, i) => v + s * spec.band * found[way].sd[i])));
  const here = quotes.places.map((p, k) => [p, k]).filter(([p]) => Math.floor(p / n) === row);
  const every = [...part(truth), ...Object.values(found).flatMap((one) => part(one.mean)), ...band.flat()];
  every.push(...here.map(([, k]) => 100 * Math.exp(quotes.values[k])));
  const least = Math.max(0, Math.min(...every) - 1);
  const most = Math.min(Math.max(...every) + 1, 3 * Math.max(...part(truth)));
  const x = (j) => left + ((right - left) * j) / (n - 1);
  const y = (v) => low - ((low - high) * (v - least)) / (most - least);
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  pen.strokeRect(left, high, right - left, low - high);
  pen.save();
  pen.beginPath();
  pen.rect(left, high, right - left, low - high);
  pen.clip();
  const trace = (values) => values.forEach((v, j) => (j ? pen.lineTo(x(j), y(v)) : pen.moveTo(x(j), y(v))));
  const looks = { gaussian: [theme.orange, [7, 4]], volatilities: [theme.muted, [2, 3]], parameters: [theme.accent, [9, 3, 2, 3]] };
  pen.globalAlpha = 0.22;
  pen.fillStyle = looks[way][0];
  pen.beginPath();
  trace(band[0]);
  [...band[1]].reverse().forEach((v, j) => pen.lineTo(x(n - 1 - j), y(v)));
  pen.fill();
  pen.globalAlpha = 1;
  for (const [name, [colour, dashes]] of Object.entries(looks)) {
    pen.strokeStyle = colour;
    pen.setLineDash(dashes);
    pen.lineWidth = name === way ? 3 : 1.8;
    pen.beginPath();
    trace(part(found[name].mean));
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.strokeStyle = theme.blue;
  pen.lineWidth = 2;
  pen.beginPath();
  trace(part(truth));
  pen.stroke();
  for (const [p, k] of here) {
    pen.beginPath();
    pen.arc(x(p % n), y(100 * Math.exp(quotes.values[k])), k === chosen ? 6.5 : 4.5, 0, 2 * Math.PI);
    pen.fillStyle = theme.text;
    pen.fill();
  }
  pen.restore();
  pen.fillStyle = theme.text;
  pen.font = "12px sans-serif";
  pen.textAlign = "right";
  for (const v of [least, (least + most) / 2, most]) pen.fillText(number(v, 0), left - 6, y(v) + 4);
  pen.textAlign = "center";
  for (const j of [0, 5, 10, n - 1]) pen.fillText(number(spec.moneyness[j], 1), x(j), low + 15);
  pen.fillText(text.across, (left + right) / 2, low + 33);
}
