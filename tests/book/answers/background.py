"""What is tried on the exercises of `book/ideas/background.md`."""

STANDS_IN = """
from imggen_lib.data.glyphs import make
data, test = make("train", n=400), make("test", n=100)
"""

NORMALISED = "(a**2 + (1 - a) ** 2) ** 0.5"
NEAREST = "torch.cdist(images.flatten(1), training.flatten(1))"


def _roots(keep: str, answer: str = "0.68, 0.5") -> str:
    return f"answer = {answer}\nimport math\nimport numpy as np\ndef keep_variance(x, eps, a):\n    return {keep}"


def _copied(value: str) -> str:
    return f"def copied(images, training, limit):\n    d = {NEAREST}\n    return {value}"


ANSWERS = {
    "check_bits": {
        "right": [
            "answer = 3.29",
            "answer = torch.tensor(7000) / 3072 / torch.log(torch.tensor(2.0))",
            "import numpy as np\nanswer = np.float32(7000 / (32 * 32 * 3)) * np.log2(np.e)",
            "from math import log2, e\nanswer = -(-7000 * log2(e)) / (32 * 32 * 3)",
        ],
        "wrong": [
            ("answer = 7000 / 3072", "nats per dimension"),
            ("answer = -3.29", "sign"),
            ("answer = 7000 / (32 * 32 * log(2))", "how many dimensions"),
            ("answer = 7000 / 3072 * log(2)", "divide by log 2"),
            ("answer = 3.3", "two decimals"),
            ("answer = 7000 / 3072 / log(2) ** 2", "nats, not 7000"),
            ("answer = 'no'", "as numbers"),
            ("answer = 3.29, 8", "one number"),
        ],
    },
    "check_ramp": {
        "right": [
            "def ramp(u):\n    return u**0.5",
            "ramp = torch.sqrt",
            "def ramp(u):\n    return u.double().sqrt()",
            "import math\ndef ramp(u):\n    return [math.sqrt(v) for v in u]",
            "import numpy as np\ndef ramp(u):\n    return np.sqrt(u.numpy())",
            "def ramp(u):\n    return (1 - u).sqrt()",
        ],
        "wrong": [
            ("def ramp(u):\n    return u**2", "that is F, not its inverse"),
            ("def ramp(u):\n    return u", "invert F"),
            ("def ramp(u):\n    return 2 * u", "between 0 and 1"),
            ("def ramp(u):\n    return u.sqrt().mean()", "one sample for each number"),
            ("def ramp(u):\n    return u ** (1 / 3)", "should be 2/3"),
            ("def ramp(u):\n    return 1 / 3 + 2 * u / 3", "are below 0.25"),
            ("def ramp(u):\n    u.sqrt()", "as numbers"),
        ],
    },
    "check_mixture": {
        "right": [
            "def mixture_log_prob(by_class):\n    return by_class.double().exp().mean(1).log()",
            "def mixture_log_prob(by_class):\n    k = by_class.shape[1]\n    return torch.logsumexp(by_class - log(k), dim=-1)",
            "def mixture_log_prob(by_class):\n    top = by_class.max(1, keepdim=True).values\n"
            "    return (by_class - top).exp().mean(1).log() + top.squeeze(1)",
            "from math import exp\ndef one(row):\n    top = max(row)\n"
            "    return top + log(sum(exp(v - top) for v in row) / len(row))\n"
            "def mixture_log_prob(by_class):\n    return [one(row) for row in by_class.tolist()]",
            "import numpy as np\ndef mixture_log_prob(by_class):\n"
            "    return np.logaddexp.reduce(by_class.numpy(), axis=1) - np.log(by_class.shape[1])",
        ],
        "wrong": [
            ("def mixture_log_prob(by_class):\n    return by_class.exp().mean(1).log()", "not finite"),
            ("def mixture_log_prob(by_class):\n    return by_class.mean(1)", "average p itself"),
            ("def mixture_log_prob(by_class):\n    return torch.logsumexp(by_class, 1)", "the weight 1/K"),
            ("def mixture_log_prob(by_class):\n    return by_class.max(1).values", "best class alone"),
            ("def mixture_log_prob(by_class):\n    return torch.logsumexp(by_class, 1) - log(10)", "not always ten"),
            ("def mixture_log_prob(by_class):\n    return torch.logsumexp(by_class, 0) - log(len(by_class))", "not (n,)"),
            ("def mixture_log_prob(by_class):\n    return torch.logsumexp(by_class, 1) / by_class.shape[1]", "the weight 1/K"),
        ],
    },
    "check_roots": {
        "right": [
            _roots("a * x + (1 - a**2) ** 0.5 * eps"),
            _roots(f"(a * x + (1 - a) * eps) / {NORMALISED}"),
            _roots("math.sqrt(a) * x + math.sqrt(1 - a) * eps", "[0.68, 1 / 2]"),
            _roots("torch.sqrt(a) * x - torch.sqrt(1 - a) * eps", "torch.tensor([0.68, 0.5])"),
            _roots("np.sqrt(float(a)) * x.numpy() + np.sqrt(1 - float(a)) * eps.numpy()"),
            _roots("(a**0.5 * x + (1 - a) ** 0.5 * eps).float()", "(0.8**2 + 0.2**2, torch.tensor(0.5))"),
        ],
        "wrong": [
            (_roots("x"), "nothing but the noise"),
            (_roots("eps"), "both the image and the noise"),
            (_roots("(1 - a) * x + (1 - (1 - a) ** 2) ** 0.5 * eps"), "nothing but the noise"),
            (_roots("a * x + (1 - a) * eps"), "the variance is 0.8"),
            (_roots("a**0.5 * x + (1 - a) * eps"), "the variance is"),
            (_roots("x if a > 0 else eps"), "both the image and the noise"),
            (_roots("a**0.5 * x + (1 - a) ** 0.5 * eps", "1, 1"), "not 1"),
            (_roots("a**0.5 * x + (1 - a) ** 0.5 * eps", "0.64, 0.5"), "measure"),
            (_roots("a**0.5 * x + (1 - a) ** 0.5 * eps", "0.68, 0"), "several a"),
            (_roots("a**0.5 * x + (1 - a) ** 0.5 * eps", "0.68"), "two numbers"),
        ],
    },
    "check_copied": {
        "right": [
            _copied("(d.min(1).values < limit).float().mean()"),
            _copied("sum(row.min() < limit for row in d) / len(d)"),
            _copied("(d < limit).any(1).double().mean().item()"),
            "import numpy as np\ndef copied(images, training, limit):\n    a, b = images.numpy(), training.numpy()\n"
            "    return np.mean([np.sqrt(((b - x) ** 2).sum((1, 2, 3))).min() < limit for x in a])",
            "def copied(images, training, limit):\n    hits = 0\n    for x in images:\n"
            "        hits += min((x - t).norm().item() for t in training[:20]) < limit\n    return hits / len(images)",
        ],
        "wrong": [
            (_copied("(d.min(1).values < limit).sum()"), "not a count"),
            (_copied("(d.min(0).values < limit).float().mean()"), "half of them"),
            (_copied("(d.min(1).values ** 2 < limit).float().mean()"), "take the root"),
            (_copied("(d.min(1).values > limit).float().mean()"), "nearer than 1"),
            (_copied("(d.mean(1) < limit).float().mean()"), "half of them"),
            (_copied("(d.min(1).values < limit).float()"), "one number"),
            (_copied("(torch.cdist(images.flatten(1), training.flatten(1), p=1).min(1).values < limit).float().mean()"), "0.28"),
        ],
    },
}
