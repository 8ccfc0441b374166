"""The equations of the two practice chapters."""

import math

import pytest
import torch

from imggen_lib.losses import gan as losses
from imggen_lib.losses import vae as terms

F64 = torch.float64


def test_practice_gan_losses() -> None:
    """Against PyTorch's BCELoss with the article's labels, and against the library."""
    a, b = torch.randn(2, 9, dtype=F64, generator=torch.Generator().manual_seed(0))
    d_real, d_fake = torch.sigmoid(a), torch.sigmoid(b)
    critic = (-d_real.log() - (1 - d_fake).log()).mean()  # claim
    generator = -d_fake.log().mean()  # claim
    bce, real, fake = torch.nn.BCELoss(), torch.ones(9, dtype=F64), torch.zeros(9, dtype=F64)
    assert (bce(d_real, real) + bce(d_fake, fake)).item() == pytest.approx(critic.item(), rel=1e-10)
    assert bce(d_fake, real).item() == pytest.approx(generator.item(), rel=1e-10)
    assert losses.non_saturating.critic(a, b).item() == pytest.approx(critic.item(), rel=1e-10)
    assert losses.non_saturating.generator(a, b).item() == pytest.approx(generator.item(), rel=1e-10)


def test_practice_vae_elbo() -> None:
    """One latent and three coins: log p(x) by quadrature; equality for the true posterior, below it for Gaussians."""
    z = torch.linspace(-9, 9, 8001, dtype=F64)
    dz = (z[1] - z[0]).item()
    logits = torch.stack([1.7 * z - 0.4, -0.8 * z, 0.3 + 2.2 * z], 1)
    x = torch.tensor([1.0, 0.0, 1.0], dtype=F64).expand(len(z), 3)
    log_px_z = terms.bernoulli_log_prob(x, logits)
    log_pz = terms.log_normal(z[:, None], torch.zeros(1, dtype=F64), torch.zeros(1, dtype=F64))
    log_px = torch.logsumexp(log_px_z + log_pz, 0).item() + math.log(dz)

    def elbo(log_q: torch.Tensor) -> float:
        q = log_q.exp() * dz
        kl = (q * (log_q - log_pz)).sum()
        return ((q * log_px_z).sum() - kl).item()  # claim

    assert elbo(log_px_z + log_pz - log_px) == pytest.approx(log_px, abs=1e-8)
    for mu, sigma in ((0.0, 1.0), (0.9, 0.6), (-1.0, 0.4)):
        logvar = torch.tensor([2 * math.log(sigma)], dtype=F64)
        log_q = terms.log_normal(z[:, None], torch.tensor([mu], dtype=F64), logvar)
        assert elbo(log_q) < log_px - 1e-3
        kl = terms.standard_normal_kl(torch.tensor([[mu]], dtype=F64), logvar[None]).item()
        reconstruction = (log_q.exp() * dz * log_px_z).sum().item()
        assert elbo(log_q) == pytest.approx(terms.elbo(torch.tensor([reconstruction]), torch.tensor([kl])).item(), abs=1e-5)
