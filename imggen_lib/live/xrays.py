"""Your own eyes: twelve X-rays that the reader calls normal or pneumonia, then a threshold for a model and for one line of code.

What is counted has the definitions of :mod:`imggen_lib.metrics.audit`; a test compares the two. Not for clinical use.
"""

from collections.abc import Mapping
from typing import Any

from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.shipped import CHEST, kept, offers, packed_file


@offers(CHEST)
def cases() -> dict[str, Any]:
    """Twelve X-rays and the scores of all test images: ``{"spec": ..., "bytes": ...}``, the bytes deflated."""
    return kept(CHEST, "images")


class Xrays(Live):
    """See :func:`xrays`."""

    demo = "xrays"
    parts = ("product", "net", "picture", "xrays_math")
    words = (
        "A live demo stands here: you call twelve chest X-rays normal or pneumonia and compare yourself with a model and with a "
        "single line of code. It needs JavaScript, or a running notebook. Not for clinical use."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def xrays(score: str | None = None, *, strings: Mapping[str, str] | None = None) -> Xrays:
    """Twelve test X-rays, six of each kind, drawn at random without a look at any score; then all test images and a threshold.

    The reader calls each image, then sees the truth, what a VAE of normal images calls it, and what its smoothness does, one line
    without learning. The slider chooses how many false alarms are allowed among the normal validation images; it moves both
    thresholds, the points on both ROC curves, and the counts on the test images with their Wilson intervals.

    Args:
        score: The model's score that is shown first, one of the names in the file (``elbo``, ``given``); by default the last.
        strings: Texts of the demo that replace its own.

    Raises:
        ValueError: for a score that the file has not.
    """
    names = packed_file(CHEST)["spec"]["scores"][1:]
    if score is not None and score not in names:
        raise ValueError(unknown_name("score", score, names))
    return Xrays({"cases": CHEST, "score": score or names[-1]}, strings=strings)
