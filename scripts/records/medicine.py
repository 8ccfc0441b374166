"""Do generated X-rays help a classifier? Measure it, and record it for the chapter on medicine (ten minutes on a CPU).

For each of several numbers of real images a class and eight draws of them, the generators are fitted on these images alone;
then a classifier is trained on real images, on real and generated ones, on generated ones, and on real ones with shifted copies.
It is judged on the test images, which nothing was chosen on: all settings stand in `PROTOCOL`.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from chest import splits
from torch import Tensor

import imggen_lib
from imggen_lib.applications.verdict import paired_difference
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.data.shifted import shifted, shifted_batches
from imggen_lib.machine import first_weights, prepare
from imggen_lib.metrics.audit import auroc, by_truth
from imggen_lib.noise import generator_for
from imggen_lib.sampling import sample
from imggen_lib.theory.linear_vae import fit
from imggen_lib.train.gan import train_gan
from imggen_lib.train.vae import train_vae

PROTOCOL: dict[str, Any] = {
    "real_images_per_class": [25, 100, 400],
    "draws": 8,
    "generated_per_class": 400,
    "shifted_copies": 4,
    "largest_shift": 2,
    "ppca_components": 20,
    "vae_images": 19_200,
    "gan_images": 25_600,
    "classifier": "support vector machine, RBF kernel, C = 1, gamma = 'scale' (scikit-learn), on 40 principal components",
    "components": 40,
    "judged_on": "AUROC on the test images without repeats",
}
VAE = VaeConfig(latent_dim=16, width=8, likelihood="logistic", batch=64, lr=2e-3, classes=2, schedule_images=19_200)
GAN = GanConfig(latent_dim=16, width=16, batch=64, classes=2, augment="diff")
Made = tuple[Tensor, Tensor]  # images (n, 1, 28, 28) in [-1, 1], labels (n,)


def drawn(data: ImageSet, n: int, seed: int) -> ImageSet:
    """`n` images of each class, at random."""
    places = []
    for label in range(2):
        mine = (data.labels == label).nonzero()[:, 0]
        places.append(mine[torch.randperm(len(mine), generator=generator_for(seed, 40, label))[:n]])
    return data.subset(torch.cat(places))


def by_ppca(data: ImageSet, seed: int) -> Made:
    """Probabilistic PCA, one for each class: the linear VAE at its maximum of likelihood."""
    m, parts = PROTOCOL["generated_per_class"], []
    for label in range(2):
        x = data.subset(data.labels == label).floats().double().flatten(1)
        model = fit(x, min(PROTOCOL["ppca_components"], len(x) - 2))
        parts.append(model.sample(m, generator_for(seed, 41, label)).clamp(-1, 1).float().view(-1, 1, 28, 28))
    return torch.cat(parts), torch.arange(2).repeat_interleave(m)


def by_network(model: torch.nn.Module) -> Made:
    labels = torch.arange(2).repeat_interleave(PROTOCOL["generated_per_class"])
    return sample(model, len(labels), seed=0, labels=labels), labels


def by_vae(data: ImageSet, seed: int) -> Made:
    """A conditional VAE's mean images, as most people take them."""
    with first_weights(seed):
        state = VAE.state()
    state.model.start_at(data.mean_image())
    batches = data.batches(VAE.batch, images=PROTOCOL["vae_images"], seed=seed)
    for _ in train_vae(state, shifted_batches(batches, 1, seed), **VAE.options):
        pass
    return by_network(state.model)


def by_gan(data: ImageSet, seed: int) -> Made:
    """A conditional GAN whose critic sees augmented images."""
    with first_weights(seed):
        state = GAN.state()
    batches = data.batches(GAN.batch, images=PROTOCOL["gan_images"], seed=seed)
    for _ in train_gan(state, batches, GAN.loss_function, **GAN.options):
        pass
    return by_network(state.ema)


def copies(data: ImageSet, seed: int) -> Made:
    """Shifted copies of the real images."""
    k = PROTOCOL["shifted_copies"]
    moved = shifted(data.floats().repeat(k, 1, 1, 1), PROTOCOL["largest_shift"], generator_for(seed, 42))
    return moved, data.labels.repeat(k)


GENERATORS: dict[str, Callable[[ImageSet, int], Made]] = {"PPCA": by_ppca, "VAE": by_vae, "GAN": by_gan}


def judged(parts: list[Made], test: ImageSet) -> float:
    """The area of a classifier that was trained on `parts`, on the test images."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    x, y = (torch.cat(values) for values in zip(*parts, strict=True))
    flat = x.flatten(1).double().numpy()
    size = min(PROTOCOL["components"], len(flat) - 1)
    fitted = make_pipeline(PCA(size, svd_solver="full"), SVC()).fit(flat, y.numpy())
    scores = torch.from_numpy(fitted.decision_function(test.floats().flatten(1).double().numpy()))
    return round(auroc(*by_truth(scores, test.labels)), 5)


def one_draw(data: ImageSet, test: ImageSet, seed: int) -> dict[str, float]:
    """Every way of training, on the same real images."""
    real = (data.floats(), data.labels)
    found = {"real": judged([real], test), "real + shifted": judged([real, copies(data, seed)], test)}
    for name, make in GENERATORS.items():
        made = make(data, seed)
        found[f"real + {name}"] = judged([real, made], test)
        found[f"{name} only"] = judged([made], test)
    return found


def summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    """The mean of each way, and its difference to real images alone, draw by draw, with Student's interval."""
    found: dict[str, Any] = {}
    for way in runs[0]:
        values = [run[way] for run in runs]
        found[way] = {"mean": round(fmean(values), 4)}
        if way != "real" and len(runs) > 1:
            gap = paired_difference(values, [run["real"] for run in runs])
            found[way] |= {k: round(getattr(gap, k), 4) for k in ("value", "low", "high")} | {"n": gap.n}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=PROTOCOL["draws"])
    parser.add_argument("--out", type=Path, default=Path(imggen_lib.__file__).parent / "measured" / "medicine.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    train, _, test = splits()
    record: dict[str, Any] = {
        "command": " ".join(["python scripts/records/medicine.py", *(a for a in sys.argv[1:] if "/" not in a)]),
        "protocol": {**PROTOCOL, "draws": args.draws, "test_images": len(test), "networks": [VAE.to_json(), GAN.to_json()]},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
        "runs": {str(n): [] for n in PROTOCOL["real_images_per_class"]},
        "summary": {},
    }
    began = time.process_time()
    for seed in range(args.draws):
        for n in PROTOCOL["real_images_per_class"]:
            record["runs"][str(n)].append(one_draw(drawn(train, n, seed), test, seed))
            record["summary"][str(n)] = summary(record["runs"][str(n)])
            record["processor_seconds"] = round(time.process_time() - began)
            args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            print(seed, n, record["processor_seconds"], record["runs"][str(n)][-1], flush=True)


if __name__ == "__main__":
    main()
