"""Damage on purpose: what a metric should notice, in doses.

Every damage is a pure function of images ``(n, c, h, w)`` in [-1, 1], a strength in a unit of its own, and a seed; strength 0
changes nothing. The first group damages each image, the second the set. What the second needs beside (labels, training images)
comes last, so that ``functools.partial`` makes all of them alike.
"""

import io
import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import conv2d, pad

from imggen_lib.checks import check_images, check_labels, real, whole
from imggen_lib.data.imageset import to_float, to_uint8
from imggen_lib.machine import full_precision
from imggen_lib.noise import generator_for

Images = Float[Tensor, "n c h w"]
Others = Float[Tensor, "m c h w"]

_STREAM = 40  # of random numbers for damage; see noise.generator_for
_MOST_CLASSES = 1_000_000
_NOISE, _SALT, _SHIFT, _PLACE, _CLASSES, _ONE, _FEW, _COPY = range(8)


def _check(strength: Any, most: float, unit: str) -> float:
    """The strength as a plain number."""
    number = real(strength, "strength")
    if not 0 <= number <= most:
        raise ValueError(f"the strength is {unit}, from 0 to {most:g}, got {strength}")
    return number


def blur(images: Images, strength: float, seed: int = 0) -> Images:
    """Gaussian blur; `strength` is its standard deviation in pixels. The border is repeated outwards. No randomness."""
    check_images(images)
    strength = _check(strength, min(images.shape[2:]) / 4, "a width in pixels")
    if strength == 0:
        return images
    reach = math.ceil(4 * strength)
    at = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-0.5 * (at / strength) ** 2)
    weights = weights / weights.sum()
    flat = pad(images.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    with full_precision():
        blurred = conv2d(conv2d(flat, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return blurred.view(images.shape).clamp(-1, 1)


def noise(images: Images, strength: float, seed: int = 0) -> Images:
    """Independent Gaussian noise on every pixel, then clipped to [-1, 1]; `strength` is its standard deviation."""
    check_images(images)
    strength = _check(strength, 2, "a standard deviation")
    drawn = torch.randn(images.shape, generator=generator_for(seed, _STREAM, _NOISE), device="cpu", dtype=torch.float32)
    return (images + strength * drawn.to(images)).clamp(-1, 1)


def salt(images: Images, strength: float, seed: int = 0) -> Images:
    """A share `strength` of all pixels, chosen at random, becomes black or white, all channels alike."""
    check_images(images)
    strength = _check(strength, 1, "a share of the pixels")
    n, _, h, w = images.shape
    drawn = torch.rand(2, n, 1, h, w, generator=generator_for(seed, _STREAM, _SALT), device="cpu", dtype=torch.float32).to(
        images.device
    )
    return torch.where(drawn[0] < strength, (drawn[1].round() * 2 - 1).to(images), images)


def jpeg(images: Images, strength: float, seed: int = 0) -> Images:
    """What a JPEG file keeps, written and read by Pillow at quality ``100 - strength``. No randomness.

    Colours are stored at full resolution, so that only the transform's rounding is seen. Strength 0 writes no file.
    """
    from PIL import Image

    check_images(images)
    strength = _check(strength, 99, "100 less the quality")
    if strength == 0:
        return images
    out = []
    for pixels in to_uint8(images).cpu().permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(
            file, "JPEG", quality=round(100 - strength), subsampling=0
        )
        with Image.open(file) as read:
            bytes_ = torch.frombuffer(bytearray(read.tobytes()), dtype=torch.uint8)
        out.append(bytes_.view(pixels.shape).permute(2, 0, 1))
    return to_float(torch.stack(out)).to(images)


def shift(images: Images, strength: float, seed: int = 0) -> Images:
    """Each image moved by `strength` whole pixels up, down, left or right, drawn by `seed`; the border is repeated."""
    check_images(images)
    strength = _check(whole(strength, "strength"), min(images.shape[2:]) - 1, "a number of pixels")
    s, (h, w) = int(strength), images.shape[2:]
    ways = torch.randint(4, (len(images),), generator=generator_for(seed, _STREAM, _SHIFT), device="cpu").tolist()
    wide = pad(images, (s,) * 4, mode="replicate") if s else images
    starts = ((0, s), (2 * s, s), (s, 0), (s, 2 * s))
    return torch.stack([x[:, a : a + h, b : b + w] for x, (a, b) in zip(wide, [starts[k] for k in ways], strict=True)])


def cast(images: Images, strength: float, seed: int = 0) -> Images:
    """A colour cast: grey images become brighter by `strength`, RGB ones redder and less blue by as much. No randomness."""
    check_images(images)
    strength = _check(strength, 2, "a step on the scale from -1 to 1")
    tint = [strength] if images.shape[1] == 1 else [strength, 0.0, -strength]
    if len(tint) != images.shape[1]:
        raise ValueError(f"images are grey (1 channel) or RGB (3 channels), got {images.shape[1]} channels")
    return (images + images.new_tensor(tint).view(-1, 1, 1)).clamp(-1, 1)


def fade(images: Images, strength: float, seed: int = 0) -> Images:
    """Less contrast: every pixel moves by a share `strength` of its way towards middle grey. No randomness."""
    check_images(images)
    strength = _check(strength, 1, "a share of the contrast")
    return images * (1 - strength)


def occlude(images: Images, strength: float, seed: int = 0) -> Images:
    """A square of middle grey with a share `strength` of the area hides a part of each image; its place is drawn by `seed`."""
    check_images(images)
    strength = _check(strength, 1, "a share of the area")
    h, w = images.shape[2:]
    side = min(round((strength * h * w) ** 0.5), h, w)
    if side == 0:
        return images
    corner = torch.rand(2, len(images), 1, 1, generator=generator_for(seed, _STREAM, _PLACE), device="cpu", dtype=torch.float32).to(
        images.device
    )
    top, left = (corner[0] * (h - side + 1)).long(), (corner[1] * (w - side + 1)).long()
    rows, columns = torch.arange(h, device=images.device).view(-1, 1), torch.arange(w, device=images.device)
    hidden = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return images.masked_fill(hidden[:, None], 0.0)


def drop_classes(images: Images, strength: float, seed: int = 0, *, labels: Int[Tensor, " n"]) -> Others:
    """The images without those of `strength` classes, drawn by `seed` (more classes, the same ones first).

    Fewer images are left than were given: to compare sets of one size, give more and cut.
    """
    check_images(images)
    labels = check_labels(labels, len(images), _MOST_CLASSES)
    classes = labels.unique()
    strength = _check(whole(strength, "strength"), len(classes) - 1, "a number of classes that leaves one")
    order = torch.randperm(len(classes), generator=generator_for(seed, _STREAM, _CLASSES), device="cpu").to(classes.device)
    return images[~torch.isin(labels, classes[order[: int(strength)]])]


def repeat_one(images: Images, strength: float, seed: int = 0) -> Images:
    """A share `strength` of the set, chosen by `seed`, is replaced by one of its images."""
    check_images(images)
    strength = _check(strength, 1, "a share of the set")
    order = torch.randperm(len(images), generator=generator_for(seed, _STREAM, _ONE), device="cpu")
    out = images.clone()
    out[order[: round(strength * len(images))]] = images[order[0]]
    return out


def recycle(images: Images, strength: float, seed: int = 0) -> Images:
    """A set of the same size with few different images: each of ``n / (1 + strength)`` of them comes ``1 + strength`` times."""
    check_images(images)
    strength = _check(strength, len(images) - 1, "a number of further copies")
    different = max(1, round(len(images) / (1 + strength)))
    order = torch.randperm(len(images), generator=generator_for(seed, _STREAM, _FEW), device="cpu")[:different]
    return images if strength == 0 else images[order[torch.arange(len(images)) % different]]


def copy_training(images: Images, strength: float, seed: int = 0, *, training: Others) -> Images:
    """A share `strength` of the set is replaced by training images, without repeats; both are chosen by `seed`."""
    check_images(images)
    strength = _check(strength, 1, "a share of the set")
    check_images(training, "training images")
    noise_ = generator_for(seed, _STREAM, _COPY)
    where = torch.randperm(len(images), generator=noise_, device="cpu")[: round(strength * len(images))]
    if len(where) > len(training):
        raise ValueError(f"{len(where)} copies without repeats need as many training images, got {len(training)}")
    out = images.clone()
    out[where] = training[torch.randperm(len(training), generator=noise_, device="cpu")[: len(where)]].to(images)
    return out
