"""A flow in the latent space of a VAE, in the page: the same noise decoded straight away, by the flow, and in one step.

``latent_math.js`` computes the network of :mod:`imggen_lib.live.latent_file`, a test holds it against PyTorch.
"""

from collections.abc import Mapping
from typing import Any

from imggen_lib.checkpoint import pretrained
from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.latent_codes import NAME
from imggen_lib.live.latent_file import FLOW, SHIPPED, STUDENT
from imggen_lib.live.shipped import packed_file
from imggen_lib.ode import SOLVERS

MOST_STEPS, MOST_GUIDANCE = 16, 4


class LatentDemo(Live):
    """See :func:`latent`."""

    demo = "latent"
    parts = ("product", "net", "rows", "solvers", "picture", "latent_math", "latent_views")
    words = (
        "A live demo stands here: noise becomes a code and the code a digit, straight away, by a flow, and in one step. It needs "
        "JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def latent(
    digit: int = 3, *, solver: str | None = None, steps: int | None = None, guidance: float | None = None, seed: int = 1,
    strings: Mapping[str, str] | None = None,
) -> LatentDemo:  # fmt: skip
    r"""Six noises, drawn three ways by one decoder: as codes, moved by the latent flow, and by its student in one step.

    .. math:: z = c + s\,x_1, \qquad \frac{dx}{dt} = v(x, t) + w\,\big(v_c(x, t) - v(x, t)\big), \qquad x_0 = \varepsilon

    The reader chooses the digit, the solver (Euler, midpoint, Heun) with 1 to 16 steps, the weight of guidance from 0 to 4 and the
    seed, and moves time; what is not given is as the shipped flow has it. A plane shows where codes of training images are, and a
    number how far each code is from those of its class (:func:`imggen_lib.live.latent_codes.distances`). The decoder comes with the
    page, flow and student when the reader asks for them.

    Raises:
        ValueError: for a digit that there is none of, an unknown solver, and steps, guidance or a seed out of range.
    """
    config = pretrained(SHIPPED[FLOW]).config
    solver = config.solver if solver is None else solver
    steps = config.steps if steps is None else steps
    guidance = config.guidance if guidance is None else guidance
    if digit not in range(config.classes):
        raise ValueError(f"the digits are 0 to {config.classes - 1}; got {digit!r}")
    if solver not in SOLVERS:
        raise ValueError(unknown_name("solver", str(solver), SOLVERS))
    if steps not in range(1, MOST_STEPS + 1) or not 0 <= guidance <= MOST_GUIDANCE:
        raise ValueError(f"steps are from 1 to {MOST_STEPS} and guidance from 0 to {MOST_GUIDANCE}; got {steps} and {guidance}")
    if seed not in range(100_000):
        raise ValueError(f"the seed is a whole number from 0 to 99999; got {seed!r}")
    files = {"model": config.vae, "real": NAME, "later": [FLOW, STUDENT]}
    chosen = {"digit": digit, "solver": solver, "steps": steps, "guidance": guidance, "seed": seed}
    return LatentDemo({**files, **chosen}, strings=strings)
