// "Real or fake?": twelve images; the reader marks those that look generated, and learns how well that went, and
// whether a coin would have done as well.
//
// options: model (the name of a file), real (the name of a file with real images), count, seed.

words.real_or_fake = {
  loading: "Loading the model \u2026",
  ask:
    "Some of these images were drawn by {name} just now, the others are real. Mark those that you take for generated: " +
    "click them, or move with the arrow keys and press the space bar. Each image was chosen by the toss of a coin, " +
    "so counting does not help.",
  image: "Image {k}",
  truth: "Image {k}: {truth}; your answer was {verdict}",
  real: "real",
  fake: "generated",
  right: "right",
  wrong: "wrong",
  check: "Check",
  next: "Next {n}",
  grid: "The images",
  round: "{right} of {n} right.",
  total: "In {rounds} rounds: {right} of {n} ({percent}\u00a0%).",
  test:
    "If you had tossed a coin for each image, a result at least as far from one half would come up with the " +
    "probability {p} (exact two-sided binomial test).",
  small: "p < 0.001",
  exact: "p = {p}",
  start: "No answer yet.",
  again: "Start counting anew",
};

demos.real_or_fake = function ({ model, el, say }) {
  const options = model.get("options");
  const body = h("div", { class: "il-guess" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  Promise.all([openNetwork(model, options.model), fetchFile(model, options.real)])
    .then(async ([network, file]) => {
      const bytes = new Uint8Array(await fileBytes(file));
      const size = file.spec.image.reduce((a, b) => a * b, 1);
      const real = Array.from({ length: file.spec.count }, (_, k) =>
        Float32Array.from(bytes.subarray(k * size, (k + 1) * size), (v) => v / 127.5 - 1),
      );
      guessBody({ network, real, body, options, say });
    })
    .catch((error) => fail(body, error));
};

function guessBody({ network, real, body, options, say }) {
  const { spec } = network;
  const count = options.count || 12;
  const random = chance(options.seed);
  const total = { right: 0, n: 0, rounds: 0 };
  let deck = [];
  let cells = [];
  let checked = false;

  // A real image that was not shown for a long time: the pile is shuffled when it is used up.
  function takeReal() {
    if (!deck.length) {
      deck = real.map((_, k) => k);
      for (let i = deck.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [deck[i], deck[j]] = [deck[j], deck[i]];
      }
    }
    return real[deck.pop()];
  }
  const takeFake = () =>
    network.draw(normals(random, spec.latent), 1, spec.classes ? [random.below(spec.classes)] : null);

  function cell(k) {
    const fake = random() < 0.5;
    const image = picture(spec.image, 84, { role: null, "aria-hidden": "true" });
    image.show(fake ? takeFake() : takeReal());
    const verdict = h("span", { class: "il-verdict", "aria-hidden": "true" });
    const box = h(
      "button",
      {
        type: "button",
        class: "il-cell",
        "aria-pressed": "false",
        "aria-label": say("image", { k: k + 1 }),
        onclick: () => {
          if (checked) return;
          self.marked = !self.marked;
          box.setAttribute("aria-pressed", String(self.marked));
          verdict.textContent = self.marked ? say("fake") + "?" : "";
        },
      },
      image,
      verdict,
    );
    const self = { box, fake, marked: false, verdict };
    return self;
  }

  const grid = h("div", { class: "il-cells", role: "group", "aria-label": say("grid") });
  grid.addEventListener("keydown", (event) => {
    const at = cells.findIndex((c) => c.box === document.activeElement || c.box === grid.getRootNode().activeElement);
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (at < 0 || !way) return;
    event.preventDefault();
    const next = cells[at + way];
    if (next) next.box.focus();
  });

  const line = h("p", { class: "il-status", role: "status" }, say("start"));
  const done = button(say("check"), () => (checked ? deal() : check()), { class: "il-button il-main" });
  const anew = button(say("again"), () => {
    Object.assign(total, { right: 0, n: 0, rounds: 0 });
    deal();
    line.textContent = say("start");
  });

  function deal() {
    checked = false;
    cells = Array.from({ length: count }, (_, k) => cell(k));
    grid.replaceChildren(...cells.map((c) => c.box));
    done.textContent = say("check");
    body.dataset.round = total.rounds + 1;
    delete body.dataset.checked;
  }

  function check() {
    checked = true;
    const right = cells.filter((c) => c.marked === c.fake).length;
    cells.forEach((c, k) => {
      const good = c.marked === c.fake;
      const truth = say(c.fake ? "fake" : "real");
      const verdict = say(good ? "right" : "wrong");
      c.verdict.textContent = `${good ? "\u2713" : "\u2717"} ${truth}`;
      c.box.classList.add(good ? "il-good" : "il-bad");
      c.box.setAttribute("aria-label", say("truth", { k: k + 1, truth, verdict }));
      c.box.removeAttribute("aria-pressed");
    });
    total.right += right;
    total.n += count;
    total.rounds += 1;
    const p = coinTest(total.right, total.n);
    const words = [say("round", { right, n: count })];
    if (total.rounds > 1) {
      words.push(
        say("total", {
          rounds: total.rounds,
          right: total.right,
          n: total.n,
          percent: Math.round((100 * total.right) / total.n),
        }),
      );
    }
    words.push(say("test", { p: p < 0.001 ? say("small") : say("exact", { p: number(p, 3) }) }));
    line.textContent = words.join(" ");
    done.textContent = say("next", { n: count });
    Object.assign(body.dataset, { checked: "yes", right: total.right, n: total.n, p });
  }

  deal();
  body.replaceChildren(
    h("p", {}, say("ask", { name: network.name })),
    grid,
    h("div", { class: "il-row" }, done, anew),
    line,
  );
  body.dataset.ready = network.name;
}
