// Small comforts for every page of the book. No library, no network.
"use strict";

(() => {
  const SMALLEST = { inline: 0.66, display: 0.72 }; // how much smaller a formula may be drawn than its text
  const COLUMNS = "p, li, td, th, dd, dt, h1, h2, h3, h4, div.math";
  const SCROLLERS =
    "pre, .cell_output > .output, .pst-scrollable-table-container, [role=region], mjx-container[display], mjx-container.too-wide";

  // A formula that is wider than its column (on a phone) is drawn smaller, and what is still wider can be scrolled.
  function fit(formula, room) {
    const display = formula.hasAttribute("display");
    const phone = display && innerWidth <= 600;
    formula.dataset.size ??= formula.style.fontSize || "100%"; // what MathJax has chosen to fit the text's font
    const size = phone ? 100 : parseFloat(formula.dataset.size);
    formula.style.fontSize = `${size}%`;
    formula.classList.remove("too-wide");
    const wide = display ? formula.scrollWidth : formula.getBoundingClientRect().width;
    if (!wide || wide <= (display ? formula.clientWidth : room)) return;
    const space = display ? formula.clientWidth : room;
    const scale = Math.max(display ? SMALLEST.display : SMALLEST.inline, (0.985 * space) / wide);
    formula.style.fontSize = `${size * scale}%`;
    formula.classList.toggle("too-wide", !display && scale * wide > room);
    if (display && formula.scrollWidth > formula.clientWidth + 1) breakUp(formula);
  }

  // What is too wide even so is broken before its relation signs. MathJax 3 sets a formula as a row of boxes: those between two
  // signs become one box, and boxes may stand below one another.
  const RELATIONS = ["3D", "2264", "2265", "2248", "223C", "2192", "221D", "2261", "21D2", "3A"].map((code) => `mjx-c${code}`);
  function breakUp(formula) {
    const row = formula.querySelector("mjx-math");
    if (!row || formula.classList.contains("broken")) return;
    const boxes = [document.createElement("span")];
    for (const part of [...row.children]) {
      const relation = part.matches("mjx-mo") && RELATIONS.includes(part.querySelector("mjx-c")?.classList[0]);
      if (relation && boxes.at(-1).childElementCount) boxes.push(document.createElement("span"));
      boxes.at(-1).append(part);
    }
    row.append(...boxes);
    formula.classList.add("broken");
  }

  function fitFormulas(columns) {
    for (const column of columns) {
      const room = column.clientWidth;
      if (!room || room === column.fitted) continue;
      column.fitted = room;
      for (const formula of column.querySelectorAll("mjx-container")) if (formula.closest(COLUMNS) === column) fit(formula, room);
    }
  }

  // What is cut off at a side fades out there, beside a line of colour; and it can be reached by keyboard. (The theme sees to the
  // keyboard too, but on a page that moves it never gets round to it.)
  function mark(box) {
    const more = box.scrollWidth - box.clientWidth;
    box.classList.toggle("cut-left", more > 1 && box.scrollLeft > 1);
    box.classList.toggle("cut-right", more > 1 && box.scrollLeft < more - 1);
    if (!box.matches("mjx-container, [role=region]")) box.tabIndex = more > 0 || box.scrollHeight > box.clientHeight ? 0 : -1;
  }

  // A picture of a cell that is drawn smaller than it is leads to itself in full size.
  function link(picture) {
    if (!picture.clientWidth || picture.naturalWidth <= picture.clientWidth + 1 || picture.closest("a")) return;
    const anchor = document.createElement("a");
    anchor.href = picture.src;
    anchor.className = "larger";
    picture.replaceWith(anchor);
    anchor.append(picture);
  }

  // Boxes are looked at when they appear and whenever their size changes: the window, a fold that opens, a formula that was fitted.
  function watch(selector, look) {
    const observer = new ResizeObserver((entries) => requestAnimationFrame(() => look(entries.map((entry) => entry.target))));
    const boxes = document.querySelectorAll(selector);
    for (const box of boxes) observer.observe(box);
    return boxes;
  }

  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    const columns = new Set([...document.querySelectorAll("mjx-container")].map((formula) => formula.closest(COLUMNS)));
    columns.delete(null);
    const observer = new ResizeObserver((entries) => requestAnimationFrame(() => fitFormulas(entries.map((entry) => entry.target))));
    for (const column of columns) observer.observe(column);
    fitFormulas(columns);
    for (const box of watch(SCROLLERS, (boxes) => boxes.forEach(mark)))
      box.addEventListener("scroll", () => mark(box), { passive: true });
    watch(".cell_output img", (pictures) => pictures.forEach(link));
  });
})();
