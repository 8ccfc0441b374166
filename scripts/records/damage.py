"""Measure which metric notices which damage: every damage in four doses, under every metric; writes a record.

The damaged images are fresh real ones, as a perfect generator would make them, so that whatever a metric says is the doing of
the damage. What it says of undamaged images, on ten disjoint draws, is the yardstick.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import PIL
import torch
from torch import Tensor

from imggen_lib import load, pretrained
from imggen_lib.data import ImageSet, degrade
from imggen_lib.metrics import colour, distribution, manifold, novelty, pixel, texture, twosample
from imggen_lib.models.features import FeatureNet
from imggen_lib.noise import generator_for

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "damage.json"
N, TRAINING, REAL_DRAWS, DRAWS, POOL = 1500, 5000, 10, 3, 4500
STRENGTHS: dict[str, list[float]] = {
    "blur": [0.4, 0.6, 1.0, 1.5],
    "noise": [0.05, 0.1, 0.2, 0.4],
    "salt": [0.002, 0.01, 0.03, 0.1],
    "jpeg": [10, 25, 50, 80],
    "shift": [1, 2, 3, 4],
    "cast": [0.02, 0.1, 0.3, 0.6],
    "fade": [0.02, 0.1, 0.3, 0.6],
    "occlude": [0.01, 0.03, 0.1, 0.2],
    "drop_classes": [1, 2, 3, 5],
    "repeat_one": [0.01, 0.03, 0.1, 0.3],
    "recycle": [1, 4, 14, 49],
    "copy_training": [0.1, 0.25, 0.5, 1.0],
}
#: What each number is, and which way its docstring calls better; "real" means: as near to the real images' as can be.
METRICS: dict[str, dict[str, str]] = {
    "MSE": {"group": "structure", "better": "lower", "of": "each image and the one that it was"},
    "SSIM": {"group": "structure", "better": "higher", "of": "each image and the one that it was"},
    "SSIM, strangers": {"group": "structure", "better": "higher", "of": "each image and any real one"},
    "Delta E": {"group": "colour", "better": "lower", "of": "each image and the one that it was"},
    "histogram": {"group": "colour", "better": "lower", "of": "earth mover's distance, 32 bins"},
    "moments": {"group": "colour", "better": "lower", "of": "mean, deviation, skewness"},
    "contrast": {"group": "texture", "better": "lower", "of": "co-occurrence contrast, size of the log of the ratio"},
    "patterns": {"group": "texture", "better": "lower", "of": "local binary patterns, chi-square"},
    "spectrum": {"group": "texture", "better": "lower", "of": "radial power spectrum, dB"},
    "Fréchet": {"group": "features", "better": "lower", "of": "Frechet distance"},
    "kernel": {"group": "features", "better": "lower", "of": "kernel distance, unbiased"},
    "classifier": {"group": "features", "better": "lower", "of": "accuracy of the linear two-sample test"},
    "precision": {"group": "features", "better": "higher", "of": "k = 3"},
    "recall": {"group": "features", "better": "higher", "of": "k = 3"},
    "density": {"group": "features", "better": "higher", "of": "k = 5"},
    "coverage": {"group": "features", "better": "higher", "of": "k = 5"},
    "entropy score": {"group": "no reference", "better": "higher", "of": "the classifier's probabilities"},
    "class entropy": {"group": "no reference", "better": "higher", "of": "the classifier's probabilities"},
    "Vendi": {"group": "no reference", "better": "higher", "of": "cosines of features"},
    "copying": {"group": "training set", "better": "real", "of": "z of the distance to the nearest training image, features"},
}


class Draw(NamedTuple):
    """What one draw is measured against: real images, their features, and those features' distances to the training images."""

    real: Tensor
    features: Tensor
    distances: Tensor


def parts(data: ImageSet) -> tuple[Tensor, list[ImageSet], list[Tensor]]:
    """Training images, fresh images to damage for each draw, real images for each draw: all disjoint, in random order."""
    order = torch.randperm(len(data), generator=generator_for(0, 41))
    sizes = [TRAINING, *[POOL] * DRAWS, *[N] * (REAL_DRAWS - DRAWS), *[N] * REAL_DRAWS]
    training, *rest = order[: sum(sizes)].split(sizes)
    fresh = [data.subset(index) for index in rest[:REAL_DRAWS]]
    return data.subset(training).floats(), fresh, [data.subset(index).floats() for index in rest[REAL_DRAWS:]]


def images_alone(real: Tensor, images: Tensor, source: Tensor) -> dict[str, float]:
    """The article's three families: structure, colour, texture."""
    contrast = [texture.cooccurrence_statistics(x).contrast.mean() for x in (real, images)]
    patterns = [texture.pattern_histograms(x).mean(0) for x in (real, images)]
    levels = [colour.histograms(x) for x in (real, images)]
    return {
        "MSE": pixel.mse(source, images).mean().item(),
        "SSIM": pixel.ssim(source, images).mean().item(),
        "SSIM, strangers": pixel.ssim(real, images).mean().item(),
        "Delta E": colour.delta_e_76(source, images).mean().item(),
        "histogram": colour.earth_movers(*levels).mean().item(),
        "moments": colour.moment_distance(real, images),
        "contrast": (contrast[1] / contrast[0]).log().abs().item(),
        "patterns": colour.chi_square(*patterns).item(),
        "spectrum": texture.spectrum_distance(real, images),
    }


def through_features(draw: Draw, net: FeatureNet, images: Tensor, training: Tensor) -> dict[str, float]:
    """What compares features, and what looks at the classifier's answers alone."""
    f = distribution.features(net, images)
    with torch.no_grad():
        p = net.head(f.float()).double().softmax(1)
    precise, dense = manifold.precision_recall(draw.features, f), manifold.density_coverage(draw.features, f)
    return {
        "Fréchet": distribution.frechet_distance(distribution.statistics(draw.features), distribution.statistics(f)),
        "kernel": twosample.kernel_distance(draw.features, f, groups=2).value,
        "classifier": twosample.classifier_test(draw.features, f).accuracy,
        **precise._asdict(),
        **dense._asdict(),
        "entropy score": distribution.entropy_score(p),
        "class entropy": novelty.class_entropy(p),
        "Vendi": novelty.vendi_score(f - draw.features.mean(0)),
        "copying": novelty.mann_whitney_z(draw.distances, novelty.nearest_training(training, f).distances),
    }


def damages(labels: Tensor, training: Tensor) -> Mapping[str, Callable[..., Tensor]]:
    """The functions of the module by name, with what some of them need beside."""
    extra = {"drop_classes": {"labels": labels}, "copy_training": {"training": training}}
    return {name: partial(getattr(degrade, name), **extra.get(name, {})) for name in STRENGTHS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began, checkpoint = time.perf_counter(), pretrained("mnist-features")
    net: FeatureNet = checkpoint.model()
    training, fresh, real = parts(load("mnist", "train"))
    training_features = distribution.features(net, training)
    features = [distribution.features(net, x) for x in real]
    draws = [Draw(x, f, novelty.nearest_training(training_features, f).distances) for x, f in zip(real, features, strict=True)]

    def measure(k: int, images: Tensor, source: Tensor) -> dict[str, Any]:
        values = {**images_alone(draws[k].real, images, source), **through_features(draws[k], net, images, training_features)}
        return {"draw": k, **{name: float(f"{values[name]:.6g}") for name in METRICS}}

    runs: dict[str, Any] = {"real": {"0": [measure(k, x.floats(N), x.floats(N)) for k, x in enumerate(fresh)]}}
    print(f"real {time.perf_counter() - began:.0f} s", flush=True)
    for name, strengths in STRENGTHS.items():
        runs[name] = {}
        for strength in strengths:
            runs[name][f"{strength:g}"] = found = []
            for k in range(DRAWS):
                whole = name == "drop_classes"  # the only one that needs more images than it keeps
                source = fresh[k].floats(None if whole else N)
                images = damages(fresh[k].labels, training)[name](source, strength, k)[:N]
                of_a_set = name in ("drop_classes", "repeat_one", "recycle", "copy_training")
                found.append(measure(k, images, images if of_a_set else source))
            print(f"{name} {strength:g} {time.perf_counter() - began:.0f} s", flush=True)
    write(args.out, checkpoint.meta, time.perf_counter() - began, runs)


def write(out: Path, meta: Mapping[str, Any], seconds: float, runs: Mapping[str, Any]) -> None:
    record = {
        "command": "python scripts/records/damage.py",
        "protocol": {
            "data": "MNIST, 60,000 training images, shuffled, cut into disjoint parts",
            "images": N,
            "real_images": N,
            "training_images": TRAINING,
            "draws": DRAWS,
            "real_draws": REAL_DRAWS,
            "features": f"mnist-features, weights {meta['weights']['sha256'][:12]}",
            "damage": "imggen_lib.data.degrade, on fresh real images, with the draw's number as seed",
            "source": "of damage to the set: the image itself",
        },
        "strengths": STRENGTHS,
        "metrics": METRICS,
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "pillow": PIL.__version__},
        "machine": "CPU, one thread; other work ran meanwhile, so the seconds are upper limits",
        "seconds": round(seconds),
    }
    body = json.dumps({**record, "runs": runs}, indent=1, ensure_ascii=True)
    out.write_text(body + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
