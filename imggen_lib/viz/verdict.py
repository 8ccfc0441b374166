"""The table *Does it help?* that ends every chapter on an application: see :mod:`imggen_lib.applications.verdict`."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from imggen_lib.applications.verdict import Measured, Row, check_rows
from imggen_lib.viz.pages import Html
from imggen_lib.viz.results import scrolling


class Measure(NamedTuple):
    """A column: the measure's name in the rows' cells, its heading, the digits after the point."""

    name: str
    heading: str
    digits: int = 2


def _cell(cell: Measured | None, digits: int) -> str:
    if cell is None:
        return "\u2013"
    value, low, high = (f"{number:,.{digits}f}" for number in cell[:3])
    return f"{value} <small>[{low}, {high}], n = {cell.n:,}</small>"


def verdict_table(rows: Sequence[Row], measures: Sequence[Measure], words: str = "Does it help?") -> Html:
    """Rows by role and name, a column a measure; every cell has its interval and its n, and what was not measured has a dash."""
    check_rows(rows)
    lines = []
    for row in rows:
        cells = "".join(f"<td>{_cell(row.cells.get(m.name), m.digits)}</td>" for m in measures)
        lines.append(f'<tr><th scope="row">{escape(row.name)}</th><td>{escape(row.role)}</td>{cells}</tr>')
    return scrolling(["", "", *(m.heading for m in measures)], lines, words)
