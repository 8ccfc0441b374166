"""A picture from a sentence, drawn in the page: type, and see it form, word by word and step by step.

The scripts ``sentence_math.js`` and ``sentence.js`` are :class:`imggen_lib.applications.sentence.painter.Painter` once more, with
the same weights to the last bit; a test compares the two.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from imggen_lib.live.base import Live
from imggen_lib.live.shipped import offers, packed_file

SENTENCE = "sentence-painter"
SEEDS = 24  # whose noise the page has from Python


class Sentence(Live):
    """See :func:`sentence`."""

    demo = "sentence"
    parts = ("product", "net", "rows", "solvers", "sentence_math")
    words = "A live demo stands here: you write a sentence, and a picture forms. It needs JavaScript, or a running notebook."

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name) if name == SENTENCE else super().file(name)


@offers(SENTENCE)
@cache
def sentence_file() -> dict[str, Any]:
    """The painter for the page: its weights as they ship, the vocabulary, and the noise of the first seeds."""
    import base64

    from imggen_lib.applications.sentence import store
    from imggen_lib.data import captions
    from imggen_lib.live.layers import unrolled
    from imggen_lib.live.wire import Writer
    from imggen_lib.noise import latents

    painter, kept, writer = store.painter(), store.tensors_of("painter"), Writer()

    def number(name: str) -> int:
        value = kept[name]
        if isinstance(value, store.Rounded):
            return writer.whole(value.whole, scale=writer.numbers(value.step), axis=0)
        return writer.numbers(value)

    parts = {name.removeprefix("net."): number(name) for name in kept if name.startswith("net.")}
    said = []
    scale, shift = number("coder.spread"), number("coder.mean")
    said.append({"kind": "channels", "scale": scale, "shift": shift})
    for place, module in painter.coder.decoder.named_children():
        said += _described(unrolled(module), f"coder.decoder.{place}", number)
    said += [{"kind": "sigmoid"}, {"kind": "affine", "scale": 2, "shift": -1}]
    net = painter.net
    meanings = {word: [factor, word] for factor, row in captions.WORDS.items() for word in row}
    meanings |= {other: meanings[word] for word, row in captions.SYNONYMS.items() for other in row}
    meanings["serifs"] = meanings["serif"]
    noise = latents(range(SEEDS), net.dim).numpy().astype("<f4").tobytes()
    spec = {
        "nets": {"decode": said},
        "parts": parts,
        "tensors": writer.table,
        "heads": net.blocks[0].heads,
        "blocks": len(net.blocks),
        "layers": len(net.encoder.blocks),
        "time": net.time.in_features,
        "latent": net.dim,
        "vocabulary": list(captions.VOCABULARY),
        "same": captions.SAME,
        "meanings": meanings,
        "length": captions.LENGTH,
        "seeds": SEEDS,
        "noise": base64.b64encode(noise).decode(),
        "name": SENTENCE,
        "classes": 0,
    }
    return {"spec": spec, "bytes": writer.deflated()}


def _described(layers: Any, name: str, number: Any) -> list[dict[str, Any]]:
    """Layers with their tensors by the names under which they are stored."""
    found = []
    for layer in layers:
        said = {"kind": layer.kind, **layer.options}
        if layer.body:  # two convolutions, each behind its SiLU
            inner, convolutions = list(layer.body), iter(("one", "two"))
            said["body"] = [_described([i], f"{name}.{next(convolutions)}" if i.tensors else "", number)[0] for i in inner]
        else:
            said |= {part: number(f"{name}.{part}") for part in layer.tensors}
        found.append(said)
    return found


def sentence(
    text: str = "a small bold slanted Q in a serif font top left", *, seed: int = 0, guidance: float = 2.0, steps: int = 8,
    strings: Mapping[str, str] | None = None,
) -> Sentence:  # fmt: skip
    """Write a sentence about a letter or a digit and see the picture form, with its attention to the words.

    The page computes everything itself: no kernel, no network. A negative sentence is moved away from; one word can be exchanged
    with the same noise. The first 24 seeds are those of :func:`imggen_lib.noise.latents`.

    Raises:
        ValueError: for words that no caption uses, for two words of one factor, for a seed that is not among the first, for a
            guidance that is not between 0 and 6 and for steps that are not from 1 to 32.
    """
    from imggen_lib.data.captions import parse, tokens

    tokens([text])
    parse(text)
    if not isinstance(seed, int) or not 0 <= seed < SEEDS:
        raise ValueError(f"the seed shown first is a whole number from 0 to {SEEDS - 1}, got {seed!r}")
    if not 0 <= guidance <= 6 or not 1 <= steps <= 32:
        raise ValueError(f"guidance is from 0 to 6 and steps from 1 to 32, got {guidance} and {steps}")
    options = {"model": SENTENCE, "text": text, "seed": seed, "guidance": guidance, "steps": steps}
    return Sentence(options, strings=strings)
