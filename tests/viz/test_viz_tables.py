"""A small table of results shows itself as HTML and as Markdown."""

import pytest

from imggen_lib.viz.tables import measured, table


def test_a_table_has_its_cells_in_both_forms() -> None:
    shown = table(("model", "nats"), [("a < b", "≈ -1.5"), ("c|d", "2")], "two models")
    html = shown._repr_html_()
    assert '<th scope="row">a &lt; b</th><td>≈ -1.5</td>' in html and 'aria-label="two models"' in html
    assert shown._repr_markdown_() == "| model | nats |\n| --- | --: |\n| a < b | ≈ -1.5 |\n| c\\|d | 2 |"
    for rows in ([], [("a",)]):
        with pytest.raises(ValueError, match="2 headings"):
            table(("model", "nats"), rows, "two models")


def test_numbers_that_differ_between_machines_carry_the_sign() -> None:
    assert measured(1234.567) == "≈ 1,234.6" and measured(0.1234, 3, 0.0567) == "≈ 0.123 ± 0.057"
    assert measured(12, 0, unit="s") == "≈ 12 s"
