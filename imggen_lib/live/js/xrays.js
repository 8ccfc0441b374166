// "Your own eyes": twelve X-rays that the reader calls normal or pneumonia; then the truth, what a VAE of normal
// images calls them, and what one line of code does; then a threshold for both over all test images.
//
// options: cases (the name of a file), score (the model's score that is shown first).

words.xrays = {
  loading: "Loading the X-rays \u2026",
  warning: "Not for clinical use.",
  ask:
    "Twelve chest X-rays of children, six normal and six with pneumonia, drawn at random: no score was looked at. " +
    "They have {side} by {side} pixels; what you see is enlarged. Call each one.",
  keys: "Keys, while the focus is in here: {normal} and {ill} to call, the left and right arrows to go back and forth.",
  normal_key: "N",
  ill_key: "P",
  at: "X-ray {k} of {n}",
  image: "X-ray {k} of {n}, enlarged from {side} by {side} pixels",
  rebuilt: "what the VAE of normal X-rays makes of it",
  normal: "Normal",
  ill: "Pneumonia",
  strip: "The twelve X-rays",
  thumb: "X-ray {k}: {called}",
  uncalled: "not called yet",
  called: "{k} of {n} called.",
  show: "Show the truth",
  skip: "Show it without my calls",
  again: "Call them anew",
  cases: "The twelve, with the truth",
  pair: "The X-ray, and what the VAE of normal X-rays makes of it",
  case: "X-ray {k}: {truth}",
  you: "You",
  model: "VAE",
  rule: "One line",
  right: "right",
  wrong: "wrong",
  verdict: ", {verdict}",
  none: "no call",
  twelve: "Right of the twelve, with a 95\u00a0% interval",
  share: "{k} of {n}",
  between: "{low}\u00a0to\u00a0{high}\u00a0%",
  small:
    "Twelve images tell little: the intervals overlap unless the difference is large. That is why the other {n} test " +
    "images follow.",
  all: "All {n} test images, and a threshold",
  explain:
    "Each score calls an image pneumonia when it is above a threshold. It is chosen on {q} normal validation images, " +
    "which are not in the test: so many of them may raise a false alarm. The slider moves it for both scores.",
  score: "Score of the VAE",
  elbo: "minus ELBO",
  given: "error, given complexity",
  rule_is:
    "The one line is the mean absolute difference of neighbouring pixels, with a minus sign: smooth images count as " +
    "ill. It learns nothing.",
  allowed: "False alarms allowed in validation",
  some: "{k} of {q} ({percent}\u00a0%)",
  curves:
    "ROC curves of the {n} test images. VAE: {alarms}\u00a0% false alarms, {caught}\u00a0% of the pneumonias caught. " +
    "One line: {ruleAlarms}\u00a0% and {ruleCaught}\u00a0%.{reader}",
  curves_you: " You: {alarms}\u00a0% and {caught}\u00a0% of the twelve.",
  x: "false alarms among normal test images",
  y: "pneumonias caught",
  chance: "chance",
  planned: "allowed in validation",
  area: "{name}: area {value} [{low}, {high}]",
  shift:
    "Allowed: {planned}\u00a0% [{low} to {high}\u00a0%]. On the test images the VAE raises {alarms}\u00a0% false alarms " +
    "and catches {caught}\u00a0% of the pneumonias, the one line {ruleAlarms}\u00a0% and {ruleCaught}\u00a0%.",
  counts: "Counts of the test, with Wilson's 95\u00a0% intervals",
  caught: "Pneumonia, caught",
  missed: "Pneumonia, missed",
  alarms: "Normal, false alarm",
  left: "Normal, left alone",
  source: "Images: {source}.",
};

demos.xrays = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-xrays" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  fetchFile(model, options.cases)
    .then(async (file) => {
      const data = xraysRead(file.spec, await fileBytes(file));
      xraysBody({ data, spec: file.spec, body, options, say });
    })
    .catch((error) => fail(body, error));
};

// An element of SVG, in the namespace that the browser itself gives one.
function xraysShape(tag, properties, ...children) {
  const parsed = document.createElement("template");
  parsed.innerHTML = "<svg></svg>";
  const element = document.createElementNS(parsed.content.firstChild.namespaceURI, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const xraysPercent = (share, digits = 0) => number(100 * share, digits);

// Both ROC curves with a point on each, the reader's point, and the line of what is allowed.
function xraysPlot(say) {
  const [left, top, side] = [46, 10, 258];
  const at = ([x, y]) => [left + side * x, top + side * (1 - y)];
  const line = (points, style) =>
    xraysShape("polyline", { points: points.map((p) => at(p).join(",")).join(" "), fill: "none", class: style });
  const plot = xraysShape("svg", { viewBox: "0 0 320 314", class: "il-xrays-plot", role: "img" });
  const text = (x, y, words, more = {}) => xraysShape("text", { x, y, "text-anchor": "middle", ...more }, words);
  const ticks = [0, 0.5, 1].flatMap((v) => [
    text(at([v, 0])[0], top + side + 15, String(100 * v)),
    text(left - 5, at([0, v])[1] + 4, String(100 * v), { "text-anchor": "end" }),
  ]);
  const frame = xraysShape("rect", { x: left, y: top, width: side, height: side, class: "il-xrays-frame" });
  const chance = line([[0, 0], [1, 1]], "il-xrays-chance"); // prettier-ignore
  const planned = line([], "il-xrays-planned");
  const curves = { rule: line([], "il-xrays-rule"), model: line([], "il-xrays-model") };
  const dots = {
    rule: xraysShape("rect", { width: 11, height: 11, class: "il-xrays-rule-dot" }),
    model: xraysShape("circle", { r: 6.5, class: "il-xrays-model-dot" }),
    you: xraysShape("path", { d: "M0 -8L8 0L0 8L-8 0Z", class: "il-xrays-you-dot", visibility: "hidden" }),
  };
  plot.append(
    frame,
    chance,
    planned,
    ...Object.values(curves),
    ...Object.values(dots),
    ...ticks,
    text(left + side / 2, top + side + 34, `${say("x")} (%)`),
    text(0, 0, `${say("y")} (%)`, { transform: `translate(13 ${top + side / 2}) rotate(-90)` }),
    text(...at([0.8, 0.72]), say("chance"), { class: "il-xrays-faint" }),
  );
  const points = (list) => list.map((p) => at(p).join(",")).join(" ");
  return {
    plot,
    curve: (name, list) => curves[name].setAttribute("points", points(list)),
    allowed: (x) => planned.setAttribute("points", points([[x, 0], [x, 1]])), // prettier-ignore
    dot(name, point) {
      if (!point) return dots[name].setAttribute("visibility", "hidden");
      const [x, y] = at(point);
      const shift = name === "rule" ? 5.5 : 0;
      dots[name].setAttribute("transform", `translate(${x - shift} ${y - shift})`);
      return dots[name].setAttribute("visibility", "visible");
    },
  };
}

// One X-ray after the other. `done(calls)` when the reader wants the truth; a call is 0, 1 or null.
function xraysReading({ data, spec, say, done }) {
  const n = spec.count;
  const side = spec.image[1];
  const calls = Array(n).fill(null);
  const keys = [say("normal_key"), say("ill_key")];
  let at = 0;
  const large = picture(spec.image, 252);
  const where = h("p", { class: "il-xrays-where" });
  const line = status();
  const choices = [0, 1].map((c) =>
    button(say(c ? "ill" : "normal"), () => call(c), { class: "il-button il-xrays-call", "aria-pressed": "false" }),
  );
  const thumbs = data.images.map((image, k) => {
    const small = picture(spec.image, 40, { role: null, "aria-hidden": "true" });
    small.show(image);
    const mark = h("span", { class: "il-xrays-mark", "aria-hidden": "true" });
    const box = h("button", { type: "button", class: "il-xrays-thumb", onclick: () => go(k) }, small, mark);
    return { box, mark };
  });
  const strip = h("div", { class: "il-xrays-strip", role: "group", "aria-label": say("strip") });
  strip.append(...thumbs.map((t) => t.box));
  const truth = button(say("show"), () => done(calls), { class: "il-button il-main" });
  const skip = button(say("skip"), () => done(Array(n).fill(null)));

  function go(k) {
    at = (k + n) % n;
    large.show(data.images[at]);
    large.setAttribute("aria-label", say("image", { k: at + 1, n, side }));
    where.textContent = say("at", { k: at + 1, n });
    choices.forEach((box, c) => box.setAttribute("aria-pressed", String(calls[at] === c)));
    const left = calls.filter((c) => c === null).length;
    thumbs.forEach(({ box, mark }, i) => {
      const called = calls[i] === null ? "" : say(calls[i] ? "ill" : "normal");
      box.setAttribute("aria-label", say("thumb", { k: i + 1, called: called || say("uncalled") }));
      if (i === at) box.setAttribute("aria-current", "true");
      else box.removeAttribute("aria-current");
      mark.textContent = called ? keys[calls[i]] : "\u00a0";
      box.dataset.called = calls[i] ?? "";
    });
    truth.disabled = left > 0;
    line.say(`${say("at", { k: at + 1, n })}. ${say("called", { k: n - left, n })}`);
  }

  // The next one without a call; the last call stays in sight.
  function call(c) {
    calls[at] = c;
    const next = calls.findIndex((x, i) => x === null && i > at);
    const first = calls.indexOf(null);
    go(next >= 0 ? next : first >= 0 ? first : at);
    if (first < 0) truth.focus();
  }

  const part = h(
    "div",
    { class: "il-xrays-reading" },
    h("div", { class: "il-xrays-large" }, large),
    h(
      "div",
      { class: "il-xrays-side" },
      where,
      h("div", { class: "il-row" }, ...choices),
      strip,
      h("div", { class: "il-row" }, truth, skip),
      line,
      h("p", { class: "il-note" }, say("keys", { normal: keys[0], ill: keys[1] })),
    ),
  );
  part.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const called = keys.findIndex((key) => key.toLowerCase() === event.key.toLowerCase());
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (called < 0 && !way) return;
    event.preventDefault();
    if (way) go(at + way);
    else call(called);
  });
  go(0);
  return part;
}

// The twelve with the truth; `.show(called)` for what a threshold calls them.
function xraysCases({ data, spec, say, calls }) {
  const who = ["you", "model", "rule"];
  const truth = spec.indices.map((i) => data.truth[i]);
  const name = (c) => say(c === null ? "none" : c ? "ill" : "normal");
  const cells = data.images.map((image, k) => {
    const two = [image, data.rebuilt[k]].map((pixels, i) => {
      const small = picture(spec.image, 84, {
        "aria-label": i ? say("rebuilt") : say("image", { k: k + 1, n: spec.count, side: spec.image[1] }),
      });
      small.show(pixels);
      return small;
    });
    const said = Object.fromEntries(who.map((w) => [w, h("dd", {})]));
    const title = say("case", { k: k + 1, truth: name(truth[k]) });
    const list = who.flatMap((w) => [h("dt", {}, say(w)), said[w]]);
    const cell = h("div", { class: "il-xrays-case", role: "group", "aria-label": title });
    const both = h("div", { class: "il-xrays-two" }, ...two);
    cell.append(h("p", { class: "il-xrays-truth" }, title), both, h("dl", {}, ...list));
    return { cell, said };
  });
  const right = Object.fromEntries(who.map((w) => [w, h("td", {})]));
  const row = (w) => h("tr", {}, h("th", { scope: "row" }, say(w)), right[w]);
  const table = h("table", { class: "il-xrays-table" }, h("caption", {}, say("twelve")), h("tbody", {}, who.map(row)));
  const part = h(
    "div",
    {},
    h("p", { class: "il-xrays-title" }, say("cases")),
    h("p", { class: "il-note" }, say("pair"), "."),
    h("div", { class: "il-xrays-cases" }, ...cells.map((c) => c.cell)),
    table,
    h("p", { class: "il-note" }, say("small", { n: data.truth.length - spec.count })),
  );
  part.show = (called) => {
    const all = { you: calls, ...called };
    for (const w of who) {
      cells.forEach(({ said }, k) => {
        const c = all[w][k];
        const good = c === truth[k];
        said[w].dataset.good = c === null ? "" : good;
        if (c === null) return said[w].replaceChildren(name(c));
        const sign = h("span", { "aria-hidden": "true" }, `${good ? "\u2713" : "\u2717"}\u00a0`);
        const verdict = say("verdict", { verdict: say(good ? "right" : "wrong") });
        return said[w].replaceChildren(sign, name(c), h("span", { class: "il-xrays-spoken" }, verdict));
      });
      const made = all[w].some((c) => c !== null);
      const k = all[w].filter((c, i) => c === truth[i]).length;
      const [low, high] = xraysWilson(k, spec.count).map((v) => xraysPercent(v));
      const share = say("share", { k, n: spec.count });
      right[w].textContent = made ? `${share} [${say("between", { low, high })}]` : say("none");
      part.dataset[w] = made ? k : "";
    }
  };
  return part;
}

// Counts of the model and of the one line, as a table that is filled by `.show({ model: counts, rule: counts })`.
function xraysTable(say) {
  const rows = { caught: "missed", missed: "caught", alarms: "left", left: "alarms" };
  const cells = {};
  const head = h("tr", {}, h("td", {}), ...["model", "rule"].map((w) => h("th", { scope: "col" }, say(w))));
  const lines = Object.keys(rows).map((name) => {
    cells[name] = { model: h("td", {}), rule: h("td", {}) };
    return h("tr", {}, h("th", { scope: "row" }, say(name)), cells[name].model, cells[name].rule);
  });
  const table = h("table", { class: "il-xrays-table" }, h("caption", {}, say("counts")), h("thead", {}, head));
  table.append(h("tbody", {}, ...lines));
  table.show = (found) => {
    for (const [name, other] of Object.entries(rows)) {
      for (const [who, counts] of Object.entries(found)) {
        const n = counts[name] + counts[other];
        const [low, high] = xraysWilson(counts[name], n).map((v) => xraysPercent(v));
        const whole = say("share", { k: counts[name], n });
        cells[name][who].replaceChildren(
          whole,
          h("small", {}, ` ${xraysPercent(counts[name] / n)}\u00a0% [${say("between", { low, high })}]`),
        );
      }
    }
  };
  return table;
}

function xraysResults({ data, spec, options, say, calls, anew, told }) {
  const rule = spec.scores[0];
  const { truth } = data;
  const n = truth.length;
  const state = { allowed: spec.start, score: options.score };
  const cases = xraysCases({ data, spec, say, calls });
  const { plot, curve, allowed, dot } = xraysPlot(say);
  const table = xraysTable(say);
  const line = status();
  const legends = { model: h("span", {}), rule: h("span", {}) };
  const mine = spec.indices.map((i) => truth[i]);
  const made = calls.some((c) => c !== null) && xraysCounts(calls.map((c) => (c === null ? -1 : c)), mine, 0.5);
  const you = made && [made.alarms / (made.alarms + made.left), made.caught / (made.caught + made.missed)];

  function show() {
    const found = {};
    const called = {};
    const rates = {};
    for (const [who, name] of [["model", state.score], ["rule", rule]]) { // prettier-ignore
      const { validation, test } = data.scores[name];
      const threshold = xraysThreshold(validation, state.allowed);
      const counts = (found[who] = xraysCounts(test, truth, threshold));
      called[who] = spec.indices.map((i) => (test[i] > threshold ? 1 : 0));
      rates[who] = [counts.alarms / (counts.alarms + counts.left), counts.caught / (counts.caught + counts.missed)];
      curve(who, xraysRoc(test, truth));
      dot(who, rates[who]);
      const [value, low, high] = spec.areas[name].map((v) => number(v, 3));
      legends[who].textContent = say("area", { name: say(who), value, low, high });
    }
    const planned = state.allowed / spec.validation;
    allowed(planned);
    dot("you", you);
    cases.show(called);
    table.show(found);
    const [[a, c], [ra, rc]] = [rates.model, rates.rule].map((pair) => pair.map((v) => xraysPercent(v)));
    const numbers = { alarms: a, caught: c, ruleAlarms: ra, ruleCaught: rc };
    const reader = you ? say("curves_you", { alarms: xraysPercent(you[0]), caught: xraysPercent(you[1]) }) : "";
    plot.setAttribute("aria-label", say("curves", { n, reader, ...numbers }));
    const [low, high] = xraysWilson(state.allowed, spec.validation).map((v) => xraysPercent(v));
    line.say(say("shift", { planned: xraysPercent(planned, 1), low, high, ...numbers }));
    told({ allowed: state.allowed, score: state.score, counts: JSON.stringify(found) });
  }

  const control = slider({
    label: say("allowed"),
    min: 0,
    max: spec.validation,
    step: 1,
    value: state.allowed,
    format: (k) => say("some", { k, q: spec.validation, percent: xraysPercent(k / spec.validation, 1) }),
    oninput: (k) => {
      state.allowed = k;
      show();
    },
  });
  const choice = chooser({
    label: say("score"),
    options: spec.scores.slice(1).map((name) => [name, say(name)]),
    value: state.score,
    onchange: (name) => {
      state.score = name;
      show();
    },
  });
  const legend = h("div", { class: "il-xrays-legend" });
  const key = (who, ...text) => h("span", { class: `il-xrays-key il-xrays-key-${who}` }, ...text);
  legend.append(key("model", legends.model), key("rule", legends.rule));
  if (you) legend.append(key("you", say("you")));
  legend.append(key("planned", say("planned")));
  const part = h(
    "div",
    { class: "il-xrays-results" },
    cases,
    h("div", { class: "il-row" }, button(say("again"), anew)),
    h("p", { class: "il-xrays-title" }, say("all", { n })),
    h("p", {}, say("explain", { q: spec.validation })),
    h("p", { class: "il-note" }, say("rule_is")),
    h("div", { class: "il-row" }, choice),
    h("div", { class: "il-xrays-threshold" }, control),
    line,
    h("div", { class: "il-xrays-views" }, h("div", { class: "il-xrays-roc" }, plot, legend), table),
  );
  show();
  return part;
}

function xraysBody({ data, spec, body, options, say }) {
  const warning = h("p", { class: "il-xrays-warning" }, say("warning"));
  const place = h("div", {});
  const told = (values) => Object.assign(body.dataset, values);
  function read() {
    delete body.dataset.shown;
    place.replaceChildren(h("p", {}, say("ask", { side: spec.image[1] })), xraysReading({ data, spec, say, done }));
  }
  function done(calls) {
    place.replaceChildren(xraysResults({ data, spec, options, say, calls, anew, told }));
    told({ shown: "yes" });
    const first = place.querySelector(".il-xrays-title");
    first.tabIndex = -1;
    first.focus();
  }
  function anew() {
    read();
    place.querySelector(".il-xrays-call").focus();
  }
  read();
  body.replaceChildren(warning, place, h("p", { class: "il-note" }, say("source", { source: spec.source })));
  body.dataset.ready = options.cases;
}

Object.assign(tools, { xraysScores: async (file) => xraysRead(file.spec, await fileBytes(file)).scores });
