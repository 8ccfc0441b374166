"""Reconstruct what I draw: a VAE reads the reader's digit, draws it again, and says how probable it finds it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imggen_lib.live.base import Live
from imggen_lib.live.explore import OWN
from imggen_lib.live.shipped import BOTH, check_name, packed_file

if TYPE_CHECKING:
    from torch import nn


class Drawing(Live):
    """See :func:`drawing`."""

    demo = "drawing"
    parts = ("product", "net", "maths", "picture")
    words = "A live demo stands here: you draw a digit, and a VAE draws it again. It needs JavaScript, or a running notebook."

    def __init__(self, options: Mapping[str, Any], own: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(options, **more)
        self._own = own
        self.in_pages = own is None

    def file(self, name: str) -> dict[str, Any]:
        return self._own if name == OWN and self._own is not None else packed_file(name)


def _check(model: "nn.Module") -> None:
    from imggen_lib.models.vae import VAE

    if not isinstance(model, VAE) or model.likelihood != "bernoulli" or model.classes or model.image_shape != (1, 28, 28):
        raise ValueError(
            "drawings are read by a VAE without classes, with a Bernoulli likelihood, for grey images of 28 by 28 pixels"
        )


def drawing(model: "str | nn.Module" = "mnist-vae-small", *, draws: int = 64, strings: Mapping[str, str] | None = None) -> Drawing:
    """Draw a digit and see what a VAE makes of it: a shipped one by its name, or one of your own (in a notebook only).

    The drawing is centred and scaled like MNIST (20 by 20 pixels of ink in 28 by 28, by the centre of mass). Shown are what the
    model sees, what it draws from the mean of q(z|x), their structural similarity (:func:`imggen_lib.metrics.pixel.ssim`), and the
    importance-weighted estimate of log p(x) in nats from `draws` draws (:mod:`imggen_lib.metrics.likelihood`), for which each pixel
    is tossed like a coin, as in training. For ``mnist-vae-small``, which is light enough for a page, a scale says what is
    typical of test digits.

    Raises ``ValueError`` for a model that is not such a VAE.
    """
    from imggen_lib.checkpoint import pretrained

    if draws < 1:
        raise ValueError(f"at least one draw is needed, got {draws}")
    if isinstance(model, str):
        _check(pretrained(check_name(model)).model())
        return Drawing({"model": model + BOTH, "draws": draws}, strings=strings)
    _check(model)
    return Drawing({"model": OWN, "draws": draws}, _own(model), strings=strings)


def _own(model: "nn.Module") -> dict[str, Any]:
    import copy

    from imggen_lib.live.pack import pack

    packed = pack(copy.deepcopy(model).eval().cpu(), encoder=True)
    return {"spec": {**packed.spec, "name": OWN}, "bytes": packed.content}
