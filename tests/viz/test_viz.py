"""Pictures: what is drawn is what was given."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib import viz

Make = Callable[..., torch.Tensor]


def _pixels(figure) -> np.ndarray:  # type: ignore[no-untyped-def]
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return np.asarray(Image.open(out).convert("L"))


def test_tile_puts_images_row_by_row() -> None:
    x = torch.stack([torch.full((1, 2, 2), v) for v in (-1.0, 0.0, 1.0)])
    sheet = viz.tile(x, columns=2, gap=1, background=9)
    assert sheet.shape == (7, 7, 3)
    assert sheet[1, 1, 0] == 0 and sheet[1, 4, 0] == 128 and sheet[4, 1, 0] == 255 and sheet[4, 4, 0] == 9


@pytest.mark.parametrize(
    "bad", [torch.zeros(0, 1, 4, 4), torch.zeros(4, 4), torch.zeros(2, 2, 4, 4), torch.full((1, 1, 2, 2), float("nan"))]
)
def test_what_is_no_picture_is_refused(bad: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"expected images|NaN"):
        viz.tile(bad)


def test_save_grid(make_images: Make, tmp_path: Path) -> None:
    path = viz.save_grid(make_images(5, c=3, side=8), tmp_path / "grid.png", columns=3, scale=2)
    with Image.open(path) as picture:
        assert picture.size == (2 * 28, 2 * 19)
    for bad, match in (("grid.xyz", "picture format"), ("grid", "picture format"), ("missing/grid.png", "not a folder")):
        with pytest.raises(ValueError, match=match):
            viz.save_grid(make_images(2), tmp_path / bad)


def test_grid_and_rows_show_the_images(make_images: Make) -> None:
    x = make_images(6, c=3, side=8)
    with Image.open(io.BytesIO(viz.grid(x, columns=3, scale=2)._repr_png_())) as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)[::2, ::2]
    assert np.abs(shown - viz.tile(x, columns=3)).mean() < 25  # a palette of 32 for random colours
    figure = viz.rows({"$x$": make_images(6), "$y$": make_images(4)})
    assert [ax.get_ylabel() for ax in figure.axes] == ["$x$", "$y$"]
    with pytest.raises(ValueError, match="nothing to show"):
        viz.rows({})


def test_smooth_is_a_running_mean() -> None:
    assert viz.smooth([1, 2, 3, 4], 2).tolist() == [1, 1.5, 2.5, 3.5]
    assert viz.smooth([5, 5, 5], 50).tolist() == [5, 5, 5]


def test_curves_draw_the_terms() -> None:
    records = [{"images": 64 * k, "a": torch.tensor(float(k)), "b": 2.0 * k} for k in range(1, 5)]
    figure = viz.curves(records, ["a", "b"], ["b"], span=1, labels={"a": "$a$"})
    lines = figure.axes[0].get_lines()
    assert lines[0].get_ydata().tolist() == [1, 2, 3, 4] and lines[1].get_xdata().tolist() == [64, 128, 192, 256]
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["$a$", "b"]
    for arguments in (([], ["a"]), (records,)):
        with pytest.raises(ValueError, match="at least one"):
            viz.curves(*arguments)


def test_latent_map_names_the_classes_at_their_points() -> None:
    points = torch.tensor([[-2.0, 0.0], [-2.1, 0.0], [2.0, 1.0]])
    figure = viz.latent_map(points, torch.tensor([0, 0, 2]), ("a", "b", "c"))
    texts = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert texts.keys() == {"a", "c"} and texts["c"] == (2.0, 1.0)
    with pytest.raises(ValueError, match=r"points \(n, 2\)"):
        viz.latent_map(torch.zeros(3, 3), torch.zeros(3), "abc")


def test_film_has_its_frames(make_images: Make) -> None:
    gif = Image.open(io.BytesIO(viz.gif([make_images(4, seed=k) for k in range(5)])))
    assert gif.n_frames == 5 and gif.info["loop"] == 0
    gif.seek(4)
    assert gif.info["duration"] == 2000
    with pytest.raises(ValueError, match="at least one frame"):
        viz.gif([])


def test_figures_and_films_show_themselves(make_images: Make) -> None:
    for picture in (viz.grid(make_images(4)), viz.rows({"a": make_images(4)})):
        assert picture._repr_png_().startswith(b"\x89PNG") and repr(picture) in ("<Sheet>", "<Picture>")
    film = viz.film([make_images(4)], 'a "film"')._repr_html_()
    assert film.startswith('<img src="data:image/gif;base64,') and 'alt="a &quot;film&quot;"' in film


def test_flipbook_holds_every_frame(make_images: Make) -> None:
    frames = [torch.full((2, 1, 4, 4), v) for v in (-1.0, 0.0, 1.0)]
    page = viz.flipbook(frames, ["a", "b", "c"], "shades", columns=2)._repr_html_()
    assert 'max="2"' in page and 'value="1"' in page and 'data-labels="a|b|c"' in page and ">b</output>" in page
    sprite = page.split("base64,")[1].split(")")[0]
    with Image.open(io.BytesIO(base64.b64decode(sprite))) as picture:
        shades = [picture.convert("L").getpixel((2, y)) for y in (2, 8, 14)]
        assert picture.size == (11, 18) and shades == [0, 128, 255]
    with pytest.raises(ValueError, match="label for each frame"):
        viz.flipbook(frames, ["a"], "shades")


def test_bars_have_the_height_of_the_shares() -> None:
    figure = viz.bars({"a": torch.tensor([0.25, 0.75])}, "xy", expected=0.5)
    assert [p.get_height() for p in figure.axes[0].patches] == [0.25, 0.75]


def test_moments_of_a_film() -> None:
    moments = viz.frames_at(1000, 5)
    assert moments[0] == 0 and moments[-1] == 1000 and moments == sorted(moments) and moments[1] < 100


def test_progress_passes_everything_through(capsys: pytest.CaptureFixture[str]) -> None:
    records = [{"images": 10}, {"images": 20}, {"images": 30}]
    assert list(viz.progress(records, 25)) == records
    assert "100%" in capsys.readouterr().err
    assert list(viz.progress(records, 25, disable=True)) == records


def test_sliders_hold_every_chart() -> None:
    def draw(height: float, width: float) -> viz.Picture:
        figure, ax = viz.figure_and_axes(1.0, 0.8)
        ax.bar([0], [height], width)
        return figure

    page = viz.sliders(draw, {"h": [1.0, 2.0, -3.5], "w": [0.5, 1.0]}, alt="a <bar>")._repr_html_()
    assert page.count('type="range"') == 2 and 'max="2"' in page and 'max="1"' in page
    assert 'data-labels="1|2|\u22123.5"' in page and 'aria-label="a &lt;bar&gt;: w"' in page
    width, height = re.search(r"aspect-ratio:(\d+)/(\d+)", page).groups()  # type: ignore[union-attr]
    with Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^)]+)", page).group(1)))) as sprite:  # type: ignore[union-attr]
        assert sprite.size == (2 * int(width), 3 * int(height))
    one = viz.sliders(lambda h: draw(h, 1.0), {"h": [1.0]}, alt="one")._repr_html_()
    assert 'max="0"' in one
    for axes in ({}, {"h": []}, {"a": [1.0], "b": [1.0], "c": [1.0]}):
        with pytest.raises(ValueError, match="sliders"):
            viz.sliders(draw, axes, alt="x")
    with pytest.raises(ValueError, match="same size"):
        viz.sliders(lambda h: viz.figure_and_axes(h, 1.0)[0], {"h": [1.0, 2.0]}, alt="x")
