"""Checkpoints: safetensors for numbers, JSON for the rest. Nothing is unpickled, nothing is half written, nothing is trusted.

A folder holds one ``checkpoint.json`` and the weights file that it names. Saving writes the new weights under a new name, then
replaces the JSON in one step, then deletes the old weights: whenever the process dies, the JSON names a whole file. The JSON
holds the configuration, the data set with its checksum, the images seen, the versions, and the weights' SHA-256.
One process at a time writes to a folder (:func:`locked`); others may read meanwhile.

``saving`` writes, ``stored`` looks at what is in the two files before anything is built from it, ``reading`` makes models of it.
The models that ship with the package are stored the same way, in half precision, with a card. See :func:`pretrained`.
A flow in the latent space of a VAE that ships has its own numbers alone: the JSON holds the SHA-256 of that VAE's weights, which
are read from where they ship, and must be these. With a VAE of one's own it has all of them.
"""

from imggen_lib.checkpoint.reading import SHIPPED as SHIPPED
from imggen_lib.checkpoint.reading import Checkpoint as Checkpoint
from imggen_lib.checkpoint.reading import _load as _load
from imggen_lib.checkpoint.reading import load as load
from imggen_lib.checkpoint.reading import pretrained as pretrained
from imggen_lib.checkpoint.reading import release as release
from imggen_lib.checkpoint.reading import shipped as shipped
from imggen_lib.checkpoint.saving import OwnNetworks as OwnNetworks
from imggen_lib.checkpoint.saving import locked as locked
from imggen_lib.checkpoint.saving import save as save
from imggen_lib.checkpoint.saving import storable as storable
from imggen_lib.checkpoint.saving import versions as versions
