// What every demo shares: the tables, words, controls, canvases, colours, time and chance.
//
// A demo and its parts are joined into one script, in which `demos` and `words` are tables that all of them know. A demo adds
//   demos.NAME = function ({ model, el, say }) { ...; return function cleanup() {}; };
//   words.NAME = { key: "English text with {number}" };
// `model.get("options")` are the options of Python's call, `say("key", { number: 3 })` is a text in the reader's
// language.

const demos = {};
const words = {};
const tools = {}; // for tests, and for a console that wants to look inside

// Text: `given` (from Python or the page) replaces what it names.
function speaker(table, given) {
  return function say(key, values = {}) {
    const text = (given && given[key]) ?? table[key];
    if (text === undefined) throw new Error(`no text for ${key}`);
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  };
}

// A number for a text, with a real minus sign.
function number(value, digits = 2) {
  return value.toFixed(digits).replace("-", "\u2212");
}

// An element. `properties`: attributes (class, aria-label, ...), functions for events (onclick, oninput, ...); null
// is left out.
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function button(label, onclick, properties = {}) {
  return h("button", { type: "button", class: "il-button", onclick, ...properties }, label);
}

// A slider with its label and its value: the element has .value (a number) and .show(value).
function slider({ label, min, max, step, value, oninput, format = (v) => number(v) }) {
  const output = h("output", { class: "il-value" });
  const input = h("input", { type: "range", min, max, step, "aria-label": label, class: "il-range" });
  const whole = h(
    "label",
    { class: "il-slider" },
    h("span", { class: "il-name", "aria-hidden": "true" }, label),
    input,
    output,
  );
  const say = (v) => {
    output.textContent = format(v);
    input.setAttribute("aria-valuetext", format(v));
  };
  whole.show = (v) => {
    input.value = v;
    say(v);
  };
  whole.blank = () => (output.textContent = "\u2013"); // the slider does not say where things are
  Object.defineProperty(whole, "value", { get: () => Number(input.value) });
  whole.show(value);
  input.addEventListener("input", () => {
    say(Number(input.value));
    oninput(Number(input.value));
  });
  return whole;
}

// A choice: `options` is a list of [value, text].
function chooser({ label, options, value, onchange }) {
  const select = h("select", { class: "il-select", "aria-label": label });
  for (const [key, text] of options) select.append(h("option", { value: key, selected: key === value }, text));
  select.addEventListener("change", () => onchange(select.value));
  const whole = h(
    "label",
    { class: "il-chooser" },
    h("span", { class: "il-name", "aria-hidden": "true" }, label),
    select,
  );
  whole.show = (key) => (select.value = key);
  return whole;
}

function checkbox({ label, value = false, onchange }) {
  const input = h("input", { type: "checkbox", checked: value, onchange: () => onchange(input.checked) });
  return h("label", { class: "il-check" }, input, h("span", {}, label));
}

// A line that screen readers read out when it changes, but not at each step of a drag.
function status() {
  const line = h("p", { class: "il-status", role: "status" });
  let timer = 0;
  line.say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (line.textContent !== text) line.textContent = text;
    }, 300);
  };
  return line;
}

// A canvas of `width` x `height` CSS pixels that fits the screen's density and shrinks with the page; draw in CSS
// pixels.
function canvas(width, height, properties = {}) {
  const density = Math.min(3, window.devicePixelRatio || 1);
  const element = h("canvas", {
    width: Math.round(width * density),
    height: Math.round(height * density),
    ...properties,
  });
  element.style.maxWidth = `${width}px`;
  element.style.aspectRatio = `${width} / ${height}`;
  element.classList.add("il-canvas");
  element.pen = element.getContext("2d");
  element.pen.scale(density, density);
  // Where a pointer is, in the same units.
  element.at = (event) => {
    const box = element.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  return element;
}

// The theme's colours where `el` is; `dark` says whether the ground is dark. Ask again when the theme changes.
function colours(el) {
  const style = getComputedStyle(el);
  const of = (name) => style.getPropertyValue(name).trim();
  const [r, g, b] = (style.color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  return {
    dark: 0.299 * r + 0.587 * g + 0.114 * b > 140,
    text: style.color,
    muted: of("--il-muted"),
    line: of("--il-line"),
    ground: of("--il-ground"),
    accent: of("--il-accent"),
    // Two colours that everybody can tell apart, on either ground: blue and orange.
    blue: of("--il-blue"),
    orange: of("--il-orange"),
  };
}

// Call `draw` when the reader switches between light and dark; returns a function that stops it.
function onTheme(draw) {
  const observer = new MutationObserver(() => draw());
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, {
      attributes: true,
      attributeFilter: ["data-theme", "data-mode", "class", "data-jp-theme-light"],
    });
  }
  const media = window.matchMedia("(prefers-color-scheme: dark)");
  const listen = () => draw();
  media.addEventListener("change", listen);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", listen);
  };
}

function reducedMotion() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Calls `step(milliseconds since the last call)` for each frame that is seen: not while `el` is off the screen.
function loop(el, step) {
  let running = false;
  let seen = true;
  let last = 0;
  let handle = 0;
  const tick = (now) => {
    if (!running) return;
    if (seen) step(Math.min(100, now - last));
    last = now;
    handle = requestAnimationFrame(tick);
  };
  const observer = new IntersectionObserver((entries) => (seen = entries[entries.length - 1].isIntersecting));
  observer.observe(el);
  const self = {
    get running() {
      return running;
    },
    start() {
      if (running) return;
      running = true;
      last = performance.now();
      handle = requestAnimationFrame(tick);
    },
    stop() {
      running = false;
      cancelAnimationFrame(handle);
    },
    end() {
      self.stop();
      observer.disconnect();
    },
  };
  return self;
}

// At most one call a frame, with the last arguments: for dragging. .cancel() forgets a call that has not been made.
function eachFrame(f) {
  let args = null;
  let handle = 0;
  const later = (...given) => {
    if (args === null) {
      handle = requestAnimationFrame(() => {
        const now = args;
        args = null;
        f(...now);
      });
    }
    args = given;
  };
  later.cancel = () => {
    cancelAnimationFrame(handle);
    args = null;
  };
  return later;
}

// Random numbers in [0, 1) from a seed of 32 bits (mulberry32, public domain, by Tommy Ettinger);
// chance(seed).normal() is Gaussian.
function chance(seed = (Math.random() * 2 ** 32) >>> 0) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  next.normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  next.below = (n) => Math.floor(next() * n);
  return next;
}

function normals(random, n) {
  return Float32Array.from({ length: n }, () => random.normal());
}

// Let the browser save a canvas as a PNG file.
function savePng(source, name) {
  const link = h("a", { download: name, href: source.toDataURL("image/png") });
  document.body.append(link);
  link.click();
  link.remove();
}

// Start a demo in an element. Gives the function that ends it; what goes wrong is told in the page, not only in the
// console.
function start(name, model, el) {
  el.classList.add("imggen-live");
  el.dataset.lmSuppressShortcuts = "true"; // in JupyterLab the arrow keys are ours while the focus is in here
  el.replaceChildren();
  const say = speaker(words[name], {
    ...((window.imggenLiveWords || {})[name] || {}),
    ...(model.get("strings") || {}),
  });
  return demos[name]({ model, el, say }) || (() => {});
}

// Say in the element that something failed.
function fail(el, error) {
  el.replaceChildren(h("p", { class: "il-error", role: "alert" }, String((error && error.message) || error)));
}

Object.assign(tools, { normals });
