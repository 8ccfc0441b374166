"""What `imggen_lib` offers, found in its source without importing it: modules, classes, functions, and how their signatures read.

A signature is shown as it is written, so that ``Float[Tensor, "n c h w"]`` stays that. Names for types (``Images``) are replaced
by what they stand for, and names from other modules get their whole path, so that Sphinx can make links of them. The comment
behind a parameter or a field is its description.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "imggen_lib"
NO_WORDS = ("noqa", "type:", "fmt:", "pragma")
Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """A module's source, read once."""

    name: str
    path: Path
    tree: ast.Module
    comments: dict[int, str]  # by line; those behind code


@cache
def modules() -> dict[str, Module]:
    """The public modules by their names, in alphabetical order; ``__main__`` is none."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            text = path.read_text(encoding="utf-8")
            found[".".join(parts)] = Module(".".join(parts), path, ast.parse(text), _comments(text))
    return dict(sorted(found.items()))


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    all_of = ((t.start, t.string.lstrip("#: ")) for t in tokens if t.type == tokenize.COMMENT)
    return {line: words for (line, column), words in all_of if column and not words.startswith(NO_WORDS)}


def definitions(module: Module) -> dict[str, Definition]:
    """The public functions and classes of a module, in its order."""
    named = (node for node in module.tree.body if isinstance(node, Definition))
    return {node.name: node for node in named if not node.name.startswith("_")}


@cache
def _described(name: str) -> dict[str, str]:
    module, found = modules()[name], {}
    lines = module.path.read_text(encoding="utf-8").splitlines()
    for node in module.tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        first = node.lineno - 1
        while first and lines[first - 1].startswith("#:"):
            first -= 1
        if isinstance(target, ast.Name) and not target.id.startswith("_") and first < node.lineno - 1:
            found[target.id] = "\n".join(line.removeprefix("#:").strip() for line in lines[first : node.lineno - 1])
    return found


def described(module: Module) -> dict[str, str]:
    """The module's constants that have a description, comments that begin with ``#:``, in its order."""
    return _described(module.name)


@cache
def public() -> dict[str, str]:
    """Every public name with its whole path, and its kind: module, class, function or data."""
    found = {}
    for module in modules().values():
        found[module.name] = "module"
        for name, node in definitions(module).items():
            found[f"{module.name}.{name}"] = "class" if isinstance(node, ast.ClassDef) else "function"
        found |= {f"{module.name}.{name}": "data" for name in described(module)}
    return found


def offered(module: Module) -> list[str]:
    """The whole names of what a module defines, and of what a package hands on from its modules."""
    own = [f"{module.name}.{name}" for name in (*described(module), *definitions(module))]
    handed_on = map(defined, _imported(module.name).values() if module.path.name == "__init__.py" else ())
    return own + [whole for whole in handed_on if public().get(whole) in ("class", "function", "data")]


@cache
def _imported(module: str) -> dict[str, str]:
    """Names that a module imports from the package, and where they come from."""
    found = {}
    for node in ast.walk(modules()[module].tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def defined(whole: str) -> str:
    """Where a name is defined that a package hands on: ``imggen_lib.data.ImageSet`` is ``imggen_lib.data.imageset.ImageSet``."""
    home, _, name = whole.rpartition(".")
    while whole not in public() and home in modules() and name in _imported(home):
        whole = _imported(home)[name]
        home, _, name = whole.rpartition(".")
    return whole


@cache
def _alias(module: str, name: str) -> ast.expr | None:
    """What a module-level name such as ``Images = Float[Tensor, "n c h w"]`` stands for, with its own names replaced."""
    for node in modules()[module].tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == name and isinstance(node.value, ast.Subscript):
            return Readable(module).visit(node.value)
    return None


class Readable(ast.NodeTransformer):
    """Rewrites an annotation of a module: aliases replaced, classes of the package by their whole path."""

    def __init__(self, module: str) -> None:
        self.module = module

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """A class that is named in quotes, because it is defined further down."""
        return self.visit_Name(ast.Name(node.value)) if isinstance(node.value, str) and node.value in _known(self.module) else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        whole = defined(_imported(self.module).get(node.id, f"{self.module}.{node.id}"))
        home, _, name = whole.rpartition(".")
        if home in modules():
            stands_for = _alias(home, name)
            if stands_for is not None:
                return stands_for
            if public().get(whole) == "class":
                return ast.parse(whole, mode="eval").body
        return node


@cache
def _known(module: str) -> set[str]:
    return {*definitions(modules()[module]), *_imported(module)}


def find(whole: str) -> tuple[Module, Definition] | None:
    """The source of a class, a function or a method by its whole path."""
    parts = whole.split(".")
    for k in range(len(parts) - 1, 0, -1):
        module = modules().get(".".join(parts[:k]))
        if module is not None:
            node: ast.Module | Definition = module.tree
            for part in parts[k:]:
                inner = [n for n in node.body if isinstance(n, Definition) and n.name == part]
                if not inner:
                    return None
                node = inner[-1]
            return (module, node) if isinstance(node, Definition) else None
    return None


@dataclass(frozen=True)
class Field:
    """A field of a dataclass or a named tuple."""

    name: str
    annotation: str
    default: str
    words: str


def fields(module: Module, node: ast.ClassDef) -> list[Field]:
    """The fields of a class without those of its bases."""
    found = []
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and not part.target.id.startswith("_"):
            annotation = ast.unparse(Readable(module.name).visit(part.annotation))
            if not annotation.startswith("ClassVar"):
                default = "" if part.value is None else ast.unparse(part.value)
                default = "..." if default.startswith("field(") else default
                found.append(Field(part.target.id, annotation, default, module.comments.get(part.end_lineno or 0, "")))
    return found


def is_record(node: ast.ClassDef) -> bool:
    """Whether a class is a dataclass or a named tuple."""
    marks = [ast.unparse(part) for part in (*node.decorator_list, *node.bases)]
    return any(mark.startswith(("dataclass", "NamedTuple")) for mark in marks)


def all_fields(module: Module, node: ast.ClassDef) -> list[Field]:
    """The fields of a class after those of its bases in the package; a field that is given anew keeps its first place."""
    found: dict[str, Field] = {}
    for base in node.bases:
        name = ast.unparse(base)
        origin = find(defined(_imported(module.name).get(name, f"{module.name}.{name}")))
        if origin is not None and isinstance(origin[1], ast.ClassDef):
            found |= {field.name: field for field in all_fields(origin[0], origin[1])}
    for field in fields(module, node):
        words = field.words or (found[field.name].words if field.name in found else "")
        found[field.name] = Field(field.name, field.annotation, field.default, words)
    return list(found.values())


def _function(module: Module, node: ast.FunctionDef, method: bool) -> tuple[str, str]:
    args = ast.parse(ast.unparse(node)).body[0].args  # type: ignore[attr-defined]  # a copy to change
    static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
    if method and not static:
        (args.posonlyargs or args.args).pop(0)
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if arg is not None and arg.annotation is not None:
            arg.annotation = Readable(module.name).visit(arg.annotation)
    returns = None if node.returns is None else ast.parse(ast.unparse(node.returns), mode="eval").body
    return f"({ast.unparse(args)})", "" if returns is None else ast.unparse(Readable(module.name).visit(returns))


def signature(whole: str) -> tuple[str, str] | None:
    """The parameters in brackets, and what is returned; None where the source says nothing."""
    found = find(whole)
    if found is None:
        return None
    module, node = found
    if isinstance(node, ast.FunctionDef):
        return _function(module, node, method=whole != f"{module.name}.{node.name}")
    if is_record(node):
        shown = [f"{f.name}: {f.annotation}" + (f" = {f.default}" if f.default else "") for f in all_fields(module, node)]
        return f"({', '.join(shown)})", ""
    begin = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    return (_function(module, begin[0], method=True)[0], "") if begin else ("", "")


def parameters(whole: str) -> dict[str, str]:
    """The comments behind parameters and fields, by their names."""
    found = find(whole)
    if found is None:
        return {}
    module, node = found
    if isinstance(node, ast.ClassDef):
        if is_record(node):
            return {field.name: field.words for field in all_fields(module, node) if field.words}
        return parameters(f"{whole}.__init__") if find(f"{whole}.__init__") else {}
    args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    lines = [arg.lineno for arg in args]
    return {a.arg: module.comments[a.lineno] for a in args if a.lineno in module.comments and lines.count(a.lineno) == 1}


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line; a colon before a new sentence ends it, nothing inside of code does."""
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    for end in re.finditer(r"[.:](?=\s+[A-Z`:(])", paragraph):
        if paragraph[: end.start()].count("`") % 2 == 0 and paragraph[: end.start()].count("``") % 2 == 0:
            return paragraph[: end.start()] + "."
    return paragraph.rstrip(":.") + "."


def says(whole: str) -> str:
    """What is said of a public name in one sentence."""
    home, _, name = whole.rpartition(".")
    if whole in modules():
        return first_sentence(ast.get_docstring(modules()[whole].tree))
    if name in described(modules()[home]):
        return first_sentence(described(modules()[home])[name])
    return first_sentence(ast.get_docstring(definitions(modules()[home])[name]))


def undescribed() -> list[str]:
    """Public modules, classes and functions without a docstring: they would have a place in the reference and nothing in it."""
    found = []
    for module in modules().values():
        nodes: dict[str, ast.Module | Definition] = {module.name: module.tree}
        nodes |= {f"{module.name}.{name}": node for name, node in definitions(module).items()}
        found += [name for name, node in nodes.items() if not ast.get_docstring(node)]
    return found
