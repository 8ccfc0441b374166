"""The book's protocol: how every model is measured, so that any two numbers can be laid side by side.

`n` samples with the seeds ``seed, seed + 1, ...`` against `n` test images; features of a small classifier of the same data
(see :data:`FEATURES`); real training images, measured in the same way, say what the best number is at this `n`. A
VAE's likelihood is the importance-weighted estimate on `likelihood_images` of the test images. Where fewer than all test images are
used, they are drawn at random: the files of MNIST are not shuffled.

The same distances can be taken through another network (`features` of :func:`evaluate`, see
:mod:`imggen_lib.metrics.extractors`); then nothing is reported that needs the classifier's answers or all training images.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import Checkpoint, pretrained, shipped
from imggen_lib.data import load
from imggen_lib.errors import unknown_name
from imggen_lib.machine import full_precision
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
from imggen_lib.metrics.novelty import copying_interval, data_copying, nearest_training, vendi_score
from imggen_lib.metrics.twosample import kernel_distance
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.sampling import sample

#: The feature network of each data set. Numbers from different networks do not compare.
FEATURES = {"mnist": "mnist-features", "fashion-mnist": "fashion-features"}
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
    """The real side of the comparison, computed once for many models; `net` is another feature network than the protocol's."""

    @full_precision()
    def __init__(self, data: str, protocol: Protocol = Protocol(), device: str = "cpu", net: Extractor | None = None) -> None:
        self.data, self.protocol, self.device = data, protocol, device
        self.classifier = feature_network(data).to(device).eval() if net is None else None
        self.net: FeatureNet | Extractor = self.classifier or net.to(device)  # type: ignore[union-attr]
        train, test = load(data, "train"), load(data, "test")
        self.n = min(protocol.n, len(test))
        order = torch.randperm(len(test), generator=generator_for(protocol.seed, _STREAM, 1))  # the files are not shuffled
        self.test = test.subset(order[: self.n])
        d = features(self.net, self.test.floats(1)).shape[1]
        if self.n - -(-self.n // 20) <= d:  # the interval leaves out a twentieth
            raise ValueError(f"n = {self.n} images for {d} features: the covariance is singular; use {20 * d // 19 + 20} or more")
        self.test_features = features(self.net, self.test.floats())
        chosen = torch.randperm(len(train), generator=generator_for(protocol.seed, _STREAM))[: self.n]
        self.real = train.subset(chosen)
        if self.classifier is not None:
            self.train_features = features(self.net, train.floats())
            self.held_out = nearest_training(self.train_features, self.test_features[: protocol.novelty_images]).distances

    @full_precision()
    def distances(self, images: Tensor, intervals: bool = False) -> dict[str, Any]:
        """Every number that needs samples only; with `intervals`, those at 95 % under that key, as pairs."""
        made = features(self.net, images)
        found, spread = self._distances(made, intervals)
        if self.classifier is not None:
            more, more_spread = self._answers(self.classifier, images, made, intervals)
            found, spread = found | more, spread | more_spread
        found["vendi_score"] = vendi_score(made[: self.protocol.novelty_images])
        if not intervals:
            return found
        spread["vendi_score"] = group_jackknife(vendi_score, made[: self.protocol.novelty_images])
        return found | {"intervals": {name: [e.low, e.high] for name, e in spread.items()}}

    def _distances(self, made: Tensor, intervals: bool) -> tuple[dict[str, Any], dict[str, Estimate]]:
        k, test = self.protocol.neighbours, self.test_features
        interval, kernel = frechet_interval(test, made), kernel_distance(test, made)
        pr, dc = precision_recall(test, made, k), density_coverage(test, made, k)
        found: dict[str, Any] = {
            "frechet_distance": frechet_distance(statistics(test), statistics(made)),
            "frechet_interval": [interval.low, interval.high],
            "kernel_distance": kernel.value,
            "kernel_standard_error": kernel.standard_error,
            **pr._asdict(),
            **dc._asdict(),
        }
        spread = {"kernel_distance": kernel}
        if intervals:
            spread |= precision_recall_interval(test, made, k)._asdict() | density_coverage_interval(test, made, k)._asdict()
        return found, spread

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
            raise ValueError(f"the model makes images of shape {tuple(shape)}, {self.data} has {self.test.image_shape}")
        model = model.to(self.device).eval()
        found = self.distances(sample(model, self.n, seed=self.protocol.seed).cpu(), intervals)
        if isinstance(model, VAE):
            k, count = self.protocol.likelihood_draws, min(self.protocol.likelihood_images, self.n)
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
        """Training images in the place of samples: what a perfect generator would get, memorisation aside."""
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
    saved: Checkpoint, data: str, protocol: Protocol = Protocol(), device: str = "cpu", features: str | None = None
) -> dict[str, Any]:
    """A checkpoint's measurement under the protocol as plain JSON, with that of real images beside it, and intervals over images.

    `features` names another feature network (:func:`imggen_lib.metrics.extractors.extractor`). With ``inception`` the Frechet
    distance is the published FID's, against test images of the data: it compares with numbers that had the same reference.
    """
    if saved.config.kind not in ("gan", "vae"):
        raise ValueError(f"a {saved.config.kind} network makes no images; there is nothing to evaluate")
    trained_on = saved.meta.get("data", {}).get("name")
    net = None if features is None or features == FEATURES.get(data) else extractor(features)
    bench = Bench(data, protocol, device, net)
    return {
        "model": saved.config.to_json(),
        "images": saved.meta.get("images"),
        "trained_on": trained_on,
        "data": data,
        "features": FEATURES[data] if net is None else net.about,
        "protocol": asdict(protocol) | {"n": bench.n},
        "quality": rounded(bench.model(saved.model(), intervals=True)),
        "real_images": rounded(bench.real_images(intervals=True)),
    }
