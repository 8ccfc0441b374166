"""What the live demos say about shipped models that only data can tell: ``imggen_lib/live/maps/*.json``. Takes some minutes.

For each VAE the nats that each latent dimension spends on test images (the order of the sliders); for a VAE of two dimensions the
encoder's means of 2000 test images with their classes (the map); for the VAE that reads drawings, what log p(x) and SSIM are
typical of test images; where the codes of real images are, for the latent flows; how coarsely each model is rounded (a search
that need not be made twice); and sixty test images to compare generated ones with. A file names the weights that it is of; one of
other weights is not used.
``python scripts/records/live_maps.py NAME ...`` does some models only.
"""

import argparse
import base64
import json
import zlib

import torch
from torch import Tensor

from imggen_lib.checkpoint import pretrained
from imggen_lib.data import load
from imggen_lib.live import latent_codes
from imggen_lib.live.layers import run
from imggen_lib.live.pack import Packed, pack
from imggen_lib.live.shipped import DIGITS, MAPS, check_name, generators
from imggen_lib.live.wire import unpacked
from imggen_lib.losses.vae import kl_per_dimension
from imggen_lib.metrics.likelihood import log_likelihoods
from imggen_lib.metrics.pixel import ssim
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.train.latent_flow import encode

READS = ("mnist-vae-small",)  # the VAEs that live.drawing is used with
POINTS, TYPICAL, DRAWS, SHOWN = 2000, 1000, 64, 60


def write(name: str, values: dict) -> None:
    path = MAPS / f"{name}.json"
    path.write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB", flush=True)


def encoded(model: VAE, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return model.encode(images, labels if model.classes else None)


def the_map(mu: Tensor, labels: Tensor) -> dict:
    """Means as two bytes each, in units of `unit`."""
    points = mu[:POINTS]
    unit = round(points.abs().max().item() / 127, 4)
    whole = (points / unit).round().clamp(-127, 127).to(torch.int8)
    said = {"unit": unit, "labels": "".join(str(int(c)) for c in labels[:POINTS])}
    return {**said, "points": base64.b64encode(whole.numpy().tobytes()).decode()}


def typical(model: VAE, packed: Packed, images: Tensor) -> dict:
    """Quantiles (0, 5, ..., 100 %) over test images, of the packed networks that the page computes with."""
    nets = unpacked(packed.spec, packed.content)
    model.encode = lambda x, labels=None: tuple(run(nets["encode"], x.double()).float().chunk(2, 1))
    model.decode = lambda z, labels=None: run(nets["decode"], z)
    nats = log_likelihoods(model, images, k=DRAWS)
    mu, _ = model.encode(images)
    similar = ssim(images, model.images(model.decode(mu)))
    at = torch.linspace(0, 1, 21, dtype=torch.float64)
    found = {"nats": nats, "ssim": similar.double()}
    said = {name: [round(v, 4) for v in values.quantile(at).tolist()] for name, values in found.items()}
    return {"draws": DRAWS, "images": len(images), **said}


def digits(data: object) -> dict:
    """Sixty test images drawn at random, deflated."""
    picked = torch.randperm(len(data.labels), generator=generator_for(60))[:SHOWN]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = deflate.compress(data.images[picked].numpy().tobytes()) + deflate.flush()
    return {
        "source": "MNIST test set, Yann LeCun, Corinna Cortes and Christopher J. C. Burges",
        "licence": "CC BY-SA 3.0",
        "count": SHOWN,
        "image": list(data.image_shape),
        "labels": data.labels[picked].tolist(),
        "images": base64.b64encode(content).decode(),
    }


def rounding(packed: Packed) -> dict:
    """What :func:`imggen_lib.live.pack.pack` need not search for again."""
    return {key: packed.spec[key] for key in ("weights", "levels", "layers") if key in packed.spec}


def describe(name: str) -> dict:
    """What is to be said of one shipped model."""
    checkpoint = pretrained(name)
    model = checkpoint.model()
    packed = pack(model)
    print(f"{name}: {len(packed.content):,} bytes, {packed.spec['weights']}, {packed.spec['difference']}", flush=True)
    said: dict = {"of": checkpoint.meta["weights"]["sha256"], "rounding": rounding(packed)}
    if isinstance(model, VAE):
        data = load(checkpoint.meta["data"]["name"], "test")
        mu, logvar = encoded(model, data.floats(5000), data.labels[:5000])
        said["nats"] = [round(v, 3) for v in kl_per_dimension(mu, logvar).mean(0).tolist()]
        if model.latent_dim == 2:
            said["map"] = the_map(mu, data.labels)
        if name in READS:
            said["typical"] = typical(model, pack(model, encoder=True), data.floats(TYPICAL))
    return said


def codes() -> dict:
    """Where the codes of a quarter of the training images are, of the VAE that the latent flows draw with."""
    checkpoint = pretrained(pretrained("mnist-flow-latent").config.vae)
    data = load(checkpoint.meta["data"]["name"], "train")
    found = encode(checkpoint.model(), data.subset(torch.arange(0, len(data), 4)))
    said = latent_codes.described(found.mu, found.logvar, found.labels)
    return {"of": checkpoint.meta["weights"]["sha256"], **said}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models, mnist-digits, mnist-flow-codes (default: all)")
    names = parser.parse_args().names
    MAPS.mkdir(exist_ok=True)
    others = {DIGITS: lambda: digits(load("mnist", "test")), latent_codes.NAME: codes}
    for name in names or [*others, *generators()]:
        write(name, others[name]()) if name in others else write(check_name(name), describe(name))


if __name__ == "__main__":
    main()
