// A picture from a sentence, computed in the page: sentences to tokens, the text encoder, the velocity that attends to
// the words, and the steps from noise to a picture. The same in Python: imggen_lib/data/captions.py,
// imggen_lib/models/sentence.py, imggen_lib/applications/sentence/painter.py; tests compare the two.

// The tokens of a text: known words as the vocabulary has them, unknown ones as typed.
function sentenceSplit(text, { vocabulary, same }) {
  const typed = text.match(/[^\s,.;:!?"'()[\]«»\u2012-\u201f\u2026]+/g) || [];
  const character = (word) => word.length === 1 && word !== "a" && vocabulary.includes(word.toUpperCase());
  if (typed[0] === "A" && typed.slice(1).some(character)) typed[0] = "a";
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

// The network of a file: `part(name)` is a dense layer or a norm by its name in PyTorch.
function sentenceNetwork(spec, tensors) {
  const part = (name) => ({
    weight: tensors[spec.parts[`${name}.weight`]],
    bias: tensors[spec.parts[`${name}.bias`]],
  });
  const dense = (name, x, rows) => rowsDense(part(name), x, rows);
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
      const normed = rowsNorm(x, count, part(`${name}.norm`));
      const [query, key, value] = ["query", "key", "value"].map((k) => dense(`${name}.${k}`, normed, count));
      const { out, weights } = sentenceAttention(query, key, value, count, count, heads);
      x = rowsPlus(x, dense(`${name}.out`, out, count));
      const inner = rowsSilu(dense(`${name}.up`, rowsNorm(x, count, part(`${name}.norm_two`)), count));
      x = rowsPlus(x, dense(`${name}.down`, inner, count));
      maps.push(weights);
    }
    const vectors = rowsNorm(x, count, part("encoder.norm"));
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
    let state = rowsPlus(dense("enter", x, 1), dense("time", features, 1));
    const maps = [];
    for (let k = 0; k < blocks; k++) {
      const name = `blocks.${k}`;
      const normed = rowsNorm(state, 1);
      const { key, value } = words.kept[k];
      const { out, weights } = sentenceAttention(dense(`${name}.query`, normed, 1), key, value, 1, words.count, heads);
      const film = dense(`${name}.film`, out, 1);
      const width = state.length;
      const moved = normed.map((v, i) => v * (1 + film[i]) + film[width + i]);
      state = rowsPlus(state, dense(`${name}.down`, rowsSilu(dense(`${name}.up`, moved, 1)), 1));
      maps.push(weights.map((rows) => Array.from(rows[0])));
    }
    return { velocity: dense("leave", rowsNorm(state, 1, part("norm")), 1), maps };
  }

  return { read, look };
}

// From noise to a picture by Heun's method. `words` is what the sentence says, `against` what is left behind (the empty
// sentence, or a negative one). A generator function: one yield a step, { k, t, x, guess, maps }, so that a page can show it.
function* sentenceFlow(network, { noise, words, against, guidance, steps }) {
  let maps = null;
  const velocity = (at, t) => {
    const found = network.look(at, t, words);
    maps = found.maps;
    if (guidance === 1) return found.velocity;
    return solverGuided(found.velocity, network.look(at, t, against).velocity, guidance);
  };
  for (const { k, t, x, v } of solverSteps(velocity, Float32Array.from(noise), "heun", steps)) {
    // Where the straight line from here would end: what the picture would be if nothing changed.
    yield { k, t, x, guess: v ? solverAlong(x, 1 - t, v) : x, maps: v ? maps : null };
  }
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
