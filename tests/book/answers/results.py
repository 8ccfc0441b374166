"""What is tried on the exercises of `book/evaluation/results.md`."""


def _row(average: str, spread: str) -> str:
    return (
        "def row(values):\n    n = len(values)\n    m = sum(values) / n\n"
        f"    q = sum((v - m) ** 2 for v in values)\n    return {average}, {spread}"
    )


def _front(test: str) -> str:
    return (
        "def front(points):\n    def beats(p, q):\n        return " + test + "\n\n"
        "    return {n for n, q in points.items() if not any(beats(p, q) for p in points.values())}"
    )


def _luck(value: str) -> str:
    return f"def luck(generator):\n    x = 40 + 2 * torch.randn(100_000, 10, generator=generator)\n    return {value}"


ANSWERS = {
    "check_row": {
        "right": [
            "import numpy as np\ndef row(values):\n    return np.mean(values), np.std(values, ddof=1)",
            "import torch\ndef row(values):\n    x = torch.tensor(values)\n    return [x.mean(), x.std()]",
            "import torch\ndef row(values):\n    x = torch.tensor(values)\n    return torch.stack([x.mean(), x.var().sqrt()])",
            _row("m", "sqrt(q / (n - 1))"),
        ],
        "wrong": [
            (_row("m", "sqrt(q / n)"), "divide by n - 1"),
            (_row("m", "q / (n - 1)"), "take the root"),
            (_row("m", "sqrt(q / (n - 1) / n)"), "standard error of the mean"),
            (_row("sqrt(q / (n - 1))", "m"), "the mean comes first"),
            (_row("sorted(values)[1]", "sqrt(q / (n - 1))"), "the median"),
            ("def row(values):\n    return sum(values) / len(values)", "two numbers"),
            (_row("m", "sqrt(q / 2)"), "two seeds"),
        ],
    },
    "check_front": {
        "right": [
            _front("p != q and min(p[0] - q[0], p[1] - q[1]) >= 0"),
            _front("(p[0] > q[0] and p[1] >= q[1]) or (p[0] >= q[0] and p[1] > q[1])")
            .replace("{n for", "[n for")
            .replace("values())}", "values())]"),
            (
                "def front(points):\n    kept = []\n    for n, (a, b) in points.items():\n"
                "        if all(not (c >= a and d >= b and (c, d) != (a, b)) for c, d in points.values()):\n"
                "            kept.append(n)\n    return tuple(kept)"
            ),
        ],
        "wrong": [
            (_front("p[0] > q[0] and p[1] > q[1]"), "more recall"),
            (_front("p[0] >= q[0] and p[1] >= q[1]"), "nobody beats a or b"),
            (_front("p[0] > q[0]"), "nobody beats a or b"),
            (_front("False"), "b beats c"),
            ("def front(points):\n    return max(points)", "a set of names"),
            ("def front(points):\n    return {(0.9, 0.2), (0.5, 0.8)}", "the names, not the pairs"),
            (_front("p[0] >= q[0] and p[1] > q[1]") + " - {'y'}", "equals do not beat"),
        ],
    },
    "check_trainings": {
        "right": [
            "answer = 128",
            "answer = 2 * seeds_needed(2.0, 1.0)",
            "import numpy as np\nanswer = np.float64(128)",
            "import torch\nanswer = torch.tensor(128)",
        ],
        "wrong": [
            ("answer = 64", "one of the two methods"),
            ("answer = 126", "take the spread for known"),
            ("answer = 66", "the square"),
            ("answer = 2 * seeds_needed(1, 2)", "not the other way round"),
            ("answer = 125.44", "come whole"),
            ("answer = 20", "there are two"),
        ],
    },
    "check_luck": {
        "right": [
            _luck("(40 - x.min(1).values).mean().item()"),
            _luck("40 - x.amin(1).double().mean()"),
            "def luck(generator):\n    return sum(-2 * torch.randn(10, generator=generator).min() for _ in range(5000)) / 5000",
        ],
        "wrong": [
            (_luck("x.min(1).values.mean()"), "how far below 40"),
            (_luck("x.min(1).values.mean() - 40"), "a positive number"),
            (_luck("(40 - x.min(1).values.mean()) / 2"), "units of the standard deviation"),
            (_luck("40 - x.mean()"), "take the smallest"),
            (_luck("40 - x.min()"), "many times over"),
            (_luck("40 - x.min(1).values"), "one number"),
            (
                "def luck(generator):\n    return -2 * torch.randn(50_000, 11, generator=generator).min(1).values.mean()",
                "eleven reports",
            ),
        ],
    },
}
