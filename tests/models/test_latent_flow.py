"""A flow in a VAE's latent space is a generator as any other; its baseline is a closed form."""

from typing import Any

import pytest
import torch
from torch.distributions import MultivariateNormal

from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.models.latent_flow import ClassGaussians, LatentFlow, standard_normal
from imggen_lib.models.mean_flow import MeanFlow, MeanVectorNet
from imggen_lib.models.vae import MLPVAE
from imggen_lib.sampling import decode, sample


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _model(classes: int = 3, dim: int = 4, **sampler: Any) -> LatentFlow:
    torch.manual_seed(0)
    vae = MLPVAE((1, 8, 8), dim, (16,))
    net = VectorNet((dim,), 8, classes, 1)
    for parameter in net.parameters():  # blocks begin as the identity: something must happen in them
        torch.nn.init.normal_(parameter, 0, 0.3)
    return LatentFlow(vae, Flow(net, **sampler)).eval()


def test_it_is_the_flow_then_the_scale_then_the_decoder() -> None:
    model, z, y = _model(), _normal(5, 4), torch.tensor([0, 1, 2, 0, 1])
    model.scale_to(_normal(50, 4, seed=1) * 3 + 1, _normal(50, 4, seed=2))
    with torch.no_grad():
        codes = model.flow(z, y) * model.spread + model.centre
        images = torch.sigmoid(model.vae.decode(codes)) * 2 - 1
        assert torch.allclose(model(z, y), images, atol=1e-6) and torch.allclose(model.codes(z, y), codes)
    assert torch.allclose(model.scaled(codes), model.flow(z, y), atol=1e-5)


def test_it_samples_as_any_generator_one_seed_an_image() -> None:
    model = _model()
    images = sample(model, 7)
    assert images.shape == (7, 1, 8, 8) and images.abs().max() <= 1
    assert torch.allclose(sample(model, seeds=[4], labels=4 % 3), images[4:5], atol=1e-6)
    assert decode(model, _normal(2, 4), [0, 2]).shape == (2, 1, 8, 8)


def test_drawn_codes_have_mean_0_and_variance_1_once_scaled() -> None:
    mu, logvar = _normal(4000, 4) * torch.tensor([0.1, 1.0, 2.0, 3.0]) + 2, _normal(4000, 4, seed=1) - 1
    model = _model().scale_to(mu, logvar)
    drawn = model.scaled(mu + torch.exp(0.5 * logvar) * _normal(4000, 4, seed=2))
    assert torch.allclose(drawn.mean(0), torch.zeros(4), atol=0.05) and torch.allclose(drawn.var(0), torch.ones(4), atol=0.06)


def test_another_sampler_shares_the_weights_and_leaves_the_first_alone() -> None:
    model, z, y = _model(steps=2), _normal(3, 4), torch.tensor([0, 1, 2])
    other = model.sampled_with(solver="euler", steps=1, guidance=2.0)
    assert (model.flow.solver, model.flow.steps, model.flow.guidance) == ("midpoint", 2, 1.0)
    assert other.flow.net is model.flow.net and other.vae is model.vae
    assert not torch.allclose(other(z, y), model(z, y))


def test_what_does_not_fit_is_refused() -> None:
    vae = MLPVAE((1, 8, 8), 4, (16,))
    with pytest.raises(ValueError, match="codes have 4 numbers"):
        LatentFlow(vae, Flow(VectorNet((5,), 8, 0, 1)))
    with pytest.raises(ValueError, match="knows 2 classes and the flow 3"):
        LatentFlow(MLPVAE((1, 8, 8), 4, (16,), classes=2), Flow(VectorNet((4,), 8, 3, 1)))


def test_one_gaussian_a_class_has_the_moments_of_its_codes() -> None:
    """Against what is drawn from it, and its density against PyTorch's."""
    root = torch.tensor([[1.0, 0, 0], [0.5, 2, 0], [-1, 0.3, 0.5]])
    mu, labels = _normal(6000, 3) @ root.T, torch.arange(6000) % 2
    mu[labels == 1] += 4
    model = ClassGaussians(3, 2).fit(mu, torch.full_like(mu, 0.25), labels)
    made = model(_normal(20000, 3, seed=3), torch.arange(20000) % 2)
    for c in (0, 1):
        want = root @ root.T + 0.25 * torch.eye(3)
        assert torch.allclose(torch.cov(made[c::2].T), want, atol=0.25)
        assert torch.allclose(made[c::2].mean(0), torch.full((3,), 4.0 * c), atol=0.1)
    peer = MultivariateNormal(model.mean[1], scale_tril=model.root[1]).log_prob(mu[:10])
    assert torch.allclose(model.log_density(mu[:10])[:, 1], peer, atol=1e-4)
    assert torch.allclose(standard_normal(mu[:10]), MultivariateNormal(torch.zeros(3), torch.eye(3)).log_prob(mu[:10]), atol=1e-4)
    with pytest.raises(ValueError, match="needs at least 6"):
        model.fit(mu[:8], torch.ones(8, 3), labels[:8])


def test_a_mean_flow_takes_its_stretches_with_the_mean_velocity() -> None:
    """With the velocity field -x, the exact mean velocity: one stretch is as good as four, and right."""

    class Exact(MeanVectorNet):
        def forward(self, x: Any, t: Any, labels: Any = None, until: Any = None) -> Any:
            h = (until - t)[:, None]
            return x * torch.expm1(-h) / h

    z = _normal(6, 4)
    for steps in (1, 4):
        assert torch.allclose(MeanFlow(Exact((4,), 8), steps)(z), z * torch.exp(torch.tensor(-1.0)), atol=1e-5)


def test_with_a_flows_weights_a_mean_net_starts_as_its_velocity() -> None:
    plain, net = VectorNet((4,), 8, 3, 2), MeanVectorNet((4,), 8, 3, 2)
    for parameter in plain.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    net.load_state_dict(plain.state_dict(), strict=False)
    x, t, y = _normal(5, 4), torch.rand(5), torch.tensor([0, 1, 2, 3, 0])
    assert torch.equal(net(x, t, y), plain(x, t, y)) and torch.equal(net(x, t, y, torch.ones(5)), plain(x, t, y))
    torch.nn.init.normal_(net.length[2].weight)
    assert not torch.allclose(net(x, t, y, torch.ones(5)), net(x, t, y))
