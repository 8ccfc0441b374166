"""The models of normal X-rays that ship, the records of the chapter on medicine, and the bars that both are held to."""

import json
from pathlib import Path

import pytest
import torch

from imggen_lib.applications.anomaly import scores
from imggen_lib.applications.anomaly.anogan import anogan_scores
from imggen_lib.applications.anomaly.shipped import FOLDER, card, chest_anogan, chest_vae, names
from imggen_lib.applications.verdict import paired_difference
from imggen_lib.data import pneumonia
from imggen_lib.data.chest import repeats, without
from imggen_lib.measured import measured
from imggen_lib.metrics import audit

ROOT = Path(__file__).parents[2]


def _splits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    test = without(test, repeats(test))
    validation = without(validation, repeats(validation, test))
    train = without(train, repeats(train, validation, test))
    normals, known = (x.subset(x.labels == 0).floats() for x in (train, validation))
    return normals, known, *(test.subset(test.labels == k).floats() for k in (1, 0))


@pytest.mark.parametrize("name", names())
def test_every_model_is_small_and_its_card_says_what_one_must_know(name: str) -> None:
    meta = card(name)
    about = meta["card"]
    assert (FOLDER / f"{name}.safetensors").stat().st_size < 600_000
    part = name.removeprefix("chest-")
    assert about["command"] == f"python scripts/records/chest.py {part}"
    assert "not for clinical use" in about["use"] and "CC BY 4.0" in about["licence"] and about["quality"]["protocol"]
    assert meta["data"]["images"] == 1213 and len(meta["data"]["sha256"]) == 64 and meta["images"] >= 200_000


def test_unknown_models_are_told_by_name() -> None:
    for call in (lambda: chest_vae(7), lambda: card("chest")):
        with pytest.raises(ValueError, match="chest-vae-0"):
            call()


def test_the_data_on_the_card_are_the_training_normals_without_repeats() -> None:
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    test = without(test, repeats(test))
    normals = without(train, repeats(train, without(validation, repeats(validation, test)), test))
    assert card("chest-vae-0")["data"]["sha256"] == normals.subset(normals.labels == 0).checksum


def test_the_bars_of_the_chapter() -> None:
    """All seeds at 0.78 or more given complexity; smoothness above them; DeLong and bootstrap within 0.005 at every end."""
    normals, known, ill, well = _splits()
    length = [scores.compressed_length(x) for x in (known, ill, well)]
    found = {"smoothness": (scores.smoothness(ill), scores.smoothness(well))}
    for seed in range(3):
        said = scores.vae_scores(chest_vae(seed), normals)
        errors = [said(x).log_error for x in (known, ill, well)]
        line = scores.given_complexity(errors[0], length[0])
        found[f"VAE {seed}"] = tuple(line.residual(e, c) for e, c in zip(errors[1:], length[1:], strict=True))
    ano = anogan_scores(chest_anogan())
    found["f-AnoGAN"] = (ano(ill).score, ano(well).score)
    areas = {name: audit.delong(*pair) for name, pair in found.items()}
    assert min(areas[f"VAE {seed}"].value for seed in range(3)) >= 0.78
    assert areas["smoothness"].value > max(areas[f"VAE {seed}"].value for seed in range(3))
    for name, pair in found.items():
        drawn = audit.bootstrap(*pair, resamples=4000)
        gaps = [abs(a - b) for a, b in zip(areas[name][2:], drawn[2:], strict=True)]
        assert drawn.value == pytest.approx(areas[name].value, abs=1e-9) and max(gaps) < 0.005, name


def test_the_record_on_generated_images_adds_up() -> None:
    record = measured("medicine")
    assert record["protocol"]["draws"] == 8 and set(record["runs"]) == {"25", "100", "400"}
    for n, runs in record["runs"].items():
        assert len(runs) == 8
        for way, told in record["summary"][n].items():
            values = [run[way] for run in runs]
            assert told["mean"] == pytest.approx(sum(values) / 8, abs=1e-4)
            if way != "real":
                gap = paired_difference(values, [run["real"] for run in runs])
                assert (told["value"], told["low"], told["high"]) == pytest.approx(gap[:3], abs=1e-4) and told["n"] == 8


def test_the_size_that_ships_is_the_one_that_validation_chose() -> None:
    choice = measured("chest")["latent_dims"]
    best = max(choice, key=lambda k: choice[k]["area"])
    assert all(card(f"chest-vae-{seed}")["config"]["latent_dim"] == int(best) for seed in range(3))
    assert "no test image" in measured("chest")["protocol"]
    assert json.loads((ROOT / "imggen_lib" / "measured" / "chest.json").read_text())["command"].endswith("chest.py choice")
