"""Screen the hands that may write worksheets, and measure what worksheets are worth beside a font and beside real digits.

``hands.json`` says which hands were kept, by the classifier alone; ``worksheets.json`` what readers that had no part in the choice
say about them. All real digits that stand beside them are test images of MNIST; the readers know training images.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imggen_lib.applications.verdict import answer, paired_difference
from imggen_lib.applications.worksheets import hand, measures, outline, readers, rivals
from imggen_lib.applications.worksheets.trial import sheet_shares
from imggen_lib.checkpoint import pretrained
from imggen_lib.data import glyphs
from imggen_lib.data.imageset import ImageSet
from imggen_lib.data.sources import load
from imggen_lib.machine import prepare
from imggen_lib.metrics.intervals import bounded_mean, mean_estimate, wilson_interval

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "worksheets.json"
NEIGHBOURS, MACHINE = 50_000, 20_000  # training images that the readers know
DRAWS, EACH = 5, 2_000  # training sets of a classifier, and their size
DIGITS = 80  # of 20 sums with two numbers of two digits
READERS = ("classifier", "neighbours", "machine")
MIXED = ("real, pasted at random", "GAN, no hand")  # no two digits of such a sheet belong together
Cell = list[float]


class Group(NamedTuple):
    """A sheet's digits by hand, digit and variation; who reads each of them right; which of them may be used."""

    images: Tensor
    right: dict[str, Tensor]  # (hands, 10, variants) each
    kept: Tensor


def rounded(*numbers: float) -> Cell:
    """A cell of the record: value, low, high, n."""
    return [float(f"{number:.6g}") for number in numbers]


def share(successes: int, n: int) -> Cell:
    """A share with Wilson's interval."""
    return rounded(successes / n, *wilson_interval(successes, n), n)


def by_hand(values: Tensor) -> Cell:
    """The mean of a share a hand, with an interval over hands."""
    found = bounded_mean(values.double(), 0, 1)
    return rounded(found.value, found.low, found.high, len(values))


class Bench:
    """The three readers, and the sheets that they read."""

    def __init__(self) -> None:
        train = load("mnist")
        x, y = train.floats(), train.labels
        assert y is not None
        self.train, self.test = train, load("mnist", "test")
        self.classifier = readers.Classifier()
        self.neighbours = readers.Neighbours(x[:NEIGHBOURS], y[:NEIGHBOURS])
        self.machine = readers.Machine(x[:MACHINE], y[:MACHINE])

    def read(self, images: Tensor) -> list[Tensor]:
        """What each of the three reads."""
        return [reader.read(images) for reader in (self.classifier, self.neighbours, self.machine)]

    def sure(self, images: Tensor) -> Tensor:
        """Where the classifier is sure of the digit, ``(hands, 10, variants)``."""
        shape = images.shape[:3]
        labels = torch.arange(10).view(1, 10, 1).expand(shape).reshape(-1)
        return self.classifier.sure(images.flatten(0, 2), labels, hand.SURE).view(shape)

    def group(self, images: Tensor, kept: Tensor | None = None) -> Group:
        """Images ``(hands, 10, variants, 1, 28, 28)`` with what the readers say."""
        shape = images.shape[:3]
        labels = torch.arange(10).view(1, 10, 1).expand(shape)
        said = self.read(images.flatten(0, 2))
        right = {name: s.view(shape) == labels for name, s in zip(READERS, said, strict=True)}
        right["either"] = readers.either(right["neighbours"], right["machine"])
        return Group(images, right, torch.ones(shape, dtype=torch.bool) if kept is None else kept)


def screen(bench: Bench, model: Any, out: Path, seconds: Callable[[], float]) -> tuple[Group, Group, Tensor]:
    """Write ``hands.json``; all hands, those that are kept, and the margins of the kept ones' digits."""
    images = torch.stack([hand.write_hand(model, seed) for seed in range(hand.SCREENED)])
    shape = images.shape[:3]
    labels = torch.arange(10).view(1, 10, 1).expand(shape).reshape(-1)
    kept = bench.sure(images)
    every = bench.group(images, kept)
    margins = bench.neighbours.margin(images.flatten(0, 2), labels).view(shape)
    whole = kept.any(2).all(1)
    legibility = ((margins * kept).sum(2) / kept.sum(2).clamp(min=1)).mean(1)
    said = {
        "command": "python scripts/records/worksheets.py",
        "model": {"name": hand.MODEL, "sha256": pretrained(hand.MODEL).meta["weights"]["sha256"]},
        "screened": hand.SCREENED,
        "spread": hand.SPREAD,
        "sure": hand.SURE,
        "hands": [
            [k, hand.pack_kept(hand.kept_of(kept[k])), round(float(legibility[k]), 3)] for k in whole.nonzero()[:, 0].tolist()
        ],
    }
    out.write_text(json.dumps(said, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{int(whole.sum())} of {len(whole)} hands kept, {seconds():.0f} s", flush=True)
    chosen = Group(images[whole], {name: r[whole] for name, r in every.right.items()}, kept[whole])
    return every._replace(kept=torch.ones_like(kept)), chosen, legibility[whole]


def told(group: Group, mixed: bool) -> dict[str, Any]:
    """What stands in the record about one kind of sheet."""
    used = group.kept
    cells: dict[str, Any] = {}
    for name in (*READERS, "either"):
        cells[name] = by_hand((group.right[name] & used).sum((1, 2)) / used.sum((1, 2)))
    shares = sheet_shares(group.right["either"], used, mixed=mixed)
    n = len(shares)
    cells["whole sheet"] = share(int((shares == 1).sum()), n)
    cells["product"] = [float(f"{measures.key_holds(1 - share_, DIGITS):.6g}") for share_ in cells["either"][:3]]
    first = used.int().argmax(2)
    one = group.images.flatten(0, 1)[torch.arange(first.numel()), first.flatten()]
    style = measures.style_of(one)
    for name in ("slant", "thickness", "height"):
        found = measures.hand_seen(getattr(style, name).view(n, 10))
        cells[f"hand: {name}"] = rounded(found.value, found.low, found.high, n)
    return cells


def filtered(every: Group, model: Any, bench: Bench) -> dict[str, Any]:
    """Digits before and after a filter by the classifier: by itself, by the two others, and by Bayes' rule from what passes."""
    images = every.images.flatten(0, 2)
    labels = torch.arange(10).view(1, 10, 1).expand(every.images.shape[:3]).reshape(-1)
    sure = bench.classifier.probabilities(images).gather(1, labels[:, None])[:, 0]
    found: dict[str, Any] = {}
    for least in (0.0, 0.9, 0.99, 0.999):
        passes = (sure >= least).view(every.images.shape[:3])
        row: dict[str, Any] = {"kept": by_hand(passes.float().mean((1, 2)))}
        for name in READERS:
            right, some = every.right[name], passes.any(2).any(1)
            row[name] = by_hand(((right & passes).sum((1, 2)) / passes.sum((1, 2)).clamp(min=1))[some])
            p = float(right.double().mean())
            a, b = (float((passes & s).sum() / s.sum().clamp(min=1)) for s in (right, ~right))
            row[f"{name}, by Bayes"] = rounded(p, a, b, *measures.after_filter(p, a, b))
        found[f"{least:g}"] = row
    return found


def difficulty(chosen: Group, legibility: Tensor) -> dict[str, Any]:
    """Thirds of the hands by the neighbours' margin, read by the machine and the vote."""
    order = legibility.argsort(descending=True)
    found = {}
    for k, level in enumerate(hand.LEVELS):
        part = order[k * len(order) // 3 : (k + 1) * len(order) // 3]
        some = Group(chosen.images[part], {n: r[part] for n, r in chosen.right.items()}, chosen.kept[part])
        shares = sheet_shares(some.right["either"], some.kept)
        used = some.kept.sum((1, 2))
        found[level] = {
            "margin": rounded(
                float(legibility[part].mean()), float(legibility[part].min()), float(legibility[part].max()), len(part)
            ),
            **{n: by_hand((some.right[n] & some.kept).sum((1, 2)) / used) for n in (*READERS, "either")},
            "whole sheet": share(int((shares == 1).sum()), len(shares)),
        }
    return found


def on_paper(chosen: Group, bench: Bench) -> dict[str, Any]:
    """What readers make of the printed curve, at three cuts: the first kept variation of every digit of 200 hands."""
    first = chosen.kept.int().argmax(2)[:200]
    images = torch.stack([chosen.images[k, d, first[k, d]] for k in range(len(first)) for d in range(10)])
    labels = torch.arange(10).repeat(len(first))
    found: dict[str, Any] = {}
    for name, seen in {"pixels": images, **{f"{c:g}": outline.as_printed(images, c) for c in (0.3, 0.4, 0.5)}}.items():
        read = {r: s == labels for r, s in zip(READERS, bench.read(seen), strict=True)}
        ink = float(((seen + 1) / 2).mean() / ((images + 1) / 2).mean())
        found[name] = {**{r: by_hand(s.view(-1, 10).float().mean(1)) for r, s in read.items()}, "ink": float(f"{ink:.4g}")}
    return found


def taught(bench: Bench, chosen: Group, alone: Group) -> dict[str, Any]:
    """Support vector machines trained on 2,000 digits of each kind, five draws; the share of 10,000 real test digits read right."""
    real, labels = bench.test.floats(), bench.test.labels
    x, y = bench.train.floats(), bench.train.labels
    assert labels is not None and y is not None
    font = glyphs.make(n=DRAWS * EACH, seed=5, classes="0123456789")

    def cut(images: Tensor, said: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [(images[k * EACH : (k + 1) * EACH], said[k * EACH : (k + 1) * EACH]) for k in range(DRAWS)]

    def of(group: Group) -> tuple[Tensor, Tensor]:
        at = group.kept.nonzero()
        return group.images[tuple(at.T)], at[:, 1]

    assert font.labels is not None
    sets = {"printed font": (font.floats(), font.labels), "GAN, chosen": of(chosen), "GAN, no hand": of(alone), "real": (x, y)}
    found = {}
    for name, (images, said) in sets.items():
        right = [float((readers.Machine(*part).read(real) == labels).double().mean()) for part in cut(images, said)]
        e = mean_estimate(torch.tensor(right))
        found[name] = {"right": rounded(e.value, e.low, e.high, DRAWS), "each": right}
        print("taught", name, found[name]["right"], flush=True)
    return found


def compared(ours: Tensor, theirs: Tensor) -> dict[str, Any]:
    """Sheets of the same sums: the share of digits, and whether the sheet holds; ours minus theirs, and the answer in words."""
    n = min(len(ours), len(theirs))
    found = {}
    for name, of in (("digits", lambda x: x), ("whole sheet", lambda x: (x == 1).double())):
        d = paired_difference(of(ours)[:n].tolist(), of(theirs)[:n].tolist())
        found[name] = {"difference": rounded(*d), "answer": answer(d, digits=3)}
    return found


def kinds(bench: Bench, model: Any) -> dict[str, Group]:
    """What stands beside the hands: a font, real digits, a stamp, no hand at all."""
    stock: ImageSet = bench.test
    n = hand.SCREENED
    stamp = torch.stack([hand.write_hand(model, seed, spread=0, variants=1) for seed in range(n)])
    alone = torch.stack([hand.write_hand(model, seed, spread=1) for seed in range(n)])
    matched = bench.group(rivals.matched(stock, n).images)
    kept = bench.sure(matched.images)
    whole = kept.any(2).all(1)
    chosen = Group(matched.images[whole], {name: r[whole] for name, r in matched.right.items()}, kept[whole])
    return {
        "printed font": bench.group(rivals.printed(n)),
        "real, pasted at random": bench.group(rivals.pasted(stock, n).images),
        "real, matched": matched,
        "real, matched and chosen": chosen,
        "GAN, a stamp": bench.group(stamp),
        "GAN, no hand": bench.group(alone),
    }


def main() -> None:
    """Screen, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--hands", type=Path, default=hand.FILE)
    given = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    seconds = time.process_time
    bench, model = Bench(), pretrained(hand.MODEL).model()
    every, chosen, legibility = screen(bench, model, given.hands, seconds)
    groups = {**kinds(bench, model), "GAN, no choice": every, "GAN, chosen": chosen}
    labels = bench.test.labels
    assert labels is not None
    real = bench.read(bench.test.floats())
    said = dict(zip(READERS, (s == labels for s in real), strict=True))
    said["either"] = readers.either(said["neighbours"], said["machine"])
    read = {name: share(int(s.sum()), len(labels)) for name, s in said.items()}
    wrong = [s != labels for s in real]
    together = {f"{READERS[a]} and {READERS[b]}": int((wrong[a] & wrong[b]).sum()) for a, b in ((0, 1), (0, 2), (1, 2))}
    print("real", read, together, f"{seconds():.0f} s", flush=True)
    sets = {name: told(group, name in MIXED) for name, group in groups.items()}
    ours = sheet_shares(chosen.right["either"], chosen.kept)
    against = {}
    for name in ("real, pasted at random", "real, matched", "real, matched and chosen", "GAN, no choice"):
        theirs = sheet_shares(groups[name].right["either"], groups[name].kept, mixed=name in MIXED)
        against[name] = compared(ours, theirs)
    record = {
        "command": "python scripts/records/worksheets.py",
        "protocol": {
            "data": "mnist", "model": hand.MODEL, "screened": hand.SCREENED, "spread": hand.SPREAD, "sure": hand.SURE,
            "cut": outline.CUT, "readers": {"neighbours": NEIGHBOURS, "machine": MACHINE}, "draws": DRAWS, "each": EACH,
            "interval": "95 %; shares a hand over hands, whole sheets by Wilson",
        },
        "versions": {**{name: metadata.version(name) for name in ("torch", "scikit-learn")}, "python": platform.python_version()},
        "machine": "CPU, one thread",
        "hands kept": len(chosen.images),
        "real": {"read": read, "wrong together": together},
        "sets": sets,
        "filter": filtered(every, model, bench),
        "difficulty": difficulty(chosen, legibility),
        "paper": on_paper(chosen, bench),
        "taught": taught(bench, chosen, groups["GAN, no hand"]),
        "against": against,
        "processor seconds": round(seconds()),
    }  # fmt: skip
    given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{seconds():.0f} s", flush=True)


if __name__ == "__main__":
    main()
