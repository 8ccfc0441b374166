// The pictures of the trainer demo: the critic's field, points, arrows, level lines, curves over time, the latent
// space.
// Blue is the data and what the critic takes for real, orange is the generator and what the critic takes for generated.

const trainerDraw = (() => {
  "use strict";
  const VIEW = 1.15; // the plane is drawn from -VIEW to VIEW

  const PALETTES = {
    light: {
      ...{ middle: [250, 250, 249], blue: [120, 175, 222], orange: [240, 172, 108] },
      ...{ real: "#0b4a85", fake: "#a33d00", rim: "#ffffff", ink: "#22262b", third: "#5b3a8c" },
    },
    dark: {
      ...{ middle: [27, 30, 35], blue: [24, 92, 150], orange: [158, 78, 20] },
      ...{ real: "#a9d4ff", fake: "#ffc48a", rim: "#101215", ink: "#e8eaed", third: "#cdb4f5" },
    },
  };
  const palette = (theme) => PALETTES[theme.dark ? "dark" : "light"];

  const mixed = (a, b, share) => a.map((x, k) => Math.round(x + share * (b[k] - x)));
  /** The colour of a value from -1 (generated, orange) to 1 (real, blue). */
  const shade = (paint, v) => mixed(paint.middle, v < 0 ? paint.orange : paint.blue, Math.min(1, Math.abs(v)));

  const across = (x, size) => ((x + VIEW) / (2 * VIEW)) * size;
  const down = (y, size) => ((VIEW - y) / (2 * VIEW)) * size;

  /** The point of the plane under a place of the canvas, kept to where data may lie: [-1, 1] in each direction. */
  const pointAt = ([x, y], size) =>
    [VIEW * ((2 * x) / size - 1), VIEW * (1 - (2 * y) / size)].map((v) => Math.max(-1, Math.min(1, v)));

  // ---- The field
  // ------------------------------------------------------------------------------------------------------

  const SIDE = 35; // the field is computed at SIDE x SIDE places

  /** The places, as rows for a critic; one coordinate only where data have one. */
  function places(dim) {
    if (dim === 1) return Float64Array.from({ length: SIDE }, (_, k) => VIEW * ((2 * k) / (SIDE - 1) - 1));
    const out = new Float64Array(2 * SIDE * SIDE);
    for (let j = 0; j < SIDE * SIDE; j++) {
      out[2 * j] = VIEW * ((2 * (j % SIDE)) / (SIDE - 1) - 1);
      out[2 * j + 1] = VIEW * (1 - (2 * Math.floor(j / SIDE)) / (SIDE - 1));
    }
    return out;
  }

  /** The colours of -1 to 1 in 256 steps, as bytes. */
  const colourRows = new Map();
  function colourRow(paint) {
    if (!colourRows.has(paint))
      colourRows.set(
        paint,
        Array.from({ length: 257 }, (_, k) => shade(paint, k / 128 - 1)),
      );
    return colourRows.get(paint);
  }

  /** Fills the canvas with the values (-1 to 1) at the places. */
  function field(canvas, size, values, paint) {
    const small = (canvas.small ??= Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }));
    const pen = small.getContext("2d");
    const image = pen.createImageData(SIDE, SIDE);
    const row = colourRow(paint);
    for (let j = 0; j < SIDE * SIDE; j++) {
      const colour = row[Math.round(128 * (1 + Math.max(-1, Math.min(1, values[j] || 0))))];
      for (let k = 0; k < 3; k++) image.data[4 * j + k] = colour[k];
      image.data[4 * j + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    // The places are the pixels' centres, so the outer half of the border pixels lies outside.
    canvas.pen.imageSmoothingEnabled = true;
    canvas.pen.drawImage(small, 0.5, 0.5, SIDE - 1, SIDE - 1, 0, 0, size, size);
  }

  // The corners of a cell, clockwise.
  const CORNERS = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];

  /** The lines where the values cross `level`, as pairs of places in units of the canvas (marching squares). */
  function levelLines(values, level, size) {
    const cell = size / (SIDE - 1);
    const segments = [];
    for (let row = 0; row + 1 < SIDE; row++) {
      for (let column = 0; column + 1 < SIDE; column++) {
        const at = row * SIDE + column;
        const above =
          (values[at] > level) +
          (values[at + 1] > level) +
          (values[at + SIDE] > level) +
          (values[at + SIDE + 1] > level);
        if (above === 0 || above === 4) continue;
        const v = CORNERS.map(([x, y]) => values[at + y * SIDE + x] - level);
        const crossings = [];
        for (let k = 0; k < 4; k++) {
          const next = (k + 1) % 4;
          if (v[k] > 0 === v[next] > 0) continue;
          const share = v[k] / (v[k] - v[next]);
          const [x, y] = CORNERS[k].map((c, axis) => c + share * (CORNERS[next][axis] - c));
          crossings.push([(column + x) * cell, (row + y) * cell]);
        }
        for (let k = 0; k + 1 < crossings.length; k += 2) segments.push([crossings[k], crossings[k + 1]]);
      }
    }
    return segments;
  }

  function strokeSegments(pen, segments, { colour, width = 1, dash = [], alpha = 1 }) {
    pen.save();
    Object.assign(pen, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
    pen.setLineDash(dash);
    pen.beginPath();
    for (const [[x, y], [u, v]] of segments) {
      pen.moveTo(x, y);
      pen.lineTo(u, v);
    }
    pen.stroke();
    pen.restore();
  }

  // ---- Points
  // ---------------------------------------------------------------------------------------------------------

  const SHAPES = {
    circle: (pen, x, y, r) => {
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, 2 * Math.PI);
    },
    triangle: (pen, x, y, r) => {
      pen.moveTo(x, y - 1.3 * r);
      pen.lineTo(x + 1.15 * r, y + 0.8 * r);
      pen.lineTo(x - 1.15 * r, y + 0.8 * r);
      pen.closePath();
    },
    cross: (pen, x, y, r) => {
      pen.moveTo(x - r, y - r);
      pen.lineTo(x + r, y + r);
      pen.moveTo(x + r, y - r);
      pen.lineTo(x - r, y + r);
    },
  };

  /** Rows (x, y) as marks: blue circles are data, orange triangles are generated, so that nobody needs the colours. */
  function points(canvas, size, rows, { shape, colour, rim, r = 2.4, alpha = 1 }) {
    const { pen } = canvas;
    pen.save();
    Object.assign(pen, { fillStyle: colour, strokeStyle: shape === "cross" ? colour : rim, globalAlpha: alpha });
    pen.lineWidth = shape === "cross" ? 1.4 : 2;
    pen.beginPath();
    for (let i = 0; i + 1 < rows.length; i += 2) {
      SHAPES[shape](pen, across(rows[i], size), down(rows[i + 1], size), r);
    }
    pen.stroke(); // the rims first, so that where points lie close their colour shows
    if (shape !== "cross") pen.fill();
    pen.restore();
  }

  /** Lines from rows to rows: where points came from, or what was made of them. */
  function links(canvas, size, from, to, style) {
    const segments = [];
    for (let i = 0; i + 1 < from.length; i += 2) {
      segments.push([
        [across(from[i], size), down(from[i + 1], size)],
        [across(to[i], size), down(to[i + 1], size)],
      ]);
    }
    strokeSegments(canvas.pen, segments, style);
  }

  /** Arrows along `pushes` from `rows`. Their length grows with the push and levels off at `longest`; no push, no arrow. */
  function arrows(canvas, size, rows, pushes, { colour, longest = 34, alpha = 0.85 }) {
    const segments = [];
    for (let i = 0; i + 1 < rows.length; i += 2) {
      const push = Math.hypot(pushes[i], pushes[i + 1]);
      const length = (longest * push) / (push + 0.6);
      if (!(length > 1)) continue;
      const [ux, uy] = [pushes[i] / push, -pushes[i + 1] / push];
      const [x, y] = [across(rows[i], size), down(rows[i + 1], size)];
      const tip = [x + length * ux, y + length * uy];
      const head = Math.min(5, 0.4 * length);
      segments.push([[x, y], tip]);
      for (const side of [-0.5, 0.5]) {
        segments.push([tip, [tip[0] - head * (ux + side * uy), tip[1] - head * (uy - side * ux)]]);
      }
    }
    strokeSegments(canvas.pen, segments, { colour, width: 1.3, alpha });
  }

  // ---- Charts
  // ---------------------------------------------------------------------------------------------------------

  /** Remembers a row of numbers a step in at most `capacity` means over equal numbers of steps. */
  function history(names, capacity = 240) {
    const self = { names, every: 1, rows: [], steps: 0 };
    let sums = names.map(() => 0);
    let count = 0;
    self.add = (values) => {
      self.steps += 1;
      count += 1;
      for (const [k, name] of names.entries()) sums[k] += values[name];
      if (count < self.every) return;
      self.rows.push(sums.map((sum) => sum / count));
      sums = names.map(() => 0);
      count = 0;
      if (self.rows.length < capacity) return;
      const halved = [];
      for (let j = 0; j + 1 < self.rows.length; j += 2) {
        halved.push(self.rows[j].map((x, k) => (x + self.rows[j + 1][k]) / 2));
      }
      self.rows = halved;
      self.every *= 2;
    };
    return self;
  }

  /**
   * Remembers the places (x, y) of a path: the first `capacity` of them and the last, and nothing in between. So every line
   * that is drawn is a step that was made, and no chord leads across what the path goes round.
   */
  function trace(capacity = 1500) {
    const self = { first: [], last: [] };
    self.add = (x, y) => {
      (self.first.length < 2 * capacity ? self.first : self.last).push(x, y);
      if (self.last.length > 4 * capacity) self.last = self.last.slice(-2 * capacity);
    };
    return self;
  }

  /** Round numbers, about `wanted` of them, from `low` to `high`. */
  function ticks(low, high, wanted = 4) {
    const raw = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((s) => s * power >= raw);
    const out = [];
    for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k++) out.push(k * step);
    return { values: out, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  const short = (x, digits) =>
    (Math.abs(x) >= 1e4 ? x.toExponential(0).replace("e+", "e") : x.toFixed(digits)).replace(/-/g, "\u2212");

  const FONT = "12px system-ui, sans-serif";
  const DASHES = [[], [6, 3], [2, 2.5]];

  function label(pen, text, x, y, { align = "left", baseline = "alphabetic", colour }) {
    Object.assign(pen, { font: FONT, textAlign: align, textBaseline: baseline, fillStyle: colour });
    pen.fillText(text, x, y);
  }

  /** A frame with ticks and the mapping from values to the canvas. `limits`: [low, high] of y; `end`: the last step. */
  function axes(canvas, [width, height], limits, end, theme, title) {
    const { pen } = canvas;
    const paint = palette(theme);
    const [left, right, top, bottom] = [46, width - 8, 24, height - 20];
    const x = (step) => left + (step / Math.max(1, end)) * (right - left);
    const y = (value) => bottom - ((value - limits[0]) / (limits[1] - limits[0])) * (bottom - top);
    const { values, digits } = ticks(limits[0], limits[1]);
    for (const value of values) {
      strokeSegments(
        pen,
        [
          [
            [left, y(value)],
            [right, y(value)],
          ],
        ],
        { colour: paint.ink, alpha: value === 0 ? 0.5 : 0.15 },
      );
      label(pen, short(value, digits), left - 5, y(value), { align: "right", baseline: "middle", colour: paint.ink });
    }
    label(pen, "0", left, height - 5, { colour: paint.ink });
    label(pen, title.replace("{n}", String(end)), right, height - 5, { align: "right", colour: paint.ink });
    return { x, y, left, right, top, bottom };
  }

  function limitsOf(rows, include) {
    let [low, high] = [Math.min(...include), Math.max(...include)];
    for (const row of rows) {
      for (const value of row) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    const room = 0.06 * (high - low || 1);
    return [low - room, high + room];
  }

  /** A chart of a history, or the words `empty` while there is none: one line a name, told apart by colour and dashes; names stand above it. */
  function chart(canvas, size, record, { names, colours, include = [0], title, empty, limits = null }, theme) {
    const { pen } = canvas;
    const [width, height] = size;
    pen.clearRect(0, 0, width, height);
    const { rows } = record;
    if (!rows.length) {
      label(pen, empty, width / 2, height / 2, { align: "center", baseline: "middle", colour: theme.muted });
      return;
    }
    const frame = axes(canvas, size, limits ?? limitsOf(rows, include), record.steps, theme, title);
    let at = frame.left;
    for (const [k, name] of names.entries()) {
      pen.save();
      pen.beginPath();
      pen.rect(frame.left, frame.top - 2, frame.right - frame.left, frame.bottom - frame.top + 4);
      pen.clip();
      Object.assign(pen, { strokeStyle: colours[k], lineWidth: 1.7, lineJoin: "round" });
      pen.setLineDash(DASHES[k % 3]);
      pen.beginPath();
      for (const [j, row] of rows.entries()) {
        if (Number.isFinite(row[k])) pen.lineTo(frame.x((j + 1) * record.every), frame.y(row[k]));
      }
      pen.stroke();
      pen.restore();
      strokeSegments(
        pen,
        [
          [
            [at, 11],
            [at + 20, 11],
          ],
        ],
        { colour: colours[k], width: 2, dash: DASHES[k % 3] },
      );
      label(pen, name, at + 25, 11, { baseline: "middle", colour: palette(theme).ink });
      at += 40 + pen.measureText(name).width;
    }
  }

  /** The Dirac-GAN's path (a trace) through the plane of its two numbers; the dot in the middle is where both should end. */
  function phase(canvas, [width, height], path, names, theme) {
    const { pen } = canvas;
    const paint = palette(theme);
    pen.clearRect(0, 0, width, height);
    const pieces = [path.first, path.last].filter((piece) => piece.length);
    let reach = 0.6;
    for (const piece of pieces) for (const value of piece) if (Math.abs(value) > reach) reach = Math.abs(value);
    const half = height / 2 - 8;
    const place = (piece, i) => [
      width / 2 + (piece[i] / (1.1 * reach)) * half,
      height / 2 - (piece[i + 1] / (1.1 * reach)) * half,
    ];
    const [cx, cy] = [width / 2, height / 2];
    const cross = [
      [
        [cx - half, cy],
        [cx + half, cy],
      ],
      [
        [cx, cy - half],
        [cx, cy + half],
      ],
    ];
    strokeSegments(pen, cross, { colour: paint.ink, alpha: 0.3 });
    label(pen, names[0], cx + half, cy + 14, { align: "right", colour: paint.ink });
    label(pen, names[1], cx + 6, cy - half + 10, { colour: paint.ink });
    label(pen, `\u00b1${short(1.1 * reach, 2)}`, 6, height - 8, { colour: paint.ink });
    Object.assign(pen, { strokeStyle: paint.fake, lineWidth: 1.3, fillStyle: paint.ink });
    for (const piece of pieces) {
      pen.beginPath();
      for (let i = 0; i + 1 < piece.length; i += 2) pen.lineTo(...place(piece, i));
      pen.stroke();
    }
    pen.beginPath();
    SHAPES.circle(pen, cx, cy, 3.5);
    pen.fill();
    pen.fillStyle = paint.fake;
    pen.beginPath();
    SHAPES.triangle(pen, ...place(pieces.at(-1), pieces.at(-1).length - 2), 5);
    pen.fill();
    pen.beginPath();
    SHAPES.circle(pen, ...place(path.first, 0), 5);
    pen.stroke();
  }

  // ---- The latent space of the VAE
  // ------------------------------------------------------------------------------------

  const Z = 3.5; // it is drawn from -Z to Z

  /** Two hidden numbers: the encoder's posteriors as ellipses (one standard deviation), the prior as dashed circles. */
  function latentPlane(canvas, size, codes, theme, names) {
    const { pen } = canvas;
    const paint = palette(theme);
    const at = (z) => ((z + Z) / (2 * Z)) * size;
    pen.clearRect(0, 0, size, size);
    pen.save();
    Object.assign(pen, { strokeStyle: paint.ink, lineWidth: 1.2, globalAlpha: 0.7 });
    pen.setLineDash([5, 4]);
    for (const radius of [1, 2]) {
      pen.beginPath();
      pen.arc(size / 2, size / 2, (radius * size) / (2 * Z), 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.restore();
    pen.save();
    Object.assign(pen, { strokeStyle: paint.real, fillStyle: paint.real, lineWidth: 1 });
    for (let i = 0; i < codes.length; i += 4) {
      const [a, b, u, v] = codes.subarray(i, i + 4);
      const [x, y] = [at(a), size - at(b)];
      const [rx, ry] = [u, v].map((logvar) => Math.min(size, (Math.exp(0.5 * logvar) * size) / (2 * Z)));
      pen.globalAlpha = 0.55;
      pen.beginPath();
      pen.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
      pen.stroke();
      pen.globalAlpha = 1;
      pen.beginPath();
      SHAPES.circle(pen, x, y, 1.6);
      pen.fill();
    }
    pen.restore();
    label(pen, names[0], size - 6, size / 2 - 5, { align: "right", colour: paint.ink });
    label(pen, names[1], size / 2 + 6, 14, { colour: paint.ink });
  }

  /** One hidden number: a posterior is a bar (one standard deviation each way); below, their mixture and the prior. */
  function latentLine(canvas, size, codes, theme, names) {
    const { pen } = canvas;
    const paint = palette(theme);
    const at = (z) => ((z + Z) / (2 * Z)) * size;
    pen.clearRect(0, 0, size, size);
    const rows = [];
    for (let i = 0; i < codes.length; i += 2) rows.push([codes[i], Math.exp(0.5 * codes[i + 1])]);
    const sorted = [...rows].sort((a, b) => a[0] - b[0]);
    const floor = 0.62 * size;
    const bars = sorted.map(([mu, sigma], k) => {
      const y = 14 + (k / Math.max(1, sorted.length - 1)) * (floor - 26);
      return [
        [at(mu - sigma), y],
        [at(mu + sigma), y],
      ];
    });
    strokeSegments(pen, bars, { colour: paint.real, width: 1.4, alpha: 0.6 });
    pen.fillStyle = paint.real;
    pen.beginPath();
    for (const [k, [mu]] of sorted.entries()) SHAPES.circle(pen, at(mu), bars[k][0][1], 1.8);
    pen.fill();

    const density = (z) =>
      rows.reduce((sum, [mu, s]) => sum + Math.exp(-0.5 * ((z - mu) / s) ** 2) / s, 0) / rows.length;
    const curve = (f) => {
      const out = [];
      for (let k = 0; k <= 140; k++) out.push(f(-Z + (k * Z) / 70));
      return out;
    };
    const [mixture, prior] = [curve(density), curve((z) => Math.exp(-0.5 * z * z))];
    const top = Math.min(4, Math.max(1, ...mixture));
    const bottom = size - 20;
    const place = (value, k) => [(k / 140) * size, bottom - (Math.min(value, top) / top) * (bottom - floor)];
    for (const [values, colour, dashed] of [
      [mixture, paint.real, false],
      [prior, paint.ink, true],
    ]) {
      const segments = values.slice(1).map((value, k) => [place(values[k], k), place(value, k + 1)]);
      strokeSegments(pen, dashed ? segments.filter((_, k) => k % 4 < 2) : segments, { colour, width: 1.6 });
    }
    for (const z of [-3, -2, -1, 0, 1, 2, 3]) {
      label(pen, short(z, 0), at(z), size - 5, { align: "center", colour: paint.ink });
    }
    label(pen, names[0], size - 6, floor - 2, { align: "right", colour: paint.ink });
  }

  /** Where the decoder puts the latent space: one line, or a net of lines for two hidden numbers. */
  function decoderNet(canvas, size, decode, latent, { colour }) {
    const stretch = Array.from({ length: 61 }, (_, k) => (k - 30) / 12); // -2.5 to 2.5
    const fixed = latent === 1 ? [0] : [-2, -1, 0, 1, 2];
    for (const axis of latent === 1 ? [0] : [0, 1]) {
      for (const value of fixed) {
        const z = Float64Array.from(stretch.flatMap((t) => (latent === 1 ? [t] : axis ? [value, t] : [t, value])));
        const line = decode(z);
        links(canvas, size, line.subarray(0, line.length - 2), line.subarray(2), { colour, width: 1.3, alpha: 0.75 });
      }
    }
  }

  /** A ring and a cross where the keyboard would put a point. */
  function cursor(canvas, size, [x, y], { colour }) {
    const [u, v] = [across(x, size), down(y, size)];
    const { pen } = canvas;
    pen.save();
    Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
    pen.beginPath();
    pen.arc(u, v, 8, 0, 2 * Math.PI);
    for (const [a, b] of [[0, 1], [1, 0], [0, -1], [-1, 0]]) {
      pen.moveTo(u + 5 * a, v + 5 * b);
      pen.lineTo(u + 12 * a, v + 12 * b);
    }
    pen.stroke();
    pen.restore();
  }

  return {
    ...{
      cursor,
      VIEW,
      SIDE,
      palette,
      shade,
      places,
      field,
      levelLines,
      strokeSegments,
      points,
      links,
      arrows,
      history,
      trace,
      chart,
      phase,
    },
    ...{ latentPlane, latentLine, decoderNet, ticks, across, down, pointAt },
  };
})();
