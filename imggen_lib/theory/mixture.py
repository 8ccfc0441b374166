r"""A mixture of Gaussians: the one generative model here that does everything exactly.

It can be fitted, sampled and evaluated, it stays a mixture when noise is added, and the gradient of its log-density is known. So it
can stand in for a trained network wherever a chapter wants to show a method rather than a network.

.. math:: p(x) = \sum_k w_k\, N(x \mid m_k, C_k), \qquad C_k = V_k \operatorname{diag}(\lambda_k) V_k^T
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.noise import on_cpu

Points = Float[Tensor, "n d"]
PerPoint = Float[Tensor, " n"]


@on_cpu
@dataclass(frozen=True)
class Mixture:
    """Weights, means and covariances, the covariances by their eigenvalues and eigenvectors (the columns of ``vectors[k]``)."""

    weights: Float[Tensor, " k"]
    means: Float[Tensor, "k d"]
    values: Float[Tensor, "k d"]
    vectors: Float[Tensor, "k d d"]

    def sample(self, n: int, noise: torch.Generator) -> Points:
        """`n` independent draws: first a component, then a point of it."""
        which = torch.multinomial(self.weights.cpu(), n, replacement=True, generator=noise).to(self.means.device)
        z = torch.randn(n, self.means.shape[1], generator=noise, dtype=self.means.dtype).to(self.means.device)
        steps = torch.einsum("nde,ne->nd", self.vectors[which], self.values[which].sqrt() * z)
        return self.means[which] + steps

    def log_joint(self, x: Points) -> Float[Tensor, "n k"]:
        r""":math:`\log w_k + \log N(x \mid m_k, C_k)` for each point and each component, in nats."""
        turned = torch.einsum("kde,nkd->nke", self.vectors, x[:, None] - self.means)
        logs = turned.square() / self.values + self.values.log() + math.log(2 * math.pi)
        return self.weights.log() - 0.5 * logs.sum(2)

    def log_prob(self, x: Points) -> PerPoint:
        """Log-density in nats."""
        return torch.logsumexp(self.log_joint(x), 1)

    def score(self, x: Points) -> Points:
        r"""The gradient of the log-density, :math:`\nabla_x \log p(x) = \sum_k r_k(x)\, C_k^{-1} (m_k - x)`.

        :math:`r_k(x)` is the probability that `x` came from component *k*.
        """
        pulls = torch.einsum("kde,nkd->nke", self.vectors, self.means - x[:, None]) / self.values
        shares = self.log_joint(x).softmax(1)
        return torch.einsum("nk,kde,nke->nd", shares, self.vectors, pulls)

    def noised(self, keep: float) -> "Mixture":
        r"""The distribution of :math:`\sqrt{a}\,x + \sqrt{1-a}\,\varepsilon` with standard normal noise; `keep` is a, in (0, 1]."""
        if not 0 < keep <= 1:
            raise ValueError(f"the share of the signal that is kept must lie in (0, 1], got {keep}")
        return replace(self, means=self.means * keep**0.5, values=keep * self.values + (1 - keep))

    def denoised(self, x: Points, keep: float) -> Points:
        r"""What a noisy point was before, on average: :math:`\left(x + (1-a)\,\nabla\log p_a(x)\right) / \sqrt{a}`.

        `x` comes from :meth:`noised`. Known as Tweedie's formula. Source: Efron 2011.
        """
        return (x + (1 - keep) * self.noised(keep).score(x)) / keep**0.5


def keep_schedule(t: Float[Tensor, " s"]) -> Float[Tensor, " s"]:
    r"""The share of the signal's variance that is left at diffusion time `t` in [0, 1]: :math:`\bar\alpha(t) = \cos^2(\pi t / 2)`.

    Source: Nichol and Dhariwal 2021, arXiv:2102.09672, equation 17, without its offset.
    """
    return torch.cos(t * math.pi / 2).square()


@runtime_checkable
class Denoises(Protocol):
    """What knows how a noisy point looked before, on average: a :class:`Mixture` exactly, a trained network nearly."""

    def denoised(self, x: Tensor, keep: float) -> Tensor: ...


def diffuse_back(mixture: Denoises, start: Points, times: Float[Tensor, " s"]) -> list[Points]:
    """Undo the noise, with the exact score or a trained denoiser: the points at the falling `times`, in (0, 1), then at time 0.

    Each step splits the point into its expected clean part and the noise that is left over, and puts them together again with
    less noise; nothing is drawn. Source: Song, Meng, Ermon 2021, arXiv:2010.02502, equation 12 with sigma = 0.
    """
    if len(times) == 0 or not (times.diff() < 0).all() or times.min() <= 0 or times.max() >= 1:
        raise ValueError("the times must fall and lie between 0 and 1")
    keeps = [float(a) for a in keep_schedule(times)] + [1.0]
    path = [start]
    for now, then in pairwise(keeps):
        x = path[-1]
        clean = mixture.denoised(x, now)
        noise = (x - now**0.5 * clean) / (1 - now) ** 0.5
        path.append(then**0.5 * clean + (1 - then) ** 0.5 * noise)
    return path


@on_cpu
def fit(x: Points, k: int, *, seed: int = 0, rounds: int = 15, steps: int = 5, floor: float = 1e-2) -> Mixture:
    """A mixture of `k` Gaussians: `rounds` of k-means, then `steps` of expectation maximisation; eigenvalues at least `floor`.

    Starts at `k` random points. Expectation maximisation raises the likelihood with each step: Dempster, Laird, Rubin 1977.
    """
    if not 1 <= k <= len(x):
        raise ValueError(f"from 1 to {len(x)} components for {len(x)} points, got {k}")
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    centres = x[order[:k].to(x.device)]
    for _ in range(rounds):
        nearest = torch.cdist(x, centres).argmin(1)
        centres = _means(x, torch.nn.functional.one_hot(nearest, k).to(x.dtype), centres)
    shares = torch.nn.functional.one_hot(torch.cdist(x, centres).argmin(1), k).to(x.dtype)
    mixture = _maximise(x, shares, centres, floor)
    for _ in range(steps):
        shares = torch.cat([mixture.log_joint(part).softmax(1) for part in x.split(2000)])
        mixture = _maximise(x, shares, mixture.means, floor)
    return mixture


def _means(x: Points, shares: Float[Tensor, "n k"], before: Float[Tensor, "k d"]) -> Float[Tensor, "k d"]:
    """Weighted means; a component without points stays where it was."""
    total = shares.sum(0)[:, None]
    return torch.where(total > 0, shares.T @ x / total.clamp(min=1e-9), before)


def _maximise(x: Points, shares: Float[Tensor, "n k"], before: Float[Tensor, "k d"], floor: float) -> Mixture:
    """The likeliest mixture for given shares of the points."""
    means = _means(x, shares, before)
    total = shares.sum(0)
    covariances = []
    for centre, share, mass in zip(means, shares.T, total, strict=True):
        centred = x - centre
        covariances.append((centred * share[:, None]).T @ centred / mass.clamp(min=1e-9))
    values, vectors = torch.linalg.eigh(torch.stack(covariances))
    weights = (total / len(x)).clamp(min=1e-9)
    return Mixture(weights / weights.sum(), means, values.clamp(min=floor), vectors)
