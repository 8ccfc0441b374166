"""What is tried on the exercises of `book/practice/speed.md`."""


def _flops(step: str = "2 * 16 * a * b * side**2", end: str = "2 * widths[-1] * side**2") -> str:
    loop = f"for a, b in zip(widths, widths[1:]):\n        side //= 2\n        total += {step}"
    return f"def forward_flops(widths, side):\n    total = 0\n    {loop}\n    return total + {end}"


def _bandwidth(value: str) -> str:
    return f"import numpy as np\ndef bandwidth(n, gradients, step, efficiency):\n    return {value}"


def _wide(value: str) -> str:
    return f"import numpy as np\ndef wide(w):\n    a, b, c, d, e = w\n    return {value}"


ANSWERS = {
    "check_flops": {
        "right": [
            _flops("32.0 * a * b * side * side"),
            "def forward_flops(widths, side):\n    k = len(widths) - 1\n"
            "    conv = sum(32 * widths[i] * widths[i + 1] * (side // 2 ** (i + 1)) ** 2 for i in range(k))\n"
            "    return conv + 2 * widths[-1] * (side // 2**k) ** 2",
            "import numpy as np\ndef forward_flops(widths, side):\n    w = np.array(widths)\n"
            "    s = side // 2 ** np.arange(1, len(w))\n"
            "    return (32 * w[:-1] * w[1:] * s**2).sum() + 2 * w[-1] * s[-1] ** 2",
            "def forward_flops(widths, side):\n    w = torch.tensor(widths)\n    s = side // 2 ** torch.arange(1, len(w))\n"
            "    return (32 * w[:-1] * w[1:] * s**2).sum() + 2 * w[-1] * s[-1] ** 2",
        ],
        "wrong": [
            (_flops("16 * a * b * side**2", "widths[-1] * side**2"), "two operations"),
            (_flops(end="0"), "dense layer"),
            (_flops("2 * 16 * a * b * (2 * side) ** 2"), "positions of the output"),
            (_flops("2 * 16 * a * b * side**2 + b * side**2"), "biases"),
            (_flops("2 * 9 * a * b * side**2"), "4 by 4"),
            (_flops("2 * 16 * b * (a if a > 3 else 1) * side**2"), "three channels"),
            (_flops("2 * 16 * (a + b) * side**2"), "PyTorch counts"),
        ],
    },
    "check_gain": {
        "right": [
            "answer = 1.89",
            "answer = 100 / (4.5 + 20 + 25 + 10 / 3)",
            "answer = 1 / torch.tensor([0.045, 0.2, 0.25, 0.1 / 3]).sum()",
            "import numpy as np\nanswer = 1 / np.dot([0.45, 0.2, 0.25, 0.1], [1 / 10, 1, 1, 1 / 3])",
        ],
        "wrong": [
            ("answer = 0.53", "the time that is left"),
            ("answer = 0.47", "is saved"),
            ("answer = 1.68", "the optimiser, too"),
            ("answer = 1.07", "the data, too"),
            ("answer = 5.25", "times are added up"),
            ("answer = 1 / (4.5 + 20 + 25 + 10 / 3)", "per cent"),
            ("answer = 13", "what is left of each part"),
        ],
    },
    "check_bandwidth": {
        "right": [
            _bandwidth("2 * (n - 1) * gradients / step / (1 / efficiency - 1)"),
            _bandwidth("2 * gradients * (n - 1) / (step * (1 - efficiency) / efficiency)"),
            _bandwidth("np.float32(2 * (n - 1) * gradients * efficiency) / (step * (1 - efficiency))"),
            _bandwidth("sum(2 * gradients for _ in range(n - 1)) / (step / efficiency - step)"),
        ],
        "wrong": [
            (_bandwidth("(n - 1) * gradients * efficiency / (step * (1 - efficiency))"), "twice"),
            (_bandwidth("2 * n * gradients * efficiency / (step * (1 - efficiency))"), "not n"),
            (_bandwidth("2 * (n - 1) * gradients * efficiency / (1 - efficiency)"), "the time of a step"),
            (_bandwidth("2 * (n - 1) * gradients * (1 - efficiency) / (step * efficiency)"), "the better"),
            (_bandwidth("2 * (n - 1) * gradients / step"), "that gives an efficiency of"),
            (_bandwidth("2 * (n - 1) * gradients * efficiency / (step * (efficiency - 1))"), "positive"),
        ],
    },
    "check_wide": {
        "right": [
            _wide("[e, e + d, d + c, c + b, b + a, a]"),
            _wide("np.convolve(w, [1, 1])[::-1].copy()"),
            _wide("torch.tensor([0, *w[::-1]]) + torch.tensor([*w[::-1], 0])"),
            _wide("[sum(w[::-1][max(0, k - 1) : k + 1]) for k in range(6)]"),
        ],
        "wrong": [
            (_wide("a, a + b, b + c, c + d, d + e, e"), "the other way"),
            (_wide("a + b, c, d, e, 0, 0"), "used twice"),
            (_wide("e, d, c, b, a"), "six numbers"),
            (_wide("e, e + d, d + c + b, c + b, a, a"), "wrong places"),
            (_wide("e + d, e, d + c, c + b, b + a, a"), "wrong places"),
            (_wide("e, e + d, c + b, d + c, b + a, a"), "wrong places"),
        ],
    },
}
