"""How the feature network trains: an ordinary classifier."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from imggen_lib.checks import check_labels
from imggen_lib.machine import evaluating
from imggen_lib.models.features import FeatureNet
from imggen_lib.noise import generator_for
from imggen_lib.train.state import Record, Schedule, adam, check_finite, checked, constant, set_lr

_SHIFT = 4  # the stream of random numbers for the shifts; see noise.generator_for


def train_features(
    net: FeatureNet,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    lr: float = 2e-3,
    lr_schedule: Schedule = constant,
    shift: int = 2,  # pixels: each batch is moved by up to so many in each direction
    seed: int = 0,
) -> Iterator[Record]:
    """Minimise the cross-entropy over `batches` of ``(images, labels)``; yield ``images``, ``loss`` and ``accuracy`` a step."""
    optimizer = adam(net.parameters(), lr, (0.9, 0.99))
    images = 0
    for step, (x, y) in enumerate(checked(batches, net, classes=net.classes), start=1):
        net.train()
        dy, dx = torch.randint(-shift, shift + 1, (2,), generator=generator_for(seed, _SHIFT, images)).tolist()
        logits = net(x.roll((dy, dx), (2, 3)))
        loss = cross_entropy(logits, y)
        set_lr(optimizer, lr_schedule(images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        images += len(x)
        accuracy = (logits.argmax(1) == y).float().mean()
        record: Record = {"images": images, "loss": loss.detach(), "accuracy": accuracy.detach()}
        yield check_finite(record, step)


@torch.no_grad()
def accuracy(net: FeatureNet, images: Tensor, labels: Tensor, batch: int = 1000) -> float:
    """The share of images that the network classifies right."""
    if not len(images):
        raise ValueError("an accuracy needs at least one image")
    labels, right = check_labels(labels, len(images), net.classes), 0
    with evaluating(net):
        for k in range(0, len(images), batch):
            right += int((net(images[k : k + batch]).argmax(1) == labels[k : k + batch]).sum())
    return right / len(images)
