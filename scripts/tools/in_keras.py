"""The book's VAE in Keras 3; the environment variable KERAS_BACKEND says on what: tensorflow, jax or torch."""

import os
import time

import shared  # isort: skip

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", JAX_PLATFORMS="cpu")
import keras
from keras import ops

IMPORTED = time.process_time()
p = shared.given()


# the heart
def dense(name, activation=None):  # Keras keeps kernels as (in, out)
    start = [keras.initializers.Constant(a) for a in (p[name + ".w"].T, p[name + ".b"])]
    return keras.layers.Dense(len(p[name + ".b"]), activation, kernel_initializer=start[0], bias_initializer=start[1])


def gelu(a):
    return ops.gelu(a, approximate=False)


class Sample(keras.layers.Layer):  # draws z, and adds the KL term to the loss
    def call(self, mu_logvar, eps):
        mu, logvar = ops.split(mu_logvar, 2, axis=1)
        self.add_loss(ops.mean(0.5 * ops.sum(mu**2 + ops.exp(logvar) - logvar - 1, axis=1)))
        return mu + ops.exp(logvar / 2) * eps


class Bias(keras.layers.Layer):
    def build(self, shape):
        self.bias = self.add_weight(shape=(784,), initializer=keras.initializers.Constant(p["bias"]), name="bias")

    def call(self, h):
        return h + self.bias


decoder = keras.Sequential([dense("d1", gelu), dense("d2", gelu), dense("d3"), Bias()])
x, eps = keras.Input((784,)), keras.Input((50,))
mu_logvar = dense("q")(dense("e2", gelu)(dense("e1", gelu)(2 * x - 1 - p["centre"])))
vae = keras.Model([x, eps], decoder(Sample()(mu_logvar, eps)))
adam = keras.optimizers.Adam(shared.LR, shared.BETA1, shared.BETA2, epsilon=shared.EPS)
vae.compile(adam, loss=lambda x, out: ops.sum(ops.softplus(out) - x * out, axis=1))
# the end of the heart
z = keras.Input((50,))
pixels, before = keras.Model(z, 2 * ops.sigmoid(decoder(z)) - 1), vae.get_weights()
elbo = -vae.train_on_batch([p["x"], p["eps"]], p["x"])
turned = lambda values: [value.T if value.ndim == 2 else value for value in map(ops.convert_to_numpy, values)]  # noqa: E731
step = shared.named("step", turned(vae.get_weights()))
# Keras hides its gradient, but Adam's first average is a tenth of it after one step.
gradient = shared.named("grad", [m / (1 - shared.BETA1) for m in turned(adam._momentums)])
vae.set_weights(before)
name = f"Keras on {keras.backend.backend()}"
shared.answer(name, keras.__version__, pixels.predict_on_batch, IMPORTED, elbo=elbo, **gradient, **step)
