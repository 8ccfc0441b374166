"""Files for other programs: each is read back by another one than ours, or against the format's own rules."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imggen_lib.applications.worlds import exports, generator
from imggen_lib.applications.worlds.generator import CELL, RIM, TILE


def test_a_heightmap_is_read_back_within_half_a_level(tmp_path: Path) -> None:
    land = exports.region(-10, 5, 65, 65, seed=3)
    png, raw, said = exports.export_heightmap(land, tmp_path / "new", seed=3)
    scale = json.loads(said.read_text(encoding="utf-8"))
    with Image.open(png) as image:
        assert image.mode == "I;16" and image.size == (65, 65)
        grey = np.asarray(image)
    back = scale["lowest_metres"] + grey * scale["metres_per_level"]
    assert np.abs(back - land).max() <= 0.51 * scale["metres_per_level"] + 1e-4
    assert np.array_equal(np.fromfile(raw, "<u2").reshape(65, 65), grey) and grey.min() == 0 and grey.max() == 65535
    tall = float(land.max() - land.min())
    assert scale["unity"]["terrain_size"] == pytest.approx([64 * CELL, tall, 64 * CELL])
    assert scale["unreal"]["scale_x_y_z"] == pytest.approx([100 * CELL, 100 * CELL, tall * 100 * 0.001953125])
    assert scale["godot_terrain3d"]["r16_range"] == pytest.approx([land.min(), land.max()]) and scale["seed"] == 3


def test_flat_land_and_land_with_holes() -> None:
    assert exports.levels(np.full((3, 3), 7.0, np.float32)).max() == 0
    with pytest.raises(ValueError, match="finite"):
        exports.levels(np.array([[1.0, np.nan]]))


def test_a_region_is_one_world_whatever_its_pieces() -> None:
    land = exports.region(500, 0, 20, 600, seed=1)
    part = generator.heights(generator.shipped(), 1, 1000, 0, 20, 40)
    assert np.abs(land[:, 500:540] - part).max() < 1e-2


def parts(glb: bytes) -> tuple[dict, list[np.ndarray]]:
    """The JSON of a GLB file and its accessors as arrays, by the specification."""
    magic, version, length = struct.unpack_from("<4sII", glb)
    assert (magic, version, length) == (b"glTF", 2, len(glb))
    size, kind = struct.unpack_from("<I4s", glb, 12)
    assert kind == b"JSON" and size % 4 == 0
    said = json.loads(glb[20 : 20 + size])
    rest, kind = struct.unpack_from("<I4s", glb, 20 + size)
    assert kind == b"BIN\0" and 28 + size + rest == len(glb) and rest % 4 == 0
    content, found = glb[28 + size :], []
    for accessor in said["accessors"]:
        view = said["bufferViews"][accessor["bufferView"]]
        dtype, width = {5126: ("<f4", 3), 5123: ("<u2", 1)}[accessor["componentType"]]
        values = np.frombuffer(content, dtype, accessor["count"] * width, view["byteOffset"])
        found.append(values.reshape(-1, width))
    return said, found


def test_a_gltf_tile_is_the_tile() -> None:
    said, (positions, normals, triangles) = parts(exports.gltf_tile(2, -1, seed=4))
    land = generator.tile(2, -1, seed=4)
    assert np.array_equal(positions[:, 1].reshape(65, 65), land[RIM : RIM + 65, RIM : RIM + 65])
    assert positions.max(0).tolist() == said["accessors"][0]["max"] and positions[:, 0].max() == TILE * CELL
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    a, b, c = (positions[triangles.reshape(-1, 3)[:, k]] for k in range(3))
    up = np.cross(b - a, c - a)
    assert (up[:, 1] > 0).all() and len(up) == 2 * TILE * TILE
    assert (up / np.linalg.norm(up, axis=1, keepdims=True) * normals[triangles.reshape(-1, 3)[:, 0]]).sum(1).mean() > 0.8


def test_normals_of_neighbouring_tiles_meet() -> None:
    """Where a border cuts, both tiles have the same vertices and the same normals, bit by bit."""
    _, (here, here_normals, _) = parts(exports.gltf_tile(0, 0, seed=4))
    _, (east, east_normals, _) = parts(exports.gltf_tile(1, 0, seed=4))
    grid = np.arange(65 * 65).reshape(65, 65)
    assert np.array_equal(here[grid[:, -1], 1], east[grid[:, 0], 1])
    assert np.array_equal(here_normals[grid[:, -1]], east_normals[grid[:, 0]])
