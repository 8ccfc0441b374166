"""What ``imggen train --watch-every`` writes beside the checkpoint: samples, numbers, the best model; and when it stops."""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imggen_lib import files
from imggen_lib.cli.configuration import allowed
from imggen_lib.cli.mistakes import in_one_line
from imggen_lib.cli.terminal import say
from imggen_lib.errors import TrainingDiverged

if TYPE_CHECKING:
    from imggen_lib.runs import Run

_SAMPLES = 64  # in a sheet


def wanted(args: argparse.Namespace) -> bool:
    """Whether samples and numbers were asked for. Raises ``ValueError`` where there can be none."""
    if not hasattr(args, "watch_every") and not hasattr(args, "stop_after"):
        if args.tensorboard or hasattr(args, "features"):
            raise ValueError("--tensorboard and --features are of the numbers during a training: say with --watch-every how often")
        return False
    if args.kind == "features":
        raise ValueError("--watch-every is not an option of a feature network, which makes no images")
    if args.data.startswith(("files:", "shards:")):
        raise ValueError("--watch-every compares with images that are kept in memory: give --data folder:PATH")
    return True


def writer(folder: Path) -> Any:
    """TensorBoard's, which writes its event files to `folder`."""
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:
        raise ValueError("--tensorboard needs the package: pip install tensorboard") from None
    return SummaryWriter(str(folder))


def _images(line: str) -> float:
    """After how many images a line was written; infinity for one that a killed process left unfinished."""
    try:
        return float(json.loads(line)["images"])
    except (ValueError, TypeError, KeyError):
        return float("inf")


class Watch:
    """Looks at a run every so many images.

    ``samples-000000020000.png`` are always the same 64 latents. ``progress.jsonl`` has a line a look, after a first one that says
    what the numbers are of and what they are without any training. ``best/`` is a checkpoint of the last look that was clearly
    better than those before (:mod:`imggen_lib.progress`).
    """

    def __init__(self, args: argparse.Namespace, run: "Run") -> None:
        from imggen_lib.data import ImageSet
        from imggen_lib.data.sources import load
        from imggen_lib.progress import Judge, Plateau

        self.out, self.run, self.writer = args.out, run, None
        patience = getattr(args, "stop_after", 0)
        self.every = getattr(args, "watch_every", max(run.config.batch, patience // 5))
        if patience and patience < self.every:
            raise ValueError(f"--stop-after {patience:,} is over before the first look: at least --watch-every {self.every:,}")
        own = args.data.startswith("folder:")
        c, side, _ = run.config.image_shape
        shape: dict[str, Any] = {"size": side, "channels": c, "background": getattr(args, "background", None)} if own else {}
        assert isinstance(run.data, ImageSet)
        self.network = getattr(args, "features", None)
        held = load(args.data, "test", **shape)
        self.judge = Judge(run.data, held, self._eyes(args.data))
        self.plateau, self.due = Plateau(patience, run.state.images), run.state.images + self.every
        self.file, self.best, self.began = self.out / "progress.jsonl", self.out / "best", time.monotonic()
        self.ended, self.kept = False, run.state.images  # the images of the model in best/
        if args.tensorboard:
            self.writer = writer(self.out)
        self._begin(args)

    def _eyes(self, data: str) -> Any:
        from imggen_lib.metrics.extractors import extractor
        from imggen_lib.metrics.trained import trained_network
        from imggen_lib.protocol import FEATURES

        self.network = self.network or FEATURES.get(data, "random")
        return trained_network(self.network, self.run.config.image_shape) or extractor(self.network)

    def _begin(self, args: argparse.Namespace) -> None:
        """A fresh run begins its file anew; one that goes on knows its best moment again."""
        from imggen_lib import checkpoint

        if args.resume and (self.best / "checkpoint.json").exists():
            best = checkpoint.load(self.best, allowed(args))
            self.judge.remember(best.model())
            self.plateau.best = self.kept = best.meta["images"]
        about = {"features": self.network, **self.judge.about}
        if self.judge.held is None:
            say("note: there are too few pictures to keep some aside, by which copies could be told", error=True)
        lines = self.file.read_text(encoding="utf-8").splitlines() if args.resume and self.file.exists() else []
        kept = [line for line in lines[1:] if _images(line) <= self.run.state.images]  # what came after is repeated
        files.write(self.file, lambda path: path.write_text("\n".join([json.dumps(about), *kept, ""]), encoding="utf-8"))

    def _append(self, line: dict[str, Any]) -> None:
        """A line more, whole or not there."""
        with self.file.open("ab") as file:
            before = file.tell()
            try:
                file.write((json.dumps(line) + "\n").encode())
                file.flush()
            except OSError:
                os.truncate(self.file, before)
                raise

    def _written(self, what: str, write: Callable[[], None]) -> bool:
        """Whether it could be written. What a full disk does not take is told, and the training goes on."""
        try:
            write()
        except TrainingDiverged:
            raise
        except Exception as error:
            say(f"warning: no {what}: {in_one_line(error) or f'{type(error).__name__}: {error}'}; training goes on", error=True)
            return False
        return True

    def between(self, record: dict[str, Any], last: bool = False) -> bool:
        """Look if it is due; whether the training is to stop."""
        images = record["images"]
        if images < self.due and not last:
            return False
        while self.due <= images:
            self.due += self.every
        model = self._model()
        found, better = self.judge.look(model)
        self.ended = self.plateau.ended(images, better)
        after = f"after {images:,} images"
        if better and self._written(f"checkpoint of the best so far, {after}", lambda: self.run.save(self.best)):
            self.kept = images
        terms = {k: float(f"{float(v):.4g}") for k, v in record.items() if k != "images"}
        line = {"images": images, "seconds": round(time.monotonic() - self.began, 1), **found, "best": self.plateau.best, **terms}
        if getattr(self.run.config, "augment", "") == "ada":
            line["augment_p"] = round(self.run.state.p, 4)  # type: ignore[union-attr]
        self._written(f"line of numbers {after}", lambda: self._append(line))
        self._written(f"sheet of samples {after}", lambda: self._draw(model, images, line))
        return self.ended

    def _model(self) -> Any:
        modules = self.run.state.modules()
        return modules.get("ema") or modules["model"]

    def _draw(self, model: Any, images: int, line: dict[str, Any]) -> None:
        from imggen_lib.sampling import sample
        from imggen_lib.viz import save_grid, tile

        made = sample(model, _SAMPLES).clamp(-1, 1)
        save_grid(made, self.out / f"samples-{images:012d}.png")
        if self.writer is not None:
            for name, value in line.items():
                if isinstance(value, float):
                    self.writer.add_scalar(name, value, images)
            self.writer.add_image("samples", tile(made), images, dataformats="HWC")
            self.writer.flush()

    @property
    def said(self) -> list[str]:
        """What to tell at the end."""
        if self.judge.best is None:
            return []
        why = [f"nothing is clearly better since {self.plateau.patience:,} images"] if self.ended else []
        if self.kept == self.plateau.best:
            return [*why, f"best after {self.plateau.best:,} images: {self.best}"]
        have = f"{self.best} has the one after {self.kept:,}" if (self.best / "checkpoint.json").exists() else "there is none"
        return [*why, f"best after {self.plateau.best:,} images, which could not be written: {have}"]
