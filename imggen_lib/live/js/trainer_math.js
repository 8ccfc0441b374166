// Small networks with their gradients, the GAN losses and penalties, and Adam: what the trainer demo computes with.
//
// Everything is in double precision, with no dependency. Matrices are rows of Float64Array: row i of an (n, d) batch
// starts
// at i * d. A network is an MLP; one flat array holds all its weights, so that Adam is one loop. Losses and penalties
// are
// those of imggen_lib/losses/gan.py, tested against it through PyTorch's autograd.

const trainerMath = (() => {
  "use strict";

  // ---- Random numbers
  // -------------------------------------------------------------------------------------------------

  /** Random numbers from a seed and a stream (0, 1, 2, ...): streams of one seed are unrelated. Mulberry32. */
  function random(seed, stream = 0) {
    let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) >>> 0;
    let spare = null; // the second number of the pair that Box and Muller's method makes
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const normal = () => {
      if (spare !== null) {
        const kept = spare;
        spare = null;
        return kept;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    };
    const normals = (size) => Float64Array.from({ length: size }, normal);
    return { uniform, normal, normals };
  }

  // ---- Memory
  // ---------------------------------------------------------------------------------------------------------

  /** Arrays that are used again in every step, in the same order: no rubbish for the browser to collect. */
  function arena() {
    const arrays = [];
    let next = 0;
    return {
      reset: () => (next = 0),
      take(size) {
        const at = next++;
        if (arrays[at]?.length !== size) arrays[at] = new Float64Array(size);
        return arrays[at];
      },
    };
  }

  // ---- Networks
  // -------------------------------------------------------------------------------------------------------

  const LEAK = 0.2;

  // Each on whole arrays: out = f(a); d f'(a); and the bend d f''(a), which the penalties need. y is f(a).
  const ACTIVATIONS = {
    linear: {
      value: (a, out) => out.set(a),
      slope: (a, y, d, out) => out.set(d),
      bend: (a, y, d, out) => out.fill(0),
    },
    leaky: {
      value(a, out) {
        for (let j = 0; j < a.length; j++) out[j] = a[j] > 0 ? a[j] : LEAK * a[j];
      },
      slope(a, y, d, out) {
        for (let j = 0; j < a.length; j++) out[j] = a[j] > 0 ? d[j] : LEAK * d[j];
      },
      bend: (a, y, d, out) => out.fill(0),
    },
    relu: {
      value(a, out) {
        for (let j = 0; j < a.length; j++) out[j] = a[j] > 0 ? a[j] : 0;
      },
      slope(a, y, d, out) {
        for (let j = 0; j < a.length; j++) out[j] = a[j] > 0 ? d[j] : 0;
      },
      bend: (a, y, d, out) => out.fill(0),
    },
    tanh: {
      value(a, out) {
        for (let j = 0; j < a.length; j++) out[j] = Math.tanh(a[j]);
      },
      slope(a, y, d, out) {
        for (let j = 0; j < a.length; j++) out[j] = d[j] * (1 - y[j] * y[j]);
      },
      bend(a, y, d, out) {
        for (let j = 0; j < a.length; j++) out[j] = -2 * d[j] * y[j] * (1 - y[j] * y[j]);
      },
    },
  };

  /**
   * An MLP with layers of the given sizes; `hidden` and `output` name activations. Weights start as PyTorch's nn.Linear
   * starts them: uniform between plus and minus 1 / sqrt(inputs). They lie in `params` as nn.Sequential lists them.
   */
  function network(sizes, { hidden = "leaky", output = "linear", bias = true }, source) {
    const layers = [];
    let at = 0;
    for (let k = 0; k + 1 < sizes.length; k++) {
      const [inputs, outputs] = [sizes[k], sizes[k + 1]];
      const name = k + 2 < sizes.length ? hidden : output;
      layers.push({
        inputs,
        outputs,
        activation: ACTIVATIONS[name],
        weight: at,
        bias: bias ? at + inputs * outputs : -1,
      });
      at += inputs * outputs + (bias ? outputs : 0);
    }
    const params = new Float64Array(at);
    for (const layer of layers) {
      const bound = 1 / Math.sqrt(layer.inputs);
      const end = layer.weight + layer.inputs * layer.outputs + (bias ? layer.outputs : 0);
      for (let j = layer.weight; j < end; j++) params[j] = bound * (2 * source.uniform() - 1);
    }
    return { sizes, layers, params };
  }

  // The three products that take all the time. Each does four rows at once, which is two to three times as fast as one.

  /** out = x W^T, and + b where `withBias`, for n rows. */
  function affine(x, n, params, layer, withBias, out) {
    const { inputs, outputs, weight, bias } = layer;
    for (let i = 0; i < n; i++) {
      const row = i * inputs;
      const to = i * outputs;
      let o = 0;
      for (; o + 3 < outputs; o += 4) {
        let w = weight + o * inputs;
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        for (let k = row; k < row + inputs; k++, w++) {
          const v = x[k];
          s0 += v * params[w];
          s1 += v * params[w + inputs];
          s2 += v * params[w + 2 * inputs];
          s3 += v * params[w + 3 * inputs];
        }
        out[to + o] = s0;
        out[to + o + 1] = s1;
        out[to + o + 2] = s2;
        out[to + o + 3] = s3;
      }
      for (; o < outputs; o++) {
        let sum = 0;
        for (let k = 0; k < inputs; k++) sum += x[row + k] * params[weight + o * inputs + k];
        out[to + o] = sum;
      }
      if (withBias && bias >= 0) for (o = 0; o < outputs; o++) out[to + o] += params[bias + o];
    }
    return out;
  }

  /** The gradient with respect to the layer's input, d W. */
  function affineBack(d, n, params, layer, out) {
    const { inputs, outputs, weight } = layer;
    out.fill(0);
    for (let i = 0; i < n; i++) {
      const row = i * inputs;
      const from = i * outputs;
      let o = 0;
      for (; o + 3 < outputs; o += 4) {
        const d0 = d[from + o];
        const d1 = d[from + o + 1];
        const d2 = d[from + o + 2];
        const d3 = d[from + o + 3];
        let w = weight + o * inputs;
        for (let k = row; k < row + inputs; k++, w++) {
          out[k] +=
            d0 * params[w] + d1 * params[w + inputs] + d2 * params[w + 2 * inputs] + d3 * params[w + 3 * inputs];
        }
      }
      for (; o < outputs; o++) {
        for (let k = 0; k < inputs; k++) out[row + k] += d[from + o] * params[weight + o * inputs + k];
      }
    }
    return out;
  }

  /** Adds the gradient with respect to the layer's weights, d^T x, and, `withBias`, to its biases. */
  function addWeightGradient(d, x, n, grad, layer, withBias) {
    const { inputs, outputs, weight, bias } = layer;
    let i = 0;
    for (; i + 3 < n; i += 4) {
      for (let o = 0; o < outputs; o++) {
        const d0 = d[i * outputs + o];
        const d1 = d[(i + 1) * outputs + o];
        const d2 = d[(i + 2) * outputs + o];
        const d3 = d[(i + 3) * outputs + o];
        let k = i * inputs;
        for (let w = weight + o * inputs; w < weight + (o + 1) * inputs; w++, k++) {
          grad[w] += d0 * x[k] + d1 * x[k + inputs] + d2 * x[k + 2 * inputs] + d3 * x[k + 3 * inputs];
        }
      }
    }
    for (; i < n; i++) {
      for (let o = 0; o < outputs; o++) {
        for (let k = 0; k < inputs; k++) grad[weight + o * inputs + k] += d[i * outputs + o] * x[i * inputs + k];
      }
    }
    if (!withBias || bias < 0) return;
    for (i = 0; i < n; i++) for (let o = 0; o < outputs; o++) grad[bias + o] += d[i * outputs + o];
  }

  /** The network's answers for n rows `x`. It remembers all layers, for `backward`; `.out` is the answer. */
  function forward(net, x, n, space) {
    const trace = { n, inputs: [], sums: [], outputs: [], out: x };
    for (const layer of net.layers) {
      const size = n * layer.outputs;
      const sums = affine(trace.out, n, net.params, layer, true, space.take(size));
      const out = space.take(size);
      layer.activation.value(sums, out);
      trace.inputs.push(trace.out);
      trace.sums.push(sums);
      trace.outputs.push(out);
      trace.out = out;
    }
    return trace;
  }

  /**
   * Reverse mode: from the slope of a loss with respect to the answers to its slope with respect to the inputs, which
   * is
   * returned. Where `grad` is given, the slopes with respect to the weights are added to it.
   */
  function backward(net, trace, dOut, grad, space) {
    const { n } = trace;
    let d = dOut;
    for (let k = net.layers.length - 1; k >= 0; k--) {
      const layer = net.layers[k];
      const dSums = space.take(d.length);
      layer.activation.slope(trace.sums[k], trace.outputs[k], d, dSums);
      if (grad) addWeightGradient(dSums, trace.inputs[k], n, grad, layer, true);
      d = affineBack(dSums, n, net.params, layer, space.take(n * layer.inputs));
    }
    return d;
  }

  /** The slope of a critic's logit with respect to its input, for n rows; and the trace, for `addSlopeGradient`. */
  function inputGradient(net, x, n, space) {
    const trace = forward(net, x, n, space);
    return { trace, gradient: backward(net, trace, space.take(n).fill(1), null, space) };
  }

  /**
   * Adds to `grad` the gradient, with respect to the weights, of sum_i v_i . (slope of the logit at x_i), with v held
   * fixed.
   *
   * A penalty on slopes needs a derivative of a derivative. The sum is how fast the logits change when all x_i move
   * along v_i,
   * so we push these directions through the network beside the values (forward mode), and go back through both
   * (reverse mode).
   */
  function addSlopeGradient(net, trace, v, grad, space) {
    const { n } = trace;
    const moves = [v]; // the direction in which each layer's input moves
    const sumMoves = [];
    for (const [k, layer] of net.layers.entries()) {
      const size = n * layer.outputs;
      const sumMove = affine(moves[k], n, net.params, layer, false, space.take(size));
      const move = space.take(size);
      layer.activation.slope(trace.sums[k], trace.outputs[k], sumMove, move);
      sumMoves.push(sumMove);
      moves.push(move);
    }
    let dMove = space.take(n).fill(1);
    let d = space.take(n).fill(0);
    for (let k = net.layers.length - 1; k >= 0; k--) {
      const layer = net.layers[k];
      const [sums, out] = [trace.sums[k], trace.outputs[k]];
      const [dSumMove, dSum, bent] = [space.take(d.length), space.take(d.length), space.take(d.length)];
      layer.activation.slope(sums, out, dMove, dSumMove);
      layer.activation.slope(sums, out, d, dSum);
      layer.activation.bend(sums, out, dMove, bent);
      for (let j = 0; j < d.length; j++) dSum[j] += bent[j] * sumMoves[k][j];
      addWeightGradient(dSumMove, moves[k], n, grad, layer, false);
      addWeightGradient(dSum, trace.inputs[k], n, grad, layer, true);
      dMove = affineBack(dSumMove, n, net.params, layer, space.take(n * layer.inputs));
      d = affineBack(dSum, n, net.params, layer, space.take(n * layer.inputs));
    }
  }

  // ---- Losses
  // ---------------------------------------------------------------------------------------------------------

  const softplus = (t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
  const sigmoid = (t) => (t >= 0 ? 1 / (1 + Math.exp(-t)) : Math.exp(t) / (1 + Math.exp(t)));

  const logistic = {
    critic: (a, b) => softplus(-a) + softplus(b),
    criticSlopes: (a, b) => [-sigmoid(-a), sigmoid(b)],
  };
  const linearGenerator = { generator: (a, b) => -b, generatorSlope: () => -1 };

  /**
   * What the critic and what the generator minimise, for one real logit a and one generated logit b; the loss is the
   * mean
   * over the batch. `criticSlopes` are the derivatives with respect to a and b, `generatorSlope` the one with respect
   * to b.
   */
  const LOSSES = {
    minimax: { ...logistic, generator: (a, b) => -softplus(b), generatorSlope: (a, b) => -sigmoid(b) },
    "non-saturating": { ...logistic, generator: (a, b) => softplus(-b), generatorSlope: (a, b) => -sigmoid(-b) },
    "least-squares": {
      critic: (a, b) => 0.5 * (a - 1) ** 2 + 0.5 * b ** 2,
      criticSlopes: (a, b) => [a - 1, b],
      generator: (a, b) => 0.5 * (b - 1) ** 2,
      generatorSlope: (a, b) => b - 1,
    },
    hinge: {
      critic: (a, b) => Math.max(0, 1 - a) + Math.max(0, 1 + b),
      criticSlopes: (a, b) => [a < 1 ? -1 : 0, b > -1 ? 1 : 0],
      ...linearGenerator,
    },
    wasserstein: { critic: (a, b) => b - a, criticSlopes: () => [-1, 1], ...linearGenerator },
    relativistic: {
      critic: (a, b) => softplus(b - a),
      criticSlopes: (a, b) => [-sigmoid(b - a), sigmoid(b - a)],
      generator: (a, b) => softplus(a - b),
      generatorSlope: (a, b) => -sigmoid(a - b),
    },
  };

  /** The critic's loss and its slopes with respect to the n real and the n generated logits. */
  function criticLoss(name, real, fake, space) {
    const n = real.length;
    const [dReal, dFake] = [space.take(n), space.take(n)];
    let value = 0;
    for (let i = 0; i < n; i++) {
      value += LOSSES[name].critic(real[i], fake[i]) / n;
      const [a, b] = LOSSES[name].criticSlopes(real[i], fake[i]);
      dReal[i] = a / n;
      dFake[i] = b / n;
    }
    return { value, dReal, dFake };
  }

  /** The generator's loss and its slope with respect to the n generated logits. */
  function generatorLoss(name, real, fake, space) {
    const n = fake.length;
    const dFake = space.take(n);
    let value = 0;
    for (let i = 0; i < n; i++) {
      value += LOSSES[name].generator(real[i], fake[i]) / n;
      dFake[i] = LOSSES[name].generatorSlope(real[i], fake[i]) / n;
    }
    return { value, dFake };
  }

  /**
   * A penalty on the critic's slope at the n points x: the mean of (|slope| - target)^2. Target 0 is R1 (at real
   * points) and
   * R2 (at generated ones), target 1 is the gradient penalty of WGAN-GP. Adds `weight` times its gradient to `grad`.
   */
  function slopePenalty(critic, x, n, target, weight, grad, space) {
    const { trace, gradient } = inputGradient(critic, x, n, space);
    const d = gradient.length / n;
    const v = space.take(gradient.length);
    let value = 0;
    for (let i = 0; i < n; i++) {
      let squares = 0;
      for (let k = i * d; k < (i + 1) * d; k++) squares += gradient[k] ** 2;
      const norm = Math.sqrt(squares);
      value += (norm - target) ** 2 / n;
      // (norm - target)^2 changes by 2 (norm - target) gradient / norm; at norm 0 there is a kink, and we stand
      // still, as PyTorch.
      const pull = target === 0 ? 1 : norm > 0 ? (norm - target) / norm : 0;
      for (let k = i * d; k < (i + 1) * d; k++) v[k] = (2 * weight * pull * gradient[k]) / n;
    }
    addSlopeGradient(critic, trace, v, grad, space);
    return value;
  }

  /** Points on the lines between real and generated ones: t x + (1 - t) y, one t in [0, 1] a pair. */
  function between(real, fake, t, space) {
    const d = real.length / t.length;
    const out = space.take(real.length);
    for (let j = 0; j < out.length; j++) {
      const share = t[Math.floor(j / d)];
      out[j] = share * real[j] + (1 - share) * fake[j];
    }
    return out;
  }

  // ---- Optimisers
  // -----------------------------------------------------------------------------------------------------

  /** Adam (Kingma and Ba 2014, arXiv:1412.6980), as torch.optim.Adam computes it; or plain gradient descent. */
  function optimiser(size, { kind = "adam", beta1 = 0, beta2 = 0.99, epsilon = 1e-8 } = {}) {
    const [mean, square] = [new Float64Array(size), new Float64Array(size)];
    let steps = 0;
    const adam = (params, grad, lr, b1) => {
      steps += 1;
      const rate = lr / (1 - b1 ** steps);
      const root = Math.sqrt(1 - beta2 ** steps);
      for (let j = 0; j < size; j++) {
        mean[j] += (1 - b1) * (grad[j] - mean[j]);
        square[j] = beta2 * square[j] + (1 - beta2) * grad[j] ** 2;
        params[j] -= (rate * mean[j]) / (Math.sqrt(square[j]) / root + epsilon);
      }
    };
    const descend = (params, grad, lr) => {
      for (let j = 0; j < size; j++) params[j] -= lr * grad[j];
    };
    return { step: (params, grad, lr, b1 = beta1) => (kind === "adam" ? adam : descend)(params, grad, lr, b1) };
  }

  /**
   * A running average of weights follows them over the next `points`, after `seen` points: in so many points as the half-life
   * says (but no more than a twentieth of all), half of the old is forgotten. As imggen_lib.train.state.update_ema.
   */
  function follow(average, params, points, seen, halfLife) {
    const share = 1 - 0.5 ** (points / Math.min(halfLife, Math.max(seen, 1) / 20));
    for (let j = 0; j < params.length; j++) average[j] += share * (params[j] - average[j]);
  }

  return {
    ...{
      random,
      arena,
      network,
      forward,
      backward,
      inputGradient,
      addSlopeGradient,
      LOSSES,
      criticLoss,
      generatorLoss,
    },
    ...{ slopePenalty, between, optimiser, follow, softplus, sigmoid },
  };
})();
