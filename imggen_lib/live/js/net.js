// A network: its file is fetched and opened, then it computes, one image at a time or a few.
// What a layer does is also in imggen_lib/live/layers.py, in Python; the names are the same.

// The file of that name: in a notebook Python sends it, in a page a script brings it. Both answer to the list `wanted`.
function fetchFile(model, name) {
  const found = () => (model.get("files") || {})[name];
  const unpack = (file) => {
    if (file.error) throw new Error(file.error);
    return file;
  };
  if (found()) return Promise.resolve().then(() => unpack(found()));
  return new Promise((done, failed) => {
    const arrived = () => {
      if (!found()) return;
      model.off("change:files", arrived);
      try {
        done(unpack(found()));
      } catch (error) {
        failed(error);
      }
    };
    model.on("change:files", arrived);
    if (!(model.get("wanted") || []).includes(name)) model.set("wanted", [...(model.get("wanted") || []), name]);
    model.save_changes();
  });
}

// The bytes of a file: base64 in a page, a DataView in a notebook; inflated.
async function fileBytes(file) {
  let bytes = file.bytes;
  if (typeof bytes === "string") {
    const text = atob(bytes);
    bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  } else if (!(bytes instanceof Uint8Array)) {
    bytes = bytes.buffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

// All numbers of half precision.
let halves = null;
function halfTable() {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let k = 0; k < 65536; k++) {
    const sign = k & 0x8000 ? -1 : 1;
    const exponent = (k >> 10) & 31;
    const fraction = k & 1023;
    if (exponent === 0) halves[k] = sign * fraction * 2 ** -24;
    else if (exponent === 31) halves[k] = fraction ? NaN : sign * Infinity;
    else halves[k] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}

// The tensors of a file's table, in single precision: see imggen_lib/live/wire.py.
function readTensors(table, buffer) {
  const found = [];
  for (const { type, shape, at, scale, axis } of table) {
    const count = shape.reduce((a, b) => a * b, 1);
    let values;
    if (type === "f32") values = new Float32Array(buffer, at, count);
    else if (type === "i8") values = Float32Array.from(new Int8Array(buffer, at, count));
    else if (type === "f16") {
      const lookup = halfTable();
      values = Float32Array.from(new Uint16Array(buffer, at, count), (k) => lookup[k]);
    } else {
      const planes = new Uint8Array(buffer, at, 2 * count);
      values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const folded = planes[i] | (planes[count + i] << 8);
        values[i] = (folded >> 1) ^ -(folded & 1);
      }
    }
    if (scale !== undefined) {
      const factor = found[scale].values;
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (let i = 0; i < count; i++) values[i] *= factor[Math.floor(i / inner) % shape[axis]];
    }
    found.push({ values, shape });
  }
  return found;
}

// A value on its way through the network: `data` of n images, each of `shape`.
function denseLayer({ weight, bias }) {
  const [outputs, inputs] = weight.shape;
  const w = weight.values;
  return ({ data, n }) => {
    const out = new Float32Array(n * outputs);
    for (let o = 0; o < outputs; o++) {
      const row = o * inputs;
      for (let image = 0; image < n; image++) {
        const x = image * inputs;
        let s0 = bias ? bias.values[o] : 0;
        let s1 = 0;
        let i = 0;
        for (; i + 3 < inputs; i += 4) {
          s0 += w[row + i] * data[x + i] + w[row + i + 1] * data[x + i + 1];
          s1 += w[row + i + 2] * data[x + i + 2] + w[row + i + 3] * data[x + i + 3];
        }
        for (; i < inputs; i++) s0 += w[row + i] * data[x + i];
        out[image * outputs + o] = s0 + s1;
      }
    }
    return { data: out, n, shape: [outputs] };
  };
}

// Walks the pairs of pixels that a kernel joins: visit(index in the columns, index in the large map), per kernel
// place and small row.
function kernelPlaces(channels, kernel, stride, padding, [large, width], [small, smallWidth], visit) {
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < kernel; ky++) {
      for (let kx = 0; kx < kernel; kx++) {
        const row = ((c * kernel + ky) * kernel + kx) * small * smallWidth;
        for (let y = 0; y < small; y++) {
          const Y = y * stride + ky - padding;
          if (Y < 0 || Y >= large) continue;
          for (let x = 0; x < smallWidth; x++) {
            const X = x * stride + kx - padding;
            if (X >= 0 && X < width) visit(row + y * smallWidth + x, (c * large + Y) * width + X);
          }
        }
      }
    }
  }
}

// A list of the places, so that it is worked out once a size.
function placesOf(...geometry) {
  const from = [];
  const to = [];
  kernelPlaces(...geometry, (column, pixel) => {
    from.push(column);
    to.push(pixel);
  });
  return [Int32Array.from(from), Int32Array.from(to)];
}

function startAtBias(out, bias, channels, area) {
  if (!bias) return;
  for (let c = 0; c < channels; c++) out.fill(bias.values[c], c * area, (c + 1) * area);
}

function convLayer({ weight, bias, stride, padding }) {
  const [outputs, inputs, kernel] = weight.shape;
  const depth = inputs * kernel * kernel;
  const multiply = productWith(weight.values, outputs, depth);
  let places = null;
  let size = "";
  return ({ data, n, shape: [, height, width] }) => {
    const small = [height, width].map((side) => Math.floor((side + 2 * padding - kernel) / stride) + 1);
    const area = small[0] * small[1];
    if (size !== `${height},${width}`) places = placesOf(inputs, kernel, stride, padding, [height, width], small);
    size = `${height},${width}`;
    const [columnAt, pixelAt] = places;
    const out = new Float32Array(n * outputs * area);
    const columns = new Float32Array(depth * area);
    for (let image = 0; image < n; image++) {
      const from = image * inputs * height * width;
      for (let i = 0; i < columnAt.length; i++) columns[columnAt[i]] = data[from + pixelAt[i]];
      const here = out.subarray(image * outputs * area, (image + 1) * outputs * area);
      startAtBias(here, bias, outputs, area);
      multiply(here, columns, area);
    }
    return { data: out, n, shape: [outputs, ...small] };
  };
}

function transposedLayer({ weight, bias, stride, padding, extra }) {
  const [inputs, outputs, kernel] = weight.shape;
  const depth = outputs * kernel * kernel;
  const turned = new Float32Array(weight.values.length); // (outputs * kernel * kernel) x inputs
  for (let i = 0; i < inputs; i++)
    for (let d = 0; d < depth; d++) turned[d * inputs + i] = weight.values[i * depth + d];
  const multiply = productWith(turned, depth, inputs);
  let places = null;
  let size = "";
  return ({ data, n, shape: [, height, width] }) => {
    const large = [height, width].map((side) => (side - 1) * stride - 2 * padding + kernel + extra);
    const area = large[0] * large[1];
    if (size !== `${height},${width}`) places = placesOf(outputs, kernel, stride, padding, large, [height, width]);
    size = `${height},${width}`;
    const [columnAt, pixelAt] = places;
    const out = new Float32Array(n * outputs * area);
    const columns = new Float32Array(depth * height * width);
    for (let image = 0; image < n; image++) {
      const x = data.subarray(image * inputs * height * width, (image + 1) * inputs * height * width);
      columns.fill(0);
      multiply(columns, x, height * width);
      const here = out.subarray(image * outputs * area, (image + 1) * outputs * area);
      startAtBias(here, bias, outputs, area);
      for (let i = 0; i < columnAt.length; i++) here[pixelAt[i]] += columns[columnAt[i]];
    }
    return { data: out, n, shape: [outputs, ...large] };
  };
}

function nearestLayer({ factor }) {
  return ({ data, n, shape: [channels, height, width] }) => {
    const [H, W] = [height * factor, width * factor];
    const out = new Float32Array(n * channels * H * W);
    for (let c = 0; c < n * channels; c++) {
      for (let y = 0; y < H; y++) {
        const row = (c * height + Math.floor(y / factor)) * width;
        for (let x = 0; x < W; x++) out[(c * H + y) * W + x] = data[row + Math.floor(x / factor)];
      }
    }
    return { data: out, n, shape: [channels, H, W] };
  };
}

function eachNumber(f) {
  return () => (value) => {
    const { data } = value;
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) out[i] = f(data[i]);
    return { ...value, data: out };
  };
}

// x times the normal distribution function at x. The loop is written out because most of a VAE's time is spent in it.
// The distribution function from Abramowitz and Stegun 7.1.26, wrong by 1e-7 at most.
function geluLayer() {
  return (value) => {
    const { data } = value;
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      const x = data[i];
      const u = x < 0 ? -x * Math.SQRT1_2 : x * Math.SQRT1_2;
      const t = 1 / (1 + 0.3275911 * u);
      const s = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
      const tail = 0.5 * s * Math.exp(-u * u);
      out[i] = x < 0 ? x * tail : x * (1 - tail);
    }
    return { ...value, data: out };
  };
}

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

const netLayers = {
  dense: denseLayer,
  conv: convLayer,
  transposed: transposedLayer,
  nearest: nearestLayer,
  relu: eachNumber((x) => (x > 0 ? x : 0)),
  leaky: ({ slope }) => eachNumber((x) => (x > 0 ? x : slope * x))(),
  gelu: geluLayer,
  silu: eachNumber((x) => x * sigmoid(x)),
  tanh: eachNumber(Math.tanh),
  sigmoid: eachNumber(sigmoid),
  clamp: eachNumber((x) => Math.max(-1, Math.min(1, x))),
  affine: ({ scale, shift }) => eachNumber((x) => x * scale + shift)(),
  shape:
    ({ to }) =>
    (value) => ({ ...value, shape: to }),
  flat: () => (value) => ({ ...value, shape: [value.data.length / value.n] }),
  add:
    ({ value: { values } }) =>
    (value) => ({ ...value, data: value.data.map((x, i) => x + values[i % values.length]) }),
  channels:
    ({ scale, shift }) =>
    (value) => {
      const area = value.shape.slice(1).reduce((a, b) => a * b, 1);
      const channel = (i) => Math.floor(i / area) % value.shape[0];
      return { ...value, data: value.data.map((x, i) => x * scale.values[channel(i)] + shift.values[channel(i)]) };
    },
  // The class as numbers 0 and 1 behind the others; nothing for a network without classes.
  classes:
    (_, { classes }) =>
    (value, labels) => {
      if (!classes) return value;
      const width = value.data.length / value.n;
      const out = new Float32Array(value.n * (width + classes));
      for (let image = 0; image < value.n; image++) {
        out.set(value.data.subarray(image * width, (image + 1) * width), image * (width + classes));
        out[image * (width + classes) + width + labels[image]] = 1;
      }
      return { ...value, data: out, shape: [width + classes] };
    },
  residual:
    ({ body }, spec) =>
    (value, labels) => {
      const branch = body.reduce((v, step) => step(v, labels), value);
      return { ...branch, data: branch.data.map((x, i) => x + value.data[i]) };
    },
};

function netSteps(layers, tensors, spec) {
  return layers.map((said) => {
    if (!netLayers[said.kind]) throw new Error(`this page cannot compute a layer of the kind ${said.kind}`);
    const layer = { ...said };
    const affine = said.kind === "affine";
    for (const name of ["weight", "bias", "scale", "shift", "value"]) {
      if (name in said && !affine) layer[name] = tensors[said[name]];
    }
    if (said.body) layer.body = netSteps(said.body, tensors, spec);
    return netLayers[said.kind](layer, spec);
  });
}

// A network to compute with. Numbers of several images stand one behind the other; `labels` has a class for each (or
// null).
//   decode(z, n, labels): the decoder's output (a VAE's logits or means); draw(z, n, labels): images in [-1, 1];
//   encode(x, n, labels): for each image the means, then the log-variances.
async function openNetwork(model, name) {
  const file = await fetchFile(model, name);
  const { spec } = file;
  const tensors = readTensors(spec.tensors, await fileBytes(file));
  const steps = Object.fromEntries(
    Object.entries(spec.nets).map(([k, layers]) => [k, netSteps(layers, tensors, spec)]),
  );
  const run = (names, data, n, shape, labels) =>
    names.flatMap((k) => steps[k]).reduce((value, step) => step(value, labels), { data, n, shape }).data;
  return {
    name,
    spec,
    decode: (z, n = 1, labels = null) => run(["decode"], z, n, [spec.latent], labels),
    draw: (z, n = 1, labels = null) => run(["decode", "show"], z, n, [spec.latent], labels),
    show: (decoded, n = 1) => run(["show"], decoded, n, spec.image, null),
    encode: (x, n = 1, labels = null) => run(["encode"], x, n, spec.image, labels),
  };
}

Object.assign(tools, { fetchFile, openNetwork });
