"""A demo as a page of its own inside an output: for a front end that does not know anywidget.

A JupyterLab learns which widgets there are when its server starts and its page is loaded. If a notebook's first cell installs
anywidget afterwards, the widget would be a red box. A frame holds the scripts and the weights, and needs neither widgets nor
a kernel.
"""

import os
import sys
from collections.abc import Iterable
from html import escape
from importlib import metadata
from pathlib import Path

HEIGHT = 420  # pixels, until the demo has said how high it is
STYLE = """* { box-sizing: border-box }
body { margin: 0; display: flow-root; background: white; color: #222; font: 15px/1.5 system-ui, sans-serif }"""
# The frame is as high as what is in it.
FIT = """new ResizeObserver(() => {
  if (frameElement) frameElement.style.height = `${Math.ceil(document.body.getBoundingClientRect().height) + 1}px`;
}).observe(document.body);"""


def server_began() -> float | None:
    """When the Jupyter server of this kernel started, in seconds since 1970; None where there is none (nbclient, a terminal).

    A server writes ``jpserver-PID.json`` beside the connection files of its kernels when it starts.
    """
    pids = (os.environ.get("JPY_PARENT_PID") or os.getppid(), os.getppid())
    for connection in [Path(word.rpartition("=")[2]) for word in sys.argv if word.endswith(".json")]:
        for name in (f"{kind}server-{pid}.json" for pid in pids for kind in ("jp", "nb")):
            if (file := connection.parent / name).is_file():
                return file.stat().st_mtime
    return None


def installed_at(package: str) -> float:
    """When a package was installed, in seconds since 1970: the last change of the folder that describes it."""
    files = metadata.distribution(package).files or []
    described = {Path(str(metadata.distribution(package).locate_file(f))).parent for f in files if ".dist-info" in f.parts[0]}
    return max((folder.stat().st_mtime for folder in described if folder.is_dir()), default=0.0)


def needed() -> bool:
    """Whether a widget would be a red box: the server is older than anywidget. Colab brings the widget's script by itself.

    ``IMGGEN_LIVE`` in the environment decides otherwise: ``frame`` or ``widget``.
    """
    if said := os.environ.get("IMGGEN_LIVE"):
        return said == "frame"
    began = None if "google.colab" in sys.modules else server_began()
    return began is not None and installed_at("anywidget") > began


def frame(words: str, mount: str, scripts: Iterable[str]) -> str:
    """A demo's mount and its scripts as an ``<iframe>``, which has nothing else; `words` names it for screen readers."""
    body = mount + "".join(f"<script>{text}</script>" for text in (*scripts, FIT))
    head = f"<!doctype html><html lang='en' data-theme='light'><meta charset='utf-8'><style>{STYLE}</style>"
    page = f"{head}<body>{body}</body></html>"
    return f'<iframe title="{escape(words)}" srcdoc="{escape(page)}" style="width:100%;height:{HEIGHT}px;border:0"></iframe>'
