"""Networks for grids of tiles: one channel a kind of tile, 1 for the tile's kind and -1 for the others.

A level is an image whose channels are kinds, so the library's loops, data sets and checkpoints take it as it is. All of them have a
3x3 convolution at full size: neighbouring tiles must agree, and convolutions of stride 2 look at them in fixed groups.
"""

from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.blocks import BatchNorm2d, Residual, Shape, check_shape, halvings, joined, one_hot
from imggen_lib.models.gan import ConvGenerator
from imggen_lib.models.vae import VAE, Likelihood

Images = Float[Tensor, "n k h w"]
Labels = Int[Tensor, " n"]


def _tiles(logits: Images, hard: bool) -> Images:
    """``2 p - 1`` with the kinds' probabilities p, or with the most probable kind, whose slope is taken to be that of p."""
    p = torch.softmax(logits, 1)
    if hard:
        p = torch.zeros_like(p).scatter(1, p.argmax(1, keepdim=True), 1.0) + p - p.detach()
    return 2 * p - 1


class TileVAE(VAE):
    """A VAE of tiles: a 3x3 convolution, two of stride 2, and back by two transposed ones and a 3x3 convolution; GELU.

    ``width`` is the number of channels of the full-size maps; the smallest map has twice as many. No normalisation.
    """

    def __init__(
        self, image_shape: Shape, latent_dim: int = 32, classes: int = 0, likelihood: Likelihood = "categorical", width: int = 24
    ) -> None:
        kinds, rows, columns = check_shape(image_shape)
        if halvings(rows, columns) < 2 or width < 3:
            raise ValueError(f"levels have sides that are multiples of 4, and a width of at least 3; got {image_shape}, {width}")
        small, middle = (rows // 4, columns // 4), width * 4 // 3
        down: list[nn.Module] = [nn.Conv2d(kinds, width, 3, 1, 1), nn.GELU()]
        down += [nn.Conv2d(width, middle, 4, 2, 1), nn.GELU(), nn.Conv2d(middle, middle, 4, 2, 1), nn.GELU(), nn.Flatten()]
        start = 2 * width
        up: list[nn.Module] = [nn.Linear(latent_dim + classes, start * prod(small)), nn.GELU(), nn.Unflatten(1, (start, *small))]
        up += [nn.ConvTranspose2d(start, middle, 4, 2, 1), nn.GELU(), nn.ConvTranspose2d(middle, width, 4, 2, 1), nn.GELU()]
        up.append(nn.Conv2d(width, kinds, 3, 1, 1))
        features = middle * prod(small)
        super().__init__(image_shape, latent_dim, classes, likelihood, nn.Sequential(*down), features, nn.Sequential(*up))


class TileGenerator(ConvGenerator):
    """:class:`~imggen_lib.models.gan.ConvGenerator`, then a 3x3 convolution at full size, so that neighbours agree, and a softmax.

    Its output is ``2 p - 1``, with the probabilities p of the kinds at each place: in [-1, 1], like the one-hot levels that the
    critic is to take it for. With ``hard`` it is the most probable kind, one-hot, and its slope is taken to be that of p
    ("straight through": Bengio et al. 2013, arXiv:1308.3432): the critic then judges the very level that will be used.
    """

    def __init__(
        self, image_shape: Shape, latent_dim: int = 32, classes: int = 0, width: int = 64, blocks: int = 0, hard: bool = False
    ) -> None:
        kinds, rows, columns = check_shape(image_shape)
        here = max(1, width // 2)
        super().__init__((here, rows, columns), latent_dim, width, classes, blocks)
        self.image_shape, self.hard = image_shape, hard
        self.net = nn.Sequential(*self.net[:-1], BatchNorm2d(here), nn.ReLU(), nn.Conv2d(here, kinds, 3, 1, 1))

    def logits(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        """Logits of the kinds at each place."""
        return super().forward(z, labels)

    def forward(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        return _tiles(self.logits(z, labels), self.hard)


class TileDecoder(nn.Module):
    """A VAE's decoder as a generator: standard normal noise goes through a fixed affine map to the code, then through the decoder.

    :meth:`begin` takes both from a trained :class:`TileVAE`, so that a critic can go on where the likelihood ends: it sees pairs of
    tiles, and a likelihood of independent tiles does not. `blocks` residual blocks at full size go before the last convolution:
    they start as the identity, and let neighbours agree on what the decoder left open. `hard` as for :class:`TileGenerator`.
    """

    mean: Float[Tensor, " z"]
    factor: Float[Tensor, "z z"]

    def __init__(
        self, image_shape: Shape, latent_dim: int = 32, classes: int = 0, width: int = 24, hard: bool = True, blocks: int = 0
    ) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes, self.hard = check_shape(image_shape), latent_dim, classes, hard
        vae = TileVAE(image_shape, latent_dim, classes, width=width)
        self.decoder, self.bias = vae.decoder, vae.bias
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.register_buffer("mean", torch.zeros(latent_dim))
        self.register_buffer("factor", torch.eye(latent_dim))

    @torch.no_grad()
    def begin(self, vae: TileVAE, mean: Float[Tensor, " z"], factor: Float[Tensor, "z z"]) -> "TileDecoder":
        """Take the decoder's weights, and the code's mean and lower triangular factor; returns itself."""
        self.decoder.load_state_dict(vae.decoder.state_dict())
        self.bias.copy_(vae.bias)
        self.mean.copy_(mean)
        self.factor.copy_(factor)
        return self

    def logits(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        """Logits of the kinds at each place."""
        code = self.mean + z @ self.factor.T
        first, last = self.halves()
        return last(self.blocks(first(joined(code, one_hot(labels, self.classes, code))))) + self.bias

    def halves(self) -> tuple[nn.Sequential, nn.Module]:
        """The decoder up to the maps at full size, and its last convolution."""
        layers = list(self.decoder.children())
        return nn.Sequential(*layers[:-1]), layers[-1]

    def forward(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        return _tiles(self.logits(z, labels), self.hard)


class TileCritic(nn.Module):
    """3x3 convolutions at full size first, so that every tile is seen beside its neighbours; then as the convolutional critic.

    ``blocks`` residual blocks follow each size, the full one too. LeakyReLU(0.2), no normalisation; a logit a level, ``(n,)``.
    With ``local`` features a second path marks each tile by the 5x5 around it, and the sum of all marks is added to the logit: one
    broken pipe is then seen wherever it is.
    """

    def __init__(self, image_shape: Shape, classes: int = 0, width: int = 32, blocks: int = 0, local: int = 0) -> None:
        super().__init__()
        kinds, rows, columns = check_shape(image_shape)
        downs = halvings(rows, columns)
        self.image_shape, self.classes = image_shape, classes
        layers: list[nn.Module] = [nn.Conv2d(kinds, width, 3, 1, 1), *(Residual(width) for _ in range(blocks)), nn.LeakyReLU(0.2)]
        here = width
        for _ in range(downs):
            layers += [nn.Conv2d(here, 2 * here, 4, 2, 1), *(Residual(2 * here) for _ in range(blocks)), nn.LeakyReLU(0.2)]
            here *= 2
        self.net = nn.Sequential(*layers, nn.Flatten())
        self.logit = nn.Linear(here * (rows >> downs) * (columns >> downs) + classes, 1)
        self.marks = nn.Sequential()
        if local:
            near, slope = nn.Conv2d(kinds, local, 3, 1, 1), nn.LeakyReLU(0.2)
            self.marks = nn.Sequential(near, slope, nn.Conv2d(local, 1, 3, 1, 1))

    def forward(self, x: Images, labels: Labels | None = None) -> Float[Tensor, " n"]:
        whole = self.logit(joined(self.net(x), one_hot(labels, self.classes, x))).squeeze(1)
        return whole + self.marks(x).sum((1, 2, 3)) if len(self.marks) else whole
