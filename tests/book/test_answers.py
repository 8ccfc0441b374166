"""The exercises' checks, tried as students would: right answers in several forms are accepted, wrong ones get a hint that helps.

`answers/CHAPTER.py` says for every check of a chapter what is tried: `ANSWERS = {"check_name": {"right": [...], "wrong": [...]}}`.
A right answer is code in place of the exercise's answer; a wrong one is a pair of code and words that its hint must contain.
`STANDS_IN` (optional) is code that runs first and makes quickly what the chapter trains or loads. The check's cell runs with what
it and the answers use of the chapter, and nothing else: the last statement before it that binds each name.
"""

import ast
import contextlib
import functools
import io
import runpy
import symtable
from pathlib import Path
from typing import Any

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
FILES = {p.stem: p for p in sorted((Path(__file__).parent / "answers").glob("*.py"))}
CHAPTERS = {p.stem: p for p in sorted((ROOT / "book").rglob("*.md")) if "tags: [solution" in p.read_text(encoding="utf-8")}
RIGHT, WRONG = 3, 5  # at least so many of each


def _defined(statement: ast.stmt) -> set[str]:
    """The names that a statement binds at the chapter's level."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(a.asname or a.name).split(".")[0] for a in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _used(code: str, own_too: bool = False) -> set[str]:
    """The names that code takes from outside; `own_too`: also those that it binds itself, as in ``x = x + 1``."""

    def taken(table: symtable.SymbolTable) -> set[str]:
        top = table.get_type() == "module"
        names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
        return names.union(*map(taken, table.get_children()))

    whole = symtable.symtable(code, "cell", "exec")
    own = set() if own_too else {s.get_name() for s in whole.get_symbols() if s.is_assigned() or s.is_imported()}
    return taken(whole) - own


def needed(statements: list[ast.stmt], names: set[str], given: set[str]) -> list[ast.stmt]:
    """The statements that the names rest on, in the chapter's order; what is given needs none."""
    chosen: set[int] = set()
    todo = [(name, len(statements)) for name in names]
    while todo:
        name, end = todo.pop()
        if name in given:
            continue
        found = next((k for k in reversed(range(end)) if name in _defined(statements[k])), None)
        if found is not None and found not in chosen:
            chosen.add(found)
            statement = statements[found]
            todo += [(n, found) for n in _used(ast.unparse(statement), isinstance(statement, ast.Assign | ast.AugAssign))]
    return [statements[k] for k in sorted(chosen)]


@functools.cache
def exercises(chapter: str) -> dict[str, tuple[list[ast.stmt], str, str, str]]:
    """For each check: the chapter's statements before it, its cell, the solution's answer, and the line that calls `attempt`."""
    before: list[ast.stmt] = []
    before_check: list[ast.stmt] = []
    found: dict[str, tuple[list[ast.stmt], str, str, str]] = {}
    check = ""
    for cell in jupytext.read(CHAPTERS[chapter]).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "install" in tags or "exercise" in tags:
            continue
        tree = ast.parse(cell.source)
        if "solution" in tags:
            call = ast.unparse(tree.body[-1])
            name = tree.body[-1].value.args[0].id  # type: ignore[attr-defined]
            answer = "\n".join(ast.unparse(s) for s in tree.body[:-1])
            found[name] = (before_check, check, answer, call)
        elif any(isinstance(s, ast.FunctionDef) and s.name.startswith("check_") for s in tree.body):
            before_check, check = list(before), cell.source
        before += tree.body
    return found


@functools.cache
def answers(chapter: str) -> dict[str, Any]:
    return runpy.run_path(str(FILES[chapter]))


@functools.cache
def stage(chapter: str, name: str) -> dict[str, Any]:
    """The names that the check and all answers to it can see."""
    before, check, solution, call = exercises(chapter)[name]
    file = answers(chapter)
    tried = file["ANSWERS"][name]
    stands_in = file.get("STANDS_IN", "")
    given = set().union(*(_defined(s) for s in ast.parse(stands_in).body))
    codes = [solution, *tried["right"], *(code for code, _ in tried["wrong"])]
    wanted = set().union(*(_used(f"{check}\n{code}\n{call}") for code in codes))
    names: dict[str, Any] = {"__name__": "__main__"}
    body = needed(before, wanted, given) + ast.parse(check).body
    with contextlib.redirect_stdout(io.StringIO()):
        exec(stands_in, names)
        exec(compile(ast.Module(body, []), f"{chapter}: {name}", "exec"), names)
    return names


def said(chapter: str, name: str, code: str) -> str:
    """What `attempt` prints about an answer."""
    names = dict(stage(chapter, name))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, f"{chapter}: an answer to {name}", "exec"), names)
        exec(exercises(chapter)[name][3], names)
    return out.getvalue().strip()


CHECKS = [(chapter, name) for chapter in CHAPTERS for name in exercises(chapter)]


@pytest.mark.parametrize("chapter, name", CHECKS, ids=[f"{chapter}-{name}" for chapter, name in CHECKS])
def test_right_answers_are_right_and_wrong_ones_get_a_hint_that_helps(chapter: str, name: str) -> None:
    assert chapter in FILES, f"tests/book/answers/{chapter}.py is missing"
    tried = answers(chapter)["ANSWERS"].get(name)
    assert tried is not None, f"answers/{chapter}.py has nothing for {name}"
    assert len(tried["right"]) >= RIGHT and len(tried["wrong"]) >= WRONG, f"{name}: too few answers are tried"
    for code in (exercises(chapter)[name][2], *tried["right"]):
        assert (line := said(chapter, name, code)) == "right", f"refused: {line}\n{code}"
    for code, word in tried["wrong"]:
        line = said(chapter, name, code)
        assert line.startswith("not yet: ") and word in line, f"expected a hint with {word!r}, got: {line}\n{code}"


def test_answers_belong_to_checks_of_the_book() -> None:
    for chapter in FILES:
        assert set(answers(chapter)["ANSWERS"]) <= set(exercises(chapter)), f"{chapter}: a check's name is wrong"


def test_what_a_check_rests_on_is_found_and_nothing_else() -> None:
    chapter = ast.parse("import torch\na = 1\nb = a + 1\na = 3\ndef f():\n    return b\nc = torch").body
    assert [ast.unparse(s) for s in needed(chapter, {"f"}, set())] == ["a = 1", "b = a + 1", "def f():\n    return b"]
    assert [ast.unparse(s) for s in needed(chapter, {"f"}, {"b"})] == ["def f():\n    return b"]
    assert [ast.unparse(s) for s in needed(chapter, {"a"}, set())] == ["a = 3"]
