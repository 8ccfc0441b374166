"""What the demo "Your own eyes" shows: ``imggen_lib/live/maps/chest-cases.json``, from the data and the model that ship.

Twelve test X-rays, six of each kind, drawn with a fixed seed before any score is computed; what the VAE of seed 0 makes of them;
and the scores of all test images and of the normal validation images: a line of code (smoothness), minus the VAE's evidence lower
bound, and the log of its error given complexity, by a line fitted on validation normals. What is counted depends on their order
alone, so their ranks are stored, two bytes each.

``python scripts/records/chest_cases.py``, half a minute; ``--run FOLDER`` takes a model of one's own instead.
"""

import argparse
import base64
import json
import zlib

import torch
from torch import Tensor

from imggen_lib import checkpoint
from imggen_lib.applications.anomaly.case import reconstructions
from imggen_lib.applications.anomaly.scores import compressed_length, given_complexity, smoothness, vae_scores
from imggen_lib.applications.anomaly.shipped import card, chest_vae
from imggen_lib.data import ImageSet, pneumonia, to_uint8
from imggen_lib.data.chest import LICENCE, repeats, without
from imggen_lib.live.shipped import CHEST, MAPS
from imggen_lib.metrics.audit import by_truth, delong
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for

COUNT, SEED, WANTED = 12, 28, 0.05


def splits() -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training normals, validation normals and test images, without repeats: what is in a later split is taken out."""
    train, validation, test = map(pneumonia, ("train", "validation", "test"))
    test = without(test, repeats(test))
    validation = without(validation, repeats(validation, test))
    train = without(train, repeats(train, validation, test))
    return train.subset(train.labels == 0), validation.subset(validation.labels == 0), test


def chosen(test: ImageSet) -> list[int]:
    """Half of them normal, drawn at random and mixed; no score is looked at."""
    draw = generator_for(SEED)
    places = [torch.nonzero(test.labels == c).flatten() for c in (0, 1)]
    halves = [of[torch.randperm(len(of), generator=draw)[: COUNT // 2]] for of in places]
    both = torch.cat(halves)
    return [int(i) for i in both[torch.randperm(COUNT, generator=draw)]]


def all_scores(model: VAE, train: ImageSet, validation: ImageSet, test: ImageSet) -> dict[str, tuple[Tensor, Tensor]]:
    """Of validation normals and of all test images, by name; higher is less usual."""
    score = vae_scores(model, train.floats())
    said = [score(images.floats()) for images in (validation, test)]
    complexity = [compressed_length(images.floats()) for images in (validation, test)]
    line = given_complexity(said[0].log_error, complexity[0])
    return {
        "smoothness": (smoothness(validation.floats()), smoothness(test.floats())),
        "elbo": (said[0].elbo, said[1].elbo),
        "given": (line.residual(said[0].log_error, complexity[0]), line.residual(said[1].log_error, complexity[1])),
    }


def ranks(known: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
    """The place of each number among the different numbers of both, from 0; equal ones have the same."""
    places = torch.cat([known, new]).unique(return_inverse=True)[1]
    return places[: len(known)], places[len(known) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="the folder of a VAE of one's own (default: the shipped one of seed 0)")
    folder = parser.parse_args().run
    train, validation, test = splits()
    shown = chosen(test)
    saved = checkpoint.load(folder) if folder else None
    model = saved.model() if saved else chest_vae(0)
    images = test.floats()[shown]
    scores = all_scores(model, train, validation, test)
    areas = {name: delong(*by_truth(new, test.labels)) for name, (_, new) in scores.items()}
    pictures = [to_uint8(x).numpy().tobytes() for x in (images, reconstructions(model, images))]
    numbers = [x.numpy().astype("<u2").tobytes() for pair in scores.values() for x in ranks(*pair)]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = deflate.compress(b"".join([*pictures, *numbers])) + deflate.flush()
    said = {
        "of": (saved.meta if saved else card("chest-vae-0"))["weights"]["sha256"],
        "source": LICENCE,
        "image": list(test.image_shape),
        "count": COUNT,
        "indices": shown,
        "truth": "".join(str(int(label)) for label in test.labels),
        "validation": len(validation),
        "start": int(WANTED * len(validation) + 1e-9),
        "scores": list(scores),
        "areas": {name: [round(x, 4) for x in (a.value, a.low, a.high)] for name, a in areas.items()},
    }
    path = MAPS / f"{CHEST}.json"
    text = json.dumps({**said, "images": base64.b64encode(content).decode()}, separators=(",", ":"))
    path.write_text(text + "\n", encoding="ascii")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB", said["areas"])


if __name__ == "__main__":
    main()
