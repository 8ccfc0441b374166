"""Do the equations' tests bite? Change each stated formula in small ways and see whether its test fails.

The formulas are the statements that end in ``# claim`` in ``tests/equations/``. A mutant changes one operator or one number of one
such statement (cosmic-ray's operators), and only that test is run, in this process. A mutant is *caught* when an assertion fails
or the test stops with an error; the two are counted apart. With ``--library`` the functions of ``losses/`` and ``theory/``
are changed as well, and a mutant is caught when any of the tests that name the function fails. With ``--exercises`` the chapters
are run, and the solutions of their exercises are changed: a mutant is caught when the exercise's check does not say "right".

``make mutants`` prints the survivors and fails under 90 %.
"""

import argparse
import ast
import contextlib
import importlib
import importlib.util
import inspect
import io
import signal
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parents[2]
NEEDED = 0.9
LIMIT = 60  # seconds for one test
PAIRS = ("Add_Sub", "Add_Mul", "Sub_Add", "Sub_Mul", "Mul_Div", "Mul_Add", "Div_Mul", "Div_Sub", "Pow_Mul", "Pow_Div")
COMPARISONS = ("Lt_Gt", "Gt_Lt", "LtE_GtE", "GtE_LtE", "Eq_NotEq")
OPERATORS = [
    *[f"core/ReplaceBinaryOperator_{pair}" for pair in PAIRS],
    *[f"core/ReplaceComparisonOperator_{pair}" for pair in COMPARISONS],
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/NumberReplacer",
]
LIBRARY = ("losses.gan", "losses.vae", "losses.image", "theory.divergences", "theory.dirac", "theory.linear_vae", "theory.mixture")


def mutants(statement: str) -> Iterator[str]:
    """Every version of a statement with one operator or number changed."""
    seen = {statement}
    for name in OPERATORS:
        operator = get_operator(name)()
        for occurrence in range(100):
            changed = mutate_code(statement, operator, occurrence)
            if changed is None:
                break
            if changed not in seen:
                seen.add(changed)
                yield changed


def statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The innermost simple statements of a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            yield node


def replaced(source: str, node: ast.stmt, text: str) -> str:
    """The source with one statement exchanged; the number of lines stays."""
    lines = source.splitlines()
    assert node.end_lineno is not None
    body = textwrap.indent(text, " " * node.col_offset).rstrip("\n").splitlines()
    lines[node.lineno - 1 : node.end_lineno] = body
    return "\n".join(lines) + "\n"


def own_text(source: str, node: ast.stmt) -> str:
    assert node.end_lineno is not None
    return textwrap.dedent("\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])) + "\n"


def loaded(source: str, path: Path) -> dict[str, Any]:
    """A test module's names, from source that may be a mutant's."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module.__dict__


def outcome(test: Any) -> str:
    """``survived``, ``caught`` by an assertion, or the kind of error."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test()
    except AssertionError:
        return "caught"
    except Exception:
        return "error"
    finally:
        signal.alarm(0)
    return "survived"


def claims(path: Path) -> tuple[Counter[str], list[str]]:
    """Mutate the claims of one file of equation tests."""
    source, counts, survivors = path.read_text(encoding="utf-8"), Counter[str](), []
    lines = source.splitlines()
    for function in ast.parse(source).body:
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        if outcome(loaded(source, path)[function.name]) != "survived":
            raise SystemExit(f"{function.name} fails as it stands")
        for node in statements(function):
            if not any(line.endswith("# claim") for line in lines[node.lineno - 1 : node.end_lineno]):
                continue
            original = own_text(source, node)
            for text in mutants(original):
                result = outcome(loaded(replaced(source, node, text), path)[function.name])
                counts[result] += 1
                if result == "survived":
                    survivors.append(f"{path.name}: {function.name}: {' '.join(text.split())}")
    return counts, survivors


def library(name: str, tests: dict[str, tuple[Any, str]]) -> tuple[Counter[str], list[str]]:
    """Mutate the functions of one library module; run the equation tests whose source names the function, or else all."""
    try:
        module = importlib.import_module(f"imggen_lib.{name}")
    except ModuleNotFoundError:
        return Counter(), []
    path = Path(str(module.__file__))
    source, counts, survivors = path.read_text(encoding="utf-8"), Counter[str](), []
    for function in ast.parse(source).body:
        if not isinstance(function, ast.FunctionDef) or function.name.startswith("_check"):
            continue
        original = inspect.unwrap(getattr(module, function.name))
        kept = original.__code__
        naming = [test for test, text in tests.values() if function.name in text]
        for node in statements(function):
            if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                continue
            for text in mutants(own_text(source, node)):
                names = dict(vars(module))
                exec(compile(replaced(source, node, text), str(path), "exec"), names)
                original.__code__ = inspect.unwrap(names[function.name]).__code__
                results = (outcome(test) for test in naming or [t for t, _ in tests.values()])
                result = next((r for r in results if r != "survived"), "survived")
                original.__code__ = kept
                counts[result] += 1
                if result == "survived":
                    survivors.append(f"{name}: {function.name}: {' '.join(text.split())}")
    return counts, survivors


def exercises(path: Path) -> tuple[Counter[str], list[str]]:
    """Run a chapter's cells in this process, and mutate the solutions on the way."""
    import json

    names: dict[str, Any] = {"__name__": "__main__"}
    counts, survivors = Counter[str](), []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        for text in _wrong_solutions(source) if "solution" in cell["metadata"].get("tags", []) else ():
            out = io.StringIO()

            def run(text: str = text, out: io.StringIO = out) -> None:
                with contextlib.redirect_stdout(out):
                    exec(compile(text, path.stem, "exec"), dict(names))
                assert out.getvalue().startswith("right")

            result = "survived" if outcome(run) == "survived" else "error" if "Error:" in out.getvalue() else "caught"
            counts[result] += 1
            if result == "survived":
                changed = set(text.splitlines()) - set(source.splitlines())
                survivors.append(f"{path.stem}: {' '.join(' '.join(changed).split())}")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(source, path.stem, "exec"), names)
    return counts, survivors


def _wrong_solutions(source: str) -> Iterator[str]:
    """A solution cell with one operator or number of the part that the reader writes changed."""
    lines, inside, theirs = source.splitlines(), False, set()
    for number, line in enumerate(lines, start=1):
        word = line.strip()
        inside = word == "# solution" or (inside and word != "# end")
        if inside or word.endswith("# solution"):
            theirs.add(number)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body") and node.lineno in theirs:
            for text in mutants(own_text(source, node)):
                yield replaced(source, node, text)


def report(name: str, counts: Counter[str]) -> float:
    total = sum(counts.values())
    share = 1 - counts["survived"] / total if total else 1.0
    detail = f"{counts['caught']} by an assertion, {counts['error']} by an error, {counts['survived']} survived"
    print(f"{name:34} {total:4} mutants: {share:6.1%} caught ({detail})", flush=True)
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="default: all of tests/equations")
    parser.add_argument("--library", action="store_true", help="change the library's functions, too")
    parser.add_argument(
        "--exercises",
        nargs="*",
        metavar="CHAPTER",
        help="change the solutions of exercises, too; runs these chapters (default: all)",
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    files = args.files or sorted((ROOT / "tests" / "equations").glob("test_*.py"))
    total, survivors = Counter[str](), list[str]()
    for path in files:
        counts, alive = claims(path)
        report(path.name, counts)
        total += counts
        survivors += alive
    if args.library:
        tests: dict[str, tuple[Any, str]] = {}
        for path in files:
            names = loaded(path.read_text(encoding="utf-8"), path)
            tests |= {k: (v, inspect.getsource(v)) for k, v in names.items() if k.startswith("test_")}
        for name in LIBRARY:
            counts, alive = library(name, tests)
            report(name, counts)
            survivors += alive
    if args.exercises is not None:
        for path in sorted((ROOT / "book").glob("*/*.ipynb")):
            if args.exercises and path.stem not in args.exercises:
                continue
            counts, alive = exercises(path)
            if counts:
                report(path.stem, counts)
                survivors += alive
    print("\n".join(survivors))
    if report("claims in all", total) < NEEDED:
        sys.exit(1)


if __name__ == "__main__":
    main()
