"""Levels as files: another program's reader finds the same tiles, the proof holds, and without a proof nothing is written."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from imggen_lib.applications.levels import exports, grammar, tiles, tileset
from imggen_lib.applications.levels.agent import solve
from imggen_lib.applications.levels.physics import Course, play

LEVEL = grammar.make_level(5, columns=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export") / "new"
    paths = exports.export_level(place, LEVEL)
    assert list(paths) == list(exports.NAMES) and sorted(p.name for p in place.iterdir()) == sorted(exports.NAMES)
    return place


def test_the_text_is_the_level(folder: Path) -> None:
    assert (tiles.read_levels(folder / "level.txt")["level"] == LEVEL).all()


def test_the_report_s_inputs_finish_the_level(folder: Path) -> None:
    said = json.loads((folder / "report.json").read_text())
    replay = play(LEVEL, said["agent"]["inputs"])
    assert replay.outcome == "won" and said["replay"] == replay._asdict() and said["agent"]["outcome"] == "finished"
    assert said["level"]["columns"] == 64 and said["rules"]["jump"] == 80


def test_the_map_is_as_the_format_s_documents_say(folder: Path) -> None:
    root = ElementTree.parse(folder / "level.tmx").getroot()
    assert root.tag == "map" and root.get("orientation") == "orthogonal" and root.get("infinite") == "0"
    layer, data = root.find("layer"), root.find("layer/data")
    assert layer is not None and data is not None and data.get("encoding") == "csv" and data.text is not None
    numbers = np.array([int(number) for number in data.text.replace("\n", "").split(",")]).reshape(LEVEL.shape)
    assert (layer.get("width"), layer.get("height")) == ("64", "14") and numbers.max() <= len(tiles.TILES)
    assert (np.where(LEVEL == tiles.ENEMY, 0, LEVEL)[numbers > 0] == numbers[numbers > 0] - 1).all()
    assert ((numbers == 0) == np.isin(LEVEL, (tiles.EMPTY, tiles.ENEMY))).all()
    solid = {int(tile.get("id", "-1")) for tile in root.iter("tile") if tile.find("objectgroup") is not None}
    assert solid == set(np.flatnonzero(tiles.SOLID).tolist())
    ids = [int(thing.get("id", "0")) for thing in root.findall("objectgroup/object")]
    assert len(set(ids)) == len(ids) and max(ids) < int(root.get("nextobjectid", "0"))


def test_another_reader_finds_the_same(folder: Path) -> None:
    reader = pytest.importorskip("pytiled_parser")
    found = reader.parse_map(folder / "level.tmx")
    layer, objects = found.layers
    numbers = np.array(layer.data)
    assert numbers.shape == LEVEL.shape and (numbers[numbers > 0] - 1 == LEVEL[numbers > 0]).all()
    kinds = found.tilesets[1].tiles
    assert [kinds[k].properties["sign"] for k in range(13)] == list(tiles.SIGNS)
    assert [bool(kinds[k].properties["solid"]) for k in range(13)] == tiles.SOLID.tolist()
    course, places = Course(LEVEL), {}
    for thing in objects.tiled_objects:
        places.setdefault(thing.name, []).append((thing.coordinates.x * 16, thing.coordinates.y * 16))
    assert places["start"] == [course.start[:2]] and places.get("enemy", []) == [enemy[:2] for enemy in course.enemies]
    picture = found.tilesets[1]
    with Image.open(folder / "tileset.png") as sheet:
        assert sheet.size == (picture.image_width, picture.image_height) and sheet.mode == "RGBA"
        assert picture.tile_count == sheet.width // 16 * (sheet.height // 16)


def test_tiled_itself_opens_the_map_and_draws_it_as_we_do(folder: Path, tmp_path: Path) -> None:
    tiled, raster = shutil.which("tiled"), shutil.which("tmxrasterizer")
    if tiled is None or raster is None:
        pytest.skip("Tiled is not installed (Debian: apt-get install tiled)")
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    written, drawn = tmp_path / "map.json", tmp_path / "map.png"
    for command in (
        [tiled, "--export-map", "json", folder / "level.tmx", written],
        [raster, "--hide-layer", "objects", folder / "level.tmx", drawn],
    ):
        done = subprocess.run(command, env=offscreen, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    said = json.loads(written.read_text())
    layer, objects = said["layers"]
    assert layer["data"] == np.where(np.isin(LEVEL, (tiles.EMPTY, tiles.ENEMY)), 0, LEVEL.astype(int) + 1).ravel().tolist()
    assert {tile["id"] for tile in said["tilesets"][0]["tiles"] if "objectgroup" in tile} == set(
        np.flatnonzero(tiles.SOLID).tolist()
    )
    assert [thing["name"] for thing in objects["objects"]][:2] == ["start", "goal"]
    with Image.open(drawn) as picture:
        theirs = np.asarray(picture.convert("RGBA"))
    each = tileset.pictures()
    for r, c in zip(*np.nonzero(tiles.SOLID[LEVEL]), strict=True):
        found, ours = theirs[16 * r : 16 * r + 16, 16 * c : 16 * c + 16], each[LEVEL[r, c]]
        assert (found[ours[..., 3] == 255] == ours[ours[..., 3] == 255]).all(), (r, c)


def test_every_tile_has_a_picture_of_its_own() -> None:
    each = tileset.pictures()
    assert each.shape == (18, 16, 16, 4) and len({picture.tobytes() for picture in each[:13]}) == 13
    opaque = each[:13, ..., 3].mean(axis=(1, 2))
    assert opaque[tiles.EMPTY] == 0 and (opaque[tiles.SOLID] > 150).all()
    assert (tileset.sheet()[:16, 16:32] == each[1]).all() and (tileset.sheet()[16:32, :16] == each[8]).all()
    drawn = tileset.draw(LEVEL, scale=2)
    assert drawn.shape == (14 * 32, 64 * 32, 3) and drawn[0, 0].tolist() == list(tileset.SKY)
    assert (drawn[-32:-16:2, :32:2] == each[tiles.GROUND][:8, :, :3]).all()
    with pytest.raises(ValueError, match="at least 1"):
        tileset.draw(LEVEL, 0)


def test_without_a_proof_nothing_is_written(tmp_path: Path) -> None:
    closed = LEVEL.copy()
    closed[4:, 30] = tiles.BRICK
    with pytest.raises(ValueError, match="the agent's answer is"):
        exports.export_level(tmp_path / "a", closed, nodes=2000)
    with pytest.raises(ValueError, match="the given inputs end with"):
        exports.export_level(tmp_path / "a", closed, proof=solve(LEVEL))
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written into"):
        exports.export_level(tmp_path / "file", LEVEL)
