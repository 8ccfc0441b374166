// "Reconstruct what I draw": a drawing is centred and scaled like MNIST, the VAE reads it and draws it again, and two
// numbers say how well it knows such an image.
//
// options: model (the name of a file with encoder and decoder), draws (of z, for the estimate of log p).

words.drawing = {
  loading: "Loading the model \u2026",
  area: "Place to draw a digit, with a mouse, a finger or a pen. The buttons with digits draw one for you",
  hint: "Draw a digit here.",
  clear: "Clear",
  undo: "Undo",
  examples: "Or let one be drawn:",
  example: "Draw the digit {k}",
  pen: "Pen",
  penValue: "{v} pixels",
  tilt: "Tilt",
  seen: "What the model sees",
  again: "What it draws again",
  apart: "Where they differ",
  empty: "Nothing is drawn yet.",
  nats: "log p(x), nats",
  ssim: "SSIM",
  natsOf: "log p(x) is about {v} nats; {share} of 100 test digits have less.",
  ssimOf: "SSIM of the two images {v}; {share} of 100 test digits have less.",
  scale:
    "Scale of {name}: half of the test digits lie between {q1} and {q3}, nine tenths between {low} and {high}; this drawing: {v}",
  how:
    "The drawing is scaled into a box of 20 by 20 pixels, and its centre of mass is put into the middle of 28 by 28, as for MNIST. " +
    "The model draws again from the mean of q(z|x). For log p(x) every pixel is tossed like a coin, white with the probability " +
    "that its grey value gives, as in training; then {draws} draws of z give the importance-weighted estimate. The coins and " +
    "the draws are always the same, so that only your drawing changes the number. The light bar holds nine tenths of " +
    "{images} test digits, the dark one half.",
};

// The digits as strokes in a box of 1 by 1, y downwards; a point that stands twice is a corner.
const drawingDigits = [
  [
    [
      [0.55, 0],
      [0.22, 0.12],
      [0.1, 0.5],
      [0.2, 0.87],
      [0.5, 1],
      [0.8, 0.87],
      [0.9, 0.5],
      [0.8, 0.13],
      [0.5, 0],
    ],
  ],
  [
    [
      [0.58, 0],
      [0.5, 0.5],
      [0.42, 1],
    ],
  ],
  [
    [
      [0.12, 0.25],
      [0.25, 0.05],
      [0.55, 0],
      [0.82, 0.12],
      [0.8, 0.38],
      [0.5, 0.7],
      [0.1, 1],
      [0.1, 1],
      [0.5, 0.97],
      [0.95, 0.98],
    ],
  ],
  [
    [
      [0.12, 0.12],
      [0.45, 0],
      [0.8, 0.1],
      [0.76, 0.35],
      [0.4, 0.48],
      [0.4, 0.48],
      [0.85, 0.6],
      [0.85, 0.9],
      [0.5, 1],
      [0.1, 0.9],
    ],
  ],
  [
    [
      [0.3, 0],
      [0.1, 0.55],
      [0.1, 0.55],
      [0.9, 0.52],
    ],
    [
      [0.74, 0.05],
      [0.68, 0.5],
      [0.62, 1],
    ],
  ],
  [
    [
      [0.85, 0.02],
      [0.28, 0.05],
      [0.28, 0.05],
      [0.2, 0.45],
      [0.2, 0.45],
      [0.55, 0.38],
      [0.85, 0.6],
      [0.8, 0.9],
      [0.45, 1],
      [0.1, 0.9],
    ],
  ],
  [
    [
      [0.68, 0],
      [0.35, 0.25],
      [0.15, 0.7],
      [0.3, 0.98],
      [0.68, 0.98],
      [0.82, 0.75],
      [0.62, 0.56],
      [0.32, 0.62],
      [0.17, 0.82],
    ],
  ],
  [
    [
      [0.1, 0.05],
      [0.5, 0.05],
      [0.9, 0.03],
      [0.9, 0.03],
      [0.6, 0.5],
      [0.42, 1],
    ],
  ],
  [
    [
      [0.76, 0.15],
      [0.5, 0],
      [0.24, 0.12],
      [0.32, 0.4],
      [0.7, 0.6],
      [0.78, 0.88],
      [0.5, 1],
      [0.22, 0.88],
      [0.3, 0.6],
      [0.68, 0.4],
      [0.76, 0.15],
    ],
  ],
  [
    [
      [0.78, 0.22],
      [0.52, 0.02],
      [0.22, 0.2],
      [0.3, 0.44],
      [0.6, 0.46],
      [0.78, 0.22],
      [0.78, 0.22],
      [0.75, 0.6],
      [0.62, 1],
    ],
  ],
];

// Ink a stroke with a smooth line through the middles of its points.
function drawingStroke(pen, points, width) {
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(...points[0]);
  for (let i = 1; i + 1 < points.length; i++) {
    const [x, y] = points[i];
    const [a, b] = points[i + 1];
    if (x === a && y === b) pen.lineTo(x, y);
    else pen.quadraticCurveTo(x, y, (x + a) / 2, (y + b) / 2);
  }
  pen.lineTo(...points[points.length - 1]);
  if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
  pen.stroke();
}

// Strokes (in any unit; `unit` is the side of the place they were drawn on) as 28 x 28 pixels in [-1, 1]; null if
// there are none. The larger side of the ink is 20 pixels, the centre of mass in the middle; each pixel is the mean
// of 8 x 8 finer ones.
function drawingPixels(strokes, width, unit) {
  const points = strokes.flat();
  if (!points.length) return null;
  const fine = 8;
  const side = 28 * fine;
  const [xs, ys] = [0, 1].map((axis) => points.map((p) => p[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const extent = Math.max(Math.max(...xs) - left, Math.max(...ys) - top);
  const scale = ((20 - width) * fine) / Math.max(extent, 0.15 * unit); // a dot stays a dot
  const place = ([dx, dy]) => strokes.map((s) => s.map(([x, y]) => [(x - left) * scale + dx, (y - top) * scale + dy]));
  const ink = (at) => {
    const sheet = h("canvas", { width: side, height: side });
    const pen = sheet.getContext("2d", { willReadFrequently: true });
    pen.strokeStyle = "#fff";
    for (const stroke of place(at)) drawingStroke(pen, stroke, width * fine);
    return pen.getImageData(0, 0, side, side).data;
  };
  const start = [4 * fine, 4 * fine];
  const first = ink(start);
  let mass = 0;
  let mx = 0;
  let my = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const a = first[4 * (y * side + x) + 3];
      mass += a;
      mx += a * (x + 0.5);
      my += a * (y + 0.5);
    }
  }
  const data = ink([start[0] + side / 2 - mx / mass, start[1] + side / 2 - my / mass]);
  const out = new Float32Array(28 * 28);
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      let sum = 0;
      for (let v = 0; v < fine; v++) {
        for (let u = 0; u < fine; u++) sum += data[4 * ((y * fine + v) * side + x * fine + u) + 3];
      }
      out[y * 28 + x] = Math.round(sum / fine ** 2) / 127.5 - 1; // one of the 256 grey levels
    }
  }
  return out;
}

// The share of test digits below a value, from their quantiles; and the scale that shows it.
function drawingShare(quantiles, value) {
  const last = quantiles.length - 1;
  if (value <= quantiles[0]) return 0;
  for (let i = 1; i <= last; i++) {
    if (value < quantiles[i]) return (i - 1 + (value - quantiles[i - 1]) / (quantiles[i] - quantiles[i - 1])) / last;
  }
  return 1;
}

function drawingScale(name, quantiles, digits, say) {
  const [low, q1, middle, q3, high] = [1, 5, 10, 15, 19].map((k) => quantiles[k]);
  const pad = 0.35 * (high - low);
  const [from, to] = [low - pad, name === "SSIM" ? Math.min(1, high + pad) : high + pad];
  const percent = (v) => (100 * (Math.max(from, Math.min(to, v)) - from)) / (to - from);
  const bar = (a, b, cls) => h("div", { class: cls, style: `left:${percent(a)}%;width:${percent(b) - percent(a)}%` });
  const mark = h("div", { class: "il-mark" });
  const value = h("strong", {}, "\u2013");
  const said = [low, middle, high].map((v) => h("span", { style: `left:${percent(v)}%` }, number(v, digits)));
  const track = h("div", { class: "il-track", role: "img" }, bar(low, high, "il-most"), bar(q1, q3, "il-half"), mark);
  const whole = h(
    "div",
    { class: "il-scale" },
    h("div", { class: "il-reading" }, h("span", {}, name), value),
    track,
    h("div", { class: "il-ends", "aria-hidden": "true" }, ...said),
  );
  whole.show = (v) => {
    mark.hidden = v === null;
    value.textContent = v === null ? "\u2013" : number(v, digits);
    const texts = { q1, q3, low, high, v: v === null ? NaN : v };
    for (const key of Object.keys(texts)) texts[key] = Number.isNaN(texts[key]) ? "\u2013" : number(texts[key], digits);
    track.setAttribute("aria-label", say("scale", { name, ...texts }));
    if (v !== null) mark.style.left = `${percent(v)}%`;
  };
  whole.show(null);
  return whole;
}

demos.drawing = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-drawing" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let ended = false;
  let stop = () => {};
  openNetwork(model, options.model)
    .then((network) => {
      if (!ended) stop = drawingBody({ network, body, options, say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    stop();
  };
};

function drawingBody({ network, body, options, say }) {
  const { spec } = network;
  const side = 280;
  const k = options.draws || 64;
  const pixels = 28 * 28;
  const random = chance(20141);
  const uniforms = Float32Array.from({ length: pixels }, () => random());
  const eps = normals(random, k * spec.latent);
  let strokes = [];
  let width = 2.6;
  let tilt = 0;
  let job = 0;

  const area = canvas(side, side, { class: "il-paper", role: "img", "aria-label": say("area") });
  const show = [
    ["seen", 0],
    ["again", 1],
    ["apart", 2],
  ].map(([key]) => {
    const image = picture([1, 28, 28], 126, { "aria-label": say(key) });
    return { image, figure: h("figure", { class: "il-figure" }, image, h("figcaption", {}, say(key))) };
  });
  const [seen, again, apart] = show.map((s) => s.image);
  const typical = spec.typical;
  const natsScale = typical ? drawingScale(say("nats"), typical.nats, 0, say) : null;
  const ssimScale = typical ? drawingScale(say("ssim"), typical.ssim, 2, say) : null;
  const line = status();

  const turned = () => {
    const angle = (-tilt * Math.PI) / 180;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return strokes.map((points) =>
      points.map(([x, y]) => [
        side / 2 + c * (x - side / 2) - s * (y - side / 2),
        side / 2 + s * (x - side / 2) + c * (y - side / 2),
      ]),
    );
  };

  function paint(ink) {
    const pen = area.pen;
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = "#fff";
    for (const stroke of ink) drawingStroke(pen, stroke, width * 9);
    if (ink.length) return;
    pen.fillStyle = "#b8b8b8";
    pen.font = "16px sans-serif";
    pen.textAlign = "center";
    pen.fillText(say("hint"), side / 2, side / 2);
  }

  // Read the drawing and draw it again; then, when the hand rests, estimate log p, some draws a
  // frame: drawing stays smooth.
  const update = eachFrame(() => {
    const ink = turned();
    paint(ink);
    const x = drawingPixels(ink, width, side);
    const mine = ++job;
    delete body.dataset.nats;
    if (!x) {
      const black = new Float32Array(pixels).fill(-1);
      for (const image of [seen, again, apart]) image.show(black);
      if (typical) [natsScale, ssimScale].forEach((s) => s.show(null));
      return line.say(say("empty"));
    }
    const began = performance.now();
    const encoded = network.encode(x);
    const drawn = network.draw(encoded.slice(0, spec.latent));
    seen.show(x);
    again.show(drawn);
    apart.show(x.map((v, i) => Math.abs(v - drawn[i]) - 1));
    const similar = ssim(x, drawn, 28);
    body.dataset.ms = (performance.now() - began).toFixed(2);
    body.dataset.ssim = similar;
    if (typical) ssimScale.show(similar);
    const estimate = logLikelihood(network, tossed(x, uniforms), eps, 4);
    let nats = 0;
    const step = () => {
      if (mine !== job) return;
      const next = estimate.next();
      if (!next.done) {
        nats = next.value;
        return requestAnimationFrame(step);
      }
      body.dataset.nats = nats;
      if (!typical) return line.say(`${say("nats")} ${number(nats, 1)}, ${say("ssim")} ${number(similar, 2)}`);
      natsScale.show(nats);
      const share = (q, v) => Math.round(100 * drawingShare(q, v));
      const first = say("natsOf", { v: number(nats, 0), share: share(typical.nats, nats) });
      line.say(`${first} ${say("ssimOf", { v: number(similar, 2), share: share(typical.ssim, similar) })}`);
    };
    setTimeout(step, 150);
  });

  area.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    area.setPointerCapture(event.pointerId);
    event.preventDefault();
    untilt();
    strokes.push([area.at(event)]);
    update();
  });
  area.addEventListener("pointermove", (event) => {
    if (!area.hasPointerCapture(event.pointerId)) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const e of events.length ? events : [event]) strokes[strokes.length - 1].push(area.at(e));
    update();
  });

  // A new stroke is meant for what is seen, so the tilt becomes part of the drawing.
  const tiltSlider = slider({
    label: say("tilt"),
    min: -45,
    max: 45,
    step: 1,
    value: 0,
    format: (v) => `${number(v, 0)}\u00b0`,
    oninput: (v) => {
      tilt = v;
      update();
    },
  });
  function untilt() {
    strokes = turned();
    tilt = 0;
    tiltSlider.show(0);
  }
  const penSlider = slider({
    label: say("pen"),
    min: 1.4,
    max: 4.5,
    step: 0.1,
    value: width,
    format: (v) => say("penValue", { v: number(v, 1) }),
    oninput: (v) => {
      width = v;
      update();
    },
  });
  const put = (digit) => {
    untilt();
    strokes = drawingDigits[digit].map((s) =>
      s.map(([x, y]) => [side * (0.5 + 0.42 * (x - 0.5)), side * (0.5 + 0.62 * (y - 0.5))]),
    );
    update();
  };
  const examples = drawingDigits.map((_, d) =>
    button(String(d), () => put(d), { "aria-label": say("example", { k: d }) }),
  );
  const drop = (keep) => () => {
    strokes = keep ? strokes.slice(0, -1) : [];
    if (!strokes.length) untilt();
    update();
  };
  body.replaceChildren(
    h(
      "div",
      { class: "il-views" },
      h(
        "div",
        { class: "il-paperside" },
        area,
        h("div", { class: "il-row" }, button(say("clear"), drop(false)), button(say("undo"), drop(true))),
        penSlider,
        tiltSlider,
      ),
      h(
        "div",
        { class: "il-readside" },
        h(
          "div",
          { class: "il-figures" },
          show.map((s) => s.figure),
        ),
        natsScale,
        ssimScale,
        line,
        h(
          "div",
          { class: "il-row", role: "group", "aria-label": say("examples") },
          h("span", { class: "il-name" }, say("examples")),
          ...examples,
        ),
      ),
    ),
    h("p", { class: "il-note" }, say("how", { draws: k, images: typical ? typical.images : 0 })),
  );
  update();
  body.dataset.ready = network.name;
  return () => {
    job++;
    update.cancel();
  };
}

Object.assign(tools, { drawingDigits, drawingPixels });
