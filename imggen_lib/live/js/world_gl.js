// The landscape on the screen: one small grid of vertices, drawn again and again over pieces of the tiles, larger ones further off.
//
// Units are metres; x goes east, y up, z south. Everything is relative to the camera, so that the place may be as far out as it likes.

const worldGrid = 16; // squares of the mesh along a side

const worldVertex = `#version 300 es
precision highp float;
precision highp sampler2D;
layout(location = 0) in vec3 at; // column and row of the mesh; 1 for the skirt that hides cracks between near and far pieces
uniform mat4 view;
uniform vec3 origin;  // of the tile, as seen from the camera
uniform vec3 piece;   // first column and row of the piece, cells from vertex to vertex
uniform float cell;
uniform vec4 corner;  // of the field of water and shadow: the tile's corner in its cells; its side; 1 if there is water
uniform sampler2D heights;
uniform sampler2D weather;
uniform sampler2D grain;
uniform vec2 phase;   // the tile's column and row, modulo 8
out vec3 place;
out vec2 cells;
out vec2 where;
out float wide; // slow change of colour over the land

float height(ivec2 c) { return texelFetch(heights, clamp(c + HALO, ivec2(0), ivec2(SIDE - 1)), 0).r; }

vec4 spline(float t) {
  return vec4(t * (-0.5 + t * (1.0 - 0.5 * t)), 1.0 + t * t * (-2.5 + 1.5 * t), t * (0.5 + t * (2.0 - 1.5 * t)), t * t * (-0.5 + 0.5 * t));
}

float row(ivec2 c, vec4 a) {
  return a.x * height(c + ivec2(-1, 0)) + a.y * height(c) + a.z * height(c + ivec2(1, 0)) + a.w * height(c + ivec2(2, 0));
}

void main() {
  cells = piece.xy + at.xy * piece.z;
  float h;
  if (piece.z >= 1.0) h = height(ivec2(cells + 0.5));
  else {
    vec2 whole = min(floor(cells), vec2(NET - 1));
    vec4 a = spline(cells.x - whole.x), b = spline(cells.y - whole.y);
    ivec2 c = ivec2(whole);
    h = b.x * row(c + ivec2(0, -1), a) + b.y * row(c, a) + b.z * row(c + ivec2(0, 1), a) + b.w * row(c + ivec2(0, 2), a);
  }
  where = (corner.xy + cells + 0.5) / corner.z;
  bool known = corner.w > 0.0 && all(greaterThan(where, vec2(0.0))) && all(lessThan(where, vec2(1.0)));
  float water = known ? textureLod(weather, where, 0.0).r : 0.0;
  vec2 out_ = at.z * (step(float(GRID), at.xy) - step(at.xy, vec2(0.0))); // the skirt leans outwards a little
  place = origin + vec3(cells.x * cell, h + max(0.0, water), cells.y * cell) + piece.z * cell * vec3(0.04 * out_.x, -1.5 * at.z, 0.04 * out_.y);
  wide = textureLod(grain, (phase + cells / float(NET)) * 0.625 + 0.7, 2.0).r - 0.5;
  gl_Position = view * vec4(place, 1.0);
}`;

// The sky's colour in a direction, for the sky and for the fog, which is the sky before the land.
const worldSky = `
uniform vec3 sun;
uniform vec3 zenith;
uniform vec3 haze;
uniform vec3 glow;
uniform vec3 light;
float shine(vec3 d) { // around the sun: near its 7th and its 90th power
  float s = max(dot(d, sun), 0.0), s2 = s * s, s4 = s2 * s2, s8 = s4 * s4, s32 = s8 * s8 * s8 * s8;
  return 0.20 * s4 * s2 * s + 0.5 * s32 * s32 * s8 * s8 * s8;
}
vec3 sky(vec3 d) {
  float up = max(d.y, 0.0), low = 1.0 - up;
  return mix(haze, zenith, 1.0 - low * low * low) + glow * shine(d) * (0.35 + 0.65 * exp(-4.0 * up));
}
vec3 film(vec3 c) {
  c *= 1.1;
  c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14); // Narkowicz's fit of a film's curve
  return sqrt(clamp(c, 0.0, 1.0));
}`;

const worldFragment = `#version 300 es
precision highp float;
precision highp sampler2D;
in vec3 place;
in vec2 cells;
in vec2 where;
in float wide;
uniform sampler2D ground;
uniform sampler2D weather;
uniform sampler2D grain;
uniform vec2 phase;
uniform vec4 corner;
uniform vec4 span;    // low, high, how far one sees, the cell's side
uniform float fade;   // of a tile that has just come
uniform float closely; // 1 for pieces that are near
uniform float dry;    // 1 where no water is to be seen
out vec4 colour;
${worldSky}
void main() {
  float far = length(place);
  vec3 d = place / far;
  float fog = max(1.0 - exp(-pow(1.62 * far / span.z, 3.0)), 1.0 - fade);
  vec3 air = mix(haze, zenith, 0.036) + glow * shine(d); // the sky at the horizon
  if (fog > 0.985) {
    colour = vec4(film(air), 1.0);
    return;
  }
  vec4 g = texture(ground, (cells + 0.5) / float(GROUND));
  vec2 at = phase + cells / 64.0; // in tiles
  vec2 small = texture(grain, at * 23.0).rg - 0.5;
  vec2 close = vec2(0.0);
  if (closely > 0.5) close = texture(grain, at * 131.0).rg - 0.5;
  float fine = small.r;
  float mid = texture(grain, at * 5.0 + 0.3).r - 0.5;
  float near = exp(-far / (14.0 * span.w));
  // The grain is paint: it leans the light a little and moves no point of the land.
  vec2 lean = near * close * 0.9 + small * 0.35;
  vec3 n = normalize(vec3(-g.x - 0.5 * lean.x, 1.0, -g.y - 0.5 * lean.y));
  float steep = length(g.xy) + 0.25 * mid + 0.1 * fine;
  float t = (g.w - span.x) / (span.y - span.x) + 0.14 * wide + 0.05 * mid;

  vec3 meadow = vec3(0.155, 0.185, 0.058);
  vec3 brush = vec3(0.060, 0.090, 0.034);
  vec3 straw = vec3(0.330, 0.245, 0.105);
  vec3 rock = mix(vec3(0.215, 0.185, 0.155), vec3(0.33, 0.26, 0.19), 0.5 + wide);
  vec3 snow = vec3(0.66, 0.70, 0.76);
  vec3 c = mix(meadow, brush, smoothstep(-0.25, 0.35, 1.6 * mid + fine + 1.2 * (0.75 - g.z)));
  c = mix(c, straw, smoothstep(0.30, 0.62, t + 0.25 * fine + 0.25 * mid - 0.35 * (0.8 - g.z)));
  c = mix(c, rock, smoothstep(0.55, 0.85, steep + 0.35 * smoothstep(0.55, 0.85, t)));
  c *= 1.0 + 0.45 * fine + 0.6 * near * close.r;
  c = mix(c, snow * (0.96 + 0.1 * fine), smoothstep(0.88, 0.97, t + 0.10 * fine + 0.06 * (n.z * -1.0)) * smoothstep(0.95, 0.55, steep));

  float lit = 1.0, water = 0.0, thin = 0.0;
  if (corner.w > 0.0) {
    vec2 w = texture(weather, where).rg;
    vec2 e = min(where, 1.0 - where);
    float in_ = smoothstep(0.0, 0.04, min(e.x, e.y));
    lit = 1.0 - in_ * smoothstep(0.0, 0.25 * span.w, w.g);
    float soft = max(0.3 * fwidth(w.r), 0.002 * span.w);
    water = in_ * (1.0 - dry) * smoothstep(-soft, soft, w.r);
    c = mix(c, vec3(0.26, 0.22, 0.15), in_ * (1.0 - dry) * smoothstep(-0.012 * span.w, 0.0, w.r) * 0.6); // a shore
    thin = exp(-max(w.r, 0.0) / (0.12 * span.w));
  }
  float face = max(dot(n, sun), 0.0) * lit;
  vec3 above = mix(haze, zenith, 0.6);
  vec3 lightly = light * face + above * (0.30 + 0.30 * n.y) * g.z + light * vec3(0.10, 0.085, 0.06) * (1.0 - 0.6 * n.y);
  c *= lightly;
  if (water > 0.0) {
    vec2 wave = vec2(fine, mid) * 0.05 + near * close * 0.04;
    vec3 m = normalize(vec3(wave.x, 1.0, wave.y));
    vec3 back = reflect(d, m);
    float mirror = 0.03 + 0.75 * pow(1.0 - max(dot(-d, m), 0.0), 4.0);
    vec3 deep = mix(vec3(0.010, 0.050, 0.080), vec3(0.05, 0.12, 0.11), thin) * (0.35 + lit);
    c = mix(c, mix(deep, sky(vec3(back.x, abs(back.y), back.z)), mirror), water);
  }
  colour = vec4(film(mix(c, air, fog)), 1.0);
}`;

const worldSkyVertex = `#version 300 es
precision highp float;
uniform mat4 back; // from the screen to directions
out vec3 way;
void main() {
  vec2 p = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  vec4 far = back * vec4(p, 1.0, 1.0);
  way = far.xyz / far.w;
  gl_Position = vec4(p, 1.0, 1.0);
}`;

const worldSkyFragment = `#version 300 es
precision highp float;
precision highp sampler2D;
in vec3 way;
uniform sampler2D grain;
out vec4 colour;
${worldSky}
void main() {
  vec3 d = normalize(way);
  vec3 c = sky(vec3(d.x, max(d.y, 0.012), d.z));
  if (d.y > 0.0) {
    vec2 at = d.xz / (d.y + 0.12) * 0.11;
    float a = texture(grain, at * vec2(0.6, 1.0)).r + 0.5 * texture(grain, at * 2.3 + 0.2).r + 0.25 * texture(grain, at * 5.1 + 0.6).r;
    float cloud = smoothstep(0.88, 1.25, a) * smoothstep(0.02, 0.25, d.y) * 0.55;
    c = mix(c, light * 0.42 + haze * 0.35, cloud);
  }
  c += light * 6.0 * smoothstep(0.99965, 0.9999, dot(d, sun));
  colour = vec4(film(c), 1.0);
}`;

// Light by day, and in the evening for dark pages. Linear light, not the screen's.
const worldLights = {
  day: { sun: [-0.62, 0.46, -0.42], zenith: [0.075, 0.19, 0.50], haze: [0.38, 0.50, 0.63], glow: [0.9, 0.72, 0.45], light: [2.35, 2.05, 1.62] },
  evening: { sun: [-0.80, 0.30, -0.40], zenith: [0.045, 0.075, 0.20], haze: [0.46, 0.33, 0.34], glow: [1.3, 0.55, 0.22], light: [1.9, 1.15, 0.66] },
};
for (const light of Object.values(worldLights)) {
  const length = Math.hypot(...light.sun);
  light.sun = light.sun.map((v) => v / length);
}

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
