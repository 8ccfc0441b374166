// A worksheet in the page: handwritten sums from a seed; the learner answers, the page marks, and prints the sheet with its key.
//
// options: model (the generator), cases (the hands that may write), seed, kind, level, count.

words.worksheet = {
  loading: "Loading the generator \u2026",
  ask: "Nobody wrote these digits: a network draws them here, all of a sheet in one hand. Type your answers, then mark them.",
  kind: "Sums",
  addition: "addition",
  subtraction: "subtraction",
  multiplication: "multiplication",
  level: "Handwriting",
  easy: "easy to read",
  medium: "in between",
  hard: "hard to read",
  seed: "Seed of the sheet",
  another: "New sheet",
  sheet: "Worksheet {seed}: {count} sums in hand {hand}.",
  list: "Sums of worksheet {seed}",
  sum: "{a} {sign} {b} =, handwritten",
  plus: "plus",
  minus: "minus",
  times: "times",
  answer: "Answer to sum {k}: {a} {sign} {b}",
  mark: "Mark my answers",
  meant: "Show in print what each was meant to be",
  print: "Print the sheet and its key",
  key: "Worksheet {seed}: the key",
  right: "right",
  wrong: "no: {answer}",
  open: "open",
  result: "{right} of {count} right, {open} still open.",
  all: "All {count} right.",
  typed: "A whole number from 0 to {most}, please, for the seed.",
  made: "Handwriting of a generator that learnt from MNIST; hand {hand}, {level}. Look at every digit once before you copy it.",
  name: "Name",
  date: "Date",
  how: "Enter goes to the next sum. The same seed gives the same sheet, here and as a PDF from Python.",
};

demos.worksheet = function ({ model, el, say }) {
  const body = h("div", { class: "il-worksheet" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  const options = model.get("options");
  let ended = false;
  Promise.all([openNetwork(model, options.model), fetchFile(model, options.cases)])
    .then(([network, hands]) => {
      if (!ended) worksheetBody({ network, said: hands.spec, body, options, say });
    })
    .catch((error) => fail(body, error));
  return () => (ended = true);
};

const worksheetMost = 4294967295;

function worksheetShape(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The digits of a sheet, each drawn once: a function of digit and variation.
function worksheetPen(network, hand, spread) {
  const z = worksheetLatents(hand, network.spec.latent, spread);
  const drawn = new Map();
  return (digit, variation) => {
    const key = 10 * variation + digit;
    if (!drawn.has(key)) drawn.set(key, worksheetGlyph(network.draw(z[digit][variation], 1, [digit])));
    return drawn.get(key);
  };
}

function worksheetSpoken(one, say) {
  const sign = { "+": "plus", "\u2212": "minus", "\u00d7": "times" }[one.sign];
  return { a: one.a, sign: say(sign), b: one.b };
}

// A handwritten sum as a picture: curves in the colour of the text.
function worksheetPicture(one, glyphs, label) {
  const { places, sign, equals } = worksheetPlaces(one, glyphs);
  const wide = equals + 14;
  const text = (x, content) => worksheetShape("text", { x, y: 19.5, "font-size": 17, "text-anchor": "middle" }, content);
  return worksheetShape(
    "svg",
    { viewBox: `0 0 ${wide.toFixed(1)} 28`, class: "il-worksheet-sum", role: "img", "aria-label": label, "data-wide": wide },
    ...glyphs.map(({ path }, k) =>
      worksheetShape("path", { d: path, transform: `translate(${places[k].toFixed(2)} 0)`, "fill-rule": "evenodd" }),
    ),
    text(sign, one.sign),
    text(equals + 5, "="),
  );
}

// One sum with its field; `.mark()` says whether the answer is right: true, false, or null where there is none.
function worksheetLine({ one, glyphs, k, say, next }) {
  const spoken = worksheetSpoken(one, say);
  const picture = worksheetPicture(one, glyphs, say("sum", spoken));
  picture.style.width = `${(2 * Number(picture.dataset.wide)).toFixed(0)}px`;
  const input = h("input", {
    class: "il-worksheet-answer",
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: 5,
    "aria-label": say("answer", { k: k + 1, ...spoken }),
  });
  const mark = h("span", { class: "il-worksheet-mark" });
  const meant = h("span", { class: "il-worksheet-meant", hidden: true }, `${one.a} ${one.sign} ${one.b}`);
  const row = h("li", { class: "il-worksheet-line" }, h("span", { class: "il-worksheet-both" }, picture, input, mark), meant);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") next(k);
  });
  input.addEventListener("input", () => {
    delete row.dataset.good;
    mark.textContent = "";
  });
  const self = { row, input, meant };
  self.mark = () => {
    const typed = input.value.trim().replace("\u2212", "-");
    const good = typed === "" ? null : /^-?\d+$/.test(typed) && Number(typed) === worksheetAnswer(one);
    row.dataset.good = good === null ? "open" : String(good);
    mark.textContent = good === null ? say("open") : good ? say("right") : say("wrong", { answer: worksheetAnswer(one) });
    return good;
  };
  return self;
}

// The sheet and its key as two pages in a frame of their own, which is printed and goes.
function worksheetPrint(plan, lines, said, say) {
  const frame = h("iframe", { class: "il-worksheet-frame", title: say("sheet", said), "aria-hidden": "true", tabindex: -1 });
  document.body.append(frame);
  const page = frame.contentDocument;
  page.title = say("sheet", said);
  const style =
    "@page{margin:18mm}body{font:11pt sans-serif;color:#000;background:#fff;margin:0}h1{font-size:16pt;font-weight:400}" +
    "ol{columns:2;padding-left:2em}li{height:20mm;break-inside:avoid}svg{height:13mm;vertical-align:middle;fill:#000}" +
    ".key{break-before:page}.key li{height:9mm}.line{display:inline-block;width:22mm;border-bottom:.3mm solid #000;height:8mm}" +
    ".who{display:flex;gap:4em}small{display:block;margin-top:6mm}";
  const sums = lines.map(({ row }) => {
    const copy = row.querySelector("svg").cloneNode(true);
    copy.style.width = "auto";
    return h("li", {}, copy, h("span", { class: "line" }));
  });
  const key = plan.sums.map((one) => h("li", {}, `${one.a} ${one.sign} ${one.b} = ${worksheetAnswer(one)}`));
  const made = () => h("small", {}, say("made", said));
  page.head.append(h("style", {}, style));
  page.body.append(
    h("h1", {}, say("sheet", said)),
    h("p", { class: "who" }, `${say("name")} ____________________`, h("span", {}, `${say("date")} ____________`)),
    h("ol", {}, sums),
    made(),
    h("h1", { class: "key" }, say("key", said)),
    h("ol", { class: "key-list" }, key),
    made(),
  );
  frame.contentWindow.addEventListener("afterprint", () => frame.remove());
  frame.contentWindow.focus();
  frame.contentWindow.print();
}

function worksheetBody({ network, said, body, options, say }) {
  const now = { seed: options.seed, kind: options.kind, level: options.level, count: options.count };
  let plan = null;
  let lines = [];
  const line = status();
  const title = h("p", { class: "il-worksheet-title" });
  const list = h("ol", { class: "il-worksheet-list" });
  const facts = () => ({ seed: plan.seed, count: plan.sums.length, hand: plan.hand, level: say(now.level) });
  const result = () => {
    const marks = lines.map((one) => one.mark());
    const right = marks.filter((m) => m === true).length;
    const open = marks.filter((m) => m === null).length;
    body.dataset.right = right;
    line.say(right === marks.length ? say("all", { count: right }) : say("result", { right, open, count: marks.length }));
  };
  const next = (k) => (k + 1 < lines.length ? lines[k + 1].input.focus() : result());
  const meant = checkbox({
    label: say("meant"),
    onchange: (on) => lines.forEach((one) => (one.meant.hidden = !on)),
  });
  const draw = () => {
    plan = worksheetPlan(now.seed, now, said.hands);
    const pen = worksheetPen(network, plan.hand, said.spread);
    lines = plan.sums.map((one, k) => {
      const glyphs = worksheetDigits(one).map((digit, i) => pen(digit, plan.variations[k][i]));
      return worksheetLine({ one, glyphs, k, say, next });
    });
    list.replaceChildren(...lines.map((one) => one.row));
    list.setAttribute("aria-label", say("list", facts()));
    const shown = meant.querySelector("input").checked;
    lines.forEach((one) => (one.meant.hidden = !shown));
    title.textContent = say("sheet", facts());
    seed.value = plan.seed;
    delete body.dataset.right;
    body.dataset.hand = plan.hand;
    line.say(say("sheet", facts()));
  };
  const seed = h("input", { class: "il-worksheet-seed", type: "text", inputmode: "numeric", "aria-label": say("seed") });
  seed.addEventListener("change", () => {
    if (/^\d{1,10}$/.test(seed.value.trim()) && Number(seed.value) <= worksheetMost) {
      now.seed = Number(seed.value);
      draw();
    } else {
      line.say(say("typed", { most: worksheetMost }));
      seed.value = now.seed;
    }
  });
  const choose = (name, values) =>
    chooser({
      label: say(name),
      options: values.map((value) => [value, say(value)]),
      value: now[name],
      onchange: (value) => {
        now[name] = value;
        draw();
      },
    });
  const another = () => {
    now.seed = (now.seed + 1) % (worksheetMost + 1);
    draw();
  };
  body.replaceChildren(
    h("p", { class: "il-note" }, say("ask")),
    h(
      "div",
      { class: "il-row" },
      choose("kind", ["addition", "subtraction", "multiplication"]),
      choose("level", ["easy", "medium", "hard"]),
      h("label", { class: "il-chooser" }, h("span", { class: "il-name", "aria-hidden": "true" }, say("seed")), seed),
      button(say("another"), another),
    ),
    title,
    list,
    h("div", { class: "il-row" }, button(say("mark"), result), button(say("print"), () => worksheetPrint(plan, lines, facts(), say))),
    meant,
    line,
    h("p", { class: "il-note" }, say("how")),
  );
  draw();
  body.dataset.ready = "true";
}
