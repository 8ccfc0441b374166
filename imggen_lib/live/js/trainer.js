// Train in the page: a small GAN or VAE on points in the plane. The frame of the demo: texts, presets, controls, time.
//
// options: { kind: "gan" or "vae", preset: a name of TRAINER_PRESETS[kind] }. Nothing runs until the reader starts it.

words.trainer = {
  // Buttons and what they say.
  preset: "Start from",
  look: "Look for:",
  run: "Run",
  pause: "Pause",
  "one-gan": "One move",
  "one-vae": "One step",
  reset: "Reset",
  speed: "Speed",
  "speed-1": "slow motion: one move a second",
  "speed-10": "ten a second",
  "speed-60": "sixty a second",
  "speed-max": "as fast as it goes",
  "settings-gan": "More settings: data, learning rates, optimiser, seed",
  "settings-vae": "More settings: data, hidden numbers, sigma, seed",
  "settings-note": "Changes marked * start anew with fresh networks; all others take effect while it runs.",
  started: "Running.",
  paused: "Paused after {n} steps.",
  ready: "Ready: fresh networks.",
  broken: "Stopped: the numbers have grown beyond all bounds. That is a result too. Reset, and change something.",
  // Drawing one's own data.
  "draw-own": "Draw your own data",
  "draw-clear": "Clear the drawing",
  "draw-how": "Draw in the picture, by mouse or finger; or with the arrow keys and Space (Backspace takes a point back).",
  "draw-first": "Nothing is drawn yet: draw in the picture first.",
  "draw-plane": "Drawing area: arrow keys move, Space sets a point, Backspace takes the last one back.",
  "draw-count": "{n} points.",
  "drawn-look-gan":
    "are all strokes covered, and what is made where the drawing has a gap? Add points while it trains.",
  "drawn-look-vae":
    "one hidden number is one stroke: how does it get round yours? Then set the hidden numbers to 2.",
  "draw-full": "{n} points: more are not taken.",
  // Settings.
  data: "Data *",
  "data-ring": "ring of eight Gaussians",
  "data-grid": "grid of 25 Gaussians",
  "data-moons": "two moons",
  "data-spiral": "spiral",
  "data-line": "a line",
  "data-arc": "the VAE chapter's arc",
  "data-point": "one point (the Dirac-GAN)",
  "data-drawn": "drawn by you",
  loss: "Loss",
  "loss-minimax": "minimax",
  "loss-non-saturating": "non-saturating",
  "loss-least-squares": "least squares",
  "loss-hinge": "hinge",
  "loss-wasserstein": "Wasserstein",
  "loss-relativistic": "relativistic",
  penalty: "Penalty",
  "penalty-none": "none",
  "penalty-r1": "R1",
  "penalty-r1r2": "R1 + R2",
  "penalty-gp": "gradient penalty (WGAN-GP)",
  weight: "Its weight (γ or λ)",
  lrCritic: "Critic's learning rate",
  lrGenerator: "Generator's learning rate",
  optimiser: "Optimiser *",
  "optimiser-adam": "Adam",
  "optimiser-descent": "plain gradient descent",
  beta1: "Adam's β₁",
  turns: "The two move",
  "turns-alternating": "in turns",
  "turns-together": "at the same time",
  criticSteps: "Critic's steps for each of the generator's",
  headStart: "Critic's steps alone at first",
  batch: "Points in a batch",
  width: "Width of the networks *",
  seed: "Seed *",
  average: "show the generator's running average",
  arrows: "show the arrows",
  grid: "show the generator as a bent grid (two of its eight hidden numbers from \u22122.5 to 2.5, the others 0)",
  latent: "Hidden numbers *",
  beta: "β, the weight of the KL",
  sigma: "Decoder's σ *",
  "sigma-0": "learned",
  lr: "Learning rate",
  again: "show reconstructions",
  samples: "show samples",
  net: "show where the decoder puts the hidden numbers",
  // The GAN's pictures and numbers.
  critic: "Critic",
  generator: "Generator",
  noise: "noise",
  points: "points",
  "its-loss": "loss",
  "flow-critic": "The gradient goes from the loss into the critic and stops there: to it, the points are just data.",
  "flow-generator": "The gradient goes from the loss through the critic, which stays as it is, and on into the generator.",
  "flow-both": "Each has its own gradient: the critic\u2019s stops at the critic, the generator\u2019s goes on through it.",
  "says-generated": "generated",
  "says-real": "real",
  key:
    "Colour: the critic's answer. Line: where it cannot decide. Blue circles: data. Orange triangles: generated. " +
    "Arrows: where the loss pushes them.",
  "key-relative":
    "Colour: the critic's score, of which only differences count; the scale follows it. Blue circles: data. " +
    "Orange triangles: generated. Arrows: where the loss pushes them.",
  "plane-alt": "The critic's field with data and generated points.",
  "losses-caption": "Both losses (without the penalty)",
  "radius-caption": "How far the two are from where they should end",
  "modes-caption": "Modes found, of {count}",
  "pieces-caption": "Pieces of the curve that are covered, of {count}",
  "near-caption": "Share of the generated points that are good",
  "phase-caption": "The path of θ (generator) and ψ (critic); both should end at the dot",
  "x-axis": "{n} steps",
  empty: "Nothing yet: press Run.",
  raw: "generator",
  averaged: "its running average",
  "good-raw": "generator",
  "good-averaged": "its running average",
  steps: "Steps",
  "critic-loss": "Critic's loss",
  "penalty-now": "Penalty",
  "generator-loss": "Generator's loss",
  push: "Push (mean arrow)",
  modes: "Modes found",
  pieces: "Pieces covered",
  of: "{found} of {count}; averaged {averaged}",
  good: "Good points",
  "good-of": "{near}; averaged {averaged}",
  radius: "Distance from the middle",
  "critic-moved": "Step {step}: the critic moved. Its loss on this batch, penalty included: {then} → {now}.",
  "generator-moved": "Step {step}: the generator moved. Its loss on this batch: {then} → {now}.",
  "both-moved": "Step {step}: both moved, each against the other's old place.",
  "next-critic": "Next: the critic.",
  "next-generator": "Next: the generator.",
  // The VAE's.
  "data-in": "data",
  encoder: "Encoder",
  code: "z = \u03bc + \u03c3\u03b5",
  decoder: "Decoder",
  "its-elbo": "ELBO",
  "flow-vae": "The gradient goes from the ELBO through the decoder, then through \u03bc and \u03c3 into the encoder. \u03b5 is only drawn.",
  "vae-plane-caption":
    "Blue circles: data. Orange triangles: reconstructions, each tied to its point. Crosses: samples. Lines: " +
    "where the decoder puts hidden numbers from −2.5 to 2.5.",
  "vae-plane-alt": "Data, reconstructions and samples in the plane.",
  "line-caption":
    "Above, each bar is one point's posterior, give or take one standard deviation. Below, their mixture (blue) " +
    "and the prior (dashed).",
  "ellipses-caption":
    "Each ellipse is one point's posterior, one standard deviation wide. Dashed: the prior, one and two.",
  "terms-caption": "The ELBO's two terms and the ELBO, in nats a point",
  rec: "E log p(x|z)",
  kl: "KL",
  elbo: "ELBO",
  "rec-long": "Reconstruction, E log p(x|z)",
  "kl-long": "Price, KL(q ‖ p)",
  "nats-each": "Nats of each hidden number",
  "sigma-now": "Decoder's σ",
  "hidden-beta": "β that this σ amounts to",
  "good-samples": "Samples near the data",
  "vae-moved": "Step {step}: encoder and decoder moved together. E log p(x|z): {rec0} → {rec1}; KL: {kl0} → {kl1}.",
  // Presets: a name, and what to look for.
  "gan-r1": "All modes, with R1",
  "gan-r1-look":
    "the field stays gentle, and the points spread until all eight places are found; watch the running average. " +
    "Then set the penalty to none.",
  "gan-collapse": "Mode collapse",
  "gan-collapse-look":
    "without a penalty the critic grows steep, and the points crowd onto a few places; the others get none. Set " +
    "the penalty to R1 to see them leave.",
  "gan-dirac": "The Dirac-GAN circles",
  "gan-dirac-look":
    "each player's move is right against the other's present state, and the two go round for ever. Add R1; or let " +
    "both move at the same time.",
  "gan-dirac-r1": "The Dirac-GAN with R1",
  "gan-dirac-r1-look":
    "the same game with friction on the critic: the path spirals into the middle. From γ = 2 upwards it no " +
    "longer turns (with a logistic loss, from 1).",
  "gan-saturated": "A saturated loss",
  "gan-saturated-look":
    "the critic learns alone for 500 steps and is then sure; the minimax loss gives the generator almost no push. " +
    "Choose non-saturating and the points jump.",
  "gan-wgan": "A Wasserstein critic without a bound",
  "gan-wgan-look":
    "nothing limits the critic's slope, so its scores and the push grow a thousandfold. Watch the numbers at the " +
    "ends of the colour scale.",
  "gan-wgan-gp": "The same with a gradient penalty",
  "gan-wgan-gp-look": "all arrows come to have about the same length: the critic's slope is kept near 1.",
  "gan-relativistic": "A spiral, relativistic with R1 and R2",
  "gan-relativistic-look":
    "thin data that fills no area: the points first cover the disc, then are drawn onto the curve, and the two " +
    "losses hardly say so.",
  "vae-arc": "The chapter's arc",
  "vae-arc-look":
    "one hidden number finds the curve; the mixture of the posteriors comes close to the prior, and σ close to " +
    "the noise in the data, 0.13.",
  "vae-spare": "A hidden number too many",
  "vae-spare-look":
    "the data need one number and the VAE has two: one of them goes silent, its posteriors become the prior and " +
    "cost 0 nats.",
  "vae-collapse": "Posterior collapse",
  "vae-collapse-look":
    "with β = 20 no nat is worth its price: all posteriors become the prior, and every reconstruction is the " +
    "mean. Lower β to 2, then to 1: they wake.",
  "vae-small-beta": "A small beta",
  "vae-small-beta-look":
    "reconstructions are perfect, but the posteriors are tiny islands with nothing in between: samples from the " +
    "prior fall between the data. Raise β.",
  "vae-sigma": "Sigma fixed too large",
  "vae-sigma-look":
    "σ = 1 says that the data are noise: the price is not worth paying, and samples are far wider than the data. " +
    "Then let σ be learned.",
};

const TRAINER_DEFAULTS = {
  gan: {
    ...{ data: "ring", loss: "non-saturating", penalty: "none", weight: 0.1, lrCritic: 0.01, lrGenerator: 0.003 },
    ...{
      optimiser: "adam",
      beta1: 0,
      turns: "alternating",
      criticSteps: 3,
      headStart: 0,
      batch: 64,
      width: 32,
      seed: 1,
    },
  },
  vae: { data: "arc", latent: 1, beta: 1, sigma: 0, lr: 0.003, batch: 128, width: 32, seed: 1 },
};

const TRAINER_POINT = {
  data: "point",
  optimiser: "descent",
  lrCritic: 0.1,
  lrGenerator: 0.1,
  criticSteps: 1,
  batch: 16,
};

// The first of each kind is the one that is shown where none is named. imggen_lib/live/trainer.py has the same names.
const TRAINER_PRESETS = {
  gan: {
    r1: { penalty: "r1" },
    collapse: {},
    dirac: { ...TRAINER_POINT, loss: "wasserstein" },
    "dirac-r1": { ...TRAINER_POINT, loss: "wasserstein", penalty: "r1", weight: 0.5 },
    saturated: {
      ...{ loss: "minimax", optimiser: "descent", lrCritic: 0.3, lrGenerator: 0.003, criticSteps: 1, headStart: 500 },
    },
    wgan: { loss: "wasserstein" },
    "wgan-gp": { loss: "wasserstein", penalty: "gp", weight: 1, lrCritic: 0.003 },
    relativistic: { data: "spiral", loss: "relativistic", penalty: "r1r2", lrCritic: 0.003, criticSteps: 1 },
  },
  vae: {
    arc: {},
    spare: { data: "line", latent: 2 },
    collapse: { data: "moons", latent: 2, beta: 20 },
    "small-beta": { data: "ring", latent: 2, beta: 0.01 },
    sigma: { sigma: 1 },
  },
};

// The choices of each setting, and whether a change starts anew.
const TRAINER_RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const TRAINER_SETTINGS = {
  gan: {
    data: { values: ["ring", "grid", "moons", "spiral", "line", "arc", "point", "drawn"], anew: true },
    loss: { values: ["minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic"] },
    penalty: { values: ["none", "r1", "r1r2", "gp"] },
    weight: { values: [0.01, 0.02, 0.1, 0.5, 1, 2, 5, 10] },
    lrCritic: { values: TRAINER_RATES },
    lrGenerator: { values: TRAINER_RATES },
    criticSteps: { values: [1, 2, 3, 5, 10] },
    headStart: { values: [0, 100, 500] },
    optimiser: { values: ["adam", "descent"], anew: true },
    beta1: { values: [0, 0.5, 0.9] },
    turns: { values: ["alternating", "together"] },
    batch: { values: [16, 32, 64, 128, 256] },
    width: { values: [16, 32, 64], anew: true },
  },
  vae: {
    data: { values: ["arc", "ring", "grid", "moons", "spiral", "line", "drawn"], anew: true },
    latent: { values: [1, 2], anew: true },
    beta: { values: [0, 0.01, 0.1, 0.5, 1, 2, 4, 10, 20] },
    sigma: { values: [0, 0.02, 0.05, 0.1, 0.2, 0.5, 1], anew: true },
    lr: { values: TRAINER_RATES.slice(2, 6) },
    batch: { values: [16, 32, 64, 128, 256] },
    width: { values: [16, 32, 64], anew: true },
  },
};

// What the texts tell the reader to move while it runs stands beside Run; the rest is folded.
const TRAINER_NEAR = { gan: ["loss", "penalty", "weight"], vae: ["beta"] };

// At the first, the networks move one by one and say so.
const TRAINER_SPEEDS = { 1: 1, 10: 10, 60: 60, max: Infinity };
const TRAINER_BUDGET = 9; // milliseconds of training in a frame: the page stays responsive on slow cores

demos.trainer = function ({ model, el, say }) {
  const options = model.get("options") || {};
  const kind = options.kind ?? "gan";
  const presets = TRAINER_PRESETS[kind];
  const settings = { drawn: trainerPen.HEART.slice() };
  const view = trainerViews[kind](say, settings);
  const told = status();
  const look = h("p", { class: "il-trainer-look" });
  const table = h("dl", { class: "il-trainer-numbers" });
  const choosers = {};
  let speed = "max";
  let due = 0; // steps that the chosen speed owes
  let cost = 0; // milliseconds that the last drawing took
  let [drawnAt, countedAt] = [-Infinity, -Infinity]; // when it was, and when modes were last counted
  let pace = { at: 0, steps: 0 };

  // ---- Starting, stepping, stopping
  // -----------------------------------------------------------------------------------

  const root = h("div", { class: `il-trainer il-trainer-${kind}` });

  function draw(counting = true) {
    const before = performance.now();
    if (counting) countedAt = before;
    view.draw(colours(root), counting);
    drawnAt = performance.now();
    cost = drawnAt - before;
    const rows = view.read().map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    table.replaceChildren(...rows);
    root.dataset.steps = view.steps;
  }

  const clock = loop(root, (elapsed) => {
    const now = performance.now();
    const rate = TRAINER_SPEEDS[speed];
    due = rate === Infinity ? Infinity : Math.min(due + (elapsed / 1000) * rate, 1 + rate / 5);
    while (due >= 1 && performance.now() < now + TRAINER_BUDGET) {
      if (speed === "1") told.say(view.move());
      else view.step();
      due -= 1;
      if (!view.fine) {
        stop(say("broken"));
        return;
      }
    }
    if (now - pace.at > 1000) {
      if (pace.at) root.dataset.pace = Math.round((1000 * (view.steps - pace.steps)) / (now - pace.at));
      pace = { at: now, steps: view.steps };
    }
    // At most 30 pictures a second, and at most a third of the time.
    if (now - drawnAt > Math.max(30, 2 * cost)) draw(now - countedAt > 400);
  });

  const nothing = () => settings.data === "drawn" && settings.drawn.length === 0;

  function run() {
    if (nothing()) {
      told.say(say("draw-first"));
      return;
    }
    due = 1;
    pace = { at: 0, steps: 0 };
    clock.start();
    play.textContent = say("pause");
    root.dataset.running = "yes";
    told.say(say("started"));
  }

  function stop(text) {
    clock.stop();
    play.textContent = say("run");
    root.dataset.running = "no";
    if (text) told.say(text);
    draw();
  }

  function restart(text) {
    view.restart();
    stop(text);
  }

  function one() {
    if (clock.running) stop();
    if (nothing()) {
      told.say(say("draw-first"));
      return;
    }
    const text = view.move();
    told.say(view.fine ? text : say("broken"));
    draw();
  }

  // ---- Controls
  // -------------------------------------------------------------------------------------------------------

  const play = button(say("run"), () => (clock.running ? stop(say("paused", { n: view.steps })) : run()));
  const speeds = Object.keys(TRAINER_SPEEDS).map((key) => [key, say(`speed-${key}`)]);
  const presetChooser = chooser({
    label: say("preset"),
    options: Object.keys(presets).map((name) => [name, say(`${kind}-${name}`)]),
    value: options.preset ?? Object.keys(presets)[0],
    onchange: choose,
  });
  const speedChooser = chooser({
    label: say("speed"),
    options: speeds.sort((a, b) => TRAINER_SPEEDS[a[0]] - TRAINER_SPEEDS[b[0]]),
    value: speed,
    onchange: (key) => {
      speed = key;
      due = 0;
    },
  });

  function text(name, value) {
    if (typeof value === "string") return say(`${name}-${value}`);
    if (name === "sigma" && value === 0) return say("sigma-0");
    return String(value);
  }

  for (const [name, { values, anew }] of Object.entries(TRAINER_SETTINGS[kind])) {
    choosers[name] = chooser({
      label: say(name),
      options: values.map((value) => [String(value), text(name, value)]),
      value: String(TRAINER_DEFAULTS[kind][name]),
      onchange: (key) =>
        change(
          name,
          values.find((value) => String(value) === key),
          anew,
        ),
    });
  }

  // A point needs other settings than a cloud: without them the Dirac-GAN stands still, and a cloud never takes shape.
  function change(name, value, anew) {
    const wasPoint = settings.data === "point";
    settings[name] = value;
    if (name === "data" && value === "drawn") looking(`drawn-look-${kind}`);
    if (name === "data" && (value === "point") !== wasPoint) {
      Object.assign(settings, value === "point" ? TRAINER_POINT : { ...TRAINER_DEFAULTS.gan, data: value });
    }
    show();
    if (anew) restart(say("ready"));
    else if (!clock.running) draw();
  }

  // ---- Drawing one's own data
  // -----------------------------------------------------------------------------------------

  function redrawn(text) {
    view.redrawn();
    if (clock.running && nothing()) stop();
    told.say(text);
    draw();
  }

  const drawing = () => settings.data === "drawn";
  const tell = (text) => told.say(text);
  trainerPen.listen(view, { drawn: () => settings.drawn, active: drawing, say, tell, redrawn, draw });

  const clear = button(say("draw-clear"), () => {
    settings.drawn.length = 0;
    redrawn(say("draw-first"));
  });
  const own = button(say("draw-own"), () => change("data", "drawn", true));
  const how = h("p", { class: "il-note" }, say("draw-how"));

  function offerDrawing() {
    const on = drawing();
    trainerPen.offer(view, on, say);
    [own.hidden, clear.hidden, how.hidden] = [on, !on, !on];
  }

  const seed = h("input", {
    type: "number",
    min: 0,
    max: 99999,
    step: 1,
    class: "il-trainer-seed",
    inputmode: "numeric",
  });
  seed.addEventListener("change", () => change("seed", Math.max(0, Math.round(Number(seed.value) || 0)), true));

  function show() {
    for (const [name, control] of Object.entries(choosers)) control.show(String(settings[name]));
    seed.value = settings.seed;
    offerDrawing();
  }

  const looking = (text) => look.replaceChildren(h("strong", {}, say("look")), ` ${say(text)}`);

  function choose(name) {
    Object.assign(settings, TRAINER_DEFAULTS[kind], presets[name]);
    looking(`${kind}-${name}-look`);
    show();
    restart(say("ready"));
  }

  const shows = Object.keys(view.shows).map((name) =>
    checkbox({
      label: say(name),
      value: view.shows[name],
      onchange: (on) => {
        view.shows[name] = on;
        draw();
      },
    }),
  );

  const near = TRAINER_NEAR[kind].map((name) => choosers[name]);
  root.append(
    h("div", { class: "il-row" }, presetChooser),
    look,
    h(
      "div",
      { class: "il-row" },
      play,
      button(say(`one-${kind}`), one),
      button(say("reset"), () => restart(say("ready"))),
      speedChooser,
    ),
    h("div", { class: "il-row il-trainer-near" }, near, own, clear),
    how,
    told,
    view.elements,
    h("div", { class: "il-row" }, shows),
    h(
      "details",
      { class: "il-trainer-settings" },
      h("summary", {}, say(`settings-${kind}`)),
      h(
        "div",
        { class: "il-trainer-choices" },
        Object.values(choosers).filter((control) => !near.includes(control)),
        h("label", { class: "il-chooser" }, h("span", { class: "il-name" }, say("seed")), seed),
      ),
      h("p", { class: "il-note" }, say("settings-note")),
    ),
  );
  view.elements.append(table);
  el.append(root);
  choose(options.preset ?? Object.keys(presets)[0]);
  const endTheme = onTheme(() => draw());
  root.trainer = { view, settings }; // for tests, and for readers who look into the console
  return function cleanup() {
    clock.end();
    endTheme();
  };
};
