r"""GAN losses and gradient penalties.

Notation: :math:`a_i` is the critic's logit for real image *i*, :math:`b_i` for generated image *i*, both of shape ``(n,)``,
:math:`\sigma` the logistic function, and :math:`-\log\sigma(t) = \operatorname{softplus}(-t)`. Every loss is a mean over the
batch, is *minimised*, and sees both kinds of logits, so that one training loop serves them all. Units: nats for
the logistic losses; the critic's own units for the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from imggen_lib.checks import tensor

Logits = Float[Tensor, " n"]
Scalar = Float[Tensor, ""]
Images = Float[Tensor, "n c h w"]
Critic = Callable[[Tensor], Tensor]


def _check(real: Any, fake: Any) -> None:
    tensor(real, "logits"), tensor(fake, "logits")
    if real.ndim != 1 or real.shape != fake.shape:
        raise ValueError(
            f"logits must both have shape (n,), got {tuple(real.shape)} for real and {tuple(fake.shape)} for generated; "
            "(n, 1) against (n,) would broadcast to (n, n) and train on nonsense"
        )


@dataclass(frozen=True)
class GanLoss:
    """What the critic and what the generator minimise; both are functions ``(real logits, fake logits) -> scalar``."""

    name: str
    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False  # whether the generator's loss looks at the real logits too
    steep: bool = True  # whether the critic's loss has a slope at every generated logit
    middle: float | None = 0.0  # the logit that says "as likely real as not"; None where differences alone mean something

    def __repr__(self) -> str:
        return f"GanLoss({self.name})"


def _logistic_critic(real: Logits, fake: Logits) -> Scalar:
    r""":math:`-\frac1n\sum_i \log\sigma(a_i) + \log(1-\sigma(b_i))`; 2 log 2 at zero logits."""
    _check(real, fake)
    return softplus(-real).mean() + softplus(fake).mean()


def _minimax_generator(real: Logits, fake: Logits) -> Scalar:
    r""":math:`\frac1n\sum_i \log(1-\sigma(b_i))`; its gradient vanishes where the critic is sure (:math:`b \to -\infty`)."""
    _check(real, fake)
    return -softplus(fake).mean()


def _non_saturating_generator(real: Logits, fake: Logits) -> Scalar:
    r""":math:`-\frac1n\sum_i \log\sigma(b_i)`."""
    _check(real, fake)
    return softplus(-fake).mean()


def _least_squares_critic(real: Logits, fake: Logits) -> Scalar:
    r""":math:`\frac1{2n}\sum_i (a_i-1)^2 + b_i^2`."""
    _check(real, fake)
    return 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()


def _least_squares_generator(real: Logits, fake: Logits) -> Scalar:
    r""":math:`\frac1{2n}\sum_i (b_i-1)^2`."""
    _check(real, fake)
    return 0.5 * ((fake - 1) ** 2).mean()


def _hinge_critic(real: Logits, fake: Logits) -> Scalar:
    r""":math:`\frac1n\sum_i \max(0, 1-a_i) + \max(0, 1+b_i)`."""
    _check(real, fake)
    return relu(1 - real).mean() + relu(1 + fake).mean()


def _wasserstein_critic(real: Logits, fake: Logits) -> Scalar:
    r""":math:`\frac1n\sum_i b_i - a_i`: minus the estimate of the Wasserstein-1 distance, for a 1-Lipschitz critic."""
    _check(real, fake)
    return fake.mean() - real.mean()


def _linear_generator(real: Logits, fake: Logits) -> Scalar:
    r""":math:`-\frac1n\sum_i b_i`."""
    _check(real, fake)
    return -fake.mean()


def _relativistic_critic(real: Logits, fake: Logits) -> Scalar:
    r""":math:`-\frac1n\sum_i \log\sigma(a_i - b_i)`; log 2 at equal logits."""
    _check(real, fake)
    return softplus(fake - real).mean()


def _relativistic_generator(real: Logits, fake: Logits) -> Scalar:
    r""":math:`-\frac1n\sum_i \log\sigma(b_i - a_i)`."""
    _check(real, fake)
    return softplus(real - fake).mean()


#: The game of Goodfellow et al. 2014 (arXiv:1406.2661), equation 1, as printed: the generator minimises log(1 - D(G(z))).
minimax = GanLoss("minimax", _logistic_critic, _minimax_generator)
#: The same critic with the generator loss that the same paper recommends in section 3: minimise -log D(G(z)).
non_saturating = GanLoss("non-saturating", _logistic_critic, _non_saturating_generator)
#: Least squares GAN with targets 0 and 1: Mao et al. 2017, arXiv:1611.04076, equation 9.
least_squares = GanLoss("least-squares", _least_squares_critic, _least_squares_generator, steep=False, middle=0.5)  # none at 0
#: Hinge loss: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17.
hinge = GanLoss("hinge", _hinge_critic, _linear_generator, steep=False)  # none below -1
#: Wasserstein GAN: Arjovsky et al. 2017, arXiv:1701.07875. Needs a Lipschitz constraint: use :func:`gradient_penalty`.
wasserstein = GanLoss("wasserstein", _wasserstein_critic, _linear_generator, middle=None)
#: Relativistic pairing: Jolicoeur-Martineau 2018, arXiv:1807.00734; with R1 and R2 in Huang et al. 2024, arXiv:2501.05441.
relativistic = GanLoss("relativistic", _relativistic_critic, _relativistic_generator, paired=True, middle=None)

ALL = (minimax, non_saturating, least_squares, hinge, wasserstein, relativistic)


def zero_centred_penalty(critic: Critic, images: Images) -> Scalar:
    r"""R1 (at real images) and R2 (at generated ones): mean over images of the squared norm of the critic's gradient.

    .. math:: \frac1n\sum_i \lVert\nabla_x C(x_i)\rVert^2

    The usual weight is :math:`\gamma/2`; the caller multiplies. `critic` maps ``(n, c, h, w)`` to logits ``(n,)``, each of
    which must depend on its own image alone (no BatchNorm). Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    x = images.detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return grad.square().flatten(1).sum(1).mean()


def gradient_penalty(critic: Critic, real: Images, fake: Images, t: Float[Tensor, " n"]) -> Scalar:
    r"""The WGAN-GP penalty at points on the lines between real and generated images.

    .. math:: \frac1n\sum_i \left(\lVert\nabla_x C(\hat x_i)\rVert - 1\right)^2, \quad \hat x_i = t_i x_i + (1-t_i)\,\tilde x_i

    `t` in [0, 1] is drawn by the caller, one an image. The usual weight is 10.
    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    if real.shape != fake.shape or t.shape != real.shape[:1]:
        raise ValueError(f"shapes do not fit: real {tuple(real.shape)}, generated {tuple(fake.shape)}, t {tuple(t.shape)}")
    t = t.view(-1, *[1] * (real.ndim - 1))
    x = (t * real + (1 - t) * fake).detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (grad.flatten(1).norm(dim=1) - 1).square().mean()
