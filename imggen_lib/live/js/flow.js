// Flow matching in the page: train a field, move time, choose a solver, straighten the paths; a GAN or a VAE stands beside.
// options: { data: a name of FLOW_CHOICES.data, beside: "gan" or "vae" }. Nothing runs until the reader starts it.

const FLOW_CHOICES = {
  data: ["moons", "ring", "grid", "spiral", "line", "arc", "drawn"],
  beside: ["gan", "vae"],
  solver: ["euler", "midpoint", "heun"],
  width: [32, 48, 64, 96],
  batch: [64, 128, 256],
  lr: [0.001, 0.003, 0.01],
};
const FLOW_ANEW = ["data", "beside", "width", "seed"];
const FLOW_DEFAULTS = { solver: "euler", steps: 20, width: 48, batch: 128, lr: 0.003, seed: 1 };
const FLOW_BUDGET = 10; // milliseconds of training in a frame
const FLOW_TRAINED = 300; // steps after which there is something to play
const FLOW_SECONDS = 4; // from noise to data
const FLOW_STILLS = 4; // pictures of the way for readers who want no motion

demos.flow = function ({ model, el, say }) {
  const options = model.get("options") || {};
  const settings = { ...FLOW_DEFAULTS, data: options.data ?? "moons", beside: options.beside ?? "gan" };
  settings.drawn = trainerPen.HEART.slice();
  const view = flowViews.view(say, settings);
  const root = h("div", { class: "il-trainer il-flow" });
  const told = status();
  const hint = h("p", { class: "il-trainer-look" });
  const table = h("table", { class: "il-flow-table" });
  const { brief } = flowViews;
  const [planeCaption, otherCaption] = [h("span"), h("span")];
  const choosers = {};
  let [cost, drawnAt, countCost, countedAt] = [0, -Infinity, 0, -Infinity]; // in milliseconds
  let making = null; // pairs for reflow, a slice a call
  let trying = "";

  // ---- What is shown
  function look(name) {
    if (trying === name) return;
    trying = name;
    hint.replaceChildren(h("strong", {}, say("try")), ` ${say(`try-${name}`)}`);
  }

  function draw(counting = true) {
    const before = performance.now();
    const measured = counting && !view.numbers;
    if (measured) view.measure();
    const between = performance.now();
    if (measured) [countedAt, countCost] = [between, between - before];
    view.draw(colours(root));
    drawnAt = performance.now();
    cost = drawnAt - between;
    if (view.numbers) flowViews.tabulate(table, view.numbers, say, settings);
    planeCaption.textContent = say("plane-caption", { t: number(view.t) });
    otherCaption.textContent = say(`${settings.beside}-caption`);
    const { game } = view;
    look(game.stages.length ? "reflow" : game.total >= FLOW_TRAINED ? "one" : "start");
    Object.assign(root.dataset, { steps: game.total, stages: view.stages, time: view.t.toFixed(3) });
  }

  // Numbers take longer than pictures: they come when the reader's hand rests.
  let rest = 0;
  function settle(speak = false) {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (clock.running) return;
      draw();
      if (speak) told.say(said());
    }, 300);
  }

  // ---- Training

  const nothing = () => settings.data === "drawn" && settings.drawn.length === 0;

  const clock = loop(root, () => {
    const now = performance.now();
    if (making) {
      makePairs();
      return;
    }
    do view.step();
    while (performance.now() < now + FLOW_BUDGET && view.fine);
    if (!view.fine) return stop(say("broken"));
    // At most 30 pictures a second and a third of the time; numbers are rarer still.
    if (now - drawnAt > Math.max(30, 2 * cost)) draw(now - countedAt > Math.max(800, 6 * countCost));
  });

  function makePairs() {
    const share = making();
    if (share < 1) {
      told.say(say("reflow-making", { n: Math.round(100 * share) }));
      return;
    }
    making = null;
    view.stage = null;
    view.changed();
    told.say(say("reflow-made", { n: flowMath.PAIRS }));
    showStages();
    draw();
  }

  function run(text) {
    if (nothing()) {
      told.say(say("draw-first"));
      return;
    }
    clock.start();
    play.textContent = say("pause");
    root.dataset.running = "yes";
    if (text) told.say(text);
  }

  const said = () => {
    const [{ one, many }, { real }] = [view.numbers.stages.at(-1), view.numbers];
    const values = { one: brief(one), many: brief(many), real: brief(real.one) };
    return say("said", { ...values, solver: say(settings.solver), steps: settings.steps });
  };

  function stop(text) {
    clock.stop();
    play.textContent = say("train");
    root.dataset.running = "no";
    draw();
    if (text) told.say(text);
  }

  const pause = () => {
    stop();
    told.say(say("paused", { n: view.game.total, numbers: said() }));
  };

  function restart(text) {
    making = null;
    view.restart();
    showStages();
    stop(text);
  }

  function reflow() {
    if (making) return;
    if (view.game.steps < 1) {
      told.say(say("reflow-first"));
      return;
    }
    making = view.game.reflow();
    run(say("reflow-making", { n: 0 }));
  }

  const play = button(say("train"), () => (clock.running ? pause() : run(say("started"))), { class: "il-button il-main" });

  // ---- Time

  let shown = 0; // milliseconds since the last still
  const player = loop(root, (elapsed) => {
    if (reducedMotion()) {
      shown += elapsed;
      if (shown < 900) return;
      shown = 0;
      goTo(Math.min(1, (Math.floor(FLOW_STILLS * view.t + 1e-6) + 1) / FLOW_STILLS));
    } else goTo(Math.min(1, view.t + elapsed / (1000 * FLOW_SECONDS)));
    if (view.t >= 1) halt();
  });

  function halt() {
    player.stop();
    flowButton.textContent = say("play");
    root.dataset.playing = "no";
  }

  function goTo(t) {
    view.t = t;
    time.show(t);
    if (!clock.running) draw(false);
  }

  const time = slider({ label: say("time"), min: 0, max: 1, step: 0.01, value: 1, oninput: (t) => (halt(), goTo(t)) });
  time.querySelector("output").setAttribute("aria-live", "off"); // it runs while the flow plays
  const flowButton = button(say("play"), () => {
    if (player.running) return halt();
    shown = 0;
    if (view.t >= 1) goTo(0);
    flowButton.textContent = say("halt");
    root.dataset.playing = "yes";
    player.start();
  });

  // ---- Controls

  function change(name, value) {
    settings[name] = value;
    show();
    if (FLOW_ANEW.includes(name)) return restart(say("ready"));
    view.changed();
    if (clock.running) return;
    draw(false);
    settle(["solver", "steps"].includes(name));
  }

  const text = (name, value) => (typeof value === "number" ? String(value) : say(name === "data" ? `data-${value}` : value));
  for (const [name, values] of Object.entries(FLOW_CHOICES)) {
    const listed = values.map((value) => [String(value), text(name, value)]);
    const chosen = (key) => change(name, values.find((value) => String(value) === key));
    choosers[name] = chooser({ label: say(name), options: listed, value: String(settings[name]), onchange: chosen });
  }
  const calls = (n) => say("steps-value", { n, evaluations: n * flowMath.SOLVERS[settings.solver].evaluations });
  const steps = eachFrame((n) => change("steps", n));
  const range = { min: 1, max: 50, step: 1, value: settings.steps };
  const stepSlider = slider({ label: say("steps"), ...range, oninput: steps, format: calls });

  const stageSelect = h("select", { class: "il-select", "aria-label": say("stage") });
  const stageName = h("span", { class: "il-name", "aria-hidden": "true" }, say("stage"));
  const stageChooser = h("label", { class: "il-chooser" }, stageName, stageSelect);
  stageSelect.addEventListener("change", () => {
    view.stage = stageSelect.value === "now" ? null : Number(stageSelect.value);
    view.changed();
    draw();
  });

  /** Flows that are done can be looked at again. */
  function showStages() {
    const done = view.game.stages.map((_, k) => h("option", { value: k }, say(k ? "reflowed" : "flow", { k })));
    const last = view.game.stages.length;
    const now = `${say(last ? "reflowed" : "flow", { k: last })}, ${say("now")}`;
    stageSelect.replaceChildren(...done, h("option", { value: "now" }, now));
    stageSelect.value = view.stage ?? "now";
    stageChooser.hidden = last === 0;
  }

  const drawing = () => settings.data === "drawn";
  function redrawn(message) {
    if (view.game.stages.length || making) return restart(say("draw-again", { n: settings.drawn.length }));
    view.redrawn();
    if (clock.running && nothing()) stop();
    told.say(message);
    draw(false);
    if (!clock.running && !nothing()) settle();
  }
  const pen = { drawn: () => settings.drawn, active: drawing, say, redrawn, draw: () => draw(false) };
  trainerPen.listen(view, { ...pen, tell: (message) => told.say(message) });
  const clearDrawing = button(say("draw-clear"), () => {
    settings.drawn.length = 0;
    redrawn(say("draw-first"));
  });
  const own = button(say("draw-own"), () => change("data", "drawn"));
  const how = h("p", { class: "il-note" }, say("draw-how"));
  const seed = h("input", { type: "number", min: 0, max: 99999, step: 1, class: "il-trainer-seed", inputmode: "numeric" });
  seed.addEventListener("change", () => change("seed", Math.max(0, Math.round(Number(seed.value) || 0))));

  function show() {
    for (const [name, control] of Object.entries(choosers)) control.show(String(settings[name]));
    stepSlider.show(settings.steps);
    seed.value = settings.seed;
    trainerPen.offer(view, drawing(), say);
    [own.hidden, clearDrawing.hidden, how.hidden] = [drawing(), !drawing(), !drawing()];
  }

  const shows = Object.keys(view.shows).map((name) =>
    checkbox({ label: say(name), value: view.shows[name], onchange: (on) => ((view.shows[name] = on), draw()) }),
  );
  const figure = (picture, ...captions) => h("figure", { class: "il-trainer-figure" }, picture, h("figcaption", {}, captions));
  root.append(
    h("div", { class: "il-row il-trainer-near" }, choosers.data, own, clearDrawing, choosers.beside),
    how,
    hint,
    h("div", { class: "il-row" }, play, button(say("reset"), () => restart(say("ready"))), button(say("reflow"), reflow)),
    told,
    h("div", { class: "il-row il-flow-solver" }, choosers.solver, stepSlider, stageChooser),
    h("div", { class: "il-row il-flow-time" }, flowButton, time),
    h("div", { class: "il-flow-panels" }, figure(view.plane, planeCaption), figure(view.other, otherCaption)),
    h("div", { class: "il-row" }, shows),
    table,
    h("div", { class: "il-flow-panels" },
      figure(view.losses, say("losses-caption")), figure(view.distances, say("distances-caption"))),
    h("details", { class: "il-trainer-settings" },
      h("summary", {}, say("settings")),
      h("div", { class: "il-trainer-choices" }, choosers.width, choosers.batch, choosers.lr,
        h("label", { class: "il-chooser" }, h("span", { class: "il-name" }, say("seed")), seed)),
      h("p", { class: "il-note" }, say("settings-note"))),
  );
  el.append(root);
  show();
  restart(say("ready"));
  const endTheme = onTheme(() => draw(false));
  root.flow = { view, settings, goTo }; // for tests, and for readers who look into the console
  return function cleanup() {
    clearTimeout(rest);
    clock.end();
    player.end();
    endTheme();
  };
};
