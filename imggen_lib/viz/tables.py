"""A small table of results: what a reader would otherwise have to compare from printed lines."""

from collections.abc import Sequence
from html import escape

from imggen_lib.viz.pages import Html
from imggen_lib.viz.results import scrolling


class Table(Html):
    """A table for the page, and as Markdown where there is no page."""

    def __init__(self, html: str, markdown: str, words: str) -> None:
        super().__init__(html, words)
        self.markdown = markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: str) -> Table:
    """Rows of texts, each begun by its name; `headings` has one for each column, the names' included; `words` say what it shows.

    Raises:
        ValueError: if a row has not as many cells as there are headings, or there is no row.
    """
    if not rows or any(len(row) != len(headings) for row in rows):
        raise ValueError(f"{len(headings)} headings need rows of as many cells, and at least one; got {[len(r) for r in rows]}")
    lines = []
    for name, *cells in rows:
        inside = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{inside}</tr>')
    markdown = [headings, ["---"] + ["--:"] * (len(headings) - 1), *rows]
    text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in markdown)
    return Table(scrolling(headings, lines, words).html, text, words)


def measured(value: float, digits: int = 1, spread: float | None = None, unit: str = "") -> str:
    """A number that differs a little from machine to machine, after the sign ≈, and half of its interval after ±."""
    text = f"≈ {value:,.{digits}f}" if spread is None else f"≈ {value:,.{digits}f} ± {spread:,.{digits}f}"
    return f"{text} {unit}".rstrip()
