"""A run that begins from a trained model has its weights, and the critic a head start; what does not fit is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from imggen_lib import checkpoint
from imggen_lib.cli import main
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.runs import Run, resume, start

SMALL: dict[str, Any] = {"net": "mlp", "hidden": (32,), "latent_dim": 8, "batch": 32}
AnyConfig = GanConfig | VaeConfig | FlowConfig
CONFIGS: list[AnyConfig] = [GanConfig(**SMALL), VaeConfig(**SMALL), FlowConfig(net="mlp", width=8, batch=32)]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=400, classes="01")


def trained(config: AnyConfig, digits: ImageSet, folder: Path) -> Run:
    run = start(config, digits, "cpu")
    for _ in run.records(320):
        pass
    run.save(folder)
    return run


def numbers(net: nn.Module) -> torch.Tensor:
    return torch.cat([x.detach().double().flatten() for x in net.state_dict().values()])


@pytest.mark.parametrize("config", CONFIGS, ids=["gan", "vae", "flow"])
def test_a_run_has_the_weights_that_it_begins_from(config: AnyConfig, digits: ImageSet, tmp_path: Path) -> None:
    model = trained(config, digits, tmp_path).state.modules()["model" if isinstance(config, VaeConfig) else "ema"]
    fresh, begun = (start(replace(config, begin_from=name), digits, "cpu").state for name in ("", str(tmp_path)))
    assert begun.images == begun.steps == 0
    for name, net in begun.modules().items():
        same_as = fresh.modules()["critic"] if name == "critic" else model
        assert torch.equal(numbers(net), numbers(same_as)), name
    assert not torch.equal(numbers(model), numbers(next(iter(fresh.modules().values()))))


def test_the_weights_are_trained_on_not_shared(digits: ImageSet) -> None:
    """Every model that ships is one to begin from, here one of convolutions; its own file and the average stay apart."""
    config = replace(checkpoint.pretrained("mnist-gan-classes").config, lr=1e-3, begin_from="mnist-gan-classes")
    run = start(config, glyphs.make("train", n=200, classes="0123456789"), "cpu")
    before = numbers(run.state.modules()["generator"])
    next(run.records(64))
    assert not torch.equal(before, numbers(run.state.modules()["generator"]))
    assert torch.equal(before, numbers(checkpoint.pretrained("mnist-gan-classes").model()))


def test_the_critic_has_a_head_start(digits: ImageSet) -> None:
    run = start(GanConfig(**SMALL, head_start=64), digits, "cpu")
    networks = [run.state.modules()[name] for name in ("generator", "critic")]
    parameters = [torch.cat([p.detach().clone().flatten() for p in net.parameters()]) for net in networks]
    changed = []
    for record in run.records(128):
        now = [torch.cat([p.detach().clone().flatten() for p in net.parameters()]) for net in networks]
        changed.append((record["images"], *(not torch.equal(a, b) for a, b in zip(parameters, now, strict=True))))
    assert changed == [(32, False, True), (64, False, True), (96, True, True), (128, True, True)]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"latent_dim": 9}, "latent-dim is 8"), ({"hidden": (16,)}, "hidden"), ({"classes": 2}, "classes"), ({"net": "conv"}, "net")],
)
def test_another_network_cannot_begin_from_it(change: dict[str, Any], word: str, digits: ImageSet, tmp_path: Path) -> None:
    trained(CONFIGS[0], digits, tmp_path)
    with pytest.raises(ValueError, match=word):
        start(replace(CONFIGS[0], begin_from=str(tmp_path), **change), digits, "cpu")
    with pytest.raises(ValueError, match="holds a gan"):
        start(replace(CONFIGS[1], begin_from=str(tmp_path)), digits, "cpu")
    start(replace(CONFIGS[0], begin_from=str(tmp_path), width=16), digits, "cpu")  # which a dense network does not have


def test_a_run_is_resumed_before_the_generator_has_moved(digits: ImageSet, tmp_path: Path) -> None:
    config = GanConfig(**SMALL, head_start=64)
    whole, part = start(config, digits, "cpu"), start(config, digits, "cpu")
    for _ in whole.records(128):
        pass
    for _ in part.records(32):
        pass
    part.save(tmp_path)
    again = resume(tmp_path, digits, "cpu")
    for _ in again.records(128):
        pass
    for name, net in whole.state.modules().items():
        assert torch.equal(numbers(net), numbers(again.state.modules()[name])), name


def test_a_head_start_is_not_negative() -> None:
    with pytest.raises(ValueError, match="head-start"):
        GanConfig(head_start=-1)


def train(*options: object) -> int:
    return main(["train", *map(str, options), "--quiet"])


def test_the_command_line_takes_the_model_s_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = ("--data", "glyphs", "--images", 64)
    assert train("gan", *images, "--begin-from", "mnist-gan-conv", "--out", tmp_path / "a", "--batch", 32) == 0
    config = checkpoint.load(tmp_path / "a").config
    assert config.architecture == checkpoint.pretrained("mnist-gan-conv").config.architecture
    assert (config.begin_from, config.head_start, config.batch) == ("mnist-gan-conv", 0, 32)
    assert config.lr == GanConfig().lr and config.decay_end == 0  # the rest is a fresh run's
    more = ("--begin-from", tmp_path / "a", "--head-start", 32, "--out", tmp_path / "b")
    assert train("gan", *images, *more) == 0
    assert checkpoint.load(tmp_path / "b").config.head_start == 32
    assert train("gan", *images[:2], "--images", 128, *more, "--resume") == 0
    assert checkpoint.load(tmp_path / "b").meta["images"] == 128
    assert train("vae", *images, "--begin-from", "mnist-vae-conv", "--out", tmp_path / "c") == 0
    assert checkpoint.load(tmp_path / "c").config.begin_from == "mnist-vae-conv"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("vae", "--begin-from", "mnist-gan-conv"), "is a gan, not a vae"),
        (("gan", "--begin-from", "mnist-gan-cov"), "Did you mean"),
        (("gan", "--begin-from", "mnist-gan-conv", "--width", 16), "width is 64, the run's 16"),
        (("gan", "--begin-from", "mnist-gan-conv", "--conditional"), "classes is 0, the run's 36"),
        (("gan", "--begin-from", "mnist-gan-classes"), "classes is 10, the run's 36"),
        (("gan", "--begin-from", "mnist-gan-conv", "--article"), "net is conv"),
        (("vae", "--head-start", 10), "not an option of a vae"),
    ],
)
def test_the_command_line_refuses_what_does_not_fit(
    options: tuple[object, ...], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(*options, "--data", "glyphs", "--images", 64, "--out", tmp_path / "x") == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_pictures_of_one_s_own_get_the_model_s_size(tmp_path: Path) -> None:
    from PIL import Image

    for k in range(8):
        Image.new("RGB", (40, 30), (30 * k, 10, 200)).save(tmp_path / f"{k}.png")
    options = ("gan", "--data", f"folder:{tmp_path}", "--images", 16, "--batch", 8, "--begin-from", "mnist-gan-conv")
    assert train(*options, "--out", tmp_path / "run") == 0
    assert checkpoint.load(tmp_path / "run").config.image_shape == (1, 28, 28)
