"""What is tried on the exercises of `book/outlook/flow.md`."""


def _heun(value: str) -> str:
    return f"def heun_step(v, x, t, h):\n    a = v(x, t)\n    return {value}"


def _clean(value: str) -> str:
    return f"def clean(x, v, t):\n    return {value}"


ANSWERS = {
    "check_heun": {
        "right": [
            _heun("x + h / 2 * a + h / 2 * v(x + h * a, t + h)"),
            _heun("x + torch.stack([a, v(x + h * a, t + h)]).mean(0) * h"),
            _heun("(x + h * a) + h * (v(x + h * a, t + h) - a) / 2"),
            _heun("[float(y) for y in x + h * (a + v(x + h * a, t + h)) / 2]"),
            "import numpy as np\n" + _heun("np.float32((x + h * (a + v(x + h * a, t + h)) / 2).numpy())"),
        ],
        "wrong": [
            (_heun("x + h * a"), "Euler"),
            (_heun("x + h * v(x + h / 2 * a, t + h / 2)"), "midpoint"),
            (_heun("x + h / 2 * (a + v(x + h * a, t))"), "later time"),
            (_heun("x + h / 2 * (a + v(x, t + h))"), "Euler reaches"),
            (_heun("x + h * (a + v(x + h * a, t + h))"), "not their sum"),
            (_heun("h / 2 * (a + v(x + h * a, t + h))"), "starts from"),
            (_heun("x - h / 2 * (a + v(x + h * a, t + h))"), "at both ends"),
            (_heun("(x + h / 2 * (a + v(x + h * a, t + h))).mean()"), "one new place"),
        ],
    },
    "check_clean": {
        "right": [
            _clean("x + v - t * v"),
            _clean("[[float(a + (1 - t) * b)] for a, b in zip(x, v)]"),
            _clean("torch.lerp(x, x + v, 1 - t)"),
            "import numpy as np\n" + _clean("np.add(x.numpy(), (1 - t) * v.numpy())"),
            _clean("(x + (1 - t) * v).float()"),
        ],
        "wrong": [
            (_clean("x - t * v"), "which way does time run"),
            (_clean("x + t * v"), "takes 1 - t"),
            (_clean("x + v"), "too far"),
            (_clean("(t * v - x) / (1 - t)"), "the score"),
            (_clean("x"), "present point"),
            (_clean("x - (1 - t) * v"), "backwards"),
            (_clean("(x + (1 - t) * v).mean(0)"), "for each point"),
            (_clean("x + (1 - t) ** 2 * v"), "time that is left"),
        ],
    },
    "check_narrow": {
        "right": [
            "reached, product = 0.5, 0.756",
            "reached, product = torch.tensor(2.0) ** (1 - 2), torch.tensor(4 / 7).sqrt()",
            "import numpy as np\nreached, product = np.float32(0.5), 1 / np.sqrt(2 / 1 - 1 / 4)",
            "reached = 1**2 / 2\nproduct = (-1 / 2**2 + 2 / 1**2) ** -0.5",
        ],
        "wrong": [
            ("reached, product = 0.25, 0.756", "first is a variance"),
            ("reached, product = 0.5, 0.571", "second is a variance"),
            ("reached, product = 2, 0.756", "power w"),
            ("reached, product = 0.756, 0.5", "other way round"),
            ("reached, product = 1, 0.756", "the class itself"),
            ("reached, product = 0.6, 0.756", "the first: deviations"),
            ("reached, product = 0.5, 0.5", "the second: precisions"),
        ],
    },
    "check_bits": {
        "right": [
            "bits = 4.23",
            "bits = torch.tensor(-(1500 / 784 - log(127.5)) / log(2))",
            "import numpy as np\nbits = np.log2(127.5) - 1500 / 784 * np.log2(np.e)",
            "bits = -(1500 - sum(log(127.5) for _ in range(784))) / 784 / log(2)",
        ],
        "wrong": [
            ("bits = -2.76", "unit is missing"),
            ("bits = 9.755", "sign"),
            ("bits = 2.935", "those are nats"),
            ("bits = 3320", "whole image"),
            ("bits = 5.234", "two units"),
            ("bits = 8", "without any model"),
            ("bits = 1", "log p minus d log a"),
        ],
    },
}
