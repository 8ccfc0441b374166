"""Boxes on a grid and arrows between them: where everything is in a diagram. `diagram_svg` draws it.

A panel is at most as wide as a phone's column, so its text is never made smaller; panels stand side by side where there is room.
Text is `<text>`, so that it can be translated: boxes wrap it, and a row is as high as its highest box. `$...$` sets letters as in
formulas, with `_` and `^` before one letter or `{...}`.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from imggen_lib.viz import style

Kind = Literal["network", "tensor", "noise", "loss"]
Back = Literal["", "gradient", "stop"]
Point = tuple[float, float]
WIDTH, COLUMNS = 320.0, 4  # pixels; a phone's column has 358, the book's 688: two panels stand side by side there
SIZE, SMALL = 14.0, 12.0  # the words in a box, and the line below them, in pixels
GAP, PAD, SIDE, APART = 34.0, 9.0, 10.0, 6.0  # between rows, inside boxes, at the edges, an arrow from the middle of its pair


def text_width(text: str, size: float) -> float:
    """A width in pixels that the text does not exceed in any common font; sub- and superscripts count in full."""
    plain = re.sub(r"[${}_^]", "", text)
    return size * sum(_em(letter) for letter in plain)


def _em(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF" or letter in "mwMW@%\u2014\u2026":
        return 1.0
    if letter in " iljtfr.,:;|'!()[]/":
        return 0.42
    return 0.86 if letter.isupper() or letter in "+=\u2212<>\u2211\u221a\u2016\u2192\u2248\u00d7" else 0.66


def wrapped(text: str, size: float, width: float) -> list[str]:
    """The text in lines of at most `width` pixels, broken at spaces outside formulas and between Chinese signs.

    Raises a ``ValueError`` if a single word is wider.
    """
    lines: list[str] = []
    for word, glue in _words(text):
        if text_width(word, size) > width:
            raise ValueError(f"the word {word!r} does not fit into a box of {width:.0f} pixels: use a shorter one")
        if lines and text_width(lines[-1] + glue + word, size) <= width:
            lines[-1] += glue + word
        else:
            lines.append(word)
    return lines


def _words(text: str) -> list[tuple[str, str]]:
    """The pieces of a text that stay whole, each with what stands before it if it is on the same line."""
    pieces: list[tuple[str, str]] = []
    for word in re.findall(r"(?:\$[^$]*\$|[^\s$])+", text):
        glue = " "
        for part in re.findall(r"(?:\$[^$]*\$|[^\u2e80-\u9fff\uff00-\uffef])+|[\u2e80-\u9fff\uff00-\uffef]", word):
            pieces.append((part, glue))
            glue = ""
    return pieces


class Box(NamedTuple):
    """A box with its place in the panel, in pixels."""

    kind: Kind
    lines: tuple[str, ...]
    small: tuple[str, ...]
    colour: str
    firm: bool  # a thick edge: it is changed by this step; else thin and, for a network, dashed
    row: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Arrow(NamedTuple):
    """A line through points, with a head at its end, or a bar where a gradient stops."""

    points: tuple[Point, ...]
    kind: Literal["value", "gradient", "stop"]


@dataclass
class Panel:
    """A picture of boxes in rows; a row has four columns. `words` say what is seen for those who do not see it."""

    title: str
    words: str
    boxes: dict[str, Box] = field(default_factory=dict)
    flows: list[tuple[str, str, Back]] = field(default_factory=list)
    loops: list[tuple[str, str]] = field(default_factory=list)

    def box(
        self, name: str, kind: Kind, text: str, row: int, at: tuple[int, int] = (0, COLUMNS), *,
        small: str = "", colour: str = style.INK, firm: bool = False,
    ) -> None:  # fmt: skip
        """A box that fills the columns from ``at[0]`` up to ``at[1]``; `small` is in smaller letters below its text."""
        share = (WIDTH - 2 * SIDE) / COLUMNS
        width = (at[1] - at[0]) * share - 8
        lines, below = wrapped(text, SIZE, width - 2 * PAD), wrapped(small, SMALL, width - 2 * PAD)
        height = float(12 + 18 * len(lines) + 15 * len(below))
        paint = style.NETWORK if kind == "network" else colour
        place = (SIDE + at[0] * share + 4, 0.0, width, height)
        self.boxes[name] = Box(kind, tuple(lines), tuple(below), paint, firm, row, *place)

    def flow(self, start: str, end: str, back: Back = "") -> None:
        """An arrow down from one box to another; beside it a gradient that comes back, or one that stops on the way."""
        self.flows.append((start, end, back))

    def loop(self, start: str, end: str) -> None:
        """An arrow from a lower box up to a higher one, along the right edge."""
        self.loops.append((start, end))

    def placed(self) -> dict[str, Box]:
        """All boxes, each row below the one before."""
        top = 12.0 + 20 * len(wrapped(self.title, SIZE, WIDTH - 2 * SIDE)) + 4
        out: dict[str, Box] = {}
        for row in range(1 + max(box.row for box in self.boxes.values())):
            mine = {name: box for name, box in self.boxes.items() if box.row == row}
            high = max((box.height for box in mine.values()), default=0.0)
            out |= {name: box._replace(y=top + (high - box.height) / 2) for name, box in mine.items()}
            top += high + GAP
        return out

    def arrows(self) -> list[Arrow]:
        """All arrows with their ways."""
        boxes, out = self.placed(), []
        for start, end, back in self.flows:
            out += _between(boxes[start], boxes[end], back)
        for start, end in self.loops:
            low, high = boxes[start], boxes[end]
            a, b, edge = low.y + low.height / 2, high.y + high.height / 2, WIDTH - SIDE
            ends = low.x + low.width, high.x + high.width
            out.append(Arrow(((ends[0], a), (edge, a), (edge, b), (ends[1], b)), "value"))
        return out

    def height(self) -> float:
        """The panel's height in pixels."""
        return max(box.bottom for box in self.placed().values()) + 12


def _between(a: Box, b: Box, back: Back) -> list[Arrow]:
    """The arrow down from a to b and, beside it, the gradient's way up."""
    margin = 2 * APART + 4
    left, right = max(a.x, b.x) + margin, min(a.x + a.width, b.x + b.width) - margin
    start, end = a.middle, b.middle
    if left <= right:  # straight down: from the middle of one of them if it can be, else where both are
        start = end = start if left <= start <= right else end if left <= end <= right else (left + right) / 2
    shift = APART if back else 0.0
    turn = b.y - GAP / 2
    low = APART if (end > start and back) else -APART if back else 0.0  # the outer way of the two
    down: tuple[Point, ...] = ((start - shift, a.bottom), (end - shift, b.y))
    up: tuple[Point, ...] = ((end + shift, b.y), (start + shift, a.bottom))
    if start != end:
        down = (down[0], (start - shift, turn + low), (end - shift, turn + low), down[1])
        up = (up[0], (end + shift, turn - low), (start + shift, turn - low), up[1])
    if back == "stop":
        up = (up[0], (end + shift, (b.y + turn - 2) / 2 if start != end else b.y - GAP / 2))
    return [Arrow(down, "value")] + ([Arrow(up, "gradient" if back == "gradient" else "stop")] if back else [])
