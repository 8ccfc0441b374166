"""What is tried on the exercises of `book/outlook/generators.md`."""


def _gain(value: str) -> str:
    return f"def most_gain(variances):\n    return {value}"


def _mixed(value: str) -> str:
    return f"def mixed(by_class):\n    return {value}"


def _mean(value: str) -> str:
    return f"def mean_velocity(velocity, x, t, r):\n    end = integrate(velocity, x, 200, start=t, end=r)\n    return {value}"


STANDS_IN = "import torch\n"
ANSWERS = {
    "check_gain": {
        "right": [
            _gain("(0.5 * (variances - 1 - variances.log())).sum().item()"),
            _gain("sum((float(v) - 1 - __import__('math').log(v)) / 2 for v in variances)"),
            _gain("0.5 * (variances.numpy() - 1 - __import__('numpy').log(variances.numpy())).sum()"),
            _gain("-0.5 * (1 - variances + variances.log()).sum()"),
        ],
        "wrong": [
            (_gain("-0.5 * (variances - 1 - variances.log()).sum()"), "never negative"),
            (_gain("(variances - 1 - variances.log()).sum()"), "a half in front"),
            (_gain("0.5 * (variances - 1 - variances.log()).mean()"), "not a mean"),
            (_gain("0.5 * (variances - 1 + variances.log()).sum()"), "is subtracted"),
            (_gain("0.5 * (variances**2 - 1 - (variances**2).log()).sum()"), "no square"),
            (_gain("0.5 * (variances - 1 - variances.log())"), "one number"),
        ],
    },
    "check_mixed": {
        "right": [
            _mixed("by_class.logsumexp(0) - __import__('math').log(len(by_class))"),
            _mixed("torch.logsumexp(by_class - torch.tensor(3.0).double().log(), 0)"),
            _mixed("(m := by_class.max(0).values) + (by_class - m).exp().mean(0).log()"),
            _mixed("__import__('scipy.special').special.logsumexp(by_class.numpy(), axis=0, b=1 / len(by_class))"),
        ],
        "wrong": [
            (_mixed("by_class.exp().mean(0).log()"), "use logsumexp"),
            (_mixed("by_class.logsumexp(0)"), "the share 1/K"),
            (_mixed("by_class.mean(0)"), "not of their logarithms"),
            (_mixed("by_class.max(0).values"), "all classes count"),
            (_mixed("by_class.logsumexp(0) + torch.tensor(3.0).double().log()"), "is subtracted"),
            (_mixed("by_class.logsumexp(1)"), "the classes are the rows"),
        ],
    },
    "check_mean": {
        "right": [
            _mean("(end - x) / (r - t)"),
            _mean("(end - x).div(r - t)"),
            _mean("((end - x) / (r - t)).numpy()"),
            _mean("(integrate(velocity, x, 50, solver='midpoint', start=t, end=r) - x) / (r - t)"),
        ],
        "wrong": [
            (_mean("end"), "where the points arrive"),
            (_mean("end - x"), "divide by the time"),
            (_mean("velocity(x, t)"), "the velocity at t"),
            (_mean("(x - end) / (r - t)"), "the end less the beginning"),
            (_mean("(end - x) / r"), "r - t"),
            (_mean("((end - x) / (r - t)).mean()"), "for each point"),
        ],
    },
    "check_budget": {
        "right": [
            "steps = 4",
            "steps = 0.70 // 0.16",
            "import torch\nsteps = torch.tensor(4)",
            "import numpy as np\nsteps = np.int64(4)",
        ],
        "wrong": [
            ("steps = 17", "without guidance"),
            ("steps = 8", "twice again"),
            ("steps = 0.70 / 0.16", "whole steps"),
            ("steps = 5", "0.80 ms"),
            ("steps = 3", "four questions"),
        ],
    },
}
