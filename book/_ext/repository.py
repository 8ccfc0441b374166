"""Buttons that need the repository's address: launch on Colab and Binder, the repository, an issue. Without it there are none.

The address is what `scripts/write/forge.py` finds: ``make book REPO=https://github.com/OWNER/NAME``, else the variables of the
forge that builds the book, else ``repository:`` in ``_config.yml``.
"""

import os
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

sys.path.append(str(Path(__file__).parents[2] / "scripts" / "write"))
from forge import NOTEBOOKS, Address, address, configured

NONE: dict[str, Any] = {
    "repository_url": "",
    "use_repository_button": False,
    "use_issues_button": False,
    "launch_buttons": {},
}


def options(there: Address) -> dict[str, Any]:
    """The options of sphinx-book-theme for an address.

    Colab reads from github.com only. There the buttons open the branch that the forge's workflow makes from the built book
    (`scripts/site/branch.py`): the same notebooks with ordinary Markdown. Binder is offered for github.com and gitlab.com, without
    subgroups: the theme's link for any other address is wrong.
    """
    if not there.url:
        return NONE
    host, *path = there.url.split("/")[2:]
    launch = {"notebook_interface": "jupyterlab"}
    if host in ("github.com", "gitlab.com") and len(path) == 2:
        launch["binderhub_url"] = "https://mybinder.org"
    if host == "github.com":
        launch["colab_url"] = "https://colab.research.google.com"
    return {
        "repository_url": there.url,
        "repository_branch": NOTEBOOKS if host == "github.com" else there.branch,  # what the launch buttons open
        "repository_provider": there.forge or "github",  # the theme must have one; for an unknown forge it gives the sign only
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": there.forge in ("github", "gitlab"),
        "launch_buttons": launch,
    }


def found(app: Sphinx) -> Address:
    try:
        return address(os.environ, configured(Path(app.srcdir) / "_config.yml"))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _configure(app: Sphinx, config: Config) -> None:
    """Jupyter Book's own default address, which is its own repository, must not stay either."""
    config.html_theme_options.update(options(found(app)))


def _buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Call the download of a notebook by its name, and give an unknown forge the sign of git."""
    unknown = not found(app).forge
    for button in context.get("header_buttons", []):
        for inner in [button, *button.get("buttons", [])]:
            if inner.get("label") == "download-source-button" and inner["text"] == ".ipynb":
                inner["tooltip"] = context["translate"]("Download notebook file")
            if unknown and inner.get("label") in ("source-buttons", "source-repository-button"):
                inner["icon"] = "fab fa-git-alt"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", _configure)
    app.connect("html-page-context", _buttons, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
