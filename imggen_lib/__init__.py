"""Models, losses and training loops for *Generating images with GANs and VAEs*, an executable book.

The folder says the role, the file says the family: ``models/gan.py``, ``losses/gan.py``, ``train/gan.py``.
Importing this package is cheap; PyTorch is loaded by the modules that need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from imggen_lib.checkpoint import pretrained as pretrained
    from imggen_lib.data import load as load
    from imggen_lib.data import load_or_glyphs as load_or_glyphs
    from imggen_lib.sampling import sample as sample

_PUBLIC = {
    "load": "imggen_lib.data",
    "load_or_glyphs": "imggen_lib.data",
    "pretrained": "imggen_lib.checkpoint",
    "sample": "imggen_lib.sampling",
}
__all__ = ["__version__", "load", "load_or_glyphs", "pretrained", "sample"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
        return value
    raise AttributeError(f"module 'imggen_lib' has no attribute {name!r}")
