"""Repairs to what sphinx-book-theme 1.3, pydata-sphinx-theme 0.17 and sphinx-thebe put on every page.

sphinx-thebe (off in this book) declares a constant twice, which is an error in the console, and names a CDN. The theme complains in
the console when no default mode is set, and shows a dark page in light colours until its own script has run. All are known and tied
to the versions in constraints.txt. `finish_site` does the rest when the pages are written.
"""

from typing import Any

_HEAD = """{
  const page = document.documentElement.dataset;
  if (page.theme !== "light" && page.theme !== "dark")
    page.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}"""

# From the disk a page may not read another one, so the search lists titles without excerpts there.
_SEARCH = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def _tidy(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    def keep(script: Any) -> bool:
        body = script.attributes.get("body") or ""
        return "THEBE_JS_URL" not in body and "sphinx-thebe" not in str(script.filename)

    context["script_files"][:] = [script for script in context["script_files"] if keep(script)]
    context["css_files"][:] = [style for style in context["css_files"] if "sphinx-thebe" not in str(style.filename)]
    context["default_mode"] = "auto"


def _icon(app: Any, config: Any) -> None:
    """Without an icon every browser asks the server for one, in vain."""
    config.html_favicon = config.html_favicon or "book/assets/icon.svg"


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("finish_site")
    app.add_js_file(None, body=_HEAD, priority=100)
    app.add_js_file(None, body=_SEARCH, priority=300)
    app.add_js_file("pages.js", loading_method="defer", priority=800)
    app.connect("html-page-context", _tidy, priority=900)
    app.connect("config-inited", _icon)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
