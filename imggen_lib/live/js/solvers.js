// Following a velocity v(x, t) from noise (t = 0) to data (t = 1): the solvers of imggen_lib/ode.py, step by step.

const solverAlong = (x, h, v) => x.map((value, j) => value + h * v[j]);

// One step of size h from x at time t. `first` is v(x, t), which each of them asks for.
const SOLVERS = {
  euler: { evaluations: 1, step: (v, x, t, h, first = v(x, t)) => solverAlong(x, h, first) },
  midpoint: {
    evaluations: 2,
    step: (v, x, t, h, first = v(x, t)) => solverAlong(x, h, v(solverAlong(x, h / 2, first), t + h / 2)),
  },
  heun: {
    evaluations: 2,
    step(v, x, t, h, first = v(x, t)) {
      const second = v(solverAlong(x, h, first), t + h);
      return solverAlong(x, h / 2, first.map((value, j) => value + second[j]));
    },
  },
};

// The way from x: { k, t, x, v } before each step, v the velocity there, and at the end with v null. One yield a step.
function* solverSteps(velocity, x, solver, steps) {
  for (let k = 0; k < steps; k++) {
    const t = k / steps;
    const v = velocity(x, t);
    yield { k, t, x, v };
    x = SOLVERS[solver].step(velocity, x, t, 1 / steps, v);
  }
  yield { k: steps, t: 1, x, v: null };
}

// Classifier-free guidance: the velocity with the condition, carried on beyond the one without it.
const solverGuided = (withIt, without, weight) => withIt.map((v, i) => without[i] + weight * (v - without[i]));

// Where a path, a list of places at even times, is at time t: between two of them it goes straight on.
function solverPlace(path, t) {
  const k = Math.min(path.length - 2, Math.floor(t * (path.length - 1)));
  const share = t * (path.length - 1) - k;
  return path[k].map((value, j) => value + share * (path[k + 1][j] - value));
}
