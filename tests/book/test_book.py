"""The book's files: pairs agree, cells are short, outputs are small and really compared, sources exist."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, next((ROOT / "scripts").rglob(f"{name}.py")))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _code(notebook: Path) -> list[dict]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if c["cell_type"] == "code"]


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


@pytest.mark.filterwarnings("ignore")
def test_pairs_agree() -> None:
    assert _script("notebooks").disagreements() == []


@pytest.mark.filterwarnings("ignore")
def test_a_pair_that_disagrees_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebooks = _script("notebooks")
    for name in ("index.md", "index.ipynb"):
        (tmp_path / name).write_text((BOOK / "start" / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(notebooks, "BOOK", tmp_path)
    assert notebooks.disagreements() == []
    text = (tmp_path / "index.md").read_text(encoding="utf-8")
    for changed in (text.replace("columns=16", "columns=17", 1), text.replace("Ways in", "Ways out", 1)):
        (tmp_path / "index.md").write_text(changed, encoding="utf-8")
        assert len(notebooks.disagreements()) == 1
    (tmp_path / "index.ipynb").unlink()
    assert "there is no" in notebooks.disagreements()[0]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_are_short_and_outputs_small(notebook: Path) -> None:
    for cell in _code(notebook):
        lines = [line for line in "".join(cell["source"]).split("\n") if line.strip()]
        assert len(lines) <= 25, f"a cell of {len(lines)} lines: {lines[0]}"
        assert max(map(len, lines)) <= 88, f"a line of {max(map(len, lines))} characters below: {lines[0]}"
        assert cell["execution_count"] is not None, f"never executed: {lines[0]}"
        assert not [o for o in cell["outputs"] if o["output_type"] == "error"], f"failed: {lines[0]}"
    assert notebook.stat().st_size <= 600_000


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_most_outputs_are_compared(notebook: Path) -> None:
    shown = [c for c in _code(notebook) if c["outputs"]]
    ignored = [c for c in shown if "nbval-ignore-output" in _tags(c)]
    assert shown and len(ignored) <= 0.4 * len(shown)
    assert not [c for c in _code(notebook) if {"nbval-skip", "nbval-raises-exception"} & set(_tags(c))]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_nothing_of_the_machine_is_stored(notebook: Path) -> None:
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", notebook.read_text(encoding="utf-8"))  # pictures in base64 hold any letters
    assert not re.search(r"/(tmp|home|root)/\w|[A-Z]:\\\\Users", text)


def test_what_differs_between_machines_is_marked() -> None:
    """Every number that is printed after a live training is masked by the sign or by its unit; the patterns really bite."""
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "sanitize.cfg", encoding="utf-8")
    rules = [(config[s]["regex"], config[s]["replace"]) for s in config.sections()]

    def clean(text: str) -> str:
        for pattern, replacement in rules:
            text = re.sub(pattern, replacement, text)
        return text

    assert clean("distance ≈ 12.3, below 150: True") == clean("distance ≈ 45.6, below 150: True")
    assert clean("distance ≈ 12.3, below 150: True") != clean("distance ≈ 12.3, below 150: False")
    assert clean("≈ 0.012 ± 0.003") == clean("≈ 0.013 ± 0.002") and clean("0.012 ± 0.003") != clean("0.012 ± 0.002")
    assert clean("ELBO -93 nats") != clean("ELBO -94 nats")


def test_every_source_is_in_the_bibliography() -> None:
    bibliography = (BOOK / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"@\w+\{([^,]+),", bibliography))
    for text in BOOK.rglob("*.md"):
        for group in re.findall(r"\{cite[:\w]*\}`([^`]+)`", text.read_text(encoding="utf-8")):
            assert set(group.split(",")) <= keys, f"{text.name}: {group}"
    for path in (ROOT / "imggen_lib").rglob("*.py"):
        for paper in re.findall(r"arXiv:(\d+\.\d+)", path.read_text(encoding="utf-8")):
            assert f"arXiv:{paper}" in bibliography, f"{path.name}: {paper}"


def test_the_table_of_contents_is_complete() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    files = re.findall(r"(?:file|root): (\S+)", toc)
    assert all((ROOT / f).exists() for f in files)
    assert {ROOT / f for f in files if f.endswith(".ipynb")} == set(NOTEBOOKS)
    assert yaml.safe_load((ROOT / "_config.yml").read_text())["execute"]["execute_notebooks"] == "off"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [".ipynb", ".md"])
def test_pairing_changes_nothing_that_nobody_edited(side: str, tmp_path: Path) -> None:
    """What a reader's JupyterLab does when it opens one half: `jupytext --sync`, with the later time on either side."""
    shutil.copy(ROOT / "jupytext.toml", tmp_path)
    pair = [Path(shutil.copy(BOOK / "evaluation" / name, tmp_path)) for name in ("people.ipynb", "people.md")]
    before = [path.read_text(encoding="utf-8") for path in pair]
    newer = next(path for path in pair if path.suffix == side)
    os.utime(newer, (newer.stat().st_mtime + 60,) * 2)
    subprocess.run([sys.executable, "-m", "jupytext", "--sync", str(newer)], check=True, capture_output=True)
    assert [path.read_text(encoding="utf-8") for path in pair] == before


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_running_times_are_stated_once_by_the_measurement_under_the_title(notebook: Path) -> None:
    prose = re.sub(r"```.*?```", "", notebook.with_suffix(".md").read_text(encoding="utf-8"), flags=re.S)
    claims = r"(chapter|notebook|everything|all cells)[^.|]*\b(takes?|trains?|runs?|computes?)\b[^.|]*\bminutes?\b"
    found = [m[0] for m in re.finditer(claims, prose) if "GPU" not in m[0] or "without" not in m[0].lower()]
    assert [f for f in found if "under its title" not in f] == [], "book/times.json says it"
