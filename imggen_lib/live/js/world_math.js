// Heights of a landscape without end, tile by tile, and what is read off them: slopes, hollows, shadows.
//
// All of it is one function, because a worker gets its text: in a page opened from a file a worker can be made from text only.
// Where Python has the same, its name stands beside it; tests compare the two.

function worldMaths() {
  const NET = 64; // cells from one tile to the next
  const HALO = 4; // cells that a tile has beyond its edges, on each side
  const SIDE = NET + 2 * HALO;
  const GROUND = NET + 1; // cells of the ground's texture: both edges belong to a tile

  // imggen_lib.applications.worlds.noise: scramble, hashed, normal, field, fbm.
  function scramble(h) {
    h ^= h >>> 16;
    h = Math.imul(h, 0x7feb352d);
    h ^= h >>> 15;
    h = Math.imul(h, 0x846ca68b);
    return h ^ (h >>> 16);
  }
  const key = (seed, channel) => scramble((scramble((seed + 0x9e3779b9) | 0) + channel) | 0);
  const hashed = (start, x, y) => scramble((scramble((start + x) | 0) + y) | 0);
  const PER_SD = Math.fround(1 / Math.sqrt((4 * (256 ** 2 - 1)) / 12));
  const normal = (h) => Math.fround(((h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24) - 510) * PER_SD);

  // One channel of noise on a window, into `out` from `at` on.
  function field(out, at, seed, channel, left, top, high, wide) {
    const start = key(seed, channel);
    for (let c = 0; c < wide; c++) {
      const column = scramble((start + left + c) | 0);
      for (let r = 0; r < high; r++) out[at + r * wide + c] = normal(scramble((column + top + r) | 0));
    }
  }

  function fbm(seed, left, top, high, wide, octaves = 7, gain = 0.5) {
    const land = new Float64Array(high * wide);
    for (let k = 0; k < octaves; k++) {
      const step = 2 ** (octaves - 1 - k);
      const start = key(seed, k);
      const places = (from, count) =>
        Array.from({ length: count }, (_, n) => {
          const i = Math.floor((from + n) / step);
          const t = (from + n) / step - i;
          return [i, t ** 3 * (t * (6 * t - 15) + 10)];
        });
      const columns = places(left, wide);
      places(top, high).forEach(([j, v], r) => {
        let [last, a, b, c, d] = [null, 0, 0, 0, 0];
        columns.forEach(([i, u], n) => {
          if (i !== last) {
            [a, b, c, d] = [[i, j], [i + 1, j], [i, j + 1], [i + 1, j + 1]].map(([x, y]) => normal(hashed(start, x, y)));
            last = i;
          }
          const upper = (1 - u) * a + u * b;
          const lower = (1 - u) * c + u * d;
          land[r * wide + n] += gain ** k * ((1 - v) * upper + v * lower);
        });
      });
    }
    return land;
  }

  // imggen_lib.applications.worlds.generator: plan, doubled, Terrain, heights. `learn` takes the file of the weights.
  let stages = null;
  let last = null;
  let world = { unit: 100, octaves: 7, gain: 0.5, scale: 100 };
  function learn({ spec, tensors }) {
    const layers = spec.nets.land.map((said) => convLayer({ ...said, weight: tensors[said.weight], bias: tensors[said.bias] }));
    stages = spec.stages.map(([noise, , count]) => ({ noise, layers: layers.splice(0, count) }));
    [last] = layers;
    world = spec.world;
  }

  function plan(start, size) {
    let [low, high] = [start - 1, start + size + 1];
    const windows = [];
    for (const { layers } of [...stages].reverse()) {
      [low, high] = [low - layers.length, high + layers.length];
      windows.unshift([low, high - low]);
      [low, high] = [Math.floor(low / 2), Math.floor((high - 1) / 2) + 2];
    }
    return windows;
  }

  // The window of `high` x `wide` samples from (top, left) on of the doubled map.
  function doubled({ data, shape: [channels, rows, columns] }, top, left, high, wide) {
    const out = new Float32Array(channels * high * wide);
    const between = new Float32Array(rows * wide);
    for (let c = 0; c < channels; c++) {
      const from = c * rows * columns;
      for (let x = 0; x < wide; x++) {
        const k = (x + left) >> 1;
        const [a, b] = (x + left) & 1 ? [0.25, 0.75] : [0.75, 0.25];
        for (let r = 0; r < rows; r++) between[r * wide + x] = a * data[from + r * columns + k] + b * data[from + r * columns + k + 1];
      }
      for (let y = 0; y < high; y++) {
        const k = ((y + top) >> 1) * wide;
        const [a, b] = (y + top) & 1 ? [0.25, 0.75] : [0.75, 0.25];
        const to = (c * high + y) * wide;
        for (let x = 0; x < wide; x++) out[to + x] = a * between[k + x] + b * between[k + wide + x];
      }
    }
    return out;
  }

  function land(seed, left, top, high, wide) {
    const [rows, columns] = [plan(top, high), plan(left, wide)];
    let x = null;
    stages.forEach(({ noise, layers }, k) => {
      const [[y0, tall], [x0, broad]] = [rows[k], columns[k]];
      const below = x === null ? 0 : x.shape[0];
      const data = new Float32Array((below + noise) * tall * broad);
      if (x !== null) data.set(doubled(x, y0 & 1, x0 & 1, tall, broad));
      for (let c = 0; c < noise; c++) field(data, (below + c) * tall * broad, seed, 16 * k + c, x0, y0, tall, broad);
      x = { data, n: 1, shape: [below + noise, tall, broad] };
      for (const layer of layers) {
        x = layer(x);
        for (let i = 0; i < x.data.length; i++) if (x.data[i] < 0) x.data[i] *= 0.2;
      }
    });
    return last(x).data.map((value) => value * world.unit);
  }

  function heightsOf(kind, seed, left, top, high, wide) {
    if (kind === "land") return land(seed, left, top, high, wide);
    return Float32Array.from(fbm(seed, left, top, high, wide, world.octaves, world.gain), (value) => value * world.scale);
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

  // imggen_lib.applications.worlds.lakes.level: hollows are filled within fixed blocks of two by two tiles, and the highest answer
  // counts, so that a lake does not change with the place of who looks. Exact where all four blocks of a cell lie in the field.
  function lakes(heights, wide, high) {
    const level = Float32Array.from(heights);
    const side = 2 * NET;
    const block = new Float32Array(side * side);
    for (let top = 0; top + side <= high; top += NET) {
      for (let left = 0; left + side <= wide; left += NET) {
        for (let r = 0; r < side; r++) block.set(heights.subarray((top + r) * wide + left, (top + r) * wide + left + side), r * side);
        const full = fill(block, side, side);
        for (let r = 0; r < side; r++) {
          for (let c = 0; c < side; c++) {
            const at = (top + r) * wide + left + c;
            if (full[r * side + c] > level[at]) level[at] = full[r * side + c];
          }
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
    const heights = heightsOf(kind, seed, column * NET - HALO, row * NET - HALO, SIDE, SIDE);
    let [low, top] = [Infinity, -Infinity];
    for (const h of heights) {
      low = Math.min(low, h);
      top = Math.max(top, h);
    }
    return { heights, ground: ground(heights, cell), low, top };
  }

  // Water and shadow over a field of heights: two numbers a cell, metres of water and metres up to the light. On dry cells the water
  // is negative, metres from the level of the lake beside them up to the ground, so that the shore lies where it passes zero. The share is that of the tiles within the outermost.
  function weather({ heights, wide, high, cell, sun }) {
    const level = lakes(heights, wide, high);
    const shade = shadows(level, wide, high, cell, sun);
    const out = new Float32Array(2 * wide * high);
    const inner = (k) => k >= NET;
    let [wet, all] = [0, 0];
    for (let k = 0; k < wide * high; k++) {
      const [row, column] = [Math.floor(k / wide), k % wide];
      if (inner(row) && inner(high - 1 - row) && inner(column) && inner(wide - 1 - column)) {
        all += 1;
        wet += level[k] - heights[k] > 1e-3; // measures.LEAST
      }
      out[2 * k] = level[k] - heights[k];
      out[2 * k + 1] = shade[k];
      if (level[k] <= heights[k]) {
        let beside = -cell;
        for (let r = Math.max(0, row - 1); r <= Math.min(high - 1, row + 1); r++) {
          for (let c = Math.max(0, column - 1); c <= Math.min(wide - 1, column + 1); c++) {
            const near = r * wide + c;
            if (level[near] > heights[near]) beside = Math.max(beside, level[near] - heights[k]);
          }
        }
        out[2 * k] = Math.min(0, beside);
      }
    }
    return { out, share: wet / all };
  }

  return { NET, HALO, SIDE, GROUND, learn, plan, field, fbm, heightsOf, ground, fill, lakes, shadows, between, tile, weather };
}
