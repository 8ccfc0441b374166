"""The sheets for a class: every solution is held against the library or a calculation of another kind, for many seeds."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import sheets
import torch
from problems import PROBLEMS
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from torch.distributions import Normal, kl_divergence

from imggen_lib.metrics.audit import auroc
from imggen_lib.metrics.distribution import frechet_distance, statistics

SEEDS = range(40)
NUMBER = r"-?\d+(?:\.\d+)?"


def _vectors(text: str) -> list[list[float]]:
    """The numbers in parentheses, and in lists of a sentence."""
    return [[float(v) for v in re.findall(NUMBER, part)] for part in re.findall(r"\(((?:-?[\d.]+(?:, )?)+)\)", text)]


def _all(text: str) -> list[float]:
    return [float(v) for v in re.findall(NUMBER, re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))]


def _named(word: str, text: str) -> float:
    return float(re.findall(rf"{word} = ({NUMBER})", text)[0])


# The answers from the words of each problem, by another way than the solution's.


def _bits(text: str) -> list[float]:
    _, _, nats, images = _all(text)
    code = abs(nats) * np.log2(np.e)
    return [code, code / 784, code * images / 8000]


def _gram(text: str) -> list[float]:
    f = torch.tensor(_vectors(text)[:2])
    return (f @ f.T / 3)[[0, 0, 1], [0, 1, 1]].tolist()


def _critic(text: str) -> list[float]:
    (mu, s), (nu, _) = [tuple(map(float, pair)) for pair in re.findall(r"N\((-?\d+), ([\d.]+)\^2\)", text)]
    x = torch.tensor(_named("x", text), dtype=torch.float64)
    p, q = Normal(mu, s).log_prob(x).exp(), Normal(nu, s).log_prob(x).exp()
    return [float((p / q).log()), float(p / (p + q)), (mu + nu) / 2]


def _jensen_shannon(text: str) -> list[float]:
    js = float(jensenshannon(*_vectors(text)[:2])) ** 2
    return [js, 2 * js - 2 * math.log(2)]


def _transport(text: str) -> list[float]:
    p, q = _vectors(text)[:2]
    return [wasserstein_distance(range(4), range(4), p, q), sum(p[:2]) - sum(q[:2])]


def _dirac(text: str) -> list[float]:
    gamma, h = _named(r"\\gamma", text), _named("h", text)
    field = np.array([[0, 1], [-1, -gamma]])
    first = np.linalg.eigvals(field)[0]
    return [first.real, abs(first.imag), abs(np.linalg.eigvals(np.eye(2) + h * field)).max()]


def _price(text: str) -> list[float]:
    mu, sigma = map(torch.tensor, _vectors(text)[:2])
    each = kl_divergence(Normal(mu, sigma), Normal(0.0, 1.0))
    return [*each.tolist(), float(each.sum())]


def _two_codes(text: str) -> list[float]:
    p0, p1, q = (float(v) for v in re.findall(r"0\.\d", text))
    joint, guess = np.array([p0, p1]) / 2, np.array([1 - q, q])
    posterior = joint / joint.sum()
    gap = float((guess * np.log(guess / posterior)).sum())
    return [math.log(joint.sum()), math.log(joint.sum()) - gap, posterior[1]]


def _hidden_beta(text: str) -> list[float]:
    """How much more a nat of a latent number weighs in the loss than one of a pixel."""
    side, _, latents = map(int, _all(text))
    error, kl = torch.ones(side**2, requires_grad=True), torch.ones(latents, requires_grad=True)
    of_error, of_kl = torch.autograd.grad(error.mean() + kl.mean(), [error, kl])
    return [float(of_kl[0] / of_error[0])]


def _first_step(text: str) -> list[float]:
    rate = float(re.findall(r"rate of ([\d.e-]+),", text)[0])
    x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    x.grad = torch.tensor(_vectors(text)[0], dtype=torch.float64)
    torch.optim.Adam([x], lr=rate, betas=(0.5, 0.999), eps=1e-8).step()
    return [float(v) for v in x.detach()]


def _frechet(text: str) -> list[float]:
    s0, s1, m0, m1, t0, t1 = _all(text)[2:8]
    corners = torch.tensor([[a, b] for a in (-1, 1) for b in (-1, 1)], dtype=torch.float64) * math.sqrt(3 / 4)  # n - 1 = 3
    real = corners * torch.tensor([s0, s1])
    made = corners * torch.tensor([t0, t1]) + torch.tensor([m0, m1])
    return [frechet_distance(statistics(real), statistics(made))]


def _auroc(text: str) -> list[float]:
    scores = torch.tensor(_all(text), dtype=torch.float64)
    return [auroc(scores[:4], scores[4:9])]


def _found_within(text: str) -> list[float]:
    percent, runs = _all(text)[:2]
    misses = np.cumprod(np.full(1000, 1 - percent / 100))
    return [1 - misses[int(runs) - 1], int(np.argmax(misses <= 0.05)) + 1]


@pytest.mark.parametrize("number", range(len(PROBLEMS)), ids=[make.__name__ for make in PROBLEMS])
def test_the_answer_follows_from_the_words(number: int) -> None:
    answers = set()
    for seed in SEEDS:
        problem = sheets.sheet(seed)[number]
        assert problem.answer == pytest.approx(globals()[f"_{PROBLEMS[number].__name__}"](problem.text), rel=1e-5, abs=1e-6), (
            problem.text
        )
        shown = [abs(v) for v in _all(problem.solution)]
        assert all(any(abs(abs(a) - v) <= 0.006 * max(1, v) for v in shown) for a in problem.answer), problem.solution
        answers.add(problem.answer)
    assert len(answers) >= 5  # a seed matters


def test_a_sheet_is_reproducible_and_its_notebook_shows_no_solution(tmp_path: Path) -> None:
    sheets.main(["3", "--out", str(tmp_path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["problems-3.ipynb", "problems-3.md"]
    sheets.main(["3", "--solutions", "--out", str(tmp_path)])
    text = (tmp_path / "problems-3.md").read_text(encoding="utf-8")
    assert "Solution" not in text and text == sheets.markdown(sheets.sheet(3), 3)
    assert (tmp_path / "solutions-3.md").read_text(encoding="utf-8").count("**Solution.**") == len(PROBLEMS)
    cells = json.loads((tmp_path / "problems-3.ipynb").read_text(encoding="utf-8"))["cells"]
    assert [c["cell_type"] for c in cells] == ["markdown", *["markdown", "code"] * len(PROBLEMS)]
    assert text.count("$") % 2 == 0 and sheets.sheet(4) != sheets.sheet(3)


def test_every_problem_names_a_chapter_of_the_book() -> None:
    chapters = {path.stem for path in (sheets.ROOT / "book").glob("*/*.ipynb")}
    assert {problem.chapter for problem in sheets.sheet(0)} <= chapters
