"""One data set in the plane, and several ways to learn to draw from it, each about thirty lines.

All methods see the same points, and each gives something with ``sample(n, noise)``; those that know how probable a point is have
``log_prob(x)`` as well. The data are a mixture whose density is known (:func:`crescents`), so what was learned can be compared with
what was to be learned, and not only looked at.
"""

from imggen_lib.theory.plane.exact import Autoregressive, CouplingFlow, learn_autoregressive, learn_flow
from imggen_lib.theory.plane.hidden import GridVAE, Maker, learn_gan, learn_vae
from imggen_lib.theory.plane.parts import Draws, Gaussian, crescents, learn_gaussian
from imggen_lib.theory.plane.steps import Denoiser, Velocity, learn_denoiser, learn_velocity
from imggen_lib.theory.plane.straighten import MeanVelocity, along, learn_mean_velocity, pairs_of, reflow

__all__ = [
    "Autoregressive",
    "CouplingFlow",
    "Denoiser",
    "Draws",
    "Gaussian",
    "GridVAE",
    "Maker",
    "MeanVelocity",
    "Velocity",
    "along",
    "crescents",
    "learn_autoregressive",
    "learn_denoiser",
    "learn_flow",
    "learn_gan",
    "learn_gaussian",
    "learn_mean_velocity",
    "learn_vae",
    "learn_velocity",
    "pairs_of",
    "reflow",
]
