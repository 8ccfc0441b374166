"""Train, release and measure the small GAN of items, beside a palette swap and a recombination; writes a record.

``python scripts/records/sprites.py train`` makes the model that ships, ``sprites.py measure`` the record. Both need nothing but
this repository: the items ship with it (CC0).
"""

import argparse
import json
import platform
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import imggen_lib
from imggen_lib import checkpoint
from imggen_lib.applications import sprites
from imggen_lib.applications.sprite_measures import COUNTS, counted, nearest_share, recoloured, recombined, told_apart
from imggen_lib.configs import GanConfig
from imggen_lib.data import items
from imggen_lib.metrics.intervals import bounded_mean, wilson_interval
from imggen_lib.noise import latents
from imggen_lib.runs import resume, start

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "sprites.json"
IMAGES, N = 96_000, 200
CONFIG = GanConfig(
    image_shape=(4, 32, 32), latent_dim=32, width=64, batch=32, lr=5e-4, r1=0.5, r2=0.5, augment="diff", ema_half_life=4000.0,
    decay_start=60_000, decay_end=IMAGES,
)  # fmt: skip


def generated(model: torch.nn.Module, n: int, seed: int = 0) -> np.ndarray:
    """The items of the seeds from `seed` on, in the palette."""
    with torch.no_grad():
        return sprites.quantised(model.eval()(latents(range(seed, seed + n), CONFIG.latent_dim)), items.items().palette)


def train(runs: Path) -> None:
    """Train, or go on with a training, and release it."""
    known, folder = items.split()[0], runs / sprites.MODEL
    data = sprites.item_set(known)
    run = resume(folder, data, "cpu") if (folder / "checkpoint.json").exists() else start(CONFIG, data, "cpu")
    for images in range(run.state.images + 12_000, IMAGES + 1, 12_000):
        for _ in run.records(images):
            pass
        run.save(folder)
        made = generated(run.state.ema, 60)  # type: ignore[union-attr]
        print(images, dict(zip(COUNTS, counted(made, known.palette).mean(0).round(2), strict=True)), flush=True)
    about = {
        "command": "python scripts/records/sprites.py train",
        "source": f"the book's repository, tag v{imggen_lib.__version__}; the installed package has the library alone",
        "licence": "MIT, trained by this book on items of Dungeon Crawl Stone Soup (CC0)",
        "seed": CONFIG.seed,
        "quality": measure(generated(run.state.ema, N))["GAN"]["cells"],  # type: ignore[union-attr]
    }
    with TemporaryDirectory() as place:
        run.save(place)
        print(checkpoint.release(checkpoint.load(place), sprites.MODEL, about, sprites.WEIGHTS))


def described(pictures: np.ndarray, learn: items.Items, reference: np.ndarray, limit: float) -> dict[str, Any]:
    """What is measured of a set of items: value, interval and n of each."""
    counts, near = counted(pictures, learn.palette), nearest_share(pictures, learn.indices)
    most = {"area": 1024, "colours": 31, "parts": 1024, "edges": 1, "outline": 1}
    cells = {name: mean(counts[:, k], most[name]) for k, name in enumerate(COUNTS)}
    copies = int((near <= limit).sum())
    low, high = wilson_interval(copies, len(near))
    cells |= {"nearest": mean(near, 1), "near copies": (round(copies / len(near), 4), round(low, 4), round(high, 4), len(near))}
    different = len({picture.tobytes() for picture in pictures})
    return {"cells": cells, "different": different, "told apart": round(told_apart(reference, counts), 4)}


def mean(values: np.ndarray, most: float) -> tuple[float, float, float, int]:
    """A mean of values from 0 to `most` with an interval that stays there."""
    found = bounded_mean(torch.from_numpy(values.astype(np.float64)), 0, most)
    return round(found.value, 4), round(found.low, 4), round(found.high, 4), len(values)


def measure(made: np.ndarray) -> dict[str, Any]:
    """The sets that are compared: held-out items, both classical ways, and the network's."""
    learn, held_out = items.split()
    counts, near = counted(learn.indices, learn.palette), nearest_share(held_out.indices, learn.indices)
    limit = float(np.quantile(near, 0.05))
    compared = {
        "held-out items": held_out.indices,
        "palette swap": recoloured(learn.indices, learn.palette, N),
        "recombination": recombined(learn.indices, N, learn.labels),
        "GAN": made,
    }
    return {name: described(pictures, learn, counts, limit) for name, pictures in compared.items()}


def main() -> None:
    """Train, or measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "train":
        train(arguments.runs)
        return
    model = checkpoint.pretrained(sprites.MODEL, sprites.WEIGHTS).model()
    found = {
        "command": "python scripts/records/sprites.py measure",
        "protocol": {"items": N, "near_copy": "at most as far from a training item as the nearest 5 % of held-out items"},
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
        "sets": measure(generated(model, N)),
    }
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
