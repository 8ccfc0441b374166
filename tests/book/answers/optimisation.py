"""What is tried on the exercises of `book/ideas/optimisation.md`."""

STANDS_IN = """
from imggen_lib.data.textures import texture
wall = texture("bricks", 96)
"""


def _linear(values: str, result: str, start: str = "flat = images.flatten(1).double()") -> str:
    return f"def linear_error(images, k):\n    {start}\n    m = flat - flat.mean(0)\n    v = {values}\n    return {result}"


EIGENVALUES = "torch.linalg.eigvalsh(m.T @ m / len(m))"


def _shifted(value: str) -> str:
    return f"def shifted_gram(maps, dx):\n    a = maps.flatten(2)\n    return {value}"


ANSWERS = {
    "check_best": {
        "right": [
            "best = (0.4, 0)",
            "import numpy as np\nv = np.array([0, 0, 0, 1, 1])\nbest = v.mean(), np.median(v)",
            "v = torch.tensor([0.0, 0, 0, 1, 1])\nbest = [v.mean(), v.median()]",
            "best = torch.tensor([0.4, 0.0])",
        ],
        "wrong": [
            ("best = (0, 0.4)", "squared error"),
            ("best = (0.5, 0)", "squared error"),
            ("best = (0.4, 0.4)", "absolute error"),
            ("best = (0.4, 1)", "absolute error"),
            ("best = (0.4, 0.5)", "absolute error"),
            ("best = 0.4", "two numbers"),
        ],
    },
    "check_factor": {
        "right": [
            "factor = 64",
            "factor = torch.tensor(2.0) ** 6",
            "import numpy as np\nfactor = np.prod([4, 4, 4])",
            "factor = 4.0**3",
        ],
        "wrong": [
            ("factor = 1 / 64", "turned over"),
            ("factor = 8", "not of j"),
            ("factor = 256", "j = 3"),
            ("factor = 16", "on which one"),
            ("factor = 1 + 4 + 16 + 64", "not all levels"),
            ("factor = 1", "on which one"),
            ("factor = 4", "on which one"),
        ],
    },
    "check_linear": {
        "right": [
            _linear("torch.linalg.eigvalsh(m.T @ m / len(m)).flip(0)", "v[k:].sum()"),
            _linear(EIGENVALUES, "v.sum() - v[-k:].sum()", "flat = images.flatten(1)"),
            _linear("torch.linalg.svdvals(m) ** 2 / len(m)", "float(v[k:].sum())"),
            _linear("sorted(torch.linalg.eigvalsh(torch.cov(m.T, correction=0)).tolist(), reverse=True)", "sum(v[k:])"),
            "import numpy as np\ndef linear_error(images, k):\n    flat = images.flatten(1).numpy()\n"
            "    return np.linalg.eigvalsh(np.cov(flat.T, bias=True))[::-1][k:].sum()",
        ],
        "wrong": [
            (_linear(EIGENVALUES, "v[-k:].sum()"), "explain"),
            (_linear("torch.linalg.eigvalsh(torch.cov(m.T))", "v[: len(v) - k].sum()"), "not by n - 1"),
            (_linear("torch.linalg.eigvalsh(flat.T @ flat / len(flat))", "v[: len(v) - k].sum()"), "mean image away"),
            (_linear(EIGENVALUES, "v[: len(v) - k].sum() / 12"), "not averaged"),
            (_linear(EIGENVALUES, "v[k:].sum()"), "should be"),
            (_linear(EIGENVALUES, "v[: len(v) - k]"), "one number"),
        ],
    },
    "check_order": {
        "right": ['word = "BDAC"', 'word = ["B", "D", "A", "C"]', 'word = "bdac"', 'word = tuple("BDAC")'],
        "wrong": [
            ('word = "DBAC"', "2 of 4"),
            ('word = "CADB"', "0 of 4"),
            ('word = "BDA"', "each once"),
            ('word = "BBDC"', "each once"),
            ("word = 3", "each once"),
        ],
    },
    "check_shifted": {
        "right": [
            _shifted("torch.einsum('nipq,njpq->nij', maps, maps.roll(-dx, dims=-1)) / (maps.shape[2] * maps.shape[3])"),
            _shifted("(maps[:, :, None] * torch.roll(maps, -dx, 3)[:, None]).mean((3, 4)).double()"),
            _shifted("a @ torch.cat([maps[..., dx:], maps[..., :dx]], 3).flatten(2).mT / a.shape[2]"),
            "def shifted_gram(maps, dx):\n    n, c, h, w = maps.shape\n    out = torch.zeros(n, c, c)\n    for p in range(h):\n"
            "        for q in range(w):\n            there = maps[:, :, p, (q + dx) % w]\n"
            "            out += maps[:, :, p, q][:, :, None] * there[:, None] / (h * w)\n    return out",
            "import numpy as np\ndef shifted_gram(maps, dx):\n    x = maps.numpy()\n"
            "    return np.einsum('nipq,njpq->nij', x, np.roll(x, -dx, 3)) / x[0, 0].size",
        ],
        "wrong": [
            (_shifted("a @ maps.roll(dx, 3).flatten(2).mT / a.shape[2]"), "at the right"),
            (_shifted("maps.roll(-dx, 3).flatten(2) @ a.mT / a.shape[2]"), "at the right"),
            (_shifted("a @ maps.roll(-dx, 2).flatten(2).mT / a.shape[2]"), "last dimension"),
            (_shifted("a @ maps.roll(-dx, 3).flatten(2).mT"), "the mean, not the sum"),
            (_shifted("a @ a.roll(-dx, 2).mT / a.shape[2]"), "going round"),
            (_shifted("(a @ maps.roll(-dx, 3).flatten(2).mT / a.shape[2])[0]"), "shape"),
        ],
    },
}
