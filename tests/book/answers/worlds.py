"""What is tried on the exercises of `book/applications/worlds.md`."""


def _halo(left: str, right: str, first: str = "i") -> str:
    return (
        f"def halo(a, b, ks):\n    for i, k in enumerate(ks):\n        if {first}:\n            a, b = {left}, {right}\n"
        "        a, b = a - k, b + k\n    return a, b"
    )


def _river(
    f: str = "strength * area ** 0.5", below: str = "new[-1]", value: str = "(h + f * b) / (1 + f)", mouth: str = "heights[0]"
) -> str:
    return (
        f"def river(heights, areas, strength):\n    new = [{mouth}]\n    for c in range(1, len(heights)):\n"
        f"        h, area = heights[c], areas[c]\n        f, b = {f}, {below}\n        new.append({value})\n    return new"
    )


ANSWERS = {
    "check_halo": {
        "right": [
            _halo("a // 2", "(b - 1) // 2 + 2"),
            "import numpy as np\n" + _halo("int(np.floor(a / 2))", "int(np.floor((b - 1) / 2)) + 2"),
            (
                "def halo(a, b, ks):\n    import torch\n    k, *rest = ks\n    a, b = a - k, b + k\n    for k in rest:\n"
                "        a, b = (a >> 1) - k, ((b - 1) >> 1) + 2 + k\n    return torch.tensor([a, b])"
            ),
        ],
        "wrong": [
            ("def halo(a, b, ks):\n    return a - sum(ks), b + sum(ks)", "halves the coordinates"),
            (_halo("int(a / 2)", "(b - 1) // 2 + 2"), "floor, not cut off"),
            (_halo("a // 2", "(b - 1) // 2 + 1"), "the sample after the last"),
            (_halo("a // 2 - 1", "(b - 1) // 2 + 2"), "too far to the left"),
            (_halo("a // 2", "(b - 1) // 2 + 3"), "more than is read"),
            ("def halo(a, b, ks):\n    return [a]", "two numbers"),
        ],
    },
    "check_river": {
        "right": [
            _river(),
            "import numpy as np\n" + _river(f="strength * np.sqrt(area)").replace("return new", "return np.array(new)"),
            _river(value="b + (h - b) / (1 + f)").replace("return new", "import torch\n    return torch.tensor(new)"),
        ],
        "wrong": [
            (_river(below="heights[c - 1]"), "take its new height"),
            (_river(f="strength * area"), "square root"),
            (_river(value="h - f * (h - b) * 3"), "turn a river round"),
            (_river(mouth="heights[0] + 1"), "the mouth keeps"),
            (_river().replace("return new", "return new[1:]"), "as many heights"),
            (_river(value="(h + f * b) / (2 + f)"), "times the new height below"),
        ],
    },
}
