"""What is tried on the exercises of `book/applications/art.md`."""


def _overlap(value: str) -> str:
    return f"def overlap(a, b):\n    return {value}"


def _lifted(value: str) -> str:
    return f"def lifted(paths):\n    return {value}"


def _hollow(value: str) -> str:
    return f"def hollow(field, width):\n    return {value}"


ANSWERS = {
    "check_pen": {
        "right": ["pixels = 3.54", "pixels = 0.3 * 300 / 25.4", "pixels = torch.tensor(3.5433)"],
        "wrong": [
            ("pixels = 90", "per inch, not per millimetre"),
            ("pixels = 0.3 * 25.4 / 300", "the other way round"),
            ("pixels = 0.3 * 300 * 25.4", "divide by the millimetres"),
            ("pixels = 35.43", "0.3 mm, not 3"),
            ("pixels = 300 / 25.4", "one millimetre"),
            ("pixels = 4.0", "times the width"),
        ],
    },
    "check_overlap": {
        "right": [
            _overlap("float((a & b).sum() / (a | b).sum()) if (a | b).any() else 1.0"),
            (
                "def overlap(a, b):\n    both = (a * b).sum().item()\n    either = a.sum().item() + b.sum().item() - both\n"
                "    return both / either if either else 1"
            ),
            "import numpy as np\n"
            + _overlap("np.mean(b.numpy()[(a | b).numpy()] & a.numpy()[(a | b).numpy()]) if (a | b).any() else 1"),
        ],
        "wrong": [
            (_overlap("(a & b).sum()"), "a share"),
            (_overlap("(a & b).sum() / a.sum()"), "not by one of them"),
            (_overlap("(a & b).sum() / (a.sum() + b.sum())"), "counts once"),
            (_overlap("2 * (a & b).sum() / (a.sum() + b.sum())"), "Dice"),
            (_overlap("(a & b).sum() / a.numel()"), "not all pixels"),
            (_overlap("(a & b).sum() / (a | b).sum() if (a | b).any() else 0.0"), "two empty masks"),
        ],
    },
    "check_lifted": {
        "right": [
            _lifted("sum((b[0] - a[-1]).norm() for a, b in zip(paths, paths[1:]))"),
            "def lifted(paths):\n    total = 0.0\n    for k in range(1, len(paths)):\n"
            "        total += float(((paths[k][0] - paths[k - 1][-1]) ** 2).sum() ** 0.5)\n    return total",
            "import math\n" + _lifted("sum(math.dist(a[-1].tolist(), b[0].tolist()) for a, b in zip(paths[:-1], paths[1:]))"),
        ],
        "wrong": [
            (_lifted("sum(p.diff(dim=0).norm(dim=1).sum() for p in paths) + 5"), "only where the pen"),
            (_lifted("sum(p.diff(dim=0).norm(dim=1).sum() for p in paths)"), "what it draws"),
            (_lifted("5 + (paths[0][0] - paths[-1][-1]).norm()"), "no way back"),
            (_lifted("sum(((b[0] - a[-1]) ** 2).sum() for a, b in zip(paths, paths[1:]))"), "take the root"),
            (_lifted("sum((b[0] - a[0]).norm() for a, b in zip(paths, paths[1:]))"), "from the END"),
        ],
    },
    "check_hollow": {
        "right": [
            _hollow("field.abs() < width / 2"),
            _hollow("(field > -width / 2) & (field < width / 2)"),
            _hollow("(field**2 < (width / 2) ** 2)"),
        ],
        "wrong": [
            (_hollow("field.abs()"), "True or False"),
            (_hollow("field > 0"), "the ink itself"),
            (_hollow("field.abs() < width"), "half of it"),
            (_hollow("(field >= 0) & (field < width / 2)"), "both sides"),
            (_hollow("field.abs() > width / 2"), "other way round"),
            (_hollow("field > -width / 2"), "from the inside"),
        ],
    },
}
