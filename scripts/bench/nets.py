"""The peers' networks, with the attributes that our loops ask for, so that both sides train the very same."""

from functools import partial
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, pad

from imggen_lib.models.flow import UNet
from imggen_lib.models.vae import VAE, Images


class Vae(nn.Module):
    """784-400-20, ReLU, a sigmoid at the end: the network of pytorch/examples' ``vae``."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = torch.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(z)))), mu, logvar


def our_vae() -> VAE:
    """The same layers in our class."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    return VAE((1, 28, 28), 20, 0, "bernoulli", encoder, 400, decoder)


def our_conv_vae(fast: bool = False) -> VAE:
    """Keras's convolutional VAE: 32 and 64 channels, strides of two, 16 hidden units, two latent dimensions.

    `fast` activations overwrite their inputs, which nobody needs again: less memory to walk through.
    """
    relu = partial(nn.ReLU, inplace=fast)
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1), relu(), nn.Conv2d(32, 64, 3, 2, 1), relu(),
        nn.Flatten(), nn.Linear(64 * 49, 16), relu(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(2, 64 * 49), relu(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), relu(),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), relu(),
        nn.ConvTranspose2d(32, 1, 3, 1, 1),
    )  # fmt: skip
    return VAE((1, 28, 28), 2, 0, "bernoulli", encoder, 16, decoder)


def unet(classes: int) -> UNet:
    """The book's velocity network at half its width, for both sides: as large as a network that learns digits need be."""
    return UNet((1, 28, 28), 24, classes)


class ConvVae(nn.Module):
    """The same convolutional VAE as a plain module with a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        ours = our_conv_vae()
        self.encoder, self.posterior, self.decoder = ours.encoder, ours.posterior, ours.decoder

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.posterior(self.encoder(x)).chunk(2, 1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.decoder(z)), mu, logvar


class MlpGenerator(nn.Module):
    """100-128-256-512-1024-784 with BatchNorm after three layers: PyTorch-GAN's ``gan.py``."""

    def __init__(self) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = (1, 28, 28), 100, 0
        layers: list[nn.Module] = [nn.Linear(100, 128), nn.LeakyReLU(0.2)]
        for a, b in ((128, 256), (256, 512), (512, 1024)):
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b, 0.8), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh())

    def forward(self, z: Tensor, labels: None = None) -> Images:
        return self.net(z).view(-1, *self.image_shape)


class MlpCritic(nn.Module):
    """784-512-256-1: PyTorch-GAN's ``gan.py``; `sigmoid` as there, without it as our losses want it."""

    def __init__(self, sigmoid: bool = False) -> None:
        super().__init__()
        self.image_shape, self.classes, self.sigmoid = (1, 28, 28), 0, sigmoid
        self.net = nn.Sequential(nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))

    def forward(self, x: Tensor, labels: None = None) -> Tensor:
        logit = self.net(x.flatten(1)).squeeze(1)
        return torch.sigmoid(logit) if self.sigmoid else logit


class UpConv(nn.Conv2d):
    """Nearest-neighbour doubling and a 3x3 convolution, as one transposed convolution: the same function with 4 of 9 products.

    Each input pixel is read by 2x2 neighbours of the doubled map, so the nine weights act as sums on a kernel of 4x4 with stride 2.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight.flip(2, 3)
        four = pad(w, (0, 1, 0, 1)) + pad(w, (1, 0, 0, 1)) + pad(w, (0, 1, 1, 0)) + pad(w, (1, 0, 1, 0))
        return conv_transpose2d(x, four.transpose(0, 1), self.bias, stride=2, padding=1)


class DcganGenerator(nn.Module):
    """PyTorch-GAN's ``dcgan.py`` at 32x32: doublings and 3x3 convolutions of 128 and 64 channels.

    `fast` takes :class:`UpConv` (unless `merge` says otherwise), and lays the first map out channels-last: normalisation and
    activations keep a map as it comes, so one laid out the other way would be turned around at every convolution.
    """

    def __init__(self, fast: bool = False, merge: bool | None = None) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = (1, 32, 32), 100, 0
        self.dense = nn.Linear(100, 128 * 64)
        self.layout = torch.channels_last if fast else torch.contiguous_format

        merge = fast if merge is None else merge

        def up(a: int, b: int) -> list[nn.Module]:
            return [UpConv(a, b)] if merge else [nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1)]

        self.net = nn.Sequential(
            nn.BatchNorm2d(128), *up(128, 128), nn.BatchNorm2d(128, 0.8), nn.LeakyReLU(0.2),
            *up(128, 64), nn.BatchNorm2d(64, 0.8), nn.LeakyReLU(0.2), nn.Conv2d(64, 1, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor, labels: None = None) -> Images:
        return self.net(self.dense(z).view(-1, 128, 8, 8).contiguous(memory_format=self.layout))


class DcganCritic(nn.Module):
    """PyTorch-GAN's ``dcgan.py`` at 32x32: 16 to 128 channels, strides of two, dropout, BatchNorm."""

    def __init__(self, sigmoid: bool = False) -> None:
        super().__init__()
        self.image_shape, self.classes, self.sigmoid = (1, 32, 32), 0, sigmoid
        layers: list[nn.Module] = []
        for k, (a, b) in enumerate(((1, 16), (16, 32), (32, 64), (64, 128))):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
            layers += [nn.BatchNorm2d(b, 0.8)] if k else []
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4, 1))

    def forward(self, x: Tensor, labels: None = None) -> Tensor:
        logit = self.net(x).squeeze(1)
        return torch.sigmoid(logit) if self.sigmoid else logit


def parameters(*nets: nn.Module) -> int:
    return sum(prod(p.shape) for net in nets for p in net.parameters())
