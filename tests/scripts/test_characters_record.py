"""The record of the chapter on art: its numbers come again from the same characters, and it says what its script does."""

import characters as script
import numpy as np
import pytest
import scipy.stats
import torch

from imggen_lib.applications.characters import edition, measures, models, rivals
from imggen_lib.data.kanjivg import BOX, CELLS
from imggen_lib.measured import measured

RECORD = measured("characters")


def _disc(radius: float, x: float, y: float) -> np.ndarray:
    centres = (np.arange(CELLS) + 0.5) * BOX / CELLS
    return radius - np.hypot(centres - x, (centres - y)[:, None])


def test_a_mean_leaves_out_what_is_no_number_and_has_students_interval() -> None:
    values = np.array([1.0, np.nan, 2.5, 4.0, 3.0])
    kept = values[~np.isnan(values)]
    low, high = scipy.stats.t.interval(0.95, 3, kept.mean(), scipy.stats.sem(kept))
    assert script.mean(values) == (kept.mean(), pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4), 4)
    with pytest.raises(ValueError, match="got 1 of 2"):
        script.mean(np.array([1.0, np.nan]))


def test_the_machine_tells_two_clouds_apart_and_one_not_from_itself() -> None:
    noise = torch.Generator().manual_seed(0)
    x = torch.randn(200, 60, generator=noise)
    x[100:] += 1.0
    y = torch.arange(200) // 100
    fresh = torch.randn(100, 60, generator=noise)
    fresh[50:] += 1.0
    assert (script.machine(x, y, fresh) == torch.arange(100) // 50).float().mean() > 0.95


def test_specks_are_counted_and_not_pieces() -> None:
    two = np.maximum(_disc(20, 30, 30), _disc(15, 80, 80))
    pieces, specks = script.exported(np.stack([_disc(20, 54, 54), two, np.maximum(two, _disc(4, 85, 20))]))
    assert pieces.tolist() == [1, 2, 2] and specks == 1


def test_the_models_and_the_rivals_are_those_of_the_record() -> None:
    assert RECORD["protocol"]["fields"] == script.N and RECORD["protocol"]["vae_images"] == script.VAE_IMAGES
    saved = models.pretrained()
    assert saved.meta["card"]["command"] == "python scripts/records/characters.py train"
    assert script.IMAGES <= saved.meta["images"] < script.IMAGES + saved.config.batch
    assert len(RECORD["sets"]) == 6
    for name, found in RECORD["sets"].items():
        assert all(low <= value <= high and n == script.N for value, low, high, n in found["cells"].values()), name


@pytest.mark.parametrize("name", ["real, held out", "quarters", "exchanged pieces", "GAN"])
def test_ink_pieces_and_slope_come_again(name: str) -> None:
    """Characters that nobody learnt from, rivals made of the training set, and the model that ships."""
    makers = {
        "real, held out": lambda: edition.real_fields("test"),
        "quarters": lambda: rivals.quarters(edition.real_fields("train"), script.N),
        "exchanged pieces": lambda: rivals.exchanged(edition.real_fields("train"), script.N),
        "GAN": lambda: models.draw_fields(models.pretrained().model(), range(script.FIRST, script.FIRST + script.N)),
    }
    counts, cells = measures.counted(makers[name]()), RECORD["sets"][name]["cells"]
    for what in ("ink", "pieces", "slope"):
        assert script.mean(getattr(counts, what)) == pytest.approx(cells[what], abs=2e-3), what
