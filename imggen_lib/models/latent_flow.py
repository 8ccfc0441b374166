r"""A flow in the latent space of a VAE: noise is moved to a code, and the VAE's decoder draws it.

A VAE is trained to draw codes of real images, and sampled with codes from :math:`N(0, I)`. Where the two differ, its prior has
holes. Here a flow (:mod:`imggen_lib.models.flow`) learns the distribution of the codes; encoder and decoder stay as they are.
Latent diffusion does the same with larger parts. Sources: Dai and Wipf 2019, arXiv:1903.05789 (a second VAE on the codes of the
first); Vahdat et al. 2021, arXiv:2106.05931; Rombach et al. 2022, arXiv:2112.10752.
"""

import copy
import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.checks import check_labels, tensor
from imggen_lib.models.flow import Flow
from imggen_lib.models.vae import VAE

Latents = Float[Tensor, "n z"]
Labels = Int[Tensor, " n"]


class LatentFlow(nn.Module):
    r"""A generator: noise along the flow to a code, :math:`z = c + s\,\Phi(\varepsilon)`, and that through the decoder.

    `flow` moves vectors ``(n, z)`` with as many numbers as the VAE's codes have. :math:`c` and :math:`s` are set by
    :meth:`scale_to`, so that the flow sees numbers of mean 0 and variance 1. It has ``image_shape``, ``latent_dim`` and
    ``classes`` as every generator, and its latents are standard normal.

    Raises:
        ValueError: if the two do not fit.
    """

    centre: Float[Tensor, " z"]
    spread: Float[Tensor, " z"]

    def __init__(self, vae: VAE, flow: Flow) -> None:
        super().__init__()
        if flow.image_shape != (vae.latent_dim,):
            raise ValueError(f"the VAE's codes have {vae.latent_dim} numbers; the flow moves things of shape {flow.image_shape}")
        if vae.classes not in (0, flow.classes):
            raise ValueError(f"the VAE knows {vae.classes} classes and the flow {flow.classes}")
        self.vae, self.flow = vae, flow
        self.image_shape, self.latent_dim, self.classes = vae.image_shape, vae.latent_dim, flow.classes
        self.register_buffer("centre", torch.zeros(vae.latent_dim))
        self.register_buffer("spread", torch.ones(vae.latent_dim))

    def scale_to(self, mu: Latents, logvar: Latents) -> "LatentFlow":
        r"""Set :math:`c` and :math:`s` to mean and deviation of codes drawn from the posteriors :math:`N(\mu, e^{\text{logvar}})`.

        By the law of total variance, :math:`s^2 = \operatorname{Var}(\mu) + E[e^{\text{logvar}}]` in each dimension. Raises
        ``ValueError`` for fewer than two codes, for codes of another size, and where they are all the same or not finite.
        """
        if self.fitting(mu).shape != self.fitting(logvar).shape or len(mu) < 2:
            raise ValueError(f"a spread needs two codes or more, each with its log-variance; got {len(mu)} and {len(logvar)}")
        with torch.no_grad():
            spread = (mu.var(0) + logvar.exp().mean(0)).sqrt()
            if not bool(((spread > 0) & spread.isfinite() & mu.mean(0).isfinite()).all()):
                raise ValueError("these codes cannot be scaled: in some dimension they are all the same, or not finite")
            self.centre.copy_(mu.mean(0))
            self.spread.copy_(spread)
        return self

    def fitting(self, codes: Any) -> Tensor:
        """`codes` as they are. Raises ``ValueError`` unless they are the VAE's, ``(n, z)``."""
        if tensor(codes, "codes").ndim != 2 or codes.shape[1] != self.latent_dim:
            raise ValueError(f"this VAE has codes of shape (n, {self.latent_dim}), got {tuple(codes.shape)}")
        return codes

    def sampled_with(self, *, solver: str | None = None, steps: int | None = None, guidance: float | None = None) -> "LatentFlow":
        """The same networks, not copies of them, with another solver, number of steps or weight of guidance."""
        other = copy.copy(self)
        other._modules = {**self._modules, "flow": self.flow.sampled_with(solver=solver, steps=steps, guidance=guidance)}
        return other

    @property
    def evaluations(self) -> int:
        """How often an image asks the flow's network."""
        return self.flow.evaluations

    def codes(self, z: Latents, labels: Labels | None = None) -> Latents:
        """The VAE's codes that the noise `z` is moved to."""
        return self.centre + self.spread * self.flow(z, labels)

    def scaled(self, codes: Latents) -> Latents:
        """Codes as the flow sees them: mean 0 and variance 1 in each dimension."""
        return (self.fitting(codes) - self.centre) / self.spread

    def forward(self, z: Latents, labels: Labels | None = None) -> Float[Tensor, "n c h w"]:
        codes = self.codes(z, labels)
        return self.vae.images(self.vae.decode(codes, labels if self.vae.classes else None))


class ClassGaussians(nn.Module):
    r"""What a flow has to beat: one Gaussian a class, :math:`\mu_c + L_c\,\varepsilon`, fitted in closed form.

    Called as a :class:`~imggen_lib.models.flow.Flow`, so that it stands in the place of one in a :class:`LatentFlow`.
    """

    mean: Float[Tensor, "c z"]
    root: Float[Tensor, "c z z"]

    def __init__(self, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes = (latent_dim,), latent_dim, classes
        self.register_buffer("mean", torch.zeros(classes, latent_dim))
        self.register_buffer("root", torch.eye(latent_dim).repeat(classes, 1, 1))

    def fit(self, mu: Latents, variance: Latents, labels: Labels) -> "ClassGaussians":
        r"""Mean and covariance of each class's codes, drawn from :math:`N(\mu, \operatorname{diag}(\text{variance}))`.

        Raises ``ValueError`` for a class with fewer codes than twice their numbers.
        """
        for c in range(self.classes):
            mine = labels == c
            if int(mine.sum()) < 2 * self.latent_dim:
                raise ValueError(f"class {c} has {int(mine.sum())} codes; a covariance needs at least {2 * self.latent_dim}")
            covariance = torch.cov(mu[mine].T.double()) + variance[mine].double().mean(0).diag()
            self.mean[c], self.root[c] = mu[mine].mean(0), torch.linalg.cholesky(covariance).to(mu)
        return self

    def forward(self, z: Latents, labels: Labels) -> Latents:
        labels = check_labels(labels, len(z), self.classes).to(z.device)
        return self.mean[labels] + torch.einsum("nij,nj->ni", self.root[labels], z)

    def log_density(self, x: Latents) -> Float[Tensor, "n c"]:
        r""":math:`\log N(x; \mu_c, L_c L_c^\top)` for every class, in nats."""
        out = []
        for mean, root in zip(self.mean, self.root, strict=True):
            at = torch.linalg.solve_triangular(root, (x - mean).T, upper=False).T
            out.append(standard_normal(at) - root.diagonal().log().sum())
        return torch.stack(out, 1)


def standard_normal(x: Latents) -> Float[Tensor, " n"]:
    r""":math:`\log N(x; 0, I)` in nats."""
    return -0.5 * (x.square().sum(1) + x.shape[1] * math.log(2 * math.pi))
