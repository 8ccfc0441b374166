// The landscape on the screen: one small grid of vertices, drawn again and again over pieces of the tiles, larger ones further off.
//
// Units are metres; x goes east, y up, z south. Everything is relative to the camera, so that the place may be as far out as it likes.

const worldGrid = 16; // squares of the mesh along a side

// Four by four matrices, column by column.
function worldProduct(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++)
    for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) out[4 * c + r] += a[4 * k + r] * b[4 * c + k];
  return out;
}

function worldPerspective(angle, aspect, near, far) {
  const f = 1 / Math.tan(angle / 2);
  const d = near - far;
  return Float32Array.of(f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (near + far) / d, -1, 0, 0, (2 * near * far) / d, 0);
}

// From the world to the eye: `yaw` clockwise from north, `pitch` up. The eye never leans to a side.
function worldLook(yaw, pitch) {
  const [s, c, t, u] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  return Float32Array.of(c, -s * t, -s * u, 0, 0, u, -t, 0, s, c * t, c * u, 0, 0, 0, 0, 1);
}

// The inverse of a projection times a rotation.
function worldBack(projection, look) {
  const p = projection;
  const inverse = Float32Array.of(1 / p[0], 0, 0, 0, 0, 1 / p[5], 0, 0, 0, 0, 0, 1 / p[14], p[8] / p[0], p[9] / p[5], -1, p[10] / p[14]);
  const turned = new Float32Array(16);
  for (let c = 0; c < 3; c++) for (let r = 0; r < 3; r++) turned[4 * c + r] = look[4 * r + c];
  turned[15] = 1;
  return worldProduct(turned, inverse);
}

// What draws on a WebGL2 context; throws where a shader does not compile.
function worldPainter(gl, { NET, HALO, SIDE, GROUND }) {
  const constants = `#define GRID ${worldGrid}\n#define NET ${NET}\n#define HALO ${HALO}\n#define SIDE ${SIDE}\n#define GROUND ${GROUND}\n`;
  function program(vertex, fragment) {
    const made = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text.replace("#version 300 es\n", `#version 300 es\n${constants}`));
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(made));
    const places = {};
    const count = gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS) || 0;
    for (let k = 0; k < count; k++) {
      const { name } = gl.getActiveUniform(made, k);
      places[name] = gl.getUniformLocation(made, name);
    }
    return { made, places };
  }
  const land = program(worldVertex, worldFragment);
  const heaven = program(worldSkyVertex, worldSkyFragment);

  function texture(format, width, height, data, { filter = gl.LINEAR, wrap = gl.CLAMP_TO_EDGE, mips = false } = {}) {
    const [inside, outside, type] = {
      height: [gl.R32F, gl.RED, gl.FLOAT],
      ground: [gl.RGBA16F, gl.RGBA, gl.FLOAT],
      weather: [gl.RG16F, gl.RG, gl.FLOAT],
      grain: [gl.RG8, gl.RG, gl.UNSIGNED_BYTE],
    }[format];
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, width, height, 0, outside, type, data);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, mips ? gl.LINEAR_MIPMAP_LINEAR : filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, wrap);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, wrap);
    if (mips) gl.generateMipmap(gl.TEXTURE_2D);
    return made;
  }

  // The one mesh: a square of vertices and a skirt around it; for what is far, every second vertex of it.
  const n = worldGrid + 1;
  const points = [];
  for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) points.push(c, r, 0);
  const edge = [];
  for (let k = 0; k < worldGrid; k++) edge.push([k, 0]);
  for (let k = 0; k < worldGrid; k++) edge.push([worldGrid, k]);
  for (let k = worldGrid; k > 0; k--) edge.push([k, worldGrid]);
  for (let k = worldGrid; k > 0; k--) edge.push([0, k]);
  for (const [c, r] of edge) points.push(c, r, 1);
  const faces = [];
  const sets = [1, 2].map((step) => {
    const first = faces.length;
    for (let r = 0; r < worldGrid; r += step) {
      for (let c = 0; c < worldGrid; c += step) {
        const [k, below] = [r * n + c, (r + step) * n + c];
        faces.push(k, below, k + step, k + step, below, below + step);
      }
    }
    for (let k = 0; k < edge.length; k += step) {
      const next = (k + step) % edge.length;
      const [a, b] = [k, next].map((i) => edge[i][1] * n + edge[i][0]);
      faces.push(a, b, n * n + k, b, n * n + next, n * n + k);
    }
    return { first: 2 * first, count: faces.length - first };
  });
  const mesh = gl.createVertexArray();
  gl.bindVertexArray(mesh);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, Float32Array.from(points), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, Uint16Array.from(faces), gl.STATIC_DRAW);
  const empty = gl.createVertexArray();

  // A picture of grains that repeats: smooth noise at a few sizes.
  const size = 256;
  const grains = new Float32Array(size * size);
  const random = chance(5);
  for (const [cells, gain] of [[8, 0.5], [16, 0.5], [32, 0.45], [64, 0.4], [128, 0.35], [256, 0.3]]) {
    const values = Float32Array.from({ length: cells * cells }, () => random() - 0.5);
    const side = size / cells;
    for (let r = 0; r < size; r++) {
      for (let c = 0; c < size; c++) {
        const [x, y] = [c / side, r / side];
        const [i, j] = [Math.floor(x), Math.floor(y)];
        const [s, t] = [x - i, y - j].map((v) => v * v * (3 - 2 * v));
        const v = (a, b) => values[((j + b) % cells) * cells + ((i + a) % cells)];
        grains[r * size + c] += gain * ((v(0, 0) * (1 - s) + v(1, 0) * s) * (1 - t) + (v(0, 1) * (1 - s) + v(1, 1) * s) * t);
      }
    }
  }
  const bytes = new Uint8Array(2 * size * size); // the second channel is the first from another place
  grains.forEach((v, k) => {
    const byte = Math.max(0, Math.min(255, 128 + 170 * v));
    bytes[2 * k] = byte;
    bytes[2 * ((k + 97 * size + 41) % (size * size)) + 1] = byte;
  });
  const grain = texture("grain", size, size, bytes, { wrap: gl.REPEAT, mips: true });
  const none = texture("weather", 1, 1, new Float32Array(2));
  let weather = { texture: none, corner: null };

  function bind(unit, made, place) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.uniform1i(place, unit);
  }

  function air({ places }, light) {
    for (const name of ["sun", "zenith", "haze", "glow", "light"]) gl.uniform3fv(places[name] ?? null, light[name]);
  }

  // Whether a ball is in sight: the planes are rows of the matrix.
  function inSight(m, x, y, z, radius) {
    for (let k = 0; k < 5; k++) {
      const [row, sign] = k < 4 ? [k >> 1, k & 1 ? -1 : 1] : [2, 1];
      const a = m[3] + sign * m[row];
      const b = m[7] + sign * m[4 + row];
      const c = m[11] + sign * m[8 + row];
      const d = m[15] + sign * m[12 + row];
      if (a * x + b * y + c * z + d < -radius * Math.hypot(a, b, c)) return false;
    }
    return true;
  }

  const self = {
    // Bring a tile to the card; gives what `draw` and `drop` want.
    tile({ heights, ground, low, top }) {
      const fine = texture("height", SIDE, SIDE, heights, { filter: gl.NEAREST });
      return { heights: fine, ground: texture("ground", GROUND, GROUND, ground), low, top };
    },
    drop(tile) {
      gl.deleteTexture(tile.heights);
      gl.deleteTexture(tile.ground);
    },
    // Water and shadow over a square of `side` cells whose first cell is `first` ([column, row], in cells of the world).
    weather(out, side, first) {
      if (weather.texture !== none) gl.deleteTexture(weather.texture);
      weather = out ? { texture: texture("weather", side, side, out), side, first } : { texture: none, corner: null };
    },
    // `tiles`: { card, column, row, fade }; `camera`: { x, y, z } in metres; `views`: { projection, look, viewport }.
    draw({ tiles, camera, views, light, cell, span, dry, smallest, detail, coarse }) {
      let pieces = 0;
      gl.enable(gl.DEPTH_TEST);
      gl.enable(gl.CULL_FACE);
      gl.clear(gl.DEPTH_BUFFER_BIT | gl.COLOR_BUFFER_BIT);
      for (const { projection, look, viewport, shift = [0, 0, 0] } of views) {
        gl.viewport(...viewport);
        const turn = Float32Array.from(look);
        turn.fill(0, 12, 15);
        const matrix = worldProduct(projection, turn);
        gl.useProgram(land.made);
        gl.bindVertexArray(mesh);
        const u = land.places;
        gl.uniformMatrix4fv(u.view, false, matrix);
        gl.uniform1f(u.cell, cell);
        gl.uniform4f(u.span, span.low, span.high, span.far, cell);
        gl.uniform1f(u.dry, dry ? 1 : 0);
        air(land, light);
        bind(2, weather.texture, u.weather);
        bind(3, grain, u.grain);
        for (const { card, column, row, fade } of tiles) {
          const [x, z] = [column * NET * cell - camera.x - shift[0], row * NET * cell - camera.z - shift[2]];
          const y = -camera.y - shift[1];
          const middle = y + (card.low + card.top) / 2;
          const half = (NET * cell) / 2;
          if (!inSight(matrix, x + half, middle, z + half, Math.hypot(half, half, (card.top - card.low) / 2))) continue;
          gl.uniform3f(u.origin, x, y, z);
          gl.uniform2f(u.phase, ((column % 8) + 8) % 8, ((row % 8) + 8) % 8);
          gl.uniform1f(u.fade, fade);
          if (weather.side) gl.uniform4f(u.corner, column * NET - weather.first[0], row * NET - weather.first[1], weather.side, 1);
          else gl.uniform4f(u.corner, 0, 0, 1, 0);
          bind(0, card.heights, u.heights);
          bind(1, card.ground, u.ground);
          // Near pieces are divided until a square of the mesh is small beside its distance.
          const divide = (c, r, cells) => {
            const [px, pz, side] = [x + c * cell, z + r * cell, cells * cell];
            const ball = Math.hypot(side / 2, side / 2, (card.top - card.low) / 2);
            if (!inSight(matrix, px + side / 2, middle, pz + side / 2, ball)) return;
            const away = Math.hypot(Math.max(px, 0, -px - side), Math.max(pz, 0, -pz - side), Math.max(0, y + card.low, -y - card.top));
            if (cells > smallest && away < side * detail) {
              for (const [i, j] of [[0, 0], [1, 0], [0, 1], [1, 1]]) divide(c + (i * cells) / 2, r + (j * cells) / 2, cells / 2);
              return;
            }
            gl.uniform3f(u.piece, c, r, cells / worldGrid);
            gl.uniform1f(u.closely, away < 50 * cell ? 1 : 0);
            const { first, count } = sets[away > coarse * side ? 1 : 0];
            gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, first);
            pieces += 1;
          };
          divide(0, 0, NET);
        }
        gl.useProgram(heaven.made);
        gl.bindVertexArray(empty);
        gl.uniformMatrix4fv(heaven.places.back, false, worldBack(projection, turn));
        air(heaven, light);
        bind(3, grain, heaven.places.grain);
        gl.depthFunc(gl.LEQUAL);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        gl.depthFunc(gl.LESS);
      }
      return pieces;
    },
  };
  return self;
}
