"""What is tried on the exercises of `book/applications/advertising.md`."""

_LINEAR = "lambda c: c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4"


def _ratio(
    linear: str = _LINEAR, weights: str = "(0.2126, 0.7152, 0.0722)", value: str = "(max(y) + 0.05) / (min(y) + 0.05)"
) -> str:
    return (
        f"def ratio(a, b):\n    linear = {linear}\n"
        f"    y = [sum(w * linear(v / 255) for w, v in zip({weights}, x)) for x in (a, b)]\n    return {value}"
    )


def _largest(body: str) -> str:
    return f"def largest(text, width, most):\n    {body}"


def _days(value: str) -> str:
    return (
        "def days(daily, p, lift):\n    from math import ceil\n    q = p * (1 + lift)\n"
        f"    n = 2.8016**2 * (p * (1 - p) + q * (1 - q)) / (q - p) ** 2\n    return {value}"
    )


ANSWERS = {
    "check_ratio": {
        "right": [
            _ratio(),
            "import numpy as np\n\ndef ratio(a, b):\n    x = np.array([a, b]) / 255\n"
            "    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]\n"
            "    return (y.max() + 0.05) / (y.min() + 0.05)",
            "def ratio(a, b):\n    def y(x):\n        x = torch.tensor(x, dtype=torch.float64) / 255\n"
            "        x = torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)\n"
            "        return (x * torch.tensor([0.2126, 0.7152, 0.0722])).sum() + 0.05\n"
            "    return max(y(a) / y(b), y(b) / y(a))",
        ],
        "wrong": [
            (_ratio(value="(max(y) + 0.05) / (min(y) + 0.05) + 1"), "the ratio 1 with itself"),
            (_ratio(value="(max(y) + 0.5) / (min(y) + 0.5)"), "white on black has 21"),
            (_ratio(weights="(1 / 3, 1 / 3, 1 / 3)"), "blue is 0.0722"),
            (_ratio(value="(y[1] + 0.05) / (y[0] + 0.05)"), "the lighter is above"),
            (_ratio(linear="lambda c: c"), "not linear light"),
            (_ratio(linear="lambda c: c ** 1.8"), "look at the exponent"),
        ],
    },
    "check_largest": {
        "right": [
            _largest("return max([k for k in range(11, most + 1) if 0.6 * k * len(text) <= width], default=0)"),
            _largest("px = min(most, int(width / (0.6 * len(text)) + 1e-9))\n    return px if px >= 11 else 0"),
            _largest(
                "px = most\n    while px > 10 and 0.6 * px * len(text) > width:\n        px -= 1\n"
                "    return torch.tensor(px if px > 10 else 0)"
            ),
        ],
        "wrong": [
            (_largest("return int(width / (0.6 * len(text)))"), "never larger than most"),
            (_largest("return min(most, width / (0.6 * len(text)))"), "a whole number"),
            (_largest("return min(most, round(width / (0.5 * len(text))))"), "does not fit"),
            (_largest("return 11"), "a larger one fits"),
            (_largest("return min(most, int(width / (0.6 * len(text)) + 1e-9))"), "below 11 pixels nothing"),
            (
                _largest("px = min(most, int(width / (0.6 * len(text)) + 1e-9))\n    return px if px > 11 else 0"),
                "11 pixels are still",
            ),
        ],
    },
    "check_capital": {
        "right": [
            "from math import comb\n\ndef capital(wins, losses):\n    n = wins + losses\n    return 2**n / (n + 1) / comb(n, wins)",
            "import math\n\ndef capital(wins, losses):\n    g = math.lgamma\n    n = wins + losses\n"
            "    return math.exp(n * math.log(2) + g(wins + 1) + g(losses + 1) - g(n + 2))",
            "def capital(wins, losses):\n    c, s, f = torch.tensor(1.0, dtype=torch.float64), 0, 0\n"
            "    for win in wins * [1] + losses * [0]:\n        c *= 2 * ((s if win else f) + 1) / (s + f + 2)\n"
            "        s, f = s + win, f + 1 - win\n    return c",
        ],
        "wrong": [
            ("def capital(wins, losses):\n    return 2 ** (wins + losses) - 1", "there is one coin"),
            (
                "from math import factorial as g\n\ndef capital(wins, losses):\n    n = wins + losses\n"
                "    return g(wins) * g(losses) / g(n + 1)",
                "fair odds double",
            ),
            ("def capital(wins, losses):\n    return 2.0 ** (wins + losses)", "one win says nothing"),
            ("def capital(wins, losses):\n    return 1 + wins * (wins - 1)", "who is called b"),
            ("def capital(wins, losses):\n    return 1.0", "wrong at"),
        ],
    },
    "check_days": {
        "right": [
            _days("ceil(2 * n / daily)"),
            _days("float(-(-2 * n // daily))"),
            "from imggen_lib.metrics.experiments import impressions_needed\n\n"
            "def days(daily, p, lift):\n    return torch.tensor(-(-2 * impressions_needed(p, lift) // daily))",
        ],
        "wrong": [
            (_days("ceil(n)"), "not days"),
            (_days("ceil(2 * n * (q - p) ** 2 / lift**2 / daily)"), "the lift is relative"),
            (_days("ceil(n / daily)"), "two banners share"),
            (_days("2 * n / daily"), "whole days"),
            (_days("int(2 * n / daily)"), "too early"),
            (_days("ceil(2 * n / daily) + 1"), "a day less"),
        ],
    },
}
