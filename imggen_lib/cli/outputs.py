"""What the commands that make images write, told by the name's ending: a picture, a folder of them, arrays, a film."""

import argparse
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imggen_lib import files

if TYPE_CHECKING:
    from torch import Tensor

    from imggen_lib.checkpoint import Checkpoint

PIXELS = 2**28  # of one picture, and of one film
FILMS = (".gif", ".mp4")
OTHER_FILMS = (".apng", ".webm", ".avi", ".mov", ".mkv")


def target(text: str) -> Path:
    """The file to write. Raises ``ValueError`` where nothing can be written."""
    path = Path(text).expanduser()
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError(f"{path} cannot be written: it is a folder, or {path.parent} is not a folder")
    return path


def generator(saved: "Checkpoint", name: Any) -> "Checkpoint":
    """The checkpoint, if it is one that makes images."""
    if saved.config.kind == "own":
        raise ValueError(
            f"{name} holds networks that were saved without a name: only a program that makes them can use them, "
            "with load(folder).model(net=...); a configuration names them, GanConfig(generator=...)"
        )
    from imggen_lib.configs import GENERATORS

    if saved.config.kind not in GENERATORS:
        raise ValueError(f"{name} is a {saved.config.kind} network; it makes no images")
    return saved


def sampler(saved: "Checkpoint", args: argparse.Namespace, steps: str = "steps") -> "Checkpoint":
    """The checkpoint of a flow with the solver, steps and guidance that were asked for; others as they are.

    `steps` is the option's name where it is another. Raises ``ValueError`` where one of them was asked of a model that has none, or
    cannot be used.
    """
    options = {"solver": "solver", "steps": steps, "guidance": "guidance"}
    asked = {entry: option for entry, option in options.items() if hasattr(args, option)}
    if not asked:
        return saved
    if saved.config.kind != "flow":
        named = next(iter(asked.values())).replace("_", "-")
        raise ValueError(f"--{named} is an option of a flow; {args.dir} is a {saved.config.kind}")
    entries = {entry: getattr(args, option) for entry, option in asked.items()}
    return replace(saved, config=replace(saved.config, **entries))


def label_number(text: str | None, saved: "Checkpoint", name: Any) -> int | None:
    """The class that ``--label`` names by its name, in any case, or by its number; None without it."""
    from imggen_lib.errors import unknown_name

    if text is None:
        return None
    count = saved.config.classes
    if not count:
        raise ValueError(f"{name} is not class-conditional: --label has no meaning")
    names = [str(word) for word in saved.meta.get("data", {}).get("classes", ())]
    if text in names:
        return names.index(text)
    alike = [k for k, word in enumerate(names) if word.lower() == text.lower()]
    if len(alike) == 1:
        return alike[0]
    try:
        number = int(text)
    except ValueError:
        raise ValueError(unknown_name("class for --label", text, names or map(str, range(count)))) from None
    if not 0 <= number < count:
        raise ValueError(f"--label must lie in 0..{count - 1}, got {number}")
    return number


def check_pixels(n: int, saved: "Checkpoint", scale: int, instead: str) -> None:
    """Raise ``ValueError`` for a picture too large to be meant; `instead` says what to do."""
    _, height, width = saved.config.image_shape
    if n * height * width * scale**2 > PIXELS:
        raise ValueError(f"{n:,} images at --scale {scale} are more than {PIXELS:,} pixels: {instead}")


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """An ``.npz``, whole or not there."""
    import numpy as np

    def make(new: Path) -> None:
        with new.open("wb") as file:  # given a name, NumPy would write x.NPZ.npz for x.NPZ
            np.savez_compressed(file, **arrays)

    files.write(path, make)


def as_bytes(images: "Tensor") -> Any:
    """``(n, height, width, channels)`` uint8, as other programs that measure take them."""
    from imggen_lib.data import to_uint8

    return to_uint8(images).permute(0, 2, 3, 1).cpu().numpy()


def save_singly(images: "Tensor", seeds: Sequence[int], text: str, scale: int) -> Path:
    """A folder of one PNG an image, named by the seed; a new folder is whole or not there, in an old one each picture is."""
    from imggen_lib.viz.sheets import enlarged, tile

    folder = Path(text).expanduser()
    if (folder.exists() and not folder.is_dir()) or not folder.absolute().parent.is_dir():
        raise ValueError(f"{folder} cannot be made: it is a file, or {folder.parent} is not a folder")
    names = [f"seed-{seed:06d}.png" for seed in seeds]

    def fill(into: Path) -> None:
        for image, name in zip(images, names, strict=True):
            picture = enlarged(tile(image[None], 1, gap=0), scale)
            picture = picture.convert("L") if image.shape[0] == 1 else picture
            files.write(into / name, picture.save)

    with files.plainly(f"the pictures cannot be written to {folder}"):
        if folder.exists():
            fill(folder)
            return folder
        room = Path(tempfile.mkdtemp(prefix=".pictures.", suffix=".part", dir=folder.absolute().parent))
        try:
            inner = room / "pictures"
            inner.mkdir()
            fill(inner)
            os.replace(inner, folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return folder


def save_film(frames: "Tensor", path: Path, *, scale: int, fps: float, colours: int) -> None:
    """A GIF, or with the package imageio-ffmpeg an MP4; each image a frame."""
    if path.suffix.lower() == ".gif":
        from imggen_lib.viz import gif

        content = gif([f[None] for f in frames], 1, scale, max(20, round(1000 / fps)), colours, hold=False)
        files.write(path, lambda new: new.write_bytes(content))
        return
    writer = film_writer()

    def make(new: Path) -> None:
        from imggen_lib.viz.sheets import enlarged, tile

        first = enlarged(tile(frames[:1], 1, gap=0), scale)
        out = writer.write_frames(str(new), first.size, fps=fps, macro_block_size=2)
        out.send(None)
        for frame in frames:
            out.send(enlarged(tile(frame[None], 1, gap=0), scale).tobytes())
        out.close()

    files.write(path, make)


def film_writer() -> Any:
    """The package that writes films; ``ValueError`` says how to get it."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ValueError("an .mp4 needs the package imageio-ffmpeg: pip install imageio-ffmpeg, or write a .gif") from None
    return imageio_ffmpeg
