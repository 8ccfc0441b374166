"""What is tried on the exercises of `book/applications/medicine.md`."""


def _area(value: str) -> str:
    return f"def area(ill, healthy):\n    above, same = ill[:, None] > healthy, ill[:, None] == healthy\n    return {value}"


def _benefit(value: str) -> str:
    counts = "    acted, n = (p >= t).double(), len(p)\n    true, false = acted @ y, acted @ (1 - y)\n"
    return f"def benefit(p, y, t):\n{counts}    return {value}"


def _threshold(value: str) -> str:
    return (
        "def threshold(healthy, rate):\n    falling, n = healthy.sort(descending=True).values, len(healthy)\n"
        f"    k = int(rate * n + 1e-9)\n    return {value}"
    )


ANSWERS = {
    "check_area": {
        "right": [
            (
                "def area(ill, healthy):\n    total = 0.0\n    for a in ill.tolist():\n        for b in healthy.tolist():\n"
                "            total += (a > b) + 0.5 * (a == b)\n    return total / len(ill) / len(healthy)"
            ),
            _area("above.double().mean() + same.double().mean() / 2"),
            "def area(ill, healthy):\n    return ((ill[:, None] - healthy).sign().mean() + 1) / 2",
            (
                "import numpy as np\ndef area(ill, healthy):\n    a, b = ill.numpy(), healthy.numpy()\n"
                "    return np.float32(np.mean(a[:, None] > b) + np.mean(a[:, None] == b) / 2)"
            ),
        ],
        "wrong": [
            (_area("above.double().mean()"), "not 0"),
            (_area("(above | same).double().mean()"), "not 1"),
            (_area("above.double().sum() + same.double().sum() / 2"), "divide by the number of pairs"),
            (_area("1 - above.double().mean() - same.double().mean() / 2"), "wrong way round"),
            (_area("above.double().mean(1) + same.double().mean(1) / 2"), "one number"),
            (_area("(ill.mean() > healthy.mean()).double()"), "every ill with every healthy"),
        ],
    },
    "check_clinic": {
        "right": [
            "answer_ = 0.125",
            "answer_ = 0.02 * 0.7 / (0.02 * 0.7 + 0.98 * 0.1)",
            "import numpy as np\nanswer_ = np.float32(1 / 8)",
            "answer_ = torch.tensor(14.0) / 112",
        ],
        "wrong": [
            ("answer_ = 12.5", "not per cent"),
            ("answer_ = 0.7", "share found of the ill"),
            ("answer_ = 0.7 / (0.7 + 0.1)", "where half are ill"),
            ("answer_ = 14 / 98", "how many true, how many false"),
            ("answer_ = 0.112", "who get an alarm"),
            ("answer_ = 0.014", "of all alarms"),
            ("answer_ = 0.02", "how many true, how many false"),
        ],
    },
    "check_benefit": {
        "right": [
            _benefit("(true - t / (1 - t) * false) / n"),
            _benefit("float(true / n - false / n * t / (1 - t))"),
            (
                "def benefit(p, y, t):\n    total = 0.0\n    for a, b in zip(p.tolist(), y.tolist()):\n"
                "        if a >= t:\n            total += 1 if b else -t / (1 - t)\n    return total / len(p)"
            ),
            (
                "import numpy as np\ndef benefit(p, y, t):\n    a, b = p.numpy() >= t, y.numpy()\n"
                "    return np.mean(a * b) - t / (1 - t) * np.mean(a * (1 - b))"
            ),
        ],
        "wrong": [
            (_benefit("true - t / (1 - t) * false"), "divide by n"),
            (_benefit("(true - false) / n"), "weigh t / (1 - t)"),
            (_benefit("(true - (1 - t) / t * false) / n"), "not its inverse"),
            (_benefit("true / n"), "cost something"),
            (_benefit("(true - t * false) / n"), "not t"),
            (_benefit("(true + t / (1 - t) * false) / n"), "is not it"),
        ],
    },
    "check_threshold": {
        "right": [
            _threshold("falling[k]"),
            _threshold("falling[k].item()"),
            (
                "def threshold(healthy, rate):\n    for score in sorted(healthy.tolist()):\n"
                "        if (healthy > score).double().mean() <= rate + 1e-9:\n            return score"
            ),
            (
                "import numpy as np\ndef threshold(healthy, rate):\n    x = np.sort(healthy.numpy())\n"
                "    return x[len(x) - 1 - int(rate * len(x) + 1e-9)]"
            ),
        ],
        "wrong": [
            (_threshold("healthy.sort().values[k]"), "not the low ones"),
            (_threshold("falling[k + 1]"), "lie above"),
            (_threshold("falling.max() + 1"), "lower is possible"),
            (_threshold("falling[0]"), "lower is possible"),
            (_threshold("falling.mean()"), "lie above"),
            (_threshold("falling[k] - 1e-6"), "lie above"),
            ("def threshold(healthy, rate):\n    healthy.zero_()\n    return 0.0", "leave the scores"),
        ],
    },
}
