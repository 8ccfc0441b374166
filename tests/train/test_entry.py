"""What enters a training is looked at before the first step; what measures, copies or starts beside it leaves no trace."""

import copy
import inspect
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.losses import gan as losses
from imggen_lib.machine import evaluating, first_weights, full_precision
from imggen_lib.models.vae import MLPVAE
from imggen_lib.runs import Run, start
from imggen_lib.train.features import accuracy
from imggen_lib.train.flow import train_flow
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import FlowState, GanState, VaeState
from imggen_lib.train.vae import evaluate_elbo, train_vae

GAN = GanConfig(net="mlp", hidden=(16,), latent_dim=4, batch=8)
RECORDS, START = inspect.unwrap(Run.records), inspect.unwrap(start)  # without the types that tests check at every call
VAE_ = VaeConfig(net="mlp", hidden=(16,), latent_dim=4, batch=8)
FLOW = FlowConfig(net="mlp", width=8, batch=8)
AnyConfig = GanConfig | VaeConfig | FlowConfig


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=64, classes="01")


def _weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def _first(run: Run, x: Any, y: Any) -> Any:
    """The first record of a run's loop on one batch."""
    batches = iter([(x, y)])
    if isinstance(run.state, GanState):
        return next(train_gan(run.state, batches, losses.hinge))
    if isinstance(run.state, FlowState):
        return next(train_flow(run.state, batches))
    return next(train_vae(run.state, batches))


@pytest.mark.parametrize("config", [GAN, VAE_, FLOW], ids=["gan", "vae", "flow"])
def test_images_of_another_range_are_refused(digits: ImageSet, config: AnyConfig) -> None:
    x, y = digits.floats(8), digits.labels[:8]
    run = start(config, digits, "cpu")
    before = _weights(next(iter(run.state.modules().values())))
    for wrong, said in (((x + 1) * 127.5, "is this"), (1.5 * x, "clamp"), (x * torch.nan, "NaN"), (x.numpy(), "from_numpy")):
        with pytest.raises(ValueError, match=said):
            _first(run, wrong, y)
    with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
        _first(start(config, digits, "cpu"), (x + 1) / 2, y)
    assert run.state.images == 0 and torch.equal(before, _weights(next(iter(run.state.modules().values()))))


@pytest.mark.parametrize("config", [replace(config, classes=2) for config in (GAN, VAE_, FLOW)], ids=["gan", "vae", "flow"])
def test_labels_are_whole_numbers_of_the_classes(digits: ImageSet, config: AnyConfig) -> None:
    x, y = digits.floats(8), digits.labels[:8]
    wrong = [(y.float(), "whole numbers"), (y > 0, "whole numbers"), (["a"] * 8, "whole numbers")]
    for labels, said in (*wrong, (y + 1, "from 0 to 1"), (y - 1, "from 0 to 1"), (y[:7], "8 labels")):
        with pytest.raises(ValueError, match=said):
            _first(start(config, digits, "cpu"), x, labels)
    expected = _first(start(config, digits, "cpu"), x, y)
    for same in (y.to(torch.int32), y.to(torch.uint8), y.tolist(), y.numpy()):
        assert _first(start(config, digits, "cpu"), x, same) == expected


@pytest.mark.parametrize("config", [GAN, VAE_, FLOW], ids=["gan", "vae", "flow"])
def test_floats_of_another_type_and_another_default_train_in_float32(digits: ImageSet, config: AnyConfig) -> None:
    x, y = digits.floats(8), digits.labels[:8]
    expected = _first(start(config, digits, "cpu"), x, y)
    assert _first(start(config, digits, "cpu"), x.double(), y) == expected
    plain = [*start(config, digits, "cpu").records(16)]
    torch.set_default_dtype(torch.float64)
    try:
        assert [*start(config, digits, "cpu").records(16)] == plain
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("config", [GAN, VAE_, FLOW], ids=["gan", "vae", "flow"])
def test_no_gradients_and_autocast_are_refused(digits: ImageSet, config: AnyConfig) -> None:
    run = start(config, digits, "cpu")
    for around, said in ((torch.no_grad(), "gradients"), (torch.autocast("cpu", torch.bfloat16), "autocast")):
        with pytest.raises(ValueError, match=said), around:
            next(run.records(8))
    with torch.inference_mode():
        run = start(config, digits, "cpu")
    assert len([*run.records(16)]) == 2


def test_whole_numbers_of_any_kind_and_no_others(digits: ImageSet) -> None:
    accepted: list[Any] = [16.0, np.int64(16), torch.tensor(16)]
    for images in accepted:
        assert len([*RECORDS(start(GAN, digits, "cpu"), images)]) == 2
    refused: list[Any] = [16.5, "16", True, 0, float("nan"), float("inf"), None]
    for images in refused:
        with pytest.raises(ValueError, match="images must be"):
            RECORDS(start(GAN, digits, "cpu"), images)


def test_a_run_is_of_the_networks_that_its_configuration_makes(digits: ImageSet) -> None:
    other = start(replace(GAN, hidden=(8,)), digits, "cpu").state
    with pytest.raises(ValueError, match="the generator is not the one that the configuration makes"):
        Run(GAN, other, digits)
    with pytest.raises(ValueError, match="GanState, got a VaeState"):
        Run(GAN, start(VAE_, digits, "cpu").state, digits)
    with pytest.raises(ValueError, match="ImageStream, got a Tensor"):
        START(GAN, digits.images, "cpu")
    with pytest.raises(ValueError, match="VaeConfig or a FlowConfig, got a dict"):
        START({}, digits, "cpu")
    bare = GanState.create(nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 1)))
    with pytest.raises(ValueError, match="Sequential has no attribute 'latent_dim'"):
        next(train_gan(bare, digits.batches(8, images=8), losses.hinge))


def test_a_class_without_images_is_told(digits: ImageSet) -> None:
    three = replace(digits, classes=(*digits.classes, "rare"))
    with pytest.warns(UserWarning, match="no training image of the class 'rare'"):
        start(replace(GAN, classes=3), three, "cpu")


@pytest.mark.parametrize("lower", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("config", [GAN, VAE_, replace(VAE_, net="conv", width=4), FLOW], ids=["gan", "vae", "conv vae", "flow"])
def test_a_copy_computes_with_its_own_weights(digits: ImageSet, config: AnyConfig, lower: bool) -> None:
    run = start(config, digits, "cpu")
    if lower:
        run.in_bfloat16()
    for net in run.state.modules().values():
        of_latents = hasattr(net, "latent_dim") and not isinstance(run.state, VaeState)
        start_at = 0.0 if isinstance(config, FlowConfig) else 1.0  # without weights a flow stays where it is
        x = torch.full((2, int(net.latent_dim)), start_at) if of_latents else digits.floats(2)
        before = [*nn.Module.__call__(net, x)]
        assert before[0].any()
        for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            assert all(torch.equal(a, b) for a, b in zip([*other(x)], before, strict=True))
            with torch.no_grad():
                for p in other.parameters():
                    p.zero_()
            assert not other(x)[0].any()
        assert all(torch.equal(a, b) for a, b in zip([*net(x)], before, strict=True))


def test_threads_begin_with_the_weights_of_the_seed(digits: ImageSet) -> None:
    config, expected = (
        replace(GAN, hidden=(64, 64)),
        _weights(start(replace(GAN, hidden=(64, 64)), digits, "cpu").state.modules()["generator"]),
    )
    found: list[torch.Tensor] = []
    state = torch.get_rng_state()

    def begin() -> None:
        found.append(_weights(start(config, digits, "cpu").state.modules()["generator"]))

    for _ in range(10):
        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 40 and all(torch.equal(expected, weights) for weights in found)
    assert torch.equal(state, torch.get_rng_state())


def test_the_generator_and_the_default_type_come_back_after_an_error() -> None:
    state = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(KeyboardInterrupt), first_weights(3):
            assert torch.randn(1).dtype == torch.float32
            raise KeyboardInterrupt
        assert torch.get_default_dtype() == torch.float64 and torch.equal(state, torch.get_rng_state())
    finally:
        torch.set_default_dtype(torch.float32)


def _modes(net: nn.Module) -> list[bool]:
    return [layer.training for layer in net.modules()]


@pytest.fixture
def vae() -> Iterator[MLPVAE]:
    model = MLPVAE((1, 28, 28), 4, (8,))
    model.decoder.append(nn.Dropout(0.5))  # type: ignore[operator]
    model.train()
    model.encoder.eval()  # a part that is kept as it is
    yield model


def test_measuring_leaves_every_layer_in_its_mode(vae: MLPVAE, digits: ImageSet) -> None:
    before = _modes(vae)
    evaluate_elbo(vae, digits.floats(8))
    assert _modes(vae) == before
    with pytest.raises(KeyboardInterrupt), evaluating(vae):
        assert not any(_modes(vae))
        raise KeyboardInterrupt
    assert _modes(vae) == before


def test_accuracy_leaves_the_mode_and_asks_for_labels(digits: ImageSet) -> None:
    from imggen_lib.models.features import FeatureNet

    net = FeatureNet(classes=2, width=4).train()
    accuracy(net, digits.floats(), digits.labels)
    assert all(_modes(net))
    with pytest.raises(ValueError, match="from 0 to 1"):
        accuracy(net, digits.floats(), digits.labels + 1)
    assert all(_modes(net))


def test_the_elbo_is_that_of_float32_under_autocast_and_for_doubles(vae: MLPVAE, digits: ImageSet) -> None:
    x = digits.floats(16)
    expected = evaluate_elbo(vae, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert evaluate_elbo(vae, x) == expected
        with full_precision():
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")
    assert evaluate_elbo(vae, x.double()) == expected
    for wrong in ((x + 1) * 127.5, x[:1], x.repeat(1, 3, 1, 1), x * torch.nan):
        with pytest.raises(ValueError):
            evaluate_elbo(vae, wrong)


@pytest.mark.parametrize(
    "config", [replace(VAE_, schedule_images=64), replace(GAN, decay_start=16, decay_end=64)], ids=["vae", "gan"]
)
def test_a_finished_run_is_planned_longer(digits: ImageSet, config: AnyConfig) -> None:
    run = start(config, digits, "cpu")
    list(run.records(64))
    group = next(iter(run.state.optimizers().values())).param_groups[0]
    low = group["lr"]  # in the last step of the fall
    list(run.plan(images=256).records(128))
    assert group["lr"] > 2 * low
    list(run.plan(images=256, lr=1e-4).records(256))
    assert group["lr"] < 1e-4 and run.config.lr == 1e-4 and run.state.images == 256
    assert isinstance(run.state, GanState | VaeState)
