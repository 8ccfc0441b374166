"""The reference as it was built: everything public has an entry, its source is there, and shapes read as they are written."""

import sys

import pytest
from chromium import ROOT
from reader import PHONE, Site, Tab
from sphinx.util.inventory import InventoryFile

sys.path.append(str(ROOT / "book" / "_ext"))
from api_names import public


def test_everything_public_has_an_entry(site: Site) -> None:
    with open(site.folder / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    described = {name for kind, objects in inventory.items() if kind.startswith("py:") for name in objects}
    assert set(public()) - described == set()


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["desktop", "phone"])
def test_a_signature_and_its_source(tab: Tab, size: tuple[int, int]) -> None:
    tab.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = tab.goto("book/reference/losses.html")
    entry = page.locator("dt[id='imggen_lib.losses.gan.gradient_penalty']")
    words = " ".join(entry.inner_text().split())
    assert 'real: Float[Tensor, "n c h w"]' in words and 't: Float[Tensor, "n"]' in words
    box = entry.bounding_box()
    assert box is not None and box["x"] + box["width"] <= size[0]
    entry.locator("a", has_text="[source]").click()
    assert "def gradient_penalty" in page.locator("article").inner_text()
