"""Smaller generators: trains the students of the chapter, measures everything that it compares, and writes its record.

``python scripts/records/smaller.py train NAME`` trains one of :data:`RUNS` into ``_build/smaller`` and goes on where it was
stopped; without a name it trains all, those of :data:`COMPARED` with three seeds. ``measure`` measures what is there under the
book's protocol, ``times`` what an image costs and ``pages`` what eight bits cost the models of the pages; they write into
``imggen_lib/measured/smaller.json``, and measure no row anew that it has. ``ship`` writes the small generators of the library.
"""

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch
from smaller_pages import page_rows, small_rows, worksheet_row
from smaller_rows import KNOWN, all_rows, by_seed, ended, real_row
from smaller_runs import BATCH, COMPARED, PAIRS, RUNS, SEEDS, SIZES, TEACHER, train
from smaller_times import times

import imggen_lib
from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.fold import folded
from imggen_lib.machine import prepare

OUT = Path(imggen_lib.__file__).parent / "measured" / "smaller.json"
SHIPPED = {"fifth": 8, "tenth": 8, "thirtieth": 8, "int4": 4, "fifth-int4": 4}  # bits
LICENCE = "MIT, trained by this book; data: MNIST (LeCun, Cortes, Burges)"


def stored() -> dict[str, Any]:
    """The record as it is."""
    found: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    return found


def record(**parts: Any) -> None:
    """Put `parts` into the record, beside what it has."""
    found = stored() | {
        "command": "make smaller",
        "protocol": {
            "samples": 10_000, "data": "mnist, 10,000 test images", "features": "mnist-features", "teacher": TEACHER,
            "pairs": PAIRS, "batch": BATCH, "runs": {name: vars(run) for name, run in RUNS.items()},
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": f"{_processor()}, one thread; seconds of the processor",
    }  # fmt: skip
    if "times" in parts:
        found["load"] = f"{os.getloadavg()[0]:.0f}: other work ran on the machine; ratios within the record count, not its times"
    OUT.write_text(json.dumps(found | parts, indent=1) + "\n", encoding="utf-8")


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def ship() -> None:
    """Write the students and the teacher in four bits, each with what the record says of it."""
    from imggen_lib.compress.store import WEIGHTS, save

    rows = stored()["rows"]
    WEIGHTS.mkdir(exist_ok=True)
    for name, bits in SHIPPED.items():
        row = rows.get(f"{name}-aware" if name == "int4" else name)
        if row is None or (found := ended(name)) is None:
            continue
        card = {"measured": row, "made": f"python scripts/records/smaller.py train {name}", "licence": LICENCE}
        print(name, save(found[0], WEIGHTS / f"{name}.safetensors", bits, **card), flush=True)  # type: ignore[arg-type]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", choices=["train", "measure", "times", "pages", "ship"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, help="of one training alone")
    arguments = parser.parse_args()
    prepare("cpu")
    torch.set_num_threads(1)
    if arguments.do == "train":
        for name in arguments.names or RUNS:
            seeds = range(SEEDS if name in COMPARED else 1) if arguments.seed is None else [arguments.seed]
            for seed in seeds:
                train(name, seed)
    elif arguments.do == "measure":
        from imggen_lib.protocol import Bench, feature_network

        KNOWN.update(stored().get("rows", {}))
        bench, rows = Bench("mnist", net=feature_network("mnist")), dict[str, Any]()  # type: ignore[arg-type]
        record(real_images=real_row(bench))
        for row in all_rows(bench):
            rows[row["name"]] = row
            record(rows=KNOWN | rows)
        record(seeds=dict(by_seed(KNOWN | rows)))
    elif arguments.do == "times":
        trained = {name: found[0] for name in SIZES if (found := ended(name)) is not None}
        record(times=times({"teacher": folded(pretrained(TEACHER).model()), **trained}))
    elif arguments.do == "pages":
        page_rows(arguments.names, lambda rows: record(pages=rows), stored().get("pages", {}))
        record(students=dict(small_rows()), worksheet=worksheet_row())
    else:
        ship()


if __name__ == "__main__":
    main()
