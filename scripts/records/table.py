"""One protocol, one table: train every GAN loss, every VAE variant and flows on the same data and budget, and measure each.

``make table`` (hours on a CPU; a finished model is not trained again, an interrupted one is resumed). Models and their measurements
go to ``runs/table/``, the record to ``imggen_lib/measured/table.json``. ``--images`` and ``--n`` make a smaller table. With
``--only NAME ... --add`` these rows are put into the record that is there, whose other rows stay.
"""

import argparse
import json
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from checkpoints import hardware

from imggen_lib import checkpoint
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import load
from imggen_lib.errors import TrainingDiverged
from imggen_lib.protocol import FEATURES, Bench, Protocol, rounded
from imggen_lib.runs import best_device, resume, start
from imggen_lib.sampling import sample
from imggen_lib.viz import progress
from imggen_lib.viz.sheets import recorded_png

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "table.json"
#: One learning rate for all losses but the article's: half of the default's, which not every loss was tried with.
EQUAL: dict[str, Any] = {"lr": 1e-3}
PLAIN: dict[str, Any] = {"r1": 0.0, "penalty_every": 1, **EQUAL}
#: Half of the default's width, with which an image would cost four times as much as a GAN's.
FLOW: dict[str, Any] = {"width": 24}
RunConfig = GanConfig | VaeConfig | FlowConfig
VARIANTS: dict[str, RunConfig] = {
    "GAN, the article's": GanConfig.article(),
    "GAN, minimax": GanConfig(loss="minimax", **PLAIN),
    "GAN, non-saturating": GanConfig(loss="non-saturating", **PLAIN),
    "GAN, non-saturating + R1": GanConfig(loss="non-saturating", **EQUAL),
    "GAN, least squares": GanConfig(loss="least-squares", **PLAIN),
    "GAN, hinge": GanConfig(loss="hinge", **PLAIN),
    "GAN, Wasserstein + GP": GanConfig(loss="wasserstein", r1=0.0, gp=10.0, penalty_every=1, **EQUAL),
    "GAN, relativistic": GanConfig(loss="relativistic", **PLAIN),
    "GAN, relativistic + R1": GanConfig(**EQUAL),
    "GAN, relativistic + R1, lr 0.002": GanConfig(),
    "GAN, relativistic + R1 + R2": GanConfig(r2=0.5, **EQUAL),
    "GAN, relativistic + R1, classes": GanConfig(classes=10, **EQUAL),
    "VAE, MLP": VaeConfig(net="mlp"),
    "VAE, convolutional": VaeConfig(),
    "VAE, beta 4": VaeConfig(beta=4.0),
    "VAE, free bits": VaeConfig(free_bits=0.1),
    "VAE, 2 dimensions": VaeConfig(latent_dim=2),
    "VAE, Gaussian": VaeConfig(likelihood="gaussian"),
    "VAE, logistic": VaeConfig(likelihood="logistic"),
    "VAE, classes": VaeConfig(classes=10),
    "Flow matching": FlowConfig(**FLOW),
    "Flow matching, classes": FlowConfig(classes=10, **FLOW),
}


def trained(config: RunConfig, folder: Path, data: str, images: int) -> tuple[Any, float]:
    """The run at the end of its budget, and the seconds of training; resumed if it was interrupted.

    On a CPU these are seconds of processor time, all threads added: with one thread what a quiet machine's clock would say, and
    nearly the same when something else runs beside it.
    """
    clock = time.perf_counter if best_device() == "cuda" else time.process_time
    train, seconds = load(data, "train"), 0.0
    if isinstance(config, VaeConfig | FlowConfig):
        config = replace(config, schedule_images=images)
    if (folder / "checkpoint.json").exists():
        run = resume(folder, train, best_device())
        seconds = json.loads((folder / "checkpoint.json").read_text(encoding="ascii"))["seconds"]
    else:
        run = start(replace(config, image_shape=train.image_shape), train, best_device())
    began, due = clock(), run.state.images + 100_000
    for record in progress(run.records(images), images, start=run.state.images):
        if record["images"] >= due:
            due += 100_000
            run.save(folder, seconds=seconds + clock() - began)
    seconds += clock() - began
    run.save(folder, seconds=seconds)
    return run, seconds


def place(args: argparse.Namespace, name: str, seed: int) -> Path:
    """Where a run lives; its measurement lies beside it as JSON."""
    return args.runs / f"{name.replace(', ', '-').replace(' ', '_')}-{seed}"


def row_of_samples(folder: Path) -> str:
    """The first ten samples of a run, not chosen; of a conditional model one of each class."""
    return recorded_png(sample(checkpoint.load(folder).model(), 10, seed=0), columns=10)


def apart(rows: dict[str, list[dict[str, Any]]], factor: float = 2.0) -> dict[str, int]:
    """The variants whose seeds differ by more than that factor in the Frechet distance, with the worst seed: look at it."""
    found = {name: [run["frechet_distance"] for run in runs if "frechet_distance" in run] for name, runs in rows.items()}
    return {name: values.index(max(values)) for name, values in found.items() if values and max(values) > factor * min(values)}


@torch.no_grad()
def logits(folder: Path, data: str, n: int = 1000) -> list[float]:
    """What the critic says at the end of training, in the mean over real and over generated images: how sure it is."""
    run = resume(folder, load(data, "train"), "cpu")
    generator, critic = run.state.generator, run.state.critic  # type: ignore[union-attr]
    z = torch.randn(n, generator.latent_dim, generator=torch.Generator().manual_seed(0))  # type: ignore[call-overload]
    labels = torch.arange(n) % generator.classes if generator.classes else None  # type: ignore[operator]
    fake = critic(generator.train()(z, labels), labels).mean().item()
    real = critic(run.data.floats(n), run.data.labels[:n] if generator.classes else None).mean().item()  # type: ignore[union-attr]
    return [round(real, 1), round(fake, 1)]


def one(name: str, seed: int, bench: Bench, args: argparse.Namespace) -> dict[str, Any]:
    """A row's entry for one seed; a training that diverges is a result, too."""
    folder = place(args, name, seed)
    try:
        run, seconds = trained(replace(VARIANTS[name], seed=seed), folder, args.data, args.images)
    except TrainingDiverged as error:
        return {"seed": seed, "diverged": str(error)}
    model = run.state.model if isinstance(run.config, VaeConfig) else run.state.ema
    return {"seed": seed, "training_seconds": round(seconds, 1), **rounded(bench.model(model))}


def added(before: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The record `before` with the rows of `new`, in the order of :data:`VARIANTS`; what measured these rows is said beside them.

    Raises ``ValueError`` where the two were not measured alike: data, budget, samples, seeds.
    """
    if before["protocol"] != new["protocol"] or before["command"] != new["command"].split(" --only ")[0]:
        raise ValueError("the record was measured in another way: rows of two protocols do not stand in one table")
    record = dict(before)
    for key in ("configurations", "runs", "samples", "worst", "worst_logits"):
        rows = {**before[key], **new[key]}
        rows = {name: value for name, value in rows.items() if name not in new["runs"] or name in new[key]}
        record[key] = {name: rows[name] for name in (*VARIANTS, *rows) if name in rows}
    about = {key: new[key] for key in ("command", "versions", "machine")}
    return {**record, "added": {**before.get("added", {}), **dict.fromkeys(new["runs"], about)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=tuple(FEATURES), default="mnist")
    parser.add_argument("--images", type=int, default=300_000, help="budget of every model")
    parser.add_argument("--n", type=int, default=10_000, help="samples a model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tuple(VARIANTS), help="these variants")
    parser.add_argument("--runs", type=Path, default=Path("runs/table"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--add", action="store_true", help="put the rows of --only into the record that is there")
    args = parser.parse_args()
    if args.add and not args.only:
        parser.error("--add is for the rows of --only")
    protocol = Protocol(n=args.n)
    bench = Bench(args.data, protocol, best_device())
    args.runs.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in args.only or VARIANTS}
    for seed in range(args.seeds):
        for name in rows:
            part = place(args, name, seed).with_suffix(".json")
            if not part.exists():
                part.write_text(json.dumps(one(name, seed, bench, args)), encoding="utf-8")
            rows[name].append(json.loads(part.read_text(encoding="utf-8")))
            print(f"{name:34} seed {seed}: {rows[name][-1].get('frechet_distance', 'diverged')}", flush=True)
    record = {
        "command": f"python scripts/records/table.py --data {args.data} --images {args.images} --n {args.n} --seeds {args.seeds}"
        + (f" --only {' '.join(map(repr, args.only))} --add" if args.add else ""),
        "protocol": {**asdict(protocol), "data": args.data, "images": args.images, "features": FEATURES[args.data]},
        "configurations": {name: VARIANTS[name].to_json() for name in rows},
        "real_images": rounded(bench.real_images()),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": hardware(),
        "runs": rows,
        "samples": {name: row_of_samples(place(args, name, 0)) for name in rows},
        "worst": {name: row_of_samples(place(args, name, seed)) for name, seed in apart(rows).items()},
        "worst_logits": {name: logits(place(args, name, seed), args.data) for name, seed in apart(rows).items() if "GAN" in name},
    }
    if args.add:
        record = added(json.loads(args.out.read_text(encoding="utf-8")), record)
    args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
