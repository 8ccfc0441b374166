// "The hole in the prior": the same noise decoded straight away, moved by a latent flow, and by its student in one step.
//
// options: model (the decoder's file), real (codes of images), later (flow, student), digit, solver, steps, guidance, seed.

words.latent = {
  loading: "Loading the decoder \u2026",
  ask:
    "Six times the same noise, drawn by the same decoder. In the first row the noise itself is the code, as a VAE\u2019s prior has " +
    "it. Below, a flow moves it to where codes of real digits are, and a student goes there in one step.",
  fetch: "Load the flow and its student",
  fetch_size: "Load the flow and its student ({size} kB)",
  fetching: "Loading the flow \u2026",
  digit: "Digit",
  solver: "Solver",
  euler: "Euler",
  midpoint: "Midpoint",
  heun: "Heun",
  steps: "Steps",
  steps_value: "{n}, {evaluations} evaluations",
  guidance: "Guidance",
  seed: "Seed",
  again: "Other noise",
  time: "Time t",
  play: "Let it flow",
  halt: "Pause",
  look: "Show",
  way: "the code on its way",
  goal: "where it would end, going straight on",
  prior: "Noise as a code",
  flow: "Flow",
  student: "Student",
  pick: "Noise {k}, {way}",
  none: "no evaluation",
  one: "1 evaluation",
  many: "{n} evaluations",
  distance: "distance from a {digit}: {d}",
  nearest: "nearest: a {k}, {d}",
  ms: "{ms}\u00a0ms per image",
  plane: "Plane of codes: codes of training images, and the ways of the six noises; described below",
  ring: "noise",
  triangle: "the flow\u2019s code at time t",
  square: "the student\u2019s code",
  own: "codes of training images of a {digit}",
  others: "of other digits",
  key:
    "Two of 32 directions: to the right, that in which codes of a {digit} differ most from the others; upwards, that in which they " +
    "vary most. The noise lies among codes of all digits, and in the other thirty directions between them.",
  note:
    "The distance is that of a code from codes of a {digit}, in their own deviations: {low} to {high} for nine in ten training " +
    "images. On its way a code is part noise, part goal, and so nearer to the middle of all. Milliseconds are those of this page, " +
    "for the flow to its end and with the decoder. The decoder is exact; flow and student are rounded, which moves their images by " +
    "{flow} and {student} grey levels of 255 in the mean.",
  note_prior:
    "The distance is that of a code from codes of a {digit}, in their own deviations: {low} to {high} for nine in ten training images.",
  status:
    "Digit {digit}, {solver}, {steps} steps, guidance {guidance}, time {t}. Mean distance from codes of this digit: noise {prior}, " +
    "flow {flow}, student {student}.",
  status_prior: "Digit {digit}. Mean distance of the noise from codes of this digit: {prior}.",
};

demos.latent = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-latent" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let cleanup = () => {};
  let ended = false;
  Promise.all([openNetwork(model, options.model), latentCodes(model, options.real)])
    .then(([network, codes]) => {
      if (!ended) cleanup = latentBody({ model, network, codes, body, options, say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    cleanup();
  };
};

function latentBody({ model, network, codes, body, options, say }) {
  const size = network.spec.latent;
  const drawn = latentDrawn({ network, codes, size });
  const state = { ...options, t: 1, goal: false, chosen: 0 };
  const ready = () => Boolean(drawn.flow && drawn.student);
  const ways = Object.fromEntries(
    LATENT_WAYS.map((way) => [way, latentWay({ way, shape: network.spec.image, say, pick: (k) => choose(k) })]),
  );
  const board = latentPlane(codes, say);
  const line = status();
  const [note, key] = [h("p", { class: "il-note" }), h("p", { class: "il-note" })];
  const [ownName, othersName] = [h("span"), h("span")];
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const evaluations = () => SOLVERS[state.solver].evaluations * state.steps * (state.guidance === 1 ? 1 : 2);
  const calls = (n) => say("steps_value", { n, evaluations: n * SOLVERS[state.solver].evaluations });

  function nearest() {
    const code = drawn.each(drawn.noise)[state.chosen];
    const far = codes.spec.typical.map((_, k) => codes.distance(code, k));
    const least = Math.min(...far);
    return say("nearest", { k: far.indexOf(least), d: number(least) });
  }

  function tell() {
    const { digit } = state;
    const shown = ready() ? LATENT_WAYS : ["prior"];
    const far = Object.fromEntries(shown.map((way) => [way, drawn.far(way, digit)]));
    const asked = { prior: say("none"), flow: say("many", { n: evaluations() }), student: say("one") };
    if (evaluations() === 1) asked.flow = say("one");
    for (const way of shown) {
      const d = say("distance", { digit, d: number(far[way][state.chosen]) });
      ways[way].tell([asked[way], d, say("ms", { ms: number(drawn.spent[way], 1) }), way === "prior" ? nearest() : ""]);
      ways[way].figure.dataset.far = far[way][state.chosen];
    }
    const [low, , high] = codes.spec.typical[digit].map((v) => number(v));
    const apart = ready() ? { flow: number(drawn.flow.spec.difference, 1), student: number(drawn.student.spec.difference, 1) } : {};
    note.textContent = say(ready() ? "note" : "note_prior", { digit, low, high, ...apart });
    key.textContent = say("key", { digit });
    ownName.textContent = say("own", { digit });
    othersName.textContent = say("others");
    const means = Object.fromEntries(shown.map((way) => [way, number(mean(far[way]))]));
    const about = { digit, solver: say(state.solver), steps: state.steps, guidance: number(state.guidance), t: number(state.t) };
    line.say(say(ready() ? "status" : "status_prior", { ...about, ...means }));
    const { solver, steps, guidance, seed, t, chosen, goal } = state;
    Object.assign(body.dataset, { digit, solver, steps, guidance, seed, t, chosen, goal, loaded: ready() });
    body.dataset.drawn = Number(body.dataset.drawn || 0) + 1;
  }

  function plane() {
    const place = (points) => drawn.each(points).map((code) => codes.plane(code, state.digit));
    const all = { label: state.digit, chosen: state.chosen, noises: place(drawn.noise) };
    if (ready()) {
      const knots = drawn.path.places.map((x) => place(drawn.flow.codes(x)));
      all.paths = all.noises.map((_, k) => knots.map((points) => points[k]));
      all.now = place(drawn.flow.codes(drawn.now(state.t)));
      all.ends = place(drawn.points.student);
    }
    board.draw(all, colours(body));
  }

  function show(...names) {
    for (const way of names) ways[way].show(drawn.images[way]);
    plane();
    tell();
  }

  // Time or what is shown of it has changed; the flow or its noise; everything.
  const moved = () => (drawn.at(state.t, state.goal), show("flow"));
  const solved = () => (drawn.move(state), moved());
  function all() {
    drawn.noise = normals(chance(state.seed), LATENT_COUNT * size);
    drawn.prior();
    ways.prior.show(drawn.images.prior);
    if (!ready()) return show();
    drawn.jump(state.digit);
    ways.student.show(drawn.images.student);
    solved();
  }

  function choose(k) {
    state.chosen = k;
    for (const way of LATENT_WAYS) ways[way].choose(k);
    plane();
    tell();
  }

  // ---- Time

  const player = loop(body, (elapsed) => {
    if (reducedMotion()) state.t = Math.min(1, (Math.floor(state.t * state.steps + 1e-6) + 1) / state.steps);
    else state.t = Math.min(1, state.t + elapsed / 3000);
    time.show(state.t);
    if (state.t >= 1) halt();
    moved();
  });
  function halt() {
    player.stop();
    play.textContent = say("play");
  }
  const play = button(say("play"), () => {
    if (player.running) return halt();
    if (state.t >= 1) state.t = 0;
    play.textContent = say("halt");
    player.start();
  }, { class: "il-button il-main" });
  const later = eachFrame(() => ready() && moved());
  const time = slider({ label: say("time"), min: 0, max: 1, step: 0.01, value: 1, oninput: (t) => (halt(), (state.t = t), later()) });
  time.querySelector("output").setAttribute("aria-live", "off"); // it runs while the flow plays

  // ---- Controls

  const anew = eachFrame(() => ready() && solved());
  const digit = chooser({
    label: say("digit"), value: String(state.digit),
    options: codes.spec.typical.map((_, k) => [String(k), String(k)]),
    onchange: (k) => ((state.digit = Number(k)), all()),
  });
  const solver = chooser({
    label: say("solver"), value: state.solver, options: ["euler", "midpoint", "heun"].map((name) => [name, say(name)]),
    onchange: (name) => ((state.solver = name), steps.show(state.steps), solved()),
  });
  const steps = slider({
    label: say("steps"), min: 1, max: 16, step: 1, value: state.steps, format: calls, oninput: (n) => ((state.steps = n), anew()),
  });
  const guidance = slider({
    label: say("guidance"), min: 0, max: 4, step: 0.1, value: state.guidance, oninput: (w) => ((state.guidance = w), anew()),
  });
  const look = chooser({
    label: say("look"), value: "way", options: ["way", "goal"].map((name) => [name, say(name)]),
    onchange: (name) => ((state.goal = name === "goal"), moved()),
  });
  const seed = h("input", { type: "number", min: 0, max: 99999, step: 1, class: "il-trainer-seed", inputmode: "numeric" });
  const reseed = (value) => {
    state.seed = Math.max(0, Math.min(99999, Math.round(Number(value) || 0)));
    seed.value = state.seed;
    all();
  };
  seed.addEventListener("change", () => reseed(seed.value));
  const again = button(say("again"), () => reseed((state.seed + 1) % 100000));

  // ---- What comes when the reader asks

  const sizes = model.get("sizes") || {};
  const kB = options.later.reduce((sum, name) => sum + (sizes[name] || 0), 0);
  const ask = button(kB ? say("fetch_size", { size: kB }) : say("fetch"), () => bring(), { class: "il-button il-main" });
  const flowing = h(
    "div",
    { class: "il-latent-flow", hidden: true },
    h("div", { class: "il-row" }, play, time, look),
    h("div", { class: "il-row" }, solver, steps, guidance),
  );
  function bring() {
    const focused = document.activeElement === ask;
    ask.disabled = true;
    ask.textContent = say("fetching");
    return Promise.all(options.later.map((name) => latentOpen(model, name)))
      .then(([flow, student]) => {
        [drawn.flow, drawn.student] = [flow, student];
        for (let k = 0; k < 2; k++) [drawn.jump(state.digit), drawn.move(state)]; // a browser is slow at what it has not done before
        ask.hidden = true;
        flowing.hidden = false;
        ["flow", "student"].forEach((way) => ways[way].hide(false));
        legend.querySelectorAll("[hidden]").forEach((part) => (part.hidden = false));
        all();
        if (focused) play.focus();
      })
      .catch((error) => fail(body, error));
  }

  const sign = (kind, text, hidden = false) => h("li", { hidden }, h("span", { class: `il-latent-sign il-latent-${kind}` }), text);
  const legend = h("ul", { class: "il-latent-key" }, sign("ring", say("ring")), sign("triangle", say("triangle"), true),
    sign("square", say("square"), true), sign("own", ownName), sign("others", othersName));
  body.replaceChildren(
    h("p", {}, say("ask")),
    h("div", { class: "il-row" }, digit, again, h("label", { class: "il-chooser" }, h("span", { class: "il-name" }, say("seed")), seed)),
    h("div", { class: "il-row" }, ask),
    flowing,
    h("div", { class: "il-latent-both" },
      h("div", { class: "il-latent-left" },
        h("div", { class: "il-latent-large" }, ...LATENT_WAYS.map((way) => ways[way].figure)),
        h("div", { class: "il-latent-grid" }, ...LATENT_WAYS.flatMap((way) => ways[way].parts))),
      h("figure", { class: "il-figure il-latent-plane" }, board, h("figcaption", {}, legend, key))),
    line,
    note,
  );
  seed.value = state.seed;
  ["flow", "student"].forEach((way) => ways[way].hide(true));
  LATENT_WAYS.forEach((way) => ways[way].choose(0));
  all();
  body.dataset.ready = network.name;
  if (!kB) bring(); // a notebook has them at hand
  const endTheme = onTheme(plane);
  body.latent = { drawn, state }; // for tests, and for readers who look into the console
  return () => {
    player.end();
    [later, anew].forEach((f) => f.cancel());
    endTheme();
  };
}
