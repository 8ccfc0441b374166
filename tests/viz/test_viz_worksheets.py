"""Pictures of the chapter on education show what they are given."""

import numpy as np
import pytest
import torch

from imggen_lib.applications.worksheets import pdf, sheet
from imggen_lib.measured import measured
from imggen_lib.viz.worksheets import digit_rows, key_chart, page_picture, printed_digits


def test_digits_are_black_or_white() -> None:
    image = -torch.ones(2, 1, 28, 28)
    image[0, 0, 4:24, 12:16] = 1.0
    found = printed_digits(image, 56)
    assert found.shape == (56, 112, 3) and len(np.unique(found.reshape(-1, 3), axis=0)) == 2
    assert len(np.unique(found[:, 56:].reshape(-1, 3), axis=0)) == 1
    assert len(digit_rows({"a": image, "b": image}).axes) == 2
    with pytest.raises(ValueError, match="one row"):
        digit_rows({})


def test_a_page_is_cut_where_it_is_asked() -> None:
    one = sheet.worksheet(0, count=4)
    page = pdf.draw_sheet(one, sheet.sheet_images(one))
    whole, part = page_picture(page, dpi=40), page_picture(page, (0, 0, 0.5, 0.25), dpi=40)
    assert part.size[0] - 12 == (whole.size[0] - 12) // 2 and np.asarray(part).min() < 60


def test_the_chart_has_a_line_for_each_name() -> None:
    chart = key_chart(measured("worksheets")["sets"], {"GAN, chosen": "chosen", "GAN, no hand": "none"})
    (ax,) = chart.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["chosen", "none"] and ax.get_xlabel()
