"""The table of the shipped models under several judges: what each network says, and the order that it gives."""

from collections.abc import Mapping
from html import escape
from statistics import mean, stdev
from typing import Any

from imggen_lib.viz.pages import Html
from imggen_lib.viz.results import scrolling

_NO_MODELS = ("real", "copies")


def judges_table(record: Mapping[str, Any], key: str = "frechet_distance", digits: int = 1) -> Html:
    """The mean of a number over draws ± their standard deviation, a column a judge, with each model's place in that judge's order.

    Real images and copies stand at the end, without a place. Lower is better.
    """
    judges = record["sets"]
    means = {j: {name: mean(run[key] for run in runs) for name, runs in sets.items()} for j, sets in judges.items()}
    order = {j: sorted((n for n in found if n not in _NO_MODELS), key=found.__getitem__) for j, found in means.items()}
    first = next(iter(judges))
    lines = []
    for name in (*order[first], *_NO_MODELS):
        cells = []
        for judge, sets in judges.items():
            spread = stdev(run[key] for run in sets[name])
            place = "" if name in _NO_MODELS else f"<strong>{order[judge].index(name) + 1}</strong> "
            cells.append(f"<td>{place}{means[judge][name]:,.{digits}f} <small>± {spread:,.{digits}f}</small></td>")
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    return scrolling(["", *judges], lines, f"{len(order[first])} models under {len(judges)} judges")


def agreement_table(record: Mapping[str, Any]) -> Html:
    """Kendall's tau of every two judges' orders, with its 95 % interval; a row for each pair and number."""
    lines = []
    for name, found in record["agreement"].items():
        low, high = found["interval"]
        head = f'<th scope="row">{escape(name.replace("_", " "))}</th>'
        lines.append(f"<tr>{head}<td>{found['tau']:.2f}</td><td>{low:.2f} to {high:.2f}</td></tr>")
    return scrolling(["", "tau", "95 %"], lines, f"agreement of {len(lines)} pairs of judges")
