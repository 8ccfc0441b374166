"""Tables and curves of the chapter on speed."""

import pytest

from imggen_lib.viz import speed


def test_table_writes_numbers_as_people_read_them() -> None:
    row = {"work": "a < b", "rate": 12345, "our_fraction_of_peak": 0.123, "ratio": 3.456, "ratios": [3.1, 12.0], "seconds": 81.04}
    columns = {"": "work", "r": "rate", "f": "our_fraction_of_peak", "q": "ratio", "from": "ratios", "s": "seconds", "none": "gone"}
    html = speed.table([row], columns)._repr_html_()
    for cell in ("a &lt; b</th>", "<td>12,345</td>", "<td>12%</td>", "<td>3.46</td>", "<td>3.10 to 12.0</td>", "<td>81.0</td>"):
        assert cell in html
    assert html.count("<td></td>") == 2  # the missing key, and the head of the first column


def test_table_puts_what_is_below_its_aim_in_brackets() -> None:
    rows = [{"work": "a", "ratio": 2.9, "other": 1.0}, {"work": "b", "ratio": 3.0}]
    html = speed.table(rows, {"": "work", "r": "ratio", "o": "other"}, aims={"ratio": 3.0})._repr_html_()
    assert "<td>(2.90)</td><td>1.00</td>" in html and "<td>3.00</td><td></td>" in html


def test_growth_has_a_panel_a_setting_with_all_points() -> None:
    lines = {"VAE, fully connected": [[16, 100], [32, 200]], "GAN, convolutional": [[16, 10], [32, 11]]}
    figure = speed.growth({"batch": lines, "width": {"GAN, convolutional": [[8, 5], [16, 4], [32, 1]]}})
    assert [len(ax.lines) for ax in figure.axes] == [2, 1]
    assert list(figure.axes[1].lines[0].get_ydata()) == [5, 4, 1]
    assert {ax.lines[0].get_marker() for ax in figure.axes} == {"s", "o"}
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"


def test_orders_has_a_line_an_order_and_seed() -> None:
    rows = [
        {"order": order, "seed": seed, "looks": [[20, 1.5, 90.0 + seed], [40, 3.0, 50.0]]}
        for seed in (0, 7)
        for order in ("in turns", "at once")
    ]
    (ax,) = speed.orders(rows).axes
    assert [line.get_marker() for line in ax.lines] == ["o", "s", "o", "s"]
    assert [line.get_alpha() for line in ax.lines] == [1.0, 1.0, 0.5, 0.5]
    assert list(ax.lines[2].get_xdata()) == [1.5, 3.0] and list(ax.lines[2].get_ydata()) == [97.0, 50.0]
    assert ax.get_yscale() == "log" and 60 in ax.get_yticks()


def test_memory_starts_at_zero() -> None:
    figure = speed.memory([[1000, 500.0], [2000, 510.0]])
    assert figure.axes[0].get_ylim()[0] == 0 and figure.axes[0].get_ylim()[1] > 510
    (ax,) = speed.memory([[1000, 500.0, 700.0], [2000, 510.0, 710.0]]).axes
    assert ax.get_ylim()[1] > 710 and [list(line.get_ydata()) for line in ax.lines] == [[500, 510], [700, 710]]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


def test_efficiency_is_the_formula() -> None:
    figure = speed.efficiency(1e6, 0.01, {"slow": 1e8, "fast": 1e10}, most=8)
    slow, fast = figure.axes[0].lines
    assert list(slow.get_xdata()) == [1, 2, 4, 8]
    assert list(slow.get_ydata()) == pytest.approx([1 / (1 + 2 * (n - 1)) for n in (1, 2, 4, 8)])
    assert all(a >= b for a, b in zip(fast.get_ydata(), slow.get_ydata(), strict=True))
    with pytest.raises(ValueError, match="positive"):
        speed.efficiency(1e6, 0.0, {"slow": 1e8})


def test_attempts_has_a_column_a_machine_and_no_ratio_for_a_setting_that_was_not_made() -> None:
    def rows(**pairs: tuple[int, int]) -> list[dict[str, object]]:
        return [{"what": what.replace("_", " "), "before": a, "after": b} for what, (a, b) in pairs.items()]

    here, there = (
        rows(one=(100, 150), two=(100, 50)),
        [{"what": "one (not on this machine)", "before": 1, "after": 9}, *rows(two=(4, 8))],
    )
    record = {
        "measured": {"lost": {"machine": "New(R) Processor, 2 thread(s)", "peak_gflops": 200.4}},
        "lost": {"rows": here},
        "lost_earlier": [{"machine": "Old, 2 thread(s)", "peak_gflops": 400.0, "rows": there}],
    }
    html = speed.attempts(record)._repr_html_()
    assert html.index("New, 200 GFLOP/s") < html.index("Old, 400 GFLOP/s")
    assert ">one</th><td>1.50</td><td></td>" in html
    assert ">two</th><td>0.50</td><td>2.00</td>" in html


def test_gains_are_with_over_without() -> None:
    html = speed.gains([{"what": "one pass", "before": 1000, "after": 1250}])._repr_html_()
    assert ">one pass</th><td>1,000</td><td>1,250</td><td>1.25</td>" in html


def test_each_measurement_has_its_own_line_with_what_was_measured_at_that_time() -> None:
    first, second, third = (
        {"date": date, "machine": "M, 2 thread(s)", "load_before": 0.1, "peak_gflops": peak}
        for date, peak in (("2026-01-01", 400.4), ("2026-01-02", 200.0), ("2026-01-02", 201.6))
    )
    record = {
        "measured": {"throughput": third, "quality": second},
        "throughput": [{"work": "a", "ratio": 2.0}],
        "quality": [{"work": "q", "ratio": 9.0}],
        "earlier": [{**first, "ratios": {"a": 1.0}}, {**second, "ratios": {"a": 3.0}}, {**first, "ratios": {"q": 5.0}}],
    }
    assert speed.measurements(record) == [
        {"machine": "M", "date": "2026-01-02", "peak": 202, "a": 2.0},
        {"machine": "M", "date": "2026-01-02", "peak": 200, "a": 3.0, "q": 9.0},
        {"machine": "M", "date": "2026-01-01", "peak": 400, "a": 1.0, "q": 5.0},
    ]
