"""What the command line says, and that nothing is lost when nobody can hear it: closed, full and broken streams."""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from imggen_lib.errors import printable


def say(*lines: str, error: bool = False) -> bool:
    """Print lines to standard output, or to standard error; whether they were written.

    A training goes on without a terminal: where the stream is closed, full, or nobody reads it any more, nothing is raised.
    """
    stream = sys.stderr if error else sys.stdout
    try:
        print(*map(printable, lines), sep="\n", file=stream, flush=True)
    except (OSError, ValueError):  # ValueError: the stream was closed by somebody
        forget(stream)
        return False
    return stream is not None


def forget(stream: TextIO | None) -> None:
    """Let what `stream` still holds go nowhere, so that Python does not fail over it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def settle() -> None:
    """Write what the standard streams still hold. Raises ``OSError`` where standard output cannot be; Python would end with 120."""
    failure = None
    for stream in (sys.stderr, sys.stdout):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            failure = error if stream is sys.stdout and isinstance(error, OSError) else failure
            forget(stream)
    if isinstance(failure, BrokenPipeError):
        raise failure
    if failure is not None:
        raise OSError(f"standard output cannot be written: {failure.strerror or failure}")


def keep_standard_numbers() -> None:
    """Open nothing in the place of standard streams that are closed: a checkpoint would else get what C code prints there."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)


@contextlib.contextmanager
def plain_words() -> Iterator[None]:
    """While this is entered, warnings are one line without a place in the source, and names that are no text can be printed."""
    for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"warning: {printable(' '.join(str(message).split()))}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before
