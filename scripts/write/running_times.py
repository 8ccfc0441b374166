"""How long each notebook took to run, in `book/times.json`: what the pages show under a chapter's title.

Only quiet runs without a GPU count: with one, chapters train longer, and beside other work they wait. A new number replaces an old
one of the same machine and cores only if it differs by more than a tenth, so that the file does not change for nothing.
"""

import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

TIMES = Path(__file__).parents[2] / "book" / "times.json"


def machine() -> str:
    """The machine in words."""
    words = platform.processor() or platform.machine()
    if (cpu := Path("/proc/cpuinfo")).exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpu.read_text(encoding="utf-8").splitlines() if line.startswith("model name")
        ]
        words = names[0] if names else words
    return f"{words}, {os.cpu_count()} cores, no GPU"


def busy(cores: int) -> bool:
    """Whether, in the last minute, clearly more wanted to compute than the notebook itself."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > cores + 0.7


def merged(times: dict[str, Any], name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The table with a new entry, in alphabetical order; the old entry stays if the new one says nothing new."""
    old = times.get(name)
    same = old and all(old[key] == entry[key] for key in ("machine", "cores"))
    if old and same and abs(entry["seconds"] / old["seconds"] - 1) <= 0.1:
        return times
    return dict(sorted({**times, name: entry}.items()))


def record(name: str, seconds: float, path: Path = TIMES) -> str:
    """Write down that the notebook `name` took so many seconds; returns what was done, in words."""
    import torch

    cores = min(os.cpu_count() or 1, int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    if torch.cuda.is_available():
        return "with a GPU: the time is not recorded"
    if busy(cores):
        return "other work ran meanwhile: the time is not recorded"
    times = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entry = {"seconds": round(seconds), "cores": cores, "machine": machine(), "date": date.today().isoformat()}
    path.write_text(json.dumps(merged(times, name, entry), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return "the time is recorded"
