"""The charts of the VAE mathematics chapter: they draw, small enough for a phone, and the same size for every slider's choice."""

import pytest
import torch

from imggen_lib.viz import Picture
from imggen_lib.viz.vae import bound_frame, density_map, error_bars, histograms, lines, spending, trade_frame


def _size(picture: Picture) -> tuple[int, int]:
    png = picture._repr_png_()
    assert png.startswith(b"\x89PNG") and len(png) < 60_000
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_charts_draw() -> None:
    x = torch.linspace(1, 10, 20)
    pictures = [
        lines(x, {"$a$": x, "$b$": x**2}, level=3.0, xlabel="$x$", yscale="log"),
        error_bars([1, 10, 100], {"$k$": ([1.0, 2.0, 3.0], [0.1, 0.1, 0.2])}, level=4.0, xlabel="$k$"),
        histograms({"$g$": torch.randn(500, generator=torch.Generator().manual_seed(0))}, limit=4, level=0.1, xlabel="$g$"),
        density_map(torch.zeros(5, 6), (-1, 1, -2, 2), torch.zeros(3, 2), torch.zeros(4, 2), torch.zeros(2)),
    ]
    assert all(width <= 480 and height <= 330 for width, height in map(_size, pictures))


def test_curves_are_told_apart_without_colours_and_the_bounds_axes_have_names() -> None:
    x = torch.linspace(1, 10, 20)
    drawn = lines(x, dict.fromkeys("abc", x)).axes[0].get_lines()
    assert len({line.get_linestyle() for line in drawn}) == 3
    left, right = bound_frame(x, x, x, -1.5, -1.6, -6.0).axes
    assert left.get_xlabel() and left.get_ylabel() and right.get_ylabel()


def test_no_run_hides_another_and_what_spends_nothing_has_no_bar() -> None:
    free = torch.full((20,), 0.26)
    spent = {"(a)": torch.full((20,), 1e-6), "(b)": torch.tensor([3.0] + [1e-5] * 19), "(c)": free, "(d)": free}
    figure = spending(spent, floor=1e-3)
    assert [ax.get_title() for ax in figure.axes] == list(spent)
    for ax, values in zip(figure.axes, spent.values(), strict=True):
        tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
        assert tops == pytest.approx([max(v, 1e-3) for v in values.tolist()])
        assert ax.get_ylim()[1] > max(tops) and ax.get_ylim()[0] == 1e-3
    assert all(width <= 480 for width, _ in [_size(figure)])
    with pytest.raises(ValueError, match="nothing to show"):
        spending({})


def test_frames_of_a_slider_have_one_size() -> None:
    z = torch.linspace(-3, 3, 50)
    sizes = {_size(bound_frame(z, z.abs(), z**2, -1.5, elbo, -6.0)) for elbo in (-1.6, -4.123, -90.0)}
    assert len(sizes) == 1
    images = torch.zeros(12, 1, 8, 8)
    sizes = {_size(trade_frame([1.0, 2.0, 30.0], [300.0, 20.0, 10.0], at, images)) for at in range(3)}
    assert len(sizes) == 1
