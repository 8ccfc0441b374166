"""The branch of the notebooks for readers: the last commit and one more, and nothing that one works with is touched."""

import subprocess
from pathlib import Path

import pytest
from branch import branch, git
from forge import NOTEBOOKS


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    for part, text in {"book/ideas/a.ipynb": "{}", "book/start/b.ipynb": "{}", "book/ideas/a.md": "# A", "README.md": "r"}.items():
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", folder], check=True)
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "One")
    (folder / "README.md").write_text("being edited", encoding="utf-8")
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.ipynb").write_text(f'{{"of": "{name}"}}\r\n', encoding="utf-8", newline="")
    (folder / "imggen_lib-0.1.0-py3-none-any.whl").touch()
    return folder


def test_the_branch_has_the_new_notebooks_and_all_else_as_it_was(clone: Path, made: Path) -> None:
    before = git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")
    commit = branch(clone, made)
    assert git(clone, "rev-parse", NOTEBOOKS) == commit and git(clone, "rev-parse", f"{commit}^") == before[1]
    assert git(clone, "diff", "--name-only", "HEAD", commit).splitlines() == ["book/ideas/a.ipynb", "book/start/b.ipynb"]
    raw = subprocess.run(["git", "-C", clone, "show", f"{commit}:book/start/b.ipynb"], capture_output=True, check=True).stdout
    assert raw == (made / "b.ipynb").read_bytes()
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")) == before
    assert git(clone, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert branch(clone, made) == commit, "the same notebooks must give the same commit, or each build would push"


def test_notebooks_that_are_missing_or_too_many_are_refused(clone: Path, made: Path) -> None:
    (made / "c.ipynb").touch()
    with pytest.raises(RuntimeError, match=r"c\.ipynb; make book"):
        branch(clone, made)
    for path in made.glob("*.ipynb"):
        path.unlink()
    with pytest.raises(RuntimeError, match=r"a\.ipynb, b\.ipynb"):
        branch(clone, made)
    with pytest.raises(RuntimeError, match="git rev-parse nowhere"):
        git(clone, "rev-parse", "nowhere")
