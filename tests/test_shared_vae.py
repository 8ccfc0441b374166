"""A released flow of codes leaves the weights of a shipped VAE in that VAE's file; with any other VAE it carries them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from imggen_lib import checkpoint, hub, pretrained, sample
from imggen_lib.checkpoint import Checkpoint
from imggen_lib.cli import main
from imggen_lib.configs import FlowConfig, VaeConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.data.download import sha256
from imggen_lib.errors import CheckpointError
from imggen_lib.runs import resume, start

VAE = "mnist-vae-small"
CODES = FlowConfig(vae=VAE, width=16, batch=16, classes=2, steps=2)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=80, classes="01")


@pytest.fixture(scope="module")
def trained(digits: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A short run of a flow of the codes of a shipped VAE."""
    run, folder = start(CODES, digits, "cpu"), tmp_path_factory.mktemp("run")
    list(run.records(64))
    run.save(folder)
    return checkpoint.load(folder)


@pytest.fixture
def released(trained: Checkpoint, tmp_path: Path) -> Path:
    return checkpoint.release(trained, "mine", {"licence": "none"}, tmp_path)


def _edited(path: Path, **changes: Any) -> None:
    """The JSON with other entries, those of the configuration as ``config_NAME``; None takes one out."""
    meta = json.loads(path.read_text())
    for name, value in changes.items():
        place = meta["config"] if name.startswith("config_") else meta
        key = name.removeprefix("config_")
        if value is None:
            del place[key]
        else:
            place[key] = value
    path.write_text(json.dumps(meta))


def test_a_run_is_released_without_the_vae_and_draws_the_same(trained: Checkpoint, released: Path) -> None:
    held, meta = load_file(released.with_suffix(".safetensors")), json.loads(released.read_text())
    assert not any(key.startswith("ema.vae.") for key in held) and all(key.startswith("ema.") for key in held)
    assert meta["vae"] == {"sha256": pretrained(VAE).meta["weights"]["sha256"]} and meta["config"]["vae"] == VAE
    again = pretrained("mine", released.parent).model()
    for key, value in trained.model().state_dict().items():
        found = again.state_dict()[key]
        assert torch.equal(found, value if key.startswith("vae.") else value.half().float()), key
    assert (sample(again, 4) - sample(trained.model(), 4)).abs().max() < 0.02


def test_a_run_itself_has_all_its_weights_and_one_that_was_released_is_not_gone_on_with(
    trained: Checkpoint, released: Path, digits: ImageSet
) -> None:
    assert "vae" not in trained.meta and any(key.startswith("ema.vae.") for key in trained.tensors)
    folder = released.parent / "copied"
    folder.mkdir()
    released.rename(folder / "checkpoint.json")
    released.with_suffix(".safetensors").rename(folder / "mine.safetensors")
    assert checkpoint.load(folder).config == trained.config
    with pytest.raises(CheckpointError, match="a model to use"):
        resume(folder, digits, "cpu")


def test_a_folder_with_the_name_of_a_shipped_vae_is_another_vae(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked is whether the weights are those that ship, not what they are called."""
    monkeypatch.chdir(tmp_path)
    data = ImageSet.from_float(torch.rand(40, 1, 8, 8) * 2 - 1, torch.arange(40) % 2)
    mine = start(VaeConfig(net="mlp", hidden=(12,), latent_dim=3, image_shape=(1, 8, 8), batch=16), data, "cpu")
    mine.save(VAE)
    run = start(replace(CODES, image_shape=(1, 8, 8)), data, "cpu")
    run.save("run")
    checkpoint.release(checkpoint.load("run"), "mine", {}, tmp_path)
    held = load_file("mine.safetensors")
    assert any(key.startswith("ema.vae.") for key in held) and "vae" not in json.loads(Path("mine.json").read_text())
    assert pretrained("mine", tmp_path).model().image_shape == (1, 8, 8)


def test_a_vae_that_was_trained_on_is_another_vae(trained: Checkpoint, tmp_path: Path) -> None:
    key = next(k for k, v in trained.tensors.items() if k.startswith("ema.vae.") and v.ndim == 2)
    moved = replace(trained, tensors={**trained.tensors, key: trained.tensors[key] + 1e-4})
    checkpoint.release(moved, "mine", {}, tmp_path)
    assert key in load_file(tmp_path / "mine.safetensors") and "vae" not in pretrained("mine", tmp_path).meta


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vae": {"sha256": "0" * 64}}, "another VAE than the 'mnist-vae-small' of this package: the checksums differ"),
        ({"config_vae": "mnist-vae-gone"}, "no model 'mnist-vae-gone' ships with the package"),
        ({"config_vae": "../pretrained/mnist-vae-small"}, "ships with the package"),
        ({"config_vae": "mnist-gan-conv"}, "is not the VAE of its configuration"),
        ({"config_vae": "mnist-flow-latent"}, "is not the VAE of its configuration"),
        ({"config_vae": "mnist-vae-conv"}, "is not the VAE of its configuration"),
        ({"vae": {}}, "'sha256' is missing"),
        ({"vae": {"sha256": 3}}, "not a SHA-256"),
        ({"vae": VAE}, "not a JSON object"),
        ({"vae": None}, r"ema\.vae\.\S+ is missing"),
        ({"config_vae": None, "config_vae_config": None, "config_latent_dim": 784}, "do not fit the configuration"),
    ],
)
def test_another_vae_or_none_is_told_in_a_sentence(changes: dict[str, Any], message: str, released: Path) -> None:
    _edited(released, **changes)
    with pytest.raises(CheckpointError, match=message):
        pretrained("mine", released.parent)


def test_what_has_no_vae_leaves_none_elsewhere(tmp_path: Path) -> None:
    saved = pretrained("mnist-gan-conv")
    path = checkpoint.release(saved, "mine", {}, tmp_path)
    _edited(path, vae={"sha256": "0" * 64})
    with pytest.raises(CheckpointError, match="its configuration has no VAE"):
        pretrained("mine", tmp_path)
    with pytest.raises(ValueError, match="'vae' is an entry of every checkpoint"):
        checkpoint.save(tmp_path / "x", saved.config.state(), saved.config, vae="mine")


def test_weights_of_a_vae_beside_a_checksum_are_refused(released: Path) -> None:
    """Two places for one number would be one too many."""
    file = released.with_suffix(".safetensors")
    more = {f"ema.vae.{key}": value.half() for key, value in pretrained(VAE).model().state_dict().items()}
    save_file(load_file(file) | more, file)
    meta = json.loads(released.read_text())
    _edited(released, weights={**meta["weights"], "sha256": sha256(file)})
    with pytest.raises(CheckpointError, match="belongs to no network"):
        pretrained("mine", released.parent)


def test_what_is_pushed_carries_its_vae(released: Path, tmp_path: Path) -> None:
    """Who loads it may have another version of the package, whose VAE is another."""
    saved = pretrained("mine", released.parent)
    folder = hub.save(saved, tmp_path / "hub")
    assert "vae" not in json.loads((folder / "config.json").read_text())
    assert load_file(folder / "model.safetensors").keys() == saved.tensors.keys()
    assert torch.equal(sample(checkpoint.load(folder).model(), 3), sample(saved.model(), 3))


def test_a_run_begins_from_a_flow_of_codes_that_ships() -> None:
    data, shipped = glyphs.make("train", n=100, classes="0123456789"), pretrained("mnist-flow-latent")
    asked = {"begin_from": "mnist-flow-latent", "vae": "mnist-vae-res", "classes": 10, "batch": 16}
    run = start(FlowConfig(**asked, solver="heun", steps=2, guidance=1.1), data, "cpu")
    assert torch.equal(sample(run.state.ema, 5), sample(shipped.model(), 5))
    before = run.state.modules()["model"].net.first.weight.clone()
    list(run.records(64))
    assert not torch.equal(run.state.modules()["model"].net.first.weight, before)
    for changes, message in (
        ({"vae": ""}, "its vae is mnist-vae-res, the run's none"),
        ({"vae": VAE}, "its vae is mnist-vae-res, the run's mnist-vae-small"),
        ({"width": 64}, "its width is 256, the run's 64"),
    ):
        with pytest.raises(ValueError, match=message):
            start(FlowConfig(**{**asked, **changes}), data, "cpu")


def test_the_command_line_knows_the_flows_of_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "mnist-flow-latent", "-n", "4", "--label", "7", "--out", str(tmp_path / "x.png")]) == 0
    assert main(["info", "mnist-flow-step"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["parameters"] == 1_707_441
    assert main(["sample", "mnist-flow-latnt", "--out", str(tmp_path / "y.png")]) == 2
    assert "Did you mean 'mnist-flow-latent'?" in capsys.readouterr().err
    common = ["train", "flow", "--data", "glyphs", "--conditional", "--out", str(tmp_path / "run"), "--quiet", "--images", "64"]
    for origin, vae, message in (
        ("mnist-flow-latent", VAE, "moves the codes of mnist-vae-res; a run that begins from it cannot have --vae mnist-vae-small"),
        ("mnist-flow", VAE, "mnist-flow moves images; a run that begins from it cannot have --vae"),
        ("mnist-flow-latent", "mnist-vae-res", "its classes is 10, the run's 36"),
    ):
        assert main([*common, "--begin-from", origin, "--vae", vae]) == 2
        assert message in capsys.readouterr().err
