"""The HTML, the style and the program of a rater's sheet (see `sheet`). Plain JavaScript, no library, no network."""

STYLE = """
:root{color-scheme:light}
body{margin:0;background:#777;color:#111;font:18px/1.45 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:.8rem;background:#e4e4e4;min-height:100vh;box-sizing:border-box}
h1{font-size:1.25rem;margin:.3rem 0 .8rem}
h1:focus{outline:none}
[hidden]{display:none!important}
button,a.button{font:inherit;color:#111;background:#fff;border:2px solid #444;border-radius:.4rem;padding:.5rem .9rem;
 cursor:pointer;display:inline-block;text-decoration:none;margin:.2rem .3rem .2rem 0}
button:focus-visible,a:focus-visible,textarea:focus-visible{outline:4px solid #0050c8;outline-offset:2px}
.images{display:flex;gap:.8rem;justify-content:center;margin-bottom:.5rem}
.pick{flex:1 1 0;min-width:0;margin:0;padding:.5rem}
.images img{display:block;width:100%;max-width:20rem;margin:0 auto .3rem}
.images .one{width:70%}
.scale{display:flex;gap:.3rem}
.scale button{flex:1 1 0;min-width:0;margin:0;padding:.4rem 0;min-height:3.6rem}
small{display:block;font-size:.72rem}
.state{display:flex;gap:.7rem;align-items:center;margin:.6rem 0}
progress{flex:1;min-width:0}
textarea{width:100%;box-sizing:border-box;height:9rem;font:12px/1.4 monospace;margin-top:.5rem}
.waiting img{visibility:hidden}
"""

# The storage has under `store` the pseudonym of whoever answers now, and under `store`-PSEUDONYM each person's answers. What is
# in it was written last, so it counts (`sync`), and two tabs go on together. `past` are people before, where there is no storage.
# Nothing counts too soon: for 0.2 s between two trials nothing is seen, and for 0.3 s after that no answer is taken, so that
# a key that is pressed twice or held down does not answer a trial that nobody has looked at.
SCRIPT = """
"use strict";
(() => {
const $ = id => document.getElementById(id), data = JSON.parse($("data").textContent);
const store = "imggen-sheet-" + data.digest, total = data.trials.length, images = [...document.querySelectorAll("#trial img")];
let state = {rater: "", rows: []}, past = [], since = Infinity, rested = 0, shown = 0;
const fill = (text, n) => text.replace("{n}", n).replace("{of}", total);

function kept(rater) {
  try {
    const rows = JSON.parse(localStorage.getItem(store + "-" + rater));
    if (Array.isArray(rows) && rows.length <= total &&
      rows.every((row, k) => String(row).startsWith([data.sheet, ...data.trials[k], ""].join(",")))) return rows;
  } catch {}
  return null;
}

function keep() {
  try { localStorage.setItem(store + "-" + state.rater, JSON.stringify(state.rows)); } catch { $("volatile").hidden = false; }
}

function sync() {
  const rows = kept(state.rater), changed = rows !== null && rows.join() !== state.rows.join();
  if (changed) state.rows = rows;
  return changed;
}

function begin(rater) {
  if (!/^r[0-9a-f]{12}$/.test(rater)) {
    const bytes = crypto.getRandomValues(new Uint8Array(6));
    rater = "r" + [...bytes].map(b => b.toString(16).padStart(2, "0")).join("");
  }
  state = {rater, rows: kept(rater) || []};
  rested = 0;
  try { localStorage.setItem(store, rater); } catch {}
  keep();
  $("start").textContent = data.texts[state.rows.length ? "continue" : "start"];
  $("anew").hidden = !state.rows.length;
}

function anew() {
  past.push(...state.rows);
  begin();
  screen("intro");
}

function everybody() {
  const rows = [...past], start = store + "-";
  try {
    for (const key of Object.keys(localStorage))
      if (key.startsWith(start)) rows.push(...(kept(key.slice(start.length)) || []));
  } catch {}
  return [...new Set([...rows, ...state.rows])];
}

function screen(name) {
  for (const s of document.querySelectorAll("section")) s.hidden = s.id !== name;
  $(name).querySelector("h1").focus();
}

function next() {
  const n = state.rows.length;
  if (n === total) return end();
  if (n && n % data.pause === 0 && rested !== n) {
    rested = n;
    $("pause-text").textContent = fill(data.texts.pause, n);
    return screen("pause");
  }
  if ($("trial").hidden) screen("trial");
  $("bar").value = n;
  $("back").disabled = !n;
  $("count").textContent = fill(data.texts.count, n + 1);
  since = Infinity;
  const turn = ++shown;
  $("trial").classList.add("waiting");
  setTimeout(async () => {
    if (turn !== shown) return;
    const ids = data.trials[n].slice(-images.length);
    images.forEach((image, k) => { image.src = data.images[ids[k]]; });
    await Promise.all(images.map(image => image.decode().catch(() => {})));
    if (turn !== shown) return;
    $("trial").classList.remove("waiting");
    since = performance.now();
  }, 200);
}

function answer(choice) {
  const took = performance.now() - since;
  if ($("trial").hidden || !(took > 300)) return;
  if (sync()) return next();
  const line = [data.sheet, ...data.trials[state.rows.length], choice, state.rater, Math.round(took), new Date().toISOString()];
  state.rows.push(line.join(","));
  keep();
  next();
}

function back() {
  sync();
  state.rows.pop();
  keep();
  next();
}

function end() {
  sync();
  const csv = data.columns + "\\n" + everybody().map(row => row + "\\n").join("");
  since = Infinity;
  $("end-text").textContent = fill(data.texts.end, state.rows.length);
  $("csv").value = csv;
  $("save").download = "answers-" + data.sheet.slice(0, 8) + "-" + state.rater + ".csv";
  $("save").href = URL.createObjectURL(new Blob([csv], {type: "text/csv"}));
  $("resume").hidden = state.rows.length === total;
  $("said").textContent = "";
  screen("end");
}

async function copy() {
  $("csv").select();
  if (!document.execCommand("copy")) await navigator.clipboard.writeText($("csv").value);
  $("said").textContent = data.texts.copied;
}

let last = null;
try { last = localStorage.getItem(store); } catch {}
begin(last);
for (const id of ["start", "go-on", "resume"]) $(id).onclick = () => { sync(); next(); };
for (const b of document.querySelectorAll(".back")) b.onclick = back;
for (const b of document.querySelectorAll(".anew")) b.onclick = anew;
addEventListener("storage", e => {
  if (e.key === store + "-" + state.rater && sync() && !$("trial").hidden) next();
});
$("stop").onclick = end;
$("copy").onclick = copy;
for (const b of document.querySelectorAll("[data-choice]")) b.onclick = () => answer(b.dataset.choice);
addEventListener("keydown", e => {
  if (e.repeat && e.key === "Enter") e.preventDefault();
  const choice = e.key === "Backspace" ? "back" : data.keys[e.key];
  if (!choice || $("trial").hidden || e.ctrlKey || e.altKey || e.metaKey) return;
  e.preventDefault();
  if (e.repeat) return;
  if (choice !== "back") answer(choice);
  else if (state.rows.length) back();
});
if (state.rows.length === total) end();
})();
"""

PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{t[title]}</title>
<style>{style}</style>
</head>
<body>
<main>
<section id="intro">
<h1 tabindex="-1">{t[title]}</h1>
<p>{t[intro]}</p>
<p>{t[keys]}</p>
<p id="volatile" hidden><strong>{t[volatile]}</strong></p>
<button id="start">{t[start]}</button> <button id="anew" class="anew">{t[anew]}</button>
</section>
<section id="trial" hidden>
<h1 tabindex="-1">{t[question]}</h1>
{controls}
<div class="state"><progress id="bar" max="{total}" value="0" aria-label="{t[progress]}"></progress>
<span id="count" aria-live="polite"></span>
<button id="back" class="back">{t[back]}</button><button id="stop">{t[stop]}</button></div>
</section>
<section id="pause" hidden>
<h1 tabindex="-1">{t[pause_title]}</h1>
<p id="pause-text"></p>
<button id="go-on">{t[continue]}</button>
</section>
<section id="end" hidden>
<h1 tabindex="-1">{t[end_title]}</h1>
<p id="end-text"></p>
<a id="save" class="button">{t[save]}</a> <button id="copy">{t[copy]}</button> <button id="resume">{t[continue]}</button>
<button class="back">{t[back]}</button> <button class="anew">{t[anew]}</button>
<span id="said" role="status"></span>
<textarea id="csv" readonly aria-label="{t[answers]}"></textarea>
</section>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
