"""Paths as an SVG in millimetres, a layer a pen; and back again: what is in such a file, and how it looks in pixels."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Bool

from imggen_lib.applications.characters.page import MM, Sheet
from imggen_lib.applications.characters.paths import Path, closed

_NAMES = "http://www.w3.org/2000/svg", "http://www.inkscape.org/namespaces/inkscape"


class Layer(NamedTuple):
    """What one pen draws, in this order; its name, its colour, and the width of its line in millimetres."""

    name: str
    colour: str
    paths: Sequence[Path]
    pen: float = 0.3


def _number(micrometres: int) -> str:
    """A whole number of micrometres in millimetres, as short as SVG allows."""
    return f"{micrometres / 1000:.3f}".rstrip("0").rstrip(".").replace("0.", ".", abs(micrometres) < 1000) or "0"


def _drawn(path: Path) -> str:
    """One ``m`` with the first point and, relative to the one before, the others; in whole micrometres, which add up."""
    points = np.round((path[:-1] if closed(path) else path) * 1000).astype(int)
    steps = np.concatenate([points[:1], np.diff(points, axis=0)])
    text = " ".join(f"{_number(x)},{_number(y)}" for x, y in steps.tolist())
    return f'<path d="m{text}{"z" if closed(path) else ""}"/>'


def svg(layers: Sequence[Layer], sheet: Sheet, *, title: str, about: str = "") -> str:
    """The document: millimetres by its size and its viewBox, a group a layer (Inkscape and vpype read them), paths in order.

    A closed path ends in ``z``; nothing is filled, since a pen draws lines. `title` and `about` are text for people.
    """
    w, h = (f"{side:g}" for side in (sheet.width, sheet.height))
    head = f'<svg xmlns="{_NAMES[0]}" xmlns:inkscape="{_NAMES[1]}" width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}">'
    parts = [head, f"<title>{escape(title)}</title>", f"<desc>{escape(about)}</desc>"]
    for k, layer in enumerate(layers, 1):
        name = escape(f"{k} {layer.name}", quote=True)
        style = f'fill="none" stroke="{layer.colour}" stroke-width="{layer.pen:g}" stroke-linejoin="round" stroke-linecap="round"'
        parts += [
            f'<g id="layer{k}" inkscape:groupmode="layer" inkscape:label="{name}" {style}>',
            *map(_drawn, layer.paths),
            "</g>",
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def read_svg(text: str) -> dict[str, list[Path]]:
    """The paths of each layer of a file that :func:`svg` wrote, closed where the file closes them.

    Raises ``ValueError`` for a size that is not in millimetres, or commands other than ``m`` and ``z``.
    """
    root = ElementTree.fromstring(text)
    size = [re.fullmatch(r"([\d.]+)mm", root.get(side, "")) for side in ("width", "height")]
    if not all(size) or root.get("viewBox") != " ".join(["0 0", *(m[1] for m in size if m)]):
        raise ValueError("the size must be in millimetres, and the viewBox the same numbers")
    found: dict[str, list[Path]] = {}
    for group in root.iter(f"{{{_NAMES[0]}}}g"):
        paths = found.setdefault(group.get(f"{{{_NAMES[1]}}}label", ""), [])
        for node in group.iter(f"{{{_NAMES[0]}}}path"):
            drawn = re.fullmatch(r"m([-\d., ]+)(z?)", node.get("d", ""))
            if drawn is None:
                raise ValueError(f"a path has commands other than m and z: {node.get('d', '')[:40]!r}")
            points = np.array([pair.split(",") for pair in drawn[1].split()], dtype=float).cumsum(0)
            paths.append(np.concatenate([points, points[:1]]) if drawn[2] else points)
    return found


def filled(paths: Sequence[Path], sheet: Sheet) -> Bool[np.ndarray, "h w"]:
    """Which pixels of the sheet have their middle inside the closed paths, by the even-odd rule.

    Each edge turns over what lies to the right of it in the rows that it crosses; a cumulative sum then counts the edges passed.
    """
    wide, high = sheet.pixels
    turns = np.zeros((high, wide + 1), dtype=np.int32)
    for path in paths:
        (x0, y0), (x1, y1) = (part.T * (sheet.dpi / MM) - 0.5 for part in (path[:-1], path[1:]))  # middles at whole numbers
        low, up = (np.ceil(part).astype(int) for part in (np.minimum(y0, y1), np.maximum(y0, y1)))
        edge = np.repeat(np.arange(len(x0)), up - low)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(up - low) - (up - low), up - low) + low[edge]
        x = x0[edge] + (row - y0[edge]) / (y1 - y0)[edge] * (x1 - x0)[edge]
        inside = (row >= 0) & (row < high)
        np.add.at(turns, (row[inside], np.clip(np.ceil(x[inside]).astype(int), 0, wide)), 1)
    return np.cumsum(turns, axis=1)[:, :wide] % 2 == 1


def overlap(a: Bool[np.ndarray, "h w"], b: Bool[np.ndarray, "h w"]) -> float:
    """Intersection over union of two masks; 1 for two empty ones."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def summary(layers: Mapping[str, Sequence[Path]]) -> dict[str, dict[str, int]]:
    """How many paths and points each layer has, and how many of its paths are closed."""
    return {
        name: {"paths": len(paths), "closed": sum(map(closed, paths)), "points": sum(map(len, paths))}
        for name, paths in layers.items()
    }
