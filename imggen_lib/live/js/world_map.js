// The map: a square of tiles seen from above, with the light from the north-west, and in blue the hollows that water would fill.

const worldMapReach = 3; // tiles on each side of the one in the middle

// Heights of the square of tiles around a place, once all of them are there; else null.
function worldField(tiles, column, row, { NET, HALO, SIDE }) {
  const wide = (2 * worldMapReach + 1) * NET;
  const heights = new Float32Array(wide * wide);
  for (let r = 0; r <= 2 * worldMapReach; r++) {
    for (let c = 0; c <= 2 * worldMapReach; c++) {
      const tile = tiles.at(column - worldMapReach + c, row - worldMapReach + r);
      if (!tile) return null;
      for (let k = 0; k < NET; k++) {
        const from = (k + HALO) * SIDE + HALO;
        heights.set(tile.heights.subarray(from, from + NET), (r * NET + k) * wide + c * NET);
      }
    }
  }
  return { heights, wide, first: [(column - worldMapReach) * NET, (row - worldMapReach) * NET] };
}

// A canvas with the field's picture, a pixel a cell.
function worldRelief({ heights, wide, water }, { cell, low, high, sun }) {
  const picture = h("canvas", { width: wide, height: wide });
  const pen = picture.getContext("2d");
  const image = pen.createImageData(wide, wide);
  const stops = [
    [0, 126, 140, 88],
    [0.3, 158, 158, 98],
    [0.55, 190, 166, 112],
    [0.8, 176, 150, 124],
    [0.92, 226, 222, 218],
    [1, 246, 247, 250],
  ];
  for (let r = 0; r < wide; r++) {
    for (let c = 0; c < wide; c++) {
      const at = r * wide + c;
      const [left, right] = [c ? at - 1 : at, c < wide - 1 ? at + 1 : at];
      const [up, down] = [r ? at - wide : at, r < wide - 1 ? at + wide : at];
      const east = (heights[right] - heights[left]) / ((right - left) * cell);
      const south = (heights[down] - heights[up]) / (((down - up) / wide) * cell);
      const facing = (-east * sun[0] + sun[1] - south * sun[2]) / Math.hypot(east, 1, south);
      const light = 0.35 + 0.95 * Math.max(0, facing);
      const t = Math.max(0, Math.min(1, (heights[at] - low) / (high - low)));
      let k = 1;
      while (k < stops.length - 1 && stops[k][0] < t) k++;
      const s = (t - stops[k - 1][0]) / (stops[k][0] - stops[k - 1][0]);
      const wet = water && water[2 * at] > 0;
      for (let i = 0; i < 3; i++) {
        const land = (stops[k - 1][i + 1] * (1 - s) + stops[k][i + 1] * s) * light;
        image.data[4 * at + i] = wet ? [24, 92, 190][i] : land;
      }
      image.data[4 * at + 3] = 255;
    }
  }
  pen.putImageData(image, 0, 0);
  return picture;
}

// The map as a control. `go(x, z)` is called with a place in cells of the world; with `pan` it is dragged instead of tapped.
function worldMap({ label, size, shown, go, pan, ink }) {
  const board = canvas(size, size, { tabindex: 0, role: "application", "aria-label": label, class: "il-world-map" });
  let field = null;
  let picture = null;
  let here = { x: 0, z: 0, yaw: 0 };
  let cross = null; // where the keyboard points, in cells from here
  const scale = size / shown;
  const self = { board };

  function draw() {
    const pen = board.pen;
    pen.fillStyle = ink().empty;
    pen.fillRect(0, 0, size, size);
    if (picture) {
      const x = size / 2 - (here.x - field.first[0]) * scale;
      const y = size / 2 - (here.z - field.first[1]) * scale;
      pen.imageSmoothingEnabled = true;
      pen.drawImage(picture, x, y, field.wide * scale, field.wide * scale);
    }
    pen.save();
    pen.translate(size / 2, size / 2);
    pen.rotate(here.yaw);
    pen.beginPath();
    if (pan) pen.arc(0, 0, 4, 0, 7);
    else for (const [x, y] of [[0, -11], [7, 8], [0, 4], [-7, 8]]) pen.lineTo(x, y);
    pen.closePath();
    pen.lineWidth = 3;
    pen.strokeStyle = "#fff";
    pen.stroke();
    pen.fillStyle = "#111";
    pen.fill();
    pen.restore();
    if (cross) {
      const [x, y] = [size / 2 + cross.x * scale, size / 2 + cross.z * scale];
      for (const [width, colour] of [[5, "#fff"], [2, "#111"]]) {
        pen.lineWidth = width;
        pen.strokeStyle = colour;
        pen.beginPath();
        pen.moveTo(x - 9, y);
        pen.lineTo(x + 9, y);
        pen.moveTo(x, y - 9);
        pen.lineTo(x, y + 9);
        pen.stroke();
      }
    }
  }
  self.draw = eachFrame(draw);
  self.field = (found, options) => {
    field = found;
    picture = found && worldRelief(found, options);
    self.draw();
  };
  self.move = (place) => {
    here = place;
    self.draw();
  };

  let from = null;
  board.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    cross = null;
    from = { at: board.at(event), here, moved: false };
    if (pan) board.setPointerCapture(event.pointerId);
  });
  board.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = board.at(event);
    const [dx, dy] = [(x - from.at[0]) / scale, (y - from.at[1]) / scale];
    if (Math.hypot(dx, dy) * scale > 6) from.moved = true;
    if (pan && from.moved) go(from.here.x - dx, from.here.z - dy);
  });
  board.addEventListener("pointerup", (event) => {
    if (from && !from.moved) {
      const [x, y] = board.at(event);
      go(here.x + (x - size / 2) / scale, here.z + (y - size / 2) / scale);
    }
    from = null;
  });
  board.addEventListener("pointercancel", () => (from = null));
  board.addEventListener("blur", () => {
    cross = null;
    self.draw();
  });
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way && !(event.key === "Enter" && cross)) return;
    event.preventDefault();
    if (!way) {
      const to = cross;
      cross = null;
      return go(here.x + to.x, here.z + to.z);
    }
    const step = shown / 24;
    if (pan) return go(here.x + way[0] * step, here.z + way[1] * step);
    const within = (v) => Math.max(-shown / 2, Math.min(shown / 2, v));
    cross = { x: within((cross?.x ?? 0) + way[0] * step), z: within((cross?.z ?? 0) + way[1] * step) };
    self.draw();
  });
  return self;
}
