"""Colours: the ratio holds for every hue, hue and chroma are kept, nothing is darker than it has to be."""

import pytest
from coloraide import Color

from imggen_lib.applications.campaign import palette as p


def _oklch(rgb: p.Rgb) -> Color:
    return Color("srgb", [c / 255 for c in rgb]).convert("oklch")


@pytest.mark.parametrize("hue", range(0, 360, 9))
def test_every_hue_meets_the_ratios(hue: int) -> None:
    made = p.palette(hue)
    assert p.contrast(made.ink, made.paper) >= 4.5 and p.contrast(made.dots, made.panel) >= 3
    assert p.contrast(made.button, made.button_text) >= 4.5 and made.button_text == made.paper
    assert p.contrast(made.ink, (255, 255, 255)) >= 3


@pytest.mark.parametrize("hue", range(0, 360, 45))
@pytest.mark.parametrize("ratio", [3.0, 4.5, 7.0])
def test_solved_keeps_hue_and_is_no_darker_than_needed(hue: int, ratio: float) -> None:
    ground = (250, 245, 235)
    found = p.solved(0.9, 0.1, hue, (ground,), ratio)
    assert ratio <= p.contrast(found, ground) <= ratio * 1.03
    colour = _oklch(found)
    assert abs((colour["hue"] - hue + 180) % 360 - 180) < 3 and colour["chroma"] <= 0.106
    lighter = p.oklch(colour["lightness"] + 0.01, 0.1, hue)
    assert p.contrast(lighter, ground) < ratio


def test_a_colour_that_is_dark_enough_stays() -> None:
    assert p.solved(0.3, 0.05, 200, ((255, 255, 255),), 4.5) == p.oklch(0.3, 0.05, 200)


def test_what_cannot_be_met_is_refused() -> None:
    with pytest.raises(ValueError, match="not even black"):
        p.solved(0.5, 0.1, 0, ((60, 60, 60),), 4.5)
    with pytest.raises(ValueError, match="between 1 and 21"):
        p.solved(0.5, 0.1, 0, ((255, 255, 255),), 30)


def test_chroma_is_lowered_where_the_screen_ends_and_hue_is_kept() -> None:
    for hue in range(0, 360, 30):
        colour = _oklch(p.oklch(0.6, 0.4, hue))
        assert abs((colour["hue"] - hue + 180) % 360 - 180) < 3 and colour["lightness"] == pytest.approx(0.6, abs=0.01)
        more = Color("oklch", [0.6, colour["chroma"] + 0.01, hue])
        assert not more.in_gamut("srgb", tolerance=0)


def test_equal_lightness_is_not_equal_luminance() -> None:
    found = [p.contrast(made.button, made.button_text) for made in map(p.equal_lightness, range(0, 360, 5))]
    assert min(found) < 2.5 < 4.5 < max(found)


def test_random_palettes_are_their_seed_s() -> None:
    assert p.random_palette(3) == p.random_palette(3) != p.random_palette(4)
