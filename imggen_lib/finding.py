"""From what somebody calls a model to its checkpoint: a shipped model's name, a run's folder, or ``hub:owner/name``.

Finding needs both rooms that read, :mod:`imggen_lib.checkpoint` and :mod:`imggen_lib.hub`, so it stands above them.
"""

from pathlib import Path

from imggen_lib import files, hub
from imggen_lib.checkpoint import Checkpoint, load, pretrained, shipped
from imggen_lib.errors import unknown_name
from imggen_lib.own import Allow


def find(name: str | Path, allow: Allow = ()) -> Checkpoint:
    """The checkpoint in the folder `name` or, where there is none, the shipped model of that name; or ``hub:owner/name``.

    `allow` as for :func:`imggen_lib.checkpoint.load`.

    Raises ``ValueError`` for a plain word that is neither, naming what there is.
    """
    if not str(name):
        raise ValueError("a checkpoint's folder, or the name of a pretrained model, is needed; the name is empty")
    if hub.is_hub(name):
        return hub.fetch(name, allow)
    path = files.expanded(name)
    if not files.exists(path) and path.parent == Path():
        if str(path) not in shipped():
            raise ValueError(unknown_name("folder or pretrained model", str(path), shipped()))
        return pretrained(str(path))
    return load(path, allow)
