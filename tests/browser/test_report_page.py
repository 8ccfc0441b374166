"""A report in a real browser: on a desktop, on a phone, light and dark, and on paper, where every sheet has its warning."""

import io
from pathlib import Path

import pytest
import torch
from axe import faults
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from reader import PHONE, new_context

from imggen_lib.applications.anomaly.case import Case
from imggen_lib.applications.anomaly.report import WARNING, save_anomaly_report
from imggen_lib.applications.report import Check, Section, Table, report, save_report
from imggen_lib.applications.verdict import Measured

CHECKS = [
    Check("AUROC on the test", Measured(0.864, 0.833, 0.895, 621), at_least=0.78),
    Check("false alarms on normal test images", Measured(0.094, 0.063, 0.138, 234), at_most=0.05),
    Check("sensitivity", Measured(0.636, 0.587, 0.682, 387)),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    draw = torch.Generator().manual_seed(0)
    images = (torch.rand(3, 5, 1, 28, 28, generator=draw) * 2 - 1).unbind(0)
    cases = [Case(k, x[0], "pneumonia", 0.6, 100.0, x[1], x[2:]) for k, x in enumerate(images)]
    path = tmp_path_factory.mktemp("report") / "report.html"
    return save_anomaly_report(path, cases, checks=CHECKS, threshold=0.5, differences=True).as_uri()


def _open(browser: Browser, address: str, size: tuple[int, int], dark: bool) -> tuple[Page, list[str]]:
    page = new_context(browser, size=size, dark=dark).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else said.append(request.url))
    page.goto(address)
    return page, said


@pytest.mark.parametrize("size", [(1280, 900), PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_is_accessible(browser: Browser, address: str, size: tuple[int, int], dark: bool) -> None:
    page, said = _open(browser, address, size, dark)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(cut) == 0, "a table of this report does not fit"
    tops = page.evaluate("[...document.querySelectorAll('.case .figures')].map((e) => [...e.children].map((f) => f.offsetTop))")
    assert all(len(set(row)) == 1 for row in tops), "pictures that belong beside one another are not"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 24, 30)" if dark else "rgb(255, 255, 255)")
    page.evaluate("document.querySelectorAll('img').forEach((i) => { if (!i.naturalWidth) throw new Error('no picture') })")
    page.context.close()
    assert not said


def test_axe(browser: Browser, address: str) -> None:
    """Its own page has no scripts; axe comes from outside, past the content security policy."""
    for dark in (False, True):
        page = new_context(browser, dark=dark, bypass_csp=True).new_page()
        page.goto(address)
        found = faults(page, every=True)
        page.context.close()
        assert not found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_paper_each_case_has_a_sheet_and_each_sheet_its_warning(browser: Browser, address: str, dark: bool) -> None:
    page, _ = _open(browser, address, PHONE, dark)
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True))).pages
    page.context.close()
    texts = [sheet.extract_text() for sheet in sheets]
    assert len(sheets) == 4 and all(round(float(sheet.mediabox.height)) == 842 for sheet in sheets)
    assert all(f"sheet {k} / 4" in text and text.count(WARNING) >= 2 for k, text in enumerate(texts, 1))
    assert [f"Image {k}" in texts[k + 1] for k in range(3)] == [True] * 3 and "Contents" not in texts[0]


def test_a_case_of_two_sheets_has_the_warning_on_both(browser: Browser, tmp_path: Path) -> None:
    long = Section("A long case", [Table([[f"row {k}", k] for k in range(90)])])
    path = save_report(tmp_path / "r.html", report("t", cases=[long], warnings=["Not for anybody"], texts={"sheet": "Blatt"}))
    page, _ = _open(browser, path.as_uri(), (1280, 900), False)
    texts = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages]
    page.context.close()
    assert len(texts) >= 3 and all("Not for anybody" in text and "Blatt" in text for text in texts)
