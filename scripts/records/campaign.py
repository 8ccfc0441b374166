"""Choose garments, draw campaigns and check every banner, beside its baselines; writes a record.

``python scripts/records/campaign.py`` needs Fashion-MNIST (``IMGGEN_DATA``), of which the record keeps numbers alone: what a
garment has to keep to, and of 64 generated garments a class how far they are from the nearest training garment.
"""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import imggen_lib
from imggen_lib import sample
from imggen_lib.applications.campaign import choose, export, render
from imggen_lib.applications.campaign.checks import NAMES, all_passed
from imggen_lib.applications.campaign.halftone import cell_size, halftone
from imggen_lib.applications.campaign.layout import lay_out
from imggen_lib.applications.campaign.palette import LARGE, TEXT, Palette, contrast, equal_lightness, palette, random_palette
from imggen_lib.applications.campaign.sizes import SIZES
from imggen_lib.checkpoint import pretrained
from imggen_lib.data import load
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.metrics.novelty import nearest_training
from imggen_lib.noise import generator_for
from imggen_lib.protocol import feature_network

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "campaign.json"
SEEDS, COUNT, LOOKED_AT, PAIRS = 64, 4, 10, 100_000
HUES = range(0, 360, 30)
HEADLINES = ("Nobody has worn this", "A season that never was", "Made of dots")
Garments = dict[int, Tensor]


def share(hits: int, n: int) -> tuple[float, float, float, int]:
    """A share with Wilson's interval."""
    low, high = wilson_interval(hits, n)
    return round(hits / n, 5), round(low, 5), round(high, 5), n


class Wardrobe:
    """Generated and real garments of every class, and what is known of each."""

    def __init__(self) -> None:
        self.net = feature_network("fashion-mnist")
        train, test = load("fashion-mnist", "train"), load("fashion-mnist", "test")
        training = features(self.net, train.floats())
        model = pretrained("fashion-gan-classes").model()
        self.rules, self.known, self.images = {}, {"generated": {}, "real": {}}, {"generated": {}, "real": {}}
        for label in range(10):
            held_out = test.subset(torch.nonzero(test.labels == label)[:, 0])
            mine = train.subset(torch.nonzero(train.labels == label)[:, 0]).floats()
            far = nearest_training(training, features(self.net, held_out.floats())).distances
            self.rules[label] = choose.rules_from(choose.silhouettes(mine), far)
            order = torch.randperm(len(held_out), generator=generator_for(label))[:SEEDS]
            made = {"generated": sample(model, SEEDS, labels=label), "real": held_out.subset(order).floats()}
            for name, images in made.items():
                self.images[name][label] = images
                self.known[name][label] = choose.candidates(images, label, range(SEEDS), self.net, training)

    def chosen(self, name: str) -> dict[int, list[int]]:
        """The positions of the garments that are chosen, by class."""
        return {k: choose.choose(self.known[name][k], self.images[name][k], self.rules[k], COUNT) for k in range(10)}

    def good(self, name: str, label: int) -> list[int]:
        """Positions of all garments that keep to the rules."""
        return [k for k, one in enumerate(self.known[name][label]) if not choose.refusals(one, self.rules[label])]

    def near(self, name: str) -> tuple[float, float, float, int]:
        """The share of garments that are as near to a training garment as the nearest 1 % of held-out ones."""
        every = [one.distance < self.rules[k].near for k, found in self.known[name].items() for one in found]
        return share(sum(every), len(every))


@torch.no_grad()
def recognised(wardrobe: Wardrobe, name: str, kept: Mapping[int, Sequence[int]], side: float, smooth: bool) -> tuple[int, int]:
    """In how many drawn garments, shrunk to 28 x 28, the classifier sees their class; and of how many."""
    hits = total = 0
    square = int(side)
    for label, positions in kept.items():
        inks = render.ink(wardrobe.images[name][label][list(positions)[:LOOKED_AT]])
        box = (0.0, 0.0, float(square), float(square))
        drawn = [
            render.enlarged_pixels(one, square, square, box) if smooth
            else halftone(one, square, square, box, cell_size(square), least=render.DUST)
            for one in inks
        ]  # fmt: skip
        small = [np.asarray(Image.fromarray(one.astype(np.float32)).resize((28, 28), Image.Resampling.BOX)) for one in drawn]
        answers = wardrobe.net(torch.from_numpy(np.stack(small))[:, None] * 2 - 1).argmax(1)
        hits, total = hits + int((answers == label).sum()), total + len(answers)
    return hits, total


def banners(inks: Mapping[int, np.ndarray], colours: Mapping[int, Palette], scales: Sequence[int], smooth: bool) -> dict[str, Any]:
    """How many banners pass every check, what fails, and what the heaviest weighs.

    With one scale: every size and palette, with the headlines in turn. With two: at the first scale every headline, too.
    """
    passed, n, by_scale, failed, kinds = 0, 0, {scale: [0, 0] for scale in scales}, dict.fromkeys(NAMES, 0), {}
    heaviest = 0.0
    for p, hue in enumerate(HUES):
        for q, headline in enumerate(HEADLINES):
            garments, turn = inks[(p + 4 * q) % 10], p % len(HEADLINES) == q
            wanted = scales if turn else scales[:-1]
            for piece in export.campaign(headline, garments, hue, colours=colours[hue], scales=wanted, smooth=smooth):
                good = all_passed(piece.verdicts)
                passed, n = passed + good, n + 1
                by_scale[piece.banner.scale][0] += good
                by_scale[piece.banner.scale][1] += 1
                heaviest = max(heaviest, piece.verdicts[-1].value)
                kinds.setdefault(piece.size.name, {}).setdefault(piece.banner.layout.kind, 0)
                kinds[piece.size.name][piece.banner.layout.kind] += 1
                for verdict in piece.verdicts:
                    failed[verdict.name] += not verdict.passed
    return {
        "passed": share(passed, n), "by scale": {f"{k}x": share(*v) for k, v in by_scale.items()}, "failed": failed,
        "heaviest share of the limit": round(heaviest, 4), "layouts": kinds,
    }  # fmt: skip


def sets(wardrobe: Wardrobe) -> dict[str, Any]:
    """Every way to make a campaign, with its numbers."""
    ruled = {hue: palette(hue) for hue in HUES}
    first = {k: list(range(COUNT)) for k in range(10)}
    all_of = {k: list(range(SEEDS)) for k in range(10)}
    good = {name: {k: wardrobe.good(name, k) for k in range(10)} for name in ("generated", "real")}
    ways: dict[str, tuple[str, Any, Any, Any, bool, tuple[int, ...]]] = {
        "random colours, enlarged pixels": ("generated", first, all_of, {h: random_palette(h) for h in HUES}, True, (1,)),
        "equal lightness": ("generated", first, all_of, {h: equal_lightness(h) for h in HUES}, False, (1,)),
        "stock garments": ("real", wardrobe.chosen("real"), good["real"], ruled, False, (1,)),
        "generated, as they come": ("generated", first, all_of, ruled, False, (1,)),
        "generated, chosen": ("generated", wardrobe.chosen("generated"), good["generated"], ruled, False, (1, 2)),
        "real, as they come": ("real", first, all_of, ruled, False, (1,)),
    }
    found: dict[str, Any] = {}
    for way, (name, taken, pool, colours, smooth, scales) in ways.items():
        inks = {k: render.ink(wardrobe.images[name][k][taken[k]]) for k in range(10)}
        row = banners(inks, colours, scales, smooth)
        near = [wardrobe.known[name][k][i].distance < wardrobe.rules[k].near for k in range(10) for i in pool[k]]
        by_size, every = {}, [0, 0]
        for size in SIZES:
            layout = lay_out(size.width, size.height, HEADLINES[0], render.measure)
            side = render.squares(layout.picture, layout.garments)[0][2]
            counts = recognised(wardrobe, name, pool, side, smooth)
            every = [a + b for a, b in zip(every, counts, strict=True)]
            by_size[size.name] = [*share(*counts), round(side, 1)]
        row |= {"near": share(sum(near), len(near)), "recognised": by_size, "recognised at all": share(every[0], every[1])}
        found[way] = row
        print(way, row["passed"], row["failed"], row["near"], {k: v[0] for k, v in by_size.items()}, flush=True)
    return found


def colours() -> dict[str, Any]:
    """How often colours reach the ratios: random pairs, rules of equal lightness at 360 hues, and rules that are solved."""
    drawn = np.random.default_rng(0).integers(0, 256, (PAIRS, 2, 3))
    linear = np.where(drawn / 255 <= 0.04045, drawn / 255 / 12.92, ((drawn / 255 + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    ratio = (light.max(1) + 0.05) / (light.min(1) + 0.05)
    rules = {"equal lightness": equal_lightness, "solved": palette}
    ratios = {name: [contrast(p.button, p.button_text) for p in map(rule, range(360))] for name, rule in rules.items()}
    return {
        "random pairs": {str(bar): share(int((ratio >= bar).sum()), PAIRS) for bar in (TEXT, LARGE)},
        "button": {name: share(sum(r >= TEXT for r in found), 360) for name, found in ratios.items()},
        "button contrasts": {name: [round(r, 3) for r in found] for name, found in ratios.items()},
    }


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    wardrobe = Wardrobe()
    chosen = wardrobe.chosen("generated")
    about = {
        "command": "python scripts/records/campaign.py",
        "protocol": {"garments a class": SEEDS, "chosen a class": COUNT, "hues": list(HUES), "headlines": list(HEADLINES),
                     "looked at a class": LOOKED_AT, "features": "fashion-features", "pairs of colours": PAIRS},
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
    }  # fmt: skip
    garments = {
        str(k): {
            "rules": [round(v, 4) for v in wardrobe.rules[k]],
            "distances": [round(one.distance, 4) for one in wardrobe.known["generated"][k]],
            "keep the rules": len(wardrobe.good("generated", k)),
            "chosen": chosen[k],
        }
        for k in range(10)
    }
    near = {name: wardrobe.near(name) for name in ("generated", "real")}
    content = {**about, "garments": garments, "near": near, "colours": colours(), "sets": sets(wardrobe)}
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
