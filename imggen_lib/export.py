"""A trained model as one file that other programs run: ONNX, or PyTorch's own ``torch.export``. Checked before it stays."""

import contextlib
import copy
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imggen_lib import files
from imggen_lib.checkpoint import Checkpoint
from imggen_lib.checks import attribute
from imggen_lib.models.vae import VAE
from imggen_lib.noise import latents
from imggen_lib.sampling import decode

PARTS = ("decoder", "encoder")
OLDEST = "2.9"  #: PyTorch, for ONNX: the exporters of older ones do not fit the packages that they need.
TOLERANCE = 1e-5  # of float32 values up to 1; in proportion for larger ones, and for a flow to how often it asks its network
_BATCHES, _SEEDS = (1, 2, 7), (0, 1, 2)
_MOST = 2**31 - 2**20  # bytes of one protobuf message
Runner = Callable[[Mapping[str, Tensor]], list[Tensor]]


class Decoder(nn.Module):
    """From latents ``(n, d)``, and labels ``(n,)`` int64 for a model with classes, to images ``(n, c, h, w)`` in [-1, 1]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if isinstance(self.model, VAE):
            return self.model.images(self.model.decode(latents, labels))
        out: Tensor = self.model(latents, labels)
        return out


class Encoder(nn.Module):
    """From images ``(n, c, h, w)`` in [-1, 1], and labels where there are classes, to mean and log-variance of q(z|x)."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.model.encode(images, labels)


def to_onnx(saved: Checkpoint | nn.Module, path: str | Path, *, part: str = "decoder", name: str = "") -> float:
    """Write a model's decoder (a GAN's generator) or encoder as ONNX; the largest difference from PyTorch's output.

    Inputs: ``latents`` or ``images``, and ``labels`` (int64) for a model with classes, each with any number of rows. Outputs:
    ``images``, or ``mu`` and ``logvar``. Metadata: name, part, image_shape, latent_dim, classes, licence, card. ONNX Runtime does
    not look at labels: what lies outside of the classes gives a meaningless image. Raises ``ValueError`` where a package is
    missing, for a part that the model has not, for a network of one's own that an export cannot follow, and where ONNX Runtime's
    output differs by more than :data:`TOLERANCE` (times a flow's evaluations, whose roundings add up): then no file stays.
    """
    onnxruntime = _needed()
    net, inputs, outputs, about = _prepared(saved, part, name)
    if 4 * sum(v.numel() for v in net.state_dict().values()) > _MOST:
        raise ValueError("an ONNX file holds at most 2 GB, and this model is larger: write .pt2")

    worst = 0.0

    def make(target: Path) -> None:
        nonlocal worst
        rows = torch.export.Dim("batch")
        with _followed():
            program = torch.onnx.export(
                net,
                tuple(inputs(3, 0).values()),
                input_names=list(inputs(3, 0)),
                output_names=outputs,
                dynamic_shapes=tuple({0: rows} for _ in inputs(3, 0)),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            assert program is not None
            program.model.metadata_props.update(about)
            program.save(target, external_data=False)
            session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
        worst = _compared(net, inputs, lambda given: [torch.from_numpy(v) for v in session.run(outputs, _arrays(given))])

    files.write(_target(path, ".onnx"), make)
    return worst


def to_program(saved: Checkpoint | nn.Module, path: str | Path, *, part: str = "decoder", name: str = "") -> float:
    """Write the same as :func:`to_onnx` with ``torch.export.save``; metadata as JSON in the extra file ``imggen.json``.

    ``torch.export.load(path).module()`` runs it, without this package.
    """
    net, inputs, _, about = _prepared(saved, part, name)

    worst = 0.0

    def make(target: Path) -> None:
        nonlocal worst
        rows = torch.export.Dim("batch")
        with _followed():
            shapes = tuple({0: rows} for _ in inputs(3, 0))
            program = torch.export.export(net, tuple(inputs(3, 0).values()), dynamic_shapes=shapes)
            torch.export.save(program, target, extra_files={"imggen.json": json.dumps(about)})
            again: Any = torch.export.load(target).module()
        worst = _compared(net, inputs, lambda given: _listed(again(*given.values())))

    files.write(_target(path, ".pt2"), make)
    return worst


@contextlib.contextmanager
def _followed() -> Iterator[None]:
    """What keeps a network, somebody's own as a rule, from being exported or from running then, as one ``ValueError``.

    Nothing else is said: exporters warn of their own parts, and print whole programs where they fail.
    """
    quiet = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except OSError:  # a disk that is full
        raise
    except Exception as error:
        root: BaseException = error
        while root.__cause__ is not None:
            root = root.__cause__
        reason = " ".join(re.sub(r"\x1b\[\d*m", "", str(root)).split())[:160] or type(root).__name__
        raise ValueError(
            "the network cannot be exported: an export follows it once, for any number of images, through PyTorch's operations "
            f"alone: no `if` or loop over values or over images, no NumPy, no number of images written down. PyTorch says: {reason}"
        ) from error
    finally:
        logging.disable(quiet)


def _needed() -> Any:
    if torch.__version__ < OLDEST:  # a version: compared by its numbers
        raise ValueError(f"ONNX needs PyTorch {OLDEST} or newer, and this is {torch.__version__}: write .pt2")
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ValueError(f"ONNX needs {error.name}: pip install onnx onnxscript onnxruntime") from None
    return onnxruntime


def _target(path: str | Path, ending: str) -> Path:
    path = files.expanded(path)
    if path.suffix.lower() != ending:
        raise ValueError(f"{path} must end in {ending}")
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: it is a folder, or its folder does not exist")
    return path


def _prepared(saved: Checkpoint | nn.Module, part: str, name: str) -> tuple[nn.Module, Any, list[str], dict[str, str]]:
    """The network on the CPU in float32, a maker of inputs ``(rows, seed)``, names of the outputs, and metadata."""
    meta: Mapping[str, Any] = {}
    if not isinstance(saved, Checkpoint):
        source = saved
    else:
        if saved.config.kind == "features":
            raise ValueError("a feature network makes no images: export a GAN, a VAE or a flow")
        meta, source = saved.meta, saved.model()
    if part not in PARTS:
        raise ValueError(f"part must be decoder or encoder, got {part!r}")
    try:
        model: Any = copy.deepcopy(source).cpu().float().eval().requires_grad_(False)
    except TypeError as error:  # a network of one's own that holds a file or a lock
        raise ValueError(f"the network cannot be exported, because it cannot be copied: {error}") from error
    if part == "encoder" and not isinstance(model, VAE):
        raise ValueError(
            "only a VAE has an encoder: a GAN is exported as its generator, a flow as its way to an image (part decoder)"
        )
    dim, classes, shape = (attribute(model, k) for k in ("latent_dim", "classes", "image_shape"))

    def inputs(rows: int, seed: int) -> dict[str, Tensor]:
        first = 1000 * seed
        labels = torch.arange(first, first + rows) % classes if classes else None
        z = latents(range(first, first + rows), dim)
        given = {"latents": z} if part == "decoder" else {"images": decode(model, z, labels)}
        return given if labels is None else {**given, "labels": labels}

    net = Decoder(model) if part == "decoder" else Encoder(model)
    card = meta.get("card", {})
    about = {
        "name": name, "part": part, "image_shape": json.dumps(list(shape)), "latent_dim": str(dim), "classes": str(classes),
        "class_names": json.dumps(list(meta.get("data", {}).get("classes", ()))) if classes else "[]",
        "licence": str(card.get("licence", "")), "card": json.dumps(card),
    }  # fmt: skip
    return net.eval(), inputs, ["images"] if part == "decoder" else ["mu", "logvar"], about


def _arrays(given: Mapping[str, Tensor]) -> dict[str, Any]:
    return {k: v.numpy() for k, v in given.items()}


def _listed(out: Any) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else list(out)


def _compared(net: nn.Module, inputs: Any, run: Runner) -> float:
    """The largest difference over batches and seeds. Raises ``ValueError`` where it is not small."""
    worst, bound = 0.0, TOLERANCE * getattr(getattr(net, "model", net), "evaluations", 1)
    for rows in _BATCHES:
        for seed in _SEEDS:
            given = inputs(rows, seed)
            with torch.no_grad(), _followed():
                expected, found = _listed(net(*given.values())), run(given)
            for ours, theirs in zip(expected, found, strict=True):
                if ours.shape != theirs.shape:
                    raise ValueError(f"the exported model gives {tuple(theirs.shape)}, not {tuple(ours.shape)}: no file is kept")
                apart = float((ours - theirs).abs().max())
                if not apart <= bound * max(1.0, float(ours.abs().max())):
                    raise ValueError(f"the exported model's output differs by {apart:.2g} from PyTorch's: no file is kept")
                worst = max(worst, apart)
    return worst
