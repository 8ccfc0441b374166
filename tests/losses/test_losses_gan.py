"""GAN losses and penalties against closed forms, in float64."""

import inspect
import math

import jaxtyping
import pytest
import torch

from imggen_lib.losses import gan
from imggen_lib.models.gan import ConvCritic

LOG2 = math.log(2)
# at zero logits: critic, generator
AT_ZERO = {
    "minimax": (2 * LOG2, -LOG2),
    "non-saturating": (2 * LOG2, LOG2),
    "least-squares": (0.5, 0.5),
    "hinge": (2.0, 0.0),
    "wasserstein": (0.0, 0.0),
    "relativistic": (LOG2, LOG2),
}
# derivatives with respect to one real and one generated logit, at real = 1.5, generated = -0.5
S = lambda t: 1 / (1 + math.exp(-t))  # noqa: E731
SLOPES = {
    "minimax": ((-S(-1.5), S(-0.5)), (0.0, -S(-0.5))),
    "non-saturating": ((-S(-1.5), S(-0.5)), (0.0, -S(0.5))),
    "least-squares": ((0.5, -0.5), (0.0, -1.5)),
    "hinge": ((0.0, 1.0), (0.0, -1.0)),
    "wasserstein": ((-1.0, 1.0), (0.0, -1.0)),
    "relativistic": ((-S(-2.0), S(-2.0)), (S(2.0), -S(2.0))),
}


@pytest.mark.parametrize("loss", gan.ALL, ids=lambda loss: loss.name)
def test_value_at_zero_logits(loss: gan.GanLoss) -> None:
    zero = torch.zeros(5, dtype=torch.float64)
    assert loss.critic(zero, zero).item() == pytest.approx(AT_ZERO[loss.name][0], abs=1e-12)
    assert loss.generator(zero, zero).item() == pytest.approx(AT_ZERO[loss.name][1], abs=1e-12)


@pytest.mark.parametrize("loss", gan.ALL, ids=lambda loss: loss.name)
def test_slopes_tell_real_from_generated(loss: gan.GanLoss) -> None:
    """An asymmetric point: swapping the arguments, a sign or a factor changes a slope."""
    for side, expected in zip((loss.critic, loss.generator), SLOPES[loss.name], strict=True):
        real = torch.tensor([1.5], dtype=torch.float64, requires_grad=True)
        fake = torch.tensor([-0.5], dtype=torch.float64, requires_grad=True)
        slopes = torch.autograd.grad(side(real, fake), (real, fake), allow_unused=True, materialize_grads=True)
        assert [s.item() for s in slopes] == pytest.approx(list(expected), abs=1e-12)


@pytest.mark.parametrize("loss", gan.ALL, ids=lambda loss: loss.name)
def test_gradients_and_mean_over_the_batch(loss: gan.GanLoss) -> None:
    generator = torch.Generator().manual_seed(1)
    real = torch.randn(6, dtype=torch.float64, generator=generator, requires_grad=True)
    fake = torch.randn(6, dtype=torch.float64, generator=generator, requires_grad=True)
    for side in (loss.critic, loss.generator):
        assert torch.autograd.gradcheck(side, (real, fake))
        halves = (side(real[:3], fake[:3]) + side(real[3:], fake[3:])) / 2
        assert side(real, fake).item() == pytest.approx(halves.item(), abs=1e-12)


@pytest.mark.parametrize("loss", gan.ALL, ids=lambda loss: loss.name)
def test_paired_says_whether_the_generator_looks_at_real_logits(loss: gan.GanLoss) -> None:
    fake = torch.tensor([0.3, -0.7])
    different = loss.generator(torch.zeros(2), fake) != loss.generator(torch.ones(2), fake)
    assert loss.paired == bool(different)


@pytest.mark.parametrize("loss", gan.ALL, ids=lambda loss: loss.name)
def test_shape_mistakes_are_refused(loss: gan.GanLoss) -> None:
    column, row = torch.zeros(4, 1), torch.zeros(4)
    for side in (loss.critic, loss.generator):
        with pytest.raises(jaxtyping.TypeCheckError):
            side(column, row)
        plain = inspect.unwrap(side)  # as it is outside the tests, without the shape checker
        for real, fake in ((column, row), (column, column), (row, torch.zeros(3))):
            with pytest.raises(ValueError, match=r"shape \(n,\)"):
                plain(real, fake)


def test_no_overflow_for_a_sure_critic() -> None:
    big = torch.tensor([1e4])
    for loss in (gan.minimax, gan.non_saturating, gan.relativistic):
        for side in (loss.critic, loss.generator):
            assert torch.isfinite(side(big, -big)) and torch.isfinite(side(-big, big))


def test_minimax_gradient_vanishes_where_the_non_saturating_one_does_not() -> None:
    logits = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
    real = torch.zeros(1, dtype=torch.float64)
    (minimax,) = torch.autograd.grad(gan.minimax.generator(real, logits), logits)
    (other,) = torch.autograd.grad(gan.non_saturating.generator(real, logits), logits)
    assert abs(minimax.item()) < 1e-8 and other.item() == pytest.approx(-1, abs=1e-8)


def _linear(weight: torch.Tensor):  # type: ignore[no-untyped-def]
    return lambda x: (x * weight).flatten(1).sum(1)


def test_penalties_of_a_linear_critic() -> None:
    """A linear critic's gradient is its weight: R1 is the squared norm, the WGAN-GP penalty is (norm - 1) squared."""
    weight = torch.full((1, 2, 2), 1.5, dtype=torch.float64)  # norm 3
    x = torch.randn(4, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert gan.zero_centred_penalty(_linear(weight), x).item() == pytest.approx(9.0)
    t = torch.linspace(0, 1, 4, dtype=torch.float64)
    assert gan.gradient_penalty(_linear(weight), x, -x, t).item() == pytest.approx(4.0)


def test_gradient_penalty_looks_between_real_and_generated() -> None:
    """For the critic |x|^2 / 2 the gradient is x itself, so the penalty shows where it was taken."""
    critic = lambda x: 0.5 * x.square().flatten(1).sum(1)  # noqa: E731
    real, fake = torch.full((3, 1, 1, 1), 5.0), torch.full((3, 1, 1, 1), 2.0)
    t = torch.tensor([1.0, 0.0, 0.5])  # at 5, 2 and 3.5
    expected = (4.0**2 + 1.0**2 + 2.5**2) / 3
    assert gan.gradient_penalty(critic, real, fake, t).item() == pytest.approx(expected)


def test_penalty_reaches_the_critics_weights() -> None:
    torch.manual_seed(0)
    critic = ConvCritic((1, 8, 8), width=2)
    gan.zero_centred_penalty(critic, torch.rand(3, 1, 8, 8)).backward()
    assert all(p.grad is not None for name, p in critic.named_parameters() if "weight" in name)
    assert critic.logit.weight.grad is not None and critic.logit.weight.grad.abs().sum() > 0


def test_gradient_penalty_refuses_shapes_that_do_not_fit() -> None:
    plain = inspect.unwrap(gan.gradient_penalty)
    x = torch.zeros(3, 1, 2, 2)
    for real, fake, t in ((x, x[:2], torch.zeros(3)), (x, x, torch.zeros(2)), (x, x, torch.zeros(3, 1))):
        with pytest.raises(ValueError, match="shapes do not fit"):
            plain(_linear(torch.zeros(1, 2, 2)), real, fake, t)
