"""Surfaces of implied volatility: prices and their inversion, the simulated truths, arbitrage, quotes."""

import inspect
import math

import pytest
import torch
from scipy.optimize import brentq
from scipy.special import ndtr

from imggen_lib.applications.volatility import black, heston, surfaces
from imggen_lib.applications.volatility.arbitrage import TOLERANCE, arbitrage
from imggen_lib.applications.volatility.surfaces import MONEYNESS, TIMES, TRUTHS, draw, quotes

F64 = torch.float64


def _put(k: float, w: float) -> float:
    root = math.sqrt(w)
    return math.exp(k) * ndtr(k / root + root / 2) - ndtr(k / root - root / 2)


def test_prices_out_of_the_money_keep_their_digits_and_parity() -> None:
    k, w = torch.linspace(-1.5, 1.5, 31, dtype=F64), torch.full((31,), 0.02, dtype=F64)
    price = black.out_of_the_money(k, w)
    assert (price > 0).all() and float(price[0]) == pytest.approx(_put(-1.5, 0.02), rel=1e-9) and float(price[0]) < 1e-20
    parity = torch.where(k > 0, price, price + 1 - k.exp())
    torch.testing.assert_close(black.call(k, w), parity, atol=1e-14, rtol=0)


def test_implied_variance_agrees_with_brentq() -> None:
    for k, w in ((-0.3, 0.01), (-0.1, 0.2), (0.0, 0.04), (0.25, 0.03)):
        price = float(black.out_of_the_money(torch.tensor([k], dtype=F64), torch.tensor([w], dtype=F64)))
        solved = brentq(lambda v, k=k, p=price: (_put(k, v) + (1 - math.exp(k) if k > 0 else 0)) - p, 1e-6, 4, xtol=1e-14)
        found = black.implied_variance(torch.tensor([k], dtype=F64), torch.tensor([price], dtype=F64))
        assert float(found) == pytest.approx(solved, rel=1e-7) and float(found) == pytest.approx(w, rel=1e-10)


@pytest.mark.parametrize("price", [0.0, -0.1, 0.8, float("nan")])
def test_no_volatility_gives_an_impossible_price(price: float) -> None:
    with pytest.raises(ValueError, match="costs more than 0"):
        black.implied_variance(torch.tensor([-0.3], dtype=F64), torch.tensor([price], dtype=F64))


@pytest.mark.parametrize("truth", TRUTHS)
def test_truths_have_no_arbitrage_are_seeded_and_fit_into_images(truth: str) -> None:
    x = draw(150, 7, truth)
    assert x.shape == (150, 256) and x.dtype == F64 and torch.isfinite(x).all()
    assert not arbitrage(x).found().any()
    assert torch.equal(draw(150, 7, truth), x) and not torch.equal(draw(150, 8, truth), x)
    images = surfaces.to_images(x)
    assert images.shape == (150, 1, 16, 16) and images.dtype == torch.float32 and images.abs().max() < 1
    torch.testing.assert_close(surfaces.from_images(images).double(), x, atol=1e-6, rtol=0)


def test_the_truths_differ_in_the_sign_of_the_skew() -> None:
    slopes = [draw(100, 0, truth).view(-1, 16, 16).diff(dim=2).mean().item() for truth in TRUTHS]
    assert slopes[0] < 0 and slopes[1] > 0 and slopes[2] < 0


def test_heston_with_hardly_any_noise_of_the_variance_is_black() -> None:
    column = [torch.full((1, 1, 1), value, dtype=F64) for value in (0.04, 0.04, 1.0, 1e-3, 0.0)]
    u, _ = heston.nodes()
    price = heston.out_of_the_money(MONEYNESS, heston.characteristic(u - 0.5j, TIMES[:, None], *column))[0]
    w = black.implied_variance(MONEYNESS.expand_as(price), price.clamp(min=1e-30))
    near = price > 1e-9
    torch.testing.assert_close((w / TIMES[:, None]).sqrt()[near], torch.full((int(near.sum()),), 0.2, dtype=F64), atol=2e-4, rtol=0)


def test_a_variance_that_falls_is_a_calendar_spread_and_a_dent_is_a_butterfly() -> None:
    flat = torch.full((3, 16, 16), math.log(0.2), dtype=F64)
    flat[1, 9:] = math.log(0.1)  # total variance falls
    flat[2, 5, 8] = math.log(0.22)  # one dear strike
    found = arbitrage(flat.flatten(1))
    assert found.found().tolist() == [False, True, True]
    assert (found.calendar[1] < -TOLERANCE).any() and not (found.butterfly[1] < -TOLERANCE).any()
    assert float(found.butterfly[2].min()) < -1e-4 and found.calendar.shape == (3, 15, 16) and found.butterfly.shape == (3, 16, 14)


def test_a_butterfly_costs_the_payoff_it_promises() -> None:
    """With the truth's own density: the mean of the tent over the middle strike, by summation."""
    x = torch.full((1, 256), math.log(0.3), dtype=F64)
    at, strike = 7, MONEYNESS.exp()
    w = 0.09 * float(TIMES[3])
    s = torch.linspace(-3, 3, 600_001, dtype=F64)
    density = torch.exp(-((s + w / 2) ** 2) / (2 * w)) / math.sqrt(2 * math.pi * w)
    share = (strike[at + 1] - strike[at]) / (strike[at + 1] - strike[at - 1])
    tent = share * (s.exp() - strike[at - 1]).clamp(min=0) + (1 - share) * (s.exp() - strike[at + 1]).clamp(min=0)
    tent = tent - (s.exp() - strike[at]).clamp(min=0)
    assert float(arbitrage(x).butterfly[0, 3, at - 1]) == pytest.approx(float(torch.trapezoid(tent * density, s)), abs=1e-9)


def test_quotes_are_taken_without_repeats_and_have_the_noise_that_is_said() -> None:
    x = draw(400, 0)
    exact, noisy = quotes(x, 20, 1), quotes(x, 20, 1, 0.02)
    assert torch.equal(exact.places, noisy.places) and torch.equal(exact.values, x.gather(1, exact.places))
    assert all(len(set(row.tolist())) == 20 for row in exact.places)
    assert float((noisy.values - exact.values).std()) == pytest.approx(0.02, rel=0.05)
    for wrong in ({"m": 0}, {"m": 257}, {"m": 5, "noise": -0.1}):
        with pytest.raises(ValueError, match="from 1 to 256 quotes"):
            inspect.unwrap(quotes)(x, seed=0, **wrong)
    with pytest.raises(ValueError, match="the truth is one of"):
        draw(3, 0, "SABR")
