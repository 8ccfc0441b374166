"""What a flow of pixels is worth: distance against evaluations, against guidance, against processor time; its likelihood; a record.

The model is the one that ships as `mnist-flow`; the rows against processor time train fresh ones, each with a schedule of its own.
An interrupted measurement goes on where it was.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import pretrained, versions
from imggen_lib.configs import FlowConfig
from imggen_lib.data import load
from imggen_lib.machine import prepare
from imggen_lib.metrics.distribution import features, frechet_distance, frechet_interval, statistics
from imggen_lib.metrics.flow_likelihood import log_density
from imggen_lib.metrics.intervals import Estimate, mean_estimate, wilson_interval
from imggen_lib.models.flow import Flow
from imggen_lib.noise import generator_for
from imggen_lib.ode import evaluations
from imggen_lib.protocol import Bench, Protocol
from imggen_lib.runs import start
from imggen_lib.sampling import sample

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "flow.json"
MODEL = "mnist-flow"
SAMPLERS = [
    *(("euler", steps) for steps in (1, 2, 4, 8, 16, 50)),
    *(("heun", steps) for steps in (1, 2, 4, 8, 25)),
    *(("midpoint", steps) for steps in (1, 2, 4, 8)),
]
WEIGHTS = (0.5, 1.0, 1.25, 1.5, 2.0, 3.0)
GUIDED = ("heun", 4)  # the sampler of the rows on guidance
MINUTES = {2: 120_000, 5: 300_000}  # processor minutes of one core, and the images that a network of this size sees in them
LIKELIHOOD = {"images": 200, "steps": 32, "probes": 1}


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def row(value: Estimate) -> dict[str, Any]:
    return {"value": rounded(value.value), "low": rounded(value.low), "high": rounded(value.high)}


@torch.no_grad()
def seen(bench: Bench, images: Tensor) -> dict[str, Any]:
    """The distance with its interval over images, and the share whose class the protocol's classifier reads as was asked."""
    made = features(bench.net, images)
    spread = frechet_interval(bench.reference_features, made)
    distance = frechet_distance(statistics(bench.reference_features), statistics(made))
    classifier: Any = bench.classifier
    said = torch.cat([classifier(part).argmax(1) for part in images.split(1000)])
    right = int((said == torch.arange(len(images)) % 10).sum())
    low, high = wilson_interval(right, len(images))
    about = {"frechet_distance": {"value": rounded(distance), "low": rounded(spread.low), "high": rounded(spread.high)}}
    return about | {"class_right": row(Estimate(right / len(images), (high - low) / 4, low, high))}


def trained(images: int, minutes: int) -> dict[str, Any]:
    """A fresh flow after so many images, measured; the processor seconds of its training."""
    config = FlowConfig(classes=10, schedule_images=images)
    run, began = start(config, load("mnist", "train"), "cpu").in_bfloat16(), time.process_time()
    for _ in run.records(images):
        pass
    model: nn.Module = run.state.modules()["ema"].eval()
    for part in model.modules():
        vars(part).pop("forward", None)  # in float32 again, as everything is measured
    seconds = time.process_time() - began
    found = seen(bench("mnist"), sample(model, Protocol().n, seed=0))
    return {"minutes": minutes, "images": images, "cpu_seconds": round(seconds), **found}


_BENCHES: dict[str, Bench] = {}


def bench(data: str) -> Bench:
    """The book's protocol; the real side is computed once."""
    if data not in _BENCHES:
        _BENCHES[data] = Bench(data, Protocol())
    return _BENCHES[data]


def sampled(solver: str, steps: int) -> dict[str, Any]:
    model: Flow = pretrained(MODEL).model()
    images = sample(model.sampled_with(solver=solver, steps=steps), Protocol().n, seed=0)
    return {"solver": solver, "steps": steps, "evaluations": evaluations(solver, steps), **seen(bench("mnist"), images)}


def guided(weight: float) -> dict[str, Any]:
    solver, steps = GUIDED
    model: Flow = pretrained(MODEL).model().sampled_with(solver=solver, steps=steps, guidance=weight)
    images = sample(model, Protocol().n, seed=0)
    found = bench("mnist").distances(images)
    names = ("precision", "recall", "density", "coverage", "vendi_score", "copying_z", "near_duplicates", "novelty_ratio")
    return {"weight": weight, "solver": solver, "steps": steps, **seen(bench("mnist"), images)} | {
        name: rounded(found[name]) for name in names
    }


def likelihood(steps: int) -> dict[str, Any]:
    """Bits a dimension of dequantised test images given their class; with twice the steps to see the solver's error."""
    model, test = pretrained(MODEL).model(), load("mnist", "test")
    n, noise = LIKELIHOOD["images"], generator_for(0, 63)
    pick = torch.randperm(len(test), generator=noise)[:n]
    x = test.floats()[pick]
    x = x + (torch.rand(x.shape, generator=noise) - 0.5) / 127.5
    nats = log_density(model, x, test.labels[pick], steps=steps, probes=LIKELIHOOD["probes"])
    dims = x[0].numel()
    bits = -(nats.double() / dims - torch.tensor(127.5).double().log()) / torch.tensor(2.0).double().log()
    return {
        "steps": steps,
        "images": n,
        "bits_per_dimension": row(mean_estimate(bits)),
        "each": [rounded(v) for v in bits.tolist()],
    }


def parts() -> dict[str, Callable[[], dict[str, Any]]]:
    """Everything that is measured, by name, the quickest and most wanted first."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for solver, steps in sorted(SAMPLERS, key=lambda s: evaluations(*s)):
        found[f"steps/{solver}/{steps}"] = lambda s=solver, k=steps: sampled(s, k)  # type: ignore[misc]
    for weight in WEIGHTS:
        found[f"guidance/{weight}"] = lambda w=weight: guided(w)  # type: ignore[misc]
    for steps in (LIKELIHOOD["steps"], 2 * LIKELIHOOD["steps"]):
        found[f"likelihood/{steps}"] = lambda k=steps: likelihood(k)  # type: ignore[misc]
    for minutes, images in MINUTES.items():
        found[f"minutes/{minutes}"] = lambda i=images, m=minutes: trained(i, m)  # type: ignore[misc]
    return found


def main() -> None:
    """Measure what the record does not have yet; it is written after each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("only", nargs="*", help="beginnings of the names of rows (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    saved = pretrained(MODEL)
    protocol = {
        "data": "mnist", "samples": Protocol().n, "seed": 0, "features": "mnist-features",
        "interval": "95 %: jackknife over groups of images for distances, Wilson for shares; one training, one seed",
        "model": MODEL, "sha256": saved.meta["weights"]["sha256"], "likelihood": LIKELIHOOD,
    }  # fmt: skip
    rows: dict[str, Any] = {}
    if args.out.exists() and (before := json.loads(args.out.read_text(encoding="utf-8")))["protocol"] == protocol:
        rows = before["rows"]
    for name, measure in parts().items():
        if name in rows or (args.only and not name.startswith(tuple(args.only))):
            continue
        rows[name] = measure()
        print(name, {k: v for k, v in rows[name].items() if k != "each"}, flush=True)
        record = {
            "command": "python scripts/records/flow.py",
            "protocol": protocol,
            "versions": versions(),
            "machine": "CPU, one thread; processor seconds, other work ran meanwhile",
            "rows": rows,
        }
        args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
