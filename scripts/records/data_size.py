"""How many images does a GAN need? The class-conditional one of the table on 300 to 60,000 images of MNIST, three seeds; a record.

Every training sees as many images in all, so a small set is seen more often. For up to 3,000 images there is a second arm with
differentiable augmentation. Beside each size stands the trivial generator: it has learned its images by heart and shows them again.
Copying is measured against the images that were trained on. An interrupted run goes on where it was.
"""

import argparse
import json
import platform
import time
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.configs import LOSSES, GanConfig
from imggen_lib.data import ImageSet, load
from imggen_lib.machine import first_weights, prepare
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.intervals import t_quantile
from imggen_lib.metrics.novelty import data_copying, nearest_training
from imggen_lib.noise import generator_for
from imggen_lib.protocol import Bench, Protocol
from imggen_lib.sampling import sample
from imggen_lib.train.augment import diff_augment
from imggen_lib.train.gan import train_gan

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "data_size.json"
SIZES, SEEDS, IMAGES = (300, 1_000, 3_000, 10_000, 60_000), (0, 1, 2), 100_000
AUGMENTED, STRENGTH = 3_000, 0.4
KEPT = ("frechet_distance", "precision", "recall", "coverage", "smallest_class_share", "mean_class_probability")


def subset(train: ImageSet, n: int, seed: int) -> ImageSet:
    """`n` of the images, drawn at random."""
    return train.subset(torch.randperm(len(train), generator=generator_for(seed, 61))[:n])


def trained(data: ImageSet, seed: int, augmented: bool) -> nn.Module:
    """The averaged generator after :data:`IMAGES` images."""
    config = GanConfig(classes=10, lr=1e-3, seed=seed)
    with first_weights(seed):
        state = config.state()
    augment = partial(diff_augment, p=STRENGTH) if augmented else None
    for _ in train_gan(
        state, data.batches(config.batch, images=IMAGES, seed=seed), LOSSES[config.loss], augment=augment, **config.options
    ):
        pass
    return state.ema.eval()


def seen(bench: Bench, data: ImageSet, images: Tensor) -> dict[str, float]:
    """The protocol's numbers, and copying of the images in `data` beside what held-out images say."""
    found = {name: value for name, value in bench.distances(images).items() if name in KEPT}
    known, few = features(bench.net, data.floats()), bench.protocol.novelty_images
    held_out, made = features(bench.net, bench.test.floats(few)), features(bench.net, images[:few])
    copying = data_copying(nearest_training(known, held_out).distances, nearest_training(known, made).distances)
    found |= {"copying_z": copying.z, "near_duplicates": copying.near_duplicates}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def replayed(data: ImageSet, n: int, seed: int) -> Tensor:
    """The trivial generator: its own images, drawn with replacement."""
    return data.subset(torch.randint(len(data), (n,), generator=generator_for(seed, 62))).floats()


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """The mean distance over the seeds of each size and arm, with a t interval."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for n in SIZES:
        for arm in ("by heart", "plain", "augmented"):
            values = [r["frechet_distance"] for r in runs if (r["n"], r["arm"]) == (n, arm)]
            if len(values) > 1:
                half = t_quantile(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
                row = {"mean": mean(values), "low": mean(values) - half, "high": mean(values) + half, "seeds": float(len(values))}
                found.setdefault(str(n), {})[arm] = {k: float(f"{v:.4g}") for k, v in row.items()}
    return found


def main() -> None:
    """Measure what the record does not have yet; it is written after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    torch.set_num_threads(1)
    prepare("cpu")
    protocol = {
        "data": "mnist", "images_seen": IMAGES, "samples": Protocol().n, "seeds": list(SEEDS), "sizes": list(SIZES),
        "network": "GAN, relativistic + R1, classes (of the table)",
        "augmentation": f"diff, p = {STRENGTH}, up to {AUGMENTED} images",
        "interval": "t, over the seeds", "features": "mnist-features, which saw all 60,000 training images with their labels",
    }  # fmt: skip
    runs: list[dict[str, Any]] = []
    if out.exists() and (before := json.loads(out.read_text(encoding="utf-8")))["protocol"] == protocol:
        runs = before["runs"]
    bench, train = Bench("mnist", Protocol()), load("mnist", "train")
    for seed in SEEDS:
        for n in SIZES:
            for arm in ("by heart", "plain", *(["augmented"] if n <= AUGMENTED else [])):
                if any((r["seed"], r["n"], r["arm"]) == (seed, n, arm) for r in runs):
                    continue
                data, began = subset(train, n, seed), time.process_time()
                if arm == "by heart":
                    images = replayed(data, Protocol().n, seed)
                else:
                    images = sample(trained(data, seed, arm == "augmented"), Protocol().n, seed=0)
                row = {"seed": seed, "n": n, "arm": arm, **seen(bench, data, images)}
                runs.append(row | {"cpu_seconds": round(time.process_time() - began, 1)})
                print(runs[-1], flush=True)
                record = {
                    "command": "python scripts/records/data_size.py",
                    "protocol": protocol,
                    "versions": {"torch": torch.__version__, "python": platform.python_version()},
                    "machine": "CPU, one thread; processor seconds, other work ran meanwhile",
                    "runs": runs,
                    "summary": summary(runs),
                }
                out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
