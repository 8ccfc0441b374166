"""What an entry of a configuration may be, plain numbers and words that a checkpoint can hold, and what every configuration has."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, ClassVar

from imggen_lib.checks import real, whole
from imggen_lib.errors import unknown_name
from imggen_lib.losses.gan import ALL, GanLoss
from imggen_lib.own import Own, own

# What cannot be meant is refused before memory is asked for it; what float32 cannot hold, before a training.
MOST = {"latent_dim": 2**16, "width": 2**14, "batch": 2**20, "classes": 2**20, "draws": 10_000, "critic_steps": 10_000}
_MOST_SIDE, _MOST_HIDDEN, _MOST_REAL, _MOST_IMAGES, _MOST_OPTIONS = 4096, 2**18, 1e30, 2**53, 100

Thing = str | Callable[..., Any] | GanLoss  # a name, or a network's class or factory, or a loss, which gets its name
Options = dict[str, Any]  # for what is named: keywords and plain values
#: Entries that are stored only where they say something, so that what does without them can be read by older versions.
YOUNG = frozenset(
    (
        *("augment", "augment_p", "augment_target", "augment_images", "generator", "generator_options", "critic", "critic_options"),
        *("loss_options", "model", "model_options", "vae", "vae_config"),
    )
)


def _sizes(value: Any, name: str, most: int) -> tuple[int, ...]:
    """A tuple of whole numbers from 1 to `most`, from any sequence of them."""
    try:
        parts = tuple(value)
    except TypeError:
        parts = ()
    if not parts or isinstance(value, str | bytes):
        raise ValueError(f"{name} must be a sequence of whole numbers, got {value!r}")
    return tuple(whole(part, f"each number of {name}", 1, most) for part in parts)


def options(value: Any, name: str) -> dict[str, Any]:
    """Keywords with numbers, words, True and False, sorted by name; from a mapping or from pairs."""
    try:
        pairs = dict(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a table of names and values, got {value!r}") from None
    if len(pairs) > _MOST_OPTIONS or not all(isinstance(key, str) and key.isidentifier() for key in pairs):
        raise ValueError(f"{name} must be at most {_MOST_OPTIONS} names with a value each, got {list(pairs)[:5]!r}")
    return {key: _option(pairs[key], f"{name}: {key}") for key in sorted(pairs)}


def _option(value: Any, name: str) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f":
        return real(value, name, most=_MOST_REAL)
    try:
        return whole(value, name, -_MOST_IMAGES, _MOST_IMAGES)
    except ValueError:
        raise ValueError(f"{name} must be a number, a word, True or False, got {value!r}") from None


def plain(value: Any, kind: Any, name: str) -> Any:
    """`value` as the plain object that a field holds and that JSON can store; ``ValueError`` if it is nothing of the kind."""
    words = "the learning rate" if name == "lr" else name.replace("_", "-")
    if kind == Options:
        return options(value, words)
    if kind == Thing:
        if isinstance(value, GanLoss) and any(value is loss for loss in ALL):
            return value.name
        known = isinstance(value, str) and (isinstance(value, Own) or ":" not in value)
        if not (known or isinstance(value, str | GanLoss) or callable(value)):
            raise ValueError(f"{words} must be a name, or what is to be used, got {value!r}")
        return value if known else own(value)
    if kind is int:
        least = None if name == "seed" else 0
        return whole(value, words, least, None if name == "seed" else MOST.get(name, _MOST_IMAGES))
    if kind is float:
        return real(value, words, most=_MOST_REAL)
    if kind is bool:
        if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":
            raise ValueError(f"{words} must be True or False, got {value!r}")
        return bool(value)
    if kind is str:
        if not isinstance(value, str):
            raise ValueError(f"{words} must be a name, got {value!r}")
        return str(value)
    if isinstance(kind, UnionType):  # a configuration within this one, or None
        if not isinstance(value, kind):
            raise ValueError(f"{words} must be a configuration, got a {type(value).__name__}")
        return value
    if name == "image_shape":
        shape = _sizes(value, words, _MOST_SIDE)
        if len(shape) != 3:
            raise ValueError(f"image-shape must be (channels, height, width), got {value!r}")
        return shape
    return _sizes(value, words, _MOST_HIDDEN)


def nameless(entry: str, value: Any, given: Mapping[str, Any]) -> None:
    """Raises ``ValueError`` for a name without a module, and for options of what is not named."""
    if value and not isinstance(value, Own):
        raise ValueError(f"{entry} {value!r}: a network of your own is named 'module:Name', as in my_package.nets:Generator")
    if given and not value:
        raise ValueError(f"{entry}-options are for a {entry} of your own: name one")


def at_least_one(config: "Config", *names: str) -> None:
    """Raise ``ValueError`` unless each of these entries is a whole number of at least 1."""
    for name in names:
        whole(getattr(config, name), name.replace("_", "-"), least=1)


@dataclass(frozen=True)
class Config:
    """What every run has. ``classes`` is 0 for an unconditional model."""

    KIND: ClassVar[str] = ""
    NETS: ClassVar[tuple[str, ...]] = ("mlp", "conv", "res")
    COUNTS: ClassVar[tuple[str, ...]] = ("latent_dim", "width", "batch")  # at least 1 each
    SETTLED: ClassVar[tuple[str, ...]] = ()  # entries of every configuration that this kind leaves nobody to choose

    image_shape: tuple[int, int, int] = (1, 28, 28)
    net: str = "conv"  # mlp, conv, or res: convolutions with residual blocks between them
    latent_dim: int = 64
    width: int = 64  # conv: channels, see the networks
    hidden: tuple[int, ...] = (256, 512)  # mlp: sizes of the hidden layers, generator's or encoder's order
    classes: int = 0
    batch: int = 64
    lr: float = 2e-3
    seed: int = 0
    begin_from: str = ""  # a model that ships with the package, or a checkpoint's folder: its weights instead of random ones

    def __post_init__(self) -> None:
        for entry in fields(self):
            object.__setattr__(self, entry.name, plain(getattr(self, entry.name), entry.type, entry.name))
        if self.net not in self.NETS:
            raise ValueError(unknown_name(f"network of a {self.kind}", self.net, self.NETS))
        at_least_one(self, *self.COUNTS)
        if not 0 < self.lr < 1:
            raise ValueError(f"the learning rate must lie between 0 and 1, got {self.lr}")

    @property
    def architecture(self) -> dict[str, Any]:
        """What the shapes and the meaning of the weights depend on: a model can begin from another only where these agree."""
        names = ("image_shape", "net", "latent_dim", "hidden" if self.net == "mlp" else "width", "classes")
        return {name: getattr(self, name) for name in names}

    @property
    def kind(self) -> str:
        return self.KIND

    @property
    def own(self) -> dict[str, Own]:
        """The networks and losses that are not the library's, by entry."""
        return {k: v for k, v in vars(self).items() if isinstance(v, Own)}

    def to_json(self) -> dict[str, Any]:
        """The entries; those that are younger than the format only where they say something."""
        young: dict[str, Any] = {entry.name: {} if entry.type == Options else entry.default for entry in fields(self)}
        return {"kind": self.kind, **{k: v for k, v in asdict(self).items() if k not in YOUNG or v != young[k]}}
