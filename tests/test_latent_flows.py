"""The flows of codes that ship: models as any other, the VAE's weights stored once, and as good as the record says."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from imggen_lib import pretrained, sample
from imggen_lib.checkpoint import SHIPPED, Checkpoint, release
from imggen_lib.configs import FlowConfig
from imggen_lib.measured import measured
from imggen_lib.models.latent_flow import LatentFlow

#: SHA-256 of all names and numbers of each model, and mean brightness of its first images, taken before it had this form.
BEFORE = {
    "mnist-flow-latent": (
        "b374f3335e2274ff84a994b0e818b4f329e64fdcee63c0f90176cb92c563e662",
        [-0.606152, -0.824875, -0.714654, -0.822892, -0.725664, -0.810497, -0.685551, -0.748515, -0.671765, -0.841735],
    ),
    "mnist-flow-step": (
        "4a5b813a25f31c5164062d15e2679dc7407d0ccdae3f9561c7b5da07e3b256a1",
        [-0.610434, -0.82566, -0.704355, -0.827602, -0.726809, -0.804209, -0.691498, -0.74706, -0.673175, -0.843889],
    ),
}
ROWS = {"mnist-flow-latent": "latent flow", "mnist-flow-step": "one step"}


@pytest.mark.parametrize("name", BEFORE)
def test_it_draws_what_it_drew_before_it_was_stored_as_the_others(name: str) -> None:
    model = pretrained(name).model()
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode() + value.numpy().tobytes())
    assert digest.hexdigest() == BEFORE[name][0]
    brightness = sample(model, 10).flatten(1).double().mean(1)
    torch.testing.assert_close(brightness, torch.tensor(BEFORE[name][1]).double(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", BEFORE)
def test_it_draws_the_class_that_was_asked_for(name: str) -> None:
    right = pretrained("mnist-features").model()(sample(pretrained(name).model(), 200)).argmax(1) == torch.arange(200) % 10
    assert right.float().mean() > 0.9


@pytest.mark.parametrize("name", BEFORE)
def test_its_file_has_no_vae_and_its_json_the_checksum_of_the_one_that_ships(name: str, tmp_path: Path) -> None:
    saved, vae = pretrained(name), pretrained("mnist-vae-res")
    assert isinstance(saved.config, FlowConfig) and saved.config.vae_config == vae.config
    assert saved.meta["vae"] == {"sha256": vae.meta["weights"]["sha256"]}
    with safe_open(SHIPPED / f"{name}.safetensors", framework="pt") as file:
        own = set(file.keys())
    assert not any(key.startswith("ema.vae.") for key in own) and {"ema.centre", "ema.flow.net.first.weight"} < own
    model = saved.model()
    assert isinstance(model, LatentFlow) and {f"ema.{key}" for key in model.state_dict()} == set(saved.tensors) > own
    assert all(torch.equal(value, model.vae.state_dict()[key]) for key, value in vae.model().state_dict().items())
    again = release(saved, name, saved.meta["card"], tmp_path)
    assert again.with_suffix(".safetensors").read_bytes() == (SHIPPED / f"{name}.safetensors").read_bytes()
    assert json.loads(again.read_text()) == json.loads((SHIPPED / f"{name}.json").read_text())


@pytest.mark.parametrize("name", BEFORE)
def test_its_card_has_the_records_numbers(name: str) -> None:
    quality, full = pretrained(name).meta["card"]["quality"], measured("latent")["full"]
    for key, value in quality.items():
        if key not in ("protocol", "largest_share_error"):  # which the record does not have
            other, of_real, _ = key.partition("_of_real_training_images")
            assert value == full["real" if of_real else ROWS[name]][other], key


def test_the_students_card_says_what_it_is() -> None:
    saved = pretrained("mnist-flow-step")
    said, teacher = saved.meta["card"]["training"], pretrained("mnist-flow-latent").config
    assert "regression" in said and "not flow matching" in said and "drop and times of the configuration were not used" in said
    assert f"teacher, mnist-flow-latent ({teacher.solver}, {teacher.steps} steps, guidance {teacher.guidance})" in said
    assert (saved.config.solver, saved.config.steps, saved.config.guidance) == ("euler", 1, 1.0)
    assert "one step" in saved.meta["card"]["limits"] and saved.config.begin_from == "mnist-flow-latent"


def _run(tmp_path: Path, method: str, rounds: list[list[float]]) -> Any:
    """A run of the records, of the networks of a shipped flow, as ``latent.py`` stores it."""
    import latent_runs
    from latent import config

    model, vae = pretrained("mnist-flow-latent").model(), pretrained("mnist-vae-res")
    if method == "mean":
        model = latent_runs.build(config("mean"), vae.model())
    card = {"seed": 0, "rounds": rounds}
    latent_runs.store(model, f"{method}-0", config(method), card, tmp_path, images=rounds[0][0], steps=0, data=vae.meta["data"])
    return model


def test_the_records_runs_are_read_and_released(tmp_path: Path) -> None:
    """``latent.py`` stores mean flows, too, which no configuration makes; of the others it makes what ships."""
    import latent_runs

    (out := tmp_path / "out").mkdir()
    for method, name in (("flow", "mnist-flow-latent"), ("mean", "")):
        model = _run(tmp_path, method, [[4_000_000, 2e-3, 256]])
        again = latent_runs.read(f"{method}-0", tmp_path)
        assert all((v - again.state_dict()[k]).abs().max() < 1e-2 for k, v in model.state_dict().items())
        if name:
            saved, card = latent_runs.to_ship(name, tmp_path)
            assert isinstance(saved, Checkpoint) and saved.config == pretrained(name).config and card["seed"] == 0
            path = release(saved, name, {}, out)
            assert path.with_suffix(".safetensors").read_bytes() == (SHIPPED / f"{name}.safetensors").read_bytes()


def test_the_record_meets_the_bars_that_the_chapter_states() -> None:
    record = measured("latent")
    ships, student = record["full"]["latent flow"], record["full"]["one step"]
    assert ships["frechet"][0] <= 2.2 and ships["right"][0] >= 0.98 and ships["coverage"] >= 0.92
    assert student["frechet"][0] <= 2.6 and record["costs"]["one step"]["flow_ms"] <= 0.1
    assert record["baselines"]["prior N(0, I)"]["frechet"][0] > 30 and record["full"]["mnist-gan-long"]["frechet"][0] < 2
    assert record["likelihood"]["gain"]["steps doubled changes the mean by"] < 0.1


def test_what_is_measured_is_what_ships() -> None:
    flow = pretrained("mnist-flow-latent").model()
    assert (flow.flow.solver, flow.flow.steps, flow.flow.guidance) == ("heun", 2, 1.1)
    chosen = measured("latent")["choice"]  # on training images: the least guidance whose classes are right as often as was asked
    assert min(float(w) for w, row in chosen.items() if row["right"][0] >= 0.98) == flow.flow.guidance


@pytest.mark.parametrize("name", ["flow", "flow_fashion"])
def test_the_guided_sampler_of_pixels_was_chosen_on_training_images(name: str) -> None:
    rows = measured(name)["rows"]
    tried = {way: row for way, row in rows.items() if way.startswith("choice/") and row["guidance"] > 1}
    best = min(tried, key=lambda way: tried[way]["frechet_distance"]["value"])
    assert len(tried) == 5 and [way for way in rows if way.startswith("sixteen/")] == [best.replace("choice", "sixteen")]


def test_sixteen_evaluations_of_the_flow_of_digits_meet_the_bar_that_the_chapter_states() -> None:
    assert measured("flow")["rows"]["sixteen/midpoint/4/1.1"]["frechet_distance"]["value"] <= 2
