"""What every live demo is made of: a script joined from its parts, a widget for notebooks, a mount for pages."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from imggen_lib.live import frame
from imggen_lib.live.shipped import script

HERE = Path(__file__).parent
_VIEW = "application/vnd.jupyter.widget-view+json"
#: Options that name a file which the demo loads when it starts; one that names it otherwise works in no frame and on no page.
FILES = ("model", "real", "cases", "type")
#: The option that lists files which a demo loads when its reader asks for them.
LATER = "later"
#: The demos by their names; each is there once its class is.
DEMOS: dict[str, type["Live"]] = {}


def style() -> str:
    """The style sheet of all demos."""
    return (HERE / "live.css").read_text(encoding="utf-8")


def _joined(parts: Iterable[str]) -> str:
    """``core`` and the named scripts, in this order."""
    return "\n".join((HERE / "js" / f"{part}.js").read_text(encoding="utf-8") for part in ("core", *parts))


def module(demo: str, *parts: str) -> str:
    """The ES module of one demo for anywidget: ``core``, the named parts, the demo, and ``render``."""
    start = f"const render = ({{ model, el }}) => start({json.dumps(demo)}, model, el);"
    return f"{_joined((*parts, demo))}\n{start}\nexport default {{ render }};\n"


def page_script(demo: str) -> str:
    """One demo with all that it needs as a classic script for pages: it starts the mounts of that demo. See ``js/page.js``."""
    body = _joined([*DEMOS[demo].parts, demo, "page"]).replace("STYLE_SHEET", json.dumps(style()), 1)
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'


def mount(demo: str, options: Mapping[str, Any], words: str, strings: Mapping[str, str] | None = None) -> str:
    """The HTML that a page turns into a demo; `words` is the sentence that stands there until then, and on paper."""
    if demo not in DEMOS:
        raise ValueError(f"the live demos are {', '.join(sorted(DEMOS))}; got {demo!r}")
    told = f" data-strings='{_attribute(strings)}'" if strings else ""
    data = f"data-demo='{demo}' data-options='{_attribute(options)}'{told}"
    return f"<div class='imggen-live' {data}><p>{escape(words)}</p></div>"


def files_of(options: Mapping[str, Any]) -> list[str]:
    """The names of the files that a demo with these options loads when it starts."""
    return [str(options[name]) for name in FILES if options.get(name)]


def _attribute(values: Mapping[str, Any]) -> str:
    return escape(json.dumps(dict(values), sort_keys=True, ensure_ascii=False))


class Live(anywidget.AnyWidget):
    """A demo: a widget where there is a kernel, a mount where there is none, a frame where the front end has no widgets.

    A subclass names itself and the scripts that it needs beside its own: ``demo = "xrays"; parts = ("net", "xrays_math");
    words = "..."``. Its JavaScript gets ``options`` and ``strings`` by ``model.get``. Files (weights of a network, points of a map)
    are sent when the script asks for them: it adds a name to ``wanted``, and :meth:`file` of the subclass answers.
    """

    demo: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()  #: Scripts of ``js/`` that come before the demo's own, in this order.
    words: ClassVar[str]  #: What stands in the page until the script has run, in one sentence.
    _css = style()

    options = traitlets.Dict().tag(sync=True)
    strings = traitlets.Dict().tag(sync=True)
    files = traitlets.Dict().tag(sync=True)
    wanted: Any = traitlets.List().tag(sync=True)

    def __init_subclass__(cls, **options: Any) -> None:
        if "demo" in vars(cls):  # not a class that traitlets makes of one, with more traits
            cls._esm = module(cls.demo, *cls.parts)
            DEMOS[cls.demo] = cls
        super().__init_subclass__(**options)

    def __init__(self, options: Mapping[str, Any] | None = None, *, strings: Mapping[str, str] | None = None) -> None:
        super().__init__(options=dict(options or {}), strings=dict(strings or {}))
        #: False if the demo needs something that only this notebook has, such as a network of one's own.
        self.in_pages = True
        self.observe(self._answer, "wanted")

    def open(self) -> None:
        """Tell the front end of the widget, unless it does not know such widgets."""
        if not frame.needed():
            super().open()

    def file(self, name: str) -> dict[str, Any]:
        """The file of that name: ``{"spec": JSON, "bytes": bytes}``."""
        raise ValueError(f"this demo has no file {name!r}")

    def _answer(self, change: Any = None) -> None:
        files = dict(self.files)
        for name in self.wanted:
            if name not in files:
                try:
                    files[name] = self.file(name)
                except ValueError as error:
                    files[name] = {"error": str(error)}
        self.files = files

    def html(self) -> str:
        """The mount for a page; only the sentence if the demo cannot run there."""
        if self.in_pages:
            return mount(self.demo, self.options, self.words, self.strings)
        return f"<p class='imggen-live-absent'>{escape(self.words)}</p>"

    def framed(self) -> str:
        """The demo as an ``<iframe>`` with all that it loads, now or later. Of a list of models to choose from it has the first."""
        options = {name: value for name, value in self.options.items() if name != "choices"}
        names = [*files_of(options), *options.get(LATER, [])]
        scripts = [*(script(name, self.file(name)) for name in names), page_script(self.demo)]
        return frame.frame(self.words, mount(self.demo, options, self.words, self.strings), scripts)

    def __repr__(self) -> str:
        said = ", ".join(f"{k}={v!r}" for k, v in sorted(self.options.items()))
        return f"<live demo {self.demo}: {said}>"

    #: ipywidgets 7, which Colab has, would show the widget by itself and leave the mount out of the stored output.
    _ipython_display_ = None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle: Any
        if frame.needed():
            return {"text/plain": repr(self), "text/html": self.framed()}, {}
        if hasattr(super(), "_repr_mimebundle_"):
            bundle = super()._repr_mimebundle_(**kwargs)
        else:  # ipywidgets 7 with an early anywidget
            bundle = {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(self), "text/html": self.html()}, metadata
