"""A bar whose lock no killed process can keep."""

import io
import multiprocessing
import os
import signal
import sys
import threading

import pytest
from tqdm.auto import tqdm

from imggen_lib.bars import bar


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_is_killed_with_the_lock_in_its_hand_stops_no_later_bar() -> None:
    first = bar(total=2, disable=False, file=open(os.devnull, "w"))  # noqa: SIM115

    def die() -> None:
        first.get_lock().acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=die)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    done = threading.Event()

    def another() -> None:
        with bar(total=1, file=first.fp) as second:
            second.update(1)
        done.set()

    threading.Thread(target=another, daemon=True).start()
    assert done.wait(20)
    first.close()
    first.fp.close()
    assert isinstance(first, tqdm) and first.monitor_interval == 0 and first.get_lock() is not tqdm.get_lock()


class _Broken(io.StringIO):
    """A stream that is read by nobody any more, after the bar's first picture."""

    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


def test_a_bar_that_cannot_be_written_gives_the_lock_back() -> None:
    stream = _Broken()
    first = bar(total=2, file=stream, mininterval=0)
    stream.broken = True
    with pytest.raises(BrokenPipeError):
        first.update(1)
    first.disable = True
    done = threading.Event()

    def another() -> None:
        with bar(total=1, file=io.StringIO()) as second:
            second.update(1)
        done.set()

    threading.Thread(target=another, daemon=True).start()
    assert done.wait(20)
