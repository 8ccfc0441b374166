"""What clicks can tell: real counts, the sample that a difference needs, looking every day, and three ways to choose; a record.

``python scripts/records/bandit.py`` needs nothing but this repository, and takes a minute.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

import imggen_lib
from imggen_lib.applications.verdict import paired_difference
from imggen_lib.data.clicks import shop_clicks
from imggen_lib.metrics.experiments import POLICIES, homogeneity, impressions_needed, looked_at, race, worlds
from imggen_lib.metrics.intervals import mean_estimate, wilson_interval

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "bandit.json"
CAMPAIGNS = ("random_men", "random_women", "bts_men", "bts_women")
RATE, LIFTS, SPREADS = 0.0046, (0.1, 0.2, 0.5), (0.1, 0.25, 0.5)
DAILY, DAYS, TRIALS = 4000, 28, 10_000
ARMS, IMPRESSIONS, WORLDS = 4, 100_000, 400


def share(hits: int, n: int) -> tuple[float, float, float, int]:
    """A share with Wilson's interval."""
    low, high = wilson_interval(hits, n)
    return round(hits / n, 5), round(low, 5), round(high, 5), n


def counts() -> dict[str, Any]:
    """Of each campaign's 10,000 real impressions: the rate, the best item, and whether the items differ at all."""
    found = {}
    for name in CAMPAIGNS:
        clicks, shown = shop_clicks(name)
        best = int((clicks / shown.clamp(min=1)).argmax())
        test = homogeneity(clicks[shown > 0], shown[shown > 0])
        found[name] = {
            "items": len(clicks), "rate": share(int(clicks.sum()), int(shown.sum())),
            "best": share(int(clicks[best]), int(shown[best])),
            "homogeneity": {"statistic": round(test.statistic, 3), "freedom": test.freedom, "p": round(test.p_value, 4)},
        }  # fmt: skip
    return found


def looks() -> dict[str, Any]:
    """Shares of experiments in which a difference is called up to each evening, without a lift and with some."""
    found = {}
    for lift in (0.0, 0.2, 0.5):
        made = looked_at(RATE, lift, DAILY, DAYS, TRIALS)
        until = {"z": made.by_z.cummax(1).values, "evidence": made.by_evidence.cummax(1).values}
        row: dict[str, Any] = {f"{name} by day": [round(v, 4) for v in x.double().mean(0).tolist()] for name, x in until.items()}
        row["z at the end"] = share(int(made.by_z[:, -1].sum()), TRIALS)
        row["z at any look"] = share(int(until["z"][:, -1].sum()), TRIALS)
        row["evidence at any look"] = share(int(until["evidence"][:, -1].sum()), TRIALS)
        found[str(lift)] = row
        print(lift, {k: v for k, v in row.items() if "by day" not in k}, flush=True)
    return found


def races() -> dict[str, Any]:
    """What each policy loses, over worlds, and by how much less Thompson sampling loses."""
    found: dict[str, Any] = {}
    for spread in SPREADS:
        rates = worlds(RATE, spread, ARMS, WORLDS, seed=int(100 * spread))
        made = {policy: race(rates, IMPRESSIONS, policy) for policy in POLICIES}
        rows = {}
        for policy, one in made.items():
            mean = mean_estimate(torch.from_numpy(one.lost))
            lost = [round(float(v), 2) for v in (mean.value, mean.low, mean.high)]
            rows[policy] = {"lost": [*lost, WORLDS], "right": share(int(one.right.sum()), WORLDS)}
        less = {
            other: [round(float(v), 2) for v in paired_difference(made["Thompson"].lost.tolist(), made[other].lost.tolist())]
            for other in ("uniform", "A/B")
        }
        best = float(rates.max(1).mean()) * IMPRESSIONS
        found[str(spread)] = {"policies": rows, "Thompson less": less, "clicks of the best arm": round(best, 1)}
        print(spread, rows, less, flush=True)
    return found


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    content = {
        "command": "python scripts/records/bandit.py",
        "protocol": {"rate": RATE, "impressions a day and arm": DAILY, "days": DAYS, "experiments": TRIALS, "arms": ARMS,
                     "impressions of a race": IMPRESSIONS, "worlds": WORLDS},
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
        "counts": counts(),
        "needed": {str(lift): impressions_needed(RATE, lift) for lift in LIFTS},
        "looks": looks(),
        "races": races(),
    }  # fmt: skip
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
