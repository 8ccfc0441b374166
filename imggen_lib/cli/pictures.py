"""``imggen encode``, ``reconstruct`` and ``interpolate``: pictures into a VAE's latent space, and back."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imggen_lib.cli import outputs
from imggen_lib.cli.terminal import say
from imggen_lib.errors import printable

if TYPE_CHECKING:
    from torch import Tensor

    from imggen_lib.checkpoint import Checkpoint

SETS = ("glyphs", "mnist", "fashion-mnist")


def encode(args: argparse.Namespace) -> int:
    """Write mean and log-variance of q(z|x) of each picture."""
    if Path(args.out).suffix.lower() != ".npz":
        raise ValueError(f"{args.out}: codes are written as .npz")
    path, saved = outputs.target(args.out), _vae(args)
    names, images, labels = _pictures(args, saved)
    mu, logvar = _codes(saved.model(), images, labels)
    more = {} if labels is None else {"labels": labels.numpy()}
    outputs.save_arrays(path, {"mu": mu.numpy(), "logvar": logvar.numpy(), "names": names, **more})
    print(printable(f"{len(mu)} pictures, {mu.shape[1]} dimensions: {path}"))
    return 0


def reconstruct(args: argparse.Namespace) -> int:
    """Write originals over their reconstructions, and say the errors beside those of the mean image."""
    import torch

    from imggen_lib.sampling import decode
    from imggen_lib.viz import save_grid

    path, saved = outputs.target(args.out), _vae(args)
    _, images, labels = _pictures(args, saved)
    outputs.check_pixels(2 * len(images), saved, args.scale, "give fewer pictures")
    model = saved.model()
    again = decode(model, _codes(model, images, labels)[0], labels)
    columns = min(8, len(images))
    rows = []
    for k in range(0, len(images), columns):
        for group in (images[k : k + columns], again[k : k + columns]):
            empty = group.new_full((columns - len(group), *group.shape[1:]), -1 / 4)
            rows.append(torch.cat([group, empty]))
    save_grid(torch.cat(rows), path, columns, args.scale)
    print(printable(f"{len(images)} pictures over their reconstructions: {path}"))
    error = (images - again).square().flatten(1).mean(1)
    print(f"squared error per pixel, values in [-1, 1]: {_with_interval(error)}")
    if len(images) > 1:
        others = (images.sum(0) - images) / (len(images) - 1)  # its own picture would flatter the baseline
        print(f"with the mean of the other pictures in its place: {_with_interval((images - others).square().flatten(1).mean(1))}")
    else:
        print("no baseline: the mean of the other pictures needs a second one")
    return 0


def _with_interval(values: "Tensor") -> str:
    n = len(values)
    if n == 1:
        return f"{float(values):.4f} (n = 1)"
    return f"{float(values.mean()):.4f} ± {1.96 * float(values.std()) / n**0.5:.4f} (95 % interval, n = {n})"


def interpolate(args: argparse.Namespace) -> int:
    """Write images along the arc between two seeds, or two pictures."""
    import torch

    from imggen_lib.finding import find
    from imggen_lib.sampling import interpolate as between
    from imggen_lib.viz import save_grid

    path = outputs.target(args.out)
    kind = path.suffix.lower()
    if kind in outputs.OTHER_FILMS:
        raise ValueError(f"{args.out}: a film is written as .gif or .mp4")
    saved = outputs.sampler(outputs.generator(find(args.dir, args.allow), args.dir), args, "solver_steps")
    label = outputs.label_number(getattr(args, "label", None), saved, args.dir)
    if saved.config.classes and label is None:
        raise ValueError(f"{args.dir} is class-conditional, and an interpolation keeps to one class: choose it with --label")
    outputs.check_pixels(args.steps, saved, args.scale, "ask for less")
    if kind == ".mp4":
        outputs.film_writer()
    model = saved.model()
    a, b = (_end(text, args, saved, model, label) for text in (args.a, args.b))
    images = between(model, a, b, args.steps, None if label is None else torch.tensor([label]))
    if kind in outputs.FILMS:
        outputs.save_film(images, path, scale=args.scale, fps=args.fps, colours=args.colours)
    else:
        save_grid(images, path, args.steps, args.scale)
    print(printable(f"{args.steps} images: {path}"))
    return 0


def _end(text: str, args: argparse.Namespace, saved: "Checkpoint", model: Any, label: int | None) -> "Tensor":
    """The latent ``(1, d)`` of a seed, or the mean of q(z|x) of a picture."""
    import torch

    from imggen_lib.noise import latents

    try:
        return latents([int(text)], model.latent_dim)
    except ValueError:
        pass
    if not Path(text).expanduser().is_file():
        raise ValueError(f"{text} is neither a seed, which is a whole number, nor a picture's file")
    if saved.config.kind != "vae":
        raise ValueError(f"{args.dir} is a {saved.config.kind}, which has no encoder: name seeds, or take a vae")
    images = torch.from_numpy(_read([(Path(text).expanduser(), text)], saved, args))
    return _codes(model, _floats(images), None if label is None else torch.tensor([label]))[0]


def _vae(args: argparse.Namespace) -> "Checkpoint":
    from imggen_lib.finding import find

    saved = find(args.dir, args.allow)
    if saved.config.kind != "vae":
        raise ValueError(f"{args.dir} is a {saved.config.kind}, which has no encoder: take a vae")
    return saved


def _codes(model: Any, images: "Tensor", labels: "Tensor | None") -> tuple["Tensor", "Tensor"]:
    import torch

    parts = range(0, len(images), 500)
    with torch.no_grad():
        found = [model.encode(images[k : k + 500], None if labels is None else labels[k : k + 500]) for k in parts]
    mu, logvar = (torch.cat(part) for part in zip(*found, strict=True))
    return mu, logvar


def _floats(images: "Tensor") -> "Tensor":
    from imggen_lib.data.imageset import to_float

    return to_float(images)


def _pictures(args: argparse.Namespace, saved: "Checkpoint") -> tuple[list[str], "Tensor", "Tensor | None"]:
    """Names, images ``(n, c, h, w)`` in [-1, 1] in the model's shape, and labels for a model with classes."""
    import torch

    label = outputs.label_number(getattr(args, "label", None), saved, args.dir)
    n = getattr(args, "n", None)
    if len(args.pictures) == 1 and args.pictures[0] in SETS and not Path(args.pictures[0]).exists():
        from imggen_lib.data import load

        data = load(args.pictures[0], "test")
        if tuple(data.image_shape) != tuple(saved.config.image_shape):
            raise ValueError(
                f"{args.dir} is for images of shape {tuple(saved.config.image_shape)}, {data.name} has {data.image_shape}"
            )
        count = len(data) if n is None else min(n, len(data))
        names, images, labels = [f"{data.name}/test/{k}" for k in range(count)], data.images[:count], data.labels[:count]
    else:
        if saved.config.classes and label is None:
            raise ValueError(f"{args.dir} is class-conditional: say with --label of which class the pictures are")
        found, skipped = _files(args.pictures)
        pixels, names, broken = _each(found[:n], saved, args)
        for line in [*skipped, *broken]:
            say(f"skipped: {printable(line)}", error=True)
        images, labels = torch.from_numpy(pixels), None
    if label is not None:
        labels = torch.full((len(images),), label)
    return names, _floats(images), labels if saved.config.classes else None


def _files(given: list[str]) -> tuple[list[tuple[Path, str]], list[str]]:
    """The pictures' files with their names, those of folders in the order of their names, and what is skipped there."""
    from imggen_lib.data.listing import listing

    found: list[tuple[Path, str]] = []
    skipped: list[str] = []
    for text in given:
        path = Path(text.removeprefix("folder:")).expanduser()
        if path.is_dir():
            inside = listing(path)
            found += list(zip(inside.files, inside.names, strict=True))
            skipped += inside.skipped
        elif path.is_file():
            found.append((path, text))
        else:
            raise ValueError(f"{text} is neither a picture's file nor a folder of them, nor one of {', '.join(SETS)}")
    return found, skipped


def _each(found: list[tuple[Path, str]], saved: "Checkpoint", args: argparse.Namespace) -> tuple[Any, list[str], list[str]]:
    """Pixels of what can be read, its names, and the rest with reasons. Raises ``ValueError`` where nothing can be read."""
    import numpy as np

    from imggen_lib.errors import DataError

    pixels, names, broken = [], [], []
    for file in found:
        try:
            pixels.append(_read([file], saved, args))
            names.append(file[1])
        except DataError as error:
            broken.append(str(error))
    if not pixels:
        raise ValueError(f"no picture can be read: {broken[0]}" if broken else "there are no pictures")
    return np.concatenate(pixels), names, broken


def _read(found: list[tuple[Path, str]], saved: "Checkpoint", args: argparse.Namespace) -> Any:
    """Pictures as the model's training saw its own: its size, its channels, its background; ``(n, c, h, w)`` uint8."""
    import numpy as np

    from imggen_lib.data.folder import grey
    from imggen_lib.data.pictures import colour, read
    from imggen_lib.errors import DataError

    channels, size, _ = saved.config.image_shape
    over = colour(getattr(args, "background", saved.meta.get("background", "white")))
    pictures = []
    for file, name in found:
        try:
            pictures.append(read(file, size, over, file.suffix)[0])
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    pixels = np.stack(pictures)
    return np.ascontiguousarray((grey(pixels) if channels == 1 else pixels).transpose(0, 3, 1, 2))
