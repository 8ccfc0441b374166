"""Networks and losses of one's own: the name that a checkpoint stores, the permission to load it, and what they must be able to do.

A configuration holds ``"my_package.nets:Generator"``, a module and a class or function in it, and plain numbers and words for it.
Code is never stored and never unpickled. To import a module runs it, so that a name in somebody's file must not be enough: what
is read from a checkpoint is imported only from modules that the caller names (``allow``) and from :mod:`imggen_lib.models`, and
before that nothing is.
"""

import inspect
import re
import sys
from collections.abc import Collection, Mapping
from importlib import import_module
from math import prod
from reprlib import repr as shown
from types import FunctionType
from typing import Any, cast

import torch
from torch import nn

from imggen_lib.checks import attribute
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.losses.gan import GanLoss
from imggen_lib.machine import evaluating
from imggen_lib.models.blocks import Shape
from imggen_lib.models.vae import VAE

Allow = Collection[str] | Mapping[str, Any]  # names of modules; or what a name means, without any import
_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)
_FORM = "is named 'module:Name', as in my_package.nets:Generator"


class Own(str):
    """The name of a class, a function or a loss, with what it names; ``Own("mine:Generator", Generator)`` gives it one.

    `make` builds the network (or is the loss); `why` says why no other program could find it under this name, if that is so.
    """

    make: Any
    why: str

    def __new__(cls, name: str, make: Any = None, why: str = "") -> "Own":
        if not why and not _NAME.fullmatch(name):
            raise ValueError(f"a network or loss of your own {_FORM}; got {shown(name)}")
        self = super().__new__(cls, name)
        self.make, self.why = make, why
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:  # for copies and pickles
        return str(self), self.make, self.why


def own(thing: Any) -> Own:
    """`thing`, a class, a function, a loss, or the name of one, which is imported at once: whoever calls this wrote it."""
    if isinstance(thing, Own):
        return thing
    if isinstance(thing, str):
        return Own(thing, _imported(thing))
    module = getattr(thing.critic if isinstance(thing, GanLoss) else thing, "__module__", "") or ""
    if isinstance(thing, GanLoss):  # a value does not know its name: it is the one that its module gives it
        names = [k for k, v in vars(sys.modules.get(module, object)).items() if v is thing]
        path = names[0] if names else f"{thing.name} (no name in {module})"
    else:
        path = getattr(thing, "__qualname__", type(thing).__name__)
    name, why = f"{module}:{path}", ""
    if module == "__main__":
        why = f"{path} is defined in the program itself (__main__)"
    elif not _NAME.fullmatch(name) or getattr(sys.modules.get(module), path, None) is not thing:
        why = f"{path} is not a name in the module {module}"
    if why:
        why += ", where another program does not find it: define it in a module, or name it, Own('my_nets:Name', ...)"
    return Own(name, thing, why)


def permitted(name: str, allow: Allow) -> Own:
    """What a checkpoint's `name` means, if `allow` says so. Raises :class:`CheckpointError`, before any import, if it does not."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise CheckpointError(f"a network or loss of one's own {_FORM}; the checkpoint has {shown(str(name))}")
    if isinstance(allow, Mapping) and allow.get(name) is not None:
        return Own(name, allow[name])
    of_the_book = found[1].startswith("imggen_lib.models.")  # networks of the library's own: nobody else's code
    if not of_the_book and found[1] not in ({allow} if isinstance(allow, str) else set(allow)):
        raise CheckpointError(
            f"it wants {name}, code that is not of imggen_lib; if you trust the module {found[1]}, allow it to be imported: "
            f"allow={{{found[1]!r}}}, or --allow {found[1]} on the command line"
        )
    try:
        return Own(name, _imported(name))
    except ValueError as error:
        raise CheckpointError(str(error)) from error


def _imported(name: str) -> Any:
    """The class, function or loss of that name, which must be defined in the package that the name says."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"a network or loss of your own {_FORM}; got {shown(name)}")
    module, path = found.groups()
    try:
        inside = import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise ValueError(f"{name}: Python finds no module {error.name}; start where it is, or set PYTHONPATH") from None
        raise ValueError(f"{name}: the module {module} needs {error.name}, which is not installed") from error
    if path not in vars(inside):
        public = [k for k, v in vars(inside).items() if isinstance(v, type | FunctionType | GanLoss) and not k.startswith("_")]
        raise ValueError(unknown_name(f"name in {module}", path, public))
    thing = vars(inside)[path]
    home = module if isinstance(thing, GanLoss) else str(getattr(thing, "__module__", ""))
    network = isinstance(thing, type) and issubclass(thing, nn.Module)
    if not (network or isinstance(thing, FunctionType | GanLoss)) or home.partition(".")[0] != module.partition(".")[0]:
        raise ValueError(f"{name} is no network, no function and no GanLoss that is defined in {module.partition('.')[0]}")
    return thing


def built(thing: Own, **arguments: Any) -> Any:
    """What the class or function makes. ``ValueError`` where it does not take these keywords."""
    if not callable(thing.make):
        raise ValueError(f"{thing} is a {type(thing.make).__name__}, which takes no options and makes no network")
    try:
        inspect.signature(thing.make).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{thing} is called with the keywords {', '.join(arguments)}: {error}") from None
    return thing.make(**arguments)


def generator(thing: Own, options: Mapping[str, Any], image_shape: Shape, latent_dim: int, classes: int) -> nn.Module:
    """The generator of one's own, checked."""
    net = built(thing, image_shape=image_shape, latent_dim=latent_dim, classes=classes, **options)
    check_generator(net, thing, image_shape, latent_dim, classes)
    return cast("nn.Module", net)


def critic(thing: Own, options: Mapping[str, Any], image_shape: Shape, classes: int) -> nn.Module:
    """The critic of one's own, checked."""
    net = built(thing, image_shape=image_shape, classes=classes, **options)
    check_critic(net, thing, image_shape, classes)
    return cast("nn.Module", net)


def vae(thing: Own, options: Mapping[str, Any], image_shape: Shape, latent_dim: int, classes: int, likelihood: str) -> VAE:
    """The VAE of one's own, checked."""
    shapes: dict[str, Any] = {"image_shape": image_shape, "latent_dim": latent_dim, "classes": classes, "likelihood": likelihood}
    net = built(thing, **shapes, **options)
    check_vae(net, thing, **shapes)
    return cast("VAE", net)


def velocity(thing: Own, options: Mapping[str, Any], image_shape: tuple[int, ...], classes: int) -> nn.Module:
    """The velocity network of one's own, checked; of codes, ``image_shape`` is ``(d,)``."""
    net = built(thing, image_shape=image_shape, classes=classes, **options)
    check_velocity(net, thing, image_shape, classes)
    return cast("nn.Module", net)


def loss(thing: Own, options: Mapping[str, Any]) -> GanLoss:
    """The loss: the value of that name, or what the function of that name makes of the options; tried on four logits."""
    found = thing.make if isinstance(thing.make, GanLoss) and not options else built(thing, **options)
    if not isinstance(found, GanLoss):
        raise ValueError(f"{thing} must be a GanLoss or a function that returns one, got a {type(found).__name__}")
    logits = torch.zeros(2)
    for player in ("critic", "generator"):
        value = getattr(found, player)(logits, logits)
        if not isinstance(value, torch.Tensor) or value.shape != ():
            shape = tuple(value.shape) if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
            raise ValueError(f"{thing}: the {player}'s loss must be one number for two sets of logits (n,), got {shape}")
    return found


def check_generator(net: Any, name: str, image_shape: tuple[int, ...], latent_dim: int, classes: int) -> None:
    """Raises ``ValueError`` unless `net` has these attributes and makes images ``(n, c, h, w)`` of ``(z, labels=None)``."""
    _check_has(net, name, image_shape=image_shape, latent_dim=latent_dim, classes=classes)
    made = _tried(net, name, torch.linspace(-1, 1, 2 * latent_dim).view(2, -1), classes, "z")
    if not isinstance(made, torch.Tensor) or tuple(made.shape) != (2, *image_shape):
        raise ValueError(
            f"{name} must make images (n, {', '.join(map(str, image_shape))}) of n latents, for 2 it made {_got(made)}"
        )


def check_critic(net: Any, name: str, image_shape: tuple[int, ...], classes: int) -> None:
    """Raises ``ValueError`` unless `net` has these attributes and gives logits ``(n,)`` of ``(images, labels=None)``."""
    _check_has(net, name, image_shape=image_shape, classes=classes)
    made = _tried(net, name, _two(image_shape), classes, "images")
    if not isinstance(made, torch.Tensor) or tuple(made.shape) != (2,):
        raise ValueError(f"{name} must give one logit an image, shape (n,), for 2 images it gave {_got(made)}")


def check_vae(net: Any, name: str, image_shape: tuple[int, ...], latent_dim: int, classes: int, likelihood: str) -> None:
    """Raises ``ValueError`` unless `net` is a ``VAE`` with these attributes that encodes and decodes two images."""
    if not isinstance(net, VAE):
        raise ValueError(
            f"{name} must make a VAE (imggen_lib.models.vae) with an encoder and a decoder, got a {type(net).__name__}"
        )
    _check_has(net, name, image_shape=image_shape, latent_dim=latent_dim, classes=classes, likelihood=likelihood)
    out = _tried(net, name, _two(image_shape), classes, "images")
    if tuple(out.decoded.shape) != (2, *image_shape) or tuple(out.mu.shape) != (2, latent_dim):
        raise ValueError(f"{name} must decode to the shape {image_shape}, got {_got(out.decoded)} of 2 images")


def check_velocity(net: Any, name: str, image_shape: tuple[int, ...], classes: int) -> None:
    """Raises ``ValueError`` unless `net` has these attributes and gives a velocity an image of ``(x, t, labels=None)``."""
    _check_has(net, name, image_shape=image_shape, classes=classes)
    x, y = _two(image_shape), torch.arange(2) % classes if classes else None
    try:
        inspect.signature(net.forward).bind(x, x.flatten(1)[:, 0], labels=y)
    except TypeError as error:
        raise ValueError(f"{name}: forward must be called as forward(x, t, labels=None): {error}") from None
    weight = next(net.parameters())
    with torch.no_grad(), torch.random.fork_rng(devices=[]), evaluating(net):
        try:
            made = net(x.to(weight), x.new_tensor([0.0, 0.5]).to(weight), None if y is None else y.to(weight.device))
        except (RuntimeError, IndexError) as error:
            words = " ".join(str(error).split())[:200]
            raise ValueError(f"{name} cannot compute images of the shape {tuple(x.shape)}: {words}") from error
    if not isinstance(made, torch.Tensor) or made.shape != x.shape:
        raise ValueError(f"{name} must give a velocity in the shape of the images {tuple(x.shape)}, it gave {_got(made)}")


def _two(image_shape: tuple[int, ...]) -> torch.Tensor:
    return torch.linspace(-1, 1, 2 * prod(image_shape)).view(2, *image_shape)


def _got(made: Any) -> str:
    return f"the shape {tuple(made.shape)}" if isinstance(made, torch.Tensor) else f"a {type(made).__name__}"


def _check_has(net: Any, name: str, **wanted: Any) -> None:
    if not isinstance(net, nn.Module):
        raise ValueError(f"{name} must make a torch.nn.Module, it made a {type(net).__name__}")
    for key, value in wanted.items():
        has = attribute(net, key)
        if (tuple(has) if isinstance(has, list) else has) != value:
            raise ValueError(f"{name} has {key} = {has}, the configuration has {value}")
    if next(net.parameters(), None) is None:
        raise ValueError(f"{name} has no parameters: nothing in it can learn")


def _tried(net: nn.Module, name: str, x: torch.Tensor, classes: int, what: str) -> Any:
    """What the network makes of two, in evaluation mode, which leaves it and PyTorch's random numbers as they were."""
    y = torch.arange(2) % classes if classes else None
    try:
        given = inspect.signature(net.forward).bind(x, y)
        if inspect.signature(net.forward).bind(x, labels=y).arguments.keys() != given.arguments.keys():
            raise TypeError("the labels are its second argument")
    except TypeError as error:
        raise ValueError(f"{name}: forward must be called as forward({what}, labels=None): {error}") from None
    weight = next(net.parameters())
    with torch.no_grad(), torch.random.fork_rng(devices=[]), evaluating(net):
        try:
            return net(x.to(weight), None if y is None else y.to(weight.device))
        except (RuntimeError, IndexError) as error:
            words = " ".join(str(error).split())[:200]
            raise ValueError(f"{name} cannot compute {what} of the shape {tuple(x.shape)}: {words}") from error
