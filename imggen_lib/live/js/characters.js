// A sheet of characters that no dictionary has; one of them large, at any size, blended, thin and bold, saved as an SVG.
//
// options: model (the name of the file), seed (the one that is shown first).

words.characters = {
  loading: "Loading the model \u2026",
  ask:
    "A network made these up. Under each stands the training character that it overlaps most, and how much. " +
    "Choose one.",
  sheet: "Sheet of {n} characters",
  cell: "Seed {seed}",
  first: "Seed {seed}, shown",
  second: "Seed {seed}, blended in",
  more: "New sheet",
  pick: "Blend: choose a second one",
  picking: "Now choose the second one in the sheet.",
  alone: "No blend",
  blend: "Blend",
  blended: "{percent}\u00a0%",
  bold: "Thin to bold",
  shown: "Seed {seed}.",
  mixed: "Between seed {a} and seed {b}: {percent}\u00a0% of the way.",
  near:
    "The training character that it overlaps most: {char}; ink in common {percent}\u00a0% of the ink of both " +
    "(intersection over union).",
  unknown: "Not compared with real characters: drawn in this page.",
  nearLabel: "Nearest real character",
  screen:
    "The character, {zoom} times its size. Arrow keys move, plus and minus zoom, 0 shows all of it, " +
    "E goes to the nearest edge.",
  in: "Zoom in",
  out: "Zoom out",
  all: "Show all",
  edge: "Closer to the edge",
  zoom: "Magnified {zoom} times.",
  blank: "There is no ink left: make it bolder.",
  save: "Save as SVG",
  saved: "Saved: {paths} closed paths, 100 by 100 millimetres. Specks left out: {specks}.",
  how:
    "Pinch with two fingers, or click the picture and turn the wheel. Behind it are 32 by 32 numbers, distances to the " +
    "edge of the ink. The network learnt from KanjiVG (CC BY-SA 3.0): share what you save under the same licence, " +
    "with its name.",
  svg: "Made-up character, {what}",
  about:
    "Drawn by a network that learnt from KanjiVG (Ulrich Apel and contributors, kanjivg.tagaini.net). " +
    "CC BY-SA 3.0. {what}. Added to the field: {bold} units of 109.",
};

demos.characters = function ({ model, el, say }) {
  const body = h("div", { class: "il-characters" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let end = () => {};
  let ended = false;
  openNetwork(model, model.get("options").model)
    .then((network) => {
      if (!ended) end = charactersBody({ network, body, options: model.get("options"), say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    end();
  };
};

const charactersPer = 12;

// What the file has: latents of the first seeds, the nearest real characters and their fields.
function charactersStored(spec) {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const z = new Float32Array(bytes(spec.latents).buffer);
  const real = bytes(spec.real);
  const field = (k) => Float64Array.from(real.subarray(1024 * k, 1024 * (k + 1)), (v) => charactersDistance(v / 127.5 - 1));
  return {
    count: spec.nearest.length,
    latent: (k) => z.slice(spec.latent * k, spec.latent * (k + 1)),
    nearest: (k) => ({ char: spec.nearest[k][0], iou: spec.nearest[k][1], field: field(k) }),
  };
}

// What a network makes, in units of the box (imggen_lib.data.kanjivg.to_distance).
function charactersDistance(value) {
  return 5.6 * value - 2.4;
}

// The latent of a seed beyond those that the file has.
function charactersLatent(stored, seed, size) {
  return seed < stored.count ? stored.latent(seed) : normals(chance(seed), size);
}

function charactersField(network, z) {
  return Float64Array.from(network.draw(z), charactersDistance);
}

// A square canvas that shows a field in the colour of the text.
function charactersPicture(size, properties) {
  const element = h("canvas", { width: size, height: size, ...properties });
  element.show = (field, view, bold) => {
    const pen = element.getContext("2d", { willReadFrequently: true }); // pixels come from the processor
    const side = element.width;
    const alpha = charactersInk(field, { left: view.x, top: view.y, step: view.side / side, size: side, bold });
    const image = pen.createImageData(side, side);
    const ink = colours(element).text.match(/[\d.]+/g).map(Number);
    for (let k = 0; k < alpha.length; k++) {
      image.data[4 * k] = ink[0];
      image.data[4 * k + 1] = ink[1];
      image.data[4 * k + 2] = ink[2];
      image.data[4 * k + 3] = alpha[k];
    }
    pen.putImageData(image, 0, 0);
  };
  return element;
}

// Where the large picture looks: corner and side in cells; `moved` is called after each change.
function charactersView(moved) {
  const least = 32e-6; // a millionth of the square: double precision still draws its edge smoothly
  const self = { x: 0, y: 0, side: 32 };
  const put = (x, y, side) => {
    const now = Math.max(least, Math.min(32, side));
    const inside = (v) => Math.max(0, Math.min(32 - now, v));
    Object.assign(self, { x: inside(x), y: inside(y), side: now });
    moved();
  };
  self.put = put;
  self.zoom = () => 32 / self.side;
  self.all = () => put(0, 0, 32);
  // Zoom around the place (u, v) of the picture, from 0 to 1.
  self.by = (factor, u = 0.5, v = 0.5) => {
    const side = Math.max(least, Math.min(32, self.side / factor));
    put(self.x + u * (self.side - side), self.y + v * (self.side - side), side);
  };
  self.move = (u, v) => put(self.x + u * self.side, self.y + v * self.side, self.side);
  return self;
}

// Wheel, fingers, mouse and keys on the large picture.
function charactersHands(screen, view, closer) {
  const at = (event) => {
    const box = screen.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const down = new Map();
  screen.addEventListener("pointerdown", (event) => {
    down.set(event.pointerId, at(event));
    if (event.pointerType === "mouse" || down.size > 1 || view.side < 32) screen.setPointerCapture(event.pointerId);
  });
  screen.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const other = [...down].find(([id]) => id !== event.pointerId);
    if (other) {
      const [u, v] = other[1];
      const apart = (p) => Math.max(1e-3, Math.hypot(p[0] - u, p[1] - v));
      view.by(apart(now) / apart(before), (before[0] + u) / 2, (before[1] + v) / 2);
      view.move((before[0] - now[0]) / 2, (before[1] - now[1]) / 2);
    } else view.move(before[0] - now[0], before[1] - now[1]);
    down.set(event.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel"]) screen.addEventListener(name, (event) => down.delete(event.pointerId));
  screen.addEventListener(
    "wheel",
    (event) => {
      const mine = event.ctrlKey || screen.getRootNode().activeElement === screen; // else the page scrolls
      if (!mine) return;
      event.preventDefault();
      view.by(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) * 0.004), ...at(event));
    },
    { passive: false },
  );
  screen.addEventListener("keydown", (event) => {
    const act = {
      "+": () => view.by(1.5),
      "=": () => view.by(1.5),
      "-": () => view.by(1 / 1.5),
      0: () => view.all(),
      ArrowLeft: () => view.move(-0.1, 0),
      ArrowRight: () => view.move(0.1, 0),
      ArrowUp: () => view.move(0, -0.1),
      ArrowDown: () => view.move(0, 0.1),
      e: closer,
      E: closer,
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

function charactersBody({ network, body, options, say }) {
  const stored = charactersStored(network.spec);
  const state = { sheet: 0, seeds: [], a: options.seed || 0, b: null, t: 0, bold: 0, picking: false };
  state.sheet = Math.floor(state.a / charactersPer);
  let field = null;
  const percent = (v) => Math.round(100 * v);
  const latent = (seed) => charactersLatent(stored, seed, network.spec.latent);
  const what = () =>
    state.b === null
      ? say("cell", { seed: state.a })
      : say("mixed", { a: state.a, b: state.b, percent: percent(state.t) });

  // The large picture.
  const density = Math.min(2, window.devicePixelRatio || 1);
  const screen = charactersPicture(Math.round(358 * density), {
    class: "il-characters-screen",
    tabindex: "0",
    role: "application",
  });
  const line = status();
  const magnified = h("span", { class: "il-note il-characters-zoom", "aria-hidden": "true" });
  const round = (zoom) => (zoom < 10 ? number(zoom, 1) : Math.round(zoom).toLocaleString("en"));
  const paint = eachFrame(() => {
    if (field) screen.show(field, view, state.bold);
    body.dataset.drawn = Number(body.dataset.drawn || 0) + 1;
  });
  const view = charactersView(() => {
    const zoom = round(view.zoom());
    screen.setAttribute("aria-label", say("screen", { zoom }));
    screen.style.touchAction = view.side < 32 ? "none" : "pan-y";
    if (magnified.textContent && magnified.textContent !== say("zoom", { zoom })) spoken.say(say("zoom", { zoom }));
    magnified.textContent = say("zoom", { zoom });
    body.dataset.zoom = view.zoom();
    paint();
  });
  const tell = (text) => line.say(text);
  const spoken = status(); // the magnification, for those who do not see it: it stands beside the buttons
  spoken.className = "il-characters-spoken";

  // Eight times closer to the edge that is nearest to the middle; a journey where motion is welcome.
  let goal = null;
  const journey = loop(screen, (ms) => {
    const share = 1 - Math.exp(-ms / 120);
    const [x, y, side] = goal;
    const now = Math.abs(Math.log(view.side / side)) < 0.01 ? side : view.side * (side / view.side) ** share;
    const left = now === side ? 0 : (now - side) / Math.max(view.side - side, 1e-12);
    const [cx, cy] = [view.x + view.side / 2, view.y + view.side / 2];
    view.put(x + (cx - x) * left - now / 2, y + (cy - y) * left - now / 2, now);
    if (now === side) journey.stop();
  });
  function closer() {
    const place = charactersEdge(field, view.x + view.side / 2, view.y + view.side / 2, state.bold);
    if (!place) return tell(say("blank"));
    goal = [place[0], place[1], Math.max(32e-6, view.side / 8)];
    if (reducedMotion()) view.put(goal[0] - goal[2] / 2, goal[1] - goal[2] / 2, goal[2]);
    else journey.start();
  }
  const still = (f) => () => {
    journey.stop();
    f();
  };
  charactersHands(screen, view, closer);
  screen.addEventListener("pointerdown", () => journey.stop());

  // The nearest real one.
  const nearPicture = charactersPicture(96, { class: "il-characters-near", "aria-hidden": "true" });
  const nearText = h("p", { class: "il-note" });
  const near = h("div", { class: "il-characters-real", role: "group", "aria-label": say("nearLabel") }, nearPicture, nearText);
  function showNear() {
    const known = state.b === null && state.a < stored.count ? stored.nearest(state.a) : null;
    nearPicture.hidden = !known;
    nearText.hidden = state.b !== null;
    if (known) nearPicture.show(known.field, { x: 0, y: 0, side: 32 }, 0);
    nearText.textContent = known ? say("near", { char: known.char, percent: percent(known.iou) }) : say("unknown");
  }

  function show(told = true) {
    field = charactersField(network, state.b === null ? latent(state.a) : between(latent(state.a), latent(state.b), state.t));
    body.dataset.seed = state.a;
    body.dataset.second = state.b ?? "";
    blend.hidden = alone.hidden = state.b === null;
    pick.setAttribute("aria-pressed", String(state.picking));
    for (const { box, seed } of cells) {
      const role = seed === state.a ? "first" : seed === state.b ? "second" : "cell";
      box.setAttribute("aria-label", say(role, { seed }));
      box.setAttribute("aria-pressed", String(role !== "cell"));
      box.dataset.role = role;
    }
    showNear();
    paint();
    if (told) tell(state.b === null ? say("shown", { seed: state.a }) : what());
  }

  // The sheet.
  let cells = [];
  const grid = h("div", { class: "il-characters-sheet", role: "group" });
  function choose(seed) {
    if (state.picking && seed !== state.a) {
      Object.assign(state, { b: seed, t: 0.5, picking: false });
      blend.show(0.5);
    } else Object.assign(state, { a: seed, b: null, picking: false });
    journey.stop();
    view.all();
    show();
  }
  function cell(seed) {
    const image = charactersPicture(96, { "aria-hidden": "true" });
    const made = charactersField(network, latent(seed));
    const note = seed < stored.count ? `${stored.nearest(seed).char} ${percent(stored.nearest(seed).iou)}\u00a0%` : "\u2013";
    const box = h(
      "button",
      { type: "button", class: "il-characters-cell", onclick: () => choose(seed) },
      image,
      h("span", { lang: "ja", "aria-hidden": "true" }, note),
    );
    return { box, seed, paint: () => image.show(made, { x: 0, y: 0, side: 32 }, state.bold) };
  }
  const paintSheet = eachFrame(() => cells.forEach((c) => c.paint()));
  function deal() {
    cells = Array.from({ length: charactersPer }, (_, k) => cell(state.sheet * charactersPer + k));
    grid.replaceChildren(...cells.map((c) => c.box));
    grid.setAttribute("aria-label", say("sheet", { n: charactersPer }));
    paintSheet();
  }
  grid.addEventListener("keydown", (event) => {
    const at = cells.findIndex((c) => c.box === grid.getRootNode().activeElement);
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (at < 0 || !way) return;
    event.preventDefault();
    if (cells[at + way]) cells[at + way].box.focus();
  });
  const more = button(say("more"), () => {
    state.sheet += 1;
    deal();
    if (state.picking) show(false);
    else choose(cells[0].seed);
  });

  // Blend, bold, save.
  const pick = button(
    say("pick"),
    () => {
      state.picking = !state.picking;
      show(false);
      if (state.picking) tell(say("picking"));
    },
    { "aria-pressed": "false" },
  );
  const alone = button(say("alone"), () => {
    Object.assign(state, { b: null, picking: false });
    pick.focus();
    show();
  });
  const blend = slider({
    label: say("blend"),
    min: 0,
    max: 1,
    step: 0.01,
    value: 0.5,
    format: (v) => say("blended", { percent: percent(v) }),
    oninput: (v) => {
      state.t = v;
      show();
    },
  });
  const bold = slider({
    label: say("bold"),
    min: -1.5,
    max: 2.5,
    step: 0.1,
    value: 0,
    format: (v) => (v > 0 ? "+" : "") + number(v, 1),
    oninput: (v) => {
      state.bold = v;
      paint();
      paintSheet();
    },
  });
  const save = button(say("save"), () => {
    const about = say("about", { what: what(), bold: number(state.bold, 1) });
    const made = charactersSvg(field, { bold: state.bold, title: say("svg", { what: what() }), about });
    if (!made.paths) return tell(say("blank"));
    const url = URL.createObjectURL(new Blob([made.svg], { type: "image/svg+xml" }));
    const name = state.b === null ? `${state.a}` : `${state.a}-${state.b}-${percent(state.t)}`;
    const link = h("a", { download: `character-${name}.svg`, href: url });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    tell(say("saved", made));
  });

  body.replaceChildren(
    h("p", {}, say("ask")),
    h(
      "div",
      { class: "il-characters-both" },
      h("div", { class: "il-characters-left" }, grid, h("div", { class: "il-row" }, more, pick, alone), blend),
      h(
        "div",
        { class: "il-characters-right" },
        screen,
        h(
          "div",
          { class: "il-row" },
          button("+", still(() => view.by(2)), { "aria-label": say("in") }),
          button("\u2212", still(() => view.by(0.5)), { "aria-label": say("out") }),
          button(say("all"), still(view.all)),
          button(say("edge"), closer),
          magnified,
        ),
        bold,
        h("div", { class: "il-row" }, save),
        line,
        spoken,
      ),
      near,
    ),
    h("p", { class: "il-note" }, say("how")),
  );
  deal();
  view.all();
  show(false);
  const off = onTheme(() => {
    paint();
    paintSheet();
    showNear();
  });
  body.dataset.ready = network.name;
  return () => {
    off();
    journey.end();
    paint.cancel();
    paintSheet.cancel();
  };
}

Object.assign(tools, { charactersStored, charactersField, charactersLatent });
