"""Land for other programs: a heightmap of 16 bits with its scale (Unity, Unreal, Godot), and a tile as glTF.

The PNG is what Unreal's landscape tool reads, the same levels as raw 16-bit numbers are what Unity's *Import Raw* and Terrain3D for
Godot read; the JSON says what each of them asks for in its dialogue.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt16
from PIL import Image

from imggen_lib import files
from imggen_lib.applications.worlds import generator
from imggen_lib.applications.worlds.generator import CELL, RIM, TILE, Terrain, heights, shipped

SIZE = 2049  # vertices a side: 2^11 + 1, as Unity's terrains have
LEVELS = 65535


def region(
    left: int, top: int, height: int, width: int, seed: int = 0, *, model: Terrain | None = None
) -> Float[np.ndarray, "height width"]:
    """A large window in metres, put together from pieces of 512 cells, so that it needs little memory."""
    model, step = model or shipped(), 512
    land = np.empty((height, width), np.float32)
    for i in range(0, height, step):
        for j in range(0, width, step):
            rows, columns = min(step, height - i), min(step, width - j)
            land[i : i + rows, j : j + columns] = heights(model, seed, left + j, top + i, rows, columns)
    return land


def levels(land: Float[np.ndarray, "rows columns"]) -> UInt16[np.ndarray, "rows columns"]:
    """Heights as whole numbers, 0 for the lowest and 65535 for the highest; flat land is 0."""
    if not np.isfinite(land).all():
        raise ValueError("land for export must be finite")
    low, high = float(land.min()), float(land.max())
    scale = LEVELS / (high - low) if high > low else 0.0
    return np.rint((land.astype(np.float64) - low) * scale).astype(np.uint16)


def scale(land: Float[np.ndarray, "rows columns"], cell: float = CELL) -> dict[str, Any]:
    """What the levels mean, in metres, and in the units in which each engine asks for it."""
    low, high = float(land.min()), float(land.max())
    rows, columns = land.shape
    wide, long, tall = (columns - 1) * cell, (rows - 1) * cell, high - low
    return {
        "metres_per_cell": cell,
        "lowest_metres": low,
        "highest_metres": high,
        "metres_per_level": tall / LEVELS,
        "rows": rows,
        "columns": columns,
        "unity": {"file": "heightmap.r16", "depth": "Bit 16", "byte_order": "Windows", "terrain_size": [wide, tall, long]},
        "unreal": {"file": "heightmap.png", "scale_x_y_z": [100 * cell, 100 * cell, 100 * tall / 512]},
        "godot_terrain3d": {"file": "heightmap.r16", "r16_range": [low, high], "r16_size": [columns, rows], "vertex_spacing": cell},
    }


def export_heightmap(land: Float[np.ndarray, "rows columns"], folder: Path, *, cell: float = CELL, **about: Any) -> list[Path]:
    """Write ``heightmap.png`` (16 bits, grey), ``heightmap.r16`` (little-endian, row by row) and ``heightmap.json``; their paths.

    Args:
        land: Heights in metres; for Unity a square of 2^n + 1 vertices a side.
        folder: Made if it is missing.
        cell: Metres between two vertices.
        about: What else the JSON is to say: the seed, the place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    grey = levels(land)
    paths = [folder / f"heightmap.{kind}" for kind in ("png", "r16", "json")]
    said = json.dumps(scale(land, cell) | about, indent=1) + "\n"
    files.write(paths[0], lambda part: Image.fromarray(grey).save(part, "PNG"))
    files.write(paths[1], lambda part: part.write_bytes(grey.astype("<u2").tobytes()))
    files.write(paths[2], lambda part: part.write_text(said, encoding="utf-8"))
    return paths


def normals(land: Float[np.ndarray, "rows columns"], cell: float = CELL) -> Float[np.ndarray, "r c 3"]:
    """Unit normals (east, up, south) of the inner cells, from central differences; they need one cell of the neighbours."""
    east = (land[1:-1, 2:] - land[1:-1, :-2]) / (2 * cell)
    south = (land[2:, 1:-1] - land[:-2, 1:-1]) / (2 * cell)
    n = np.stack((-east, np.ones_like(east), -south), -1).astype(np.float64)
    return (n / np.linalg.norm(n, axis=-1, keepdims=True)).astype(np.float32)


def gltf_tile(x: int, y: int, seed: int = 0, *, model: Terrain | None = None) -> bytes:
    """Tile (`x`, `y`) as binary glTF 2.0: 65 x 65 vertices in metres, y up, x east, z south, normals that fit the neighbours'.

    Source: Khronos Group, glTF 2.0 specification, 2021.
    """
    inner = slice(RIM - 1, RIM + TILE + 2)
    land = generator.tile(x, y, seed, model=model)[inner, inner]
    side = TILE + 1
    z, x_ = np.mgrid[0:side, 0:side] * CELL
    positions = np.stack((x_, land[1:-1, 1:-1], z), -1).reshape(-1, 3).astype("<f4")
    corner = (np.arange(side * side).reshape(side, side)[:-1, :-1]).reshape(-1, 1)
    triangles = (corner + np.array([0, side, 1, 1, side, side + 1])).astype("<u2")  # counter-clockwise, seen from above
    parts = [positions.tobytes(), normals(land).reshape(-1, 3).astype("<f4").tobytes(), triangles.tobytes()]
    offsets = np.cumsum([0] + [len(p) for p in parts]).tolist()
    views = [
        {"buffer": 0, "byteOffset": offsets[k], "byteLength": len(part), "target": target}
        for k, (part, target) in enumerate(zip(parts, (34962, 34962, 34963), strict=True))
    ]
    count = {"componentType": 5126, "count": side * side, "type": "VEC3"}
    limits = {"min": positions.min(0).tolist(), "max": positions.max(0).tolist()}
    said = {
        "asset": {"version": "2.0", "generator": "imggen_lib", "extras": {"seed": seed, "tile": [x, y], "metres_per_cell": CELL}},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": f"tile {x} {y}"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [0.55, 0.5, 0.42, 1.0], "metallicFactor": 0.0}}],
        "accessors": [
            {"bufferView": 0, **count, **limits},
            {"bufferView": 1, **count},
            {"bufferView": 2, "componentType": 5123, "count": int(triangles.size), "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": offsets[-1]}],
    }
    return _binary(json.dumps(said, separators=(",", ":")).encode(), b"".join(parts))


def _binary(text: bytes, content: bytes) -> bytes:
    """The two chunks of a GLB file, filled up to multiples of four bytes."""
    text, content = text + b" " * (-len(text) % 4), content + b"\0" * (-len(content) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(content), b"BIN\0") + content
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
