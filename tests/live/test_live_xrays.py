"""Your own eyes: the page counts what Python counts, from a file that is balanced, drawn without scores, of the data that ship."""

import gzip
import json
import shutil
import subprocess
import zlib
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.anomaly.case import reconstructions
from imggen_lib.applications.anomaly.scores import compressed_length, given_complexity, smoothness, vae_scores
from imggen_lib.applications.anomaly.shipped import card, chest_vae
from imggen_lib.data import pneumonia, to_uint8
from imggen_lib.data.chest import repeats, without
from imggen_lib.live.base import HERE
from imggen_lib.live.shipped import CHEST, packed_file, script
from imggen_lib.metrics.audit import alarms, auroc, by_truth, delong, roc, threshold_at
from imggen_lib.metrics.intervals import wilson_interval

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { sets, shares, file } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const counted = ({ validation, test, truth }) => ({
  counts: Array.from({ length: validation.length + 1 }, (_, k) => xraysCounts(test, truth, xraysThreshold(validation, k))),
  roc: xraysRoc(test, truth),
  area: xraysArea(xraysRoc(test, truth)),
});
const bytes = Uint8Array.from(file.bytes);
const read = xraysRead(file.spec, bytes.buffer);
read.images = read.images.map((x) => Array.from(x));
read.rebuilt = read.rebuilt.map((x) => Array.from(x));
process.stdout.write(JSON.stringify({ sets: sets.map(counted), shares: shares.map((s) => xraysWilson(...s)), read }));
"""
SHARES = [(0, 1), (1, 1), (0, 12), (7, 12), (12, 12), (6, 135), (51, 234), (387, 387), (123, 624)]


def _made(seed: int, ties: bool) -> dict[str, list[float]]:
    draw = torch.Generator().manual_seed(seed)
    truth = (torch.rand(90, generator=draw) < 0.6).long()
    test = torch.randn(90, generator=draw, dtype=torch.float64) + truth
    validation = torch.randn(40, generator=draw, dtype=torch.float64)
    if ties:
        test, validation = test.round(), validation.round()
    return {"validation": validation.tolist(), "test": test.tolist(), "truth": truth.tolist()}


def _file() -> tuple[dict[str, Any], bytes, dict[str, dict[str, list[float]]]]:
    """The specification, the bytes, and the ranks of each score, read in Python."""
    file = packed_file(CHEST)
    spec, content = file["spec"], zlib.decompress(file["bytes"], -15)
    pictures, per = 2 * spec["count"] * 784, 2 * (spec["validation"] + len(spec["truth"]))
    assert len(content) == pictures + per * len(spec["scores"])
    sets = {}
    for k, name in enumerate(spec["scores"]):
        ranks = np.frombuffer(content, "<u2", per // 2, pictures + k * per).astype(float).tolist()
        parts = {"validation": ranks[: spec["validation"]], "test": ranks[spec["validation"] :]}
        sets[name] = {**parts, "truth": [int(t) for t in spec["truth"]]}
    return spec, content, sets


@needs_node
def test_the_page_counts_what_python_counts() -> None:
    """Counts at every threshold and both rates of every point exactly; areas and Wilson intervals to 1e-12."""
    spec, content, known = _file()
    sets = [_made(seed, ties) for seed in (0, 1) for ties in (False, True)] + list(known.values())
    given = {"sets": sets, "shares": SHARES, "file": {"spec": spec, "bytes": list(content)}}
    code = (HERE / "js" / "xrays_math.js").read_text(encoding="utf-8") + CODE
    assert NODE is not None
    done = subprocess.run([NODE, "-e", code], input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    for one, page in zip(sets, told["sets"], strict=True):
        validation, test = (torch.tensor(one[name], dtype=torch.float64) for name in ("validation", "test"))
        positive, negative = by_truth(test, one["truth"])
        for k, counts in enumerate(page["counts"]):
            threshold = threshold_at(validation, k / len(validation))
            for name, other, group in (("caught", "missed", positive), ("alarms", "left", negative)):
                found = alarms(group, threshold)
                assert (counts[name], counts[name] + counts[other]) == (round(found.value * found.n), found.n), (k, name)
        curve = roc(positive, negative)
        points = torch.stack([curve.false_alarms, curve.sensitivity], 1)
        assert torch.allclose(torch.tensor(page["roc"], dtype=torch.float64), points, rtol=0, atol=1e-15)
        assert page["area"] == pytest.approx(auroc(positive, negative), abs=1e-12)
    for share, found in zip(SHARES, told["shares"], strict=True):
        assert found == pytest.approx(wilson_interval(*share), abs=1e-12)
    assert told["read"]["scores"] == {n: {"validation": s["validation"], "test": s["test"]} for n, s in known.items()}
    pixels = np.frombuffer(content, np.uint8, 24 * 784).reshape(24, 784)
    shown = np.array(told["read"]["images"] + told["read"]["rebuilt"])
    assert np.array_equal(np.rint((shown + 1) * 127.5), pixels)


def test_the_file_is_of_the_data_that_ship() -> None:
    """If this fails, run ``python scripts/records/chest_cases.py``."""
    spec, content, sets = _file()
    test, validation = pneumonia("test"), pneumonia("validation")
    test = without(test, repeats(test))
    validation = without(validation, repeats(validation, test))
    assert spec["truth"] == "".join(str(int(label)) for label in test.labels)
    normals = validation.subset(validation.labels == 0)
    assert spec["validation"] == len(normals) and spec["start"] == int(0.05 * len(normals))
    twelve = test.images[spec["indices"]]
    assert np.array_equal(np.frombuffer(content, np.uint8, 12 * 784), twelve.numpy().ravel())
    assert len(set(spec["indices"])) == 12 and int(test.labels[spec["indices"]].sum()) == 6
    assert "CC BY 4.0" in spec["source"]
    for name, one in sets.items():
        positive, negative = by_truth(torch.tensor(one["test"], dtype=torch.float64), test.labels)
        found = delong(positive, negative)
        assert spec["areas"][name] == pytest.approx([found.value, found.low, found.high], abs=6e-5)
    line = smoothness(test.floats())
    order = np.argsort(np.array(sets["smoothness"]["test"]), kind="stable")
    assert np.diff(line.numpy()[order]).min() > -1e-4, "the one line has other values than the file"


def test_the_twelve_are_drawn_without_a_look_at_scores() -> None:
    """The script draws from the labels and a seed alone; the file has what it draws."""
    spec, _, _ = _file()
    from imggen_lib.noise import generator_for

    test = pneumonia("test")
    test = without(test, repeats(test))
    draw = generator_for(28)
    places = [torch.nonzero(test.labels == c).flatten() for c in (0, 1)]
    both = torch.cat([of[torch.randperm(len(of), generator=draw)[:6]] for of in places])
    assert spec["indices"] == both[torch.randperm(12, generator=draw)].tolist()


def test_the_demo_is_light() -> None:
    assert len(gzip.compress(script(CHEST, packed_file(CHEST)).encode())) < 60_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_widget_asks_for_its_cases() -> None:
    widget = live.xrays()
    assert widget.options == {"cases": CHEST, "score": "given"} and live.xrays("elbo").options["score"] == "elbo"
    widget.wanted = [CHEST]
    assert widget.files[CHEST]["spec"]["count"] == 12
    assert "Not for clinical use" in widget.html() and "demos.explorer" not in widget._esm
    with pytest.raises(ValueError, match="score"):
        live.xrays("smoothness")


def test_the_file_is_of_the_model_that_ships() -> None:
    """If this fails, run ``python scripts/records/chest_cases.py``: the scores and reconstructions are another model's."""
    assert packed_file(CHEST)["spec"]["of"] == card("chest-vae-0")["weights"]["sha256"]
    _, content, _ = _file()
    test = pneumonia("test")
    test = without(test, repeats(test))
    again = to_uint8(reconstructions(chest_vae(0), test.floats()[packed_file(CHEST)["spec"]["indices"]]))
    stored = np.frombuffer(content, np.uint8, 12 * 784, 12 * 784).astype(int)
    assert np.abs(again.numpy().ravel().astype(int) - stored).max() <= 1


def test_the_page_and_the_chapter_count_the_same() -> None:
    """The chapter's scores, computed anew: the same counts at 5 %, up to one image that another processor rounds otherwise."""
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    test = without(test, repeats(test))
    validation = without(validation, repeats(validation, test))
    train = without(train, repeats(train, validation, test))
    normals, known = (x.subset(x.labels == 0).floats() for x in (train, validation))
    said = vae_scores(chest_vae(0), normals)
    one, other = said(known), said(test.floats())
    complexity = [compressed_length(x) for x in (known, test.floats())]
    line = given_complexity(one.log_error, complexity[0])
    found = {
        "smoothness": (smoothness(known), smoothness(test.floats())),
        "elbo": (one.elbo, other.elbo),
        "given": tuple(line.residual(s.log_error, c) for s, c in zip((one, other), complexity, strict=True)),
    }
    _, _, sets = _file()
    for name, (reference, new) in found.items():
        stored = [torch.tensor(sets[name][part], dtype=torch.float64) for part in ("validation", "test")]
        for positive in (True, False):
            chosen = (test.labels == 1) == positive
            counts = [alarms(x[chosen], threshold_at(y, 0.05)) for y, x in ((reference, new), (stored[0], stored[1]))]
            assert abs(counts[0].value - counts[1].value) * counts[0].n < 1.5, (name, positive)
