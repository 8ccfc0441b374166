"""The characters in the page are PyTorch's: the same fields, values between their cells, outlines, and SVG."""

import base64
import gzip
import json
import re
import shutil
import subprocess
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.characters import fields, measures, models, paths, svg
from imggen_lib.applications.characters.page import Sheet
from imggen_lib.data.kanjivg import kanji, to_distance
from imggen_lib.live.base import HERE, page_script
from imggen_lib.live.layers import run
from imggen_lib.live.shipped import CHARACTERS, SEEDS, packed_file, script
from imggen_lib.live.wire import unpacked

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
SIDE = 100.0  # millimetres, of the page's file
FILE = packed_file(CHARACTERS)
#: Bold ones, thin ones, and one with half a cell of ink at its border.
CASES = [(0, 0.0), (3, 0.0), (7, -1.0), (9, 1.5), (39, 0.0), (58, 2.5)]


def node(code: str, given: dict[str, Any]) -> Any:
    """What the code writes, behind the script of the fields."""
    assert NODE is not None
    head = f"const tools = {{}};\n{(HERE / 'js' / 'characters_math.js').read_text(encoding='utf-8')}"
    head += "\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
    done = subprocess.run(
        [NODE, "-e", head + code], input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def made() -> np.ndarray:
    """The fields of the cases; the last touches the border of its square."""
    found = models.draw_fields(models.pretrained().model(), [seed for seed, _ in CASES])
    found[-1, 10:20, :3] = 3.0
    return found


@needs_node
def test_between_the_cells_stand_the_same_values(made: np.ndarray) -> None:
    """Inside, at the border and far outside: to 1e-12."""
    places = np.concatenate([np.linspace(-4, 36, 641), [0.5, 1.5, 31.5, -0.5, 32.5, -1.5, 33.5, 1e9, -1e9]])
    code = "process.stdout.write(JSON.stringify(given.f.map((f) => Array.from(charactersBetween(f, given.y, given.x)))))"
    told = node(code, {"f": made.reshape(len(made), -1).tolist(), "y": places[::7].tolist(), "x": places.tolist()})
    assert np.abs(np.array(told).reshape(len(made), -1, len(places)) - fields.between(made, places[::7], places)).max() < 1e-12


def turned(curve: np.ndarray) -> np.ndarray:
    """A closed curve without repeated points, begun at its smallest point."""
    curve = curve[:-1] if np.array_equal(curve[0], curve[-1]) else curve
    first = np.lexsort(curve.round(9).T)[0]
    return np.roll(curve, -first, axis=0)


@needs_node
def test_the_outlines_are_pythons_point_by_point(made: np.ndarray) -> None:
    """Marching squares in JavaScript and in scikit-image: the same curves, each point to 1e-9 cells, holes with negative areas."""
    code = """process.stdout.write(JSON.stringify(given.map(([f, bold]) => {
        const curves = charactersOutlines(f, bold);
        return { curves, areas: curves.map(charactersArea) };
    })));"""
    told = node(code, [[field.ravel().tolist(), bold] for field, (_, bold) in zip(made, CASES, strict=True)])  # type: ignore[arg-type]
    holes = 0
    for field, (_, bold), page in zip(made, CASES, told, strict=True):
        ours = sorted(fields.outlines(field, level=-bold, resolution=16), key=lambda o: o.area)
        page_ones = sorted(zip(page["areas"], page["curves"], strict=True), key=lambda p: p[0])
        assert len(ours) == len(page_ones) > 0
        for outline, (area, curve) in zip(ours, page_ones, strict=True):
            assert area == pytest.approx(outline.area, abs=1e-8)
            points, other = turned(outline.points), turned(np.array(curve).reshape(-1, 2))
            assert points.shape == other.shape and np.abs(points - other).max() < 1e-9
            holes += area < 0
    assert holes, "no hole was tested"


def drawn(text: str) -> list[np.ndarray]:
    """The closed paths of the page's file, by an XML parser."""
    root = ElementTree.fromstring(text)
    assert root.get("width") == root.get("height") == "100mm" and root.get("viewBox") == "0 0 100 100"
    (path,) = root.iter("{http://www.w3.org/2000/svg}path")
    assert path.get("fill-rule") == "evenodd"
    d = path.get("d") or ""
    assert re.fullmatch(r"(M[-\d.]+,[-\d.]+( [-\d.]+,[-\d.]+)+z)+", d)
    rings = [np.array([pair.split(",") for pair in ring.split()], float) for ring in re.findall(r"M([^z]+)z", d)]
    return [np.concatenate([ring, ring[:1]]) for ring in rings]


@needs_node
def test_the_svg_is_pythons(made: np.ndarray) -> None:
    """As many paths, each within 0.02 mm of its fellow, the same specks left out; rasters at 300 dpi overlap by 0.999."""
    from shapely import LinearRing

    code = """process.stdout.write(JSON.stringify(given.map(([f, bold]) =>
        charactersSvg(f, { bold, title: 'A <"made-up"> & other', about: 'x' }))));"""
    told = node(code, [[field.ravel().tolist(), bold] for field, (_, bold) in zip(made, CASES, strict=True)])  # type: ignore[arg-type]
    sheet = Sheet(SIDE, SIDE, columns=1, rows=1)
    for field, (_, bold), page in zip(made, CASES, told, strict=True):
        shape = paths.shape_of(field, SIDE, level=-bold)
        ours, theirs = paths.rings_of(shape.ink), drawn(page["svg"])
        assert len(ours) == len(theirs) == page["paths"] and shape.specks == page["specks"]
        far = [min(LinearRing(ring).hausdorff_distance(LinearRing(other)) for other in theirs) for ring in ours]
        assert max(far) < 0.02
        assert svg.overlap(svg.filled(ours, sheet), svg.filled(theirs, sheet)) >= 0.999
        assert ElementTree.fromstring(page["svg"])[0].text == 'A <"made-up"> & other'
        assert len(page["svg"]) < 60_000


@needs_node
def test_the_picture_is_the_field_cut_at_zero(made: np.ndarray) -> None:
    """Ink where the field is above 0, at three magnifications up to a million; grey only within a pixel of the edge."""
    code = """process.stdout.write(JSON.stringify(given.map(({ f, ...view }) => {
        const edge = charactersEdge(f, 16, 16, view.bold);
        const [left, top] = [edge[0] - (view.size * view.step) / 2, edge[1] - (view.size * view.step) / 2];
        return { edge, ink: Array.from(charactersInk(f, { ...view, left, top })) };
    })));"""
    size = 64
    views = [
        {"f": made[k].ravel().tolist(), "bold": CASES[k][1], "size": size, "step": 32 / zoom / size}
        for k in (0, 3)
        for zoom in (1, 1e3, 1e6)
    ]
    for view, page in zip(views, node(code, views), strict=True):  # type: ignore[arg-type]
        field, step = np.array(view["f"]).reshape(32, 32), float(view["step"])  # type: ignore[arg-type]
        x, y = page["edge"]
        level = fields.between(field, np.array([y]), np.array([x]))[0, 0] + view["bold"]
        assert abs(level) < 1e-9, "the edge is not on the edge"
        places = (np.arange(size + 1) + 0.5 - size / 2) * step
        wide = fields.between(field, y + places, x + places) + view["bold"]
        value, ink = wide[:-1, :-1], np.array(page["ink"]).reshape(size, size)
        slope = np.hypot(np.diff(wide, axis=0)[:, :-1], np.diff(wide, axis=1)[:-1])
        clear = np.abs(value) > 1.001 * slope
        assert clear.mean() > 0.5
        assert np.array_equal(ink[clear] == 255, value[clear] > 0) and set(np.unique(ink[clear])) <= {0, 255}
        assert 0.1 < (ink > 127).mean() < 0.9 or view["step"] == 0.5


def test_the_file_is_the_model_that_ships() -> None:
    """Half precision is exact: the packed network's fields are PyTorch's to 1e-3 units of the box."""
    spec = FILE["spec"]
    z = torch.from_numpy(np.frombuffer(base64.b64decode(spec["latents"]), "<f4").reshape(SEEDS, -1).copy())
    nets = unpacked(spec, FILE["bytes"])
    page = to_distance(run(nets["decode"] + nets["show"], z, None))[:, 0].double().numpy()
    made = models.draw_fields(models.pretrained().model(), range(SEEDS))
    assert np.abs(page - made).max() < 1e-3
    train = kanji()
    near = measures.nearest(made, to_distance(train.floats()[:, 0]).double().numpy())
    assert spec["nearest"] == [
        [chr(int(train.factors["code"][k])), round(float(v), 2)] for k, v in zip(near.index, near.iou, strict=True)
    ]
    assert "CC BY-SA 3.0" in spec["licence"]


def test_the_demo_is_light() -> None:
    assert len(gzip.compress((script(CHARACTERS, FILE) + page_script("characters")).encode())) < 300_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_widget_asks_for_its_network() -> None:
    widget = live.characters(7)
    assert widget.options == {"model": CHARACTERS, "seed": 7}
    widget.wanted = [CHARACTERS, "mnist-gan"]
    assert widget.files[CHARACTERS]["spec"]["name"] == CHARACTERS and "error" in widget.files["mnist-gan"]
    for seed in (SEEDS, -1):
        with pytest.raises(ValueError, match="from 0 to 59"):
            live.characters(seed)
