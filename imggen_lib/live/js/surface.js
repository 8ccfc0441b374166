// "Drag the quotes": a surface of implied volatility, some quotes, and three completions with their bands. Not for trading.
//
// options: model (the file), truth, quotes, seed.

words.surface = {
  loading: "The surfaces are being loaded \u2026",
  ask:
    "A simulated surface, of which the computer knows the quotes alone. Drag a quote on the map, or choose one and use the arrow " +
    "keys; then let it say something else. Red crosses are prices at which one can only win.",
  truths: "Surfaces of",
  another: "Another surface",
  count: "Quotes",
  which: "Chosen quote",
  off: "It is off by, points",
  noise: "All quotes have an error of 2\u00a0%",
  shown: "On the map",
  truth: "the truth",
  gaussian: "Gaussian",
  volatilities: "VAE",
  parameters: "VAE of parameters",
  map: "Map of the surface: log-moneyness from left to right, maturity from top to bottom. Arrow keys move the chosen quote.",
  smile: "Smile at {years} years: the truth and three completions, the band of {way}, and the quotes",
  across: "log-moneyness",
  smiles: "Volatility in per cent at a maturity of {years} years, where the chosen quote is. Blue and solid: the truth; " +
    "shaded: the 90\u00a0% band of {way}.",
  scale: "Dark is {low}\u00a0%, bright {high}\u00a0% of volatility. Maturities in years at the left.",
  way: "Completed by",
  error: "Error, points",
  inside: "In the band",
  free: "Crosses",
  percent: "{n}\u00a0%",
  caption: "Over all 256 places, against the truth",
  said: "{count} quotes. Errors in points: Gaussian {gaussian}, VAE {volatilities}, VAE of parameters {parameters}. Crosses: {free}.",
  trading: "Simulated, and not for trading.",
};

const SURFACE_WAYS = ["gaussian", "volatilities", "parameters"];

demos.surface = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-surface" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let end = () => {};
  let over = false;
  fetchFile(model, options.model)
    .then(async (file) => {
      const data = surfaceRead(file.spec, await fileBytes(file));
      if (!over) end = surfaceBody({ data, body, options, say });
    })
    .catch((error) => fail(body, error));
  return () => {
    over = true;
    end();
  };
};

function surfaceBody({ data, body, options, say }) {
  const { spec, surfaces, ways } = data;
  const n = spec.moneyness.length;
  const state = { truth: options.truth, index: 0, shown: "gaussian", count: options.quotes, chosen: 0, noise: false, seed: options.seed };
  let quotes = []; // { place, off (points), error (standard normal) }
  const wide = SURFACE_EDGE.left + n * SURFACE_SIDE + 12;
  const high = SURFACE_EDGE.top + n * SURFACE_SIDE + SURFACE_EDGE.bottom;
  const map = canvas(wide, high, { class: "il-surface-map", tabindex: "0", role: "application", "aria-label": say("map") });
  const smile = canvas(376, 250, { class: "il-surface-smile", role: "img" });
  const table = h("div", {});
  const line = status();
  const scale = h("p", { class: "il-note" });
  const caption = h("p", { class: "il-note" });
  const x = () => surfaces[state.truth][state.index];

  function begin() {
    const random = chance(state.seed);
    const order = Array.from({ length: x().length }, (_, i) => [random(), i]).sort((a, b) => a[0] - b[0]);
    quotes = order.slice(0, 20).map(([, place]) => ({ place, off: 0, error: random.normal() }));
    state.chosen = Math.min(state.chosen, state.count - 1);
  }

  function asked() {
    const some = quotes.slice(0, state.count);
    const noise = state.noise ? 0.02 : 0;
    const value = ({ place, off, error }) => Math.log(Math.max(0.01, Math.exp(x()[place] + noise * error) + off / 100));
    return { places: some.map((q) => q.place), values: some.map(value), noise };
  }

  function draw() {
    const given = asked();
    const found = Object.fromEntries(SURFACE_WAYS.map((name) => [name, ways[name](given)]));
    const free = Object.fromEntries(SURFACE_WAYS.map((name) => [name, surfaceArbitrage(found[name].mean, spec)]));
    const onMap = state.shown === "truth" ? { mean: x() } : found[state.shown];
    const way = state.shown === "truth" ? "gaussian" : state.shown;
    const [least, most] = [Math.min(...x()), Math.max(...x())];
    const row = Math.floor(quotes[state.chosen].place / n);
    const theme = colours(body);
    const text = { across: say("across") };
    const crosses = state.shown === "truth" ? { calendar: [], butterfly: [] } : free[state.shown];
    const drawn = { quotes: given, chosen: state.chosen, spec, words: text, theme };
    surfaceDrawMap(map, { ...drawn, x: onMap.mean, low: least, high: most, free: crosses });
    surfaceDrawSmile(smile, { ...drawn, row, truth: x(), found, way });
    const years = number(spec.times[row], 2);
    smile.setAttribute("aria-label", say("smile", { years, way: say(way) }));
    caption.textContent = say("smiles", { years, way: say(way) });
    scale.textContent = say("scale", { low: number(100 * Math.exp(least), 0), high: number(100 * Math.exp(most), 0) });
    const judged = Object.fromEntries(SURFACE_WAYS.map((name) => [name, surfaceJudged(found[name], x(), given.places, spec.band)]));
    const crossed = (name) => free[name].calendar.length + free[name].butterfly.length;
    table.replaceChildren(surfaceTable(judged, crossed, say));
    const said = Object.fromEntries(SURFACE_WAYS.map((name) => [name, number(judged[name].error)]));
    line.say(say("said", { count: state.count, ...said, free: SURFACE_WAYS.map(crossed).join(", ") }));
    body.dataset.errors = JSON.stringify(SURFACE_WAYS.map((name) => judged[name].error));
    body.dataset.free = JSON.stringify(SURFACE_WAYS.map(crossed));
    body.dataset.places = JSON.stringify(given.places);
    body.dataset.values = JSON.stringify(given.values);
    body.dataset.chosen = String(state.chosen);
  }
  const later = eachFrame(draw);

  const which = slider({
    label: say("which"), min: 1, max: state.count, step: 1, value: 1, format: (v) => number(v, 0),
    oninput: (v) => choose(v - 1),
  }); // prettier-ignore
  const off = slider({
    label: say("off"), min: -5, max: 5, step: 0.25, value: 0,
    oninput: (v) => later((quotes[state.chosen].off = v)),
  }); // prettier-ignore
  const count = slider({
    label: say("count"), min: 5, max: 20, step: 1, value: state.count, format: (v) => number(v, 0),
    oninput: (v) => {
      state.count = v;
      which.querySelector("input").max = v;
      choose(Math.min(state.chosen, v - 1));
    },
  }); // prettier-ignore

  function choose(k) {
    state.chosen = k;
    which.show(k + 1);
    off.show(quotes[k].off);
    later();
  }

  // A quote goes to a place where none is.
  function move(place) {
    if (quotes.slice(0, state.count).some((q, k) => k !== state.chosen && q.place === place)) return;
    const taken = quotes.findIndex((q) => q.place === place);
    if (taken >= state.count) quotes[taken].place = quotes[state.chosen].place; // one that waits
    quotes[state.chosen].place = place;
    later();
  }

  const placeAt = (event) => {
    const [a, b] = map.at(event);
    const inside = (v) => Math.max(0, Math.min(n - 1, Math.floor(v / SURFACE_SIDE)));
    return inside(b - SURFACE_EDGE.top) * n + inside(a - SURFACE_EDGE.left);
  };
  let dragging = false;
  map.addEventListener("pointerdown", (event) => {
    const [a, b] = map.at(event);
    const far = quotes.slice(0, state.count).map(({ place }) => {
      const [c, d] = [SURFACE_EDGE.left + ((place % n) + 0.5) * SURFACE_SIDE, SURFACE_EDGE.top + (Math.floor(place / n) + 0.5) * SURFACE_SIDE];
      return Math.hypot(a - c, b - d);
    });
    const near = far.indexOf(Math.min(...far));
    if (far[near] > 1.6 * SURFACE_SIDE) return; // nothing is there to be taken
    dragging = true;
    map.setPointerCapture(event.pointerId);
    choose(near);
  });
  map.addEventListener("pointermove", (event) => dragging && move(placeAt(event)));
  for (const name of ["pointerup", "pointercancel"]) map.addEventListener(name, () => (dragging = false));
  map.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    let [i, j] = [Math.floor(quotes[state.chosen].place / n), quotes[state.chosen].place % n];
    const busy = (place) => quotes.slice(0, state.count).some((q, k) => k !== state.chosen && q.place === place);
    do [i, j] = [i + step[0], j + step[1]];
    while (i >= 0 && i < n && j >= 0 && j < n && busy(i * n + j));
    if (i >= 0 && i < n && j >= 0 && j < n) move(i * n + j);
  });

  const fresh = () => {
    begin();
    choose(state.chosen);
  };
  body.replaceChildren(
    h("p", {}, say("ask")),
    h(
      "div",
      { class: "il-row" },
      chooser({
        label: say("truths"), value: state.truth, options: Object.keys(surfaces).map((name) => [name, name]),
        onchange: (name) => {
          state.truth = name;
          fresh();
        },
      }), // prettier-ignore
      chooser({
        label: say("shown"), value: state.shown, options: [...SURFACE_WAYS, "truth"].map((name) => [name, say(name)]),
        onchange: (name) => later((state.shown = name)),
      }), // prettier-ignore
      button(say("another"), () => {
        state.index = (state.index + 1) % surfaces[state.truth].length;
        state.seed += 1;
        fresh();
      }),
    ),
    h("div", { class: "il-row" }, count, which, off),
    checkbox({ label: say("noise"), onchange: (on) => later((state.noise = on)) }),
    h("div", { class: "il-surface-view" }, h("div", {}, map, scale), h("div", {}, smile, caption, table)),
    line,
    h("p", { class: "il-note" }, say("trading")),
  );
  begin();
  draw();
  choose(0);
  body.dataset.ready = "yes";
  const ended = onTheme(draw);
  return () => {
    ended();
    later.cancel();
  };
}

function surfaceTable(judged, crossed, say) {
  const head = [say("way"), say("error"), say("inside"), say("free")].map((text) => h("th", { scope: "col" }, text));
  const rows = SURFACE_WAYS.map((name) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("span", { class: `il-surface-key il-surface-${name}` }), say(name)),
      h("td", {}, number(judged[name].error)),
      h("td", {}, say("percent", { n: number(100 * judged[name].inside, 0) })),
      h("td", {}, String(crossed(name))),
    ),
  );
  return h(
    "table",
    { class: "il-surface-table" },
    h("caption", {}, say("caption")),
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, rows),
  );
}
