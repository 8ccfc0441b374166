"""Problems with numbers from a random generator, and their solutions, worked out: what ``sheets.py`` makes sheets of.

A problem is a function of a random generator that returns text and solution, both Markdown with formulas, and the numbers that the
solution ends in; ``PROBLEMS`` lists them in the order of the chapters.
"""

import math
import random
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple


class Problem(NamedTuple):
    chapter: str  # the file's name without its ending
    title: str
    text: str
    solution: str
    answer: tuple[float, ...]  # the numbers that the solution ends in


Maker = Callable[[random.Random], Problem]


def _shares(draw: random.Random, count: int, of: int = 10) -> list[float]:
    """Probabilities in tenths, none of them 0."""
    cuts = sorted(draw.sample(range(1, of), count - 1))
    return [(b - a) / of for a, b in zip([0, *cuts], [*cuts, of], strict=True)]


def _row(values: Sequence[float]) -> str:
    return ", ".join(f"{v:g}" for v in values)


def bits(draw: random.Random) -> Problem:
    nats, count = draw.randrange(70, 140), draw.choice([1000, 10_000, 60_000])
    each = nats / math.log(2)
    size = each * count / 8 / 1000
    text = (
        f"A model of binary images of 28 by 28 pixels has a mean log-likelihood of $-{nats}$ nats per image. How "
        f"many bits per image "
        f"and per pixel does a perfect code for this model need? How many kilobytes are {count:,} images, and how "
        f"many without a model?"
    )
    solution = (
        f"One nat is $1/\\log 2 = 1.443$ bits, so ${nats}/\\log 2 = {each:.1f}$ bits per image and "
        f"${each / 784:.3f}$ per pixel. "
        f"{count:,} images take ${each:.1f} \\cdot {count}/8 = {size:,.1f}$ kB; without a model, at one bit a pixel, "
        f"{784 * count / 8 / 1000:,.0f} kB."
    )
    return Problem("background", "What a nat costs", text, solution, (each, each / 784, size))


def gram(draw: random.Random) -> Problem:
    f = [[draw.randrange(-2, 4) for _ in range(3)] for _ in range(2)]
    g = [[sum(a * b for a, b in zip(p, q, strict=True)) / 3 for q in f] for p in f]
    text = (
        f"A layer has two channels over three places: $({_row(f[0])})$ and $({_row(f[1])})$. What is its Gram "
        f"matrix, with the mean over "
        "the places? How does it change when the three places are put in another order, and what does that say of textures?"
    )
    solution = (
        f"$G_{{11}} = {g[0][0]:.3f}$, $G_{{12}} = G_{{21}} = {g[0][1]:.3f}$, $G_{{22}} = {g[1][1]:.3f}$. A sum "
        f"over places does not "
        "know their order, so nothing changes: the matrix tells what occurs together, not where."
    )
    return Problem("optimisation", "A Gram matrix by hand", text, solution, (g[0][0], g[0][1], g[1][1]))


def critic(draw: random.Random) -> Problem:
    mu, nu, s = draw.randrange(0, 4), -draw.randrange(1, 4), draw.choice([0.5, 1, 2])
    x = draw.choice([-1, 0, 1]) / 2
    logit = (mu - nu) / s**2 * (x - (mu + nu) / 2)
    d = 1 / (1 + math.exp(-logit))
    text = (
        f"Real numbers come from $N({mu}, {s:g}^2)$, generated ones from $N({nu}, {s:g}^2)$, equally often. What "
        f"does the best critic "
        f"answer at $x = {x:g}$: as a logit, and as a probability? Where does it answer one half?"
    )
    solution = (
        f"The logit is $\\log p(x) - \\log q(x) = \\frac{{\\mu - \\nu}}{{s^2}}(x - \\frac{{\\mu + \\nu}}2) = "
        f"{logit:.3f}$, the probability "
        f"$1/(1 + e^{{-({logit:.3f})}}) = {d:.4f}$. One half is in the middle, at $x = {(mu + nu) / 2:g}$."
    )
    return Problem("gan_theory", "The best critic at a point", text, solution, (logit, d, (mu + nu) / 2))


def jensen_shannon(draw: random.Random) -> Problem:
    p, q = _shares(draw, 3), _shares(draw, 3)
    m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    js = sum(0.5 * a * math.log(a / c) + 0.5 * b * math.log(b / c) for a, b, c in zip(p, q, m, strict=True))
    text = (
        f"Three images occur with the probabilities $p = ({_row(p)})$ in the data, and $q = ({_row(q)})$ from the "
        f"generator. What is "
        "$\\mathrm{JS}(p, q)$ in nats, and what is the value of the game against the best critic? When is that value highest?"
    )
    solution = (
        f"With $m = ({_row(m)})$, $\\mathrm{{JS}} = \\frac12\\mathrm{{KL}}(p\\,\\|\\,m) + "
        f"\\frac12\\mathrm{{KL}}(q\\,\\|\\,m) = {js:.4f}$ and "
        f"$V = 2\\,\\mathrm{{JS}} - 2\\log 2 = {2 * js - 2 * math.log(2):.4f}$. It is highest, 0, where $p$ and "
        f"$q$ share no image: there "
        "$\\mathrm{JS} = \\log 2$."
    )
    return Problem("gan_theory", "Jensen and Shannon on three images", text, solution, (js, 2 * js - 2 * math.log(2)))


def transport(draw: random.Random) -> Problem:
    p, q = _shares(draw, 4), _shares(draw, 4)
    gaps = [a - b for a, b in zip(accumulate(p), accumulate(q), strict=True)][:-1]
    w = sum(abs(g) for g in gaps)
    text = (
        f"Earth lies at the places 0, 1, 2, 3 of a line, in the amounts $p = ({_row(p)})$; it is wanted in the amounts "
        f"$q = ({_row(q)})$. What is $W_1(p, q)$? How much earth crosses from 1 to 2, and in which direction?"
    )
    solution = (
        "What crosses a gap is the difference of the sums up to it, and every unit pays 1 a gap: "
        f"$W_1 = {' + '.join(f'{abs(g):.1f}' for g in gaps)} = {w:.1f}$. From 1 to 2 go ${abs(gaps[1]):.1f}$, "
        f"{'to the right' if gaps[1] > 0 else 'to the left' if gaps[1] < 0 else 'so nothing'}."
    )
    return Problem("gan_theory", "Moving earth along a line", text, solution, (w, gaps[1]))


def dirac(draw: random.Random) -> Problem:
    gamma, h = draw.choice([0.4, 0.8, 1.2, 1.6]), draw.choice([0.1, 0.2])
    circle = 1 - (gamma / 2) ** 2
    size = math.sqrt((1 - h * gamma / 2) ** 2 + h**2 * circle)
    text = (
        f"In the Dirac-GAN with the Wasserstein loss and R1, $\\dot\\theta = \\psi$ and $\\dot\\psi = -\\theta - "
        f"\\gamma\\psi$, let "
        f"$\\gamma = {gamma}$. What are the eigenvalues, and does the path turn? By which factor does a step of "
        f"length $h = {h}$, both "
        "players at once, change the distance from the equilibrium in the long run? What would it be with $\\gamma = 0$?"
    )
    solution = (
        f"$\\lambda = -\\frac\\gamma2 \\pm \\sqrt{{\\frac{{\\gamma^2}}4 - 1}} = {-gamma / 2:g} \\pm "
        f"{math.sqrt(circle):.3f}\\,i$: it turns, "
        f"inwards. A step multiplies by $|1 + h\\lambda| = {size:.4f}$; with $\\gamma = 0$ it is $\\sqrt{{1 + h^2}} = "
        f"{math.hypot(1, h):.4f}$, outwards."
    )
    return Problem("gan_theory", "In or out?", text, solution, (-gamma / 2, math.sqrt(circle), size))


def price(draw: random.Random) -> Problem:
    mu, sigma = [draw.randrange(-15, 16) / 10 for _ in range(2)], [draw.choice([0.2, 0.5, 1.0, 2.0]) for _ in range(2)]
    each = [0.5 * (m * m + s * s - 2 * math.log(s) - 1) for m, s in zip(mu, sigma, strict=True)]
    text = (
        f"An encoder answers $\\mu = ({_row(mu)})$ and $\\sigma = ({_row(sigma)})$ for an image. How many nats "
        f"does this description cost "
        "under the prior $N(0, I)$, in each dimension and in all? What would an answer cost that costs nothing?"
    )
    solution = (
        "$\\frac12(\\mu^2 + \\sigma^2 - \\log\\sigma^2 - 1)$ gives "
        f"${each[0]:.3f}$ and ${each[1]:.3f}$, together ${sum(each):.3f}$ nats. Nothing is paid for $\\mu = 0$, "
        f"$\\sigma = 1$: for saying "
        "nothing."
    )
    return Problem("vae_theory", "The price of a description", text, solution, (*each, sum(each)))


def two_codes(draw: random.Random) -> Problem:
    likely, q = [draw.randrange(1, 6) / 10, draw.randrange(6, 10) / 10], draw.choice([0.2, 0.4, 0.6, 0.8])
    px = sum(likely) / 2
    bound = (1 - q) * math.log(likely[0] / 2 / (1 - q)) + q * math.log(likely[1] / 2 / q)
    right = likely[1] / sum(likely)
    text = (
        f"The code $z$ is 0 or 1 with probability one half each, and the decoder gives our image the probability "
        f"{likely[0]} from 0 and "
        f"{likely[1]} from 1. The encoder says $q(z = 1) = {q}$. What are $\\log p(x)$, the ELBO, and the gap "
        f"between them? Which $q$ "
        "closes it?"
    )
    solution = (
        f"$p(x) = \\frac12({likely[0]} + {likely[1]}) = {px:g}$, so $\\log p(x) = {math.log(px):.4f}$. The ELBO, "
        f"$\\sum_z q(z)\\log\\frac{{p(x, z)}}{{q(z)}}$, is ${bound:.4f}$, the gap ${math.log(px) - bound:.4f}$ "
        f"nats. It is closed by the "
        f"posterior, $q(z = 1) = {likely[1]}/{sum(likely):g} = {right:.4f}$."
    )
    return Problem("vae_theory", "A VAE with two codes", text, solution, (math.log(px), bound, right))


def hidden_beta(draw: random.Random) -> Problem:
    side, latents = draw.choice([28, 32, 64]), draw.choice([8, 16, 32, 64])
    beta = side * side / latents
    text = (
        f"A program for grey images of {side} by {side} pixels takes the mean of the reconstruction error over "
        f"the pixels, and the mean of "
        f"the KL terms over its {latents} latent numbers, and adds the two. Which beta-VAE does it train?"
    )
    solution = (
        f"The two sums were divided by {side * side} and by {latents}. Multiplied by the number of pixels, the "
        f"loss is the sum of the "
        f"errors and ${side * side}/{latents} = {beta:g}$ times the KL: $\\beta = {beta:g}$."
    )
    return Problem("vae_theory", "The beta that nobody wrote down", text, solution, (beta,))


def first_step(draw: random.Random) -> Problem:
    g, rate = [draw.choice([-1, 1]) * draw.choice([0.003, 0.2, 5.0]) for _ in range(2)], draw.choice([1e-3, 2e-4])
    steps = [-rate * x / (abs(x) + 1e-8) for x in g]
    text = (
        f"Adam begins with the gradient $({_row(g)})$, a rate of {rate:g}, $\\beta_1 = 0.5$, $\\beta_2 = 0.999$ "
        f"and $\\epsilon = 10^{{-8}}$. "
        "Which step does it take? Does it depend on $\\beta_1$ and $\\beta_2$?"
    )
    solution = (
        "After one step the corrected means are $g$ and $g^2$ themselves, whatever the betas: the step is "
        "$-\\eta g/(|g| + \\epsilon)$, "
        f"here $({_row([round(s, 9) for s in steps])})$: the rate, with the sign of the gradient."
    )
    return Problem("gan_practice", "Adam's first step", text, solution, tuple(steps))


def frechet(draw: random.Random) -> Problem:
    means, sds = [draw.randrange(-2, 3) for _ in range(2)], [draw.choice([1, 2, 3]) for _ in range(4)]
    distance = means[0] ** 2 + means[1] ** 2 + (sds[0] - sds[2]) ** 2 + (sds[1] - sds[3]) ** 2
    text = (
        f"Two features are independent. Of real images they have the means 0, 0 and the standard deviations "
        f"{sds[0]}, {sds[1]}; of "
        f"generated ones the means {means[0]}, {means[1]} and the standard deviations {sds[2]}, {sds[3]}. What is "
        f"the Fréchet distance? "
        "Would it notice if each generated feature only ever took two values, with these means and deviations?"
    )
    solution = (
        "With diagonal covariances it is $\\sum_k (m_k - m'_k)^2 + (\\sigma_k - \\sigma'_k)^2 = "
        f"{means[0] ** 2} + {means[1] ** 2} + {(sds[0] - sds[2]) ** 2} + {(sds[1] - sds[3]) ** 2} = {distance}$. "
        f"It sees means and "
        "covariances alone, so it would not notice."
    )
    return Problem("evaluation", "A Fréchet distance by hand", text, solution, (distance,))


def auroc(draw: random.Random) -> Problem:
    ill, well = sorted(draw.sample(range(2, 20), 4)), sorted(draw.sample(range(16), 5))
    wins = sum((a > b) + 0.5 * (a == b) for a in ill for b in well)
    area = wins / 20
    text = (
        f"Four ill patients have the scores {_row(ill)}, five healthy ones {_row(well)}. What is the AUROC? What "
        f"does it become when all "
        "scores are doubled, and when their signs are changed?"
    )
    solution = (
        f"Of the 20 pairs the ill one is higher in {wins:g} (a tie counts one half): ${wins:g}/20 = {area:g}$. "
        f"Doubling keeps the order, "
        f"and so the area; the signs turn it into ${1 - area:g}$."
    )
    return Problem("medicine", "An area by counting pairs", text, solution, (area,))


def found_within(draw: random.Random) -> Problem:
    percent, runs = draw.choice([2, 4, 5, 8]), draw.choice([20, 40, 60])
    p = percent / 100
    once, needed = 1 - (1 - p) ** runs, math.ceil(math.log(0.05) / math.log(1 - p))
    text = (
        f"Of random levels {percent} % fulfil an order. With which probability is one of {runs} right? How many "
        f"have to be drawn so that "
        "it is at least 0.95? Which search would you call better than drawing?"
    )
    solution = (
        f"$1 - (1 - {p:g})^{{{runs}}} = {once:.4f}$. For 0.95, $N \\geq \\log 0.05/\\log(1 - {p:g})$, so "
        f"{needed}. Better is a search that "
        "needs fewer trials for the same probability, its own trials all counted."
    )
    return Problem("games", "Drawing until it fits", text, solution, (once, needed))


PROBLEMS: tuple[Maker, ...] = (
    *(bits, gram, critic, jensen_shannon, transport, dirac, price, two_codes, hidden_beta),
    *(first_step, frechet, auroc, found_within),
)
