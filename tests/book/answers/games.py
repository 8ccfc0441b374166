"""What is tried on the exercises of `book/applications/games.md`."""


def _apart(test: str, first: str = "[]") -> str:
    return (
        f"def apart(starts, width):\n    kept = {first}\n    for start in starts:\n        if {test}:\n"
        "            kept.append(start)\n    return kept"
    )


def _trials(value: str) -> str:
    return f"def trials(hits, drawn, wanted):\n    from math import ceil, log\n    p = hits / drawn\n    return {value}"


def _spread(value: str) -> str:
    return f"def spread(mu, sigma):\n    return {value}"


ANSWERS = {
    "check_tile": {
        "right": [
            "answer = -2.0496",
            "import numpy as np\nanswer = np.log(np.exp(1) / (np.exp(2) + np.exp(1) + 11))",
            "answer = torch.tensor([2.0, 1.0] + 11 * [0.0]).log_softmax(0)[1]",
        ],
        "wrong": [
            ("answer = 2.0496", "not positive"),
            ("from math import exp\nanswer = exp(-2.0496)", "that is the probability"),
            ("answer = -2.0496 / 0.6931", "bits"),
            ("answer = -1.0496", "the tile is ground"),
            ("from math import exp, log\nanswer = 1 - log(exp(2) + exp(1))", "not a probability of 0"),
            ("answer = -2.5649", "less the log of the sum"),
        ],
    },
    "check_apart": {
        "right": [
            _apart("not kept or start - kept[-1] >= width"),
            "import numpy as np\n"
            + _apart("len(kept) == 0 or kept[-1] + width <= start").replace("return kept", "return np.array(kept)"),
            (
                "def apart(starts, width):\n    kept, free = [], starts[0]\n    for s in starts:\n"
                "        if s >= free:\n            kept.append(s)\n            free = s + width\n    return torch.tensor(kept)"
            ),
        ],
        "wrong": [
            ("def apart(starts, width):\n    return starts", "neighbours share columns"),
            (_apart("not kept or start > kept[-1] + width"), "just touch"),
            (_apart("not kept or start >= kept[-1] + width - 1"), "share a column"),
            ("def apart(starts, width):\n    return starts[1::width]", "the first window is kept"),
            ("def apart(starts, width):\n    return starts[:1]", "just touch"),
        ],
    },
    "check_trials": {
        "right": [
            _trials("ceil(log(1 - wanted) / log(1 - p))"),
            _trials("float(ceil(log(1 - wanted, 1 - p)))"),
            (
                "def trials(hits, drawn, wanted):\n    n, missed = 0, 1.0\n    while 1 - missed < wanted:\n"
                "        n, missed = n + 1, missed * (1 - hits / drawn)\n    return n"
            ),
        ],
        "wrong": [
            (_trials("ceil(1 / p)"), "on average"),
            (_trials("ceil(log(wanted) / log(1 - p))"), "1 - wanted"),
            (_trials("log(1 - wanted) / log(1 - p)"), "a whole number"),
            (_trials("ceil(log(1 - wanted) / log(1 - p)) - 1"), "too few"),
            (_trials("ceil(3 / p) + 3"), "fewer are enough"),
        ],
    },
    "check_spread": {
        "right": [
            _spread("(mu.var(0, correction=0) + (sigma**2).mean(0)).sqrt()"),
            _spread("torch.tensor([(((m - m.mean()) ** 2).mean() + (s * s).mean()) ** 0.5 for m, s in zip(mu.T, sigma.T)])"),
            "import numpy as np\n" + _spread("np.sqrt(mu.numpy().var(0) + (sigma.numpy() ** 2).mean(0))"),
        ],
        "wrong": [
            (_spread("mu.std(0, correction=0)"), "own variance is missing"),
            (_spread("(sigma**2).mean(0).sqrt()"), "the means differ"),
            (_spread("mu.var(0, correction=0) + (sigma**2).mean(0)"), "its root"),
            (_spread("mu.std(0, correction=0) + sigma.mean(0)"), "standard deviations do not"),
            (_spread("(mu.var(0) + (sigma**2).mean(0)).sqrt()"), "divide by n"),
            (_spread("(mu.var() + (sigma**2).mean()).sqrt()"), "one number for each"),
        ],
    },
}
