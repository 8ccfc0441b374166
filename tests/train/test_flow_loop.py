"""The loop of flow matching: it learns what can be known, tells no class where it should not, and adds a grey level of noise."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from imggen_lib.configs import FlowConfig
from imggen_lib.data import glyphs
from imggen_lib.losses.flow import logit_normal_times
from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.runs import start
from imggen_lib.train.flow import train_flow
from imggen_lib.train.state import FlowState


class Linear(nn.Module):
    """A velocity that is linear in the image at each of few times: what flow matching finds can be said in closed form."""

    image_shape, classes = (1, 1, 1), 0

    def __init__(self) -> None:
        super().__init__()
        self.slope, self.shift = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.slope * x + self.shift


def test_the_loop_finds_the_regression_of_velocities_on_points() -> None:
    """Data: -0.5 or 0.5. Over uniform times E[v x] and E[x^2] are known, and their ratio is the best slope."""
    state = FlowState.create(Flow(Linear()), lr=1e-2)
    values = torch.tensor([-0.5, 0.5]).repeat(500).view(-1, 1, 1, 1)
    batches = [(values, torch.zeros(1000, dtype=torch.long))] * 600
    for _ in train_flow(state, batches, times="uniform", dequantise=False, ema_half_life=50_000):
        pass
    # E[(x - e)((1-t) e + t x)] = t s - (1-t), E[x_t^2] = (1-t)^2 + t^2 s with s = 1/4, averaged over t.
    best = (0.25 / 2 - 1 / 2) / (1 / 3 + 0.25 / 3)
    assert state.ema.net.slope.item() == pytest.approx(best, abs=0.01)
    assert state.ema.net.shift.item() == pytest.approx(0, abs=0.01)


class Noted(VectorNet):
    """It notes what it is asked."""

    def __init__(self, classes: int) -> None:
        super().__init__((1, 4, 4), 8, classes, 1)
        self.asked: list[tuple[Tensor, Tensor, Any]] = []

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        self.asked.append((x.detach(), t, labels))
        return super().forward(x, t, labels)


def _asked(classes: int = 3, n: int = 3000, **options: Any) -> tuple[Tensor, Tensor, Any]:
    net, black = Noted(classes), -torch.ones(n, 1, 4, 4)
    next(train_flow(FlowState.create(Flow(net)), [(black, torch.arange(n) % max(1, classes))], **options))
    return net.asked[0]


def test_the_class_is_left_out_as_often_as_was_asked() -> None:
    for drop in (0.0, 0.2):
        _, _, labels = _asked(drop=drop)
        share = (labels == 3).double().mean().item()
        assert share == pytest.approx(drop, abs=4 * math.sqrt(drop * (1 - drop) / 3000) + 1e-9)
        kept = labels < 3
        assert torch.equal(labels[kept], (torch.arange(3000) % 3)[kept])
    assert _asked(classes=0)[2] is None


def test_a_grey_level_of_noise_is_added_to_the_images_and_times_are_drawn_as_asked() -> None:
    for dequantise in (True, False):
        x, t, _ = _asked(dequantise=dequantise, times="uniform")
        plain = _asked(dequantise=False, times="uniform")[0]
        added = (x - plain) / t.view(-1, 1, 1, 1)  # of the image alone, since the rest is the same noise
        late = added[t > 0.5]
        assert (late.abs().max() <= 1 / 255 + 1e-6) and (late.std().item() > 1e-3) == dequantise
    assert t.var().item() == pytest.approx(1 / 12, abs=5e-3)
    assert torch.logit(_asked()[1]).std().item() == pytest.approx(1, abs=0.05)
    middle = torch.logit(_asked(times=partial(logit_normal_times, deviation=0.5))[1])
    assert middle.std().item() == pytest.approx(0.5, abs=0.03)


def test_a_run_learns_and_the_average_is_what_is_drawn_with() -> None:
    digits = glyphs.make("train", n=200, classes="01")
    config = FlowConfig(net="mlp", width=32, classes=2, batch=32, schedule_images=6_400)
    run = start(config, digits, "cpu")
    losses = [float(record["loss"]) for record in run.records(6_400)]
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])
    ours, theirs = (torch.cat([p.flatten() for p in net.parameters()]) for net in run.state.modules().values())
    assert not torch.equal(ours, theirs) and torch.dist(ours, theirs) < 0.5 * ours.norm()
    assert run.plan(images=12_800).config.schedule_images == 12_800  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent_dim": 5}, "the latents of a flow are its noise, 784 numbers here"),
        ({"net": "res"}, "unknown network"),
        ({"drop": 1.0}, "drop must lie from 0"),
        ({"times": "unifrom"}, "Did you mean 'uniform'"),
        ({"solver": "rk4"}, "unknown solver"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"guidance": 2.0}, "needs classes"),
        ({"blocks": 0}, "blocks must be at least 1"),
        ({"ema_half_life": 0.0}, "ema-half-life"),
        ({"model_options": {"a": 1}}, "model-options are for a model of your own"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FlowConfig(**change)


def test_shares_and_times_that_cannot_be_are_refused_before_the_first_batch() -> None:
    state = FlowState.create(Flow(VectorNet((1, 4, 4), 8)))
    with pytest.raises(ValueError, match="share of classes"):
        next(train_flow(state, [], drop=1.0))
    with pytest.raises(ValueError, match="way to draw times"):
        next(train_flow(state, [], times="often"))
