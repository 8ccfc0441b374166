"""Two repairs to what sphinx-book-theme 1.3 and sphinx-thebe put on every page.

sphinx-thebe (off in this book) declares a constant twice, which is an error in the console, and names a CDN; and FontAwesome's
script replaces the icons inside widgets, which breaks them. Both are known and tied to the versions in constraints.txt.
"""

from typing import Any

_FONTAWESOME = "window.FontAwesomeConfig = {observeMutations: false};"


def _tidy(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    def keep(script: Any) -> bool:
        body = script.attributes.get("body") or ""
        return "THEBE_JS_URL" not in body and "sphinx-thebe" not in str(script.filename)

    context["script_files"][:] = [script for script in context["script_files"] if keep(script)]


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_js_file(None, body=_FONTAWESOME, priority=100)
    app.connect("html-page-context", _tidy, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
