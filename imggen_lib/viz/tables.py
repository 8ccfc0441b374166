"""Tables of a chapter's results: what a reader compares stands side by side, on the page, in a notebook and as Markdown."""

from collections.abc import Mapping, Sequence
from html import escape

from imggen_lib.viz.pages import Html
from imggen_lib.viz.results import scrolling


class Table(Html):
    """Rows of text under headings that show themselves as HTML, and as Markdown where HTML is not shown."""

    def __init__(self, columns: Sequence[str], rows: Mapping[str, Sequence[str]], words: str) -> None:
        lines = [
            f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
            for name, cells in rows.items()
        ]
        super().__init__(scrolling(list(columns), lines, words).html, words)
        self.columns, self.rows = list(columns), {name: list(cells) for name, cells in rows.items()}

    def _repr_markdown_(self) -> str:
        def line(cells: Sequence[str]) -> str:
            return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

        rule = "| --- |" + " ---: |" * (len(self.columns) - 1)
        return "\n".join([line(self.columns), rule, *(line([name, *cells]) for name, cells in self.rows.items())])


def table(columns: Sequence[str], rows: Mapping[str, Sequence[object]], words: str = "table") -> Table:
    """A table from the rows' names and their cells; `columns` has a heading for the names, often empty, and one for each cell.

    Cells are shown as ``str`` gives them, so format numbers first: what differs between machines stands after the sign ≈.
    `words` says what the table holds, for screen readers.

    Raises:
        ValueError: if there are no rows, or a row has another number of cells than there are headings for them.
    """
    if not rows:
        raise ValueError("a table needs at least one row")
    for name, cells in rows.items():
        if len(cells) != len(columns) - 1:
            raise ValueError(f"the row {name!r} has {len(cells)} cells for {len(columns) - 1} headings")
    return Table(columns, {name: [str(cell) for cell in cells] for name, cells in rows.items()}, words)
