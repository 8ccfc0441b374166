"""Real clicks that ship with the library: counts of the Open Bandit Dataset, a fashion shop's recommendations."""

import hashlib
import json
from importlib.resources import files
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from imggen_lib.errors import DataError, unknown_name

SHA256 = "903821518a4c1515b0f2120ffcf82264017c9b4aeaa975f4c1dc97379a6893b8"


class Clicks(NamedTuple):
    """Of each item, its clicks and its impressions ``(k,)``."""

    clicks: Int[Tensor, " k"]
    impressions: Int[Tensor, " k"]


def shop_clicks(name: str = "random_men") -> Clicks:
    """Clicks and impressions of the items of a campaign: 10,000 impressions by a policy, ``random_men``, ``bts_women`` and so on.

    Raises ``ValueError`` for a name that there is none of, :class:`~imggen_lib.errors.DataError` if the file is damaged.
    Source: Saito et al. 2020, arXiv:2008.07146; counted from the repository's small version, Apache License 2.0.
    """
    data = (files("imggen_lib.data") / "shipped" / "bandit" / "clicks.json").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError("clicks.json is damaged: its SHA-256 is another one; install the library anew")
    counts = json.loads(data)
    if name not in counts:
        raise ValueError(unknown_name("campaign", name, list(counts)))
    found = torch.tensor(list(counts[name].values()))
    return Clicks(found[:, 0], found[:, 1])
