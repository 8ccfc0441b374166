"""Images to learn from: ``load(name, split)`` gives an :class:`ImageSet`, whatever the source.

The whole set lives in memory as one uint8 tensor; a batch is an indexed copy of it, made on the device that trains. The
training path does no work an image in Python, which is where the usual ``DataLoader`` with ``ToTensor`` spends half its time.
"""

from imggen_lib.data.chest import pneumonia
from imggen_lib.data.imageset import ImageSet, to_float, to_uint8, to_unit
from imggen_lib.data.kanjivg import kanji
from imggen_lib.data.sources import NAMES, load, load_or_glyphs

__all__ = ["NAMES", "ImageSet", "kanji", "load", "load_or_glyphs", "pneumonia", "to_float", "to_uint8", "to_unit"]
