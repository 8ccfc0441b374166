// The agent that proves that a level can be finished: imggen_lib/applications/levels/agent.py once more. It looks at the same nodes
// in the same order and gives the same inputs.

const gameSearch = { actions: [6, 2, 4, 0, 5, 1], hold: 6, weight: 1.5, nodes: 50000 };

// A queue whose first entry is the one with the least cost, and of equal ones the oldest.
function gameQueue() {
  const heap = [];
  const before = (a, b) => a.cost < b.cost || (a.cost === b.cost && a.number < b.number);
  return {
    get size() {
      return heap.length;
    },
    push(entry) {
      let k = heap.push(entry) - 1;
      while (k > 0) {
        const up = (k - 1) >> 1;
        if (!before(entry, heap[up])) break;
        heap[k] = heap[up];
        k = up;
      }
      heap[k] = entry;
    },
    pop() {
      const first = heap[0];
      const entry = heap.pop();
      if (heap.length === 0) return first;
      let k = 0;
      for (;;) {
        let next = 2 * k + 1;
        if (next >= heap.length) break;
        if (next + 1 < heap.length && before(heap[next + 1], heap[next])) next += 1;
        if (!before(heap[next], entry)) break;
        heap[k] = heap[next];
        k = next;
      }
      heap[k] = entry;
      return first;
    },
  };
}

// Where the enemies are at each frame, computed as far as it is asked for.
function gameTraffic(course) {
  const now = course.enemies.map((enemy) => ({ ...enemy }));
  const places = [now.map(({ x, y }) => ({ x, y }))];
  return {
    places,
    until(frame) {
      while (places.length <= frame) {
        for (const enemy of now) gameWalk(course, enemy);
        places.push(now.map(({ x, y }) => ({ x, y })));
      }
    },
    near(x, frame, stomped) {
      const { side, width, fastest, walk, gone } = gameRules;
      const reach = side + width + gameSearch.hold * (fastest + walk);
      const found = [];
      places[frame].forEach((e, k) => {
        if (Math.abs(e.x - x) < reach && e.y !== gone && !((stomped >> BigInt(k)) & 1n)) found.push(k);
      });
      return found;
    },
  };
}

// The player, the stomped enemies and the time after an action, or at the goal; null for death.
function gameHeld(course, traffic, node, buttons, near) {
  const { height, bounce, stomp } = gameRules;
  const player = { ...node.player };
  let { stomped } = node;
  for (let k = 1; k <= gameSearch.hold; k++) {
    gameMove(course, player, buttons);
    const { vy } = player;
    for (const i of near) {
      const e = traffic.places[node.frame + k][i];
      if (!gameTouches(player, e) || (stomped >> BigInt(i)) & 1n) continue;
      if (!(vy > 0 && player.y + height <= e.y + stomp)) return null;
      stomped |= 1n << BigInt(i);
      player.vy = -bounce;
      player.ground = false;
    }
    if (player.x >= course.goal) return { player, stomped, frame: node.frame + k };
    if (player.y >= course.floor) return null;
  }
  return { player, stomped, frame: node.frame + gameSearch.hold };
}

// Look for inputs that finish a level. A generator: it gives the number of nodes now and then, so that a page stays alive, and at
// the end { outcome: "finished" | "unreachable" | "out of nodes", inputs, frames, nodes, jumps, reached }.
function* gameSolving(course, nodes = gameSearch.nodes, pause = 500) {
  const traffic = gameTraffic(course);
  const queue = gameQueue();
  const came = [[-1, 0]];
  const seen = new Set();
  let [looked, best, end, outcome] = [0, [-1, 0], 0, null];
  queue.push({ cost: 0, number: 0, player: { ...course.start }, frame: 0, stomped: 0n });
  while (queue.size && looked < nodes) {
    const node = queue.pop();
    const { player } = node;
    looked += 1;
    if (looked % pause === 0) yield looked;
    if (player.x > best[0]) {
      best = [player.x, node.number];
      end = node.frame;
    }
    if (player.x >= course.goal) {
      outcome = "finished";
      break;
    }
    traffic.until(node.frame + gameSearch.hold);
    const near = traffic.near(player.x, node.frame, node.stomped);
    for (const buttons of gameSearch.actions) {
      if (buttons & 4 && player.vy >= 0 && !player.ground && !near.length) continue;
      const after = gameHeld(course, traffic, node, buttons, near);
      if (!after) continue;
      const p = after.player;
      const key = [
        ...[p.x >> 6, p.y >> 6, p.vx >> 4, p.vy >> 4, p.ground, p.held],
        ...[after.stomped, near.length ? Math.floor(after.frame / 24) : 0],
      ].join();
      if (seen.has(key)) continue;
      seen.add(key);
      came.push([node.number, buttons]);
      const left = (gameSearch.weight * Math.max(0, course.goal - p.x)) / gameRules.fastest;
      queue.push({ ...after, cost: after.frame + left, number: came.length - 1 });
    }
  }
  outcome ??= queue.size ? "out of nodes" : "unreachable";
  const actions = [];
  for (let number = best[1]; number > 0; number = came[number][0]) actions.push(came[number][1]);
  const inputs = actions
    .reverse()
    .flatMap((buttons) => Array(gameSearch.hold).fill(buttons))
    .slice(0, end);
  const { frames, jumps, column } = gamePlay(course, inputs);
  const reached = outcome === "finished" ? 1 : (column + 1) / course.columns;
  return { outcome, inputs: gameText(inputs), frames, nodes: looked, jumps, reached };
}

// The same at once.
function gameSolve(course, nodes) {
  const search = gameSolving(course, nodes);
  for (;;) {
    const { done, value } = search.next();
    if (done) return value;
  }
}
