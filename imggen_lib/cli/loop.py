"""The loop of ``imggen train``: any end of a training but divergence saves first."""

import argparse
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imggen_lib.cli.mistakes import in_one_line
from imggen_lib.cli.terminal import say
from imggen_lib.cli.watch import Watch, wanted
from imggen_lib.errors import TrainingDiverged

if TYPE_CHECKING:
    from accelerate import Accelerator

    from imggen_lib.runs import Run

_ASKED_FOR = ("SIGINT", "SIGTERM")  # a person's Ctrl-C, a scheduler's request
_UNLESS_IGNORED = ("SIGHUP", "SIGBREAK", "SIGQUIT", "SIGXCPU")  # the terminal has gone (but not under nohup), time is up


class Stop:
    """Signals that end a process ask the loop to stop after the step at hand; a second one stops in the middle of it."""

    def __init__(self) -> None:
        self.asked = 0
        self.at_a_step = False  # nothing interrupts what is not a step: the writing of a checkpoint least of all

    def ask(self, number: int, frame: object) -> None:
        """The handler of the signals."""
        again, self.asked = bool(self.asked), self.asked or number
        if again and self.at_a_step:
            self.at_a_step = False
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self) -> Iterator["Stop"]:
        """Take the signals over, as far as there are such on this system and the loop runs in the main thread."""
        numbers = [getattr(signal, name) for name in (*_ASKED_FOR, *_UNLESS_IGNORED) if hasattr(signal, name)]
        wanted = [n for n in numbers if n.name in _ASKED_FOR or signal.getsignal(n) is not signal.SIG_IGN]
        here = threading.current_thread() is threading.main_thread()
        before = {number: signal.signal(number, self.ask) for number in wanted} if here else {}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Saving:
    """When the next checkpoint is due, by images or by the clock, and what happens when it cannot be written."""

    def __init__(self, args: argparse.Namespace, run: "Run", stop: Stop) -> None:
        self.args, self.run, self.stop = args, run, stop
        self.saved = run.state.images  # after so many images
        self.due, self.when = run.state.images + args.checkpoint_every, time.monotonic() + 60 * args.checkpoint_minutes
        self.command = "python -m imggen_lib " + " ".join(sys.argv[1:])

    def now(self) -> None:
        """Write a checkpoint."""
        background = {"background": self.args.background} if hasattr(self.args, "background") else {}
        self.run.save(self.args.out, command=self.command, **background)
        self.saved = self.run.state.images

    def between(self, images: int) -> None:
        """Write one if it is due. One that cannot be written is told and tried again at its next turn: only the last must be."""
        if images < self.due and time.monotonic() < self.when:
            return
        try:
            self.now()
        except TrainingDiverged:
            raise
        except Exception as error:
            why = in_one_line(error) or f"{type(error).__name__}: {error}"
            say(f"warning: no checkpoint after {images:,} images: {why}; training goes on", error=True)
        self.when = time.monotonic() + 60 * self.args.checkpoint_minutes
        while self.due <= images:
            self.due += self.args.checkpoint_every

    def last(self) -> None:
        """Write what has been trained since the last one."""
        seen = self.run.state.images
        if seen == self.saved:
            return
        try:
            try:
                self.now()
            except TrainingDiverged:
                raise
            except RuntimeError:  # PyTorch tells of a reading process that died in the middle of whatever is done, once
                self.now()
        except OSError as error:
            kept = f"the one after {self.saved:,} images" if self.saved else "nothing"
            raise OSError(f"after {seen:,} images: {error}; {kept} is kept") from error


def _agreed(stop: Stop, processes: "Accelerator | None", step: int) -> bool:
    """Whether to stop now. Several processes must do so after the same step: every 16th they ask each other."""
    if processes is None:
        return bool(stop.asked)
    if step % 16:
        return False
    import torch

    asked = processes.reduce(torch.tensor(float(stop.asked), device=processes.device), reduction="sum")
    stop.asked = stop.asked or int(asked.item())
    return bool(stop.asked)


def _train(args: argparse.Namespace, run: "Run", processes: "Accelerator | None", stop: Stop, watch: "Watch | None" = None) -> int:
    """Until enough images have been seen or a stop is asked for; after how many images the last checkpoint was written.

    Whatever else ends it, what was trained is saved first. An exception may come in the middle of a step: some of its updates are
    then in the weights, and its images are not counted.
    """
    from imggen_lib.viz import progress

    speaks = processes is None or processes.is_main_process
    saving, failure = Saving(args, run, stop), None
    records = progress(run.records(args.images, processes), args.images, start=saving.saved, disable=args.quiet or not speaks)
    try:
        try:
            stop.at_a_step = True
            for step, record in enumerate(records):
                stop.at_a_step = False
                if speaks and record["images"] < args.images:
                    saving.between(record["images"])
                if watch is not None and watch.between(record, record["images"] >= args.images):
                    break
                if _agreed(stop, processes, step):
                    break
                stop.at_a_step = True
        finally:
            stop.at_a_step = False
    except TrainingDiverged:
        raise
    except BaseException as error:  # memory, a stream, a compiler, a second Ctrl-C
        failure = error
    if speaks:
        saving.last()
    if failure is not None and not stop.asked:
        if speaks and saving.saved:
            say(f"stopped: {run.state.images:,} images seen, {args.out}", error=True)
        raise failure
    if failure is None and processes is not None:
        processes.wait_for_everyone()
    return saving.saved


def loop(args: argparse.Namespace, run: "Run", processes: "Accelerator | None") -> int:
    """Train, save and say how it went; the exit code is 0, or 128 + the signal that stopped it."""
    began, first, stop = time.perf_counter(), run.state.images, Stop()
    speaks = processes is None or processes.is_main_process
    with stop.listening():
        watch = Watch(args, run) if wanted(args) else None
        kept = _train(args, run, processes, stop, watch)
        seen = run.state.images
        speed = f"{(seen - first) / (time.perf_counter() - began):,.0f} images/s"
        done = seen >= args.images or (watch is not None and watch.ended)
        if watch is not None:
            say(*watch.said)
        if speaks:
            say(f"{'done' if done else 'stopped'}: {seen:,} images seen, {speed}, {args.out}")
        if processes is not None:
            processes.end_training()
        if done:
            return 0
        if speaks:
            say("go on with the same command and --resume" if kept else "nothing was trained yet: start again", error=True)
        return 128 + stop.asked
