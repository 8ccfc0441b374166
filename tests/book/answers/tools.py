"""What is tried on the exercises of `book/tools/tools.md`."""


def _step(value: str) -> str:
    return f"def keras_step(g, lr, beta2, eps):\n    return {value}"


def _layer(inside: str, word: str = "layer") -> str:
    return f"answer = '''{word} {{ {inside} }}'''"


def _same(body: str) -> str:
    return f"def same_step(a, b, g, limit, bound):\n    {body}"


ANSWERS = {
    "check_step": {
        "right": [
            _step("lr * g / (abs(g) + eps * (1 - beta2) ** -0.5)"),
            _step("(lr * np.asarray(g) / (np.abs(np.asarray(g)) + eps / np.sqrt(1 - beta2))).tolist()"),
            (
                "def keras_step(g, lr, beta2, eps):\n    m, v = 0.1 * g, (1 - beta2) * g**2\n"
                "    return lr * (1 - beta2) ** 0.5 / 0.1 * m / (v.sqrt() + eps)"
            ),
        ],
        "wrong": [
            (_step("-lr * g / (g.abs() + eps / (1 - beta2) ** 0.5)"), "the gradient's sign"),
            (_step("lr * g / (g.abs() + eps)"), "PyTorch's step"),
            (_step("lr * g.sign()"), "and eps?"),
            (_step("lr * g / (g.abs() + eps / (1 - beta2))"), "the root"),
            (_step("lr * g / (g.abs() + eps * (1 - beta2) ** 0.5)"), "not a kappath"),
            (_step("g / (g.abs() + eps / (1 - beta2) ** 0.5)"), "times the rate"),
            (_step("float(lr)"), "one number for each"),
        ],
    },
    "check_layer": {
        "right": [
            _layer('type: "TanH" name: "y" top: "y" bottom: "g3"'),
            'answer = \'layer {\\n  name: "y"  # the last\\n  type: "TanH"\\n  bottom: "g3"\\n  top: "y"\\n}\\n\'',
            "answer = \"layer { name: 'y' type: 'TanH' bottom: 'g3' top: 'y' }\"",
        ],
        "wrong": [
            (_layer('name: "y" type: "TanH" bottom: "g3" top: "y"', "layers"), "older format"),
            ('answer = \'name: "y" type: "TanH"\'', "a layer is"),
            (_layer('name: "y" type: TanH bottom: "g3" top: "y"'), "in quotes"),
            (_layer('name: "y" type: "Tanh" bottom: "g3" top: "y"'), "capital letters"),
            (_layer('name: "y" type: "ReLU" bottom: "g3" top: "y"'), "its type is TanH"),
            (_layer('name: "y" type: "TanH" bottom: "g3"'), "top what it gives"),
            (_layer('name: "y" type: "TanH" bottom: "y" top: "g3"'), "top changed"),
            (_layer('name: "tanh" type: "TanH" bottom: "g3" top: "y"'), "its name"),
        ],
    },
    "check_turned": {
        "right": [
            "def turned(weights):\n    return [value.t() for value in weights]",
            "def turned(weights):\n    return [np.transpose(value.numpy()) for value in weights]",
            "def turned(weights):\n    return [w.permute(*range(w.ndim)[::-1]).double().tolist() for w in weights]",
        ],
        "wrong": [
            ("def turned(weights):\n    return weights", "(out, in)"),
            ("def turned(weights):\n    return [w.reshape(w.shape[::-1]) for w in weights]", "do not reshape"),
            ("def turned(weights):\n    return [w.T for w in weights if w.ndim == 2]", "as many"),
            (
                "def turned(weights):\n    return [w.T if w.ndim == 2 and w.shape[0] != w.shape[1] else w for w in weights]",
                "nobody will tell",
            ),
            ("def turned(weights):\n    return [w.T if w.ndim == 2 else w[:, None] for w in weights]", "a bias is the same"),
            ("def turned(weights):\n    return [w.flip(0).T if w.ndim == 2 else w for w in weights]", "turn, do not"),
        ],
    },
    "check_same": {
        "right": [
            _same("return not bool((((a - b).abs() >= bound) & (g.abs() > limit)).any())"),
            _same("return all(abs(p - q) < bound for p, q, s in zip(a, b, g) if abs(s) > limit)"),
            _same("return bool(np.where(np.abs(g.numpy()) > limit, np.abs((a - b).numpy()), 0).max() < bound)"),
        ],
        "wrong": [
            (_same("return bool(((a - b).abs() < bound).all())"), "leave it out"),
            (_same("return bool(((a - b).abs()[g > limit] < bound).all())"), "clear, and negative"),
            (_same("return bool(((b - a)[g.abs() > limit] < bound).all())"), "may be negative"),
            (_same("return bool((a - b)[g.abs() > limit].sum().abs() < bound)"), "must not cancel"),
            (_same("return bool((a - b).abs()[g.abs() > limit].mean() < 2 * bound)"), "the mean"),
            (_same("c = g.abs() > limit\n    return bool(c.any() and ((a - b).abs()[c] < bound).all())"), "nothing contradicts"),
            (_same("return True"), "clear, and negative"),
        ],
    },
}
