"""What is tried on the exercises of `book/outlook/smaller.md`."""


def _bytes(value: str) -> str:
    return f"def bytes_of(weights, bits, maps):\n    return {value}"


def _fold(scale: str, weight: str = "weight * s[:, None]", bias: str = "(bias - norm.running_mean) * s + norm.bias") -> str:
    return f"def fold(weight, bias, norm):\n    s = {scale}\n    return {weight}, {bias}"


_SCALE = "norm.weight / torch.sqrt(norm.running_var + norm.eps)"

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
}
