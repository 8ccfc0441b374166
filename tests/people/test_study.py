"""The sheet of comparisons is blind, balanced and seeded; the file of answers survives a crash."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import torch

from imggen_lib.people.study import (
    COLUMNS,
    Judgement,
    Plan,
    agreement_table,
    append_judgement,
    caught,
    comparison_plan,
    judge,
    pace,
    read_judgements,
    unblind,
)

_SYSTEMS = ["gan", "vae", "diffusion", "real"]


def _systems(plan: Plan, catch: bool = False) -> list[tuple[str, str]]:
    return [(plan.key[t.left].system, plan.key[t.right].system) for t in plan.trials if (t.item in plan.catch) == catch]


@pytest.mark.parametrize("sheet", [0, 1, 2])
@pytest.mark.parametrize("paired", [False, True])
def test_every_pair_equally_often_and_on_each_side_equally_often(sheet: int, paired: bool) -> None:
    plan = comparison_plan(_SYSTEMS, 10, 6, seed=3, sheet=sheet, paired=paired)
    sides = Counter(_systems(plan))
    assert sides == {pair: 3 for a, b in combinations(_SYSTEMS, 2) for pair in ((a, b), (b, a))}
    shown = Counter(plan.key[name] for t in plan.trials for name in (t.left, t.right))
    if paired:
        assert all(plan.key[t.left].number == plan.key[t.right].number for t in plan.trials)
    else:
        assert set(shown.values()) == {1, 2} and len(shown) == 40  # 18 of 10: all once before any comes back


def test_the_sheet_reveals_nothing() -> None:
    plan = comparison_plan(_SYSTEMS, 50, 40, seed=4, catch=4, catch_pair=("real", "noise"))
    for t in plan.trials:
        for name in (t.sheet, t.item, t.left, t.right):
            assert len(name) == 16 and int(name, 16) >= 0 and not any(s in name for s in _SYSTEMS)
    assert len({t.item for t in plan.trials}) == len(plan.trials) and len({t.sheet for t in plan.trials}) == 1
    first = Counter(plan.key[name].system for name in sorted(plan.key)[: len(plan.key) // 2])
    assert all(15 <= first[s] <= 35 for s in _SYSTEMS)  # the order of ids says nothing about the system
    places = [k for k, t in enumerate(plan.trials) if t.item in plan.catch]
    assert len(places) == 4 and places[0] < 120 and places[-1] - places[0] > 20  # catch trials are spread over the sheet


def test_sheets_share_pairs_but_not_order_or_sides() -> None:
    one, same, two, other = (comparison_plan(_SYSTEMS, 10, 6, seed=s, sheet=k) for s, k in ((3, 0), (3, 0), (3, 1), (4, 0)))
    assert one == same
    assert one.key == two.key and {t.item for t in one.trials} == {t.item for t in two.trials}
    assert [t.item for t in one.trials] != [t.item for t in two.trials]
    left = {t.item: t.left for t in one.trials}
    assert 0 < sum(left[t.item] == t.left for t in two.trials) < len(two.trials)
    assert one.trials[0].sheet != two.trials[0].sheet and not {t.item for t in one.trials} & {t.item for t in other.trials}


def test_bad_plans_are_refused() -> None:
    for args, kwargs, match in (
        ((["a"], 5, 2), {}, "two systems"),
        ((["a", "a"], 5, 2), {}, "different names"),
        ((["a", "b"], 5, 3), {}, "even"),
        ((["a", "b"], 0, 2), {}, "at least 1"),
        ((["a", "b"], 5, 2), {"catch": 1, "catch_pair": ("a", "b")}, "even"),
        ((["a", "b"], 5, 2), {"catch": 2}, "catch_pair"),
    ):
        with pytest.raises(ValueError, match=match):
            comparison_plan(*args, seed=1, **kwargs)


def _study() -> tuple[Plan, list[Judgement]]:
    plan = comparison_plan(["a", "b"], 20, 10, seed=1, catch=2, catch_pair=("a", "noise"))
    rows = []
    for k, rater in enumerate(("r1", "r2")):
        for t in comparison_plan(["a", "b"], 20, 10, seed=1, sheet=k, catch=2, catch_pair=("a", "noise")).trials:
            a_left = plan.key[t.left].system == "a"
            likes_a = rater == "r1" or t.item in plan.catch
            rows.append(judge(t, "left" if a_left == likes_a else "right", rater, 700))
    return plan, rows


def test_unblinding_gives_the_systems_back_and_drops_catch_trials() -> None:
    plan, rows = _study()
    named = unblind(rows, plan)
    assert len(named) == 20 and all({j.left, j.right} == {"a", "b"} for j in named)
    won = Counter((j.rater, j.left if j.choice == "left" else j.right) for j in named)
    assert won == {("r1", "a"): 10, ("r2", "b"): 10}
    assert caught(rows, plan) == {"r1": (2, 2), "r2": (2, 2)}
    wrong = [judge(t, "left" if t.right == plan.catch[t.item] else "right", "r3", 1) for t in plan.trials if t.item in plan.catch]
    assert caught(wrong, plan) == {"r3": (0, 2)}
    with pytest.raises(ValueError, match="not in the plan"):
        unblind(rows, comparison_plan(["a", "b"], 20, 10, seed=2))


def test_agreement_is_about_images_and_not_sides() -> None:
    plan, rows = _study()
    table = agreement_table([j for j in rows if j.item not in plan.catch])
    assert table.shape == (2, 10) and torch.equal(table[0], 1 - table[1])  # r2 always chose the other image
    both = agreement_table([*rows, judge(plan.trials[0], "tie", "r3", 5)])
    assert both.shape == (3, 12) and both[2].nansum() == 0.5 and both[2].isnan().sum() == 11


def _row(item: str, **changes: object) -> Judgement:
    values: dict = dict(zip(COLUMNS, ("s", item, "x", "y", "left", "r-1", 1200, "2026-01-31T12:00:00Z"), strict=True))
    return Judgement(**(values | changes))


def test_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    path, rows = tmp_path / "answers.csv", [_row("i1"), _row("i2", choice="tie"), _row("i3", timestamp="2026-01-31T12:00:00.123Z")]
    for k, row in enumerate(rows):
        before = path.read_bytes() if k else b""
        append_judgement(path, row)
        assert path.read_bytes().startswith(before)  # lines are only ever added
    assert read_judgements(path) == rows
    assert path.read_text().splitlines()[0] == "sheet,item,left,right,choice,rater,milliseconds,timestamp"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))  # as a spreadsheet or a browser may save it
    assert read_judgements(path) == rows


def test_a_file_cut_at_any_byte_keeps_its_whole_lines_and_goes_on(tmp_path: Path) -> None:
    path, rows = tmp_path / "answers.csv", [_row("i1"), _row("i2")]
    for row in rows:
        append_judgement(path, row)
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        complete = [
            r for r, end in zip(rows, (b"i1", b"i2"), strict=True) if end in whole[:cut] and b"Z" in whole[:cut].split(end)[1]
        ]
        assert read_judgements(path) == complete
        if cut == 0 or cut > whole.index(b"\n"):
            append_judgement(path, _row("i3"))
            assert read_judgements(path) == [*complete, _row("i3")]


def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("a,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match="columns must be"):
        read_judgements(path)
    for cells, match in (
        ("s,i,x,y,middle,r,5,2026-01-31T12:00:00Z", "line 2: a choice"),
        ("s,i,x,y,left,r,soon,2026-01-31T12:00:00Z", "line 2"),
        ("s,i,x,y,left,r,5,2026-01-31T12:00:00Z,more Z", "line 2"),
    ):
        path.write_text(",".join(COLUMNS) + f"\n{cells}\n")
        with pytest.raises(ValueError, match=match):
            read_judgements(path)


def test_no_personal_data_and_no_broken_lines_get_in() -> None:
    for changes, match in (
        ({"rater": "jane@example.org"}, "pseudonym"),
        ({"rater": "Jane Doe"}, "pseudonym"),
        ({"choice": "both"}, "choice"),
        ({"milliseconds": -1}, "milliseconds"),
        ({"timestamp": "2026-01-31 12:00"}, "time like"),
        ({"left": "a,b"}, "comma"),
        ({"sheet": ""}, "not empty"),
    ):
        with pytest.raises(ValueError, match=match):
            _row("i", **changes)


def test_ids_of_another_study_are_not_this_one_s() -> None:
    mine = comparison_plan(["a", "b"], 10, 4, seed=1)
    for other in (comparison_plan(["a", "c"], 10, 4, seed=1), comparison_plan(["a", "b"], 12, 4, seed=1)):
        assert not mine.key.keys() & other.key.keys()
        assert not {t.item for t in mine.trials} & {t.item for t in other.trials}


def test_of_two_answers_to_one_item_the_later_counts_everywhere() -> None:
    plan = comparison_plan(["a", "b"], 10, 4, seed=1)
    first, *rest = plan.trials
    answers = [
        judge(first, "left", "anna", 900),
        *(judge(t, "left", "anna", 900) for t in rest),
        judge(first, "right", "anna", 900),
    ]
    kept = unblind(answers, plan)
    assert len(kept) == len(plan.trials)
    shown = (plan.key[first.left].system, plan.key[first.right].system)
    assert [j.choice for j in kept if j.item == first.item] == ["right"] and shown[0] != shown[1]


@pytest.mark.parametrize(
    "time", ["28.11.2026 09:30", "2026-01-31 12:00:00", "2026-01-31T12:00:00Zz", "2026-13-41T12:00:00Z", "46054.5"]
)
def test_a_whole_line_with_a_bad_time_is_never_passed_over(tmp_path: Path, time: str) -> None:
    path = tmp_path / "answers.csv"
    append_judgement(path, _row("i1"))
    with path.open("a") as file:
        file.write(f"s,i2,x,y,left,r-1,1200,{time}\n")
    with pytest.raises(ValueError, match=r"line 3: need a time like .* spreadsheet"):
        read_judgements(path)


@pytest.mark.parametrize("time", ["", "2026-01-31", "2026-01-31T12:00:00"])
def test_a_program_that_cut_every_time_is_noticed(tmp_path: Path, time: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("\n".join([",".join(COLUMNS), *(f"s,i{k},x,y,left,r-1,1200,{time}" for k in range(6))]) + "\n")
    with pytest.raises(ValueError, match="lines 2 and 3: both end too early"):
        read_judgements(path)


def test_files_may_be_joined_and_end_in_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    append_judgement(path, _row("i1"))
    path.write_text(path.read_text() + path.read_text().replace("i1", "i2") + "\n,,,,,,,\n")
    assert [row.item for row in read_judgements(path)] == ["i1", "i2"]


def test_catch_trials_count_once_however_often_the_file_is_read() -> None:
    plan, rows = _study()
    assert caught(rows * 3, plan) == caught(rows, plan) == {"r1": (2, 2), "r2": (2, 2)}
    first = next(t for t in plan.trials if t.item in plan.catch)
    slip = judge(first, "left" if first.right == plan.catch[first.item] else "right", "r1", 700)
    assert caught([*rows, slip], plan)["r1"] == (1, 2) and caught([slip, *rows], plan)["r1"] == (2, 2)


def test_one_pseudonym_on_two_sheets_is_refused_everywhere() -> None:
    plan, rows = _study()
    merged = [Judgement(**(vars(j) | {"rater": "r1"})) for j in rows]
    for read in (unblind, caught, lambda rows, _: agreement_table(rows), lambda rows, _: pace(rows)):
        with pytest.raises(ValueError, match=r"rater r1 answered the sheets .* two people under one pseudonym"):
            read(merged, plan)


def test_the_pace_of_each_rater() -> None:
    rows = [_row(f"i{k}", milliseconds=ms) for k, ms in enumerate((300, 499, 500, 2000))]
    rows += [_row("i0", milliseconds=900, rater="r-2"), _row("i0", milliseconds=700, rater="r-2")]  # the later one counts
    assert pace(rows) == {"r-1": (499.5, 0.5), "r-2": (700, 0)}
    assert pace(rows, least=1)["r-1"].hasty == 0
