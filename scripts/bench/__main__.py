"""``make bench``: prints the tables and writes ``imggen_lib/measured/bench.json``. Wants the machine to itself for an hour."""

import argparse
import json
import os
import platform
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from checkpoints import hardware

from bench import curves, lost, orders, quality, scaling, steps, throughput
from bench.beside import load as load_now
from bench.beside import others
from imggen_lib.data import ImageSet, load
from imggen_lib.machine import prepare
from imggen_lib.profiling import peak_flops

Part = Callable[[ImageSet, argparse.Namespace, float], Any]
OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "bench.json"


def speeds(data: ImageSet, args: argparse.Namespace, peak: float) -> list[dict[str, Any]]:
    """The first table, row by row as it is measured."""
    rows = []
    for work in throughput.WORKS:
        rows.append(throughput.measure(work, data, args.rounds, args.seconds, peak))
        r = rows[-1]
        line = f"{r['work']:20} ours {r['ours']:7,} img/s ({r['our_fraction_of_peak']:.0%} of peak)   {r['peer']:32} "
        line += f"{r['theirs']:7,} img/s ({r['their_fraction_of_peak']:.0%})   "
        line += f"ratio {r['ratio']:5.2f} ({r['ratios'][0]:.2f} to {r['ratios'][1]:.2f}; wanted {r['wanted']}; "
        line += f"{r['ratio_helped']:.2f} with our settings of the process)"
        line += f"; players in turns: {r['ratio_in_turns']:.2f}" if "in_turns" in r else ""
        line += f"; in bfloat16: {r['ratio_in_bfloat16']:.2f}" if "in_bfloat16" in r else ""
        more = f"   {r['package']}: {r['package_speed']:,} img/s, ratio {r['package_ratio']}" if "package" in r else ""
        print(line + more, flush=True)
    return rows


def times(data: ImageSet, args: argparse.Namespace, peak: float) -> list[dict[str, Any]]:
    """The second table: seconds to a quality."""
    rows = quality.measure(data, args.minutes)
    for r in rows:
        ours, theirs = (f"{r[f'{who}_seconds']} s to {r[f'{who}_value']}" for who in ("our", "their"))
        verdict = f"ratio {r['ratio']} (wanted {r['wanted']})" if r["reached"] else "NOT REACHED"
        print(f"{r['work']:22} ours {ours}   {r['peer']} {theirs}   {verdict}", flush=True)
    return rows


def printed(measure: Callable[[ImageSet, argparse.Namespace], Any]) -> Part:
    """A part that shows what it found as it is."""

    def part(data: ImageSet, args: argparse.Namespace, peak: float) -> Any:
        found = measure(data, args)
        print(json.dumps(found), flush=True)
        return found

    return part


PARTS: dict[str, Part] = {
    "throughput": speeds,
    "quality": times,
    "orders": printed(lambda data, args: orders.measure(data)),
    "growth": printed(lambda data, args: curves.measure(args.seconds / 3)),
    "startup": printed(lambda data, args: curves.startup()),
    "steps": printed(lambda data, args: steps.measure(data, args.seconds / 2)),
    "lost": printed(lambda data, args: lost.measure(data, args.seconds / 2)),
    "scaling": printed(lambda data, args: scaling.measure()),
    "stream": printed(lambda data, args: curves.streamed(args.streamed)),
}


WHEN = ("date", "machine", "load_before", "others", "peak_gflops", "versions")


def summaries(record: dict[str, Any], replaced: set[str]) -> list[dict[str, Any]]:
    """What is kept of parts that were measured anew: when and where each was measured before, its ratios, and its rows."""
    found: dict[str, dict[str, Any]] = {}
    for part in sorted(replaced, reverse=True):
        when = record.get("measured", {}).get(part) or {key: record[key] for key in WHEN if key in record}
        entry = found.setdefault(json.dumps(when), {**when, "ratios": {}})
        entry["ratios"] |= {row["work"]: row["ratio"] for row in record[part]}
        entry[part] = [{key: value for key, value in row.items() if key != "looks"} for row in record[part]]
    return list(found.values())


def attempts(record: dict[str, Any], replaced: bool) -> list[dict[str, Any]]:
    """The rows of the part "lost" from earlier, each time with when and where: what a machine gains from is a thing to compare."""
    kept: list[dict[str, Any]] = record.get("lost_earlier", [])
    if not replaced or "lost" not in record:
        return kept
    when = record.get("measured", {}).get("lost") or {key: record[key] for key in WHEN if key in record}
    return [*kept, {**when, "rows": record["lost"]["rows"]}]


def renewed(before: dict[str, Any], about: dict[str, Any], found: dict[str, Any], when: dict[str, Any]) -> dict[str, Any]:
    """The record `before` with the parts that were `found` in place of theirs, which leave their ratios."""
    replaced = {"throughput", "quality"} & before.keys() & found.keys()  # the parts with ratios
    record = about | {name: before[name] for name in (*PARTS, "original") if name in before} | found
    record |= {"measured": before.get("measured", {}) | when, "earlier": before.get("earlier", []) + summaries(before, replaced)}
    record["lost_earlier"] = attempts(before, "lost" in found)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=6.0, help="throughput: a side and round")
    parser.add_argument("--rounds", type=int, default=5, help="throughput: of both sides in turn")
    parser.add_argument("--minutes", type=float, default=10.0, help="quality: of the peer's convolutional GAN")
    parser.add_argument("--streamed", type=int, default=1_000_000, help="stream: images")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    torch.set_num_threads(args.threads)
    before: dict[str, Any] = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    prepare("cpu")
    load_before, peak = load_now(), peak_flops(tries=20)
    about = {
        "command": f"make bench (rounds {args.rounds}, {args.seconds:g} s a side and round, {args.minutes:g} minutes)",
        "protocol": {
            "rounds": args.rounds,
            "seconds": args.seconds,
            "minutes": args.minutes,
            "data": "mnist",
            "threads": args.threads,
        },
        "date": date.today().isoformat(),
        "machine": hardware("cpu"),
        "load_before": load_before,
        "peak_gflops": round(peak / 1e9, 1),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    print(f"{about['machine']}; peak {about['peak_gflops']} GFLOP/s (float32 product); load before: {load_before}", flush=True)
    wanted = args.parts or list(PARTS)
    data = load("mnist")
    found, when = {}, {}
    for name in wanted:
        when[name] = {key: about[key] for key in WHEN if key in about}
        with others(when[name]):
            found[name] = PARTS[name](data, args, peak)
        record = renewed(before, about, found, when)  # part by part: what comes after may fail
        args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # these are numbers of a CPU, for packages that would choose a GPU by themselves, too
    main()
