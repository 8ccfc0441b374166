"""The reference: pages of `book/reference` in which ``{api}`` puts all that one module offers, and ``{api-summary}`` a table of it.

Sphinx's autodoc reads the docstrings; signatures are shown as the source has them (`api_names`), and the comments behind
parameters are their descriptions. Sources are copied into the pages (``sphinx.ext.viewcode``, read from the files, so that
nothing is imported for it); where the repository's address is known, the links lead there instead.
"""

import inspect
import os
import re
from pathlib import Path
from typing import Any

import api_names
from docutils import nodes
from docutils.statemachine import StringList
from repository import address, configured
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.ext.napoleon import Config as NapoleonConfig
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

PLACED = re.compile(r"^```\{api\} (?P<module>[\w.]+)$", re.M)
SETTINGS: dict[str, Any] = {
    "add_module_names": False,
    "autodoc_member_order": "bysource",
    "default_role": "code",
    "python_maximum_signature_line_length": 88,
    "python_use_unqualified_type_names": True,
    "toc_object_entries": False,  # every page's contents are copied into every other page while it is built
    "viewcode_follow_imported_members": False,
}
LINES = re.compile(r'(?P<start><span class="sig-paren">\(</span>\s*)<dl>(?P<inner>.*?)</dl>', re.S)
LONGEST = 60  #: Letters of a value that fit a phone.
GOOGLE = NapoleonConfig(napoleon_numpy_docstring=False)
SOURCES = {"github": "{url}/blob/{branch}/{path}#L{first}-L{last}", "gitlab": "{url}/-/blob/{branch}/{path}#L{first}-{last}"}


class _Nested(SphinxDirective):
    def parse(self, lines: list[str]) -> list[nodes.Node]:
        node = nodes.container(classes=["api"])
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, node)
        return list(node.children)

    def module(self, name: str) -> api_names.Module:
        if name not in api_names.modules():
            raise self.error(f"there is no public module {name!r}")
        module = api_names.modules()[name]
        self.env.note_dependency(str(module.path))
        return module


class Api(_Nested):
    """What one module offers, in the order of its source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.module(self.arguments[0]).name
        here = self.parse(["````{eval-rst}", f"``{name}``", "````"])
        here[0]["classes"].append("api-module")
        return here + self.parse(["````{eval-rst}", f".. automodule:: {name}", "   :members:", "   :ignore-module-all:", "````"])


class ApiSummary(_Nested):
    """For each module that stands on this page: its names and the first sentences of their descriptions."""

    def run(self) -> list[nodes.Node]:
        lines = ["````{eval-rst}"]
        for name in PLACED.findall(Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")):
            lines += [f".. py:currentmodule:: {name}", "", f":py:mod:`{name}` {api_names.says(name)}", ""]
            lines += [f"- :py:obj:`~{whole}` {api_names.says(whole)}" for whole in api_names.offered(self.module(name))] + [""]
        found = self.parse([*lines, "````"])
        for node in filter(lambda node: isinstance(node, nodes.bullet_list | nodes.paragraph), found):
            node["classes"].append("api-names" if isinstance(node, nodes.bullet_list) else "api-module")
        return found


def _signature(app: Sphinx, what: str, name: str, obj: Any, options: Any, given: str | None, returns: str | None) -> Any:
    """Called for each object: its signature as its source has it."""
    return api_names.signature(name)


def _describe(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Called for each docstring: what the comments say of the parameters goes below it."""
    if what not in ("data", "attribute"):
        lines[:] = GoogleDocstring(lines, GOOGLE, what=what).lines()  # sections such as "Raises:"
    comments = api_names.parameters(name)
    if comments:
        lines += ["", *(f":param {key}: {words.replace('*', chr(92) + '*')}" for key, words in comments.items()), ""]


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Called for each member: a class shows its methods, also those that need no words; its fields are in its signature."""
    if what != "class" or name.startswith("_"):
        return None
    function = getattr(obj, "fget", None) or getattr(obj, "func", obj)  # behind a property
    return not (inspect.isroutine(function) and str(function.__module__).startswith(api_names.PACKAGE))


def _quotes(app: Sphinx, domain: str, objtype: str, content: addnodes.desc_content) -> None:
    """Called for each object on a page: shapes in the quotes that the source has, without the space that a single axis needs.

    A constant's value is shown if it is short; the source has the others.
    """
    for signature in content.parent.findall(addnodes.desc_signature):
        for value in [v for v in signature.findall(addnodes.desc_annotation) if v.astext().lstrip().startswith("=")]:
            if len(value.astext()) > LONGEST or "Path(" in value.astext():  # a place on this machine is nobody's business
                signature.remove(value)
        for literal in signature.findall(addnodes.desc_sig_literal_string):
            text = literal.astext()
            if text[0] == text[-1] == "'" and '"' not in text:
                literal.clear()
                literal += nodes.Text(f'"{text[1:-1].strip()}"')


def _source(app: Sphinx, name: str) -> tuple[str, dict[str, Any]] | None:
    """Called by viewcode: a module's source and where its parts are, read from the file."""
    module = api_names.modules().get(name)
    if module is None:
        return None
    analyzer = ModuleAnalyzer.for_file(str(module.path), name)
    analyzer.find_tags()
    return analyzer.code, analyzer.tags


def linked(domain: str, info: dict[str, str]) -> str | None:
    """Where an object's source is in the repository; None where that is not known."""
    there = address(os.environ, configured(api_names.ROOT / "_config.yml"))
    found = api_names.find(f"{info['module']}.{info['fullname']}")
    if found is None or there.forge not in SOURCES:
        return None
    path, (first, last) = found[0].path.relative_to(api_names.ROOT).as_posix(), (found[1].lineno, found[1].end_lineno)
    return SOURCES[there.forge].format(url=there.url, branch=there.branch, path=path, first=first, last=last)


def in_lines(body: str) -> str:
    """A page's HTML with the parameters of a long signature in lines, not in a list of descriptions without terms."""

    def lines(match: re.Match[str]) -> str:
        inner = match["inner"].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
        return f'{match["start"]}<span class="sig-lines">{inner}</span>'

    return LINES.sub(lines, body)


def _lines(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Called when a page is written."""
    if app.builder.format == "html" and doctree is not None and "sig-paren" in context.get("body", ""):
        context["body"] = in_lines(context["body"])


def _configure(app: Sphinx, config: Config) -> None:
    for name, value in SETTINGS.items():
        setattr(config, name, value)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    there = address(os.environ, configured(api_names.ROOT / "_config.yml"))
    for extension in ("autodoc", "linkcode" if there.forge in SOURCES else "viewcode"):
        app.setup_extension(f"sphinx.ext.{extension}")
    app.add_directive("api", Api)
    app.add_directive("api-summary", ApiSummary)
    app.add_css_file("reference.css")
    app.connect("config-inited", _configure)
    if there.forge in SOURCES:
        app.config.linkcode_resolve = linked  # type: ignore[attr-defined]
    else:
        app.connect("viewcode-find-source", _source)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _describe)
    app.connect("autodoc-skip-member", _skip)
    app.connect("object-description-transform", _quotes)
    app.connect("html-page-context", _lines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
