// "A picture from a sentence": type, and a picture forms, step by step; under each word stands how much it was asked.
//
// options: model (the name of a file), text, seed, guidance, steps.

words.sentence = {
  loading: "Loading the painter \u2026",
  sentence: "Sentence",
  negative: "Not this (a negative sentence)",
  none: "nothing",
  again: "Draw again",
  seed: "Seed of the noise",
  next: "Next seed",
  guidance: "Guidance",
  steps: "Steps",
  examples: "Sentences to begin with",
  vocabulary: "All words that it knows",
  knows:
    "Letters from A to Z and digits; sizes: {sizes}; strokes: {strokes}; slants: {slants}; fonts: {fonts}; places: {places}. " +
    "Small words between them: {small}.",
  exchange: "Exchange one word, with the same noise",
  word: "Word {k}: {word}",
  picture: "The picture",
  before: "The picture before, from the same noise",
  forming: "step {k} of {n}: what it would be if nothing changed from here",
  done: "Drawn: {text}. Seed {seed}, {steps} steps, guidance {guidance}.",
  unknown: "It does not know: {words}. Open the list of words below.",
  clash: "It cannot be both {one} and {two}.",
  empty: "An empty sentence: it draws any letter or digit.",
  long: "A sentence has {n} words at most; this one has {k}.",
  negative_prefix: "In the negative sentence: ",
  film: "How it formed: what the picture would be at each step if nothing changed from there",
  frame: "The picture after step {k}",
  caption: "Share of the attention of all blocks and heads, in per cent, at the beginning, in the middle and at the end",
  when: "Word",
  first: "first step",
  middle: "half way",
  last: "last step",
  looks: "How the words look at each other",
  looking: "The first layer of the text encoder, mean over its heads: each row says, in per cent, where a word looks",
};

const sentenceExamples = [
  "a small bold slanted Q in a serif font top left",
  "a large thin upright R without serifs bottom right",
  "in the top right corner a tiny heavy digit 7",
  "K in a typewriter font at the centre",
  "a medium bold slanted 5 in a serif font middle centre",
];

demos.sentence = function ({ model, el, say }) {
  const body = h("div", { class: "il-sentence" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let ended = false;
  let cleanup = () => {};
  sentenceOpen(model, model.get("options").model)
    .then((painter) => {
      if (!ended) cleanup = sentenceBody({ painter, body, options: model.get("options"), say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    cleanup();
  };
};

// The noise of a seed: Python's for the first ones, then the page's own.
function sentenceNoise(spec, seed) {
  if (seed >= spec.seeds) return normals(chance(seed), spec.latent);
  const text = atob(spec.noise);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer).slice(seed * spec.latent, (seed + 1) * spec.latent);
}

// A picture in [-1, 1] onto a canvas of 28 by 28, white ink on black as the data have it.
function sentencePaint(element, image) {
  const pen = element.getContext("2d", { willReadFrequently: true }); // tests read it, and 28 by 28 need no graphics card
  const data = pen.createImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    const grey = Math.round(127.5 * (image[i] + 1));
    data.data.set([grey, grey, grey, 255], 4 * i);
  }
  pen.putImageData(data, 0, 0);
}

function sentenceCanvas(label, small = false) {
  const style = small ? "il-sentence-small" : "il-sentence-picture";
  return h("canvas", { width: 28, height: 28, class: style, role: "img", "aria-label": label });
}

// What is wrong with a sentence, in words, or nothing.
function sentenceFault(text, spec, say) {
  const { words: said, strange } = sentenceTokens(text, spec);
  if (strange.length) return say("unknown", { words: strange.join(", ") });
  const clash = sentenceClash(said, spec);
  if (clash) return say("clash", { one: clash[0], two: clash[1] });
  return said.length > spec.length ? say("long", { n: spec.length, k: said.length }) : "";
}

// All words by what they are about.
function sentenceVocabulary(spec, say) {
  const about = (factor) => spec.vocabulary.filter((w) => spec.meanings[w] && spec.meanings[w][0] === factor).join(", ");
  const small = spec.vocabulary.filter((w) => w && !spec.meanings[w]).join(", ");
  const rows = { sizes: about("scale"), strokes: about("weight"), slants: about("slant"), fonts: about("font") };
  const places = `${about("y")}, ${about("x")}`;
  return h(
    "details",
    { class: "il-sentence-more" },
    h("summary", {}, say("vocabulary")),
    h("p", {}, say("knows", { ...rows, places, small })),
  );
}

// A table: a caption, a row of heads, rows of cells whose first is a head; shares get a bar behind them.
function sentenceTable(caption, heads, rows) {
  const cell = (value) => {
    const percent = Math.round(100 * value);
    return h("td", { style: `--share: ${percent}%` }, String(percent));
  };
  return h(
    "table",
    { class: "il-sentence-table" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, ...rows.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), ...values.map(cell)))),
  );
}

// The share of attention that each word has at one step, over blocks and heads.
function sentenceShares(maps, count) {
  const shares = new Array(count).fill(0);
  for (const block of maps)
    for (const head of block) head.slice(0, count).forEach((v, k) => (shares[k] += v / (maps.length * block.length)));
  return shares;
}

// The controls: { whole, get(), set(text), onchange }.
function sentenceControls({ spec, options, say, redraw }) {
  const field = (label, value) => {
    const input = h("input", { type: "text", class: "il-sentence-text", value, autocomplete: "off", spellcheck: "false" });
    return { input, whole: h("label", { class: "il-sentence-field" }, h("span", {}, label), input) };
  };
  const sentence = field(say("sentence"), options.text);
  const negative = field(say("negative"), "");
  negative.input.placeholder = say("none");
  let seed = options.seed;
  const seedSlider = slider({
    ...{ label: say("seed"), min: 0, max: 99, step: 1, value: seed, format: (v) => String(v) },
    oninput: (v) => {
      seed = v;
      redraw();
    },
  });
  const guidance = slider({
    ...{ label: say("guidance"), min: 0, max: 6, step: 0.25, value: options.guidance, oninput: () => redraw() },
  });
  const steps = slider({
    ...{ label: say("steps"), min: 1, max: 32, step: 1, value: options.steps, format: (v) => String(v) },
    oninput: () => redraw(),
  });
  const examples = chooser({
    ...{ label: say("examples"), value: "", options: [["", "\u2013"], ...sentenceExamples.map((t) => [t, t])] },
    onchange: (text) => {
      if (!text) return;
      sentence.input.value = text;
      redraw(true);
    },
  });
  for (const { input } of [sentence, negative]) input.addEventListener("input", () => redraw(true));
  const next = button(say("next"), () => {
    seed = (seed + 1) % 100;
    seedSlider.show(seed);
    redraw();
  });
  const whole = h(
    "div",
    { class: "il-sentence-controls" },
    ...[sentence.whole, negative.whole, examples],
    h("div", { class: "il-row" }, next, button(say("again"), () => redraw())),
    ...[seedSlider, guidance, steps, sentenceVocabulary(spec, say)],
  );
  const get = () => ({
    ...{ text: sentence.input.value, against: negative.input.value, seed },
    ...{ guidance: guidance.value, steps: steps.value },
  });
  return { whole, get, set: (text) => (sentence.input.value = text) };
}

// One chooser for each word that has others of its kind; a choice writes the sentence anew.
function sentenceExchange({ text, spec, say, exchange }) {
  const { words: said } = sentenceTokens(text, spec);
  return said.map((word, k) => {
    const meaning = spec.meanings[word];
    if (!meaning || (word === "serifs" && said[k - 1] === "without")) return h("span", { class: "il-sentence-word" }, word);
    const others = [...new Set([word, ...spec.vocabulary.filter((w) => spec.meanings[w]?.[0] === meaning[0])])];
    const select = h("select", { class: "il-select", "aria-label": say("word", { k: k + 1, word }) });
    for (const other of others) select.append(h("option", { value: other, selected: other === word }, other));
    select.addEventListener("change", () => exchange(said.map((w, j) => (j === k ? select.value : w)).join(" "), k));
    return select;
  });
}

function sentenceBody({ painter, body, options, say }) {
  const { spec, network, draw } = painter;
  const picture = sentenceCanvas(say("picture"));
  const before = sentenceCanvas(say("before"), true);
  const was = h("figure", { class: "il-sentence-was", hidden: true }, before, h("figcaption", {}, say("before")));
  const line = status();
  const fault = h("p", { class: "il-sentence-fault", role: "alert" });
  const film = h("div", { class: "il-sentence-film", role: "group", "aria-label": say("film") });
  const [exchange, asked, looks] = [0, 1, 2].map(() => h("div", { class: "il-sentence-part" }));
  let timer = 0;
  let last = null; // the picture on the screen, and the noise that it is of
  let change = false;

  function show({ text, seed, guidance, steps }, moments, image, said) {
    if (change && last && last.seed === seed) sentencePaint(before, last.image);
    was.hidden = !(change && last && last.seed === seed);
    change = false;
    last = { image, seed };
    body.dataset.text = text;
    body.dataset.drawn = String(Number(body.dataset.drawn || 0) + 1);
    const count = said.length;
    const at = [0, Math.floor(steps / 2), steps - 1].map((k) => sentenceShares(moments[Math.max(0, k)].maps, Math.max(1, count)));
    const rows = said.map((word, k) => [word, ...at.map((shares) => shares[k])]);
    const heads = [say("when"), say("first"), say("middle"), say("last")];
    asked.replaceChildren(...(count ? [sentenceTable(say("caption"), heads, rows)] : []));
    line.say(count ? say("done", { text, seed, steps, guidance: number(guidance) }) : say("empty"));
  }

  function words(text) {
    const { words: said, tokens } = sentenceTokens(text, spec);
    return { said, read: network.read(tokens) };
  }

  function parts(text, said, read) {
    const mean = read.maps[0][0].map((_, q) =>
      Array.from(read.maps[0][0][q], (_, k) => read.maps[0].reduce((sum, head) => sum + head[q][k] / read.maps[0].length, 0)),
    );
    const rows = said.map((word, q) => [word, ...mean[q]]);
    const table = said.length ? [sentenceTable(say("looking"), [say("when"), ...said], rows)] : [];
    looks.replaceChildren(h("details", { class: "il-sentence-more" }, h("summary", {}, say("looks")), ...table));
    const swap = (next, k) => {
      change = true;
      controls.set(next);
      run();
      exchange.querySelectorAll(".il-sentence-words > *")[k]?.focus();
    };
    const row = h("div", { class: "il-row il-sentence-words" }, ...sentenceExchange({ text, spec, say, exchange: swap }));
    exchange.replaceChildren(h("p", { class: "il-note" }, say("exchange")), row);
  }

  function run() {
    clearTimeout(timer);
    const asking = controls.get();
    const bad = sentenceFault(asking.text, spec, say);
    const badNegative = bad ? "" : sentenceFault(asking.against, spec, say);
    fault.textContent = bad || (badNegative ? say("negative_prefix") + badNegative : "");
    body.dataset.fault = fault.textContent;
    if (fault.textContent) return;
    const { said, read } = words(asking.text);
    parts(asking.text, said, read);
    const noise = sentenceNoise(spec, asking.seed);
    const flow = sentenceFlow(network, { ...asking, noise, words: read, against: words(asking.against).read });
    const moments = [];
    film.replaceChildren();
    const every = Math.max(1, Math.ceil(asking.steps / 8));
    const advance = () => {
      const { value: moment, done } = flow.next();
      if (done) return;
      const image = draw(moment.guess);
      sentencePaint(picture, image);
      if (moment.k % every === 0 || moment.k === asking.steps) {
        const small = sentenceCanvas(say("frame", { k: moment.k }), true);
        sentencePaint(small, image);
        film.append(small);
      }
      if (moment.k === asking.steps) return show(asking, moments, image, said);
      moments.push(moment);
      line.textContent = say("forming", { k: moment.k, n: asking.steps });
      if (reducedMotion()) advance();
      else timer = setTimeout(advance, 300 / asking.steps);
    };
    advance();
  }

  const later = eachFrame(() => run());
  const controls = sentenceControls({ spec, options, say, redraw: () => later() });
  body.replaceChildren(
    h(
      "div",
      { class: "il-sentence-both" },
      h("div", { class: "il-sentence-left" }, h("div", { class: "il-sentence-pictures" }, picture, was), line, film),
      h("div", { class: "il-sentence-right" }, controls.whole, fault),
    ),
    ...[exchange, asked, looks],
  );
  body.dataset.ready = "true";
  run();
  return () => {
    clearTimeout(timer);
    later.cancel();
  };
}
