"""What is tried on the exercises of `book/outlook/finance.md`."""


def _volatility(value: str) -> str:
    return (
        "def volatility(price, k, t):\n    from scipy.optimize import brentq\n"
        f"    s = brentq(lambda v: one_price(k, v, t) - price, 0.01, 5, xtol=1e-12)\n    return {value}"
    )


def _after(mean: str, variance: str = "sigma.diagonal() - gain * sigma[:, place]", noise: str = "tau**2") -> str:
    return (
        f"def after(m, sigma, place, y, tau):\n    gain = sigma[:, place] / (sigma[place, place] + {noise})\n"
        f"    return {mean}, {variance}"
    )


def _cheap(value: str) -> str:
    return f"def cheap(vols, times):\n    w = vols**2 * times[:, None]\n    return {value}"


def _memory(value: str) -> str:
    return (
        "def memory(returns, lag):\n    c = lambda a, b: torch.corrcoef(torch.stack([a, b]))[0, 1]\n"
        f"    r, s = returns[:-lag], returns[lag:]\n    return {value}"
    )


RIGHT = "m + gain * (y - m[place])"
ANSWERS = {
    "check_volatility": {
        "right": [
            _volatility("s"),
            _volatility("torch.tensor([s])"),
            (
                "def volatility(price, k, t):\n    w = black.implied_variance(torch.tensor([k]).double(),"
                " torch.tensor([price]).double())\n    return (w / t).sqrt()"
            ),
            "def volatility(price, k, t):\n    s = 1.0\n    for j in range(1, 50):\n"
            "        s += 2.0**-j * (1 if one_price(k, s, t) < price else -1)\n    return s",
        ],
        "wrong": [
            (_volatility("s**2 * t"), "the volatility is wanted"),
            (_volatility("s**2"), "square root"),
            (_volatility("s * t**0.5"), "maturity's root"),
            (_volatility("100 * s"), "not per cent"),
            (_volatility("s + 0.01"), "gives another price"),
            (_volatility("[s, s]"), "one number"),
        ],
    },
    "check_after": {
        "right": [
            _after(RIGHT),
            _after("(m + gain * (y - m[place])).numpy()"),
            (
                "def after(m, sigma, place, y, tau):\n    a = torch.eye(6).double()[place]\n    h = a @ sigma @ a + tau**2\n"
                "    c = sigma - torch.outer(sigma @ a, sigma @ a) / h\n    return m + sigma @ a * (y - a @ m) / h, c.diag()"
            ),
            (
                "def after(m, sigma, place, y, tau):\n    mean, var = [], []\n    h = float(sigma[place, place]) + tau**2\n"
                "    for i in range(len(m)):\n        g = float(sigma[i, place]) / h\n"
                "        mean.append(float(m[i]) + g * (y - float(m[place])))\n"
                "        var.append(float(sigma[i, i]) - g * float(sigma[i, place]))\n    return mean, var"
            ),
        ],
        "wrong": [
            (_after(RIGHT, noise="0"), "error of its own"),
            (_after(RIGHT, noise="tau"), "square of tau"),
            (_after("m + gain * y"), "less what was expected"),
            (_after("m.clone()"), "moves along column"),
            (_after(RIGHT, "(sigma.diagonal() - gain * sigma[:, place]).sqrt()"), "not roots"),
            (_after(RIGHT, "sigma.diagonal()"), "makes them smaller"),
            (_after(RIGHT, "sigma.diagonal() + gain * sigma[:, place]"), "less gain"),
            (_after(RIGHT, "sigma"), "six numbers each"),
        ],
    },
    "check_cheap": {
        "right": [
            _cheap("int((w.diff(dim=0) < 0).sum())"),
            _cheap("(w[1:] < w[:-1]).double().sum()"),
            (
                "def cheap(vols, times):\n    n = 0\n    for i in range(len(times) - 1):\n"
                "        for a, b in zip(vols[i], vols[i + 1]):\n"
                "            n += bool(b**2 * times[i + 1] < a**2 * times[i])\n    return n"
            ),
            (
                "import numpy as np\ndef cheap(vols, times):\n    w = vols.numpy()**2 * times.numpy()[:, None]\n"
                "    return np.float32((np.diff(w, axis=0) < 0).sum())"
            ),
        ],
        "wrong": [
            (_cheap("(vols.diff(dim=0) < 0).sum()"), "total variance may not"),
            (_cheap("((vols * times[:, None]).diff(dim=0) < 0).sum()"), "variance times maturity"),
            (_cheap("(w.diff(dim=1) < 0).sum()"), "not strikes"),
            (_cheap("(w.diff(dim=0) > 0).sum()"), "those that fall"),
            (_cheap("(w.diff(dim=0) < 0).sum(0)"), "one number"),
            (_cheap("-1"), "expected in one example"),
        ],
    },
    "check_memory": {
        "right": [
            _memory("c(r**2, s**2)"),
            _memory("float(c(r * r, s * s))"),
            (
                "import numpy as np\ndef memory(returns, lag):\n    x = returns.numpy()**2\n"
                "    return np.corrcoef(x[lag:], x[:-lag])[1, 0]"
            ),
            (
                "def memory(returns, lag):\n    x = returns**2\n    a, b = x[:-lag], x[lag:]\n"
                "    a, b = a - a.mean(), b - b.mean()\n"
                "    return (a * b).mean() / (a.pow(2).mean() * b.pow(2).mean()).sqrt()"
            ),
        ],
        "wrong": [
            (_memory("c(r, s)"), "not the returns"),
            (_memory("c(r.abs(), s.abs())"), "not absolute values"),
            (_memory("(r**2 * s**2).mean()"), "less the means"),
            (_memory("c(r**2, r**2)"), "lag days later"),
            (_memory("c(r**2, s**2) / 2"), "expected, got"),
            (_memory("r**2"), "one number"),
        ],
    },
}
