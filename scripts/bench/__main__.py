"""``make bench``: prints the table and writes ``imggen_lib/measured/bench.json``. Wants the machine to itself for ten minutes."""

import argparse
import json
import platform
from datetime import date
from pathlib import Path

import torch
from checkpoints import hardware

from bench import throughput
from imggen_lib.data import load
from imggen_lib.profiling import peak_flops

OUT = Path(__file__).parent.parent.parent / "imggen_lib" / "measured" / "bench.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="a side and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    data, load_before = load("mnist"), throughput.load()
    rows = []
    for work in throughput.WORKS:
        rows.append(throughput.measure(work, data, args.rounds, args.seconds))
        r = rows[-1]
        line = f"{r['work']:20} ours {r['ours']:7,} img/s   {r['peer']:32} {r['theirs']:7,} img/s   ratio {r['ratio']:5.2f} "
        line += f"({r['ratios'][0]:.2f} to {r['ratios'][1]:.2f}; wanted {r['wanted']})"
        print(line + (f"   {r['package']}: {r['package_speed']:,} img/s, ratio {r['package_ratio']}" if "package" in r else ""))
    record = {
        "command": f"make bench (rounds {args.rounds}, {args.seconds:g} s a side and round)",
        "date": date.today().isoformat(),
        "machine": hardware(),
        "load_before": load_before,
        "peak_gflops": round(peak_flops(n=2048) / 1e9, 1),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "throughput": rows,
    }
    print(f"{record['machine']}; peak {record['peak_gflops']} GFLOP/s (float32 product); load before: {load_before}")
    args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
