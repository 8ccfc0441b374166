"""Exercises: made from their solutions, and checks that say what is wrong instead of stopping."""

import json
from pathlib import Path

import exercises
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell

from imggen_lib.exercises import attempt, numbers

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = sorted(p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
CHAPTERS = [p for p in NOTEBOOKS if p.stem not in ("index", "using") and p.parent.name != "reference"]
AT_LEAST_FOUR = [p.stem for p in CHAPTERS if not p.stem.endswith("_practice")]


def _is_two(answer: object) -> None:
    assert answer == 2, "think of twice one"


def test_attempt_says_how_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    def undone(answer: object) -> None:
        raise NotImplementedError

    for check, answer in ((_is_two, 2), (_is_two, 3), (_is_two, ...), (undone, 2), (lambda x: x + 1, "a")):
        attempt(check, answer)
    right, wrong, dots, todo, broken = capsys.readouterr().out.splitlines()
    assert right == "right" and wrong == "not yet: think of twice one"
    assert dots == "not yet: your answer goes where the dots are"
    assert todo == "not yet: your code is missing"
    assert broken.startswith("not yet: TypeError: ")


def test_numbers_come_in_every_form() -> None:
    for answer in (
        (1, 2.5),
        [torch.tensor(1.0), 2.5],
        np.array([1.0, 2.5], np.float32),
        torch.tensor([1.0, 2.5], requires_grad=True),
    ):
        found = numbers(answer)
        assert found.dtype == torch.float64 and found.tolist() == [1.0, 2.5] and not found.requires_grad
    assert numbers(np.float32(2)).shape == () and numbers([[1, 2], torch.ones(2)]).shape == (2, 2)
    for bad in (None, "3", [1, "a"], [[1], [1, 2]], print):
        with pytest.raises(AssertionError, match="as numbers"):
            numbers(bad)


def test_the_exercise_is_the_solution_with_its_answer_taken_out() -> None:
    solution = "# Because.\ndef f(x):\n    # solution\n    y = x\n    return y\n    # end\n\n\na, b = 1, 2  # solution\n"
    solution += "attempt(check, f, a)"
    expected = "def f(x):\n    raise NotImplementedError  # your code\n\n\na, b = ..., ...  # your answer\nattempt(check, f, a)"
    assert exercises.blank(solution) == expected
    for bad in ("x = 1", "# end", "# solution\nx = 1", "# solution\n# solution\n# end"):
        with pytest.raises(ValueError):
            exercises.blank(bad)


def test_bars_over_checks_and_solutions_say_what_they_hide() -> None:
    check = new_code_cell("def check_it(x):\n    pass", metadata={"tags": ["hide-input"]})
    picture = new_code_cell("draw()", metadata={"tags": ["hide-input"], "mystnb": {"image": {"alt": "a line"}}})
    solution = new_code_cell("x = 1  # solution", metadata={"tags": ["solution", "hide-cell"]})
    made = exercises.with_exercises([picture, check, solution])
    assert [c.metadata.get("mystnb", {}).get("code_prompt_show") for c in made] == [None, "Show the check", None, "Show a solution"]
    assert [(c.source, c.metadata) for c in exercises.with_exercises(made)] == [(c.source, c.metadata) for c in made]
    assert "mystnb" not in check.metadata


def _cells(notebook: Path, tag: str) -> list[dict]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if tag in c["metadata"].get("tags", [])]


def _printed(cell: dict) -> str:
    return "".join(line for o in cell["outputs"] if o["output_type"] == "stream" for line in o["text"])


@pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda p: p.stem)
def test_every_exercise_fails_blank_and_every_solution_is_right(notebook: Path) -> None:
    """In the stored outputs, which the notebooks' tests compare with a fresh run."""
    blanks, solutions = _cells(notebook, "exercise"), _cells(notebook, "solution")
    assert len(blanks) == len(solutions) >= (4 if notebook.stem in AT_LEAST_FOUR else 3)
    for blank, solution in zip(blanks, solutions, strict=True):
        assert _printed(blank).startswith("not yet: your "), "".join(blank["source"])
        assert _printed(solution).splitlines()[0] == "right", "".join(solution["source"])
        assert "hide-cell" in solution["metadata"]["tags"]
        assert solution["metadata"]["mystnb"]["code_prompt_show"] == "Show a solution"
    checks = [c for c in _cells(notebook, "hide-input") if "\ndef check_" in "\n" + "".join(c["source"])]
    assert len(checks) == len(blanks)
    assert all(c["metadata"]["mystnb"]["code_prompt_show"] == "Show the check" for c in checks)
