"""The book's VAE in Equinox: JAX with models that are plain trees of arrays."""

import os
import time

import shared  # isort: skip

os.environ.update(JAX_PLATFORMS="cpu", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")
import equinox as eqx
import jax
import jax.numpy as jnp
import optax

IMPORTED = time.process_time()


# the heart
def dense(p, name):
    weight, bias = jnp.asarray(p[name + ".w"]), jnp.asarray(p[name + ".b"])
    layer = eqx.nn.Linear(weight.shape[1], weight.shape[0], key=jax.random.key(0))
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (weight, bias))


def gelu(a):
    return jax.nn.gelu(a, approximate=False)


class VAE(eqx.Module):  # for one image; jax.vmap makes it work on many
    layers: dict
    bias: jax.Array

    def decode(self, z):
        return self.layers["d3"](gelu(self.layers["d2"](gelu(self.layers["d1"](z))))) + self.bias

    def __call__(self, x, eps, centre):
        h = gelu(self.layers["e2"](gelu(self.layers["e1"](2 * x - 1 - centre))))
        mu, logvar = jnp.split(self.layers["q"](h), 2)
        out = self.decode(mu + jnp.exp(logvar / 2) * eps)
        log_px = (x * out - jax.nn.softplus(out)).sum()
        return log_px - 0.5 * (mu**2 + jnp.exp(logvar) - logvar - 1).sum()


# the end of the heart
p = shared.given()
model = VAE({name: dense(p, name) for name in ("e1", "e2", "q", "d1", "d2", "d3")}, jnp.asarray(p["bias"]))
mean_loss = lambda model: -jax.vmap(lambda x, eps: model(x, eps, p["centre"]))(p["x"], p["eps"]).mean()  # noqa: E731
loss, gradient = eqx.filter_jit(eqx.filter_value_and_grad(mean_loss))(model)
adam = optax.adam(shared.LR, shared.BETA1, shared.BETA2, eps=shared.EPS)
updates, _ = adam.update(gradient, adam.init(eqx.filter(model, eqx.is_array)))
decode = eqx.filter_jit(lambda model, z: 2 * jax.nn.sigmoid(jax.vmap(model.decode)(z)) - 1)


def arrays(prefix, tree):
    long = {"w": "weight", "b": "bias"}
    found = {n: getattr(tree.layers[n.split(".")[0]], long[n[-1]]) for n in shared.WEIGHTS[:-1]} | {"bias": tree.bias}
    return shared.named(prefix, found)


both = {**arrays("grad", gradient), **arrays("step", eqx.apply_updates(model, updates)), "elbo": -loss}
shared.answer("Equinox", eqx.__version__, lambda z: jax.block_until_ready(decode(model, z)), IMPORTED, **both)
