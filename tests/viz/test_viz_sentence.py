"""The pictures of the chapter on sentences say what they are given, and refuse what does not fit."""

import pytest
import torch

from imggen_lib.applications.sentence.painter import Moment
from imggen_lib.viz import sentence


def test_each_word_has_a_box() -> None:
    texts = {t.get_text() for ax in sentence.word_ranges().axes for t in ax.texts}
    assert {"small", "medium", "large", "upright", "top", "middle", "bold"} <= texts


def test_each_picture_has_its_sentence() -> None:
    figure = sentence.with_sentences(torch.zeros(3, 1, 28, 28), ["a Q", "a bold 7", ""], columns=2)
    assert [ax.get_xlabel() for ax in figure.axes][:3] == ["a Q", "a bold 7", ""]
    assert not figure.axes[3].get_visible()
    with pytest.raises(ValueError, match="needs a sentence"):
        sentence.with_sentences(torch.zeros(3, 1, 28, 28), ["a Q"])


def test_attention_has_a_row_a_word() -> None:
    share = torch.softmax(torch.arange(3.0), 0).expand(2, 4, 3)
    moments = [Moment(t, torch.zeros(2), torch.zeros(2), share) for t in (0.0, 0.5, 1.0)]
    figure = sentence.attention_by_step(moments, ["a", "bold", "Q"])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a", "bold", "Q"]
    with pytest.raises(ValueError, match="3 words"):
        sentence.attention_by_step(moments, ["a"])


def test_curves_and_tables_of_obedience() -> None:
    cells = {w: [0.5, 0.4, 0.6, 100] for w in ("1.0", "2.0")}
    figure = sentence.obedience_curves({"seen": cells, "unseen": cells}, "guidance")
    assert figure.axes[0].get_xlabel() == "guidance"
    with pytest.raises(ValueError, match="no curve"):
        sentence.obedience_curves({}, "guidance")
    made = sentence.obedience_table({"real": {"class": [0.99, 0.98, 1.0, 50], "all": [0.9, 0.8, 0.95, 50]}}, "real")
    assert "0.900 [0.800, 0.950]" in made.markdown and "0.990" in made.markdown
    assert [cell.strip() for cell in made.markdown.splitlines()[0].split("|")][1:4] == ["obeyed", "all at once", "n"]


def test_points_have_their_sentences() -> None:
    figure = sentence.points_by_sentence({"left": torch.zeros(5, 2), "right": torch.ones(5, 2)})
    assert [ax.get_title() for ax in figure.axes] == ["left", "right"]
