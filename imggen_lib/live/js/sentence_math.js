// A picture from a sentence, computed in the page: sentences to tokens, the text encoder, the velocity that attends to
// the words, and the steps from noise to a picture. The same in Python: imggen_lib/data/captions.py,
// imggen_lib/models/sentence.py, imggen_lib/applications/sentence/painter.py; tests compare the two.

// The tokens of a text: known words as the vocabulary has them, unknown ones as typed.
function sentenceSplit(text, { vocabulary, same }) {
  const typed = text.match(/[^\s,.;:!?"']+/g) || [];
  return typed.map((word) => {
    const low = Object.hasOwn(same, word.toLowerCase()) ? same[word.toLowerCase()] : word.toLowerCase();
    const single = word.length === 1 && (word !== "a" || typed.length === 1) ? word.toUpperCase() : "";
    if (single && vocabulary.includes(single)) return single;
    return vocabulary.includes(low) ? low : word;
  });
}

// { words, tokens, strange }: tokens are indices, without filling; strange are the words that no caption uses.
function sentenceTokens(text, spec) {
  const words = sentenceSplit(text, spec);
  const strange = words.filter((word) => !spec.vocabulary.includes(word));
  return { words, strange, tokens: words.map((word) => spec.vocabulary.indexOf(word)) };
}

// The two words of one factor that a sentence names, or null: nothing can be both small and large.
function sentenceClash(words, { meanings }) {
  const said = {};
  for (let k = 0; k < words.length; k++) {
    const word = words[k] === "serifs" && words[k - 1] === "without" ? "sans" : words[k];
    const meaning = meanings[word];
    if (!meaning) continue;
    const [factor, value] = meaning;
    if (said[factor] && said[factor] !== value) return [said[factor], value];
    said[factor] = value;
  }
  return null;
}

// Row by row: x (rows times inputs) through a dense layer.
function sentenceDense({ weight, bias }, x, rows) {
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
function sentenceNorm(x, rows, norm = null) {
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

const sentenceSilu = (x) => x.map((v) => v / (1 + Math.exp(-v)));

// Attention's weights, [head][query][key], and the values' means under them, heads side by side.
function sentenceAttention(query, key, value, queries, keys, heads) {
  const width = query.length / queries;
  const size = width / heads;
  const weights = [];
  const out = new Float32Array(queries * width);
  for (let head = 0; head < heads; head++) {
    const rows = [];
    for (let q = 0; q < queries; q++) {
      const scores = new Float64Array(keys);
      for (let k = 0; k < keys; k++) {
        let dot = 0;
        for (let i = head * size; i < (head + 1) * size; i++) dot += query[q * width + i] * key[k * width + i];
        scores[k] = dot / Math.sqrt(size);
      }
      const most = Math.max(...scores);
      const powers = scores.map((s) => Math.exp(s - most));
      const sum = powers.reduce((a, b) => a + b, 0);
      const row = powers.map((p) => p / sum);
      for (let k = 0; k < keys; k++)
        for (let i = head * size; i < (head + 1) * size; i++) out[q * width + i] += row[k] * value[k * width + i];
      rows.push(row);
    }
    weights.push(rows);
  }
  return { out, weights };
}

function sentencePlus(a, b) {
  return a.map((v, i) => v + b[i]);
}

// The network of a file: `part(name)` is a dense layer or a norm by its name in PyTorch.
function sentenceNetwork(spec, tensors) {
  const part = (name) => ({
    weight: tensors[spec.parts[`${name}.weight`]],
    bias: tensors[spec.parts[`${name}.bias`]],
  });
  const dense = (name, x, rows) => sentenceDense(part(name), x, rows);
  const { heads, blocks, layers } = spec;

  // The words of a sentence as vectors: { vectors, count, maps }, once for all steps. maps: [layer][head][word][word].
  function read(tokens) {
    const count = Math.max(1, tokens.length); // of no words, one empty place is kept
    const embedding = tensors[spec.parts["encoder.words.weight"]];
    const places = tensors[spec.parts["encoder.places"]].values;
    const width = embedding.shape[1];
    let x = new Float32Array(count * width);
    for (let k = 0; k < count; k++)
      for (let i = 0; i < width; i++)
        x[k * width + i] = embedding.values[(tokens[k] || 0) * width + i] + places[k * width + i];
    const maps = [];
    for (let layer = 0; layer < layers; layer++) {
      const name = `encoder.blocks.${layer}`;
      const normed = sentenceNorm(x, count, part(`${name}.norm`));
      const [query, key, value] = ["query", "key", "value"].map((k) => dense(`${name}.${k}`, normed, count));
      const { out, weights } = sentenceAttention(query, key, value, count, count, heads);
      x = sentencePlus(x, dense(`${name}.out`, out, count));
      const inner = sentenceSilu(dense(`${name}.up`, sentenceNorm(x, count, part(`${name}.norm_two`)), count));
      x = sentencePlus(x, dense(`${name}.down`, inner, count));
      maps.push(weights);
    }
    const vectors = sentenceNorm(x, count, part("encoder.norm"));
    const kept = Array.from({ length: blocks }, (_, k) => ({
      key: dense(`blocks.${k}.key`, vectors, count),
      value: dense(`blocks.${k}.value`, vectors, count),
    }));
    return { vectors, count, kept, maps };
  }

  // The velocity at x and t, and where each block's heads looked: { velocity, maps: [block][head][word] }.
  function look(x, t, words) {
    const features = new Float32Array(spec.time);
    const half = spec.time / 2;
    for (let i = 0; i < half; i++) {
      const angle = t * Math.exp((Math.log(100) * i) / (half - 1));
      features[i] = Math.sin(angle);
      features[half + i] = Math.cos(angle);
    }
    let state = sentencePlus(dense("enter", x, 1), dense("time", features, 1));
    const maps = [];
    for (let k = 0; k < blocks; k++) {
      const name = `blocks.${k}`;
      const normed = sentenceNorm(state, 1);
      const { key, value } = words.kept[k];
      const { out, weights } = sentenceAttention(dense(`${name}.query`, normed, 1), key, value, 1, words.count, heads);
      const film = dense(`${name}.film`, out, 1);
      const width = state.length;
      const moved = normed.map((v, i) => v * (1 + film[i]) + film[width + i]);
      state = sentencePlus(state, dense(`${name}.down`, sentenceSilu(dense(`${name}.up`, moved, 1)), 1));
      maps.push(weights.map((rows) => Array.from(rows[0])));
    }
    return { velocity: dense("leave", sentenceNorm(state, 1, part("norm")), 1), maps };
  }

  return { read, look };
}

// From noise to a picture. `words` is what the sentence says, `against` what is left behind (the empty sentence, or a
// negative one); `seen({ x, t, maps })` is told of each step. A generator function: one yield a step, so that a page
// can show it.
function* sentenceFlow(network, { noise, words, against, guidance, steps }) {
  let x = Float32Array.from(noise);
  const velocity = (at, t) => {
    const found = network.look(at, t, words);
    if (guidance === 1) return found;
    const other = network.look(at, t, against).velocity;
    return { maps: found.maps, velocity: found.velocity.map((v, i) => other[i] + guidance * (v - other[i])) };
  };
  const step = 1 / steps;
  for (let k = 0; k < steps; k++) {
    const first = velocity(x, k * step);
    const trial = x.map((v, i) => v + step * first.velocity[i]);
    const second = velocity(trial, (k + 1) * step).velocity;
    // Where the straight line from here would end: what the picture would be if nothing changed.
    const guess = x.map((v, i) => v + (1 - k * step) * first.velocity[i]);
    yield { k, t: k * step, x, guess, maps: first.maps };
    x = x.map((v, i) => v + (step / 2) * (first.velocity[i] + second[i]));
  }
  yield { k: steps, t: 1, x, guess: x, maps: null };
}

// Everything of the file, ready: { spec, network, draw(x), tokens(text) }.
async function sentenceOpen(model, name) {
  const file = await fetchFile(model, name);
  const tensors = readTensors(file.spec.tensors, await fileBytes(file));
  const steps = netSteps(file.spec.nets.decode, tensors, file.spec);
  const network = sentenceNetwork(file.spec, tensors);
  const draw = (x) =>
    steps.reduce((value, step) => step(value, null), { data: Float32Array.from(x), n: 1, shape: [x.length] }).data;
  return { spec: file.spec, network, draw };
}

Object.assign(tools, { sentenceOpen, sentenceTokens, sentenceClash, sentenceFlow });
