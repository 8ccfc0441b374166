"""Progress bars that a killed process cannot stop."""

import threading
from typing import Any

_LOCK = threading.RLock()


def bar(**options: Any) -> Any:
    """A bar of tqdm, for a terminal or a notebook, with the options of ``tqdm.auto.tqdm``.

    tqdm's own lock is shared with forked processes, such as the readers of a stream: one that is killed with it in its hand keeps
    it, and every later bar waits for good. Here a thread's lock does, since no other process draws, and no watching thread can
    hold it at a fork. And it is given back where the bar cannot be written. Once it is closed it draws no more, whoever still
    updates it.
    """
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg,misc,unused-ignore]
        monitor_interval = 0
        _lock = _LOCK

        def refresh(self, nolock: bool = False, lock_args: Any = None) -> Any:
            with self._lock:
                return None if self.disable else super().refresh(nolock=True)

    return Bar(**options)
