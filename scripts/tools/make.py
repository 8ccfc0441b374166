"""An environment for each tool, one after the other; each tool run in it, weighed and judged; the record. `make tools`.

TOOLS_KEEP=1 keeps the environments in `.venv-tools`, where the chapter finds them. A name after the command makes that environment
alone, and checks its tools without touching the record.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imggen_lib.tools.record import BOUNDS, TOOLS, bounds_met, run
from imggen_lib.tools.reference import ADAM, digest, inputs

ROOT = Path(__file__).parents[2]
OUT = ROOT / "imggen_lib" / "measured" / "tools.json"
PLACE = ROOT / ".venv-tools"
REQUIREMENTS = Path(__file__).parent / "requirements"
ENVIRONMENTS = tuple(dict.fromkeys(tool.environment for tool in TOOLS.values()))


def interpreter(version: str) -> Path:
    """A Python of that version: on the path, pyenv's, or uv's. Raises ``RuntimeError`` where there is none."""

    def candidates() -> Iterator[str]:
        yield from (sys.executable, shutil.which(f"python{version}") or "")
        yield from map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True))
        if uv := shutil.which("uv"):
            yield subprocess.run([uv, "python", "find", version], capture_output=True, text=True).stdout.strip()

    for found in filter(None, candidates()):
        asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == version:
            return Path(found)
    raise RuntimeError(f"no Python {version} here; install it, for instance with: pyenv install {version}")


def python_of(name: str) -> Path:
    """The interpreter in an environment."""
    return PLACE / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(name: str) -> None:
    """Make an environment from its requirements, unless a finished one with the same requirements is there."""
    wanted = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    ready = PLACE / name / ".ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(PLACE / name, ignore_errors=True)
    PLACE.mkdir(exist_ok=True)
    beside = "beside its packages" in wanted.splitlines()[0]
    numbered = re.match(r"# python (\d+\.\d+)$", wanted.splitlines()[0])
    python = Path(sys.executable) if beside or numbered is None else interpreter(numbered[1])
    subprocess.run([python, "-m", "venv", PLACE / name], check=True)
    if beside:
        (site(name) / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [python_of(name), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", REQUIREMENTS / f"{name}.txt"], check=True)
    ready.write_text(wanted, encoding="utf-8")


def site(name: str) -> Path:
    """The folder of an environment's packages."""
    asked = [python_of(name), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())


def there(name: str) -> dict[str, Distribution]:
    """The packages that an environment sees, by their names."""
    folders = [str(site(name))]
    if (beside := Path(folders[0]) / "beside.pth").exists():
        folders.append(beside.read_text(encoding="utf-8").strip())
    found: dict[str, Distribution] = {}
    for folder in folders:
        for one in distributions(path=[folder]):
            found.setdefault(canonicalize_name(one.metadata["Name"]), one)
    return found


def closure(packages: tuple[str, ...], found: dict[str, Distribution], python: str) -> dict[str, Distribution]:
    """The packages and all that they require, and that is there."""
    todo = [(package, ("",)) for package in packages]
    taken: dict[str, Distribution] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while todo:
        package, extras = todo.pop()
        key = canonicalize_name(package)
        if key not in found or (key, extras) in seen:
            continue
        seen.add((key, extras))
        taken[key] = found[key]
        for text in found[key].requires or []:
            needed = Requirement(text)
            about = {"python_version": python.rsplit(".", 1)[0], "python_full_version": python}
            if needed.marker is None or any(needed.marker.evaluate({**about, "extra": extra}) for extra in extras):
                todo.append((needed.name, ("", *sorted(needed.extras))))
    return taken


def megabytes(packages: dict[str, Distribution]) -> float:
    """What the packages' files take, without compiled Python, in units of 10^6 bytes."""
    files = {Path(str(file.locate())) for one in packages.values() for file in one.files or [] if file.suffix != ".pyc"}
    return round(sum(path.stat().st_size for path in files if path.is_file()) / 1e6, 1)


def measure(name: str) -> dict[str, Any]:
    """A tool's row: its versions, size, times, and differences from float64."""
    tool = TOOLS[name]
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
    with tempfile.TemporaryDirectory() as folder:
        row = run(name, python_of(tool.environment), Path(folder), timeout=1200)
    taken = closure(tool.packages, there(tool.environment), row["python"])
    row["install_mb"], row["packages"] = megabytes(taken), {key: one.version for key, one in sorted(taken.items())}
    row["load"] = round(before, 1)
    if not all(bounds_met(row["found"]).values()):
        raise SystemExit(f"{name} misses a bound: {row['found']}")
    print(name, {key: f"{value:.1e}" for key, value in row["found"].items()}, f"{row['install_mb']} MB", flush=True)
    return row


def record(rows: dict[str, Any]) -> dict[str, Any]:
    """The record: the rows with what they rest on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    processor = re.search(r"^model name\s*: (.*)$", text, re.M)
    return {
        "command": "make tools",
        "protocol": {
            "date": datetime.date.today().isoformat(),
            "inputs": digest(inputs()),
            "compared_with": "PyTorch in float64, the greatest absolute difference; 100 latents, 100 binary images",
            "bounds": BOUNDS,
            "adam": ADAM,
            "install_mb": "10^6 bytes of the files of the named packages and all that they require, without compiled Python",
            "import_s": "processor seconds from the start of NumPy's import on",
            "ms_1, ms_100": "processor milliseconds per image, one thread: median of 60 calls with 1 latent, of 20 with 100",
            "load": "the machine's load average before the tool ran: other work went on beside it",
        },
        "versions": {row["tool"]: row["version"] for row in rows.values()},
        "machine": f"{processor[1] if processor else platform.processor()}, {os.cpu_count()} cores, {platform.system()}",
        "tools": rows,
    }


def main() -> None:
    """Every environment, its tools, and the record; or one environment's check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", nargs="?", choices=ENVIRONMENTS, help="this one alone, without a record")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Any] = {}
    for environment in [arguments.environment] if arguments.environment else ENVIRONMENTS:
        make(environment)
        rows |= {name: measure(name) for name, tool in TOOLS.items() if tool.environment == environment}
        if os.environ.get("TOOLS_KEEP", "0") in ("", "0"):
            shutil.rmtree(PLACE / environment)
    if not arguments.environment:
        rows = {name: rows[name] for name in TOOLS}
        arguments.out.write_text(json.dumps(record(rows), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
