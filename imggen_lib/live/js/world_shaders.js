// The landscape's shaders: land with its water, shadow and fog, the sky behind it, and the light by day and in the evening.
// GRID, NET, HALO, SIDE and GROUND are defined by the painter, world_gl.js.

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
