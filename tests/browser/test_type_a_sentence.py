"""A picture from a sentence in a real browser: typed, touched, by keyboard, light and dark; what is drawn is Python's."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from axe import demo_faults
from playwright.sync_api import Browser, Page, expect
from reader import DESKTOP, PHONE, Site, demo_opener, themed_site

from imggen_lib import live
from imggen_lib.applications.sentence import store
from imggen_lib.live.sentence import SENTENCE

SMALL = (358, 740)
TEXT = "a small bold slanted Q in a serif font top left"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    html = f"<a href='#'>before</a>{live.sentence().html()}"
    with themed_site(tmp_path_factory.mktemp("sentence"), html, [SENTENCE]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file and wait for its first picture; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-sentence[data-drawn]") as found:
        yield found


def drawn(page: Page) -> np.ndarray:
    """The large picture, as grey levels."""
    code = "(c) => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data.filter((_, k) => k % 4 === 0))"
    return np.array(page.locator(".il-sentence-picture").evaluate(code)).reshape(28, 28)


def after(page: Page, act: Callable[[], None]) -> None:
    """Do something and wait for the next picture."""
    before = int(page.locator(".il-sentence").get_attribute("data-drawn") or 0)
    act()
    page.wait_for_function(f"() => Number(document.querySelector('.il-sentence').dataset.drawn) > {before}")


def pythons(text: str, **options: Any) -> np.ndarray:
    image = store.painter().draw([text], [options.pop("seed", 0)], **options)[0, 0]
    return (127.5 * (image + 1)).numpy()


@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL], ids=["desktop", "phone", "small"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_with_a_picture_and_axe_finds_no_fault(demo: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    page = demo(dark, size=size, has_touch=size != DESKTOP)
    assert np.abs(drawn(page) - pythons(TEXT)).max() < 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_text("All words that it knows").click()
    assert not demo_faults(page)


def test_a_sentence_is_typed_and_unknown_words_are_named(demo: Callable[..., Page]) -> None:
    page = demo()
    field = page.get_by_label("Sentence", exact=True)
    after(page, lambda: field.fill("a large 7 without serifs"))
    assert np.abs(drawn(page) - pythons("a large 7 without serifs")).max() < 1
    field.fill("a purple 7")
    expect(page.get_by_role("alert")).to_contain_text("It does not know: purple")
    field.fill("a small large 7")
    expect(page.get_by_role("alert")).to_contain_text("both small and large")
    after(page, lambda: field.fill(""))
    expect(page.get_by_role("alert")).to_be_empty()
    assert np.abs(drawn(page) - pythons("")).max() < 1


def test_one_word_is_exchanged_by_touch_with_the_same_noise(demo: Callable[..., Page]) -> None:
    page = demo(size=PHONE, has_touch=True)
    after(page, lambda: page.get_by_label("Word 2: small").select_option("large") and None)
    assert page.get_by_label("Sentence", exact=True).input_value() == TEXT.replace("small", "large")
    assert np.abs(drawn(page) - pythons(TEXT.replace("small", "large"))).max() < 1
    expect(page.locator(".il-sentence-was")).to_be_visible()
    after(page, lambda: page.get_by_role("button", name="Next seed").tap())
    assert np.abs(drawn(page) - pythons(TEXT.replace("small", "large"), seed=1)).max() < 1
    expect(page.locator(".il-sentence-was")).to_be_hidden()


def test_guidance_steps_and_a_negative_sentence_by_keyboard(demo: Callable[..., Page]) -> None:
    """By keys alone; the table of attention has a row a word, and shares that sum to 100."""
    page = demo()
    page.get_by_role("slider", name="Guidance").focus()
    after(page, lambda: page.keyboard.press("ArrowRight"))
    page.get_by_role("slider", name="Steps").focus()
    after(page, lambda: page.keyboard.press("ArrowLeft"))
    field = page.get_by_label("Not this")
    field.focus()
    after(page, lambda: page.keyboard.insert_text("bold"))
    assert np.abs(drawn(page) - pythons(TEXT, guidance=2.25, steps=7, against="bold")).max() < 1
    rows = page.get_by_role("table").first.locator("tbody tr")
    assert rows.count() == len(TEXT.split())
    shares = [[int(v) for v in row.locator("td").all_inner_texts()] for row in rows.all()]
    assert all(abs(sum(column) - 100) <= 6 for column in zip(*shares, strict=True))
