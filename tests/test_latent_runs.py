"""A flow in a VAE's latent space is a run as any other: trained, stopped and resumed, drawn from, measured, exported."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import own_nets
import pytest
import torch

from imggen_lib import checkpoint, export, hub, pretrained, sample
from imggen_lib.cli import main
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig, from_json
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.entries import plain
from imggen_lib.errors import CheckpointError
from imggen_lib.finding import find
from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.runs import Run, resume, start
from imggen_lib.train.flow import train_flow
from imggen_lib.train.latent_flow import code_batches, encode
from imggen_lib.train.state import FlowState

SHAPE: Any = {"image_shape": (1, 8, 8), "batch": 16}
VAE_CONFIG = VaeConfig(net="mlp", hidden=(12,), latent_dim=3, likelihood="gaussian", **SHAPE)
CODES = FlowConfig(vae="mnist-vae-small", width=16, batch=16, classes=2, schedule_images=320, steps=2)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=120, classes="01")


def tiny() -> ImageSet:
    images = torch.rand(90, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return ImageSet.from_float(images, torch.arange(90) % 2)


def vae_of_ones_own(folder: Path, config: VaeConfig = VAE_CONFIG) -> str:
    run = start(config, tiny(), "cpu")
    list(run.records(64))
    run.save(folder)
    return str(folder)


def ema(run: Run) -> LatentFlow:
    assert isinstance(run.state, FlowState) and isinstance(run.state.ema, LatentFlow)
    return run.state.ema


def test_the_configuration_finds_what_follows_from_the_vae(digits: ImageSet) -> None:
    run, vae = start(CODES, digits, "cpu"), pretrained("mnist-vae-small")
    assert isinstance(run.config, FlowConfig) and run.config.vae_config == vae.config
    assert (run.config.latent_dim, run.config.net) == (16, "mlp") and FlowConfig(vae="x").width == 256
    assert (FlowConfig().net, FlowConfig().width, FlowConfig(net="mlp").width) == ("conv", 48, 48)
    assert "vae" not in FlowConfig().to_json() and from_json(json.loads(json.dumps(run.config.to_json()))) == run.config
    for name, value in vae.model().state_dict().items():
        assert torch.equal(ema(run).vae.state_dict()[name], value)
    codes = encode(vae.model(), digits)
    seen = ema(run).scaled(codes.mu)
    assert (
        seen.mean(0).abs().max() < 1e-5
        and ((seen.var(0) + (codes.logvar.exp() / ema(run).spread ** 2).mean(0)) - 1).abs().max() < 1e-5
    )


def test_a_run_is_the_loop_of_the_chapter(digits: ImageSet) -> None:
    """The same numbers as the parts put together by hand, bit for bit; the VAE stays as it was."""
    run = start(CODES, digits, "cpu")
    before = {k: v.clone() for k, v in ema(run).vae.state_dict().items()}
    state = FlowState.create(Flow(VectorNet((16,), 16, 2, 4), "midpoint", 2))
    model = LatentFlow(pretrained("mnist-vae-small").model(), state.ema).scale_to(run.codes.mu, run.codes.logvar)
    for mine, theirs in zip((state.model, state.ema), (run.state.modules()["model"], ema(run).flow), strict=True):
        mine.load_state_dict(theirs.state_dict())
    batches = code_batches(encode(model.vae, digits), model, 16, images=160)
    expected = list(train_flow(state, batches, dequantise=False, lr_schedule=CODES.lr_schedule))
    assert [float(r["loss"]) for r in run.records(160)] == [float(r["loss"]) for r in expected]
    assert torch.equal(sample(ema(run), 6), sample(model, 6))
    assert all(torch.equal(v, before[k]) for k, v in ema(run).vae.state_dict().items())


def test_it_learns_where_the_codes_of_a_class_lie(tmp_path: Path) -> None:
    """White images are class 0, black ones class 1. What is drawn for a class is that, which the VAE alone cannot know."""
    images = torch.full((80, 1, 8, 8), -0.9)
    images[::2] = 0.9
    data = ImageSet.from_float(images, torch.arange(80) % 2)
    vae = start(replace(VAE_CONFIG, lr=5e-3), data, "cpu")
    list(vae.records(8_000))
    vae.save(tmp_path)
    run = start(FlowConfig(vae=str(tmp_path), width=32, classes=2, **{**SHAPE, "batch": 64}, ema_half_life=2_000), data, "cpu")
    list(run.records(12_000))
    brightness = sample(ema(run), 100, labels=torch.arange(100) % 2).flatten(1).mean(1)
    assert brightness[::2].quantile(0.1) > 0.5 and brightness[1::2].quantile(0.9) < -0.5


def test_stopped_and_resumed_it_ends_the_same_and_carries_its_vae(tmp_path: Path) -> None:
    """Also where the VAE's own folder has gone: its weights are in the checkpoint."""
    name = vae_of_ones_own(tmp_path / "vae")
    config = FlowConfig(vae=name, width=8, classes=2, **SHAPE)
    whole = start(config, tiny(), "cpu")
    expected = [float(r["loss"]) for r in whole.records(320)]
    first = start(config, tiny(), "cpu")
    losses = [float(r["loss"]) for r in first.records(112)]
    first.save(tmp_path / "run")
    (tmp_path / "vae").rename(tmp_path / "gone")
    second = resume(tmp_path / "run", tiny(), "cpu")
    losses += [float(r["loss"]) for r in second.records(320)]
    assert losses == expected
    for name, module in whole.state.modules().items():
        again = second.state.modules()[name].state_dict()
        assert all(torch.equal(v, again[k]) for k, v in module.state_dict().items())
    second.save(tmp_path / "run")
    saved = checkpoint.load(tmp_path / "run")
    assert isinstance(saved.model(), LatentFlow) and torch.equal(sample(saved.model(), 4), sample(ema(whole), 4))
    (tmp_path / "gone").rename(tmp_path / "vae")
    begun = start(replace(config, begin_from=str(tmp_path / "run")), tiny(), "cpu")
    assert torch.equal(sample(ema(begun), 4), sample(ema(whole), 4))
    checkpoint.release(saved, "small", {"licence": "none"}, tmp_path)
    assert (sample(pretrained("small", tmp_path).model(), 4) - sample(ema(whole), 4)).abs().max() < 0.02
    folder = hub.save(saved, tmp_path / "hub")
    assert json.loads((folder / "config.json").read_text())["config"]["vae"] == "vae"
    assert torch.equal(sample(find(folder).model(), 4), sample(ema(whole), 4))


def test_networks_of_ones_own_on_both_sides(tmp_path: Path) -> None:
    mine = VaeConfig(model=own_nets.vae, latent_dim=3, **SHAPE)
    name = vae_of_ones_own(tmp_path / "vae", mine)
    run = start(FlowConfig(vae=name, vae_config=mine, model=own_nets.Velocity, classes=2, **SHAPE), tiny(), "cpu")
    list(run.records(48))
    run.save(tmp_path / "run")
    with pytest.raises(CheckpointError, match="allow"):
        checkpoint.load(tmp_path / "run")
    assert torch.equal(sample(checkpoint.load(tmp_path / "run", {"own_nets"}).model(), 3), sample(ema(run), 3))


def test_shares_of_a_batch_make_the_batch(digits: ImageSet) -> None:
    run = start(CODES, digits, "cpu")
    whole = list(code_batches(run.codes, ema(run), 16, images=160, seed=3))
    halves = [list(code_batches(run.codes, ema(run), 16, images=160, seed=3, part=(k, 2))) for k in (0, 1)]
    for one, *two in zip(whole, *halves, strict=True):
        for k in (0, 1):
            assert torch.equal(one[k], torch.cat([part[k] for part in two]))
    late = list(code_batches(run.codes, ema(run), 16, images=160, seed=3, start=96))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(whole[6:], late, strict=True))
    with pytest.raises(ValueError, match="multiple of the 3 processes"):
        next(code_batches(run.codes, ema(run), 16, images=160, part=(0, 3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vae": "mnist-gan-conv"}, "is a gan"),
        ({"vae": "mnist-vae-smal"}, "mnist-vae-small"),
        ({"vae": "mnist-vae-classes", "classes": 0}, "the VAE knows 10 classes and the flow 0"),
        ({"net": "conv"}, "codes are vectors"),
        ({"latent_dim": 784, "vae_config": pretrained("mnist-vae-small").config}, "16 numbers here; latent-dim cannot be 784"),
        ({"vae": ""}, "name one"),
        ({"vae_config": VAE_CONFIG}, "not that of the VAE"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(change: dict[str, Any], message: str, digits: ImageSet) -> None:
    entries = {"vae_config": pretrained("mnist-vae-small").config} if change == {"vae": ""} else {}
    with pytest.raises(ValueError, match=message):
        start(FlowConfig(**{"vae": "mnist-vae-small", "classes": 2, **entries, **change}), digits, "cpu")


def test_an_entry_that_is_no_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match="vae-config must be a configuration, got a GanConfig"):
        plain(GanConfig(), VaeConfig | None, "vae_config")


def test_other_images_and_other_runs_have_no_codes(digits: ImageSet) -> None:
    with pytest.raises(ValueError, match="learns images"):
        _ = start(FlowConfig(net="mlp", width=8), digits, "cpu").codes
    with pytest.raises(ValueError, match="nobody has looked yet"):
        CODES.build()
    with pytest.raises(ValueError, match="images of shape"):
        start(replace(CODES, image_shape=(1, 8, 8), classes=0), tiny(), "cpu")


def test_the_command_line_trains_draws_measures_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, sheet = tmp_path / "run", tmp_path / "x.npz"
    common = ["train", "flow", "--data", "glyphs", "--conditional", "--out", str(out), "--quiet"]
    assert main([*common, "--vae", "mnist-vae-small", "--width", "16", "--batch", "64", "--images", "128"]) == 0
    assert main([*common, "--vae", "mnist-vae-small", "--images", "192", "--resume"]) == 0
    assert main([*common, "--vae", "mnist-vae-res", "--images", "256", "--resume"]) == 2
    assert "was started with vae mnist-vae-small" in capsys.readouterr().err
    assert checkpoint.load(out).meta["images"] == 192
    assert main(["sample", str(out), "-n", "6", "--steps", "1", "--guidance", "2", "--label", "A", "--out", str(sheet)]) == 0
    assert np.load(sheet)["arr_0"].shape == (6, 28, 28, 1)
    result = tmp_path / "measured.json"
    assert main(["evaluate", str(out), "-n", "200", "--features", "random", "--out", str(result)]) == 0
    assert json.loads(result.read_text())
    assert main(["export", str(out), "--to", str(tmp_path / "x.pt2"), "--steps", "1", "--solver", "euler"]) == 0
    assert main(["train", "gan", "--vae", "mnist-vae-small", "--out", str(tmp_path / "b")]) == 2
    assert "--vae is not an option of a gan" in capsys.readouterr().err
    assert main([*common[:-3], "--out", str(tmp_path / "b"), "--vae", "mnist-gan-conv"]) == 2
    assert "--vae mnist-gan-conv is a gan, not a vae" in capsys.readouterr().err


@pytest.mark.skipif(torch.__version__ < export.OLDEST, reason=f"needs PyTorch {export.OLDEST}")
def test_onnx_runtime_draws_the_same_images(tmp_path: Path, digits: ImageSet) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = start(replace(CODES, steps=1, solver="euler"), digits, "cpu")
    list(run.records(64))
    run.save(tmp_path / "run")
    assert export.to_onnx(checkpoint.load(tmp_path / "run"), tmp_path / "x.onnx") <= 1e-5
    assert [i.name for i in onnxruntime.InferenceSession(str(tmp_path / "x.onnx")).get_inputs()] == ["latents", "labels"]
