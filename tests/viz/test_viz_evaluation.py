"""The charts of the chapter on evaluation: what counts as noticed, and that every chart can be drawn."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib.measured import measured
from imggen_lib.viz import Picture, evaluation


def _record() -> dict[str, Any]:
    """Two metrics on four undamaged draws (mean 10, deviation 1) and on two doses of one damage; a third that never varies."""
    base = (10 - math.sqrt(1.5), 10.0, 10.0, 10 + math.sqrt(1.5))
    real = [{"draw": k, "up": v, "down": v, "exact": 0.0, "nearest": v} for k, v in enumerate(base)]
    weak = [{"draw": k, "up": 13.0, "down": 13.0, "exact": 0.0, "nearest": 7.0} for k in range(3)]
    strong = [{"draw": k, "up": 20.0 + k, "down": 20.0 + k, "exact": 1e-9, "nearest": 1.0} for k in range(3)]
    better = {"up": "higher", "down": "lower", "exact": "lower", "nearest": "real"}
    return {
        "metrics": {name: {"better": way} for name, way in better.items()},
        "runs": {"real": {"0": real}, "rust": {"1": weak, "2": strong}},
    }


def test_verdicts_are_deviations_and_above_0_is_worse() -> None:
    found = evaluation.verdicts(_record())["rust"]
    assert found["1"]["down"] == pytest.approx([3, 3, 3]) and found["1"]["up"] == pytest.approx([-3, -3, -3])
    assert found["2"]["down"] == pytest.approx([10, 11, 12]) and found["2"]["up"] == pytest.approx([-10, -11, -12])
    assert found["1"]["exact"] == [0, 0, 0] and found["2"]["exact"] == [1000, 1000, 1000]
    assert found["1"]["nearest"] == pytest.approx([3, 3, 3]) and found["2"]["nearest"] == pytest.approx([9, 9, 9])


def test_noticed_asks_every_draw_on_the_same_side() -> None:
    assert evaluation.noticed([5.1, 9, 20]) == 1
    assert evaluation.noticed([-5.1, -9, -20]) == -1
    assert evaluation.noticed([4.9, 9, 20]) == evaluation.noticed([-9, 9, 9]) == 0


def test_the_first_dose_noticed() -> None:
    found = evaluation.verdicts(_record())["rust"]
    assert evaluation.first_noticed(found, "down") == (2, 1)
    assert evaluation.first_noticed(found, "up") == (2, -1)
    assert evaluation.first_noticed({"1": found["1"]}, "down") == (0, 0)


def test_frames_are_of_one_size_whatever_they_show() -> None:
    found = evaluation.verdicts(_record())
    frames = [evaluation.damage_frame(torch.zeros(6, 1, 28, 28), v) for v in (found["real"]["0"], found["rust"]["2"])]
    sizes = {_size(frame) for frame in frames}
    assert len(sizes) == 1


def _size(picture: Picture) -> tuple[int, int]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(picture._repr_png_())) as image:
        return image.size


def test_every_chart_can_be_drawn() -> None:
    found = evaluation.verdicts(_record())
    table = {"real": {"a": 0.5, "b": -120.0}, "other": {"a": 0.25, "b": 3.0}}
    points = torch.randn(12, 2, generator=torch.Generator().manual_seed(0)).double()
    pictures = [
        evaluation.damage_table(found, ["up", "down", "exact", "nearest"], {"rust": "a word"}),
        evaluation.spread_against([10, 100], {"F": [[2.0, 3.0], [0.2]]}, {"E": [2.5, 0.25]}, ("n", ""), "xy"),
        evaluation.spread_against([10, 100], {"F": [[2.0, 3.0], [0.2]]}, {}, ("n", "")),
        evaluation.balls(points[:8], points[8:], torch.full((8,), 0.4)),
        evaluation.scoreboard(table, {"a": "higher", "b": "first"}),
    ]
    assert all(isinstance(p, Picture) and len(p._repr_png_()) > 1000 for p in pictures)


def test_the_table_shows_the_dose_and_the_colour_of_the_verdict() -> None:
    picture = evaluation.damage_table(evaluation.verdicts(_record()), ["up", "down", "exact"])
    (axes,) = picture.axes
    assert [t.get_text() for t in axes.texts] == ["2", "2", "2"]
    colours = [tuple(np.round(p.get_facecolor()[:3], 2)) for p in axes.patches]
    assert len(set(colours)) == 2 and colours[1] == colours[2]


def test_the_record_has_what_the_chapter_shows() -> None:
    record = measured("damage")
    protocol, runs = record["protocol"], record["runs"]
    assert len(runs["real"]["0"]) == protocol["real_draws"] >= 10
    for damage, strengths in record["strengths"].items():
        assert list(runs[damage]) == [f"{s:g}" for s in strengths]
        for found in runs[damage].values():
            assert [run["draw"] for run in found] == list(range(protocol["draws"])) and protocol["draws"] >= 3
            assert all(math.isfinite(run[name]) for run in found for name in record["metrics"])


def _first() -> dict[str, dict[str, tuple[int, int]]]:
    record = measured("damage")
    found = evaluation.verdicts(record)
    return {d: {m: evaluation.first_noticed(v, m) for m in record["metrics"]} for d, v in found.items() if d != "real"}


def test_the_record_says_what_theory_says() -> None:
    """What must be so, whatever the feature network."""
    first = _first()
    assert {name for name, (dose, _) in first["copy_training"].items() if dose} == {"copying"}
    for damage in ("drop_classes", "repeat_one", "recycle"):
        for name in ("MSE", "SSIM", "Delta E"):
            assert first[damage][name] == (0, 0), f"{name} cannot see {damage}"
    for name in ("Fréchet", "recall", "coverage", "class entropy"):
        assert first["drop_classes"][name][1] == 1, f"{name} sees classes that are gone"
    for name in ("histogram", "moments", "patterns", "contrast", "spectrum"):
        assert first["shift"][name][0] != 1, f"{name} does not see a shift by one pixel"


def test_the_record_says_what_the_chapter_reads() -> None:
    """Depends on the feature network: when this fails after a new measurement, mend the chapter's prose."""
    first = _first()
    assert {name for name, (dose, _) in first["shift"].items() if dose == 1} == {"MSE", "SSIM", "Delta E", "precision"}
    for damage in ("drop_classes", "repeat_one", "recycle"):
        assert first[damage]["precision"] == first[damage]["density"] == (0, 0)
    assert first["jpeg"]["precision"] == first["jpeg"]["entropy score"] == (0, 0)
    assert first["blur"]["density"][1] == first["fade"]["density"][1] == -1
    assert first["salt"]["Vendi"][1] == first["occlude"]["Vendi"][1] == -1
    assert all(first["drop_classes"][name][0] in (0, 4) for name in ("histogram", "moments", "contrast", "patterns", "spectrum"))
    assert all(run["recall"] < 0.01 for run in measured("damage")["runs"]["recycle"]["4"])


def test_every_dose_has_its_words_and_unit() -> None:
    record = measured("damage")
    assert list(evaluation.DOSES) == list(record["strengths"])
    said = {evaluation.dose_in_words(d, s) for d, doses in record["strengths"].items() for s in doses}
    assert len(said) == sum(len(doses) for doses in record["strengths"].values())
    assert not any("_" in text or "{" in text for text in said)
    assert evaluation.dose_in_words("jpeg", 25) == "JPEG: quality 75 of 100."
    assert evaluation.dose_in_words("recycle", 4) == "Few images, repeated: each comes 5 times."
    assert evaluation.dose_in_words("blur", 0) == "No damage."
