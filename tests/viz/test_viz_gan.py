"""The charts of the GAN mathematics chapter: nothing that is drawn is cut off, and every axis has a name."""

import pytest
import torch
from matplotlib.colors import to_hex

from imggen_lib.losses import gan as losses
from imggen_lib.theory import divergences as div
from imggen_lib.theory.dirac import Method
from imggen_lib.viz.gan import dirac_field, discriminator, points


@pytest.mark.parametrize("width", [0.1, 0.3, 1.5])
def test_a_density_is_inside_its_axes_however_high_it_is(width: float) -> None:
    x = torch.linspace(-5, 5, 401, dtype=torch.float64)
    p, q = div.normal_on(x, -1, 0.8), div.normal_on(x, 0.5, width)
    densities, _, answer = discriminator(x, p, q, div.optimal_discriminator(p, q), 0.3, highest=1.4).axes
    assert densities.get_ylim()[1] > max(p.max(), q.max()) / (x[1] - x[0]) and densities.get_ylim()[1] >= 1.4
    assert answer.get_ylim() == (0, 1.05) and all(ax.get_ylabel() for ax in (densities, answer))


def test_the_bar_has_the_colour_of_the_critic_whose_value_it_is() -> None:
    x = torch.linspace(-5, 5, 401, dtype=torch.float64)
    p, q = div.normal_on(x, -1, 0.8), div.normal_on(x, 0.5, 0.8)
    _, bar, answer = discriminator(x, p, q, div.optimal_discriminator(p, q), 0.3).axes
    (shown,) = bar.patches
    assert to_hex(shown.get_edgecolor()) == to_hex(answer.lines[0].get_color())


@pytest.mark.parametrize("panels", [1, 2])
def test_the_names_of_the_axes_are_inside_the_picture(panels: int) -> None:
    figure = dirac_field({f"{k}": Method(losses.non_saturating, r1=0.1 * k) for k in range(panels)}, steps=5)
    width, height = figure.pixels().size
    for ax in figure.axes:
        for label in (ax.xaxis.label, ax.yaxis.label):
            box = label.get_window_extent()
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


def test_clouds_of_points_have_axes() -> None:
    figure = points({"a": torch.zeros(3, 2), "b": torch.ones(3, 2)}, torch.zeros(1, 2))
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes] == [("$x_1$", "$x_2$")] * 2
    assert all(len(ax.get_xticks()) == 3 for ax in figure.axes)
