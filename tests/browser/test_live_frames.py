"""A demo's frame in a real browser: it runs without a widget manager, a kernel or a network, and is as high as what is in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from live_demos import DEMOS
from reader import PHONE, Site, Tab

from imggen_lib import live
from imggen_lib.live.frame import HEIGHT


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_runs_in_its_frame(open_tab: Callable[..., Tab], tmp_path: Path, name: str, size: tuple[int, int] | None) -> None:
    outside = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Output</title>"
    (tmp_path / "output.html").write_text(outside + DEMOS[name]().framed() + live.trainer("vae").framed(), encoding="utf-8")
    tab = open_tab(Site(tmp_path.resolve(), "http://nobody.invalid/"), **({"size": size} if size else {}))
    tab.page.goto(tab.site.file + "output.html")
    inside = tab.page.frames[1]
    inside.wait_for_selector(".imggen-live[data-started] canvas, .imggen-live[data-started] button")
    assert inside.query_selector(".il-error") is None
    tab.page.wait_for_function("before => document.querySelector('iframe').style.height !== `${before}px`", arg=HEIGHT)
    overflow = "() => document.documentElement.scrollHeight - document.documentElement.clientHeight"
    inside.wait_for_function(f"({overflow})() <= 1")
    assert inside.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
    height = "() => document.querySelector('iframe').getBoundingClientRect().height"
    heights = [tab.page.evaluate(height)]
    for _ in range(30):  # a demo may still be drawing; one whose frame grows by itself never comes to rest
        tab.page.wait_for_timeout(500)
        heights.append(tab.page.evaluate(height))
        if abs(heights[-1] - heights[-2]) < 20:
            break
    assert abs(heights[-1] - heights[-2]) < 200 and heights[-1] > 100, f"the frame grows by itself: {heights}"
