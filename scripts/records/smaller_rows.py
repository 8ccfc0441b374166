"""What the chapter on small generators compares: one row for each, with its bytes, its distance and its interval.

``python scripts/records/smaller.py measure`` uses it.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import torch
from smaller_runs import BUILD, COMPARED, RUNS, SEEDS, SIZES, TEACHER, begun
from torch import Tensor, nn

from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.fold import folded
from imggen_lib.compress.prune import prune, smallest
from imggen_lib.compress.quantise import calibrated, layers, rounded, settled
from imggen_lib.compress.store import nbytes
from imggen_lib.data import load, to_float
from imggen_lib.metrics.distribution import features, frechet_distance, frechet_interval, statistics
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.noise import generator_for
from imggen_lib.protocol import Bench
from imggen_lib.sampling import sample

Row = dict[str, Any]
N = 10_000
KNOWN: dict[str, Row] = {}  # rows of an earlier run: what is measured is not measured again


@torch.no_grad()
def judged(bench: Bench, images: Tensor) -> Row:
    """The Frechet distance with its interval, and how often the classifier sees the class that was asked for, with Wilson's."""
    made = features(bench.net, images)
    found = frechet_interval(bench.reference_features, made)
    seen = torch.cat([bench.net(part).argmax(1) for part in images.split(1000)])
    right = int((seen == torch.arange(len(images)) % 10).sum())
    return {
        "frechet_distance": round(frechet_distance(statistics(bench.reference_features), statistics(made)), 3),
        "frechet_interval": [round(found.low, 3), round(found.high, 3)],
        "class_right": round(right / len(images), 4),
        "class_right_interval": [round(v, 4) for v in wilson_interval(right, len(images))],
    }


def row(bench: Bench, name: str, kind: str, model: nn.Module, size: int, bits: int, **more: Any) -> Row:
    """One generator measured."""
    if name in KNOWN:
        return KNOWN[name]
    numbers = sum(layer.weight.numel() for _, layer in layers(model))
    found = {"name": name, "kind": kind, "weights": numbers, "bits": bits, "bytes": size, **more}
    found |= judged(bench, sample(model, N))
    print(found, flush=True)
    return found


def ended(name: str, seed: int = 0) -> tuple[nn.Module, dict[str, Any]] | None:
    """A trained run, folded and with its rounded weights as plain ones, and its figures; None if it is not at its end."""
    file = BUILD / f"{name}{f'-{seed}' if seed else ''}.pt"
    if not file.exists():
        return None
    run, stored = RUNS[name], torch.load(file, weights_only=True)
    if stored["images"] < run.images:
        return None
    with_bits = begun(run, seed).eval()
    with_bits.load_state_dict(stored["ema"])
    if run.bits:
        begin = folded(pretrained(TEACHER).model()) if not run.begin else ended(run.begin, seed)[0]  # type: ignore[index, arg-type]
        model = settled(with_bits, begin)
    else:
        model = folded(with_bits) if run.seeds else with_bits  # type: ignore[arg-type]
    return model.eval(), {"images": stored["images"], "processor_seconds": round(stored["seconds"]), "seed": seed}


def by_seed(rows: dict[str, Row]) -> Iterator[tuple[str, list[float]]]:
    """The distances of what was trained with several seeds, by its name, in the order of the seeds."""
    for name in COMPARED:
        labels = [name, *(f"{name}-seed-{seed}" for seed in range(1, SEEDS))]
        yield name, [rows[label]["frechet_distance"] for label in labels if label in rows]


def sparse_bytes(model: nn.Module, share: float) -> int:
    """Survivors in a byte each, one bit for each weight that says whether it survived, biases and steps."""
    weights = sum(layer.weight.numel() for _, layer in layers(model))
    return round((1 - share) * weights) + weights // 8 + nbytes(model, 8) - weights


def pruned_rows(bench: Bench, teacher: nn.Module) -> Iterator[Row]:
    """Without retraining, and with it; survivors in eight bits."""
    for share in (0.5, 0.8):
        name = f"pruned-{round(100 * share)}"
        bare, size = rounded(teacher, 8), sparse_bytes(teacher, share)
        prune(bare, smallest(teacher, share))
        yield row(bench, f"{name}-bare", "pruned", bare, size, 8, share=share)
        if (found := ended(name)) is not None:
            yield row(bench, name, "pruned, retrained", rounded(found[0], 8), size, 8, share=share, **found[1])


def rounded_rows(bench: Bench, teacher: nn.Module, typical: tuple[Tensor, Tensor]) -> Iterator[Row]:
    """The teacher in fewer and fewer bits."""
    for bits in (32, 16):
        yield row(bench, f"float{bits}", "teacher", teacher, nbytes(teacher, bits), bits)
    steps = nbytes(teacher, 8) - nbytes(teacher, 8, steps=False)
    for bits in (8, 6, 5, 4, 3):
        size = nbytes(teacher, bits)
        yield row(bench, f"int{bits}-largest", "rounded", rounded(teacher, bits), size, bits)
        if bits in (8, 4):
            per_tensor = rounded(teacher, bits, "tensor")
            yield row(bench, f"int{bits}-tensor", "rounded", per_tensor, size - steps + 8, bits)
        if bits <= 4:
            yield row(bench, f"int{bits}-best", "rounded", rounded(teacher, bits, best=True), size, bits)
            yield row(bench, f"int{bits}-calibrated", "rounded", calibrated(teacher, bits, *typical), size, bits)
            if (found := ended(f"int{bits}")) is not None:
                yield row(bench, f"int{bits}-aware", "rounded, trained", found[0], size, bits, **found[1])


def student_rows(bench: Bench) -> Iterator[Row]:
    """The students in eight bits; the first of each size in floats and, where it was trained, in four bits as well."""
    for name in RUNS:
        run = RUNS[name]
        for seed in range(SEEDS):
            if (not run.seeds and not run.begin) or (found := ended(name, seed)) is None:
                continue
            model, about = found
            bits = run.bits or 8
            kind = "trained alone" if not run.taught else "pairs alone" if not run.critic else "student"
            label = f"{name}{f'-seed-{seed}' if seed else ''}"
            if name in SIZES and not seed:
                yield row(bench, f"{label}-float32", kind, model, nbytes(model, 32), 32, **about)
            kept = model if run.bits else rounded(model, 8)
            yield row(bench, label, kind, kept, nbytes(model, bits), bits, **about)


def vae_rows(bench: Bench) -> Iterator[Row]:
    """The decoder of the VAE with classes; only its weights are rounded or pruned."""
    name = "mnist-vae-classes"
    plain = pretrained(name).model()
    weights = sum(layer.weight.numel() for _, layer in layers(plain.decoder))
    others = sum(p.numel() for p in plain.decoder.parameters()) - weights
    for bits in (32, 8, 4):
        model = pretrained(name).model()
        if bits < 16:
            model.decoder = rounded(model.decoder, bits)
        size = (weights + others) * 4 if bits == 32 else -(-weights * bits // 8) + 2 * others
        label = f"vae-int{bits}" if bits < 32 else "vae-float32"
        yield row(bench, label, "vae", model, size, bits) | {"weights": weights}
    for share in (0.5,):
        model = pretrained(name).model()
        prune(model.decoder, smallest(model.decoder, share))
        size = round((1 - share) * weights) + weights // 8 + 2 * others
        yield row(bench, f"vae-pruned-{round(100 * share)}", "vae", model, size, 8, share=share) | {"weights": weights}


def baseline_rows(bench: Bench) -> Iterator[Row]:
    """What needs no network: the mean image of each class, and real images that fit into the bytes, learned by heart."""
    train = load("mnist", "train")
    means = torch.stack([to_float(train.images[train.labels == k]).mean(0) for k in range(10)])
    yield KNOWN.get("class means") or {
        "name": "class means", "kind": "trivial", "bytes": 7_840, **judged(bench, means[torch.arange(N) % 10])
    }  # fmt: skip
    for budget in (9_000, 57_000, 133_000):
        if (name := f"by heart, {budget // 1000} kB") in KNOWN:
            yield KNOWN[name]
            continue
        low, high = 10, 10_000
        while high - low > 10:
            count = (low + high) // 20 * 10
            kept = by_heart(train.images, train.labels, count)
            low, high = (count, high) if len(zlib.compress(kept.numpy().tobytes(), 9)) <= budget else (low, count)
        kept = to_float(by_heart(train.images, train.labels, low))  # by class in turn
        pick = torch.randint(low // 10, (N,), generator=generator_for(0, 71)) * 10 + torch.arange(N) % 10
        size = len(zlib.compress(by_heart(train.images, train.labels, low).numpy().tobytes(), 9))
        yield {"name": name, "kind": "trivial", "bytes": size, "images": low, **judged(bench, kept[pick])}


def by_heart(images: Tensor, labels: Tensor, count: int) -> Tensor:
    """The first `count` images, classes in turn."""
    each = count // 10
    return torch.stack([images[labels == k][:each] for k in range(10)], 1).flatten(0, 1)


def all_rows(bench: Bench) -> Iterator[Row]:
    """Every row there is a model for."""
    teacher = folded(pretrained(TEACHER).model())  # type: ignore[arg-type]
    typical = torch.randn(1000, 64, generator=generator_for(0, 72)), torch.arange(1000) % 10
    yield from student_rows(bench)
    yield from rounded_rows(bench, teacher, typical)
    yield from baseline_rows(bench)
    yield from vae_rows(bench)
    yield from pruned_rows(bench, teacher)


def real_row(bench: Bench) -> Row:
    """What real training images get in the place of samples."""
    assert bench.real is not None
    real = frechet_interval(bench.reference_features, features(bench.net, bench.real.floats()))
    return {"frechet_distance": round(real.value, 3), "frechet_interval": [round(real.low, 3), round(real.high, 3)]}
