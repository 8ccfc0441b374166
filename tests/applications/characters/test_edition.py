"""From fields to paper: polygons with holes, hatching, the pen's way, the SVG, the print, palettes, and a whole edition."""

import json
import re
import xml.etree.ElementTree as Et

import numpy as np
import pytest
import shapely
from drawn_shapes import disc, held_out, ring
from PIL import Image

from imggen_lib.applications.characters import colours, edition, models, page, paths, rivals, svg, tours
from imggen_lib.data.kanjivg import CELLS

SMALL = page.Sheet(width=120, height=80, columns=3, rows=2, cell=36, gap=2, dpi=150)


def test_a_hole_is_a_hole_and_specks_are_taken_away_and_counted() -> None:
    shape = paths.shape_of(np.maximum(ring(), disc(3.0, 54.5, 54.5)), 36.0)
    assert len(shape.ink.geoms) == 1 and len(shape.ink.geoms[0].interiors) == 1 and shape.specks == 1
    share = shape.ink.area / 36**2
    assert share == pytest.approx(np.pi * (33.2**2 - 26.8**2) / 109**2, rel=0.04)
    assert paths.shape_of(np.full((CELLS, CELLS), -8.0), 36.0) == (shapely.MultiPolygon(), 0)
    inner = paths.even_odd([np.array([[a, a], [b, a], [b, b], [a, b], [a, a]]) for a, b in ((0.0, 9.0), (1.0, 8.0), (2.0, 7.0))])
    assert inner.area == 81 - 49 + 25 and len(inner.geoms) == 2


def test_hatching_stays_in_the_ink_and_leaves_holes_free() -> None:
    ink = paths.shape_of(ring(), 36.0).ink
    lines = paths.hatch(ink, spacing=0.5, pen=0.3)
    drawn = shapely.MultiLineString(list(lines))
    assert ink.buffer(-0.14).covers(drawn) and len(lines) > 20
    assert drawn.buffer(0.15).difference(ink.buffer(1e-6)).area < 1e-6  # what the pen leaves on paper is in the ink
    missed = ink.buffer(-0.3).difference(drawn.buffer(0.3)).area  # and half a spacing around the lines fills it
    assert missed < 0.05 * ink.area
    with pytest.raises(ValueError, match="above 0"):
        paths.hatch(ink, spacing=0.0)
    assert paths.hatch(shapely.MultiPolygon()) == []


def test_the_pen_travels_less_and_draws_the_same() -> None:
    found = edition.plot(held_out()[:6], SMALL).found
    shuffled = [found[k] for k in np.random.default_rng(0).permutation(len(found))]
    tour = paths.ordered(shuffled)
    assert paths.travel(tour) < 0.6 * paths.travel(found) < paths.travel(shuffled)
    assert sorted(len(path) for path in tour) == sorted(map(len, found)) and all(map(paths.closed, tour))
    assert paths.length(tour) == pytest.approx(paths.length(found))
    assert {tuple(sorted(map(tuple, p[:-1]))) for p in tour} == {tuple(sorted(map(tuple, p[:-1]))) for p in found}
    lines = [np.array([[x, 0.0], [x, 9.0]]) for x in (3.0, 1.0, 2.0)]
    assert paths.travel(paths.ordered(lines)) == pytest.approx(3)  # down, up, down
    assert paths.ordered([]) == [] and paths.travel([]) == 0


def test_two_opt_never_makes_a_tour_longer() -> None:
    random = np.random.default_rng(1)
    lines = [random.uniform(0, 100, (2, 2)) for _ in range(40)]
    before = paths.travel(lines)
    tour = tours.two_opt(lines, (0.0, 0.0))
    assert paths.travel(tour) < 0.7 * before and paths.length(tour) == pytest.approx(paths.length(lines))


def test_the_svg_is_in_millimetres_and_comes_back_as_it_was() -> None:
    plot = edition.plot(held_out()[:2], SMALL)
    text = svg.svg(
        [svg.Layer("outlines", "#123456", plot.outlines), svg.Layer("a & b", "#654321", plot.hatching)], SMALL, title="<x>"
    )
    root = Et.fromstring(text)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("120mm", "80mm", "0 0 120 80")
    back = svg.read_svg(text)
    assert list(back) == ["1 outlines", "2 a & b"]
    for ours, theirs in zip([*plot.outlines, *plot.hatching], [*back["1 outlines"], *back["2 a & b"]], strict=True):
        assert np.abs(ours - theirs).max() < 0.0006  # micrometres
    assert svg.summary(back)["1 outlines"]["closed"] == len(plot.outlines) and svg.summary(back)["2 a & b"]["closed"] == 0
    for broken in (text.replace("120mm", "120px"), text.replace('"m', '"C')):
        with pytest.raises(ValueError, match=r"millimetres|other than m and z"):
            svg.read_svg(broken)


def test_filling_by_edges_agrees_with_scikit_image() -> None:
    from skimage.draw import polygon2mask

    plot = edition.plot(held_out()[:1], page.Sheet(width=40, height=40, columns=1, rows=1, cell=36, dpi=100))
    sheet = page.Sheet(width=40, height=40, columns=1, rows=1, cell=36, dpi=100)
    wide, high = sheet.pixels
    theirs = np.zeros((high, wide), dtype=bool)
    for path in plot.outlines:
        theirs ^= polygon2mask((high, wide), path[:, ::-1] * 100 / 25.4 - 0.5)
    assert (svg.filled(plot.outlines, sheet) ^ theirs).sum() <= 2  # points on an edge


def test_the_print_has_its_size_its_colour_space_and_the_plotters_ink(tmp_path) -> None:
    fields = held_out()[:6]
    ink = page.page_coverage(fields, SMALL)
    drawn = edition.plot(fields, SMALL).outlines
    assert svg.overlap(svg.filled(drawn, SMALL), ink > 0.5) > 0.985  # at half the resolution of the A3 print
    assert 0 < page.grey_band(ink) < 2
    tints = colours.palette(30)
    path = page.save_print(tmp_path / "p.png", ink, tints, SMALL)
    data = path.read_bytes()
    assert b"sRGB\x00" in data and b"pHYs" in data
    with Image.open(path) as picture:
        assert picture.size == SMALL.pixels and [round(x) for x in picture.info["dpi"]] == [150, 150]
        pixels = np.asarray(picture.convert("RGB"))
    of = {name: [int(getattr(tints, name)[k : k + 2], 16) for k in (1, 3, 5)] for name in ("paper", "ink")}
    assert pixels[ink == 0].tolist()[0] == of["paper"] and pixels[ink == 1].tolist()[0] == of["ink"]
    with pytest.raises(ValueError, match="has 6 cells"):
        page.page_coverage(held_out()[:7], SMALL)
    with pytest.raises(ValueError, match="more than the sheet has"):
        page.Sheet(columns=12)
    for wrong, match in (
        ({"columns": 0}, "columns must be at least 1"),
        ({"dpi": 0}, "dpi must be at least 1"),
        ({"width": float("nan")}, "width must be a finite number"),
        ({"gap": -2.0}, "gap must be at least 0"),
        ({"cell": 0.0}, "cell must be at least 1"),
    ):
        with pytest.raises(ValueError, match=match):
            page.Sheet(**wrong)  # type: ignore[arg-type]
    assert page.Sheet().pixels == (4961, 3508)


@pytest.mark.parametrize("hue", range(0, 360, 30))
def test_every_palette_has_the_contrast_that_it_promises(hue: int) -> None:
    tints = colours.palette(hue)
    assert all(re.fullmatch("#[0-9a-f]{6}", tint) for tint in tints)
    for tint, wanted in ((tints.ink, 9.0), (tints.second, 4.0)):
        assert wanted <= colours.contrast(tints.paper, tint) < wanted + 0.4
    channels = [int(tints.second[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    assert colours.contrast("#ffffff", tints.second) == pytest.approx(1.05 / (luminance + 0.05), rel=1e-3)  # WCAG 2.2's formula


def test_contrasts_that_cannot_be_or_are_too_low_are_refused() -> None:
    with pytest.raises(ValueError, match="black has"):
        colours.ink_on("#777777", 0, least=9)
    with pytest.raises(ValueError, match="3 at least"):
        colours.palette(0, second=2.0)


def test_rivals_are_made_of_real_ink() -> None:
    real = held_out()
    quarters = rivals.quarters(real, 5)
    half = CELLS // 2
    assert all(any(np.array_equal(q[:half, :half], r[:half, :half]) for r in real) for q in quarters)
    made = rivals.exchanged(real, 5)
    assert made.shape == (5, CELLS, CELLS) and np.array_equal(made, rivals.exchanged(real, 5)) and made.min() == -8
    field = rivals.field_of(np.kron(ring() > 0, np.ones((8, 8), bool)))
    assert np.abs(field - ring())[np.abs(ring()) < 2].max() < 2.5  # an exact distance, of a blocky ring
    with pytest.raises(ValueError, match="two pieces"):
        rivals.exchanged(ring()[None], 1)
    import torch

    net = rivals.CoordinateNet()
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(net(z, 90)[:, 1::3, 1::3], net(z, 30), atol=1e-5)  # the same function, at any size


def test_a_whole_edition(tmp_path) -> None:
    told = edition.make(tmp_path, range(3), hue=120, bold=0.5)
    stored = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(told)) and sorted(stored["files"]) == sorted(
        p.name for p in tmp_path.iterdir() if p.suffix in (".png", ".svg", ".pdf")
    )
    assert stored["licence"]["name"] == "CC BY-SA 3.0" and stored["plot"]["paths"] == stored["plot"]["closed"] > 0
    assert stored["model"]["sha256"] == models.pretrained().meta["weights"]["sha256"]
    assert stored["plot"]["iou_with_print"] >= 0.995 and min(stored["palette"]["contrast"]) >= 3
    words = (tmp_path / "colophon.txt").read_text(encoding="utf-8")
    assert "Ulrich Apel" in words and "CC BY-SA 3.0" in words and stored["nearest"][0]["character"] is not None
    assert (tmp_path / "seed_sheet.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(tmp_path / "print_a3.png") as picture:
        assert picture.size == (4961, 3508)
    with pytest.raises(ValueError, match="1 to 60"):
        edition.make(tmp_path, range(61))
