"""The reference has a place for everything that is public, signatures read as the source does, and chapters link to it."""

import ast
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "book" / "reference"
SPAN = '<span class="{}">{}</span>'


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of ``book/_ext`` by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    import importlib

    return importlib.import_module


@pytest.fixture
def names(extension: Any) -> ModuleType:
    module: ModuleType = extension("api_names")
    return module


def placed(folder: Path, reference: ModuleType) -> list[str]:
    """The modules that the pages of a folder show."""
    return [name for page in sorted(folder.glob("*.md")) for name in reference.PLACED.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.filterwarnings("ignore")
def test_every_public_module_has_one_place(extension: Any, names: ModuleType) -> None:
    shown = placed(PAGES, extension("api_reference"))
    assert sorted(shown) == sorted(names.modules()), "a module without a place in book/reference, or with two"
    for page in PAGES.glob("*.md"):
        if "```{api} " in (text := page.read_text(encoding="utf-8")):
            assert text.count("```{api-summary}") == 1, page.name


def test_every_public_name_says_what_it_is(names: ModuleType) -> None:
    assert names.undescribed() == []
    assert all(len(names.says(whole)) > 5 for whole in names.public())


def test_what_has_no_place_or_no_words_is_found(names: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    source = '"""A module."""\n\n#: A number.\nSIZE = 3\nOTHER = 4\n'
    source += '\ndef told():\n    """Words."""\n\ndef untold(): ...\n\ndef _own(): ...\n'
    path = ROOT / "imggen_lib" / "newcomer.py"
    monkeypatch.setattr(Path, "read_text", lambda self, **_: source)
    newcomer = names.Module("imggen_lib.newcomer", path, ast.parse(source), {})
    known = names.modules()
    monkeypatch.setattr(names, "modules", lambda: {**known, newcomer.name: newcomer})
    assert names.undescribed() == ["imggen_lib.newcomer.untold"]
    names.public.cache_clear()
    try:
        new = {name for name in names.public() if "newcomer" in name}
    finally:
        names.public.cache_clear()
    assert new == {"imggen_lib.newcomer" + rest for rest in ("", ".SIZE", ".told", ".untold")}


def test_the_reference_is_in_the_table_of_contents() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    part = next(part for part in toc["parts"] if part["caption"] == "Reference")
    listed = {Path(entry["file"]).stem for chapter in part["chapters"] for entry in [chapter, *chapter["sections"]]}
    assert listed == {page.stem for page in PAGES.glob("*.md")}


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("losses.gan.gradient_penalty", ["critic: Callable[[Tensor], Tensor]"]),
        ("losses.gan.gradient_penalty", ["real: Float[Tensor, 'n c h w']", "t: Float[Tensor, ' n']"]),
        ("models.gan.ConvCritic", ["(image_shape: tuple[int, int, int], width: int=32"]),
        ("models.gan.ConvCritic.forward", ["(x: Float[Tensor, 'n c h w'], labels: Int[Tensor, ' n'] | None=None)"]),
        ("data.imageset.ImageSet.from_float", ["(images: Tensor, labels: Tensor | None=None"]),
        ("configs.gan.GanConfig", ["image_shape: tuple[int, int, int] = (1, 28, 28)", "loss: Thing = 'relativistic'"]),
        ("metrics.distribution.frechet_distance", ["real: imggen_lib.metrics.distribution.Statistics"]),
        ("train.state.GanState", ["generator_loss: Tensor = ..."]),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_source(names: ModuleType, whole: str, parts: list[str]) -> None:
    shown, _ = names.signature(f"imggen_lib.{whole}")
    assert all(part in shown for part in parts), shown


def test_comments_describe_parameters_and_fields(names: ModuleType) -> None:
    assert names.parameters("imggen_lib.train.gan.train_gan")["gp"] == "weight of the WGAN-GP penalty, usually 10"
    fields = names.parameters("imggen_lib.configs.gan.GanConfig")
    assert "lr" not in fields and fields["width"].startswith("conv: channels"), "also those of a base"
    assert names.parameters("imggen_lib.losses.gan.GanLoss").keys() == {"paired", "steep", "middle"}


def test_a_sentence_ends_where_it_ends(names: ModuleType) -> None:
    assert names.first_sentence("One thing. Another\nthing.\n\nMore.") == "One thing."
    assert names.first_sentence("A loss: Lim and Ye 2017.") == "A loss."
    assert names.first_sentence("Raises ``a. B`` and\nmore") == "Raises ``a. B`` and more."
    assert names.first_sentence(None) == "."


@pytest.mark.parametrize(
    ("code", "whole"),
    [
        ("frechet_distance", "metrics.distribution.frechet_distance"),
        ("GanConfig", "configs.gan.GanConfig"),
        ("GanConfig(batch=32)", "configs.gan.GanConfig"),
        ("ImageSet.from_float", "data.imageset.ImageSet.from_float"),
        ('load("glyphs")', "data.sources.load"),
        ("imggen_lib.load", "data.sources.load"),
        ("imggen_lib.metrics", "metrics"),
        ("losses/gan.py", "losses.gan"),
        ("imggen_lib/train/", "train"),
        ("twosample.kernel_distance", "metrics.twosample.kernel_distance"),
        ("viz.grid", "viz.sheets.grid"),
    ],
)
def test_a_name_is_understood(extension: Any, code: str, whole: str) -> None:
    assert extension("api_links").meant(code) == f"imggen_lib.{whole}"


@pytest.mark.parametrize(
    "code", ["features", "real", "load", "blur(x)", "x + y", "torch.load", "data/", "ImageSet._own", "no_such_name"]
)
def test_what_may_be_something_else_is_left_alone(extension: Any, code: str) -> None:
    assert extension("api_links").meant(code) is None


def test_the_first_mention_alone_becomes_a_link(extension: Any) -> None:
    from types import SimpleNamespace

    from docutils import nodes
    from docutils.utils import new_document
    from sphinx import addnodes

    page = new_document("page")
    said = ("GanConfig", "features", "GanConfig(batch=1)", "GanLoss")
    title = nodes.title("", "", nodes.literal("", "GanConfig"))
    mentions = [nodes.paragraph("", "", nodes.literal("", text)) for text in said]
    page += nodes.section("", title, *mentions)
    extension("api_links")._link(SimpleNamespace(env=SimpleNamespace(docname="page")), page)
    links = list(page.findall(addnodes.pending_xref))
    assert [link["reftarget"] for link in links] == ["imggen_lib.configs.gan.GanConfig", "imggen_lib.losses.gan.GanLoss"]
    assert links[0].parent is mentions[0] and links[0].astext() == "GanConfig"


def test_imports_in_cells_are_links(extension: Any) -> None:
    def line(module: str, *imported: str) -> str:
        start = f'{SPAN.format("kn", "from")}<span class="w"> </span>{SPAN.format("nn", module)}'
        listed = SPAN.format("p", ",").join(SPAN.format("n", name) for name in imported)
        return f'{start}<span class="w"> </span>{SPAN.format("kn", "import")} {listed}\n'

    code = line("imggen_lib.viz", "grid", "nothing") + line("torch", "nn") + SPAN.format("n", "grid") + "</pre>"
    found = extension("api_links").linked_imports(code, lambda whole: f"there#{whole}")
    assert re.findall(r'href="there#([^"]*)"', found) == ["imggen_lib.viz", "imggen_lib.viz.sheets.grid"]
    assert re.sub(r"</?a\b[^>]*>", "", found) == code, "nothing else is changed"


@pytest.mark.filterwarnings("ignore")
def test_sources_are_linked_where_the_repository_is(extension: Any, names: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = extension("api_reference")
    monkeypatch.setenv("REPO", "https://github.com/somebody/book")
    monkeypatch.setenv("REPO_BRANCH", "main")
    there = reference.linked("py", {"module": "imggen_lib.losses.gan", "fullname": "gradient_penalty"})
    node = names.find("imggen_lib.losses.gan.gradient_penalty")[1]
    assert there == f"https://github.com/somebody/book/blob/main/imggen_lib/losses/gan.py#L{node.lineno}-L{node.end_lineno}"
    assert reference.linked("py", {"module": "imggen_lib.losses.gan", "fullname": "minimax"}) is None
    monkeypatch.setenv("REPO", "https://forge.example.org/somebody/book")
    assert reference.linked("py", {"module": "imggen_lib.losses.gan", "fullname": "gradient_penalty"}) is None


@pytest.mark.filterwarnings("ignore")
def test_a_long_signature_is_no_list_without_terms(extension: Any) -> None:
    inner = f"<dl>\n<dd><em>{SPAN.format('n', 'x')}</em>,</dd>\n</dl>\n"
    found = extension("api_reference").in_lines(
        f"<dt>{SPAN.format('sig-paren', '(')}\n\n{inner})</dt><dd><dl><dd>kept</dd></dl></dd>"
    )
    assert found.count("<dl>") == 1 and '<span class="sig-line"><em>' in found and "<dd>kept</dd>" in found
