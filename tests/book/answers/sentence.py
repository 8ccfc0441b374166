"""What is tried on the exercises of `book/outlook/sentence.md`."""


def _shares(value: str) -> str:
    return f"def shares(q, keys):\n    return {value}"


def _velocity(value: str) -> str:
    return f"def velocity(yes, no, w):\n    return {value}"


def _outcome(body: str) -> str:
    return "def outcome(asked, drawn):\n" + "".join(f"    {line}\n" for line in body.split("\n"))


def _colour(value: str, ink: str = "(image + 1).sum((1, 2))") -> str:
    palette = "    palette = torch.tensor(list(two_glyphs.COLOURS.values()))\n"
    return f"def colour(image):\n    names = list(two_glyphs.COLOURS)\n{palette}    ink = {ink}\n    return names[int({value})]"


_SIDES = """(a, c), (b, d) = drawn
(e, g), (f, h) = asked
"""
_RIGHT = (
    _SIDES
    + """if (a, b, c, d) == (e, f, g, h): return "as asked"
if (a, b, c, d) == (f, e, h, g): return "places swapped"
if (a, b, c, d) == (e, f, h, g): return "colours swapped"
if (a, b, c, d) == (f, e, g, h): return "glyphs swapped"
return "something else\""""
)


ANSWERS = {
    "check_outcome": {
        "right": [
            _outcome(_RIGHT),
            _outcome(
                "flip = lambda p: (p[1], p[0])\n"
                "mix = lambda p: ((p[0][0], p[1][1]), (p[1][0], p[0][1]))\n"
                "table = [asked, flip(asked), mix(asked), flip(mix(asked))]\n"
                "names = ['as asked', 'places swapped', 'colours swapped', 'glyphs swapped']\n"
                "return names[table.index(tuple(drawn))] if tuple(drawn) in table else 'something else'"
            ),
            _outcome(
                "glyphs, colours = list(zip(*drawn)), list(zip(*asked))\n"
                "same = [g == c for g, c in zip(glyphs, colours)]\n"
                "turned = [g == c[::-1] for g, c in zip(glyphs, colours)]\n"
                "words = {(1, 1): 'as asked', (0, 0): 'places swapped', (1, 0): 'colours swapped', (0, 1): 'glyphs swapped'}\n"
                "return words[tuple(map(int, same))] if all(a or b for a, b in zip(same, turned)) else 'something else'"
            ),
        ],
        "wrong": [
            (_outcome("return 'something else'"), "is as asked"),
            (
                _outcome("bag = lambda p: sorted(p[0] + p[1])\nreturn 'as asked' if bag(asked) == bag(drawn) else 'x'"),
                "wrong glyph",
            ),
            (_outcome("return 'as asked' if set(asked) == set(drawn) else 'something else'"), "left and right"),
            (_outcome(_RIGHT.replace("places", "glyphs")), "glyphs with their colours"),
            (_outcome(_RIGHT.replace('"colours swapped', '"glyphs swapped')), "the glyphs stay"),
            (_outcome(_RIGHT.replace('"glyphs swapped', '"colours swapped')), "the colours stay"),
            (_outcome(_RIGHT.replace("if (a, b, c, d) == (f, e, g, h)", "if c == g")), "is something else"),
        ],
    },
    "check_colour": {
        "right": [
            _colour("(palette - ink / ink.max()).abs().sum(1).argmin()"),
            _colour("((palette / palette.norm(dim=1, keepdim=True)) @ ink).argmax()"),
            _colour("(palette / palette.sum(1, keepdim=True) - ink / ink.sum()).square().sum(1).argmin()"),
        ],
        "wrong": [
            ("def colour(image):\n    return 0", "the name of a colour"),
            (_colour("ink.argmax()"), "red and green together"),
            (_colour("0"), "red and green together"),
            (_colour("3"), "the hue of the ink"),
            (_colour("(palette - ink).square().sum(1).argmin()", "(image.amax((1, 2)) + 1) / 2"), "a dim stroke"),
        ],
    },
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
