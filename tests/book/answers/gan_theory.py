"""What is tried on the exercises of `book/ideas/gan_theory.md`."""


def _js(value: str) -> str:
    return f"import math\nimport numpy as np\ndef js_from_loss(loss):\n    return {value}"


def _f(value: str) -> str:
    return f"import numpy as np\ndef f(u):\n    return {value}"


def _fixed(value: str, prediction: str = '"down"') -> str:
    start = "import numpy as np\nfrom torch.nn.functional import relu\n"
    return f"{start}def fixed(real, fake):\n    return {value}\nprediction = {prediction}"


HINGE = "relu(1 - real).mean() + relu(1 + fake).mean()"

ANSWERS = {
    "check_sure": {
        "right": [
            "answer = [0.75, 1.1]",
            "answer = torch.tensor([3.0, 3.0]) / torch.tensor([4.0, 1.0])\nanswer[1] = answer[1].log()",
            "import numpy as np\nd = np.float32(0.3) / np.float32(0.4)\nanswer = d, np.log(d / (1 - d))",
            "d = torch.tensor(0.75)\nanswer = [d, d.logit()]",
        ],
        "wrong": [
            ("answer = [0.25, 1.1]", "how likely it is generated"),
            ("answer = [0.3, log(3)]", "who is more likely"),
            ("answer = [0.75, log(0.75)]", "that is log D"),
            ("answer = [log(3), 0.75]", "a probability first"),
            ("answer = [0.75, log(0.1) - log(0.3)]", "sign"),
            ("from math import log10\nanswer = [0.75, log10(3)]", "natural logs"),
            ("answer = 0.75", "two numbers"),
        ],
    },
    "check_js_from_loss": {
        "right": [
            _js("(2 * log(2) - loss) / 2"),
            _js("torch.log(torch.tensor(2.0)) - loss / 2"),
            _js("np.log(np.float32(2)) - np.float32(loss) / 2"),
            _js("0.5 * (math.log(4) + (-loss))"),
        ],
        "wrong": [
            (_js("log(2) - loss"), "the distance is 0"),
            (_js("loss / 2 - log(2)"), "the distance is log 2"),
            (_js("log(2) + loss / 2"), "the distance is 0"),
            (_js("-loss / 2"), "the distance is 0"),
            (_js("1 - loss / (2 * log(2))"), "the distance is log 2"),
            (_js("(2 * log(2) - loss) / 2 * (1 + loss * (2 * log(2) - loss))"), "solve the equation"),
        ],
    },
    "check_f": {
        "right": [
            _f("(u - 1).clamp(min=0)"),
            _f("torch.relu(1 - u)"),
            _f("torch.maximum(u, torch.ones_like(u)) - 1"),
            _f("np.abs(u.numpy() - 1) / 2"),
            _f("[abs(float(v) - 1) / 2 for v in u]"),
            _f("(0.5 * abs(u - 1) + 3 * (u - 1)).float()"),
        ],
        "wrong": [
            (_f("(u - 1).abs()"), "where is the half"),
            (_f("u.abs() / 2"), "f(1) must be 0"),
            (_f("(u - 1) / 2"), "the sum is 0"),
            (_f("(u - 1) ** 2 / 2"), "it should be"),
            (_f("(1 / u - 1).abs() / 2"), "it should be"),
            (_f("u * u.log()"), "it should be"),
            (_f("(u - 1).abs().sum() / 2"), "one value for each ratio"),
        ],
    },
    "check_friction": {
        "right": [
            "gamma, rate = 1, -1 / 2",
            "gamma, rate = torch.tensor(1.0), torch.tensor([-0.5])",
            "import numpy as np\ngammas = np.linspace(0, 3, 301)\n"
            "slow = [eigenvalues(Method(losses.non_saturating, r1=float(g))).real.max().item() for g in gammas]\n"
            "gamma, rate = gammas[np.argmin(slow)], min(slow)",
        ],
        "wrong": [
            ("gamma, rate = 2.0, -1.87", "slow part of the motion"),
            ("gamma, rate = 0.5, -0.25", "slow part of the motion"),
            ("gamma, rate = 0, 0", "slow part of the motion"),
            ("gamma, rate = -1.0, 0.5", "not negative"),
            ("gamma, rate = 1.0, 0.5", "sign"),
            ("gamma, rate = 1.0, -1.0", "put gamma into the formula"),
            ("gamma, rate = 0.97, -0.485", "nearly"),
        ],
    },
    "check_broken": {
        "right": [
            _fixed(HINGE),
            _fixed("torch.maximum(1 - real, torch.zeros_like(real)).mean() + relu(1 + fake).mean()", '"Down "'),
            _fixed("sum(max(0.0, 1 - float(v)) for v in real) / len(real) + np.maximum(0, 1 + fake.numpy()).mean()"),
            _fixed("(relu(1 - real.double()) + relu(1 + fake.double())).mean()"),
        ],
        "wrong": [
            (_fixed("relu(1 + real).mean() + relu(1 - fake).mean()"), "the program's line"),
            (_fixed("relu(1 - real).mean() + relu(1 - fake).mean()"), "below -1"),
            (_fixed("relu(1 - fake).mean() + relu(1 + real).mean()"), "the program's line"),
            (_fixed("relu(1 - real).sum() + relu(1 + fake).sum()"), "take means"),
            (_fixed("relu(1 - real) + relu(1 + fake)"), "one number"),
            (_fixed("(1 - real).mean() + (1 + fake).mean()"), "above 1"),
            (_fixed(HINGE, '"up"'), "minus the gradient"),
            (_fixed(HINGE, "-1"), '"up" or "down"'),
        ],
    },
}
