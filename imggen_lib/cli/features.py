"""``imggen train features``: a classifier of one's own pictures, for ``evaluate --features`` to look through."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imggen_lib import checkpoint
from imggen_lib.configs import FeatureConfig
from imggen_lib.machine import first_weights, prepare
from imggen_lib.models.features import FeatureNet
from imggen_lib.train.features import train_features
from imggen_lib.train.state import cosine


@dataclass
class FeatureState:
    """A feature network in training, as a checkpoint stores it: without its optimiser, so it is not gone on with."""

    model: FeatureNet
    images: int = 0
    steps: int = 0

    def modules(self) -> dict[str, nn.Module]:
        return {"model": self.model}

    def optimizers(self) -> dict[str, torch.optim.Adam]:
        return {}


@dataclass
class FeatureRun:
    """What :class:`imggen_lib.runs.Run` is for a generator: configuration, state and data, trained and stored in the same loop."""

    config: FeatureConfig
    state: FeatureState
    data: Any  # an ImageSet, or an ImageStream

    def records(self, images: int, processes: None = None) -> Iterator[dict[str, Any]]:
        """Train until `images` have been seen; the learning rate rises at first and then falls until the end."""
        c = self.config
        batches = self.data.batches(c.batch, images=images, seed=c.seed)
        schedule = cosine(images, warmup=min(5_000, images // 10))
        for record in train_features(self.state.model, batches, lr=c.lr, lr_schedule=schedule, seed=c.seed):
            self.state.images, self.state.steps = record["images"], self.state.steps + 1
            yield record

    def save(self, folder: str | Path, **meta: Any) -> None:
        """Write the network as a checkpoint to use."""
        data = {"name": self.data.name, "images": len(self.data), "sha256": self.data.checksum, "classes": list(self.data.classes)}
        checkpoint.save(folder, self.state, self.config, data=data, **meta)


def start(config: FeatureConfig, data: Any, device: str) -> FeatureRun:
    """A fresh run. Raises ``ValueError`` for pictures of one class: a classifier learns to see what tells classes apart."""
    if len(data.classes) < 2:
        raise ValueError(
            f"a feature network learns from classes, and {data.name} has one: put the pictures into a folder a class, or look "
            "through a network that is at hand: evaluate --features mnist-features, inception, resnet18"
        )
    prepare(device)
    with first_weights(config.seed):
        model = config.build().to(device)
    return FeatureRun(config, FeatureState(model), data.to(device))
