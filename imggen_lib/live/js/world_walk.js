// Walking and flying: what keys, fingers and a stick ask for, and what the camera makes of it.

const worldKeys = {
  w: "ahead", ArrowUp: "ahead", s: "back", ArrowDown: "back", a: "left", d: "right", ArrowLeft: "turnLeft", ArrowRight: "turnRight",
  e: "up", PageUp: "up", " ": "up", q: "down", PageDown: "down", Shift: "run",
};

function worldControls() {
  const held = new Map(); // what holds a wish (a key, a button) -> the wish
  const stick = { x: 0, y: 0 };
  const on = (wish) => ([...held.values()].includes(wish) ? 1 : 0);
  return {
    stick,
    key: (event) => worldKeys[event.key.length === 1 ? event.key.toLowerCase() : event.key],
    press: (source, wish) => held.set(source, wish),
    release: (source) => held.delete(source),
    clear() {
      held.clear();
      stick.x = stick.y = 0;
    },
    get any() {
      return [...held.values()].some((wish) => wish !== "run") || Math.hypot(stick.x, stick.y) > 0.05;
    },
    wish: () => ({
      ahead: on("ahead") - on("back") - stick.y,
      side: on("right") - on("left") + stick.x,
      turn: on("turnRight") - on("turnLeft"),
      rise: on("up") - on("down"),
      run: on("run"),
    }),
  };
}

// A camera over a land whose height `ground(x, z)` tells (null where it is not known yet). Metres; `cell` sets the pace.
function worldCamera({ ground, cell }) {
  const eye = 0.12 * cell;
  const floor = () => {
    const height = ground(self.x, self.z);
    return height === null ? null : height + eye;
  };
  const self = {
    ...{ x: 0, y: 0, z: 0, yaw: 0, pitch: -0.08, flying: false, eye },
    get above() {
      const low = floor();
      return low === null ? null : self.y - low + eye;
    },
    // Stand on the ground, or `lift` metres above it.
    put(x, z, lift = 0) {
      [self.x, self.z] = [x, z];
      const low = floor();
      if (low !== null) self.y = low + lift;
      self.flying = lift > 0;
    },
    look(yaw, pitch) {
      self.yaw = yaw - 2 * Math.PI * Math.floor(yaw / (2 * Math.PI));
      self.pitch = Math.max(-0.9, Math.min(0.6, pitch));
    },
    // Go on for `seconds`; true if something moved.
    step(wish, seconds) {
      const before = [self.x, self.y, self.z, self.yaw];
      const low = floor();
      const height = low === null ? 0 : Math.max(0, self.y - low);
      const pace = (0.55 * cell + 0.9 * height) * (wish.run ? 4 : 1) * seconds;
      const long = Math.max(1, Math.hypot(wish.ahead, wish.side));
      const [s, c] = [Math.sin(self.yaw), Math.cos(self.yaw)];
      self.look(self.yaw + wish.turn * 1.1 * seconds, self.pitch);
      self.x += (pace * (wish.ahead * s + wish.side * c)) / long;
      self.z += (pace * (wish.side * s - wish.ahead * c)) / long;
      if (wish.rise > 0 || (wish.rise && self.flying)) {
        self.y += wish.rise * (1.2 * cell + 0.9 * height) * (wish.run ? 3 : 1) * seconds;
        if (wish.rise < 0 && low !== null) self.y = Math.max(self.y, low);
        self.flying = true;
      }
      self.settle(seconds);
      return before.some((value, k) => value !== [self.x, self.y, self.z, self.yaw][k]);
    },
    // Feet follow the ground smoothly; nobody gets below it.
    settle(seconds) {
      const low = floor();
      if (low === null) return;
      if (self.flying && self.y <= low) self.flying = false;
      if (!self.flying) {
        const next = self.y + (low - self.y) * (1 - Math.exp(-8 * seconds));
        self.y = Math.abs(low - next) < 0.01 ? low : next;
      }
      self.y = Math.max(self.y, low - 0.6 * eye);
    },
  };
  return self;
}

// The stick under the thumb, and two buttons to rise and sink.
function worldPad({ names, controls, wake }) {
  const knob = h("span", { class: "il-world-knob" });
  const stick = h("div", { class: "il-world-stick", role: "presentation" }, knob);
  const show = () => (knob.style.transform = `translate(${controls.stick.x * 28}px, ${controls.stick.y * 28}px)`);
  const move = (event) => {
    const box = stick.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    const far = Math.max(1, Math.hypot(x, y) / (box.width / 2 - 12));
    Object.assign(controls.stick, { x: x / far / (box.width / 2 - 12), y: y / far / (box.width / 2 - 12) });
    show();
    wake();
  };
  const free = () => {
    Object.assign(controls.stick, { x: 0, y: 0 });
    show();
  };
  stick.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    stick.setPointerCapture(event.pointerId);
    move(event);
  });
  stick.addEventListener("pointermove", (event) => stick.hasPointerCapture(event.pointerId) && move(event));
  for (const end of ["pointerup", "pointercancel"]) stick.addEventListener(end, free);
  const lifts = ["up", "down"].map((wish) => {
    const key = h("button", { type: "button", class: "il-world-lift", tabindex: -1, "aria-label": names[wish] }, wish === "up" ? "\u25b2" : "\u25bc");
    key.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      controls.press(wish, wish);
      wake();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) key.addEventListener(end, () => controls.release(wish));
    key.addEventListener("contextmenu", (event) => event.preventDefault());
    return key;
  });
  return [stick, h("div", { class: "il-world-lifts" }, ...lifts)];
}
