// "Choose while it runs": uniform showing, A/B and Thompson race for clicks; and experiments are looked at every evening.
//
// options: rate, arms, days, seed.

words.bandit = {
  ask:
    "{arms} banners run for {days} days. One of them is clicked more often than the others, and nobody is told which. " +
    "Set how much traffic there is and how much better it truly is.",
  traffic: "Impressions a day",
  lift: "True lift of the best",
  percent: "{n}\u00a0%",
  another: "Another world",
  worlds: "{n} worlds",
  stop: "Stop",
  look: "Look at an experiment every evening",
  chart: "Clicks lost against the best banner, by day",
  day: "day",
  lost: "clicks lost",
  uniform: "uniform",
  ab: "A/B, then the winner",
  thompson: "Thompson",
  policy: "Policy",
  names: "Names as best (right)",
  right: "{letter}, right",
  wrong: "{letter}, wrong",
  none: "{letter}; all are alike",
  caption: "One world: banner {best} is the best, {possible} clicks can be had.",
  alike: "One world: all banners are alike, {possible} clicks can be had.",
  mean: "{n} worlds: mean and 95\u00a0% interval.",
  share: "{percent}\u00a0% [{low}, {high}]",
  interval: "{value} \u00b1 {half}",
  one: "Fewest clicks lost: {policy}, {lost}. {right} of 3 name the right banner.",
  equal: "All banners are alike: nothing can be lost, and any winner is named by chance.",
  many: "After {n} worlds: uniform loses {u}, A/B {a}, Thompson {t} clicks on average.",
  running: "World {k} of {n} \u2026",
  needed:
    "To tell a lift of {lift} from none, each of two banners needs {n} impressions (power 80\u00a0%): {time} days of this " +
    "traffic.",
  zero: "No number of impressions tells a lift of 0.",
  looks: "Experiments in which a difference is called up to each evening, banners alike",
  called: "called, %",
  once: "z-test, looked at once, at the end",
  daily: "z-test, every evening",
  evidence: "e-value, every evening",
  false: "False alarms, banners alike",
  found: "Found, lift {lift}",
  test: "Test",
  table: "Of {n} simulated experiments with two banners, {daily} impressions a day each.",
  verdict:
    "Both banners alike: looked at once, {once}\u00a0% of the experiments call a difference; every evening, {daily}\u00a0%; " +
    "the e-value, every evening, {evidence}\u00a0%.",
};

const BANDIT_WORLDS = 40;
const BANDIT_TRIALS = 1000;
const BANDIT_CLASSES = ["uniform", "ab", "thompson"];

function banditShape(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Curves over the days, in a picture of 340 x 210.
function banditPlot({ curves, top, days, name, across, up, bar = null }) {
  const [left, right, low, high] = [46, 332, 172, 12];
  const x = (d) => left + ((right - left) * d) / days;
  const y = (v) => low - ((low - high) * v) / (top || 1);
  const plot = banditShape("svg", { viewBox: "0 0 340 210", class: "il-bandit-plot", role: "img", "aria-label": name });
  plot.append(banditShape("path", { class: "il-bandit-frame", d: `M${left} ${high}V${low}H${right}` }));
  const put = (text, at, anchor) => plot.append(banditShape("text", { ...at, "text-anchor": anchor }, text));
  for (const v of [0, top / 2, top]) put(number(v, top < 10 ? 1 : 0), { x: left - 6, y: y(v) + 4 }, "end");
  for (const d of [1, Math.round(days / 2), days]) put(String(d), { x: x(d), y: low + 16 }, "middle");
  put(across, { x: (left + right) / 2, y: 204 }, "middle");
  plot.append(banditShape("text", { transform: `translate(12 ${(low + high) / 2}) rotate(-90)`, "text-anchor": "middle" }, up));
  if (bar !== null) plot.append(banditShape("path", { class: "il-bandit-bar", d: `M${left} ${y(bar)}H${right}` }));
  curves.forEach((curve, k) => {
    if (!curve) return;
    const d = curve.map((v, i) => `${x(i + 1).toFixed(1)} ${y(v).toFixed(1)}`).join("L");
    plot.append(banditShape("path", { class: `il-bandit-line il-bandit-${BANDIT_CLASSES[k]}`, d: `M${x(0)} ${y(0)}L${d}` }));
  });
  return plot;
}

function banditTable(caption, head, rows, kinds = BANDIT_CLASSES) {
  return h(
    "table",
    { class: "il-bandit-table" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
    h(
      "tbody",
      {},
      rows.map(([first, ...rest], k) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, h("span", { class: `il-bandit-key il-bandit-key-${kinds[k]}` }), first),
          rest.map((text) => h("td", {}, text)),
        ),
      ),
    ),
  );
}

demos.bandit = function ({ model, el, say }) {
  const { rate, arms, days, seed: start } = model.get("options");
  const whole = (v) => Math.round(v).toLocaleString("en");
  const letter = (k) => String.fromCharCode(65 + k);
  const names = [say("uniform"), say("ab"), say("thompson")];
  const chosen = { daily: 4000, lift: 0.2, seed: start };
  const view = h("div", { class: "il-bandit-view" });
  const looks = h("div", { class: "il-bandit-view" });
  const need = h("p", { class: "il-note" });
  const line = status();
  const heard = status();
  let job = 0;
  let looking = false;

  const races = (seed) =>
    BANDIT_POLICIES.map((policy) => banditRace({ policy, rate, lift: chosen.lift, arms, daily: chosen.daily, days, seed }));
  const plot = (curves, top) => {
    const name = say("chart");
    return banditPlot({ curves, top, days, name, across: say("day"), up: say("lost") });
  };
  const nice = (v) => {
    const unit = 10 ** Math.floor(Math.log10(v || 1));
    return unit * [1, 2, 5, 10].find((k) => k * unit >= (v || 1));
  };

  function single() {
    halt();
    const made = races(chosen.seed);
    const possible = whole(rate * (1 + chosen.lift) * chosen.daily * days);
    const key = (one) => (chosen.lift === 0 ? "none" : one.named === one.best ? "right" : "wrong");
    const rows = made.map((one, k) => [names[k], number(one.lost[days - 1], 1), say(key(one), { letter: letter(one.named) })]);
    const caption = chosen.lift === 0 ? say("alike", { possible }) : say("caption", { best: letter(made[0].best), possible });
    view.replaceChildren(
      plot(made.map((one) => one.lost), nice(made[0].lost[days - 1])),
      banditTable(caption, [say("policy"), say("lost"), say("names")], rows),
    );
    const lost = made.map((one) => one.lost[days - 1]);
    const least = lost.indexOf(Math.min(...lost));
    const right = made.filter((one) => one.named === one.best).length;
    line.say(chosen.lift === 0 ? say("equal") : say("one", { policy: names[least], lost: number(lost[least], 1), right }));
    body.dataset.lost = JSON.stringify(lost);
    body.dataset.named = JSON.stringify(made.map((one) => one.named));
    body.dataset.shown = JSON.stringify(made.map((one) => one.shown));
    body.dataset.best = made[0].best;
    body.dataset.seed = chosen.seed;
  }

  function halt() {
    clearTimeout(job);
    job = 0;
    many.textContent = say("worlds", { n: BANDIT_WORLDS });
    delete body.dataset.running;
  }

  // Many worlds, one after another, so that the page stays awake.
  function worlds() {
    if (job) return single();
    const sums = BANDIT_POLICIES.map(() => ({ curve: new Array(days).fill(0), last: [], right: 0 }));
    let k = 0;
    many.textContent = say("stop");
    body.dataset.running = "yes";
    const step = () => {
      races(chosen.seed + k).forEach((one, i) => {
        one.lost.forEach((v, d) => (sums[i].curve[d] += v));
        sums[i].last.push(one.lost[days - 1]);
        sums[i].right += one.named === one.best;
      });
      k++;
      if (k % 10 === 0) line.say(say("running", { k, n: BANDIT_WORLDS }));
      if (k > 1) average(sums, k);
      if (k < BANDIT_WORLDS) job = setTimeout(step, 0);
      else finish(sums, k);
    };
    job = setTimeout(step, 0);
  }

  const meanOf = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  function average(sums, n) {
    const rows = sums.map(({ last, right }, i) => {
      const mean = meanOf(last);
      const half = BANDIT_Z * Math.sqrt(last.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1) / n);
      const [low, high] = banditWilson(right, n).map((v) => number(100 * v, 0));
      const share = say("share", { percent: number((100 * right) / n, 0), low, high });
      return [names[i], say("interval", { value: number(mean, 1), half: number(half, 1) }), chosen.lift ? share : "\u2013"];
    });
    const curves = sums.map(({ curve }) => curve.map((v) => v / n));
    view.replaceChildren(
      plot(curves, nice(Math.max(...curves.flat()))),
      banditTable(say("mean", { n }), [say("policy"), say("lost"), say("names")], rows),
    );
  }

  function finish(sums, n) {
    halt();
    const [u, a, t] = sums.map(({ last }) => number(meanOf(last), 1));
    line.say(chosen.lift === 0 ? say("equal") : say("many", { n, u, a, t }));
    body.dataset.worlds = JSON.stringify(sums.map(({ last, right }) => [meanOf(last), right, n]));
  }

  function evenings() {
    if (!looking) return looks.replaceChildren();
    const daily = Math.round(chosen.daily / 2);
    const of = (lift) => banditLooks({ rate, lift, daily, days, trials: BANDIT_TRIALS, seed: chosen.seed });
    const alike = of(0);
    const better = of(chosen.lift);
    const told = (made) => [made.once, made.byZ[days - 1], made.byEvidence[days - 1]];
    const cell = (hits) => {
      const [low, high] = banditWilson(hits, BANDIT_TRIALS).map((v) => number(100 * v, 1));
      return say("share", { percent: number((100 * hits) / BANDIT_TRIALS, 1), low, high });
    };
    const labels = [say("once"), say("daily"), say("evidence")];
    const rows = labels.map((text, k) => [text, cell(told(alike)[k]), ...(chosen.lift ? [cell(told(better)[k])] : [])]);
    const shares = (list) => list.map((v) => (100 * v) / BANDIT_TRIALS);
    const lift = say("percent", { n: Math.round(100 * chosen.lift) });
    const head = [say("test"), say("false"), ...(chosen.lift ? [say("found", { lift })] : [])];
    looks.replaceChildren(
      banditPlot({
        curves: [null, shares(alike.byZ), shares(alike.byEvidence)],
        top: 40, days, bar: 5, name: say("looks"), across: say("day"), up: say("called"),
      }),
      banditTable(say("table", { n: whole(BANDIT_TRIALS), daily: whole(daily) }), head, rows, ["bar", "ab", "thompson"]),
    );
    const [once, every, evidence] = told(alike).map((v) => number((100 * v) / BANDIT_TRIALS, 1));
    heard.say(say("verdict", { once, daily: every, evidence }));
    body.dataset.looks = JSON.stringify([told(alike), told(better)]);
  }

  function draw() {
    const lift = say("percent", { n: Math.round(100 * chosen.lift) });
    const n = chosen.lift ? banditNeeded(rate, chosen.lift) : 0;
    need.textContent = n ? say("needed", { lift, n: whole(n), time: whole(Math.ceil((2 * n) / chosen.daily)) }) : say("zero");
    single();
    evenings();
  }
  const later = eachFrame(draw);

  const many = button(say("worlds", { n: BANDIT_WORLDS }), worlds);
  const other = button(say("another"), () => {
    chosen.seed += 1;
    draw();
  });
  const body = h(
    "div",
    { class: "il-bandit" },
    h("p", {}, say("ask", { arms, days })),
    h(
      "div",
      { class: "il-row il-bandit-controls" },
      slider({
        label: say("traffic"), min: 1000, max: 20000, step: 1000, value: chosen.daily, format: whole,
        oninput: (v) => later((chosen.daily = v)),
      }),
      slider({
        label: say("lift"), min: 0, max: 100, step: 5, value: 100 * chosen.lift, format: (v) => say("percent", { n: v }),
        oninput: (v) => later((chosen.lift = v / 100)),
      }),
    ),
    h("div", { class: "il-row" }, other, many),
    view,
    line,
    need,
    checkbox({
      label: say("look"),
      onchange: (on) => {
        looking = on;
        evenings();
        if (!on) heard.say("");
      },
    }),
    looks,
    heard,
  );
  el.append(body);
  draw();
  body.dataset.ready = "yes";
  return () => {
    halt();
    later.cancel();
  };
};
