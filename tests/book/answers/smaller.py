"""What is tried on the exercises of `book/outlook/smaller.md`."""


def _bytes(value: str) -> str:
    return f"def bytes_of(weights, bits, maps):\n    return {value}"


def _fold(scale: str, weight: str = "weight * s[:, None]", bias: str = "(bias - norm.running_mean) * s + norm.bias") -> str:
    return f"def fold(weight, bias, norm):\n    s = {scale}\n    return {weight}, {bias}"


_SCALE = "norm.weight / torch.sqrt(norm.running_var + norm.eps)"


def _rounded(step: str, value: str = "s * (weight / s).round()", most: str = "2 ** (bits - 1) - 1") -> str:
    return f"def rounded_rows(weight, bits):\n    m = {most}\n    s = {step}\n    return {value}"


_STEP = "weight.abs().amax(1, keepdim=True) / m"
_LOOP = """def rounded_rows(weight, bits):
    m, out = 2 ** (bits - 1) - 1, []
    for row in weight:
        s = max(abs(float(w)) for w in row) / m
        out.append([s * round(float(w) / s) for w in row])
    return out
"""


def _survivors(value: str, before: str = "") -> str:
    return f"def survivors(weight, share):\n    {before}\n    return {value}"


_COUNT = "k = round(share * weight.numel())"
_SORTED = """k = round(share * weight.numel())
    order = weight.abs().flatten().argsort()
    keep = torch.ones(weight.numel(), dtype=torch.bool)"""
_RANKS = "weight.abs().flatten().argsort().argsort().view(weight.shape)"

ANSWERS = {
    "check_bytes": {
        "right": [
            _bytes("(weights * bits + 7) // 8 + maps * 4"),
            "import math\n" + _bytes("math.ceil(weights * bits / 8) + 2 * maps + 2 * maps"),
            "import numpy as np\n" + _bytes("np.ceil(weights * bits / 8) + 4 * np.int64(maps)"),
        ],
        "wrong": [
            (_bytes("weights * bits + 4 * maps"), "bits, not bytes"),
            (_bytes("-(-weights * bits // 8)"), "count, too"),
            (_bytes("-(-weights * bits // 8) + 2 * maps"), "four bytes a map"),
            (_bytes("-(-weights * bits // 8) + maps"), "two bytes each"),
            (_bytes("weights * bits / 8 + 4 * maps"), "whole bytes"),
            (_bytes("weights * bits // 8 + 4 * maps"), "round up"),
        ],
    },
    "check_fold": {
        "right": [
            _fold(_SCALE),
            _fold("norm.weight * (norm.running_var + norm.eps) ** -0.5", "torch.diag(s) @ weight"),
            _fold(_SCALE, "(weight.T * s).T", "norm.bias - norm.running_mean * s + bias * s"),
        ],
        "wrong": [
            (_fold("norm.weight / (norm.running_var + norm.eps)"), "the root is missing"),
            (_fold("norm.weight / torch.sqrt(norm.running_var)"), "eps stands under the root"),
            (_fold("1 / torch.sqrt(norm.running_var + norm.eps)"), "gamma / sqrt"),
            (_fold(_SCALE, bias="bias - norm.running_mean * s + norm.bias"), "old bias is scaled"),
            (_fold(_SCALE, bias="(bias - norm.running_mean) * s"), "beta is missing"),
            (_fold(_SCALE, bias="(bias + norm.running_mean) * s + norm.bias"), "the bias is off"),
        ],
    },
    "check_rounded": {
        "right": [
            _rounded(_STEP),
            _LOOP,
            _rounded("(weight.double().abs().max(dim=1).values / m)[:, None]", "(s * torch.round(weight / s)).numpy()"),
        ],
        "wrong": [
            (_rounded(_STEP, "(weight / s).round()"), "not whole numbers"),
            (_rounded("weight.abs().max() / m"), "a step for each row"),
            (_rounded(_STEP, most="2 ** (bits - 1)"), "2 ** (b - 1) - 1"),
            (_rounded(_STEP, most="2 ** bits - 1"), "2 ** (b - 1) - 1"),
            (_rounded(_STEP, "s * (weight / s).round().clamp(-m + 1, m - 1)"), "is kept"),
            (_rounded("weight.amax(1, keepdim=True) / m", "s * (weight / s).round().clamp(-m, m)"), "is kept"),
            (_rounded(_STEP, "(s * (weight / s).round()).flatten()"), "as many weights"),
        ],
    },
    "check_survivors": {
        "right": [
            _survivors(f"{_RANKS} >= k", _COUNT),
            _survivors("(weight.abs() >= t).float()", f"{_COUNT}; t = sorted(weight.abs().flatten().tolist())[k]"),
            _survivors("keep.view(weight.shape).numpy()", f"{_SORTED}\n    keep[order[:k]] = False"),
        ],
        "wrong": [
            (_survivors(f"{_RANKS} < k", _COUNT), "the others stay"),
            (_survivors(f"weight * ({_RANKS} >= k)", _COUNT), "not the weights themselves"),
            (_survivors("weight.flatten().argsort().argsort().view(weight.shape) >= k", _COUNT), "by magnitude"),
            (_survivors("weight.abs() > share"), "half of eight"),
            (_survivors("weight.abs().argsort(1).argsort(1) >= share * weight.shape[1]"), "not of each row"),
            (_survivors(f"({_RANKS} >= k).flatten()", _COUNT), "the shape"),
        ],
    },
}
