"""A report that stands by itself: nothing from outside, every value escaped, what is wrong refused in words."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from imggen_lib import pretrained
from imggen_lib.applications.audit import NAME, SCHEMA, audit, check_audit, read_audit, write_audit
from imggen_lib.applications.card import card
from imggen_lib.applications.report import (
    TEXTS,
    Check,
    Checks,
    Figure,
    Section,
    Table,
    image_url,
    outcome,
    picture_url,
    report,
    save_report,
    summary,
)
from imggen_lib.applications.verdict import Measured

NASTY = "</style><script>alert('x')</script> & \"q\" \\ }"
IMAGE = torch.linspace(-1, 1, 12).reshape(1, 3, 4)
GOOD = Check("AUROC", Measured(0.78, 0.74, 0.82, 624), at_least=0.7)
BAD = Check("false alarms", Measured(0.2, 0.15, 0.26, 234), at_most=0.1)
OPEN = Check("sensitivity", Measured(0.5, 0.4, 0.6, 90), at_least=0.45)


class Reader(HTMLParser):
    """What a browser would see: the tags, their attributes, and the texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [a for name, a in self.tags if name == tag and all(a.get(k.rstrip("_")) == v for k, v in attributes.items())]


def _full(words: str = "words") -> str:
    figure = Figure(image_url(IMAGE), words, words)
    parts = [words, Table([[words, 1, 2.5]], ["", words, "x"], words), Checks([GOOD._replace(name=words), BAD], words), figure]
    return report(
        words, sections=[Section(words, parts)], cases=[Section("1", [[figure, figure]], words), Section("2", ["x"])],
        warnings=[words], texts={"passed": words}, lang=words,
    )  # fmt: skip


def test_every_value_is_escaped() -> None:
    plain, nasty = Reader(_full()), Reader(_full(NASTY))
    assert [tag for tag, _ in nasty.tags] == [tag for tag, _ in plain.tags], "a value made a tag of its own"
    assert [list(a) for _, a in nasty.tags] == [list(a) for _, a in plain.tags], "a value made an attribute of its own"
    style = _full(NASTY).split("<style>")[1].split("</style>")[0]
    assert "<" not in style and style.count("{") == style.count("}") == _full().split("<style>")[1].split("</style>")[0].count("}")
    assert any(NASTY in text for text in nasty.words)


def test_nothing_comes_from_outside_and_nothing_runs() -> None:
    page = Reader(_full())
    assert not page.of("script") and not page.of("link") and not page.of("iframe")
    policy = page.of("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[0]["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert all((a["src"] or "").startswith("data:image/png;base64,") and a["alt"] for a in page.of("img"))
    assert "http://" not in _full() and "https://" not in _full() and "url(" not in _full()
    for source in ("https://example.org/x.png", "data:text/html;base64,AAAA", 'data:image/png;base64,AA" onload="x', "x.png"):
        with pytest.raises(ValueError, match="data URL"):
            report("t", sections=[Section("s", [Figure(source, "words")])])
    with pytest.raises(ValueError, match="words that stand for it"):
        report("t", sections=[Section("s", [Figure(image_url(IMAGE), "")])])
    assert picture_url(b"<svg/>", "svg+xml").startswith("data:image/svg+xml;base64,")


def test_warnings_stand_in_every_section_and_on_every_sheet() -> None:
    html = report(
        "t", sections=[Section("s", ["x"])], cases=[Section(str(k), ["x"]) for k in range(3)], warnings=["Not for clinical use"]
    )
    page = Reader(html)
    assert len(page.of("section", class_="case")) == 3 and len(page.of("section", class_="section")) == 1
    for part in re.split(r"<section ", html)[1:]:
        assert part.count("Not for clinical use") == 1
    assert ".case{break-before:page" in html and re.search(r"@bottom-left\{content:\"Not\\20 for\\20 clinical\\20 use\"", html)
    assert {a["href"] for a in page.of("a")} == {f"#{a['id']}" for a in page.of("section")}


def test_an_image_arrives_pixel_by_pixel() -> None:
    content = base64.b64decode(image_url(IMAGE, 2).split(",")[1])
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == (6, 8) and pixels[0, 0] == 0 and pixels[-1, -1] == 255
    assert np.array_equal(pixels[::2, ::2], pixels[1::2, 1::2])


def test_checks_are_judged_by_their_bars_and_intervals() -> None:
    assert [c.passed for c in (GOOD, BAD, OPEN)] == [True, False, True] and [c.sure for c in (GOOD, BAD, OPEN)] == [
        True,
        True,
        False,
    ]
    assert outcome(GOOD) == "passed" and outcome(BAD) == "failed" and outcome(OPEN).startswith("passed (the interval")
    assert Check("x", Measured(0.7, 0.7, 0.7, 1), at_least=0.7).passed and outcome(Check("x", Measured(1, 0, 2, 3))) == "not judged"
    two = Check("z", Measured(2.5, -3, 3, 9), at_least=-2, at_most=2)
    assert two.passed is False and not two.sure and not Check("z", Measured(0, -3, 1, 9), -2, 2).sure
    assert summary([GOOD, OPEN]) == "2 of 2 checks passed." and summary([GOOD, BAD]) == "1 of 2 checks failed: false alarms."
    html = report("t", sections=[Section("s", [Checks([GOOD, BAD, Check("info", Measured(-1, -2, 0, 1234))])])])
    words = " ".join(Reader(html).words).replace("\u00a0", " ")
    found = ("0.780 [0.740, 0.820], n = 624", "at least 0.700", "at most 0.100", "\u22121.000 [\u22122.000, 0.000], n = 1,234")
    for said in found:
        assert said in words
    assert "1 of 2 checks failed: false alarms." in words


def test_what_cannot_be_shown_is_refused_in_words() -> None:
    nan, inf = float("nan"), float("inf")
    for part, said in (
        (Checks([GOOD._replace(measured=Measured(nan, 0, 1, 3))]), "finite"),
        (Checks([GOOD._replace(measured=Measured(0.5, 0, inf, 3))]), "finite"),
        (Checks([GOOD._replace(measured=Measured(0.5, 0.6, 1, 3))]), "around its value"),
        (Checks([GOOD._replace(measured=Measured(0.5, 0, 1, 0))]), "an n"),
        (Checks([GOOD._replace(at_least=nan)]), "finite"),
        (Checks([GOOD._replace(at_least=1.0, at_most=0.0)]), "never be met"),
        (Checks([GOOD, GOOD]), "name of its own"),
        (Checks([]), "at least one"),
        (Table([["a", inf]]), "finite"),
        (Table([["a", 1], ["b"]]), "same length"),
        (Table([["a", 1]], ["only one"]), "same length"),
        (Table([]), "same length"),
        (Table([["a", Measured(nan, 0, 1, 3)]]), "finite"),
        ([], "lists of figures"),
        (3.5, "lists of figures"),
    ):
        with pytest.raises(ValueError, match=said):
            report("t", sections=[Section("s", [part])])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no text 'nobody'"):
        report("t", sections=[Section("s", ["x"])], texts={"nobody": "x"})
    with pytest.raises(ValueError, match="needs a title"):
        report("t")


def test_every_text_can_be_replaced() -> None:
    marks = {name: f"@{name}" + "".join(re.findall(r"\{\w+\}", text)) for name, text in TEXTS.items()}
    every = [GOOD, BAD, OPEN, Check("c", Measured(1, 0, 2, 5)), Check("d", Measured(1, 0, 2, 5), 0, 3)]
    html = report("t", sections=[Section("s", [Checks(every)]), Section("o", [Checks([GOOD])])], texts=marks, lang="de")
    text = " ".join(Reader(html).words).replace("\\40 ", "@").replace("\\5f ", "_")
    assert [name for name in TEXTS if f"@{name}" not in text] == [] and '<html lang="de">' in html


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    path = save_report(tmp_path / "r.html", _full("\u00fc"))
    assert path.read_text(encoding="utf-8") == _full("\u00fc") and list(tmp_path.iterdir()) == [path]


# the audit

DATA = {"name": "pneumonia", "sha256": "0a" * 32, "images": 624, "splits": {"test": 624}}


def _audit() -> dict:
    return audit(
        "An audit", data=DATA, numbers={"auroc": GOOD.measured}, checks=[GOOD, BAD, Check("c", Measured(1, 0, 2, 5))],
        model={"name": "vae", "sha256": "1" * 64}, thresholds={"vae": (3, "95 % of validation normals")}, warnings=["No."],
        seeds=[0, 1],
    )  # fmt: skip


def test_an_audit_there_and_back(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    content = _audit()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(content, SCHEMA)
    again = read_audit(write_audit(tmp_path / "audit.json", content))
    assert again == content and again["schema"] == NAME and [c["passed"] for c in again["checks"]] == [True, False, None]
    assert again["numbers"]["auroc"] == {"value": 0.78, "low": 0.74, "high": 0.82, "n": 624, "level": 0.95}
    assert set(content["versions"]) >= {"imggen_lib", "torch", "python"}
    check_audit(audit("t", data=DATA, numbers={"a": Measured(1, 0, 2, 3)}))


def _changed(path: str, value: object) -> dict:
    content = json.loads(json.dumps(_audit()))
    *way, last = path.split("/")
    place = content
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "imggen-audit/2"), ("title", ""), ("title", 3), ("warnings", "No."), ("warnings", [""]), ("data", KeyError),
        ("data/sha256", "0a"), ("data/sha256", "A" * 64), ("data/images", 0), ("data/images", 6.5), ("model/sha256", KeyError),
        ("model", []), ("thresholds/vae", 3), ("thresholds/vae/chosen", ""), ("thresholds/vae/value", True), ("numbers", {}),
        ("numbers/auroc/n", 0), ("numbers/auroc/level", 1), ("numbers/auroc/level", 0), ("numbers/auroc/value", "0.78"),
        ("numbers/auroc/more", 1), ("checks/0/passed", "yes"), ("checks/0/at_least", "0.7"), ("checks/0/name", KeyError),
        ("seeds", [0.5]), ("versions/torch", KeyError), ("versions/torch", 2), ("nobody", 1),
    ],
)  # fmt: skip
def test_our_check_refuses_what_the_schema_refuses(path: str, value: object) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    content = _changed(path, value)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(content)
    with pytest.raises(ValueError, match="audit"):
        check_audit(content)


def test_numbers_that_are_not_finite_or_do_not_agree_are_refused(tmp_path: Path) -> None:
    nan = float("nan")
    for path, value, said in (
        ("numbers/auroc/value", nan, "finite"),
        ("data/splits/test", float("inf"), "finite"),
        ("thresholds/vae/value", nan, "finite"),
        ("numbers/auroc/low", 0.9, "around its value"),
        ("checks/1/passed", True, "its bar say False"),
        ("checks/1/name", "AUROC", "name of its own"),
    ):
        with pytest.raises(ValueError, match=said):
            write_audit(tmp_path / "audit.json", _changed(path, value))
    assert not list(tmp_path.iterdir()), "a refused audit left a file"
    with pytest.raises(ValueError, match="finite"):
        audit("t", data=DATA, numbers={"a": Measured(nan, 0, 1, 3)})
    with pytest.raises(ValueError, match="level"):
        audit("t", data=DATA, numbers={"a": Measured(1, 0, 2, 3)}, level=95)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match="no JSON"):
        read_audit(tmp_path / "x.json")


# the card


def _card(**changed: object) -> str:
    said = {"use": "Teaching.", "not_for": "Patients.", "limits": ["28 <pixels>", "No | patients"], "checks": [GOOD, BAD]}
    more = {"license": "cc-by-4.0", "warnings": ["Not for clinical use"], "tags": ["medical"]}
    return card("chest-vae", **{**said, **more, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("shipped", [None, "mnist-vae-mlp"])
def test_a_card_is_the_hubs(shipped: str | None) -> None:
    text = _card(meta=pretrained(shipped).meta if shipped else None)
    start, front, body = text.split("---\n", 2)
    about = yaml.safe_load(front)
    assert start == "" and about["license"] == "cc-by-4.0" and {"imggen_lib", "medical"} <= set(about["tags"])
    assert body.strip().startswith("# chest-vae\n\n> **Not for clinical use**")
    assert "| false alarms | 0.200 \\[0.150, 0.260\\], n = 234 | at most 0.100 | failed |" in body
    assert "28 \\<pixels\\>" in body and "No \\| patients" in body and "1 of 2 checks failed" in body
    if shipped:
        assert "1,800,064 images" in body and about["datasets"] == ["ylecun/mnist"]


def test_a_card_without_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one limit"):
        _card(limits=[])
    with pytest.raises(ValueError, match="a tag has"):
        _card(tags=["A: b"])
    with pytest.raises(ValueError, match="a license is named"):
        _card(license="My own")
    with pytest.raises(ValueError, match="no text"):
        _card(texts={"nobody": ""})
    assert "## Grenzen" in _card(texts={"limits": "Grenzen"})
