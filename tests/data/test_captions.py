"""Sentences about glyphs: what is written is read back, images obey their sentences, and the held-out composition is not there."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from imggen_lib.data import captions, two_glyphs
from imggen_lib.data.glyphs import FONTS

KIND = np.array([next((k for k, names in enumerate(captions.KINDS.values()) if f in names), -1) for f in FONTS])


def read(factors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The truth about images, as a perfect reader would say it."""
    return {**factors, "font": KIND[factors["font"]]}


@pytest.mark.parametrize("said", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("named", [0.0, 1.0])
def test_every_sentence_is_read_back(said: float, named: float) -> None:
    """All forms and synonyms: the meaning comes back, the words are known and few enough; and many sentences say one meaning."""
    meanings = captions.draw_meanings(1500, 3, said=said, named=named, holdout=False)
    choices = np.random.default_rng(0).random((len(meanings), 8))
    texts = [captions.write(m, c) for m, c in zip(meanings, choices, strict=True)]
    np.testing.assert_array_equal(np.stack([captions.parse(t) for t in texts]), meanings)
    ids = captions.tokens(texts)
    assert ids.shape == (1500, captions.LENGTH) and int(ids.max()) < len(captions.VOCABULARY)
    if said == 1:
        assert len({captions.write(meanings[0], c) for c in choices}) > 50


def test_every_token_is_used_once() -> None:
    meanings = captions.draw_meanings(4000, 5, said=0.7, named=0.9, holdout=False)
    choices = np.random.default_rng(1).random((len(meanings), 8))
    ids = captions.tokens([captions.write(m, c) for m, c in zip(meanings, choices, strict=True)])
    assert len(set(captions.VOCABULARY)) == len(captions.VOCABULARY)
    assert ids.unique().tolist() == list(range(len(captions.VOCABULARY)))


def test_images_obey_their_sentences_and_words_have_gaps() -> None:
    """Factors drawn for a meaning are obeyed; factors of other meanings are not, each factor that differs by itself."""
    meanings = captions.draw_meanings(3000, 7, said=0.8, named=0.9, holdout=False)
    _, factors = captions.draw_images(meanings, 8, holdout=False)
    assert captions.obeyed(meanings, read(factors)).all()
    full = captions.draw_meanings(3000, 9, said=1.0, holdout=False)
    _, factors = captions.draw_images(full, 10, holdout=False)
    other = np.roll(full, 1, axis=0)
    np.testing.assert_array_equal(captions.obeyed(other, read(factors)), other == full)
    for words in captions.SPANS.values():
        spans = list(words.values())
        assert all(a[1] < b[0] and a[0] < a[1] for a, b in pairwise(spans))


def test_obedience_ends_in_the_middle_of_the_gap() -> None:
    meaning = np.full((5, 7), -1)
    meaning[:, captions.FACTORS.index("scale")] = captions.WORDS["scale"].index("small")
    zeros = np.zeros(5)
    factors = dict.fromkeys(captions.FACTORS, zeros) | {"scale": np.array([0.84, 0.919, 0.921, 0.761, 0.759])}
    assert captions.obeyed(meaning, factors).all(1).tolist() == [True, True, False, True, False]


def test_the_held_out_composition_is_never_drawn() -> None:
    """Neither said nor left to chance; and without `holdout` it is common enough to be missed."""
    meanings = captions.draw_meanings(20_000, 11, said=0.6, named=0.8)
    _, factors = captions.draw_images(meanings, 12)
    assert not captions.unseen(meanings).any() and not captions.excluded(factors).any()
    assert captions.obeyed(meanings, read(factors)).all()
    free = captions.draw_meanings(20_000, 11, said=0.6, named=0.8, holdout=False)
    _, factors = captions.draw_images(free, 12, holdout=False)
    assert captions.unseen(free).any() and 0.02 < captions.excluded(factors).mean() < 0.1


def test_the_same_seed_draws_the_same() -> None:
    meanings = captions.draw_meanings(50, 1)
    np.testing.assert_array_equal(meanings, captions.draw_meanings(50, 1))
    np.testing.assert_array_equal(captions.draw_images(meanings, 2)[0], captions.draw_images(meanings, 2)[0])
    assert (captions.draw_images(meanings, 3)[0] != captions.draw_images(meanings, 2)[0]).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a small A", ["a", "small", "A"]),
        ("A", ["A"]),
        ("a", ["A"]),
        ("Q, bold; top left.", ["Q", "bold", "top", "left"]),
        ("q in the CENTER", ["Q", "in", "the", "centre"]),
        ("a huge 7", ["a", "big", "7"]),
        ("A bold B.", ["a", "bold", "B"]),
        ("A BOLD A", ["a", "bold", "A"]),
        ("A bold serif", ["A", "bold", "serif"]),
        ("“Q” (bold) \u2013 top\u2026", ["Q", "bold", "top"]),
    ],
)
def test_words_as_people_type_them(text: str, words: list[str]) -> None:
    assert captions.split(text) == words
    assert not captions.unknown(text)


def test_what_cannot_be_said_is_a_plain_error() -> None:
    assert captions.unknown("a purple Q") == ["purple"]
    with pytest.raises(ValueError, match="purple"):
        captions.tokens(["a purple Q"])
    with pytest.raises(ValueError, match="may have 16 words"):
        captions.tokens(["bold " * 17])
    with pytest.raises(ValueError, match="both small and large"):
        captions.parse("a small large Q")
    with pytest.raises(ValueError, match="both Q and 7"):
        captions.parse("Q 7")
    with pytest.raises(ValueError, match="said must be at most 1"):
        captions.draw_meanings(3, 0, said=1.5)
    assert captions.parse("a Q without serifs")[1] == captions.WORDS["font"].index("sans")
    assert captions.parse("a Q with serifs")[1] == captions.WORDS["font"].index("serif")


@pytest.mark.usefixtures("as_readers_call")
@pytest.mark.parametrize("language", [captions, two_glyphs], ids=["captions", "two glyphs"])
def test_a_message_is_short_whatever_was_typed(language: Any) -> None:
    for text, words in (
        ("xyzzy " * 10_000, "xyzzy"),
        (" ".join(map(str, range(100, 10_000))), "100, 101, 102, 103, 104 and 9895 more"),
        ("x" * 10_000, "x"),
        ("a " * 10_000, "has 10000"),
    ):
        with pytest.raises(ValueError, match=words) as told:
            language.tokens([text])
        assert len(str(told.value)) < 800
    for wrong in ([None], [3], [b"A"]):
        with pytest.raises(ValueError, match="a sentence is a text, got a"):
            language.tokens(wrong)
    with pytest.raises(ValueError, match="sentences come as a list"):
        language.tokens("a")


@pytest.mark.usefixtures("as_readers_call")
def test_what_is_no_meaning_is_told() -> None:
    plain = np.full(7, -1)
    for wrong in ([1, 2], [99] * 7, [-2] * 7, [0.5] * 7, plain[None]):
        with pytest.raises(ValueError, match="a meaning is a row of seven whole numbers"):
            captions.write(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="a meaning is a row of seven whole numbers"):
            captions.draw_images(np.array([wrong]), 0)
    for choice in ([0.0] * 3, [1.0] * 8, [float("nan")] * 8):
        with pytest.raises(ValueError, match="a choice is eight numbers"):
            captions.write(plain, choice)  # type: ignore[arg-type]
    for options in ({"n": 1.5}, {"n": 0}, {"said": 2.0}, {"named": float("nan")}):
        with pytest.raises(ValueError, match=f"^{next(iter(options))} must be"):
            captions.draw_meanings(**{"n": 2, "seed": 0, **options})  # type: ignore[arg-type]
