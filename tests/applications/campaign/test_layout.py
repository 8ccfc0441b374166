"""Layouts: inside the banner, clear of one another, as large as fits, and refused in words where nothing fits."""

import pytest

from imggen_lib.applications.campaign import layout as l
from imggen_lib.applications.campaign.sizes import SIZES, size

HEADLINES = (
    "Nobody has worn this",
    "A season that never was",
    "Made of dots",
    "Sale",
    "Coats for a winter that is nowhere in sight",
)


def measure(text: str) -> float:
    return 0.68 * len(text)


def test_the_ten_sizes() -> None:
    assert len(SIZES) == 10 and len({one.name for one in SIZES}) == 10 and size("300x250").limit == 150
    with pytest.raises(ValueError, match="300x600 is not one of the ten"):
        size("300x600")


@pytest.mark.parametrize("headline", HEADLINES)
@pytest.mark.parametrize("one", SIZES, ids=lambda s: s.name)
def test_all_parts_lie_inside_and_apart(one: object, headline: str) -> None:
    w, h, _ = one  # type: ignore[misc]
    made = l.lay_out(w, h, headline, measure)
    boxes = [made.picture]
    for line in (*made.headline, *([made.button_text] if made.button_text else [])):
        wide = int(measure(line.text) * line.px) + 1
        boxes.append(l.Box(line.x, line.y - l.cap(line.px), wide, l.cap(line.px)))
    inside = [made.button] if made.button else []
    for box in boxes + inside:
        assert box.x >= 0 and box.y >= 0 and box.x + box.w <= w and box.y + box.h <= h, box
    texts = boxes[1 : 1 + len(made.headline)] + inside
    for k, a in enumerate([made.picture, *texts]):
        for b in [made.picture, *texts][:k]:
            assert a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y, (a, b)
    assert all(isinstance(value, int) for box in boxes for value in box)
    assert " ".join(line.text for line in made.headline) == ("" if made.kind == "logo" else headline)
    assert all(line.px >= l.LEAST for line in made.headline)
    assert bool(made.note) == (made.kind == "logo" or h < 60)


def test_kinds_follow_the_size() -> None:
    kinds = {one.name: l.lay_out(one.width, one.height, "Made of dots", measure).kind for one in SIZES}
    assert kinds == {
        "970x250": "side", "970x90": "strip", "728x90": "strip", "320x50": "strip", "300x50": "strip",
        "300x250": "side", "160x600": "tower", "300x1050": "tower", "640x1136": "tower", "120x60": "logo",
    }  # fmt: skip


def test_a_headline_that_is_too_long_gets_the_layout_without_one_and_says_so() -> None:
    made = l.lay_out(320, 50, "A headline that nobody could ever put on a banner of this size", measure)
    assert made.kind == "logo" and not made.headline and not made.button and "smaller than 11 pixels" in made.note
    assert "too small for a headline" in l.lay_out(120, 60, "Sale", measure).note
    assert l.lay_out(970, 250, "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrente" * 2, measure).kind == "logo"


def test_fitted_takes_the_largest_size_that_fits() -> None:
    px, lines = l.fitted("one two three four", 100, 60, 40, 3, measure)
    assert px and l.block_height(px, len(lines)) <= 60 and max(map(measure, lines)) * px * l.SLACK <= 100
    for larger in range(px + 1, 41):
        room = 100 / (larger * l.SLACK)
        tried = l.wrap("one two three four", room, measure)
        bad = len(tried) > 3 or l.block_height(larger, len(tried)) > 60 or max(map(measure, tried)) > room
        assert bad, larger
    assert l.fitted("unbreakable", 20, 60, 40, 3, measure) == (0, [])


def test_lines_are_balanced() -> None:
    assert l.wrap("aa bb cc dd", 8 * 0.68, measure) == ["aa bb cc", "dd"]
    assert l.balanced("aa bb cc dd", 8 * 0.68, measure) == ["aa bb", "cc dd"]


def test_garments_fill_the_long_side() -> None:
    assert [l.garment_count(*box) for box in ((100, 100), (149, 100), (151, 100), (100, 260), (1000, 100))] == [1, 1, 2, 3, 4]


def test_what_is_no_banner_is_refused() -> None:
    with pytest.raises(ValueError, match="40 to 4,000"):
        l.lay_out(30, 100, "Sale", measure)
    with pytest.raises(ValueError, match="have words"):
        l.lay_out(300, 250, " ", measure)
    with pytest.raises(ValueError, match="no room even for the brand"):
        l._logo(44, 44, measure, "")
