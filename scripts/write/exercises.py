"""Exercise cells are made from their solutions, never kept by hand.

A solution is a cell tagged ``solution``. In the exercise cell before it (tagged ``exercise``) the lines from ``# solution`` to
``# end`` become one ``raise NotImplementedError  # your code``, and a line ``name = ...  # solution`` loses its right side.
Lines that are comments explain the solution; the exercise has none of them.

The bars under which the page hides a check and a solution say which of the two they hide.
"""

import re
from typing import Any

from nbformat.v4 import new_code_cell

LINE = re.compile(r"^(\s*)(\w+(?:, \w+)*) = .*# solution$")


def blank(solution: str) -> str:
    """The exercise that a solution answers; ``ValueError`` if the marks are missing, crossed or not closed."""
    out: list[str] = []
    inside = marked = False
    for line in solution.splitlines():
        word = line.strip()
        if word == "# solution":
            if inside:
                raise ValueError("a '# solution' inside another")
            inside = marked = True
            out.append(f"{line[: len(line) - len(word)]}raise NotImplementedError  # your code")
        elif word == "# end":
            if not inside:
                raise ValueError("an '# end' without a '# solution'")
            inside = False
        elif found := LINE.match(line):
            marked = True
            names = found.group(2)
            out.append(f"{found.group(1)}{names} = {', '.join(['...'] * (names.count(',') + 1))}  # your answer")
        elif not inside and not word.startswith("#"):
            out.append(line)
    while out and not out[0].strip():
        out.pop(0)
    if inside or not marked:
        raise ValueError("a solution needs '# solution' ... '# end', or a line that ends in '# solution'")
    return "\n".join(out)


def tagged(cell: Any, tag: str) -> bool:
    return cell.cell_type == "code" and tag in cell.metadata.get("tags", [])


def _is_check(cell: Any) -> bool:
    return tagged(cell, "hide-input") and re.search(r"^def check_", cell.source, re.MULTILINE) is not None


def _with_bar(cell: Any, what: str) -> Any:
    """The cell with `what` on the bar under which the page hides it."""
    bar = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
    named = cell.copy()
    named.metadata = {**cell.metadata, "mystnb": {**cell.metadata.get("mystnb", {}), **bar}}
    return named


def with_exercises(cells: list[Any]) -> list[Any]:
    """The cells with a fresh exercise cell before every solution and no other; checks and solutions with named bars."""
    out: list[Any] = []
    for cell in cells:
        if tagged(cell, "solution"):
            out.append(new_code_cell(blank(cell.source), metadata={"tags": ["exercise"]}))
            out.append(_with_bar(cell, "a solution"))
        elif _is_check(cell):
            out.append(_with_bar(cell, "the check"))
        elif not tagged(cell, "exercise"):
            out.append(cell)
    return out
