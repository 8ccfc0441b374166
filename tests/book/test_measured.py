"""Numbers in the text come from the records, and a page of questions has evidence for each answer."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "book" / "outlook" / "questions.md"


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    pytest.importorskip("docutils", reason="needs the extra that builds the book")
    spec = importlib.util.spec_from_file_location("measured_extension", ROOT / "book" / "_ext" / "measured.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_number_is_found_and_written(extension: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {
        "runs": {"a, b": [{"d": 1.25, "n": 3}, {"d": -2.0, "n": 4}]},
        "share": 0.125,
        "words": "no number",
        "rows/a": {"b": 5, "c/d": 6},
    }
    monkeypatch.setattr(extension, "record", lambda name: tree)
    for text, expected in {
        "r | share | .1%": "12.5%",
        "r | runs/a, b/0/d | .2f": "1.25",
        "r | runs/a, b/*/d | mean .3f": "\u22120.375",
        "r | runs/*/*/d | min g": "\u22122",
        "r | runs/*/*/d | max g": "1.25",
        "r|runs/a, b/*/n|count d": "2",
        "r | rows/a/b | d": "5",
        "r | rows/a/c/d | d": "6",
    }.items():
        assert extension.number(text) == expected
    for bad, words in {
        "r | share": "three parts",
        "r | nothing | .1f": "there is no 'nothing'",
        "r | runs/a, b/2/d | .1f": "there is no '2'",
        "r | words | .1f": "leads to no number",
        "r | rows/a/e | .1f": "there is no 'e'",
        "r | runs/a, b/*/d | .1f": "2 numbers",
        "r | runs/a, b/*/d | median .1f": "mean, min, max, count",
    }.items():
        with pytest.raises(ValueError, match=re.escape(words)):
            extension.number(bad)


def test_every_number_of_the_book_s_text_is_in_its_record(extension: ModuleType) -> None:
    found = [
        text for page in sorted((ROOT / "book").glob("*/*.md")) for text in re.findall(r"\{measured\}`([^`]*)`", page.read_text())
    ]
    found = [text.replace("\\|", "|") for text in found]  # in a table
    assert len(found) > 20
    for text in found:
        assert re.fullmatch(r"[\u2212\d.,%]+", extension.number(text)), text


def test_every_question_has_an_answer_with_evidence() -> None:
    parts = QUESTIONS.read_text(encoding="utf-8").split("\n## ")[1:]
    questions = [question for part in parts for question in part.split("\n### ")[1:]]
    assert len(questions) >= 14
    for question in questions:
        title, text = question.split("\n", 1)
        assert title.endswith("?"), title
        assert re.search(r"\{(numref|doc|eq|ref)\}`", text), f"no place in the book: {title}"
        assert re.search(r"\{measured\}`|\{numref\}`|\{eq\}`", text), f"neither a number nor a figure nor an equation: {title}"
        answer = re.sub(r"\{\w+\}`[^`]*`", "x", text.split("*Asked", 1)[0])
        assert 2 <= len(re.findall(r"[.?!](?=\s|$)", answer)) <= 4, f"{title}: {answer}"
