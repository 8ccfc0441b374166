"""Diagrams as SVG that takes the page's colour: one shape a kind of box, one line a kind of arrow, and a legend."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from imggen_lib.viz import style
from imggen_lib.viz.diagram import SIDE, SIZE, SMALL, WIDTH, Arrow, Box, Panel, wrapped
from imggen_lib.viz.pages import Html

_HEAD = 7.0  # the length of an arrow's head


def svg(panel: Panel) -> str:
    """The panel as an SVG element with a name and a description for those who do not see it."""
    high = panel.height()
    heads = wrapped(panel.title, SIZE, WIDTH - 2 * SIDE)
    parts = [_line(head, SIDE, 20 + 20 * k, SIZE, anchor="start", weight=600) for k, head in enumerate(heads)]
    parts += [_drawn(arrow) for arrow in panel.arrows()] + [_shape(box) + _inside(box) for box in panel.placed().values()]
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH:g} {high:g}" width="{WIDTH:g}" height="{high:g}" fill="currentColor" '
        f'style="max-width:100%;height:auto;flex:0 1 {WIDTH:g}px" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(_spoken(panel.title))}</title><desc>{escape(panel.words)}</desc>{''.join(parts)}</svg>"
    )


def _drawn(arrow: Arrow) -> str:
    *before, (x1, y1), (x2, y2) = arrow.points
    length = max(abs(x2 - x1), abs(y2 - y1))
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    stop = arrow.kind == "stop"
    tail = (x2, y2) if stop else (x2 - dx * _HEAD, y2 - dy * _HEAD)
    paint = "currentColor" if arrow.kind == "value" else style.GRADIENT
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*before, (x1, y1), tail])
    dashes = "" if arrow.kind == "value" else ' stroke-dasharray="4 3"'
    wide = 1.6 if arrow.kind == "value" else 2.2
    line = f'<polyline points="{path}" fill="none" stroke="{paint}" stroke-width="{wide}"{dashes}/>'
    if stop:
        (a, b), (c, d) = (x2 - dy * 7, y2 - dx * 7), (x2 + dy * 7, y2 + dx * 7)
        return line + f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="{paint}" stroke-width="3.5"/>'
    corners = [(x2, y2), (tail[0] - dy * 4, tail[1] + dx * 4), (tail[0] + dy * 4, tail[1] - dx * 4)]
    return line + f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}" fill="{paint}"/>'


def _shape(box: Box) -> str:
    """One shape a kind: networks have round corners, tensors sharp ones, noise round ends, losses cut corners."""
    paint = "currentColor" if box.kind == "loss" else box.colour
    wide, filled = 2.8 if box.firm else 1.6, 0.06 if box.kind == "loss" else 0.14
    look = f'stroke="{paint}" stroke-width="{wide}" fill="{paint}" fill-opacity="{filled}"'
    if box.kind == "network" and not box.firm:
        look += ' stroke-dasharray="2 3"'
    if box.kind == "loss":
        x, y, r, b, c = box.x, box.y, box.x + box.width, box.bottom, min(9.0, box.height / 3)
        corners = [(x + c, y), (r - c, y), (r, y + c), (r, b - c), (r - c, b), (x + c, b), (x, b - c), (x, y + c)]
        return f'<polygon points="{" ".join(f"{p:.1f},{q:.1f}" for p, q in corners)}" {look}/>'
    round_ = {"network": 11.0, "tensor": 1.5, "noise": box.height / 2}[box.kind]
    return f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{round_:g}" {look}/>'


def _inside(box: Box) -> str:
    y, out = box.y + 6, []
    for lines, size, step in ((box.lines, SIZE, 18), (box.small, SMALL, 15)):
        for line in lines:
            out.append(_line(line, box.middle, y + step * 0.74, size))
            y += step
    return "".join(out)


def _line(text: str, x: float, y: float, size: float, anchor: str = "middle", weight: int = 400) -> str:
    inside = "".join(_formula(part) if k % 2 else escape(part) for k, part in enumerate(text.split("$")))
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"{bold}>{inside}</text>'


def _formula(text: str) -> str:
    """Letters slanted; what follows `_` or `^` smaller, and lower or higher."""
    out, shift = "", 0.0
    for mark, group, letter in re.findall(r"([_^]?)(?:\{([^}]*)\}|(.))", text):
        part = group or letter
        slanted = ' font-style="italic"' if part.isalpha() and part not in ("log", "KL", "N") else ""
        now = {"_": 0.25, "^": -0.35}.get(mark, 0.0)
        moved = f' dy="{SIZE * (now - shift):.2f}"' if now != shift else ""
        smaller = f' font-size="{SIZE * 0.78:.1f}"' if mark else ""
        out += f"<tspan{slanted}{moved}{smaller}>{escape(part)}</tspan>" if slanted or moved or smaller else escape(part)
        shift = now
    return out + (f'<tspan dy="{-SIZE * shift:.2f}">\u200b</tspan>' if shift else "")


def _spoken(text: str) -> str:
    return re.sub(r"[${}_^]", "", text)


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """What the shapes and lines mean, as text with a small sample before it: pairs of a kind and its name."""
    items = [
        f'<span style="display:inline-flex;gap:.4em;align-items:center"><svg width="32" height="18" viewBox="0 0 32 18" '
        f'fill="currentColor" aria-hidden="true">{_sample(kind)}</svg>{escape(name)}</span>'
        for kind, name in entries
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:.1em 1.1em;justify-content:center;font-size:.8em">{"".join(items)}</div>'


def _sample(kind: Any) -> str:
    """A line or a shape of 32 by 18 pixels; ``firm`` and ``fixed`` are networks."""
    if kind in ("value", "gradient", "stop"):
        return _drawn(Arrow(((2, 9), (24 if kind == "stop" else 30, 9)), kind))
    shape: Any = "network" if kind in ("firm", "fixed") else kind
    colour = style.NETWORK if shape == "network" else style.INK
    return _shape(Box(shape, (), (), colour, kind == "firm", 0, 2.0, 2.0, 28.0, 14.0))


def diagram(panels: Sequence[Panel], entries: Sequence[tuple[str, str]], words: str) -> Html:
    """Panels side by side where the page has room, one below the other on a phone, the legend below; `words` are its name."""
    inside = "".join(svg(panel) for panel in panels)
    row = f'<div style="display:flex;flex-wrap:wrap;gap:1em;justify-content:center;align-items:flex-start">{inside}</div>'
    return Html(f'<div class="imggen-diagram" role="group" aria-label="{escape(words)}">{row}{legend(entries)}</div>', words)
