"""The bytes of a packed network: tensors one behind the other, little-endian, deflated; and the way back.

A tensor's entry in the table says its ``type`` (``f16``, ``f32``, ``i8``, ``i16``), its ``shape``, where it begins (``at``) and, if
it is to be multiplied by one factor a channel, which tensor that is (``scale``) and along which dimension (``axis``).
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imggen_lib.live.layers import Layer, Layers

_TYPES = {"f16": np.float16, "f32": np.float32, "i8": np.int8, "i16": np.uint8}


class Writer:
    """Collects tensors; ``table`` is their list, ``deflated()`` their bytes."""

    def __init__(self) -> None:
        self.content, self.table = bytearray(), list[dict[str, Any]]()

    def _add(self, kind: str, shape: Sequence[int], values: np.ndarray, more: Mapping[str, int]) -> int:
        self.table.append({"type": kind, "shape": list(shape), "at": len(self.content), **more})
        self.content += values.tobytes() + b"\0" * (-values.nbytes % 4)
        return len(self.table) - 1

    def numbers(self, values: Tensor, exact: bool = True, **more: int) -> int:
        """In half precision if that changes nothing, or if it need not be `exact`; else in single precision."""
        half = values.half()
        fits = bool(torch.isfinite(half).all()) and (not exact or bool((half.double() == values.double()).all()))
        kept = half if fits else values.float()
        return self._add("f16" if fits else "f32", values.shape, kept.contiguous().numpy(), more)

    def whole(self, values: Tensor, **more: int) -> int:
        """Whole numbers: one byte each if all are small enough; else all low bytes, then all high bytes, of 2n or -2n - 1.

        Most high bytes are then 0 or nearly so, and deflate well.
        """
        numbers = values.contiguous().numpy().astype(np.int32)
        if np.abs(numbers).max() <= 127:
            return self._add("i8", values.shape, numbers.astype(np.int8), more)
        folded = (numbers << 1) ^ (numbers >> 31)
        return self._add("i16", values.shape, np.stack([folded & 255, folded >> 8]).astype(np.uint8), more)

    def deflated(self) -> bytes:
        """The shortest of three: rounded weights hardly repeat, and Huffman's code alone is then shorter than with repetitions."""
        ways = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY)
        return min((self._by(way) for way in ways), key=len)

    def _by(self, strategy: int) -> bytes:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
        return deflate.compress(bytes(self.content)) + deflate.flush()


def tensors(table: Sequence[Mapping[str, Any]], deflated: bytes) -> list[Tensor]:
    """What a :class:`Writer` was given, as float64."""
    plain = zlib.decompress(deflated, -15)
    found: list[Tensor] = []
    for entry in table:
        shape, two = entry["shape"], entry["type"] == "i16"
        count = int(np.prod(shape)) * (2 if two else 1)
        values = np.frombuffer(plain, _TYPES[entry["type"]], count, entry["at"])
        if two:
            low, high = values.astype(np.int32).reshape(2, -1)
            values = ((low + 256 * high) >> 1) ^ -(low & 1)
        tensor = torch.from_numpy(values.astype(np.float64).reshape(shape))
        if "scale" in entry:
            tensor = tensor * found[entry["scale"]].view(*[-1 if d == entry["axis"] else 1 for d in range(tensor.ndim)])
        found.append(tensor)
    return found


_WEIGHTS = ("weight", "bias", "scale", "shift", "value")


def unpacked(spec: Mapping[str, Any], deflated: bytes) -> dict[str, Layers]:
    """The networks of a packed file again: what the script in the page makes of it."""
    numbers = tensors(spec["tensors"], deflated)

    def layer(said: Mapping[str, Any]) -> Layer:
        kept = {name: numbers[said[name]] for name in _WEIGHTS if name in said and said["kind"] != "affine"}
        options = {k: v for k, v in said.items() if k not in (*kept, "kind", "body")}
        return Layer(said["kind"], options, kept, tuple(layer(inner) for inner in said.get("body", ())))

    return {name: [layer(said) for said in layers] for name, layers in spec["nets"].items()}
