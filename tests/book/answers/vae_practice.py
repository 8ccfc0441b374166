"""What is tried on the exercises of `book/practice/vae_practice.md`."""


def _calm(value: str) -> str:
    return f"import numpy as np\ndef calm(z, limit):\n    norm = z.norm(dim=1, keepdim=True)\n    return {value}"


ANSWERS = {
    "check_price": {
        "right": [
            "answer = 0.818",
            "answer = sum(0.5 * (m**2 + s**2 - log(s**2) - 1) for m, s in ((1, 1), (0, 0.5)))",
            "from torch.distributions import Normal, kl_divergence\n"
            "answer = kl_divergence(Normal(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.5])), Normal(0.0, 1.0)).sum()",
            "import numpy as np\nv = np.array([1, 0.25], np.float32)\nanswer = 0.5 * np.sum(np.array([1, 0]) + v - np.log(v) - 1)",
        ],
        "wrong": [
            ("answer = 0.597", "the variance"),
            ("answer = 1.636", "half of that"),
            ("answer = 0.318", "mu is not 0"),
            ("answer = 0.409", "not their mean"),
            ("answer = -0.818", "not negative"),
            ("answer = 1.18", "bits"),
            ("answer = [0.5, 0.318]", "one number"),
            ("answer = 0", "added up"),
        ],
    },
    "check_calm": {
        "right": [
            _calm("torch.where(norm > limit, z * limit / norm, z)"),
            _calm("z / (norm / limit).clamp(min=1)"),
            _calm("torch.stack([row * min(1.0, limit / float(row.norm())) for row in z])"),
            _calm("z.numpy() * np.minimum(1, limit / np.linalg.norm(z.numpy(), axis=1, keepdims=True))"),
            _calm("torch.renorm(z.double(), 2, 0, limit)"),
        ],
        "wrong": [
            (_calm("z * limit / norm"), "short rows"),
            (_calm("z.clamp(-limit / 4, limit / 4)"), "short rows"),
            (_calm("torch.where(norm > limit, z.clamp(-1, 1), z)"), "directions"),
            (_calm("z * (1 / norm).clamp(max=1)"), "short rows"),
            (_calm("torch.where(norm > limit, z / norm, z)"), "long rows end"),
            (_calm("z * (4 / norm).clamp(max=1)"), "here 3.5"),
            (_calm("z"), "long rows end"),
            (_calm("z[norm[:, 0] <= limit]"), "as many rows"),
        ],
    },
    "check_beta": {
        "right": [
            "beta = 39.2",
            "beta = torch.tensor(784) / 20",
            "import numpy as np\nbeta = np.float32(28 * 28 / 20)",
            "beta = 28**2 * (1 / 20)",
        ],
        "wrong": [
            ("beta = 20 / 784", "turned over"),
            ("beta = 1", "neither"),
            ("beta = 784", "over its 20"),
            ("beta = 1 / 20", "over its 784"),
            ("beta = 784 * 20", "the dimensions multiply"),
            ("beta = 4", "nats per image"),
        ],
    },
}
