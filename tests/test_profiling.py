"""Where the time goes: the arithmetic is what one counts by hand, the training is what it is without a profile."""

import time
from pathlib import Path

import pytest
import torch

from imggen_lib import profiling
from imggen_lib.cli import main
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.profiling import PARTS, peak_flops, profile
from imggen_lib.runs import start

SMALL = {"net": "mlp", "hidden": (32,), "latent_dim": 8, "batch": 16}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=100, classes="01")


def test_operations_of_a_vae_are_those_of_its_matrices(digits: ImageSet) -> None:
    """A product with an (a, b) matrix takes 2ab operations forward, twice that backward, and half of it where no input learns."""
    found = profile(start(VaeConfig(**SMALL), digits, "cpu"), steps=2, warmup=1)
    first, others = 784 * 32, 32 * 16 + 8 * 32 + 32 * 784
    assert found.flops == 2 * (2 * first + 3 * others)
    assert list(found.shares) == list(PARTS) and sum(found.shares.values()) == pytest.approx(1)
    assert all(0 < share < 1 for share in found.shares.values())


def test_steps_with_a_penalty_cost_more(digits: ImageSet) -> None:
    """Without a penalty a GAN's step is: G once forward and back, D on both halves, then on both again (once without gradients)."""
    plain = profile(start(GanConfig(**SMALL, r1=0.0, loss="hinge"), digits, "cpu"), steps=4, warmup=1)
    g, d, pixels = 8 * 32 + 32 * 784, 784 * 32 + 32, 784 * 32
    critic = 2 * (3 * 2 * d - 2 * pixels)  # the images do not learn
    generator = 2 * (3 * g - 8 * 32) + 2 * (2 * d)  # the critic's weights do not
    assert plain.flops == critic + generator
    every = profile(start(GanConfig(**SMALL, loss="hinge", penalty_every=1), digits, "cpu"), steps=4, warmup=1)
    fourth = profile(start(GanConfig(**SMALL, loss="hinge", penalty_every=4), digits, "cpu"), steps=4, warmup=4)
    assert fourth.flops - plain.flops == pytest.approx((every.flops - plain.flops) / 4)
    assert every.flops > plain.flops


def test_the_training_goes_on_as_if_nothing_had_happened(digits: ImageSet) -> None:
    plain, watched = (start(GanConfig(**SMALL), digits, "cpu") for _ in range(2))
    profile(watched, steps=2, warmup=1)
    for _ in plain.records(watched.state.images):
        pass
    assert watched.state.images == plain.state.images
    for a, b in zip(plain.state.generator.parameters(), watched.state.generator.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.equal(a, b)


def test_a_slow_part_is_found(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(VaeConfig(**SMALL), digits, "cpu")
    step = run.state.optimizer.step  # type: ignore[union-attr]

    def slow(*args: object) -> object:
        time.sleep(0.05)
        return step(*args)

    monkeypatch.setattr(run.state.optimizer, "step", slow)  # type: ignore[union-attr]
    shares = profile(run, steps=3, warmup=1).shares
    assert max(shares, key=shares.__getitem__) == "optimiser"


def test_the_command_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick = profiling.profile
    monkeypatch.setattr(profiling, "profile", lambda run: quick(run, steps=1, warmup=1))
    assert main(["train", "vae", "--net", "mlp", "--batch", "4", "--profile"]) == 0
    printed = capsys.readouterr().out
    assert "images/s" in printed and "optimiser" in printed and "of the measured peak" in printed
    assert not list(tmp_path.iterdir())
    assert main(["train", "vae", "--images", "8"]) == 2
    assert "--out is needed" in capsys.readouterr().err


def test_bad_requests(digits: ImageSet) -> None:
    with pytest.raises(ValueError, match="at least one step"):
        profile(start(VaeConfig(**SMALL), digits, "cpu"), steps=0)
    assert peak_flops(n=64, tries=1) > 0
