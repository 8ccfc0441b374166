"""What is tried on the exercises of `book/outlook/sentence.md`."""


def _shares(value: str) -> str:
    return f"def shares(q, keys):\n    return {value}"


def _velocity(value: str) -> str:
    return f"def velocity(yes, no, w):\n    return {value}"


ANSWERS = {
    "check_shares": {
        "right": [
            _shares("torch.softmax(keys @ q / len(q) ** 0.5, 0)"),
            "import math\ndef shares(q, keys):\n"
            "    e = [math.exp(sum(float(a * b) for a, b in zip(q, k)) / math.sqrt(len(q))) for k in keys]\n"
            "    return [x / sum(e) for x in e]",
            "def shares(q, keys):\n    e = ((q * keys).sum(1) * q.shape[0] ** -0.5).exp()\n    return (e / e.sum()).numpy()",
        ],
        "wrong": [
            (_shares("keys @ q"), "not shares yet"),
            (_shares("(keys @ q / 2).exp()"), "sum to 1"),
            (_shares("(keys @ q).softmax(0)"), "the root"),
            (_shares("(keys @ q / 4).softmax(0)"), "not by d"),
            (_shares("keys @ q / (keys @ q).sum()"), "exponential"),
            (_shares("(keys @ q / 2).softmax(0).max()"), "one share for each key"),
        ],
    },
    "check_velocity": {
        "right": [
            _velocity("no + w * (yes - no)"),
            _velocity("w * yes + (1 - w) * no"),
            _velocity("[b + w * (a - b) for a, b in zip(yes.tolist(), no.tolist())]"),
        ],
        "wrong": [
            (_velocity("yes + w * (yes - no)"), "from 1, not from 0"),
            (_velocity("yes + (1 - w) * (yes - no)"), "not towards it"),
            (_velocity("w * yes - no"), "(1 - w) no"),
            (_velocity("w * (yes - no)"), "begin at no"),
            (_velocity("no + w * yes"), "w = 1 gives yes"),
            (_velocity("(no + w * (yes - no)).sum()"), "a number for each number"),
        ],
    },
}
