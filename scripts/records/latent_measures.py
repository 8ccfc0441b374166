"""What is measured of flows in a VAE's latent space: distances by solver and steps, guidance, likelihood, time and bytes."""

import json
import math
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from latent_runs import read
from sklearn.mixture import GaussianMixture
from torch import Tensor

from imggen_lib.checkpoint import pretrained
from imggen_lib.data import ImageSet, load
from imggen_lib.machine import evaluating
from imggen_lib.metrics.distribution import features, frechet_interval
from imggen_lib.metrics.flow_likelihood import prior_log_density
from imggen_lib.metrics.intervals import mean_estimate, wilson_interval
from imggen_lib.metrics.novelty import data_copying, nearest_training
from imggen_lib.models.latent_flow import ClassGaussians, LatentFlow, standard_normal
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for, latents
from imggen_lib.protocol import Bench, Protocol, rounded
from imggen_lib.sampling import decode, sample
from imggen_lib.train.latent_flow import Codes
from imggen_lib.train.vae import observe
from imggen_lib.viz.sheets import recorded_png

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "latent.json"
CURVE = (*(("heun", k) for k in (4, 2, 8)), *(("euler", k) for k in (1, 2, 4, 8)))
FINE = (("heun", 1), ("euler", 16))
SHORT_CURVE = (("heun", 2), ("heun", 4), ("heun", 8))
WEIGHTS = (1.0, 1.05, 1.1, 1.15)  # among which one was chosen on training images
GUIDANCE = (1.0, 1.5, 3.0, 2.0)  # in four steps of Heun: with a large weight two do not follow the field
LIKELIHOOD_IMAGES = 1000
LIKELIHOOD_STEPS = 32
COMPONENTS = 10
Numbers = dict[str, Any]


def short(bench: Bench, images: Tensor, labels: Tensor | None) -> Numbers:
    """The Fréchet distance and, where a class was asked for, the share that the classifier sees as that class, with intervals."""
    made = features(bench.net, images)
    found = frechet_interval(bench.reference_features, made)
    out: Numbers = {"frechet": [found.value, found.low, found.high]}
    if labels is not None:
        assert bench.classifier is not None
        right = int((bench.classifier.head(made.float()).argmax(1) == labels).sum())
        out["right"] = [right / len(labels), *wilson_interval(right, len(labels))]
    return out


def drawn(bench: Bench, model: LatentFlow) -> Numbers:
    """:func:`short` of a flow as it is sampled when it ships."""
    return short(bench, sample(model, bench.n), torch.arange(bench.n) % 10)


def on_training(bench: Bench, model: LatentFlow) -> Numbers:
    """As :func:`short`, against as many training images and with other noise, so that no test image chooses."""
    assert bench.real is not None and bench.classifier is not None
    made, labels = features(bench.net, sample(model, bench.n, seed=2 * bench.n)), torch.arange(bench.n) % 10
    found = frechet_interval(features(bench.net, bench.real.floats()), made)
    right = int((bench.classifier.head(made.float()).argmax(1) == labels).sum())
    return {"frechet": [found.value, found.low, found.high], "right": [right / len(labels), *wilson_interval(right, len(labels))]}


def baselines(bench: Bench, vae: VAE, codes: Codes, data: ImageSet) -> tuple[dict[str, Numbers], dict[str, Any]]:
    """What needs no training: the prior itself, Gaussians of each class, mixtures of them, and codes of real images (copies)."""
    n, labels = bench.n, torch.arange(bench.n) % 10
    z = latents(range(n), vae.latent_dim)
    plain = ClassGaussians(vae.latent_dim, 10).fit(codes.mu, codes.logvar.exp(), codes.labels)
    noise = generator_for(0, 72)
    drawn = codes.draw(torch.arange(len(codes.mu)), noise)
    mixtures = [
        GaussianMixture(COMPONENTS, random_state=0, max_iter=50).fit(drawn[codes.labels == c].double().numpy()) for c in range(10)
    ]
    mixed = torch.empty(n, vae.latent_dim)
    for c, mixture in enumerate(mixtures):
        points = torch.from_numpy(mixture.sample(int((labels == c).sum()))[0]).float()
        mixed[labels == c] = points[torch.randperm(len(points), generator=noise)]
    index = torch.randperm(len(codes.mu), generator=noise)[:n]
    copies = Codes(codes.mu, codes.logvar, codes.labels)
    rows = {
        "prior N(0, I)": (decode(vae, z), None),
        "one Gaussian a class": (decode(vae, plain(z, labels)), labels),
        f"{COMPONENTS} Gaussians a class": (decode(vae, mixed), labels),
        "codes of training images, drawn": (decode(vae, copies.draw(index, noise)), codes.labels[index]),
        "codes of training images, mean": (decode(vae, codes.mu[index]), codes.labels[index]),
        "real training images": (data.batch(index)[0], codes.labels[index]),
    }
    return {name: short(bench, *row) for name, row in rows.items()}, {"plain": plain, "mixtures": mixtures}


def timed(make: Callable[[Tensor, Tensor], Any], dim: int, n: int = 500, repeats: int = 5) -> float:
    """Processor milliseconds per image of one thread in batches of 500: the median of five."""
    z, labels, seconds = latents(range(n), dim), torch.arange(n) % 10, []
    with torch.no_grad():
        make(z, labels)
        for _ in range(repeats):
            began = time.process_time()
            make(z, labels)
            seconds.append(time.process_time() - began)
    return sorted(seconds)[repeats // 2] / n * 1000


def gain(vae: VAE, model: LatentFlow, rivals: dict[str, Any], n: int) -> Numbers:
    """What another p(z) than N(0, I) adds to the ELBO of test images, in nats, with its standard error over images."""
    test = load("mnist", "test")
    test = test.subset(torch.randperm(len(test), generator=generator_for(0, 73))[:n])
    noise = generator_for(0, 74)
    with torch.no_grad(), evaluating(vae):
        mu, logvar = vae.encode(observe(test.floats(), vae, noise))
    z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape, generator=noise)
    before = standard_normal(z).double()
    weights = math.log(10)
    by_mixture = torch.stack([torch.from_numpy(m.score_samples(z.double().numpy())) for m in rivals["mixtures"]])
    few, steps = n // 5, LIKELIHOOD_STEPS
    density = partial(prior_log_density, model, steps=steps)
    mixed = density(z)
    each = {
        "one Gaussian a class, mixed": torch.logsumexp(rivals["plain"].log_density(z).double(), 1) - weights,
        f"{COMPONENTS} Gaussians a class, mixed": torch.logsumexp(by_mixture, 0) - weights,
        "flow, classes mixed": mixed.double(),
        "flow, no class told": density(z, torch.full((n,), 10)).double(),
        "flow, true class told": density(z, test.labels).double(),
    }
    found: Numbers = {"n": n, "steps": steps, "images with twice the steps": few}
    for name, log_p in each.items():
        found[name] = list(mean_estimate(log_p - before))
    once, twice = (prior_log_density(model, z[:few], steps=k) for k in (steps, 2 * steps))  # with the same probes
    found["steps doubled changes the mean by"] = float((twice - once).mean().abs())
    kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1)
    found["KL to N(0, I)"] = list(mean_estimate(kl))
    return found


class Record:
    """The record on the disk, which grows row by row: what it has is not measured again."""

    def __init__(self, path: Path, head: Numbers) -> None:
        self.path = path
        self.held: Numbers = head | (json.loads(path.read_text("utf-8")) if path.exists() else {}) | head

    def row(self, section: str, name: str, make: Callable[[], Any]) -> None:
        """Measure and keep what is not there."""
        rows = self.held.setdefault(section, {})
        if name in rows:
            return
        found = make()
        rows[name] = rounded({"row": found})["row"]
        print(section, name, rows[name], flush=True)
        self.path.write_text(json.dumps(self.held, indent=1) + "\n", encoding="utf-8")


def head(bench: Bench) -> Numbers:
    """What holds for every number of the record."""
    return {
        "command": "python scripts/records/latent.py measure",
        "protocol": {
            "n": bench.n,
            "data": "mnist",
            "features": "mnist-features",
            "vae": "mnist-vae-res",
            "interval": "95 %, over images, at this n",
            "samples": "seeds 0..9999, classes in turn",
            "milliseconds": "processor time of one thread, batches of 500, median of five",
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
    }


def measure(vae: VAE, codes: Codes, data: ImageSet, runs: Path, seeds: tuple[int, ...]) -> None:
    """Measure everything that has been trained, and write the record, which grows as it goes."""
    bench = Bench("mnist", Protocol())
    record = Record(OUT, head(bench))
    flows = {seed: read(f"flow-{seed}", runs) for seed in seeds if (runs / f"flow-{seed}.json").exists()}
    there = [(name, seed) for name in ("pairs", "mean") for seed in seeds if (runs / f"{name}-{seed}.json").exists()]
    students = {(name, seed): read(f"{name}-{seed}", runs) for name, seed in there}
    for weight in WEIGHTS:
        record.row("choice", f"{weight:g}", partial(on_training, bench, flows[0].sampled_with(guidance=weight)))
    for seed, model in flows.items():
        record.row("seeds", f"latent flow {seed}", partial(drawn, bench, model))
        curve(record, bench, f"flow {seed}", model, CURVE if seed == 0 else SHORT_CURVE)
    for (name, seed), model in students.items():
        stretches = tuple(("euler", k) for k in ((1,) if name == "pairs" else (1, 2, 4)))
        curve(record, bench, f"{name} {seed}", model, stretches)
    rivals: dict[str, Any] = {}
    if "gain" not in record.held.get("likelihood", {}):
        marks, rivals = baselines(bench, vae, codes, data)
        for name, found in marks.items():
            record.row("baselines", name, partial(dict, found))
    whole(record, bench, flows, students)
    record.row("likelihood", "gain", lambda: gain(vae, flows[0].sampled_with(guidance=1.0), rivals, LIKELIHOOD_IMAGES))
    for name, chosen in typical(bench, vae).items():
        record.row("typical", name, partial(nearness, bench, chosen))
    labels = torch.arange(bench.n) % 10
    for weight in GUIDANCE:
        record.row("guidance", f"{weight:g}", partial(thorough, bench, flows[0].sampled_with(steps=4, guidance=weight), labels))
    curve(record, bench, "flow 0", flows[0], FINE)


def curve(record: Record, bench: Bench, section: str, model: LatentFlow, samplers: Any) -> None:
    """A row for each solver and number of steps."""
    labels = torch.arange(bench.n) % 10
    for solver, steps in samplers:
        sampler = {"steps": steps} if section.startswith("mean") else {"solver": solver, "steps": steps, "guidance": 1.0}

        def row(sampler: dict[str, Any] = sampler) -> Numbers:
            return short(bench, sample(model.sampled_with(**sampler), bench.n), labels)

        record.row(section, f"{solver} {steps}", row)


def thorough(bench: Bench, model: Any, labels: Tensor | None, intervals: bool = False) -> Numbers:
    """The whole protocol for one generator, with the share of the right class."""
    images = sample(model, bench.n)
    return short(bench, images, labels) | bench.distances(images, intervals=intervals)


def typical(bench: Bench, vae: VAE) -> dict[str, Tensor]:
    """2,000 test images that the test of copying did not hold out: as they are, the more typical half, and drawn by the decoder."""
    assert bench.classifier is not None
    images = bench.test.floats(3000)[1000:]
    with torch.no_grad():
        sure = bench.classifier(images).log_softmax(1).max(1).values
        codes = Codes(*vae.encode(images), torch.zeros(len(images), dtype=torch.long))
    again = decode(vae, codes.draw(torch.arange(len(images)), generator_for(0, 75)))
    return {
        "real test images": images,
        "real test images, the more typical half": images[sure >= sure.median()],
        "real test images, encoded and drawn again": again,
    }


def nearness(bench: Bench, images: Tensor) -> Numbers:
    """The numbers of the test of copying, for images that are no copies."""
    near = nearest_training(bench.train_features, features(bench.net, images)).distances
    found = data_copying(bench.held_out, near)
    return {"n": len(images), "copying_z": found.z, "near_duplicates": found.near_duplicates, "novelty_ratio": found.median_ratio}


def whole(record: Record, bench: Bench, flows: dict[int, LatentFlow], students: dict[tuple[str, int], LatentFlow]) -> None:
    """The generators of the table, by the whole protocol, with what they cost."""
    labels = torch.arange(bench.n) % 10
    generators: dict[str, Callable[[], Any]] = {"latent flow": lambda: flows[0], "one step": lambda: students["pairs", 0]}
    generators["mnist-flow, guided"] = lambda: _shipped("mnist-flow").sampled_with(solver="midpoint", steps=4, guidance=1.1)
    generators |= {name: partial(_shipped, name) for name in ("mnist-gan-classes", "mnist-gan-long", "mnist-flow", "mnist-vae-res")}
    for name, make in generators.items():
        model = make()
        record.row("costs", name, partial(costs, model))
        asked = labels if getattr(model, "classes", 0) else None
        record.row("full", name, partial(thorough, bench, model, asked, intervals=True))
    record.row("full", "real", bench.real_images)
    for name in ("latent flow", "one step"):
        record.row("samples", name, partial(_sheet, generators[name]()))


def _sheet(model: Any) -> str:
    return recorded_png(sample(model, 32))


def _shipped(name: str) -> Any:
    return pretrained(name).model()


def costs(model: Any) -> Numbers:
    """Milliseconds per image and numbers, of all and of the flow alone."""
    draw = model if getattr(model, "classes", 0) else lambda z, _: model.decode(z)
    out: Numbers = {"all_ms": timed(draw, model.latent_dim), "numbers": sum(p.numel() for p in model.parameters())}
    flow = getattr(model, "flow", None)
    if flow is not None:
        out |= {"flow_ms": timed(flow, model.latent_dim), "flow_numbers": sum(p.numel() for p in flow.parameters())}
    return out
