"""The campaign in the page is Python's: the same colours, contrasts and dots."""

import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from imggen_lib.applications.campaign import halftone, palette
from imggen_lib.applications.campaign.layout import lay_out
from imggen_lib.applications.campaign.sizes import SIZES
from imggen_lib.live.base import HERE

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")
HUES = list(range(0, 360, 15))
#: Boxes inside the picture, over its border, and wider than the image is high; with dust left out and not.
BOXES = [(10.0, 5.0, 60.0, 60.0), (-20.0, 8.0, 90.0, 90.0), (3.5, 2.25, 70.0, 40.0)]


def node(code: str, given: dict[str, Any]) -> Any:
    """What the code writes, behind the scripts of the campaign's colours, dots and layouts."""
    assert NODE is not None
    scripts = "\n".join((HERE / "js" / f"campaign_{part}.js").read_text(encoding="utf-8") for part in ("math", "layout"))
    head = f"const tools = {{}};\n{scripts}"
    head += "\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
    write = f"process.stdout.write(JSON.stringify({code}));"
    done = subprocess.run(
        [NODE, "-e", head + write], input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def test_the_palettes_are_the_same_bytes() -> None:
    told = node("given.hues.map(campaignPalette)", {"hues": HUES})
    for hue, found in zip(HUES, told, strict=True):
        assert {name: tuple(rgb) for name, rgb in found.items()} == palette.palette(hue)._asdict(), hue


def test_the_contrasts_are_the_same_number() -> None:
    draw = np.random.default_rng(0)
    pairs = draw.integers(0, 256, (200, 2, 3)).tolist()
    told = node("given.pairs.map(([a, b]) => campaignContrast(a, b))", {"pairs": pairs})
    expected = [palette.contrast(tuple(a), tuple(b)) for a, b in pairs]
    assert told == pytest.approx(expected, rel=1e-6)


def test_a_dot_has_the_same_area() -> None:
    radii = np.linspace(0, 0.8, 161).tolist()
    told = node("given.radii.map(campaignArea)", {"radii": radii})
    assert told == pytest.approx([halftone.dot_area(r) for r in radii], abs=1e-12)


def test_the_dots_cover_the_same_pixels() -> None:
    draw = np.random.default_rng(1)
    rough = draw.random((28, 28))
    smooth = np.add.outer(np.linspace(0, 0.5, 28), np.linspace(0, 0.5, 28))
    code = "given.cases.map(([image, box, cell, least]) => Array.from(campaignHalftone(image, 28, 96, 72, box, cell, least)))"
    cases = [(image, box, cell, least) for image in (rough, smooth) for box in BOXES for cell, least in ((2.5, 0.0), (4.0, 0.2))]
    told = node(code, {"cases": [(image.ravel().tolist(), *rest) for image, *rest in cases]})
    for found, (image, box, cell, least) in zip(told, cases, strict=True):
        expected = halftone.halftone(image, 96, 72, box, cell, least=least)
        assert expected.max() > 0
        assert np.array_equal(np.array(found).reshape(72, 96), np.round(expected * 16)), (box, cell, least)


@pytest.mark.parametrize(
    "headline", ["Nobody has worn this", "New", "Coats for the long cold winter that is nowhere in sight this year"]
)
def test_every_size_is_laid_out_alike(headline: str) -> None:
    """In whole pixels, with a ruler of 0.6 em a letter for both; what is left out is said in the page's own words."""
    sizes = [(size.width, size.height) for size in SIZES]
    code = "given.sizes.map(([w, h]) => campaignLayout(w, h, given.headline, (text) => 0.6 * text.length, 'See the drafts'))"
    told = node(code, {"sizes": sizes, "headline": headline})
    for found, size in zip(told, sizes, strict=True):
        expected = lay_out(*size, headline, lambda text: 0.6 * len(text), "See the drafts")
        said = json.loads(json.dumps({name: _plain(value) for name, value in expected._asdict().items()}))
        assert bool(found.pop("note")) == bool(said.pop("note")), size
        assert found == said, size


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return value._asdict()
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
