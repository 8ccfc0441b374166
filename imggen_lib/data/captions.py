"""Sentences about glyphs: a grammar that writes them, reads them back, and knows which images obey them.

A *meaning* says a word or nothing about each factor of an image: it is a row of seven integers, one a factor of
:data:`FACTORS`, each the index of a word in :data:`WORDS` or -1 where nothing is said. A word stands for a range of its factor,
and between the ranges of two words lies a gap, so that no image is both. The picture of a meaning is drawn from its words'
ranges, and from the whole range where nothing is said. A *sentence* is one of the many ways to say a meaning; :func:`parse`
reads every one of them back.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.data.glyphs import CLASSES, FONTS, RANGES, _uniforms, render
from imggen_lib.errors import shortened

FACTORS = ("class", "font", "slant", "weight", "scale", "x", "y")
#: The fonts behind each word. DejaVuSansMono is behind none: its letters have no serifs and a typewriter's width, it lies in a gap.
KINDS = {
    "sans": ("DejaVuSans", "cmss10"),
    "serif": ("DejaVuSerif", "cmr10", "STIXGeneral"),
    "typewriter": ("cmtt10",),
}
#: The range behind each word, in the units of :data:`imggen_lib.data.glyphs.RANGES`.
SPANS: dict[str, dict[str, tuple[float, float]]] = {
    "slant": {"backward": (-0.2, -0.1), "upright": (0.0, 0.1), "slanted": (0.22, 0.4)},
    "weight": {"light": (-0.008, 0.006), "bold": (0.032, 0.05)},
    "scale": {"small": (0.8, 0.88), "medium": (0.96, 1.04), "large": (1.12, 1.2)},
    "x": {"left": (-3.0, -1.6), "centre": (-0.7, 0.7), "right": (1.6, 3.0)},
    "y": {"top": (-3.0, -1.6), "middle": (-0.7, 0.7), "bottom": (1.6, 3.0)},
}
#: The words of each factor, in the order of their indices in a meaning.
WORDS: dict[str, tuple[str, ...]] = {
    "class": tuple(CLASSES),
    "font": tuple(KINDS),
    **{factor: tuple(words) for factor, words in SPANS.items()},
}
#: Other words for the same; the first of each row is the word itself.
SYNONYMS = {
    "small": ("small", "tiny", "little"),
    "medium": ("medium",),
    "large": ("large", "big"),
    "bold": ("bold", "heavy", "thick"),
    "light": ("light", "thin"),
    "slanted": ("slanted", "italic"),
    "upright": ("upright", "straight"),
    "backward": ("backward", "reclining"),
}
FILLERS = ("a", "an", "the", "in", "at", "on", "with", "without", "font", "type", "letter", "digit", "glyph", "corner")
_PLACES = ("top", "middle", "bottom", "left", "centre", "right")
_FONTS = ("serif", "serifs", "sans", "typewriter")
#: Every token, the empty one first: what a text encoder has an embedding for.
VOCABULARY = ("", *CLASSES, *(w for row in SYNONYMS.values() for w in row), *_FONTS, *_PLACES, *FILLERS)
LENGTH = 16  # tokens of a sentence, filled up with the empty one
_TOKEN = {word: k for k, word in enumerate(VOCABULARY)}
#: A word as people type it: what stands between spaces, and without the signs that a telephone puts there by itself.
WORD = re.compile(r"[^\s,.;:!?\"'()\[\]«»\u2012-\u201f\u2026]+")
SAME = {"center": "centre", "monospaced": "typewriter", "oblique": "italic", "huge": "big"}


def draw_meanings(n: int, seed: int, said: float = 0.75, named: float = 1.0, holdout: bool = True) -> np.ndarray:
    """Meanings ``(n, 7)``: a word for each factor with probability `said`, for the character with probability `named`.

    With `holdout` none of them is a slanted serif digit: see :func:`unseen`.
    """
    n, said, named = whole(n, "n", 1), real(said, "said", 0, 1), real(named, "named", 0, 1)
    out = np.full((n, len(FACTORS)), -1, dtype=np.int64)
    for k, factor in enumerate(FACTORS):
        word = (_uniforms(n, seed, 2 * k) * len(WORDS[factor])).astype(np.int64)
        spoken = _uniforms(n, seed, 2 * k + 1) < (named if factor == "class" else said)
        out[:, k] = np.where(spoken, word, -1)
    if holdout:
        others = np.array([k for k, word in enumerate(WORDS["slant"]) if word != "slanted"])
        bad = unseen(out)
        out[bad, 2] = others[(_uniforms(n, seed, 20)[bad] * len(others)).astype(np.int64)]
    return out


def unseen(meanings: np.ndarray) -> np.ndarray:
    """Whether a meaning names the composition that is held out of training: a slanted serif digit; ``(n,)`` bool."""
    digit = (meanings[:, 0] >= 0) & (meanings[:, 0] < 10)
    serif, slanted = WORDS["font"].index("serif"), WORDS["slant"].index("slanted")
    return digit & (meanings[:, 1] == serif) & (meanings[:, 2] == slanted)


def excluded(factors: dict[str, np.ndarray]) -> np.ndarray:
    """Whether an image shows the held-out composition: a digit, in a serif font, with a slant beyond upright's; ``(n,)`` bool."""
    serif = np.isin(factors["font"], [FONTS.index(f) for f in KINDS["serif"]])
    return (factors["class"] < 10) & serif & (factors["slant"] > SPANS["slant"]["upright"][1])


def _check(meanings: np.ndarray) -> None:
    """Raises ``ValueError`` unless these are meanings."""
    found, most = np.asarray(meanings), [len(WORDS[factor]) for factor in FACTORS]
    fits = found.ndim == 2 and found.shape[1] == len(FACTORS) and found.dtype.kind in "iu"
    if not fits or (found < -1).any() or (found >= most).any():
        raise ValueError("a meaning is a row of seven whole numbers, each the index of one of its factor's words, or -1")


def draw_images(meanings: np.ndarray, seed: int, holdout: bool = True) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """An image of each meaning, ``(n, 28, 28)`` uint8, and its factors.

    A factor is uniform in its word's range, or in the whole range where nothing is said. With `holdout`, what would show
    the composition that is held out is drawn in another font, or with another slant, whichever the meaning leaves open.
    """
    _check(meanings)
    n = len(meanings)
    character, kind, slant = meanings[:, 0], meanings[:, 1], meanings[:, 2]
    serif, slanted = WORDS["font"].index("serif"), WORDS["slant"].index("slanted")
    letter = 10 + (_uniforms(n, seed, 96) * 26).astype(np.int64)
    free = character < 0
    character = np.where(free, (_uniforms(n, seed, 97) * len(CLASSES)).astype(np.int64), character)
    if holdout:
        character = np.where(free & (kind == serif) & (slant == slanted), letter, character)
    free, digit = kind < 0, character < 10
    kind = np.where(free, (_uniforms(n, seed, 99) * len(KINDS)).astype(np.int64), kind)
    if holdout:
        other = np.where(_uniforms(n, seed, 98) < 0.5, WORDS["font"].index("sans"), WORDS["font"].index("typewriter"))
        kind = np.where(free & digit & (kind == serif) & (slant == slanted), other, kind)
    fonts = [[FONTS.index(f) for f in names] for names in KINDS.values()]
    font = [fonts[j][int(v * len(fonts[j]))] for j, v in zip(kind, _uniforms(n, seed, 100), strict=True)]
    factors = {"class": character, "font": np.array(font, dtype=np.int64)}
    for k, factor in enumerate(FACTORS[2:], start=2):
        low, high = np.array([*SPANS[factor].values(), RANGES[factor]])[meanings[:, k]].T  # -1 is the whole range
        if holdout and factor == "slant":
            high = np.where((slant < 0) & digit & (kind == serif), SPANS["slant"]["upright"][1], high)
        factors[factor] = low + (high - low) * _uniforms(n, seed, 100 + k)
    return render(factors), factors


def write(meaning: np.ndarray, choice: np.ndarray | None = None) -> str:
    """One sentence that says a meaning; `choice`, eight numbers in [0, 1), picks among its paraphrases (zeros: the plain one)."""
    _check(np.asarray(meaning)[None])
    u = np.zeros(8) if choice is None else np.asarray(choice)
    if u.shape != (8,) or not ((u >= 0) & (u < 1)).all():
        raise ValueError(f"a choice is eight numbers from 0 to below 1, got {choice!r}")
    word = {f: WORDS[f][k] for f, k in zip(FACTORS, meaning, strict=True) if k >= 0}

    def pick(options: tuple[str, ...], k: int) -> str:
        return options[int(u[k] * len(options))]

    adjectives = [pick(SYNONYMS[word[f]], k) for k, f in enumerate(("scale", "weight", "slant"), start=1) if f in word]
    character = word.get("class", "")
    noun = "glyph"
    if character:
        noun = pick((character, character, f"{'digit' if character.isdigit() else 'letter'} {character}"), 4)
    subject = " ".join([*adjectives, noun])
    article = "an" if re.match("[aeiou]|[8AEFHILMNORSX]$", subject) else "a"
    font = {
        "": ("",),
        "serif": ("in a serif font", "with serifs", "in serif type"),
        "sans": ("in a sans font", "without serifs", "in sans type"),
        "typewriter": ("in a typewriter font", "in typewriter type"),
    }[word.get("font", "")]
    place, typeface, form = _place(word, u[6]), pick(font, 5), int(u[0] * 4)
    if form == 2:
        parts = [place, f"{article} {subject}", typeface]
    elif form == 3:  # as one types it
        parts = [character, *adjectives, word.get("font", ""), _place(word, 0.0)]
    else:
        parts = [f"{article} {subject}", typeface, place]
    return " ".join(p for p in parts if p)


def _place(word: dict[str, str], u: float) -> str:
    spot = " ".join(word[f] for f in ("y", "x") if f in word)
    if not spot or u < 0.5:
        return spot
    corner = word.get("y") in ("top", "bottom") and word.get("x") in ("left", "right")
    side = "y" not in word and word.get("x") in ("left", "right")
    return f"in the {spot} corner" if corner else f"{'on' if side else 'at'} the {spot}"


def typed(text: str) -> list[str]:
    """The words of a text as they were typed."""
    if not isinstance(text, str):
        raise ValueError(f"a sentence is a text, got a {type(text).__name__}")
    return WORD.findall(text)


def split(text: str) -> list[str]:
    """The tokens of a text: known words as they stand in the vocabulary, unknown ones as typed.

    ``A`` is the letter and ``a`` the article, but alone ``a`` is the letter, and ``A`` the article that a sentence begins with
    where a character follows. Raises `ValueError` for what is no text.
    """
    words, out = typed(text), []
    if words[:1] == ["A"] and any(len(word) == 1 and word != "a" and word.upper() in CLASSES for word in words[1:]):
        words[0] = "a"
    for word in words:
        low = word.lower()
        low = SAME.get(low, low)
        single = word.upper() if len(word) == 1 and (word != "a" or len(words) == 1) else ""
        out.append(single if single in _TOKEN and single else low if low in _TOKEN else word)
    return out


def unknown(text: str) -> list[str]:
    """The words of a text that the vocabulary lacks, in their order."""
    return [w for w in split(text) if w not in _TOKEN]


def tokens(texts: list[str]) -> Int[Tensor, "n length"]:
    """Token indices ``(n, LENGTH)`` of sentences, filled up with 0; raises `ValueError` for unknown words and long sentences."""
    return indices(texts, split, _TOKEN, LENGTH, "caption", f"; known are {', '.join(VOCABULARY[1:])}")


def indices(
    texts: Sequence[str], split: Callable[[str], list[str]], known: Mapping[str, int], length: int, what: str, more: str = ""
) -> Int[Tensor, "n length"]:
    """The number of each word of sentences in a language, as `split` finds them: ``(n, length)``, filled up with 0.

    Raises `ValueError` for words that are not `known`, for sentences of more than `length` words, and for what is no list of texts;
    `what` is the kind of sentence, `more` the end of the message.
    """
    if isinstance(texts, str):
        raise ValueError("sentences come as a list, one text each; got one text")
    out = torch.zeros(len(texts), length, dtype=torch.long)
    for row, text in zip(out, texts, strict=True):
        words = split(text)
        if strange := list(dict.fromkeys(shortened(w, 40) for w in words if w not in known)):
            rest = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
            raise ValueError(f"{shortened(text)!r} has words that no {what} uses: {', '.join(strange[:5])}{rest}{more}")
        if len(words) > length:
            raise ValueError(f"a sentence may have {length} words, {shortened(text)!r} has {len(words)}")
        row[: len(words)] = torch.tensor([known[w] for w in words], dtype=torch.long)
    return out


def parse(text: str) -> np.ndarray:
    """The meaning ``(7,)`` of a sentence; raises `ValueError` where it names two words of one factor."""
    meaning = np.full(len(FACTORS), -1, dtype=np.int64)
    plain = {other: word for word, row in SYNONYMS.items() for other in row}
    previous = ""
    for token in split(text):
        word = {"serifs": "sans" if previous == "without" else "serif"}.get(token, plain.get(token, token))
        previous = token
        for k, factor in enumerate(FACTORS):
            if word in WORDS[factor]:
                index = WORDS[factor].index(word)
                if meaning[k] not in (-1, index):
                    raise ValueError(f"{shortened(text)!r} says both {WORDS[factor][meaning[k]]} and {word}")
                meaning[k] = index
    return meaning


def obeyed(meanings: Int[np.ndarray, "n seven"], read: dict[str, np.ndarray]) -> Bool[np.ndarray, "n seven"]:
    """Whether factors, read from images, obey each word; where nothing is said, anything does.

    A number obeys the word whose range is nearest to it, within half the gap between ranges: outside of all ranges too, a number
    that lies further than that from its word's range does not.
    `read` has ``class`` (index), ``font`` (index into `KINDS`) and the numbers ``slant, weight, scale, x, y``.
    """
    out = np.ones(meanings.shape, dtype=bool)
    for k, factor in enumerate(FACTORS):
        word = meanings[:, k]
        if factor in SPANS:
            borders = np.array([*_borders(factor), (-np.inf, np.inf)])[word]
            fine = (read[factor] >= borders[:, 0]) & (read[factor] <= borders[:, 1])
        else:
            fine = read[factor] == word
        out[:, k] = fine | (word < 0)
    return out


def _borders(factor: str) -> list[tuple[float, float]]:
    """Where each word ends: in the middle of the gap to the next word, and as far beyond the outermost ranges."""
    spans = list(SPANS[factor].values())
    half = [(b[0] - a[1]) / 2 for a, b in pairwise(spans)]
    return [(low - ([half[0], *half][k]), high + ([*half, half[-1]][k])) for k, (low, high) in enumerate(spans)]
