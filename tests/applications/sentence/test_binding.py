"""Who gets which colour: outcomes by hand, two readers beside real pictures, and the models that ship beside their record."""

import numpy as np
import pytest
import torch

from imggen_lib.applications.sentence import store
from imggen_lib.applications.sentence.binding import (
    UNHEARD,
    PlainReader,
    binding,
    by_form,
    colour_of,
    outcomes,
    read_by,
    retrieved,
    sentences,
    unheard,
)
from imggen_lib.data import two_glyphs
from imggen_lib.data.two_glyphs import COLOURS, HELD_OUT, RELATIVES
from imggen_lib.measured import measured

ASKED = two_glyphs.parse("a red K left of a blue 7")
SHOWN = {
    "a red K left of a blue 7": "as asked",
    "a blue 7 left of a red K": "places swapped",
    "a blue K left of a red 7": "colours swapped",
    "a red 7 left of a blue K": "glyphs swapped",
    "a red K left of a blue X": "something else",
    "a red K left of a green 7": "something else",
    "a blue X left of a red 7": "something else",
}


def _asked_and_shown() -> tuple[np.ndarray, np.ndarray]:
    return np.tile(ASKED, (len(SHOWN), 1)), np.stack([two_glyphs.parse(t) for t in SHOWN])


def test_outcomes_by_hand() -> None:
    asked, shown = _asked_and_shown()
    assert outcomes(asked, shown) == list(SHOWN.values())
    twice = np.array([[*ASKED[:2], *ASKED[:2]]])
    assert outcomes(ASKED[None], twice) == ["something else"]
    with pytest.raises(ValueError, match="four numbers asked and four shown"):
        outcomes(asked, shown[:3])


def test_binding_counts_what_it_says() -> None:
    asked, shown = _asked_and_shown()
    found = binding(asked, shown)
    assert [found[name].value for name in RELATIVES] == [1 / 7] * 4 and found["something else"].value == 3 / 7
    assert found["both glyphs"].value == 5 / 7 and found["both colours"].value == 6 / 7
    bound = found["bound, of those with all four"]
    assert (bound.value, bound.n) == (0.5, 4) and bound.low < 0.5 < bound.high
    assert "bound, of those with all four" not in binding(asked[4:], shown[4:])
    double = np.array([[*ASKED[:2], ASKED[0], ASKED[3]]])  # the same glyph twice: not both glyphs
    assert binding(ASKED[None], double)["both glyphs"].value == 0 and binding(ASKED[None], double)["both colours"].value == 1


def test_a_colour_is_the_hue_of_its_ink() -> None:
    """Bright or dim, thick or thin, on a dark grey ground: the amount of light does not count."""
    for k, rgb in enumerate(COLOURS.values()):
        for light, ground in ((1.0, 0.0), (0.3, 0.0), (0.6, 0.1)):
            half = torch.full((1, 3, 28, 14), ground)
            half[:, :, 3:6, 4:6] += light * torch.tensor(rgb)[None, :, None, None]
            assert colour_of(2 * half - 1).tolist() == [k]


def test_the_plain_reader_reads_real_pictures() -> None:
    """The bar: 95 %; of pictures of other sentences next to none are as asked."""
    meanings = two_glyphs.draw_meanings(200, 31, "any")
    images = two_glyphs.draw_images(meanings, 32)
    reader = PlainReader(1500)
    shown = reader.read(images).numpy()
    assert binding(meanings, shown)["as asked"].value >= 0.95
    assert binding(meanings, np.roll(shown, 1, 0))["as asked"].value < 0.05
    found = read_by(meanings, images, {"one": reader, "two": reader})
    assert found["agree"][0] == 1 and found["one"] == found["two"] and found["one"]["as asked"][3] == 200


def test_a_look_up_finds_what_was_there_and_nothing_else() -> None:
    reader = PlainReader(1500)
    for kind, least, most in (("seen", 0.95, 1.0), *((name, 0.0, 0.05) for name in HELD_OUT)):
        meanings = two_glyphs.draw_meanings(60, 5, kind)
        found = binding(meanings, reader.read(retrieved(meanings, 20_000, 6)).numpy())
        assert least <= found["as asked"].value <= most


def test_forms_are_told_apart() -> None:
    meanings = two_glyphs.draw_meanings(40, 8)
    texts = sentences(meanings, 9)
    found = by_form(meanings, meanings, texts)
    assert set(found) == {"left of", "right of", "both named"} and sum(v[3] for v in found.values()) == 40
    assert found["right of"][3] == sum(" right of " in t for t in texts) and found["both named"][0] == 1
    assert all((two_glyphs.parse(t) == m).all() for t, m in zip(texts, meanings, strict=True))


def test_forms_that_training_had_not_say_the_same_and_are_no_form_of_it() -> None:
    asked = two_glyphs.parse("a red A left of a blue 7")
    for form in UNHEARD:
        assert unheard(asked, form) == form
        with pytest.raises(ValueError, match="does not say"):
            two_glyphs.parse(form)
        assert set(two_glyphs.split(form)) == {"a", "red", "A", "blue", "7"} | ({"and"} if " and " in form else {"left", "of"})
    assert unheard(two_glyphs.relatives(asked[None])[0, 2], "a red A and a blue 7") == "a blue A and a red 7"
    with pytest.raises(ValueError, match="there is no form 'b'"):
        unheard(asked, "b")


@pytest.mark.parametrize("order", [True, False])
def test_what_ships_binds_as_recorded(order: bool) -> None:
    """New sentences and new noise: within four standard errors of the record."""
    n = 150
    meanings = two_glyphs.draw_meanings(n, 4321)
    images = store.pair_painter(order).draw(sentences(meanings, 3), range(5000, 5000 + n), guidance=2.0, steps=8)
    found = binding(meanings, PlainReader().read(images).numpy())
    recorded = measured("binding")["sets"][f"{'with order' if order else 'bag of words'}, seen"]["hue and nearest"]
    for name in ("as asked", "both glyphs", "both colours"):
        p = recorded[name][0]
        assert abs(found[name].value - p) < 4 * (p * (1 - p) / n) ** 0.5 + 0.02, name


def test_the_twin_that_ships_is_deaf_to_order() -> None:
    texts = [two_glyphs.write(m) for m in two_glyphs.relatives(ASKED[None])[0]]
    for order in (True, False):
        drawn = store.pair_painter(order).draw(texts, [3] * 4, steps=4)
        assert ((drawn - drawn[0]).abs().amax((1, 2, 3))[1:] > 0.1).all() if order else (drawn - drawn[0]).abs().max() < 1e-3
    with pytest.raises(ValueError, match="uses: purple"):
        store.pair_painter().draw(["a purple K left of a blue 7"], [0])
