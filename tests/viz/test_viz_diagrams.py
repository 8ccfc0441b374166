"""Diagrams: everything on the sheet, no box on another, arrows that end at boxes, words for those who do not see them."""

import inspect
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from imggen_lib.viz import diagrams, style
from imggen_lib.viz.boxes import WIDTH, Arrow, Box, Diagram, Label, back, chain, row, spans, text_width
from imggen_lib.viz.figure import luminance

ALL: dict[str, Callable[..., Diagram]] = {
    "critic": lambda **k: diagrams.gan("critic", **k),
    "generator": lambda **k: diagrams.gan("generator", **k),
    **{name: getattr(diagrams, name) for name in ("vae", "glo", "texture", "gram", "diffusion")},
}
SVG = "{http://www.w3.org/2000/svg}"


def overlap(a: Box, b: Box) -> bool:
    return abs(a.x - b.x) < (a.wide + b.wide) / 2 and abs(a.y - b.y) < (a.high + b.high) / 2


def touches(box: Box, place: tuple[float, float]) -> bool:
    """Whether a place lies on a box's edge."""
    x, y = abs(place[0] - box.x) - box.wide / 2, abs(place[1] - box.y) - box.high / 2
    return max(x, y) == pytest.approx(0, abs=0.01) and min(x, y) <= 0


def crosses(box: Box, a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether the line between two places, upright or level, goes through the inside of a box."""
    left, right, top, bottom = box.x - box.wide / 2, box.x + box.wide / 2, box.y - box.high / 2, box.y + box.high / 2
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return x0 < right - 0.01 and x1 > left + 0.01 and y0 < bottom - 0.01 and y1 > top + 0.01


@pytest.mark.parametrize("name", ALL)
def test_boxes_are_apart_and_arrows_lead_from_box_to_box(name: str) -> None:
    diagram = ALL[name]()
    boxes = list(diagram.boxes)
    assert not [(a.text, b.text) for k, a in enumerate(boxes) for b in boxes[:k] if overlap(a, b)]
    for arrow in diagram.arrows:
        assert sum(touches(box, arrow.start) for box in boxes) == 1, arrow
        assert arrow.kind == "stopped" or sum(touches(box, arrow.end) for box in boxes) == 1, arrow
        way = [arrow.start, *arrow.via, arrow.end]
        for start, end in itertools.pairwise(way):
            assert start[0] == pytest.approx(end[0]) or start[1] == pytest.approx(end[1], abs=0.01) or arrow.kind == "forward"
            assert not any(crosses(box, start, end) for box in boxes), (arrow, "goes through a box")


@pytest.mark.parametrize("name", ALL)
def test_the_picture_is_sound_svg_with_words_and_text(name: str) -> None:
    diagram = ALL[name]()
    root = ET.fromstring(diagram.svg())
    assert root.get("role") == "img" and root.get("viewBox") == f"0 0 {WIDTH} {diagram.height:g}"
    assert root.findtext(f"{SVG}title") == diagram.title and len(root.findtext(f"{SVG}desc") or "") > 60
    told = "".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    for box in diagram.boxes:
        assert "".join(box.lines).replace("_", "").replace("{", "").replace("}", "") in told
    assert not root.findall(".//*[@id]")  # two on a page would be two of one id
    assert diagram._repr_html_() == diagram.svg() and diagram.title in repr(diagram)


def gradients(diagram: Diagram) -> set[tuple[str, str]]:
    """(from, to) of all gradients that arrive."""

    def box(place: tuple[float, float]) -> str:
        return next(b.text.replace("\n", " ") for b in diagram.boxes if touches(b, place))

    return {(box(a.start), box(a.end)) for a in diagram.arrows if a.kind == "gradient"}


def test_gradients_go_where_the_training_loops_let_them() -> None:
    critic, generator, vae = diagrams.gan("critic"), diagrams.gan("generator"), diagrams.vae()
    assert gradients(critic) == {("critic's loss", "critic D")}
    assert gradients(generator) == {("generator's loss", "critic D"), ("critic D", "G(z)"), ("G(z)", "generator G")}
    assert [b.text for b in critic.boxes if b.role == "learned"] == ["critic\nD"]
    assert [b.text for b in generator.boxes if b.role == "learned"] == ["generator\nG"]
    assert {to for _, to in gradients(vae)} == {"encoder", "\u03bc, \u03c3", "z = \u03bc + \u03c3\u03b5", "decoder", "p(x | z)"}
    assert [a.kind for a in vae.arrows].count("stopped") == 1
    assert ("G(z_i)", "generator G") in gradients(diagrams.glo()) and ("generator G", "code z_i") in gradients(diagrams.glo())
    assert ("fixed network", "pixels") in gradients(diagrams.texture()) and not gradients(diagrams.diffusion())


@pytest.mark.parametrize("name", ALL)
def test_another_language_fits(name: str) -> None:
    """Every text replaced by a longer one of the same number of lines, and by Chinese."""
    chinese = {
        key: "\n".join("\u751f\u6210\u5668" for _ in text.split("\n")) for key, text in diagrams.TEXTS.items() if len(text) < 20
    }
    chinese |= dict.fromkeys(("clean", "less", "more", "pure", "dots", "noise", "epsilon", "kl"), "\u566a")
    diagram = ALL[name](texts=chinese | {"denoiser": "\u53bb\u566a\u5668"})
    assert "\u5668" in diagram.svg()


def test_what_does_not_fit_and_what_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Diagram("t", "w", 60, [Box("a text that is far too long for a sheet of this width, by far", 170, 30)]).svg()
    with pytest.raises(ValueError, match="there is no text 'nosie'"):
        diagrams.vae(texts={"nosie": "x"})
    with pytest.raises(ValueError, match="whose turn"):
        inspect.unwrap(diagrams.gan)("both")  # type: ignore[arg-type]


def test_colours_are_told_from_white_and_from_near_black() -> None:
    for ink in (style.DATA, style.MODEL, style.CRITIC, style.TEAL, style.GRADIENT):
        light, dark = 1.05 / (luminance(ink) + 0.05), (luminance(ink) + 0.05) / (luminance("#121212") + 0.05)
        assert min(light, dark) >= 3, ink


def test_helpers() -> None:
    assert text_width("x_{t}") == text_width("xt") and text_width("\u566a") == 12
    assert ET.fromstring(f"<a>{spans('x_{t<1} + y_i')}</a>").itertext() is not None
    assert "".join(ET.fromstring(f"<a>{spans('x_{t<1} + y_i')}</a>").itertext()) == "xt<1 + yi"
    boxes = row(Box("a", 0, 0), Box("bb", 0, 0), Box("c", 0, 0), y=30)
    assert boxes[0].x - boxes[0].wide / 2 == pytest.approx(2) and boxes[2].x + boxes[2].wide / 2 == pytest.approx(WIDTH - 2)
    assert len(chain(boxes)) == 2 and [a.kind for a in back(boxes)] == ["gradient"] * 2
    words = Diagram("t", "w", 60, labels=[Label("here", 10, 20, "start", gradient=True, bold=True)], arrows=[Arrow((0, 0), (9, 9))])
    assert "here" in words.svg() and 'font-weight="600"' in words.svg()
