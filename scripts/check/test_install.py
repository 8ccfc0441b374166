"""Run each notebook alone in an empty folder where the library is missing: the first cell must install it and replace nothing.

    python scripts/check/test_install.py                    # in _build/install/venv, with the oldest dependencies that are allowed
    python scripts/check/test_install.py book/index.ipynb   # one notebook
    python scripts/check/test_install.py --here             # with the Python that runs this, as it is: for Colab's image

A wheel of this clone lies beside the notebook and takes the place of the repository's address.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "site"))
from library_wheel import build  # noqa: E402 (from the folder that was just named)

PLACE = ROOT / "_build" / "install"
# Beside the library's own dependencies: what runs a notebook.
RUNNER = ["nbclient>=0.10", "ipykernel>=6.29"]

LIST = """
import importlib.metadata, json
print(json.dumps({d.name.lower(): d.version for d in importlib.metadata.distributions()}))
"""
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
try:
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": sys.argv[2]}}).execute()
finally:
    nbformat.write(notebook, sys.argv[1])
"""


# What the Python of another environment is called with: the folder that this runs in is none of its packages (-P).
PYTHON = ("-P", "-c")


def pip(python: Path, *words: str) -> None:
    """Call pip in another environment; what it says is shown if it fails."""
    command = [python, "-P", "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pip {' '.join(words)}\n{done.stdout}{done.stderr}")


def lowest() -> Path:
    """The Python of an environment with the oldest dependencies that pyproject.toml allows, without the library."""
    folder = PLACE / "venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made_from = folder / "pyproject.toml"
    wanted = (ROOT / "pyproject.toml").read_bytes()
    if not (made_from.exists() and made_from.read_bytes() == wanted):
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip(python, "install", "--upgrade", "pip", "uv")
        command = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct"]
        subprocess.run([*command, "--requirements", ROOT / "pyproject.toml", *RUNNER], check=True)
        made_from.write_bytes(wanted)
    return python


def packages(python: Path) -> dict[str, str]:
    """Names and versions of all that an environment has."""
    done = subprocess.run([python, *PYTHON, LIST], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What was there and is not any more, or is another version."""
    return [
        f"{name} {version} became {after.get(name, 'nothing')}" for name, version in before.items() if after.get(name) != version
    ]


def first_words(notebook: Path) -> str:
    """What the notebook's first code cell printed."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = next(c for c in cells if c["cell_type"] == "code")["outputs"]
    return "".join(text for o in outputs for text in o.get("text", ""))


def alone(python: Path, notebook: Path, source: Path, environment: dict[str, str]) -> list[str]:
    """Run a notebook in a folder of its own, beside the wheel; what is wrong. The environment is afterwards what it was."""
    folder = PLACE / "alone" / notebook.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy, beside = Path(shutil.copy(notebook, folder)), shutil.copy(source, folder)
    before = packages(python)
    if "imggen_lib" in before or "imggen-lib" in before:
        return ["the library is installed already"]
    left_out = ("IMGGEN_SOURCE", "PYTHONPATH")
    variables = {key: value for key, value in {**os.environ, **environment}.items() if key not in left_out}
    done = subprocess.run([python, *PYTHON, RUN, copy, folder], capture_output=True, text=True, env=variables, check=False)
    after = packages(python)
    wrong = [done.stderr[-3000:]] if done.returncode else []
    wrong += changes(before, after)
    if f"Installing {os.path.join('.', Path(beside).name)}" not in first_words(copy):  # noqa: PTH118 (as glob says it)
        wrong.append("the first cell did not say that it installs the library")
    if added := sorted(set(after) - set(before)):
        pip(python, "uninstall", "--yes", *added)
        print(f"{notebook.stem}: the first cell added {', '.join(f'{n} {after[n]}' for n in added)}", flush=True)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--here", action="store_true", help="use the Python that runs this, as it is")
    args = parser.parse_args()
    python = Path(sys.executable) if args.here else lowest()
    # With all dependencies there, pip needs no index: so it cannot fetch anything either.
    environment = {} if args.here else {"PIP_NO_INDEX": "1"}
    try:
        source, failed = build(PLACE / "wheel", str(python)), 0
    except RuntimeError as error:
        sys.exit(str(error))
    kept = packages(python)
    print(", ".join(f"{name} {kept[name]}" for name in ("torch", "torchvision", "numpy") if name in kept), "must stay", flush=True)
    every = sorted(p for p in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    for notebook in args.notebooks or every:
        began = time.perf_counter()
        wrong = alone(python, notebook.resolve(), source, environment)
        print(f"{notebook.stem}: {time.perf_counter() - began:.0f} s,", "\n".join(wrong) or "all is well", flush=True)
        failed += bool(wrong)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
