"""The page completes surfaces as Python does: three ways, their bands, arbitrage, errors; and what it loads is small."""

import gzip
import json
import shutil
import subprocess
from typing import Any

import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.volatility import measures, models, surfaces
from imggen_lib.applications.volatility.arbitrage import TOLERANCE, arbitrage
from imggen_lib.applications.volatility.completion import Completer, Completion, Decoded
from imggen_lib.applications.volatility.surfaces import Quotes
from imggen_lib.live.base import HERE, page_script
from imggen_lib.live.shipped import SURFACES, packed_file, script
from imggen_lib.live.surface_file import EACH, gaussian

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
(async () => {
  const { file, quotes, x } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const data = surfaceRead(file.spec, await fileBytes(file));
  const done = quotes.map(({ truth, index, ...q }) =>
    Object.fromEntries(Object.entries(data.ways).map(([name, way]) => {
      const found = way(q);
      const judged = surfaceJudged(found, data.surfaces[truth][index], q.places, file.spec.band);
      return [name, { mean: [...found.mean], sd: [...found.sd], judged, free: surfaceArbitrage(found.mean, file.spec) }];
    })));
  process.stdout.write(JSON.stringify({ done, erfc: x.map(surfaceErfc), call: surfaceCall(-0.2, 0.05),
    surfaces: Object.fromEntries(Object.entries(data.surfaces).map(([k, v]) => [k, v.map((s) => [...s])])) }));
})();
"""
CASES = [("SSVI", 0, 5, 0.0), ("SSVI", 3, 12, 0.02), ("SSVI, other skew", 1, 10, 0.02), ("Heston", 2, 20, 0.0)]


def _case(truth: str, index: int, m: int, noise: float) -> tuple[torch.Tensor, Quotes]:
    x = surfaces.draw(EACH, 1, truth).float().double()[index : index + 1]
    asked = surfaces.quotes(x, m, 9, noise)
    moved = asked.values.clone()
    moved[0, 0] += 0.08  # a quote that does not fit
    return x, asked._replace(values=moved)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's scripts compute."""
    file = json.loads(script(SURFACES, packed_file(SURFACES)).split("=", 1)[1].split("] = ", 1)[1].rstrip(";\n"))
    given = []
    for truth, index, m, noise in CASES:
        _, asked = _case(truth, index, m, noise)
        given.append(
            {"truth": truth, "index": index, "places": asked.places[0].tolist(), "values": asked.values[0].tolist(), "noise": noise}
        )
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", "net", "surface_math")]
    assert NODE is not None
    told = {"file": file, "quotes": given, "x": [-3.0, -0.4, 0.0, 0.3, 2.4, 2.6, 6.0]}
    code = "\n".join([*parts, CODE])
    done = subprocess.run([NODE, "-e", code], input=json.dumps(told), capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ways() -> dict[str, Completer]:
    decoded = {kind: models.completer(models.pretrained(kind)) for kind in models.KINDS}
    from_zero = {kind: Decoded(way.decode, way.dim, way.sigma, starts=1) for kind, way in decoded.items()}
    return {"gaussian": gaussian(), **from_zero}


@needs_node
def test_the_page_completes_as_python_does(page: dict[str, Any]) -> None:
    ways = _ways()
    for case, done in zip(CASES, page["done"], strict=True):
        x, asked = _case(*case)
        for name, way in ways.items():
            found = way.complete(asked)
            theirs = Completion(*(torch.tensor(done[name][part], dtype=torch.float64)[None] for part in ("mean", "sd")))
            torch.testing.assert_close(theirs.mean, found.mean, atol=2e-4, rtol=0)
            torch.testing.assert_close(theirs.sd, found.sd, atol=2e-4, rtol=1e-2)
            judged = done[name]["judged"]
            assert judged["error"] == pytest.approx(float(measures.errors(theirs, x)), abs=1e-6)
            assert judged["inside"] == pytest.approx(float(measures.coverage(theirs, x, asked)), abs=1e-9)
            free = arbitrage(theirs.mean)
            later = (free.calendar[0].flatten() < -TOLERANCE).nonzero().flatten() + 16
            assert done[name]["free"]["calendar"] == later.tolist()
            rows, columns = (free.butterfly[0] < -TOLERANCE).nonzero().T
            assert done[name]["free"]["butterfly"] == (16 * rows + columns + 1).tolist()
        assert not done["parameters"]["free"]["calendar"] and not done["parameters"]["free"]["butterfly"]


@needs_node
def test_the_pages_functions_have_their_digits(page: dict[str, Any]) -> None:
    x = torch.tensor([-3.0, -0.4, 0.0, 0.3, 2.4, 2.6, 6.0], dtype=torch.float64)
    assert page["erfc"] == pytest.approx(torch.erfc(x).tolist(), rel=1e-11)
    assert page["call"] == pytest.approx(0.19798, abs=5e-3) and set(page["surfaces"]) == set(surfaces.TRUTHS)
    for truth, shown in page["surfaces"].items():
        torch.testing.assert_close(torch.tensor(shown, dtype=torch.float64), surfaces.draw(EACH, 1, truth), atol=1e-6, rtol=0)


def test_what_the_page_loads_is_small() -> None:
    loads = page_script("surface") + script(SURFACES, packed_file(SURFACES))
    assert len(gzip.compress(loads.encode(), 9)) < 300_000


def test_a_demo_refuses_what_it_cannot_show() -> None:
    assert live.surface("Heston", quotes=20).options["quotes"] == 20
    with pytest.raises(ValueError, match="truth"):
        live.surface("SABR")
    with pytest.raises(ValueError, match="from 5 to 20"):
        live.surface(quotes=4)
