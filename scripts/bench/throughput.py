"""Images a second, ours beside the peers', in turns, so that a slow minute of the machine hurts both."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import torch

from bench import nets, packages, peers
from bench.apart import apart
from imggen_lib.data import ImageSet
from imggen_lib.losses.gan import non_saturating
from imggen_lib.models.flow import Flow, UNet
from imggen_lib.profiling import Flops
from imggen_lib.runs import Lower
from imggen_lib.train.flow import train_flow
from imggen_lib.train.gan import train_gan, train_gan_simultaneous
from imggen_lib.train.state import FlowState, GanState, Record, VaeState
from imggen_lib.train.vae import train_vae

Key = TypeVar("Key")


def padded(data: ImageSet) -> ImageSet:
    """28x28 on 32x32, as the 32-pixel networks need it; once, before the training."""
    return ImageSet(torch.nn.functional.pad(data.images, (2, 2, 2, 2)), data.labels, data.classes, data.name)


def gan(
    generator: torch.nn.Module,
    critic: torch.nn.Module,
    data: ImageSet,
    batch: int,
    train: Callable[..., Iterator[Record]] = train_gan,
    ema_every: int = 4,
) -> Iterator[int]:
    """With an average of the weights, which the peers do not keep, renewed at every fourth step."""
    fast, device = torch.channels_last, data.images.device
    generator, critic = (net.to(device).to(memory_format=fast) for net in (generator, critic))  # type: ignore[call-overload]
    state = GanState.create(generator, critic, lr=2e-4, betas=(0.5, 0.999))
    for record in train(state, data.batches(batch, images=2**40), non_saturating, ema_every=ema_every):
        yield record["images"]


def flow(net: UNet, data: ImageSet, batch: int, bfloat16: bool = False) -> Iterator[int]:
    """As the book trains flows: a drop of each class by itself, an average of the weights at every step.

    With `bfloat16` products are rounded as :meth:`imggen_lib.runs.Run.in_bfloat16` does.
    """
    net = net.to(data.images.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    digits = ImageSet(data.images, torch.arange(len(data)) % 10, tuple("0123456789"), data.name) if net.classes else data
    if bfloat16:
        net.forward = Lower(net)  # type: ignore[method-assign]
    for record in train_flow(FlowState.create(Flow(net), lr=1e-4), digits.batches(batch, images=2**40)):
        yield record["images"]


def grey_pixels() -> Any:
    """While this is entered, VAEs train on the pixels as they are; leave it before anything else trains."""
    return patch("imggen_lib.train.vae.observe", lambda x, model, noise: x)


def vae(model: Any, data: ImageSet, batch: int, fast: bool = False) -> Iterator[int]:
    """On grey pixels, as the peers; the book's own trainings toss each pixel anew, which costs a tenth of the speed."""
    model.start_at(data.mean_image().cpu())
    model = model.to(data.images.device)
    model = model.to(memory_format=torch.channels_last) if fast else model
    records = train_vae(VaeState.create(model, lr=1e-3), data.batches(batch, images=2**40))
    with grey_pixels():
        for record in records:
            yield record["images"]


@dataclass(frozen=True)
class Work:
    """One comparison: the same networks, the same batch."""

    name: str
    batch: int
    ours: Callable[[ImageSet], Iterator[int]]  # on the device where the images lie
    peer: str
    theirs: Callable[[np.ndarray, str], Iterator[int]]  # on the device of that name
    wanted: float  # the ratio that the project asks of itself
    package: str = ""  # a peer from the package index that does the same work
    in_turns: Callable[[ImageSet], Iterator[int]] | None = None  # ours with players that move in turns, where above they do not
    in_bfloat16: Callable[[ImageSet], Iterator[int]] | None = None  # ours with products in bfloat16, where above they are not

    @property
    def more(self) -> list[str]:
        """The sides besides ours and the peer's."""
        return [name for name in ("in_turns", "in_bfloat16") if getattr(self, name)]


WORKS = (
    Work("MLP VAE 784-400-20", 128, lambda d: vae(nets.our_vae(), d, 128), "pytorch/examples vae (stand-in)",
         peers.textbook_vae, 3.0, "pythae"),
    Work("MLP GAN", 64, lambda d: gan(nets.MlpGenerator(), nets.MlpCritic(), d, 64, train_gan_simultaneous),
         "PyTorch-GAN gan.py (stand-in)", peers.textbook_gan, 2.4, "lightning",
         lambda d: gan(nets.MlpGenerator(), nets.MlpCritic(), d, 64)),
    Work("DCGAN 32x32", 64, lambda d: gan(nets.DcganGenerator(fast=True), nets.DcganCritic(), padded(d), 64),
         "PyTorch-GAN dcgan.py (stand-in)", peers.textbook_dcgan, 2.5),
    Work("convolutional VAE", 128, lambda d: vae(nets.our_conv_vae(fast=True), d, 128, fast=True),
         "textbook loop, Keras's network", peers.textbook_conv_vae, 1.5, "keras"),
    Work("U-Net, flow matching", 64, lambda d: flow(nets.unet(10), d, 64), "flow_matching's image example (stand-in)",
         peers.textbook_flow, 1.5, in_bfloat16=lambda d: flow(nets.unet(10), d, 64, True)),
    Work("U-Net, without classes", 64, lambda d: flow(nets.unet(0), d, 64), "denoising-diffusion-pytorch's Trainer (stand-in)",
         peers.textbook_diffusion, 1.5, "denoising-diffusion-pytorch", in_bfloat16=lambda d: flow(nets.unet(0), d, 64, True)),
)  # fmt: skip


def speed(images_seen: Iterator[int], seconds: float, warmup: int = 5) -> float:
    """Images a second over at least so many seconds, to the end of the device's work, after some batches of warm-up."""
    for _ in range(warmup):
        first = next(images_seen)
    finish()
    began = time.perf_counter()
    while True:
        last = next(images_seen)
        if time.perf_counter() - began >= seconds:
            finish()
            return (last - first) / (time.perf_counter() - began)


def finish() -> None:
    """Wait for the GPU, where one is used."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def flops(images_seen: Iterator[int], batches: int = 8) -> float:
    """Operations of matrix products and convolutions an image, by PyTorch's formulas, over some batches."""
    first = next(images_seen)
    with Flops() as counter:
        for _ in range(batches):
            last = next(images_seen)
    return counter.total / (last - first)


def work_named(name: str) -> Work:
    return next(work for work in WORKS if work.name == name)


_seen: dict[str, Iterator[int]] = {}  # in a side's own process: its training


def begin(name: str, side: str, data: ImageSet, device: str = "cpu") -> None:
    """Start a side ("ours", "theirs" or one of ``more``) of a work; :func:`go` and :func:`count` go on with it."""
    work = work_named(name)
    if ":" in device:
        torch.cuda.set_device(device)  # which `finish` waits for
    if side == "theirs":
        _seen["side"] = work.theirs(data.images[:, 0].numpy(), device)
    else:
        _seen["side"] = getattr(work, side)(data.to(device))


def go(seconds: float) -> float:
    return speed(_seen["side"], seconds)


def count() -> float:
    return flops(_seen["side"])


def package(name: str, pixels: np.ndarray) -> float:
    return packages.PACKAGES[name](pixels)


def turns(sides: Mapping[Key, Callable[[float], float]], rounds: int, seconds: float) -> dict[Key, list[float]]:
    """The speeds of all sides, one after the other, round after round."""
    found: dict[Key, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side(seconds))
    return found


def ratios(ours: list[float], theirs: list[float]) -> tuple[float, list[float]]:
    """The ratio of the medians, and the lowest and the highest ratio of a round."""
    each = [a / b for a, b in zip(ours, theirs, strict=True)]
    return round(statistics.median(ours) / statistics.median(theirs), 2), [round(min(each), 2), round(max(each), 2)]


def measure(work: Work, data: ImageSet, rounds: int, seconds: float, peak: float = float("inf")) -> dict[str, Any]:
    """Rounds of all sides in turn: medians, the ratio of ours to the peer, and to the peer with our settings of the process.

    The fraction of the peak (operations a second) is of what each side computes: a side that does the same with fewer operations
    has a lower fraction at the same speed. Where the peer's players move at once, ours do, too, and ours in turns is a side more;
    so is ours with products in bfloat16 where the book trains with these.
    """
    with ExitStack() as stack:
        prepared = {"ours": "cpu", "theirs": "", "helped": "cpu"} | dict.fromkeys(work.more, "cpu")
        calls = {side: stack.enter_context(apart(prepared=device)) for side, device in prepared.items()}
        for side, call in calls.items():
            call(begin, work.name, "theirs" if side == "helped" else side, data)
        found = turns({side: partial(call, go) for side, call in calls.items()}, rounds, seconds)
        operations = {side: calls[side](count) for side in ("ours", "theirs")}
    speeds = {side: statistics.median(values) for side, values in found.items()}
    ratio, span = ratios(found["ours"], found["theirs"])
    row = {
        "work": work.name, "batch": work.batch, "ours": round(speeds["ours"]), "peer": work.peer, "theirs": round(speeds["theirs"]),
        "our_fraction_of_peak": round(speeds["ours"] * operations["ours"] / peak, 3),
        "their_fraction_of_peak": round(speeds["theirs"] * operations["theirs"] / peak, 3),
        "ratio": ratio, "ratios": span, "wanted": work.wanted,
        "theirs_helped": round(speeds["helped"]), "ratio_helped": ratios(found["ours"], found["helped"])[0],
    }  # fmt: skip
    for name in work.more:
        row |= {name: round(speeds[name]), f"ratio_{name}": ratios(found[name], found["theirs"])[0]}
    if work.package in packages.installed():
        with apart() as other:
            row["package"], row["package_speed"] = (
                work.package,
                round(other(package, work.package, data.images[:12_800, 0].numpy())),
            )
        row["package_ratio"] = round(speeds["ours"] / row["package_speed"], 2)
    return row
