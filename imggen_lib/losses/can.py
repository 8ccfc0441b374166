r"""The Creative Adversarial Network's terms: know the styles of real images, and do not commit to one.

Notation: :math:`\ell_{ik}` is the critic's logit for style *k* of image *i*, shape ``(n, k)``, and
:math:`p_{ik} = \operatorname{softmax}(\ell_i)_k` its posterior over the K styles. Units: nats per image, a mean over the batch,
*minimised*. The real-or-generated part of the game is any of :mod:`imggen_lib.losses.gan`.
Source: Elgammal et al. 2017, arXiv:1706.07068.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import tensor

StyleLogits = Float[Tensor, "n k"]
Scalar = Float[Tensor, ""]


def _check(logits: Any) -> None:
    if tensor(logits, "logits").ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"style logits must have the shape (n, k) with at least two styles, got {tuple(logits.shape)}")


def style_loss(logits: StyleLogits, styles: Int[Tensor, " n"]) -> Scalar:
    r"""What the critic pays for the styles of real images: the cross-entropy, :math:`-\frac1n\sum_i \log p_{i,c_i}`.

    From 0 (sure and right); log K for a critic that knows nothing. Source: arXiv:1706.07068, equation 2.
    """
    _check(logits)
    if styles.shape != logits.shape[:1]:
        raise ValueError(f"{len(logits)} images, but styles of shape {tuple(styles.shape)}")
    return torch.nn.functional.cross_entropy(logits, styles)


def _log_others(logits: StyleLogits) -> StyleLogits:
    """log(1 - p), as the log of the other styles' sum: exact where p is next to 1."""
    k = logits.shape[1]
    own = torch.eye(k, dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(1).expand(-1, k, -1).masked_fill(own, -math.inf)  # (n, k, k)
    return others.logsumexp(2) - logits.logsumexp(1, keepdim=True)


def style_ambiguity(logits: StyleLogits) -> Scalar:
    r"""What the generator pays for images of a clear style: K binary cross-entropies with the target 1/K.

    .. math:: -\frac1n\sum_i\sum_{k=1}^{K} \frac1K \log p_{ik} + \left(1 - \frac1K\right)\log\left(1 - p_{ik}\right)

    From :func:`least_ambiguity_loss` (all styles equally probable) without an upper limit. It says nothing about whether the image
    looks real. Source: arXiv:1706.07068, equation 2.
    """
    _check(logits)
    target = 1 / logits.shape[1]
    log_p, log_rest = logits.log_softmax(1), _log_others(logits)
    return -(target * log_p + (1 - target) * log_rest).sum(1).mean()


def least_ambiguity_loss(styles: int) -> float:
    r"""The smallest value of :func:`style_ambiguity`, at the uniform posterior: :math:`\log K + (K-1)\log\frac{K}{K-1}`."""
    if styles < 2:
        raise ValueError(f"ambiguity needs at least two styles, got {styles}")
    return math.log(styles) + (styles - 1) * math.log(styles / (styles - 1))


def posterior_entropy(logits: StyleLogits) -> Float[Tensor, " n"]:
    r"""The entropy of each image's own posterior, :math:`-\sum_k p_{ik}\log p_{ik}` in nats: 0 (sure) to log K (no idea).

    Of single images, unlike :func:`imggen_lib.metrics.novelty.class_entropy`, which is the entropy of the mean posterior. High for
    images between the styles, and for images of nothing at all.
    """
    _check(logits)
    log_p = logits.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)
