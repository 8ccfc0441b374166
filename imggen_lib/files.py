"""Files that are whole or not there, that follow the umask, and folders that one process at a time writes to."""

import contextlib
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from imggen_lib.errors import CheckpointError

STALE = 3600.0  # seconds after which nobody still writes to a temporary file


def expanded(path: str | Path) -> Path:
    """The path with ``~`` replaced by the home folder. Raises ``ValueError`` for a user who has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path} begins with ~, but no home folder is known for it") from None


def exists(path: str | Path) -> bool:
    """Whether there is such a file or folder; False for what can be no name of one."""
    try:
        return expanded(path).exists()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def plainly(what: str) -> Iterator[None]:
    """Whatever the system refuses within the block is ``OSError("what: reason")``, one sentence with the reason in its words."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        told = re.search(r"\(os error (\d+)\)", str(error))  # by safetensors
        number = int(told[1]) if told else getattr(error, "errno", None)
        failure = OSError(f"{what}: {os.strerror(number) if number else error}")
        failure.errno = number
        raise failure from error


def atomic(folder: Path, label: str, write: Callable[[Path], Any], final: Callable[[Path], str]) -> Path:
    """Call ``write(path)`` on an empty file, flush it to the disk, rename it to ``final(path)``: whole, or not there.

    Until then it lies in a folder of its own, ``.label.xxxxxxxx.part``: what `write` itself makes beside it goes away with it. The
    permissions are those that the umask leaves to a new file.
    """
    room = folder / f".{label}.{secrets.token_hex(4)}.part"
    room.mkdir()
    try:
        path = room / label
        path.touch()
        mode = path.stat().st_mode
        write(path)
        path.chmod(mode)  # safetensors makes its files for their owner alone
        with open(path, "r+b") as file:  # Windows flushes only what it may write
            os.fsync(file.fileno())
        target = folder / final(path)
        os.replace(path, target)
        return target
    finally:
        shutil.rmtree(room, ignore_errors=True)


def write(path: Path, make: Callable[[Path], Any]) -> Path:
    """Call ``make(path)`` such that a file that was there stays until the new one is whole, and keeps its permissions; the path.

    A link is followed. What is no regular file (a pipe, ``/dev/stdout``) and a file in a folder that takes no new ones are
    written in place.
    """
    target = path.resolve()
    there = target.exists()
    if (there and not target.is_file()) or not os.access(target.parent, os.W_OK):
        make(path)
        return path

    def final(new: Path) -> str:
        if there:
            new.chmod(target.stat().st_mode)
        return target.name

    atomic(target.parent, f"new{target.suffix}", make, final)  # a name as long as can be has no room for more
    return path


def write_all(folder: str | Path, content: Mapping[str, bytes], what: str) -> dict[str, Path]:
    """Write files into a folder, which is made, each whole or not at all; their paths by name.

    ``OSError`` where one cannot be written: `what` (``"the sheet"``) cannot be written into the folder, and why.
    """
    place = expanded(folder)
    with plainly(f"{what} cannot be written into {place}"):
        place.mkdir(parents=True, exist_ok=True)
        return {name: write(place / name, partial(Path.write_bytes, data=data)) for name, data in content.items()}


def sweep(folder: Path, *labels: str) -> None:
    """Delete what dead processes left of :func:`atomic` with these labels; for the one who holds the folder's lock.

    Version 0.1.0 took no lock and had no ``.part`` in its names: of those, only what is an hour old is sure to be a dead one's.
    """
    names = "|".join(map(re.escape, labels))
    ours, older = re.compile(rf"\.({names})\.[0-9a-f]{{8}}\.part"), re.compile(rf"\.({names})\.\w{{8}}")
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if ours.fullmatch(path.name):
                shutil.rmtree(path)
            elif older.fullmatch(path.name) and time.time() - path.lstat().st_mtime > STALE:
                path.unlink()


_held: dict[tuple[int, int], tuple[int, int]] = {}  # folder -> the thread that holds it, the open file of the lock


def _forget() -> None:
    """In a process made by ``fork``: the lock is its parent's, and must not outlive it in the child."""
    for _, descriptor in _held.values():
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _take(folder: Path) -> int:
    """Lock `folder`, or raise ``BlockingIOError``. The system lets go of it when the process ends."""
    if sys.platform == "win32":
        import msvcrt

        descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(descriptor)
            raise BlockingIOError(*error.args) from None
    else:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            pass  # some network file systems have no locks: better saved than refused
    return descriptor


@contextlib.contextmanager
def lock(folder: str | Path) -> Iterator[bool]:
    """Keep other processes and threads from writing to a folder, which is made if there is none; free again when the block ends.

    Within the block the same thread may take the lock again. Yields whether it was free before. A killed process leaves nothing.
    Raises :class:`~imggen_lib.errors.CheckpointError` at once if somebody else has it.
    """
    folder = expanded(folder)
    with plainly(f"the folder {folder} cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    status, me = folder.stat(), threading.get_ident()
    key = (status.st_dev, status.st_ino)
    if key in _held and _held[key][0] == me:
        yield False
        return
    try:
        descriptor = _take(folder)
    except BlockingIOError:
        raise CheckpointError(f"another process is writing to {folder}: wait until it ends, or choose another folder") from None
    _held[key] = (me, descriptor)
    try:
        yield True
    finally:
        if _held.pop(key, None) is not None:  # else this is a fork, which has let go of it
            os.close(descriptor)
            if sys.platform == "win32":
                with contextlib.suppress(OSError):  # somebody else waits for it
                    (folder / ".lock").unlink()
