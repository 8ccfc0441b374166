"""The density of a flow against closed forms, and the mixture of the classes as a prior."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from imggen_lib.metrics.flow_likelihood import divergence, log_density, log_prob, prior_log_density, random_signs
from imggen_lib.models.flow import Flow, UNet, VectorNet
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.models.vae import MLPVAE


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Linear(nn.Module):
    """The velocity A x + b, whose flow maps Gaussians to Gaussians; b says the class."""

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.image_shape, self.classes = (3,), classes
        self.a = nn.Parameter(torch.tensor([[0.3, 0.8, 0.0], [-0.6, -0.2, 0.1], [0.0, 0.4, 0.5]]))

    def forward(self, x: Any, t: Any, labels: Any = None) -> Any:
        return x @ self.a.T + (0 if labels is None else labels[:, None].float())


def test_the_trace_exactly_and_by_random_signs() -> None:
    net, x = VectorNet((3,), 8, 0, 1), _normal(5, 3)
    for parameter in net.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    t = torch.full((5,), 0.4)

    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        return net(x, x.new_full((len(x),), t))

    v, trace = divergence(velocity, x, 0.4)
    peer = torch.stack([torch.autograd.functional.jacobian(lambda at: net(at[None], t[:1])[0], row).trace() for row in x])
    assert torch.allclose(trace, peer, atol=1e-5) and torch.allclose(v, net(x, t), atol=1e-6)
    probes = torch.randint(2, (4000, 5, 3), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    assert torch.allclose(divergence(velocity, x, 0.4, probes)[1], peer, atol=0.1)


def test_the_density_of_a_linear_flow_is_a_gaussian() -> None:
    net, x = Linear(), _normal(6, 3)
    root = torch.matrix_exp(net.a.detach())
    peer = MultivariateNormal(torch.zeros(3), root @ root.T).log_prob(x)
    assert torch.allclose(log_density(Flow(net), x, steps=40), peer, atol=1e-3)
    many = log_density(Flow(net), x, steps=40, probes=2000)
    assert torch.allclose(many, peer, atol=0.2) and not torch.equal(many, peer)


def test_a_prior_is_scaled_and_its_classes_are_mixed() -> None:
    torch.manual_seed(0)
    net = Linear(classes=2)
    model = LatentFlow(MLPVAE((1, 8, 8), 3, (8,)), Flow(net)).scale_to(_normal(30, 3) * 2 + 1, _normal(30, 3, seed=1))
    z = _normal(5, 3, seed=2)
    a = net.a.detach()
    root, one = torch.matrix_exp(a), torch.linalg.solve(a, torch.matrix_exp(a) - torch.eye(3))
    both = []
    for c in (0, 1):
        law = MultivariateNormal(one @ torch.full((3,), float(c)), root @ root.T)
        both.append(law.log_prob((z - model.centre) / model.spread) - model.spread.log().sum())
        told = prior_log_density(model, z, torch.full((5,), c), steps=40, probes=None)
        assert torch.allclose(told, both[c], atol=2e-3)
    mixed = prior_log_density(model, z, steps=40, probes=None)
    assert torch.allclose(mixed, torch.logsumexp(torch.stack(both), 0) - math.log(2), atol=2e-3)


@pytest.mark.usefixtures("as_readers_call")
def test_what_has_no_density_is_refused() -> None:
    with pytest.raises(ValueError, match="guidance is 2"):
        log_density(Flow(Linear(classes=2), guidance=2.0), _normal(2, 3))
    told, plain = Flow(Linear(classes=2)), Flow(Linear())
    for flow, x, y, message in (
        (told, _normal(2, 3), torch.tensor([0, 2]), "labels must lie from 0 to 1"),
        (told, _normal(2, 3), torch.tensor([0]), "2 images need 2 labels"),
        (plain, _normal(2, 3), torch.tensor([0, 0]), "not class-conditional"),
        (plain, _normal(3, 2), None, r"points of shape \(n, 3\), got \(3, 2\)"),
        (plain, [[1.0]], None, "the points must be a tensor"),
    ):
        with pytest.raises(ValueError, match=message):
            log_density(flow, x, y)  # type: ignore[arg-type]
    for bad in (_normal(3), _normal(2, 3).long()):
        with pytest.raises(ValueError, match=r"floats \(n, d\)"):
            log_prob(lambda x, t: x, bad)


@pytest.mark.parametrize("dims", [1, 2, 7])
@pytest.mark.parametrize("probes", [None, 3])
def test_stretched_and_moved_noise_has_its_closed_form(dims: int, probes: int | None) -> None:
    """x' = a x + b in float64: probes of signs are exact for a diagonal Jacobian, and a constant velocity spreads nothing."""
    x, b = _normal(4, dims).double(), torch.linspace(-1, 2, dims).double()
    for a in (torch.zeros(dims).double(), torch.linspace(-0.5, 0.8, dims).double() + 0.01):
        signs = None if probes is None else random_signs(x, probes, torch.Generator().manual_seed(1))
        move = (lambda y, t, a=a: a * y + b) if a.any() else (lambda y, t: b.expand_as(y))
        found = log_prob(move, x, 200, by=lambda v, y, t, signs=signs: divergence(v, y, t, signs))
        grown = torch.where(a == 0, b, b * torch.expm1(a) / torch.where(a == 0, 1.0, a))
        peer = torch.distributions.Normal(grown, a.exp()).log_prob(x).sum(1)
        assert found.dtype == torch.float64 and torch.allclose(found, peer, atol=1e-4)


def test_images_are_vectors_to_a_density() -> None:
    """A U-Net's density, exact and by many probes, which are right on average."""
    net = UNet((1, 8, 8), 4, 2)
    torch.manual_seed(0)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    flow, x = Flow(net.eval()), torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 1, 0])
    exact = log_density(flow, x, y, steps=4)
    assert exact.shape == (3,)
    torch.testing.assert_close(log_density(flow, x, y, steps=4, probes=400), exact, atol=1.0, rtol=0)
    assert not torch.allclose(exact, log_density(flow, x, 1 - y, steps=4), atol=1e-3)
