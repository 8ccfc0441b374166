"""``make bench-gpu``: the same comparison on a GPU, and how busy the GPU is; written to ``measured/bench_gpu.json`` of the library.

Was not run yet: no GPU was at hand. ``--device cpu`` tries the program, not the machine.
"""

import argparse
import json
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from checkpoints import hardware
from torch.profiler import ProfilerActivity

from bench.apart import apart
from bench.curves import CONV, noise
from bench.throughput import WORKS, Work, begin, finish, go, ratios, speed, turns
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.profiling import profile
from imggen_lib.runs import Run, start

OUT = Path(__file__).parent.parent.parent / "imggen_lib" / "measured" / "bench_gpu.json"
WANTED = 10.0  # times the eager peer's speed, for the fully connected VAE
CHANGES: dict[str, Callable[[Run], Run]] = {"eager": lambda run: run, "bfloat16": Run.in_bfloat16, "compiled": Run.compile}


def against_the_peer(work: Work, data: ImageSet, device: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Medians of both sides in turns, each in a process of its own, and their ratio."""
    with apart(prepared=device) as ours, apart() as theirs:
        calls = {"ours": ours, "theirs": theirs}
        for side, call in calls.items():
            call(begin, work.name, side, data, device)
        found = turns({side: partial(call, go) for side, call in calls.items()}, rounds, seconds)
    ratio, span = ratios(found["ours"], found["theirs"])
    speeds = {side: round(statistics.median(values)) for side, values in found.items()}
    return {"work": work.name, "batch": work.batch, **speeds, "ratio": ratio, "ratios": span}


def kernel_share(images_seen: Iterator[int], device: str, steps: int = 40) -> float:
    """The part of the time in which the GPU computed; on a CPU, where nothing else computes, 1."""
    if not device.startswith("cuda"):
        return 1.0
    with torch.profiler.profile(activities=[ProfilerActivity.CUDA]) as found:
        for _ in islice(images_seen, steps):
            pass
        finish()
    kernels = [e.time_range for e in found.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    span = max(k.end for k in kernels) - min(k.start for k in kernels)
    return sum(k.elapsed_us() for k in kernels) / span


def busy(config: GanConfig, data: ImageSet, device: str, seconds: float) -> list[dict[str, Any]]:
    """The book's convolutional GAN: speed, share of the time in kernels, and memory, as it is and with what can be asked for."""
    rows = []
    for name, change in CHANGES.items():
        run = change(start(replace(config, image_shape=data.image_shape), data, device))
        seen = (record["images"] for record in run.records(2**40))
        rate = round(speed(seen, seconds, warmup=20))
        share, memory = kernel_share(seen, device), profile(run, steps=8, warmup=1).memory
        rows.append(
            {"how": name, "images_per_second": rate, "share_in_kernels": round(share, 3), "memory_mib": round(memory / 2**20)}
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=5.0, help="a side and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=64, help="side of the images of the GAN whose kernels are timed")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no GPU that PyTorch can use; --device cpu tries the program")
    if ":" in args.device:
        torch.cuda.set_device(args.device)
    data, rows = load("mnist"), []
    for work in WORKS:
        rows.append(against_the_peer(work, data, args.device, args.rounds, args.seconds))
        print(rows[-1], flush=True)
    record = {
        "command": f"make bench-gpu (rounds {args.rounds}, {args.seconds:g} s a side and round)",
        "protocol": {"rounds": args.rounds, "seconds": args.seconds, "data": "mnist", "wanted": {"ratio of the first row": WANTED}},
        "machine": hardware(args.device) + ": a trial of the program" * (not args.device.startswith("cuda")),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "throughput": rows,
        f"GAN at {args.size}x{args.size}": busy(CONV, noise(2_000, args.size), args.device, args.seconds),
    }
    args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
