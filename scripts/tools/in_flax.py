"""The book's VAE in Flax (nnx): JAX with modules that hold their weights."""

import os
import time

import shared  # isort: skip

os.environ.update(JAX_PLATFORMS="cpu", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")
import flax
import jax
import jax.numpy as jnp
import optax
from flax import nnx

IMPORTED = time.process_time()


# the heart
class VAE(nnx.Module):
    def __init__(self, p):
        for name in ("e1", "e2", "q", "d1", "d2", "d3"):  # Flax keeps kernels as (in, out)
            kernel, bias = p[name + ".w"].T, p[name + ".b"]
            layer = nnx.Linear(*kernel.shape, rngs=nnx.Rngs(0))
            layer.kernel[...], layer.bias[...] = kernel, bias
            setattr(self, name, layer)
        self.bias = nnx.Param(jnp.asarray(p["bias"]))

    def decode(self, z):
        h = nnx.gelu(self.d1(z), approximate=False)
        return self.d3(nnx.gelu(self.d2(h), approximate=False)) + self.bias

    def __call__(self, x, eps, centre):
        h = nnx.gelu(self.e1(2 * x - 1 - centre), approximate=False)
        mu, logvar = jnp.split(self.q(nnx.gelu(self.e2(h), approximate=False)), 2, axis=1)
        out = self.decode(mu + jnp.exp(logvar / 2) * eps)
        log_px = (x * out - nnx.softplus(out)).sum(1)
        return (log_px - 0.5 * (mu**2 + jnp.exp(logvar) - logvar - 1).sum(1)).mean()


# the end of the heart
p = shared.given()
model = VAE(p)
optimiser = nnx.Optimizer(model, optax.adam(shared.LR, shared.BETA1, shared.BETA2, eps=shared.EPS), wrt=nnx.Param)
decode = nnx.jit(lambda model, z: 2 * nnx.sigmoid(model.decode(z)) - 1)
loss, gradient = nnx.value_and_grad(lambda model: -model(p["x"], p["eps"], p["centre"]))(model)
before = VAE(p)
optimiser.update(model, gradient)


def arrays(prefix, state):
    found = {name: getattr(state, name[:2].rstrip("."))["kernel" if name[-1] == "w" else "bias"] for name in shared.WEIGHTS[:-1]}
    return shared.named(prefix, {n: v[...].T for n, v in found.items()} | {"bias": state.bias[...]})


both = {**arrays("grad", gradient), **arrays("step", nnx.state(model)), "elbo": -loss}
shared.answer("Flax", flax.__version__, lambda z: jax.block_until_ready(decode(before, z)), IMPORTED, **both)
