// Drawing one's own data on a plane, by mouse, finger or keyboard: shared by the demos that train on points.

const trainerPen = (() => {
  "use strict";
  const MOST = 500; // points of a drawing
  const APART = 0.035; // between the points of a stroke
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  // What is there before the reader draws: a heart.
  const HEART = (() => {
    const at = (t) => {
      const y = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
      return [0.045 * 16 * Math.sin(t) ** 3, 0.045 * (y + 2.5)];
    };
    const kept = [at(0)];
    for (let t = 0; t < 2 * Math.PI; t += 0.001) {
      const [point, last] = [at(t), kept.at(-1)];
      if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.09) kept.push(point);
    }
    return kept;
  })();

  /**
   * Listens on `view.plane`, a canvas that shows the plane in `view.size` units, while `active()`. Points go into the list
   * `drawn()`; `redrawn(text)` is told of each change, `say` has the texts "draw-count" and "draw-full", `draw()` shows where the
   * keyboard's `view.cursor` is.
   */
  function listen(view, { drawn, active, say, tell, redrawn, draw }) {
    const { plane } = view;
    function add(point) {
      const places = drawn();
      if (places.length >= MOST) {
        tell(say("draw-full", { n: places.length }));
        return;
      }
      places.push(point);
      redrawn(say("draw-count", { n: places.length }));
    }

    const placed = (event) => trainerDraw.pointAt(plane.at(event), view.size);
    let pen = null; // the last point of the stroke that is being drawn
    plane.addEventListener("pointerdown", (event) => {
      if (!active() || event.button !== 0) return;
      event.preventDefault();
      plane.setPointerCapture(event.pointerId);
      plane.focus({ preventScroll: true });
      view.cursor = null;
      pen = placed(event);
      add(pen);
    });
    plane.addEventListener("pointermove", (event) => {
      if (!pen) return;
      const point = placed(event);
      if (Math.hypot(point[0] - pen[0], point[1] - pen[1]) < APART) return;
      pen = point;
      add(point);
    });
    for (const end of ["pointerup", "pointercancel"]) plane.addEventListener(end, () => (pen = null));
    plane.addEventListener("keydown", (event) => {
      if (!active()) return;
      if (event.key in KEYS) {
        const at = view.cursor ?? [0, 0];
        const by = event.shiftKey ? 0.2 : 0.05;
        view.cursor = KEYS[event.key].map((step, k) => Math.max(-1, Math.min(1, at[k] + by * step)));
        draw();
      } else if (event.key === " ") {
        view.cursor ??= [0, 0];
        add(view.cursor.slice());
      } else if (event.key === "Backspace" && drawn().length) {
        drawn().pop();
        redrawn(say("draw-count", { n: drawn().length }));
      } else return;
      event.preventDefault();
    });
    plane.addEventListener("blur", () => {
      if (!view.cursor) return;
      view.cursor = null;
      draw();
    });
  }

  /** The plane is a drawing area while `on`, and a picture otherwise. */
  function offer(view, on, say) {
    view.plane.classList.toggle("il-drawing", on);
    if (on) view.plane.tabIndex = 0;
    else view.plane.removeAttribute("tabindex");
    view.plane.setAttribute("role", on ? "application" : "img");
    view.hint = on ? `${say("draw-plane")} ` : "";
  }

  return { HEART, MOST, listen, offer };
})();
