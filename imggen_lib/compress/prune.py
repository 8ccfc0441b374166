"""Pruning: the weights with the smallest magnitudes become 0, and may stay so while the others learn on."""

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from imggen_lib.compress.quantise import layers

Masks = dict[str, Bool[Tensor, "..."]]


def smallest(model: nn.Module, share: float) -> Masks:
    """For each layer, which weights survive when the `share` of smallest magnitude is removed (rounded to whole weights).

    Source: Han and others 2015, arXiv:1506.02626.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of weights to remove must be at least 0 and below 1, got {share}")
    masks = {}
    for name, layer in layers(model):
        flat = layer.weight.detach().abs().flatten()
        keep = torch.ones_like(flat, dtype=torch.bool)
        keep[flat.argsort()[: round(share * flat.numel())]] = False
        masks[name] = keep.view_as(layer.weight)
    return masks


@torch.no_grad()
def prune(model: nn.Module, masks: Masks) -> None:
    """Set the weights that do not survive to 0, in place. Called after each step, it keeps them there while the others learn."""
    for name, layer in layers(model):
        layer.weight.mul_(masks[name])
