"""Where does it break? One image by a generator at every size: rounded, pruned, and by its students.

The page rounds and prunes the teacher itself, with the definitions of :mod:`imggen_lib.compress`; a test compares the two.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor

from imggen_lib.compress.fold import FoldedGenerator, folded
from imggen_lib.compress.quantise import channels_of, layers, steps_of
from imggen_lib.compress.store import nbytes, small
from imggen_lib.live.base import Live
from imggen_lib.live.layers import Layer, unrolled
from imggen_lib.live.shipped import TEACHER, offers, packed_file
from imggen_lib.live.wire import Writer

FILE = "small-generators"
STUDENTS = ("int4", "fifth", "tenth", "thirtieth")  # in the page, in this order


class Sizes(Live):
    """See :func:`sizes`."""

    demo = "sizes"
    parts = ("product", "net", "picture", "sizes_math")
    words = (
        "A live demo stands here: the same image by a generator rounded to fewer bits, pruned, and by students of a fifth to a "
        "thirtieth of its size. It needs JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def sizes(*, seed: int | None = None, strings: Mapping[str, str] | None = None) -> Sizes:
    """One latent, drawn by the teacher in eight bits, rounded to 2 to 8, pruned by 0 to 90 %, and by the small generators.

    With a `seed` the images are the same each time. Beside each picture stand the bytes, the Frechet distance of the record where
    this size was measured, the mean difference to the teacher's picture in grey levels, and the milliseconds that it took here.
    """
    options: dict[str, Any] = {"model": FILE}
    if seed is not None:
        options["seed"] = seed
    return Sizes(options, strings=strings)


def _written(generator: FoldedGenerator, steps: Mapping[str, Tensor], writer: Writer) -> list[dict[str, Any]]:
    """The layers of one generator as whole numbers; what :func:`imggen_lib.live.wire.unpacked` reads."""
    grids = [(layer, steps[name], channels_of(generator, layer)) for name, layer in layers(generator)]

    def said(layer: Layer) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": layer.kind, **layer.options}
        if "weight" in layer.tensors:
            module, step, channels = grids.pop(0)
            axis, weight = 1 if layer.kind == "transposed" else 0, layer.tensors["weight"]
            each = step.double()[:, 0].repeat_interleave(module.weight.shape[axis] // channels)
            whole = (weight / each.view(*[-1 if d == axis else 1 for d in range(weight.ndim)])).round()
            found["weight"] = writer.whole(whole, scale=writer.numbers(each, exact=False), axis=axis)
            found["maps"] = channels
        if "bias" in layer.tensors:
            found["bias"] = writer.numbers(layer.tensors["bias"], exact=False)
        return found

    return [said(layer) for layer in unrolled(generator)]


def teacher() -> FoldedGenerator:
    """The generator that the page rounds and prunes, folded."""
    from imggen_lib.checkpoint import pretrained

    return folded(pretrained(TEACHER).model())


@offers(FILE)
@cache
def packed() -> dict[str, Any]:
    """The file: the teacher in eight bits and the small generators, with the bytes and the distances of each."""
    from imggen_lib.measured import measured

    writer, nets, about = Writer(), {}, {}
    large = teacher()
    eight = {name: steps_of(large, layer, 8).half().clamp(min=2.0**-14) for name, layer in layers(large)}
    rows_of = measured("smaller")["rows"]
    nets["teacher"] = _written(large, eight, writer)
    for name in STUDENTS:
        generator = small(name)
        nets[name] = _written(generator, generator.steps, writer)
        card = generator.card["measured"]
        about[name] = {"bytes": card["bytes"], "distance": card["frechet_distance"]}
    bits = {b: {"bytes": nbytes(large, b), "distance": _distance(rows_of, f"int{b}-largest")} for b in range(2, 9)}
    weights = sum(layer.weight.numel() for _, layer in layers(large))
    rest = nbytes(large, 8) - weights
    pruned = {
        p: {
            "bytes": round((1 - p / 100) * weights) + (weights // 8 if p else 0) + rest,
            "distance": _distance(rows_of, f"pruned-{p}-bare" if p else "int8-largest"),
        }
        for p in range(0, 100, 10)
    }
    spec = {"tensors": writer.table, "nets": nets, "image": list(large.image_shape), "latent": large.latent_dim}
    spec |= {"classes": large.classes, "name": FILE, "students": about, "bits": bits, "pruned": pruned}
    return {"spec": spec, "bytes": writer.deflated()}


def _distance(rows_of: Mapping[str, Mapping[str, Any]], name: str) -> float | None:
    return rows_of[name]["frechet_distance"] if name in rows_of else None
