"""``pytest --nbval`` over every notebook, each copied alone into an empty folder; stored outputs are compared.

The chapters are about MNIST. Where it is neither at hand nor to be downloaded they run on glyphs all the same, but their stored
outputs, which are MNIST's, cannot be compared; the last lines say so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from imggen_lib.data import load
from imggen_lib.errors import DataUnavailable

ROOT = Path(__file__).parents[2]
ALONE = ROOT / "_build" / "alone"
WORKERS = "2"


def copies() -> list[Path]:
    """Each notebook in a folder of its own, with nothing else in it."""
    shutil.rmtree(ALONE, ignore_errors=True)
    out = []
    for notebook in sorted((ROOT / "book").rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in notebook.parts:
            folder = ALONE / notebook.stem
            folder.mkdir(parents=True)
            out.append(Path(shutil.copy(notebook, folder)))
    return out


def nbval(notebooks: list[Path], mode: str, environment: dict[str, str]) -> int:
    """Run pytest with nbval on the notebooks; 0 if all is well."""
    command = [sys.executable, "-m", "pytest", mode, "--nbval-current-env", "--nbval-cell-timeout=900"]
    command += ["--nbval-sanitize-with", str(ROOT / "sanitize.cfg"), "-q", "-n", WORKERS, "--dist", "loadfile"]
    command += ["--durations=8", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    return subprocess.run([*command, *map(str, notebooks)], env={**os.environ, **environment}, check=False).returncode


def main() -> None:
    notebooks = copies()
    # One thread a worker: two that wait for each other on a busy machine run forty times slower.
    # Without a GPU, which would train on more images, so that other numbers would be printed.
    environment = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "CUDA_VISIBLE_DEVICES": ""}
    about_mnist = [n for n in notebooks if 'load_or_glyphs(\\"mnist\\"' in n.read_text(encoding="utf-8")]
    try:
        load("mnist", "train"), load("mnist", "test")
        sys.exit(nbval(notebooks, "--nbval", environment))
    except DataUnavailable:
        pass
    rest = [n for n in notebooks if n not in about_mnist]
    code = nbval(rest, "--nbval", environment) if rest else 0
    code = nbval(about_mnist, "--nbval-lax", {**environment, "IMGGEN_OFFLINE": "1"}) or code
    names = ", ".join(n.stem for n in about_mnist)
    print(
        f"\nNOTE: MNIST is not at hand and could not be downloaded. {names} ran on glyphs instead, and their stored outputs "
        "were NOT compared. Set IMGGEN_DATA to a folder that holds MNIST/raw to have them compared."
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
