"""The panel records at once, goes on where the file ends, and takes one answer for one look."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.data import to_uint8
from imggen_lib.people import panel as module
from imggen_lib.people.opinions import opinion_plan, read_opinions
from imggen_lib.people.panel import Panel, comparison_panel, opinion_panel
from imggen_lib.people.sheet import shown_images
from imggen_lib.people.study import Plan, comparison_plan, read_judgements, unblind

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class _Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Clock]:
    fake = _Clock()
    monkeypatch.setattr(module, "time", fake)
    yield fake


@pytest.fixture
def study(make_images: Callable[..., torch.Tensor]) -> tuple[Plan, dict[str, torch.Tensor]]:
    plan = comparison_plan(["gan", "vae"], 6, 4, seed=1)
    return plan, shown_images(plan.key, {name: make_images(6, seed=k) for k, name in enumerate(("gan", "vae"))})


def _parts(panel: Panel) -> tuple[list, list, ipywidgets.Text, ipywidgets.HTML]:
    _, images, buttons, keys, state = panel.children
    return list(images.children), list(buttons.children), keys.children[1], state


def _is(widget: ipywidgets.Image, image: torch.Tensor) -> bool:
    with Image.open(io.BytesIO(bytes(widget.value))) as picture:
        pixels = np.asarray(picture)
    scale = pixels.shape[0] // image.shape[1]
    return scale == 8 and np.array_equal(pixels[::scale, ::scale], to_uint8(image)[0].numpy())


def test_buttons_and_keys_record_what_was_shown(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    path = tmp_path / "a.csv"
    panel = comparison_panel(plan.trials, shown, path, tie=True)
    images, buttons, keys, state = _parts(panel)
    assert not path.exists() and [b.description for b in buttons] == ["1: left image", "2: right image", "0: cannot tell"]
    actions = [
        lambda: buttons[1].click(),
        lambda: setattr(keys, "value", "1"),
        lambda: buttons[2].click(),
        lambda: setattr(keys, "value", "2"),
    ]
    for k, (trial, act) in enumerate(zip(plan.trials, actions, strict=True)):
        assert _is(images[0], shown[trial.left]) and _is(images[1], shown[trial.right])
        assert state.value == f"{k + 1} of 4"
        clock.now += 1.25
        act()
        assert len(read_judgements(path)) == k + 1 and keys.value == ""
    rows = read_judgements(path)
    assert [r.choice for r in rows] == ["right", "left", "tie", "right"]
    assert [(r.item, r.left, r.right) for r in rows] == [(t.item, t.left, t.right) for t in plan.trials]
    assert {r.milliseconds for r in rows} == {1250} and {r.rater for r in rows} == {panel.rater}
    assert "Thank you" in state.value and "4" in state.value and all(b.disabled for b in (*buttons, keys))


def test_it_goes_on_where_the_file_ends_as_the_same_rater(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    path = tmp_path / "a.csv"
    first = comparison_panel(plan.trials, shown, path)
    for _ in range(2):
        clock.now += 1
        first.take("left")
    again = comparison_panel(plan.trials, shown, path)  # the kernel was restarted
    assert again.rater == first.rater and _parts(again)[3].value == "3 of 4"
    assert _is(_parts(again)[0][0], shown[plan.trials[2].left])
    other = comparison_plan(["gan", "vae"], 6, 4, seed=1, sheet=1)
    assert comparison_panel(other.trials, shown, path).rater != first.rater
    mine = comparison_panel(plan.trials, shown, path, rater="second-one")
    assert mine.rater == "second-one" and _parts(mine)[3].value == "1 of 4"


def test_two_panels_on_one_file_never_answer_a_trial_twice(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    path = tmp_path / "a.csv"
    one = comparison_panel(plan.trials, shown, path, rater="r1")
    two = comparison_panel(plan.trials, shown, path, rater="r1")
    for panel in (one, two, one, two, two, one):
        clock.now += 1
        panel.take("left")
    rows = read_judgements(path)
    assert [r.item for r in rows] == [t.item for t in plan.trials][: len(rows)] and len(rows) >= 3


def test_a_double_click_and_other_keys_do_nothing(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    path = tmp_path / "a.csv"
    panel = comparison_panel(plan.trials, shown, path)
    _, buttons, keys, _ = _parts(panel)
    clock.now += 1
    buttons[0].click()
    clock.now += 0.1
    buttons[0].click()
    assert len(read_judgements(path)) == 1
    clock.now += 1
    for text in ("x", "0", "12", " "):
        keys.value = text
        assert keys.value == ""
    assert len(read_judgements(path)) == 1


def test_the_pseudonym_is_random_and_the_file_blind(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    panels = [comparison_panel(plan.trials, shown, tmp_path / f"{k}.csv") for k in range(2)]
    assert panels[0].rater != panels[1].rater and all(re.fullmatch(r"r[0-9a-f]{12}", p.rater) for p in panels)
    clock.now += 1
    panels[0].take("left")
    text = (tmp_path / "0.csv").read_text()
    assert "gan" not in text and "vae" not in text


def test_scores(clock: _Clock, make_images: Callable[..., torch.Tensor], tmp_path: Path) -> None:
    plan = opinion_plan(["gan"], 6, 3, seed=1)
    shown = shown_images(plan.key, {"gan": make_images(6)})
    path = tmp_path / "a.csv"
    panel = opinion_panel(plan.trials, shown, path, texts={"scale_low": "schlecht"})
    _, buttons, keys, state = _parts(panel)
    assert [b.description for b in buttons] == ["1: schlecht", "2", "3", "4", "5: excellent"]
    for act in (lambda: buttons[4].click(), lambda: setattr(keys, "value", "2"), lambda: panel.take("3")):
        clock.now += 0.5
        act()
    assert [(r.item, r.score) for r in read_opinions(path)] == [(t.item, s) for t, s in zip(plan.trials, (5, 2, 3), strict=True)]
    assert "Thank you" in state.value
    with pytest.raises(ValueError, match="between 2 and 9"):
        opinion_panel(plan.trials, shown, path, points=12)


def test_a_panel_needs_the_trials_of_one_sheet(study: tuple, tmp_path: Path) -> None:
    plan, shown = study
    other = comparison_plan(["gan", "vae"], 6, 4, seed=1, sheet=1)
    for trials in ([], [*plan.trials, *other.trials]):
        with pytest.raises(ValueError, match="one sheet"):
            comparison_panel(trials, shown, tmp_path / "a.csv")


def test_a_slip_can_be_taken_back(study: tuple, clock: _Clock, tmp_path: Path) -> None:
    plan, shown = study
    path = tmp_path / "a.csv"
    panel = comparison_panel(plan.trials, shown, path, rater="r1")
    back = panel.children[3].children[2]
    assert back.description == "Back" and back.disabled
    for choice in ("left", "left", "right", "right"):
        clock.now += 1
        panel.take(choice)
    assert "Thank you" in _parts(panel)[3].value and not back.disabled
    back.click()
    assert _is(_parts(panel)[0][0], shown[plan.trials[3].left]) and _parts(panel)[3].value == "4 of 4"
    back.click()
    clock.now += 1
    panel.take("left")
    assert "Thank you" in _parts(panel)[3].value
    rows = read_judgements(path)
    assert len(rows) == 5 and rows[-1].item == plan.trials[2].item  # nothing is taken out of the file; the later line counts
    assert [j.choice for j in unblind(rows, plan) if j.item == plan.trials[2].item] == ["left"]
