// What the trainer demo trains: points in the plane, a GAN and a VAE that learn them. No drawing here.

const trainerGames = (() => {
  "use strict";
  const m = trainerMath;

  // ---- Data
  // -----------------------------------------------------------------------------------------------------------
  // Each has: dim; sample(n, source), rows in [-1, 1]; sigma, its noise; and `marks`, points that stand for the
  // noiseless
  // data, each with the number of the mode (or piece of the curve) that it belongs to: what is counted is counted by
  // them.

  const flat = (rows) => Float64Array.from(rows.flat());

  function gaussians(centres, sigma) {
    const sample = (n, source) => {
      const out = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        const centre = centres[Math.floor(source.uniform() * centres.length)];
        for (const k of [0, 1]) out[2 * i + k] = centre[k] + sigma * source.normal();
      }
      return out;
    };
    return {
      dim: 2,
      sigma,
      sample,
      kind: "modes",
      count: centres.length,
      marks: flat(centres),
      of: centres.map((_, k) => k),
    };
  }

  /** Points on a curve `at(s)`, s in [0, 1], evenly along its length, with noise; counted in equal `pieces`. */
  function curve(at, sigma, pieces) {
    const knots = Array.from({ length: 401 }, (_, k) => at(k / 400));
    const lengths = [0];
    for (let k = 1; k < knots.length; k++) {
      const step = Math.hypot(knots[k][0] - knots[k - 1][0], knots[k][1] - knots[k - 1][1]);
      lengths.push(lengths[k - 1] + (step < 0.2 ? step : 0)); // a jump between two parts of a curve has no length
    }
    const total = lengths[400];
    const sample = (n, source) => {
      const out = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        const length = source.uniform() * total;
        let [low, high] = [0, 400];
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (lengths[middle] <= length) low = middle;
          else high = middle;
        }
        const share = (length - lengths[low]) / (lengths[high] - lengths[low]);
        for (const k of [0, 1]) {
          out[2 * i + k] = (1 - share) * knots[low][k] + share * knots[high][k] + sigma * source.normal();
        }
      }
      return out;
    };
    const of = lengths.map((length) => Math.min(pieces - 1, Math.floor((pieces * length) / total)));
    return { dim: 2, sigma, sample, kind: "pieces", count: pieces, marks: flat(knots), of };
  }

  /** The arc of the VAE chapter, a third of its size: (2 sin z, cos 1.5 z) / 3 for normal z, noise 0.4 / 3. */
  function arc() {
    const at = (z) => [(2 * Math.sin(z)) / 3, Math.cos(1.5 * z) / 3];
    const sigma = 0.4 / 3;
    const sample = (n, source) => {
      const out = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        const point = at(source.normal());
        for (const k of [0, 1]) out[2 * i + k] = point[k] + sigma * source.normal();
      }
      return out;
    };
    const marks = flat(Array.from({ length: 121 }, (_, k) => at(k / 20 - 3)));
    return { dim: 2, sigma, sample, kind: "near", count: 0, marks, of: [] };
  }

  /** Points that somebody drew, each with a little noise around it. The list `places` may change while a network trains. */
  function drawn(places) {
    const sigma = 0.03;
    const sample = (n, source) => {
      const out = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        const place = places[Math.floor(source.uniform() * places.length)] ?? [0, 0];
        for (const k of [0, 1]) out[2 * i + k] = place[k] + sigma * source.normal();
      }
      return out;
    };
    return { dim: 2, sigma, sample, kind: "near", count: 0, of: [], get marks() { return flat(places); } };
  }

  const around = (k, n) => [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)];
  const range = (n) => Array.from({ length: n }, (_, k) => k);

  const moons = (s) => {
    const angle = Math.PI * (s < 0.5 ? 2 * s : 2 * s - 1);
    const [x, y] = s < 0.5 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return [0.55 * (x - 0.5), 0.55 * (y - 0.25)];
  };
  const spiral = (s) => {
    const angle = 4 * Math.PI * (0.12 + 0.88 * s);
    return [(0.85 * angle * Math.cos(angle)) / (4 * Math.PI), (0.85 * angle * Math.sin(angle)) / (4 * Math.PI)];
  };

  const DATA = {
    ring: gaussians(
      range(8).map((k) => around(k, 8).map((x) => 0.75 * x)),
      0.02,
    ), // imggen_lib.data.toy.Ring()
    grid: gaussians(
      range(25).map((k) => [0.35 * ((k % 5) - 2), 0.35 * (Math.floor(k / 5) - 2)]),
      0.02,
    ),
    moons: curve(moons, 0.04, 20),
    spiral: curve(spiral, 0.02, 20),
    line: curve((s) => [1.4 * s - 0.7, 0.7 * s - 0.35], 0.02, 20),
    arc: arc(),
    point: {
      dim: 1,
      sigma: 0,
      sample: (n) => new Float64Array(n),
      kind: "radius",
      count: 0,
      marks: new Float64Array(1),
      of: [],
    },
  };

  const dataOf = (settings) => (settings.data === "drawn" ? drawn(settings.drawn) : DATA[settings.data]);

  /**
   * How many modes (or pieces) the points reach, as imggen_lib.metrics.modes counts: a point is good if it lies
   * within three
   * sigma of the nearest mark; a mode is found if at least a tenth of its fair share of all points are good and
   * nearest to it.
   */
  function quality(points, data) {
    const n = points.length / 2;
    const { marks } = data; // of a drawing they are made when asked for
    const shares = new Float64Array(data.count);
    let good = 0;
    for (let i = 0; i < n; i++) {
      let [best, which] = [Infinity, 0];
      for (let k = 0; k < marks.length / 2; k++) {
        const distance = (points[2 * i] - marks[2 * k]) ** 2 + (points[2 * i + 1] - marks[2 * k + 1]) ** 2;
        if (distance < best) [best, which] = [distance, k];
      }
      if (best > (3 * data.sigma) ** 2) continue;
      good += 1 / n;
      if (data.count) shares[data.of[which]] += 1 / n;
    }
    return { found: shares.filter((share) => share >= 0.1 / data.count).length, count: data.count, near: good };
  }

  // ---- The GAN
  // --------------------------------------------------------------------------------------------------------

  const LATENT = 8;
  const HALF_LIFE = 10_000; // points seen, of the generator's running average: train_gan's default

  /** Both networks. For "point" they are the Dirac-GAN's: the generator is a number, the critic a line through 0. */
  function ganNetworks({ data, width, seed }) {
    if (data === "point") {
      const [generator, critic] = [0, 1].map(() => m.network([1, 1], { bias: false }, m.random(0)));
      generator.params[0] = 0.3; // the start of the chapter's table
      critic.params[0] = 0.4;
      return { latent: 1, generator, critic };
    }
    const generator = m.network([LATENT, width, width, 2], { output: "tanh" }, m.random(seed, 0));
    return { latent: LATENT, generator, critic: m.network([2, width, width, 1], {}, m.random(seed, 1)) };
  }

  /**
   * A GAN in training, in the order of imggen_lib.train.gan.train_gan: the critic moves, then the generator against
   * the new
   * critic, on the same batch. `settings`: data, loss, penalty, weight, lrGenerator, lrCritic, beta1, criticSteps,
   * headStart (steps that the critic makes alone at first), batch, width, seed, optimiser ("adam" or "descent"), turns
   * ("alternating" or "together"). All but data, width, seed and optimiser may be changed between moves.
   */
  function gan(settings) {
    const data = dataOf(settings);
    const { latent, generator, critic } = ganNetworks(settings);
    const optimisers = [generator, critic].map((net) => m.optimiser(net.params.length, { kind: settings.optimiser }));
    const grads = [generator, critic].map((net) => new Float64Array(net.params.length));
    const [realSource, noise] = [m.random(settings.seed, 2), m.random(settings.seed, 3)];
    const space = m.arena();
    const self = { settings, data, generator, critic, latent, steps: 0, next: "critic", batch: null };
    self.losses = { critic: undefined, generator: undefined, penalty: 0, push: undefined }; // until each has moved
    self.average = { ...generator, params: generator.params.slice() };
    let seen = 0; // real points

    self.latents = (n, source) => (data.dim === 1 ? new Float64Array(n).fill(1) : source.normals(n * latent));
    self.generate = (z, net = generator) => Float64Array.from(m.forward(net, z, z.length / latent, m.arena()).out);

    self.draw = () => {
      const n = settings.batch;
      return {
        real: data.sample(n, realSource),
        z: self.latents(n, noise),
        t: Float64Array.from({ length: n }, noise.uniform),
      };
    };

    /** The critic's loss and its gradient, penalties included. */
    function criticGradient({ real, z, t }) {
      const n = t.length;
      const grad = grads[1].fill(0);
      const fake = m.forward(generator, z, n, space).out;
      const [a, b] = [real, fake].map((x) => m.forward(critic, x, n, space));
      const loss = m.criticLoss(settings.loss, a.out, b.out, space);
      m.backward(critic, a, loss.dReal, grad, space);
      m.backward(critic, b, loss.dFake, grad, space);
      const add = (x, target, weight) => weight * m.slopePenalty(critic, x, n, target, weight, grad, space);
      const { penalty, weight } = settings;
      let extra = 0;
      if (weight > 0 && (penalty === "r1" || penalty === "r1r2")) extra += add(real, 0, weight / 2);
      if (weight > 0 && penalty === "r1r2") extra += add(fake, 0, weight / 2);
      if (weight > 0 && penalty === "gp") extra += add(m.between(real, fake, t, space), 1, weight);
      return { value: loss.value, penalty: extra, grad };
    }

    /** The generator's loss, its gradient, and where it pushes each generated point: minus n times the slope there. */
    function generatorGradient({ real, z }) {
      const n = z.length / latent;
      const grad = grads[0].fill(0);
      const made = m.forward(generator, z, n, space);
      const a = m.forward(critic, real, n, space);
      const b = m.forward(critic, made.out, n, space);
      const loss = m.generatorLoss(settings.loss, a.out, b.out, space);
      const slopes = m.backward(critic, b, loss.dFake, null, space);
      m.backward(generator, made, slopes, grad, space);
      return { value: loss.value, push: slopes.map((slope) => -n * slope), grad };
    }

    self.push = (z, real) => (space.reset(), generatorGradient({ real, z }).push);
    self.criticGradient = (batch) => (space.reset(), criticGradient(batch));
    self.generatorGradient = (batch) => (space.reset(), generatorGradient(batch));

    function note(who, { value, penalty, push }) {
      self.losses[who] = value;
      if (who === "critic") self.losses.penalty = penalty;
      else self.losses.push = meanLength(push, data.dim);
    }

    /** One network's move (or, "together", both); returns who moved. `batch` is for tests: what is drawn otherwise. */
    self.move = (batch = null) => {
      const both = settings.turns === "together";
      if (self.next === "critic" || !self.batch) self.batch = batch ?? self.draw();
      const who = both ? ["critic", "generator"] : [self.next];
      space.reset();
      const found = who.map((name) => (name === "critic" ? criticGradient : generatorGradient)(self.batch));
      for (const [k, name] of who.entries()) {
        note(name, found[k]);
        const [net, lr] = name === "critic" ? [critic, settings.lrCritic] : [generator, settings.lrGenerator];
        optimisers[name === "critic" ? 1 : 0].step(net.params, found[k].grad, lr, settings.beta1);
      }
      if (who.includes("generator")) {
        m.follow(self.average.params, generator.params, settings.batch * settings.criticSteps, seen, HALF_LIFE);
      }
      const due = self.steps >= settings.headStart && self.steps % settings.criticSteps === 0;
      const generatorIsDue = !both && self.next === "critic" && due;
      self.next = generatorIsDue ? "generator" : "critic";
      if (self.next === "critic") {
        self.steps += 1;
        seen += settings.batch;
      }
      return who;
    };

    /** A whole step: a move of the critic and, when it is due, of the generator. */
    self.step = (batch = null) => {
      const before = self.steps;
      while (self.steps === before) self.move(batch);
    };

    self.finite = () => [...generator.params, ...critic.params].every(Number.isFinite);
    return self;
  }

  function meanLength(vectors, dim) {
    const n = vectors.length / dim;
    let sum = 0;
    for (let i = 0; i < n; i++)
      sum += dim === 1 ? Math.abs(vectors[i]) : Math.hypot(vectors[2 * i], vectors[2 * i + 1]);
    return sum / n;
  }

  // ---- The VAE
  // --------------------------------------------------------------------------------------------------------

  /**
   * A VAE in training: encoder to a diagonal Gaussian, Gaussian decoder with one sigma. `settings`: data, latent (1
   * or 2),
   * beta, sigma (a number, or 0 to learn it), lr, batch, width, seed. They may be changed between steps.
   */
  function vae(settings) {
    const data = dataOf(settings);
    const k = settings.latent;
    const [encoder, decoder] = [
      [2, 2 * k],
      [k, 2],
    ].map(([inputs, outputs], stream) =>
      m.network([inputs, settings.width, settings.width, outputs], { hidden: "tanh" }, m.random(settings.seed, stream)),
    );
    const logSigma = Float64Array.of(Math.log(settings.sigma || 0.3)); // 0.3: where the library's VAE starts
    const params = [encoder.params, decoder.params, logSigma];
    const optimisers = params.map((p) => m.optimiser(p.length, { beta2: 0.999, beta1: 0.9 }));
    const grads = params.map((p) => new Float64Array(p.length));
    const [source, noise] = [m.random(settings.seed, 2), m.random(settings.seed, 3)];
    const space = m.arena();
    const self = { settings, data, encoder, decoder, logSigma, latent: k, steps: 0 };
    self.terms = { logPx: NaN, kl: NaN };

    self.sigma = () => settings.sigma || Math.exp(logSigma[0]);
    self.draw = () => ({ x: data.sample(settings.batch, source), eps: noise.normals(settings.batch * k) });
    self.encode = (x) => Float64Array.from(m.forward(encoder, x, x.length / 2, m.arena()).out); // rows (mu, logvar)
    self.decode = (z) => Float64Array.from(m.forward(decoder, z, z.length / k, m.arena()).out);

    /** z = mu + exp(logvar / 2) eps from the encoder's rows (mu, logvar). */
    function reparameterised(code, eps, out) {
      for (let j = 0; j < eps.length; j++) {
        const at = 2 * k * Math.floor(j / k) + (j % k);
        out[j] = code[at] + Math.exp(0.5 * code[at + k]) * eps[j];
      }
      return out;
    }

    /** Minus the beta-ELBO of a batch, its two terms in nats a point, and its gradients in `grads`. */
    self.gradient = ({ x, eps }) => {
      space.reset();
      for (const grad of grads) grad.fill(0);
      const n = x.length / 2;
      const sigma = self.sigma();
      const coded = m.forward(encoder, x, n, space);
      const z = reparameterised(coded.out, eps, space.take(n * k));
      const decoded = m.forward(decoder, z, n, space);

      const dMean = space.take(2 * n);
      let squares = 0; // the sum of ((x - mean) / sigma)^2, averaged over the batch
      for (let j = 0; j < 2 * n; j++) {
        const off = (decoded.out[j] - x[j]) / sigma;
        squares += off ** 2 / n;
        dMean[j] = off / sigma / n;
      }
      const logPx = -0.5 * squares - 2 * Math.log(sigma) - Math.log(2 * Math.PI);
      if (!settings.sigma) grads[2][0] = 2 - squares;

      const dz = m.backward(decoder, decoded, dMean, grads[1], space);
      const dCode = space.take(2 * k * n);
      let kl = 0;
      for (let j = 0; j < n * k; j++) {
        const at = 2 * k * Math.floor(j / k) + (j % k);
        const [mu, logvar] = [coded.out[at], coded.out[at + k]];
        kl += (0.5 * (mu ** 2 + Math.exp(logvar) - logvar - 1)) / n;
        dCode[at] = dz[j] + (settings.beta * mu) / n;
        const wobble = 0.5 * Math.exp(0.5 * logvar) * eps[j]; // how z moves with logvar
        dCode[at + k] = dz[j] * wobble + (0.5 * settings.beta * (Math.exp(logvar) - 1)) / n;
      }
      m.backward(encoder, coded, dCode, grads[0], space);
      return { value: -logPx + settings.beta * kl, logPx, kl, grads };
    };

    /** One step: encoder, decoder and (unless it is fixed) sigma move. */
    self.step = (batch = null) => {
      self.terms = self.gradient(batch ?? self.draw());
      for (const [j, optimiser] of optimisers.entries()) optimiser.step(params[j], grads[j], settings.lr);
      self.steps += 1;
    };

    self.finite = () => params.every((p) => p.every(Number.isFinite));
    return self;
  }

  return { DATA, dataOf, quality, gan, vae, meanLength };
})();
