"""The supervised upper line: a record of three seeds; a script that learns what can be learned, and judges as the library does."""

import pytest
import supervised as script
import torch

from imggen_lib.data import ImageSet
from imggen_lib.measured import measured
from imggen_lib.metrics.audit import auroc


def test_the_record_is_of_three_seeds_and_its_intervals_hold_their_values() -> None:
    record = measured("supervised")
    assert sorted(record["seeds"]) == [str(seed) for seed in script.SEEDS] and len(script.SEEDS) == 3
    for row in (*record["seeds"].values(), record["mean logit of the three"]):
        for name in ("validation", "test", "sensitivity", "false_alarms"):
            value, low, high = row[name][:3]
            assert 0 <= low <= value <= high <= 1, name
        assert row["validation"][0] > row["test"][0], "the test is another distribution: the chapter says so"
    assert record["protocol"]["epochs"] == script.EPOCHS and record["protocol"]["test_images"] == 621


def test_the_network_learns_two_kinds_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "EPOCHS", 4)
    g = torch.Generator().manual_seed(0)
    labels = torch.arange(128) % 2
    images = torch.rand(128, 1, 28, 28, generator=g) + labels[:, None, None, None] * torch.linspace(0, 1, 28)
    data = ImageSet.from_float(images.clamp(0, 1) * 2 - 1, labels, name="slopes")
    net = script.trained(data, 0)
    found = script.scores(net, data)
    assert auroc(found[labels == 1], found[labels == 0]) > 0.95
    judged = script.judged((found[labels == 1], found[labels == 0]), (found[labels == 1], found[labels == 0]))
    assert judged["test"][0] == pytest.approx(auroc(found[labels == 1], found[labels == 0]), abs=1e-4)
