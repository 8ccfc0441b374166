"""``imggen train``: start or resume, loop, stop in good order."""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from imggen_lib.cli.options import asked, config, origin

if TYPE_CHECKING:
    from accelerate import Accelerator

    from imggen_lib.runs import Run


class _Stop:
    """Ctrl-C and SIGTERM ask the loop to stop after the step at hand; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator["_Stop"]:
        def ask(number: int, frame: object) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = number

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _device(args: argparse.Namespace, processes: "Accelerator | None") -> str | None:
    """The device that was asked for, tried; None for the best there is."""
    import torch

    if processes is not None:
        if hasattr(args, "device"):
            raise ValueError("with several processes each gets its own device: leave --device away")
        return str(processes.device)
    device: str | None = getattr(args, "device", None)
    if device is not None:
        try:
            torch.empty(0, device=device).cpu()
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None
    return device


def _processes() -> "Accelerator | None":
    """The other processes, if ``accelerate launch`` or ``torchrun`` started this one as one of several."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ValueError("several processes need the accelerate library: pip install accelerate") from None
    import torch

    from imggen_lib.runs import best_device

    one_each = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return Accelerator(cpu=best_device() == "cpu" or not one_each)


def _check_folder(args: argparse.Namespace) -> bool:
    """Whether there is a checkpoint to go on from; refuses an --out that cannot be used."""
    if not hasattr(args, "out"):
        if args.profile and not args.resume:
            return False
        raise ValueError("--out is needed: the folder for the checkpoint")
    exists = (args.out / "checkpoint.json").exists()
    if exists and not args.resume and not args.profile:
        raise ValueError(f"{args.out} holds a checkpoint already: add --resume to go on with it, or choose another --out")
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"{args.out} is a file; --out must be a folder")
    if args.resume and not exists:
        raise ValueError(f"there is no checkpoint at {args.out} to resume")
    return bool(args.resume)


def _data(args: argparse.Namespace, model: Any) -> Any:
    """The images; pictures in the shape of `model`, the configuration that the run goes on with or begins from, if there is one."""
    from imggen_lib.data.sources import is_stream, load, stream

    shape: dict[str, Any] = {"size": getattr(args, "size", None), "channels": getattr(args, "channels", None)}
    if model is not None and args.data.startswith(("folder:", "files:", "shards:")):
        channels, size, _ = model.image_shape
        shape = {"size": getattr(args, "size", size), "channels": getattr(args, "channels", channels)}
    data = stream(args.data, workers=args.workers, **shape) if is_stream(args.data) else load(args.data, "train", **shape)
    if data.skipped:
        more = [f"and {len(data.skipped) - 10} more"] if len(data.skipped) > 10 else []
        print(f"unreadable files skipped: {len(data.skipped)}", *data.skipped[:10], *more, sep="\n  ", file=sys.stderr)
    if args.conditional and not data.classes:
        raise ValueError(f"--conditional: nothing says which classes {data.name} has (for shards, an images.json beside them does)")
    return data


def train(args: argparse.Namespace) -> int:
    import torch

    from imggen_lib import checkpoint, runs

    if hasattr(args, "threads"):
        torch.set_num_threads(args.threads)
    processes = _processes()
    if args.profile and processes is not None:
        raise ValueError("--profile measures one process: start it without a launcher")
    device = _device(args, processes)
    saved = checkpoint.load(args.out) if _check_folder(args) else None
    model = origin(args) if saved is None else saved.config
    if saved is None:
        config(args, (1, 28, 28), 0, model)  # complain of bad options before the data is read
    data = _data(args, model)
    if saved is not None:
        _same_options(args, saved.config)
        run = runs.resume(args.out, data, device)
        if run.state.images >= args.images and not args.profile:
            print(f"{args.out} has already seen {run.state.images:,} images; nothing to do for --images {args.images}")
            return 0
    else:
        run = runs.start(config(args, data.image_shape, len(data.classes), model), data, device)
    if args.bf16:
        run.in_bfloat16()
    if args.compile:
        run.compile()
    if args.profile:
        return _profile(run)
    args.out.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=args.out):
        pass  # complain of a folder that cannot be written to before the training, not after it
    return _loop(args, run, processes)


def _profile(run: "Run") -> int:
    from imggen_lib.profiling import profile

    print(profile(run))
    return 0


def _same_options(args: argparse.Namespace, config: Any) -> None:
    """A resumed run keeps its options; one given again must be the same, rather than silently have no effect."""
    if args.kind != config.kind:
        raise ValueError(f"{args.out} holds a {config.kind}, not a {args.kind}")
    if args.conditional and not config.classes:
        raise ValueError(f"{args.out} was started without --conditional; it cannot go on with it")
    c, side, _ = config.image_shape
    for name, value in (("size", side), ("channels", c)):
        if getattr(args, name, value) != value:
            raise ValueError(f"{args.out} was started with {name} {value}; it cannot go on with {getattr(args, name)}")
    planned = config.schedule_images if config.kind == "vae" else config.decay_end
    if 0 < planned < args.images:
        print(f"note: the learning rate was planned for {planned:,} images and stays low after them", file=sys.stderr)
    for name, given in asked(args).items():
        if given != (value := getattr(config, name)):
            raise ValueError(f"{args.out} was started with {name.replace('_', '-')} {value}; it cannot go on with {given}")


def _agreed(stop: _Stop, processes: "Accelerator | None", step: int) -> bool:
    """Whether to stop now. Several processes must do so after the same step: every 16th they ask each other."""
    if processes is None:
        return bool(stop.asked)
    if step % 16:
        return False
    import torch

    asked = processes.reduce(torch.tensor(float(stop.asked), device=processes.device), reduction="sum")
    stop.asked = stop.asked or int(asked.item())
    return bool(stop.asked)


def _loop(args: argparse.Namespace, run: "Run", processes: "Accelerator | None") -> int:
    from imggen_lib.viz import progress

    began, first = time.perf_counter(), run.state.images
    due = first + args.checkpoint_every
    stop, speaks = _Stop(), processes is None or processes.is_main_process
    command = "python -m imggen_lib " + " ".join(sys.argv[1:])

    def save() -> None:
        if speaks:
            run.save(args.out, command=command)
        if processes is not None:
            processes.wait_for_everyone()

    with stop.listening():
        records = progress(run.records(args.images, processes), args.images, start=first, disable=args.quiet or not speaks)
        for step, record in enumerate(records):
            if record["images"] >= due and record["images"] < args.images:
                save()
                due += args.checkpoint_every
            if _agreed(stop, processes, step):
                break
        save()
    seconds = time.perf_counter() - began
    seen = run.state.images
    if speaks:
        speed = f"{(seen - first) / seconds:,.0f} images/s"
        print(f"{'stopped' if stop.asked else 'done'}: {seen:,} images seen, {speed}, {args.out}")
    if processes is not None:
        processes.end_training()
    if stop.asked:
        if speaks:
            print("go on with the same command and --resume", file=sys.stderr)
        return 128 + stop.asked
    return 0
