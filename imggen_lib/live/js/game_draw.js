// How the game looks: tiles and figures from the sheet that imggen_lib/applications/levels/tileset.py draws, seen through a window
// that follows the player.

const gameFigures = { stand: 13, run: 14, air: 15, crawl: 16, creep: 17 };

function gameSheet(source) {
  return new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => failed(new Error("the pictures of the tiles cannot be read"));
    image.src = source;
  });
}

// A view of `columns` x `rows` tiles onto a game. .draw(game, dark) draws it; with `still`, the view jumps from screen to screen.
function gameView({ sheet, across, screen, columns, still }) {
  const { pen } = screen;
  let camera = 0; // in sixteenths of a pixel
  let size = 16;
  const put = (number, x, y, mirrored = false) => {
    const [sx, sy] = [(number % across) * 16, Math.floor(number / across) * 16];
    if (!mirrored) {
      pen.drawImage(sheet, sx, sy, 16, 16, x, y, size, size);
      return;
    }
    pen.save();
    pen.translate(x + size, y);
    pen.scale(-1, 1);
    pen.drawImage(sheet, sx, sy, 16, 16, 0, 0, size, size);
    pen.restore();
  };
  const self = {
    facing: 1,
    reset() {
      camera = 0;
      self.facing = 1;
    },
    draw(game, dark, width, height) {
      size = Math.round(width / columns);
      const { course, player, tiles } = game;
      const most = Math.max(0, course.columns - columns) * 256;
      const wanted = player.x + 96 - columns * 96; // the player is left of the middle
      camera = still ? Math.floor((player.x + 96) / (columns * 224)) * columns * 224 : wanted;
      camera = Math.max(0, Math.min(most, camera));
      const px = (units) => (units * size) / 256;
      const shift = Math.round(px(camera));
      pen.imageSmoothingEnabled = false;
      pen.fillStyle = dark ? "#33425c" : "#cde2f0";
      pen.fillRect(0, 0, width, height);
      pen.save();
      pen.translate(0, height - course.rows * size); // a lower level stands at the bottom
      // The goal: the last column is lit.
      pen.fillStyle = dark ? "rgba(246, 190, 60, 0.35)" : "rgba(246, 190, 60, 0.5)";
      pen.fillRect(Math.round(px(course.goal)) - shift, 0, size, course.rows * size);
      const first = Math.floor(camera / 256);
      for (let r = 0; r < course.rows; r++) {
        for (let c = first; c <= Math.min(first + columns, course.columns - 1); c++) {
          const kind = tiles[r][c];
          if (kind !== gameTile.empty && kind !== gameTile.enemy) put(kind, c * size - shift, r * size);
        }
      }
      const step = still ? 0 : Math.floor(game.frames / 8) % 2;
      for (const enemy of game.enemies) {
        if (enemy.stomped || enemy.y === gameRules.gone) continue;
        const number = step ? gameFigures.creep : gameFigures.crawl;
        put(number, Math.round(px(enemy.x - 32)) - shift, Math.round(px(enemy.y - 64)), enemy.vx > 0);
      }
      if (player.vx) self.facing = Math.sign(player.vx);
      const figure = !player.ground ? "air" : player.vx && step ? "run" : "stand";
      put(gameFigures[figure], Math.round(px(player.x - 32)) - shift, Math.round(px(player.y - 32)), self.facing < 0);
      pen.restore();
    },
  };
  return self;
}
