"""Train, measure and release the models of normal chest X-rays that ship with the chapter on medicine.

``python scripts/records/chest.py`` makes all of them (ten minutes on a CPU), ``chest.py vae-0 anogan`` some; ``chest.py choice``
records how the number of latent dimensions was chosen, on validation images (``imggen_lib/measured/chest.json``). Needs no other
data than what ships with the library; nothing is chosen or measured on the test images. Everything random follows from the seeds
below; other processors round differently and end elsewhere.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from checkpoints import hardware

import imggen_lib
from imggen_lib import checkpoint
from imggen_lib.applications.anomaly.anogan import Anogan, Encoder, train_encoder
from imggen_lib.applications.anomaly.scores import compressed_length, given_complexity, vae_scores
from imggen_lib.applications.anomaly.shipped import ANOGAN, FOLDER
from imggen_lib.checkpoint.saving import versions, write
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet, pneumonia
from imggen_lib.data.chest import repeats, without
from imggen_lib.data.shifted import shifted_batches
from imggen_lib.machine import first_weights, prepare
from imggen_lib.metrics.audit import delong
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import VaeState, cosine
from imggen_lib.train.vae import evaluate_elbo, train_vae

SEEDS = (0, 1, 2)
VAE_IMAGES, GAN_IMAGES, ENCODER_IMAGES = 200_000, 200_000, 100_000
CHOICE_IMAGES = 40_000
SHIFT, ENCODER_WIDTH = 1, 8
CHOICE = Path(imggen_lib.__file__).parent / "measured" / "chest.json"
VAE = VaeConfig(latent_dim=8, width=16, likelihood="logistic", batch=64, lr=1.5e-3, schedule_images=VAE_IMAGES)
GAN = GanConfig(latent_dim=32, width=32, batch=64, lr=1e-3, augment="diff", decay_start=100_000, decay_end=GAN_IMAGES)
CHOSEN = (
    "the number of latent dimensions by the area of the error given complexity on the validation images, ill ones included, "
    "see the record chest; all else beforehand; no test image was looked at"
)
LICENCE = "MIT, trained by this book; data: PneumoniaMNIST (Yang and others 2023; Kermany and others 2018), CC BY 4.0"


def splits() -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training, validation and test images without repeats: what is in validation or test is taken out of training."""
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    test = without(test, repeats(test))
    validation = without(validation, repeats(validation, test))
    return without(train, repeats(train, validation, test)), validation, test


def normal(images: ImageSet) -> ImageSet:
    return images.subset(images.labels == 0)


def card(command: str, seed: int, seconds: float, quality: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {
        "command": f"python scripts/records/chest.py {command}",
        "source": f"the repository of the book, at the tag v{imggen_lib.__version__}; the installed package has the library alone",
        "seed": seed,
        "training_seconds": round(seconds),
        "hardware": hardware("cpu"),
        "load": "other work ran on the machine meanwhile; these are seconds of the processor",
        "use": "for learning only, not for clinical use: trained on shrunken X-rays of children of one hospital, normal ones alone",
        "quality": quality,
        "licence": LICENCE,
        **rest,
    }


def about(data: ImageSet) -> dict[str, Any]:
    return {"name": "pneumonia", "images": len(data), "sha256": data.checksum, "classes": list(data.classes)}


def trained(config: VaeConfig, train: ImageSet) -> VaeState:
    """A VAE of `train`, after as many images as its cosine is long."""
    with first_weights(config.seed):
        state = config.state()
    state.model.start_at(train.mean_image())
    batches = shifted_batches(train.batches(config.batch, images=config.schedule_images, seed=config.seed), SHIFT, config.seed)
    for _ in train_vae(state, batches, **config.options):
        pass
    return state


def choice(train: ImageSet, validation: ImageSet) -> None:
    """How well VAEs of several sizes tell the validation images apart after a short training; the largest area is taken."""
    x, ill = validation.floats(), validation.labels == 1
    complexity = compressed_length(x)
    made = versions()
    machine = f"CPU ({made.pop('machine')}), one thread"
    command = "python scripts/records/chest.py choice"
    record: dict[str, Any] = {"command": command, "versions": made, "machine": machine, "latent_dims": {}}
    record["protocol"] = f"{CHOICE_IMAGES:,} images, seed 0; {len(x)} validation images, {int(ill.sum())} ill; no test image"
    for latent_dim in (2, 4, 8, 16, 32):
        state = trained(replace(VAE, latent_dim=latent_dim, schedule_images=CHOICE_IMAGES), train)
        said = vae_scores(state.model, train.floats())(x)
        given = given_complexity(said.log_error[~ill], complexity[~ill]).residual(said.log_error, complexity)
        area = delong(given[ill], given[~ill])
        found = {"area": area.value, "low": area.low, "high": area.high, "bound_of_normals": -said.elbo[~ill].mean().item()}
        record["latent_dims"][str(latent_dim)] = {k: round(v, 4) for k, v in found.items()}
        print(latent_dim, record["latent_dims"][str(latent_dim)], flush=True)
    CHOICE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def make_vae(seed: int, train: ImageSet, validation: ImageSet) -> None:
    """Train, measure (on validation normals alone) and release one VAE of normals."""
    config, began = replace(VAE, seed=seed), time.process_time()
    state = trained(config, train)
    seconds, quality = time.process_time() - began, {}
    for name, data in (("training", train), ("validation", validation)):
        value, error = evaluate_elbo(state.model, data.floats())
        quality |= {f"{name}_normals_elbo_nats": round(value, 1), f"{name}_normals_standard_error": round(error, 1)}
    quality["protocol"] = f"{len(train):,} training and {len(validation):,} validation normals, one draw of z each"
    tensors = {f"model.{k}": v for k, v in state.model.state_dict().items()}
    meta = {"config": config.to_json(), "images": state.images, "steps": state.steps, "versions": versions(), "data": about(train)}
    saved = checkpoint.Checkpoint(FOLDER, config, meta, tensors)
    checkpoint.release(
        saved, f"chest-vae-{seed}", card(f"vae-{seed}", seed, seconds, quality, shifts_by_at_most=SHIFT, chosen=CHOSEN), FOLDER
    )
    print(seed, seconds, quality, flush=True)


def make_anogan(train: ImageSet, validation: ImageSet) -> None:
    """Train a GAN of normals, then the encoder of f-AnoGAN; release the three networks."""
    began = time.process_time()
    with first_weights(0):
        state = GAN.state()
        encoder = Encoder(train.image_shape, GAN.latent_dim, ENCODER_WIDTH)
    for record in train_gan(state, train.batches(GAN.batch, images=GAN_IMAGES, seed=0), GAN.loss_function, **GAN.options):
        if record["images"] % 64_000 < 64:
            print({k: round(float(v), 3) for k, v in record.items()}, round(time.process_time() - began), flush=True)
    nets = Anogan(state.ema, state.critic, encoder)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    schedule = cosine(ENCODER_IMAGES, warmup=5_000)
    sums: list[float] = []
    batches = shifted_batches(train.batches(64, images=ENCODER_IMAGES, seed=1), SHIFT, 1)
    for step in train_encoder(nets, optimizer, batches):
        optimizer.param_groups[0]["lr"] = 1e-3 * schedule(int(step["images"]))
        sums.append(float(step["image"]))
    quality = {"encoder_mean_squared_error_training": round(sum(sums[-100:]) / 100, 4), "protocol": "the last 100 steps"}
    tensors = {
        f"{prefix}.{k}": v.half() if v.is_floating_point() else v
        for prefix, net in zip(("ema", "critic", "encoder"), nets, strict=True)
        for k, v in net.state_dict().items()
    }
    more = {"encoder_width": ENCODER_WIDTH, "encoder_images": ENCODER_IMAGES}
    said = card("anogan", 0, time.process_time() - began, quality, **more)
    meta = {"config": GAN.to_json(), "images": GAN_IMAGES, "steps": state.steps, "versions": versions(), "data": about(train)}
    write(FOLDER, lambda _: f"{ANOGAN}.safetensors", tensors, {**meta, "card": said}, f"{ANOGAN}.json")
    print(said, flush=True)


def models(only: list[str]) -> None:
    train, validation, _ = splits()
    if not only or "choice" in only:
        choice(normal(train), validation)
    train, validation = normal(train), normal(validation)
    FOLDER.mkdir(exist_ok=True)
    for seed in SEEDS:
        if not only or f"vae-{seed}" in only:
            make_vae(seed, train, validation)
    if not only or "anogan" in only:
        make_anogan(train, validation)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="choice, vae-0, vae-1, vae-2, anogan (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    models(args.only)


if __name__ == "__main__":
    main()
