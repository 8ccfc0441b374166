"""What is tried on the exercises of `book/ideas/vae_theory.md`."""


def _calmer(value: str) -> str:
    return f"def calmer(f, score):\n    n = len(f)\n    others = (f.sum() - f) / (n - 1)\n    return {value}"


def _iwae(value: str) -> str:
    return f"def iwae_loss(log_w):\n    share = log_w.softmax(0).detach()\n    return {value}"


ANSWERS = {
    "check_silence": {
        "right": [
            "gap = 1.15",
            "from torch.distributions import Normal, kl_divergence\ngap = kl_divergence(Normal(0.0, 1.0), Normal(1.0, 0.5**0.5))",
            "import numpy as np\ngap = np.float32(0.5 * np.log(0.5) + 2 - 0.5)",
            "gap = 0.5 * (2 + 2 - 1 - log(2))",
        ],
        "wrong": [
            ("gap = 0.597", "which of the two is drawn from"),
            ("gap = -1.15", "sign"),
            ("gap = -3.42", "the bound itself"),
            ("gap = 2.27", "that is log p(x)"),
            ("gap = 1.5", "the two widths"),
            ("gap = 0", "the posterior is"),
        ],
    },
    "check_collection": {
        "right": [
            "beta = 1.54",
            "beta = torch.tensor(0.00025) * 12288 / 2",
            "import numpy as np\nbeta = 0.00025 * np.prod([3, 64, 64]) * 0.5",
            "beta = sum(0.00025 for _ in range(3 * 64 * 64)) / 2",
        ],
        "wrong": [
            ("beta = 3.07", "one half of the squared error"),
            ("beta = 0.00025", "the mean over pixels"),
            ("beta = 1.5", "two decimals"),
            ("beta = 2 / (0.00025 * 12288)", "turned over"),
            ("beta = 0.00025 * 64 * 64 / 2", "three channels"),
            ("beta = 1", "half of a sum"),
        ],
    },
    "check_calmer": {
        "right": [
            _calmer("f * score - others * score"),
            _calmer("n / (n - 1) * (f - f.mean()) * score"),
            _calmer("torch.stack([(f[i] - torch.cat([f[:i], f[i + 1 :]]).mean()) * score[i] for i in range(n)])"),
            _calmer("((f - others) * score).float()"),
            _calmer("(f.numpy() - others.numpy()) * score.numpy()"),
        ],
        "wrong": [
            (_calmer("f * score"), "hardly fallen"),
            (_calmer("(f - f.mean()) * score"), "out of its own baseline"),
            (_calmer("((f - others) * score).mean()"), "one term for each draw"),
            (_calmer("(others - f) * score"), "sign"),
            (_calmer("f - others"), "where is the score"),
            (_calmer("(f + 100) * score"), "the mean of the other draws"),
            (_calmer("(f - (f.sum() - f) / n) * score"), "hardly fallen"),
        ],
    },
    "check_iwae_loss": {
        "right": [
            _iwae("-(share * log_w).sum() / log_w.shape[1]"),
            _iwae("-torch.einsum('kn,kn->n', share, log_w).mean()"),
            _iwae("(-torch.exp(log_w - log_w.logsumexp(0)).detach() * log_w).sum(0).mean()"),
            _iwae("-(share.float() * log_w.float()).sum(0).mean()"),
            _iwae("sum(-(share[:, i] * log_w[:, i]).sum() for i in range(log_w.shape[1])) / log_w.shape[1]"),
        ],
        "wrong": [
            (_iwae("-log_w.logsumexp(0).mean()"), "as a weighted sum"),
            (_iwae("-(log_w.softmax(0) * log_w).sum(0).mean()"), "flow through the weights"),
            (_iwae("(share * log_w).sum(0).mean()"), "the sign"),
            (_iwae("-(share * log_w).sum()"), "not a sum"),
            (_iwae("-((-log_w).softmax(0).detach() * log_w).sum(0).mean()"), "worst draws"),
            (_iwae("-(log_w.softmax(1).detach() * log_w).sum(0).mean()"), "sum to 1"),
            (_iwae("-(share * log_w.detach()).sum(0).mean()"), "detach less"),
            (_iwae("-(share * log_w).mean()"), "not the bound's slope"),
            (_iwae("-(share * log_w).sum(0)"), "one number"),
        ],
    },
    "check_water": {
        "right": [
            "dimensions, nats = 3, 0.84",
            "v = torch.tensor([8, 4, 2, 1, 0.5])\ndimensions, nats = (v > 1.5).sum(), 0.5 * (v[0] / 1.5).log()",
            "import numpy as np\ndimensions, nats = np.int64(3), np.log(np.sqrt(8 / 1.5))",
            "dimensions = sum(v > 3 * 0.5 for v in (8, 4, 2, 1, 0.5))\nnats = log(8 / (3 * 0.5)) / 2",
        ],
        "wrong": [
            ("dimensions, nats = 5, 0.84", "water level"),
            ("dimensions, nats = 4, 0.84", "compare each eigenvalue"),
            ("dimensions, nats = 3, 1.67", "half of that"),
            ("dimensions, nats = 3, 1.39", "beta = 1"),
            ("dimensions, nats = 3, 1.21", "bits"),
            ("dimensions, nats = 3, 1.47", "together"),
            ("dimensions, nats = 3, 5.33", "eigenvalue over level"),
        ],
    },
}
