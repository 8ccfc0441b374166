"""Compare a Creative Adversarial Network with the same GAN without its style term, at several weights; writes a record.

Same networks, data, optimiser and number of images for all weights; three seeds; two data sets, whose classes are the styles. The
judge (features, classes) is a small classifier that is trained first, here, and that no generator has seen.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imggen_lib import load, sample
from imggen_lib.data import ImageSet
from imggen_lib.losses.can import posterior_entropy
from imggen_lib.losses.gan import relativistic
from imggen_lib.metrics.distribution import features, frechet_distance, statistics
from imggen_lib.metrics.manifold import density_coverage, precision_recall
from imggen_lib.metrics.novelty import class_entropy, data_copying, nearest_training, vendi_score
from imggen_lib.models.can import StyleCritic
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.gan import ConvGenerator
from imggen_lib.train.can import train_can
from imggen_lib.train.features import accuracy, train_features
from imggen_lib.train.state import GanState, cosine
from imggen_lib.viz.sheets import recorded_png

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "creativity.json"
WEIGHTS = (0.0, 0.3, 1.0, 3.0)
PROTOCOL: dict[str, Any] = {
    "networks": "ConvGenerator(latent_dim=32, width=32), StyleCritic(width=16)",
    "loss": "relativistic, R1 with gamma 0.5 every 4th step; style cross-entropy with weight 1 in the critic",
    "optimizer": "Adam, 1e-3, betas (0, 0.99)",
    "batch": 64,
    "images": 60_000,
    "ema_half_life": 10_000,
    "seeds": [0, 1, 2],
    "measured_on": 2_000,
    "reference": "2,000 test images, drawn at random, for fidelity and diversity; for novelty the first 10,000 training images, "
    "beside 2,000 other test images",
    "judge": "FeatureNet(width=16) on 120,000 shifted images, no generator's critic",
}


class Judge(NamedTuple):
    """The classifier, its test accuracy, and the features of the training set's start and of two disjoint parts of the test set."""

    net: FeatureNet
    accuracy: float
    training: Tensor
    real: Tensor
    held_out: Tensor


def shuffled(data: ImageSet) -> ImageSet:
    """In a random order: the first half of MNIST's test set was written by other people than the second."""
    return data.subset(torch.randperm(len(data), generator=torch.Generator().manual_seed(0)))


def judge(data: ImageSet, test: ImageSet, images: int, n: int) -> Judge:
    """Train the classifier that measures."""
    torch.manual_seed(100)
    net = FeatureNet(data.image_shape, len(data.classes), width=16)
    for _ in train_features(net, data.batches(128, images=images, seed=100), lr_schedule=cosine(images, warmup=2_000), seed=100):
        pass
    parts = (features(net, x) for x in (data.floats(10_000), test.floats(2 * n)[:n], test.floats(2 * n)[n:]))
    return Judge(net, accuracy(net, test.floats(), test.labels), *parts)


@torch.no_grad()
def numbers(images: Tensor, by: Judge) -> dict[str, float]:
    """Novelty, fidelity, diversity, and how sure the judge is of single images."""
    found = features(by.net, images)
    held_out = nearest_training(by.training, by.held_out).distances
    copying = data_copying(held_out, nearest_training(by.training, found).distances)
    precise, dense = precision_recall(by.real, found), density_coverage(by.real, found)
    p = by.net(images).softmax(1).double()
    out = {"novelty_ratio": copying.median_ratio, "novelty_z": copying.z, "near_duplicates": copying.near_duplicates}
    out |= {"precision": precise.precision, "recall": precise.recall, "density": dense.density, "coverage": dense.coverage}
    out |= {"frechet": frechet_distance(statistics(by.real), statistics(found)), "vendi": vendi_score(found - by.real.mean(0))}
    out |= {"confidence": float(p.max(1).values.mean()), "entropy": float(posterior_entropy(by.net(images)).mean())}
    out |= {"class_entropy": class_entropy(p / p.sum(1, keepdim=True))}
    return {name: round(value, 4) for name, value in out.items()}


def yardsticks(data: ImageSet, test: ImageSet, by: Judge, n: int) -> dict[str, dict[str, float]]:
    """What no generator made: other real images, copies, one image again and again, two images laid over one another, noise."""
    noise = torch.rand(n, *data.image_shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    copies, other = data.floats(n), data.floats(3 * n)[2 * n :]
    sets = {"real": test.floats(3 * n)[2 * n :], "copies": copies, "one image": copies[:1].expand(n, -1, -1, -1)}
    sets |= {"overlaid": torch.maximum(copies, other), "noise": noise}
    return {name: numbers(images, by) for name, images in sets.items()}


def one(data: ImageSet, by: Judge, weight: float, seed: int, images: int, n: int) -> tuple[dict[str, Any], str]:
    """Train one generator and measure it."""
    torch.manual_seed(seed)
    critic = StyleCritic(data.image_shape, len(data.classes), width=16)
    state = GanState.create(ConvGenerator(data.image_shape, 32, width=32), critic, lr=1e-3)
    began = time.process_time()
    batches = data.batches(PROTOCOL["batch"], images=images, seed=seed)
    options: dict[str, Any] = {"r1": 0.5, "penalty_every": 4, "ema_half_life": PROTOCOL["ema_half_life"]}
    for _ in train_can(state, batches, relativistic, ambiguity=weight, seed=seed, **options):
        pass
    seconds = time.process_time() - began
    made = sample(state.ema, n)
    with torch.no_grad():
        own = posterior_entropy(critic(made).styles).mean().item()
    run = {"seed": seed, "cpu_seconds": round(seconds, 1), **numbers(made, by), "entropy_own_critic": round(own, 4)}
    return run, recorded_png(made[:32])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=PROTOCOL["images"])
    parser.add_argument("--judge-images", type=int, default=120_000)
    parser.add_argument("--measured-on", type=int, default=PROTOCOL["measured_on"])
    parser.add_argument("--seeds", type=int, nargs="+", default=PROTOCOL["seeds"])
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Any] = {
        "command": " ".join(["python scripts/records/creativity.py", *sys.argv[1:]]),
        "protocol": {**PROTOCOL, "images": args.images, "measured_on": args.measured_on, "seeds": args.seeds, "weights": WEIGHTS},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread; processor seconds of the training",
        "data": {},
    }
    for name in args.data:
        data, test = load(name, "train"), shuffled(load(name, "test"))
        by = judge(data, test, args.judge_images, args.measured_on)
        runs: dict[str, list[dict[str, Any]]] = {f"{weight:g}": [] for weight in WEIGHTS}
        samples: dict[str, str] = {}
        marks = yardsticks(data, test, by, args.measured_on)
        record["data"][name] = {"judge_accuracy": by.accuracy, "yardsticks": marks, "runs": runs, "samples": samples}
        print(name, by.accuracy, marks, flush=True)
        for seed in args.seeds:
            for weight in WEIGHTS:
                run, sheet = one(data, by, weight, seed, args.images, args.measured_on)
                runs[f"{weight:g}"].append(run)
                samples.setdefault(f"{weight:g}", sheet)
                print(f"{name} {weight:g} {run}", flush=True)
                args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
