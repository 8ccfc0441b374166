"""The landscape in the page: its tiles are Python's and agree in any order; its hollows, shadows and light are right."""

import base64
import gzip
import inspect
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.morphology import reconstruction

import imggen_lib.live.base as base
from imggen_lib import live
from imggen_lib.applications.worlds import generator, lakes, measures, noise
from imggen_lib.live import shipped

JS = Path(base.__file__).parent / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
HALO, SIDE, EDGE = 4, 72, 65
WORLD = shipped.stored(shipped.LANDSCAPE)["spec"]["world"]
START = """
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const inflated = require('zlib').inflateRawSync(Buffer.from(given.bytes, 'base64'));
const buffer = inflated.buffer.slice(inflated.byteOffset, inflated.byteOffset + inflated.length);
const fresh = () => {
  const maths = worldMaths();
  maths.learn({ spec: given.spec, tensors: readTensors(given.spec.tensors, buffer) });
  return maths;
};
const maths = fresh();
const job = (data) => { %s };
process.stdout.write(JSON.stringify(job(given.data)));
"""


def run(code: str, data: Any = None) -> Any:
    """What the function body `code` returns, with the generator learnt (``maths``; ``fresh()`` makes another)."""
    parts = [(JS / f"{name}.js").read_text(encoding="utf-8") for name in ("product", "net", "world_math")]
    script = "\n".join(["const words = {}, demos = {}, tools = {};", *parts, START.replace("%s", code)])
    file = shipped.stored(shipped.LANDSCAPE)
    given = {"spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode(), "data": data}
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(given), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


TILE = "[...maths.tile({ kind: data.kind, seed: data.seed, column, row, cell: 90 }).heights]"


@cache
def ours(kind: str, column: int, row: int, seed: int) -> np.ndarray:
    left, top = 64 * column - HALO, 64 * row - HALO
    if kind == "land":
        return generator.heights(generator.shipped(), seed, left, top, SIDE, SIDE)
    waves = noise.fbm(seed, left, top, SIDE, SIDE, octaves=WORLD["octaves"], gain=WORLD["gain"])
    return np.asarray(waves * WORLD["scale"])


@needs_node
@pytest.mark.parametrize("kind", ["land", "noise"])
def test_the_page_s_tiles_are_python_s_to_a_millimetre(kind: str) -> None:
    places = [(0, 0), (-1, 2), (5, -7), (1_000_000, 1_000_000), (-3, -400_000)]
    data = {"kind": kind, "seed": 4711, "places": places}
    for place, theirs in zip(places, run(f"return data.places.map(([column, row]) => {TILE})", data), strict=True):
        land = ours(kind, *place, 4711)
        assert land.std() > 10 and abs(np.reshape(theirs, (SIDE, SIDE)) - land).max() < 1e-3


@needs_node
@pytest.mark.parametrize("kind", ["land", "noise"])
def test_a_tile_is_the_same_in_any_order_and_its_neighbours_agree(kind: str) -> None:
    code = f"""
    const order = (maths, list) => Object.fromEntries(list.map(([column, row]) => [[column, row], {TILE}]));
    return [order(maths, data.places), order(fresh(), [...data.places].reverse()), order(maths, [[99, 99], ...data.places])];
    """
    places = [[0, 0], [1, 0], [0, 1], [-1, 0], [1, 1]]
    first, second, third = run(code, {"kind": kind, "seed": 8, "places": places})
    third.pop("99,99")
    assert first == second == third
    tile = {tuple(map(int, key.split(","))): np.reshape(value, (SIDE, SIDE)) for key, value in first.items()}
    both = 2 * HALO
    assert (tile[0, 0][:, -both:] == tile[1, 0][:, :both]).all() and (tile[0, 0][-both:] == tile[0, 1][:both]).all()
    assert (tile[1, 0][-both:] == tile[1, 1][:both]).all() and (tile[-1, 0][:, -both:] == tile[0, 0][:, :both]).all()
    assert (tile[0, 0] != tile[1, 0]).any()


@needs_node
def test_the_light_has_no_seams() -> None:
    """Slopes, openness and heights of an edge are the same from both of its tiles, and are those of the land."""
    code = "return data.places.map(([column, row]) => [...maths.tile({ kind: 'land', seed: 2, column, row, cell: 90 }).ground])"
    here, east, south = (np.reshape(g, (EDGE, EDGE, 4)) for g in run(code, {"places": [[0, 0], [1, 0], [0, 1]]}))
    assert (here[:, -1] == east[:, 0]).all() and (here[-1] == south[0]).all()
    land = ours("land", 0, 0, 2)
    down, across = np.gradient(land, 90.0)
    inner = slice(HALO, HALO + EDGE)
    assert np.allclose(here[..., 0], across[inner, inner], atol=1e-4) and np.allclose(here[..., 1], down[inner, inner], atol=1e-4)
    assert np.allclose(here[..., 3], land[inner, inner], atol=1e-3)
    assert 0.25 <= here[..., 2].min() < here[..., 2].max() <= 1


@needs_node
def test_between_cells_lies_a_smooth_surface_through_them() -> None:
    code = """
    const [a, b] = [0, 1].map((column) => maths.tile({ kind: 'land', seed: 2, column, row: 0, cell: 90 }).heights);
    const at = (x, y) => (x < 64 ? maths.between(a, x, y) : maths.between(b, x - 64, y));
    return { cells: [[0, 0], [17, 40], [63, 63], [64, 12]].map(([x, y]) => maths.between(a, x, y)),
             over: Array.from({ length: 200 }, (_, k) => at(63 + k / 100, 20.3)) };
    """
    found, land = run(code), ours("land", 0, 0, 2)
    assert np.allclose(found["cells"], [land[y + HALO, x + HALO] for x, y in ((0, 0), (17, 40), (63, 63), (64, 12))], atol=1e-3)
    steps = np.diff(found["over"])
    assert abs(np.diff(steps)).max() < 0.1 * max(abs(steps).max(), 0.1), "a kink at the edge of two tiles"


@needs_node
@pytest.mark.parametrize("shape", [(30, 41), (3, 3), (64, 64)])
def test_hollows_are_filled_as_by_reconstruction(shape: tuple[int, int]) -> None:
    land = np.float32(
        np.random.default_rng(3).normal(size=shape).cumsum(0).cumsum(1) if shape != (3, 3) else [[3, 3, 3], [3, 0, 2], [3, 3, 3]]
    )
    seed = land.copy()
    seed[1:-1, 1:-1] = land.max()
    filled = reconstruction(seed, land, method="erosion")
    data = {"land": land.ravel().tolist(), "wide": shape[1], "high": shape[0]}
    theirs = run("return [...maths.fill(Float32Array.from(data.land), data.wide, data.high)]", data)
    assert np.array_equal(np.reshape(theirs, shape), filled) and (filled > land).any()


@needs_node
def test_lakes_are_python_s_whoever_looks() -> None:
    code = """
    const { NET, HALO, SIDE } = maths;
    const wide = 4 * NET;
    return data.map(([column, row]) => {
      const heights = maths.heightsOf('land', 3, column * NET, row * NET, wide, wide);
      const { out, share } = maths.weather({ heights, wide, high: wide, cell: 90, sun: [0.6, 0.6, 0.5] });
      const water = [...out].filter((_, k) => k % 2 === 0);
      return { level: water.map((w, k) => heights[k] + Math.max(0, w)), water, share };
    });
    """
    here, east = run(code, [[0, 0], [1, 0]])
    surface, water = (np.reshape(here[name], (256, 256)) for name in ("level", "water"))
    inner = slice(64, 192)
    theirs = lakes.level(64, 64, 128, 128, 3)
    assert abs(surface[inner, inner] - theirs).max() < 2e-3
    land = generator.heights(generator.shipped(), 3, 64, 64, 128, 128)
    assert here["share"] == pytest.approx((theirs - land > measures.LEAST).mean(), abs=1e-3)
    again = np.reshape(east["level"], (256, 256))
    assert np.array_equal(surface[inner, 128:192], again[inner, 64:128]), "a lake changes with the place of who looks"
    assert (water[inner, inner] > 0).any() and water.min() >= -90


@needs_node
def test_water_and_its_shore_are_told_by_sign() -> None:
    land = np.full((192, 192), 10.0)
    land[96, 96], land[96, 97:] = 2.0, 7.0  # a hollow of 5 m, for its outlet is 7 m high
    data = {"heights": land.ravel().tolist(), "wide": 192, "high": 192, "cell": 30, "sun": [0.6, 0.6, 0.5]}
    found = run(
        "const w = maths.weather({ ...data, heights: Float32Array.from(data.heights) }); return [[...w.out], w.share]", data
    )
    water = np.reshape(found[0], (192, 192, 2))[..., 0]
    assert found[1] == pytest.approx(1 / 64**2) and water[96, 96] == 5 and water[95, 96] == -3 and water[96, 97] == 0
    assert (water > 0).sum() == 1 and water[0, 0] == -30


@needs_node
@pytest.mark.parametrize(("east", "south"), [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (-0.8, -0.6), (0.6, -0.8)])
def test_a_tower_s_shadow_is_as_long_as_the_sun_is_low(east: float, south: float) -> None:
    land, tower = np.zeros((41, 41)), 100.0
    land[18:23, 18:23] = tower
    up = 0.5  # so the shadow is 2 m long for each metre, 200 m: 20 cells of 10 m
    data = {"heights": land.ravel().tolist(), "sun": [east, up, south]}
    code = "return [...maths.shadows(Float32Array.from(data.heights), 41, 41, 10, data.sun)]"
    dark = np.reshape(run(code, data), (41, 41))
    for cells in (5, 10, 15):
        row, column = round(20 - south * cells), round(20 - east * cells)
        assert dark[row, column] == pytest.approx(tower - 5 * (cells - 2), abs=12)  # the near edge of the tower is 2 cells away
        assert dark[round(20 + south * cells), round(20 + east * cells)] == 0, "a shadow towards the sun"
    assert dark[18:23, 18:23].max() == 0


@needs_node
def test_the_plan_of_windows_is_python_s() -> None:
    asked = [[0, 72], [-5, 72], [63_999_996, 72], [3, 1]]
    theirs = run("return data.map(([start, size]) => maths.plan(start, size))", asked)
    assert theirs == [[list(window) for window in generator.plan(*a)] for a in asked]


def test_noise_is_as_steep_as_land() -> None:
    places = [(11 * k, 13 - k) for k in range(12)]
    land = np.stack([ours("land", *place, 1) for place in places])
    waves = np.stack([ours("noise", *place, 1) for place in places])
    assert 0.8 < measures.slopes(waves).mean() / measures.slopes(land).mean() < 1.25
    assert WORLD["span"]["land"][0] < np.median(land) < WORLD["span"]["land"][1] and WORLD["cell"] == generator.CELL


def test_what_the_page_loads_is_small() -> None:
    weights = len(gzip.compress(shipped.script(shipped.LANDSCAPE, shipped.stored(shipped.LANDSCAPE)).encode()))
    script = len(gzip.compress(base.page_script("world").encode()))
    assert weights + script < 500_000 and script < 60_000
    demo = live.world("noise", seed=3)
    assert demo.options == {"model": shipped.LANDSCAPE, "kind": "noise", "seed": 3} and len(demo.html()) < 400
    demo.wanted = [shipped.LANDSCAPE]
    assert demo.files[shipped.LANDSCAPE]["spec"]["stages"] == [list(stage) for stage in generator.STAGES]


def test_wrong_arguments_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kind of landscape"):
        live.world("sea")
    for seed in (-1, 1_000_000, 1.5, True):
        with pytest.raises(ValueError, match="whole number from 0 to 999999"):
            inspect.unwrap(live.world)(seed=seed)
