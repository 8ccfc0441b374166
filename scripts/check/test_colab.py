"""Run the readers' notebooks with the versions that Colab has (`colab.txt`), each alone in a folder beside the library's wheel.

    python scripts/check/test_colab.py                          # all of them, in .venv-colab
    python scripts/check/test_colab.py book/start/using.ipynb   # one

They are those of the built book (`make book`). As on Colab the library is missing, and the first cell installs it; nothing that is
there may be replaced, and no cell may fail. Python is of Colab's version. PyTorch is the package index's, or its build without CUDA
where ``UV_TORCH_BACKEND=cpu`` lets uv fetch that one.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from colab import OURS
from test_install import ROOT, alone, packages

PLACE = ROOT / ".venv-colab"
NOTEBOOKS = ROOT / "_build" / "html" / "notebooks"
# What runs a notebook beside what colab.txt pins.
RUNNER = ["ipykernel", "ipython", "jupyter_client", "nbclient>=0.10", "tornado"]


def version(text: str) -> str:
    """The version of Python that the list says it is for."""
    found = re.search(r"Python (3\.\d+)", text)
    if not found:
        raise ValueError(f"{OURS.name} does not say which version of Python it is for")
    return found[1]


def works(python: str, wanted: str) -> bool:
    """Whether it starts and is of that version: pyenv's shims are on the path even for versions that are switched off."""
    code = f"import sys, venv, ensurepip; sys.exit('{{}}.{{}}'.format(*sys.version_info) != {wanted!r})"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def interpreter(wanted: str) -> str | None:
    """A Python of that version: the one that runs this, one on the path, or one that pyenv has."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{wanted}*/bin/python"), reverse=True)
    found = [sys.executable, shutil.which(f"python{wanted}"), *map(str, kept)]
    return next((python for python in found if python and works(python, wanted)), None)


def environment() -> Path:
    """The Python of an environment with Colab's versions, without the library; made anew when the list or the project changed."""
    python, made_from = PLACE / "bin" / "python", PLACE / "made_from"
    wanted = OURS.read_text(encoding="utf-8") + (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if made_from.is_file() and made_from.read_text(encoding="utf-8") == wanted:
        return python
    number = version(wanted)
    found = interpreter(number)
    if not found:
        sys.exit(f"Colab has Python {number}, and there is none here: install it, or name it with make PYTHON=...")
    subprocess.run([found, "-m", "venv", "--clear", PLACE], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "pip", "uv"], check=True)
    command = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--constraint", OURS]
    subprocess.run([*command, "--requirements", ROOT / "pyproject.toml", *RUNNER], check=True)
    made_from.write_text(wanted, encoding="utf-8")
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    args = parser.parse_args()
    chosen = [NOTEBOOKS / path.name for path in args.notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))
    wheel = next(NOTEBOOKS.glob("imggen_lib-*.whl"), None)
    if not chosen or wheel is None:
        sys.exit(f"there are no notebooks for readers in {NOTEBOOKS}: make book")
    python, failed = environment(), 0
    kept = packages(python)
    print(", ".join(f"{name} {kept[name]}" for name in ("torch", "torchvision", "numpy", "ipython", "ipywidgets")), flush=True)
    for notebook in chosen:
        began = time.perf_counter()
        # With all dependencies there, pip needs no index. Colab's GPU is not what is tried here.
        wrong = alone(python, notebook, wheel, {"PIP_NO_INDEX": "1", "IMGGEN_DEVICE": "cpu"})
        print(f"{notebook.stem}: {time.perf_counter() - began:.0f} s,", "\n".join(wrong) or "all is well", flush=True)
        failed += bool(wrong)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
