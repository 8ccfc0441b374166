"""Put the notebooks for readers on a branch of their own: Colab and Binder open what lies in a repository, not what lies on a page.

    python scripts/site/branch.py            # the branch `notebooks` here, from _build/html/notebooks; nothing is pushed

The branch is the present commit and one more, in which each chapter's notebook is replaced by the one that the built book offers
(`book/_ext/reader_notebooks.py`). The work tree and the index stay as they are. The same commit and the same notebooks give the
same branch. On GitHub the workflow `site` does this after each build and pushes the branch.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "write"))
from forge import NOTEBOOKS  # noqa: E402 (from the folder that was just named)

NAME = "The notebooks for readers"
MAIL = "noreply@example.org"


def git(folder: Path, *words: str, **more: str) -> str:
    """What a git command in a repository prints; ``RuntimeError`` with its complaint if it fails."""
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, env={**os.environ, **more}, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def replaced(folder: Path, notebooks: Path) -> dict[str, Path]:
    """For each notebook of the last commit's book the file that takes its place; ``RuntimeError`` if one is missing or too many."""
    paths = git(folder, "ls-tree", "-r", "--name-only", "HEAD", "book").splitlines()
    book = {Path(path).name: path for path in paths if path.endswith(".ipynb")}
    made = {path.name: path for path in notebooks.glob("*.ipynb")}
    if book.keys() != made.keys() or not book:
        odd = ", ".join(sorted(book.keys() ^ made.keys())) or "there are none"
        raise RuntimeError(f"{notebooks} does not have the notebooks of the last commit: {odd}; make book")
    return {book[name]: made[name] for name in sorted(book)}


def branch(folder: Path, notebooks: Path, name: str = NOTEBOOKS) -> str:
    """Make the branch; its commit."""
    files = replaced(folder, notebooks)
    with tempfile.TemporaryDirectory() as place:
        index = {"GIT_INDEX_FILE": str(Path(place) / "index")}
        git(folder, "read-tree", "HEAD", **index)
        for path, file in files.items():
            blob = git(folder, "hash-object", "-w", "--no-filters", str(file.resolve()))
            git(folder, "update-index", "--cacheinfo", f"100644,{blob},{path}", **index)
        tree = git(folder, "write-tree", **index)
    date = git(folder, "show", "--no-patch", "--format=%cI", "HEAD")
    people = {f"GIT_{who}_{what}": said for who in ("AUTHOR", "COMMITTER") for what, said in (("NAME", NAME), ("EMAIL", MAIL))}
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    words = "The notebooks as readers open them: Markdown in place of MyST"
    commit = git(folder, "commit-tree", tree, "-p", "HEAD", "-m", words, **people, **dates)
    git(folder, "update-ref", f"refs/heads/{name}", commit)
    return commit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="?", type=Path, default=ROOT / "_build" / "html" / "notebooks")
    args = parser.parse_args()
    try:
        print(f"{NOTEBOOKS}: {branch(ROOT, args.notebooks)}")
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
