"""The book's VAE in TensorFlow 2: functions, a tape for the gradient, compiled by tf.function."""

import os
import time

import shared  # isort: skip

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import tensorflow as tf

IMPORTED = time.process_time()
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


# the heart
def linear(p, name, h):
    return tf.matmul(h, p[name + ".w"], transpose_b=True) + p[name + ".b"]


def logits(p, z):
    h = tf.nn.gelu(linear(p, "d1", z), approximate=False)
    h = tf.nn.gelu(linear(p, "d2", h), approximate=False)
    return linear(p, "d3", h) + p["bias"]


@tf.function
def elbo(p, x, eps):
    h = tf.nn.gelu(linear(p, "e1", 2 * x - 1 - p["centre"]), approximate=False)
    h = tf.nn.gelu(linear(p, "e2", h), approximate=False)
    mu, logvar = tf.split(linear(p, "q", h), 2, axis=1)
    out = logits(p, mu + tf.exp(logvar / 2) * eps)
    log_px = tf.reduce_sum(x * out - tf.nn.softplus(out), 1)
    kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(logvar) - logvar - 1, 1)
    return tf.reduce_mean(log_px - kl)


# the end of the heart
p = shared.given()
given = {name: tf.Variable(p[name]) for name in shared.WEIGHTS} | {"centre": tf.constant(p["centre"])}
weights = [given[name] for name in shared.WEIGHTS]
decode = tf.function(lambda z: 2 * tf.sigmoid(logits(p, z)) - 1)
with tf.GradientTape() as tape:
    found = elbo(given, p["x"], p["eps"])
    loss = -found
gradient = tape.gradient(loss, weights)
adam = tf.keras.optimizers.Adam(shared.LR, shared.BETA1, shared.BETA2, epsilon=shared.EPS)
adam.apply_gradients(zip(gradient, weights, strict=True))
arrays = {**shared.named("grad", gradient), **shared.named("step", weights), "elbo": found}
shared.answer("TensorFlow", tf.__version__, lambda z: decode(tf.constant(z)).numpy(), IMPORTED, **arrays)
