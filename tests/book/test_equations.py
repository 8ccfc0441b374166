"""One test for each equation, one equation for each test; and no equation without a label."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = sorted((ROOT / "book").glob("*/*.md"))


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    spec = importlib.util.spec_from_file_location("equation_tests", ROOT / "book" / "_ext" / "equation_tests.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_every_display_equation_has_a_label_of_its_own(extension: ModuleType) -> None:
    labels = [e.label for text in TEXTS for e in extension.equations(text)]
    assert len(labels) > 30 and None not in labels
    assert len(labels) == len(set(labels))


def test_no_other_way_to_write_a_display_equation(extension: ModuleType) -> None:
    for text in TEXTS:
        prose = extension.prose(text.read_text(encoding="utf-8"))
        rest = extension.DISPLAY.sub("", prose)
        assert "$$" not in rest and "\\begin{" not in rest and "```{math}" not in rest, text.name


DEFINITIONS = {
    *("gen-bits", "opt-glo-objective", "opt-laplacian", "opt-lap1", "opt-gram", "opt-gram-loss", "opt-style"),
    *("gan-game", "gan-js", "gan-f-divergence", "gan-gradient-penalty", "gan-relativistic", "gan-zero-centred"),
    *("vae-marginal", "vae-beta-objective", "vae-free-bits"),
    *("eval-psnr", "eval-ssim", "eval-contrast", "eval-kernel-distance", "eval-precision-recall", "eval-entropy-score"),
    *("eval-gaussian-kernel", "eval-curve", "eval-authenticity", "eval-feature-likelihood"),
    *("results-welch", "results-usefulness", "people-rater-model", "people-alpha"),
    *("flow-path", "flow-field", "flow-ode", "flow-solvers", "flow-guidance", "flow-straightness", "flow-mean-velocity"),
    "fin-ssvi",
    "lat-mean-velocity",
    *("cre-novelty", "cre-ratio", "cre-style-ambiguity", "cre-slerp", "practice-gan-losses", "speed-fraction"),
    "sentence-attention",
    *("small-quantiser", "small-student"),
}
# Chapters in which every formula that is no definition has its proof.
PROVED = (
    *("background", "optimisation", "gan_theory", "vae_theory", "gan_practice", "vae_practice", "speed"),
    *("evaluation", "results", "people", "creativity"),
    *("smaller", "flow", "generators", "sentence", "finance", "education"),
)

# Of these, chapters with a table of letters and two exercises with pencil and paper at least.
LETTERED = tuple(name for name in PROVED if name not in ("background", "optimisation"))


def test_every_formula_that_is_no_definition_has_a_proof(extension: ModuleType) -> None:
    for name in PROVED:
        text = next(path for path in TEXTS if path.stem == name)
        labels = {e.label for e in extension.equations(text)}
        proofs = re.findall(
            r"^:::+\{admonition\} Proof of \{eq\}`([\w-]+)`\n:class: dropdown proof\n", text.read_text("utf-8"), re.M
        )
        assert sorted(proofs) == sorted(labels - DEFINITIONS), name


def test_definitions_are_equations_of_these_chapters(extension: ModuleType) -> None:
    assert {e.label for text in TEXTS if text.stem in PROVED for e in extension.equations(text)} >= DEFINITIONS


def test_these_chapters_list_their_letters_once_and_have_exercises_with_pencil_and_paper() -> None:
    for name in LETTERED:
        text = next(path for path in TEXTS if path.stem == name).read_text("utf-8")
        exercises = re.findall(r"^```\{admonition\} With pencil and paper: .+\n:class: exercise pencil\n", text, re.M)
        solutions = re.findall(r"^```+\{admonition\} Solution\n:class: dropdown pencil-solution\n", text, re.M)
        assert len(exercises) == len(solutions) >= 2, name
        table = re.search(r"^## Notation\n.*?^\| --- \| --- \|\n(.*?)\n\n", text, re.M | re.S)
        assert table is not None and "(#notation)" in text, name
        letters = [letter for row in table[1].splitlines() for letter in re.findall(r"\$([^$]+)\$", row.split(" | ")[0])]
        assert len(letters) == len(set(letters)) >= 4, (name, sorted(x for x in letters if letters.count(x) > 1))


def test_no_fence_of_backticks_has_backticks_in_its_title() -> None:
    """CommonMark takes such a line for text and the fence's end for a beginning: colons open a box with a role in its title."""
    for text in TEXTS:
        assert not re.findall(r"^```+\{.*`.*$", text.read_text(encoding="utf-8"), re.M), text.name


def test_steps_of_proofs_and_pencil_solutions_have_no_label(extension: ModuleType) -> None:
    bodies = [body for text in TEXTS for body in extension.steps(text.read_text(encoding="utf-8"))]
    assert len(bodies) > 20
    for body in bodies:
        assert not [m for m in extension.DISPLAY.finditer(body) if m["label"]] and body.count("$$") % 2 == 0
        assert "\\label" not in body and "```{math}" not in body


BOXES = """before

```{admonition} Proof of {eq}`a`
:class: dropdown proof
Because

$$
x = y
$$
```

````{admonition} Solution
:class: dropdown pencil-solution

$$
y = z
$$
````

```{admonition} Exercise
:class: tip
$$
z = a
$$
```

```{admonition} Waterproof
:class: waterproof

$$
a = b
$$ (b)
```
"""


def test_only_proofs_and_pencil_solutions_are_exempt(extension: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BOXES, encoding="utf-8")
    assert [(e.label, e.latex) for e in extension.equations(tmp_path / "a.md")] == [(None, "z = a"), ("b", "a = b")]
    assert ["x = y" in body or "y = z" in body for body in extension.steps(BOXES)] == [True, True]


def test_every_label_has_a_test_and_every_test_a_label(extension: ModuleType) -> None:
    labels = {e.label for text in TEXTS for e in extension.equations(text)}
    tests = set(extension.tests())
    assert labels - tests == set(), "equations without a test"
    assert tests - labels == set(), "tests without an equation"


def test_every_test_says_how_it_checks_and_states_the_formula(extension: ModuleType) -> None:
    for label, test in extension.tests().items():
        assert test.says.endswith("."), label
        text = test.path.read_text(encoding="utf-8")
        function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == test.function)
        lines = text.splitlines()[function.lineno - 1 : function.end_lineno]
        assert any(line.endswith("# claim") for line in lines), f"{label}: no line states the formula"


def test_what_refers_to_an_equation_finds_it(extension: ModuleType) -> None:
    labels = {e.label for text in TEXTS for e in extension.equations(text)}
    for text in TEXTS:
        assert set(re.findall(r"\{eq\}`([\w-]+)`", text.read_text(encoding="utf-8"))) <= labels, text.name


def test_the_appendix_lists_every_chapter_with_equations(extension: ModuleType) -> None:
    page = (ROOT / "book" / "appendix" / "equations.md").read_text(encoding="utf-8")
    listed = re.findall(r"\{equation-tests\} (\w+)", page)
    assert sorted(listed) == sorted(text.stem for text in TEXTS if extension.equations(text))
