"""What a run is, as plain data: it is built from the command line, stored in every checkpoint, and rebuilt from there.

This is the only place where strings stand for networks and losses. Inside the library, functions and modules are passed.
Those of one's own are named by module and name (:mod:`imggen_lib.own`); a class or a function that is given instead gets its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from imggen_lib import own
from imggen_lib.configs.flow import FlowConfig as FlowConfig
from imggen_lib.configs.gan import AUGMENTATIONS as AUGMENTATIONS
from imggen_lib.configs.gan import LOSSES as LOSSES
from imggen_lib.configs.gan import GanConfig as GanConfig
from imggen_lib.configs.vae import VaeConfig as VaeConfig
from imggen_lib.entries import Config as Config
from imggen_lib.entries import Thing
from imggen_lib.errors import CheckpointError, unknown_name
from imggen_lib.models.features import FeatureNet


@dataclass(frozen=True)
class FeatureConfig(Config):
    """The feature network that compares sets of images."""

    KIND: ClassVar[str] = "features"
    SETTLED: ClassVar[tuple[str, ...]] = ("net", "latent_dim", "hidden", "begin_from")

    width: int = 32
    classes: int = 10

    def build(self) -> FeatureNet:
        return FeatureNet(self.image_shape, self.classes, self.width)


#: Every kind of configuration, by the word that a checkpoint stores.
ALL: dict[str, type[Config]] = {"gan": GanConfig, "vae": VaeConfig, "flow": FlowConfig, "features": FeatureConfig}
#: Kinds of model that draw images; a feature network does not.
GENERATORS = ("gan", "vae", "flow")


def from_json(values: Mapping[str, Any], allow: own.Allow = ()) -> Any:
    """The configuration that :meth:`Config.to_json` wrote. Unknown kinds and entries are errors.

    Networks and losses of one's own are imported from the modules in `allow` alone (:func:`imggen_lib.own.permitted`).
    """
    if not isinstance(values, Mapping):
        raise CheckpointError(f"a configuration is a table of entries, got a {type(values).__name__}")
    kind = values.get("kind", "")
    if not isinstance(kind, str) or kind not in ALL:
        raise CheckpointError(unknown_name("kind of model", str(kind), ALL))
    cls = ALL[kind]
    entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "kind"}
    unknown = sorted(map(str, entries.keys() - {f.name for f in fields(cls)}))
    if unknown:
        raise CheckpointError(f"the configuration has unknown entries: {', '.join(unknown)}")
    if isinstance(within := entries.get("vae_config"), Mapping):
        entries["vae_config"] = from_json(within, allow)
    for entry in fields(cls):
        if entry.type == Thing and ":" in str(name := entries.get(entry.name, "")):
            entries[entry.name] = own.permitted(str(name), allow)
    try:
        return cls(**entries)
    except ValueError as error:
        raise CheckpointError(f"the configuration cannot be used: {error}") from error
