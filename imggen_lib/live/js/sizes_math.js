// Rounding and pruning of a network's weights, with the definitions of imggen_lib.compress.quantise and .prune.

// The weights of a layer rounded to `bits` bits, one step a map, nothing cut off. In a dense layer a map is a run of rows.
function sizesRounded({ values, shape }, axis, maps, bits) {
  const most = 2 ** (bits - 1) - 1;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const run = shape[axis] / maps;
  const map = (i) => Math.floor((Math.floor(i / inner) % shape[axis]) / run);
  const largest = new Float32Array(maps).fill(1e-8);
  for (let i = 0; i < values.length; i++) largest[map(i)] = Math.max(largest[map(i)], Math.abs(values[i]));
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const step = Math.fround(largest[map(i)] / most);
    out[i] = step * Math.max(-most, Math.min(most, Math.round(values[i] / step)));
  }
  return { values: out, shape };
}

// The weights of a layer without the `share` of smallest magnitude.
function sizesPruned({ values, shape }, share) {
  const order = Uint32Array.from(values, (_, k) => k).sort((a, b) => Math.abs(values[a]) - Math.abs(values[b]));
  const out = Float32Array.from(values);
  for (const k of order.subarray(0, Math.round(share * values.length))) out[k] = 0;
  return { values: out, shape };
}

// The same layers with every weight changed by `change(weight, axis, maps)`, ready to compute: draw(z, label).
function sizesNetwork(said, tensors, spec, change) {
  const own = [...tensors];
  const layers = said.map((layer) => {
    if (layer.weight === undefined || !change) return layer;
    own.push(change(tensors[layer.weight], layer.kind === "transposed" ? 1 : 0, layer.maps));
    return { ...layer, weight: own.length - 1 };
  });
  const steps = netSteps(layers, own, spec);
  return (z, label) =>
    steps.reduce((value, step) => step(value, [label]), { data: z, n: 1, shape: [spec.latent] }).data;
}

// The mean absolute difference of two images in [-1, 1], in grey levels of 255.
function sizesApart(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return (127.5 * sum) / a.length;
}

Object.assign(tools, { sizesRounded, sizesPruned, sizesNetwork, sizesApart });
