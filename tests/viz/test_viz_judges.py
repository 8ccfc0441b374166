"""Every judge has its own order, and real images have a number but no place; tables are also Markdown."""

from typing import Any

import pytest
import torch

from imggen_lib.measured import measured
from imggen_lib.metrics.intervals import mean_estimate
from imggen_lib.metrics.judges import precision_recall_curve
from imggen_lib.viz import Picture
from imggen_lib.viz.evaluation import own_balls
from imggen_lib.viz.judges import (
    agreement_table,
    curves,
    judges_table,
    places_table,
    random_weights_table,
    shuffled,
    usefulness_table,
)


def _rows(found: Any) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in found.markdown.splitlines()[2:]]


def _runs(value: float) -> list[dict[str, float]]:
    return [{"frechet_distance": value - 1}, {"frechet_distance": value + 1}]


def test_each_judge_gives_its_own_places() -> None:
    one = {"real": _runs(1), "copies": _runs(2), "gan": _runs(10), "<vae>": _runs(30)}
    found = judges_table({"sets": {"a": one, "b": {**one, "gan": _runs(50)}}}, digits=1)
    assert _rows(found) == [
        ["gan", "1: 10.0 ± 1.4", "2: 50.0 ± 1.4"],
        ["<vae>", "2: 30.0 ± 1.4", "1: 30.0 ± 1.4"],
        ["real", "1.0 ± 1.4", "1.0 ± 1.4"],
        ["copies", "2.0 ± 1.4", "2.0 ± 1.4"],
    ]
    small = {name: [{"frechet_distance": run["frechet_distance"] / 1000} for run in runs] for name, runs in one.items()}
    assert _rows(judges_table({"sets": {"a": small}}))[0] == ["gan", "1: 0.01000 ± 0.00141"]  # three places of the middle one
    assert "&lt;vae&gt;" in found.html and repr(found) == "<2 models under 2 judges>"


def test_agreement_has_its_interval() -> None:
    found = agreement_table({"agreement": {"a, b: frechet_distance": {"tau": 0.25, "interval": [-0.5, 0.75], "draws": []}}})
    assert _rows(found) == [["a, b: frechet distance", "0.25", "-0.50 to 0.75"]]


def test_several_draws_of_weights_show_their_spread() -> None:
    distances = {"1": {"real": [1.0], "x": [2.0], "y": [3.0]}, "2": {"real": [1.0], "x": [5.0], "y": [4.0]}}
    tau = {"classifier": [0.5, 0.1, 0.3], "random": [1.0]}
    sets = {"classifier": {"real": _runs(1), "y": _runs(2), "x": _runs(3)}}
    record = {"random_weights": {"distances": distances, "tau": tau}, "sets": sets}
    assert _rows(random_weights_table(record)) == [
        ["classifier, one of them", "0.10", "0.30", "0.50"],
        ["one of them, another", "1.00", "1.00", "1.00"],
    ]
    assert _rows(places_table(record)) == [["y", "2", "1"], ["x", "1", "2"]]


def test_usefulness_is_in_percent_best_first_with_an_interval_over_draws() -> None:
    runs = {"real": [0.98, 0.97, 0.99], "model": [0.991, 0.99, 0.992]}
    found = _rows(usefulness_table({"accuracy": {"d": {k: [{"accuracy": a} for a in v] for k, v in runs.items()}}}, "d"))
    e = mean_estimate(torch.tensor([98.0, 97.0, 99.0], dtype=torch.float64))
    assert found[0][:2] == ["model", "99.1"] and found[1] == ["real", "98.0", f"{e.low:.1f} to {e.high:.1f}"]


@pytest.mark.parametrize("data", ["mnist", "fashion-mnist"])
def test_the_records_that_ship_have_what_the_tables_need(data: str) -> None:
    judged, useful = measured("judges"), measured("usefulness")
    assert len(judged["random_weights"]["distances"]) >= 5 and "rotation" in judged["sets"]
    assert len(_rows(places_table(judged))) == 10 and len(_rows(random_weights_table(judged))) == len(judged["sets"])
    kinds = useful["accuracy"][data]
    assert "a Gaussian for each class" in kinds and all(len(runs) == useful["protocol"]["draws"] for runs in kinds.values())
    assert len(_rows(usefulness_table(useful, data))) == len(kinds)


def test_the_charts_show_what_they_are_given() -> None:
    picture = shuffled(torch.randn(99, generator=torch.Generator().manual_seed(0)), 3.0, ("distance", "shuffles"))
    assert isinstance(picture, Picture)
    p, q = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.9, 0.1]).double()
    several = curves({"real": precision_recall_curve(p, p), "model": precision_recall_curve(p, q)})
    (ax,) = several.axes
    dots = [line.get_xydata()[0].tolist() for line in ax.get_lines() if line.get_marker() == "o"]
    assert dots == [pytest.approx([1, 1]), pytest.approx([0.6, 0.6])]  # less the total variation distance 0.4
    training, made = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), torch.tensor([[0.2, 0.0], [8.0, 0.0]])
    (ax,) = own_balls(training, made, torch.tensor([0, 2]), torch.tensor([1.0, 1.0, 2.0])).axes
    filled = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [line.get_xydata().round(6).tolist() for line in filled] == [[[0.2, 0.0]], [[8.0, 0.0]]]
