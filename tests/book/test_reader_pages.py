"""The pages for the reader: glossary, gallery, about, and the line that says how long a chapter takes."""

import importlib
import importlib.util
import io
import itertools
import json
import re
import sys
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
ENTRY = re.compile(r"^(?P<term>\S.*)\n(?P<says>(?:  .*\n)+)", re.M)
MUST_HAVE = """GAN, VAE, ELBO, KL divergence, JS divergence, discriminator, critic, generator, encoder, decoder, latent variable,
prior, posterior, posterior collapse, mode collapse, reparameterisation, Fréchet distance, FID, KID, SSIM, PSNR, precision, recall,
likelihood, nat, GLO, Wasserstein distance, gradient penalty, R1 penalty, IWAE bound, Gram matrix, novelty, CAN, AIGC"""
OF_THE_ARTICLE = """图像生成 生成对抗网络 变分自编码器 生成网络 判别网络 重建误差 基于模型的生成 基于优化的生成 损失函数 训练数据
结构相似性 颜色相似性 纹理相似性 主观评估"""


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BOOK / "_ext"))


def extension(name: str) -> Any:
    return importlib.import_module(name)


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, next((ROOT / "scripts").rglob(f"{name}.py")))
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries() -> dict[str, str]:
    text = (BOOK / "appendix" / "glossary.md").read_text(encoding="utf-8")
    body = re.search(r"^```\{glossary\}\n(.*?)^```$", text, re.M | re.S)
    assert body is not None
    found = ENTRY.findall(body[1])
    assert len(found) == len(re.findall(r"^\S", body[1], re.M)), "a term without a definition"
    return dict(found)


def in_order(term: str) -> str:
    """Letters and spaces alone, without accents: what the order of the glossary goes by."""
    plain = unicodedata.normalize("NFKD", term.casefold())
    return re.sub(r"[^a-z0-9 ]", "", plain)


# Glossary


def test_terms_are_in_alphabetical_order_and_come_once() -> None:
    terms = list(entries())
    keys = [in_order(t.split(" (")[0]) for t in terms]
    assert 60 <= len(terms) <= 160
    assert keys == sorted(keys), next((a, b) for a, b in itertools.pairwise(keys) if a > b)
    names = [name.casefold() for term in terms for name in extension("glossary_names").names(term)]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_every_term_has_its_chinese() -> None:
    for term in entries():
        assert re.search(r" \([^()]*[\u4e00-\u9fff][^()]*\)$", term), term
    chinese = {name for term in entries() for name in extension("glossary_names").names(term)}
    assert set(OF_THE_ARTICLE.split()) <= chinese, set(OF_THE_ARTICLE.split()) - chinese


def test_what_everybody_looks_for_is_there() -> None:
    names = {name for term in entries() for name in extension("glossary_names").names(term)}
    assert {w.strip() for w in MUST_HAVE.replace("\n", " ").split(",")} <= names


def slugs(chapter: str) -> set[str]:
    prose = extension("equation_tests").prose(next(BOOK.glob(f"*/{chapter}.md")).read_text(encoding="utf-8"))
    from myst_parser.mdit_to_docutils.base import default_slugify

    return {default_slugify(heading) for heading in re.findall(r"^#{1,3} (.*)$", prose, re.M)}


def test_every_entry_leads_to_a_place_that_exists() -> None:
    pytest.importorskip("myst_parser")
    labels = {e.label for text in BOOK.glob("*/*.md") for e in extension("equation_tests").equations(text)}
    headings = {chapter.stem: slugs(chapter.stem) for chapter in BOOK.glob("*/*.md")}
    for term, says in entries().items():
        equations = re.findall(r"\{eq\}`([\w-]+)`", says)
        places = re.findall(r"\]\((?:\.\./\w+/)?([\w-]+)\.ipynb#([^)]+)\)", says)
        assert equations or places, f"{term}: no link"
        assert set(equations) <= labels, term
        assert all(heading in headings[chapter] for chapter, heading in places), term


def test_names_of_an_entry() -> None:
    names = extension("glossary_names").names
    assert names("evidence lower bound, ELBO (证据下界)") == ["evidence lower bound", "ELBO", "证据下界"]
    assert names("证据下界\uff08evidence lower bound\uff0cELBO\uff09") == ["证据下界", "evidence lower bound", "ELBO"]
    assert names("nat") == ["nat"]


# The line under a chapter's title

SMALL = """---
jupytext:
  formats: ipynb,md:myst
---

# Two words

One `name`, one $a + b$, and a source {cite}`someone2020`.

$$
a = b
$$ (some-label)

```{code-cell} ipython3
print("open")
```

```{code-cell} ipython3
:tags: [hide-input]

print("folded")
```

```{code-cell} ipython3
---
tags: [solution, hide-cell]
mystnb:
  image:
    alt: not prose
---
print("folded, too")
```

```{admonition} Exercise
:class: tip
It's [a link](somewhere.md#else), {doc}`chapter`.
```

```bash
make book
```
"""


def test_counts() -> None:
    times = extension("chapter_times")
    found = times.counts(SMALL)
    # Two words | One name one formula and a source | Exercise It's a link reference
    assert (found.words, found.equations, found.cells) == (2 + 7 + 5, 1, 1)
    assert times.counts(SMALL + "\nmore words\n").words == found.words + 2
    assert times.counts(SMALL.replace(":tags: [hide-input]\n", "")).cells == 2


def test_minutes() -> None:
    times = extension("chapter_times")
    assert times.minutes(times.Counts(1200, 0, 0)) == 6
    assert times.minutes(times.Counts(600, 3, 4)) == 5  # three, one and one
    assert times.minutes(times.Counts(200 * 27, 0, 0)) == 25
    assert times.minutes(times.Counts(10, 0, 0)) == 2


def test_sentences_claim_only_what_was_measured() -> None:
    times = extension("chapter_times")
    assert times.sentences(SMALL, None, times.WORDS) == "About 2 minutes to read."
    line = times.sentences(SMALL, {"seconds": 63, "cores": 2}, times.WORDS)
    assert "about 60 seconds on 2 CPU cores" in line
    assert "about 2 minutes" in times.sentences(SMALL, {"seconds": 125, "cores": 2}, times.WORDS)


def test_the_table_of_times() -> None:
    times = json.loads((BOOK / "times.json").read_text(encoding="utf-8"))
    for name, entry in times.items():
        assert list(BOOK.glob(f"*/{name}.ipynb")), name
        assert 0 < entry["seconds"] < 1000 and entry["cores"] >= 1, name
        assert entry["machine"] and re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"]), name


def test_recording_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = script("running_times")
    monkeypatch.setattr(running, "busy", lambda cores: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    path = tmp_path / "times.json"
    assert running.record("b", 60.2, path) == "the time is recorded"
    before = path.read_bytes()
    running.record("b", 62.0, path)
    assert path.read_bytes() == before, "a small difference is none"
    running.record("a", 10.0, path)
    running.record("b", 80.0, path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert list(stored) == ["a", "b"] and stored["b"]["seconds"] == 80
    monkeypatch.setattr(running, "busy", lambda cores: True)
    assert "not recorded" in running.record("a", 20.0, path)
    assert json.loads(path.read_text(encoding="utf-8")) == stored


# Gallery


def test_the_gallery_has_every_chapter() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    notebooks = re.findall(r"book/\w+/([\w-]+)\.ipynb", toc)
    listed = re.findall(r"```\{gallery\} ([\w-]+)", (BOOK / "appendix" / "gallery.md").read_text(encoding="utf-8"))
    assert listed == notebooks


def test_what_stands_in_html_is_recognised() -> None:
    import torch

    from imggen_lib.viz import Html, diagrams, film, flipbook

    gallery = extension("gallery")
    frames = [torch.full((2, 1, 4, 4), v) for v in (-1.0, 0.0, 1.0)]
    slider = gallery.in_html(flipbook(frames, ["a", "b", "c"], alt="Black to white, and it's <fast>")._repr_html_())
    assert (slider.kind, slider.alt) == ("slider", "Black to white, and it's <fast>")
    assert (slider.grid, slider.at) == ((3, 1), (1, 0)), "three frames, the middle one is shown first"
    moving = gallery.in_html(film(frames, alt="A film")._repr_html_())
    assert (moving.kind, moving.alt) == ("film", "A film")
    demo = gallery.in_html("<div class='imggen-live' data-demo='explorer' data-options='{}'><p>A map &amp; a digit.</p></div>")
    assert (demo.kind, demo.alt, demo.data) == ("live", "A map & a digit.", None)
    drawing = gallery.in_html(diagrams.gan()._repr_html_())
    assert (drawing.kind, drawing.alt, drawing.data) == ("diagram", "The two turns of a GAN", None)
    assert gallery.in_html('<iframe title="A sheet" srcdoc=""></iframe>').kind == "sheet"
    wide = '<style>.x {}</style><div tabindex="0" role="region" aria-label="table of 19 models"><table></table></div>'
    assert gallery.in_html(wide).alt == "table of 19 models"
    assert gallery.in_html(Html("<table></table>", "table")._repr_html_()) is None


def test_sliders_are_cut_at_the_frame_that_is_shown() -> None:
    import torch

    from imggen_lib.viz import flipbook

    frames = [torch.full((1, 1, 8, 8), v) for v in (-1.0, 0.9, -1.0)]
    shown = extension("gallery").in_html(flipbook(frames, ["a", "b", "c"], alt="x" * 9)._repr_html_())
    small, _ = extension("thumbnails").small(shown.data, shown.grid, shown.at)
    with Image.open(io.BytesIO(small)) as picture:
        assert np.asarray(picture.convert("L")).mean() > 180, "the middle frame is the bright one"


def test_small_pictures_are_small_and_keep_colours() -> None:
    rng = np.random.default_rng(0)
    for height, width in ((600, 600), (60, 1200), (1200, 90), (10, 10)):
        noise = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        out = io.BytesIO()
        noise.save(out, "PNG")
        small, size = extension("thumbnails").small(out.getvalue())
        assert size[0] <= 210 and size[1] <= 140 and max(size[0] / 210, size[1] / 140) > 0.98
        assert len(small) <= 12_000
    lines = Image.new("RGB", (400, 260), "white")
    for k, colour in enumerate(("red", "blue", "green")):
        lines.paste(colour, (20, 60 + 50 * k, 380, 66 + 50 * k))
    out = io.BytesIO()
    lines.save(out, "PNG")
    with Image.open(io.BytesIO(extension("thumbnails").small(out.getvalue())[0])) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    for wanted in ((255, 0, 0), (0, 0, 255), (0, 128, 0)):
        assert np.abs(pixels - wanted).sum(1).min() < 60, wanted


def test_small_pictures_have_no_ground_if_the_large_ones_have_none() -> None:
    import torch

    from imggen_lib.viz import bars

    picture = bars({"a": torch.tensor([0.2, 0.8])}, "xy")
    with Image.open(io.BytesIO(extension("thumbnails").small(picture._repr_png_())[0])) as small:
        assert small.convert("RGBA").getpixel((0, 0))[3] == 0


def test_the_mark_of_a_test_stands_beside_the_number() -> None:
    tests = extension("equation_tests")
    known = {"a-b": tests.EquationTest(Path("x.py"), "test_a_b", "")}
    number = '<span class="eqno">(1.2)<a class="headerlink" href="#equation-{0}">#</a></span>'
    body = "".join(f'<div class="math notranslate" id="equation-{k}">\n{number.format(k)}\\[x\\]</div>' for k in ("a-b", "c"))
    found = tests.marked(body, "tests.html", "tested", known)
    mark = '<a class="equation-test" href="tests.html#test-a-b" title="test_a_b">tested</a>'
    assert found == body.replace("#</a></span>", f"#</a>{mark}</span>", 1)
    style = (BOOK / "assets" / "book.css").read_text(encoding="utf-8")
    rules = re.findall(r"^ *(?:div\.math )?\.eqno \.equation-test \{([^}]*)\}", style, re.M)
    assert rules and not any(re.search(r"display: *block", rule) for rule in rules), "a line of its own"
    assert re.search(r"^div\.math \.eqno \{[^}]*white-space: nowrap", style, re.M)


# About


def test_how_to_cite_agrees_with_the_citation_file() -> None:
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    text = (BOOK / "appendix" / "about.md").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^  (\w+)\s+= \{(.*)\},$", text, re.M))
    released = str(said["date-released"])
    assert fields == {
        "title": said["title"],
        "author": "{" + said["authors"][0]["name"] + "}",
        "version": said["version"],
        "date": released,
        "year": released[:4],
        "license": said["license"],
    }


def test_the_rule_for_reading_times_is_the_one_that_is_told() -> None:
    times = extension("chapter_times")
    text = (BOOK / "appendix" / "about.md").read_text(encoding="utf-8")
    assert f"{times.WORDS_A_MINUTE} words a minute" in text
    assert f"{times.SECONDS_AN_EQUATION} seconds for each displayed equation" in text
    assert f"{times.SECONDS_A_CELL} seconds for each code cell" in text


# Pictures have words


@pytest.mark.parametrize("notebook", sorted(BOOK.glob("*/*.ipynb")), ids=lambda p: p.stem)
def test_every_picture_of_a_cell_has_an_alt_text(notebook: Path) -> None:
    said = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data and "text/html" not in data:
                alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
                assert len(alt) >= 20, f"no alt text: {''.join(cell['source']).splitlines()[-1]}"
                said.append(alt)
    assert len(said) == len(set(said)), "two pictures with the same words"
