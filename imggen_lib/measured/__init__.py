"""Recorded measurements: JSON files that a script in ``scripts/`` wrote, with the command, the versions and the machine in each."""

import json
from importlib.resources import files
from typing import Any

from imggen_lib.errors import unknown_name


def names() -> list[str]:
    """The records there are."""
    return sorted(f.name.removesuffix(".json") for f in files(__name__).iterdir() if f.name.endswith(".json"))


def measured(name: str) -> dict[str, Any]:
    """One record. Raises ``ValueError`` for a name that there is none of."""
    if name not in names():
        raise ValueError(unknown_name("record", name, names()))
    return json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8"))
