"""``imggen train``: what is asked for, checked; then start or resume. The loop itself is in :mod:`imggen_lib.cli.loop`."""

import argparse
import contextlib
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from imggen_lib.cli.configuration import allowed, check_data, config, is_own, origin
from imggen_lib.cli.loop import loop
from imggen_lib.cli.mistakes import whole_variable
from imggen_lib.cli.resume import longer, same_options
from imggen_lib.cli.terminal import printable, say
from imggen_lib.cli.watch import wanted

if TYPE_CHECKING:
    from accelerate import Accelerator

    from imggen_lib.runs import Run


def _device(args: argparse.Namespace, processes: "Accelerator | None") -> str:
    """The device that was asked for, or the best there is; tried."""
    from imggen_lib.machine import device

    if processes is not None:
        if hasattr(args, "device"):
            raise ValueError("with several processes each gets its own device: leave --device away")
        return str(processes.device)
    return str(device(getattr(args, "device", None)))


def _processes() -> "Accelerator | None":
    """The other processes, if ``accelerate launch`` or ``torchrun`` started this one as one of several."""
    if whole_variable("WORLD_SIZE", 1) < 2:
        return None
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ValueError("several processes need the accelerate library: pip install accelerate") from None
    import torch

    from imggen_lib.runs import best_device

    one_each = torch.cuda.device_count() >= whole_variable("LOCAL_WORLD_SIZE", 1)
    return Accelerator(cpu=best_device() == "cpu" or not one_each)


def _check_folder(args: argparse.Namespace) -> None:
    """Refuse an --out that cannot be used."""
    if not hasattr(args, "out"):
        if args.profile and not args.resume:
            return
        raise ValueError("--out is needed: the folder for the checkpoint")
    exists = (args.out / "checkpoint.json").exists()
    if exists and not args.resume and not args.profile:
        raise ValueError(f"{args.out} holds a checkpoint already: add --resume to go on with it, or choose another --out")
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"{args.out} is a file; --out must be a folder")
    if args.resume and not exists:
        raise ValueError(f"there is no checkpoint at {args.out} to resume")


def _data(args: argparse.Namespace, model: Any) -> Any:
    """The images; pictures in the shape of `model`, the configuration that the run goes on with or begins from, if there is one."""
    from imggen_lib.data.sources import is_stream, load, stream

    check_data(args.data)
    shape: dict[str, Any] = {name: getattr(args, name, None) for name in ("size", "channels", "background")}
    if model is not None and is_own(args.data):
        channels, size, _ = model.image_shape
        shape |= {"size": getattr(args, "size", size), "channels": getattr(args, "channels", channels)}
    data = stream(args.data, workers=args.workers, **shape) if is_stream(args.data) else load(args.data, "train", **shape)
    if data.skipped:
        more = [f"and {len(data.skipped) - 10} more"] if len(data.skipped) > 10 else []
        lines = [f"  {printable(line)}" for line in (*data.skipped[:10], *more)]
        say(f"unreadable files skipped: {len(data.skipped)}", *lines, error=True)
    if args.conditional and not data.classes:
        raise ValueError(f"--conditional: nothing says which classes {data.name} has (for shards, an images.json beside them does)")
    return data


def _run(args: argparse.Namespace, device: str) -> "Run":
    """The run that is asked for, from the start or from where its checkpoint was written."""
    from imggen_lib import checkpoint, runs

    saved = checkpoint.load(args.out, allowed(args)) if args.resume else None
    model = origin(args) if saved is None else saved.config
    if saved is None:
        first = config(
            args, (1, 28, 28), 1, model
        )  # complain of bad options before the data, with their shape and classes, are read
        if args.kind == "features":
            return _features(args, device)
        data = _data(args, model or getattr(first, "vae_config", None))
        return runs.start(config(args, data.image_shape, len(data.classes), model), data, device)
    same_options(args, saved.config)
    run = runs.resume(args.out, _data(args, model), device, allow=allowed(args))
    if run.state.images < args.images:
        for line in longer(args, run):
            say(line, error=True)
    return run


def _features(args: argparse.Namespace, device: str) -> Any:
    from imggen_lib.cli import features

    data = _data(args, None)
    return features.start(config(args, data.image_shape, len(data.classes)), data, device)


def _check_kind(args: argparse.Namespace, processes: "Accelerator | None") -> None:
    """Refuse what this kind of training, or a training of several processes, has not."""
    if args.profile and processes is not None:
        raise ValueError("--profile measures one process: start it without a launcher")
    if args.kind == "features":
        named = [name for name in ("resume", "compile", "bf16", "profile", "conditional") if getattr(args, name)]
        if named:
            raise ValueError(f"--{named[0]} is not an option of a feature network")
        if processes is not None:
            raise ValueError("a feature network is trained by one process: start it without a launcher")


def train(args: argparse.Namespace) -> int:
    """The command; its exit code is that of :func:`imggen_lib.cli.loop.loop`."""
    import torch

    from imggen_lib.checkpoint import locked

    if hasattr(args, "threads"):
        torch.set_num_threads(args.threads)
    processes = _processes()
    _check_kind(args, processes)
    if wanted(args) and (processes is not None or args.profile):
        raise ValueError("--watch-every is for one process, and not for --profile: start it without a launcher")
    device = _device(args, processes)
    _check_folder(args)
    writes = processes is None or processes.is_main_process
    with contextlib.ExitStack() as stack:
        if args.resume and not args.profile and writes:
            stack.enter_context(locked(args.out))  # before the checkpoint is read
        run = _run(args, device)
        if args.resume and run.state.images >= args.images and not args.profile:
            say(f"{args.out} has already seen {run.state.images:,} images; nothing to do for --images {args.images}")
            return 0
        if args.bf16:
            run.in_bfloat16()
        if args.compile:
            run.compile()
        if args.profile:
            return _profile(run)
        args.out.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=args.out):
            pass  # complain of a folder that cannot be written to before the training, not after it
        if writes and not args.resume:
            stack.enter_context(locked(args.out))
            _check_folder(args)  # another process may have written to it meanwhile
        return loop(args, run, processes)


def _profile(run: "Run") -> int:
    from imggen_lib.profiling import profile

    say(*str(profile(run)).splitlines())
    return 0
