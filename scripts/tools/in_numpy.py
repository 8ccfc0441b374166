"""The book's VAE in NumPy: nothing but arrays, and the chain rule by hand."""

import math
import time

import shared  # isort: skip
import numpy as np

IMPORTED = time.process_time()


# the heart
def gelu(a):  # and its slope, which the way back needs
    below = 0.5 * (1 + np.frompyfunc(math.erf, 1, 1)(a / math.sqrt(2)).astype(a.dtype))
    return a * below, below + a * np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)


def linear(p, name, h):
    return h @ p[name + ".w"].T + p[name + ".b"]


def two_layers(p, first, second, h):
    a, slope_a = gelu(linear(p, first, h))
    b, slope_b = gelu(linear(p, second, a))
    return b, (h, a, slope_a, slope_b)


def linear_back(p, grad, name, h, g):  # g: the loss by what the layer gives
    grad[name + ".w"], grad[name + ".b"] = g.T @ h, g.sum(0)
    return g @ p[name + ".w"]  # the loss by what it was given


def two_layers_back(p, grad, first, second, kept, g):
    h, a, slope_a, slope_b = kept
    return linear_back(p, grad, first, h, linear_back(p, grad, second, a, g * slope_b) * slope_a)


def elbo_and_gradient(p, x, eps):
    grad, n = {}, len(x)
    h, kept = two_layers(p, "e1", "e2", 2 * x - 1 - p["centre"])
    mu, logvar = np.split(linear(p, "q", h), 2, axis=1)
    sigma = np.exp(logvar / 2)
    d, kept_too = two_layers(p, "d1", "d2", mu + sigma * eps)
    out = linear(p, "d3", d) + p["bias"]
    log_px = (x * out - np.logaddexp(0, out)).sum(1)
    kl = 0.5 * (mu**2 + sigma**2 - logvar - 1).sum(1)
    g = (1 / (1 + np.exp(-out)) - x) / n  # of minus the ELBO
    grad["bias"] = g.sum(0)
    g = two_layers_back(p, grad, "d1", "d2", kept_too, linear_back(p, grad, "d3", d, g))
    g = np.hstack([g + mu / n, g * eps * sigma / 2 + (sigma**2 - 1) / (2 * n)])
    two_layers_back(p, grad, "e1", "e2", kept, linear_back(p, grad, "q", h, g))
    return (log_px - kl).mean(), grad


# the end of the heart
p = shared.given()
elbo, grad = elbo_and_gradient(p, p["x"], p["eps"])
step = shared.named("step", shared.first_adam_step(p, grad))
decode = lambda z: 2 / (1 + np.exp(-linear(p, "d3", two_layers(p, "d1", "d2", z)[0]) - p["bias"])) - 1  # noqa: E731
shared.answer("NumPy", np.__version__, decode, IMPORTED, elbo=elbo, **shared.named("grad", grad), **step)
