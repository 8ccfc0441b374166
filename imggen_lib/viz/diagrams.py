"""The book's diagrams: how the parts of each method hang together, and which way values and gradients go.

Every text is an argument, so that a diagram can be had in any language: ``texts={"learns": ...}`` replaces entries of ``TEXTS``.
"""

from collections.abc import Mapping

from imggen_lib.viz import style
from imggen_lib.viz.diagram import Panel
from imggen_lib.viz.diagram_svg import diagram
from imggen_lib.viz.diagrams_texts import TEXTS
from imggen_lib.viz.pages import Html

Texts = Mapping[str, str] | None
_LINES = ("value", "gradient", "stop")


class _Words:
    """The texts in force; a name that is not in ``TEXTS`` is a mistake of the caller."""

    def __init__(self, texts: Texts) -> None:
        if unknown := set(texts or {}) - set(TEXTS):
            raise ValueError(f"there is no text named {', '.join(sorted(unknown))}")
        self.texts = {**TEXTS, **(texts or {})}

    def __call__(self, name: str) -> str:
        return self.texts[name]

    def panel(self, name: str) -> Panel:
        return Panel(self.texts[f"{name}_title"], self.texts[f"{name}_words"])

    def legend(self, *kinds: str) -> list[tuple[str, str]]:
        return [(kind, self.texts[f"legend_{kind}"]) for kind in kinds]


def gan(texts: Texts = None) -> Html:
    """The two turns of a GAN: what each player's loss reads, and which network its gradient reaches."""
    say = _Words(texts)
    critic, generator = say.panel("gan_critic"), say.panel("gan_generator")
    for panel, turn in ((critic, "critic"), (generator, "generator")):
        mine = turn == "generator"
        left = (0, 2) if turn == "critic" else (0, 4)
        panel.box("z", "noise", "$z$", 0, left, small=say("noise"))
        panel.box("g", "network", say("generator"), 1, left, small=say("learns" if mine else "fixed"), firm=mine)
        panel.box("fake", "tensor", "$G(z)$", 2, left, small=say("generated"), colour=style.MODEL)
        panel.box("d", "network", say("critic"), 3, small=say("fixed" if mine else "learns"), firm=not mine)
        panel.box("of fake", "tensor", "$D(G(z))$", 4, left, colour=style.MODEL)
        panel.flow("z", "g")
        panel.flow("g", "fake", "gradient" if mine else "")
        panel.flow("fake", "d", "gradient" if mine else "stop")
    critic.box("x", "tensor", "$x$", 2, (2, 4), small=say("real"), colour=style.DATA)
    critic.box("of real", "tensor", "$D(x)$", 4, (2, 4), colour=style.DATA)
    critic.box("loss", "loss", "\u2212log $D(x)$ \u2212 log $(1 \u2212 D(G(z)))$", 5, small=say("critic_loss"))
    critic.flow("x", "d", "stop")
    for name in ("of fake", "of real"):
        critic.flow("d", name, "gradient")
        critic.flow(name, "loss", "gradient")
    generator.box("loss", "loss", "\u2212log $D(G(z))$", 5, small=say("generator_loss"))
    generator.flow("d", "of fake", "gradient")
    generator.flow("of fake", "loss", "gradient")
    return diagram([critic, generator], say.legend("firm", "fixed", "tensor", "noise", "loss", *_LINES), say("gan"))


def gan_step(texts: Texts = None) -> Html:
    """One training step of a GAN in the names of the program: what ``detach`` cuts, and what the second pass back reaches."""
    say = _Words(texts)
    first, second = say.panel("step_critic"), say.panel("step_generator")
    first.box("z", "noise", "torch.randn", 0, (0, 2))
    first.box("g", "network", "G", 1, (0, 2), small=say("untouched"))
    first.box("fake", "tensor", "fake", 2, (0, 2), colour=style.MODEL)
    first.box("cut", "tensor", "fake.detach()", 3, (0, 2), small=say("cut"), colour=style.MODEL)
    first.box("x", "tensor", "real", 3, (2, 4), colour=style.DATA)
    first.box("d", "network", "D", 4, small=say("gets_step"), firm=True)
    first.box("loss", "loss", "D_loss.backward()", 5, small=say("labels_both"))
    for start, end, back in (("z", "g", ""), ("g", "fake", ""), ("fake", "cut", "stop"), ("cut", "d", ""), ("x", "d", ""),
                             ("d", "loss", "gradient")):  # fmt: skip
        first.flow(start, end, back)  # type: ignore[arg-type]
    second.box("z", "noise", "torch.randn", 0)
    second.box("g", "network", "G", 1, small=say("gets_step"), firm=True)
    second.box("fake", "tensor", "fake", 2, small=say("same_images"), colour=style.MODEL)
    second.box("d", "network", "D", 3, small=say("passes"))
    second.box("loss", "loss", "G_loss.backward()", 4, small=say("label_real"))
    second.flow("z", "g")
    for start, end in (("g", "fake"), ("fake", "d"), ("d", "loss")):
        second.flow(start, end, "gradient")
    return diagram([first, second], say.legend("firm", "fixed", "tensor", "noise", "loss", *_LINES), say("gan_step"))


def vae(texts: Texts = None) -> Html:
    """A VAE in training, with both terms of the ELBO and the gradient's way around the noise, and a VAE that draws."""
    say = _Words(texts)
    train, draw = say.panel("vae_train"), say.panel("vae_draw")
    train.box("x", "tensor", "$x$", 0, (1, 3), small=say("image"), colour=style.DATA)
    train.box("encoder", "network", say("encoder"), 1, (1, 3), small=say("learns"), firm=True)
    train.box("mu", "tensor", "$μ, \u03c3$", 2, (1, 3), small="$q(z|x)$", colour=style.MODEL)
    train.box("eps", "noise", "$ε$", 2, (3, 4), small="$N(0, I)$")
    train.box("kl", "loss", "KL($q$ ‖ $p$)", 3, (0, 2), small=say("price"))
    train.box("z", "tensor", "$z = μ + \u03c3ε$", 3, (2, 4), colour=style.MODEL)
    train.box("decoder", "network", say("decoder"), 4, (2, 4), small=say("learns"), firm=True)
    train.box("fit", "loss", "log $p(x|z)$", 5, (2, 4), small=say("fit"))
    train.box("elbo", "loss", say("elbo"), 6, small=say("raised"))
    for start, end in (("x", "encoder"), ("encoder", "mu"), ("mu", "kl"), ("mu", "z"), ("eps", "z"), ("z", "decoder"),
                       ("decoder", "fit"), ("kl", "elbo"), ("fit", "elbo")):  # fmt: skip
        train.flow(start, end, "" if start == "x" else "stop" if start == "eps" else "gradient")
    draw.box("z", "noise", "$z$", 0, small=say("prior"))
    draw.box("decoder", "network", say("decoder"), 1, small=say("fixed"))
    draw.box("p", "tensor", "$p(x|z)$", 2, small=say("each_pixel"), colour=style.MODEL)
    draw.box("new", "tensor", "$x$", 3, small=say("new_image"), colour=style.MODEL)
    for start, end in (("z", "decoder"), ("decoder", "p"), ("p", "new")):
        draw.flow(start, end)
    return diagram([train, draw], say.legend("firm", "fixed", "tensor", "noise", "loss", *_LINES), say("vae"))


def optimised(texts: Texts = None) -> Html:
    """What is adjusted when images are made by optimisation: codes and a generator (GLO), or the pixels themselves (texture)."""
    say = _Words(texts)
    glo, texture = say.panel("glo"), say.panel("texture")
    glo.box("z", "tensor", "$z_i$", 0, (0, 2), small=say("own_code"), colour=style.MODEL, firm=True)
    glo.box("g", "network", say("generator"), 1, (0, 2), small=say("learns"), firm=True)
    glo.box("made", "tensor", "$g(z_i)$", 2, (0, 2), colour=style.MODEL)
    glo.box("x", "tensor", "$x_i$", 2, (2, 4), small=say("image"), colour=style.DATA)
    glo.box("loss", "loss", "$d(g(z_i), x_i)$", 3, small=say("between_images"))
    texture.box("y", "tensor", "$x$", 0, (0, 2), small=say("pixels"), colour=style.MODEL, firm=True)
    texture.box("x", "tensor", say("example"), 0, (2, 4), colour=style.DATA)
    texture.box("net", "network", say("filters"), 1, small=say("fixed"))
    texture.box("gy", "tensor", "$G^l$", 2, (0, 2), small=say("gram_made"), colour=style.MODEL)
    texture.box("gx", "tensor", "$T^l$", 2, (2, 4), small=say("gram_example"), colour=style.DATA)
    texture.box("loss", "loss", "$E$", 3, small=say("between_statistics"))
    for start, end in (("z", "g"), ("g", "made"), ("made", "loss")):
        glo.flow(start, end, "gradient")
    glo.flow("x", "loss", "stop")
    for start, end in (("y", "net"), ("net", "gy"), ("gy", "loss")):
        texture.flow(start, end, "gradient")
    texture.flow("x", "net")
    texture.flow("net", "gx")
    texture.flow("gx", "loss", "stop")
    return diagram([glo, texture], say.legend("firm", "fixed", "tensor", "loss", *_LINES), say("optimised"))


def diffusion(texts: Texts = None) -> Html:
    """A diffusion model in training, on the noised chain that nothing has to learn, and the learned way back."""
    say = _Words(texts)
    there, back = say.panel("noised"), say.panel("denoised")
    there.box("x", "tensor", "$x_0$", 0, (0, 2), small=say("image"), colour=style.DATA)
    there.box("eps", "noise", "$ε$", 0, (2, 4), small="$N(0, I)$")
    there.box("xt", "tensor", "$x_t = √ᾱ_t x_0 + √(1 \u2212 ᾱ_t) ε$", 1, small=say("noised_in_one"))
    there.box("net", "network", say("denoiser"), 2, small=say("learns"), firm=True)
    there.box("clean", "tensor", "$x̂_0$", 3, small=say("guess"), colour=style.MODEL)
    there.box("loss", "loss", "$‖x̂_0 \u2212 x_0‖^2$", 4, small=say("mean_best"))
    there.flow("x", "xt")
    there.flow("eps", "xt")
    there.flow("xt", "net", "stop")
    there.flow("net", "clean", "gradient")
    there.flow("clean", "loss", "gradient")
    back.box("start", "noise", "$x_T$", 0, (0, 3), small=say("pure_noise"))
    back.box("xt", "tensor", "$x_t$", 1, (0, 3), small=say("now"), colour=style.MODEL)
    back.box("net", "network", say("denoiser"), 2, (0, 3), small=say("fixed"))
    back.box("clean", "tensor", "$x̂_0$", 3, (0, 3), small=say("guess"), colour=style.MODEL)
    back.box("less", "tensor", "$x_{t\u22121}$", 4, (0, 3), small=say("less_noise"), colour=style.MODEL)
    back.box("end", "tensor", "$x_0$", 5, (0, 3), small=say("new_image"), colour=style.MODEL)
    for start, end in (("start", "xt"), ("xt", "net"), ("net", "clean"), ("clean", "less"), ("less", "end")):
        back.flow(start, end)
    back.loop("less", "xt")
    return diagram([there, back], say.legend("firm", "fixed", "tensor", "noise", "loss", *_LINES), say("diffusion"))


def gram(texts: Texts = None) -> Html:
    """From an image to its Gram matrix, and from two of them to the loss of one layer."""
    say = _Words(texts)
    one, loss = say.panel("gram_matrix"), say.panel("gram_loss")
    one.box("x", "tensor", say("image"), 0)
    one.box("net", "network", say("filters"), 1, small=say("fixed"))
    one.box("f", "tensor", "$F$", 2, small=say("maps"))
    one.box("i", "tensor", "$F_{i1} … F_{iM}$", 3, (0, 2), small=say("map_i"))
    one.box("j", "tensor", "$F_{j1} … F_{jM}$", 3, (2, 4), small=say("map_j"))
    one.box("g", "tensor", "$G_{ij}$", 4, small=say("mean_product"))
    for start, end in (("x", "net"), ("net", "f"), ("f", "i"), ("f", "j"), ("i", "g"), ("j", "g")):
        one.flow(start, end)
    loss.box("f", "tensor", "$F^l$", 0, (0, 2), small=say("layer_made"), colour=style.MODEL)
    loss.box("ft", "tensor", say("layer_example"), 0, (2, 4), colour=style.DATA)
    loss.box("g", "tensor", "$G^l$", 1, (0, 2), small=say("no_places"), colour=style.MODEL)
    loss.box("t", "tensor", "$T^l$", 1, (2, 4), small=say("once"), colour=style.DATA)
    loss.box("l", "loss", "$‖G^l \u2212 T^l‖^2 / ‖T^l‖^2$", 2, small=say("of_layer"))
    loss.box("e", "loss", "$E$", 3, small=say("all_layers"))
    for start, end in (("f", "g"), ("g", "l"), ("l", "e")):
        loss.flow(start, end, "gradient")
    loss.flow("ft", "t")
    loss.flow("t", "l", "stop")
    return diagram([one, loss], say.legend("fixed", "tensor", "loss", *_LINES), say("gram"))
