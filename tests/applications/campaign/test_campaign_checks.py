"""Checks: a good banner passes, and each way to spoil one is noticed in the pixels of its file."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.applications.campaign import checks, export, render
from imggen_lib.applications.campaign.layout import Box, lay_out
from imggen_lib.applications.campaign.palette import Palette, contrast, palette
from imggen_lib.applications.campaign.sizes import SIZES, size

INK = np.zeros((2, 28, 28))
INK[:, 4:24, 8:20] = 0.8
MPU = size("300x250")


def banner(colours: Palette | None = None, scale: int = 1, name: str = "300x250") -> render.Banner:
    one = size(name)
    layout = lay_out(one.width, one.height, "Nobody has worn this", render.measure)
    return render.render(layout, colours or palette(30), INK, scale)


def verdict(name: str, found: list[checks.Verdict]) -> checks.Verdict:
    return next(v for v in found if v.name == name)


@pytest.mark.parametrize("name", [*(one.name for one in SIZES), "300x250 twice", "320x50 twice"])
def test_every_size_passes(name: str) -> None:
    name, scale = name.split()[0], 1 + name.endswith("twice")
    found = checks.check(banner(scale=scale, name=name), size(name))
    assert checks.all_passed(found), [v for v in found if not v.passed]
    assert not checks.all_passed(found[:-1]) and not checks.all_passed([])


def test_the_contrast_in_the_file_is_the_palette_s() -> None:
    made = banner()
    light = checks.luminances(checks.decoded(render.png(made)))
    for name, (a, b) in {"headline 1": (made.palette.ink, made.palette.paper), "button": made.palette[4:6]}.items():
        assert checks.low_contrast(light, made.masks[name], checks.NEAR) == pytest.approx(contrast(a, b), rel=1e-6)


def test_pale_type_and_pale_dots_fail() -> None:
    colours = palette(30)
    pale = checks.check(banner(colours._replace(ink=(200, 190, 190))), MPU)
    assert not verdict("contrast", pale).passed and not verdict("border", pale).passed
    assert not verdict("picture", checks.check(banner(colours._replace(dots=(230, 160, 150))), MPU)).passed
    assert not verdict("contrast", checks.check(banner(colours._replace(button=(240, 200, 80))), MPU)).passed


def test_a_patterned_ground_is_noticed() -> None:
    """Stripes as dark as the type behind part of a headline: the palette is as good as before, the pixels are not."""
    made = banner()
    pixels = made.pixels.copy()
    ground = made.masks["headline 1"] == 0
    stripes = np.zeros_like(ground)
    stripes[90:130:3, 10:150] = True
    pixels[ground & stripes] = (90, 60, 60)
    spoiled = made._replace(pixels=pixels)
    found = verdict("contrast", checks.check(spoiled, MPU, render.png(spoiled)))
    assert not found.passed and found.value < 0.7


def test_large_type_needs_less() -> None:
    assert checks.text_bar(18) == 4.5 and checks.text_bar(19) == 3.0


def test_type_that_is_cut_off_or_too_near_the_edge_fails() -> None:
    made = banner()
    line = made.layout.headline[0]
    for x in (-4, -1, 280):
        moved = made.layout._replace(headline=(line._replace(x=x),))
        assert not verdict("whole", checks.check(render.render(moved, made.palette, INK), MPU)).passed, x


def test_type_on_the_picture_on_type_or_beyond_its_button_fails() -> None:
    made = banner()
    line, layout = made.layout.headline[0], made.layout
    assert layout.button is not None and layout.button_text is not None
    spoiled = [
        layout._replace(headline=(line._replace(x=layout.picture.x - 20),)),
        layout._replace(headline=(line, line._replace(y=line.y + 5))),
        layout._replace(button=Box(*layout.button[:2], layout.button.w - 20, layout.button.h)),
    ]
    for one in spoiled:
        found = verdict("apart", checks.check(render.render(one, made.palette, INK), MPU))
        assert not found.passed and found.value > 5


def test_small_type_fails() -> None:
    made = banner()
    line = made.layout.headline[0]
    small = made.layout._replace(headline=(line._replace(px=8),))
    found = verdict("legible", checks.check(render.render(small, made.palette, INK), MPU))
    assert not found.passed and "headline 1" in found.words


def test_a_missing_border_a_wrong_size_and_a_heavy_file_fail() -> None:
    made = banner()
    pixels = made.pixels.copy()
    pixels[0, 40:50] = made.palette.paper
    bare = made._replace(pixels=pixels)
    assert not verdict("border", checks.check(bare, MPU, render.png(bare))).passed
    assert [v.name for v in checks.check(made, size("970x250"))] == ["size"]
    assert not checks.check(made, size("970x250"))[0].passed
    noise = np.random.default_rng(0).integers(0, 256, made.pixels.shape, dtype=np.uint8)
    heavy = verdict("weight", checks.check(made._replace(pixels=noise), MPU))
    assert heavy.passed is False and heavy.value > 1 and "of 150 kB" in heavy.words


def test_no_picture_fails() -> None:
    made = banner()
    empty = render.render(made.layout, made.palette, np.zeros((1, 28, 28)))
    assert not verdict("picture", checks.check(empty, MPU)).passed


def test_the_file_is_lossless_and_has_few_colours() -> None:
    made = banner(scale=2)
    content = render.png(made)
    assert (checks.decoded(content) == made.pixels).all()
    assert len(np.unique(made.pixels.reshape(-1, 3), axis=0)) < 120
    assert Image.open(io.BytesIO(content)).mode == "P"
    noise = made._replace(pixels=np.random.default_rng(0).integers(0, 256, made.pixels.shape, dtype=np.uint8))
    assert (checks.decoded(render.png(noise)) == noise.pixels).all()


def test_enlarged_pixels_are_what_they_were() -> None:
    image = np.random.default_rng(0).random((28, 28))
    made = render.enlarged_pixels(image, 56, 56, (0, 0, 56, 56))
    np.testing.assert_allclose(made[::2, ::2], image, atol=1 / 32 + 1e-9)
    assert (made[::2] == made[1::2]).all() and render.enlarged_pixels(image, 80, 56, (0, 0, 56, 56))[:, 56:].sum() == 0


def test_ink_is_what_is_bright_without_haze() -> None:
    images = torch.tensor([-1.0, -0.95, 0.0, 1.0]).reshape(1, 1, 2, 2)
    assert render.ink(images).tolist() == [[[0.0, 0.0], [0.5, 1.0]]]
    with pytest.raises(ValueError, match="grey images"):
        render.ink(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="1, 2 or 3"):
        banner(scale=4)


def test_random_colours_are_refused_in_words_and_nothing_is_written(tmp_path: object) -> None:
    from imggen_lib.applications.campaign.palette import random_palette

    pieces = export.campaign("Sale", INK, 0, colours=random_palette(0), scales=(1,))
    assert export.refused(pieces)
    path = tmp_path / "campaign.zip"  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"checks failed, nothing was written; 1x/"):
        export.save_campaign(path, pieces, "Sale", 0, {})
    assert not path.exists()
