"""The second stage of a generator's training: whose turn it is, how large the steps are, and what ships in the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checkpoints
import pytest
import torch
from tuning import Tuning, mean

from imggen_lib import checkpoint
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.runs import Run, start
from imggen_lib.train.state import GanState, Record

SMALL = GanConfig(net="mlp", hidden=(16,), latent_dim=4, batch=8)
STAGE = Tuning(images=120, head_start=40, warm_up=20, ema_half_life=20.0)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=60, classes="01")


def test_the_generator_waits_and_then_takes_small_steps() -> None:
    for images in (0, 39):
        assert STAGE.rates(images)[0] == 0
    assert STAGE.rates(0)[1] == pytest.approx(1e-3) and STAGE.rates(39)[1] == pytest.approx(3e-4, rel=0.07)
    assert STAGE.rates(40) == pytest.approx((1e-6, 3e-4)) and STAGE.rates(60)[0] == pytest.approx(1e-4 * (1 - 0.95 / 4))
    assert STAGE.rates(120) == STAGE.rates(10**9) == pytest.approx((5e-6, 1.5e-5))


def test_what_ships_is_the_mean_of_before_and_after(digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "load", lambda name, split: digits)
    run = start(SMALL, digits, "cpu")
    list(run.records(80))
    run.save(tmp_path)
    saved = checkpoint.load(tmp_path)
    seen: list[Any] = []
    watched = checkpoints.tuning_records

    def watching(run: Run, tuning: Tuning) -> Iterator[Record]:
        assert isinstance(run.state, GanState)
        weights = next(run.state.generator.parameters())
        before = weights.detach().clone()
        for record in watched(run, tuning):
            seen.append((record["images"], torch.equal(weights, before), run.state.critic_optimizer.param_groups[0]["lr"]))
            yield record
        seen.append(run.state.ema.state_dict())

    monkeypatch.setattr(checkpoints, "tuning_records", watching)
    found, card = checkpoints.tuned(saved, checkpoints.Plan(SMALL, 80, "glyphs", tuning=STAGE), tmp_path)
    after = seen.pop()
    assert [images for images, _, _ in seen] == list(range(8, 121, 8))
    assert [still for _, still, _ in seen] == [True] * 5 + [False] * 10  # five batches for the critic alone
    assert [rate for *_, rate in seen] == pytest.approx([STAGE.rates(images)[1] for images in range(0, 120, 8)])
    for name, value in after.items():
        ema = saved.tensors[f"ema.{name}"]
        torch.testing.assert_close(found.tensors[f"ema.{name}"], (ema + value) / 2 if value.is_floating_point() else value)
    assert found.meta["images"] == 200 and card["second_stage"]["images"] == 120 and card["second_stage"]["share"] == 0.5
    assert checkpoint.release(found, "small", card, tmp_path).exists()


def test_a_mean_is_between() -> None:
    one, other = {"a": torch.tensor([0.0, 4.0]), "n": torch.tensor(3)}, {"a": torch.tensor([2.0, 0.0]), "n": torch.tensor(5)}
    found = mean(one, other, 0.25)
    assert found["a"].tolist() == [0.5, 3.0] and found["n"].item() == 5
