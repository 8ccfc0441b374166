"""The options of the commands that use a trained model."""

import argparse
from typing import Any

from imggen_lib.cli.values import count, filled, number, path

MODEL = "a checkpoint's folder, the name of a model that ships with the package, or hub:owner/name"
SOLVERS = ("euler", "midpoint", "heun")
_GIVEN: dict[str, Any] = {"default": argparse.SUPPRESS}


def checked_path(text: str) -> str:
    """A path as it was written: the ``/`` at its end says that it is a folder."""
    path(text)
    return text


def frame_rate(text: str) -> float:
    """Frames a second, from 0.1 to 50."""
    value = number(text)
    if not 0.1 <= value <= 50:
        raise argparse.ArgumentTypeError(f"must be at least 0.1 and at most 50 frames a second, got {text}")
    return value


def add(commands: Any, options: dict[str, Any]) -> None:
    """The six commands."""
    _sample(commands.add_parser("sample", help="images from a model: a sheet, single files, arrays, or a film", **options))
    encode = commands.add_parser("encode", help="vae: latents of pictures", **options)
    _pictures(encode)
    encode.add_argument("--out", type=checked_path, required=True, help="codes.npz: mu and logvar (n, latent_dim), names, labels")
    again = commands.add_parser("reconstruct", help="vae: pictures over their reconstructions, and the errors", **options)
    _pictures(again)
    again.add_argument("--scale", type=count(1000), default=2, help="enlarge each pixel so many times")
    again.add_argument("--out", type=checked_path, required=True, help="picture to write, for instance again.png")
    _interpolate(commands.add_parser("interpolate", help="images between two seeds or two pictures", **options))
    export = commands.add_parser("export", help="a model as ONNX or torch.export, checked against PyTorch", **options)
    export.add_argument("dir", type=path, help=MODEL)
    export.add_argument("--to", type=path, required=True, help="FILE.onnx (pip install onnx onnxscript onnxruntime) or FILE.pt2")
    export.add_argument("--part", choices=("decoder", "encoder"), default="decoder", help="decoder: a gan's generator too")
    sampler(export)
    push = commands.add_parser("push", help="a model with its card as a folder of the Hugging Face hub", **options)
    push.add_argument("dir", type=path, help=MODEL)
    push.add_argument("--to", type=filled, required=True, help="a folder; or hub:owner/name (pip install huggingface_hub)")
    push.add_argument("--license", type=filled, help="as the hub names it, such as mit (default: the card's, or unknown)", **_GIVEN)


def sampler(command: argparse.ArgumentParser, steps: str = "--steps") -> None:
    """How a flow goes from noise to an image; `steps` is another name where ``--steps`` counts something else."""
    command.add_argument("--solver", choices=SOLVERS, help="flow: how it follows the velocity (default: as trained)", **_GIVEN)
    command.add_argument(steps, type=count(10_000), help="flow: steps of the solver (default: as trained)", **_GIVEN)
    command.add_argument(
        "--guidance", type=number, help="flow: above 1 the class shows more, and images vary less (default: as trained)", **_GIVEN
    )


def _sample(sample: argparse.ArgumentParser) -> None:
    sample.add_argument("dir", type=path, help=MODEL)
    sample.add_argument(
        "-n", type=count(1_000_000), help="how many images (default: 64; with --walk 8, from each to the next)", **_GIVEN
    )
    sample.add_argument("--seed", type=int, default=0, help="seed of the first image; the next has the next seed")
    sample.add_argument("--label", type=filled, help="conditional models: this class only, by its name or its number", **_GIVEN)
    sample.add_argument(
        "--truncation", type=number, default=1.0, help="shorten latents in this proportion, such as 0.7: more usual, less varied"
    )
    sampler(sample)
    sample.add_argument("--scale", type=count(1000), default=2, help="enlarge each pixel so many times; not in .npz")
    sample.add_argument("--single", action="store_true", help="a folder of one PNG an image, as with --out folder/")
    sample.add_argument("--walk", action="store_true", help="a film of a closed walk through the latent space: .gif or .mp4")
    sample.add_argument("--frames", type=count(1000), help="--walk: frames from one image to the next (default: 12)", **_GIVEN)
    sample.add_argument("--fps", type=frame_rate, help="--walk: frames a second (default: 12)", **_GIVEN)
    sample.add_argument("--colours", type=count(256, least=2), help="--walk: colours of a .gif (default: 256)", **_GIVEN)
    sample.add_argument(
        "--out",
        type=checked_path,
        required=True,
        help="grid.png (or .jpg, .webp, ...): a sheet; folder/: single files; images.npz: bytes (n, height, width, channels) as "
        "`arr_0`, with `seeds` and `labels`; with --walk a .gif, or an .mp4 (pip install imageio-ffmpeg)",
    )


def _pictures(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", type=path, help=MODEL)
    command.add_argument(
        "pictures", type=filled, nargs="+", help="files, folders, or the test images of mnist, fashion-mnist or glyphs"
    )
    command.add_argument("-n", type=count(1_000_000), help="so many of them at most (default: all)", **_GIVEN)
    _prepared(command)


def _prepared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--label", type=filled, help="conditional models: the pictures' class", **_GIVEN)
    command.add_argument(
        "--background", type=filled, help="the colour behind transparent pixels (default: as the model was trained)", **_GIVEN
    )


def _interpolate(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", type=path, help=MODEL)
    command.add_argument("a", type=filled, help="a seed, or (vae) a picture's file")
    command.add_argument("b", type=filled, help="the same for the other end")
    command.add_argument("--steps", type=count(10_000, least=2), default=8, help="images, both ends included")
    _prepared(command)
    sampler(command, "--solver-steps")
    command.add_argument("--scale", type=count(1000), default=2, help="enlarge each pixel so many times")
    command.add_argument("--fps", type=frame_rate, default=12.0, help="films: frames a second")
    command.add_argument("--colours", type=count(256, least=2), default=256, help=".gif: how many colours")
    command.add_argument("--out", type=checked_path, required=True, help="a picture such as row.png, a .gif, or an .mp4")
