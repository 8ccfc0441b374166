"""What is tried on the exercises of `book/practice/gan_practice.md`."""

STANDS_IN = """
import torch
shares_real = torch.tensor([0.098, 0.114, 0.103, 0.101, 0.098, 0.089, 0.096, 0.103, 0.097, 0.101])
"""


def _hinge(critic: str, generator: str = "-fake.mean()") -> str:
    start = "import numpy as np\nfrom torch.nn.functional import relu\n"
    return f"{start}def my_critic(real, fake):\n    return {critic}\ndef my_generator(real, fake):\n    return {generator}"


def _collapsed(value: str) -> str:
    return f"def collapsed(shares):\n    return {value}"


HINGE = "relu(1 - real).mean() + relu(1 + fake).mean()"

ANSWERS = {
    "check_start": {
        "right": [
            "answer = [1.386, 0.693, 0.693, 0.693]",
            "answer = torch.tensor([2.0, 1, 1, 1]) * torch.tensor(2.0).log()",
            "import numpy as np\nanswer = np.log([4, 2, 2, 2]).astype(np.float32)",
            "one = torch.nn.functional.softplus(torch.tensor(0.0))\nanswer = 2 * one, one, one, one",
        ],
        "wrong": [
            ("answer = [log(2)] * 4", "non-saturating, critic"),
            ("answer = [2 * log(2)] * 4", "non-saturating, generator"),
            ("answer = [2 * log(2), log(2), 2 * log(2), log(2)]", "relativistic, critic"),
            ("answer = [-2 * log(2), -log(2), -log(2), -log(2)]", "none is negative"),
            ("answer = [2, 1, 1, 1]", "-log sigma(0)"),
            ("answer = [0, 0, 0, 0]", "-log sigma(0)"),
            ("answer = [2 * log(2), log(2)]", "four numbers"),
        ],
    },
    "check_hinge": {
        "right": [
            _hinge(HINGE),
            _hinge("(relu(1 - real.double()) + relu(1 + fake.double())).mean()", "-fake.double().mean()"),
            _hinge("sum(max(0, 1 - a) for a in real) / len(real) + sum(max(0, 1 + b) for b in fake) / len(fake)", "(-fake).mean()"),
            _hinge("np.maximum(0, 1 - real.numpy()).mean() + np.maximum(0, 1 + fake.numpy()).mean()", "-fake.numpy().mean()"),
        ],
        "wrong": [
            (_hinge("relu(1 + real).mean() + relu(1 - fake).mean()"), "1 minus a for real"),
            (_hinge("relu(1 - real).sum() + relu(1 + fake).sum()"), "not a sum"),
            (_hinge("(1 - real).mean() + (1 + fake).mean()"), "wrong side"),
            (_hinge("relu(1 - real).mean() - relu(1 + fake).mean()"), "two terms, added"),
            (_hinge("relu(1 - real) + relu(1 + fake)"), "one number"),
            (_hinge(HINGE, "fake.mean()"), "the sign"),
            (_hinge(HINGE, "relu(1 - fake).mean()"), "no max"),
        ],
    },
    "check_collapsed": {
        "right": [
            _collapsed("(shares < 0.01).any()"),
            _collapsed("min(shares.tolist()) < 0.01"),
            _collapsed("any(s < 1 / 100 for s in shares)"),
            _collapsed("shares.numpy().min() < 0.01"),
            _collapsed("int((shares >= 0.01).sum()) < len(shares)"),
        ],
        "wrong": [
            (_collapsed("shares.min() == 0"), "less than a hundredth"),
            (_collapsed("shares.max() > 0.5"), "less than a hundredth"),
            (_collapsed("shares.min() > 0.01"), "nine classes are missing"),
            (_collapsed("shares < 0.01"), "one answer"),
            (_collapsed("shares.min() < 0.1 - 1e-6"), "rare"),
            (_collapsed("(shares < 0.01).all()"), "nine classes"),
            (_collapsed("shares.min() < 0.01 or shares.max() > 0.5"), "none is left out"),
        ],
    },
}
