"""Flow matching in the page: a network learns in which direction points move from noise to data, as one watches.

The network is that of :class:`imggen_lib.theory.plane.Velocity`; its training, the solvers, reflow and all numbers are plain
JavaScript (``js/flow_math.js``) over the small networks, gradients, Adam and data of the trainer demo (``js/trainer_math.js``,
``js/trainer_games.js``). The tests hold each against PyTorch in double precision.
"""

from collections.abc import Mapping

from imggen_lib.live.base import Live

#: The data that the demo offers, the first being the one that is shown where none is named.
DATA = ("moons", "ring", "grid", "spiral", "line", "arc", "drawn")
#: What may stand beside the flow, on the same data and axes.
BESIDE = ("gan", "vae")


class FlowDemo(Live):
    """See :func:`flow`."""

    demo = "flow"
    parts = ("solvers", "trainer_math", "trainer_games", "trainer_draw", "trainer_pen", "flow_math", "flow_words", "flow_views")
    words = (
        "A live demo stands here: a network learns to carry noise to data, its field and paths are seen, and reflow straightens "
        "them. It needs JavaScript, or a running notebook."
    )


def flow(data: str = "moons", beside: str = "gan", *, strings: Mapping[str, str] | None = None) -> FlowDemo:
    r"""Train a velocity network on points in the plane, live; follow its field from noise to data, and straighten the paths.

    .. math:: \min_v\; E\lVert v(x_t, t) - (x_1 - x_0)\rVert^2, \qquad x_t = (1-t)\,x_0 + t\,x_1, \qquad \frac{dx}{dt} = v(x, t)

    `data` is ``"moons"``, ``"ring"``, ``"grid"``, ``"spiral"``, ``"line"``, ``"arc"`` or ``"drawn"`` (a heart, until the reader
    draws). The reader moves time, chooses the solver (Euler, midpoint, Heun) and 1 to 50 steps, and presses Reflow: the network
    then learns from pairs of noise and what it flows to. `beside` it, a ``"gan"`` or a ``"vae"`` trains on the same data, and all
    are measured by their energy distance to the data, next to that of real points and of a fitted Gaussian. It starts paused,
    and the same seed trains the same networks. `strings` replaces texts, by the keys in ``js/flow_words.js``. Sources: Lipman et
    al. 2023, arXiv:2210.02747; reflow: Liu et al. 2023, arXiv:2209.03003.

    Raises:
        ValueError: for other data, or something else beside it.
    """
    if data not in DATA:
        raise ValueError(f"the data of the flow are {', '.join(DATA)}; got {data!r}")
    if beside not in BESIDE:
        raise ValueError(f"beside the flow stands a {' or a '.join(BESIDE)}; got {beside!r}")
    return FlowDemo({"data": data, "beside": beside}, strings=strings)
