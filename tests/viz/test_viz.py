"""Pictures: what is drawn is what was given."""

import base64
import html
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from imggen_lib import viz
from imggen_lib.viz.figure import cell, luminance, on_both
from imggen_lib.viz.style import CYCLE, DENSITY, INK

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


def test_the_names_of_rows_are_not_cut(make_images: Make) -> None:
    names = ("$x$", "$D(G(x))$", "$D(z)$", "$G(z)$")
    ink = np.asarray(viz.rows(dict.fromkeys(names, make_images(12)), width=5.8).pixels())[:, :, 3]
    assert not ink[:, 0].any() and not ink[:, -1].any() and ink.any()


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


def _bar(height: float, width: float) -> viz.Picture:
    figure, ax = viz.figure_and_axes(1.0, 0.8)
    ax.bar([0], [height], width)
    return figure


def test_sliders_hold_every_chart() -> None:
    page = viz.sliders(_bar, {"h": [1.0, 2.0, -3.5], "w": [0.5, 1.0, 2.0]}, alt="a <bar>")._repr_html_()
    assert page.count('type="range"') == 2 and page.count('max="2"') == 2
    assert 'data-labels="1|2|\u22123.5"' in page and 'aria-label="a &lt;bar&gt;: w"' in page
    width, height = re.search(r"aspect-ratio:(\d+)/(\d+)", page).groups()  # type: ignore[union-attr]
    with Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^)]+)", page).group(1)))) as sprite:  # type: ignore[union-attr]
        assert sprite.size == (3 * int(width), 3 * int(height))
        assert sprite.convert("RGBA").getpixel((0, 0))[3] == 0, "no ground of its own"
    one = viz.sliders(lambda h: _bar(h, 1.0), {"h": [1.0]}, alt="one")._repr_html_()
    assert 'max="0"' in one
    for axes in ({}, {"h": []}, {"a": [1.0], "b": [1.0], "c": [1.0]}):
        with pytest.raises(ValueError, match="sliders"):
            viz.sliders(_bar, axes, alt="x")
    with pytest.raises(ValueError, match="same size"):
        viz.sliders(lambda h: viz.figure_and_axes(h, 1.0)[0], {"h": [1.0, 2.0]}, alt="x")


def test_sliders_tell_their_value_and_two_values_are_a_choice() -> None:
    page = viz.sliders(_bar, {"h": [1.0, 2.0, -3.5], "w": [0.5, 1.0]}, alt="bars")._repr_html_()
    assert 'aria-valuetext="2"' in page and "setAttribute('aria-valuetext',said)" in page
    assert page.count('type="range"') == 1 and page.count('type="radio"') == 2 and 'role="radiogroup" aria-label="bars: w"' in page
    assert page.count(" checked") == 1 and len(set(re.findall(r'name="(choice-\S+)"', page))) == 1
    frames = [torch.full((1, 1, 4, 4), v) for v in (-1.0, 0.0, 1.0)]
    book = viz.flipbook(frames, ["t = 0", "t = 0.42", "t = 1"], "shades")._repr_html_()
    assert 'aria-valuetext="t = 0.42"' in book


def test_sliders_say_what_each_choice_means() -> None:
    axes = {"what": {"low": 1.0, "middle": 2.0, "high": 3.0}, "w": [0.5, 1.0, 2.0]}
    page = viz.sliders(_bar, axes, alt="bars", told=lambda h, w: f"{h:g} high & {w:g} wide")._repr_html_()
    assert 'data-labels="low|middle|high"' in page and 'aria-valuetext="middle"' in page
    lines = html.unescape(re.search(r'data-told="([^"]*)" data-columns="3"', page).group(1)).split("|")  # type: ignore[union-attr]
    assert lines[0] == "1 high & 0.5 wide" and lines[5] == "2 high & 2 wide" and len(lines) == 9
    assert ">2 high &amp; 1 wide</p>" in page, "the middle ones are shown first"


# One picture for a white and for a dark page

GROUNDS = ("#ffffff", "#121212")


def _contrast(a: object, b: object) -> float:
    high, low = sorted((luminance(a) + 0.05, luminance(b) + 0.05), reverse=True)
    return high / low


def test_what_is_drawn_is_told_from_white_and_from_dark() -> None:
    tables = [*colormaps["tab10"].colors, "red", "yellow", "navy", "#dd8452", "C0", "C1", "black", "white", "0.2", "k"]
    for colour in [*CYCLE, *tables]:
        seen = on_both(colour)
        assert seen[3] == 0 if colour == "white" else seen[3] > 0.9, colour
        least = min(_contrast(seen, ground) for ground in GROUNDS)
        assert least > 2.99, f"{colour}: {least:.2f}"
        assert np.allclose(on_both(seen)[:3], seen[:3], atol=1e-3), "twice changes no more than once"
    assert min(_contrast(INK, ground) for ground in GROUNDS) > 4.3
    assert on_both("0.9")[3] == pytest.approx((1 - 0.9) / (1 - 0x79 / 255)), "a pale grey is a little ink"
    for share in (0.0, 0.5, 1.0):
        assert _contrast(cell("#dd8452", share), "white") > 4.49


def _drawn_in_every_way() -> viz.Picture:
    figure, axes = viz.figure_and_axes(5.0, 3.0, ncols=2)
    ax, bare = axes
    ax.plot([0, 1], [0, 1], color="black", label="a", markerfacecolor="white", marker="o")
    ax.fill_between([0, 1], [1, 0], color="0.9")
    ax.bar([0.5], [0.4], color="yellow", alpha=0.4)
    ax.scatter([0.2, 0.3], [0.8, 0.9], color=["navy", "white"])
    ax.errorbar([0.1], [0.2], [0.1], color="k")
    ax.axhspan(0.1, 0.2, color="0.96")
    ax.quiver([0.5], [0.5], [1], [1], color="0.65")
    ax.text(0.5, 0.5, "black")
    ax.text(0.7, 0.7, "1", color="white", bbox={"facecolor": "navy"})
    ax.set_title("small", fontsize=5)
    ax.legend(frameon=False, fontsize=6)
    bare.imshow(np.zeros((2, 2)), cmap=DENSITY, vmin=0, vmax=1)
    return figure


def test_a_picture_has_no_ground_of_its_own() -> None:
    """Composed over white and over black it has that ground in its corners, in its axes and wherever nothing is drawn."""
    figure = _drawn_in_every_way()
    with Image.open(io.BytesIO(figure._repr_png_())) as stored:
        picture = stored.convert("RGBA")
    alpha = np.asarray(picture)[..., 3]
    assert (alpha[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
    assert (alpha == 0).mean() > 0.7
    dark = Image.new("RGBA", picture.size, "#121212")
    dark.alpha_composite(picture)
    white = (np.asarray(dark)[..., :3].min(2) > 200).mean()
    assert white < 0.002, "all that is white on a dark page is a digit in a box"
    drawn = [a for a in figure.findobj(Line2D) if a.get_visible() and to_rgba(a.get_color())[3] > 0]
    assert drawn and all(_contrast(a.get_color(), g) > 2.99 for a in drawn for g in GROUNDS)


@pytest.mark.parametrize("width", [2.0, 4.0, 5.5, 7.0, 10.0])
def test_text_is_ten_pixels_high_on_a_phone(width: float) -> None:
    figure, ax = viz.figure_and_axes(width, 3.0)
    ax.plot([0, 1], [0, 1], label="a")
    ax.set_xlabel("x", fontsize=6)
    ax.set_xticks([0, 1], ["a", "b"], fontsize=5)
    ax.tick_params(axis="y", labelsize=4)
    ax.legend(fontsize=5)
    picture = figure.pixels()
    shrunk = min(1.0, 358 / picture.width)
    sizes = {t.get_text(): t.get_fontsize() * viz.DPI / 72 * shrunk for t in figure.findobj(Text) if t.get_text()}
    assert len(sizes) > 6 and min(sizes.values()) > 9.99, sizes


def test_many_panels_stand_two_in_a_row() -> None:
    records = [{"images": 64 * k, "a": 1.0 * k} for k in range(1, 5)]
    assert viz.curves(records, ["a"], ["a"], ["a"]).get_figwidth() < 7 and len(viz.curves(records, ["a"], ["a"], ["a"]).axes) == 3
