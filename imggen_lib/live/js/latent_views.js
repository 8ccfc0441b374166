// The latent demo's pictures: a row of digits a way of drawing, a large one of each, and the plane of codes.

const LATENT_WAYS = ["prior", "flow", "student"];
const LATENT_PLANE = 300;

// One way of drawing: { row, figure, show(images), choose(k), tell(texts) }. `pick(k)` is called when a picture is chosen.
function latentWay({ way, shape, say, pick }) {
  const large = picture(shape, 112, { role: null, "aria-hidden": "true" });
  const facts = ["evaluations", "distance", "ms", "nearest"].map(() => h("span"));
  const figure = h(
    "figure",
    { class: "il-figure il-latent-way", "data-way": way },
    large,
    h("figcaption", {}, h("strong", {}, say(way)), facts),
  );
  const small = Array.from({ length: LATENT_COUNT }, () => picture(shape, 44, { role: null, "aria-hidden": "true" }));
  const buttons = small.map((image, k) =>
    button(image, () => pick(k), { class: "il-latent-pick", "aria-label": say("pick", { k: k + 1, way: say(way) }) }),
  );
  const row = h("div", { class: "il-latent-row", role: "group", "aria-label": say(way), "data-way": way }, buttons);
  const label = h("div", { class: "il-latent-name", "aria-hidden": "true" }, say(way));
  let images = [];
  let chosen = 0;
  const self = { row, label, figure, parts: [label, row] };
  self.show = (data) => {
    const area = data.length / LATENT_COUNT;
    images = small.map((image, k) => data.slice(k * area, (k + 1) * area));
    small.forEach((image, k) => image.show(images[k]));
    large.show(images[chosen]);
  };
  self.choose = (k) => {
    chosen = k;
    buttons.forEach((each, j) => each.setAttribute("aria-pressed", String(j === k)));
    if (images.length) large.show(images[k]);
  };
  self.tell = (texts) => texts.forEach((text, k) => (facts[k].textContent = text));
  self.hide = (hidden) => [figure, label, row].forEach((part) => (part.hidden = hidden));
  return self;
}

// The plane of one class: codes of other images, of its own, and the ways of the noises. draw({ label, ends, paths, chosen }).
function latentPlane(codes, say) {
  const board = canvas(LATENT_PLANE, LATENT_PLANE, { role: "img", "aria-label": say("plane") });
  const reach = 3.4; // what lies further out stands at the edge
  const place = (v) => LATENT_PLANE * (0.5 + Math.max(-0.49, Math.min(0.49, v / (2 * reach))));
  const at = ([x, y]) => [place(x), LATENT_PLANE - place(y)];

  function dots(points, colour, alpha, radius) {
    board.pen.fillStyle = colour;
    board.pen.globalAlpha = alpha;
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = at([points[i], points[i + 1]]);
      board.pen.beginPath();
      board.pen.arc(x, y, radius, 0, 2 * Math.PI);
      board.pen.fill();
    }
    board.pen.globalAlpha = 1;
  }

  function line(points, colour, width) {
    board.pen.strokeStyle = colour;
    board.pen.lineWidth = width;
    board.pen.beginPath();
    points.forEach((point, k) => (k ? board.pen.lineTo(...at(point)) : board.pen.moveTo(...at(point))));
    board.pen.stroke();
  }

  // A ring for where the noise is, a triangle for the flow, a square for the student.
  function mark(kind, point, colour, ground, radius) {
    const [x, y] = at(point);
    const { pen } = board;
    pen.beginPath();
    if (kind === "ring") pen.arc(x, y, radius, 0, 2 * Math.PI);
    else if (kind === "square") pen.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else {
      pen.moveTo(x, y - 1.3 * radius);
      pen.lineTo(x + 1.2 * radius, y + radius);
      pen.lineTo(x - 1.2 * radius, y + radius);
      pen.closePath();
    }
    pen.fillStyle = kind === "ring" ? ground : colour;
    pen.fill();
    pen.lineWidth = kind === "ring" ? 2 : 1;
    pen.strokeStyle = kind === "ring" ? colour : ground;
    pen.stroke();
  }

  board.draw = ({ label, noises, paths, now, ends, chosen }, theme) => {
    const ground = theme.dark ? "#14181e" : "#ffffff";
    board.pen.fillStyle = ground;
    board.pen.fillRect(0, 0, LATENT_PLANE, LATENT_PLANE);
    dots(codes.cloud("others", label), theme.muted, 0.5, 1.8);
    dots(codes.cloud("own", label), theme.blue, 0.9, 2.6);
    const order = noises.map((_, k) => k).sort((a, b) => (a === chosen) - (b === chosen));
    for (const k of order) {
      const main = k === chosen;
      if (paths) line(paths[k], theme.orange, main ? 2.4 : 1);
      if (ends && main) line([noises[k], ends[k]], theme.text, 1);
      mark("ring", noises[k], theme.text, ground, main ? 5 : 3);
      if (ends) mark("square", ends[k], theme.text, ground, main ? 4.5 : 2.6);
      if (now) mark("triangle", now[k], theme.orange, ground, main ? 5.5 : 3.2);
    }
  };
  return board;
}
