"""The weights that ship: whole numbers of a few bits with a factor a row, and what they were made with."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int8
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from imggen_lib.applications.sentence.painter import Painter
from imggen_lib.data import two_glyphs
from imggen_lib.models.sentence import GlyphCoder, Reader, SentenceVelocity

WEIGHTS = Path(__file__).parent / "weights"
NAMES = ("painter", "reader", "pair", "bag")
_SMALLEST = 1000  # numbers; smaller tensors stay in half precision
_STEP = "@step"


class Rounded(NamedTuple):
    """Weights as whole numbers: ``whole * step``, one step a row."""

    whole: Int8[Tensor, "rows ..."]
    step: Float[Tensor, " rows"]

    def weight(self) -> Tensor:
        """The weights again, in single precision."""
        return self.whole.float() * self.step.float().view(-1, *[1] * (self.whole.ndim - 1))


def rounded(weight: Float[Tensor, "rows ..."], levels: int) -> Rounded:
    """The nearest whole numbers from ``-levels`` to ``levels``, with the step of each row whose squared error is least.

    Tried are steps from 0.4 to 1 times that which reaches the row's largest number: to cut a few numbers off can be better than a
    coarse step for all. Raises `ValueError` for levels that no byte has.
    """
    if not 1 <= levels <= 127:
        raise ValueError(f"a byte has from 1 to 127 levels on either side of zero, got {levels}")
    rows = weight.flatten(1)
    most = rows.abs().amax(1).clamp_min(1e-8)
    best, found = torch.full_like(most, torch.inf), most / levels
    for share in torch.linspace(0.4, 1, 25):
        step = (most * share / levels).half().float().clamp_min(6e-8)
        error = ((rows / step[:, None]).round().clamp(-levels, levels) * step[:, None] - rows).square().sum(1)
        found, best = torch.where(error < best, step, found), torch.minimum(error, best)
    whole = (rows / found[:, None]).round().clamp(-levels, levels).to(torch.int8).view(weight.shape)
    return Rounded(whole, found.half())


def stored(model: nn.Module, levels: int, skip: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """A model's tensors as they are stored, without those whose names begin with one of `skip`."""
    out: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if name.startswith(skip):
            continue
        if value.ndim > 1 and value.numel() >= _SMALLEST:
            out[name], out[name + _STEP] = (v.contiguous() for v in rounded(value, levels))
        else:
            out[name] = value.half().contiguous()
    return out


def release(
    name: str,
    model: nn.Module,
    levels: int,
    card: Mapping[str, Any],
    folder: Path = WEIGHTS,
    skip: tuple[str, ...] = ("coder.encoder",),
) -> Path:
    """Writes NAME.safetensors and NAME.json, its card, without the tensors whose names begin with one of `skip`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file(stored(model, levels, skip), path)
    numbers = sum(p.numel() for n, p in model.named_parameters() if not n.startswith(skip))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {"name": name, "numbers": numbers, "levels": levels, "sha256": digest, **card}
    path.with_suffix(".json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise ValueError(f"there is no {name!r}; what ships is {', '.join(NAMES)}")


def tensors_of(name: str) -> dict[str, Tensor | Rounded]:
    """What is stored under a name: rounded weights, and the rest in half precision. Raises `ValueError` for another name."""
    _check_name(name)
    found = load_file(WEIGHTS / f"{name}.safetensors")
    return {k: Rounded(v, found[k + _STEP]) if k + _STEP in found else v for k, v in found.items() if not k.endswith(_STEP)}


def card_of(name: str) -> dict[str, Any]:
    """How a model that ships was made, and what it is for. Raises `ValueError` for another name."""
    _check_name(name)
    return json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))


def _filled(model: nn.Module, *names: str) -> nn.Module:
    """A model with the tensors that are stored under names; later ones take the place of earlier ones."""
    found = {k: v for name in names for k, v in tensors_of(name).items()}
    model.load_state_dict({k: v.weight() if isinstance(v, Rounded) else v.float() for k, v in found.items()})
    return model.eval().requires_grad_(False)


@cache
def painter() -> Painter:
    """The painter that ships; its coder has a decoder alone (the encoder is not needed to draw)."""
    card = card_of("painter")
    net, coder = SentenceVelocity(**card["net"]), GlyphCoder(**card["coder"])
    model = Painter(net, coder)
    coder.encoder = nn.Identity()  # type: ignore[assignment]
    return _filled(model, "painter")  # type: ignore[return-value]


@cache
def pair_painter(order: bool = True) -> Painter:
    """The painter of two coloured glyphs; without `order` its twin, which was trained alike and hears a bag of words."""
    card = card_of("pair")
    coder = GlyphCoder(**card["coder"])
    model = Painter(SentenceVelocity(**card["net"], order=order), coder, two_glyphs)
    coder.encoder = nn.Identity()  # type: ignore[assignment]
    return _filled(model, "pair", *(() if order else ("bag",)))  # type: ignore[return-value]


@cache
def reader() -> Reader:
    """The reader of factors that the chapter judges by."""
    return _filled(Reader(**card_of("reader")["net"]), "reader")  # type: ignore[return-value]
