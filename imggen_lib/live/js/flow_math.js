// What the flow demo computes: a velocity network in the plane, its training, solvers, pairs for reflow, and how good they are.
//
// t = 0 is noise, t = 1 is data: x_t = (1 - t) x_0 + t x_1, and the network learns x_1 - x_0, as in imggen_lib/losses/flow.py;
// solvers are those of js/solvers.js. The network is that of
// imggen_lib/theory/plane/steps.py. Points of the plane are taken twice as large (SCALE), so that the data vary about as much as
// the noise, N(0, I). Networks, gradients, Adam and data are those of the trainer demo.

const flowMath = (() => {
  "use strict";
  const m = trainerMath;
  const SCALE = 2;
  const HALF_LIFE = 20_000; // points seen, of the running average
  const PAIRS = 4096; // of noise and what it flows to, for reflow
  const PAIR_STEPS = 16; // of the midpoint rule, to make them
  const STREAM = { weights: 0, data: 2, noise: 3, pairs: 4 }; // of random numbers
  const BETAS = { beta1: 0.9, beta2: 0.999 };

  const scaled = (rows, by) => rows.map((v) => by * v);

  /** What the network sees: rows (x, y, cos pi t, sin pi t); `t` is one number, or one a row. */
  function inputs(x, t, out) {
    for (let i = 0; 2 * i < x.length; i++) {
      const angle = Math.PI * (typeof t === "number" ? t : t[i]);
      out[4 * i] = x[2 * i];
      out[4 * i + 1] = x[2 * i + 1];
      out[4 * i + 2] = Math.cos(angle);
      out[4 * i + 3] = Math.sin(angle);
    }
    return out;
  }

  /** theory.plane.Velocity: three hidden layers of ReLU. */
  const network = (width, source) => m.network([4, width, width, width, 2], { hidden: "relu" }, source);

  /** v(x, t) for rows x; in memory of `space`, which the caller resets. */
  const at = (net, x, t, space) => m.forward(net, inputs(x, t, space.take(2 * x.length)), x.length / 2, space).out;

  /** v(x, t) for rows x. */
  const velocity = (net, x, t) => Float64Array.from(at(net, x, t, m.arena()));

  /** The mean over a batch of |v(x_t, t) - (x_1 - x_0)|^2; adds its gradient to `grad`. */
  function loss(net, { x0, x1, t }, grad, space) {
    const n = t.length;
    const x = space.take(2 * n);
    for (let j = 0; j < 2 * n; j++) x[j] = (1 - t[j >> 1]) * x0[j] + t[j >> 1] * x1[j];
    const trace = m.forward(net, inputs(x, t, space.take(4 * n)), n, space);
    const slope = space.take(2 * n);
    let value = 0;
    for (let j = 0; j < 2 * n; j++) {
      const off = trace.out[j] - (x1[j] - x0[j]);
      value += off ** 2 / n;
      slope[j] = (2 * off) / n;
    }
    m.backward(net, trace, slope, grad, space);
    return value;
  }

  // ---- Solvers
  // --------------------------------------------------------------------------------------------------------

  /** The places of rows x at times k / steps, k = 0 to `steps`: a list of rows, the first of which is x. */
  function solve(net, x, solver, steps) {
    const space = m.arena();
    const v = (rows, t) => (space.reset(), Float64Array.from(at(net, rows, t, space)));
    const path = [Float64Array.from(x)];
    for (let k = 0; k < steps; k++) path.push(SOLVERS[solver].step(v, path[k], k / steps, 1 / steps));
    return path;
  }

  // ---- How good
  // -------------------------------------------------------------------------------------------------------

  /**
   * How far a flow's path (of `solve`) is from straight lines at an even speed: the integral over time of the mean of
   * |(z_1 - z_0) - v(z_t, t)|^2, by the trapezoid rule; 0 is straight (Liu et al. 2023, arXiv:2209.03003).
   */
  function straightness(net, path) {
    const [start, end] = [path[0], path[path.length - 1]];
    const steps = path.length - 1;
    const space = m.arena();
    let sum = 0;
    for (const [k, rows] of path.entries()) {
      space.reset();
      const v = at(net, rows, k / steps, space);
      let off = 0;
      for (let j = 0; j < rows.length; j++) off += (end[j] - start[j] - v[j]) ** 2;
      sum += off * (k === 0 || k === steps ? 0.5 : 1);
    }
    return (2 * sum) / (start.length * steps);
  }

  /** The root of the mean squared distance of rows to rows: of what one step makes to what many steps make of the same noise. */
  function apart(a, b) {
    let sum = 0;
    for (let j = 0; j < a.length; j++) sum += (a[j] - b[j]) ** 2;
    return Math.sqrt((2 * sum) / a.length);
  }

  /** The mean distance of the rows of a to those of b; of different rows where both are the same. */
  function meanDistance(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i += 2) {
      for (let k = a === b ? i + 2 : 0; k < b.length; k += 2) {
        sum += Math.sqrt((a[i] - b[k]) ** 2 + (a[i + 1] - b[k + 1]) ** 2);
      }
    }
    const [n, m] = [a.length / 2, b.length / 2];
    return sum / (a === b ? (n * (n - 1)) / 2 : n * m);
  }

  /** The energy distance of two clouds without bias, as imggen_lib.metrics.energy; 0 on average for equal distributions. */
  const energyDistance = (x, y) => 2 * meanDistance(x, y) - meanDistance(x, x) - meanDistance(y, y);

  /** Up to where the distance of `n` real points to `n` other real points comes in 19 of 20 cases. */
  function baseline(data, n, source, cases = 40) {
    const found = Array.from({ length: cases }, () => energyDistance(data.sample(n, source), data.sample(n, source)));
    return found.sort((a, b) => a - b)[Math.ceil(0.95 * cases) - 1];
  }

  /** `n` points of a Gaussian with the mean and the covariance of the rows x: what is drawn without any training. */
  function gaussianLike(x, n, source) {
    const rows = x.length / 2;
    const [mean, second] = [[0, 0], [0, 0, 0]];
    for (let i = 0; i < rows; i++) for (const k of [0, 1]) mean[k] += x[2 * i + k] / rows;
    for (let i = 0; i < rows; i++) {
      const [a, b] = [x[2 * i] - mean[0], x[2 * i + 1] - mean[1]];
      [a * a, a * b, b * b].forEach((value, k) => (second[k] += value / rows));
    }
    const first = Math.sqrt(second[0]) || 1e-9; // Cholesky's factor
    const cross = second[1] / first;
    const last = Math.sqrt(Math.max(0, second[2] - cross ** 2));
    const out = source.normals(2 * n);
    for (let i = 0; i < n; i++) {
      const [a, b] = [out[2 * i], out[2 * i + 1]];
      out[2 * i] = mean[0] + first * a;
      out[2 * i + 1] = mean[1] + cross * a + last * b;
    }
    return out;
  }

  // ---- Training
  // -------------------------------------------------------------------------------------------------------

  /**
   * A flow in training. `settings`: data, drawn, width, batch, lr, seed. `stages` are the flows that are done, each an average of
   * weights: `reflow` adds one and goes on with pairs of noise and what it flows to, in the place of noise and data that have
   * nothing to do with each other (Liu et al. 2023).
   */
  function game(settings) {
    const data = trainerGames.dataOf(settings);
    const net = network(settings.width, m.random(settings.seed, STREAM.weights));
    const average = { ...net, params: net.params.slice() };
    const grad = new Float64Array(net.params.length);
    const [dataSource, noise] = [m.random(settings.seed, STREAM.data), m.random(settings.seed, STREAM.noise)];
    const space = m.arena();
    let optimiser = m.optimiser(grad.length, BETAS);
    let [seen, pairs] = [0, null];
    const self = { settings, data, net, average, stages: [], steps: 0, total: 0, loss: NaN };

    self.draw = () => {
      const n = settings.batch;
      const t = Float64Array.from({ length: n }, noise.uniform);
      if (!pairs) return { x0: noise.normals(2 * n), x1: scaled(data.sample(n, dataSource), SCALE), t };
      const [x0, x1] = [new Float64Array(2 * n), new Float64Array(2 * n)];
      for (let i = 0; i < n; i++) {
        const k = Math.floor(noise.uniform() * (pairs.x0.length / 2));
        x0.set(pairs.x0.subarray(2 * k, 2 * k + 2), 2 * i);
        x1.set(pairs.x1.subarray(2 * k, 2 * k + 2), 2 * i);
      }
      return { x0, x1, t };
    };

    self.gradient = (batch) => {
      space.reset();
      return { value: loss(net, batch, grad.fill(0), space), grad };
    };

    self.step = (batch = null) => {
      self.loss = self.gradient(batch ?? self.draw()).value;
      optimiser.step(net.params, grad, settings.lr);
      m.follow(average.params, net.params, settings.batch, seen, HALF_LIFE);
      seen += settings.batch;
      self.steps += 1;
      self.total += 1;
    };

    /** Makes pairs in so many calls; each gives the share that is done, and the last begins the next stage. */
    self.reflow = (slices = 64) => {
      const from = { ...net, params: average.params.slice() };
      const x0 = m.random(settings.seed, STREAM.pairs + self.stages.length).normals(2 * PAIRS);
      const x1 = new Float64Array(2 * PAIRS);
      const size = (2 * PAIRS) / slices;
      let done = 0;
      return () => {
        x1.set(solve(from, x0.subarray(done * size, (done + 1) * size), "midpoint", PAIR_STEPS).at(-1), done * size);
        done += 1;
        if (done === slices) {
          self.stages.push(from);
          net.params.set(from.params);
          optimiser = m.optimiser(grad.length, BETAS);
          [pairs, seen, self.steps] = [{ x0, x1 }, 0, 0];
        }
        return done / slices;
      };
    };

    return self;
  }

  return {
    ...{ SCALE, SOLVERS, PAIRS, scaled, network, velocity, loss, solve, placeAt: solverPlace, straightness, apart },
    ...{ energyDistance, baseline, gaussianLike, game },
  };
})();
