"""What augmentation is worth to a GAN of 300 images: blood cells and the monsters of a game, with it and without, three seeds each.

The pictures come from the data folder (``IMGGEN_DATA``, or --pictures): ``bccd/BCCD.zip``, whose boxes of white and red cells are
cut out, half of each, and ``dcss_tiles/dcss_tiles_nov2015.zip``. 300 are trained on. The others are the reference, and nothing
that is measured has seen them: the feature network is a classifier of the 300 beside pictures of other kinds (platelets and more
red cells; items, walls, players). Every number stands beside those of the 300 training images themselves, which are what a
generator that had learned all would reach, and of a Gaussian with their mean and covariance, which needs no training at all.
"""

import argparse
import io
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imggen_lib.configs import LOSSES, FeatureConfig, GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.machine import evaluating, first_weights, prepare
from imggen_lib.metrics.baselines import gaussian_images
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.intervals import t_quantile
from imggen_lib.metrics.novelty import data_copying, nearest_training
from imggen_lib.metrics.twosample import kernel_distance
from imggen_lib.models.features import FeatureNet
from imggen_lib.noise import generator_for
from imggen_lib.sampling import sample
from imggen_lib.train.augment import Adaptive, diff_augment
from imggen_lib.train.features import train_features
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import GanState, cosine

OUT = Path("imggen_lib/measured/augmentation.json")
SIDE, TRAINED_ON = 32, 300
PROTOCOL: dict[str, Any] = {
    "images": 150_000,
    "every": 50_000,
    "width": 32,
    "samples": 1_000,
    "feature_images": 60_000,
    "seeds": [0, 1, 2],
}
METHODS: dict[str, float | str] = {"none": 0.0, "p = 0.4": 0.4, "p = 1": 1.0, "adaptive": "ada"}  # at most 0.4, see Adaptive
Pictures = dict[str, Tensor]  # by kind: bytes (n, 3, 32, 32)


def _bytes(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS))).permute(2, 0, 1)


def blood_cells(folder: Path) -> Pictures:
    """The boxes of BCCD as squares about their middle, by kind of cell; those that reach over the edge are left out."""
    found: dict[str, list[Tensor]] = {}
    with ZipFile(folder / "bccd" / "BCCD.zip") as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".xml")):
            tree = ElementTree.fromstring(archive.read(name))
            picture = Image.open(io.BytesIO(archive.read(f"BCCD/JPEGImages/{Path(name).stem}.jpg"))).convert("RGB")
            for item in tree.iter("object"):
                left, top, right, bottom = (int(item.findtext(f"bndbox/{k}", "0")) for k in ("xmin", "ymin", "xmax", "ymax"))
                half = max(right - left, bottom - top) / 2
                x, y = (left + right) / 2, (top + bottom) / 2
                box = tuple(round(v) for v in (x - half, y - half, x + half, y + half))
                if half >= 8 and box[0] >= 0 and box[1] >= 0 and box[2] <= picture.width and box[3] <= picture.height:
                    found.setdefault(item.findtext("name", ""), []).append(_bytes(picture.crop(box)))
    return {kind: torch.stack(every) for kind, every in sorted(found.items())}


def tiles(folder: Path) -> Pictures:
    """The tiles of 32 x 32 pixels on black, by the folder that they lie in."""
    found: dict[str, list[Tensor]] = {}
    with ZipFile(folder / "dcss_tiles" / "dcss_tiles_nov2015.zip") as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".png")):
            picture = Image.open(io.BytesIO(archive.read(name))).convert("RGBA")
            if picture.size == (SIDE, SIDE) and name.split("/")[0] in ("mon", "item", "dngn", "player"):
                black = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture).convert("RGB")
                found.setdefault(name.split("/")[0], []).append(_bytes(black))
    return {kind: torch.stack(every) for kind, every in sorted(found.items())}


def split(pictures: Pictures, kinds: tuple[str, ...]) -> tuple[ImageSet, Tensor, ImageSet]:
    """300 images to train on and the rest, as many of each of `kinds`; and what the feature network learns from."""
    held, kept, rest = [], [], {kind: every for kind, every in pictures.items() if kind not in kinds}
    least = min(len(pictures[kind]) for kind in kinds)
    for row, kind in enumerate(kinds):
        every, own = pictures[kind], TRAINED_ON // len(kinds)
        order = torch.randperm(len(every), generator=generator_for(0, 9, row))
        kept.append(every[order[:own]])
        held.append(every[order[own:least]])
        rest[kind] = torch.cat([every[order[:own]], every[order[least:]]])
    names = tuple(sorted(rest))
    labels = torch.cat([torch.full((len(rest[name]),), k) for k, name in enumerate(names)])
    looked_at = ImageSet(torch.cat([rest[name] for name in names]), labels, names, "kinds")
    train = torch.cat(kept)
    return ImageSet(train, torch.zeros(len(train), dtype=torch.long), ("all",), " and ".join(kinds)), torch.cat(held), looked_at


def feature_network(data: ImageSet) -> FeatureNet:
    """The classifier to look through."""
    config, images = FeatureConfig(image_shape=data.image_shape, classes=len(data.classes)), PROTOCOL["feature_images"]
    with first_weights(0):
        net = config.build()
    schedule = cosine(images, warmup=5_000)
    for _ in train_features(net, data.batches(config.batch, images=images, seed=0), lr=config.lr, lr_schedule=schedule):
        pass
    return net.eval()


class Eyes:
    """The reference seen through the feature network, and what it says of other images."""

    def __init__(self, train: ImageSet, held: Tensor, net: FeatureNet) -> None:
        self.net, self.train = net, train
        self.held = ImageSet(held, torch.zeros(len(held), dtype=torch.long), ("all",), "held out").floats()
        self.reference, self.known = features(net, self.held), features(net, train.floats())

    def see(self, images: Tensor) -> dict[str, Any]:
        """The kernel distance to the held-out images with its interval, and whether samples lie nearer to the 300 than these do."""
        made = features(self.net, images)
        found = kernel_distance(self.reference, made)
        near = [nearest_training(self.known, x).distances for x in (self.reference, made)]
        copying = data_copying(*near)
        numbers = {"kernel": found.value, "low": found.low, "high": found.high, "copying_z": copying.z}
        return {"n": len(images), **{k: float(f"{v:.4g}") for k, v in numbers.items()}}

    def baselines(self) -> dict[str, Any]:
        """Of the training images, and of a Gaussian with their mean and covariance."""
        made = gaussian_images(self.train.floats(), PROTOCOL["samples"], generator_for(1, 9))
        kernel = kernel_distance(self.reference, self.known)
        real = {
            "n": len(self.train),
            **{k: float(f"{getattr(kernel, n):.4g}") for k, n in (("kernel", "value"), ("low", "low"), ("high", "high"))},
        }
        return {"training images": real, "Gaussian": self.see(made)}


def learned_by_heart(state: GanState, eyes: Eyes, samples: Tensor) -> float:
    """How much higher the critic's logits are for training images than for held-out ones, as a part of the way down to samples.

    0: it knows them from nothing; 1: what it has not seen it takes for generated. The heuristic r_v of Karras et al. 2020.
    """
    with torch.no_grad(), evaluating(state.critic):
        a, b, c = (state.critic(x).mean().item() for x in (eyes.train.floats(), eyes.held, samples))
    return float(f"{(a - b) / (a - c):.3g}")


def trained(eyes: Eyes, p: float | str, seed: int, images: int) -> Iterator[dict[str, Any]]:
    """Train one GAN; a measurement every so many images."""
    config = GanConfig(image_shape=eyes.train.image_shape, width=PROTOCOL["width"], seed=seed)
    with first_weights(seed):
        state = config.state()
    augment = Adaptive() if p == "ada" else partial(diff_augment, p=float(p)) if p else None
    batches, due, began = eyes.train.batches(config.batch, images=images, seed=seed), PROTOCOL["every"], time.process_time()
    for record in train_gan(state, batches, LOSSES[config.loss], augment=augment, **config.options):
        if record["images"] >= due or record["images"] >= images:
            due += PROTOCOL["every"]
            seconds = round(time.process_time() - began, 1)
            samples = sample(state.ema, PROTOCOL["samples"])
            by_heart = learned_by_heart(state, eyes, sample(state.generator, PROTOCOL["samples"]))
            now = {"p": float(f"{state.p:.3g}")} if p == "ada" else {}
            yield {"seed": seed, "images": record["images"], **eyes.see(samples), "by_heart": by_heart, "seconds": seconds, **now}


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The last kernel distance of each method, mean over seeds, and its difference to none, seed by seed, with a t interval."""
    last = {name: {r["seed"]: r["kernel"] for r in rows} for name, rows in runs.items() if rows}  # later rows replace earlier ones
    found: dict[str, Any] = {}
    for name, values in last.items():
        found[name] = {"kernel": mean(values.values()), "seeds": len(values)}
        pairs = [values[s] - last["none"][s] for s in values if s in last["none"]]
        if name != "none" and len(pairs) > 1:
            half = t_quantile(0.975, len(pairs) - 1) * stdev(pairs) / len(pairs) ** 0.5
            found[name] |= {"difference": mean(pairs), "low": mean(pairs) - half, "high": mean(pairs) + half}
    return found


def known(path: Path, name: str, images: int) -> dict[str, list[dict[str, Any]]]:
    """The runs on the pictures `name` that a record of the same protocol has, by method. Raises ``SystemExit`` for another one."""
    record = json.loads(path.read_text(encoding="utf-8"))
    theirs = {k: v for k, v in record["protocol"].items() if k != "methods"}
    if theirs != {**PROTOCOL, "images": images, "trained_on": TRAINED_ON}:
        raise SystemExit(f"{path} was measured by another protocol: measure all anew, without --missing")
    return dict(record["sets"][name]["runs"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=PROTOCOL["images"])
    parser.add_argument("--pictures", type=Path, default=Path(os.environ.get("IMGGEN_DATA", "data")))
    parser.add_argument("--missing", action="store_true", help="keep what --out has, and measure the methods that it has not")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    record: dict[str, Any] = {
        "command": " ".join(["python scripts/records/augmentation.py", *(a for a in sys.argv[1:] if "/" not in a)]),
        "protocol": {**PROTOCOL, "images": args.images, "trained_on": TRAINED_ON, "methods": METHODS},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread; processor seconds of the training",
        "sets": {},
    }
    sets = {"blood cells": (blood_cells, ("RBC", "WBC")), "monsters": (tiles, ("mon",))}
    eyes = {}
    for name, (read, kinds) in sets.items():
        train, held, kinds_seen = split(read(args.pictures), kinds)
        eyes[name] = Eyes(train, held, feature_network(kinds_seen))
        kept = known(args.out, name, args.images) if args.missing else {}
        runs = {method: kept.get(method, []) for method in METHODS}
        record["sets"][name] = {"held_out": len(held), **eyes[name].baselines(), "runs": runs}
        print(f"{name}: {len(train)} to train on, {len(held)} held out, {record['sets'][name]}", flush=True)
    for seed in PROTOCOL["seeds"]:
        for name in sets:
            for method, p in METHODS.items():
                if any(r["seed"] == seed and r["images"] >= args.images for r in record["sets"][name]["runs"][method]):
                    continue
                for found in trained(eyes[name], p, seed, args.images):
                    record["sets"][name]["runs"][method].append(found)
                    print(f"{name:12} {method:8} {found}", flush=True)
                record["sets"][name]["summary"] = summary(record["sets"][name]["runs"])
                args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
