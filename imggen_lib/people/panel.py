"""A panel for raters in a notebook with a kernel (Jupyter, Colab). For raters without one see `sheet`.

Every answer goes into a CSV file at once. The panel goes through the sheet in its order and asks what the file has no answer to,
so a kernel may be restarted at any time: open the panel again on the same file. The rater is a random pseudonym, the one that the
file has for this sheet if there is one.
"""

import io
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
from torch import Tensor

from imggen_lib.people.opinions import OpinionTrial, append_opinion, check_points, read_opinions, score
from imggen_lib.people.sheet import bitmap, worded
from imggen_lib.people.study import Trial, append_judgement, judge, read_judgements

LEAST_MS = 300  # answers that come sooner are the second half of a double click, and are not taken


def _png(image: Tensor, width: int) -> bytes:
    out = io.BytesIO()
    bitmap(image, max(1, width // image.shape[-1])).save(out, "PNG")
    return out.getvalue()


class _Progress:
    """Which trials of a sheet are still open. The file alone says so, so that it does not matter how many panels are open."""

    def __init__(self, trials: Sequence[Any], path: Path, rater: str | None, read: Callable[[Path], list[Any]]) -> None:
        if not trials or len({trial.sheet for trial in trials}) != 1:
            raise ValueError("a panel shows the trials of one sheet, at least one")
        self.trials, self.path, self.read = list(trials), path, read
        known = [row.rater for row in self.rows()]
        self.rater = rater or (known[-1] if known else f"r{secrets.token_hex(6)}")

    def rows(self) -> list[Any]:
        """All answers to this sheet in the file."""
        found = self.read(self.path) if self.path.exists() else []
        return [row for row in found if row.sheet == self.trials[0].sheet]

    def open(self) -> list[Any]:
        """The trials that this rater has not answered yet, in the sheet's order."""
        done = {row.item for row in self.rows() if row.rater == self.rater}
        return [trial for trial in self.trials if trial.item not in done]


class Panel(ipywidgets.VBox):
    """Question, images, buttons, a field for keys; `rater` is the pseudonym, `take` answers the trial that is shown."""

    def __init__(
        self, progress: _Progress, choices: Mapping[str, str], pictures: Callable[[Any], list[bytes]],
        record: Callable[[Any, str, str, int], None], words: Mapping[str, str], question: str, button_width: str,
    ) -> None:  # fmt: skip
        self.rater, self._progress, self._pictures, self._record, self._words = progress.rater, progress, pictures, record, words
        self._trial: Any = None
        self._again, self._since = False, 0.0
        count = len(pictures(progress.trials[0]))
        self._images = [ipywidgets.Image(format="png") for _ in range(count)]
        labels = [f"{key}: {words[name]}" if name in words else key for key, name in choices.items()]
        self._buttons = [ipywidgets.Button(description=label, layout={"width": button_width}) for label in labels]
        for button, name in zip(self._buttons, choices.values(), strict=True):
            button.on_click(lambda _, name=name: self.take(name))
        self._keys = ipywidgets.Text(placeholder=" ".join(choices), continuous_update=True, layout={"width": "8em"})
        self._keys.observe(lambda change: self._typed(change["new"], choices), "value")
        self._back = ipywidgets.Button(description=words["back"], layout={"width": "6em"})
        self._back.on_click(lambda _: self.back())
        self._state = ipywidgets.HTML()
        title = ipywidgets.HTML(f"<h3>{escape(question)}</h3>")
        hint = ipywidgets.HTML(escape(words["panel_keys"]))
        images, buttons, keys = map(ipywidgets.HBox, (self._images, self._buttons, [hint, self._keys, self._back]))
        super().__init__([title, images, buttons, keys, self._state])
        self._next()

    def _typed(self, text: str, choices: Mapping[str, str]) -> None:
        """One key at a time; whatever else is in the field is thrown away."""
        if text:
            self._keys.value = ""
            if text in choices:
                self.take(choices[text])

    def take(self, choice: str) -> None:
        """Record `choice` for the trial that is shown and show the next; too soon after the last one, nothing."""
        took = round(1000 * (time.monotonic() - self._since))
        if self._trial is None or took < LEAST_MS:
            return
        if self._again or self._trial in self._progress.open():  # another panel on the same file may have been faster
            self._record(self._trial, choice, self.rater, took)
        self._next()

    def back(self) -> None:
        """Show the trial before the one that is shown, after a slip; the new answer is a further line in the file, and counts."""
        trials = self._progress.trials
        place = trials.index(self._trial) if self._trial is not None else len(trials)
        if place > 0:
            self._show(trials[place - 1], again=True)

    def _next(self) -> None:
        still = self._progress.open()
        self._show(still[0] if still else None)

    def _show(self, trial: Any, again: bool = False) -> None:
        """Show a trial, or the end; `again`: it has an answer already, and gets another."""
        total = len(self._progress.trials)
        done = self._progress.trials.index(trial) if trial is not None else total
        self._trial, self._again, self._back.disabled = trial, again, done == 0
        for control in (*self._buttons, self._keys):
            control.disabled = self._trial is None
        if self._trial is None:
            for image in self._images:
                image.layout.display = "none"
            text = escape(self._words["panel_end"])
        else:
            for image, content in zip(self._images, self._pictures(self._trial), strict=True):
                image.value, image.layout.display = content, None
            text = escape(self._words["count"])
        numbers = {"{n}": str(min(done + 1, total)), "{of}": str(total)}
        for name, value in numbers.items():
            text = text.replace(name, value)
        self._state.value = text
        self._since = time.monotonic()


def comparison_panel(
    trials: Sequence[Trial], shown: Mapping[str, Tensor], path: Path | str, *, rater: str | None = None, tie: bool = False,
    texts: Mapping[str, str] | None = None, width: int = 224,
) -> Panel:  # fmt: skip
    """Two images and a button for each, in the plan's order; `shown` has the image ``(c, h, w)`` in [-1, 1] of each id.

    Answers are :class:`~imggen_lib.people.study.Judgement` lines in the file `path`. Keyboard: tab and space reach the buttons; in
    the field below them the keys 1 and 2 (and 0, with `tie`) answer.
    """
    words, path = worded(texts), Path(path)
    choices = {"1": "left", "2": "right"} | ({"0": "tie"} if tie else {})
    return Panel(
        _Progress(trials, path, rater, read_judgements),
        choices,
        lambda trial: [_png(shown[trial.left], width), _png(shown[trial.right], width)],
        lambda trial, choice, who, took: append_judgement(path, judge(trial, choice, who, took)),
        words,
        words["question"],
        f"{width}px",
    )


def opinion_panel(
    trials: Sequence[OpinionTrial], shown: Mapping[str, Tensor], path: Path | str, *, rater: str | None = None, points: int = 5,
    texts: Mapping[str, str] | None = None, width: int = 224,
) -> Panel:  # fmt: skip
    """One image and a scale from 1 to `points`; answers are :class:`~imggen_lib.people.opinions.Opinion` lines in the file."""
    check_points(points)
    words, path = worded(texts), Path(path)
    ends = {"1": words["scale_low"], str(points): words["scale_high"]}
    return Panel(
        _Progress(trials, path, rater, read_opinions),
        {str(k): str(k) for k in range(1, points + 1)},
        lambda trial: [_png(shown[trial.item], width)],
        lambda trial, choice, who, took: append_opinion(path, score(trial, int(choice), who, took)),
        words | ends,
        words["opinion_question"],
        "7em",
    )
