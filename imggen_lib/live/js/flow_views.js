// The pictures and numbers of the flow demo: the field, the cloud at time t, the paths; what stands beside; who is how near.

const flowViews = (() => {
  "use strict";
  const [m, d, f] = [trainerMath, trainerDraw, flowMath];

  const SIZE = 360;
  const CHART = [340, 170];
  const SHOWN = 240; // points in a picture
  const PATHS = 60; // of them with their paths
  const COUNTED = 500; // points that the numbers rest on
  const GRID = 13; // arrows a side
  const FINE = 16; // steps of Heun that stand for the exact solution
  const KNOTS = 10; // up to so many steps each is marked by a dot
  // Of random numbers, apart from those of training.
  const STREAM = { shown: 9, counted: 10, baseline: 11, gaussian: 12, rival: 13 };

  // What stands beside the flow: as in the trainer demo, where each setting can be moved.
  const RIVALS = {
    gan: {
      ...{ loss: "relativistic", penalty: "r1r2", weight: 0.1, lrCritic: 0.003, lrGenerator: 0.003 },
      ...{ optimiser: "adam", beta1: 0, turns: "alternating", criticSteps: 1, headStart: 0, batch: 64, width: 32 },
    },
    vae: { latent: 2, beta: 1, sigma: 0, lr: 0.003, batch: 128, width: 32 },
  };

  /** A GAN or a VAE that learns the same data: step(), and sample(n, source). */
  function rival({ beside, data, drawn, seed }) {
    const game = trainerGames[beside]({ ...RIVALS[beside], data, drawn, seed });
    function sample(n, source) {
      if (beside === "gan") return game.generate(game.latents(n, source), game.average);
      const centre = game.decode(source.normals(2 * n));
      return centre.map((x) => x + game.sigma() * source.normal());
    }
    return { step: () => game.step(), sample };
  }

  /** Everything that is shown. `settings`: data, drawn, beside, solver, steps, width, batch, lr, seed. */
  function view(say, settings) {
    const plane = canvas(SIZE, SIZE, { role: "img", class: "il-trainer-plane" });
    const other = canvas(SIZE, SIZE, { role: "img", class: "il-trainer-plane" });
    const losses = canvas(...CHART, { role: "img" });
    const distances = canvas(...CHART, { role: "img" });
    const self = { settings, plane, other, losses, distances, size: SIZE, cursor: null, hint: "", t: 1, stage: null };
    self.shows = { arrows: true, paths: true };
    let game, beside, record, counts, real, shownZ, countedReal, countedZ, path, fixed, kept;

    const source = (stream) => m.random(settings.seed, stream);

    self.restart = () => {
      game = f.game(settings);
      beside = rival(settings);
      record = d.history(["loss"]);
      counts = d.history(["flow", "rival", "base"]);
      [shownZ, countedZ] = [STREAM.shown, STREAM.counted].map((k, j) => source(k).normals(2 * [SHOWN, COUNTED][j]));
      [self.stage, kept] = [null, []];
      self.redrawn();
    };

    /** Other data than before under the same networks. */
    self.redrawn = () => {
      real = game.data.sample(SHOWN, source(STREAM.shown));
      countedReal = game.data.sample(COUNTED, source(STREAM.counted));
      fixed = null;
      kept = [];
      self.changed();
    };

    /** Something that the paths or numbers rest on has changed. */
    self.changed = () => ([path, self.numbers] = [null, null]);

    Object.defineProperties(self, {
      game: { get: () => game },
      stages: { get: () => game.stages.length + 1 },
      path: { get: () => paths() },
      fine: { get: () => game.total === 0 || Number.isFinite(game.loss) },
    });

    self.step = () => {
      game.step();
      beside.step();
      record.add({ loss: game.loss });
      self.changed();
    };

    const netOf = (stage) => (stage === null ? game.average : (game.stages[stage] ?? game.average));

    function paths() {
      path ??= f.solve(netOf(self.stage), shownZ, settings.solver, settings.steps);
      return path;
    }

    // ---- Numbers

    const near = (rows) => trainerGames.quality(rows, game.data).near;
    const distance = (rows) => f.energyDistance(countedReal, f.scaled(rows, 1 / f.SCALE));

    function judged(stage) {
      const net = netOf(stage);
      const one = f.solve(net, countedZ, "euler", 1).at(-1);
      const fine = f.solve(net, countedZ, "heun", FINE);
      const many = f.solve(net, countedZ, settings.solver, settings.steps).at(-1);
      return {
        key: `${settings.solver} ${settings.steps}`,
        one: distance(one),
        many: distance(many),
        near: near(f.scaled(many, 1 / f.SCALE)),
        straightness: f.straightness(net, fine),
        miss: f.apart(one, fine.at(-1)) / f.SCALE,
      };
    }

    /** What needs no training: other real points, and a Gaussian. */
    function trivial() {
      const gauss = source(STREAM.gaussian);
      const like = f.gaussianLike(game.data.sample(2000, gauss), COUNTED, gauss);
      return {
        real: { one: f.baseline(game.data, COUNTED, source(STREAM.baseline)), near: near(countedReal) },
        gaussian: { one: f.energyDistance(countedReal, like), near: near(like) },
      };
    }

    /** All numbers. Of the stages that are done they are kept until the solver changes. */
    self.measure = () => {
      fixed ??= trivial();
      const key = `${settings.solver} ${settings.steps}`;
      const stages = Array.from({ length: self.stages }, (_, k) => {
        if (k === game.stages.length) return judged(null);
        if (kept[k]?.key !== key) kept[k] = judged(k);
        return kept[k];
      });
      const made = beside.sample(COUNTED, source(STREAM.rival));
      self.numbers = { ...fixed, stages, rival: { one: f.energyDistance(countedReal, made), near: near(made) } };
      const row = { flow: stages.at(-1).many, rival: self.numbers.rival.one, base: fixed.real.one };
      while (counts.steps < game.total) counts.add(row); // the charts share their axis
      return self.numbers;
    };

    // ---- Pictures

    const plain = (rows) => f.scaled(rows, 1 / f.SCALE);
    const clear = (board, paint) => {
      board.pen.fillStyle = `rgb(${paint.middle})`;
      board.pen.fillRect(0, 0, SIZE, SIZE);
    };
    const dots = (board, rows, paint, style) => d.points(board, SIZE, rows, { rim: paint.rim, ...style });

    function drawField(paint) {
      const places = new Float64Array(2 * GRID * GRID);
      for (let j = 0; j < GRID * GRID; j++) {
        places[2 * j] = 1.06 * ((2 * (j % GRID)) / (GRID - 1) - 1);
        places[2 * j + 1] = 1.06 * ((2 * Math.floor(j / GRID)) / (GRID - 1) - 1);
      }
      const pushes = f.velocity(netOf(self.stage), f.scaled(places, f.SCALE), self.t);
      d.arrows(plane, SIZE, places, pushes, { colour: paint.ink, longest: 24, alpha: 0.5 });
    }

    // Each path whole and faint, and firm as far as time has come.
    function drawPaths(paint) {
      const knots = [...paths()];
      const last = knots.length - 1;
      const here = f.placeAt(knots, self.t);
      const gone = [...knots.slice(0, Math.floor(self.t * last) + 1), here];
      const some = (rows) => plain(rows.subarray(0, 2 * PATHS));
      for (const [line, style] of [[knots, { width: 1, alpha: 0.35 }], [gone, { width: 1.4, alpha: 0.9 }]]) {
        const look = { colour: paint.fake, ...style };
        for (let k = 0; k + 1 < line.length; k++) d.links(plane, SIZE, some(line[k]), some(line[k + 1]), look);
      }
      if (last > KNOTS) return;
      for (const rows of knots) dots(plane, some(rows), paint, { shape: "circle", colour: paint.fake, r: 1.2 });
    }

    function drawPlanes(paint) {
      clear(plane, paint);
      const data = { shape: "circle", colour: paint.real, r: 2.2, alpha: 0.75 };
      dots(plane, real, paint, data);
      if (self.shows.arrows) drawField(paint);
      if (self.shows.paths) drawPaths(paint);
      dots(plane, plain(f.placeAt(paths(), self.t)), paint, { shape: "triangle", colour: paint.fake, r: 2.5 });
      if (self.cursor) d.cursor(plane, SIZE, self.cursor, { colour: paint.ink });
      clear(other, paint);
      dots(other, real, paint, data);
      const made = beside.sample(SHOWN, source(STREAM.rival));
      dots(other, made, paint, { shape: "triangle", colour: paint.third, r: 2.5 });
    }

    /** Draws everything, with the numbers that were measured last. */
    self.draw = (theme) => {
      const paint = d.palette(theme);
      drawPlanes(paint);
      const title = { title: say("x-axis"), empty: say("empty") };
      d.chart(losses, CHART, record, { names: [say("loss")], colours: [paint.fake], ...title }, theme);
      const names = [say("flow"), say(settings.beside), say("real")];
      d.chart(distances, CHART, counts, { names, colours: [paint.fake, paint.third, paint.real], ...title }, theme);
      const shown = self.stage ?? game.stages.length;
      const about = { t: number(self.t), stage: say(shown ? "reflowed" : "flow", { k: shown }), steps: settings.steps };
      plane.setAttribute("aria-label", `${self.hint}${say("plane-alt", about)}`);
      other.setAttribute("aria-label", say("other-alt", { beside: say(settings.beside) }));
      losses.setAttribute("aria-label", say("losses-caption"));
      distances.setAttribute("aria-label", say("distances-caption"));
    };
    return self;
  }

  // ---- The table

  /** Four digits of what is small, three of the rest; 0 without a sign. */
  function brief(x) {
    if (!Number.isFinite(x)) return "\u2013";
    return number(x, Math.abs(x) < 0.0995 ? 4 : 3).replace(/^\u2212(?=[0.]+$)/, "");
  }

  /** Fills the table with `numbers`, as of view.measure; the flow that trains is set off. */
  function tabulate(table, numbers, say, settings) {
    const cell = (tag, text, more = {}) => h(tag, more, text);
    const row = (name, values, now = false) =>
      h("tr", now ? { class: "il-flow-now" } : {}, cell("th", name, { scope: "row" }), values.map((v) => cell("td", v)));
    const none = "\u2013";
    const percent = (share) => say("percent", { n: Math.round(100 * share) });
    const many = say("many", { solver: say(settings.solver), n: settings.steps });
    const heads = [say("who"), say("one"), many, say("near"), say("straightness"), say("miss")];
    const flows = numbers.stages.map((of, k) => {
      const values = [brief(of.one), brief(of.many), percent(of.near), brief(of.straightness), brief(of.miss)];
      return row(say(k ? "reflowed" : "flow", { k }), values, k === numbers.stages.length - 1);
    });
    const others = [[settings.beside, numbers.rival], ["gaussian", numbers.gaussian], ["real-row", numbers.real]];
    const rows = others.map(([key, of]) => row(say(key), [brief(of.one), none, percent(of.near), none, none]));
    table.replaceChildren(
      h("caption", {}, say("table", { n: COUNTED })),
      h("thead", {}, h("tr", {}, heads.map((text) => cell("th", text, { scope: "col" })))),
      h("tbody", {}, flows, rows),
    );
  }

  return { RIVALS, COUNTED, rival, view, brief, tabulate };
})();
