"""What a resumed run keeps, and what may change: for how many images it is trained, and the learning rate."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imggen_lib.cli.configuration import asked

if TYPE_CHECKING:
    from imggen_lib.runs import Run


def same_options(args: argparse.Namespace, config: Any) -> None:
    """A resumed run keeps its options; one given again must be the same, rather than silently have no effect."""
    if args.kind != config.kind:
        raise ValueError(f"{args.out} holds a {config.kind}, not a {args.kind}")
    if args.conditional and not config.classes:
        raise ValueError(f"{args.out} was started without --conditional; it cannot go on with it")
    c, side, _ = config.image_shape
    for name, value in (("size", side), ("channels", c)):
        if getattr(args, name, value) != value:
            raise ValueError(f"{args.out} was started with {name} {value}; it cannot go on with {getattr(args, name)}")
    for name, given in asked(args).items():
        if name == "lr" and hasattr(args, "lr"):
            continue  # it may change, see longer
        if given != (value := getattr(config, name)):
            raise ValueError(f"{args.out} was started with {name.replace('_', '-')} {value}; it cannot go on with {given}")


def longer(args: argparse.Namespace, run: "Run") -> list[str]:
    """Plan the learning rate of a resumed run anew, where more images or another rate are asked for; what to tell of it.

    A rate that was to fall until ``--images`` falls until the new ones instead, as if they had been asked for at the start: after
    a finished run it goes up again first.
    """
    changes: dict[str, Any] = {}
    end = "schedule_images" if run.config.kind == "vae" else "decay_end"
    planned = getattr(run.config, end)
    if 0 < planned < args.images:
        changes[end] = args.images
    if (rate := getattr(args, "lr", run.config.lr)) != run.config.lr:
        changes["lr"] = rate
    if not changes:
        return []
    before = run.config.lr * run.config.lr_schedule(run.state.images)
    run.config = replace(run.config, **changes)
    for optimizer in run.state.optimizers().values():
        for group in optimizer.param_groups:
            group["lr"] = run.config.lr
            group.pop("initial_lr", None)
    now = run.config.lr * run.config.lr_schedule(run.state.images)
    plan = f", and falls until {args.images:,} images instead of {planned:,}" if end in changes else ""
    return [f"note: the learning rate is {now:.3g} from here on, after {before:.3g}{plan}"]
