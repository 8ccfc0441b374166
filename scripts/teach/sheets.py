"""Further problems for a class: each seed gives other numbers, so that every student can have a sheet of their own.

    make problems SEED=7              # _build/problems/problems-7.ipynb, and problems-7.md, which is the same as text
    make problems SEED=7 SOLUTIONS=1  # and solutions-7.ipynb

The solutions are not in the book's pages: this program works them out (``problems.py``).
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import nbformat
from problems import PROBLEMS, Problem

ROOT = Path(__file__).parents[2]
CODE = "# Your calculation, if you like to have one.\n"


def sheet(seed: int) -> list[Problem]:
    """All problems with the numbers of a seed; a problem's numbers do not depend on which others there are."""
    return [make(random.Random(f"{seed}/{make.__name__}")) for make in PROBLEMS]


def markdown(problems: Sequence[Problem], seed: int, solutions: bool = False) -> str:
    """A sheet as text."""
    head = f"# {'Solutions' if solutions else 'Problems'}, sheet {seed}\n"
    parts = [
        f"## {k}. {p.title} (chapter {p.chapter})\n\n{p.text}\n" + (f"\n**Solution.** {p.solution}\n" if solutions else "")
        for k, p in enumerate(problems, 1)
    ]
    return "\n".join([head, *parts])


def notebook(problems: Sequence[Problem], seed: int, solutions: bool = False) -> nbformat.NotebookNode:
    """A sheet as a notebook: a cell of text a problem, and on the problems' sheet an empty cell of code behind it."""
    first, *parts = markdown(problems, seed, solutions).split("\n## ")
    cells = [nbformat.v4.new_markdown_cell(first.strip(), id="sheet")]
    for k, part in enumerate(parts, 1):
        cells.append(nbformat.v4.new_markdown_cell(f"## {part.strip()}", id=f"problem-{k}"))
        if not solutions:
            cells.append(nbformat.v4.new_code_cell(CODE, id=f"work-{k}"))
    return nbformat.v4.new_notebook(cells=cells)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="write a sheet of problems, with the numbers of a seed")
    parser.add_argument("seed", type=int, help="each seed gives other numbers")
    parser.add_argument("--solutions", action="store_true", help="write the solutions as well")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "problems")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    problems = sheet(options.seed)
    for kind in ("problems", "solutions") if options.solutions else ("problems",):
        text = markdown(problems, options.seed, kind == "solutions")
        (options.out / f"{kind}-{options.seed}.md").write_text(text, encoding="utf-8")
        path = options.out / f"{kind}-{options.seed}.ipynb"
        nbformat.write(notebook(problems, options.seed, kind == "solutions"), path)
        print(path)


if __name__ == "__main__":
    main()
