"""The sheet of single images is blind, balanced and seeded; its file survives a crash; the scores come back with their systems."""

import inspect
from collections import Counter
from pathlib import Path

import pytest

from imggen_lib.people.opinions import (
    OPINION_COLUMNS,
    Opinion,
    append_opinion,
    opinion_plan,
    read_opinions,
    score,
    unblind_opinions,
)

_SYSTEMS = ["gan", "vae", "real"]


def test_every_system_equally_often_and_no_image_twice() -> None:
    plan = opinion_plan(_SYSTEMS, 20, 8, seed=3, sheet=1)
    assert Counter(plan.key[t.item].system for t in plan.trials) == dict.fromkeys(_SYSTEMS, 8)
    assert len({t.item for t in plan.trials}) == 24 == len(set(plan.key.values()))
    assert all(len(t.item) == len(t.sheet) == 16 and int(t.item, 16) >= 0 for t in plan.trials)
    assert all(source.number < 20 for source in plan.key.values())


def test_sheets_share_images_but_not_the_order() -> None:
    one, same, two, other = (opinion_plan(_SYSTEMS, 20, 8, seed=s, sheet=k) for s, k in ((3, 0), (3, 0), (3, 1), (4, 0)))
    assert one == same and one.key == two.key
    assert [t.item for t in one.trials] != [t.item for t in two.trials]
    assert one.trials[0].sheet != two.trials[0].sheet and not one.key.keys() & other.key.keys()
    renamed = opinion_plan(["gan", "vae", "diffusion"], 20, 8, seed=3)
    assert renamed.trials[0].sheet != one.trials[0].sheet and not one.key.keys() & renamed.key.keys()


def test_bad_plans_are_refused() -> None:
    for args, match in (((["a", "a"], 5, 2), "own name"), (([], 5, 2), "at least one"), ((["a"], 5, 6), "6 of 5")):
        with pytest.raises(ValueError, match=match):
            inspect.unwrap(opinion_plan)(*args, seed=1)


def test_the_file_keeps_what_was_given_and_leaves_torn_lines_out(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    plan = opinion_plan(_SYSTEMS, 20, 2, seed=3)
    rows = [score(trial, k + 1, "r7", 1200 + k) for k, trial in enumerate(plan.trials[:3])]
    for row in rows[:2]:
        append_opinion(path, row)
    with path.open("a") as file:
        file.write(f"{rows[2].sheet},{rows[2].item},3,r7")  # the power went
    assert read_opinions(path) == rows[:2]
    append_opinion(path, rows[2])
    assert read_opinions(path) == rows
    assert path.read_text().splitlines()[0] == ",".join(OPINION_COLUMNS)
    with path.open("a") as file:
        file.write(f"{rows[2].sheet},{rows[2].item},three,r7,5,2026-01-31T12:00:00Z\n")
    with pytest.raises(ValueError, match="line 6"):
        read_opinions(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="columns"):
        read_opinions(path)
    path.write_text("")
    assert read_opinions(path) == []


def test_no_personal_data_gets_in_by_mistake() -> None:
    good = {"sheet": "s", "item": "i", "score": 3, "rater": "r1", "milliseconds": 5, "timestamp": "2026-01-31T12:00:00Z"}
    Opinion(**good)
    for name, value in (
        ("rater", "Ann Example"),
        ("rater", "a@b.c"),
        ("item", "x,y"),
        ("timestamp", "yesterday"),
        ("milliseconds", -1),
    ):
        with pytest.raises(ValueError):
            inspect.unwrap(Opinion)(**good | {name: value})


def test_unblinding() -> None:
    plan = opinion_plan(_SYSTEMS, 20, 2, seed=3)
    rows = [score(trial, 4, "r1", 900) for trial in plan.trials]
    ratings = unblind_opinions(rows, plan)
    assert [(r.system, r.score, r.item) for r in ratings] == [(plan.key[t.item].system, 4, t.item) for t in plan.trials]
    with pytest.raises(ValueError, match="not in the plan"):
        unblind_opinions(rows, opinion_plan(_SYSTEMS, 20, 2, seed=4))


def test_a_score_is_on_the_plans_scale(tmp_path: Path) -> None:
    plan = opinion_plan(_SYSTEMS, 20, 2, seed=3)
    path = tmp_path / "scores.csv"
    append_opinion(path, score(plan.trials[0], 5, "r1", 900))
    for wrong in (55, -3, 0):
        with pytest.raises(ValueError, match="from 1 to 9"):
            inspect.unwrap(score)(plan.trials[0], wrong, "r1", 900)
        path.write_text(path.read_text().splitlines()[0] + f"\ns,i,{wrong},r1,900,2026-01-31T12:00:00Z\n")
        with pytest.raises(ValueError, match=f"line 2: .* not {wrong}"):
            read_opinions(path)
    high = [score(plan.trials[0], 7, "r1", 900)]
    with pytest.raises(ValueError, match="gave 7 on a scale from 1 to 5"):
        unblind_opinions(high, plan)
    seven = opinion_plan(_SYSTEMS, 20, 2, seed=3, points=7)
    assert seven.points == 7 and unblind_opinions(high, seven)[0].score == 7
    for points in (1, 10):
        with pytest.raises(ValueError, match="between 2 and 9"):
            opinion_plan(_SYSTEMS, 20, 2, seed=3, points=points)


def test_one_pseudonym_on_two_sheets_is_refused() -> None:
    one, two = (opinion_plan(_SYSTEMS, 20, 2, seed=3, sheet=k) for k in range(2))
    rows = [score(one.trials[0], 4, "r1", 900), score(two.trials[0], 4, "r1", 900)]
    with pytest.raises(ValueError, match="two people under one pseudonym"):
        unblind_opinions(rows, one)
