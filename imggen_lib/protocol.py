"""The book's protocol: how every model is measured, so that any two numbers can be laid side by side.

`n` samples with the seeds ``seed, seed + 1, ...`` against `n` test images; features of a small classifier of the same data
(see :data:`FEATURES`); real training images, measured in the same way, say what the best number is at this `n`. A
VAE's likelihood is the importance-weighted estimate on `likelihood_images` of the test images. Where fewer than all test images are
used, they are drawn at random: the files of MNIST are not shuffled.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import Checkpoint, pretrained, shipped
from imggen_lib.data import load
from imggen_lib.errors import unknown_name
from imggen_lib.metrics.distribution import entropy_score, features, frechet_distance, frechet_interval, statistics
from imggen_lib.metrics.likelihood import importance_log_likelihood
from imggen_lib.metrics.manifold import density_coverage, precision_recall
from imggen_lib.metrics.novelty import data_copying, nearest_training, vendi_score
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
    """The real side of the comparison, computed once for many models."""

    def __init__(self, data: str, protocol: Protocol = Protocol(), device: str = "cpu") -> None:
        self.data, self.protocol, self.device = data, protocol, device
        self.net = feature_network(data).to(device).eval()
        train, test = load(data, "train"), load(data, "test")
        self.n = min(protocol.n, len(test))
        order = torch.randperm(len(test), generator=generator_for(protocol.seed, _STREAM, 1))  # the files are not shuffled
        self.test = test.subset(order[: self.n])
        self.train_features = features(self.net, train.floats())
        self.test_features = features(self.net, self.test.floats())
        self.held_out = nearest_training(self.train_features, self.test_features[: protocol.novelty_images]).distances
        chosen = torch.randperm(len(train), generator=generator_for(protocol.seed, _STREAM))[: self.n]
        self.real = train.subset(chosen)

    def distances(self, images: Tensor) -> dict[str, Any]:
        """Every number that needs samples only."""
        made = features(self.net, images)
        p = _probabilities(self.net, images)
        interval = frechet_interval(self.test_features, made)
        kernel = kernel_distance(self.test_features, made)
        pr = precision_recall(self.test_features, made, self.protocol.neighbours)
        dc = density_coverage(self.test_features, made, self.protocol.neighbours)
        near = nearest_training(self.train_features, made[: self.protocol.novelty_images]).distances
        copying = data_copying(self.held_out, near)
        shares = torch.bincount(p.argmax(1), minlength=p.shape[1]).double() / len(p)
        return {
            "frechet_distance": frechet_distance(statistics(self.test_features), statistics(made)),
            "frechet_interval": [interval.low, interval.high],
            "kernel_distance": kernel.value,
            "kernel_standard_error": kernel.standard_error,
            "precision": pr.precision,
            "recall": pr.recall,
            "density": dc.density,
            "coverage": dc.coverage,
            "entropy_score": entropy_score(p),
            "smallest_class_share": shares.min().item(),
            "largest_class_share": shares.max().item(),
            "mean_class_probability": p.max(1).values.mean().item(),
            "copying_z": copying.z,
            "near_duplicates": copying.near_duplicates,
            "novelty_ratio": copying.median_ratio,
            "vendi_score": vendi_score(made[: self.protocol.novelty_images]),
        }

    def model(self, model: nn.Module) -> dict[str, Any]:
        """Measure a generator or a VAE: :meth:`distances` of its samples, and a VAE's likelihood in nats."""
        shape: tuple[int, ...] = model.image_shape  # type: ignore[assignment]
        if tuple(shape) != self.test.image_shape:
            raise ValueError(f"the model makes images of shape {tuple(shape)}, {self.data} has {self.test.image_shape}")
        model = model.to(self.device).eval()
        found = self.distances(sample(model, self.n, seed=self.protocol.seed).cpu())
        if isinstance(model, VAE):
            k, count = self.protocol.likelihood_draws, min(self.protocol.likelihood_images, self.n)
            labels = self.test.labels[:count] if model.classes else None
            value, error = importance_log_likelihood(model, self.test.floats(count), labels, k=k)
            found |= {"log_likelihood": value, "log_likelihood_error": error, "likelihood": model.likelihood}
        return found

    def real_images(self) -> dict[str, Any]:
        """Training images in the place of samples: what a perfect generator would get, memorisation aside."""
        return self.distances(self.real.floats())


def rounded(numbers: dict[str, Any], digits: int = 4) -> dict[str, Any]:
    """Floats to `digits` significant figures, for JSON that people read."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.{digits}g}")
        return [short(v) for v in value] if isinstance(value, list) else value

    return {k: short(v) for k, v in numbers.items()}


def evaluate(saved: Checkpoint, data: str, protocol: Protocol = Protocol(), device: str = "cpu") -> dict[str, Any]:
    """A checkpoint's measurement under the protocol as plain JSON, with that of real images beside it."""
    if saved.config.kind not in ("gan", "vae"):
        raise ValueError(f"a {saved.config.kind} network makes no images; there is nothing to evaluate")
    trained_on = saved.meta.get("data", {}).get("name")
    bench = Bench(data, protocol, device)
    return {
        "model": saved.config.to_json(),
        "images": saved.meta.get("images"),
        "trained_on": trained_on,
        "data": data,
        "features": FEATURES[data],
        "protocol": asdict(protocol) | {"n": bench.n},
        "quality": rounded(bench.model(saved.model())),
        "real_images": rounded(bench.real_images()),
    }
