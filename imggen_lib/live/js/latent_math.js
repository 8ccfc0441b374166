// What the latent demo computes: the velocity of a flow on codes, the way of some noises, and where codes of images are.
// The network is imggen_lib/models/flow.py's VectorNet as imggen_lib/live/latent_file.py stores it.

const LATENT_COUNT = 6; // noises

// velocity(x, t, label) of a file for rows x, all of one class; the label `classes` means "no class".
function latentVelocity({ spec }, tensors) {
  const { velocity: said, latent, classes } = spec;
  const part = ({ weight, bias }) => ({ weight: tensors[weight], bias: tensors[bias] });
  const [first, last, norm] = [part(said.first), part(said.last), part(said.norm)];
  const blocks = said.blocks.map((block) => Object.fromEntries(Object.entries(block).map(([k, v]) => [k, part(v)])));
  const [rows, basis, turn] = [said.rows, said.basis, said.turn].map((k) => tensors[k]);
  const time = said.time && part(said.time);
  const length = rows.shape[1];
  const width = length / (2 * blocks.length);

  // Scales and shifts of all blocks: the row of the class, plus time's share, a sum of a few directions.
  function film(t, label) {
    const out = rows.values.slice(label * length, (label + 1) * length);
    if (!time) return out; // a network that is asked at t = 0 alone
    const half = time.weight.shape[1] / 2;
    const waves = Float32Array.from({ length: 2 * half }, (_, i) => {
      const angle = Math.PI * t * ((i % half) + 1);
      return i < half ? Math.cos(angle) : Math.sin(angle);
    });
    const shares = rowsDense({ weight: turn }, rowsSilu(rowsDense(time, waves, 1)), 1);
    shares.forEach((share, k) => {
      for (let i = 0; i < length; i++) out[i] += share * basis.values[k * length + i];
    });
    return out;
  }

  return function velocity(x, t, label = classes) {
    const n = x.length / latent;
    const said = film(t, label);
    let state = rowsDense(first, x, n);
    blocks.forEach((block, k) => {
      const inner = rowsNorm(rowsDense(block.first, rowsSilu(rowsNorm(state, n, block.before)), n), n, block.middle);
      const at = 2 * width * k;
      const moved = inner.map((v, i) => v * (1 + said[at + (i % width)]) + said[at + width + (i % width)]);
      state = rowsPlus(state, rowsDense(block.last, rowsSilu(moved), n));
    });
    return rowsDense(last, rowsSilu(rowsNorm(state, n, norm)), n);
  };
}

// A flow of a file: path(noise, { label, solver, steps, guidance }) gives { places, guesses }, the points at even times and
// where each would end if it went straight on; codes(x) are the VAE's codes of points.
async function latentOpen(model, name) {
  const file = await fetchFile(model, name);
  const tensors = readTensors(file.spec.tensors, await fileBytes(file));
  const velocity = latentVelocity(file, tensors);
  const { latent } = file.spec;
  const [centre, spread] = ["centre", "spread"].map((k) => tensors[file.spec.velocity[k]].values);
  function path(noise, { label, solver, steps, guidance }) {
    const asked = (x, t) =>
      guidance === 1 ? velocity(x, t, label) : solverGuided(velocity(x, t, label), velocity(x, t), guidance);
    const moments = [...solverSteps(asked, Float32Array.from(noise), solver, steps)];
    const guesses = moments.map(({ x, v, t }) => (v ? solverAlong(x, 1 - t, v) : x));
    return { places: moments.map(({ x }) => x), guesses };
  }
  const codes = (x) => x.map((v, i) => centre[i % latent] + spread[i % latent] * v);
  return { spec: file.spec, path, codes };
}

// Where codes of real images are: distance(code, label), 1 for an average code of that class; plane(code, label), its place
// in the plane in which the class stands apart; cloud(name, label), the places of codes of images.
async function latentCodes(model, name) {
  const file = await fetchFile(model, name);
  const tensors = readTensors(file.spec.tensors, await fileBytes(file));
  const of = (part) => tensors[file.spec.parts[part]];
  const size = of("mean").shape[1];
  function distance(code, label) {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      let y = 0;
      for (let j = 0; j <= i; j++)
        y += of("whiten").values[(label * size + i) * size + j] * (code[j] - of("mean").values[label * size + j]);
      sum += y * y;
    }
    return Math.sqrt(sum / size);
  }
  const plane = (code, label) =>
    [0, 1].map((k) => code.reduce((sum, v, i) => sum + v * of("directions").values[(2 * label + k) * size + i], 0));
  function cloud(part, label) {
    const { values, shape } = of(part);
    return values.subarray(label * shape[1] * 2, (label + 1) * shape[1] * 2);
  }
  return { spec: file.spec, distance, plane, cloud };
}

// The pictures of some noises, by each way: codes (`points`), `images` and milliseconds per image (`spent`), and the flow's `path`.
function latentDrawn({ network, codes, size }) {
  const self = { noise: null, flow: null, student: null, path: null, decoder: Infinity, spent: {}, images: {}, points: {} };
  const timed = (f) => {
    const began = performance.now();
    const found = f();
    return [found, (performance.now() - began) / LATENT_COUNT];
  };
  function decode(way, points) {
    self.points[way] = points;
    const [images, ms] = timed(() => network.draw(points, LATENT_COUNT));
    self.images[way] = images;
    self.decoder = Math.min(self.decoder, ms); // one decoder for all: what it takes when nothing else comes between
    return self.decoder;
  }
  self.prior = () => (self.spent.prior = decode("prior", self.noise));
  self.move = (settings) => {
    const [path, ms] = timed(() => self.flow.path(self.noise, { ...settings, label: settings.digit }));
    [self.path, self.flowMs] = [path, ms];
  };
  self.jump = (digit) => {
    const asked = { label: digit, ...self.student.spec.sampler };
    const [{ places }, ms] = timed(() => self.student.path(self.noise, asked));
    self.spent.student = ms + decode("student", self.student.codes(places.at(-1)));
  };
  self.now = (t) => solverPlace(self.path.places, t);
  self.at = (t, goal) => {
    const { guesses } = self.path;
    const x = goal && t < 1 ? guesses[Math.min(guesses.length - 1, Math.floor(t * (guesses.length - 1) + 1e-9))] : self.now(t);
    self.spent.flow = self.flowMs + decode("flow", self.flow.codes(x));
  };
  self.each = (points) => Array.from({ length: LATENT_COUNT }, (_, k) => points.subarray(k * size, (k + 1) * size));
  self.far = (way, digit) => self.each(self.points[way]).map((code) => codes.distance(code, digit));
  return self;
}

Object.assign(tools, { latentOpen, latentCodes });
