"""Files that are whole or not there, that follow the umask, and folders that one process at a time writes to."""

import contextlib
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from imggen_lib.errors import CheckpointError

STALE = 3600.0  # seconds after which nobody still writes a temporary file


def expanded(path: str | Path) -> Path:
    """The path with ``~`` replaced by the home folder. Raises ``ValueError`` for a user who has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path} begins with ~, but no home folder is known for it") from None


def temporary(folder: Path, label: str) -> Path:
    """An empty new file ``.label.xxxxxxxx.part`` in `folder`, with the permissions that the umask leaves to a new file."""
    path = folder / f".{label}.{secrets.token_hex(4)}.part"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return path


def atomic(folder: Path, label: str, write: Callable[[Path], Any], final: Callable[[Path], str]) -> Path:
    """Call ``write(path)`` on a temporary file, flush it to the disk, rename it to ``final(path)``; whole, or not there."""
    path = temporary(folder, label)
    try:
        write(path)
        with open(path, "r+b") as file:  # Windows flushes only what it may write
            os.fsync(file.fileno())
        target = folder / final(path)
        os.replace(path, target)
        return target
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def leftovers(folder: Path, *labels: str) -> list[Path]:
    """Temporary files of these labels, which dead processes left if this one holds the folder's lock.

    Those that versions before 0.2 made have no ``.part``; they took no lock, so that only an old one is a dead one's.
    """
    names = "|".join(map(re.escape, labels))
    ours, older = re.compile(rf"\.({names})\.[0-9a-f]{{8}}\.part"), re.compile(rf"\.({names})\.\w{{8}}")

    def left(path: Path) -> bool:
        with contextlib.suppress(OSError):
            old = time.time() - path.lstat().st_mtime > STALE
            return bool(ours.fullmatch(path.name) or (old and older.fullmatch(path.name)))
        return False

    return [path for path in folder.iterdir() if left(path)]


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
