"""Codes are drawn anew each time; one step learns where many go; mean flow learns a mean velocity. On problems with an answer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from imggen_lib.data import ImageSet
from imggen_lib.models.flow import Flow, VectorNet
from imggen_lib.models.latent_flow import ClassGaussians, LatentFlow
from imggen_lib.models.mean_flow import MeanFlow, MeanVectorNet
from imggen_lib.models.vae import MLPVAE
from imggen_lib.train.flow import train_flow
from imggen_lib.train.latent_flow import Codes, code_batches, encode, flow_pairs, train_mean_flow, train_on_pairs
from imggen_lib.train.state import FlowState


def _codes(n: int = 600) -> Codes:
    """Two classes, at -2 and at 2 in the first of two numbers, with a posterior of deviation 0.1."""
    labels = torch.arange(n) % 2
    mu = 0.3 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    mu[:, 0] += 4 * labels - 2
    return Codes(mu, torch.full((n, 2), 2 * torch.tensor(0.1).log().item()), labels)


def _model(net: torch.nn.Module | None = None) -> LatentFlow:
    torch.manual_seed(0)
    return LatentFlow(MLPVAE((1, 8, 8), 2, (8,)), Flow(net or VectorNet((2,), 32, 2, 1), "heun", 4))


def test_codes_are_the_encoders_and_a_draw_is_of_the_posterior() -> None:
    vae = MLPVAE((1, 8, 8), 2, (8,))
    data = ImageSet.from_float(torch.rand(7, 1, 8, 8) * 2 - 1, torch.tensor([0, 1, 0, 1, 0, 1, 1]))
    codes = encode(vae, data, batch=3)
    mu, logvar = vae.eval().encode(data.floats())
    assert torch.allclose(codes.mu, mu, atol=1e-5) and torch.allclose(codes.logvar, logvar, atol=1e-5)
    assert torch.equal(codes.labels, data.labels)
    many = _codes().draw(torch.zeros(20_000, dtype=torch.long), torch.Generator().manual_seed(1))
    assert torch.allclose(many.mean(0), _codes().mu[0], atol=0.01) and torch.allclose(many.std(0), torch.tensor(0.1), atol=0.005)
    cold = _codes().draw(torch.arange(5), torch.Generator().manual_seed(1), temperature=0.0)
    assert torch.equal(cold, _codes().mu[:5])


def test_batches_have_new_draws_of_every_code_and_are_repeatable() -> None:
    codes = _codes(8)
    model = _model().scale_to(codes.mu, codes.logvar)
    two = list(code_batches(codes, model, 8, images=16, seed=3))
    assert len(two) == 2 and all(sorted(y.tolist()) == [0] * 4 + [1] * 4 for _, y in two)
    first, second = (x[y.argsort(stable=True)].sort(0).values for x, y in two)
    assert not torch.allclose(first, second)
    assert torch.equal(two[0][0], next(code_batches(codes, model, 8, images=16, seed=3))[0])
    assert not torch.equal(two[0][0], next(code_batches(codes, model, 8, images=16, seed=4))[0])


def _trained() -> tuple[LatentFlow, Codes]:
    codes = _codes()
    model = _model().scale_to(codes.mu, codes.logvar)
    state = FlowState.create(model.flow, lr=5e-3)
    batches = code_batches(codes, model, 64, images=25_600)
    for _ in train_flow(state, batches, dequantise=False, ema_half_life=1000):
        pass
    model._modules["flow"] = state.ema
    return model, codes


def test_a_flow_learns_the_classes_and_one_step_learns_the_flow() -> None:
    model, _ = _trained()
    z, y = torch.randn(400, 2, generator=torch.Generator().manual_seed(5)), torch.arange(400) % 2
    with torch.no_grad():
        ends = model.codes(z, y)
        assert torch.allclose(ends[y == 0, 0].mean(), torch.tensor(-2.0), atol=0.3)
        assert torch.allclose(ends[y == 1, 0].mean(), torch.tensor(2.0), atol=0.3)
    pairs = flow_pairs(model, 2000, seed=1)
    assert torch.equal(pairs.labels[:3], torch.tensor([0, 1, 0]))
    with torch.no_grad():
        assert torch.allclose(pairs.ends[:5], model.flow(pairs.noise[:5], pairs.labels[:5]), atol=1e-5)
    student = _model(VectorNet((2,), 32, 2, 1)).scale_to(*_codes()[:2])
    student.flow.net.load_state_dict(model.flow.net.state_dict())
    one = student.sampled_with(solver="euler", steps=1)
    with torch.no_grad():
        before = (one.flow(z, y) - model.flow(z, y)).square().mean()
    state = FlowState.create(student.flow.requires_grad_(True), lr=3e-3)
    losses = [float(r["loss"]) for r in train_on_pairs(state, pairs, images=25_600, batch=64, ema_half_life=1000)]
    with torch.no_grad():
        after = (state.ema.sampled_with(solver="euler", steps=1)(z, y) - model.flow(z, y)).square().mean()
    assert after < 0.3 * before and losses[-1] < losses[0]


def test_mean_flow_moves_classes_in_one_evaluation() -> None:
    codes = _codes()
    model = LatentFlow(MLPVAE((1, 8, 8), 2, (8,)), MeanFlow(MeanVectorNet((2,), 32, 2, 1))).scale_to(codes.mu, codes.logvar)
    state = FlowState.create(model.flow, lr=5e-3)
    for record in train_mean_flow(state, code_batches(codes, model, 64, images=25_600), ema_half_life=1000):
        assert record["error"] >= 0
    z, y = torch.randn(400, 2, generator=torch.Generator().manual_seed(5)), torch.arange(400) % 2
    with torch.no_grad():
        ends = model.centre + model.spread * state.ema(z, y)
    assert ends[y == 0, 0].mean() < -1.5 and ends[y == 1, 0].mean() > 1.5


def test_mean_flow_needs_a_network_that_is_told_how_far() -> None:
    codes = _codes(8)
    model = _model().scale_to(codes.mu, codes.logvar)
    with pytest.raises(ValueError, match="mean flow trains a MeanFlow, got a Flow"):
        next(train_mean_flow(FlowState.create(model.flow), code_batches(codes, model, 8, images=8)))


@pytest.mark.usefixtures("as_readers_call")
def test_what_cannot_be_learned_is_told_before_the_first_step() -> None:
    """As the loops of the other models tell it. A label that is one too large would be learned as "no class"."""
    codes, model = _codes(40), _model().scale_to(_codes(40).mu, _codes(40).logvar)
    pairs, one = flow_pairs(model, 8), FlowState.create(Flow(VectorNet((2,), 8, 1)))

    def mean(classes: int = 2) -> FlowState:
        return FlowState.create(MeanFlow(MeanVectorNet((2,), 8, classes)))

    batch = (torch.randn(4, 2), torch.tensor([0, 1, 0, 1]))
    small = ImageSet.from_float(torch.rand(4, 1, 12, 12) * 2 - 1, torch.zeros(4, dtype=torch.long))
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: next(train_mean_flow(mean(1), [batch])), "labels must lie from 0 to 0, got 0 to 1"),
        (lambda: next(train_mean_flow(mean(), [(batch[0], None)])), "labels must be whole numbers"),  # type: ignore[list-item]
        (lambda: next(train_mean_flow(mean(), [(torch.randn(4, 5), batch[1])])), r"shape \(n, 2\)"),
        (lambda: next(train_mean_flow(mean(), [batch], instant=float("nan"))), "the share of instants must be"),
        (lambda: next(train_on_pairs(one, pairs, images=8, batch=4)), "labels must lie from 0 to 0, got 0 to 1"),
        (lambda: next(train_on_pairs(FlowState.create(Flow(VectorNet((3,), 8))), pairs, images=8)), r"shape \(n, 3\)"),
        (lambda: next(code_batches(codes, model, 0, images=8)), "the batch size must be at least 1"),
        (lambda: next(code_batches(codes, model, 8, images=8, temperature=-1.0)), "temperature must be at least 0"),
        (lambda: flow_pairs(model, 0), "n must be at least 1"),
        (lambda: flow_pairs(model.flow, 3), "has no attribute 'flow'"),  # type: ignore[arg-type]
        (lambda: encode(model, small), "a LatentFlow has no encoder"),  # type: ignore[arg-type]
        (lambda: encode(model.vae, small), r"images of shape \(1, 8, 8\), images has \(1, 12, 12\)"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()
    for steps in (train_mean_flow(mean(), [batch]), train_on_pairs(one, flow_pairs(model, 2), images=8, batch=4)):
        with torch.no_grad(), pytest.raises(ValueError, match="training needs gradients"):
            next(steps)


@pytest.mark.usefixtures("as_readers_call")
def test_codes_that_have_no_scale_are_refused() -> None:
    """A set of one image, or a code that never varies, would train on infinite numbers."""
    model, mu, logvar = _model(), torch.randn(5, 2), torch.zeros(5, 2)
    for codes, spread, message in (
        (mu[:1], logvar[:1], "two codes or more"),
        (mu, logvar[:3], "got 5 and 3"),
        (mu[:, :1], logvar[:, :1], r"codes of shape \(n, 2\), got \(5, 1\)"),
        (torch.ones(5, 2), logvar - 1000, "all the same, or not finite"),
        (mu / 0, logvar, "all the same, or not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            model.scale_to(codes, spread)
    assert torch.equal(model.spread, torch.ones(2)) and torch.equal(model.centre, torch.zeros(2))
    with pytest.raises(ValueError, match=r"codes of shape \(n, 2\)"):
        model.scaled(torch.randn(3, 4))
    rival = ClassGaussians(2, 3)
    for label in (-1, 3):
        with pytest.raises(ValueError, match="labels must lie from 0 to 2"):
            rival(mu[:1], torch.tensor([label]))
