// "One campaign, ten sizes": a headline, a class, a hue and a seed; all banners redraw and say which checks they pass.
//
// options: model and type (names of files), headline, label, hue, seed.

words.campaign = {
  loading: "Loading the generator and the type \u2026",
  headline: "Headline",
  label: "Garments",
  hue: "Hue",
  degrees: "{n}\u00b0",
  seed: "Seed",
  other: "Other garments",
  button: "See the drafts",
  empty: "A headline has words.",
  letters: "The type has no letter for {list}.",
  all: "{n} of {n} banners pass every check.",
  some: "{good} of {n} banners pass every check. {list}",
  bare: "Without a headline: {list}.",
  fails: "{name}: {checks}.",
  banner: "Banner {name}: {headline}, {label}",
  wordless: "Banner {name}, picture and brand alone: {label}",
  good: "\u2713 {name}: passes all {n}",
  bad: "\u2717 {name}: fails {checks}",
  noteWhole: "No button: the whole banner is one.",
  noteSmall: "Too small for a headline: picture and brand alone.",
  noteLong: "The headline or the button would be too small to read: picture and brand alone.",
  whole: "fit: no text cut off or within 3 px of the edge ({value} of its ink)",
  apart: "no text on the picture or on another text ({value} px)",
  legible: "legible: {which} is {found} px high",
  contrast: "contrast: {which} {found} to 1, needed {need}",
  picture: "dots on their ground: {value} to 1, needed 3",
  border: "edge on a white page: {value} to 1, needed 3",
  weight: "weight: {found} kB, allowed {need}",
  save: "Save PNG",
  note:
    "Checked on the pixels, by the rules of the chapter. Weights are those of the file that you can save. " +
    "Wide banners are shown smaller than they are; the file has every pixel. " +
    "The garments are the first ones that the generator draws, not chosen by the chapter's rules. " +
    "They cannot be bought: for drafts and tests.",
};

// The type: a measure in em by Pillow's widths, and a font of the page's own.
async function campaignType(model, name) {
  const file = await fetchFile(model, name);
  const { widths, pairs } = file.spec;
  const face = new FontFace("imggen-banner", await fileBytes(file));
  await face.load();
  document.fonts.add(face);
  const known = new Map();
  const measure = (text) => {
    if (!known.has(text)) {
      let total = 0;
      for (let k = 0; k < text.length; k++) total += widths[text[k]] + (pairs[text.slice(k, k + 2)] || 0);
      known.set(text, total / 1000);
    }
    return known.get(text);
  };
  return { measure, missing: (text) => [...new Set(text)].filter((letter) => !(letter in widths) && !/\s/.test(letter)) };
}

// How much of each pixel a line of text covers, in sixteenths.
function campaignTextMask(line, width, height, shift) {
  const cover = new Uint8Array(width * height);
  const [x, y] = [line.x + shift, line.y + shift];
  const [left, top] = [Math.max(0, x - 4), Math.max(0, y - 2 * line.px)];
  const wide = Math.min(width - left, Math.ceil(1.2 * line.px * line.text.length) + 8);
  const high = Math.min(height - top, 3 * line.px);
  if (wide <= 0 || high <= 0) return cover;
  const pen = Object.assign(document.createElement("canvas"), { width: wide, height: high }).getContext("2d");
  pen.font = `${line.px}px imggen-banner`;
  pen.fillText(line.text, x - left, y - top);
  const alpha = pen.getImageData(0, 0, wide, high).data;
  for (let j = 0; j < high; j++) {
    for (let i = 0; i < wide; i++) {
      cover[(top + j) * width + left + i] = Math.floor((alpha[4 * (j * wide + i) + 3] / 255) * 16 + 0.5);
    }
  }
  return cover;
}

demos.campaign = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-campaign" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let end = () => {};
  Promise.all([openNetwork(model, options.model), campaignType(model, options.type)])
    .then(([network, type]) => (end = campaignBody({ network, type, body, options, say })))
    .catch((error) => fail(body, error));
  return () => end();
};

// One banner in the page: its canvas, its verdict, its checks.
function campaignCard([width, height, limit], say) {
  const name = `${width}x${height}`;
  const canvas = h("canvas", { width, height, class: "il-campaign-banner", role: "img", "aria-label": `${width} × ${height}` });
  const badge = h("summary", {}, name);
  const list = h("ul", {});
  let file = null;
  const save = button(say("save"), () => {
    const address = URL.createObjectURL(new Blob([file], { type: "image/png" }));
    const link = h("a", { href: address, download: `banner-${name}.png` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }, { "aria-label": `${say("save")}, ${name}` });
  const box = h("figure", { class: "il-campaign-card" }, canvas, h("details", {}, badge, list, save));
  canvas.style.aspectRatio = `${width} / ${height}`;
  const notes = { whole: "noteWhole", small: "noteSmall", long: "noteLong" };

  // Draw the pixels and say what was found; the weight is that of the file.
  async function show(banner, checks, words) {
    const { pixels, layout } = banner;
    const image = new ImageData(width, height);
    for (let k = 0; k < width * height; k++) {
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = pixels[3 * k + c];
      image.data[4 * k + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    file = await campaignPng(pixels, width, height);
    const weight = file.length / (1000 * limit);
    const found = [...checks, { name: "weight", value: weight, bar: 0.6, atLeast: false }];
    const failed = found.filter((check) => !campaignPassed(check)).map((check) => check.name);
    list.replaceChildren(
      ...found.map((check) => {
        const px = check.which ? banner.lines[check.which].px : 0;
        const need = { contrast: px >= 18.66 ? "3" : "4.5", weight: number(0.6 * limit, 0) }[check.name] || "";
        const seen = { weight: file.length / 1000, contrast: check.found, legible: check.found }[check.name];
        const digits = { weight: 1, contrast: 2, legible: 0 }[check.name];
        const value = number(check.value, check.name === "apart" ? 0 : 2);
        const values = { value, need, which: check.which || "", found: seen === undefined ? "" : number(seen, digits) };
        const sign = campaignPassed(check) ? "\u2713" : "\u2717";
        return h("li", { "data-good": String(campaignPassed(check)) }, `${sign} ${say(check.name, values)}`);
      }),
      ...(layout.note ? [h("li", {}, say(notes[layout.note]))] : []),
    );
    const checksFailed = failed.join(", ");
    badge.textContent = failed.length ? say("bad", { name, checks: checksFailed }) : say("good", { name, n: found.length });
    box.dataset.failed = failed.join(" ");
    box.dataset.kind = layout.kind;
    box.dataset.weight = file.length;
    const text = layout.headline.map((line) => line.text).join(" ");
    canvas.setAttribute("aria-label", say(text ? "banner" : "wordless", { name, headline: text, label: words.label }));
    return { name, failed, bare: layout.kind === "logo" };
  }
  return { box, show };
}

function campaignBody({ network, type, body, options, say }) {
  const { spec } = network;
  const state = { headline: options.headline, label: options.label, hue: options.hue, seed: options.seed };
  const cards = CAMPAIGN_SIZES.map((size) => campaignCard(size, say));
  const line = status();
  let run = 0;
  let timer = 0;
  let inks = null;
  const dots = new Map(); // by layout, for these garments: a change of hue draws no dots anew

  function garments() {
    const key = `${state.label} ${state.seed}`;
    if (inks?.key !== key) {
      const random = chance(state.seed);
      const images = Array.from({ length: 4 }, () => {
        const x = network.draw(normals(random, spec.latent), 1, [state.label]);
        return Float64Array.from(x, (v) => {
          const ink = Math.min(Math.max((v + 1) / 2, 0), 1);
          return ink < 0.06 ? 0 : ink;
        });
      });
      inks = { key, images };
      dots.clear();
    }
    return inks.images;
  }

  // All sizes, the small ones first; a change in between begins anew. Between two banners the page gets its turn.
  async function redraw() {
    const mine = ++run;
    const missing = type.missing(state.headline);
    if (!state.headline.trim()) return line.say(say("empty"));
    if (missing.length) return line.say(say("letters", { list: missing.join(" ") }));
    body.dataset.busy = "yes";
    const palette = campaignPalette(state.hue);
    const images = garments();
    const label = spec.class_names[state.label];
    const order = CAMPAIGN_SIZES.map((_, k) => k).sort(
      (a, b) => CAMPAIGN_SIZES[a][0] * CAMPAIGN_SIZES[a][1] - CAMPAIGN_SIZES[b][0] * CAMPAIGN_SIZES[b][1],
    );
    const found = [];
    for (const k of order) {
      const [width, height] = CAMPAIGN_SIZES[k];
      const layout = campaignLayout(width, height, state.headline, type.measure, say("button"));
      const key = JSON.stringify([k, layout.picture, layout.garments]);
      if (!dots.has(key)) dots.set(key, campaignDots(layout, images));
      const banner = campaignRender(layout, palette, images, type.measure, campaignTextMask, dots.get(key));
      const told = await cards[k].show(banner, campaignChecks(banner, campaignTextMask), { label });
      await new Promise((done) => setTimeout(done, 0));
      if (mine !== run) return;
      found.push(told);
    }
    const bad = found.filter(({ failed }) => failed.length);
    const bare = found.filter((one) => one.bare).map((one) => one.name);
    const list = bad.map(({ name, failed }) => say("fails", { name, checks: failed.join(", ") })).join(" ");
    const n = found.length;
    const words = [bad.length ? say("some", { good: n - bad.length, n, list }) : say("all", { n })];
    if (bare.length) words.push(say("bare", { list: bare.join(", ") }));
    line.say(words.join(" "));
    delete body.dataset.busy;
    Object.assign(body.dataset, { good: n - bad.length, drawn: mine, palette: JSON.stringify(palette) });
    body.dataset.ready = "yes";
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => redraw().catch((error) => fail(body, error)), 150);
  };
  const set = (name) => (value) => {
    state[name] = value;
    later();
  };

  const text = h("input", {
    type: "text", value: state.headline, maxlength: 60, class: "il-campaign-text", "aria-label": say("headline"),
    oninput: () => set("headline")(text.value),
  });
  const seed = h("input", {
    type: "number", min: 0, max: 4294967295, step: 1, value: state.seed, class: "il-campaign-seed", "aria-label": say("seed"),
    oninput: () => seed.value !== "" && set("seed")(Number(seed.value) >>> 0),
  });
  const other = button(say("other"), () => {
    seed.value = state.seed + 1;
    set("seed")(state.seed + 1);
  });
  body.replaceChildren(
    h(
      "div",
      { class: "il-row il-campaign-controls" },
      h("label", { class: "il-chooser il-campaign-wide" }, h("span", { class: "il-name", "aria-hidden": "true" }, say("headline")), text),
      chooser({
        label: say("label"), value: String(state.label), options: spec.class_names.map((name, k) => [String(k), name]),
        onchange: (value) => set("label")(Number(value)),
      }),
      h("label", { class: "il-chooser" }, h("span", { class: "il-name", "aria-hidden": "true" }, say("seed")), seed),
      other,
    ),
    slider({
      label: say("hue"), min: 0, max: 359, step: 1, value: state.hue, format: (n) => say("degrees", { n }), oninput: set("hue"),
    }),
    line,
    h("div", { class: "il-campaign-cards" }, cards.map((card) => card.box)),
    h("p", { class: "il-note" }, say("note")),
  );
  redraw().catch((error) => fail(body, error));
  return () => {
    clearTimeout(timer);
    run++;
  };
}

Object.assign(tools, { campaignType, campaignTextMask });
