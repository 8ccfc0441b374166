"""Which garments may go into a campaign: of the asked class, of a usual size, no copy of a real one, unlike one another.

The rules' numbers come from real garments: the middle 90 % of silhouettes among training garments of the class, and the distance
below which 1 % of held-out garments of the class lie from the nearest training garment, in the features of ``fashion-features``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.applications.campaign.render import FAINT
from imggen_lib.checks import check_images, check_labels, whole
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.novelty import nearest_training
from imggen_lib.models.features import FeatureNet

CERTAIN = 0.9  # the least probability of the asked class
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
WORKED = 2 * FAINT  # ink from which a pixel belongs to the silhouette


class Rules(NamedTuple):
    """For the garments of a class: the least and the largest silhouette, and the least distance from training garments."""

    smallest: float
    largest: float
    near: float


class Candidate(NamedTuple):
    """A garment: its class, its seed, how probable the class is, its silhouette, and how far the nearest training garment is."""

    label: int
    seed: int
    probability: float
    silhouette: float
    distance: float


def silhouettes(images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    """The share of pixels that a garment covers, 0 to 1, float64."""
    check_images(images, "garments")
    return ((images.double() + 1) / 2 >= WORKED).double().mean((1, 2, 3))


@torch.no_grad()
def class_probabilities(net: FeatureNet, images: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    """How probable the classifier finds each image's class, 0 to 1, float64."""
    check_labels(labels, len(images), len(CLASSES))
    answers = torch.cat([net(part).softmax(1).double() for part in images.split(500)])
    return answers[torch.arange(len(images)), labels]


def rules_from(silhouette: Float[Tensor, " n"], held_out: Float[Tensor, " m"]) -> Rules:
    """Rules from silhouettes of training garments of a class and distances of held-out ones; at least 100 of each."""
    if min(len(silhouette), len(held_out)) < 100:
        raise ValueError(f"percentiles need at least 100 garments of each, got {len(silhouette)} and {len(held_out)}")
    low, high = silhouette.double().quantile(torch.tensor([0.05, 0.95], dtype=torch.float64)).tolist()
    return Rules(low, high, float(held_out.double().quantile(0.01)))


def candidates(
    images: Float[Tensor, "n 1 h w"], label: int, seeds: Sequence[int], net: FeatureNet, training: Float[Tensor, "m d"]
) -> list[Candidate]:
    """What is known of garments of one class; `training` are the features of training garments, `seeds` (or numbers) name them."""
    if len(seeds) != len(images):
        raise ValueError(f"there are {len(images)} garments and {len(seeds)} seeds")
    labels = torch.full((len(images),), whole(label, "a class"))
    probable = class_probabilities(net, images, labels)
    far = nearest_training(training, features(net, images)).distances
    rows = zip(seeds, probable.tolist(), silhouettes(images).tolist(), far.tolist(), strict=True)
    return [Candidate(label, seed, *numbers) for seed, *numbers in rows]


def refusals(found: Candidate, rules: Rules) -> list[str]:
    """Why a garment is not taken, in words; an empty list if it is."""
    reasons = []
    if found.probability < CERTAIN:
        reasons.append(f"not surely {CLASSES[found.label]}: probability {found.probability:.2f}")
    if not rules.smallest <= found.silhouette <= rules.largest:
        reasons.append(f"silhouette {found.silhouette:.2f}, usual is {rules.smallest:.2f} to {rules.largest:.2f}")
    if found.distance < rules.near:
        reasons.append(f"as near to a training garment as the nearest 1 %: {found.distance:.2f} < {rules.near:.2f}")
    return reasons


def varied(points: Float[Tensor, "n *d"], count: int) -> list[int]:
    """Positions of `count` points that are far from one another: the first, then always the one farthest from those taken."""
    if not 1 <= whole(count, "count") <= len(points):
        raise ValueError(f"{count} were asked for, and there are {len(points)}")
    x = points.flatten(1).double()
    taken, nearest = [0], (x - x[0]).norm(dim=1)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (x - x[taken[-1]]).norm(dim=1))
    return taken


def choose(found: Sequence[Candidate], images: Float[Tensor, "n 1 h w"], rules: Rules, count: int = 4) -> list[int]:
    """The positions of `count` garments that keep to the rules and differ in their pixels, the most probable one first.

    Raises ``ValueError`` where fewer keep to the rules: draw more seeds.
    """
    if len(found) != len(images):
        raise ValueError(f"there are {len(images)} garments, and {len(found)} are described")
    good = sorted((k for k, one in enumerate(found) if not refusals(one, rules)), key=lambda k: -found[k].probability)
    if len(good) < count:
        raise ValueError(f"{len(good)} of {len(found)} garments keep to the rules, {count} are needed: draw more seeds")
    return [good[k] for k in varied(images[good], count)]
