"""The script that counts the landscape's frames counts those that are drawn, and none while nobody walks."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from reader import Tab, demo_site, new_context
from walk import FRAMES, READY, counted, measured

from imggen_lib import live
from imggen_lib.live.shipped import LANDSCAPE


def test_frames_and_tiles_are_counted(browser: Browser, tmp_path: Path) -> None:
    with demo_site(tmp_path, {"walk": live.world(seed=1).html()}, [LANDSCAPE]) as site:
        tab = Tab(new_context(browser).new_page(), site)
        page = tab.goto(f"{site.file}walk.html")
        found = measured(page, 0.5, 3)
        assert found.walking.each_second > 0 and found.walking.work > 0 and found.flying.each_second > 0
        assert found.pixels[0] > found.pixels[1] > 100 and set(found.tile) == {"land", "noise"} and min(found.tile.values()) > 0
        page.wait_for_function(READY)
        page.wait_for_timeout(3000)
        before = page.evaluate(FRAMES)
        assert counted(page, "x", 0.5).each_second == 0 and page.evaluate(FRAMES) == before, "it draws while nothing moves"
        page.context.close()
    assert not tab.faults()


@pytest.mark.parametrize("kind", ["land", "noise"])
def test_the_demo_s_seed_and_kind_are_those_of_the_call(browser: Browser, tmp_path: Path, kind: str) -> None:
    with demo_site(tmp_path, {"walk": live.world(kind, seed=9).html()}, [LANDSCAPE]) as site:
        page = Tab(new_context(browser).new_page(), site).goto(f"{site.file}walk.html")
        page.wait_for_function("() => document.querySelector('.il-world')?.dataset.ready")
        assert page.evaluate("(({ kind, seed }) => [kind, seed])(document.querySelector('.il-world').dataset)") == [kind, "9"]
        page.context.close()
