"""Two coloured glyphs and their sentences: every meaning is said and read back, and what is held out stays out."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from imggen_lib.data import two_glyphs
from imggen_lib.data.two_glyphs import COLOURS, GLYPHS, HELD_OUT, RELATIVES

FORMS = (0.0, 0.3, 0.6, 0.9)


def test_every_meaning_is_there_once() -> None:
    found = {tuple(m) for m in two_glyphs.every_meaning().tolist()}
    by_loop = {(a, c, b, d) for a, b in permutations(range(12), 2) for c, d in permutations(range(4), 2)}
    assert found == by_loop and len(two_glyphs.every_meaning()) == 1584


def test_what_is_held_out_is_a_red_a_and_each_glyph_left_of_the_next() -> None:
    pool = two_glyphs.every_meaning()
    out = two_glyphs.held_out(pool)
    for row, red, pair in zip(pool, *out.values(), strict=True):
        text = two_glyphs.write(row)
        assert red == ("red A" in text)
        assert pair == (GLYPHS[row[2]] == (GLYPHS + GLYPHS[0])[GLYPHS.index(GLYPHS[row[0]]) + 1] and "red A" not in text)
    assert [int(v.sum()) for v in out.values()] == [66, 138]


def test_draws_are_of_their_kind_and_reach_all_of_it() -> None:
    size = {"seen": 1584 - 66 - 138, "red A": 66, "ordered pair": 138, "any": 1584}
    for kind, many in size.items():
        drawn = two_glyphs.draw_meanings(20_000, 3, kind)
        assert len({tuple(m) for m in drawn.tolist()}) == many
        if kind in HELD_OUT:
            assert two_glyphs.held_out(drawn)[kind].all()
    assert not any(v.any() for v in two_glyphs.held_out(two_glyphs.draw_meanings(2000, 4)).values())
    assert (two_glyphs.draw_meanings(50, 1) == two_glyphs.draw_meanings(50, 1)).all()
    assert (two_glyphs.draw_meanings(50, 1) != two_glyphs.draw_meanings(50, 2)).any()


def test_every_sentence_is_read_back_and_fits() -> None:
    for meaning, choice in product(two_glyphs.every_meaning()[::7], FORMS):
        text = two_glyphs.write(meaning, np.array([choice]))
        assert two_glyphs.parse(text).tolist() == meaning.tolist()
        assert two_glyphs.tokens([text]).shape == (1, two_glyphs.LENGTH)
    meaning = two_glyphs.parse("a red A left of a blue 7")
    said = [two_glyphs.write(meaning, np.array([c])) for c in FORMS]
    assert said[:2] == ["a red A left of a blue 7", "a blue 7 right of a red A"]
    assert said[2:] == ["left a red A and right a blue 7", "right a blue 7 and left a red A"]
    assert two_glyphs.write(meaning) == said[0]


def test_four_meanings_share_their_words_and_no_fifth() -> None:
    """In each form of the sentence."""
    pool = two_glyphs.every_meaning()
    asked = two_glyphs.parse("a red K left of a blue 7")
    four = two_glyphs.relatives(asked[None])[0]
    plain = ["a red K left of a blue 7", "a blue 7 left of a red K", "a blue K left of a red 7", "a red 7 left of a blue K"]
    assert [two_glyphs.write(m) for m in four] == plain and len(RELATIVES) == 4
    for choice in FORMS:
        words = sorted(two_glyphs.split(two_glyphs.write(asked, np.array([choice]))))
        same = [m.tolist() for m in pool if sorted(two_glyphs.split(two_glyphs.write(m, np.array([choice])))) == words]
        assert sorted(same) == sorted(four.tolist())


def test_each_half_shows_its_own_glyph_in_its_own_colour() -> None:
    asked = np.stack([two_glyphs.parse(t) for t in ("a red H left of a blue 7", "a red H left of a yellow X")])
    images = two_glyphs.draw_images(asked, 5)
    again = two_glyphs.draw_images(asked[1:].repeat(2, 0), 5)
    assert images.shape == (2, 3, 28, 28) and images.min() == -1
    assert torch.equal(images[1, :, :, 14:], again[1, :, :, 14:]) and not torch.equal(again[0], again[1])
    alone = two_glyphs.draw_images(np.array([[*asked[0][:2], *asked[1][2:]]]), 5)[0]
    assert torch.equal(images[0, :, :, :14], alone[:, :, :14]) and not torch.equal(images[0, :, :, 14:], alone[:, :, 14:])
    for half, name in ((images[0, :, :, :14], "red"), (images[0, :, :, 14:], "blue"), (images[1, :, :, 14:], "yellow")):
        brightest = (half[:, half.sum(0) == half.sum(0).max()][:, 0] + 1) / 2
        torch.testing.assert_close(brightest, torch.tensor(COLOURS[name]), atol=0.01, rtol=0)
    edge = two_glyphs.draw_images(two_glyphs.draw_meanings(600, 1, "any"), 2)[:, :, :, [0, 13, 14, 27]]
    assert (edge > 0).float().mean() < 0.01


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="there are no meanings 'unseen'; there are any, seen, red A, ordered pair"):
        two_glyphs.draw_meanings(3, 0, "unseen")
    with pytest.raises(ValueError, match="at least 1, got 0"):
        two_glyphs.draw_meanings(0, 0)
    with pytest.raises(ValueError, match="words that no sentence of two glyphs uses: purple"):
        two_glyphs.tokens(["a purple A left of a blue 7"])
    with pytest.raises(ValueError, match="may have 9 words"):
        two_glyphs.tokens(["a red A left of a blue 7 left of"])
    for text in ("a red A", "a red A left a blue 7", "a A red left of a blue 7", ""):
        with pytest.raises(ValueError, match="does not say which glyph stands where"):
            two_glyphs.parse(text)
    assert two_glyphs.split("A Red A") == ["A", "red", "A"] and two_glyphs.split("a red a") == ["a", "red", "a"]
