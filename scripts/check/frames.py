"""How many different pictures a second the explorer shows while a reader drags a slider, for every model that it offers.

A page with nothing but the demo is opened in Chromium (without a GPU, at most 60 frames a second), the mouse holds the first slider
and goes back and forth, and at each frame of the browser the page looks whether the image differs from that of the frame before.
What is too slow to follow the hand is below ``--bar``; then the exit code is 1. Beside it stands the median time to compute and
show one image, which the demo takes itself: that is what a faster network would change.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "site"))

from chromium import MISSING, chromium, launch
from playwright.sync_api import Browser, Page, sync_playwright

from imggen_lib import live
from imggen_lib.live.base import mount, page_script, style
from imggen_lib.live.shipped import generators, packed_file, script

# Counts, from now until `stop`, the frames, those whose image is another than the frame's before, and what each image took.
COUNT = """() => {
  const image = document.querySelector(".il-explorer canvas:not(.il-map):not([width='42'])");
  const body = document.querySelector(".il-explorer");
  const look = () => image.getContext("2d").getImageData(0, 0, image.width, image.height).data.join();
  const counted = { frames: 0, changed: 0, ms: [], began: performance.now() };
  let before = look(), going = true;
  (function frame() {
    if (!going) return;
    counted.frames += 1;
    const now = look();
    if (now !== before) {
      counted.changed += 1;
      counted.ms.push(Number(body.dataset.ms));
    }
    before = now;
    requestAnimationFrame(frame);
  })();
  window.stopCounting = () => {
    going = false;
    return { ...counted, seconds: (performance.now() - counted.began) / 1000 };
  };
}"""


class Found(NamedTuple):
    """What a drag showed."""

    changed: float  # different pictures a second
    frames: float  # frames of the browser a second
    ms: float  # median time to compute and show an image; NaN where none was


def page_of(name: str) -> str:
    """A page with the explorer of one model and all that it loads."""
    demo = live.explorer(name, seed=1)
    scripts = "".join(f"<script>{text}</script>" for text in (script(name, packed_file(name)), page_script(demo.demo)))
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{name}</title><style>{style()}</style>"
    return f"{head}<body>{mount(demo.demo, demo.options, demo.words)}{scripts}</body></html>"


def dragged(page: Page, seconds: float, *, hold: bool = True) -> Found:
    """Count while the mouse goes back and forth over the first slider; it has its button down only with `hold`."""
    slider = page.locator(".il-explorer input.il-range").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    y, reach = box["y"] + box["height"] / 2, 0.4 * box["width"]
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, y)
    if hold:
        page.mouse.down()
    page.evaluate(COUNT)
    began, step = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        step += 1
        page.mouse.move(middle + reach * (1 - abs(step % 100 - 50) / 25), y)  # there and back in a hundred steps
    found = page.evaluate("() => stopCounting()")
    if hold:
        page.mouse.up()
    ms = sorted(found["ms"])
    each = [found[k] / found["seconds"] for k in ("changed", "frames")]
    return Found(*each, ms[len(ms) // 2] if ms else float("nan"))


def measured(browser: Browser, name: str, folder: Path, seconds: float) -> Found:
    """Open the model's page and drag."""
    path = folder / f"{name}.html"
    path.write_text(page_of(name), encoding="utf-8")
    page = browser.new_page()
    try:
        page.goto(path.as_uri())
        page.wait_for_selector(".il-explorer input.il-range")
        dragged(page, min(1.0, seconds))  # the browser compiles what is used often
        return dragged(page, seconds)
    finally:
        page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=generators(), help="default: all that ship")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each drag")
    parser.add_argument("--bar", type=float, default=30.0, help="different pictures a second")
    args = parser.parse_args()
    if (program := chromium()) is None:
        raise SystemExit(MISSING)
    slow = []
    if (busy := os.getloadavg()[0]) > 0.5:
        print(f"note: this machine is busy (load {busy:.1f}); what is counted now is a lower bound")
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = launch(playwright, program)
        for name in args.models:
            found = measured(browser, name, Path(folder), args.seconds)
            told = f"{found.changed:5.1f} pictures a second of {found.frames:5.1f} frames, {found.ms:6.2f} ms an image"
            print(f"{name:22} {told}{'' if found.changed >= args.bar else '  TOO SLOW'}", flush=True)
            slow += [] if found.changed >= args.bar else [name]
        browser.close()
    print(f"{len(args.models) - len(slow)} of {len(args.models)} models show at least {args.bar:g} pictures a second")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
