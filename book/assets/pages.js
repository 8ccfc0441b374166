// Small comforts for every page of the book. No library, no network.
"use strict";

(() => {
  // A formula inside a line cannot be broken. Where it is wider than its column (on a phone) it is drawn smaller, down to two thirds,
  // and what is still wider can be scrolled.
  function fitFormulas() {
    for (const formula of document.querySelectorAll("mjx-container:not([display])")) {
      const column = formula.closest("p, li, td, th, dd, dt, h1, h2, h3, h4");
      if (!column) continue;
      formula.dataset.size ??= formula.style.fontSize || "100%"; // what MathJax has chosen to fit the text's font
      formula.style.fontSize = formula.dataset.size;
      formula.classList.remove("too-wide");
      const wide = formula.getBoundingClientRect().width;
      const room = column.clientWidth;
      if (!wide || !room || wide <= room) continue;
      const scale = Math.max(0.66, (0.99 * room) / wide);
      formula.style.fontSize = `${parseFloat(formula.dataset.size) * scale}%`;
      formula.classList.toggle("too-wide", scale * wide > room);
    }
  }

  // What scrolls must be reachable by keyboard. The theme sees to that too, but on a page that moves it never gets round to it.
  function reachScrollers() {
    for (const box of document.querySelectorAll("pre, .cell_output > .output, .pst-scrollable-table-container"))
      box.tabIndex = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight ? 0 : -1;
  }

  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    fitFormulas();
    let width = innerWidth;
    let waiting = 0;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        fitFormulas();
        reachScrollers();
      }, 200);
    });
  });
})();
