"""Choose while it runs: three ways to show banners race for clicks, and experiments are looked at every evening."""

from collections.abc import Mapping

from imggen_lib.live.base import Live


class BanditDemo(Live):
    """See :func:`bandit`."""

    demo = "bandit"
    parts = ("bandit_math",)
    words = (
        "A live demo stands here: three ways to choose among banners race for clicks, and a switch shows what looking at an "
        "experiment every evening does. It needs JavaScript, or a running notebook."
    )


def bandit(
    *, rate: float = 0.0046, arms: int = 4, days: int = 28, seed: int = 1, strings: Mapping[str, str] | None = None
) -> BanditDemo:
    """A race of uniform showing, A/B testing and Thompson sampling, with sliders for the traffic and for the true lift.

    One arm of `arms`, drawn by the seed, is clicked at `rate` times one plus the lift, all others at `rate`. Shown are the clicks
    lost against the best arm on each of `days` days, and which arm each policy names; after many worlds their means, with
    intervals. "Look every evening" runs a thousand experiments with two arms, alike and with the lift, and counts in how many a
    difference is called: by a z-test at the end, by one on each evening, and by an e-value on each evening.
    :mod:`imggen_lib.live.bandit_race` has the same in Python.

    Raises:
        ValueError: for a rate outside of (0, 0.3], fewer than 2 or more than 8 arms, fewer than 5 or more than 60 days.
    """
    if not 0 < rate <= 0.3:
        raise ValueError(f"the rate of clicks lies between 0 and 0.3, got {rate:g}")
    if not 2 <= arms <= 8:
        raise ValueError(f"a race has from 2 to 8 arms, got {arms}")
    if not 5 <= days <= 60:
        raise ValueError(f"a race takes from 5 to 60 days, got {days}")
    return BanditDemo({"rate": rate, "arms": arms, "days": days, "seed": seed}, strings=strings)
