"""The painter, its stored weights, the readers and the judge: each beside another way to the same."""

import numpy as np
import pytest
import torch

from imggen_lib.applications.sentence import judge, store
from imggen_lib.applications.sentence.nearest import NearestReader, centred
from imggen_lib.applications.sentence.obedience import as_json, obedience, relative, share, told
from imggen_lib.applications.verdict import Measured
from imggen_lib.data import captions
from imggen_lib.measured import measured
from imggen_lib.noise import mix
from imggen_lib.train.sentence import scaled


def test_the_shipped_reader_reads_real_images() -> None:
    """The bar of the chapter: at least 95 % of real images with all seven words at once; shuffled, next to none."""
    meanings, images = judge.real(500, 3)
    assert obedience(meanings, images, store.reader())["all"].value >= 0.95
    assert obedience(meanings, images.roll(1, 0), store.reader())["all"].value < 0.05


def test_the_shipped_painter_obeys_as_recorded() -> None:
    """A new draw of sentences: within four standard errors of the record; another sentence's pictures are not obeyed."""
    n = 300
    meanings = judge.full_meanings(n, 12_345)
    texts = judge.sentences(meanings, 1)
    images = store.painter().draw(texts, range(n), guidance=judge.GUIDANCE, steps=judge.STEPS)
    recorded = measured("sentence")["sets"]["drawn, seen"]["reader"]["all"][0]
    found = obedience(meanings, images, store.reader())["all"].value
    assert abs(found - recorded) < 4 * (recorded * (1 - recorded) / n) ** 0.5 + 0.02
    assert obedience(meanings, images.roll(1, 0), store.reader())["all"].value < 0.1


def test_a_picture_depends_on_its_own_seed_and_sentence_alone() -> None:
    painter = store.painter()
    both = painter.draw(["a bold Q", "7 top left"], [3, 5], steps=3)
    torch.testing.assert_close(painter.draw(["7 top left"], [5], steps=3)[0], both[1], atol=1e-4, rtol=0)
    assert (painter.draw(["7 top left"], [6], steps=3)[0] - both[1]).abs().max() > 0.1


def test_moments_end_where_drawing_ends() -> None:
    painter = store.painter()
    moments = painter.moments("a bold Q", 3, steps=4, guidance=1.5, against="serif")
    assert [m.t for m in moments] == [0, 0.25, 0.5, 0.75, 1]
    end = painter.coder.draw(moments[-1].x[None])[0]
    torch.testing.assert_close(end, painter.draw(["a bold Q"], [3], steps=4, guidance=1.5, against="serif")[0], atol=1e-4, rtol=0)
    assert moments[0].attention.shape[-1] == 3


def test_guidance_one_is_the_model_and_nought_is_deaf() -> None:
    painter = store.painter()
    deaf = painter.draw(["a bold Q", "7"], [1, 1], guidance=0.0, steps=3)
    torch.testing.assert_close(deaf[0], deaf[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(
        painter.draw(["7"], [1], guidance=1.0, steps=3, against="bold"), painter.draw(["7"], [1], guidance=1.0, steps=3)
    )


def test_rounding_finds_whole_numbers_and_is_near() -> None:
    weight = torch.randn(20, 50, generator=torch.Generator().manual_seed(0))
    for levels in (4, 16, 127):
        made = store.rounded(weight, levels)
        assert made.whole.abs().max() <= levels
        plain = weight / (weight.abs().amax(1, keepdim=True) / levels)
        naive = plain.round() * weight.abs().amax(1, keepdim=True) / levels
        assert (made.weight() - weight).square().sum() <= (naive - weight).square().sum() * 1.001
    with pytest.raises(ValueError, match="127 levels"):
        store.rounded(weight, 128)


def test_cards_say_what_was_held_out() -> None:
    card = store.card_of("painter")
    assert card["held_out"] == "slanted serif digits" and card["numbers"] <= 800_000 and "DejaVu" in card["licence"]
    with pytest.raises(ValueError, match="there is no"):
        store.tensors_of("nobody")


def test_the_nearest_reader_reads_its_own_bank_and_is_fair_to_shifts() -> None:
    reader = NearestReader(bank=2000, k=1)
    meanings = captions.draw_meanings(2000, mix(77, 0), said=0.6, holdout=False)
    images, factors = captions.draw_images(meanings, mix(77, 1), holdout=False)
    found = reader.read(scaled(images[:50]))
    assert (found["class"].numpy() == factors["class"][:50]).all()
    np.testing.assert_allclose(found["scale"], factors["scale"][:50], atol=1e-6)
    moved, centre = centred(scaled(images[:50]))
    _, rest = centred(moved)
    assert rest.abs().max() < 0.2 and centre.abs().max() > 1
    with pytest.raises(ValueError, match="cannot be the nearest"):
        NearestReader(bank=2, k=3)


def test_retrieval_obeys_what_has_been_asked_and_cannot_compose() -> None:
    seen, unseen = judge.full_meanings(150, 1), judge.full_meanings(150, 1, unseen=True)
    reader = store.reader()
    known = obedience(seen, judge.retrieved(seen, 20_000, 5), reader)
    never = obedience(unseen, judge.retrieved(unseen, 20_000, 5), reader)
    assert known["slant"].value > 0.8 and known["all"].value > never["all"].value
    assert never["all"].value < 0.05


def test_sums_of_sentences_with_one_part_are_guidance() -> None:
    painter = store.painter()
    one = judge.composed(painter, (["a bold Q"],), [4], 2.0, steps=3)
    torch.testing.assert_close(one, painter.draw(["a bold Q"], [4], guidance=2.0, steps=3), atol=1e-4, rtol=0)


def test_shares_and_quotients() -> None:
    assert share(np.array([True, False, True, True]))[0] == 0.75
    with pytest.raises(ValueError, match="nothing"):
        share(np.array([], dtype=bool))
    found = relative(Measured(0.6, 0.5, 0.7, 100), Measured(0.9, 0.8, 1.0, 200))
    assert found == pytest.approx((0.6 / 0.9, 0.5, 0.7 / 0.8, 100))
    assert as_json({"all": found})["all"][3] == 100
    assert told(["a bold Q"]).shape == (1, 7)


@pytest.mark.usefixtures("as_readers_call")
def test_what_cannot_be_painted_is_told_before_it_is_begun() -> None:
    painter, text = store.painter(), ["a bold Q"]
    for texts, seeds, message in (
        ([], [], "got 0 sentences and 0 seeds"),
        (text, [1, 2], "got 1 sentences and 2 seeds"),
        ("Q", [1], "two lists"),
        (None, [1], "two lists"),
        (text, 1, "two lists"),
        (text, ["x"], "a seed must be a whole number"),
    ):
        with pytest.raises(ValueError, match=message):
            painter.draw(texts, seeds)  # type: ignore[arg-type]
    for options, message in (
        ({"guidance": -1.0}, "guidance must be at least 0"),
        ({"guidance": 101.0}, "guidance must be at most 100"),
        ({"guidance": float("nan")}, "guidance must be a finite number"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": "2"}, "steps must be a whole number"),
        ({"against": None}, "a sentence is a text"),
        ({"against": "xyzzy"}, "words that no caption uses: xyzzy"),
    ):
        with pytest.raises(ValueError, match=message):
            painter.draw(text, [1], **options)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=message):
            painter.moments(text[0], 1, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown solver"):
        painter.draw(text, [1], solver="rk4")
    for parts, seeds in (((["a", "b"], ["slanted"]), [1]), ((), [])):
        with pytest.raises(ValueError, match="each part needs a sentence for each of"):
            judge.composed(painter, parts, seeds, 2.0)
    for read in (store.card_of, store.tensors_of):
        with pytest.raises(ValueError, match="there is no 'x'; what ships is painter"):
            read("x")


def test_against_the_same_sentence_guidance_does_nothing() -> None:
    painter, text = store.painter(), "a bold Q"
    plain = painter.draw([text], [1], guidance=1.0)
    assert torch.equal(painter.draw([text], [1], guidance=100.0, against=text), plain)
    assert painter.draw([text], [1], guidance=100.0).isfinite().all()
