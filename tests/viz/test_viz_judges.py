"""Every judge has its own order, and real images have a number but no place."""

import re

from imggen_lib.viz.judges import agreement_table, judges_table


def test_each_judge_gives_its_own_places() -> None:
    def runs(value: float) -> list[dict[str, float]]:
        return [{"frechet_distance": value - 1}, {"frechet_distance": value + 1}]

    one = {"real": runs(1), "copies": runs(2), "gan": runs(10), "<vae>": runs(30)}
    other = {**one, "gan": runs(50)}
    found = judges_table({"sets": {"a": one, "b": other}})
    rows = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", found.html)]
    texts = [[part.strip() for part in row.split("|") if part.strip()] for row in rows]
    assert texts == [
        ["gan", "1", "10.0", "± 1.4", "2", "50.0", "± 1.4"],
        ["&lt;vae&gt;", "2", "30.0", "± 1.4", "1", "30.0", "± 1.4"],
        ["real", "1.0", "± 1.4", "1.0", "± 1.4"],
        ["copies", "2.0", "± 1.4", "2.0", "± 1.4"],
    ]
    assert repr(found) == "<2 models under 2 judges>"


def test_agreement_has_its_interval() -> None:
    found = agreement_table({"agreement": {"a, b: frechet_distance": {"tau": 0.25, "interval": [-0.5, 0.75], "draws": []}}})
    assert '<th scope="row">a, b: frechet distance</th><td>0.25</td><td>-0.50 to 0.75</td>' in found.html
