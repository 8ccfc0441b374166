"""Train on synthetic, test on real: what the shipped class-conditional models' images are worth to a classifier; writes a record.

As many images of each kind, the same number of steps for all. Beside them: real training images, as many and fewer, which say how
many real images a set of generated ones is worth, and Gaussians with each class's mean and covariance, which need no generator. The
models saw all 60,000 training images, and so did the Gaussians' covariances (2,000 of each class). Every draw has other images and
another classifier.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imggen_lib import load, pretrained, sample
from imggen_lib.data import ImageSet
from imggen_lib.metrics.baselines import class_gaussians
from imggen_lib.metrics.usefulness import classification_accuracy_score
from imggen_lib.noise import generator_for

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "usefulness.json"
N, FEWER, DRAWS, SEEN = 10_000, (1000, 300), 4, 30_000
MODELS = {"mnist": ("mnist-gan-classes", "mnist-vae-classes"), "fashion-mnist": ("fashion-gan-classes",)}


def kinds(data: str, draw: int, train: ImageSet, n: int = N) -> dict[str, tuple[Tensor, Tensor]]:
    """Images and labels of each kind: real, fewer real, of each model, of a Gaussian for each class; other ones in every draw."""
    order = torch.randperm(len(train), generator=generator_for(0, 42))
    images = train.subset(order[draw * n : (draw + 1) * n])
    found = {f"real, {k:,}": (images.floats(k), images.labels[:k]) for k in (n, *(k for k in FEWER if k < n))}
    wanted = torch.arange(n) % len(train.classes)
    for name in MODELS[data]:
        found[name] = (sample(pretrained(name).model(), n, seed=draw * n, labels=wanted), wanted)
    # in random order: the first 2,000 of a class are what its covariance is taken from
    mixed = train.subset(order)
    found["a Gaussian for each class"] = (class_gaussians(mixed.floats(), mixed.labels, wanted, generator_for(draw, 43)), wanted)
    return found


def measure(data: str) -> dict[str, list[dict[str, float]]]:
    """The accuracy of a classifier for each kind of images and each draw, with Wilson's interval over test images."""
    train, test = load(data, "train"), load(data, "test")
    found: dict[str, list[dict[str, float]]] = {}
    for draw in range(DRAWS):
        for name, (images, labels) in kinds(data, draw, train).items():
            e = classification_accuracy_score(images, labels, test.floats(), test.labels, seen=SEEN, seed=draw)
            found.setdefault(name, []).append({"accuracy": e.value, "low": e.low, "high": e.high})
            print(data, draw, name, f"{e.value:.4f}", flush=True)
    return found


def main() -> None:
    """Measure, and write the record after each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--data", nargs="*", choices=list(MODELS), default=list(MODELS), help="measure these, keep the others' numbers"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    accuracy = json.loads(arguments.out.read_text(encoding="utf-8"))["accuracy"] if arguments.out.exists() else {}
    for data in arguments.data:
        accuracy[data] = measure(data)
        write(arguments.out, accuracy)


def write(out: Path, accuracy: dict[str, Any]) -> None:
    """The record with its protocol."""
    record: dict[str, Any] = {
        "command": "python scripts/records/usefulness.py",
        "protocol": {
            "images": N,
            "test_images": 10_000,
            "draws": DRAWS,
            "images_seen_in_training": SEEN,
            "classifier": "FeatureNet of width 16, batches of 100, shifts of up to 2 pixels",
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
        "accuracy": {data: accuracy[data] for data in MODELS if data in accuracy},
    }
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
