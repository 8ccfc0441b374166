"""The table of all models: means and spreads are right, the best is bold, what a model has not is a dash, and nothing is hidden."""

import re
from typing import Any

import pytest
import torch

from imggen_lib.viz import Picture
from imggen_lib.viz.results import Column, family, over_seeds, results_map, results_table, samples_table, with_nll
from imggen_lib.viz.sheets import recorded_png


def _record() -> dict[str, Any]:
    png = recorded_png(torch.zeros(10, 1, 28, 28), columns=10)
    return {
        "runs": {
            "GAN, a": [{"frechet_distance": v, "precision": 0.5} for v in (10.0, 12.0, 17.0)],
            "GAN, b": [{"frechet_distance": 40.0, "precision": 0.7}, {"seed": 1, "diverged": "the term 'critic' is nan"}],
            "VAE, <c>": [{"frechet_distance": 90.0, "precision": 0.9, "likelihood": "bernoulli", "log_likelihood": -88.5}],
            "VAE, d": [{"frechet_distance": 95.0, "precision": 0.8, "likelihood": "gaussian", "log_likelihood": 200.0}],
        },
        "real_images": {"frechet_distance": 0.5, "precision": 0.95},
        "samples": dict.fromkeys(("GAN, a", "GAN, b", "VAE, <c>", "VAE, d"), png),
    }


COLUMNS = [Column("F", "frechet_distance", 1), Column("P", "precision", 2, "higher"), Column("NLL", "nll", 1)]


def _cells(html: str, row: int) -> list[str]:
    line = re.findall(r"<tr>.*?</tr>", html)[row]
    return [re.sub(r"<(?!/?strong)[^>]*>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line)]


def test_rows_have_means_spreads_and_dashes() -> None:
    html = results_table(with_nll(_record()), COLUMNS).html
    assert _cells(html, 1) == ["1", "GAN, a", "", "<strong>13.0 ± 3.6</strong>", "0.50 ± 0.00", "\u2013"]
    assert _cells(html, 2) == ["2", "GAN, b", "", "40.0", "0.70", "\u2013"]  # the diverged seed has no number
    assert _cells(html, 3) == ["3", "VAE, &lt;c&gt;", "", "90.0", "<strong>0.90</strong>", "<strong>88.5</strong>"]
    assert _cells(html, 4)[-1] == "\u2013"  # a density does not compare with a probability
    assert _cells(html, 5) == ["", "real images", "", "0.5", "0.95", "\u2013"]
    assert len(re.findall("<circle", html)) == 6 and len(re.findall(r'<th scope="row"', html)) == 5


def test_dots_lie_in_the_strip_in_their_order() -> None:
    html = results_table(with_nll(_record()), COLUMNS).html
    first = re.findall(r"<tr>.*?</tr>", html)[1]
    at = [float(x) for x in re.findall(r'cx="([\d.]+)"', first)]
    assert at == sorted(at) and at[0] > 4 and at[-1] < 86
    assert at[1] - at[0] < at[2] - at[1]  # 12 to 17 is further than 10 to 12 on a logarithmic line
    assert max(map(float, re.findall(r'cx="([\d.]+)"', html))) < 86


def test_neither_way_is_better_leaves_nothing_bold() -> None:
    html = results_table(_record(), [Column("F", "frechet_distance", 1, "neither")]).html
    assert "<strong>" not in html


def test_a_spread_can_be_left_out_and_a_large_one_has_no_decimals() -> None:
    record = {"runs": {"GAN, a": [{"f": 40.26}, {"f": 1711.4}]}, "real_images": {"f": 0.5}}
    shown = results_table(record, [Column("F", "f", 1)], strip="f").html
    assert "876 <small>± 1,182</small>" in shown
    assert "<small>" not in results_table(record, [Column("F", "f", 1, spread=False)], strip="f").html.split("</style>")[1]


def test_samples_and_maps_can_be_drawn() -> None:
    record = with_nll(_record())
    html = samples_table(record).html
    assert html.count("<img") == 4 and html.count('alt="samples of model') == 4
    worst = samples_table({**record, "worst": {"VAE, d": record["samples"]["VAE, d"]}}, key="worst").html
    assert worst.count("<img") == 1 and "VAE, d" in worst and "GAN, b" not in worst
    assert isinstance(results_map(record, "precision", "frechet_distance", ("P", "F"), log="y"), Picture)
    assert isinstance(results_map(record, "nll", "frechet_distance", ("NLL", "F"), log="xy"), Picture)
    assert over_seeds(record["runs"]["GAN, b"], "frechet_distance") == [40.0]
    assert over_seeds(record["runs"]["VAE, d"], "nll") == []


def test_each_family_has_its_look_and_a_name_without_one_is_refused() -> None:
    looks = [family(name) for name in ("GAN, a", "VAE, MLP", "Flow matching, classes")]
    assert len({colour for colour, _ in looks}) == len({shape for _, shape in looks}) == 3
    with pytest.raises(ValueError, match="begins with its family"):
        family("Diffusion")


def test_recorded_samples_are_small_pictures() -> None:
    with pytest.raises(ValueError, match="images of shape"):
        recorded_png(torch.zeros(10, 28, 28))  # type: ignore[arg-type]


def test_what_beats_real_images_is_not_bold() -> None:
    record = _record()
    record["runs"]["GAN, a"] = [{"frechet_distance": 0.4, "precision": 0.99}]
    html = results_table(record, COLUMNS[:2]).html
    assert _cells(html, 1)[3:] == ["0.4", "0.99"]  # nearer than real images and more precise: no merit
    assert _cells(html, 2)[3] == "<strong>40.0</strong>" and _cells(html, 3)[4] == "<strong>0.90</strong>"
