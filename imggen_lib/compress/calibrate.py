r"""Weights as whole numbers, rounded so that the errors cancel on the inputs that a layer really gets.

Rounding each weight to the nearest step is best for inputs that know nothing of one another. A layer's inputs do: they come from
the layer before. So weights are rounded one column after the other, and what a rounding did wrong is put right, as far as the
inputs' covariance allows, by the columns that are still to come. With :math:`U` the upper Cholesky factor of the inverse of
:math:`H = X^\top X`, column :math:`j` with the error :math:`e_j` changes the later ones by :math:`-e_j U_{jk} / U_{jj}`.
Source: Frantar and others 2023, arXiv:2210.17323 (there for language models).
"""

import torch
from jaxtyping import Float
from torch import Tensor

_BLOCK = 64  # columns whose corrections are applied to the rest in one product


class Rounding:
    """How to round the columns of a matrix that is multiplied with inputs like these ``(n, columns)``."""

    def __init__(self, inputs: Float[Tensor, "n columns"]) -> None:
        inputs = inputs.double()
        self.mean = inputs.mean(0)
        centred = inputs - self.mean
        moments = centred.T @ centred / len(inputs)
        self.order = moments.diagonal().argsort(descending=True)  # what matters most first, while others can still make up for it
        damping = 1e-4 * moments.diagonal().mean().clamp(min=1e-12)
        moments = moments[self.order][:, self.order] + damping * torch.eye(len(moments), dtype=moments.dtype)
        self.factor = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(moments)), upper=True)

    def __call__(self, weight: Float[Tensor, "rows columns"], step: Float[Tensor, " rows"]) -> Float[Tensor, "rows columns"]:
        """Whole numbers that, times `step`, do to the inputs what `weight` does, up to a constant a row; float64."""
        left, out = weight[:, self.order].clone(), torch.zeros_like(weight)
        for first in range(0, weight.shape[1], _BLOCK):
            here = slice(first, first + _BLOCK)
            block, factor = left[:, here], self.factor[here, here]
            errors = torch.zeros_like(block)
            for j in range(block.shape[1]):
                whole = (block[:, j] / step).round()
                out[:, self.order[first + j]] = whole
                errors[:, j] = (block[:, j] - whole * step) / factor[j, j]
                block[:, j + 1 :] -= errors[:, j, None] * factor[j, j + 1 :]
            left[:, first + _BLOCK :] -= errors @ self.factor[here, first + _BLOCK :]
        return out


def steps(weight: Float[Tensor, "channels n"], levels: float) -> Float[Tensor, " channels"]:
    """One step a channel, such that its largest weight is `levels` steps; each a number in half precision."""
    largest = weight.abs().amax(1).clamp(min=1e-4)
    return (largest / levels).half().clamp(min=2.0**-14).double()
