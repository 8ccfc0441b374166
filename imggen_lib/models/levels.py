"""Generator and critic for grids of tiles: one channel a kind of tile, 1 for the tile's kind and -1 for the others.

A level is an image whose channels are kinds, so the library's loops, data sets and checkpoints take it as it is. The VAE for levels
is :class:`imggen_lib.models.vae.ConvVAE` with the likelihood ``categorical``.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.blocks import Residual, Shape, check_shape, halvings, joined, one_hot
from imggen_lib.models.gan import ConvGenerator

Images = Float[Tensor, "n k h w"]
Labels = Int[Tensor, " n"]


class TileGenerator(ConvGenerator):
    """:class:`~imggen_lib.models.gan.ConvGenerator` with a softmax over the kinds at each place instead of the tanh.

    Its output is ``2 p - 1``, with the probabilities p of the kinds: in [-1, 1], like the one-hot levels that the critic is to take
    it for. A critic sees at once that a tile is undecided, so the probabilities are driven to 0 and 1. The most probable kind at
    each place is the level. Source: Volz et al. 2018, arXiv:1805.00728, train a GAN on one-hot tiles and take the largest output.
    """

    def __init__(self, image_shape: Shape, latent_dim: int = 32, classes: int = 0, width: int = 64, blocks: int = 0) -> None:
        super().__init__(image_shape, latent_dim, width, classes, blocks)
        self.net = self.net[:-1]  # without the tanh: logits

    def logits(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        """Logits of the kinds at each place."""
        return super().forward(z, labels)

    def forward(self, z: Float[Tensor, "n z"], labels: Labels | None = None) -> Images:
        return 2 * torch.softmax(self.logits(z, labels), 1) - 1


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
