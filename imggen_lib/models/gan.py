"""Generators and critics.

Images are float32 ``(n, c, h, w)`` in [-1, 1]; latents ``(n, latent_dim)`` standard normal; critics give **logits of
shape (n,)**, never probabilities and never ``(n, 1)``. With ``classes > 0`` both take the labels as a second argument. Critics
have no BatchNorm: a logit depends on its own image alone, as the gradient penalties assume.
"""

from math import prod

from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.blocks import BatchNorm2d, Residual, Shape, check_shape, halvings, joined, mlp, one_hot

Images = Float[Tensor, "n c h w"]
Latents = Float[Tensor, "n z"]
Labels = Int[Tensor, " n"]
Logits = Float[Tensor, " n"]


class MLPGenerator(nn.Module):
    """The article's generator: fully connected layers, LeakyReLU(0.2), tanh at the end."""

    def __init__(self, image_shape: Shape, latent_dim: int = 64, hidden: tuple[int, ...] = (256, 512), classes: int = 0) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = check_shape(image_shape), latent_dim, classes
        self.net = mlp([latent_dim + classes, *hidden, prod(image_shape)], nn.LeakyReLU, negative_slope=0.2)

    def forward(self, z: Latents, labels: Labels | None = None) -> Images:
        return self.net(joined(z, one_hot(labels, self.classes, z))).tanh().view(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """The article's discriminator: fully connected layers, LeakyReLU(0.2); a logit instead of a sigmoid."""

    def __init__(self, image_shape: Shape, hidden: tuple[int, ...] = (512, 256), classes: int = 0) -> None:
        super().__init__()
        self.image_shape, self.classes = check_shape(image_shape), classes
        self.net = mlp([prod(image_shape) + classes, *hidden, 1], nn.LeakyReLU, negative_slope=0.2)

    def forward(self, x: Images, labels: Labels | None = None) -> Logits:
        return self.net(joined(x.flatten(1), one_hot(labels, self.classes, x))).squeeze(1)


class ConvGenerator(nn.Module):
    """A small DCGAN generator: a dense layer, then transposed convolutions that double the side; BatchNorm, ReLU, tanh.

    ``width`` is the number of channels of the map whose side is a quarter of the image's (7x7 for an image of 28x28); larger maps
    have half as many with each doubling, smaller ones twice as many. ``blocks`` residual blocks work on each map before it is
    doubled: three times the time an image for one, and a small part of the images.
    """

    def __init__(self, image_shape: Shape, latent_dim: int = 64, width: int = 64, classes: int = 0, blocks: int = 0) -> None:
        super().__init__()
        channels, rows, columns = check_shape(image_shape)
        ups = halvings(rows, columns)
        if width < 2:
            raise ValueError(f"width must be at least 2, got {width}: it is halved on the way to the image")
        self.image_shape, self.latent_dim, self.classes = image_shape, latent_dim, classes
        self.start = (width * 2 ** (ups - 2), rows >> ups, columns >> ups)
        self.dense = nn.Linear(latent_dim + classes, prod(self.start), bias=False)

        def worked_on(width: int) -> list[nn.Module]:
            more = [*(Residual(width) for _ in range(blocks)), BatchNorm2d(width)] if blocks else []
            return [BatchNorm2d(width), *more, nn.ReLU()]

        here = self.start[0]
        layers = worked_on(here)
        for _ in range(ups - 1):
            layers += [nn.ConvTranspose2d(here, here // 2, 4, 2, 1, bias=False), *worked_on(here // 2)]
            here //= 2
        layers += [nn.ConvTranspose2d(here, channels, 4, 2, 1), nn.Tanh()]
        self.net = nn.Sequential(*layers)

    def forward(self, z: Latents, labels: Labels | None = None) -> Images:
        h = self.dense(joined(z, one_hot(labels, self.classes, z)))
        return self.net(h.view(-1, *self.start))


class ConvCritic(nn.Module):
    """Convolutions that halve the side, LeakyReLU(0.2), a dense layer to one logit; no normalisation.

    ``blocks`` residual blocks work on each map after it was halved. With classes, the logit gets the inner product of the features
    and a class embedding (projection discriminator). Source: Miyato and Koyama 2018, arXiv:1802.05637.
    """

    def __init__(self, image_shape: Shape, width: int = 32, classes: int = 0, blocks: int = 0) -> None:
        super().__init__()
        channels, rows, columns = check_shape(image_shape)
        downs = halvings(rows, columns)
        self.image_shape, self.classes = image_shape, classes
        layers: list[nn.Module] = []
        here = channels
        for k in range(downs):
            layers.append(nn.Conv2d(here, width * 2**k, 4, 2, 1))
            here = width * 2**k
            layers += [*(Residual(here) for _ in range(blocks)), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Flatten())
        features = here * (rows >> downs) * (columns >> downs)
        self.logit = nn.Linear(features, 1)
        self.embedding = nn.Linear(classes, features, bias=False) if classes else None

    def forward(self, x: Images, labels: Labels | None = None) -> Logits:
        h = self.net(x)  # (n, features)
        logit = self.logit(h).squeeze(1)
        y = one_hot(labels, self.classes, x)
        if self.embedding is None or y is None:
            return logit
        return logit + (h * self.embedding(y)).sum(1) / h.shape[1] ** 0.5
