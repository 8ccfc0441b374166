r"""Batch normalisation folded into the layer before it: the same function with fewer numbers and fewer passes over the image.

In evaluation mode batch normalisation is a line for each channel,
:math:`\gamma (x - \mu)/\sqrt{\sigma^2 + \varepsilon} + \beta`, with fixed numbers. A line after a linear layer is a linear layer.
"""

import copy
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.models.blocks import joined, one_hot
from imggen_lib.models.gan import ConvGenerator

Norm = nn.modules.batchnorm._BatchNorm


class FoldedGenerator(nn.Module):
    """A convolutional generator without batch normalisation: a dense layer, a bias for each map, then layers with biases.

    The dense layer's bias is the same at every place of a map: one number a map is kept. Of a generator from a file, ``card`` is
    what the file says of it, ``bits`` how many its weights had there, and ``steps`` those of each layer by its name.
    """

    card: dict[str, Any]
    bits: int
    steps: dict[str, Tensor]

    def __init__(self, dense: nn.Linear, shift: Tensor, net: nn.Sequential, like: Any) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes, self.start = like.image_shape, like.latent_dim, like.classes, like.start
        self.dense, self.shift, self.net = dense, nn.Parameter(shift), net
        self.card, self.bits, self.steps = {}, 32, {}

    def forward(self, z: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n c h w"]:
        h = self.dense(joined(z, one_hot(labels, self.classes, z))).view(-1, *self.start)
        return self.net(h + self.shift.view(-1, 1, 1))


def line(norm: Norm) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
    """What batch normalisation does in evaluation mode, as a factor and a shift for each channel."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("batch normalisation without running statistics depends on the batch and cannot be folded")
    factor = torch.rsqrt(norm.running_var.double() + norm.eps)
    if norm.weight is not None:
        factor = factor * norm.weight.detach().double()
    shift = -norm.running_mean.double() * factor
    return factor, shift if norm.bias is None else shift + norm.bias.detach().double()


def fold_into(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, norm: Norm) -> None:
    r"""Multiply `norm` into the weights of the layer before it, in place; each channel of a map is a run of a dense layer's rows.

    .. math:: W'_c = \frac{\gamma_c}{\sqrt{\sigma_c^2 + \varepsilon}} W_c, \qquad
        b'_c = \beta_c + \frac{\gamma_c\,(b_c - \mu_c)}{\sqrt{\sigma_c^2 + \varepsilon}}
    """
    factor, shift = line(norm)
    axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    run = layer.weight.shape[axis] // len(factor)
    factor, shift = factor.repeat_interleave(run), shift.repeat_interleave(run)
    with torch.no_grad():
        across = factor.view(*[-1 if d == axis else 1 for d in range(layer.weight.ndim)])
        weight = layer.weight.double() * across
        bias = shift if layer.bias is None else shift + layer.bias.double() * factor
        layer.weight = nn.Parameter(weight.to(layer.weight.dtype))
        layer.bias = nn.Parameter(bias.to(layer.weight.dtype))


def folded(generator: ConvGenerator) -> FoldedGenerator:
    """The generator as it is in evaluation mode, each batch normalisation multiplied into the layer before it.

    Raises ``ValueError`` where a normalisation does not stand directly behind a linear layer, as in residual blocks.
    """
    dense = nn.Linear(generator.dense.in_features, generator.dense.out_features, bias=False).to(generator.dense.weight)
    with torch.no_grad():
        dense.weight.copy_(generator.dense.weight)
    layers: list[nn.Module] = [dense]
    for layer in generator.net:
        before = layers[-1]
        if not isinstance(layer, Norm):
            layers.append(copy.deepcopy(layer))
        elif isinstance(before, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            fold_into(before, layer)
        else:
            raise ValueError(f"batch normalisation behind {type(before).__name__} cannot be folded: only behind a linear layer")
    places = generator.start[1] * generator.start[2]
    shift = torch.zeros(generator.start[0]) if dense.bias is None else dense.bias.detach()[::places].clone()
    dense.bias = None  # type: ignore[assignment]
    return FoldedGenerator(dense, shift, nn.Sequential(*layers[1:]), generator).eval()
