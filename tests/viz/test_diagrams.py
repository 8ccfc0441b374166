"""The diagrams: text inside boxes, arrows that end at boxes and cross none, and every word an argument."""

import re
from collections.abc import Callable
from typing import Any, ClassVar, get_args
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from imggen_lib.viz import diagrams, style
from imggen_lib.viz.diagram import PAD, SIDE, SIZE, SMALL, WIDTH, Arrow, Back, Box, Panel, text_width, wrapped
from imggen_lib.viz.diagram_svg import diagram, svg
from imggen_lib.viz.diagrams_texts import TEXTS
from imggen_lib.viz.pages import Html

ALL = (diagrams.gan, diagrams.gan_step, diagrams.vae, diagrams.optimised, diagrams.diffusion, diagrams.gram)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Panel]]:
    """The panels that a diagram is made of."""
    seen: list[Panel] = []

    def kept(given: list[Panel], *rest: Any) -> Html:
        seen.extend(given)
        return diagram(given, *rest)

    def call(make: Callable[..., Html], **options: object) -> list[Panel]:
        seen.clear()
        make(**options)
        return list(seen)

    monkeypatch.setattr(diagrams, "diagram", kept)
    return call


@pytest.mark.parametrize("text", ["Generator", "MWMW wwmm", "stays as it is", "0123456789", "D(G(z)) = \u2212log", "Gram matrices"])
def test_text_is_never_wider_than_it_is_taken_for(text: str) -> None:
    """DejaVu Sans is among the widest fonts that a page falls back to."""
    drawn = TextPath((0, 0), text, size=SIZE, prop=FontProperties(family="DejaVu Sans")).get_extents().width
    assert drawn <= text_width(text, SIZE) < 1.8 * drawn


def test_text_is_wrapped_at_spaces_and_between_signs() -> None:
    assert wrapped("one $a + b$ two", SIZE, 60) == ["one", "$a + b$", "two"]
    assert wrapped("", SIZE, 60) == []
    assert wrapped("\u751f\u6210\u5668\u7684\u635f\u5931", SIZE, 45) == ["\u751f\u6210\u5668", "\u7684\u635f\u5931"]
    with pytest.raises(ValueError, match="does not fit"):
        wrapped("Reparametrisierungstrick", SIZE, 60)


def _inside(box: Box) -> None:
    assert box.x >= SIDE and box.x + box.width <= WIDTH - SIDE
    for lines, size in ((box.lines, SIZE), (box.small, SMALL)):
        assert all(text_width(line, size) <= box.width - 2 * PAD for line in lines)
    assert box.height >= 12 + 18 * len(box.lines) + 15 * len(box.small)


def _on_edge(point: tuple[float, float], box: Box) -> bool:
    x, y = point
    across, along = box.x + 4 <= x <= box.x + box.width - 4, box.y < y < box.bottom
    sides = (abs(y - box.y) < 0.01 or abs(y - box.bottom) < 0.01) and across
    return sides or ((abs(x - box.x) < 0.01 or abs(x - box.x - box.width) < 0.01) and along)


def _crosses(arrow: Arrow, box: Box) -> bool:
    for (x1, y1), (x2, y2) in zip(arrow.points, arrow.points[1:], strict=False):
        wide = max(x1, x2) > box.x + 0.1 and min(x1, x2) < box.x + box.width - 0.1
        if wide and max(y1, y2) > box.y + 0.1 and min(y1, y2) < box.bottom - 0.1:
            return True
    return False


def _checked(panel: Panel) -> None:
    boxes = list(panel.placed().values())
    for k, box in enumerate(boxes):
        _inside(box)
        for other in boxes[:k]:
            apart = box.x >= other.x + other.width or other.x >= box.x + box.width
            assert apart or box.y >= other.bottom or other.y >= box.bottom, "two boxes lie on one another"
    arrows = panel.arrows()
    for arrow in arrows:
        assert any(_on_edge(arrow.points[0], box) for box in boxes), "an arrow begins nowhere"
        assert arrow.kind == "stop" or any(_on_edge(arrow.points[-1], box) for box in boxes), "an arrow ends nowhere"
        assert not any(_crosses(arrow, box) for box in boxes), "an arrow crosses a box"
        for (x1, y1), (x2, y2) in zip(arrow.points, arrow.points[1:], strict=False):
            assert (x1 == x2) != (y1 == y2), "an arrow is neither upright nor level"
        assert all(0 < x < WIDTH and 0 < y < panel.height() for x, y in arrow.points)
    verticals = [arrow.points[0][0] for arrow in arrows if len({x for x, _ in arrow.points}) == 1]
    assert len(verticals) >= len(arrows) - len(panel.loops), "in the book's diagrams all but loops go straight"


@pytest.mark.parametrize("make", ALL)
def test_everything_is_in_its_place(make: Callable[..., Html], panels: Callable[..., list[Panel]]) -> None:
    shown = panels(make)
    assert len(shown) == 2
    for panel in shown:
        _checked(panel)


CHINESE = dict.fromkeys(TEXTS, "网络保持不变")
LONGER = {name: " ".join([text] * 2) for name, text in TEXTS.items() if not name.startswith("legend")}


@pytest.mark.parametrize("texts", [CHINESE, LONGER], ids=["Chinese", "longer"])
@pytest.mark.parametrize("make", ALL)
def test_other_words_fit_as_well(make: Callable[..., Html], texts: dict[str, str], panels: Callable[..., list[Panel]]) -> None:
    for panel in panels(make, texts=texts):
        _checked(panel)


@pytest.mark.parametrize("make", ALL)
def test_every_word_is_an_argument(make: Callable[..., Html]) -> None:
    """With all texts replaced, no English is left but the names of the program, of formulas, and of fonts and colours."""
    texts = dict.fromkeys(TEXTS, "字")
    left = " ".join(ElementTree.fromstring(make(texts)._repr_html_()).itertext())
    words = set(re.findall(r"[A-Za-z]{3,}", left)) - {"log", "torch", "randn", "fake", "real", "detach", "loss", "backward"}
    assert not words
    with pytest.raises(ValueError, match="no text named nonsense"):
        make({"nonsense": "a"})


class _Used(dict[str, str]):
    asked: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)


def test_no_text_is_without_a_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagrams._Words, "__init__", lambda self, _: setattr(self, "texts", _Used(TEXTS)))
    for make in ALL:
        make()
    assert _Used.asked == set(TEXTS)


@pytest.mark.parametrize("make", ALL)
def test_it_has_a_name_a_description_and_the_colour_of_the_page(make: Callable[..., Html]) -> None:
    html = make()._repr_html_()
    pictures = [svg for svg in ElementTree.fromstring(html).iter(f"{SVG}svg") if svg.get("role") == "img"]
    assert len(pictures) == 2
    for picture in pictures:
        title, words = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
        assert title is not None and title.text and words is not None and len(words.text or "") > 80
        assert picture.get("fill") == "currentColor" and float(picture.get("width") or 0) <= 358
        assert min(float(text.get("font-size") or 0) for text in picture.iter(f"{SVG}text")) >= 12
        assert all(float(span.get("font-size") or 99) >= 10 for span in picture.iter(f"{SVG}tspan"))
    colours = set(re.findall(r'(?:fill|stroke)="(#\w+)"', html))
    assert colours <= {style.DATA, style.MODEL, style.NETWORK, style.GRADIENT, style.INK}
    assert make().words in TEXTS.values() and f'aria-label="{make().words}"' in html
    assert "<image" not in html and " id=" not in html


def test_a_gradient_goes_up_and_ends_where_it_is_stopped(panels: Callable[..., list[Panel]]) -> None:
    critic, generator = panels(diagrams.gan)
    for panel, stopped in ((critic, 2), (generator, 0)):
        back = [arrow for arrow in panel.arrows() if arrow.kind != "value"]
        assert all(arrow.points[-1][1] < arrow.points[0][1] for arrow in back)
        assert sum(arrow.kind == "stop" for arrow in back) == stopped
    reached = min(arrow.points[-1][1] for arrow in critic.arrows() if arrow.kind != "value")
    assert reached > critic.placed()["fake"].bottom, "nothing goes back into the generated image"
    reached = min(arrow.points[-1][1] for arrow in generator.arrows() if arrow.kind == "gradient")
    assert reached == generator.placed()["g"].bottom, "the generator is reached"


def test_an_arrow_to_a_box_at_the_side_turns_twice() -> None:
    panel = Panel("a", "b")
    panel.box("a", "tensor", "a", 0, (0, 1))
    panel.box("b", "tensor", "b", 1, (2, 3))
    for back in get_args(Back):
        panel.flows = [("a", "b", back)]
        for arrow in panel.arrows():
            assert len(arrow.points) in (2, 4) and (arrow.kind == "stop" or len(arrow.points) == 4)
            assert not any(_crosses(arrow, box) for box in panel.placed().values())
    assert svg(panel).count("<polyline") == 2
