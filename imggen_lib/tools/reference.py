r"""What every tool is given and what it must find: the weights of ``mnist-vae-mlp``, a hundred latents, a hundred images.

No data set is needed: the images are digits of ``mnist-gan-classes``, computed in float64 and cut at grey. Arrays have short
names: ``e1.w`` and ``e1.b`` are the encoder's first layer (out, in), ``q`` the posterior, ``d1`` to ``d3`` the decoder, ``bias``
the pixels' bias, ``centre`` what is taken off the images. ``g1`` to ``g3`` are the generator ``mnist-gan-article``, for tools that
know only the layers of 2014.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor, nn

from imggen_lib.checkpoint import pretrained
from imggen_lib.losses.vae import bernoulli_log_prob, standard_normal_kl
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for, latents

Arrays = dict[str, np.ndarray]
N = 100  #: latents, and images
#: Adam as PyTorch has it by default, but for the rate.
ADAM = {"lr": 1.5e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
#: The trainable arrays by their names in the model.
NAMES = {
    "encoder.1.0.weight": "e1.w",
    "encoder.1.0.bias": "e1.b",
    "encoder.1.2.weight": "e2.w",
    "encoder.1.2.bias": "e2.b",
    "posterior.weight": "q.w",
    "posterior.bias": "q.b",
    "decoder.0.weight": "d1.w",
    "decoder.0.bias": "d1.b",
    "decoder.2.weight": "d2.w",
    "decoder.2.bias": "d2.b",
    "decoder.4.weight": "d3.w",
    "decoder.4.bias": "d3.b",
    "bias": "bias",
}
_GENERATOR = {f"net.{2 * k}.{whole}": f"g{k + 1}.{whole[0]}" for k in range(3) for whole in ("weight", "bias")}


def _vae() -> VAE:
    model = pretrained("mnist-vae-mlp").model()
    assert isinstance(model, VAE)
    return model


def digits(n: int = N) -> Tensor:
    """Binary images ``(n, 1, 28, 28)`` of 0 and 1, the classes in turn: generated ones, cut at grey, the same on every machine."""
    model = pretrained("mnist-gan-classes").model().double()
    z = latents(range(n), model.latent_dim).double()
    with torch.no_grad():
        return (model(z, torch.arange(n) % 10) > 0).double()


def inputs() -> Arrays:
    """All that a tool is given, float32.

    The weights in PyTorch's layout, latents ``z`` and noise ``eps`` (100, 50), binary images ``x`` (100, 784), ``gz`` (100, 64).
    """
    vae, generator = _vae(), pretrained("mnist-gan-article").model()
    saved = vae.state_dict()
    arrays = {short: saved[name].flatten() if short == "bias" else saved[name] for name, short in NAMES.items()}
    arrays["centre"] = saved["encoder.0.centre"].flatten()
    arrays |= {short: generator.state_dict()[name] for name, short in _GENERATOR.items()}
    arrays["z"], arrays["gz"] = latents(range(N), vae.latent_dim), latents(range(N), 64)
    arrays["eps"] = torch.randn(N, vae.latent_dim, generator=generator_for(1))
    arrays["x"] = digits().flatten(1)
    return {name: value.detach().float().contiguous().numpy() for name, value in arrays.items()}


def digest(arrays: Arrays) -> str:
    """SHA-256 over names, shapes and bytes (little-endian float32): ties a record to what was given."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].shape} ".encode() + np.ascontiguousarray(arrays[name], "<f4").tobytes())
    return found.hexdigest()


def model_of(arrays: Arrays, dtype: torch.dtype = torch.float64) -> VAE:
    """The VAE with the weights of `arrays`, as a PyTorch model."""
    model = _vae().to(dtype).requires_grad_()
    long = {name: torch.tensor(arrays[short]).to(dtype) for name, short in NAMES.items()}
    long["encoder.0.centre"] = torch.tensor(arrays["centre"]).to(dtype)
    model.load_state_dict({name: value.view_as(model.state_dict()[name]) for name, value in long.items()})
    return model


def expected(arrays: Arrays, dtype: torch.dtype = torch.float64) -> Arrays:
    """What the library finds for `arrays`.

    ``pixels`` (100, 784) of ``z`` and ``generated`` of ``gz``, in [-1, 1]; ``elbo`` in nats; ``grad.NAME`` of minus the ELBO; and
    ``step.NAME``, the weights after one step of Adam.
    """
    model = model_of(arrays, dtype)
    given = {name: torch.tensor(arrays[name]).to(dtype) for name in ("z", "gz", "eps", "x")}
    with torch.no_grad():
        pixels = model.images(model.decode(given["z"])).flatten(1)
        h = given["gz"]
        for k in (1, 2, 3):
            h = nn.functional.linear(h, *(torch.tensor(arrays[f"g{k}.{part}"]).to(dtype) for part in "wb"))
            h = nn.functional.leaky_relu(h, 0.2) if k < 3 else h.tanh()
    found = {"pixels": pixels, "generated": h}
    x = given["x"].view(-1, 1, 28, 28)
    out = model(2 * x - 1, eps=given["eps"])
    elbo = (bernoulli_log_prob(x, out.decoded) - standard_normal_kl(out.mu, out.logvar)).mean()
    adam = torch.optim.Adam(model.parameters(), ADAM["lr"], (ADAM["beta1"], ADAM["beta2"]), ADAM["eps"])
    (-elbo).backward()
    adam.step()
    found["elbo"] = elbo.detach()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        found["grad." + NAMES[name]], found["step." + NAMES[name]] = parameter.grad, parameter.detach()
    return {name: value.numpy().reshape(arrays[name[5:]].shape if "." in name else value.shape) for name, value in found.items()}
