"""The critic of a Creative Adversarial Network: one body, two answers. The generator is any of :mod:`imggen_lib.models.gan`."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.models.blocks import Shape
from imggen_lib.models.gan import ConvCritic


class StyleAnswer(NamedTuple):
    """How real each image looks ``(n,)``, and which style it has ``(n, k)``; both are logits."""

    logits: Float[Tensor, " n"]
    styles: Float[Tensor, "n k"]


class StyleCritic(nn.Module):
    """A convolutional critic without normalisation whose features also say the style. It takes no labels: it gives them.

    Source: Elgammal et al. 2017, arXiv:1706.07068 (whose critic is larger).
    """

    def __init__(self, image_shape: Shape, styles: int, width: int = 32) -> None:
        super().__init__()
        if styles < 2:
            raise ValueError(f"a critic of styles needs at least two of them, got {styles}")
        critic = ConvCritic(image_shape, width)
        self.image_shape, self.classes, self.styles = image_shape, 0, styles
        self.net, self.logit = critic.net, critic.logit
        self.style = nn.Linear(critic.logit.in_features, styles)

    def forward(self, x: Float[Tensor, "n c h w"]) -> StyleAnswer:
        h = self.net(x)  # (n, features)
        return StyleAnswer(self.logit(h).squeeze(1), self.style(h))
