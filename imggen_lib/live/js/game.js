// A platform game: play a level, or watch the agent finish it. Engine and agent are Python's, to the bit.
//
// options: model (the file with the stored levels and the pictures of the tiles), levels (texts of levels of one's own), first.

words.game = {
  loading: "Loading the levels \u2026",
  screen:
    "The game. Keys: left and right arrow to run, space or up arrow to jump, Escape to pause, R to restart. What happens is told below.",
  how: "Click the picture or Tab to it, then run with \u2190 and \u2192 and jump with the space bar or \u2191. The goal is the lit column.",
  play: "Play",
  pause: "Pause",
  restart: "Restart",
  watch: "Watch the agent",
  fresh: "New level",
  making: "The network makes a level, the agent tries it \u2026",
  made:
    "Level {k}, made by the network from this seed: {columns} columns, {gaps} without ground, {enemies} enemies. Seeds tried: {tries}.",
  refused: "Level {k}, made by the network from this seed, is one that the agent does not finish ({outcome}).",
  easier: "Easier",
  harder: "Harder",
  code: "Level",
  left: "Left",
  right: "Right",
  jump: "Jump",
  pad: "Buttons of the game",
  about: "Level {k} of {n}: {columns} columns, {gaps} without ground, {enemies} enemies.",
  proof: "The agent finishes it in {s} seconds with {jumps} jumps.",
  place: "Column {c} of {n}, {coins} coins, {s} s",
  paused: "Paused at column {c} of {n}.",
  playing: "The game runs.",
  quarter: "{percent}\u00a0% of the way.",
  won: "Finished in {s} seconds, with {coins} coins and {stomped} enemies stomped.",
  agentWon: "The agent has finished the level in {s} seconds with {jumps} jumps; a hash of all positions is {hash}.",
  same: "It is the one that Python stored.",
  other: "Python stored another one: {hash}.",
  fell: "You fell at column {c} of {n}. Space or Restart begins again.",
  hit: "An enemy caught you at column {c} of {n}. Space or Restart begins again.",
  searching: "The agent is searching: {nodes} nodes so far.",
  unfinished: "The agent found no way to the end ({nodes} nodes, {outcome}); this is how far it came.",
  unreachable: "nothing is left to try",
  budget: "its budget is used up",
  theEnd: "The agent stands at column {c} of {n}.",
};

demos.game = function ({ model, el, say }) {
  const body = h("div", { class: "il-game" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let end = () => {};
  let ended = false;
  fetchFile(model, model.get("options").model)
    .then(async (file) => {
      const { spec } = file;
      const texts = new TextDecoder().decode(await fileBytes(file)).split("\n\n");
      spec.levels.forEach((level, k) => (level.text = texts[k]));
      const sheet = await gameSheet(spec.sheet);
      if (!ended) end = gameBody({ spec, sheet, body, el, model, options: model.get("options"), say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    end();
  };
};

// What is down: keys, the pad's buttons, a gamepad. A jump pressed shortly before landing counts on landing.
function gameControls() {
  const keys = { ArrowLeft: 1, ArrowRight: 2, ArrowUp: 4, " ": 4, a: 1, d: 2, w: 4 };
  const down = new Map(); // what holds a button -> the button
  let wish = 0;
  const self = {
    key: (event) => keys[event.key.length === 1 ? event.key.toLowerCase() : event.key],
    press(source, button) {
      if (!down.has(source) && button === 4) wish = 8;
      down.set(source, button);
    },
    release: (source) => down.delete(source),
    clear: () => down.clear(),
    gamepad() {
      const pads = navigator.getGamepads ? [...navigator.getGamepads()].filter(Boolean) : [];
      const on = (k) => pads.some((pad) => pad.buttons[k] && pad.buttons[k].pressed);
      const tilt = pads.length ? pads[0].axes[0] || 0 : 0;
      const held = { left: on(14) || tilt < -0.4, right: on(15) || tilt > 0.4, jump: on(0) || on(1) };
      for (const [name, button] of [["left", 1], ["right", 2], ["jump", 4]]) {
        if (held[name]) self.press(`pad ${name}`, button);
        else self.release(`pad ${name}`);
      }
    },
    buttons(player) {
      let sum = 0;
      for (const button of down.values()) sum |= button;
      wish = Math.max(0, wish - 1);
      if (sum & 4 && wish && !player.ground && player.vy >= 0) sum &= ~4;
      return sum;
    },
  };
  return self;
}

// A level from a seed: windows that a network draws, side by side under the same sky.
function gameMade(network, seed, windows = 4) {
  const [kinds, rows, columns] = network.spec.image;
  const random = chance(seed);
  const lines = Array.from({ length: rows }, () => "");
  for (let k = 0; k < windows; k++) {
    const logits = network.decode(normals(random, network.spec.latent));
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        let best = 0;
        const at = r * columns + c;
        for (let i = 1; i < kinds; i++) if (logits[i * rows * columns + at] > logits[best * rows * columns + at]) best = i;
        lines[r] += gameSigns[best];
      }
    }
  }
  return lines.join("\n");
}

function gameBody({ spec, sheet, body, el, model, options, say }) {
  const levels = options.levels ? options.levels.map((text) => ({ text })) : spec.levels;
  const stored = levels.length; // a level that the network made comes behind them
  const decoder = (options.choices || [])[0];
  let network = null;
  const narrow = el.clientWidth > 0 && el.clientWidth < 480;
  const columns = narrow ? 18 : 30;
  const rows = Math.max(decoder ? 16 : 0, ...levels.map(({ text }) => text.trim().split("\n").length));
  const size = narrow ? 22 : 24;
  const [width, height] = [columns * size, rows * size];
  const screen = canvas(width, height, { tabindex: 0, role: "application", "aria-label": say("screen"), class: "il-game-screen" });
  const view = gameView({ sheet, across: spec.across, screen, columns, still: reducedMotion() });
  const controls = gameControls();
  const random = chance();
  const line = status();
  const place = h("p", { class: "il-note il-game-place", "aria-hidden": "true" });
  let [at, course, game, agent, run, owed, told, dark] = [0, null, null, null, null, 0, 0, false];

  const seconds = (frames) => number(frames / 60, 1);
  const where = () => ({ c: game.result().column + 1, n: course.columns });
  const tell = (text) => {
    line.say(text);
    body.dataset.told = text;
  };

  function show() {
    view.draw(game, dark, width, height);
    const result = game.result();
    place.textContent = say("place", { ...where(), coins: game.coins, s: seconds(game.frames) });
    Object.assign(body.dataset, { frames: game.frames, outcome: game.outcome, column: result.column, hash: result.hash, level: at, jumps: game.jumps });
    body.dataset.state = frames.running ? (agent ? "agent" : "playing") : "paused";
    play.textContent = say(frames.running ? "pause" : "play");
  }

  function step() {
    if (!agent) controls.gamepad();
    const buttons = agent ? (agent.inputs[game.frames] ?? -1) : controls.buttons(game.player);
    if (buttons < 0) return finish();
    for (const [button, name] of pads) button.classList.toggle("il-on", Boolean(buttons & name));
    if (game.step(buttons) !== "playing") return finish();
    const quarter = Math.floor((4 * game.player.x) / course.goal);
    if (quarter > told) {
      told = quarter;
      tell(say("quarter", { percent: 25 * quarter }));
    }
  }

  // A fixed step of a sixtieth of a second, whatever the screen's rate; what a slow page owes beyond five steps is dropped.
  const frames = loop(body, (passed) => {
    owed = Math.min(owed + passed, 5000 / 60);
    while (owed >= 1000 / 60 && frames.running) {
      owed -= 1000 / 60;
      step();
    }
    show();
  });

  function finish() {
    frames.stop();
    const result = game.result();
    const values = { ...where(), ...result, s: seconds(result.frames), hash: result.hash.toString(16).padStart(8, "0") };
    if (!agent) return tell(say(game.outcome, values));
    if (game.outcome !== "won") return tell(`${agent.said} ${say("theEnd", values)}`.trim());
    const known = levels[at].hash;
    const same = known === undefined ? "" : known === result.hash ? say("same") : say("other", { hash: known.toString(16) });
    return tell(`${say("agentWon", values)} ${same}`.trim());
  }

  function begin(mine = null) {
    run = null;
    frames.stop();
    controls.clear();
    [agent, owed, told] = [mine, 0, 0];
    game = gameStart(course);
    view.reset();
    for (const [button] of pads) button.classList.remove("il-on");
  }

  function go() {
    if (game.outcome !== "playing" || agent) begin();
    run = null;
    frames.start();
    tell(say("playing"));
    show();
  }

  function stop() {
    frames.stop();
    controls.clear();
    tell(say("paused", where()));
    show();
  }

  function restart() {
    begin();
    go();
    screen.focus();
  }

  function replay(proof) {
    const why = proof.outcome === "unreachable" ? "unreachable" : "budget";
    const found = proof.outcome === "finished" || proof.outcome === "won";
    const said = found ? "" : say("unfinished", { nodes: proof.nodes, outcome: say(why) });
    begin({ inputs: gameInputs(proof.inputs), said });
    frames.start();
    tell(said || say("proof", { s: seconds(proof.frames), jumps: proof.jumps }));
    show();
  }

  // The stored inputs, or a search of some milliseconds a frame.
  function watch() {
    begin();
    if (levels[at].inputs) return replay(levels[at]);
    const search = gameSolving(course, gameSearch.nodes, 100);
    const mine = (run = {});
    const look = () => {
      if (run !== mine) return;
      for (const start = performance.now(); performance.now() - start < 10; ) {
        const { done, value } = search.next();
        if (done) {
          Object.assign(levels[at], { found: value });
          return replay(value);
        }
        body.dataset.nodes = value;
      }
      tell(say("searching", { nodes: body.dataset.nodes }));
      setTimeout(look, 0);
    };
    show();
    return levels[at].found ? replay(levels[at].found) : look();
  }

  // A level from a seed; with `wanted`, from the first seed from there on that the agent finishes.
  async function make(seed, wanted) {
    begin();
    show();
    tell(say("making"));
    const mine = (run = {});
    body.dataset.making = "yes";
    try {
      network ??= await openNetwork(model, decoder);
      for (let tries = 1; ; tries++, seed++) {
        await new Promise((done) => setTimeout(done, 0));
        if (run !== mine) return;
        const text = gameMade(network, seed);
        const found = gameSolve(gameCourse(gameRead(text)), 5000);
        if (wanted && found.outcome !== "finished" && tries < 30) continue;
        levels[stored] = { text, found, seed, tries };
        return load(stored);
      }
    } catch (error) {
      tell(String(error.message || error));
    } finally {
      delete body.dataset.making;
    }
  }

  // How hard a level is: the agent's jumps, columns without ground, enemies.
  function hardness(level) {
    const { jumps, gaps, enemies } = level.found ? { ...facts(level), jumps: level.found.jumps } : level;
    return jumps + gaps + enemies;
  }

  function facts(level) {
    const { level: grid, rows: high, columns: wide } = gameCourse(gameRead(level.text));
    const gaps = grid[high - 1].filter((tile) => !gameSolid(tile)).length;
    return { columns: wide, gaps, enemies: grid.flat().filter((tile) => tile === gameTile.enemy).length };
  }

  // The next level that is easier (-1) or harder (1).
  function neighbour(way) {
    if (at < stored) return at + way;
    const mine = hardness(levels[at]);
    const behind = levels.slice(0, stored).filter((level) => hardness(level) < mine).length;
    return Math.max(0, Math.min(stored - 1, way < 0 ? behind - 1 : behind));
  }

  function describe() {
    const level = levels[at];
    const values = { k: level.seed ?? at + 1, n: stored, tries: level.tries, ...facts(level) };
    const known = level.inputs ? level : level.found;
    const proof = known && known.outcome !== "unreachable" && known.outcome !== "out of nodes";
    const said = proof ? say("proof", { s: seconds(known.frames), jumps: known.jumps }) : "";
    if (at < stored) return `${say("about", values)} ${said}`.trim();
    if (proof) return `${say("made", values)} ${said}`;
    return say("refused", { ...values, outcome: say(known.outcome === "unreachable" ? "unreachable" : "budget") });
  }

  function load(k) {
    run = null;
    at = Math.max(0, Math.min(levels.length - 1, k));
    course = gameCourse(gameRead(levels[at].text));
    begin();
    tell(describe());
    code.value = levels[at].seed ?? at + 1;
    easier.disabled = at === 0;
    harder.disabled = at === stored - 1;
    show();
  }

  const play = button(say("play"), () => (frames.running ? stop() : (go(), screen.focus())), { class: "il-button il-main" });
  const easier = button(say("easier"), () => load(neighbour(-1)));
  const harder = button(say("harder"), () => load(neighbour(1)));
  const other = () => (decoder ? make(1000 + random.below(1e6 - 2000), true) : load((at + 1 + random.below(stored - 1)) % stored));
  const code = h("input", { type: "number", min: 1, max: decoder ? 999999 : stored, class: "il-game-code", "aria-label": say("code") });
  code.addEventListener("change", () => {
    const value = Math.max(1, Math.min(999999, Math.round(Number(code.value) || 1)));
    if (decoder && value > stored) make(value, false);
    else load(Math.min(value, stored) - 1);
  });
  const pads = [["left", 1], ["right", 2], ["jump", 4]].map(([name, value]) => {
    const key = h("button", { type: "button", class: `il-button il-game-key il-game-${name}`, tabindex: -1 }, say(name));
    const press = (event) => {
      event.preventDefault();
      if (!frames.running || agent) go();
      controls.press(name, value);
    };
    key.addEventListener("pointerdown", press);
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      key.addEventListener(end, () => controls.release(name));
    }
    key.addEventListener("contextmenu", (event) => event.preventDefault());
    return [key, value];
  });

  screen.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && frames.running) return stop();
    if (event.key.toLowerCase() === "r") return restart();
    const value = controls.key(event);
    if (!value) return;
    event.preventDefault();
    if (event.repeat) return;
    // After an end only the space bar begins again, so that a key that is still held does not.
    if (!frames.running && game.outcome !== "playing" && event.key !== " ") return;
    if (!frames.running || agent) go();
    controls.press(event.key, value);
  });
  screen.addEventListener("keyup", (event) => controls.release(event.key));
  screen.addEventListener("blur", () => {
    controls.clear();
    if (frames.running && !agent && !pads.some(([key]) => key.matches(":active"))) stop();
  });
  screen.addEventListener("pointerdown", () => screen.focus());
  const hidden = () => document.hidden && frames.running && stop();
  document.addEventListener("visibilitychange", hidden);

  const paint = () => {
    ({ dark } = colours(el));
    if (game) show();
  };
  const unwatch = onTheme(paint);
  const row = [play, button(say("restart"), restart), button(say("watch"), watch)];
  const choose = stored > 1 ? [button(say("fresh"), other), easier, harder] : [];
  body.replaceChildren(
    h("p", { class: "il-note" }, say("how")),
    screen,
    h("div", { class: "il-game-pad", role: "group", "aria-label": say("pad") }, ...pads.map(([key]) => key)),
    place,
    h("div", { class: "il-row" }, ...row, ...choose, stored > 1 ? h("label", { class: "il-chooser" }, say("code"), code) : null),
    line,
  );
  ({ dark } = colours(el));
  load(options.first || 0);
  body.level = () => levels[at]; // for tests, and for a console that wants to look inside
  body.dataset.ready = "yes";
  return () => {
    run = null;
    frames.end();
    unwatch();
    document.removeEventListener("visibilitychange", hidden);
  };
}
