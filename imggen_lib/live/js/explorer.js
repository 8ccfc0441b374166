// The latent explorer: a point in latent space, moved on a map, by sliders, by chance, or between two remembered
// points.
//
// options: model (the name of a file), choices (names to choose from), dims (sliders shown at first), walk (start walking).

words.explorer = {
  loading: "Loading the model \u2026",
  model: "Model",
  choice: "{name} ({size} kB)",
  image: "The image at the point",
  map: "Map of the latent plane. Arrow keys move the point; with Shift, by smaller steps",
  mapHint: "Drag the point, or click the map and use the arrow keys.",
  near: "z1 = {x}, z2 = {y}. Test images near here: mostly {name}.",
  here: "z1 = {x}, z2 = {y}.",
  far: "z1 = {x}, z2 = {y}. No test image is near here.",
  legend: "Classes of the test images; press one to see it alone",
  onClass: "Class",
  random: "Random",
  zero: "All zero",
  walk: "Walk",
  stop: "Stop",
  save: "Save as PNG",
  keepA: "Keep as A",
  keepB: "Keep as B",
  from: "From A to B",
  imageA: "The image at A",
  imageB: "The image at B",
  dimension: "z{k}",
  more: "{n} more",
  fewer: "Fewer",
  about: "{name}: {latent} numbers in, {pixels} pixels out.",
  aboutClass: "{name}: {latent} numbers and a class in, {pixels} pixels out.",
};

// Ten colours that people with any kind of colour vision can tell apart as far as ten can be (after Paul Tol's
// "muted"); the digits in the legend and on the map say the same without colour.
const explorerPalette = {
  light: ["#332288", "#117733", "#44aa99", "#3f8fc0", "#a08a1a", "#cc6677", "#aa4499", "#882255", "#6f6f6f", "#b85c00"],
  dark: ["#9d8fff", "#4fc27a", "#66d9c6", "#88ccee", "#ddcc77", "#f28a9a", "#e07ccf", "#c9648f", "#c0c0c0", "#ff9d4d"],
};

// Points of a map: {x, y, class} from two bytes each.
function explorerPoints(map) {
  const bytes = atob(map.points);
  const signed = (k) => (bytes.charCodeAt(k) << 24) >> 24;
  return Array.from(map.labels, (label, i) => ({
    x: signed(2 * i) * map.unit,
    y: signed(2 * i + 1) * map.unit,
    label: Number(label),
  }));
}

// The map: a canvas that shows the points and where z is. `moved(x, y)` is called when the reader moves it.
function explorerMap(map, names, say, moved) {
  const size = 300;
  const limit = 3.5;
  const points = map ? explorerPoints(map) : [];
  const element = canvas(size, size, { class: "il-map", tabindex: "0", role: "application", "aria-label": say("map") });
  const pen = element.pen;
  const toScreen = (v) => ((v + limit) / (2 * limit)) * size;
  const held = (v) => Math.max(-limit, Math.min(limit, v));
  const places = labelPlaces();
  let at = [0, 0];
  let marks = {};
  let alone = null;
  let ground = null;

  // A class's name stands at the point that is nearest to the others of its class; names push one another apart.
  function labelPlaces() {
    const found = names.flatMap((name, k) => {
      const mine = points.filter((q) => q.label === k);
      const sums = mine.map((q) => mine.reduce((s, r) => s + Math.hypot(q.x - r.x, q.y - r.y), 0));
      const best = mine[sums.indexOf(Math.min(...sums))];
      return best ? [{ name, k, px: toScreen(best.x), py: toScreen(-best.y) }] : [];
    });
    for (let turn = 0; turn < 30; turn++) {
      for (const a of found) {
        for (const b of found) {
          const [dx, dy] = [a.px - b.px, a.py - b.py];
          const distance = Math.hypot(dx, dy);
          if (a === b || distance > 17) continue;
          a.px += (dx / (distance || 1)) * 1.5;
          a.py += (dy / (distance || 1)) * 1.5;
        }
      }
    }
    return found;
  }

  function dots(look, palette) {
    ground = canvas(size, size);
    const p = ground.pen;
    p.strokeStyle = look.line;
    p.lineWidth = 0.5;
    p.fillStyle = look.muted;
    p.font = "10px sans-serif";
    for (let v = -3; v <= 3; v++) {
      p.beginPath();
      p.moveTo(toScreen(v), 0);
      p.lineTo(toScreen(v), size);
      p.moveTo(0, toScreen(v));
      p.lineTo(size, toScreen(v));
      p.stroke();
      if (v % 2) p.fillText(number(v, 0), toScreen(v) + 2, size - 3);
      if (v % 2) p.fillText(number(-v, 0), 2, toScreen(v) - 2);
    }
    for (const { x, y, label } of points) {
      const other = alone !== null && label !== alone;
      p.globalAlpha = other ? 0.08 : 0.75;
      p.fillStyle = palette[label % palette.length];
      p.beginPath();
      p.arc(toScreen(x), toScreen(-y), 1.7, 0, 7);
      p.fill();
    }
    p.globalAlpha = 1;
    p.font = "bold 15px sans-serif";
    p.textAlign = "center";
    p.lineWidth = 3.5;
    for (const { name, k, px, py } of places) {
      if (alone !== null && alone !== k) continue;
      p.strokeStyle = look.dark ? "#121418" : "#ffffff";
      p.strokeText(name, px, py + 5);
      p.fillStyle = look.dark ? "#ffffff" : "#111111";
      p.fillText(name, px, py + 5);
    }
  }

  function ring(x, y, letter, look) {
    const [px, py] = [toScreen(held(x)), toScreen(-held(y))];
    for (const [radius, width, colour] of [
      [8, 5, look.dark ? "#000000" : "#ffffff"],
      [8, 2.5, look.dark ? "#ffffff" : "#000000"],
    ]) {
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.arc(px, py, radius, 0, 7);
      pen.stroke();
    }
    if (!letter) return;
    pen.font = "bold 11px sans-serif";
    pen.textAlign = "center";
    pen.fillStyle = look.dark ? "#000000" : "#ffffff";
    pen.beginPath();
    pen.arc(px, py, 7, 0, 7);
    pen.fill();
    pen.fillStyle = look.dark ? "#ffffff" : "#000000";
    pen.fillText(letter, px, py + 4);
  }

  element.draw = (anew = false) => {
    const look = colours(element);
    if (anew || !ground) dots(look, explorerPalette[look.dark ? "dark" : "light"]);
    pen.clearRect(0, 0, size, size);
    pen.drawImage(ground, 0, 0, size, size);
    if (marks.A && marks.B) {
      pen.strokeStyle = look.text;
      pen.lineWidth = 1.5;
      pen.setLineDash([4, 4]);
      pen.beginPath();
      pen.moveTo(toScreen(held(marks.A[0])), toScreen(-held(marks.A[1])));
      pen.lineTo(toScreen(held(marks.B[0])), toScreen(-held(marks.B[1])));
      pen.stroke();
      pen.setLineDash([]);
    }
    for (const [letter, z] of Object.entries(marks)) ring(z[0], z[1], letter, look);
    ring(...at, "", look);
  };
  element.place = (x, y, remembered) => {
    at = [x, y];
    marks = remembered;
    element.draw();
  };
  element.only = (k) => {
    alone = k;
    element.draw(true);
  };
  // What most of the fifteen nearest test images are, if any is near.
  element.nearby = (x, y) => {
    const near = points.map((p) => [Math.hypot(p.x - x, p.y - y), p.label]).sort((a, b) => a[0] - b[0]);
    if (!near.length || near[0][0] > 0.35) return null;
    const votes = {};
    for (const [, label] of near.slice(0, 15)) votes[label] = (votes[label] || 0) + 1;
    return names[Number(Object.keys(votes).sort((a, b) => votes[b] - votes[a])[0])];
  };

  const drag = (event) => {
    const [px, py] = element.at(event);
    moved(held((px / size) * 2 * limit - limit), held(limit - (py / size) * 2 * limit));
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    drag(event);
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) drag(event);
  });
  element.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], Home: [0, 0] }[
      event.key
    ];
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.02 : 0.1;
    // Remembered at once: several keys may come before the next frame.
    at = event.key === "Home" ? [0, 0] : [held(at[0] + way[0] * step), held(at[1] + way[1] * step)];
    moved(...at);
  });
  return element;
}

// The classes of the map's points; a press shows one alone.
function explorerLegend(names, say, only) {
  let alone = null;
  const box = h("div", { class: "il-legend", role: "group", "aria-label": say("legend") });
  const chips = names.map((name, k) => {
    const chip = button([h("span", { class: "il-dot", "aria-hidden": "true" }), name], () => {
      alone = alone === k ? null : k;
      chips.forEach((c, i) => c.setAttribute("aria-pressed", String(i === alone)));
      only(alone);
    });
    chip.setAttribute("aria-pressed", "false");
    return chip;
  });
  box.append(...chips);
  box.paint = () => {
    const palette = explorerPalette[colours(box).dark ? "dark" : "light"];
    chips.forEach((chip, k) => (chip.firstChild.style.background = palette[k % palette.length]));
  };
  return box;
}

demos.explorer = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-explorer" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  const sizes = model.get("sizes") || {}; // of files that a page has still to load, in kB
  let wanted = "";
  let stop = () => {};

  // A model may take a while to come; if the reader has chosen another one meanwhile, it is not shown.
  async function show(name) {
    wanted = name;
    stop();
    body.setAttribute("aria-busy", "true");
    try {
      const network = await openNetwork(model, name);
      if (wanted !== name) return;
      const chose = body.contains(document.activeElement);
      stop = explorerBody({ network, body, options, sizes, say, switchTo: show });
      if (chose) body.querySelector(".il-select").focus({ preventScroll: true });
    } catch (error) {
      if (wanted === name) fail(body, error);
    }
    body.removeAttribute("aria-busy");
  }
  show(options.model);
  return () => {
    wanted = null;
    stop();
  };
};

// Everything for one network; gives the function that stops it.
function explorerBody({ network, body, options, sizes, say, switchTo }) {
  const { spec } = network;
  const random = chance(options.seed);
  const plane = spec.latent === 2;
  const names = spec.class_names && spec.class_names.length ? spec.class_names : [];
  const order =
    spec.nats && !plane
      ? spec.nats
          .map((v, k) => [v, k])
          .sort((a, b) => b[0] - a[0])
          .map((pair) => pair[1])
      : [...Array(spec.latent).keys()];
  const draw = () => normals(random, spec.latent);
  let z = plane ? Float32Array.from([0.6, -0.4]) : draw();
  let label = 3 % Math.max(1, spec.classes);
  const kept = {
    A: plane ? Float32Array.from([-1.6, 0.9]) : draw(),
    B: plane ? Float32Array.from([1.5, 1.1]) : draw(),
  };
  const labels = () => (spec.classes ? [label] : null);

  const image = picture(spec.image, 224, { "aria-label": say("image") });
  const small = {
    A: picture(spec.image, 42, { "aria-label": say("imageA") }),
    B: picture(spec.image, 42, { "aria-label": say("imageB") }),
  };
  const line = status();
  const map = plane ? explorerMap(spec.map, names, say, (x, y) => moveTo(Float32Array.from([x, y]))) : null;
  const legend = plane && spec.map ? explorerLegend(names, say, map.only) : null;

  // Draw what is at z. Sliders and the map follow; the line is for those who listen.
  function redraw() {
    const began = performance.now();
    image.show(network.draw(z, 1, labels()));
    body.dataset.ms = (performance.now() - began).toFixed(2);
    body.dataset.z = Array.from(z, (v) => v.toFixed(3)).join(" ");
    sliders.forEach((s, k) => s.show(z[order[k]]));
    if (!map) return;
    map.place(z[0], z[1], kept);
    const near = map.nearby(z[0], z[1]);
    const where = { x: number(z[0], 1), y: number(z[1], 1), name: near };
    line.say(near === null ? say(spec.map ? "far" : "here", where) : say("near", where));
  }
  const soon = eachFrame(redraw);
  function moveTo(where, onTheWay = false) {
    walking(false);
    if (!onTheWay) way.blank();
    z = where;
    soon();
  }
  function keep(letter) {
    kept[letter] = z.slice();
    thumbnails();
    soon();
  }
  function thumbnails() {
    for (const letter of ["A", "B"]) small[letter].show(network.draw(kept[letter], 1, labels()));
  }

  // A walk: from where z is to a random point, then to another; two seconds each.
  let path = null;
  const walk = loop(body, (ms) => {
    path ??= { from: z, to: draw(), t: 0 };
    path.t = Math.min(1, path.t + ms / 2000);
    z = between(path.from, path.to, path.t * path.t * (3 - 2 * path.t), !plane);
    redraw();
    if (path.t === 1) path = null;
  });
  const walkButton = button(say("walk"), () => walking(!walk.running), { "aria-pressed": "false" });
  function walking(on) {
    if (on === walk.running) return;
    path = null;
    on ? walk.start() : walk.stop();
    walkButton.textContent = say(on ? "stop" : "walk");
    walkButton.setAttribute("aria-pressed", String(on));
  }

  const sliders = order.map((k) =>
    slider({
      label: say("dimension", { k: k + 1 }),
      min: -3.5,
      max: 3.5,
      step: 0.05,
      value: 0,
      oninput: (v) => {
        const there = z.slice();
        there[k] = v;
        moveTo(there);
      },
    }),
  );
  const first = Math.min(spec.latent, options.dims || 5);
  const list = h("div", { class: "il-sliders" }, ...sliders);
  const more = button("", () => showAll(!list.classList.contains("il-all")));
  function showAll(all) {
    list.classList.toggle("il-all", all);
    sliders.forEach((s, i) => (s.hidden = !all && i >= first));
    more.textContent = all ? say("fewer") : say("more", { n: spec.latent - first });
    more.setAttribute("aria-expanded", String(all));
  }
  showAll(false);

  const way = slider({
    label: say("from"),
    min: 0,
    max: 1,
    step: 0.01,
    value: 0.5,
    format: (v) => `${Math.round(100 * v)} %`,
    oninput: (t) => moveTo(between(kept.A, kept.B, t, !plane), true),
  });
  const choice =
    options.choices && options.choices.length > 1
      ? chooser({
          label: say("model"),
          options: options.choices.map((c) => [c, sizes[c] ? say("choice", { name: c, size: sizes[c] }) : c]),
          value: network.name,
          onchange: switchTo,
        })
      : null;
  const classes = spec.classes
    ? chooser({
        label: say("onClass"),
        value: String(label),
        options: Array.from({ length: spec.classes }, (_, k) => [String(k), names[k] || String(k)]),
        onchange: (k) => {
          label = Number(k);
          thumbnails();
          redraw();
        },
      })
    : null;
  const buttons = h(
    "div",
    { class: "il-row" },
    button(say("random"), () => moveTo(draw())),
    walkButton,
    spec.family === "vae" ? button(say("zero"), () => moveTo(new Float32Array(spec.latent))) : null,
    button(say("save"), () => savePng(enlargedPicture(image, 10), `${network.name}.png`)),
  );
  const journey = h(
    "div",
    { class: "il-journey" },
    h(
      "div",
      { class: "il-end" },
      small.A,
      button(say("keepA"), () => keep("A")),
    ),
    way,
    h(
      "div",
      { class: "il-end" },
      small.B,
      button(say("keepB"), () => keep("B")),
    ),
  );
  const pixels = spec.image.join("\u00a0\u00d7\u00a0").replace(/^1\u00a0\u00d7\u00a0/, "");
  const about = say(spec.classes ? "aboutClass" : "about", { name: network.name, latent: spec.latent, pixels });
  const sides = [
    map ? h("div", { class: "il-mapside" }, map, legend, h("p", { class: "il-note" }, say("mapHint"))) : null,
    h("div", { class: "il-imageside" }, image, buttons),
    h("div", { class: "il-sliderside" }, list, spec.latent > first ? more : null, map ? line : null),
  ];
  body.replaceChildren(
    h("div", { class: "il-row" }, choice, classes),
    h("div", { class: "il-views" }, ...sides),
    journey,
    h("p", { class: "il-note" }, about),
  );

  const paint = () => {
    if (legend) legend.paint();
    if (map) map.draw(true);
  };
  const quiet = onTheme(paint);
  paint();
  thumbnails();
  redraw();
  body.dataset.ready = network.name;
  if (options.walk && !reducedMotion()) walking(true);
  return () => {
    quiet();
    soon.cancel();
    walk.end();
    delete body.dataset.ready;
  };
}
