"""Live demos in the pages: a script a demo, the weights that a page names, and the directive ``{live}``.

A mount (``<div class='imggen-live' ...>``) comes from a notebook's stored output or from the directive::

    ```{live} explorer
    :model: mnist-vae-map
    :walk: true
    ```

whose options are the arguments of ``imggen_lib.live.explorer``, written as JSON or as plain words. Weights are exported once to
``_static/live/NAME.js`` and kept from build to build. A page loads at most 500 kB of them (gzip) by itself: the demos behind that
wait for the reader's click, and other models of a list come when they are chosen; both say how many kB they will load.
``live_words`` in the configuration replaces texts of the demos: ``{demo: {key: text}}``.
"""

import gzip
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from imggen_lib import checkpoint, live
from imggen_lib.live import shipped
from imggen_lib.live.base import DEMOS, HERE, LATER, files_of, page_script

LIMIT = 500_000
MOUNT = re.compile(r"<div class='imggen-live' data-demo='(?P<demo>\w+)' data-options='(?P<options>[^']*)'")


class _AnyOption(dict):
    """Accepts every option; the demo's function says which it knows."""

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return lambda text: text

    def __contains__(self, name: object) -> bool:
        return True


def _value(text: str | None) -> Any:
    try:
        return json.loads(text or "true")
    except ValueError:
        return text


class LiveDemo(SphinxDirective):
    """A demo in a page without code."""

    required_arguments = 1
    option_spec = _AnyOption()

    def run(self) -> list[nodes.Node]:
        demo = self.arguments[0]
        if demo not in DEMOS:
            raise self.error(f"the live demos are {', '.join(DEMOS)}; got {demo!r}")
        try:
            widget = getattr(live, demo)(**{name: _value(text) for name, text in self.options.items()})
        except (TypeError, ValueError) as error:
            raise self.error(str(error)) from error
        return [nodes.raw("", widget.html(), format="html")]


def _key(name: str) -> str:
    """Changes when the exported file would."""
    if name in shipped.STORED:
        file = shipped.STORED[name]()
        return hashlib.sha256(json.dumps(file["spec"]).encode() + file["bytes"]).hexdigest()[:16]
    model = name.removesuffix(shipped.BOTH)
    said = [json.dumps(checkpoint.pretrained(model).meta["weights"])]
    sources = [(HERE / f"{part}.py").read_text(encoding="utf-8") for part in ("layers", "pack", "shipped", "wire")]
    sources.append((HERE.parent / "compress" / "calibrate.py").read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join([*said, json.dumps(shipped.known(model)), *sources]).encode()).hexdigest()[:16]


def export(name: str, folder: Path) -> int:
    """Write a file as a script, if it is not there; its size in bytes of gzip."""
    path, first = folder / f"{name}.js", f"// {_key(name)}\n"
    if not path.exists() or not path.read_text(encoding="utf-8").startswith(first):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(first + shipped.script(name, shipped.packed_file(name)), encoding="utf-8")
    return len(gzip.compress(path.read_bytes()))


def _demos(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give pages the scripts of their demos, hold back what would make them heavy, and fetch what is seen first."""
    body = context.get("body", "")
    if app.builder.format != "html" or app.builder.name == "epub" or not MOUNT.search(body):
        return
    folder, loaded, total = Path(app.outdir) / "_static" / "live", list[str](), 0

    def held(match: re.Match[str]) -> str:
        nonlocal total
        options = json.loads(html.unescape(match["options"]))
        offered = {name: round(export(name, folder) / 1000) for name in (*options.get("choices", []), *options.get(LATER, []))}
        sizes = {name: export(name, folder) for name in files_of(options)}
        said = f"{match[0]} data-sizes='{json.dumps(offered)}'" if offered else match[0]
        more = sum(size for name, size in sizes.items() if name not in loaded)
        if total + more > LIMIT:
            return f"{said} data-hold='{round(more / 1000)}'"
        total += more
        loaded.extend(name for name in sizes if name not in loaded)
        return said

    context["body"] = MOUNT.sub(held, body)
    first = MOUNT.search(context["body"])
    assert first is not None
    waits = "data-hold=" in context["body"][first.end() : context["body"].index(">", first.end())]
    for name in [] if waits else files_of(json.loads(html.unescape(first["options"]))):
        app.add_js_file(f"live/{name}.js", loading_method="defer", priority=900)
    for demo in dict.fromkeys(match["demo"] for match in MOUNT.finditer(body)):
        app.add_js_file(f"live/demo-{demo}.js", loading_method="defer", priority=901)


def _scripts(app: Sphinx) -> None:
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "live"
        folder.mkdir(parents=True, exist_ok=True)
        words = f"window.imggenLiveWords = {json.dumps(app.config.live_words)};\n" if app.config.live_words else ""
        for demo in DEMOS:
            (folder / f"demo-{demo}.js").write_text(words + page_script(demo), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("live_words", {}, "html")
    app.add_directive("live", LiveDemo)
    app.connect("builder-inited", _scripts)
    app.connect("html-page-context", _demos)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
