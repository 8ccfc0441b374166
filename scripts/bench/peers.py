"""The other side: textbook loops written for the purpose, and packages from the index where they are installed.

Each function trains on ``(images, labels)`` as uint8 arrays and yields the images seen so far, forever. The loops stand in for
pytorch/examples and PyTorch-GAN: the same networks, optimiser, DataLoader, transforms and order of steps, in our own words.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from bench import nets
from bench.nets import ConvVae, DcganCritic, DcganGenerator, MlpCritic, MlpGenerator, Vae

Trainer = Callable[[np.ndarray], Iterator[int]]


class Pictures(datasets.MNIST):
    """torchvision's own MNIST, with its way to an item: a PIL image each, then the transform. Only the files are not read again."""

    def __init__(self, images: np.ndarray, transform: Any) -> None:
        self.data, self.targets = torch.from_numpy(images), torch.zeros(len(images), dtype=torch.int64)
        self.transform, self.target_transform = transform, None


class Labelled(Pictures):
    """The same with a class: what it is does not matter for speed, that it is told does."""

    def __init__(self, images: np.ndarray, transform: Any) -> None:
        super().__init__(images, transform)
        self.targets = torch.arange(len(images)) % 10


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


@torch.no_grad()
def follow(averages: list[Tensor], weights: list[nn.Parameter], decay: float) -> None:
    """Move an average of the weights, one after another."""
    for average, weight in zip(averages, weights, strict=True):
        average.sub_((1 - decay) * (average - weight))


def flow_loop(model: nn.Module, images: np.ndarray, device: str = "cpu", drop: float = 0.1) -> Iterator[int]:
    """The order of steps of flow_matching's image example: straight paths, class left out for a whole batch, an average a step.

    Its workers are left out: they would take the processor from the network, and loading is a few percent of a step here.
    """
    loader: Any = DataLoader(Labelled(images, transforms.ToTensor()), batch_size=64, shuffle=True, drop_last=True)
    model = model.to(device).train()
    weights = list(model.parameters())
    averages = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, lr=1e-4, betas=(0.9, 0.95))
    seen = 0
    while True:
        for x, y in loader:
            x, y = x.to(device) * 2 - 1, y.to(device)
            if torch.rand(1) < drop:
                y = torch.full_like(y, 10)
            noise, t = torch.randn_like(x), torch.rand(len(x), device=device)
            at = t.view(-1, 1, 1, 1)
            moved, target = at * x + (1 - at) * noise, x - noise
            optimizer.zero_grad()
            loss = torch.pow(model(moved, t, y) - target, 2).mean()
            if not np.isfinite(loss.item()):
                raise ValueError("the loss is not finite")
            loss.backward()
            optimizer.step()
            follow(averages, weights, 0.9999)
            seen += len(x)
            yield seen


def diffusion_loop(model: nn.Module, images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """The order of steps of denoising-diffusion-pytorch's ``Trainer``, which clips gradients and renews its average at every tenth.

    What is learned is the noise at one of a thousand times, under a cosine schedule.
    """
    loader: Any = DataLoader(Pictures(images, transforms.ToTensor()), batch_size=64, shuffle=True)
    model = model.to(device).train()
    weights = list(model.parameters())
    averages = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.Adam(weights, lr=1e-4, betas=(0.9, 0.99))
    kept = torch.cos(torch.linspace(0, 1, 1001)[1:] * torch.pi / 2).square().clamp(min=1e-4).to(device)  # the image's share
    seen, step = 0, 0
    while True:
        for x, _ in loader:
            x = x.to(device) * 2 - 1
            k = torch.randint(0, 1000, (len(x),), device=device)
            noise, share = torch.randn_like(x), kept[k].view(-1, 1, 1, 1)
            made = model(share.sqrt() * x + (1 - share).sqrt() * noise, k / 1000)
            loss = nn.functional.mse_loss(made, noise, reduction="none").flatten(1).mean(1).mean()
            loss.item()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step % 10 == 0:
                follow(averages, weights, 0.995)
            seen += len(x)
            yield seen


def textbook_flow(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """As flow_matching's image example, with our network."""
    return flow_loop(nets.unet(10), images, device)


def textbook_diffusion(images: np.ndarray, device: str = "cpu") -> Iterator[int]:
    """As denoising-diffusion-pytorch's ``Trainer``, with our network."""
    return diffusion_loop(nets.unet(0), images, device)
