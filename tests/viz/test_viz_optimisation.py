"""The pictures of the chapter on generation by optimisation show themselves and have the size they should."""

import io

import pytest
import torch
from PIL import Image

from imggen_lib.data import ImageSet
from imggen_lib.pyramid import laplacian_pyramid
from imggen_lib.viz import optimisation


def _size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def test_a_plate_enlarges_small_images_to_the_largest() -> None:
    shown = optimisation.plate([torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 16, 16)], scale=2)
    assert _size(shown._repr_png_()) == (2 * (2 * 16 + 3 * 2), 2 * (16 + 2 * 2))
    with pytest.raises(ValueError, match="nothing to show"):
        optimisation.plate([])


def test_a_pyramid_has_a_panel_a_level() -> None:
    picture = optimisation.pyramid_picture(laplacian_pyramid(torch.rand(1, 1, 28, 28), 3))
    assert [ax.get_xlabel() for ax in picture.axes] == ["$L_0$: 28$\\times$28", "$L_1$: 14$\\times$14", "$L_2$: 7$\\times$7"]
    assert _size(picture._repr_png_()) == (480, 140)


def test_the_map_shows_every_code_and_the_ellipse_of_the_gaussian() -> None:
    data = ImageSet.from_float(torch.zeros(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2]))
    root = torch.tensor([[0.5, 0.0], [0.2, 0.1]])
    (ax,) = optimisation.code_map(torch.rand(6, 2), data, (torch.zeros(2), root)).axes
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == 6
    circle, one, two = (torch.tensor(line.get_xydata()) for line in ax.lines)
    torch.testing.assert_close(circle.norm(dim=1), torch.ones(200, dtype=torch.float64))
    on_circle = torch.linalg.solve(root.double(), one.T)
    torch.testing.assert_close(on_circle.norm(dim=0), torch.ones(200, dtype=torch.float64))
    torch.testing.assert_close(two, 2 * one)


def test_the_slider_has_every_picture() -> None:
    table = {name: {w: torch.full((1, 3, 8, 8), 0.1 * w) for w in (1.0, 2.0, 3.0)} for name in ("a", "b")}
    html = optimisation.picture_slider(table, ("style", "w"), "words").html
    assert (
        html.count('type="range"') == 1
        and html.count('type="radio"') == 2
        and "a|b" in html
        and "1|2|3" in html
        and "words" in html
    )


def test_costs_of_a_moved_stroke_are_relative_to_the_first_move() -> None:
    ax = optimisation.moved([1, 2], {"L1": [4.0, 4.0], "Lap1": [2.0, 5.0]}).axes[0]
    assert [line.get_ydata().tolist() if hasattr(line.get_ydata(), "tolist") else line.get_ydata() for line in ax.lines] == [
        [1.0, 1.0],
        [1.0, 2.5],
    ]
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_ylim()[0] == 0
    with pytest.raises(ValueError, match="expected 2 values"):
        optimisation.moved([1, 2], {"L1": [1.0]})


def test_the_sweep_over_the_radius_marks_the_ball_and_real_images() -> None:
    left, right = optimisation.over_radius([0.5, 1.0, 2.0], [90.0, 80.0, 40.0], [0.6, 0.5, 0.3], 0.4).axes
    assert left.lines[0].get_ydata().tolist() == [90, 80, 40] and left.lines[1].get_xdata()[0] == 1
    assert right.lines[2].get_ydata()[0] == 0.4 and all(ax.get_xlabel() and ax.get_ylabel() for ax in (left, right))
    with pytest.raises(ValueError, match="for each radius"):
        optimisation.over_radius([1.0], [1.0, 2.0], [1.0], 0.4)
