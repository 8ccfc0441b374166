"""Boxes and arrows: what is computed from what, and where the gradient goes.

A diagram is an SVG with text as text, so that it can be translated, searched and read aloud; lines and letters have the colour of
the page's text, and the six colours have 3 to 1 on white and on near black. It is 340 units wide, a phone's column: its text is
never smaller than 12 pixels there, and it grows to half as much again on a wide page.

One look for all: a rounded box is a network, a square one a tensor, a circle is noise, a box with a double edge a loss. What is
learned has a thick edge, what stays fixed a thin dashed one. An arrow is a computation; a dashed one is the gradient, and a bar
is where it stops. :mod:`imggen_lib.viz.diagrams` has the diagrams of the book.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from imggen_lib.viz import style

WIDTH, SIZE, LINE = 340, 12, 15  # of a diagram, of its letters, of a line of text
INKS = {"data": style.DATA, "made": style.MODEL, "critic": style.CRITIC, "code": style.TEAL, "plain": "currentColor"}
Kind = Literal["network", "tensor", "noise", "loss"]
Side = Literal["left", "right", "top", "bottom"]
_STEPS: dict[Side, tuple[int, int]] = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


@dataclass(frozen=True)
class Box:
    """What is computed (`kind`), in lines of text around ``(x, y)``; `ink` says whose it is, see ``INKS``."""

    text: str
    x: float
    y: float
    kind: Kind = "tensor"
    ink: str = "plain"
    role: Literal["", "learned", "fixed"] = ""
    width: float = 0.0  # 0: as wide as its text needs

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def wide(self) -> float:
        needed = max(text_width(line) for line in self.lines) + 16
        if self.kind == "noise":
            return max(needed, self.high)
        return max(self.width, needed)

    @property
    def high(self) -> float:
        return LINE * len(self.lines) + 13

    def at(self, side: Side, shift: float = 0.0) -> tuple[float, float]:
        """The middle of a side, moved along it by `shift`."""
        right, down = _STEPS[side]
        return (self.x + right * self.wide / 2 + shift * abs(down), self.y + down * self.high / 2 + shift * abs(right))


@dataclass(frozen=True)
class Arrow:
    """A computation, a ``"gradient"``, or a gradient that a bar ``"stopped"``; `via` are the corners between start and end."""

    start: tuple[float, float]
    end: tuple[float, float]
    kind: Literal["forward", "gradient", "stopped"] = "forward"
    via: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Label:
    """Words beside the boxes; `anchor` is ``"start"``, ``"middle"`` or ``"end"``."""

    text: str
    x: float
    y: float
    anchor: str = "middle"
    gradient: bool = False
    bold: bool = False


def text_width(text: str) -> float:
    """An upper bound of a line's width in sans-serif letters of size ``SIZE``; East Asian letters are square."""
    return sum(SIZE if ord(letter) > 0x2E7F else 0.62 * SIZE for letter in re.sub(r"[_{}]", "", text))


def spans(text: str) -> str:
    """The text as SVG, with subscripts: ``"x_t"`` and ``"x_{t-1}"``."""
    parts = re.split(r"_(?:\{([^}]*)\}|(\w))", text)  # text, subscript in braces, subscript of one letter, text, ...
    found = escape(parts[0])
    for braced, letter, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found += f'<tspan dy="3" font-size="{0.8 * SIZE:g}">{escape(braced or letter)}</tspan>'
        found += f'<tspan dy="-3">{escape(after)}</tspan>' if after else ""
    return found


@dataclass
class Diagram:
    """Boxes, arrows and labels on a sheet of ``WIDTH`` x `height`; `title` and `words` are what a screen reader says."""

    title: str
    words: str
    height: float
    boxes: Sequence[Box] = ()
    arrows: Sequence[Arrow] = ()
    labels: Sequence[Label] = field(default=())

    def svg(self) -> str:
        """The picture; raises ``ValueError`` for what lies outside of the sheet."""
        self._check()
        parts = [f"<title>{escape(self.title)}</title><desc>{escape(self.words)}</desc>"]
        parts += [_arrow(arrow) for arrow in self.arrows]
        parts += [_box(box) for box in self.boxes]
        parts += [_label(label) for label in self.labels]
        look = f"display:block;width:100%;max-width:{1.5 * WIDTH:.0f}px;height:auto;margin:0.5em auto;color:inherit"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:g}" role="img" style="{look}"'
        return f'{head} font-family="system-ui, sans-serif" font-size="{SIZE}" fill="currentColor">{"".join(parts)}</svg>'

    def _check(self) -> None:
        for box in self.boxes:
            inside = box.wide / 2 <= box.x <= WIDTH - box.wide / 2 and box.high / 2 <= box.y <= self.height - box.high / 2
            if not inside:
                raise ValueError(f"{box.text!r} does not fit on the sheet: give it a shorter text, or another line")

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<Diagram: {self.title}>"


def row(*boxes: Box, y: float, gap: float | None = None) -> list[Box]:
    """The boxes beside each other at this height, evenly over the sheet's width, or `gap` apart and centred."""
    wide = sum(box.wide for box in boxes)
    space = (WIDTH - 4 - wide) / max(1, len(boxes) - 1) if gap is None else gap
    left, placed = (WIDTH - wide - space * (len(boxes) - 1)) / 2, []
    for box in boxes:
        placed.append(Box(box.text, left + box.wide / 2, y, box.kind, box.ink, box.role, box.width))
        left += box.wide + space
    return placed


def chain(boxes: Sequence[Box], shift: float = -5.0) -> list[Arrow]:
    """An arrow from each box of a row to the next, a little above the middle."""
    return [Arrow(a.at("right", shift), b.at("left", shift)) for a, b in itertools.pairwise(boxes)]


def back(boxes: Sequence[Box], shift: float = 5.0) -> list[Arrow]:
    """The gradient from the last box of a row to the first, a little below the middle."""
    return [Arrow(b.at("left", shift), a.at("right", shift), "gradient") for a, b in itertools.pairwise(boxes)]


def _box(box: Box) -> str:
    ink = INKS[box.ink]
    dash = ' stroke-dasharray="3 3"' if box.role == "fixed" else ""
    edge = 2.6 if box.role == "learned" else 1.2
    look = f'fill="{ink}" fill-opacity="0.14" stroke="{ink}" stroke-width="{edge}"{dash}'
    left, top, wide, high = box.x - box.wide / 2, box.y - box.high / 2, box.wide, box.high
    if box.kind == "noise":
        shape = f'<ellipse cx="{box.x:g}" cy="{box.y:g}" rx="{wide / 2:g}" ry="{high / 2:g}" {look}/>'
    else:
        round_ = {"network": 9, "tensor": 0, "loss": 0}[box.kind]
        shape = f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" rx="{round_}" {look}/>'
    if box.kind == "loss":
        inner = f'x="{left + 3:g}" y="{top + 3:g}" width="{wide - 6:g}" height="{high - 6:g}"'
        shape += f'<rect {inner} fill="none" stroke="{ink}" stroke-width="0.8"/>'
    first = box.y - LINE * (len(box.lines) - 1) / 2 + 0.35 * SIZE
    lines = "".join(
        f'<text x="{box.x:g}" y="{first + LINE * k:g}" text-anchor="middle">{spans(line)}</text>'
        for k, line in enumerate(box.lines)
    )
    return shape + lines


def _arrow(arrow: Arrow) -> str:
    """A line and its head, drawn by hand: a marker's id would have to be one of a kind on a page."""
    places = [arrow.start, *arrow.via, arrow.end]
    (x0, y0), (x1, y1) = places[-2:]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 or 1.0
    u, v = (x1 - x0) / length, (y1 - y0) / length
    stopped = arrow.kind == "stopped"
    ink = "currentColor" if arrow.kind == "forward" else style.GRADIENT
    dash = "" if arrow.kind == "forward" else ' stroke-dasharray="5 3"'
    if stopped:  # half of the way, and a bar
        x1, y1 = x0 + u * length / 2, y0 + v * length / 2
    places[-1] = (x1, y1) if stopped else (x1 - 5 * u, y1 - 5 * v)
    way = " ".join(f"{x:g},{y:g}" for x, y in places)
    line = f'<polyline points="{way}" fill="none" stroke="{ink}" stroke-width="1.5"{dash}/>'
    if stopped:
        bar = f'x1="{x1 - 6 * v:g}" y1="{y1 + 6 * u:g}" x2="{x1 + 6 * v:g}" y2="{y1 - 6 * u:g}"'
        return f'{line}<line {bar} stroke="{ink}" stroke-width="3"/>'
    wings = [(x1 - 7 * u - 4 * v, y1 - 7 * v + 4 * u), (x1, y1), (x1 - 7 * u + 4 * v, y1 - 7 * v - 4 * u)]
    head = " ".join(f"{x:g},{y:g}" for x, y in wings)
    return f'{line}<polygon points="{head}" fill="{ink}"/>'


def _label(label: Label) -> str:
    weight = ' font-weight="600"' if label.bold else ""
    ink = f' fill="{style.GRADIENT}"' if label.gradient else ""
    return f'<text x="{label.x:g}" y="{label.y:g}" text-anchor="{label.anchor}"{weight}{ink}>{spans(label.text)}</text>'
