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


_LEFT = "np.maximum.accumulate(heights)"
_RIGHT = "np.maximum.accumulate(heights[::-1])[::-1]"
_TOTAL = "sum(h.to_bytes(4, 'big'))"


def _surface(value: str) -> str:
    return f"def surface(heights):\n    return {value}"


def _gaussian(value: str) -> str:
    return f"def gaussian(h):\n    return {value}"


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
    "check_surface": {
        "right": [
            _surface("[min(max(heights[:i + 1]), max(heights[i:])) for i in range(len(heights))]"),
            "import numpy as np\n" + _surface(f"np.minimum({_LEFT}, {_RIGHT})"),
            (
                "def surface(heights):\n    import torch\n    h = torch.tensor(heights)\n"
                "    return torch.minimum(h.cummax(0).values, h.flip(0).cummax(0).values.flip(0))"
            ),
        ],
        "wrong": [
            ("import numpy as np\n" + _surface(_LEFT), "to the right, too"),
            ("import numpy as np\n" + _surface(f"np.maximum({_LEFT}, {_RIGHT})"), "the better of the two"),
            (_surface("[0 * h for h in heights]"), "not below the ground"),
            (_surface("heights[1:]"), "as many surfaces"),
            (_surface("[max(heights)] * len(heights)"), "better of the two"),
            (_surface("heights"), "all along it"),
        ],
    },
    "check_gaussian": {
        "right": [
            _gaussian("(sum(h.to_bytes(4, 'big')) - 510) / 147.8005"),
            "import numpy as np\n" + _gaussian("(np.frombuffer(np.uint32(h).tobytes(), np.uint8).sum() - 510.0) / np.sqrt(21845)"),
            _gaussian("__import__('torch').tensor((sum(int(f'{h:08x}'[i:i + 2], 16) for i in (0, 2, 4, 6)) - 510) / 21845 ** 0.5)"),
        ],
        "wrong": [
            (_gaussian(f"{_TOTAL} / 147.8005"), "goes off"),
            (_gaussian(f"{_TOTAL} - 510"), "divide by"),
            (_gaussian(f"({_TOTAL} - 510) / 21845"), "the variance"),
            (_gaussian(f"({_TOTAL} - 510) / 73.90"), "four bytes, not one"),
            (_gaussian(f"({_TOTAL} - 510) / 295.601"), "do not add up"),
            (_gaussian(f"({_TOTAL} - 512) / 147.8005"), "127.5"),
        ],
    },
}
