r"""Bradley-Terry: from who won against whom to one strength a system, with intervals over raters."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from imggen_lib.checks import real, tensor, whole
from imggen_lib.metrics.intervals import holm, resampled, t_tail, upper_tail
from imggen_lib.people.study import Judgement


class Ranking(NamedTuple):
    """Strengths ``(k,)`` with mean 0 and their percentile intervals, in the order of `systems`; and for each two systems the
    p-value of "equally strong", corrected by Holm for all pairs together ``(k, k)``, 1 on the diagonal."""

    systems: list[str]
    strengths: Float[Tensor, " k"]
    low: Float[Tensor, " k"]
    high: Float[Tensor, " k"]
    p_values: Float[Tensor, "k k"] = torch.empty(0, 0)


def win_counts(
    judgements: Iterable[Judgement], systems: Sequence[str], *, split_ties: bool = False
) -> tuple[list[str], Float[Tensor, "raters k k"]]:
    """The raters, and how often each of them chose system i over system j ``(raters, k, k)``, from unblinded judgements.

    A tie is refused, since the model has none; with `split_ties` it counts as half a win for either.
    """
    rows, place = list(judgements), {name: i for i, name in enumerate(systems)}
    raters = {name: i for i, name in enumerate(sorted({j.rater for j in rows}))}
    wins = torch.zeros(len(raters), len(systems), len(systems), dtype=torch.float64)
    for j in rows:
        if j.left not in place or j.right not in place:
            raise ValueError(
                f"{j.left} against {j.right}: not both among the systems {list(systems)} (unblind the judgements first)"
            )
        if j.choice == "tie" and not split_ties:
            raise ValueError(
                "there are ties, which the model does not know; split_ties=True counts each as half a win for either side"
            )
        a, b, r = place[j.left], place[j.right], raters[j.rater]
        wins[r, a, b] += {"left": 1.0, "tie": 0.5}.get(j.choice, 0.0)
        wins[r, b, a] += {"right": 1.0, "tie": 0.5}.get(j.choice, 0.0)
    return list(raters), wins


def _reachable(links: Bool[Tensor, "*b k k"]) -> Bool[Tensor, "*b k k"]:
    """Which systems lead to which others along any number of links."""
    k = links.shape[-1]
    reach = (links | torch.eye(k, dtype=torch.bool)).double()
    for _ in range(max(1, k.bit_length())):
        reach = (reach @ reach > 0).double()
    return reach > 0


def _check_wins(wins: Tensor, names: Sequence[str]) -> None:
    """Raises ``ValueError`` unless finite strengths exist: each must have beaten each, at least through others (Ford 1957)."""
    if wins.shape[-1] < 2 or not torch.isfinite(wins).all() or (wins < 0).any() or wins.diagonal(dim1=-2, dim2=-1).any():
        raise ValueError("need a square table of wins of two systems or more: finite, not negative, 0 on the diagonal")
    reach = _reachable((wins + wins.mT) > 0)
    if not reach.all():
        group = [n for n, r in zip(names, reach[0].tolist(), strict=True) if r]
        rest = [n for n in names if n not in group]
        raise ValueError(f"{', '.join(group)} were never compared with {', '.join(rest)}, not even through others: no common scale")
    strong = _reachable(wins > 0)
    if not strong.all():
        loser = int((~strong).double().sum(1).argmax())
        never = [n for n, r in zip(names, strong[loser].tolist(), strict=True) if not r]
        raise ValueError(
            f"{names[loser]} never won against {', '.join(never)}, not even through others: the strengths have no finite maximum; "
            "collect more judgements, or give prior=0.5 (half a win to either side of every pair)"
        )


def _maximise(wins: Float[Tensor, "*b k k"]) -> Float[Tensor, "*b k"]:
    """Newton's method on the log-likelihood, which is concave; leading dimensions are separate problems."""
    k = wins.shape[-1]
    games = wins + wins.mT
    strengths = torch.zeros(wins.shape[:-1], dtype=torch.float64)
    for _ in range(200):
        p = torch.sigmoid(strengths[..., :, None] - strengths[..., None, :])
        gradient = (wins - games * p).sum(-1)
        weight = games * p * (1 - p)
        curvature = torch.diag_embed(weight.sum(-1)) - weight + weight.sum((-1, -2), keepdim=True) / k**2
        step = torch.linalg.solve(curvature, gradient)
        strengths = strengths + step / step.abs().amax(-1, keepdim=True).clamp(min=1.0)
        if step.abs().max() < 1e-10:
            break
    return strengths - strengths.mean(-1, keepdim=True)


def bradley_terry(wins: Float[Tensor, "k k"], names: Sequence[str] | None = None, *, prior: float = 0.0) -> Float[Tensor, " k"]:
    r"""Strengths that make the choices most probable; ``wins[i, j]`` says how often i was chosen over j.

    .. math:: P(i \text{ beats } j) = \frac{1}{1 + e^{-(s_i - s_j)}}, \qquad
        s = \arg\max \sum_{i,j} w_{ij} \log P(i \text{ beats } j), \quad \sum_i s_i = 0

    Log odds, any real number, **higher is better**; only differences mean anything. Biased away from 0 with few judgements. One
    number a system: blind to circles (a beats b beats c beats a), and to how strong a preference is. Refuses with a plain
    sentence comparisons that fall into parts, and a system that never won or never lost; `prior` adds that many wins to either
    side of every pair, which pulls towards 0. Source: Bradley and Terry 1952; when a maximum exists: Ford 1957.
    """
    prior, k = real(prior, "prior"), len(tensor(wins, "wins"))
    if wins.shape != (k, k) or prior < 0:
        raise ValueError(f"need a square table of wins and a prior of at least 0, got {tuple(wins.shape)} and {prior}")
    table = wins.double() + prior * (1 - torch.eye(k, dtype=torch.float64))
    _check_wins(table, names or [f"system {i}" for i in range(k)])
    return _maximise(table)


def rank(
    judgements: Iterable[Judgement], systems: Sequence[str], *, resamples: int = 1000, level: float = 0.95, seed: int = 1,
    prior: float = 0.0, split_ties: bool = False,
) -> Ranking:  # fmt: skip
    """Bradley-Terry strengths of all answers together, with a percentile bootstrap **over raters**, drawn by `seed`.

    A resample takes whole raters with replacement (Efron 1979). With few raters (below about ten) the intervals are too narrow.
    If some resamples have no finite maximum (a system lost every time among those raters), it says so and asks for a `prior`,
    since leaving them out would make the interval too narrow as well. A prior pulls strengths *and intervals* towards 0, the
    more the fewer the answers. Simulated (4 systems from -1 to 1, 120 studies): 20 raters with 10 answers a pair, prior 0.5: by
    nothing that shows, the 95 % interval holds the truth in 93 % (92 % without a prior); 10 raters with 2 answers a pair: by
    7 %, 90 % (91 %); with prior 2: by 22 %, 80 %.

    A pair's p-value is that of Student's t for the difference of the strengths over its standard deviation among the resamples,
    one degree of freedom less than raters. Whether two intervals overlap says less: the strengths depend on each other.
    """
    prior, resamples = real(prior, "prior"), whole(resamples, "resamples", 2)
    raters, wins = win_counts(judgements, systems, split_ties=split_ties)
    if len(raters) < 2:
        raise ValueError(f"an interval over raters needs at least two raters, got {len(raters)}")
    strengths = bradley_terry(wins.sum(0), systems, prior=prior)
    tables = wins[resampled(len(raters), resamples, seed)].sum(1) + prior * (1 - torch.eye(len(systems), dtype=torch.float64))
    failed = int((~_reachable(tables > 0).all(-1).all(-1)).sum())
    if failed:
        raise ValueError(
            f"in {failed} of {resamples} resamples of the raters a system never won or never lost: no finite interval; "
            "collect more judgements, or give prior=0.5 (half a win to either side of every pair)"
        )
    found = _maximise(tables)
    tail = 1 - upper_tail(level)
    p_values = _pairs(strengths, found, len(raters) - 1)
    return Ranking(list(systems), strengths, found.quantile(tail, 0), found.quantile(1 - tail, 0), p_values)


def _pairs(strengths: Tensor, resamples: Tensor, df: int) -> Tensor:
    """Holm-corrected p-values of all pairs, as a symmetric table."""
    i, j = torch.triu_indices(len(strengths), len(strengths), 1)
    errors = (resamples[:, i] - resamples[:, j]).std(0).clamp(min=1e-12)
    gaps = ((strengths[i] - strengths[j]) / errors).tolist()
    table = torch.ones(len(strengths), len(strengths), dtype=torch.float64)
    table[i, j] = table[j, i] = torch.tensor(holm([t_tail(t, df) for t in gaps]), dtype=torch.float64)
    return table
