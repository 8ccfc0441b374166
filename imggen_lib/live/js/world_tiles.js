// Tiles are made beside the page, by a worker, so that no frame waits for one. Where there is no worker, one tile after the other.

// The text of the worker: the maths with what it uses, and its answers.
function worldWorkerText() {
  const shared = [multiplyInto, assembledProduct, productWith, kernelPlaces, placesOf, startAtBias, convLayer, worldMaths];
  return [
    '"use strict";',
    `const PRODUCT_CODE = ${JSON.stringify(PRODUCT_CODE)};`,
    "let assembled = null;",
    ...shared.map(String),
    `(${worldAnswer})(worldMaths());`,
  ].join("\n");
}

// Runs in the worker.
function worldAnswer(maths) {
  self.onmessage = ({ data: { id, job, given } }) => {
    try {
      const result = maths[job](given);
      const buffers = Object.values(result || {}).filter(ArrayBuffer.isView).map((view) => view.buffer);
      self.postMessage({ id, result }, buffers);
    } catch (error) {
      self.postMessage({ id, error: String(error && error.message) });
    }
  };
}

// `ask(job, given)` promises what the function of that name in `worldMaths` gives.
function worldHelper() {
  const waiting = new Map();
  let last = 0;
  let worker = null;
  let own = null;
  const here = (job, given) =>
    new Promise((done) => setTimeout(done, 0)).then(() => {
      own ??= worldMaths();
      return own[job](given);
    });
  let alone = Promise.resolve(); // without a worker: one job after the other
  let known = null; // the weights, told again if the worker fails
  const inTurn = (job, given) => (alone = alone.catch(() => {}).then(() => here(job, given)));
  try {
    const address = URL.createObjectURL(new Blob([worldWorkerText()], { type: "text/javascript" }));
    worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data: { id, result, error } }) => {
      const { done, failed } = waiting.get(id) || {};
      waiting.delete(id);
      if (error !== undefined) failed?.(new Error(error));
      else done?.(result);
    };
    worker.onerror = (event) => {
      // A page that forbids workers: what was asked is done here.
      event.preventDefault();
      worker = null;
      const left = [...waiting.values()];
      waiting.clear();
      if (known) inTurn("learn", known);
      for (const { job, given, done, failed } of left) if (job !== "learn") inTurn(job, given).then(done, failed);
    };
  } catch {
    worker = null;
  }
  return {
    get beside() {
      return worker !== null;
    },
    ask(job, given) {
      if (job === "learn") known = given;
      if (!worker) return inTurn(job, given);
      return new Promise((done, failed) => {
        const id = ++last;
        waiting.set(id, { job, given, done, failed });
        worker.postMessage({ id, job, given });
      });
    },
    end() {
      if (worker) worker.terminate();
      worker = null;
      waiting.clear();
    },
  };
}

// The tiles of one world. `came(tile)` hears of each that has been made, `left(tile)` of each that is forgotten.
function worldTiles({ helper, kind, seed, cell, came, left, failed, keep = 260 }) {
  const made = new Map();
  const asked = new Set();
  const name = (column, row) => `${column},${row}`;
  let over = false;
  const self = {
    made,
    at: (column, row) => made.get(name(column, row)),
    // Ask for the first of the list that is missing; at most four are on their way at a time, so that a new list is soon served.
    want(list, [column, row]) {
      for (const [c, r] of list) {
        if (asked.size >= 4) break;
        const key = name(c, r);
        if (made.has(key) || asked.has(key)) continue;
        asked.add(key);
        helper.ask("tile", { kind, seed, column: c, row: r, cell }).then(
          (tile) => {
            asked.delete(key);
            if (over) return;
            const whole = { ...tile, column: c, row: r };
            made.set(key, whole);
            if (made.size > keep) self.forget(column, row);
            came(whole);
          },
          (error) => !over && failed(error),
        );
      }
    },
    // Let go of the fifth that is furthest away.
    forget(column, row) {
      const far = (tile) => Math.hypot(tile.column - column, tile.row - row);
      const old = [...made.values()].sort((a, b) => far(b) - far(a)).slice(0, keep / 5);
      for (const tile of old) {
        made.delete(name(tile.column, tile.row));
        left(tile);
      }
    },
    end() {
      over = true;
      for (const tile of made.values()) left(tile);
      made.clear();
    },
  };
  return self;
}

// The tiles within `reach` of a place (in tiles), nearest first.
function worldAround(x, y, reach) {
  const list = [];
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const whole = Math.ceil(reach);
  for (let r = row - whole; r <= row + whole; r++) {
    for (let c = column - whole; c <= column + whole; c++) {
      const away = Math.hypot(Math.max(c - x, 0, x - c - 1), Math.max(r - y, 0, y - r - 1));
      if (away < reach) list.push([c, r, away]);
    }
  }
  return list.sort((a, b) => a[2] - b[2]);
}
