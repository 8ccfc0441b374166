"""The latent explorer: drag a point, move sliders, walk, and look at what a model draws there."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from imggen_lib.live.base import Live
from imggen_lib.live.shipped import SMALL, check_name, generators, packed_file

if TYPE_CHECKING:
    from torch import nn

OWN = "your network"


class Explorer(Live):
    """See :func:`explorer`."""

    demo = "explorer"
    parts = ("product", "net", "maths", "picture")
    words = "A live demo stands here: you point, and a model draws what is there. It needs JavaScript, or a running notebook."

    def __init__(self, options: Mapping[str, Any], own: "nn.Module | None" = None, **more: Any) -> None:
        super().__init__(options, **more)
        self._own = own
        self.in_pages = own is None

    def file(self, name: str) -> dict[str, Any]:
        if name == OWN and self._own is not None:
            return _packed(self._own)
        return packed_file(name)


def _packed(model: "nn.Module") -> dict[str, Any]:
    """A network of one's own as a file; twenty megabytes, as nobody pays for a page here."""
    import copy

    from imggen_lib.live.pack import pack

    packed = pack(copy.deepcopy(model).eval().cpu(), budget=20_000_000)
    return {"spec": {**packed.spec, "name": OWN}, "bytes": packed.content}


def explorer(
    model: "str | nn.Module" = "mnist-vae-map",
    *,
    choices: Sequence[str] | Literal["all"] = (),
    dims: int = 5,
    walk: bool = False,
    seed: int | None = None,
    strings: Mapping[str, str] | None = None,
) -> Explorer:
    """Explore the latent space of a model: of a shipped one, by its name, or of a network of your own (in a notebook only).

    With two latent dimensions there is a map to drag a point on, with the encoder's means of test images for the shipped model.
    There is a slider for each dimension, `dims` of them at first; a VAE's begin with the dimension that says most about images.
    `choices` are names of shipped models that the reader may change to, or ``"all"``: a page loads one when it is chosen, and the
    list says how large it is. `walk` starts a random walk by itself, unless the reader prefers less motion; `seed` makes what is
    random the same each time. `strings` replaces texts, see ``js/explorer.js``. Raises ``ValueError`` for a name that is not
    shipped and for a network that the page cannot compute.
    """
    if dims < 1:
        raise ValueError(f"at least one slider must be shown, got dims = {dims}")
    name = check_name(model) if isinstance(model, str) else OWN
    own = None if isinstance(model, str) else model
    if own is not None:
        _packed(own)  # what the page cannot compute is an error now, not when the cell has run
    options: dict[str, Any] = {"model": name, "dims": dims}
    if choices:
        others = (*generators(), *SMALL) if choices == "all" else map(check_name, choices)
        options["choices"] = list(dict.fromkeys([name, *others]))
    if walk:
        options["walk"] = True
    if seed is not None:
        options["seed"] = seed
    return Explorer(options, own, strings=strings)
