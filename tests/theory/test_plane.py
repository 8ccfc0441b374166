"""Six methods that learn one data set in the plane: densities are densities, and what was learned is better than a Gaussian."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from imggen_lib.metrics.energy import energy_distance
from imggen_lib.noise import generator_for
from imggen_lib.theory import plane
from imggen_lib.theory.plane import exact, parts

TARGET = plane.crescents()
LEARN: dict[str, tuple[Callable[..., Any], int]] = {
    "flow": (plane.learn_flow, 600),
    "autoregressive": (plane.learn_autoregressive, 300),
    "VAE": (plane.learn_vae, 600),
    "GAN": (plane.learn_gan, 350),
    "denoiser": (plane.learn_denoiser, 500),
    "flow matching": (plane.learn_velocity, 500),
}
DENSE = ("flow", "autoregressive", "VAE", "flow matching")


@pytest.fixture(scope="module")
def points() -> Tensor:
    return TARGET.sample(4000, generator_for(1))


@pytest.fixture(scope="module")
def learned(points: Tensor) -> dict[str, Any]:
    return {name: learn(points, steps=steps) for name, (learn, steps) in LEARN.items()}


def lattice(limit: float, side: int) -> tuple[Tensor, float]:
    line = torch.linspace(-limit, limit, side)
    return torch.cartesian_prod(line, line), float(line[1] - line[0]) ** 2


def test_the_data_have_mean_0_variance_1_and_a_density(points: Tensor) -> None:
    assert points.mean(0).abs().max() < 0.06 and (points.var(0) - 1).abs().max() < 0.06
    places, area = lattice(4, 201)
    assert (TARGET.log_prob(places).exp().sum() * area).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", LEARN)
def test_every_method_is_better_than_a_gaussian(name: str, points: Tensor, learned: dict[str, Any]) -> None:
    held_out = TARGET.sample(1500, generator_for(2))
    gaussian = plane.learn_gaussian(points)
    baseline = energy_distance(held_out, gaussian.sample(1500, generator_for(3)))
    found = energy_distance(held_out, learned[name].sample(1500, generator_for(3)))
    assert baseline.low > 0.01 and found.value < 0.6 * baseline.value
    if name in DENSE:
        better = learned[name].log_prob(held_out).mean() - gaussian.log_prob(held_out).mean()
        assert better > 0.2


def test_no_likelihood_is_better_than_the_truth(learned: dict[str, Any]) -> None:
    """The difference of the mean log-likelihoods is a divergence, which is not negative."""
    held_out = TARGET.sample(3000, generator_for(4))
    truth = TARGET.log_prob(held_out)
    for name in DENSE:
        lost = truth - learned[name].log_prob(held_out)
        assert lost.mean() > -3 * lost.std() / 3000**0.5, name


@pytest.mark.parametrize("name", DENSE)
def test_densities_integrate_to_1(name: str, learned: dict[str, Any]) -> None:
    places, area = lattice(5, 121)
    options = {"VAE": {"side": 61}, "flow matching": {"steps": 20}}.get(name, {})
    assert (learned[name].log_prob(places, **options).exp().sum() * area).item() == pytest.approx(1, abs=0.01)


def test_the_flow_is_invertible_and_its_determinant_is_autograds(learned: dict[str, Any]) -> None:
    flow = learned["flow"]
    z = torch.randn(50, 2, generator=generator_for(5))
    x, log_det = flow(z)
    back, same = flow.inverse(x)
    torch.testing.assert_close(back, z, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(same, log_det, atol=1e-3, rtol=1e-3)
    for k in range(10):
        jacobian = torch.autograd.functional.jacobian(lambda one: flow(one[None])[0][0], z[k])
        assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(log_det[k].item(), abs=1e-3)


def test_samples_and_density_of_logistics_agree() -> None:
    raw = torch.tensor([[[0.3, -0.2]], [[-1.0, 1.5]], [[-1.0, -0.5]]])
    few = (torch.log_softmax(raw[0], 1), raw[1], raw[2])
    line = torch.linspace(-12, 12, 4001)
    wide = tuple(part.expand(4001, -1) for part in few)
    density = exact.logistics_log_prob(line, (wide[0], wide[1], wide[2])).exp()
    assert torch.trapezoid(density, line).item() == pytest.approx(1, abs=1e-3)
    many = tuple(part.expand(50_000, -1) for part in few)
    drawn = exact.logistics_sample((many[0], many[1], many[2]), generator_for(6))
    for at in (-1.0, 0.2, 1.5):
        below = torch.trapezoid(density * (line <= at), line).item()
        assert (drawn <= at).double().mean().item() == pytest.approx(below, abs=0.01)


def test_the_vaes_bound_lies_below_what_quadrature_gives(learned: dict[str, Any]) -> None:
    held_out = TARGET.sample(500, generator_for(7))
    bounds = torch.stack([learned["VAE"].bound(held_out, generator_for(8, k)) for k in range(100)]).mean(0)
    gap = learned["VAE"].log_prob(held_out) - bounds
    assert 0 < gap.mean() < 1 and (gap > -0.3).all()
    drawn = learned["VAE"].decoder(torch.randn(100_000, 2, generator=generator_for(9)))
    by_chance = learned["VAE"]._log_likelihood(held_out[:20, None], drawn).logsumexp(1) - torch.log(torch.tensor(100_000.0))
    torch.testing.assert_close(learned["VAE"].log_prob(held_out[:20]), by_chance, atol=0.1, rtol=0)


def test_the_denoiser_has_learned_what_the_formula_says(learned: dict[str, Any]) -> None:
    """Tweedie's formula for the true density is the oracle; a network that had learned nothing would miss by the whole of it."""
    clean = TARGET.sample(2000, generator_for(10))
    for keep, most in ((0.3, 0.3), (0.7, 0.3), (0.95, 1)):
        noisy = keep**0.5 * clean + (1 - keep) ** 0.5 * torch.randn(2000, 2, generator=generator_for(11))
        true, said = TARGET.denoised(noisy, keep), learned["denoiser"].denoised(noisy, keep)
        shrunk = keep**0.5 * noisy  # the best that a Gaussian of variance 1 says
        assert (said - true).square().mean() < most * (shrunk - true).square().mean()


@pytest.mark.parametrize("name", LEARN)
def test_a_training_is_what_its_seed_says(name: str, points: Tensor) -> None:
    learn = LEARN[name][0]
    before = torch.random.get_rng_state()
    drawn = [learn(points, steps=5, seed=seed).sample(20, generator_for(12)) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert isinstance(learn(points, steps=1), plane.Draws)


def test_what_is_no_set_of_points_is_refused(points: Tensor) -> None:
    with pytest.raises(ValueError, match="points in the plane"):
        inspect.unwrap(parts.checked)(torch.zeros(5, 3), 10)
    with pytest.raises(ValueError, match="steps"):
        plane.learn_flow(points, steps=0)
    with pytest.raises(ValueError):
        plane.learn_vae(torch.full((9, 2), float("nan")))
