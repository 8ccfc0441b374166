"""The book's protocol: how every model is measured, so that any two numbers can be laid side by side.

`n` samples with the seeds ``seed, seed + 1, ...`` against `n` test images; features of a small classifier of the same data
(see :data:`FEATURES`); real training images, measured in the same way, say what the best number is at this `n`. A
VAE's likelihood is the importance-weighted estimate on `likelihood_images` of the test images. Where fewer than all test images are
used, they are drawn at random: the files of MNIST are not shuffled.

The same distances can be taken through another network (`features` of :func:`evaluate`, see
:mod:`imggen_lib.metrics.extractors`); then nothing is reported that needs the classifier's answers or all training images.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import Checkpoint, pretrained, shipped
from imggen_lib.configs import GENERATORS
from imggen_lib.data import load
from imggen_lib.data.imageset import sides
from imggen_lib.errors import unknown_name
from imggen_lib.machine import full_precision
from imggen_lib.metrics.baselines import kernel_baselines
from imggen_lib.metrics.distribution import entropy_score, features, frechet_distance, frechet_interval, statistics
from imggen_lib.metrics.extractors import Extractor, extractor
from imggen_lib.metrics.intervals import Estimate, group_jackknife, mean_estimate, wilson_interval
from imggen_lib.metrics.likelihood import bits_per_dimension, log_likelihoods
from imggen_lib.metrics.manifold import (
    density_coverage,
    density_coverage_interval,
    precision_recall,
    precision_recall_interval,
)
from imggen_lib.metrics.novelty import copying_interval, data_copying, mann_whitney_z, nearest_training, vendi_score
from imggen_lib.metrics.trained import trained_network
from imggen_lib.metrics.twosample import kernel_distance
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.sampling import sample

#: The feature network of each data set. Numbers from different networks do not compare.
FEATURES = {"mnist": "mnist-features", "fashion-mnist": "fashion-features"}
_LEAST = 100  # images, for distances with intervals
_MOST = 20_000  # training images of one's own that samples are looked for among
_STREAM = 7  # of random numbers for the choice of training images; see noise.generator_for


@dataclass(frozen=True)
class Protocol:
    """What fixes the numbers besides the model. The defaults are the book's."""

    n: int = 10_000  # samples, and test images
    seed: int = 0  # of the first sample
    neighbours: int = 5  # k of precision, recall, density and coverage
    novelty_images: int = 1_000  # samples whose nearest training image is looked for
    likelihood_images: int = 1_000
    likelihood_draws: int = 100  # k of the importance-weighted estimate

    def __post_init__(self) -> None:
        low = [name for name, value in asdict(self).items() if name != "seed" and value < 1]
        if low:
            raise ValueError(f"{low[0]} must be at least 1")
        if self.n < 200:
            raise ValueError(f"n = {self.n}: the feature network has 128 dimensions; use at least 200 images, better 10,000")


def feature_network(data: str) -> FeatureNet:
    """The network that the protocol looks through; ``ValueError`` for data that the book has none for."""
    if data not in FEATURES or FEATURES[data] not in shipped():
        known = [name for name, net in FEATURES.items() if net in shipped()]
        raise ValueError(f"{unknown_name('data set with a feature network', data, known)} Train one: imggen_lib.train.features")
    net = pretrained(FEATURES[data]).model()
    assert isinstance(net, FeatureNet)
    return net


@torch.no_grad()
def _probabilities(net: FeatureNet, images: Tensor, batch: int = 1000) -> Tensor:
    device = next(net.parameters()).device
    return torch.cat([net(part.to(device)).softmax(1).cpu().double() for part in images.split(batch)])


class Bench:
    """The real side of the comparison, computed once for many models.

    `net` is another feature network than the protocol's. `reference` says which images of `data` the samples are compared with:
    ``test``, ``train``, or ``all``, where a folder is too small to leave a tenth of it for the comparison; ``auto`` is ``test``, or
    ``all`` where that has fewer than 100 images. What is left are the real images that say what the best number is: none with
    ``all``, or where they are too few. Pictures of one's own are read in `image_shape`.
    """

    @full_precision()
    def __init__(
        self,
        data: str,
        protocol: Protocol = Protocol(),
        device: str = "cpu",
        net: Extractor | None = None,
        *,
        reference: str = "test",
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.data, self.protocol, self.device = data, protocol, device
        self.classifier = feature_network(data).to(device).eval() if net is None else None
        self.net: FeatureNet | Extractor = self.classifier or net.to(device)  # type: ignore[union-attr]
        own = data.startswith("folder:") and image_shape is not None
        shape: dict[str, Any] = {"channels": image_shape[0], "size": image_shape[1]} if own and image_shape else {}
        train, test = load(data, "train", **shape), load(data, "test", **shape)
        whole, rest = sides(train, test, reference, _LEAST)
        self.split = "all" if rest is None else "train" if whole is train else "test"
        self.n = min(protocol.n, len(whole))
        if self.n < _LEAST:
            raise ValueError(
                f"{data} has {self.n} images to compare with (reference {reference!r}); a measurement needs at least {_LEAST}"
                + ("" if reference == "all" else "; reference 'all' takes both splits")
            )
        order = torch.randperm(len(whole), generator=generator_for(protocol.seed, _STREAM, 1))  # the files are not shuffled
        self.reference = whole.subset(order[: self.n])
        self.test = self.reference if reference == "test" else test
        self.reference_features = features(self.net, self.reference.floats())
        self.real = None
        if rest is not None and len(rest) >= _LEAST:
            self.real = rest.subset(torch.randperm(len(rest), generator=generator_for(protocol.seed, _STREAM))[: self.n])
        self.knows_training = self.classifier is not None or (own and len(train) <= _MOST and train.checksum != test.checksum)
        if self.knows_training:
            self.train_features = features(self.net, train.floats())
            held_out = features(self.net, self.test.floats(protocol.novelty_images))
            self.held_out = nearest_training(self.train_features, held_out).distances

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers should know: fewer images than asked for, no Frechet distance."""
        d, found = self.reference_features.shape[1], []
        if self.n < self.protocol.n:
            found.append(f"n = {self.n:,}: {self.data} has no more images to compare with, {self.protocol.n:,} were asked for")
        if self._singular(self.n):
            found.append(
                f"{self.n} images for {d} features: the covariance is singular; use {20 * d // 19 + 20} or more "
                "for a Frechet distance (the kernel distance does without)"
            )
        return found

    def _singular(self, n: int) -> bool:
        """Whether `n` images are too few for the Frechet distance and its interval, which leaves out a twentieth of them."""
        return min(n, self.n) - -(-min(n, self.n) // 20) <= self.reference_features.shape[1]

    @full_precision()
    def distances(self, images: Tensor, intervals: bool = False) -> dict[str, Any]:
        """Every number that needs samples only; with `intervals`, those at 95 % under that key, as pairs."""
        made = features(self.net, images)
        found, spread = self._distances(made, intervals)
        if self.classifier is not None:
            more, more_spread = self._answers(self.classifier, images, made, intervals)
            found, spread = found | more, spread | more_spread
        elif self.knows_training:
            found |= self._nearness(made)
        found["vendi_score"] = vendi_score(made[: self.protocol.novelty_images])
        if not intervals:
            return found
        spread["vendi_score"] = group_jackknife(vendi_score, made[: self.protocol.novelty_images])
        return found | {"intervals": {name: [e.low, e.high] for name, e in spread.items()}}

    def _distances(self, made: Tensor, intervals: bool) -> tuple[dict[str, Any], dict[str, Estimate]]:
        k, test = self.protocol.neighbours, self.reference_features
        frechet, kernel = None if self._singular(len(made)) else frechet_interval(test, made), kernel_distance(test, made)
        pr, dc = precision_recall(test, made, k), density_coverage(test, made, k)
        found: dict[str, Any] = {
            "frechet_distance": None if frechet is None else frechet_distance(statistics(test), statistics(made)),
            "frechet_interval": None if frechet is None else [frechet.low, frechet.high],
            "kernel_distance": kernel.value,
            "kernel_standard_error": kernel.standard_error,
            **pr._asdict(),
            **dc._asdict(),
        }
        spread = {"kernel_distance": kernel}
        if intervals:
            spread |= precision_recall_interval(test, made, k)._asdict() | density_coverage_interval(test, made, k)._asdict()
        return found, spread

    def _nearness(self, made: Tensor) -> dict[str, Any]:
        """What needs no percentiles of the held-out images, which may be few."""
        near = nearest_training(self.train_features, made[: self.protocol.novelty_images]).distances
        ratio = (near.double().median() / self.held_out.double().median()).item()
        return {"copying_z": mann_whitney_z(self.held_out, near), "novelty_ratio": ratio, "held_out": len(self.held_out)}

    @full_precision()
    def baselines(self) -> dict[str, Any]:
        """The kernel distances that need no generator (:func:`~imggen_lib.metrics.baselines.kernel_baselines`)."""
        noise = generator_for(self.protocol.seed, _STREAM, 2)
        return kernel_baselines(self.reference.floats(), self.reference_features, self.net, self.n, noise)

    def _answers(
        self, net: FeatureNet, images: Tensor, made: Tensor, intervals: bool
    ) -> tuple[dict[str, Any], dict[str, Estimate]]:
        """What needs the classifier's probabilities or the training images."""
        p = _probabilities(net, images)
        near = nearest_training(self.train_features, made[: self.protocol.novelty_images]).distances
        copying = data_copying(self.held_out, near)
        shares = torch.bincount(p.argmax(1), minlength=p.shape[1]).double() / len(p)
        found = {
            "entropy_score": entropy_score(p),
            "smallest_class_share": shares.min().item(),
            "largest_class_share": shares.max().item(),
            "mean_class_probability": p.max(1).values.mean().item(),
            "copying_z": copying.z,
            "near_duplicates": copying.near_duplicates,
            "novelty_ratio": copying.median_ratio,
        }
        if not intervals:
            return found, {}
        spread = {"entropy_score": group_jackknife(entropy_score, p), "mean_class_probability": mean_estimate(p.max(1).values)}
        for name in ("smallest_class_share", "largest_class_share"):
            low, high = wilson_interval(found[name] * len(p), len(p))
            spread[name] = Estimate(found[name], (high - low) / 4, low, high)
        if len(self.held_out) >= 200:  # fewer have no first percentile in both halves
            more = copying_interval(self.held_out, near)
            spread |= {"near_duplicates": more.near_duplicates, "novelty_ratio": more.median_ratio}
        return found, spread

    @full_precision()
    def model(self, model: nn.Module, intervals: bool = False) -> dict[str, Any]:
        """Measure a generator or a VAE: :meth:`distances` of its samples, and a VAE's likelihood in nats."""
        shape: tuple[int, ...] = model.image_shape  # type: ignore[assignment]
        if tuple(shape) != self.test.image_shape:
            raise ValueError(
                f"the model makes images of shape {tuple(shape)}, {self.data} has {self.test.image_shape}; "
                "folder:PATH is read in the model's size, other data are not"
            )
        model = model.to(self.device).eval()
        found = self.distances(sample(model, self.n, seed=self.protocol.seed).cpu(), intervals)
        if isinstance(model, VAE):
            k, count = self.protocol.likelihood_draws, min(self.protocol.likelihood_images, self.n, len(self.test))
            labels = self.test.labels[:count] if model.classes else None
            nats = log_likelihoods(model, self.test.floats(count), labels, k=k)
            each = mean_estimate(nats)
            found |= {"log_likelihood": each.value, "log_likelihood_error": each.standard_error, "likelihood": model.likelihood}
            if intervals:
                bits = bits_per_dimension(model, nats)
                found |= {"bits_per_dimension": bits.value, "levels": bits.levels}
                found["intervals"] |= {"log_likelihood": [each.low, each.high], "bits_per_dimension": [bits.low, bits.high]}
        return found

    def real_images(self, intervals: bool = False) -> dict[str, Any]:
        """Real images in the place of samples: what a perfect generator would get, memorisation aside."""
        if self.real is None:
            raise ValueError(f"{self.data} has fewer than {_LEAST} images that are not the reference: too few to measure")
        return self.distances(self.real.floats(), intervals)


def rounded(numbers: dict[str, Any], digits: int = 4) -> dict[str, Any]:
    """Floats to `digits` significant figures, for JSON that people read."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.{digits}g}")
        if isinstance(value, dict):
            return rounded(value, digits)
        return [short(v) for v in value] if isinstance(value, list) else value

    return {k: short(v) for k, v in numbers.items()}


def evaluate(
    saved: Checkpoint,
    data: str,
    protocol: Protocol = Protocol(),
    device: str = "cpu",
    features: str | None = None,
    reference: str = "test",
) -> dict[str, Any]:
    """A checkpoint's measurement under the protocol as plain JSON, with that of real images beside it, and intervals over images.

    `features` names another feature network (:func:`~imggen_lib.metrics.trained.trained_network`,
    :func:`~imggen_lib.metrics.extractors.extractor`), `reference` the images to compare with (:class:`Bench`). With
    ``inception`` the Frechet distance is the published FID's, against test images of the data: it compares with numbers that had
    the same reference.
    """
    if saved.config.kind not in GENERATORS:
        raise ValueError(f"a {saved.config.kind} network makes no images; there is nothing to evaluate")
    trained_on = saved.meta.get("data", {}).get("name")
    shape = saved.config.image_shape
    usual = features is None or (features == FEATURES.get(data) and not Path(features).is_dir())  # a folder before a shipped name
    net = None if features is None or usual else trained_network(features, shape) or extractor(features)
    bench = Bench(data, protocol, device, net, reference=reference, image_shape=shape)
    found = {
        "model": saved.config.to_json(),
        "images": saved.meta.get("images"),
        "trained_on": trained_on,
        "data": data,
        "reference": {"split": bench.split, "images": bench.n, "real_images": 0 if bench.real is None else len(bench.real)},
        "features": FEATURES[data] if net is None else net.about,
        "protocol": asdict(protocol) | {"n": bench.n},
        "quality": rounded(bench.model(saved.model(), intervals=True)),
        "real_images": None if bench.real is None else rounded(bench.real_images(intervals=True)),
        "baselines": rounded(bench.baselines()),
    }
    return found | ({"notes": bench.notes} if bench.notes else {})
