"""Train in the page: a small GAN or VAE on points in the plane, as one watches.

The networks are MLPs of a few thousand weights. They are trained by plain JavaScript of our own (``js/trainer_math.js``: forward,
reverse-mode gradients, the second derivatives that R1 and the gradient penalty need, Adam), not by TensorFlow.js: that library is
over a megabyte, more than everything else on a page together, and what is taught here is small enough to be read. All numbers are
double precision, so that the tests hold every gradient against PyTorch's; the losses are those of :mod:`imggen_lib.losses.gan` and
:mod:`imggen_lib.losses.vae`, and the order of the steps is that of :func:`imggen_lib.train.gan.train_gan`.
"""

from collections.abc import Mapping

from imggen_lib.live.base import Live

#: The presets by kind, the first being the one that is shown where none is named; ``js/trainer.js`` says what each sets.
PRESETS = {
    "gan": ("r1", "collapse", "dirac", "dirac-r1", "saturated", "wgan", "wgan-gp", "relativistic"),
    "vae": ("arc", "spare", "collapse", "small-beta", "sigma"),
}


class Trainer(Live):
    """See :func:`trainer`."""

    demo = "trainer"
    parts = ("trainer_math", "trainer_games", "trainer_draw", "trainer_pen", "trainer_views")
    words = "Here a small network trains as one watches: the page needs JavaScript for it, the notebook a running cell."


def trainer(kind: str = "gan", preset: str | None = None, *, strings: Mapping[str, str] | None = None) -> Trainer:
    """Train a small GAN (``"gan"``) or VAE (``"vae"``) on points in the plane, live, with every setting in the reader's hand.

    A `preset` chooses where to start. For the GAN: ``"r1"`` (all eight modes), ``"collapse"`` (the same without a penalty),
    ``"dirac"`` and ``"dirac-r1"`` (the one-number game, without and with friction), ``"saturated"`` (the minimax loss against a
    critic that is sure), ``"wgan"`` and ``"wgan-gp"`` (a Wasserstein critic without and with a bound on its slope),
    ``"relativistic"`` (a spiral, with R1 and R2). For the VAE: ``"arc"`` (the model of the VAE chapter), ``"spare"`` (a hidden
    number too many), ``"collapse"`` (a large beta), ``"small-beta"``, ``"sigma"`` (a decoder's sigma fixed too large).

    It starts paused, and the same seed trains the same networks. `strings` replaces texts, by the keys in ``js/trainer.js``.
    Raises ``ValueError`` for another kind or preset.
    """
    if kind not in PRESETS:
        raise ValueError(f"the trainer has {' and '.join(PRESETS)}; got {kind!r}")
    if preset is None:
        preset = PRESETS[kind][0]
    if preset not in PRESETS[kind]:
        raise ValueError(f"the presets of the {kind} are {', '.join(PRESETS[kind])}; got {preset!r}")
    return Trainer({"kind": kind, "preset": preset}, strings=strings)
