"""Tables of results: the same cells as HTML and as Markdown, and nothing that breaks either."""

import re

import pytest

from imggen_lib.viz.tables import table


def test_a_table_says_the_same_as_html_and_as_markdown() -> None:
    shown = table(["", "R", "D < 3"], [["β = 1", "≈ 19.9", "113"], ["β | 2", "≈ 11.4", "129"]], "rate and distortion")
    html, text = shown._repr_html_(), shown._repr_markdown_()
    assert re.findall(r"<td>(.*?)</td>", html.split("<tbody>")[1]) == ["≈ 19.9", "113", "≈ 11.4", "129"]
    assert 'aria-label="rate and distortion"' in html and "D &lt; 3" in html and 'scope="row">β = 1<' in html
    header, rule, first, second = text.splitlines()
    assert first == "| β = 1 | ≈ 19.9 | 113 |" and "β \\| 2" in second
    assert {line.replace("\\|", "").count("|") for line in (header, rule, first, second)} == {4}
    assert repr(shown) == "<rate and distortion>"


@pytest.mark.parametrize("rows", [[], [["a", "1"]], [["a", "1", "2"], ["b", "1", "2", "3"]]])
def test_a_table_with_holes_is_refused(rows: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="headings"):
        table(["", "R", "D"], rows, "words")
