"""What is tried on the exercises of `book/outlook/education.md`."""


def _after(value: str) -> str:
    return f"def after(p, a, b):\n    return {value}"


def _latent(value: str) -> str:
    return f"def digit_latent(z, e, s):\n    return {value}"


def _keys(value: str) -> str:
    return f"def keys(right):\n    return {value}"


ANSWERS = {
    "check_error": {
        "right": [
            "error = 1 - 0.95 ** 0.0125",
            "import math\nerror = 1 - math.exp(math.log(0.95) / 80)",
            "error = -torch.tensor(0.95).double().log().div(80).expm1()",
        ],
        "wrong": [
            ("error = 0.05", "whole sheet"),
            ("error = 0.05 / 80", "union bound"),
            ("error = 0.95 ** (1 / 80)", "right is not wrong"),
            ("error = 1 - 0.95 ** 80", "a root, not a power"),
            ("error = 1 - 0.05 ** (1 / 80)", "not 1 of 20"),
            ("error = 0.01", "solve"),
        ],
    },
    "check_after": {
        "right": [
            _after("a * p / (a * p + b * (1 - p))"),
            "def after(p, a, b):\n    right = torch.tensor(a * p)\n    wrong = b * (1 - p)\n    return right / (right + wrong)",
            _after("1 / (1 + b * (1 - p) / (a * p))"),
        ],
        "wrong": [
            (_after("a * p"), "divide by all"),
            (_after("a * p + b * (1 - p)"), "the share kept"),
            (_after("a / (a + b)"), "weigh the shares"),
            (_after("a"), "turn it round"),
            (_after("b * (1 - p) / (a * p + b * (1 - p))"), "share of wrong"),
            (_after("p"), "right and kept"),
        ],
    },
    "check_digit_latent": {
        "right": [
            _latent("(1 - s**2) ** 0.5 * z + s * e"),
            "import math\n" + _latent("math.sqrt(1 - s * s) * z + s * e"),
            "import numpy as np\n" + _latent("np.sqrt(1 - s**2) * z.numpy() + s * e.numpy()"),
        ],
        "wrong": [
            (_latent("(1 - s) * z + s * e"), "too short"),
            (_latent("z + s * e"), "take the hand back"),
            (_latent("s * z + (1 - s**2) ** 0.5 * e"), "changed places"),
            (_latent("(1 - s**2) * z + s**2 * e"), "not these factors"),
            (_latent("(z @ e) * s"), "as many numbers"),
            (_latent("(1 - s**2) ** 0.5 * z - s * e"), "s of the noise"),
        ],
    },
    "check_keys": {
        "right": [
            _keys("(right.all(1).double().mean(), right.double().mean() ** right.shape[1])"),
            (
                "def keys(right):\n    good = sum(1 for row in right.tolist() if all(row)) / len(right)\n"
                "    mean = sum(map(sum, right.tolist())) / right.numel()\n    return [good, mean ** len(right[0])]"
            ),
            "import numpy as np\n" + _keys("np.array([right.numpy().all(1).mean(), right.numpy().mean() ** right.shape[1]])"),
        ],
        "wrong": [
            (_keys("right.all(1).double().mean()"), "two numbers"),
            (_keys("(right.double().mean(), right.double().mean() ** 5)"), "share of digits"),
            (_keys("(1 - right.all(1).double().mean(), right.double().mean() ** 5)"), "those that fail"),
            (_keys("(right.all(1).sum(), right.double().mean() ** 5)"), "divide by the sheets"),
            (_keys("(right.all(1).double().mean(), right.double().mean())"), "to the power"),
            (_keys("(right.all(1).double().mean(), right.double().mean() ** right.numel())"), "of one sheet"),
            (_keys("(0.5, 0.5)"), "all of its digits"),
        ],
    },
}
