"""Drawn textures, random filters, and the loop that optimises pixels."""

import inspect
import itertools

import pytest
import torch

from imggen_lib.data.textures import TEXTURES, texture
from imggen_lib.errors import TrainingDiverged
from imggen_lib.losses.image import gram
from imggen_lib.models.texture import Palette, RandomFilters
from imggen_lib.train.pixels import optimise_pixels, style_objective, synthesise, texture_objective


@pytest.mark.parametrize("name", TEXTURES)
def test_textures_are_colour_images_that_tile_and_depend_on_the_seed(name: str) -> None:
    x = texture(name, 64)
    assert x.shape == (1, 3, 64, 64) and x.abs().max() <= 1 and x.std() > 0.1
    assert torch.equal(x, texture(name, 64)) and not torch.equal(x, texture(name, 64, seed=1))
    inner = [(x - x.roll(1, axis)).abs().mean((0, 1, 5 - axis)) for axis in (2, 3)]
    for steps in inner:  # the step from the last row to the first is no larger than the steps inside
        assert steps[0] <= steps[1:].max() + 1e-6


def test_a_texture_does_not_disturb_the_global_random_numbers() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    texture("pebbles", 32)
    assert torch.rand(1) == expected


def test_a_palette_makes_colours_uncorrelated_and_goes_back() -> None:
    x = texture("weave", 64)
    palette = Palette.of(x, floor=0.0)
    colours = palette.units(x).flatten(2)[0]
    torch.testing.assert_close(torch.cov(colours), torch.eye(3), rtol=0, atol=0.02)
    torch.testing.assert_close(palette.pixels(palette.units(x)), x, rtol=0, atol=1e-4)


def test_filters_move_with_the_image() -> None:
    filters, x = RandomFilters(filters=5, levels=3), texture("pebbles", 32)
    for a, b in zip(filters(x.roll(16, 3)), filters(x), strict=True):
        torch.testing.assert_close(gram(a), gram(b), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(a, b.roll(16 * b.shape[3] // 32, 3), rtol=1e-4, atol=1e-5)


def test_filters_have_no_mean_and_no_training() -> None:
    filters = RandomFilters(filters=6, size=5, seed=3)
    assert not list(filters.parameters())
    assert filters.filters.mean((2, 3)).abs().max() < 1e-6
    torch.testing.assert_close(filters.filters.flatten(1).norm(dim=1), torch.ones(6))
    assert torch.equal(filters.filters, RandomFilters(filters=6, size=5, seed=3).filters)
    assert not torch.equal(filters.filters, RandomFilters(filters=6, size=5, seed=4).filters)


def test_adapted_responses_have_size_one_on_every_lively_level() -> None:
    x = texture("pebbles", 64)
    filters = RandomFilters(filters=16, levels=3, pool=1).adapt(x, floor=0.0)
    for maps in filters(x):
        assert maps.shape[1] == 16 + 3 + 1 and torch.equal(maps[:, -1], torch.ones_like(maps[:, -1]))
        assert maps[:, :16].square().mean().sqrt().item() == pytest.approx(1, rel=1e-4)


def test_small_images_have_fewer_levels() -> None:
    filters = RandomFilters(filters=4, levels=5, pool=1)
    assert [m.shape[2] for m in filters(torch.zeros(1, 3, 24, 24))] == [24, 12, 6]


def test_optimising_a_quadratic_finds_its_minimum() -> None:
    torch.manual_seed(0)
    x, goal = torch.randn(1, 1, 6, 6), torch.randn(1, 1, 6, 6)
    weights = torch.linspace(1, 30, 36).view(1, 1, 6, 6)
    records = list(optimise_pixels(x, lambda y: (weights * (y - goal).square()).sum(), images=120))
    torch.testing.assert_close(x, goal, rtol=0, atol=1e-3)
    assert not x.requires_grad and records[-1]["images"] >= 120 > records[-2]["images"]
    assert all(b["images"] > a["images"] for a, b in itertools.pairwise(records))


def test_synthesis_lowers_the_loss_keeps_the_range_and_repeats() -> None:
    target = texture("bricks", 32)

    def run(seed: int) -> list[dict]:
        return list(synthesise(target, RandomFilters(filters=8, levels=3), images=40, seed=seed))

    first, again, other = run(0), run(0), run(1)
    assert first[-1]["image"].shape == target.shape and first[-1]["image"].abs().max() <= 1
    assert first[0]["image"].shape[2] == 16  # coarse to fine
    assert torch.equal(first[-1]["image"], again[-1]["image"])
    assert not torch.equal(first[-1]["image"], other[-1]["image"])
    assert first[-1]["loss"] < 0.1


def test_the_texture_itself_has_loss_zero_and_shuffled_blocks_of_it_do_not() -> None:
    target = texture("weave", 32)
    palette, filters = Palette.of(target), RandomFilters(filters=8, levels=2)
    objective = texture_objective(target, filters, palette)
    units = palette.units(target)
    shuffled = units.flatten(2)[:, :, torch.randperm(1024, generator=torch.Generator().manual_seed(0))].view_as(units)
    assert objective(units).item() < 1e-6 < 0.02 < objective(shuffled).item()
    torch.testing.assert_close(objective(units.roll((8, 4), (2, 3))), objective(units), rtol=0, atol=1e-5)


def test_style_weighs_two_terms() -> None:
    content, style = texture("pebbles", 32), texture("bricks", 32)
    palette, filters = Palette.of(style), RandomFilters(filters=8, levels=2)
    units = palette.units(content)
    assert style_objective(content, style, filters, palette, weight=0.0)(units).item() < 1e-9
    one, two = (style_objective(content, style, filters, palette, weight=w)(units).item() for w in (1.0, 2.0))
    assert two == pytest.approx(2 * one) and one > 0.01


def test_an_objective_that_is_not_finite_stops_the_loop() -> None:
    with pytest.raises(TrainingDiverged, match="loss"):
        list(optimise_pixels(torch.zeros(1, 1, 3, 3), lambda y: y.sum() + float("nan"), images=5))


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="texture"):
        texture("wool")
    with pytest.raises(ValueError, match="at least 16"):
        texture("bricks", 8)
    with pytest.raises(ValueError, match="odd size"):
        RandomFilters(size=4)
    with pytest.raises(ValueError, match="floats"):
        next(inspect.unwrap(optimise_pixels)(torch.zeros(1, 1, 3, 3, dtype=torch.int64), lambda y: y.sum(), images=5))
