"""A generator that is small from the start: few maps behind the dense layer, and a convolution that makes more of them.

In a :class:`~imggen_lib.models.gan.ConvGenerator` the dense layer holds most of the numbers, 86 % at a width of 64. Here it makes
`seeds` maps in place of `width`; a 3x3 convolution, which has few numbers because they are the same at every place, widens them.
"""

from math import prod

from torch import nn

from imggen_lib.models.blocks import BatchNorm2d, Shape
from imggen_lib.models.gan import ConvGenerator


class NarrowGenerator(ConvGenerator):
    """A :class:`~imggen_lib.models.gan.ConvGenerator` whose dense layer makes `seeds` maps; a 3x3 convolution widens them.

    Of ``(latent_dim + classes) * width * 49`` numbers in the dense layer (for images of 28x28) ``seeds / width`` are left, and
    ``9 * seeds * width`` come with the convolution.
    """

    def __init__(self, image_shape: Shape, latent_dim: int = 64, width: int = 40, classes: int = 0, seeds: int = 11) -> None:
        super().__init__(image_shape, latent_dim, width, classes)
        if seeds < 1:
            raise ValueError(f"at least one map must come from the dense layer, got seeds = {seeds}")
        wide, rows, columns = self.start
        self.start = (seeds, rows, columns)
        self.dense = nn.Linear(latent_dim + classes, prod(self.start), bias=False)
        widen = [BatchNorm2d(seeds), nn.ReLU(), nn.Conv2d(seeds, wide, 3, 1, 1, bias=False)]
        self.net = nn.Sequential(*widen, *self.net)
