"""The sheet in the page is the sheet in Python: hand, sums, variations, latents, outlines and places, from the same seed."""

import gzip
import itertools
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.worksheets import hand, outline, pdf, readers, sheet, sums
from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.fold import folded
from imggen_lib.compress.quantise import rounded
from imggen_lib.live.base import HERE, page_script
from imggen_lib.live.shipped import packed_file, script
from imggen_lib.live.worksheet import HANDS, worksheet_hands
from imggen_lib.measured import measured
from imggen_lib.sampling import decode

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { plans, hands, seeds, digits } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify({
  plans: plans.map((p) => worksheetPlan(p.seed, p, hands)),
  answers: plans.map((p) => worksheetPlan(p.seed, p, hands).sums.map(worksheetAnswer)),
  latents: seeds.map((s) => worksheetLatents(s, 64, 0.3).map((d) => d.map((z) => Array.from(z)))),
  glyphs: digits.map(worksheetGlyph),
  places: worksheetPlaces({ a: 12, sign: "+", b: 345 }, digits.slice(0, 5).map(worksheetGlyph)),
}));
"""
PLANS = [
    {"seed": seed, "kind": kind, "level": level, "count": count}
    for seed, count in ((0, 10), (7, 20), (2**32 - 1, 1))
    for kind in sums.KINDS
    for level in hand.LEVELS
]
SEEDS = [0, 399, 12345]


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    """Six digits of a sheet, one of them with a speck, and one image without ink."""
    images = sheet.sheet_images(sheet.worksheet(0))[:6].clone()
    images[1, 0, 1, 1] = 1.0
    images[5] = -1
    return images


@pytest.fixture(scope="module")
def page(digits: torch.Tensor) -> dict[str, Any]:
    """What the page's scripts compute."""
    given = {"plans": PLANS, "hands": worksheet_hands()["spec"]["hands"], "seeds": SEEDS, "digits": digits.flatten(1).tolist()}
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", "characters_math", "worksheet_math")]
    assert NODE is not None
    code = "\n".join([*parts, CODE])
    done = subprocess.run([NODE, "-e", code], input=json.dumps(given), capture_output=True, text=True, timeout=240, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_node
def test_the_same_seed_is_the_same_sheet(page: dict[str, Any]) -> None:
    for plan, found, answers in zip(PLANS, page["plans"], page["answers"], strict=True):
        ours = sheet.worksheet(plan["seed"], kind=plan["kind"], level=plan["level"], count=plan["count"])  # type: ignore[arg-type]
        assert found["hand"] == ours.hand.seed
        assert [(s["a"], s["sign"], s["b"]) for s in found["sums"]] == [tuple(s) for s in ours.sums]
        assert [tuple(v) for v in found["variations"]] == list(ours.variations)
        assert answers == [s.answer for s in ours.sums]


@needs_node
def test_the_same_hand_has_the_same_latents(page: dict[str, Any]) -> None:
    """To the rounding of single precision."""
    for seed, found in zip(SEEDS, page["latents"], strict=True):
        assert np.abs(np.array(found) - hand.hand_latents(seed).numpy()).max() < 1e-6


@needs_node
def test_the_curves_are_those_of_the_pdf(page: dict[str, Any], digits: torch.Tensor) -> None:
    """As many curves with the same areas, the same edges of the ink; a speck and an empty image leave nothing."""
    for image, found in zip(digits, page["glyphs"], strict=True):
        ours = outline.digit_outlines(image)
        areas = []
        for curve in found["curves"]:
            x, y = np.array(curve).reshape(-1, 2).T
            areas.append(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2))
        assert sorted(areas) == pytest.approx(sorted(o.area for o in ours), abs=1e-6)
        assert found["extent"] == list(pdf._extent(image)) and found["path"].count("Z") == len(ours)
    assert not page["glyphs"][5]["path"] and page["glyphs"][0]["path"].startswith("M")
    places = page["places"]
    ends = [(p + g["extent"][0], p + g["extent"][1]) for p, g in zip(places["places"], page["glyphs"], strict=False)]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))
    assert ends[1][1] < places["sign"] < ends[2][0] and ends[4][1] < places["equals"]


def test_the_page_draws_with_the_weights_that_ship_in_eight_bits() -> None:
    """The packed generator's digits are PyTorch's with weights of eight bits, and are read as the key says."""
    from imggen_lib.live.layers import run
    from imggen_lib.live.wire import unpacked

    file = packed_file(hand.MODEL)
    nets = unpacked(file["spec"], file["bytes"])
    z, labels = hand.hand_latents(41)[:, 0], torch.arange(10)
    one_hot = torch.nn.functional.one_hot(labels, 10).float()
    drawn = run(nets["decode"] + nets["show"], z, one_hot)
    eight = rounded(folded(pretrained(hand.MODEL).model()), 8)
    assert float((drawn - decode(eight, z, labels)).abs().max()) < 0.02  # biases in half precision
    assert float((drawn - decode(pretrained(hand.MODEL).model(), z, labels)).abs().mean()) < 3 / 127.5
    assert torch.equal(readers.Classifier().read(drawn), labels)
    told = measured("smaller")["worksheet"]
    assert told["digits"] == sum(len(row) for one in hand.hands() for row in one.kept)
    assert told["share"] == told["read"] / told["digits"] and told["interval"][0] > 0.99


def test_the_demo_is_light_and_refuses_what_is_no_sheet() -> None:
    total = script(hand.MODEL, packed_file(hand.MODEL)) + script(HANDS, packed_file(HANDS)) + page_script("worksheet")
    assert len(gzip.compress(total.encode())) < 500_000
    for wrong, words in (
        ({"kind": "division"}, "division"),
        ({"level": "odd"}, "odd"),
        ({"seed": -1}, "whole number"),
        ({"seed": 2**32}, "whole number"),
        ({"count": 21}, "1 to 20"),
    ):
        with pytest.raises(ValueError, match=words):
            live.worksheet(**wrong)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_widget_asks_for_its_files() -> None:
    widget = live.worksheet(4, "multiplication", "hard", 6)
    assert widget.options == {
        "model": hand.MODEL,
        "cases": HANDS,
        "seed": 4,
        "kind": "multiplication",
        "level": "hard",
        "count": 6,
    }
    widget.wanted = [HANDS, "mnist-gan-conv"]
    assert len(widget.files[HANDS]["spec"]["hands"]) == len(hand.hands()) and "error" in widget.files["mnist-gan-conv"]
