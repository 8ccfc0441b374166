"""What else computed on the machine while a part of the benchmark ran. Known on Linux; elsewhere nothing is said of it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STAT = Path("/proc/stat")


def _of_all() -> float:
    """Processor seconds that programs and the system have used since the machine started; waiting is not among them."""
    user, nice, system, _, _, irq, softirq, *_ = map(float, STAT.read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    """Those of this process and of all that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def load() -> float:
    """The machine's load of the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else float("nan")


@contextmanager
def others(about: dict[str, Any]) -> Iterator[None]:
    """Note in `about` what else the machine did: ``load_before``, and ``others``, the cores that others kept busy on average."""
    about["load_before"] = load()
    known = STAT.exists()
    began, all_before, ours_before = time.perf_counter(), _of_all() if known else 0.0, _ours()
    yield
    if known:
        used = (_of_all() - all_before) - (_ours() - ours_before)
        about["others"] = round(max(0.0, used) / (time.perf_counter() - began), 3)
