"""The library's wheel, beside the notebooks of the built book: what a notebook's first cell installs where there is no address.

    python scripts/site/library_wheel.py                     # into _build/html/notebooks
    python scripts/site/library_wheel.py --out FOLDER

It is built from a copy, because setuptools leaves files behind in the clone and finds them the next time. It is built anew only if
the library is another than the one in it. The same library gives the same bytes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "_build" / "html" / "notebooks"
PARTS = ("pyproject.toml", "README.md", "LICENSE")
STAMP = ".wheel"  # says which sources the wheel beside it is from
DATE = "946684800"  # 1 January 2000, in seconds: a zip archive has no "no date"


def sources() -> dict[str, bytes]:
    """The files that the wheel is made from."""
    library = [path for path in sorted((ROOT / "imggen_lib").rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    library += [path for names in setup["data-files"].values() for name in names for path in sorted(ROOT.glob(name))]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in [*(ROOT / part for part in PARTS), *library]}


def digest() -> str:
    """One sha256 over all of them."""
    total = hashlib.sha256()
    for name, content in sources().items():
        total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


def name() -> str:
    """The wheel's file name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']}-{project['version']}-py3-none-any.whl"


def isolation(python: str, wanted: int = 77) -> list[str]:
    """Where setuptools is new enough, pip needs no environment of its own to build in, and so no network."""
    command = [python, "-P", "-c", "import setuptools; print(setuptools.__version__.split('.')[0])"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ["--no-build-isolation"] if found.isdigit() and int(found) >= wanted else []


def build(folder: Path, python: str = sys.executable) -> Path:
    """Put the wheel into a folder; other versions of it go. ``RuntimeError`` with what pip said if it cannot be built."""
    with tempfile.TemporaryDirectory() as place:
        copy, out = Path(place) / "source", Path(place) / "out"
        for path, content in sources().items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_bytes(content)
        command = [
            python,
            "-P",
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            *isolation(python),
            "--wheel-dir",
            str(out),
            str(copy),
        ]
        variables = {**os.environ, "SOURCE_DATE_EPOCH": DATE}
        done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=place, check=False)
        if done.returncode:
            raise RuntimeError(f"pip could not build the wheel:\n{done.stdout}{done.stderr}")
        (made,) = out.glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("imggen_lib-*.whl"):
            old.unlink()
        return Path(shutil.move(made, folder / made.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    args = parser.parse_args()
    wheel, stamp = args.out / name(), args.out / STAMP
    if not (wheel.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest()):
        try:
            build(args.out)
        except RuntimeError as error:
            sys.exit(str(error))
        stamp.write_text(digest(), encoding="utf-8")
    print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
