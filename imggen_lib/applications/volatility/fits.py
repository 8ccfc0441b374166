"""The parametric fit of SSVI to quotes: as a practitioner does it, and as somebody would who knows what the surfaces came from."""

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.applications.volatility.completion import Decoded
from imggen_lib.applications.volatility.surfaces import PARAMETERS, Parameters, at_the_money, log_volatility, parameters

WIDTH = 2.0  # of the weak prior, in units in which one step is a factor of e, or from the middle of a range to three quarters


def open_parameters(z: Float[Tensor, "n 6"]) -> Parameters:
    r"""SSVI's parameters from any six numbers: every sign of the skew, :math:`\eta(1 + |\rho|) < 2` and :math:`\gamma < 1/2`."""
    now, later = (0.04 * torch.exp(2 * z[:, k : k + 1]) for k in (0, 1))
    theta = at_the_money(now, later, 2 * torch.exp(z[:, 2:3]))
    rho = torch.tanh(z[:, 3:4])
    return Parameters(theta, rho, 2 / (1 + rho.abs()) * torch.sigmoid(z[:, 4:5]), 0.5 * torch.sigmoid(z[:, 5:6]))


def least_squares() -> Decoded:
    """Least squares of SSVI's six parameters with a weak prior, so that few quotes have an answer too; it has seen no surface."""
    return Decoded(lambda z: log_volatility(open_parameters(z)), PARAMETERS, prior=WIDTH)


def true_model() -> Decoded:
    """The fit with the very prior from which the truth *SSVI* is drawn: nothing can be better there, and nobody has it."""
    return Decoded(lambda z: log_volatility(parameters(z)), PARAMETERS)
