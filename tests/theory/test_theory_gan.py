"""Divergences, the Dirac-GAN, the ring and its modes: properties that the equations' tests do not reach."""

import inspect

import pytest
import torch

from imggen_lib.data.toy import Ring
from imggen_lib.losses import gan as losses
from imggen_lib.measured import measured, names
from imggen_lib.metrics.modes import modes_found
from imggen_lib.noise import generator_for
from imggen_lib.theory import dirac
from imggen_lib.theory import divergences as div

F64 = torch.float64


def test_divergences_are_zero_for_equal_distributions_and_infinite_where_they_must() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0], dtype=F64), torch.tensor([0.2, 0.0, 0.8], dtype=F64)
    assert div.kl(p, p) == 0 and div.js(p, p) == 0 and div.total_variation(p, p) == 0
    assert div.kl(p, q) == torch.inf and torch.isfinite(div.js(p, q))
    assert div.optimal_discriminator(p, q).tolist() == pytest.approx([0.5 / 0.7, 1, 0])
    nothing = torch.tensor([1.0, 0.0], dtype=F64)
    assert div.optimal_discriminator(nothing, nothing).tolist() == [0.5, 0.5]


def test_far_normals_have_no_nan() -> None:
    grid = torch.linspace(-50, 50, 2001, dtype=F64)
    for mean in (0.1, 1.0, 40.0):
        p, q = div.normal_on(grid, -mean, 0.3), div.normal_on(grid, mean, 0.3)
        assert torch.isfinite(div.js(p, q)) and div.js(p, q) <= torch.tensor(2.0, dtype=F64).log() + 1e-12
        assert div.wasserstein_1(grid, p, q).item() == pytest.approx(2 * mean, rel=1e-6)


def test_the_order_of_the_arguments_matters() -> None:
    grid = torch.linspace(-6, 6, 601, dtype=F64)
    p, q = div.normal_on(grid, 0.0, 1.0), div.normal_on(grid, 1.0, 0.5)
    assert div.kl_forward(p, q).item() == pytest.approx(div.kl(p, q).item())
    assert div.kl_reverse(p, q).item() == pytest.approx(div.kl(q, p).item())
    assert abs(div.kl_forward(p, q) - div.kl_reverse(p, q)) > 0.1
    assert div.gan(p, q).item() == pytest.approx(2 * div.js(p, q).item())


def test_what_is_no_distribution_is_refused() -> None:
    half = torch.tensor([0.5, 0.5], dtype=F64)
    for bad in (torch.tensor([0.5, 0.6], dtype=F64), torch.tensor([1.5, -0.5], dtype=F64)):
        with pytest.raises(ValueError, match="sum to 1"):
            inspect.unwrap(div.kl)(half, bad)
    with pytest.raises(ValueError, match="same k points"):
        inspect.unwrap(div.kl)(half, torch.ones(1, dtype=F64))


def test_which_methods_settle() -> None:
    """The paper's table: circles without a penalty, in turns; R1 and R2 arrive; the gradient penalty does not."""

    def end(method: dirac.Method) -> float:
        return dirac.trajectory(method, (0.3, 0.4), 250, 0.2, alternating=True)[-1].norm().item()

    assert 0.3 < end(dirac.Method(losses.wasserstein)) < 0.7
    assert end(dirac.Method(losses.wasserstein, gp=1.0)) > 0.5
    for penalty in ({"r1": 0.5}, {"r2": 0.5}):
        assert end(dirac.Method(losses.wasserstein, **penalty)) < 1e-4
        for loss in (losses.non_saturating, losses.wasserstein, losses.hinge, losses.relativistic):
            assert dirac.eigenvalues(dirac.Method(loss, r1=0.5)).real.max() < -0.2


def test_games_side_by_side_know_nothing_of_each_other() -> None:
    points = torch.tensor([[0.3, -0.7], [1.1, 0.2], [-0.4, 0.9]], dtype=F64)
    for loss in losses.ALL:
        method = dirac.Method(loss, r1=0.3, r2=0.2, gp=0.5)
        together = dirac.field(method, points)
        assert torch.allclose(together, torch.cat([dirac.field(method, p[None]) for p in points]), rtol=1e-10)


def test_the_ring_is_where_it_should_be() -> None:
    ring = Ring(modes=5, radius=0.6, sigma=0.01)
    points, which = ring.sample(5000, generator_for(0))
    assert points.shape == (5000, 2, 1, 1)
    offsets = points.view(-1, 2) - ring.centres[which]
    assert offsets.std().item() == pytest.approx(0.01, rel=0.05)
    assert ring.centres.norm(dim=1).tolist() == pytest.approx([0.6] * 5)
    batches = list(ring.batches(128, images=300, seed=1))
    assert [len(x) for x, _ in batches] == [128, 128, 44]
    assert torch.equal(batches[1][0], list(ring.batches(128, images=300, seed=1))[1][0])
    assert not torch.equal(batches[0][0], batches[1][0])
    with pytest.raises(ValueError, match="a ring needs"):
        Ring(radius=0.99)


def test_modes_are_counted() -> None:
    ring = Ring()
    real, _ = ring.sample(4000, generator_for(2))
    counted = modes_found(real.view(-1, 2), ring.centres, ring.sigma)
    assert counted.found == 8 and counted.near == pytest.approx(1 - 0.0111, abs=0.006)
    one = ring.centres[3] + ring.sigma * torch.randn(1000, 2, generator=generator_for(3))
    assert modes_found(one, ring.centres, ring.sigma).found == 1
    assert modes_found(torch.zeros(1000, 2), ring.centres, ring.sigma)[:2] == (0, 0.0)
    few = torch.cat([one, ring.centres[:1].repeat(11, 1)])  # 1.1 % of the points, less than a tenth of an eighth
    assert modes_found(few, ring.centres, ring.sigma).found == 1
    with pytest.raises(ValueError, match="NaN"):
        modes_found(one * torch.nan, ring.centres, ring.sigma)
    with pytest.raises(ValueError, match="too few"):
        modes_found(one[:9], ring.centres, ring.sigma)


def test_records_say_how_they_were_made() -> None:
    assert "ring" in names()
    for name in names():
        record = measured(name)
        assert {"command", "protocol", "versions", "machine"} <= record.keys(), name
    with pytest.raises(ValueError, match="unknown record"):
        measured("rings")


def test_arrays_wrong_grids_and_impossible_widths_are_refused() -> None:
    grid = torch.linspace(-1, 1, 5, dtype=torch.float64)
    p = div.normal_on(grid, 0.0, 0.5)
    for f in (div.kl, div.js, div.total_variation, div.optimal_discriminator):
        for arguments in ((p.numpy(), p), (p, p.tolist())):
            with pytest.raises(ValueError, match="must be a tensor"):
                inspect.unwrap(f)(*arguments)
    for bad in (grid.flip(0), grid[:4]):
        with pytest.raises(ValueError, match="rising"):
            inspect.unwrap(div.wasserstein_1)(bad, p, p)
    for sigma in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="sigma"):
            div.normal_on(grid, 0.0, sigma)


def test_the_dirac_gan_s_field_is_the_same_where_gradients_are_off() -> None:
    method, points = dirac.Method(losses.non_saturating, r1=1.0), torch.eye(2)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            found = dirac.field(method, points)
        assert torch.equal(found, dirac.field(method, points))
