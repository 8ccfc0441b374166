"""The exact flow to a mixture, what velocities tell, and one-step methods in the plane."""

import inspect
import math

import pytest
import torch

from imggen_lib.metrics.energy import energy_distance
from imggen_lib.noise import generator_for
from imggen_lib.ode import integrate
from imggen_lib.theory import flow, plane
from imggen_lib.theory.mixture import Mixture

F64 = torch.float64


def _turned() -> flow.StraightFlow:
    """Two components in the plane with turned axes."""
    g = torch.Generator().manual_seed(0)
    roots = torch.randn(2, 2, 2, dtype=F64, generator=g)
    values, vectors = torch.linalg.eigh(roots @ roots.mT + 0.2 * torch.eye(2, dtype=F64))
    return flow.StraightFlow(
        Mixture(torch.tensor([0.3, 0.7], dtype=F64), torch.randn(2, 2, dtype=F64, generator=g), values, vectors)
    )


def test_at_both_ends_are_noise_and_data() -> None:
    exact, x = _turned(), torch.randn(20, 2, dtype=F64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(exact.log_prob(x, 0.0), -0.5 * x.square().sum(1) - math.log(2 * math.pi))
    torch.testing.assert_close(exact.log_prob(x), exact.data.log_prob(x))
    torch.testing.assert_close(exact.velocity(x, 0.0), exact.data.weights @ exact.data.means - x)


def test_the_flow_carries_noise_to_the_data_and_counts_the_density_on_the_way() -> None:
    exact = _turned()
    data = exact.data.sample(2000, torch.Generator().manual_seed(2))
    drawn = integrate(exact.velocity, torch.randn(2000, 2, dtype=F64, generator=torch.Generator().manual_seed(3)), 40)
    found = energy_distance(data, drawn)
    assert found.low < 0.002 and found.value < 0.01
    torch.testing.assert_close(flow.log_prob(exact.velocity, data[:50], 100), exact.log_prob(data[:50]), atol=2e-3, rtol=0)


def test_random_signs_give_the_divergence_on_average() -> None:
    exact, x = _turned(), torch.zeros(1, 2, dtype=F64).expand(4000, 2)
    v, truth = flow.divergence(exact.velocity, x[:1] + 0.3, 0.6)
    again, one = flow.hutchinson(torch.Generator().manual_seed(4))(exact.velocity, x + 0.3, 0.6)
    _, eight = flow.hutchinson(torch.Generator().manual_seed(5), 8)(exact.velocity, x + 0.3, 0.6)
    torch.testing.assert_close(again[:1], v)
    assert abs(one.mean() - truth) < 5 * one.std() / 4000**0.5 and one.std() > 0.1
    assert (one.var() / eight.var()).item() == pytest.approx(8, rel=0.2)


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_noise_on_the_way_leaves_the_distribution_as_it_is(strength: float) -> None:
    exact = _turned()
    data = exact.data.sample(3000, torch.Generator().manual_seed(6))
    start = torch.randn(3000, 2, dtype=F64, generator=torch.Generator().manual_seed(7))
    drawn = flow.stochastic(exact.velocity, start, 200, strength, torch.Generator().manual_seed(8))
    assert energy_distance(data, drawn).low < 0.004
    other = flow.stochastic(exact.velocity, start, 200, strength, torch.Generator().manual_seed(9))
    assert torch.equal(drawn, other) == (strength == 0)


def test_a_straight_time_has_the_diffusions_ratio_of_signal_to_noise() -> None:
    for keep in (0.1, 0.5, 0.99):
        t = flow.straight_time(keep)
        assert (t / (1 - t)) ** 2 == pytest.approx(keep / (1 - keep))
    assert flow.straight_time(0.0) == 0 and flow.straight_time(1.0) == 1


def test_what_makes_no_sense_is_refused_in_words() -> None:
    exact, x = _turned(), torch.zeros(3, 2, dtype=F64)
    with pytest.raises(ValueError, match="from 0, noise, to 1"):
        exact.velocity(x, 1.1)
    with pytest.raises(ValueError, match="no noise is left"):
        flow.score_from_velocity(x, x, 1.0)
    with pytest.raises(ValueError, match="probes"):
        flow.hutchinson(torch.Generator(), 0)
    with pytest.raises(ValueError, match="pairs of points"):
        inspect.unwrap(plane.reflow)(plane.Velocity(), torch.zeros(4, 2), torch.zeros(5, 2))


@pytest.fixture(scope="module")
def learned() -> tuple[torch.Tensor, plane.Velocity]:
    seen = plane.crescents().sample(3000, generator_for(0))
    return seen, plane.learn_velocity(seen, steps=1000)


def test_reflow_makes_paths_straight_and_one_step_enough(learned: tuple[torch.Tensor, plane.Velocity]) -> None:
    seen, first = learned
    second = plane.reflow(first, *plane.pairs_of(first, 6000), steps=600)
    noise = torch.randn(2000, 2, generator=generator_for(1))

    def bent(v: plane.Velocity) -> float:
        return flow.straightness(lambda x, t: plane.along(v, x, t), noise, 20)

    def distance(v: plane.Velocity) -> float:
        return energy_distance(seen, integrate(lambda x, t: plane.along(v, x, t), noise, 1, solver="euler")).value

    assert bent(first) > 0.3 > 0.01 > bent(second)
    assert distance(first) > 0.5 > 0.02 > distance(second)
    before, after = (torch.cat([w.flatten() for w in v.parameters()]) for v in (first, second))
    assert before.ne(after).any()  # the first one is left as it was


def test_mean_velocities_need_no_teacher_for_one_step(learned: tuple[torch.Tensor, plane.Velocity]) -> None:
    seen, _ = learned
    mean = plane.learn_mean_velocity(seen, steps=1000)
    noise = torch.randn(2000, 2, generator=generator_for(2))
    assert energy_distance(seen, mean.carry(noise)).value < 0.05
    assert torch.equal(mean.sample(5, generator_for(3)), mean.sample(5, generator_for(3)))
    same = torch.full((5, 1), 0.4)
    plain = mean(noise[:5], same, same)
    assert plain.shape == (5, 2) and (mean.carry(noise, 4) - mean.carry(noise)).abs().max() < 3
