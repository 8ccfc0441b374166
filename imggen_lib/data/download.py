"""Fetch a file into the cache: several mirrors, time-outs, retries, a progress bar, a checksum, and an atomic rename.

Files are written only inside the cache folder (``$IMGGEN_CACHE``, else the platform's own), and only under their final name once
they are whole and their checksum is right. Who may read them is decided by the umask, as for any new file.
"""

import contextlib
import hashlib
import http.client
import os
import platform
import re
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imggen_lib import bars
from imggen_lib.data.words import plain, user_path
from imggen_lib.errors import DataError, DataUnavailable

TIMEOUT = 20.0  # seconds without a byte
SLOWEST, WINDOW = 10_000, 60.0  # fewer bytes in so many seconds are given up
RETRIES = 2  # tries a mirror
PAUSE = 1.0  # seconds between two tries at the same mirror
_LEFT = 3600.0  # seconds after which an unfinished file is nobody's
_ADVICE = "delete it and try again, so that it is fetched anew"
_UNFINISHED = re.compile(r"\..+\.(?:(?P<host>[^.]+)-(?P<pid>\d+)-)?[a-z0-9_]{8}")
#: What goes wrong with a transfer: an answer that is no HTTP is neither an ``OSError`` nor a ``ValueError``.
TRANSFER_ERRORS = (OSError, EOFError, ValueError, http.client.HTTPException)


def cache_folder() -> Path:
    """Where downloads live: ``$IMGGEN_CACHE``, else the platform's cache folder for ``imggen_lib``."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("IMGGEN_CACHE")
    return user_path(chosen) if chosen else user_cache_path("imggen_lib")


def offline() -> bool:
    """Whether ``IMGGEN_OFFLINE`` forbids downloads."""
    return os.environ.get("IMGGEN_OFFLINE", "").lower() not in ("", "0", "false", "no")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, expected: str, size: int) -> None:
    """Raise :class:`DataError` unless the file is the expected one, byte for byte."""
    actual_size = path.stat().st_size
    if actual_size != size or sha256(path) != expected:
        what = f"{actual_size:,} bytes" if actual_size != size else "the right size but other bytes"
        raise DataError(
            f"{path} is damaged or another file: it has {what}, expected {size:,} bytes with SHA-256 {expected[:12]}...; {_ADVICE}"
        )


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())


def _is_left(path: Path) -> bool:
    """Whether nobody writes an unfinished file any more: its process, on this machine, is gone, or it is an hour old."""
    found = _UNFINISHED.fullmatch(path.name)
    if not found:
        return False
    if found["host"] == _host() and os.name == "posix":
        try:
            os.kill(int(found["pid"]), 0)  # asks, does nothing
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            pass
    return time.time() - path.stat().st_mtime > _LEFT


def sweep(folder: Path) -> None:
    """Delete the unfinished files of processes that were killed."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if _is_left(path):
                path.unlink()


def _copy(response: Any, file: Any, size: int, shown: Any, given_up: threading.Event) -> None:
    """What a server sends into a file; ``OSError`` if it sends too much or too little, or when nobody waits for it any more."""
    seen = 0
    while block := response.read1(1 << 16):  # what has come; read() would wait for all of it
        file.write(block)
        seen += len(block)
        shown.update(len(block))
        if seen > size:
            raise OSError(f"more than the expected {size:,} bytes")
        if given_up.is_set():
            raise OSError("nobody waits for it any more")
    if seen < size:
        raise OSError(f"{seen:,} of {size:,} bytes, then the end")


def _watched(transfer: Callable[[], None], written: Path, given_up: threading.Event) -> None:
    """Run `transfer` in a thread, and look from outside whether the file grows: ``OSError`` where it does too slowly.

    A server may send a byte now and then in its headers, between chunks or in the body; each of them resets a socket's own timeout.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            transfer()
        except BaseException as error:
            failures.append(error)

    thread, mark = threading.Thread(target=work, daemon=True), 0
    thread.start()
    try:
        while thread.is_alive():
            thread.join(WINDOW)
            seen = written.stat().st_size if written.exists() else 0
            if thread.is_alive() and seen - mark < SLOWEST:
                raise OSError(f"only {seen - mark:,} bytes in {WINDOW:.0f} seconds")
            mark = seen
    finally:
        given_up.set()
    if failures:
        raise failures.pop()  # taken out: else the list and the error's frames would keep each other, and the socket, alive


def _fetch_once(url: str, target: Path, expected: str, size: int) -> None:
    temporary = target.with_name(f".{target.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}")
    request = urllib.request.Request(url, headers={"User-Agent": "imggen_lib"})
    given_up = threading.Event()

    def transfer() -> None:
        with open(temporary, "xb", buffering=0) as file, urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            _copy(response, file, size, shown, given_up)
            os.fsync(file.fileno())

    # The bar is this thread's: once it is closed, a transfer that was given up draws nothing any more, however late it ends.
    shown = bars.bar(total=size, unit="B", unit_scale=True, desc=target.name, leave=False, disable=sys.stderr is None)
    try:
        with shown:
            _watched(transfer, temporary, given_up)
        verify(temporary, expected, size)
        os.replace(temporary, target)  # closed by now: Windows does not rename an open file
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _why(error: BaseException) -> str:
    """A transfer's failure in one line, whatever the server wrote into it."""
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {plain(DataError(error.reason))}"
    if isinstance(error, DataError):  # of a file that is deleted by now
        return str(error).split(" is damaged or another file: ")[-1].removesuffix(f"; {_ADVICE}")
    reason = getattr(error, "reason", None)
    if isinstance(error, http.client.HTTPException):
        return f"no proper HTTP answer ({type(error).__name__})"
    return plain(reason if isinstance(reason, BaseException) else error)


def fetch(urls: list[str], target: Path, expected: str, size: int) -> Path:
    """Download the first of `urls` that gives the expected bytes to `target`, and return `target`."""
    if offline():
        raise DataUnavailable(f"{target.name} is not here, and IMGGEN_OFFLINE forbids downloads")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnavailable(f"{target.parent} cannot be made: {error}; IMGGEN_CACHE names another folder") from error
    sweep(target.parent)
    failures: dict[str, str] = {}  # the last one of each mirror
    for url in urls:
        for attempt in range(RETRIES):
            try:
                _fetch_once(url, target, expected, size)
                return target
            except TRANSFER_ERRORS as error:
                failures[url] = _why(error)
                if isinstance(error, urllib.error.HTTPError) and error.code in (403, 404, 410):
                    break
                if attempt + 1 < RETRIES:
                    time.sleep(PAUSE)
    raise DataUnavailable(f"{target.name} could not be downloaded:" + "".join(f"\n  {url}: {why}" for url, why in failures.items()))
