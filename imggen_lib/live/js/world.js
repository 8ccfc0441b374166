// A landscape without end: walk and fly through it. Heights are made in the page, tile by tile, as Python makes them.
//
// options: model (the file of the generator), kind ("land" or "noise"), seed.

words.world = {
  loading: "Loading the generator of the land \u2026",
  screen:
    "The landscape. Keys: W, A, S, D or up and down arrow to walk, left and right arrow to turn, E to rise, Q to sink, Shift to go faster. The place is told below.",
  how: "Drag to look around. Keys: W A S D or arrows to walk, E and Q to rise and sink, Shift to go faster.",
  howTouch: "Drag the picture to look around; the left thumb walks, the arrows rise and sink.",
  land: "Land",
  noise: "Noise",
  kinds: "What makes the heights",
  seed: "Seed",
  other: "New world",
  water: "Water stands in hollows",
  home: "Back to the start",
  far: "A million tiles away",
  up: "Rise",
  down: "Sink",
  map: "Map from above, north is up; blue is where water would stand. Arrow keys move a cross, Enter goes there.",
  mapPan: "Map from above, north is up; blue is where water would stand. Drag it, or move it by the arrow keys.",
  mapNote: "{km} km of land. Tap a place to be there. Blue: hollows without an outlet.",
  mapNotePan: "{km} km of land. Drag it. Blue: hollows without an outlet.",
  flat: "This browser draws no WebGL\u00a02, so here is the land from above.",
  making: "The land is being made: {n} of {all} tiles.",
  place: "{x} km {eastwest}, {z} km {northsouth} of the start, {h} m high, {above} m above the ground, looking {way}.",
  placeFlat: "{x} km {eastwest}, {z} km {northsouth} of the start, {h} m high.",
  hollows: "On this map water would stand on {percent}\u00a0% of the ground.",
  east: "east",
  west: "west",
  north: "north",
  south: "south",
  ways: "north,north-east,east,south-east,south,south-west,west,north-west",
  headset: "Enter with a headset",
  headsetHow: "In the headset: the trigger takes you where you point, the stick turns.",
};

demos.world = function ({ model, el, say }) {
  const body = h("div", { class: "il-world" }, h("p", { class: "il-note" }, say("loading")));
  el.append(body);
  let end = () => {};
  let ended = false;
  const options = model.get("options");
  const file = options.model ? fetchFile(model, options.model).then(async (found) => ({ spec: found.spec, buffer: await fileBytes(found) })) : Promise.resolve(null);
  file
    .then((land) => {
      if (!ended) end = worldBody({ land, body, el, options, say });
    })
    .catch((error) => fail(body, error));
  return () => {
    ended = true;
    end();
  };
};

function worldBody({ land, body, el, options, say }) {
  const maths = worldMaths();
  const { NET } = maths;
  const settings = worldSettings(land);
  const { cell } = settings;
  const span = () => settings.span[state.kind];
  const helper = worldHelper();
  if (land) helper.ask("learn", { spec: land.spec, tensors: readTensors(land.spec.tensors, land.buffer) });
  const narrow = el.clientWidth > 0 && el.clientWidth < 480;
  const still = reducedMotion();
  const state = { kind: land ? options.kind : "noise", seed: options.seed, water: true };
  const controls = worldControls();
  const line = status(); // for screen readers: the place and what is beside it; others see the two apart
  line.classList.add("il-world-spoken");
  const shown = h("p", { class: "il-note il-world-shown", "aria-hidden": "true" });
  const announce = (text, before = "") => {
    shown.textContent = text;
    line.say(`${before} ${text}`.trim());
  };
  const place = h("p", { class: "il-note il-world-place", "aria-hidden": "true" });
  const camera = worldCamera({ ground, cell });
  let [tiles, field, busy, ready, ended, dark] = [null, null, false, false, false, false];
  let landing = null; // metres above a ground that is not there yet
  let home = { x: 0, z: 0 };

  // The height of the ground at a place, null where no tile is.
  function ground(x, z) {
    const [c, r] = [x / cell / NET, z / cell / NET];
    const tile = tiles && tiles.at(Math.floor(c), Math.floor(r));
    return tile ? maths.between(tile.heights, (c - Math.floor(c)) * NET, (r - Math.floor(r)) * NET) : null;
  }

  const screen = h("canvas", { tabindex: 0, role: "application", "aria-label": say("screen"), class: "il-world-screen" });
  const scene = worldScene({ screen, maths, settings });
  const flat = scene === null;
  body.dataset.view = flat ? "map" : "land";
  const map = worldMap({
    label: say(flat ? "mapPan" : "map"),
    size: flat ? (narrow ? 340 : 448) : 224,
    shown: flat ? 320 : 320,
    pan: flat,
    ink: () => ({ empty: dark ? "#20262d" : "#e6e9ec" }),
    go: (x, z) => travel(x * cell, z * cell, lift()),
  });

  // How far above the eyes of somebody who stands.
  const lift = () => (camera.flying && camera.above !== null ? Math.max(0, camera.above - camera.eye) : 0);

  function where() {
    const here = [camera.x / cell / NET, camera.z / cell / NET];
    return { here, column: Math.floor(here[0]), row: Math.floor(here[1]) };
  }

  // Ask for what is missing, nearest first; what lies ahead before what lies behind.
  function gather() {
    const { here, column, row } = where();
    const list = flat ? [] : worldAround(here[0], here[1], scene.reach);
    const [s, c] = [Math.sin(camera.yaw), Math.cos(camera.yaw)];
    const behind = ([x, y, away]) => away + ((x + 0.5 - here[0]) * s - (y + 0.5 - here[1]) * c < -0.6 ? 1.5 : 0);
    const first = list.filter(([, , away]) => away < 1);
    const square = [];
    for (let r = -worldMapReach; r <= worldMapReach; r++)
      for (let c = -worldMapReach; c <= worldMapReach; c++) square.push([column + c, row + r, Math.hypot(c, r)]);
    square.sort((a, b) => a[2] - b[2]);
    const rest = list.filter(([, , away]) => away >= 1).sort((a, b) => behind(a) - behind(b));
    const all = ready ? [...first, ...rest, ...square] : square;
    tiles.want(all, [column, row]);
    const missing = all.filter(([x, y]) => !tiles.at(x, y)).length;
    body.dataset.missing = missing;
    if (!busy && (!field || field.column !== column || field.row !== row)) chart(column, row);
    return missing;
  }

  // Water and shadows over the square of tiles around; then the map.
  function chart(column, row) {
    const found = worldField(tiles, column, row, maths);
    if (!found) return;
    busy = true;
    const mine = tiles;
    helper
      .ask("weather", { heights: found.heights, wide: found.wide, high: found.wide, cell, sun: light().sun })
      .then(({ out, share }) => {
        busy = false;
        if (ended || tiles !== mine) return !ended && gather();
        field = { ...found, water: out, share, column, row };
        scene?.weather(out, found.wide, found.first);
        map.field(field, { cell, low: span()[0], high: span()[1], sun: worldLights.day.sun });
        body.dataset.share = share;
        body.dataset.field = `${column},${row}`;
        tell();
        wake();
        gather();
      })
      .catch((error) => !ended && fail(body, error));
  }

  const light = () => worldLights[dark ? "evening" : "day"];

  function begin() {
    tiles?.end();
    field = null;
    ready = false;
    scene?.weather(null);
    map.field(null);
    delete body.dataset.share;
    delete body.dataset.field;
    delete body.dataset.ready;
    tiles = worldTiles({ helper, ...state, cell, came, left: (tile) => scene?.left(tile), failed: (error) => fail(body, error) });
    camera.put(cell * NET * 0.5, cell * NET * 0.5);
    for (const [name, key] of Object.entries(kinds)) key.setAttribute("aria-pressed", String(name === state.kind));
    Object.assign(body.dataset, { kind: state.kind, seed: state.seed });
    seed.value = state.seed;
    gather();
    wake();
  }

  function came(tile) {
    scene?.came(tile, performance.now());
    if (!ready) {
      const all = (2 * worldMapReach + 1) ** 2;
      const near = [-1, 0, 1].every((r) => [-1, 0, 1].every((c) => tiles.at(where().column + c, where().row + r)));
      announce(say("making", { n: Math.min(all, tiles.made.size), all }));
      if (near) {
        ready = true;
        home = worldLookout(tiles, cell, span(), maths);
        camera.put(home.x, home.z, home.lift);
        camera.look(home.yaw, home.pitch);
        body.dataset.ready = "yes";
      }
    } else if (landing !== null && camera.above !== null) {
      camera.put(camera.x, camera.z, landing);
      landing = null;
    } else if (camera.above !== null && !camera.flying) camera.settle(1);
    gather();
    wake();
  }

  const ways = say("ways").split(",");
  function told() {
    const [x, z] = [(camera.x - home.x) / 1000, (home.z - camera.z) / 1000];
    const height = ground(camera.x, camera.z);
    const far = Math.max(Math.abs(x), Math.abs(z));
    const values = {
      x: number(Math.abs(x), far < 100 ? 1 : 0),
      z: number(Math.abs(z), far < 100 ? 1 : 0),
      eastwest: say(x < 0 ? "west" : "east"),
      northsouth: say(z < 0 ? "south" : "north"),
      h: height === null ? "?" : number(height, 0),
      above: camera.above === null ? "?" : number(Math.max(0, camera.above), 0),
      way: ways[Math.round(camera.yaw / (Math.PI / 4)) % 8],
    };
    return say(flat ? "placeFlat" : "place", values);
  }

  function tell() {
    place.textContent = told();
    const water = field ? say("hollows", { percent: number(100 * field.share, 1) }) : "";
    announce(water, place.textContent);
    Object.assign(body.dataset, { x: camera.x, y: camera.y, z: camera.z, yaw: camera.yaw, above: camera.above ?? "" });
  }

  let drag = null;
  let [quiet, waited] = [0, 1e9];
  const frames = loop(body, (passed) => {
    const seconds = passed / 1000;
    const moved = !still && camera.step(controls.wish(), seconds);
    if (still) camera.settle(1);
    const missing = gather();
    // While land is being made and nobody moves, few pictures: the processor has other work.
    waited += passed;
    if (missing && !moved && !controls.any && !drag && waited < 250) return;
    waited = 0;
    const fading = scene ? scene.draw({ camera, tiles, span: span(), light: light(), dry: !state.water, passed, still }) : false;
    map.move({ x: camera.x / cell, z: camera.z / cell, yaw: camera.yaw });
    body.dataset.frames = Number(body.dataset.frames || 0) + 1;
    if (moved || controls.any) {
      quiet = 0;
      place.textContent = told();
    } else quiet += passed;
    if (quiet > 250 && !fading) {
      frames.stop();
      scene?.draw({ camera, tiles, span: span(), light: light(), dry: !state.water, passed: 0, still, fine: true }); // who stands still sees all pixels
      tell();
      if (missing) gather();
    }
  });
  function wake() {
    quiet = 0;
    if (!ended) frames.start();
  }

  // Be somewhere else at once.
  function travel(x, z, height = 0) {
    const most = 2 ** 31 * cell * 0.99; // the hash has 32 bits
    const within = (v) => Math.max(-most, Math.min(most, v));
    camera.put(within(x), within(z), height);
    landing = camera.above === null ? height : null;
    gather();
    wake();
  }

  // With reduced motion nothing glides: a key is a step, and a turn is 30 degrees.
  function hop(wish) {
    const { ahead, back, left, right, turnLeft, turnRight, up, down } = { [wish]: 1 };
    const height = Math.max(0, (camera.above ?? 0) - camera.eye);
    const step = 3 * cell + height;
    camera.look(camera.yaw + ((turnRight || 0) - (turnLeft || 0)) * (Math.PI / 6), camera.pitch);
    const [forward, side] = [(ahead || 0) - (back || 0), (right || 0) - (left || 0)];
    const [s, c] = [Math.sin(camera.yaw), Math.cos(camera.yaw)];
    const rise = Math.max(0, height + ((up || 0) - (down || 0)) * Math.max(2 * cell, height / 2));
    camera.put(camera.x + step * (forward * s + side * c), camera.z + step * (side * s - forward * c), rise < 0.5 * cell ? 0 : rise);
    wake();
  }

  screen.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return screen.blur();
    const wish = controls.key(event);
    if (!wish) return;
    if (event.key !== "Shift") event.preventDefault();
    if (still) return wish === "run" ? undefined : hop(wish);
    controls.press(event.key.toLowerCase(), wish);
    wake();
  });
  screen.addEventListener("keyup", (event) => controls.release(event.key.toLowerCase()));
  screen.addEventListener("blur", () => controls.clear());
  screen.addEventListener("pointerdown", (event) => {
    if (event.button || drag) return;
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY, yaw: camera.yaw, pitch: camera.pitch };
    screen.setPointerCapture(event.pointerId);
    screen.focus();
  });
  screen.addEventListener("pointermove", (event) => {
    if (!drag || drag.id !== event.pointerId) return;
    const turn = 1.9 / Math.max(240, screen.clientWidth);
    camera.look(drag.yaw - (event.clientX - drag.x) * turn, drag.pitch + (event.clientY - drag.y) * turn);
    wake();
  });
  for (const over of ["pointerup", "pointercancel"]) screen.addEventListener(over, (event) => drag?.id === event.pointerId && (drag = null));
  // Stick and buttons where there are fingers, at the latest when the first one comes.
  const fingers = () => body.classList.add("il-world-touch");
  if (window.matchMedia("(any-pointer: coarse)").matches || navigator.maxTouchPoints > 0) fingers();
  body.addEventListener("pointerdown", (event) => event.pointerType === "touch" && fingers());
  const hidden = () => document.hidden && controls.clear();
  document.addEventListener("visibilitychange", hidden);

  const become = (change) => {
    Object.assign(state, change);
    begin();
  };
  const kinds = {};
  for (const name of land ? ["land", "noise"] : []) kinds[name] = button(say(name), () => become({ kind: name }), { "aria-pressed": "false" });
  const seed = h("input", { type: "number", min: 0, max: 999999, class: "il-world-seed", "aria-label": say("seed") });
  seed.addEventListener("change", () => become({ seed: Math.max(0, Math.min(999999, Math.round(Number(seed.value) || 0))) }));
  const wet = checkbox({
    label: say("water"),
    value: true,
    onchange: (on) => {
      state.water = on;
      wake();
    },
  });
  const again = () => {
    travel(home.x, home.z, home.lift);
    camera.look(home.yaw, home.pitch);
  };
  const buttons = [
    button(say("other"), () => become({ seed: Math.floor(Math.random() * 1e6) })),
    button(say("home"), again),
    button(say("far"), () => travel(camera.x + 1e6 * NET * cell, camera.z + 1e6 * NET * cell, lift())),
  ];
  const kilometres = number((320 * cell) / 1000, 0);
  const mapNote = h("p", { class: "il-note" }, say(flat ? "mapNotePan" : "mapNote", { km: `${kilometres} \u00d7 ${kilometres}` }));
  const pad = flat || still ? [] : worldPad({ names: { up: say("up"), down: say("down") }, controls, wake });
  const headset = h("span", {});
  body.replaceChildren(
    ...(flat
      ? [h("p", { class: "il-note" }, say("flat"))]
      : [
          h("p", { class: "il-note il-world-how" }, say("how")),
          h("p", { class: "il-note il-world-how-touch" }, say("howTouch")),
          h("div", { class: "il-world-view" }, screen, ...pad),
        ]),
    place,
    h("div", { class: "il-row" }, land ? h("div", { class: "il-world-kinds", role: "group", "aria-label": say("kinds") }, ...Object.values(kinds)) : null, h("label", { class: "il-chooser" }, say("seed"), seed), ...buttons, headset),
    h("div", { class: "il-world-below" }, map.board, h("div", { class: "il-world-side" }, flat ? null : wet, mapNote, shown, line)),
  );
  let session = null;
  const enter = button(say("headset"), async () => {
    try {
      const far = scene.far;
      const left = () => {
        session = null;
        delete body.dataset.headset;
        wake();
      };
      session = await worldEnter({ scene, camera, ground, gather, travel, picture: () => ({ span: span(), light: light(), dry: !state.water }), far, left });
      body.dataset.headset = "yes";
      announce(say("headsetHow"));
    } catch (error) {
      announce(String(error.message || error));
    }
  });
  if (!flat) worldHeadsetThere().then((there) => there && !ended && headset.append(enter));
  const paint = () => {
    const before = dark;
    ({ dark } = colours(el));
    map.draw();
    if (dark !== before && tiles && field) chart(field.column, field.row); // the evening's shadows are longer
    wake();
  };
  ({ dark } = colours(el));
  const unwatch = onTheme(paint);
  const resize = new ResizeObserver(wake);
  resize.observe(flat ? map.board : screen);
  begin();
  body.world = { camera, maths, tiles: () => tiles, scene, helper, field: () => field, travel, wake }; // for tests, and for a console
  return () => {
    ended = true;
    frames.end();
    session?.end();
    tiles.end();
    helper.end();
    scene?.end();
    unwatch();
    resize.disconnect();
    document.removeEventListener("visibilitychange", hidden);
  };
}

// Sizes and colours of a world: the cell's side and usual heights in metres.
function worldSettings(land) {
  return { cell: 90, span: { noise: [-200, 200] }, ...(land?.spec.world || {}) };
}

// Where a walk begins: near the start, on a slope of middle height, looking where the land falls away and the view is long, with
// the light from the side.
function worldLookout(tiles, cell, [low, high], { NET, HALO, SIDE }) {
  const height = (x, z) => {
    const [c, r] = [Math.floor(x / NET), Math.floor(z / NET)];
    return tiles.at(c, r).heights[(Math.round(z - r * NET) + HALO) * SIDE + Math.round(x - c * NET) + HALO];
  };
  const [first, last, far] = [-NET + 1, 2 * NET - 2, 36];
  const sun = worldLights.day.sun;
  let best = { score: -Infinity };
  for (let z = first; z <= last; z += 4) {
    for (let x = first; x <= last; x += 4) {
      const here = height(x, z);
      const t = (here - low) / (high - low);
      if (t < 0.3 || t > 0.78) continue;
      for (let k = 0; k < 16; k++) {
        const yaw = (k * Math.PI) / 8;
        const [dx, dz] = [Math.sin(yaw), -Math.cos(yaw)];
        if (x + far * dx < first || x + far * dx > last || z + far * dz < first || z + far * dz > last) continue;
        const [near, middle, away] = [3, 14, far].map((n) => height(Math.round(x + n * dx), Math.round(z + n * dz)) - here);
        // It should fall away nearby and rise again further off; nothing stands before the eyes.
        const facing = dx * sun[0] + dz * sun[2];
        const score = -middle + 0.6 * away - 2 * Math.max(0, near) - 0.25 * (high - low) * Math.max(0, facing - 0.25);
        if (score > best.score) best = { score, x, z, yaw };
      }
    }
  }
  if (best.score === -Infinity) best = { x: NET / 2, z: NET / 2, yaw: 0.8 };
  return { x: best.x * cell, z: best.z * cell, yaw: best.yaw, pitch: -0.06, lift: 0.6 * cell };
}

// The canvas with its WebGL2 context, or null where there is none.
function worldScene({ screen, maths, settings }) {
  const trial = h("canvas").getContext("webgl2");
  if (!trial) return null;
  const told = trial.getExtension("WEBGL_debug_renderer_info");
  const card = String(trial.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : trial.RENDERER));
  const quick = !/swiftshader|llvmpipe|software|basic render/i.test(card); // a graphics card draws, not the processor
  trial.getExtension("WEBGL_lose_context")?.loseContext();
  const gl = screen.getContext("webgl2", { antialias: quick, alpha: false, powerPreference: "high-performance" });
  if (!gl) return null;
  const care = quick ? { smallest: worldGrid / 4, detail: 1.3, coarse: 9 } : { smallest: worldGrid / 2, detail: 0.9, coarse: 1.6 };
  const reach = quick ? 4.6 : 3.7; // tiles that one sees
  const { NET } = maths;
  const { cell } = settings;
  const cards = new Map(); // tile -> what lies on the card
  let painter = worldPainter(gl, maths);
  let [sharp, slow, weather] = [quick ? 1 : 0.7, 0, null];
  screen.addEventListener("webglcontextlost", (event) => event.preventDefault());
  screen.addEventListener("webglcontextrestored", () => {
    painter = worldPainter(gl, maths);
    for (const tile of cards.keys()) cards.set(tile, { card: painter.tile(tile), since: 0 });
    if (weather) painter.weather(...weather);
  });
  const far = (reach - 0.1) * NET * cell;

  // Fewer pixels where frames take too long, more where there is time.
  function size(passed, fine) {
    const density = Math.min(2, window.devicePixelRatio || 1);
    if (passed > 0) slow = 0.85 * slow + 0.15 * passed;
    if (slow > 42 && sharp > 0.5) [sharp, slow] = [Math.max(0.5, sharp * 0.85), 30];
    else if (slow < 19 && slow > 0 && sharp < 1) [sharp, slow] = [Math.min(1, sharp * 1.03), 25];
    const scale = density * (fine ? 1 : sharp);
    const wide = Math.max(1, Math.round(screen.clientWidth * scale));
    const high = Math.max(1, Math.round(screen.clientHeight * scale));
    if (screen.width !== wide || screen.height !== high) [screen.width, screen.height] = [wide, high];
  }

  const self = {
    gl,
    reach,
    far,
    came: (tile, now) => cards.set(tile, { card: painter.tile(tile), since: now }),
    left(tile) {
      const found = cards.get(tile);
      if (found) painter.drop(found.card);
      cards.delete(tile);
    },
    weather(...given) {
      weather = given[0] ? given : null;
      painter.weather(...given);
    },
    shown(camera, now, still) {
      const list = [];
      let fading = false;
      for (const [tile, { card, since }] of cards) {
        const [x, z] = [camera.x / cell / NET, camera.z / cell / NET];
        const away = Math.hypot(Math.max(tile.column - x, 0, x - tile.column - 1), Math.max(tile.row - z, 0, z - tile.row - 1));
        if (away > reach) continue;
        const fade = still || since === 0 ? 1 : Math.min(1, (now - since) / 500);
        fading ||= fade < 1;
        list.push({ card, column: tile.column, row: tile.row, fade, away });
      }
      return { list: list.sort((a, b) => a.away - b.away), fading };
    },
    draw({ camera, span: [low, high], light, dry, passed, still, fine = false }) {
      if (gl.isContextLost()) return false;
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      size(passed, fine);
      const { list, fading } = self.shown(camera, performance.now(), still);
      const angle = screen.width > screen.height ? 0.95 : 1.15;
      const projection = worldPerspective(angle, screen.width / screen.height, 0.03 * cell, 1.6 * far);
      const view = { projection, look: worldLook(camera.yaw, camera.pitch), viewport: [0, 0, screen.width, screen.height] };
      self.pieces = painter.draw({ tiles: list, camera, views: [view], light, cell, span: { low, high, far }, dry, ...care });
      return fading;
    },
    eyes: ({ camera, span: [low, high], light, dry, views }) => painter.draw({ tiles: self.shown(camera, performance.now(), false).list, camera, views, light, cell, span: { low, high, far }, dry, ...care }),
    end() {
      for (const tile of [...cards.keys()]) self.left(tile);
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
  return self;
}

Object.assign(tools, { worldMaths, worldHit });
