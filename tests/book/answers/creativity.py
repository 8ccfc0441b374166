"""What is tried on the exercises of `book/evaluation/creativity.md`."""


def _near(value: str) -> str:
    return (
        "def near_duplicates(training, held_out, generated):\n"
        "    h, g = (torch.cdist(x, training).min(1).values for x in (held_out, generated))\n"
        f"    return {value}"
    )


def _shift(code: str) -> str:
    return f"def disguise(images):\n    return {code}"


STANDS_IN = """
from imggen_lib.data import glyphs
data, real = glyphs.make("train", n=2000), glyphs.make("test", n=300).floats()
"""
ANSWERS = {
    "check_vendi": {
        "right": [
            "answer = 2.80",
            "import numpy as np\np = np.array([0.5, 0.3, 0.2])\nanswer = np.exp(-(p * np.log(p)).sum())",
            "answer = vendi_score(torch.eye(3).double().repeat_interleave(torch.tensor([500, 300, 200]), 0))",
            "p = torch.tensor([0.5, 0.3, 0.2])\nanswer = (p**-p).prod()",
        ],
        "wrong": [
            ("answer = 1.0297", "its exponential"),
            ("answer = 3", "equally often"),
            ("answer = 1 / (0.25 + 0.09 + 0.04)", "squared shares"),
            ("answer = 1000", "at most three"),
            ("answer = 2.82", "two decimals"),
            ("answer = 1.5", "an entropy of shares"),
        ],
    },
    "check_near": {
        "right": [
            _near("(g <= h.quantile(0.01)).float().mean().item()"),
            _near("float((g <= h.quantile(0.01)).sum()) / len(g)"),
            _near("(g.numpy() <= __import__('numpy').quantile(h.numpy(), 0.01)).mean()"),
            _near("sum(bool(x <= h.quantile(0.01)) for x in g) / len(g)"),
        ],
        "wrong": [
            (_near("(g <= h.quantile(0.01)).sum()"), "a share, not a count"),
            (_near("(g <= h.quantile(0.5)).double().mean()"), "not the half"),
            (_near("(g <= h.quantile(0.99)).double().mean()"), "the low end"),
            (_near("(g > h.quantile(0.01)).double().mean()"), "near, not far"),
            (_near("(g <= g.quantile(0.01)).double().mean()"), "copies of training images"),
            (_near("g <= h.quantile(0.01)"), "one number"),
            (_near("(g <= torch.cdist(training, held_out).min(1).values.quantile(0.01)).double().mean()"), "to the training set"),
        ],
    },
    "check_batch_entropy": {
        "right": [
            "batch, says_ambiguous = torch.eye(10)[torch.arange(9, -1, -1)], False",
            "import numpy as np\nbatch, says_ambiguous = np.eye(10), np.False_",
            "batch, says_ambiguous = [[float(i == j) for j in range(10)] for i in range(10)], False",
            "batch, says_ambiguous = 0.99 * torch.eye(10) + 0.001, False",
        ],
        "wrong": [
            ("batch, says_ambiguous = torch.eye(10), True", "your own batch"),
            ("batch, says_ambiguous = torch.full((10, 10), 0.1), True", "a clear style"),
            ("batch, says_ambiguous = torch.ones(10, 10), False", "sum to 1"),
            ("batch, says_ambiguous = torch.eye(10)[[0] * 10], False", "must be uniform"),
            ("batch, says_ambiguous = torch.eye(5), False", "ten rows"),
            ("batch, says_ambiguous = 2 * torch.eye(10) - 0.1, False", "not negative"),
            ("batch, says_ambiguous = torch.eye(10), 'no'", "True or False"),
        ],
    },
    "check_disguise": {
        "right": [
            _shift("images.roll((-4, -4), (2, 3))"),
            _shift("torch.roll(images, shifts=(4, -4), dims=(2, 3))"),
            _shift("images.roll(4, 2).roll(4, 3)"),
            _shift("__import__('numpy').roll(images.numpy(), (4, 4), (2, 3))"),
        ],
        "wrong": [
            (_shift("images"), "as they were"),
            (_shift("images.roll(1, 3)"), "still finds them"),
            (_shift("images.flip(3)"), "a shift back"),
            (_shift("-images"), "a shift back"),
            (_shift("images[:10].roll((4, 4), (2, 3))"), "one image out"),
            (_shift("images.roll((6, 6), (2, 3))"), "a shift back"),
        ],
    },
    "check_psi": {
        "right": [
            "psi = 0.54",
            "psi = torch.tensor(0.2911).sqrt()",
            "import numpy as np\npsi = np.sqrt(1 - 2 * 0.24197 / 0.68268)",
            "from statistics import NormalDist\nn = NormalDist()\npsi = (1 - 2 * n.pdf(1) / (2 * n.cdf(1) - 1)) ** 0.5",
        ],
        "wrong": [
            ("psi = 0.2911", "that is the variance"),
            ("psi = 0.0848", "the root, not the square"),
            ("psi = 1", "put c = 1 in"),
            ("psi = 0.68268", "the probability"),
            ("psi = -0.5395", "turns every latent round"),
            ("psi = (1 - 0.24197 / 0.68268) ** 0.5", "put c = 1 in"),
        ],
    },
}
