// Heights of a landscape without end, tile by tile, and what is read off them: slopes, hollows, shadows.
//
// All of it is one function, because a worker gets its text: in a page opened from a file a worker can be made from text only.
// Where Python has the same, its name stands beside it; tests compare the two.

function worldMaths() {
  const NET = 64; // cells from one tile to the next
  const HALO = 4; // cells that a tile has beyond its edges, on each side
  const SIDE = NET + 2 * HALO;
  const GROUND = NET + 1; // cells of the ground's texture: both edges belong to a tile

  // 32 mixed bits of three whole numbers.
  function hash(x, y, seed) {
    let h = Math.imul(x, 0x8da6b343) ^ Math.imul(y, 0xd8163841) ^ Math.imul(seed, 0xcb1ab31f);
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return (h ^ (h >>> 16)) >>> 0;
  }

  // Placeholder: value noise in octaves.
  function fbm(x0, y0, side, seed) {
    const out = new Float32Array(side * side);
    for (let octave = 0, size = 128, gain = 900; size >= 2; octave++, size /= 2, gain *= 0.45) {
      const value = (x, y) => hash(x, y, seed * 16 + octave) / 4294967296 - 0.5;
      for (let r = 0; r < side; r++) {
        const v = (y0 + r) / size;
        const j = Math.floor(v);
        const t = v - j;
        const b = t * t * t * (t * (6 * t - 15) + 10);
        for (let c = 0; c < side; c++) {
          const u = (x0 + c) / size;
          const i = Math.floor(u);
          const s = u - i;
          const a = s * s * s * (s * (6 * s - 15) + 10);
          const top = value(i, j) * (1 - a) + value(i + 1, j) * a;
          const low = value(i, j + 1) * (1 - a) + value(i + 1, j + 1) * a;
          out[r * side + c] += gain * (top * (1 - b) + low * b);
        }
      }
    }
    return out;
  }

  // What the light needs to know of a tile's cells, four numbers each: both slopes (metres a metre), how much of the sky is
  // seen (from a ring of neighbours, 0 to 1), and the height. Neighbouring tiles agree on the cells of their common edge.
  function ground(heights, cell) {
    const out = new Float32Array(GROUND * GROUND * 4);
    for (let r = 0; r < GROUND; r++) {
      for (let c = 0; c < GROUND; c++) {
        const at = (r + HALO) * SIDE + c + HALO;
        const h = heights[at];
        const near = heights[at - 1] + heights[at + 1] + heights[at - SIDE] + heights[at + SIDE];
        const far = heights[at - 3] + heights[at + 3] + heights[at - 3 * SIDE] + heights[at + 3 * SIDE];
        const to = 4 * (r * GROUND + c);
        out[to] = (heights[at + 1] - heights[at - 1]) / (2 * cell);
        out[to + 1] = (heights[at + SIDE] - heights[at - SIDE]) / (2 * cell);
        out[to + 2] = Math.max(0.25, Math.min(1, 0.82 + (h - (near + 2 * far) / 12) / (1.2 * cell)));
        out[to + 3] = h;
      }
    }
    return out;
  }

  // Heights with all closed hollows filled to where water would run over, the border being open (greyscale reconstruction by
  // erosion): Barnes' priority flood.
  function fill(heights, wide, high) {
    const level = Float32Array.from(heights);
    const seen = new Uint8Array(wide * high);
    const heap = new Int32Array(wide * high);
    let size = 0;
    const push = (cell) => {
      seen[cell] = 1;
      let k = size++;
      while (k > 0) {
        const up = (k - 1) >> 1;
        if (level[heap[up]] <= level[cell]) break;
        heap[k] = heap[up];
        k = up;
      }
      heap[k] = cell;
    };
    const pop = () => {
      const first = heap[0];
      const last = heap[--size];
      let k = 0;
      for (let down = 1; down < size; down = 2 * k + 1) {
        if (down + 1 < size && level[heap[down + 1]] < level[heap[down]]) down++;
        if (level[heap[down]] >= level[last]) break;
        heap[k] = heap[down];
        k = down;
      }
      heap[k] = last;
      return first;
    };
    for (let c = 0; c < wide; c++) {
      push(c);
      push((high - 1) * wide + c);
    }
    for (let r = 1; r < high - 1; r++) {
      push(r * wide);
      push(r * wide + wide - 1);
    }
    while (size) {
      const cell = pop();
      const row = Math.floor(cell / wide);
      const column = cell % wide;
      for (let r = Math.max(0, row - 1); r <= Math.min(high - 1, row + 1); r++) {
        for (let c = Math.max(0, column - 1); c <= Math.min(wide - 1, column + 1); c++) {
          const next = r * wide + c;
          if (seen[next]) continue;
          if (level[next] < level[cell]) level[next] = level[cell];
          push(next);
        }
      }
    }
    return level;
  }

  // How high above each cell the shadow of the land reaches, in metres (0 in the sun). `sun` points to it: [east, up, south].
  function shadows(heights, wide, high, cell, [east, up, south]) {
    const along = Math.max(Math.abs(east), Math.abs(south));
    const [dx, dy] = [east / along, south / along]; // one step towards the sun; one of the two is a whole cell
    const drop = (up / along) * cell;
    const reach = Float32Array.from(heights);
    const rows = Math.abs(dy) >= Math.abs(dx);
    const [lines, width] = rows ? [high, wide] : [wide, high];
    const at = rows ? (line, k) => line * wide + k : (line, k) => k * wide + line;
    const [way, aside] = rows ? [dy, dx] : [dx, dy];
    for (let n = 1; n < lines; n++) {
      const line = way > 0 ? lines - 1 - n : n;
      const before = way > 0 ? line + 1 : line - 1;
      for (let k = 0; k < width; k++) {
        const from = Math.max(0, Math.min(width - 1, k + aside));
        const left = Math.min(width - 2, Math.floor(from));
        const t = from - left;
        const there = reach[at(before, left)] * (1 - t) + reach[at(before, left + 1)] * t - drop;
        if (there > reach[at(line, k)]) reach[at(line, k)] = there;
      }
    }
    return reach.map((value, k) => value - heights[k]);
  }

  // A height between cells: a Catmull-Rom spline through them. `x` and `y` count cells of the tile; the vertex shader does the same.
  function between(heights, x, y) {
    const [i, j] = [Math.min(NET - 1, Math.floor(x)), Math.min(NET - 1, Math.floor(y))];
    const spline = (t) => [
      t * (-0.5 + t * (1 - 0.5 * t)),
      1 + t * t * (-2.5 + 1.5 * t),
      t * (0.5 + t * (2 - 1.5 * t)),
      t * t * (-0.5 + 0.5 * t),
    ];
    const [a, b] = [spline(x - i), spline(y - j)];
    let sum = 0;
    for (let r = 0; r < 4; r++) {
      for (let c = 0; c < 4; c++) sum += b[r] * a[c] * heights[(j + r - 1 + HALO) * SIDE + i + c - 1 + HALO];
    }
    return sum;
  }

  // What a worker is asked for.
  function tile({ kind, seed, column, row, cell }) {
    const heights = fbm(column * NET - HALO, row * NET - HALO, SIDE, seed);
    let [low, top] = [Infinity, -Infinity];
    for (const h of heights) {
      low = Math.min(low, h);
      top = Math.max(top, h);
    }
    return { heights, ground: ground(heights, cell), low, top };
  }

  // Water and shadow over a field of heights: two numbers a cell, metres of water and metres up to the light. On dry cells the water
  // is negative, metres from the level of the lake beside them up to the ground, so that the shore lies where it passes zero.
  function weather({ heights, wide, high, cell, sun }) {
    const level = fill(heights, wide, high);
    const shade = shadows(level, wide, high, cell, sun);
    const out = new Float32Array(2 * wide * high);
    let wet = 0;
    for (let k = 0; k < wide * high; k++) {
      out[2 * k] = level[k] - heights[k];
      out[2 * k + 1] = shade[k];
      if (level[k] > heights[k]) wet += 1;
      else {
        let beside = -cell;
        const [row, column] = [Math.floor(k / wide), k % wide];
        for (let r = Math.max(0, row - 1); r <= Math.min(high - 1, row + 1); r++) {
          for (let c = Math.max(0, column - 1); c <= Math.min(wide - 1, column + 1); c++) {
            const near = r * wide + c;
            if (level[near] > heights[near]) beside = Math.max(beside, level[near] - heights[k]);
          }
        }
        out[2 * k] = Math.min(0, beside);
      }
    }
    return { out, share: wet / (wide * high) };
  }

  return { NET, HALO, SIDE, GROUND, hash, fbm, ground, fill, shadows, between, tile, weather };
}
