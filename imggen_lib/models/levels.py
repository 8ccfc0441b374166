"""Generator and critic for grids of tiles: one channel a kind of tile, 1 for the tile's kind and -1 for the others.

A level is an image whose channels are kinds, so the library's loops, data sets and checkpoints take it as it is. The VAE for levels
is :class:`imggen_lib.models.vae.ConvVAE` with the likelihood ``categorical``.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.blocks import BatchNorm2d, Residual, Shape, check_shape, halvings, joined, one_hot
from imggen_lib.models.gan import ConvGenerator

Images = Float[Tensor, "n k h w"]
Labels = Int[Tensor, " n"]


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
        p = torch.softmax(self.logits(z, labels), 1)
        if self.hard:
            p = torch.zeros_like(p).scatter(1, p.argmax(1, keepdim=True), 1.0) + p - p.detach()
        return 2 * p - 1


class TileCritic(nn.Module):
    """3x3 convolutions at full size first, so that every tile is seen beside its neighbours; then as the convolutional critic.

    ``blocks`` residual blocks follow each size, the full one too. LeakyReLU(0.2), no normalisation; a logit a level, ``(n,)``.
    """

    def __init__(self, image_shape: Shape, classes: int = 0, width: int = 32, blocks: int = 0) -> None:
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

    def forward(self, x: Images, labels: Labels | None = None) -> Float[Tensor, " n"]:
        return self.logit(joined(self.net(x), one_hot(labels, self.classes, x))).squeeze(1)
