"""The other side: textbook loops written for the purpose, and packages from the index where they are installed.

Each function trains on ``(images, labels)`` as uint8 arrays and yields the images seen so far, forever. The loops stand in for
pytorch/examples and PyTorch-GAN: the same networks, optimiser, DataLoader, transforms and order of steps, in our own words.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from bench.nets import ConvVae, DcganCritic, DcganGenerator, MlpCritic, MlpGenerator, Vae

Trainer = Callable[[np.ndarray], Iterator[int]]


class Pictures(datasets.MNIST):
    """torchvision's own MNIST, with its way to an item: a PIL image each, then the transform. Only the files are not read again."""

    def __init__(self, images: np.ndarray, transform: Any) -> None:
        self.data, self.targets = torch.from_numpy(images), torch.zeros(len(images), dtype=torch.int64)
        self.transform, self.target_transform = transform, None


def vae_loop(model: nn.Module, images: np.ndarray, device: str) -> Iterator[int]:
    on_gpu = {"num_workers": 1, "pin_memory": True} if device.startswith("cuda") else {}  # as the peer's program
    loader: Any = DataLoader(Pictures(images, transforms.ToTensor()), batch_size=128, shuffle=True, **on_gpu)
    model = model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seen, total = 0, 0.0
    while True:
        for x, _ in loader:
            x = x.to(device)
            optimizer.zero_grad()
            decoded, mu, logvar = model(x)
            cross_entropy = nn.functional.binary_cross_entropy(decoded.view(len(x), -1), x.view(len(x), -1), reduction="sum")
            divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            loss = cross_entropy + divergence
            loss.backward()
            total += loss.item()
            optimizer.step()
            seen += len(x)
            yield seen


def textbook_vae(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """As pytorch/examples' ``vae``."""
    return vae_loop(Vae(), images, device)


def textbook_conv_vae(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """Keras's convolutional VAE in the same kind of loop, for where Keras is not installed."""
    return vae_loop(ConvVae(), images, device)


def gan_loop(generator: nn.Module, critic: nn.Module, size: int, images: np.ndarray, device: str) -> Iterator[int]:
    steps = [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
    loader = DataLoader(Pictures(images, transforms.Compose(steps)), batch_size=64, shuffle=True)
    generator, critic = generator.to(device).train(), critic.to(device).train()
    loss = nn.BCELoss()
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    seen = 0
    while True:
        for x, _ in loader:
            x = x.to(device)
            valid, fake = torch.ones(len(x), device=device), torch.zeros(len(x), device=device)
            g_optimizer.zero_grad()
            made = generator(torch.randn(len(x), 100, device=device))
            loss(critic(made), valid).backward()
            g_optimizer.step()
            d_optimizer.zero_grad()
            ((loss(critic(x), valid) + loss(critic(made.detach()), fake)) / 2).backward()
            d_optimizer.step()
            seen += len(x)
            yield seen


def textbook_gan(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """As PyTorch-GAN's ``gan.py``."""
    return gan_loop(MlpGenerator(), MlpCritic(sigmoid=True), 28, images, device)


def dcgan() -> tuple[nn.Module, nn.Module]:
    """PyTorch-GAN's ``dcgan.py`` at 32x32 as it begins: generator and critic with the random start of Radford et al. 2016.

    Convolutions' weights are from N(0, 0.02^2), BatchNorm's from N(1, 0.02^2); dense layers begin as PyTorch's do.
    """
    nets = DcganGenerator(), DcganCritic(sigmoid=True)
    for module in (module for net in nets for module in net.modules()):
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
    return nets


def textbook_dcgan(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """As PyTorch-GAN's ``dcgan.py`` at 32x32."""
    return gan_loop(*dcgan(), 32, images, device)
