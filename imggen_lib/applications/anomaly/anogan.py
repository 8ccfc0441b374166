r"""f-AnoGAN: a GAN of normal images, an encoder that looks for each image's latent, and how far the way back is from the image.

Source: Schlegl, Seeböck, Waldstein, Langs and Schmidt-Erfurth 2019, Medical Image Analysis 54, 30-44. The generator and critic
there are of a WGAN with gradient penalty; here they are whatever :class:`imggen_lib.configs.gan.GanConfig` trains.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import attribute, check_images, real
from imggen_lib.machine import evaluating
from imggen_lib.models.blocks import Shape
from imggen_lib.models.gan import ConvCritic

Images = Float[Tensor, "n c h w"]


class Encoder(nn.Module):
    """Convolutions that halve the side, and one dense layer to a latent of the generator: tanh times 3, as normal noise is."""

    def __init__(self, image_shape: Shape, latent_dim: int, width: int = 16) -> None:
        super().__init__()
        trunk = ConvCritic(image_shape, width)
        self.image_shape, self.latent_dim = trunk.image_shape, latent_dim
        self.net = trunk.net
        self.latent = nn.Linear(trunk.logit.in_features, latent_dim)

    def forward(self, x: Images) -> Float[Tensor, "n z"]:
        return 3 * torch.tanh(self.latent(self.net(x)) / 3)


class Anogan(NamedTuple):
    """The three networks of f-AnoGAN. The critic must have ``net``, from images to features, as :class:`ConvCritic` has."""

    generator: nn.Module
    critic: nn.Module
    encoder: nn.Module


class AnoganScores(NamedTuple):
    """Of each image ``(n,)``: the two distances, and f-AnoGAN's score, their sum with the weight kappa."""

    image: Float[Tensor, " n"]
    features: Float[Tensor, " n"]
    score: Float[Tensor, " n"]


def _distances(nets: Anogan, x: Images) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    back = nets.generator(nets.encoder(x))
    pixels = (x - back).square().flatten(1).mean(1)
    seen, shown = nets.critic.net(x), nets.critic.net(back)  # type: ignore[operator]
    return pixels, (seen - shown).square().flatten(1).mean(1)


def train_encoder(
    nets: Anogan, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]], *, kappa: float = 1.0
) -> Iterator[dict[str, Tensor | int]]:
    r"""Teach the encoder the way back, image to latent to image, generator and critic at rest ("izi_f"); yield a record a step.

    .. math:: \tfrac1D\lVert x - G(E(x))\rVert^2 + \tfrac{\kappa}{d}\lVert f(x) - f(G(E(x)))\rVert^2

    with f the critic's features. A record holds ``images`` (seen so far), ``image`` and ``features``, the two terms.
    """
    attribute(nets.critic, "net")
    kappa, seen = real(kappa, "kappa", 0), 0
    for net in (nets.generator, nets.critic):
        net.eval().requires_grad_(False)
    nets.encoder.train()
    for x, _ in batches:
        pixels, features = (distance.mean() for distance in _distances(nets, x))
        optimizer.zero_grad()
        (pixels + kappa * features).backward()
        optimizer.step()
        seen += len(x)
        yield {"images": seen, "image": pixels.detach(), "features": features.detach()}


def anogan_scores(nets: Anogan, *, kappa: float = 1.0, batch: int = 500) -> Callable[[Images], AnoganScores]:
    r"""From images to f-AnoGAN's score :math:`A = A_R + \kappa A_D`, higher for the less usual.

    The two terms are those of :func:`train_encoder`, an image each.
    """
    kappa = real(kappa, "kappa", 0)

    @torch.no_grad()
    def score(images: Images) -> AnoganScores:
        check_images(images)
        with evaluating(*nets):
            parts = [_distances(nets, x) for x in images.split(batch)]
        pixels, features = (torch.cat(part).double() for part in zip(*parts, strict=True))
        return AnoganScores(pixels, features, pixels + kappa * features)

    return score
