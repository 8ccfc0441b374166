// Completing a surface of implied volatility in the page, in double precision: what imggen_lib/applications/volatility does.
// A surface is 256 logarithms of volatilities, maturity by maturity; a quote is a place and such a logarithm.

const SURFACE_TOLERANCE = 1e-7; // of the forward: less than this below 0 is no arbitrage
const SURFACE_STEP = 1e-5; // of central differences

// The complementary error function to about 14 digits: a series near 0, a continued fraction far out.
function surfaceErfc(x) {
  if (x < 0) return 2 - surfaceErfc(-x);
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = x;
  for (let k = 60; k > 0; k--) f = x + k / 2 / f;
  return Math.exp(-x * x) / (f * Math.sqrt(Math.PI));
}

const surfaceCdf = (x) => 0.5 * surfaceErfc(-x / Math.SQRT2);

// The price of a call over the forward: log-moneyness, total variance.
function surfaceCall(k, w) {
  const root = Math.sqrt(w);
  return surfaceCdf(-k / root + root / 2) - Math.exp(k) * surfaceCdf(-k / root - root / 2);
}

// Solve a x = b for a symmetric positive matrix (rows of numbers) and several right sides; a is kept.
function surfaceSolve(a, sides) {
  const n = a.length;
  const root = a.map((row) => Float64Array.from(row));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = root[i][j];
      for (let k = 0; k < j; k++) sum -= root[i][k] * root[j][k];
      root[i][j] = i === j ? Math.sqrt(sum) : sum / root[j][j];
    }
  }
  return sides.map((side) => {
    const x = Float64Array.from(side);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i] -= root[i][k] * x[k];
      x[i] /= root[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] -= root[k][i] * x[k];
      x[i] /= root[i][i];
    }
    return x;
  });
}

// The file, opened: surfaces, and three ways to complete one.
function surfaceRead(spec, buffer) {
  const tensors = readTensors(spec.tensors, buffer);
  const wide = (at) => Float64Array.from(tensors[at].values);
  const count = spec.times.length * spec.moneyness.length;
  const surfaces = {};
  for (const [name, at] of Object.entries(spec.surfaces)) {
    const values = wide(at);
    surfaces[name] = Array.from({ length: values.length / count }, (_, n) => values.slice(n * count, (n + 1) * count));
  }
  const { mean, factors, rest } = spec.gaussian;
  const gaussian = { mean: wide(mean), factors: wide(factors), rest: wide(rest), wide: tensors[factors].shape[1] };
  const decoders = {};
  for (const [kind, net] of Object.entries(spec.nets)) decoders[kind] = surfaceDecoder(spec, kind, net, wide);
  return {
    spec,
    surfaces,
    ways: {
      gaussian: (quotes) => surfaceGaussian(gaussian, quotes, spec),
      volatilities: (quotes) => surfaceMode(decoders.volatilities, quotes, spec),
      parameters: (quotes) => surfaceMode(decoders.parameters, quotes, spec),
    },
    decoders,
  };
}

// A decoder: six numbers to 256 logarithms of volatilities, and the standard deviation of its likelihood.
function surfaceDecoder(spec, kind, net, wide) {
  const layers = net.layers.map(([weight, bias]) => ({ weight: wide(weight), bias: wide(bias) }));
  const bias = wide(net.bias);
  const { times, moneyness } = spec;
  const columns = moneyness.length;
  const scale = Math.LN10;
  const start = Math.log(0.2);
  function raw(z) {
    let x = z;
    layers.forEach(({ weight, bias: shift }, n) => {
      const y = Float64Array.from(shift);
      for (let i = 0; i < y.length; i++) {
        for (let j = 0; j < x.length; j++) y[i] += weight[i * x.length + j] * x[j];
        if (n < layers.length - 1) y[i] *= surfaceCdf(y[i]);
      }
      x = y;
    });
    return x;
  }
  const volatilities = (z) => raw(z).map((v, i) => (v + bias[i]) * scale + start);
  const sigmoidOf = (v) => 1 / (1 + Math.exp(-v));
  function parameters(z) {
    const y = raw(z);
    const out = new Float64Array(times.length * columns);
    const rho = 0.999 * Math.tanh(y[times.length]);
    const eta = (2 / (1 + Math.abs(rho))) * sigmoidOf(y[times.length + 1]);
    const gamma = 0.5 * sigmoidOf(y[times.length + 2]);
    let theta = 0;
    times.forEach((t, i) => {
      theta += 0.04 * (t - (i ? times[i - 1] : 0)) * Math.exp(y[i]);
      const width = eta * theta ** -gamma * (1 + theta) ** (gamma - 1);
      moneyness.forEach((k, j) => {
        const x = width * k;
        const w = (theta / 2) * (1 + rho * x + Math.sqrt((x + rho) ** 2 + 1 - rho * rho));
        out[i * columns + j] = 0.5 * Math.log(w / t);
      });
    });
    return out;
  }
  return { decode: kind === "parameters" ? parameters : volatilities, sigma: net.sigma * scale };
}

// The conditional Gaussian, with the covariance as factors and what is left of each place's variance.
function surfaceGaussian({ mean, factors, rest, wide }, { places, values, noise }, { least }) {
  const tau = Math.max(noise, least);
  const row = (i) => factors.subarray(i * wide, (i + 1) * wide);
  const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const covariance = (i, j) => dot(row(i), row(j)) + (i === j ? rest[i] : 0);
  const inner = places.map((p, a) => places.map((q, b) => covariance(p, q) + (a === b ? tau * tau : 0)));
  const off = places.map((p, a) => values[a] - mean[p]);
  const across = Array.from(mean, (_, i) => places.map((p) => covariance(i, p)));
  const gain = surfaceSolve(inner, across);
  return {
    mean: mean.map((v, i) => v + dot(gain[i], off)),
    sd: mean.map((_, i) => Math.sqrt(Math.max(0, covariance(i, i) - dot(gain[i], across[i])))),
  };
}

// The mode of the latents given the quotes, by Levenberg and Marquardt's steps from 0, and Laplace's band.
function surfaceMode({ decode, sigma }, { places, values, noise }, { least, latent }) {
  const variance = sigma * sigma + Math.max(noise, least) ** 2;
  const energy = (x, z) =>
    places.reduce((sum, p, a) => sum + (x[p] - values[a]) ** 2, 0) / variance + z.reduce((sum, v) => sum + v * v, 0);
  function jacobian(z) {
    return Array.from(z, (_, d) => {
      const [there, back] = [1, -1].map((side) => decode(z.map((v, i) => v + (i === d ? side * SURFACE_STEP : 0))));
      return there.map((v, i) => (v - back[i]) / (2 * SURFACE_STEP));
    });
  }
  const curved = (columns) =>
    columns.map((a, i) =>
      columns.map((b, j) => places.reduce((sum, p) => sum + a[p] * b[p], 0) / variance + (i === j ? 1 : 0)),
    );
  let z = new Float64Array(latent);
  let x = decode(z);
  let least_ = energy(x, z);
  let damping = 1;
  let columns = jacobian(z);
  for (let step = 0, still = 0; step < 40 && still < 4; step++) {
    const hessian = curved(columns);
    const slope = columns.map((a, i) => places.reduce((sum, p, n) => sum + a[p] * (x[p] - values[n]), 0) / variance + z[i]);
    const damped = hessian.map((row, i) => row.map((v, j) => (i === j ? v * (1 + damping) : v)));
    const [move] = surfaceSolve(damped, [slope]);
    const tried = z.map((v, i) => v - move[i]);
    const there = decode(tried);
    const now = energy(there, tried);
    still = least_ - now > 1e-4 ? 0 : still + 1;
    if (now < least_) {
      [z, x, least_, damping] = [tried, there, now, Math.max(damping / 4, 1e-9)];
      columns = jacobian(z);
    } else damping = Math.min(damping * 4, 1e9);
  }
  const sides = Array.from(x, (_, i) => columns.map((column) => column[i]));
  const spread = surfaceSolve(curved(columns), sides);
  const sd = x.map((_, i) => Math.sqrt(sides[i].reduce((sum, v, d) => sum + v * spread[i][d], 0) + sigma * sigma));
  return { mean: x, sd, z };
}

// Places where a calendar spread (the later maturity) or a butterfly (the middle strike) costs less than nothing.
function surfaceArbitrage(x, { times, moneyness }) {
  const n = moneyness.length;
  const price = Array.from(x, (v, i) => surfaceCall(moneyness[i % n], Math.exp(2 * v) * times[Math.floor(i / n)]));
  const strike = moneyness.map((k) => Math.exp(k));
  const calendar = [];
  const butterfly = [];
  for (let i = 0; i < price.length; i++) {
    if (i >= n && price[i] - price[i - n] < -SURFACE_TOLERANCE) calendar.push(i);
    const j = i % n;
    if (j > 0 && j < n - 1) {
      const share = (strike[j + 1] - strike[j]) / (strike[j + 1] - strike[j - 1]);
      if (share * price[i - 1] + (1 - share) * price[i + 1] - price[i] < -SURFACE_TOLERANCE) butterfly.push(i);
    }
  }
  return { calendar, butterfly };
}

// The root mean square error in volatility points, and the share of places without a quote inside the band.
function surfaceJudged({ mean, sd }, truth, places, band) {
  const square = mean.reduce((sum, v, i) => sum + (Math.exp(v) - Math.exp(truth[i])) ** 2, 0);
  const open = Array.from(truth.keys()).filter((i) => !places.includes(i));
  const inside = open.filter((i) => Math.abs(mean[i] - truth[i]) <= band * sd[i]).length;
  return { error: 100 * Math.sqrt(square / mean.length), inside: inside / open.length };
}

Object.assign(tools, { surfaceRead, surfaceArbitrage, surfaceJudged, surfaceErfc, surfaceCall });
