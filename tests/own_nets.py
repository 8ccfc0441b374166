"""Networks and losses that are not the library's, for the tests; as a person would write them."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib.losses.gan import GanLoss, hinge
from imggen_lib.models.vae import VAE

Shape = tuple[int, int, int]
system = __import__("os").system  # in this module, but not of it


class Generator(nn.Module):
    """Upsampling and plain convolutions, with batch normalisation, a mask that is no parameter, and a tensor that is not stored."""

    def __init__(self, image_shape: Shape, latent_dim: int, classes: int, width: int = 4, slope: float = 0.2) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = image_shape, latent_dim, classes
        channels, side, _ = image_shape
        self.dense = nn.Linear(latent_dim + classes, width * (side // 4) ** 2)
        layers = [nn.Upsample(scale_factor=4), nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.LeakyReLU(slope)]
        self.net = nn.Sequential(nn.Unflatten(1, (width, side // 4, side // 4)), *layers, nn.Conv2d(width, channels, 3, 1, 1))
        self.unused = nn.Linear(3, 3)  # it never gets a gradient
        self.register_buffer("mask", torch.ones(side, dtype=torch.bool))
        self.register_buffer("waves", torch.sin(torch.arange(side) / 3.0), persistent=False)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is not None:
            z = torch.cat([z, nn.functional.one_hot(labels, self.classes).to(z)], 1)
        return torch.tanh(self.net(self.dense(z)) + self.waves) * self.mask


class Critic(nn.Module):
    """A dense critic that flattens with ``view``."""

    def __init__(self, image_shape: Shape, classes: int, width: int = 8) -> None:
        super().__init__()
        self.image_shape, self.classes = image_shape, classes
        self.net = nn.Sequential(nn.Linear(prod(image_shape) + classes, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        flat = x.reshape(len(x), -1)
        if labels is not None:
            flat = torch.cat([flat, nn.functional.one_hot(labels, self.classes).to(x)], 1)
        return self.net(flat).view(-1)


def vae(image_shape: Shape, latent_dim: int, classes: int, likelihood: Any, width: int = 8) -> VAE:
    """A dense VAE with Tanh."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(prod(image_shape), width), nn.Tanh())
    decoder = nn.Sequential(nn.Linear(latent_dim + classes, width), nn.Tanh(), nn.Linear(width, prod(image_shape)))
    return VAE(image_shape, latent_dim, classes, likelihood, encoder, width, decoder)


class Velocity(nn.Module):
    """A dense network that gives velocities; the class as a number that is added."""

    def __init__(self, image_shape: Shape, classes: int, width: int = 8) -> None:
        super().__init__()
        self.image_shape, self.classes = image_shape, classes
        self.net = nn.Sequential(nn.Linear(prod(image_shape) + 2, width), nn.Tanh(), nn.Linear(width, prod(image_shape)))

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        known = torch.stack([t, t * 0 if labels is None else labels.to(t)], 1)
        return self.net(torch.cat([x.flatten(1), known], 1)).view_as(x)


class StandsStill(Velocity):
    """It gives a number a point."""

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        return x.flatten(1).sum(1)


soft = GanLoss("soft", lambda a, b: (b - a).tanh().mean() + 0.1 * hinge.critic(a, b), lambda a, b: -b.mean())


def scaled(scale: float = 1.0) -> GanLoss:
    """A loss with a number of its own."""
    return GanLoss(f"scaled by {scale}", lambda a, b: scale * hinge.critic(a, b), lambda a, b: -scale * b.mean())


class NoShape(Critic):
    """It forgets what every network must carry."""

    def __init__(self, image_shape: Shape, classes: int) -> None:
        super().__init__(image_shape, classes)
        del self.classes


class Column(Critic):
    """Logits (n, 1)."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(x, labels)[:, None]


class NoLabels(Critic):
    """A forward without labels."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)


class OtherWord(Critic):
    """The labels under another name."""

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return super().forward(x, y)


class Flat(Generator):
    """Images as vectors."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(z, labels).flatten(1)


class OtherLatents(Generator):
    """Another size of latents than the configuration has."""

    def __init__(self, image_shape: Shape, latent_dim: int, classes: int) -> None:
        super().__init__(image_shape, latent_dim + 1, classes)


class Breaks(Generator):
    """A layer too many."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(z @ z, labels)


class Empty(nn.Module):
    """Nothing to learn."""

    def __init__(self, image_shape: Shape, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = image_shape, latent_dim, classes

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return z.new_zeros(len(z), *self.image_shape)


class Branches(Generator):
    """A forward that looks at a value: no export can follow it."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        x = super().forward(z, labels)
        return x if float(x.mean()) > 0 else -x


class Stacks(Generator):
    """A forward that goes through its images one by one: an export writes their number down."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.stack([*super().forward(z, labels)])


class Eigenvalues(Generator):
    """An operation of PyTorch's that ONNX has not."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        x = super().forward(z, labels)
        return x + 0 * torch.linalg.eigvals(x[:, 0]).real.sum(1)[:, None, None, None]


class Draws(Generator):
    """Other random numbers at each call."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        x = super().forward(z, labels)
        return x + torch.randn_like(x)


class Holds(Generator):
    """Something in it cannot be copied."""

    def __init__(self, image_shape: Shape, latent_dim: int, classes: int) -> None:
        super().__init__(image_shape, latent_dim, classes)
        self.words = (line for line in ("a", "b"))


def no_network(image_shape: Shape, classes: int) -> str:
    """Something else."""
    return "critic"


def no_vae(image_shape: Shape, latent_dim: int, classes: int, likelihood: str) -> nn.Module:
    """A network, but no VAE."""
    return nn.Linear(1, 1)


vector = GanLoss("vector", lambda a, b: b - a, lambda a, b: -b)
