"""Measure whether the order of the shipped MNIST models changes with the network that looks; writes a record.

Real test images are the reference, other test images a row of their own, so that each judge shows what nothing wrong costs: the
test set is shuffled first, since its two halves are unlike. Each image has a seed of its own, so draws begin N seeds apart.
A network with random weights has learned nothing; which weights is chance, so there are five such networks. Two have seen no
labels: the encoder of a VAE, and a network that learned to tell which way up an image is (Gidaris et al. 2018, arXiv:1803.07728).
"""

import argparse
import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib import load, pretrained, sample
from imggen_lib.data import ImageSet
from imggen_lib.machine import first_weights
from imggen_lib.metrics.distribution import features, frechet_distance, statistics
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.metrics.judges import authenticity, gaussian_kernel_test
from imggen_lib.metrics.twosample import kernel_distance
from imggen_lib.models.features import FeatureNet
from imggen_lib.noise import generator_for
from imggen_lib.train.features import train_features

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "judges.json"
GANS, VAES = ("article", "classes", "conv", "long"), ("classes", "conv", "map", "mlp", "res", "small")
MODELS = (*(f"gan-{name}" for name in GANS), *(f"vae-{name}" for name in VAES))
N, TRAINING, DRAWS, TESTED, WEIGHTS, TURNED = 1000, 3000, 3, 500, 5, 40_000
Judge = FeatureNet | Callable[[Tensor], Tensor]
Sets = dict[str, list[Tensor]]


def random_judge(seed: int) -> FeatureNet:
    """The classifier's network with weights that have learned nothing."""
    with first_weights(seed):
        return FeatureNet().eval()


def turned(data: ImageSet, images: int, batch: int = 128) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of images turned by 0, 90, 180 or 270 degrees, and by how many quarters: labels that nobody had to give."""
    for k, (x, _) in enumerate(data.batches(batch, images=images)):
        quarters = torch.randint(4, (len(x),), generator=generator_for(1, 44, k))
        yield torch.stack([torch.rot90(image, int(q), (1, 2)) for image, q in zip(x, quarters, strict=True)]), quarters


def rotation_judge(data: ImageSet, images: int = TURNED) -> FeatureNet:
    """The classifier's network, taught to tell which way up an image is."""
    with first_weights(1):
        net = FeatureNet(data.image_shape, classes=4)
        net.head = nn.Sequential(nn.Linear(128, 4))  # dropout would draw from the process's random numbers
    for _ in train_features(net, turned(data, images), lr_schedule=lambda seen: max(0.0, 1 - seen / images)):
        pass
    return net.eval()


def judges(data: ImageSet) -> dict[str, Judge]:
    """The networks that look, by name: trained on labels, on turned images, as a VAE, and not at all."""
    vae = pretrained("mnist-vae-conv").model()
    return {
        "classifier": pretrained("mnist-features").model(),
        "rotation": rotation_judge(data),
        "vae": lambda x: vae.encode(x)[0],
        "random": random_judge(1),
    }


def image_sets(
    data: ImageSet, unseen: ImageSet, models: Mapping[str, nn.Module], *, n: int = N, training: int = TRAINING, draws: int = DRAWS
) -> tuple[Tensor, Tensor, Sets]:
    """Reference images of the test set, training images, and `draws` sets of `n` images of each kind; no two share an image.

    Both files are shuffled: neighbours in them come from the same few writers.
    """
    order = [torch.randperm(len(x), generator=torch.Generator().manual_seed(1)) for x in (data, unseen)]
    known = data.subset(order[0][:training]).floats()
    reference, *fresh = unseen.subset(order[1][: (draws + 1) * n]).floats().split(n)
    sets: Sets = {"real": fresh, "copies": [known[k * n : (k + 1) * n] for k in range(draws)]}
    for name, model in models.items():
        labels = torch.arange(n) % 10 if name.endswith("classes") else None
        sets[name] = [sample(model, n, seed=k * n, labels=labels) for k in range(draws)]
    return reference, known, sets


def tau(a: list[float], b: list[float]) -> float:
    """Kendall's tau of two lists without ties: agreeing less disagreeing pairs, over all pairs."""
    pairs = list(combinations(range(len(a)), 2))
    return mean(math.copysign(1, (a[i] - a[j]) * (b[i] - b[j])) for i, j in pairs)


def tau_interval(a: list[float], b: list[float]) -> tuple[float, float]:
    """Wilson's interval for the share of agreeing pairs, with half as many independent pairs as there are models.

    Pairs that share a model are not independent; disjoint ones are, and there are only so many of them: a wide, cautious answer.
    """
    independent = len(a) // 2
    low, high = wilson_interval((tau(a, b) + 1) / 2 * independent, independent)
    return 2 * low - 1, 2 * high - 1


def _numbers(seen: Tensor, test: Tensor, training: Tensor) -> dict[str, float]:
    found = authenticity(training, seen)
    return {
        "frechet_distance": frechet_distance(statistics(test), statistics(seen)),
        "kernel_distance": kernel_distance(test, seen).value,
        "gaussian_distance": (test_of := gaussian_kernel_test(test[:TESTED], seen[:TESTED], permutations=199)).distance,
        "p_value": test_of.p_value,
        "authenticity": found.value,
        "authenticity_low": found.low,
        "authenticity_high": found.high,
    }


def _agreement(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> dict[str, Any]:
    a, b = ([mean(run[key] for run in found[name]) for name in MODELS] for found in (one, other))
    draws = [tau(*([found[name][k][key] for name in MODELS] for found in (one, other))) for k in range(DRAWS)]
    return {"tau": tau(a, b), "interval": tau_interval(a, b), "draws": draws}


@torch.no_grad()
def measure() -> dict[str, Any]:
    """Every set of images under every judge, and how far two judges agree on the order of the models, a number a draw."""
    data = load("mnist", "train")
    test, training, sets = image_sets(data, load("mnist", "test"), {m: pretrained(f"mnist-{m}").model() for m in MODELS})
    with torch.enable_grad():
        looking = judges(data)
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for judge, net in looking.items():
        test_seen, training_seen = features(net, test), features(net, training)
        found[judge] = {
            name: [_numbers(features(net, x), test_seen, training_seen) for x in several] for name, several in sets.items()
        }
        print(judge, flush=True)
    agreement = {}
    for first, second in combinations(found, 2):
        for key in ("frechet_distance", "kernel_distance"):
            agreement[f"{first}, {second}: {key}"] = _agreement(found[first], found[second], key)
    weights = {"1": found["random"]}
    for seed in range(2, WEIGHTS + 1):
        net = random_judge(seed)
        real = statistics(features(net, test))
        weights[str(seed)] = {
            name: [{"frechet_distance": frechet_distance(real, statistics(features(net, x)))} for x in several]
            for name, several in sets.items()
        }
        print("random", seed, flush=True)
    key = "frechet_distance"
    chance = {j: [_agreement(found[j], w, key)["tau"] for w in weights.values()] for j in found if j != "random"}
    chance["random"] = [_agreement(a, b, key)["tau"] for a, b in combinations(weights.values(), 2)]
    distances = {s: {name: [run[key] for run in runs] for name, runs in w.items()} for s, w in weights.items()}
    return {"sets": found, "agreement": agreement, "random_weights": {"distances": distances, "tau": chance}}


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    about = {
        "command": "python scripts/records/judges.py",
        "protocol": {"images": N, "training_images": TRAINING, "draws": DRAWS, "images_tested": TESTED,
                     "random_networks": WEIGHTS, "turned_images": TURNED},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
    }  # fmt: skip
    arguments.out.write_text(json.dumps({**about, **measure()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
