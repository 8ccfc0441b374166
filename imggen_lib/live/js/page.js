// In a page there is no kernel and no widget manager: a small stand-in for anywidget's model, and the mounts.
//
// A mount is <div class="imggen-live" data-demo="NAME" data-options="JSON" data-strings="JSON">a sentence for readers
// without scripts</div>; data-sizes="JSON" may say how many kB the files have that the reader can ask for. Each demo of a page is a
// script of its own, and starts its own mounts. Files (weights, points of a map) come as scripts beside it, so that file:// works; each
// says
//   (window.imggenLiveFiles ||= {})["NAME"] = { spec: {...}, bytes: "base64" };

const home = document.currentScript ? document.currentScript.src.replace(/[^/]*$/, "") : "";
const asked = (window.imggenLiveAsked = window.imggenLiveAsked || {}); // by any demo of the page

// Bring a file's script, once.
function bring(name) {
  const files = (window.imggenLiveFiles = window.imggenLiveFiles || {});
  asked[name] ??= new Promise((done) => {
    if (files[name]) return done();
    const script = document.createElement("script");
    script.src = `${home}${encodeURIComponent(name)}.js`;
    script.onload = done;
    script.onerror = () => {
      files[name] = { error: `${name}.js is missing` };
      done();
    };
    document.head.append(script);
  });
  return asked[name];
}

// What a demo sees of anywidget's model, over the mount's data.
function pageModel(options, strings, sizes) {
  const values = { options, strings, sizes, files: (window.imggenLiveFiles = window.imggenLiveFiles || {}), wanted: [] };
  const listeners = {};
  const call = (event) => [...(listeners[event] || [])].forEach((f) => f());
  return {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      call(`change:${name}`);
    },
    save_changes() {
      for (const name of values.wanted) bring(name).then(() => call("change:files"));
    },
    on: (event, f) => (listeners[event] ??= []).push(f),
    off: (event, f) => (listeners[event] = (listeners[event] || []).filter((g) => g !== f)),
  };
}

words.page = { load: "Load this demo ({size} kB)" };

// A demo that would make the page heavy waits for a click.
function hold(el) {
  const say = speaker(words.page, (window.imggenLiveWords || {}).page);
  const load = button(say("load", { size: el.dataset.hold }), () => {
    delete el.dataset.hold;
    mount(el);
  });
  el.replaceChildren(load);
}

function mount(el) {
  if (el.dataset.started || !demos[el.dataset.demo]) return;
  el.classList.remove("il-waiting");
  if (el.dataset.hold) return hold(el);
  el.dataset.started = "yes";
  const fallback = [...el.childNodes];
  try {
    const data = (name) => JSON.parse(el.dataset[name] || "{}");
    const model = pageModel(data("options"), data("strings"), data("sizes"));
    el.imggenLive = { model, end: start(el.dataset.demo, model, el) };
  } catch (error) {
    el.replaceChildren(...fallback);
    throw error;
  }
}

// Demos start a little before they come into view, else one after the other when the page has nothing to do, and at once
// before it is printed. The sentence for readers without scripts is not shown meanwhile.
function mountAll() {
  if (!document.getElementById("imggen-live-style")) {
    const style = document.createElement("style");
    style.id = "imggen-live-style";
    style.textContent = STYLE_SHEET;
    document.head.append(style);
  }
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        observer.unobserve(entry.target);
        mount(entry.target);
      }
    },
    { rootMargin: "300px" },
  );
  const waiting = [...document.querySelectorAll(".imggen-live[data-demo]")].filter((el) => demos[el.dataset.demo]);
  for (const el of waiting) {
    if (!el.dataset.started) el.classList.add("il-waiting");
    observer.observe(el);
  }
  addEventListener("beforeprint", () => waiting.forEach(mount));
  const idle = window.requestIdleCallback ?? ((f) => setTimeout(f, 200));
  const next = () => {
    const el = waiting.shift();
    if (!el) return;
    mount(el);
    idle(next);
  };
  if (document.readyState === "complete") idle(next);
  else addEventListener("load", () => idle(next));
}

// What the demos of this page have for tests.
const before = (window.imggenLive = window.imggenLive || { tools: { pageModel, words: {} } }).tools;
Object.assign(before, tools, { words: { ...before.words, ...words } });
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
else mountAll();
