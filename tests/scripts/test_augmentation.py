"""The record of what augmentation is worth: its arithmetic, that it is whole, and that the README says what it says."""

import json
import re
from math import nan
from pathlib import Path
from statistics import mean

import augmentation
import pytest
import torch

from imggen_lib.measured import measured


def test_the_difference_is_taken_seed_by_seed_of_the_last_measurement() -> None:
    rows = {
        "none": [{"seed": s, "kernel": k} for s in (0, 1, 2) for k in (99.0, 10.0 + s)],
        "p": [{"seed": s, "kernel": k} for s in (0, 1, 2) for k in (99.0, 8.0 + 2 * s)],
        "later": [],
    }
    found = augmentation.summary(rows)
    assert found["none"] == {"kernel": 11.0, "seeds": 3} and "later" not in found
    assert found["p"]["difference"] == pytest.approx(-1) and found["p"]["high"] == pytest.approx(-1 + 4.302653 / 3**0.5, abs=1e-4)


def test_no_picture_is_in_two_parts() -> None:
    pictures = {k: torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8) for k, n in (("a", 200), ("b", 400), ("c", 50))}
    train, held, looked_at = augmentation.split(pictures, ("a", "b"))
    parts = [{x.numpy().tobytes() for x in part} for part in (train.images, held, looked_at.images)]
    assert [len(p) for p in parts] == [300, 100, 300 + 50 + 200] and looked_at.classes == ("a", "b", "c")
    assert not parts[1] & (parts[0] | parts[2]) and parts[0] < parts[2]


@pytest.mark.parametrize("method", augmentation.METHODS)
def test_every_method_is_trained_and_looked_at(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "PROTOCOL", {**augmentation.PROTOCOL, "samples": 100, "width": 4, "every": 256})
    noise = torch.randint(0, 256, (220, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    data = augmentation.ImageSet(noise[:100], torch.zeros(100, dtype=torch.long), ("all",), "noise")
    eyes = augmentation.Eyes(data, noise[100:], augmentation.FeatureConfig(image_shape=(3, 32, 32), width=4).build().eval())
    rows = list(augmentation.trained(eyes, augmentation.METHODS[method], 0, 512))
    assert [r["images"] for r in rows] == [256, 512] and all(r["low"] <= r["kernel"] <= r["high"] for r in rows)
    assert ("p" in rows[-1]) == (method == "adaptive")
    assert json.dumps(rows)


def test_what_is_recorded_can_be_kept_where_a_method_is_added() -> None:
    """The shipped record has three methods; a record of another protocol is not mixed with it."""
    kept = augmentation.known(augmentation.OUT, "blood cells", augmentation.PROTOCOL["images"])
    assert {"none", "p = 0.4", "p = 1"} <= set(kept) <= set(augmentation.METHODS) and len(kept["none"]) == 9
    with pytest.raises(SystemExit, match="another protocol"):
        augmentation.known(augmentation.OUT, "blood cells", 1)


def test_the_record_is_whole_and_the_readme_says_what_it_says() -> None:
    record = measured("augmentation")
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    seeds, methods = record["protocol"]["seeds"], record["protocol"]["methods"]
    for name, found in record["sets"].items():
        assert found["training images"]["n"] == 300 and found["held_out"] >= 200 and found["Gaussian"]["low"] > 0
        for method in methods:
            runs = found["runs"][method]
            assert sorted({r["seed"] for r in runs}) == seeds and all(r["low"] <= r["kernel"] <= r["high"] for r in runs)
            last = [r["kernel"] for r in runs if r["images"] >= record["protocol"]["images"]]
            assert len(last) == len(seeds) and mean(last) == pytest.approx(found["summary"][method]["kernel"])
        assert found["summary"] == augmentation.summary(found["runs"])
        row = re.search(rf"^\| {name} \|(.*)\|$", readme, re.MULTILINE)
        assert row is not None
        cells = [[float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", cell)] for cell in row[1].split("|")]
        assert list(methods)[:3] == ["none", "p = 0.4", "p = 1"]
        assert cells[0] == [pytest.approx(found["summary"]["none"]["kernel"], rel=0.06)]
        for cell, method in zip(cells[1:-2], list(methods)[1:], strict=True):  # a column a method
            one = found["summary"][method]
            said = [one["kernel"], one.get("difference", nan), one.get("low", nan), one.get("high", nan)]
            assert cell == [pytest.approx(value, rel=0.06, abs=0.06) for value in said]
        assert cells[-2] == [pytest.approx(found["training images"]["kernel"], rel=0.06)]
        assert cells[-1] == [pytest.approx(found["Gaussian"]["kernel"], rel=0.06)]
