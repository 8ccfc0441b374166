"""In a chapter the first `code` that is a public name of the library leads to the reference, and so do the names in imports.

A name is meant where only one thing of the library can be: ``imggen_lib.losses.gan``, ``losses/gan.py``, ``GanConfig``,
``frechet_distance``, ``ImageSet.from_float``, ``load("glyphs")``. A word of ordinary language (``features``) is none unless it is
called. In code cells the lines ``from imggen_lib.x import y`` say exactly what they mean, and their names are linked there.
"""

import re
from functools import cache
from typing import Any

import api_names
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

NAME = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?P<call>\(.*\))?", re.S)
PATH = re.compile(r"(?P<package>imggen_lib/)?(?P<path>\w+(?:/\w+)*)(?:\.py|/)")
IMPORT = re.compile(
    r'<span class="kn">from</span>(?P<space>(?:<span class="w">\s*</span>|\s+))<span class="nn">(?P<module>imggen_lib[\w.]*)</span>'
    r'(?P<rest>.*?)(?=\n(?!\s|<span class="p">\))|</pre>)',
    re.S,
)
INSIDE = re.compile(r'<span class="n">(?P<name>\w+)</span>')


@cache
def names() -> dict[str, set[str]]:
    """Every way to say a public name, from its last word to the whole, and what may be meant by it."""
    found: dict[str, set[str]] = {}
    known = {whole: whole for whole in api_names.public()}
    for module in api_names.modules().values():
        known |= {f"{module.name}.{whole.rpartition('.')[2]}": whole for whole in api_names.offered(module)}
    for said, whole in known.items():
        parts = said.split(".")
        for k in range(len(parts)):
            found.setdefault(".".join(parts[k:]), set()).add(whole)
    return found


def distinct(name: str) -> bool:
    """Whether a bare name is no word of ordinary language."""
    return "_" in name or name != name.lower()


def meant(code: str) -> str | None:
    """The whole name of what a piece of inline code names, or None."""
    path, match = PATH.fullmatch(code), NAME.fullmatch(code)
    if path is not None:
        whole = f"{api_names.PACKAGE}.{path['path'].replace('/', '.')}"
        return whole if whole in api_names.modules() and (path["package"] or code.endswith(".py")) else None
    if match is None:
        return None
    name = match["name"]
    if whole := _only(names().get(name, set()), name):
        return whole if "." in name or distinct(name) or match["call"] else None
    owner, _, method = name.rpartition(".")
    whole = _only(names().get(owner, set()), owner) if owner else None
    if whole and api_names.public()[whole] == "class" and not method.startswith("_") and api_names.find(f"{whole}.{method}"):
        return f"{whole}.{method}"
    return None


def _only(found: set[str], name: str) -> str | None:
    """The one thing that may be meant; where the package itself offers one by this name, that one."""
    offered = {whole for whole in api_names.offered(api_names.modules()[api_names.PACKAGE]) if whole.endswith(f".{name}")}
    found = found & offered or found
    return next(iter(found)) if len(found) == 1 else None


def _link(app: Sphinx, doctree: nodes.document) -> None:
    """Called when a page has been read."""
    if next(iter(doctree.findall(addnodes.desc)), None) is not None:
        return  # a page of the reference itself
    seen: set[str] = set()
    for literal in list(doctree.findall(nodes.literal)):
        around, node = [], literal.parent
        while node is not None:
            around.append(node)
            node = node.parent
        if any(isinstance(node, nodes.reference | addnodes.pending_xref | nodes.title) for node in around):
            continue
        whole = meant(literal.astext())
        if whole is None or whole in seen:
            continue
        seen.add(whole)
        link = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=whole, refdoc=app.env.docname, refexplicit=True, refwarn=True
        )
        literal.replace_self(link)
        link += literal


def linked_imports(body: str, address: Any) -> str:
    """A page's HTML with links on what its code cells import; ``address(whole)`` is where a name is described, or None."""

    def anchor(whole: str, words: str) -> str:
        there = address(whole)
        return words if there is None else f'<a class="api-import" href="{there}" title="{whole}">{words}</a>'

    def line(match: re.Match[str]) -> str:
        module = match["module"]

        def name(part: re.Match[str]) -> str:
            found = names().get(f"{module}.{part['name']}", set())
            return anchor(next(iter(found)), part[0]) if len(found) == 1 else part[0]

        head = f'<span class="kn">from</span>{match["space"]}' + anchor(module, f'<span class="nn">{module}</span>')
        return head + INSIDE.sub(name, match["rest"])

    return IMPORT.sub(line, body)


def _imports(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Called when a page is written."""
    if app.builder.format != "html" or doctree is None or 'class="nn">imggen_lib' not in context.get("body", ""):
        return
    objects = app.env.get_domain("py").objects

    def address(whole: str) -> str | None:
        entry = objects.get(whole)
        return None if entry is None else f"{app.builder.get_relative_uri(pagename, entry.docname)}#{entry.node_id}"

    context["body"] = linked_imports(context["body"], address)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-read", _link, priority=700)
    app.connect("html-page-context", _imports)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
