// The game in whole numbers: imggen_lib/applications/levels/physics.py once more, to the bit. The rules stand there.
//
// Lengths are sixteenths of a pixel, a tile has 256, a frame is a sixtieth of a second. Buttons: 1 left, 2 right, 4 jump.

const gameSigns = "-XS?QE<>[]oBb";
const gameTile = Object.fromEntries(
  ["empty", "ground", "brick", "question", "used", "enemy", "topLeft", "topRight", "left", "right", "coin", "cannon", "foot"].map(
    (name, k) => [name, k],
  ),
);
const gameRules = {
  ...{ tile: 256, width: 192, height: 224, side: 192, fastest: 48, push: 2, brake: 4, jump: 80, bounce: 52, fall: 72 },
  ...{ light: 3, cut: 9, heavy: 6, stomp: 128, walk: 8, sky: 16, gone: 1 << 20 },
};

function gameSolid(tile) {
  return tile !== gameTile.empty && tile !== gameTile.enemy && tile !== gameTile.coin;
}

// A level as text, a line a row, as arrays of tile numbers.
function gameRead(text) {
  return text
    .trim()
    .split("\n")
    .map((line) => [...line].map((sign) => gameSigns.indexOf(sign)));
}

// A level as the game needs it.
function gameCourse(level) {
  const { tile, width, height, side, sky, walk } = gameRules;
  const rows = level.length;
  const columns = level[0].length;
  const stride = columns + 3;
  const solid = new Uint8Array((rows + sky + 3) * stride);
  const enemies = [];
  level.forEach((line, r) =>
    line.forEach((kind, c) => {
      if (gameSolid(kind)) solid[(r + sky) * stride + 1 + c] = 1;
      if (kind === gameTile.enemy) {
        enemies.push({ x: c * tile + ((tile - side) >> 1), y: (r + 1) * tile - side, vx: -walk, vy: 0 });
      }
    }),
  );
  // The player starts on the lowest cell of the first three columns that one can stand on, else of the first later one.
  const stand = (c) => {
    for (let r = rows - 2; r >= 0; r--) {
      if (!gameSolid(level[r][c]) && level[r][c] !== gameTile.enemy && gameSolid(level[r + 1][c])) return r;
    }
    return -1;
  };
  let start = null;
  for (let c = 0; c < columns && (c < 3 || !start); c++) {
    const r = stand(c);
    if (r >= 0 && (!start || r > start.r)) start = { r, c };
  }
  start ??= { r: 0, c: 0 };
  return {
    level,
    rows,
    columns,
    stride,
    solid,
    enemies,
    goal: (columns - 1) * tile,
    floor: rows * tile,
    start: {
      x: start.c * tile + ((tile - width) >> 1),
      y: (start.r + 1) * tile - height,
      vx: 0,
      vy: 0,
      ground: true,
      held: false,
    },
  };
}

// The player one frame later, changed in place.
function gameMove(course, p, buttons) {
  const { width, height, fastest, push, brake, jump, fall, light, cut, heavy, sky } = gameRules;
  const { solid, stride } = course;
  const way = ((buttons >> 1) & 1) - (buttons & 1);
  if (way) {
    p.vx += way * (p.vx * way < 0 ? brake : push);
    p.vx = p.vx > fastest ? fastest : p.vx < -fastest ? -fastest : p.vx;
  } else {
    p.vx = p.vx > brake ? p.vx - brake : p.vx < -brake ? p.vx + brake : 0;
  }
  const pressed = (buttons & 4) !== 0;
  if (pressed && p.ground && !p.held) {
    p.vy = -jump;
  } else {
    p.vy += p.vy >= 0 ? heavy : pressed ? light : cut;
    if (p.vy > fall) p.vy = fall;
  }
  p.held = pressed;

  p.x += p.vx;
  const above = ((p.y >> 8) + sky) * stride + 1;
  const below = (((p.y + height - 1) >> 8) + sky) * stride + 1;
  if (p.vx > 0) {
    const column = (p.x + width - 1) >> 8;
    if (solid[above + column] || solid[below + column]) {
      p.x = (column << 8) - width;
      p.vx = 0;
    }
  } else if (p.vx < 0) {
    const column = p.x >> 8;
    if (p.x < 0 || solid[above + column] || solid[below + column]) {
      p.x = (column + 1) << 8;
      p.vx = 0;
    }
  }

  p.y += p.vy;
  const left = (p.x >> 8) + 1;
  const right = ((p.x + width - 1) >> 8) + 1;
  p.ground = false;
  if (p.vy > 0) {
    const row = (p.y + height - 1) >> 8;
    const at = (row + sky) * stride;
    if (solid[at + left] || solid[at + right]) {
      p.y = (row << 8) - height;
      p.vy = 0;
      p.ground = true;
    }
  } else if (p.vy < 0) {
    const row = p.y >> 8;
    const at = (row + sky) * stride;
    if (row <= -sky || solid[at + left] || solid[at + right]) {
      p.y = (row + 1) << 8;
      p.vy = 0;
    }
  }
}

// An enemy one frame later, changed in place.
function gameWalk(course, e) {
  const { tile, side, fall, heavy, sky, gone } = gameRules;
  if (e.y === gone) return;
  const { solid, stride } = course;
  e.vy = Math.min(e.vy + heavy, fall);
  e.y += e.vy;
  const row = (e.y + side - 1) >> 8;
  const at = (row + sky) * stride + 1;
  if (!(solid[at + (e.x >> 8)] || solid[at + ((e.x + side - 1) >> 8)])) {
    if (e.y >= course.floor) Object.assign(e, { y: gone, vx: 0, vy: 0 });
    return;
  }
  e.y = (row << 8) - side;
  e.vy = 0;
  const ahead = e.x + e.vx;
  const front = e.vx < 0 ? ahead : ahead + side - 1;
  const out = front < 0 || front >= course.columns * tile;
  if (out || solid[((e.y >> 8) + sky) * stride + 1 + (front >> 8)] || !solid[at + (front >> 8)]) e.vx = -e.vx;
  else e.x = ahead;
}

function gameTouches(p, e) {
  const { width, height, side } = gameRules;
  return p.x < e.x + side && e.x < p.x + width && p.y < e.y + side && e.y < p.y + height;
}

// A level being played: .step(buttons) once a frame gives "playing", "won", "fell" or "hit"; .events are what the last frame brought.
function gameStart(course) {
  const { width, height, side, jump, bounce, stomp } = gameRules;
  const game = {
    course,
    player: { ...course.start },
    enemies: course.enemies.map((enemy) => ({ ...enemy, stomped: false })),
    tiles: course.level.map((line) => [...line]),
    ...{ outcome: "playing", frames: 0, coins: 0, stomped: 0, jumps: 0, hash: 2166136261 | 0, events: [] },
  };
  const p = game.player;
  const mix = (value) => (game.hash = Math.imul(game.hash ^ value, 16777619));
  const coin = (r, c, becomes, event) => {
    game.tiles[r][c] = becomes;
    game.coins += 1;
    game.events.push({ what: event, r, c });
  };
  game.step = (buttons) => {
    if (game.outcome !== "playing") return game.outcome;
    game.events = [];
    gameMove(course, p, buttons);
    game.frames += 1;
    if (p.vy === -jump) {
      game.jumps += 1;
      game.events.push({ what: "jump" });
    }
    const [first, last] = [p.x >> 8, (p.x + width - 1) >> 8];
    if (p.vy === 0 && !p.ground && (p.y & 255) === 0) {
      const r = (p.y >> 8) - 1;
      for (let c = first; c <= last; c++) {
        if (r >= 0 && c < course.columns && game.tiles[r][c] === gameTile.question) coin(r, c, gameTile.used, "block");
      }
    }
    for (const enemy of game.enemies) if (!enemy.stomped) gameWalk(course, enemy);
    const { vy } = p;
    for (const enemy of game.enemies) {
      if (enemy.stomped || !gameTouches(p, enemy)) continue;
      if (vy > 0 && p.y + height <= enemy.y + stomp) {
        enemy.stomped = true;
        game.stomped += 1;
        p.vy = -bounce;
        p.ground = false;
        game.events.push({ what: "stomp", x: enemy.x, y: enemy.y });
      } else {
        game.outcome = "hit";
      }
    }
    for (let r = Math.max(0, p.y >> 8); r <= (p.y + height - 1) >> 8 && r < course.rows; r++) {
      for (let c = first; c <= last && c < course.columns; c++) {
        if (game.tiles[r][c] === gameTile.coin) coin(r, c, gameTile.empty, "coin");
      }
    }
    if (p.x >= course.goal) game.outcome = "won";
    else if (p.y >= course.floor) game.outcome = "fell";
    for (const value of [p.x, p.y, p.vx, p.vy, game.coins]) mix(value);
    for (const enemy of game.enemies) {
      if (enemy.stomped) continue;
      mix(enemy.x);
      mix(enemy.y);
    }
    return game.outcome;
  };
  game.result = () => ({
    outcome: game.outcome,
    frames: game.frames,
    column: Math.min(p.x + (width >> 1), course.columns * 256 - 1) >> 8,
    ...{ coins: game.coins, stomped: game.stomped, jumps: game.jumps, hash: game.hash >>> 0 },
  });
  return game;
}

// Inputs from their text: letters a (no button) to h (all three), each with the frames it lasts.
function gameInputs(text) {
  const inputs = [];
  for (const [, letter, frames] of text.matchAll(/([a-h])(\d+)/g)) {
    for (let k = 0; k < Number(frames); k++) inputs.push("abcdefgh".indexOf(letter));
  }
  return inputs;
}

function gameText(inputs) {
  let text = "";
  for (let k = 0, run = 0; k < inputs.length; k++) {
    run += 1;
    if (inputs[k + 1] !== inputs[k]) {
      text += "abcdefgh"[inputs[k]] + run;
      run = 0;
    }
  }
  return text;
}

// Play inputs from the start.
function gamePlay(course, inputs) {
  const game = gameStart(course);
  for (const buttons of inputs) if (game.step(buttons) !== "playing") break;
  return game.result();
}
