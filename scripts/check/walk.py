"""How many frames a second the landscape shows while somebody walks and flies through it, and how long a tile takes.

A page with nothing but the demo is opened in Chromium (without a GPU unless ``--gpu`` is given, at most 60 frames a second); a key
is held down, and the page counts the frames that it draws. On a busy machine processor milliseconds a frame, of all of Chromium's
processes together, say more. Tiles are timed one by one in the demo's own worker, after it has made some.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "site"))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "browser"))

from chromium import FLAGS, MISSING, chromium
from playwright.sync_api import Page, sync_playwright
from reader import demo_site

from imggen_lib import live
from imggen_lib.live.shipped import LANDSCAPE

READY = "() => { const d = document.querySelector('.il-world')?.dataset; return d && d.field && d.missing === '0'; }"
FRAMES = "Number(document.querySelector('.il-world').dataset.frames)"
TILES = """async ({ kind, count }) => {
  const { helper } = document.querySelector(".il-world").world;
  const ms = [];
  for (let k = 0; k < count; k++) {
    const began = performance.now();
    await helper.ask("tile", { kind, seed: 1, column: 1000 + k, row: -k, cell: 90 });
    ms.push(performance.now() - began);
  }
  return ms.sort((a, b) => a - b);
}"""


class Rate(NamedTuple):
    """Of frames."""

    each_second: float
    work: float  # processor milliseconds a frame


class Found(NamedTuple):
    """What was counted."""

    walking: Rate
    flying: Rate
    pixels: tuple[int, int]  # of the picture at the end: fewer are drawn where frames take long
    tile: dict[str, float]  # median milliseconds a tile, by kind


def counted(page: Page, key: str, seconds: float) -> Rate:
    """Frames while `key` is held."""
    browser = page.context.browser
    assert browser is not None
    system = browser.new_browser_cdp_session()

    def spent() -> float:
        return sum(float(process["cpuTime"]) for process in system.send("SystemInfo.getProcessInfo")["processInfo"])

    page.keyboard.down(key)
    page.wait_for_timeout(1500)  # the browser compiles what is used often, the picture finds its size
    first, frames, began = spent(), page.evaluate(FRAMES), time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    shown = page.evaluate(FRAMES) - frames
    rate = Rate(shown / (time.monotonic() - began), 1000 * (spent() - first) / max(1, shown))
    page.keyboard.up(key)
    return rate


def measured(page: Page, seconds: float, tiles: int) -> Found:
    """Wait until the land is there, then walk, fly, and make tiles."""
    page.wait_for_function(READY, timeout=120_000)
    page.locator(".il-world-screen").focus()
    page.keyboard.down("q")  # down to the ground
    page.wait_for_timeout(1500)
    page.keyboard.up("q")
    walking = counted(page, "w", seconds)
    flying = counted(page, "e", seconds)
    screen = "(({ width, height }) => [width, height])(document.querySelector('.il-world-screen'))"
    wide, high = page.evaluate(screen)
    page.wait_for_function(READY, timeout=120_000)
    ms = {kind: page.evaluate(TILES, {"kind": kind, "count": tiles}) for kind in ("land", "noise")}
    return Found(walking, flying, (wide, high), {kind: each[len(each) // 2] for kind, each in ms.items()})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of the walk and of the flight")
    parser.add_argument("--tiles", type=int, default=20, help="to time, of each kind")
    parser.add_argument("--bar", type=float, default=15.0, help="frames a second")
    parser.add_argument("--gpu", action="store_true", help="let Chromium use the graphics card")
    args = parser.parse_args()
    if (program := chromium()) is None:
        raise SystemExit(MISSING)
    if (busy := os.getloadavg()[0]) > 0.5:
        print(f"note: this machine is busy (load {busy:.1f}); what is counted now is a lower bound")
    flags = [flag for flag in FLAGS if not (args.gpu and flag == "--disable-gpu")]
    body = live.world(seed=1).html()
    with (
        TemporaryDirectory() as folder,
        demo_site(Path(folder), {"walk": body}, [LANDSCAPE]) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{site.file}walk.html")
        found = measured(page, args.seconds, args.tiles)
        browser.close()
    for name, rate in (("walking", found.walking), ("flying", found.flying)):
        print(f"{name}: {rate.each_second:.1f} frames a second, {rate.work:.0f} processor milliseconds a frame")
    print(f"the picture has {found.pixels[0]} x {found.pixels[1]} pixels")
    print("median milliseconds a tile: " + ", ".join(f"{kind} {ms:.0f}" for kind, ms in found.tile.items()))
    return 0 if min(found.walking.each_second, found.flying.each_second) >= args.bar else 1


if __name__ == "__main__":
    sys.exit(main())
