"""What a flow of pixels is worth: distance against evaluations, against guidance, against processor time; its likelihood; a record.

The model is one that ships: `mnist-flow`, or `fashion-flow` with its shorter record. The rows against processor time train fresh
ones, each with a schedule of its own; the rows of seeds train what ships again. An interrupted measurement goes on where it was.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
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
from imggen_lib.protocol import FEATURES, Bench, Protocol
from imggen_lib.runs import start
from imggen_lib.sampling import sample

MEASURED = Path(__file__).parents[2] / "imggen_lib" / "measured"
RECORDS = {"mnist-flow": "flow.json", "fashion-flow": "flow_fashion.json"}  # what is measured -> where it stands
SAMPLERS = [
    *(("euler", steps) for steps in (1, 2, 4, 8, 16, 50)),
    *(("heun", steps) for steps in (1, 2, 4, 8, 25)),
    *(("midpoint", steps) for steps in (1, 2, 4, 8)),
]
WEIGHTS = (0.5, 1.0, 1.25, 1.5, 2.0, 3.0)
SEEDS = (1,)  # besides that of the model that ships
#: Guided samplers of sixteen evaluations, compared on training images; the best of them is measured on test images.
SIXTEEN = (("euler", 8, 1.1), ("euler", 8, 1.25), ("midpoint", 4, 1.1), ("midpoint", 4, 1.25), ("midpoint", 4, 1.5))
BEST = {"mnist-flow": ("midpoint", 4, 1.1), "fashion-flow": ("midpoint", 4, 1.25)}
GUIDED = ("midpoint", 2)  # the sampler of the rows on guidance, and of the model that ships
CHOICES = (("midpoint", 2), ("midpoint", 4), ("euler", 8))  # compared on training images, so that no test image chooses
MINUTES = {2: 120_000, 5: 300_000}  # processor minutes of one core, and the images that a network of this size sees in them
SPECKS = (0, 1, 2, 3, 5, 8)  # grey levels up to which a pixel is made black, to see what a background that is not black costs
RIVALS = {"fashion-flow": "fashion-gan-classes"}  # whose samples, beside real images, are treated in the same way
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


def trained(data: str, images: int, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A fresh flow after so many images, measured; the processor seconds of its training."""
    config = FlowConfig(classes=10, schedule_images=images, seed=seed, **changes)
    run, began = start(config, load(data, "train"), "cpu").in_bfloat16(), time.process_time()
    for _ in run.records(images):
        pass
    model: nn.Module = run.state.modules()["ema"].eval()
    for part in model.modules():
        vars(part).pop("forward", None)  # in float32 again, as everything is measured
    seconds = time.process_time() - began
    return {"images": images, "cpu_seconds": round(seconds), **seen(bench(data), sample(model, Protocol().n, seed=0))}


_BENCHES: dict[str, Bench] = {}


def bench(data: str) -> Bench:
    """The book's protocol; the real side is computed once."""
    if data not in _BENCHES:
        _BENCHES[data] = Bench(data, Protocol())
    return _BENCHES[data]


def shipped(name: str) -> tuple[Flow, str]:
    """The flow, and the data that it learned."""
    saved = pretrained(name)
    return saved.model(), saved.meta["data"]["name"]


def sampled(name: str, solver: str, steps: int) -> dict[str, Any]:
    model, data = shipped(name)
    images = sample(model.sampled_with(solver=solver, steps=steps, guidance=1.0), Protocol().n, seed=0)
    return {"solver": solver, "steps": steps, "evaluations": evaluations(solver, steps), **seen(bench(data), images)}


def chosen(name: str, solver: str, steps: int, guidance: float = 1.0) -> dict[str, Any]:
    """The distance to as many *training* images, by which the sampler of the model that ships is chosen."""
    model, data = shipped(name)
    images = sample(model.sampled_with(solver=solver, steps=steps, guidance=guidance), Protocol().n, seed=20_000)
    real = bench(data).real
    assert real is not None
    known, made = features(bench(data).net, real.floats()), features(bench(data).net, images)
    return {"solver": solver, "steps": steps, "guidance": guidance, "frechet_distance": row(frechet_interval(known, made))}


def guided(name: str, weight: float, solver: str = GUIDED[0], steps: int = GUIDED[1]) -> dict[str, Any]:
    model, data = shipped(name)
    images = sample(model.sampled_with(solver=solver, steps=steps, guidance=weight), Protocol().n, seed=0)
    found = bench(data).distances(images)
    names = ("precision", "recall", "density", "coverage", "vendi_score", "copying_z", "near_duplicates", "novelty_ratio")
    return {"weight": weight, "solver": solver, "steps": steps, **seen(bench(data), images)} | {
        name: rounded(found[name]) for name in names
    }


def specks(name: str, whose: str) -> dict[str, Any]:
    """The distance after pixels of at most so many grey levels were made black: of the flow, of its rival, of training images."""
    model, data = shipped(name)
    n = Protocol().n
    if whose == "real":
        real = bench(data).real
        assert real is not None
        images = real.floats()
    elif whose == "rival":
        images = sample(pretrained(RIVALS[name]).model(), n, seed=0)
    else:
        solver, steps, weight = BEST[name]
        images = sample(model.sampled_with(solver=solver, steps=steps, guidance=weight), n, seed=0)
    levels, rows = ((images + 1) * 127.5).round(), {}
    for most in SPECKS:
        wiped = torch.where(levels <= most, -1.0, images)
        found = frechet_interval(bench(data).reference_features, features(bench(data).net, wiped))
        rows[str(most)] = {"black": rounded((levels <= most).float().mean().item()), "frechet_distance": row(found)}
    return {"of": RIVALS[name] if whose == "rival" else whose, "levels": rows}


def likelihood(name: str, steps: int) -> dict[str, Any]:
    """Bits a dimension of dequantised test images given their class; with twice the steps to see the solver's error."""
    model, data = shipped(name)
    test = load(data, "test")
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


def parts(name: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """Everything that is measured, by name, the quickest and most wanted first."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for solver, steps in sorted(SAMPLERS, key=lambda s: evaluations(*s)):
        found[f"steps/{solver}/{steps}"] = partial(sampled, name, solver, steps)
    for solver, steps in CHOICES:
        found[f"choice/{solver}/{steps}"] = partial(chosen, name, solver, steps)
    for weight in WEIGHTS:
        found[f"guidance/{weight}"] = partial(guided, name, weight)
    for solver, steps, weight in SIXTEEN:
        found[f"choice/{solver}/{steps}/{weight}"] = partial(chosen, name, solver, steps, weight)
    solver, steps, weight = BEST[name]
    found[f"sixteen/{solver}/{steps}/{weight}"] = partial(guided, name, weight, solver, steps)
    if name in RIVALS:
        for whose in ("flow", "rival", "real"):
            found[f"specks/{whose}"] = partial(specks, name, whose)
        return found
    for steps in (LIKELIHOOD["steps"], 2 * LIKELIHOOD["steps"]):
        found[f"likelihood/{steps}"] = partial(likelihood, name, steps)
    for minutes, images in MINUTES.items():
        found[f"minutes/{minutes}"] = partial(minutes_row, minutes, images)
    for seed in SEEDS:
        found[f"seeds/{seed}"] = partial(seed_row, seed)
    return found


def earlier(record: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a model that shipped before: how long it had learned, and what it was worth at sixteen evaluations."""
    kept = {name: row for name, row in record["rows"].items() if name.startswith(("choice/", "sixteen/"))}
    return {"images": record.get("images"), "sha256": record["protocol"]["sha256"], "rows": kept}


def minutes_row(minutes: int, images: int) -> dict[str, Any]:
    return {"minutes": minutes, **trained("mnist", images)}


def seed_row(seed: int) -> dict[str, Any]:
    """What ships, trained again from another seed, and sampled in the same way."""
    saved = pretrained("mnist-flow")
    return {"seed": seed, **trained("mnist", saved.meta["images"], seed, steps=saved.config.steps)}


def main() -> None:
    """Measure what the record does not have yet; it is written after each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=tuple(RECORDS), default="mnist-flow")
    parser.add_argument("--out", type=Path, help="the record (default: that of the package)")
    parser.add_argument("only", nargs="*", help="beginnings of the names of rows (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    saved, out = pretrained(args.model), args.out or MEASURED / RECORDS[args.model]
    data = saved.meta["data"]["name"]
    protocol = {
        "data": data, "samples": Protocol().n, "seed": 0, "features": FEATURES[data],
        "interval": "95 %: jackknife over groups of images for distances, Wilson for shares; one training, one seed",
        "model": args.model, "sha256": saved.meta["weights"]["sha256"], "likelihood": LIKELIHOOD,
    }  # fmt: skip
    before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    same = before.get("protocol") == protocol
    rows: dict[str, Any] = before["rows"] if same else {}
    past = before.get("earlier", []) + ([] if same or not before else [earlier(before)])
    for name, measure in parts(args.model).items():
        if name in rows or (args.only and not name.startswith(tuple(args.only))):
            continue
        rows[name] = measure()
        print(name, {k: v for k, v in rows[name].items() if k != "each"}, flush=True)
        record = {
            "command": f"python scripts/records/flow.py --model {args.model}",
            "protocol": protocol,
            "versions": versions(),
            "machine": "CPU, one thread; processor seconds, other work ran meanwhile",
            "images": saved.meta["images"],
            "rows": rows,
            "earlier": past,
        }
        out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
