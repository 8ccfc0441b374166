"""Train, measure and release the models that ship with the package.

``python scripts/records/checkpoints.py`` makes all of them, ``checkpoints.py NAME ...`` some; ``--list`` names them.
Training runs live in ``runs/NAME`` and are resumed if they were interrupted; a released model is replaced only by one that was
measured. Needs MNIST. Everything random follows from the seeds below; still, other processors round differently and end elsewhere.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from latent import trained
from latent_runs import SHIPS
from tuning import Tuning, begun_from, mean
from tuning import records as tuning_records

import imggen_lib
from imggen_lib import checkpoint
from imggen_lib.configs import FeatureConfig, FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.metrics.distribution import class_shares
from imggen_lib.metrics.likelihood import importance_log_likelihood
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.vae import VAE
from imggen_lib.noise import mix
from imggen_lib.protocol import FEATURES, Bench, Protocol, rounded
from imggen_lib.runs import best_device, resume, start
from imggen_lib.sampling import sample
from imggen_lib.train.features import accuracy, train_features
from imggen_lib.train.state import GanState, cosine
from imggen_lib.train.vae import evaluate_elbo
from imggen_lib.viz import progress

Card = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is shipped under a name: a configuration, for how many images it is trained, on which data; k of its log-likelihood."""

    config: GanConfig | VaeConfig | FlowConfig
    images: int
    data: str = "mnist"
    draws: int = 0  # 0: the protocol's 100, on 1,000 test images; else so many, on the whole test set (an hour on a CPU)
    bfloat16: bool = False  # products in bfloat16: faster on CPUs that have it, far slower elsewhere; weights stay float32
    tuning: Tuning | None = None  # a second stage, in float32


def _vae(images: int, measured: int = 0, **changes: Any) -> Plan:
    return Plan(VaeConfig(schedule_images=images, **changes), images, draws=measured)


#: The book's recipe, for longer: both penalties, an average over more images, and learning rates that fall at the end.
LONG = GanConfig(classes=10, r2=0.5, ema_half_life=150_000)


def _long(images: int, data: str, fall: int, tuning: Tuning | None = None, **changes: Any) -> Plan:
    config = replace(LONG, decay_start=images - fall, decay_end=images, **changes)
    return Plan(config, images, data, bfloat16=True, tuning=tuning)


def _flow(images: int, data: str, steps: int = 2, **changes: Any) -> Plan:
    return Plan(FlowConfig(classes=10, schedule_images=images, steps=steps, **changes), images, data, bfloat16=True)


PLANS = {
    "mnist-vae-map": _vae(1_200_000, latent_dim=2),
    "mnist-vae-mlp": _vae(1_800_000, net="mlp", latent_dim=50),
    "mnist-vae-conv": _vae(2_400_000),
    "mnist-vae-small": _vae(2_400_000, width=16),
    "mnist-vae-res": _vae(3_000_000, 1000, net="res", latent_dim=32, lr=2e-3, draws=5, draws_start=2_400_000),
    "mnist-vae-classes": _vae(900_000, classes=10),
    "mnist-gan-article": Plan(GanConfig.article(), 1_800_000),
    "mnist-gan-classes": Plan(GanConfig(classes=10, lr=1e-3), 1_200_000),
    "mnist-gan-conv": _long(2_400_000, "mnist", fall=1_000_000, classes=0),
    "mnist-gan-long": _long(3_500_000, "mnist", fall=1_200_000),
    "fashion-gan-classes": _long(4_000_000, "fashion-mnist", 3_400_000, Tuning(images=1_216_000), lr=1e-3, net="res"),
    "mnist-flow": _flow(1_000_000, "mnist"),
    "fashion-flow": _flow(3_000_000, "fashion-mnist", steps=4, guidance=1.25),
}


def hardware(device: str | None = None) -> str:
    """What computes on `device` (by default the best there is), in words."""
    if (device or best_device()).startswith("cuda"):
        return torch.cuda.get_device_name(device)
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {torch.get_num_threads()} thread(s)"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


@cache
def bench(data: str) -> Bench:
    """The book's protocol on a data set; the real side is computed once."""
    return Bench(data, Protocol(), best_device())


@cache
def real_images(data: str) -> Card:
    """What real training images get in the place of samples."""
    return rounded(bench(data).real_images())


def share_error(model: Any, data: str) -> float:
    """The largest distance of a class's share among the samples from its share of the test images."""
    shares, _ = class_shares(bench(data).classifier, sample(model, bench(data).n, seed=0))
    labels = load(data, "test").labels
    return (shares - torch.bincount(labels, minlength=len(shares)) / len(labels)).abs().max().item()


def measure(model: Any, data: str, draws: int = 0) -> Card:
    """What the protocol says of a model and of real training images in its place; for a VAE its likelihood, too."""
    found, real = rounded(bench(data).model(model)), real_images(data)
    names = ("frechet_distance", "precision", "recall", "coverage", "smallest_class_share", "largest_class_share")
    card: Card = {name: found[name] for name in (*names, "mean_class_probability")}
    card["largest_share_error"] = round(share_error(model, data), 4)
    card |= {f"{name}_of_real_training_images": real[name] for name in names[:4]}
    card["protocol"] = f"10,000 samples, seeds 0..9999, against the 10,000 test images, features of {FEATURES[data]}"
    if not isinstance(model, VAE):
        return card
    test = load(data, "test")
    elbo, error = evaluate_elbo(model, test.floats(), test.labels)
    card |= {"test_elbo_nats": round(elbo, 2), "test_elbo_standard_error": round(error, 2)}
    likelihood = (found["log_likelihood"], found["log_likelihood_error"])
    if draws:
        likelihood = importance_log_likelihood(model, test.floats(), test.labels, k=draws)
    card |= {"log_likelihood_nats": round(likelihood[0], 2), "log_likelihood_standard_error": round(likelihood[1], 2)}
    many = f"k = {draws} on all test images" if draws else "k = 100 on 1,000 test images"
    card["protocol"] += (
        f"; ELBO: all test images, binarised once, one sample of z each; log-likelihood: importance-weighted, {many}"
    )
    return card


SOURCES = {"mnist": "MNIST (LeCun, Cortes, Burges)", "fashion-mnist": "Fashion-MNIST (Xiao, Rasul, Vollgraf; MIT)"}


def card(run_seconds: float, quality: Card, command: str, data: str = "mnist", device: str | None = None, **rest: Any) -> Card:
    """What a reader must know about a shipped model."""
    return {
        "command": command,
        "source": f"the repository of the book, at the tag v{imggen_lib.__version__}; the installed package has the library alone",
        **rest,
        "training_seconds": round(run_seconds),
        "hardware": hardware(device),
        "load": "other work ran on the machine meanwhile: the seconds are an upper limit" if os.environ.get("SHARED") else "alone",
        "quality": quality,
        "licence": f"MIT, trained by this book; data: {SOURCES[data]}",
    }


def train(name: str, plan: Plan, runs: Path) -> float:
    """Train (or go on training) `name` in its folder to the end of its plan; the seconds that this took in all."""
    data = load(plan.data, "train")
    folder, device = runs / name, best_device()
    config, seconds = replace(plan.config, image_shape=data.image_shape), 0.0
    if (folder / "checkpoint.json").exists():
        saved = checkpoint.load(folder)
        seconds = saved.meta["seconds"]
        if saved.config != config:
            raise SystemExit(f"{folder} was trained after another plan: move it away, or name another folder with --runs")
        if saved.meta["images"] >= plan.images:
            return seconds
        run = resume(folder, data, device)
    else:
        run = start(config, data, device)
    if plan.bfloat16:
        run = run.in_bfloat16()
    began, due = time.perf_counter(), run.state.images
    for record in progress(run.records(plan.images), plan.images, start=run.state.images):
        if record["images"] >= due + 100_000:
            due = record["images"]
            run.save(folder, seconds=seconds + time.perf_counter() - began)
    seconds += time.perf_counter() - began
    run.save(folder, seconds=seconds)
    return seconds


def tuned(saved: checkpoint.Checkpoint, plan: Plan, model: str | Path) -> tuple[checkpoint.Checkpoint, Card]:
    """`saved` with the weights of the second stage, which begins from `model`, and what the card says of it."""
    assert plan.tuning is not None and isinstance(saved.config, GanConfig)
    data, began = load(plan.data, "train"), time.perf_counter()
    run = begun_from(model, saved.config, data, plan.tuning, best_device())
    for _ in progress(tuning_records(run, plan.tuning), plan.tuning.images):
        pass
    assert isinstance(run.state, GanState)
    after = {f"ema.{k}": v.cpu() for k, v in run.state.ema.state_dict().items()}
    tensors = {**saved.tensors, **mean(saved.tensors, after, plan.tuning.share)}
    stage = {**asdict(plan.tuning), "training_seconds": round(time.perf_counter() - began), "hardware": hardware()}
    seen = {"images": saved.meta["images"] + run.state.images, "steps": saved.meta["steps"] + run.state.steps}
    return replace(saved, meta={**saved.meta, **seen}, tensors=tensors), {"second_stage": stage}


def make(name: str, plan: Plan, runs: Path) -> None:
    """Train (or go on training) `name` to the end of its plan, measure it, release it."""
    seconds, folder = train(name, plan, runs), runs / name
    saved, more = checkpoint.load(folder), {"products": "bfloat16"} if plan.bfloat16 else {}
    if plan.tuning:
        saved, stage = tuned(saved, plan, folder)
        more |= stage
    quality = quality_as_shipped(name, saved, plan.data, plan.draws)
    about = card(seconds, quality, f"python scripts/records/checkpoints.py {name}", plan.data, seed=plan.config.seed, **more)
    release = checkpoint.release(saved, name, about)
    print(name, quality, release, flush=True)


def quality_as_shipped(name: str, saved: checkpoint.Checkpoint, data: str, draws: int = 0) -> Card:
    """:func:`measure` of what ships: the weights in half precision."""
    with TemporaryDirectory() as scratch:
        model = checkpoint._load(checkpoint.release(saved, name, {}, Path(scratch))).model()
    return measure(model, data, draws)


def make_latent(name: str, runs: Path) -> None:
    """As :func:`make`, for a flow of codes or its student; what ``latent.py`` has trained is not trained again."""
    saved, told = trained(name, runs / "latent")
    quality = quality_as_shipped(name, saved, "mnist")
    about = card(0, quality, f"python scripts/records/checkpoints.py {name}") | told
    print(name, quality, checkpoint.release(saved, name, about), flush=True)


#: The feature networks: name -> data set. Twenty passes, each batch shifted by up to two pixels.
FEATURE_NETS = {"mnist-features": "mnist", "fashion-features": "fashion-mnist"}
PASSES = 20


def make_features(name: str, runs: Path) -> None:
    """Train, measure and release a feature network."""
    data, test = load(FEATURE_NETS[name], "train"), load(FEATURE_NETS[name], "test")
    config, images = FeatureConfig(width=16), PASSES * len(data)
    torch.manual_seed(mix(config.seed, 0) % 2**32)
    net = config.build()
    began = time.perf_counter()
    batches = data.batches(128, images=images, seed=config.seed)
    for _ in progress(train_features(net, batches, lr_schedule=cosine(images, warmup=5_000)), images):
        pass
    release_features(name, net, data, test, time.perf_counter() - began, runs)


def release_features(name: str, net: FeatureNet, data: ImageSet, test: ImageSet, seconds: float, runs: Path) -> None:
    config, images = FeatureConfig(width=16), PASSES * len(data)
    quality = {"test_accuracy": accuracy(net, test.floats(), test.labels), "protocol": "10,000 test images"}
    tensors = {f"model.{k}": v for k, v in net.state_dict().items()}
    meta = {"images": images, "steps": images // 128, "versions": checkpoint.versions()}
    meta["data"] = {"name": data.name, "images": len(data), "sha256": data.checksum, "classes": list(data.classes)}
    saved = checkpoint.Checkpoint(runs, config, {**meta, "config": config.to_json()}, tensors)
    checkpoint.release(
        saved, name, card(seconds, quality, f"python scripts/records/checkpoints.py {name}", data.name, "cpu", seed=config.seed)
    )
    print(name, quality, flush=True)


def remeasure(name: str) -> None:
    """Measure a released model again and renew its card; the weights stay as they are."""
    data, draws = (PLANS[name].data, PLANS[name].draws) if name in PLANS else ("mnist", 0)
    quality = measure(checkpoint.pretrained(name).model(), data, draws)
    path = checkpoint.SHIPPED / f"{name}.json"
    meta = json.loads(path.read_text(encoding="ascii"))
    meta["card"]["quality"] = quality
    path.write_text(json.dumps(meta, indent=2) + "\n", encoding="ascii")
    print(name, quality, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models to make (default: all)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for the training runs")
    parser.add_argument("--remeasure", action="store_true", help="do not train: measure the released models again")
    parser.add_argument("--list", action="store_true", help="name the models and stop")
    args = parser.parse_args()
    makers: dict[str, Callable[[], None]] = {name: (lambda n=name: make_features(n, args.runs)) for name in FEATURE_NETS}
    makers |= {name: (lambda n=name, p=plan: make(n, p, args.runs)) for name, plan in PLANS.items()}
    makers |= {name: (lambda n=name: make_latent(n, args.runs)) for name in SHIPS}
    if unknown := set(args.names) - set(makers):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(makers)}")
    if args.list:
        print("\n".join(makers))
        return
    for name in args.names or makers:
        if not args.remeasure:
            makers[name]()
        elif name not in FEATURE_NETS:
            remeasure(name)


if __name__ == "__main__":
    main()
