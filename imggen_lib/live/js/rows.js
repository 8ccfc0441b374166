// Layers of networks of vectors, on rows one behind the other: dense, normalisation, SiLU, sum.

// Row by row: x (rows times inputs) through a dense layer.
function rowsDense({ weight, bias }, x, rows) {
  const [outputs, inputs] = weight.shape;
  const out = new Float32Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias.values[o] : 0;
      const at = o * inputs;
      const from = r * inputs;
      for (let i = 0; i < inputs; i++) sum += weight.values[at + i] * x[from + i];
      out[r * outputs + o] = sum;
    }
  }
  return out;
}

// Each row to mean 0 and variance 1, then times gain plus shift if there are any.
function rowsNorm(x, rows, norm = null) {
  const width = x.length / rows;
  const out = new Float32Array(x.length);
  for (let r = 0; r < rows; r++) {
    let mean = 0;
    let square = 0;
    for (let i = 0; i < width; i++) mean += x[r * width + i] / width;
    for (let i = 0; i < width; i++) square += (x[r * width + i] - mean) ** 2 / width;
    const scale = 1 / Math.sqrt(square + 1e-5);
    for (let i = 0; i < width; i++) {
      const value = (x[r * width + i] - mean) * scale;
      out[r * width + i] = norm ? value * norm.weight.values[i] + norm.bias.values[i] : value;
    }
  }
  return out;
}

const rowsSilu = (x) => x.map((v) => v / (1 + Math.exp(-v)));

function rowsPlus(a, b) {
  return a.map((v, i) => v + b[i]);
}
