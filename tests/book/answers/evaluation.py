"""What is tried on the exercises of `book/evaluation/evaluation.md`."""


def _precision(value: str) -> str:
    return (
        "def precision(real, generated, k):\n    radii = torch.cdist(real, real).sort(1).values\n"
        f"    apart = torch.cdist(real, generated)\n    return {value}"
    )


def _fool(value: str) -> str:
    return (
        "def fool(real, noise):\n    centred = noise - noise.mean(0)\n"
        "    own, wanted = (torch.linalg.cholesky(torch.cov(v.T)) for v in (noise, real))\n"
        f"    white = torch.linalg.solve_triangular(own, centred.T, upper=False)\n    return {value}"
    )


def _infinity(value: str) -> str:
    return f"def at_infinity(n1, f1, n2, f2):\n    slope = (f1 - f2) / (1 / n1 - 1 / n2)\n    return {value}"


_INSIDE = "(apart <= radii[:, k, None]).any(0).double().mean()"

STANDS_IN = """
from imggen_lib.data import glyphs
data = glyphs.make("train", n=200)
"""
ANSWERS = {
    "check_darker": {
        "right": [
            "answer = 20",
            "from math import log10\nanswer = 10 * log10(2**2 / 0.2**2)",
            "import numpy as np\nanswer = 20 * np.log10(2 / 0.2)",
            "answer = pixel.psnr(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4) - 0.2)",
        ],
        "wrong": [
            ("answer = 13.98", "the range L is 2"),
            ("answer = -20", "positive"),
            ("answer = 10", "both are squares"),
            ("answer = 46.05", "base 10"),
            ("answer = 100", "10 log10"),
            ("answer = 0.04", "every squared difference"),
        ],
    },
    "check_precision": {
        "right": [
            _precision(_INSIDE + ".item()"),
            _precision("(radii[:, k, None] >= apart).any(0).float().mean()"),
            _precision(
                "sum(any(apart[i, j] <= radii[i, k] for i in range(len(real))) for j in range(len(generated))) / len(generated)"
            ),
            (
                "def precision(real, generated, k):\n    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values\n"
                "    d = torch.cdist(generated, real)\n    return ((d / r).min(1).values <= 1).numpy().mean()"
            ),
        ],
        "wrong": [
            (_precision(_INSIDE.replace("k, None", "k - 1, None")), "its own neighbour"),
            (_precision("(apart <= radii[:, k, None]).any(0).sum()"), "a share, not a count"),
            (_precision("(apart <= radii[:, k, None]).any(0)"), "one number"),
            (_precision("(apart > radii[:, k, None]).all(0).double().mean()"), "inside, not outside"),
            (
                _precision(_INSIDE)
                .replace("torch.cdist(real, real)", "torch.cdist(generated, generated)")
                .replace("cdist(real, generated)", "cdist(generated, real)"),
                "that is recall",
            ),
            (_precision(_INSIDE.replace("any(0)", "all(0)")), "is not it"),
        ],
    },
    "check_mirror": {
        "right": [
            'unchanged = ["spectrum", "patterns", "contrast", "histogram"]',
            'unchanged = ("histogram", "contrast", "patterns", "spectrum")',
            'unchanged = {"MSE", "SSIM", "histogram", "contrast", "patterns", "spectrum"} - {"MSE", "SSIM"}',
        ],
        "wrong": [
            ('unchanged = {"MSE", "SSIM"}', "6 of 6 wrong"),
            ('unchanged = {"histogram"}', "3 of 6 wrong"),
            ("unchanged = set()", "4 of 6 wrong"),
            ('unchanged = "histogram"', "a set of names"),
            ('unchanged = {"histogram", "contrast", "patterns", "spectra"}', "no measure is called spectra"),
            ('unchanged = {"histogram", "contrast", "patterns", "spectrum", "SSIM"}', "1 of 6 wrong"),
        ],
    },
    "check_fool": {
        "right": [
            _fool("white.T @ wanted.T + real.mean(0)"),
            _fool("((wanted @ white).T + real.mean(0)).numpy()"),
            _fool("(wanted @ torch.linalg.inv(own) @ centred.T).T + real.mean(0)"),
        ],
        "wrong": [
            ("def fool(real, noise):\n    return noise", "means are"),
            (_fool("(wanted @ white).T"), "means are"),
            (_fool("white.T + real.mean(0)"), "the distance is"),
            ("def fool(real, noise):\n    return real", "real places"),
            (_fool("(wanted @ white) + real.mean(0)[:, None]"), "as many points"),
            (_fool("noise @ wanted.T + real.mean(0)"), "means are"),
            (
                (
                    "def fool(real, noise):\n    wanted = torch.linalg.cholesky(torch.cov(real.T))\n"
                    "    return (noise - noise.mean(0)) @ wanted.T + real.mean(0)"
                ),
                "the distance is",
            ),
        ],
    },
    "check_infinity": {
        "right": [
            _infinity("f1 - slope / n1"),
            _infinity("torch.tensor(f2 - slope / n2)"),
            "import numpy as np\ndef at_infinity(n1, f1, n2, f2):\n    return np.polyfit([1 / n1, 1 / n2], [f1, f2], 1)[1]",
        ],
        "wrong": [
            (_infinity("slope"), "that is the slope"),
            (_infinity("f2"), "still has its bias"),
            (_infinity("f1 - (f2 - f1) / (n2 - n1) * n1"), "not 1/n"),
            (_infinity("(f1 + f2) / 2"), "a straight line"),
            (_infinity("f1 + slope / n1"), "a straight line"),
            ("def at_infinity(n1, f1, n2, f2):\n    return (n1 * f1 - n2 * f2) / (n2 - n1) + 1", "a straight line"),
        ],
    },
}
