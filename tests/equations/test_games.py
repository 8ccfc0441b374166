"""The equations of the chapter on games."""

import math
from itertools import product

import pytest
import torch

from imggen_lib.applications.levels.models import fit_codes
from imggen_lib.losses.vae import categorical_log_prob
from imggen_lib.models.vae import MLPVAE

F64 = torch.float64


def _grids(tiles: int, kinds: int) -> torch.Tensor:
    """Every grid of so many tiles, one-hot ``(n, kinds, tiles)``."""
    every = torch.tensor(list(product(range(kinds), repeat=tiles)))
    return torch.nn.functional.one_hot(every, kinds).movedim(-1, 1).to(F64)


def test_games_categorical() -> None:
    """The probabilities of all 81 grids of four tiles add up to 1, and the library's loss gives the same logarithms."""
    logits = 2 * torch.randn(1, 3, 4, dtype=F64, generator=torch.Generator().manual_seed(0))
    grids = _grids(4, 3)
    every = []
    for x in grids:
        terms = [logits[0, x[:, d].argmax(), d] - logits[0, :, d].exp().sum().log() for d in range(4)]  # claim
        every.append(sum(terms))
    log_p = torch.stack(every)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(categorical_log_prob(grids, logits.expand(81, -1, -1)), log_p)
    assert len({round(v, 9) for v in log_p.tolist()}) > 70


def test_games_uninformed() -> None:
    """Against an optimiser: no logits that are the same for all levels give more than minus the entropies of the frequencies."""
    levels = _grids(3, 3)[torch.randint(27, (40,), generator=torch.Generator().manual_seed(1))]
    f = levels.mean(0)
    bound = -sum(-(p * p.clamp(min=1e-300).log()).sum() for p in f.T)  # claim
    logits = torch.zeros(1, 3, 3, dtype=F64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        loss = -categorical_log_prob(levels, logits.expand(40, -1, -1)).mean()
        loss.backward()
        return loss

    optimiser.step(step)
    assert -step().item() == pytest.approx(float(bound), abs=1e-6)
    torch.testing.assert_close(torch.softmax(logits.detach()[0], 0), f, atol=1e-4, rtol=0)


def test_games_halves() -> None:
    """Enumeration: tiles drawn one by one from the mean of two levels that differ in m of five tiles."""
    first, second = torch.tensor([1, 2, 0, 0, 1]), torch.tensor([2, 0, 1, 0, 1])
    m = int((first != second).sum())
    formula = 2 ** (1 - m)  # claim
    frequencies = (torch.nn.functional.one_hot(torch.stack([first, second]), 3).to(F64)).mean(0)
    whole = 0.0
    for grid in product(range(3), repeat=5):
        p = math.prod(float(frequencies[d, k]) for d, k in enumerate(grid))
        if list(grid) in (first.tolist(), second.tolist()):
            whole += p
    assert m == 3 and whole == pytest.approx(formula)


def test_games_density() -> None:
    """Two million draws from the mixture of a few Gaussians, and the library's fit to an encoder's answers."""
    g = torch.Generator().manual_seed(2)
    mu, sigma = torch.randn(7, 2, dtype=F64, generator=g), 0.3 + torch.rand(7, 2, dtype=F64, generator=g)
    n = len(mu)
    m = mu.sum(0) / n  # claim
    covariance = sum(torch.outer(a - m, a - m) + torch.diag(s**2) for a, s in zip(mu, sigma, strict=True)) / n  # claim
    chosen = torch.randint(n, (2_000_000,), generator=g)
    z = mu[chosen] + sigma[chosen] * torch.randn(len(chosen), 2, dtype=F64, generator=g)
    torch.testing.assert_close(z.mean(0), m, atol=4e-3, rtol=0)
    torch.testing.assert_close(torch.cov(z.T), covariance, atol=8e-3, rtol=0)  # type: ignore[arg-type]

    torch.manual_seed(0)
    model, x = MLPVAE((1, 8, 8), 2, (16,), likelihood="gaussian"), torch.rand(9, 1, 8, 8) * 2 - 1
    with torch.no_grad():
        means, logvar = model.encode(x)
    codes, centre = fit_codes(model, x), means.mean(0)
    expected = sum(torch.outer(a - centre, a - centre) + torch.diag(v.exp()) for a, v in zip(means, logvar, strict=True)) / 9
    torch.testing.assert_close(codes.factor @ codes.factor.T, expected, atol=1e-5, rtol=1e-4)


def test_games_best_of() -> None:
    """Exact sums over the trial of the first success, and the share of simulated searches that find something."""
    p, runs = 0.085, 60
    found = 1 - (1 - p) ** runs  # claim
    expected = 1 / p  # claim
    first = [(1 - p) ** (k - 1) * p for k in range(1, 5000)]
    assert sum(first[:runs]) == pytest.approx(found, abs=1e-12)
    assert sum(k * q for k, q in enumerate(first, 1)) == pytest.approx(expected, rel=1e-9)
    hits = (torch.rand(20_000, runs, generator=torch.Generator().manual_seed(3)) < p).any(1).double().mean().item()
    assert hits == pytest.approx(found, abs=4 * math.sqrt(found * (1 - found) / 20_000))
