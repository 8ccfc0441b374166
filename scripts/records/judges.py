"""Measure whether the order of the shipped MNIST models changes with the network that looks; writes a record.

Real test images are the reference, other test images a row of their own, so that each judge shows what nothing wrong costs: the
test set is shuffled first, since its two halves are unlike. Each image has a seed of its own, so draws begin N seeds apart.
A network with random weights has learned nothing, and the encoder of a VAE has seen no labels.
"""

import argparse
import json
import math
import platform
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from imggen_lib import load, pretrained, sample
from imggen_lib.metrics.distribution import features, frechet_distance, statistics
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.metrics.judges import authenticity, gaussian_kernel_test
from imggen_lib.metrics.twosample import kernel_distance
from imggen_lib.models.features import FeatureNet

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "judges.json"
GANS, VAES = ("article", "classes", "conv", "long"), ("classes", "conv", "map", "mlp", "res", "small")
MODELS = (*(f"gan-{name}" for name in GANS), *(f"vae-{name}" for name in VAES))
N, TRAINING, DRAWS, TESTED = 1000, 3000, 3, 500


def judges() -> dict[str, Any]:
    """The networks that look, by name: trained on labels, not trained at all, trained without labels."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        untrained = FeatureNet()
    vae = pretrained("mnist-vae-conv").model()
    return {"classifier": pretrained("mnist-features").model(), "random": untrained.eval(), "vae": lambda x: vae.encode(x)[0]}


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


@torch.no_grad()
def measure() -> dict[str, Any]:
    """Every set of images under every judge, and how far two judges agree on the order of the models, a number a draw."""
    data, unseen = load("mnist", "train").floats(), load("mnist", "test").floats()
    shuffled = [x[torch.randperm(len(x), generator=torch.Generator().manual_seed(1))] for x in (data, unseen)]
    training, (test, *fresh) = shuffled[0][:TRAINING], shuffled[1][: (DRAWS + 1) * N].split(N)
    sets: dict[str, list[Tensor]] = {"real": fresh, "copies": [training[k * N : (k + 1) * N] for k in range(DRAWS)]}
    for name in MODELS:
        model = pretrained(f"mnist-{name}").model()
        labels = torch.arange(N) % 10 if name.endswith("classes") else None
        sets[name] = [sample(model, N, seed=k * N, labels=labels) for k in range(DRAWS)]
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for judge, net in judges().items():
        test_seen, training_seen = features(net, test), features(net, training)
        found[judge] = {
            name: [_numbers(features(net, x), test_seen, training_seen) for x in several] for name, several in sets.items()
        }
    agreement = {}
    for first, second in combinations(found, 2):
        for key in ("frechet_distance", "kernel_distance"):
            a, b = ([mean(run[key] for run in found[judge][name]) for name in MODELS] for judge in (first, second))
            draws = [tau(*([found[j][name][k][key] for name in MODELS] for j in (first, second))) for k in range(DRAWS)]
            agreement[f"{first}, {second}: {key}"] = {"tau": tau(a, b), "interval": tau_interval(a, b), "draws": draws}
    return {"sets": found, "agreement": agreement}


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    about = {
        "command": "python scripts/records/judges.py",
        "protocol": {"images": N, "training_images": TRAINING, "draws": DRAWS, "images_tested": TESTED},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
    }  # fmt: skip
    arguments.out.write_text(json.dumps({**about, **measure()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
