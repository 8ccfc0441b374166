"""The report of an anomaly score: a page a case with all that belongs on it, the limits, and no map of lesions."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.applications.anomaly.case import Case, cases
from imggen_lib.applications.anomaly.report import TEXTS, WARNING, anomaly_report, case_section, save_anomaly_report
from imggen_lib.applications.report import Check, Table
from imggen_lib.applications.verdict import Measured
from imggen_lib.data import pneumonia
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.models.vae import ConvVAE

CHECK = Check("AUROC", Measured(0.78, 0.74, 0.82, 621), at_least=0.7)


def _case(index: int = 17, percentile: float = 97.0, truth: str = "pneumonia <b>") -> Case:
    draw = torch.Generator().manual_seed(index)
    image, rebuilt, *near = (torch.rand(1, 6, 6, generator=draw) * 2 - 1 for _ in range(5))
    return Case(index, image, truth, 3.25, percentile, rebuilt, torch.stack(near))


def _pictures(html: str) -> list[np.ndarray]:
    """The pixels of all pictures, in order."""
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) for content in found]


def _pixels(image: torch.Tensor) -> np.ndarray:
    return ((image[0] + 1) * 127.5).round().numpy().astype(np.uint8).repeat(4, 0).repeat(4, 1)


def test_a_page_has_the_image_its_reconstruction_and_the_nearest_normals() -> None:
    one, other = _case(17), _case(18)
    html = anomaly_report([one, other], threshold=3.0)
    wanted = [_pixels(x) for case in (one, other) for x in (case.image, case.reconstruction, *case.nearest)]
    assert all(np.array_equal(a, b) for a, b in zip(_pictures(html), wanted, strict=True))
    assert html.count('class="case"') == 2 and html.count('<section class="section"') == 1


def test_every_page_says_that_it_is_not_for_clinical_use() -> None:
    html = anomaly_report([_case(k) for k in range(3)], checks=[CHECK], about=["A VAE."], limits=["One more."])
    parts = re.split(r"<section ", html)[1:]
    assert len(parts) == 5 and all(part.count(WARNING) == 1 for part in parts)
    assert "A VAE." in parts[0] and "1 of 1 checks passed." in parts[0] and "One more." in parts[1] and "6x6 pixels" in parts[1]
    assert anomaly_report([_case()], warning="For learning").count("For learning") == 3  # top, limits, case


def test_a_page_says_score_percentile_call_and_truth() -> None:
    def rows(case: Case, threshold: float | None) -> dict[str, str]:
        table = next(part for part in case_section(case, threshold).parts if isinstance(part, Table))
        return {str(name): str(value) for name, value in table.rows}

    said = rows(_case(), 3.0)
    assert said[TEXTS["score"]] == "3.250" and said[TEXTS["percentile"]] == "97.0" and said[TEXTS["truth"]] == "pneumonia <b>"
    assert said[TEXTS["flag"].format(threshold="3.000")] == "yes"
    assert rows(_case(), 3.25)[TEXTS["flag"].format(threshold="3.250")] == "no", "what is at the threshold is not above it"
    assert list(rows(_case(truth=""), None)) == [TEXTS["score"], TEXTS["percentile"]]
    assert TEXTS["extreme"] in case_section(_case(percentile=100.0)).parts and TEXTS["extreme"] not in case_section(_case()).parts
    assert "pneumonia &lt;b&gt;" in anomaly_report([_case()])


def test_a_percentile_of_n_scores_has_its_interval() -> None:
    case = _case(percentile=100 * 131 / 135)
    low, high = (100 * x for x in wilson_interval(131, 135))
    html = anomaly_report([case], reference=135).replace("\u00a0", " ")
    assert f"97.0 [{low:.1f}, {high:.1f}], n = 135" in html
    low = 100 * wilson_interval(135, 135)[0]
    assert f"100.0 [{low:.1f}, 100.0], n = 135" in anomaly_report([_case(percentile=100.0)], reference=135).replace("\u00a0", " ")
    with pytest.raises(ValueError, match="cannot be that of 135 scores"):
        anomaly_report([_case(percentile=97.0)], reference=135)


def test_differences_are_left_out_or_stand_under_a_warning() -> None:
    case = _case()
    plain, shown = anomaly_report([case]), anomaly_report([case], differences=True)
    assert TEXTS["no_map"] in plain and "no map of lesions" not in plain and len(_pictures(plain)) == 5
    assert TEXTS["no_map"] not in shown and TEXTS["map_warning"] in shown and len(_pictures(shown)) == 6
    apart = (case.image - case.reconstruction).abs()
    assert np.abs(_pictures(shown)[2].astype(int) - _pixels(2 * apart / apart.max() - 1)).max() <= 1
    same = case._replace(reconstruction=case.image)
    assert _pictures(anomaly_report([same], differences=True))[2].max() == 0


def test_texts_can_be_replaced_and_mistakes_are_refused(tmp_path: Path) -> None:
    html = anomaly_report([_case()], checks=[CHECK], texts={"case": "Bild {index}", "passed": "bestanden"}, lang="de")
    assert "Bild 17" in html and "bestanden" in html and "Image 17" not in html and '<html lang="de">' in html
    with pytest.raises(ValueError, match="no text 'nobody'"):
        anomaly_report([_case()], texts={"nobody": ""})
    for wrong in ({"cases": []}, {"cases": [_case()], "warning": ""}):
        with pytest.raises(ValueError, match="at least one case, and a warning"):
            anomaly_report(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        anomaly_report([_case()._replace(score=float("nan"))])
    assert save_anomaly_report(tmp_path / "r.html", [_case()], threshold=3.0).read_text("utf-8") == anomaly_report(
        [_case()], threshold=3.0
    )


def test_it_takes_the_cases_of_a_model() -> None:
    """From the shipped X-rays to a report, with a model that has learned nothing."""
    test = pneumonia("test")
    images, normals = test.floats(40), pneumonia("train").floats(30)
    torch.manual_seed(0)
    model = ConvVAE((1, 28, 28), 3, 4)
    found = cases(model, images[:2], ["a", "b"], lambda x: x.flatten(1).mean(1).double(), normals, torch.linspace(-1, 1, 50))
    html = anomaly_report(found)
    assert len(_pictures(html)) == 2 * (2 + len(found[0].nearest)) and len(html) < 100_000
