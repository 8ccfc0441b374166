"""What the game's page is given: levels with proofs that hold, in Python and in the page's engine; and refusals in words."""

import gzip
import importlib
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.levels import grammar, measures, models, tiles
from imggen_lib.applications.levels.agent import solve
from imggen_lib.applications.levels.physics import play
from imggen_lib.live import shipped
from imggen_lib.live.layers import run
from imggen_lib.live.wire import unpacked
from imggen_lib.noise import latents

sys.path.append(str(Path(__file__).parents[1] / "applications" / "levels"))
both = importlib.import_module("both")
SPEC = shipped.stored(shipped.LEVELS)["spec"]
TEXTS = zlib.decompress(shipped.stored(shipped.LEVELS)["bytes"], -15).decode().split("\n\n")
PLAYED = ("outcome", "frames", "column", "coins", "stomped", "jumps", "hash")


def test_every_stored_level_is_finished_by_its_inputs() -> None:
    """If this fails, run ``python scripts/records/game_levels.py``."""
    assert len(SPEC["levels"]) == len(TEXTS) == 24
    for stored, text in zip(SPEC["levels"], TEXTS, strict=True):
        level = tiles.parse_level(text)
        assert play(level, stored["inputs"])._asdict() == {name: stored[name] for name in PLAYED} and stored["outcome"] == "won"
        assert solve(level).inputs == stored["inputs"]
    hard = [level["jumps"] + level["gaps"] + level["enemies"] for level in SPEC["levels"]]
    assert hard == sorted(hard) and hard[-1] > 2 * hard[0]


@both.needs_node
def test_the_page_s_engine_finishes_them_all_with_python_s_hash() -> None:
    jobs = [[text, stored["inputs"]] for stored, text in zip(SPEC["levels"], TEXTS, strict=True)]
    found = both.run("return data.map(([text, inputs]) => gamePlay(gameCourse(gameRead(text)), gameInputs(inputs)))", jobs)
    assert found == [{name: stored[name] for name in PLAYED} for stored in SPEC["levels"]]


def test_the_stored_file_is_the_script_s() -> None:
    records = importlib.import_module("game_levels")
    levels = {level["source"]: tiles.parse_level(text) for level, text in zip(SPEC["levels"], TEXTS, strict=True)}
    again = json.loads(records.stored(levels))
    assert {k: v for k, v in again.items() if k not in ("texts", "sheet")} == {k: v for k, v in SPEC.items() if k != "sheet"}
    assert zlib.decompress(shipped.stored(shipped.LEVELS)["bytes"], -15).decode().split("\n\n") == TEXTS
    assert SPEC["sheet"].startswith("data:image/png;base64,")


def test_the_page_s_network_is_the_shipped_generator() -> None:
    file, noise = shipped.stored(shipped.DECODER), latents(range(200), 32)
    assert len(gzip.compress(shipped.script(shipped.DECODER, file).encode())) < 250_000
    with torch.no_grad():
        theirs = run(unpacked(file["spec"], file["bytes"])["decode"], noise).argmax(1).numpy()
    ours = models.draw_levels(models.pretrained("levels-gan-local").model(), 200)
    assert (theirs == ours).mean() > 0.9999 and measures.distinct(ours) > 190


def test_levels_of_one_s_own_stand_in_the_mount() -> None:
    level = grammar.make_level(0, 32)
    demo = live.game([level], first=0)
    assert demo.options == {"model": shipped.LEVELS, "levels": [tiles.level_text(level)], "first": 0}
    assert len(live.game().html()) < 400
    demo.wanted = [shipped.LEVELS, "nobody"]
    assert demo.files[shipped.LEVELS]["spec"]["levels"] and "error" in demo.files["nobody"]


def test_wrong_arguments_are_refused_in_words() -> None:
    level = grammar.make_level(0, 32)
    for levels, first, words in (
        ([], None, "from 1 to 12 levels"),
        ([level] * 13, None, "got 13"),
        ([level[:, :15]], None, "16 or more columns"),
        ([np.full((14, 32), 13, np.uint8)], None, "tile numbers go from 0 to 12"),
        ([level], 1, "a number from 0 to 0, got 1"),
        (None, 24, "from 0 to 23"),
    ):
        with pytest.raises(ValueError, match=words):
            live.game(levels, first=first)
