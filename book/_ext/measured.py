"""Numbers of the records in a page's text, so that the two cannot part: the role ``{measured}``.

    {measured}`table | runs/GAN, minimax/*/frechet_distance | max .0f`
    {measured}`card mnist-gan-long | quality/frechet_distance | .2f`

The first part names a record of :mod:`imggen_lib.measured`, or ``card`` and a shipped model; the second the way to a number in it
(``*``: all items of a list or a table); the third what is made of them (``mean``, ``min``, ``max``, ``count``; nothing for one
number) and how it is written: a format of Python, with ``%`` for shares. A way that leads nowhere stops the build.
"""

from collections.abc import Callable
from statistics import mean
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

MADE: dict[str, Callable[[list[float]], float]] = {"mean": mean, "min": min, "max": max, "count": len}


def record(name: str) -> dict[str, Any]:
    """A record, or what is known about a shipped model."""
    from imggen_lib.checkpoint import pretrained
    from imggen_lib.measured import measured

    if name.startswith("card "):
        card: dict[str, Any] = pretrained(name.removeprefix("card ").strip()).meta["card"]
        return card
    return measured(name)


def found(tree: Any, way: list[str]) -> list[Any]:
    """All that a way leads to; a key may hold strokes itself. Raises ``KeyError`` where it leads nowhere."""
    if not way:
        return [tree]
    if isinstance(tree, dict):
        for k in range(len(way), 1, -1):
            if (key := "/".join(way[:k])) in tree:
                return found(tree[key], way[k:])
    step, *rest = way
    if step == "*":
        return [item for child in (tree.values() if isinstance(tree, dict) else tree) for item in found(child, rest)]
    try:
        return found(tree[step] if isinstance(tree, dict) else tree[int(step)], rest)
    except (IndexError, ValueError, TypeError) as error:
        raise KeyError(step) from error


def number(text: str) -> str:
    """The number that a role's text asks for, as it stands in the page. Raises ``ValueError`` in words for what cannot be shown."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3:
        raise ValueError(f"three parts are needed, record | way | format; got {text!r}")
    name, way, shape = parts
    *made, written = shape.split(" ") if shape else [""]
    try:
        values = found(record(name), way.split("/"))
    except KeyError as error:
        raise ValueError(f"{name} has no {way!r}: there is no {error.args[0]!r}") from error
    if not values or not all(isinstance(v, int | float) for v in values):
        raise ValueError(f"{way!r} of {name} leads to no number: {values!r:.80}")
    if (not made and len(values) > 1) or len(made) > 1 or any(m not in MADE for m in made):
        raise ValueError(f"{len(values)} numbers at {way!r}: say one of {', '.join(MADE)} before the format, got {shape!r}")
    value = MADE[made[0]](values) if made else values[0]
    return format(value, written).replace("-", "\u2212")


class Measured(SphinxRole):
    """The role."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            return [nodes.inline(self.rawtext, number(self.text), classes=["measured"])], []
        except ValueError as error:
            message = self.inliner.reporter.error(f"measured: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_role("measured", Measured())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
