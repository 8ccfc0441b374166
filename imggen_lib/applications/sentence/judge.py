"""Is the sentence obeyed? The sets that are compared, baselines, and what is measured of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.applications.sentence.obedience import ReadsFactors, as_json, obedience, share, told
from imggen_lib.applications.sentence.painter import Painter
from imggen_lib.data import captions
from imggen_lib.data.glyphs import RANGES
from imggen_lib.models.flow import check_sampler
from imggen_lib.noise import latents, mix
from imggen_lib.ode import integrate
from imggen_lib.train.sentence import scaled

GUIDANCE, STEPS = 2.0, 8
Meanings = Int[np.ndarray, "n seven"]
Images = Float[Tensor, "n 1 28 28"]


def full_meanings(n: int, seed: int, unseen: bool = False) -> Meanings:
    """Meanings with a word for every factor: compositions that training had, or slanted serif digits, which it had not."""
    meanings = captions.draw_meanings(n, seed, said=1.0, holdout=not unseen)
    if unseen:
        meanings[:, 0] %= 10
        meanings[:, 1] = captions.WORDS["font"].index("serif")
        meanings[:, 2] = captions.WORDS["slant"].index("slanted")
    return meanings


def real(n: int, seed: int, unseen: bool = False) -> tuple[Meanings, Images]:
    """Full meanings and a real image of each: what a reader should find obeyed."""
    meanings = full_meanings(n, seed, unseen)
    return meanings, scaled(captions.draw_images(meanings, mix(seed, 1), holdout=not unseen)[0])


def places(meanings: Meanings, seed: int) -> Float[Tensor, "n 2"]:
    """Points (across, down) of meanings that may name a place, in thirds of a pixel from the middle: the small example's data."""
    rng = np.random.Generator(np.random.PCG64(seed))
    out = np.empty((len(meanings), 2), dtype=np.float32)
    for axis, factor in enumerate(("x", "y")):
        spans = np.array([*captions.SPANS[factor].values(), RANGES[factor]])
        low, high = spans[meanings[:, captions.FACTORS.index(factor)]].T
        out[:, axis] = low + (high - low) * rng.random(len(meanings))
    return torch.from_numpy(out / 3)


def sentences(meanings: Meanings, seed: int) -> list[str]:
    """One of the ways to say each meaning, by chance."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return [captions.write(meaning, rng.random(8)) for meaning in meanings]


def retrieved(meanings: Meanings, pool: int, seed: int) -> Images:
    """The baseline without a generator: the one of `pool` training images whose caption shares most words with the sentence.

    Captions are those of training: words are left out, and no slanted serif digit is there. Ties go to the first.
    """
    kept = captions.draw_meanings(pool, mix(seed, 0), said=0.75, named=0.92)
    best = np.empty(len(meanings), dtype=np.int64)
    for at in range(0, len(meanings), 200):
        part = meanings[at : at + 200]
        common = sum((part[:, None, k] == kept[None, :, k]) & (part[:, None, k] >= 0) for k in range(part.shape[1]))
        best[at : at + 200] = np.asarray(common).argmax(1)
    images, _ = captions.draw_images(kept, mix(seed, 1))
    return scaled(images[best])


def curves(painter: Painter, reader: ReadsFactors, n: int) -> dict[str, Any]:
    """How often sentences are obeyed against guidance and against steps, seen and unseen compositions."""
    guidance: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for name, unseen in (("seen", False), ("unseen", True)):
        meanings = full_meanings(n, 911, unseen)
        texts = sentences(meanings, 8)

        def at(w: float, k: int, texts: Sequence[str] = texts, meanings: Meanings = meanings) -> dict[str, Any]:
            return as_json(obedience(meanings, painter.draw(texts, range(n), guidance=w, steps=k), reader))

        guidance[name] = {str(w): at(w, STEPS) for w in (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)}
        steps[name] = {str(k): at(GUIDANCE, k) for k in (1, 2, 4, 8, 16)}
    return {"guidance": guidance, "steps": steps}


def without(meanings: Meanings, factor: str) -> Meanings:
    """The same, and nothing said about one factor."""
    out = meanings.copy()
    out[:, captions.FACTORS.index(factor)] = -1
    return out


@torch.no_grad()
def composed(painter: Painter, parts: Sequence[Sequence[str]], seeds: Sequence[int], guidance: float, steps: int = STEPS) -> Images:
    """Pictures of several sentences at once: the velocity ``v(nothing) + guidance sum_k (v(part k) - v(nothing))``.

    If the parts are independent of each other given the picture, this is the flow of their product, raised to `guidance`. Source:
    Liu et al., "Compositional visual generation with composable diffusion models", ECCV 2022. Raises `ValueError` for a part with
    another number of sentences than there are seeds.
    """
    if not seeds or any(len(part) != len(seeds) for part in parts):
        raise ValueError(f"each part needs a sentence for each of {len(seeds)} seeds, got {[len(part) for part in parts]}")
    check_sampler("heun", steps, guidance, 1)
    empty = painter.net.read(captions.tokens([""]).expand(len(seeds), -1))
    words = [painter.net.read(captions.tokens(list(part))) for part in parts]

    def velocity(x: Tensor, t: float) -> Tensor:
        times = torch.full((len(x),), t)
        rest = painter.net(x, times, empty)
        return rest + guidance * sum((painter.net(x, times, w) - rest for w in words), torch.zeros_like(x))

    return painter.coder.draw(integrate(velocity, latents(seeds, painter.net.dim), steps))


def rescue(painter: Painter, reader: ReadsFactors, n: int) -> dict[str, Any]:
    """The unseen composition, said otherwise: as two sentences whose velocities are added."""
    meanings = full_meanings(n, 921, unseen=True)
    plain = sentences(meanings, 9)
    bare, lean = sentences(without(meanings, "slant"), 9), ["slanted"] * n
    face, serif = sentences(without(meanings, "font"), 9), ["serif"] * n
    drawn = {"one sentence": painter.draw(plain, range(n), guidance=GUIDANCE, steps=STEPS)}
    for w in (1.0, 1.5, 2.0):
        drawn[f"the rest and slanted, {w:g}"] = composed(painter, (bare, lean), range(n), w)
        drawn[f"the rest and serif, {w:g}"] = composed(painter, (face, serif), range(n), w)
    return {name: as_json(obedience(meanings, x, reader)) for name, x in drawn.items()}


def negatives(painter: Painter, reader: ReadsFactors, n: int) -> dict[str, Any]:
    """A sentence without a font: how often each kind of font comes, alone and with the negative sentence "serif"."""
    meanings = without(full_meanings(n, 931), "font")
    meanings[:, captions.FACTORS.index("slant")] = captions.WORDS["slant"].index("upright")
    texts, found = sentences(meanings, 10), {}
    for name, against in (("nothing", ""), ("serif", "serif"), ("typewriter", "typewriter")):
        images = painter.draw(texts, range(n), guidance=GUIDANCE, steps=STEPS, against=against)
        font = reader.read(images)["font"].numpy()
        kinds = {kind: share(font == k) for k, kind in enumerate(captions.KINDS)}
        found[name] = {**as_json(kinds), "rest": as_json({"all": obedience(meanings, images, reader)["all"]})["all"]}
    return found


def edits(painter: Painter, reader: ReadsFactors, n: int) -> dict[str, Any]:
    """One word exchanged with the same noise: the word that changed is obeyed, and what else moved, beside new noise.

    ``moved`` is the mean change of the other numbers that were read, in shares of their whole range.
    """
    first = full_meanings(n, 941)
    second, factor = first.copy(), captions.FACTORS.index("scale")
    second[:, factor] = (first[:, factor] + 1) % len(captions.WORDS["scale"])
    before, after = ([captions.write(m) for m in meanings] for meanings in (first, second))
    start = reader.read(painter.draw(before, range(n), guidance=GUIDANCE, steps=STEPS))
    found = {}
    for name, seeds in (("same noise", range(n)), ("new noise", range(n, 2 * n))):
        images = painter.draw(after, seeds, guidance=GUIDANCE, steps=STEPS)
        end, others = reader.read(images), [f for f in captions.SPANS if f != "scale"]
        moved = [float((end[f] - start[f]).abs().mean()) / (RANGES[f][1] - RANGES[f][0]) for f in others]
        found[name] = {"obeyed": as_json(obedience(second, images, reader)), "moved": round(float(np.mean(moved)), 4)}
    return found


def diversity(painter: Painter, reader: ReadsFactors, each: int = 20) -> dict[str, Any]:
    """How much varies of what a sentence leaves open: spread of the numbers read, as a part of real images', and the fonts.

    The sentences name a character alone; a real image of one is drawn from the whole range of everything else.
    """
    meanings = np.full((36 * each, len(captions.FACTORS)), -1, dtype=np.int64)
    meanings[:, 0] = np.repeat(np.arange(36), each)
    texts = [captions.write(m) for m in meanings]
    sets = {"real": scaled(captions.draw_images(meanings, 951)[0])}
    for w in (1.0, 1.5, 2.0, 3.0, 4.0):
        sets[f"{w:g}"] = painter.draw(texts, range(len(texts)), guidance=w, steps=STEPS)
    read = {name: reader.read(x) for name, x in sets.items()}
    found: dict[str, Any] = {}
    for name, values in read.items():
        spread = {f: float(values[f].std() / read["real"][f].std()) for f in captions.SPANS}
        fonts = {kind: round(float((values["font"] == k).double().mean()), 4) for k, kind in enumerate(captions.KINDS)}
        found[name] = {
            "spread": {f: round(v, 4) for f, v in spread.items()},
            "mean spread": round(float(np.mean(list(spread.values()))), 4),
            "fonts": fonts,
            "character": as_json(obedience(meanings, sets[name], reader))["class"],
        }
    return found


def obeys(painter: Painter, text: str, seeds: Sequence[int], reader: ReadsFactors, **options: Any) -> dict[str, Any]:
    """One sentence with many seeds: how often each of its words is obeyed. For readers who try their own."""
    images = painter.draw([text] * len(seeds), seeds, **options)
    return obedience(told([text] * len(seeds)), images, reader)
