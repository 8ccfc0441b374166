"""The levels that the game in the pages begins with: ``imggen_lib/live/maps/platform-levels.json``.

Each has the inputs with which the agent finishes it, and what a replay of them gives. They lie in the order of their difficulty:
jumps, gap columns and enemies, added up.
"""

import base64
import json
import sys
import zlib
from pathlib import Path

from imggen_lib.applications.levels import exports, grammar, measures, tileset
from imggen_lib.applications.levels.agent import solve
from imggen_lib.applications.levels.physics import WON, play
from imggen_lib.applications.levels.tiles import Level, level_text
from imggen_lib.live.shipped import LEVELS, MAPS

COUNT, COLUMNS = 24, 96


def known(level: Level, source: str) -> dict[str, object]:
    """A level with its proof; ``ValueError`` if the agent finds none."""
    proof = solve(level)
    replay = play(level, proof.inputs)
    if replay.outcome != WON:
        raise ValueError(f"the agent does not finish the level from {source}")
    said = {"source": source, "text": level_text(level), "inputs": proof.inputs, "nodes": proof.nodes}
    counted = measures.measured(level)
    return {**said, **replay._asdict(), "gaps": counted["gaps"], "enemies": counted["enemies"]}


def stored(levels: dict[str, Level]) -> str:
    """The file's text."""
    each = [known(level, source) for source, level in levels.items()]
    each.sort(key=lambda level: (level["jumps"] + level["gaps"] + level["enemies"], level["source"]))  # type: ignore[operator]
    picture = base64.b64encode(exports.png(tileset.sheet())).decode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    texts = packer.compress("\n".join(str(level.pop("text")) for level in each).encode()) + packer.flush()
    spec = {"name": LEVELS, "across": tileset.ACROSS, "sheet": f"data:image/png;base64,{picture}", "levels": each}
    return json.dumps({**spec, "texts": base64.b64encode(texts).decode()}) + "\n"


def main() -> None:
    """Write the file."""
    levels = {f"grammar-{k}": grammar.make_level(k, COLUMNS, difficulty=(k + 1) / COUNT) for k in range(COUNT)}
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MAPS / f"{LEVELS}.json"
    path.write_text(stored(levels), encoding="utf-8")


if __name__ == "__main__":
    main()
