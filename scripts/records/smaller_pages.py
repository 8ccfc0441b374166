"""What eight bits cost the models that the book's pages load: bytes and Frechet distances of each, before and after.

``python scripts/records/smaller.py pages`` writes it into the record; :func:`imggen_lib.live.shipped.rounding` goes by it. Measured
is what a page computes with: the packed file, unpacked again.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from imggen_lib.applications.worksheets import hand, readers
from imggen_lib.checkpoint import pretrained
from imggen_lib.live.layers import run
from imggen_lib.live.pack import EIGHT, Packed, pack
from imggen_lib.live.shipped import SMALL, generators, known, packed_file, script
from imggen_lib.live.wire import unpacked
from imggen_lib.metrics.distribution import features, frechet_interval
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.models.blocks import one_hot
from imggen_lib.noise import latents
from imggen_lib.protocol import Bench, feature_network
from imggen_lib.sampling import sample

N = 10_000
GREY = 127.5  # levels in a pixel's unit of [-1, 1]


def weight(name: str, packed: Packed) -> int:
    """The bytes that a page loads, as gzip: the script that brings a packed network."""
    return len(gzip.compress(script(name, {"spec": packed.spec, "bytes": packed.content}).encode()))


@torch.no_grad()
def drawn(packed: Packed, n: int = N) -> Tensor:
    """The images of the first `n` seeds, by the network that a page unpacks, in single precision, classes in turn."""
    nets, z = unpacked(packed.spec, packed.content), latents(range(n), packed.spec["latent"])
    classes: int = packed.spec["classes"]
    parts = []
    for k in range(0, n, 500):
        part = z[k : k + 500]
        labels = torch.arange(k, k + len(part)) % classes if classes else None
        parts.append(run(nets["decode"] + nets["show"], part, one_hot(labels, classes, part)))
    return torch.cat(parts).clamp(-1, 1)


def distance(bench: Bench, images: Tensor) -> dict[str, Any]:
    """The Frechet distance of images with its interval."""
    found = frechet_interval(bench.reference_features, features(bench.net, images))
    return {"frechet_distance": round(found.value, 3), "frechet_interval": [round(found.low, 3), round(found.high, 3)]}


def page_row(bench: Bench, name: str) -> dict[str, Any]:
    """One shipped model: as pages loaded it before, and in eight bits; ``free`` if that is smaller and no cost is shown.

    No cost is shown if the distance in eight bits lies within the interval of the full network's.
    """
    checkpoint = pretrained(name)
    model = checkpoint.model()
    before, after = pack(model, choice=known(name).get("rounding")), pack(model, choice=EIGHT)
    full = {"bytes": weight(name, before), **distance(bench, sample(model, N))}
    eight = {"bytes": weight(name, after), **distance(bench, drawn(after))}
    eight |= {"grey_levels": round(after.spec["difference"]["typical"] * GREY, 2)}
    low, high = full["frechet_interval"]
    free = low <= eight["frechet_distance"] <= high and eight["bytes"] < full["bytes"]
    return {"of": checkpoint.meta["weights"]["sha256"], "full": full, "eight": eight, "free": free}


def page_rows(names: Sequence[str], store: Callable[[dict[str, Any]], None], rows: dict[str, Any]) -> None:
    """These models, or every shipped model of images; what `rows` has already is kept."""
    benches: dict[str, Bench] = {}
    for name in names or generators():
        checkpoint = pretrained(name)
        if rows.get(name, {}).get("of") != checkpoint.meta["weights"]["sha256"]:
            data = checkpoint.meta["data"]["name"]
            benches[data] = benches.get(data) or Bench(data, net=feature_network(data))  # type: ignore[arg-type]
            rows[name] = page_row(benches[data], name)
            print(name, rows[name], flush=True)
            store(rows)


def small_rows() -> Iterator[tuple[str, dict[str, int]]]:
    """The bytes of the small generators' files."""
    for name in SMALL:
        file = packed_file(name)
        yield name, {"bytes": weight(name, Packed(file["spec"], file["bytes"]))}


def worksheet_row() -> dict[str, Any]:
    """Of the digits that a sheet may have, how many the classifier still reads, in the eight bits of the page.

    They were chosen with the full network, because this classifier was sure of each.
    """
    packed, reader = pack(pretrained(hand.MODEL).model(), choice=EIGHT), readers.Classifier()
    nets = unpacked(packed.spec, packed.content)
    read = sure = count = 0
    for one in hand.hands():
        labels = torch.tensor([digit for digit, row in enumerate(one.kept) for _ in row])
        z = hand.hand_latents(one.seed)
        chosen = torch.stack([z[digit, v] for digit, row in enumerate(one.kept) for v in row])
        with torch.no_grad():
            images = run(nets["decode"] + nets["show"], chosen, one_hot(labels, 10, chosen))
        count += len(labels)
        read += int((reader.read(images) == labels).sum())
        sure += int(reader.sure(images, labels, hand.SURE).sum())
    interval = [round(v, 5) for v in wilson_interval(read, count)]
    return {"hands": len(hand.hands()), "digits": count, "read": read, "share": read / count, "interval": interval, "sure": sure}
