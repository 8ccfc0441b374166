"""The first cell of every notebook: the same everywhere, silent where the library is, and it installs where it is not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")

import install_cell
import notebooks
from forge import configured
from nbformat.v4 import new_code_cell, new_markdown_cell

ADDRESS = "https://github.com/owner/name"
LONG = "https://github.com/an-owner-with-a-long-name/a-repository-with-a-very-long-name"

# In a process of its own the library is hidden, and what would be run is told instead.
HIDDEN = """
import importlib.util, json, subprocess, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {hidden!r} else find(name)
class Done:
    returncode, stderr = {returncode}, "no such tag"
def run(command, **options):
    print(json.dumps(command))
    return Done
subprocess.run = run
exec({code!r})
"""


def _run(
    code: str, hidden: tuple[str, ...] = (), returncode: int = 0, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    program = HIDDEN.format(hidden=hidden, returncode=returncode, code=code)
    variables = {k: v for k, v in os.environ.items() if k != "IMGGEN_SOURCE"} | environment
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=variables, cwd=folder, check=False)


@pytest.mark.parametrize("url", [ADDRESS, LONG, ""])
def test_the_cell_is_short_and_formatted(url: str) -> None:
    code = install_cell.code(url, "0.1.0")
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 20 and max(map(len, lines)) <= notebooks.WIDTH
    assert notebooks.formatted(code) == code
    assert (f"git+{url}@v0.1.0" in re.sub(r'"\n    book \+= "', "", code)) == bool(url)


@pytest.mark.parametrize("url", [ADDRESS, LONG, ""])
def test_where_the_library_is_the_cell_says_and_does_nothing(url: str) -> None:
    done = _run(install_cell.code(url, "0.1.0"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_where_it_is_missing_pip_gets_the_tag_and_what_must_stay() -> None:
    from importlib.metadata import version

    done = _run(install_cell.code(ADDRESS, "0.1.0"), hidden=("imggen_lib",))
    said, command = done.stdout.splitlines()
    assert said.startswith(f"Installing git+{ADDRESS}@v0.1.0") and "stay" in said
    kept = [f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy")]
    assert json.loads(command)[1:] == ["-m", "pip", "install", "--quiet", f"git+{ADDRESS}@v0.1.0", *kept]


def test_a_long_address_stays_one_address() -> None:
    done = _run(install_cell.code(LONG, "0.1.0"), hidden=("imggen_lib",))
    assert json.loads(done.stdout.splitlines()[1])[5] == f"git+{LONG}@v0.1.0"


def test_what_the_platform_does_not_have_is_not_pinned() -> None:
    done = _run(install_cell.code(ADDRESS, "0.1.0"), hidden=("imggen_lib", "torch", "torchvision"))
    assert [w.split("==")[0] for w in json.loads(done.stdout.splitlines()[1])[6:]] == ["numpy"]


@pytest.mark.parametrize("url", [ADDRESS, ""])
def test_the_environment_names_another_source(url: str) -> None:
    done = _run(install_cell.code(url, "0.1.0"), hidden=("imggen_lib",), IMGGEN_SOURCE="here/imggen_lib.whl")
    assert json.loads(done.stdout.splitlines()[1])[5] == "here/imggen_lib.whl"


def test_without_an_address_one_sentence_says_what_to_do() -> None:
    done = _run(install_cell.code("", "0.1.0"), hidden=("imggen_lib",))
    assert done.returncode and not done.stdout
    assert done.stderr.splitlines()[-1] == "RuntimeError: imggen_lib is missing: put its wheel in this folder"


@pytest.mark.parametrize("url", [ADDRESS, ""])
def test_a_wheel_beside_the_notebook_comes_before_the_address(url: str, tmp_path: Path) -> None:
    names = ["imggen_lib-0.2.0-py3-none-any.whl", "imggen_lib-0.10.0-py3-none-any.whl", "imggen_lib-0.1.0-py3-none-any (1).whl"]
    for age, name in enumerate([*names, "another_lib-1.0-py3-none-any.whl"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    code = install_cell.code(url, "0.1.0")
    done = _run(code, hidden=("imggen_lib",), folder=tmp_path)
    # The newest of those that pip would take: a second download has a name that it refuses.
    assert json.loads(done.stdout.splitlines()[1])[5] == os.path.join(".", names[0]), done.stderr  # noqa: PTH118
    done = _run(code, hidden=("imggen_lib",), folder=tmp_path, IMGGEN_SOURCE="here")
    assert json.loads(done.stdout.splitlines()[1])[5] == "here"


def test_on_colab_the_wheel_lies_in_its_folder(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    (content / "imggen_lib-0.1.0-py3-none-any.whl").touch()
    code = install_cell.code("", "0.1.0")
    assert '"/content"' in code
    done = _run(code.replace('"/content"', repr(str(content))), hidden=("imggen_lib",), folder=tmp_path)
    assert json.loads(done.stdout.splitlines()[1])[5] == f"{content}/imggen_lib-0.1.0-py3-none-any.whl", done.stderr


@pytest.mark.parametrize("optimise", ["", "1"])
def test_the_checks_of_the_cell_stay_where_asserts_are_removed(optimise: str) -> None:
    done = _run(install_cell.code("", "0.1.0"), hidden=("imggen_lib",), PYTHONOPTIMIZE=optimise)
    assert "imggen_lib is missing" in done.stderr
    done = _run(install_cell.code(ADDRESS, "0.1.0"), hidden=("imggen_lib",), returncode=1, PYTHONOPTIMIZE=optimise)
    assert done.returncode and "no such tag" in done.stderr


def test_what_pip_says_when_it_fails_is_shown() -> None:
    done = _run(install_cell.code(ADDRESS, "0.1.0"), hidden=("imggen_lib",), returncode=1)
    assert done.returncode and "pip could not install it: no such tag" in done.stderr


def test_there_is_one_such_cell_and_it_is_the_first() -> None:
    cells = [new_markdown_cell("# Title"), new_code_cell("1 + 1")]
    once = install_cell.first(cells, install_cell.code(ADDRESS, "0.1.0"))
    assert [c.source for c in once[1:]] == ["# Title", "1 + 1"] and once[0].metadata["tags"] == ["remove-cell", "install"]
    moved = install_cell.first([once[1], once[0], once[2]], install_cell.code("", "0.2.0"))
    assert [c.source for c in moved] == [install_cell.code("", "0.2.0"), "# Title", "1 + 1"]


@pytest.mark.parametrize("text", notebooks.texts(), ids=lambda p: p.stem)
def test_every_notebook_has_the_cell_of_this_address(text: Path) -> None:
    wanted = install_cell.code(configured().url, install_cell.version())
    cells = json.loads(text.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    assert "".join(cells[0]["source"]) == wanted
    assert cells[0]["metadata"]["tags"] == install_cell.TAGS and cells[0]["outputs"] == []
    assert sum("install" in c["metadata"].get("tags", []) for c in cells) == 1


@pytest.mark.filterwarnings("ignore")
def test_the_check_finds_a_missing_cell_and_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "page.md"
    header = "---\njupytext:\n  formats: ipynb,md:myst\n  text_representation:\n    extension: .md\n    format_name: myst\n"
    text.write_text(
        header + "kernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n# Title\n", encoding="utf-8"
    )
    assert len(notebooks.reformat(text, write_back=True)) == 1
    assert notebooks.reformat(text, write_back=False) == []
    assert "# Title" in text.read_text(encoding="utf-8") and ":tags: [remove-cell, install]" in text.read_text(encoding="utf-8")
    monkeypatch.setattr(notebooks.install_cell, "version", lambda: "9.9.9")
    monkeypatch.setattr(notebooks, "configured", lambda: configured()._replace(url=ADDRESS))
    assert "_config.yml" in notebooks.reformat(text, write_back=False)[0]
    assert notebooks.reformat(text, write_back=True) and f"git+{ADDRESS}@v9.9.9" in text.read_text(encoding="utf-8")
    (cell, _) = notebooks.paired(text).cells
    assert (cell.outputs, cell.execution_count) == ([], 1)
