"""Train and release the model of the chapter on art, measure it beside its rivals, and write a record.

``python scripts/records/characters.py train`` makes the model that ships (half an hour on a CPU), ``characters.py measure`` the
record (minutes). The model was watched on validation characters; the row of real ones is that of
test characters, which nothing was chosen on.
"""

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import imggen_lib
from imggen_lib import checkpoint
from imggen_lib.applications.characters import edition, measures, models, paths, rivals
from imggen_lib.data import kanji
from imggen_lib.data.kanjivg import CELLS, to_distance
from imggen_lib.machine import first_weights
from imggen_lib.metrics.intervals import mean_estimate
from imggen_lib.metrics.novelty import data_copying
from imggen_lib.metrics.twosample import classifier_test
from imggen_lib.noise import latents
from imggen_lib.runs import Run, resume, start
from imggen_lib.sampling import sample
from imggen_lib.train.vae import train_vae

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "characters.json"
#: Images seen in all; the rates fall from 6/10 of them on. 150,000 more did not make the outlines better.
IMAGES = 1_200_000
N, FIRST, VALIDATION_SEEDS = 200, 0, 10_000
VAE_IMAGES = 40_000


def trained(runs: Path) -> Run:
    """The run of the model that ships, at its end: gone on with where its folder is."""
    data, folder = kanji("train"), runs / models.NAME
    if (folder / "checkpoint.json").exists():
        run = resume(folder, data, "cpu")
    else:
        run = start(models.gan_config(seed=0, decay_start=IMAGES * 6 // 10, decay_end=IMAGES), data, "cpu")
    if run.state.images < IMAGES:
        for _ in run.records(IMAGES):
            pass
        run.save(folder)
    return run


def train(runs: Path) -> None:
    """Train and release the model."""
    run = trained(runs)
    made = models.draw_fields(run.state.ema, range(VALIDATION_SEEDS, VALIDATION_SEEDS + N))  # type: ignore[union-attr]
    quality = {"protocol": f"{N} characters, seeds from {VALIDATION_SEEDS}, beside {len(kanji('validation'))} of validation"}
    for name, part in (("made", made), ("validation", edition.real_fields("validation"))):
        counts = measures.counted(part)
        quality |= {f"{name} {k}": round(float(np.nanmean(v)), 4) for k, v in counts._asdict().items()}  # type: ignore[dict-item]
    card = {
        "command": "python scripts/records/characters.py train",
        "source": f"the book's repository, tag v{imggen_lib.__version__}; the installed package has the library alone",
        "licence": models.LICENCE,
        "seed": run.config.seed,
        "quality": quality,
    }
    with TemporaryDirectory() as folder:
        run.save(folder)
        print(checkpoint.release(checkpoint.load(folder), models.NAME, card, models.WEIGHTS))


def vae_fields(seed: int = 0) -> np.ndarray:
    """What a VAE of the fields makes, after :data:`VAE_IMAGES` images."""
    config = models.vae_config(seed=seed, schedule_images=VAE_IMAGES)
    data = kanji("train")
    with first_weights(seed):
        state = config.state()
    state.model.start_at(data.mean_image())
    for _ in train_vae(state, data.batches(config.batch, images=VAE_IMAGES, seed=seed), **config.options):
        pass
    return to_distance(sample(state.model, N))[:, 0].double().numpy()


def sets() -> dict[str, np.ndarray]:
    """The sets of fields that are compared."""
    train_ = edition.real_fields("train")
    net = rivals.CoordinateNet()
    with torch.no_grad():
        plane = net(latents(range(N), net.latent_dim), CELLS).double().numpy()
    return {
        "quarters": rivals.quarters(train_, N),
        "exchanged pieces": rivals.exchanged(train_, N),
        "GAN": models.draw_fields(models.pretrained().model(), range(FIRST, FIRST + N)),
        "VAE": vae_fields(),
        "CPPN, untrained": plane * 8,
        "real, held out": edition.real_fields("test"),
    }


def mean(values: np.ndarray) -> tuple[float, float, float, int]:
    """A mean with Student's interval, of those that are numbers. ``ValueError`` for fewer than two: they have no interval."""
    kept = torch.from_numpy(values[~np.isnan(values)])
    if len(kept) < 2:
        raise ValueError(f"a mean with an interval needs two numbers, got {len(kept)} of {len(values)}")
    found = mean_estimate(kept)
    return round(found.value, 4), round(found.low, 4), round(found.high, 4), len(kept)


def machine(x: torch.Tensor, y: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """A support vector machine on 40 principal components: is it made?"""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    fitted = make_pipeline(PCA(40, svd_solver="full"), SVC()).fit(x.numpy(), y.numpy())
    return torch.from_numpy(fitted.predict(new.numpy()))


def exported(made: np.ndarray) -> tuple[np.ndarray, int]:
    """The number of pieces of each after specks were taken away, and how many specks there were."""
    shapes = [paths.shape_of(field, 36.0, resolution=4, tolerance=0.05) for field in made]
    return np.array([float(len(shape.ink.geoms)) for shape in shapes]), sum(shape.specks for shape in shapes)


def described(made: np.ndarray, train_: np.ndarray, validation: np.ndarray, near: torch.Tensor) -> dict[str, Any]:
    """What is measured of a set: value, interval and n of each."""
    counts, (pieces, specks) = measures.counted(made), exported(made)
    iou = measures.nearest(made, train_).iou
    cells = {"ink": mean(counts.ink), "pieces": mean(counts.pieces), "pieces after export": mean(pieces)}
    cells |= {"slope": mean(counts.slope), "nearest IoU": mean(iou)}
    mine, real = (torch.from_numpy(np.clip(part, -8, 3.2).reshape(len(part), -1)) for part in (made[:200], validation))
    told = classifier_test(real, mine, classify=machine)
    cells["told from real"] = (round(told.accuracy, 4), round(told.low, 4), round(told.high, 4), told.n)
    copied = data_copying(near, torch.from_numpy(1 - iou))
    return {
        "cells": cells,
        "specks removed": specks,
        "largest IoU": round(float(iou.max()), 4),
        "copying": {
            "z": round(copied.z, 3),
            "near duplicates": copied.near_duplicates,
            "median ratio": round(copied.median_ratio, 4),
        },
    }


def measure() -> dict[str, Any]:
    """The record."""
    train_, validation = (edition.real_fields(split) for split in ("train", "validation"))
    near = torch.from_numpy(1 - measures.nearest(validation, train_).iou)
    found = {}
    for name, made in sets().items():
        found[name] = described(made, train_, validation, near)
        print(name, {k: v[0] for k, v in found[name]["cells"].items()}, found[name]["copying"], flush=True)
    with TemporaryDirectory() as folder:
        told = edition.make(folder)
    kept = {k: told[k] for k in ("print", "plot", "palette", "specks_removed")}
    return {"sets": found, "edition": kept | {"bytes": {name: file["bytes"] for name, file in told["files"].items()}}}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    if given.what == "train":
        train(given.runs)
        return
    about = {
        "command": "python scripts/records/characters.py measure",
        "protocol": {
            "fields": N,
            "first_seed": FIRST,
            "vae_images": VAE_IMAGES,
            "copies": "1 - IoU with the nearest training character",
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
    }
    given.out.write_text(json.dumps({**about, **measure()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
