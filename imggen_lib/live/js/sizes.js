// "Where does it break?": one latent, drawn by a generator at every size.
//
// options: model (the name of the file), seed.

words.sizes = {
  loading: "Loading the generators \u2026",
  ask:
    "Every picture below is made from the same random numbers. Move the two sliders until the digit breaks, and look " +
    "how many kilobytes are left. Then compare with the students, which learned the teacher\u2019s images.",
  again: "Other random numbers",
  digit: "Digit",
  bits: "Bits per weight",
  pruned: "Weights set to 0",
  teacher: "Teacher, 8 bits",
  rounded: "Rounded to {bits} bits",
  cut: "Pruned by {share}\u00a0%",
  int4: "4 bits, trained",
  fifth: "Student, a fifth",
  tenth: "Student, a tenth",
  thirtieth: "Student, a thirtieth",
  kilobytes: "{kb}\u00a0kB",
  distance: "distance {fd}",
  unmeasured: "distance not measured",
  apart: "{levels} grey levels from the teacher",
  ms: "{ms}\u00a0ms",
  grid: "The same image at every size",
  note:
    "The distance is the Fr\u00e9chet distance of 10,000 images to real ones in the book\u2019s features (lower is better; real " +
    "images have about 0.5). Rounding and pruning happen here, to the nearest and without training. The milliseconds are " +
    "those of this page, for one image; rounding saves bytes, not time.",
  status: "{bits} bits: {rounded} grey levels from the teacher; pruned by {share} %: {cut}.",
};

demos.sizes = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-sizes" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let stopped = false;
  fetchFile(model, options.model)
    .then(async (file) => {
      const tensors = readTensors(file.spec.tensors, await fileBytes(file));
      if (!stopped) sizesBody({ spec: file.spec, tensors, body, options, say });
    })
    .catch((error) => fail(body, error));
  return () => (stopped = true);
};

function sizesBody({ spec, tensors, body, options, say }) {
  const random = chance(options.seed);
  const networks = new Map(); // by what was done to the teacher, so that a slider that goes back finds it
  const state = { bits: 4, share: 50, digit: random.below(spec.classes), z: normals(random, spec.latent) };
  const made = (key, name, change) => {
    if (!networks.has(key)) networks.set(key, sizesNetwork(spec.nets[name], tensors, spec, change));
    return networks.get(key);
  };
  const rounded = () =>
    made(`bits ${state.bits}`, "teacher", (w, axis, maps) => sizesRounded(w, axis, maps, state.bits));
  const cut = () => made(`share ${state.share}`, "teacher", (w) => sizesPruned(w, state.share / 100));

  function card(key) {
    const image = picture(spec.image, 96, { role: null, "aria-hidden": "true" });
    const title = h("strong");
    const facts = ["kilobytes", "distance", "apart", "ms"].map(() => h("span"));
    const figure = h("figure", { class: "il-figure il-size", "data-size": key }, image, h("figcaption", {}, title, ...facts));
    figure.show = (name, about, draw, reference) => {
      const began = performance.now();
      const values = draw(state.z, state.digit);
      const took = performance.now() - began;
      image.show(values);
      title.textContent = name;
      const levels = reference ? sizesApart(values, reference) : 0;
      facts[0].textContent = say("kilobytes", { kb: number(about.bytes / 1000, about.bytes < 99_950 ? 1 : 0) });
      facts[1].textContent =
        about.distance === null ? say("unmeasured") : say("distance", { fd: number(about.distance, about.distance < 99.95 ? 2 : 0) });
      facts[2].textContent = reference ? say("apart", { levels: number(levels, 1) }) : "";
      facts[3].textContent = say("ms", { ms: number(took, 1) });
      figure.dataset.apart = levels;
      return values;
    };
    return figure;
  }

  const cards = Object.fromEntries(
    ["teacher", "rounded", "cut", ...Object.keys(spec.students)].map((key) => [key, card(key)]),
  );
  const line = status();
  const draw = () => {
    const reference = cards.teacher.show(say("teacher"), spec.bits[8], made("bits 8", "teacher"), null);
    cards.rounded.show(say("rounded", { bits: state.bits }), spec.bits[state.bits], rounded(), reference);
    cards.cut.show(say("cut", { share: state.share }), spec.pruned[state.share], cut(), reference);
    for (const [name, about] of Object.entries(spec.students)) cards[name].show(say(name), about, made(name, name), reference);
    const apart = (key) => number(Number(cards[key].dataset.apart), 1);
    line.say(say("status", { bits: state.bits, share: state.share, rounded: apart("rounded"), cut: apart("cut") }));
    Object.assign(body.dataset, { bits: state.bits, share: state.share, digit: state.digit });
  };
  const later = eachFrame(draw);
  const bits = slider({
    label: say("bits"), min: 2, max: 8, step: 1, value: state.bits, format: (v) => String(v),
    oninput: (v) => ((state.bits = v), later()),
  });
  const share = slider({
    label: say("pruned"), min: 0, max: 90, step: 10, value: state.share, format: (v) => `${v}\u00a0%`,
    oninput: (v) => ((state.share = v), later()),
  });
  const digit = chooser({
    label: say("digit"),
    options: Array.from({ length: spec.classes }, (_, k) => [String(k), String(k)]),
    value: String(state.digit),
    onchange: (k) => ((state.digit = Number(k)), draw()),
  });
  const again = button(say("again"), () => ((state.z = normals(random, spec.latent)), draw()), { class: "il-button il-main" });
  body.replaceChildren(
    h("p", {}, say("ask")),
    h("div", { class: "il-row" }, again, digit),
    bits,
    share,
    h("div", { class: "il-sizes-grid", role: "group", "aria-label": say("grid") }, ...Object.values(cards)),
    line,
    h("p", { class: "il-note" }, say("note")),
  );
  draw();
  body.dataset.ready = spec.name;
}
