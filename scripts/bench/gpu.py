"""``make bench-gpu``: the same comparison on a GPU, and how busy the GPU is; written to ``measured/bench_gpu.json`` of the library.

Was not run yet: no GPU was at hand. ``--device cpu`` tries the program, not the machine.
"""

import argparse
import json
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from checkpoints import hardware
from torch.profiler import ProfilerActivity

from bench.apart import apart
from bench.beside import others
from bench.curves import CONV, noise
from bench.throughput import WORKS, Work, begin, count, finish, go, ratios, speed, turns
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.machine import prepare
from imggen_lib.profiling import peak_flops, profile
from imggen_lib.runs import Run, start

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "bench_gpu.json"
RATIO = 10.0  # wanted: times the eager peer's speed, for the fully connected VAE
SHARE = 0.6  # wanted: of the time of a step of the convolutional GAN in kernels, in one of the ways
CHANGES: dict[str, Callable[[Run], Run]] = {"eager": lambda run: run, "bfloat16": Run.in_bfloat16, "compiled": Run.compile}


def against_the_peer(work: Work, data: ImageSet, device: str, rounds: int, seconds: float, peak: float) -> dict[str, Any]:
    """Medians of both sides in turns, each in a process of its own, their ratio, and ours as a fraction of the peak."""
    with apart(prepared=device) as ours, apart() as theirs:
        calls = {"ours": ours, "theirs": theirs}
        for side, call in calls.items():
            call(begin, work.name, side, data, device)
        found = turns({side: partial(call, go) for side, call in calls.items()}, rounds, seconds)
        operations = ours(count)
    ratio, span = ratios(found["ours"], found["theirs"])
    speeds = {side: round(statistics.median(values)) for side, values in found.items()}
    fraction = round(statistics.median(found["ours"]) * operations / peak, 4)
    return {"work": work.name, "batch": work.batch, **speeds, "ratio": ratio, "ratios": span, "our_fraction_of_peak": fraction}


def kernel_share(images_seen: Iterator[int], device: str, steps: int = 40) -> float:
    """The part of the time in which the GPU computed (copies do not count); on a CPU, where nothing else computes, 1."""
    if not device.startswith("cuda"):
        return 1.0
    with torch.profiler.profile(activities=[ProfilerActivity.CUDA]) as found:
        for _ in islice(images_seen, steps):
            pass
        finish()
    on_gpu = [e for e in found.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    kernels = [e.time_range for e in on_gpu if not (annotation(e) or e.name.startswith(("Memcpy", "Memset")))]
    if not kernels:
        return float("nan")  # the profiler saw none: it may not be allowed to look
    span = max(k.end for k in kernels) - min(k.start for k in kernels)
    return sum(k.elapsed_us() for k in kernels) / span


def annotation(event: Any) -> bool:
    """Whether it is the name of a piece of the program, not of work; PyTorch 2.4 tells no such names."""
    return bool(getattr(event, "is_user_annotation", False))


def busy(config: GanConfig, data: ImageSet, device: str, seconds: float) -> list[dict[str, Any]]:
    """The book's convolutional GAN: speed, share of the time in kernels, and memory, as it is and with what can be asked for."""
    rows: list[dict[str, Any]] = []
    for name, change in CHANGES.items():
        try:
            run = change(start(replace(config, image_shape=data.image_shape), data, device))
            seen = (record["images"] for record in run.records(2**40))
            rate = round(speed(seen, seconds, warmup=20))
            share, memory = kernel_share(seen, device), profile(run, steps=8, warmup=1).memory
            found = {"images_per_second": rate, "share_in_kernels": round(share, 3), "memory_mib": round(memory / 2**20)}
        except Exception as error:  # no compiler, say: the other ways are worth knowing all the same
            found = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        rows.append({"how": name, **found})
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
    prepare(args.device)
    when: dict[str, Any] = {"date": date.today().isoformat()}
    data, rows, peak = load("mnist"), [], peak_flops(args.device)
    with others(when):
        for work in WORKS:
            rows.append(against_the_peer(work, data, args.device, args.rounds, args.seconds, peak))
            print(rows[-1], flush=True)
        kernels = busy(CONV, noise(2_000, args.size), args.device, args.seconds)
    share = max((row["share_in_kernels"] for row in kernels if "failed" not in row), default=float("nan"))
    print(f"{rows[0]['work']}: {rows[0]['ratio']} times the peer (wanted {RATIO})")
    print(f"GAN at {args.size}x{args.size}: {share:.0%} of the time in kernels at most (wanted {SHARE:.0%})")
    earlier = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else None
    record = {
        "command": f"make bench-gpu (rounds {args.rounds}, {args.seconds:g} s a side and round)",
        "protocol": {"rounds": args.rounds, "seconds": args.seconds, "data": "mnist", "wanted": {"ratio": RATIO, "share": SHARE}},
        **when,
        "peak_gflops": round(peak / 1e9, 1),
        "machine": hardware(args.device) + ": a trial of the program" * (not args.device.startswith("cuda")),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "throughput": rows,
        f"GAN at {args.size}x{args.size}": kernels,
        "earlier": [] if earlier is None else [*earlier.pop("earlier", []), earlier],
    }
    args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
