"""The first cell of every notebook is made here: where the library is missing it installs it, elsewhere it does nothing.

Where it is missing: on Colab and Kaggle, and in a Jupyter of the reader's own. There a notebook often comes alone. The library is
taken from a wheel that lies beside the notebook or in Colab's folder, the newest (`scripts/site/library_wheel.py` makes it, the
built book has it), else from the repository's address (`address.py`) at the tag of its version; ``IMGGEN_SOURCE`` in the
environment names another source, anything that pip installs. What the platform has of PyTorch and NumPy is passed to pip as it is,
so that pip keeps it or says why it cannot. What decides is no ``assert``, which ``python -O`` removes. A Jupyter that was opened
before anywidget was there does not know its front end; `imggen_lib.live` notices that by itself.
"""

import tomllib
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[2]
LONG = 60  # characters of an address that need a second line
TAGS = ["remove-cell", "install"]

SOURCE = """\
    book = "git+{address}@v{version}"
    beside = max(wheels, key=os.path.getmtime, default=book)
    source = os.environ.get("IMGGEN_SOURCE") or beside
"""
NO_SOURCE = """\
    beside = max(wheels, key=os.path.getmtime, default="")
    source = os.environ.get("IMGGEN_SOURCE") or beside
    if not source:
        raise RuntimeError("imggen_lib is missing: put its wheel in this folder")
"""
CELL = """\
# Where imggen_lib is missing (Colab, Kaggle, a bare Jupyter), this installs it.
from importlib import invalidate_caches, metadata, util

if util.find_spec("imggen_lib") is None:
    import glob, os, subprocess, sys

    places = (".", "/content")  # beside the notebook, and Colab's folder
    wheels = [w for p in places for w in glob.glob(f"{{p}}/imggen_lib-*-any.whl")]
{source}
    print(f"Installing {{source}}; PyTorch and NumPy stay as they are.")
    kept = [p for p in ("torch", "torchvision", "numpy") if util.find_spec(p)]
    pins = [f"{{p}}=={{metadata.version(p)}}" for p in kept]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", source, *pins]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip could not install it: {{done.stderr}}")
    invalidate_caches()
"""


def version() -> str:
    """The library's version, whose tag the cell names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def code(url: str, version: str) -> str:
    """The cell's code for a repository's address; "" means that there is none."""
    owner, _, name = url.rpartition("/")
    cut = f'{owner}/"\n    book += "{name}'
    source = SOURCE.format(address=url if len(url) <= LONG else cut, version=version) if url else NO_SOURCE
    return CELL.format(source=source.rstrip()).rstrip()


def first(cells: list[Any], code: str) -> list[Any]:
    """The cells with this one as the first, and no other of its kind."""
    others = [c for c in cells if c.cell_type != "code" or TAGS[1] not in c.metadata.get("tags", [])]
    return [new_code_cell(code, metadata={"tags": list(TAGS)}), *others]
