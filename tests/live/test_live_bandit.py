"""The race and the looks: the page chooses the arms that Python chooses, and both agree with the library's own simulations."""

import gzip
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.chance import Chance
from imggen_lib.live.bandit_race import POLICIES, bandit_experiment, bandit_looks, bandit_race
from imggen_lib.live.base import HERE, page_script
from imggen_lib.metrics.experiments import difference_z, evidence, impressions_needed, looked_at, race
from imggen_lib.metrics.intervals import wilson_interval

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { races, looks, shares, lifts } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify({
  races: races.map((r) => banditRace({ ...r, keep: true })),
  looks: looks.map(banditLooks),
  one: looks.map((l) => banditExperiment({ ...l, random: chance(l.seed) })),
  shares: shares.map((s) => banditWilson(...s)),
  needed: lifts.map((l) => banditNeeded(0.0046, l)),
}));
"""
WORLD = {"rate": 0.03, "arms": 4, "daily": 700, "days": 6}
RACES = [{**WORLD, "policy": p, "lift": lift, "seed": seed} for p in POLICIES for lift in (0.0, 0.3, 1.0) for seed in (0, 1, 77)]
LOOKS = [{"rate": 0.0046, "lift": lift, "daily": 2000, "days": 14, "trials": 60, "seed": s} for lift in (0.0, 0.5) for s in (1, 9)]
SHARES, LIFTS = [(0, 40), (7, 40), (40, 40), (51, 1000)], [0.1, 0.2, 0.5]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's scripts compute."""
    given = {"races": RACES, "looks": LOOKS, "shares": SHARES, "lifts": LIFTS}
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", "bandit_math")]
    assert NODE is not None
    code = "\n".join([*parts, CODE])
    done = subprocess.run([NODE, "-e", code], input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_node
def test_the_same_seeds_choose_the_same_arms(page: dict[str, Any]) -> None:
    """Every choice of every impression, every click; also what is lost, and who is named."""
    for given, found in zip(RACES, page["races"], strict=True):
        one = bandit_race(**given)
        assert found["chosen"] == one.chosen, given
        assert (found["shown"], found["clicks"], found["named"], found["best"]) == (one.shown, one.clicks, one.named, one.best)
        assert found["lost"] == pytest.approx(one.lost, abs=1e-9)
    assert len({tuple(one["chosen"]) for one in page["races"]}) > 9  # uniform has one order


@needs_node
def test_the_page_calls_what_python_calls(page: dict[str, Any]) -> None:
    for given, found, first in zip(LOOKS, page["looks"], page["one"], strict=True):
        calls = bandit_looks(**given)
        assert (found["byZ"], found["byEvidence"], found["once"]) == (calls.by_z, calls.by_evidence, calls.once)
        settings = {k: v for k, v in given.items() if k not in ("trials", "seed")}
        one = bandit_experiment(**settings, draw=Chance(given["seed"]))
        assert first["z"] == pytest.approx(one.z, abs=1e-9) and first["evidence"] == pytest.approx(one.evidence, abs=1e-9)
    assert [tuple(s) for s in page["shares"]] == [pytest.approx(wilson_interval(*s), abs=1e-12) for s in SHARES]
    assert page["needed"] == [impressions_needed(0.0046, lift) for lift in LIFTS]


def test_evidence_and_z_are_those_of_the_library() -> None:
    """Pair by pair the e-value comes out as the closed form, and z as from the counts."""
    for lift in (0.0, 1.0):
        one = bandit_experiment(0.01, lift, 3000, 5, Chance(4))
        expected = evidence(torch.tensor(one.wins), torch.tensor(one.losses))
        assert one.evidence[-1] == pytest.approx(float(expected), abs=1e-9)
    a, b = torch.tensor([30]), torch.tensor([44])
    assert float(difference_z(a, b, 5000)[0]) == pytest.approx((44 - 30) / np.sqrt(2 * 5000 * 0.0074 * (1 - 0.0074)))


def test_races_lose_on_average_what_the_library_says() -> None:
    """40 worlds beside 400 drawn at once from another generator: means within 4 standard errors, the winners' share too."""
    rate, lift, arms, total = 0.02, 0.5, 3, 6000
    for policy in POLICIES:
        mine = [bandit_race(policy, rate, lift, arms, total // 6, 6, seed) for seed in range(40)]
        rates = np.full((400, arms), rate)
        rates[np.arange(400), np.arange(400) % arms] *= 1 + lift
        theirs = race(rates, total, policy)
        lost = np.array([one.lost[-1] for one in mine])
        error = np.sqrt(lost.var(ddof=1) / 40 + theirs.lost.var() / 400)
        assert abs(lost.mean() - theirs.lost.mean()) < 4 * error + 1e-9, policy
        share, other = np.mean([one.named == one.best for one in mine]), theirs.right.mean()
        assert abs(share - other) < 4 * np.sqrt(other * (1 - other) * (1 / 40 + 1 / 400)), policy


def test_calls_are_as_frequent_as_the_library_says() -> None:
    """Looked at once 5 %, every evening far more, the e-value at most 5 %; as often as in the other simulation."""
    n, days = 1000, 28
    mine = bandit_looks(0.0046, 0.0, 2000, days, n, 3)
    theirs = looked_at(0.0046, 0.0, 2000, days, n, seed=5)
    shares = [
        (mine.once, theirs.by_z[:, -1]),
        (mine.by_z[-1], theirs.by_z.any(1)),
        (mine.by_evidence[-1], theirs.by_evidence.any(1)),
    ]
    for hits, other in shares:
        p = float(other.double().mean())
        assert abs(hits / n - p) < 4 * np.sqrt(2 * max(p, 0.01) * (1 - p) / n)
    assert 0.03 < mine.once / n < 0.07 and mine.by_z[-1] / n > 0.15 and mine.by_evidence[-1] / n <= 0.05
    assert bandit_looks(0.0046, 1.0, 4000, days, 50, 3).by_evidence[-1] > 45


def test_normal_and_beta_numbers_have_their_moments() -> None:
    draw = Chance(7)
    normal = np.array([draw.normal() for _ in range(20_000)])
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.02
    a, b = 3.0, 700.0
    beta = np.array([draw.beta(a, b) for _ in range(20_000)])
    assert beta.mean() == pytest.approx(a / (a + b), rel=0.02)
    assert beta.var() == pytest.approx(a * b / (a + b) ** 2 / (a + b + 1), rel=0.06)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_widget_and_its_refusals() -> None:
    widget = live.bandit(rate=0.01)
    assert widget.options == {"rate": 0.01, "arms": 4, "days": 28, "seed": 1} and "demos.xrays" not in widget._esm
    assert len(gzip.compress(page_script("bandit").encode())) < 30_000
    for wrong, words in (({"rate": 0}, "rate"), ({"arms": 1}, "arms"), ({"days": 2}, "days")):
        with pytest.raises(ValueError, match=words):
            live.bandit(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="policies"):
        bandit_race("greedy", 0.01, 0.1, 2, 10, 2, 0)
