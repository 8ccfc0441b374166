"""The equations of the chapter on small generators."""

import pytest
import torch
from torch import nn

from imggen_lib.compress.fold import fold_into
from imggen_lib.compress.quantise import FakeQuantised, levels, quantised

NOISE = torch.Generator().manual_seed(0)


def _draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=NOISE, dtype=torch.float64)


def test_small_fold() -> None:
    """Against a layer followed by PyTorch's normalisation, in float64; the library's does the same."""
    layer, norm = nn.Linear(5, 4).double(), nn.BatchNorm1d(4, eps=0.3).double().eval()
    norm.running_mean, norm.running_var = _draw(4), _draw(4).square() + 0.1
    norm.weight.data, norm.bias.data = _draw(4), _draw(4)
    W, b, x = layer.weight.detach(), layer.bias.detach(), _draw(50, 5)  # noqa: N806
    gamma, beta, mu, var, eps = norm.weight.detach(), norm.bias.detach(), norm.running_mean, norm.running_var, norm.eps
    expected = norm(layer(x))
    folded_weight = (gamma / (var + eps).sqrt()).unsqueeze(1) * W  # claim
    folded_bias = beta + gamma * (b - mu) / (var + eps).sqrt()  # claim
    assert torch.allclose(x @ folded_weight.T + folded_bias, expected)
    fold_into(layer, norm)
    assert torch.allclose(layer.weight, folded_weight) and torch.allclose(layer.bias, folded_bias)


@pytest.mark.parametrize("b", [2, 4, 8])
def test_small_quantiser(b: int) -> None:
    """Against a search over all levels: the nearest one, also for weights beyond the last."""
    delta, w = 0.3, _draw(500) * 2 ** (b - 1) * 0.3
    m = 2 ** (b - 1) - 1  # claim
    Q = delta * (w / delta).round().clip(-m, m)  # noqa: N806  # claim
    grid = delta * torch.arange(-(2**b), 2**b + 1, dtype=torch.float64)
    grid = grid[grid.abs() < delta * 2 ** (b - 1) - delta / 2]
    assert len(grid) == 2**b - 1
    nearest = grid[(w.unsqueeze(1) - grid).abs().argmin(1)]
    assert torch.allclose(Q, nearest) and torch.allclose(quantised(w, torch.tensor(delta), b), Q) and levels(b) == m


def test_small_rounding() -> None:
    """By a fine grid over many steps, and for normal weights with a small step by Monte Carlo."""
    for delta in (0.1, 0.7):
        square = delta**2 / 12  # claim
        w = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000 * 8 * delta - 4 * delta
        assert ((quantised(w, torch.tensor(delta), 8) - w) ** 2).mean().item() == pytest.approx(square, rel=1e-6)
    w, delta = _draw(200_000), 0.05
    error = (quantised(w, torch.tensor(delta), 12) - w).square()
    assert abs(error.mean().item() - delta**2 / 12) < 5 * error.std().item() / 200_000**0.5


def test_small_output() -> None:
    """By Monte Carlo over rounded rows and normal inputs, with an error bar."""
    for k, delta in ((20, 0.2), (64, 0.1)):
        w, x = _draw(20_000, k), _draw(20_000, k)
        error = ((quantised(w, torch.tensor(delta), 10) - w) * x).sum(1).square()
        square = k * delta**2 / 12  # claim
        assert abs(error.mean().item() - square) < 5 * error.std().item() / 20_000**0.5


def test_small_straight_through() -> None:
    """Against autograd through the clipped line that the decision puts in the place of rounding, and the library's module."""
    w, b, m = torch.tensor([[0.26, -0.9, 2.4, -7.0]], dtype=torch.float64), 3, 3
    delta = torch.tensor(0.5, dtype=torch.float64)
    inside = w.abs() <= m * delta
    by_w = torch.where(inside, 1.0, 0.0).double()  # claim
    by_step = torch.where(inside, (w / delta).round() - w / delta, m * w.sign())  # claim
    given, step = w.clone().requires_grad_(True), delta.clone().requires_grad_(True)
    scaled = (given / step).clip(-m, m)
    out = step * (scaled + (scaled.round() - scaled).detach())
    for j in range(4):
        slopes = torch.autograd.grad(out[0, j], (given, step), retain_graph=True)
        assert slopes[0][0, j].item() == pytest.approx(by_w[0, j].item())
        assert slopes[1].item() == pytest.approx(by_step[0, j].item())
    module = FakeQuantised(w, b, 0, 1).double()
    module.log_step.data = delta.log().view(1, 1)
    module(given).sum().backward()
    assert given.grad is not None and torch.allclose(given.grad, by_w)
    assert module.log_step.grad is not None
    assert module.log_step.grad.item() == pytest.approx(by_step.sum().item() * delta.item())


def test_small_student() -> None:
    """The objective that the library minimises, from one step with a plain gradient on one parameter."""
    from imggen_lib.compress.distil import Pairs, train_student
    from imggen_lib.losses.gan import relativistic
    from imggen_lib.models.gan import ConvCritic, MLPGenerator
    from imggen_lib.noise import generator_for
    from imggen_lib.train.state import GanState

    torch.manual_seed(0)
    student, critic = MLPGenerator((1, 8, 8), 3, (4,)), ConvCritic((1, 8, 8), 4)
    taught = Pairs(torch.randn(6, 3), torch.randint(0, 255, (6, 1, 8, 8), dtype=torch.uint8), 0)
    real, labels, lam = torch.rand(5, 1, 8, 8), torch.zeros(5, dtype=torch.long), 7.0
    z, T = taught.of(None, 5, generator_for(0, 31, 0))  # noqa: N806
    state = GanState.create(student, critic, lr=0.0)
    record = next(iter(train_student(state, [(real, labels)], taught, relativistic, weight=lambda _: lam)))
    S, d = student(z), 64  # noqa: N806
    generator = relativistic.generator(critic(real), critic(S))
    L = lam / d * (S - T).abs().flatten(1).sum(1).mean() + generator  # noqa: N806  # claim
    assert (lam * record["apart"] + record["generator"]).item() == pytest.approx(L.item(), rel=1e-5)
    student.zero_grad()
    L.backward()
    found = [p.grad.clone() for p in student.parameters() if p.grad is not None]
    student.zero_grad()
    state.images, state.steps = 0, 0
    list(train_student(state, [(real, labels)], taught, relativistic, weight=lambda _: lam))
    again = [p.grad for p in student.parameters() if p.grad is not None]
    assert len(found) == len(again) and all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, again, strict=True))


def test_small_median() -> None:
    """By a search over answers, for a skewed distribution whose mean is elsewhere."""
    x = _draw(20_001).exp()
    answers = torch.linspace(0.5, 2.0, 1501, dtype=torch.float64)
    best = answers[torch.stack([(x - a).abs().mean() for a in answers]).argmin()]
    middle = x.median()  # claim
    assert best.item() == pytest.approx(middle.item(), abs=2e-3) and abs(x.mean() - best) > 0.5
