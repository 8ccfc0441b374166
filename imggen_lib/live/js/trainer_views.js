// The two views of the trainer demo. A view owns a game (trainer_games.js) and its canvases; the frame (trainer.js)
// gives it
// settings, asks it to step, to draw, and for the numbers to show. Everything that is shown is computed here, when
// drawn.

const trainerViews = (() => {
  "use strict";
  const { random, sigmoid } = trainerMath;
  const { DATA, quality } = trainerGames;
  const NET = 2; // of a generator's hidden numbers are moved for its grid; the others stay at 0
  const d = trainerDraw;

  const SHOWN = 250; // points of each kind in the picture
  const COUNTED = 600; // generated points that the number of modes rests on
  const ARROWS = 70;
  const SHOW_STREAM = 9; // random numbers for what is shown, apart from those of training

  const figure = (picture, caption) =>
    h("figure", { class: "il-trainer-figure" }, picture, h("figcaption", {}, caption));

  // A number that may be large or small, with three digits that count.
  function brief(x) {
    if (!Number.isFinite(x)) return "\u2013";
    const size = Math.abs(x);
    const text =
      size >= 1e4 || (size < 0.001 && size > 0) ? x.toExponential(1) : size >= 100 ? x.toFixed(0) : x.toFixed(3);
    return text.replace(/-/g, "\u2212");
  }

  const percent = (share) => `${Math.round(100 * share)} %`;

  // Rows of NET numbers, with zeros behind them up to `latent`.
  const padded = (z, latent) =>
    Float64Array.from({ length: (z.length / NET) * latent }, (_, j) =>
      j % latent < NET ? z[NET * Math.floor(j / latent) + (j % latent)] : 0,
    );

  // One row (x, 0) a number, for data on a line.
  const onTheAxis = (xs) => Float64Array.from({ length: 2 * xs.length }, (_, j) => (j % 2 ? 0 : xs[j / 2]));

  // What a loss is computed from, left to right, and where its gradient goes, right to left. `parts`: [key, is it a
  // network?].
  function flow(say, parts) {
    const chips = parts.map(([key, network]) =>
      h("span", { class: network ? "il-trainer-badge" : "il-flow-value" }, say(key)),
    );
    const arrows = parts.slice(1).map(() => h("span", { class: "il-flow-arrow", "aria-hidden": "true" }, "\u2192"));
    const line = h("div", { class: "il-flow-line" }, chips.flatMap((chip, k) => [chip, arrows[k]].filter(Boolean)));
    /** Light the networks that moved, and the way of the gradient from the end back to the part `until`; "" for neither. */
    const show = (moved, until) => {
      parts.forEach(([key], k) => chips[k].classList.toggle("il-on", moved.includes(key)));
      const stop = parts.findIndex(([key]) => key === until);
      arrows.forEach((arrow, k) => {
        const back = stop >= 0 && k >= stop;
        arrow.classList.toggle("il-back", back);
        arrow.textContent = back ? "\u21c4" : "\u2192";
      });
    };
    return { line, show };
  }

  // ---- GAN
  // ------------------------------------------------------------------------------------------------------------

  const FIELD = 420;
  const CHART = [300, 170];

  // The field in [-1, 1]: 1 is "real" (blue), -1 "generated" (orange), 0 undecided. What a logit means depends on the
  // loss.
  function fieldValues(loss, logits, [real, fake]) {
    if (loss === "hinge")
      return { values: logits.map((c) => Math.max(-1, Math.min(1, c))), ends: ["\u2264 \u22121", "\u2265 1"] };
    if (loss === "least-squares")
      return { values: logits.map((c) => Math.max(-1, Math.min(1, 2 * c - 1))), ends: ["0", "1"] };
    if (loss === "wasserstein" || loss === "relativistic") {
      // Only differences count: the scale is centred between the two clouds and reaches as far as what is seen.
      const middle = (real + fake) / 2;
      let reach = 1e-12;
      for (const c of logits) reach = Math.max(reach, Math.abs(c - middle));
      const ends = [middle - reach, middle + reach].map(brief);
      return { values: logits.map((c) => (c - middle) / reach), ends, relative: true };
    }
    return { values: logits.map((c) => 2 * sigmoid(c) - 1), ends: ["0", "1"] };
  }

  function ganView(say, settings) {
    const space = trainerMath.arena();
    const plane = canvas(FIELD, FIELD, { role: "img", class: "il-trainer-plane" });
    const losses = canvas(...CHART, { role: "img" });
    const count = canvas(...CHART, { role: "img" });
    const bar = h("span", { class: "il-trainer-bar", "aria-hidden": "true" });
    const [low, high] = [h("span"), h("span")];
    const key = h("span", { class: "il-trainer-legend" });
    const [lossCaption, countCaption] = [h("span"), h("span")];
    const way = flow(say, [["noise"], ["generator", true], ["points"], ["critic", true], ["its-loss"]]);
    const self = { settings, plane, size: FIELD, cursor: null, hint: "", shows: { average: false, arrows: true, grid: false } };
    let game, record, counts, path, shownReal, shownZ, countedZ, trail, line, last;

    self.elements = h(
      "div",
      { class: "il-trainer-panels" },
      way.line,
      figure(plane, [h("span", { class: "il-trainer-scale" }, low, bar, high), key]),
      h(
        "div",
        { class: "il-trainer-side" },
        figure(losses, lossCaption),
        figure(count, countCaption),
      ),
    );

    self.restart = () => {
      game = trainerGames.gan(self.settings);
      record = d.history(game.data.dim === 1 ? ["radius"] : ["critic", "generator"]);
      counts = d.history(["found", "averaged"]);
      const source = random(self.settings.seed, SHOW_STREAM);
      shownReal = game.data.sample(SHOWN, source);
      shownZ = game.latents(SHOWN, source);
      countedZ = game.latents(COUNTED, source);
      path = d.trace();
      if (game.data.dim === 1) path.add(game.generator.params[0], game.critic.params[0]);
      [trail, line, last] = [null, null, null];
      light([]);
    };

    /** Other data than before, under the same networks: what is shown of them is drawn anew. */
    self.redrawn = () => {
      shownReal = game.data.sample(SHOWN, random(self.settings.seed, SHOW_STREAM));
      last = null;
    };

    const light = (who) => way.show(who, who.includes("generator") ? "generator" : who.length ? "critic" : "");

    const radius = () => Math.hypot(game.generator.params[0], game.critic.params[0]);

    function note() {
      const whole = game.next === "critic"; // a whole step is over
      if (whole && game.data.dim === 2) record.add(game.losses);
      if (game.data.dim === 2) return;
      if (whole) record.add({ radius: radius() });
      path.add(game.generator.params[0], game.critic.params[0]);
    }

    Object.defineProperties(self, {
      steps: { get: () => game.steps },
      fine: { get: () => Object.values(game.losses).every((x) => x === undefined || Number.isFinite(x)) },
      quality: { get: () => last },
      game: { get: () => game },
      path: { get: () => path },
    });

    self.step = () => {
      if (trail || line) light([]);
      [trail, line] = [null, null];
      game.step();
      note();
    };

    /** One network's move; says in words who moved and what became of its loss on this very batch. */
    self.move = () => {
      const before = game.generate(shownZ);
      const old = game.data.dim === 1 ? null : d.levelLines(look().values, 0, FIELD);
      const who = game.move();
      const lossBefore = { ...game.losses };
      const step = game.steps + (game.next === "generator" ? 1 : 0);
      note();
      light(who);
      trail = who.includes("generator") ? before : null;
      line = who.includes("critic") ? old : null;
      if (who.length > 1) return `${say("both-moved", { step })} ${say("flow-both")}`;
      const after = who[0] === "critic" ? game.criticGradient(game.batch) : game.generatorGradient(game.batch);
      const now = who[0] === "critic" ? after.value + after.penalty : after.value;
      const then = who[0] === "critic" ? lossBefore.critic + lossBefore.penalty : lossBefore.generator;
      const moved = say(`${who[0]}-moved`, { step, then: brief(then), now: brief(now) });
      return [moved, say(`flow-${who[0]}`), say(`next-${game.next}`)].join(" ");
    };

    /** The critic's field and what its ends mean. */
    function look(fake = game.generate(shownZ)) {
      const { dim } = game.data;
      const at = d.places(dim);
      let logits = trainerMath.forward(game.critic, at, at.length / dim, space).out;
      if (dim === 1) logits = Float64Array.from({ length: d.SIDE ** 2 }, (_, j) => logits[j % d.SIDE]);
      const mean = (rows) => trainerMath.forward(game.critic, rows, SHOWN, space).out.reduce((a, b) => a + b) / SHOWN;
      const relative = ["wasserstein", "relativistic"].includes(self.settings.loss);
      const found = fieldValues(self.settings.loss, logits, relative ? [mean(shownReal), mean(fake)] : [0, 0]);
      space.reset();
      return found;
    }

    function drawPlane(theme) {
      const paint = d.palette(theme);
      const { dim } = game.data;
      const made = game.generate(shownZ);
      const { values, ends, relative } = look(made);
      d.field(plane, FIELD, values, paint);
      for (const level of [-0.75, -0.5, -0.25, 0.25, 0.5, 0.75]) {
        d.strokeSegments(plane.pen, d.levelLines(values, level, FIELD), { colour: paint.ink, width: 0.7, alpha: 0.25 });
      }
      d.strokeSegments(plane.pen, d.levelLines(values, 0, FIELD), { colour: paint.ink, width: 1.3, alpha: 0.7 });
      if (line) d.strokeSegments(plane.pen, line, { colour: paint.ink, width: 1.3, dash: [4, 4], alpha: 0.7 });

      if (self.shows.grid && dim === 2) {
        const net = self.shows.average ? game.average : game.generator;
        d.decoderNet(plane, FIELD, (z) => game.generate(padded(z, game.latent), net), NET, { colour: paint.ink });
      }
      const rows = (xs) => (dim === 1 ? onTheAxis(xs) : xs);
      const [real, fake] = [shownReal, self.shows.average ? game.generate(shownZ, game.average) : made].map(rows);
      const r = dim === 1 ? 7 : 2.4;
      d.points(plane, FIELD, real, { shape: "circle", colour: paint.real, rim: paint.rim, r });
      if (trail) d.links(plane, FIELD, rows(trail), fake, { colour: paint.fake, width: 1, alpha: 0.6 });
      if (self.shows.arrows && !self.shows.average) {
        const some = Math.min(ARROWS, dim === 1 ? 1 : SHOWN);
        const push = game.push(shownZ.slice(0, some * game.latent), shownReal.slice(0, some * dim));
        d.arrows(plane, FIELD, fake.subarray(0, 2 * some), rows(push), { colour: paint.ink });
      }
      d.points(plane, FIELD, dim === 1 ? fake.subarray(0, 2) : fake, {
        shape: "triangle",
        colour: paint.fake,
        rim: paint.rim,
        r,
      });

      if (self.cursor) d.cursor(plane, FIELD, self.cursor, { colour: paint.ink });
      [low.textContent, high.textContent] = [`${say("says-generated")} ${ends[0]}`, `${ends[1]} ${say("says-real")}`];
      const stops = [-1, -0.5, 0, 0.5, 1].map((v) => `rgb(${d.shade(paint, v)})`);
      bar.style.background = `linear-gradient(to right, ${stops})`;
      key.textContent = `${say(relative ? "key-relative" : "key")}`;
    }

    function drawCount(theme) {
      const paint = d.palette(theme);
      const { data } = game;
      if (data.dim === 1) {
        d.phase(count, CHART, path, ["\u03b8", "\u03c8"], theme);
        countCaption.textContent = say("phase-caption");
        return;
      }
      const names = data.count ? [say("raw"), say("averaged")] : [say("good-raw"), say("good-averaged")];
      const limits = [-0.04 * (data.count || 1), 1.04 * (data.count || 1)];
      const look = { names, colours: [paint.fake, paint.third], limits, title: say("x-axis"), empty: say("empty") };
      d.chart(count, CHART, counts, look, theme);
      countCaption.textContent = say(`${data.kind}-caption`, { count: data.count });
    }

    /** Draws everything; counts modes only if it shall, because that takes as long as all the rest. */
    self.draw = (theme, counting = true) => {
      const paint = d.palette(theme);
      drawPlane(theme);
      const names = game.data.dim === 1 ? [say("radius")] : [say("critic"), say("generator")];
      const style = { names, colours: [paint.real, paint.fake], title: say("x-axis"), empty: say("empty") };
      d.chart(losses, CHART, record, style, theme);
      lossCaption.textContent = say(game.data.dim === 1 ? "radius-caption" : "losses-caption");
      if (game.data.dim === 2 && (counting || !last)) {
        last = quality(game.generate(countedZ), game.data);
        last.average = quality(game.generate(countedZ, game.average), game.data);
        // The charts share their axis: what has been counted now stands for all steps since the last count.
        const of = (q) => (game.data.count ? q.found : q.near);
        while (counts.steps < game.steps) counts.add({ found: of(last), averaged: of(last.average) });
      }
      drawCount(theme);
      const words = self
        .read()
        .map(([label, value]) => `${label} ${value}`)
        .join("; ");
      plane.setAttribute("aria-label", `${self.hint}${say("plane-alt")} ${words}`);
      losses.setAttribute("aria-label", lossCaption.textContent);
      count.setAttribute("aria-label", countCaption.textContent);
    };

    /** What the table beside the picture says. */
    self.read = () => {
      const rows = [
        [say("steps"), game.steps.toLocaleString("en")],
        [say("critic-loss"), brief(game.losses.critic)],
        [say("generator-loss"), brief(game.losses.generator)],
        [say("push"), brief(game.losses.push)],
      ];
      if (self.settings.penalty !== "none") rows.splice(2, 0, [say("penalty-now"), brief(game.losses.penalty)]);
      if (game.data.dim === 1) {
        const [theta, psi] = [game.generator.params[0], game.critic.params[0]];
        rows.push(["\u03b8", brief(theta)], ["\u03c8", brief(psi)], [say("radius"), brief(radius())]);
      } else if (last) {
        const { found, count, near, average } = last;
        const values = { found, count, averaged: average.found };
        if (count) rows.push([say(game.data.kind), say("of", values)]);
        rows.push([say("good"), say("good-of", { near: percent(near), averaged: percent(average.near) })]);
      }
      return rows;
    };
    return self;
  }

  // ---- VAE
  // ------------------------------------------------------------------------------------------------------------

  const SPACE = 330;
  const PLANE = 360;
  const CODED = 60; // points whose posteriors are drawn
  const JUDGED = 400; // points that the numbers rest on

  function vaeView(say, settings) {
    const plane = canvas(PLANE, PLANE, { role: "img", class: "il-trainer-plane" });
    const space = canvas(SPACE, SPACE, { role: "img", class: "il-trainer-plane" });
    const terms = canvas(...CHART, { role: "img" });
    const spaceCaption = h("span");
    const way = flow(say, [["data-in"], ["encoder", true], ["code"], ["decoder", true], ["its-elbo"]]);
    const self = { settings, plane, size: PLANE, cursor: null, hint: "", shows: { again: true, samples: true, net: true } };
    let game, record, shown, judged, eps, drawn, noise, from, state;

    self.elements = h(
      "div",
      { class: "il-trainer-panels" },
      way.line,
      figure(plane, say("vae-plane-caption")),
      figure(space, spaceCaption),
      h("div", { class: "il-trainer-side" }, figure(terms, say("terms-caption"))),
    );

    self.restart = () => {
      game = trainerGames.vae(self.settings);
      record = d.history(["logPx", "kl", "elbo"]);
      const source = random(self.settings.seed, SHOW_STREAM);
      judged = game.data.sample(JUDGED, source);
      shown = judged.subarray(0, 2 * 120);
      eps = source.normals(JUDGED * game.latent);
      drawn = source.normals(200 * game.latent);
      noise = source.normals(400);
      from = null;
      state = measure();
      light(false);
    };

    /** Other data than before, under the same networks: what is shown and judged is drawn anew. */
    self.redrawn = () => {
      judged = game.data.sample(JUDGED, random(self.settings.seed, SHOW_STREAM));
      shown = judged.subarray(0, 2 * 120);
      from = null;
    };

    const light = (moved) => way.show(moved ? ["encoder", "decoder"] : [], moved ? "encoder" : "");

    Object.defineProperties(self, {
      steps: { get: () => game.steps },
      fine: { get: () => game.steps === 0 || [game.terms.logPx, game.terms.kl].every(Number.isFinite) },
      quality: { get: () => state },
      game: { get: () => game },
    });

    self.step = () => {
      if (from) light(false);
      from = null;
      game.step();
      record.add({ ...game.terms, elbo: game.terms.logPx - game.terms.kl });
    };

    self.move = () => {
      const before = measure();
      const old = again();
      self.step();
      from = old;
      light(true);
      const after = measure();
      const of = (s) => ({ rec: brief(s.logPx), kl: brief(s.kl) });
      const [a, b] = [of(before), of(after)];
      const moved = say("vae-moved", { step: game.steps, rec0: a.rec, rec1: b.rec, kl0: a.kl, kl1: b.kl });
      return `${moved} ${say("flow-vae")}`;
    };

    const k = () => game.latent;

    // The means of the shown points' posteriors, decoded.
    function again() {
      const codes = game.encode(shown);
      const mu = Float64Array.from(
        { length: (shown.length / 2) * k() },
        (_, j) => codes[2 * k() * Math.floor(j / k()) + (j % k())],
      );
      return game.decode(mu);
    }

    /** The ELBO's terms on fresh points, the nats of each dimension, the reconstructions' error, samples. */
    function measure() {
      const n = JUDGED;
      const codes = game.encode(judged);
      const z = new Float64Array(n * k());
      const nats = new Float64Array(k());
      for (let j = 0; j < z.length; j++) {
        const at = 2 * k() * Math.floor(j / k()) + (j % k());
        const [mu, logvar] = [codes[at], codes[at + k()]];
        z[j] = mu + Math.exp(0.5 * logvar) * eps[j];
        nats[j % k()] += (0.5 * (mu ** 2 + Math.exp(logvar) - logvar - 1)) / n;
      }
      const decoded = game.decode(z);
      const sigma = game.sigma();
      let squares = 0;
      for (let j = 0; j < 2 * n; j++) squares += (decoded[j] - judged[j]) ** 2 / n;
      const samples = game.decode(drawn).map((x, j) => x + sigma * noise[j]);
      const kl = nats.reduce((a, b) => a + b, 0);
      const logPx = (-0.5 * squares) / sigma ** 2 - 2 * Math.log(sigma) - Math.log(2 * Math.PI);
      return { logPx, kl, nats, sigma, best: Math.sqrt(squares / 2), samples, near: quality(samples, game.data).near };
    }

    function drawPlane(theme) {
      const paint = d.palette(theme);
      plane.pen.fillStyle = `rgb(${paint.middle})`;
      plane.pen.fillRect(0, 0, PLANE, PLANE);
      d.points(plane, PLANE, judged, { shape: "circle", colour: paint.real, rim: paint.rim, r: 2.2, alpha: 0.75 });
      if (self.shows.samples) d.points(plane, PLANE, state.samples, { shape: "cross", colour: paint.third, r: 2.6 });
      if (self.shows.net) d.decoderNet(plane, PLANE, game.decode, k(), { colour: paint.ink });
      if (!self.shows.again) return;
      const made = again();
      d.links(plane, PLANE, from ?? shown, made, { colour: paint.fake, width: 0.9, alpha: 0.55 });
      d.points(plane, PLANE, made, { shape: "triangle", colour: paint.fake, rim: paint.rim, r: 2.4 });
    }

    const drawCursor = (theme) => {
      if (self.cursor) d.cursor(plane, PLANE, self.cursor, { colour: d.palette(theme).ink });
    };

    self.draw = (theme) => {
      const paint = d.palette(theme);
      state = measure();
      drawPlane(theme);
      drawCursor(theme);
      const codes = game.encode(judged.subarray(0, 2 * CODED));
      if (k() === 1) d.latentLine(space, SPACE, codes, theme, ["z"]);
      else d.latentPlane(space, SPACE, codes, theme, ["z\u2081", "z\u2082"]);
      spaceCaption.textContent = say(k() === 1 ? "line-caption" : "ellipses-caption");
      const names = [say("rec"), say("kl"), say("elbo")];
      const colours = [paint.real, paint.fake, paint.ink];
      d.chart(terms, CHART, record, { names, colours, title: say("x-axis"), empty: say("empty") }, theme);
      const words = self
        .read()
        .map(([label, value]) => `${label} ${value}`)
        .join("; ");
      plane.setAttribute("aria-label", `${self.hint}${say("vae-plane-alt")} ${words}`);
      space.setAttribute("aria-label", spaceCaption.textContent);
      terms.setAttribute("aria-label", say("terms-caption"));
    };

    self.read = () => {
      const { logPx, kl, nats, sigma, best, near } = state;
      const rows = [
        [say("steps"), game.steps.toLocaleString("en")],
        [say("rec-long"), brief(logPx)],
        [say("kl-long"), brief(kl)],
        [say("elbo"), brief(logPx - kl)],
      ];
      if (k() === 2) rows.push([say("nats-each"), [...nats].map(brief).join(" / ")]);
      rows.push([say("sigma-now"), brief(sigma)]);
      // What a fixed sigma does to the weight of the KL (the chapter's equation for the beta that nobody wrote down).
      if (self.settings.sigma) rows.push([say("hidden-beta"), brief((self.settings.beta * sigma ** 2) / best ** 2)]);
      rows.push([say("good-samples"), percent(near)]);
      return rows;
    };
    return self;
  }

  return { gan: ganView, vae: vaeView, DATA };
})();
