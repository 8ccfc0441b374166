"""The book's VAE in JAX: pure functions, transformed by grad and jit; Adam from Optax."""

import os
import time

import shared  # isort: skip

os.environ.update(JAX_PLATFORMS="cpu", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")
import jax
import jax.numpy as jnp
import optax

IMPORTED = time.process_time()


# the heart
def linear(p, name, h):
    return h @ p[name + ".w"].T + p[name + ".b"]


def logits(p, z):
    h = jax.nn.gelu(linear(p, "d1", z), approximate=False)
    h = jax.nn.gelu(linear(p, "d2", h), approximate=False)
    return linear(p, "d3", h) + p["bias"]


def elbo(p, centre, x, eps):
    h = jax.nn.gelu(linear(p, "e1", 2 * x - 1 - centre), approximate=False)
    h = jax.nn.gelu(linear(p, "e2", h), approximate=False)
    mu, logvar = jnp.split(linear(p, "q", h), 2, axis=1)
    out = logits(p, mu + jnp.exp(logvar / 2) * eps)
    log_px = (x * out - jax.nn.softplus(out)).sum(1)
    kl = 0.5 * (mu**2 + jnp.exp(logvar) - logvar - 1).sum(1)
    return (log_px - kl).mean()


loss_and_gradient = jax.jit(jax.value_and_grad(lambda *given: -elbo(*given)))
# the end of the heart
given = {name: jnp.asarray(value) for name, value in shared.given().items()}
p = {name: given[name] for name in shared.WEIGHTS}
loss, gradient = loss_and_gradient(p, given["centre"], given["x"], given["eps"])
adam = optax.adam(shared.LR, shared.BETA1, shared.BETA2, eps=shared.EPS)
updates, _ = adam.update(gradient, adam.init(p), p)
arrays = {**shared.named("grad", gradient), **shared.named("step", optax.apply_updates(p, updates)), "elbo": -loss}
decode = jax.jit(lambda z: 2 * jax.nn.sigmoid(logits(p, z)) - 1)
shared.answer("JAX", jax.__version__, lambda z: jax.block_until_ready(decode(z)), IMPORTED, **arrays)
