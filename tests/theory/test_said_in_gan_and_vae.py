"""What the proofs and the pencil solutions of GAN and VAE mathematics say beside the numbered equations, by another route."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch import Tensor, distributions
from torch.distributions import Normal

from imggen_lib.losses import gan as losses
from imggen_lib.theory import dirac
from imggen_lib.theory import divergences as div
from imggen_lib.theory.linear_vae import rate_distortion

F64 = torch.float64


def test_three_real_images_for_each_generated_one_add_log_3_to_the_logit() -> None:
    p, q = torch.tensor([0.5, 0.3, 0.2], dtype=F64), torch.tensor([0.1, 0.3, 0.6], dtype=F64)
    a = torch.zeros(3, dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS([a], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        log_sigma = torch.nn.functional.logsigmoid
        loss = -(0.75 * p * log_sigma(a) + 0.25 * q * log_sigma(-a)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(a.detach(), (p / q).log() + math.log(3), atol=1e-5, rtol=0)
    assert torch.sigmoid(a[1]).item() == pytest.approx(0.75, abs=1e-5)  # p = q there


@pytest.mark.parametrize("s", [1.0, 0.3])
def test_three_rulers_for_a_shift(s: float) -> None:
    grid, theta = torch.linspace(-8, 9, 20_001, dtype=F64), 1.2
    p, q = div.normal_on(grid, 0.0, s), div.normal_on(grid, theta, s)
    kl = distributions.kl_divergence(Normal(0.0, s), Normal(theta, s)).item()
    assert kl == pytest.approx(theta**2 / (2 * s**2), rel=1e-6)
    assert div.wasserstein_1(grid, p, q).item() == pytest.approx(theta, rel=1e-4)


def test_holding_the_best_critic_fixed_matters_for_the_non_saturating_loss_alone() -> None:
    """The envelope theorem: the critic's own derivative drops out of the number that the critic itself maximises."""
    p = torch.tensor([0.5, 0.3, 0.2], dtype=F64)
    theta = torch.tensor([0.4, -0.3, 0.1], dtype=F64, requires_grad=True)

    def slope(kind: str, fixed: bool) -> Tensor:
        q = theta.softmax(0)
        d = p / (p + q.detach() if fixed else p + q)
        value = (p * d.log()).sum() + (q * (1 - d).log()).sum() if kind == "minimax" else -(q * d.log()).sum()
        (found,) = torch.autograd.grad(value, theta)
        return found

    torch.testing.assert_close(slope("minimax", fixed=True), slope("minimax", fixed=False), atol=1e-12, rtol=0)
    assert (slope("non-saturating", fixed=True) - slope("non-saturating", fixed=False)).norm() > 0.01


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_jacobian_of_the_dirac_gan(gamma: float) -> None:
    method, offsets = dirac.Method(losses.non_saturating, r1=gamma), 1e-5 * torch.eye(2, dtype=F64)
    jacobian = ((dirac.field(method, offsets) - dirac.field(method, -offsets)) / 2e-5).T
    expected = torch.tensor([[0, 0.5], [-0.5, -gamma]], dtype=F64)
    torch.testing.assert_close(jacobian, expected, atol=1e-7, rtol=0)


def test_steps_in_turns_neither_grow_nor_shrink_to_first_order() -> None:
    h, tiny = 0.3, 1e-6
    ends = [
        dirac.trajectory(dirac.Method(losses.non_saturating), start, 1, h, alternating=True)[-1] / tiny
        for start in ((tiny, 0.0), (0.0, tiny))
    ]
    step = torch.stack(ends, 1)
    assert torch.linalg.det(step).item() == pytest.approx(1, abs=1e-9)
    assert step.trace().item() == pytest.approx(2 - h**2 / 4, abs=1e-9)
    assert torch.linalg.eigvals(step).abs().tolist() == pytest.approx([1, 1], abs=1e-6)


def test_the_wasserstein_dirac_gan_with_r1_is_fastest_at_2() -> None:
    def slowest(gamma: float) -> float:
        return dirac.eigenvalues(dirac.Method(losses.wasserstein, r1=gamma)).real.max().item()

    for gamma in (0.5, 1.0, 3.0):
        root = complex(gamma**2 - 4) ** 0.5
        assert slowest(gamma) == pytest.approx(((-gamma + root) / 2).real, abs=1e-6)
        assert slowest(2.0) < slowest(gamma) - 0.1
    assert slowest(2.0) == pytest.approx(-1, abs=1e-4)


def test_one_point_in_ninety_lies_outside_its_mode() -> None:
    ring = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0))
    assert 1 / (ring.norm(dim=1) > 3).double().mean().item() == pytest.approx(90, rel=0.05)


def test_the_gap_of_jensen_is_half_the_variance_of_log_w() -> None:
    for tau in (0.2, 1.3):
        mean = quad(lambda y, t=tau: math.exp(y - y * y / (2 * t * t)) / (t * math.sqrt(2 * math.pi)), -15, 25)[0]
        assert math.log(mean) == pytest.approx(tau**2 / 2, rel=1e-8)
    uniform = 0.3 * math.sqrt(12) / 2  # y uniform between minus and plus this has the standard deviation 0.3
    gap = math.log(math.sinh(uniform) / uniform)
    assert gap == pytest.approx(0.3**2 / 2, rel=0.02)


def test_too_wide_a_guess_is_dearer_than_too_narrow_a_one() -> None:
    def formula(m1: float, s1: float, m2: float, s2: float) -> float:
        return math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5

    for case in ((0.3, 0.7, -1.0, 1.4), (2.0, 1.5, 0.0, 1.0)):
        truth = distributions.kl_divergence(Normal(case[0], case[1]), Normal(case[2], case[3])).item()
        assert formula(*case) == pytest.approx(truth, rel=1e-6)
    narrow, wide = formula(0, 0.5, 0, 1), formula(0, 2, 0, 1)
    assert (round(narrow, 3), round(wide, 3)) == (0.318, 0.807)


def test_water_in_two_tanks() -> None:
    values = torch.tensor([4.0, 1.0], dtype=F64)
    for t in (0.05, 0.5, 0.999, 1.001, 2.0, 3.9):
        rate, error = rate_distortion(values, t)
        expected = math.log(4 / error) if error <= 2 else 0.5 * math.log(4 / (error - 1))
        assert rate == pytest.approx(expected, abs=1e-9)
        (above, error_above), (below, error_below) = rate_distortion(values, t + 1e-6), rate_distortion(values, t - 1e-6)
        assert (above - below) / (error_above - error_below) == pytest.approx(-1 / (2 * t), rel=1e-4)
    assert rate_distortion(values, 1.0) == pytest.approx((math.log(2), 2.0))
    assert rate_distortion(values, 4.0) == pytest.approx((0.0, 5.0))


def test_squared_shares_give_the_gradient_of_the_bound() -> None:
    """Two draws, by quadrature over both: the slope of the bound in mu against the doubly reparameterised form."""
    ticks = torch.linspace(-7, 7, 401, dtype=F64)
    first, second = torch.meshgrid(ticks, ticks, indexing="ij")
    eps = torch.stack([first, second])
    density = Normal(torch.zeros((), dtype=F64), 1.0).log_prob(eps).sum(0).exp() * (ticks[1] - ticks[0]) ** 2

    def log_w(mu: Tensor, noise: Tensor) -> Tensor:
        z = mu + 0.8 * noise
        return -0.5 * (2 - z) ** 2 - 0.5 * z**2 - Normal(mu, 0.8).log_prob(z)

    mu = torch.tensor(0.3, dtype=F64, requires_grad=True)
    bound = (density * (log_w(mu, eps).logsumexp(0) - math.log(2))).sum()
    (truth,) = torch.autograd.grad(bound, mu)
    z = (mu.detach() + 0.8 * eps).requires_grad_(True)
    at_z = -0.5 * (2 - z) ** 2 - 0.5 * z**2 - Normal(mu.detach(), 0.8).log_prob(z)
    (path,) = torch.autograd.grad(at_z.sum(), z)
    share = at_z.detach().softmax(0)
    assert (density * (share**2 * path).sum(0)).sum().item() == pytest.approx(truth.item(), rel=1e-8)
