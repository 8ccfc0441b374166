"""``pytest --nbval`` over every notebook, each copied alone into an empty folder; stored outputs are compared.

What nbval needs to compare them is in the root's ``conftest.py``. This adds the empty folders, which show that a notebook needs
nothing beside it, and two workers.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALONE = ROOT / "_build" / "alone"
WORKERS = "2"


def copies() -> list[Path]:
    """Each notebook in a folder of its own, with nothing else in it; the longest first, so that no worker waits for the last."""
    shutil.rmtree(ALONE, ignore_errors=True)
    seconds = {name: entry["seconds"] for name, entry in json.loads((ROOT / "book" / "times.json").read_text()).items()}
    out = []
    for notebook in sorted((ROOT / "book").rglob("*.ipynb"), key=lambda path: -seconds.get(path.stem, 0)):
        if ".ipynb_checkpoints" not in notebook.parts:
            folder = ALONE / notebook.stem
            folder.mkdir(parents=True)
            out.append(Path(shutil.copy(notebook, folder)))
    return out


def main() -> None:
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-n", WORKERS, "--durations=8"]
    command += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    sys.exit(subprocess.run([*command, *map(str, copies())], check=False).returncode)


if __name__ == "__main__":
    main()
