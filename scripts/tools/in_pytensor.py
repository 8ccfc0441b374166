"""The book's VAE in PyTensor, which is what became of Theano: the same program, other imports. Numba compiles it now."""

import time

import shared  # isort: skip

# the heart
import pytensor as theano
import pytensor.tensor as T
from pytensor.tensor import sigmoid, softplus

IMPORTED = time.process_time()
theano.config.floatX = "float32"  # otherwise a literal number makes float64 of what it meets


def gelu(a):
    return 0.5 * a * (1 + T.erf(a / 2**0.5))


def linear(p, name, h):
    return T.dot(h, p[name + ".w"].T) + p[name + ".b"]


def logits(p, z):
    return linear(p, "d3", gelu(linear(p, "d2", gelu(linear(p, "d1", z))))) + p["bias"]


def elbo(p, centre, x, eps):
    h = gelu(linear(p, "e2", gelu(linear(p, "e1", 2 * x - 1 - centre))))
    both = linear(p, "q", h)
    mu, logvar = both[:, :50], both[:, 50:]
    out = logits(p, mu + T.exp(logvar / 2) * eps)
    log_px = (x * out - softplus(out)).sum(axis=1)
    kl = 0.5 * (mu**2 + T.exp(logvar) - logvar - 1).sum(axis=1)
    return (log_px - kl).mean()


# the end of the heart
given = shared.given()
p = {name: theano.shared(given[name], name) for name in shared.WEIGHTS}
x, eps, z = T.fmatrix("x"), T.fmatrix("eps"), T.fmatrix("z")
bound = elbo(p, given["centre"], x, eps)
weights = [p[name] for name in shared.WEIGHTS]
gradient = T.grad(-bound, weights)
stepped = shared.first_adam_step(p, {name: gradient[k] for k, name in enumerate(shared.WEIGHTS)})
decode = theano.function([z], 2 * sigmoid(logits(p, z)) - 1)
training = theano.function([x, eps], [bound, *gradient, *(stepped[name] for name in shared.WEIGHTS)])
found = training(given["x"], given["eps"])
arrays = dict(shared.named("grad", found[1:14]), elbo=found[0], **shared.named("step", found[14:]))
shared.answer("PyTensor", theano.__version__, decode, IMPORTED, **arrays)
