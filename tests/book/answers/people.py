"""What is tried on the exercises of `book/evaluation/people.md`."""


def _apart(value: str) -> str:
    return f"def apart(on_left, on_right):\n    one, two = torch.logit(on_left), torch.logit(on_right)\n    return {value}"


def _bootstrap(draws: str, value: str) -> str:
    return f"def bootstrap(shares, resamples, generator):\n    n = len(shares)\n    means = {draws}\n    return {value}"


_WHO = "shares[torch.randint(n, (resamples, n), generator=generator)].mean(1)"
_ENDS = "means.quantile(0.025), means.quantile(0.975)"

ANSWERS = {
    "check_nine": {
        "right": [
            "from fractions import Fraction\nanswer = float(Fraction(11, 512))",
            "answer = 22 / 1024",
            "import numpy as np\nanswer = np.float32(0.0215)",
            "answer = torch.tensor(2 * (comb(10, 9) + comb(10, 10)) / 2**10)",
        ],
        "wrong": [
            ("answer = 10 / 1024", "what about ten"),
            ("answer = 11 / 1024", "one side"),
            ("answer = 20 / 1024", "without the extreme cases"),
            ("answer = 2 / 1024", "nine counts as well"),
            ("answer = 2.15", "not per cent"),
            ("answer = 1.2", "between 0 and 1"),
            ("answer = 0.9", "count the sequences"),
            ("answer = 22 / (2**10 - 1)", "in 1,024 ways"),
        ],
    },
    "check_worth": {
        "right": [
            "answer = [127.6596, 56.0748]",
            "import numpy as np\nanswer = 300 / (1 + (np.array([10, 30]) - 1) * 0.15)",
            "answer = 300 / (1 + torch.tensor([9.0, 29.0]) * 0.15)",
            "answer = 30 * 10 / 2.35, 10 * 30 / 5.35",
        ],
        "wrong": [
            ("answer = 56.0748, 127.6596", "more people must be worth more"),
            ("answer = 2.35, 5.35", "design effects"),
            ("answer = 300 / (1 + 10 * 0.15), 300 / (1 + 30 * 0.15)", "m - 1, not m"),
            ("answer = 127.66", "two numbers"),
            ("answer = 705, 300", "less than 300"),
            ("answer = 45, 30", "divide by the design effect"),
            ("answer = 128, 56", "divide by the design effect"),
        ],
    },
    "check_apart": {
        "right": [
            _apart("torch.stack([(one + two) / 2, (one - two) / 2])"),
            _apart("[float((one + two) / 2), float((one - two) / 2)]"),
            (
                "from math import log\ndef apart(on_left, on_right):\n"
                "    a, b = (log(p / (1 - p)) for p in (on_left, on_right))\n"
                "    return 0.5 * (a + b), 0.5 * (a - b)"
            ),
            (
                "import numpy as np\ndef apart(on_left, on_right):\n"
                "    p = np.array([float(on_left), float(on_right)])\n"
                "    x = np.log(p / (1 - p))\n    return x.mean(), (x[0] - x[1]) / 2"
            ),
        ],
        "wrong": [
            (_apart("(-(one + two) / 2, (one - two) / 2)"), "the sign of d"),
            (_apart("(one + two, one - two)"), "b should be"),
            (_apart("((one + two) / 2, (two - one) / 2)"), "the sign of b"),
            (_apart("((one - two) / 2, (one + two) / 2)"), "d comes first"),
            (_apart("(one + two) / 2"), "two numbers"),
            (_apart("((on_left + on_right) / 2, (on_left - on_right) / 2)"), "should be"),
        ],
    },
    "check_win": {
        "right": [
            "answer = [0.8 * 0.68997 + 0.2 * 0.31003, judgements_needed(0.8 * 0.68997 + 0.2 * 0.31003)]",
            "s = torch.sigmoid(torch.tensor(0.8)).item()\nshare = 0.2 + 0.6 * s\nanswer = share, judgements_needed(share)",
            "import numpy as np\nanswer = np.array([0.61398, judgements_needed(0.61398)])",
        ],
        "wrong": [
            ("answer = 0.69, 60", "every time"),
            ("answer = 0.386, 150", "the pull is to the left"),
            ("answer = 0.8, 20", "how often it is on the left"),
            ("answer = 0.61398, judgements_needed(0.61398, 0.9)", "a power of 80 %"),
            ("answer = 0.61398, 149", "the formula's number"),
            ("answer = 0.61398, 12.5", "a whole number"),
            ("answer = 0.61398", "the share, then"),
            ("answer = 0.61398, 30", "use the share"),
        ],
    },
    "check_bootstrap": {
        "right": [
            _bootstrap(_WHO, "torch.stack([*means.quantile(torch.tensor([0.025, 0.975], dtype=means.dtype))])"),
            _bootstrap(_WHO, "[float(m) for m in (means.quantile(0.025), means.quantile(0.975))]"),
            _bootstrap(
                "torch.stack([shares[torch.randint(n, (n,), generator=generator)].mean() for _ in range(resamples)])", _ENDS
            ),
            (
                "import numpy as np\ndef bootstrap(shares, resamples, generator):\n"
                "    who = torch.randint(len(shares), (resamples, len(shares)), generator=generator)\n"
                "    return np.quantile(shares.numpy()[who.numpy()].mean(1), [0.025, 0.975])"
            ),
        ],
        "wrong": [
            (_bootstrap(_WHO, "shares.quantile(0.025), shares.quantile(0.975)"), "not of their mean"),
            (
                _bootstrap(
                    "torch.stack([shares[torch.randperm(n, generator=generator)].mean() for _ in range(resamples)])",
                    "means.min() - 1e-9, means.max() + 1e-9",
                ),
                "no spread",
            ),
            (_bootstrap(_WHO, "means.quantile(0.05), means.quantile(0.95)"), "quantiles"),
            (_bootstrap(_WHO, "means.quantile(0.975), means.quantile(0.025)"), "the low end comes first"),
            (_bootstrap(_WHO, "means.min(), means.max()"), "spread of raters"),
            (_bootstrap(_WHO, "means.mean()"), "two numbers"),
            (_bootstrap(_WHO, "means.mean() - means.std(), means.mean() + means.std()"), "quantiles"),
        ],
    },
}
