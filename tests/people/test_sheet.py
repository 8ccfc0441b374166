"""A rater's sheet holds all it needs, gives nothing away, asks for nothing, and takes its texts as arguments."""

import base64
import html
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.data import to_uint8
from imggen_lib.people.opinions import OPINION_COLUMNS, opinion_plan
from imggen_lib.people.sheet import TEXTS, bitmap, comparison_sheet, embedded, opinion_sheet, save_sheet, shown_images, worded
from imggen_lib.people.sheet_page import SCRIPT
from imggen_lib.people.study import COLUMNS, Plan, comparison_plan

_SYSTEMS = ["secretgan", "secretvae", "secretreal"]
Make = Callable[..., torch.Tensor]


class _Reader(HTMLParser):
    """The elements of a page with their attributes; complains about what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def _data(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture
def study(make_images: Make) -> tuple[Plan, dict[str, torch.Tensor]]:
    plan = comparison_plan(_SYSTEMS, 5, 4, seed=1)
    return plan, shown_images(plan.key, {name: make_images(5, seed=k) for k, name in enumerate(_SYSTEMS)})


def test_the_page_has_the_plan_in_its_order_and_every_image_unchanged(study: tuple) -> None:
    plan, shown = study
    data = _data(comparison_sheet(plan.trials, shown))
    assert data["columns"].split(",") == list(COLUMNS) and data["sheet"] == plan.trials[0].sheet
    assert data["trials"] == [[t.item, t.left, t.right] for t in plan.trials]
    assert data["images"].keys() == {name for t in plan.trials for name in (t.left, t.right)}
    for name, url in data["images"].items():
        with Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))) as picture:
            assert np.array_equal(np.asarray(picture), to_uint8(shown[name])[0].numpy())


def test_the_page_is_blind_and_needs_no_network(study: tuple) -> None:
    plan, shown = study
    page = comparison_sheet(plan.trials, shown)
    rest = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert not any(name in page for name in _SYSTEMS)
    assert "http:" not in rest and "https:" not in rest and "//" not in rest
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(|cookie|userAgent", page)
    (policy,) = [m["content"] for m in _Reader(page).all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and policy.startswith("default-src 'none'; img-src data:;")
    assert not [m for tag in ("link", "iframe", "form", "input") for m in _Reader(page).all(tag)]
    assert len(SCRIPT) < 5000


def test_the_page_can_be_used_by_keyboard_and_by_ear(study: tuple) -> None:
    plan, shown = study
    for page in (comparison_sheet(plan.trials, shown, tie=True), _opinions(shown)):
        reader = _Reader(page)
        assert reader.all("html")[0]["lang"] == "en" and "width=device-width" in str(reader.all("meta"))
        choices = [b for b in reader.all("button") if "data-choice" in b]
        data = _data(page)
        assert {b["data-choice"] for b in choices} == set(data["keys"].values())
        assert all("alt" in image for image in reader.all("img"))
        assert reader.all("progress")[0]["aria-label"] and reader.all("textarea")[0]["aria-label"]
        assert int(reader.all("progress")[0]["max"] or 0) == len(data["trials"])
    assert _data(comparison_sheet(plan.trials, shown))["keys"] == {
        "1": "left",
        "ArrowLeft": "left",
        "2": "right",
        "ArrowRight": "right",
    }


def _opinions(shown: dict[str, torch.Tensor], **options: object) -> str:
    plan = opinion_plan(["a", "b"], 6, 3, seed=2)
    images = list(shown.values())
    return opinion_sheet(plan.trials, {name: images[k] for k, name in enumerate(plan.key)}, **options)  # type: ignore[arg-type]


def test_a_scale(study: tuple) -> None:
    page = _opinions(study[1], points=7)
    data = _data(page)
    assert data["columns"].split(",") == list(OPINION_COLUMNS) and all(len(t) == 1 for t in data["trials"])
    assert data["keys"] == {str(k): str(k) for k in range(1, 8)}
    assert "1<small>bad" in page and "7<small>excellent" in page and TEXTS["opinion_question"] in page
    for points in (1, 10):
        with pytest.raises(ValueError, match="between 2 and 9"):
            _opinions(study[1], points=points)


def test_every_text_can_be_replaced_and_is_escaped(study: tuple) -> None:
    plan, shown = study
    texts = {name: f"<{k}> & {{n}} {{of}}" for k, name in enumerate(TEXTS)}
    for page in (comparison_sheet(plan.trials, shown, texts=texts, lang="fa", tie=True), _opinions(shown, texts=texts, lang="fa")):
        reader = _Reader(page)
        assert reader.all("html")[0]["lang"] == "fa"
        assert {tag for tag, _ in reader.elements} <= set(
            "html head meta title style body main section h1 p strong button div img span progress a textarea script small".split()
        )
        assert not any(text in page for text in TEXTS.values() if len(text) > 12)
        assert set(_data(page)["texts"].values()) <= set(texts.values())
    assert "</script" not in json.dumps(_data(page)) and "<" not in re.findall(r'id="data">(.*?)</script>', page, re.S)[0]
    with pytest.raises(ValueError, match="no text 'qestion'"):
        worded({"qestion": "?"})


def test_answers_to_another_sheet_are_never_taken_for_answers_to_this_one(study: tuple) -> None:
    plan, shown = study
    one, two = (_data(comparison_sheet(trials, shown))["digest"] for trials in (plan.trials, plan.trials[:-1]))
    assert one != two and one == _data(comparison_sheet(plan.trials, shown))["digest"]


def test_what_cannot_be_shown_is_refused(study: tuple, make_images: Make) -> None:
    plan, shown = study
    other = comparison_plan(_SYSTEMS, 5, 4, seed=1, sheet=1)
    with pytest.raises(ValueError, match="one sheet"):
        comparison_sheet([*plan.trials, *other.trials], shown)
    with pytest.raises(ValueError, match="one sheet"):
        comparison_sheet([], shown)
    name = plan.trials[0].left
    with pytest.raises(ValueError, match="missing"):
        comparison_sheet(plan.trials, {k: v for k, v in shown.items() if k != name})
    with pytest.raises(ValueError, match="same size"):
        comparison_sheet(plan.trials, shown | {name: make_images(1, side=32)[0]})
    images = {system: make_images(5) for system in _SYSTEMS}
    for wrong, match in (
        ({k: v for k, v in images.items() if k != _SYSTEMS[1]}, "no images of secretvae"),
        (images | {_SYSTEMS[0]: make_images(2)}, "more images than there are of secretgan"),
        (images | {_SYSTEMS[0]: make_images(5, c=3)}, "same size"),
    ):
        with pytest.raises(ValueError, match=match):
            shown_images(plan.key, wrong)
    with pytest.raises(ValueError, match="shape"):
        bitmap(torch.zeros(2, 4, 4))


def test_colour_and_enlargement(make_images: Make) -> None:
    image = make_images(1, c=3, side=4)[0]
    picture = np.asarray(bitmap(image, 3))
    assert picture.shape == (12, 12, 3)
    assert np.array_equal(picture[::3, ::3], to_uint8(image).permute(1, 2, 0).numpy())


def test_saved_and_embedded(study: tuple, tmp_path: Path) -> None:
    plan, shown = study
    page = comparison_sheet(plan.trials, shown, texts={"question": "Welches Bild wirkt echter: „links“?"}, lang="de")
    assert save_sheet(tmp_path / "a.html", page).read_text(encoding="utf-8") == page
    (frame,) = _Reader(embedded(page, 'a "title"')).all("iframe")
    assert frame["srcdoc"] == page and frame["title"] == 'a "title"'
    assert "allow-same-origin" not in str(frame["sandbox"])
    assert html.escape(page) in embedded(page, "t")
