"""Levels for other programs: text, a map that Tiled opens, and a report with the proof that the level can be finished.

The map is in Tiled's TMX format 1.10 (doc.mapeditor.org, "TMX Map Format"), which engines read through importers, with its tiles
beside it in ``tileset.png``: a layer of tiles, where 0 is nothing and other numbers are the tile's plus 1; solid tiles have a shape
for collisions; and a layer of objects with the start, the goal and the enemies. Files are written whole, or not at all.
"""

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from imggen_lib.applications.levels import physics, tiles, tileset
from imggen_lib.applications.levels.agent import NODES, Proof, solve
from imggen_lib.applications.levels.measures import measured
from imggen_lib.applications.levels.physics import TILE, WON, Course, play
from imggen_lib.applications.levels.tiles import TILES, Level, check_level, level_text
from imggen_lib.files import write_all

NAMES = LEVEL, MAP, TILESET, REPORT = ("level.txt", "level.tmx", "tileset.png", "report.json")
_RULES = ("WIDTH", "HEIGHT", "SIDE", "FASTEST", "PUSH", "BRAKE", "JUMP", "BOUNCE", "FALL", "LIGHT", "CUT", "HEAVY", "STOMP", "WALK")


def png(picture: np.ndarray) -> bytes:
    """A picture as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def _properties(parent: ElementTree.Element, **values: str | bool) -> None:
    around = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        kind = {"type": "bool"} if isinstance(value, bool) else {}
        said = str(value).lower() if kind else str(value)
        ElementTree.SubElement(around, "property", {"name": name, **kind, "value": said})


def _tileset(parent: ElementTree.Element) -> None:
    size, sheet = tileset.SIZE, tileset.sheet()
    options = {"tilewidth": size, "tileheight": size, "tilecount": len(sheet) // size * tileset.ACROSS, "columns": tileset.ACROSS}
    words = {name: str(value) for name, value in options.items()}
    around = ElementTree.SubElement(parent, "tileset", {"firstgid": "1", "name": "platform tiles", **words})
    height, width = sheet.shape[:2]
    ElementTree.SubElement(around, "image", source=TILESET, width=str(width), height=str(height))
    for k, tile in enumerate(TILES):
        one = ElementTree.SubElement(around, "tile", id=str(k))
        _properties(one, name=tile.name, sign=tile.sign, solid=tile.solid)
        if tile.solid:
            shapes = ElementTree.SubElement(one, "objectgroup", draworder="index")
            ElementTree.SubElement(shapes, "object", id="1", x="0", y="0", width=str(size), height=str(size))


def level_map(level: Level) -> str:
    """The level as a TMX map; ``tileset.png`` must lie beside it."""
    rows, columns = check_level(level).shape
    course, size = Course(level), tileset.SIZE
    about = {"version": "1.10", "tiledversion": "1.10.2", "orientation": "orthogonal", "renderorder": "right-down", "infinite": "0"}
    grid = {"width": str(columns), "height": str(rows), "tilewidth": str(size), "tileheight": str(size)}
    root = ElementTree.Element("map", {**about, **grid, "backgroundcolor": "#{:02x}{:02x}{:02x}".format(*tileset.SKY)})
    _tileset(root)
    layer = ElementTree.SubElement(root, "layer", id="1", name="tiles", width=str(columns), height=str(rows))
    fixed = np.where((level == tiles.EMPTY) | (level == tiles.ENEMY), 0, level.astype(int) + 1)
    data = ",\n".join(",".join(map(str, row)) for row in fixed.tolist())
    ElementTree.SubElement(layer, "data", encoding="csv").text = f"\n{data}\n"
    group = ElementTree.SubElement(root, "objectgroup", id="2", name="objects")
    x, y = course.start[:2]
    places = [("start", "start", x / 16, y / 16, physics.WIDTH / 16, physics.HEIGHT / 16)]
    places += [("goal", "goal", course.goal / 16, 0, TILE / 16, rows * size)]
    places += [("enemy", "enemy", ex / 16, ey / 16, physics.SIDE / 16, physics.SIDE / 16) for ex, ey, _, _ in course.enemies]
    for k, (name, kind, left, top, width, height) in enumerate(places, 1):
        box = {"x": f"{left:g}", "y": f"{top:g}", "width": f"{width:g}", "height": f"{height:g}"}
        ElementTree.SubElement(group, "object", {"id": str(k), "name": name, "type": kind, **box})
    root.set("nextlayerid", "3")
    root.set("nextobjectid", str(len(places) + 1))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def report(level: Level, proof: Proof, nodes: int = NODES) -> dict[str, Any]:
    """What is known of the level as plain JSON: counts, the rules' numbers, the agent's inputs and what a replay of them gives."""
    result = play(level, proof.inputs)
    rows, columns = level.shape
    return {
        "level": {"rows": rows, "columns": columns, **measured(level)},
        "rules": {"frames a second": 60, "units a tile": TILE, **{name.lower(): getattr(physics, name) for name in _RULES}},
        "agent": {**proof._asdict(), "most nodes": nodes},
        "replay": result._asdict(),
    }


def export_level(folder: str | Path, level: Level, *, proof: Proof | None = None, nodes: int = NODES) -> dict[str, Path]:
    """Write ``level.txt``, ``level.tmx``, ``tileset.png`` and ``report.json`` into a folder, which is made; their paths by name.

    The agent looks for a way of at most `nodes` nodes, unless a `proof` is given. ``ValueError`` if it finds none, or if the proof
    does not finish this level: a level without a proof is not exported. ``OSError`` where a file cannot be written.
    """
    found = solve(check_level(level), nodes) if proof is None else proof
    played = play(level, found.inputs)
    if played.outcome != WON:
        how = f"the agent's answer is {found.outcome!r}" if proof is None else f"the given inputs end with {played.outcome!r}"
        raise ValueError(f"the level is not exported, because nothing shows that it can be finished: {how}")
    said = json.dumps(report(level, found, nodes), indent=2) + "\n"
    content = {
        LEVEL: level_text(level).encode(),
        MAP: level_map(level).encode(),
        TILESET: png(tileset.sheet()),
        REPORT: said.encode(),
    }
    return write_all(folder, content, "the level")
