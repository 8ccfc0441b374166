"""The diagrams of the book, in the one look of :mod:`imggen_lib.viz.boxes`. Every text can be replaced, for another language."""

from collections.abc import Mapping
from typing import Literal

from imggen_lib.viz.boxes import Arrow, Box, Diagram, Label, back, chain, row

TEXTS: dict[str, str] = {
    "noise": "z",
    "generator": "generator\nG",
    "generated": "G(z)",
    "critic": "critic\nD",
    "image": "x",
    "critic_loss": "critic's\nloss",
    "generator_loss": "generator's\nloss",
    "critic_turn": "The critic's turn",
    "critic_words": "Noise z goes through the generator, which is fixed, to G(z). The critic looks at G(z) and at a real image x "
    "and has a loss. The gradient goes from the loss into the critic and stops before G(z).",
    "generator_turn": "The generator's turn",
    "generator_words": "The same way, with the generator's loss. The gradient goes from the loss through the critic, which "
    "is fixed, through G(z) into the generator.",
    "encoder": "encoder",
    "posterior": "\u03bc, \u03c3",
    "code": "z = \u03bc + \u03c3\u03b5",
    "epsilon": "\u03b5",
    "decoder": "decoder",
    "decoded": "p(x | z)",
    "kl": "KL",
    "reconstruction": "\u2212log\np(x | z)",
    "vae": "A variational autoencoder",
    "vae_words": "An image x goes through the encoder to mu and sigma. With noise epsilon they make z, which goes through the "
    "decoder to p(x|z). Its two losses are the KL of mu and sigma from the prior, and minus the log-probability "
    "of x. The gradient of both goes back through decoder, z, mu and sigma into the encoder; epsilon gets none.",
    "code_of": "code\nz_i",
    "made_of": "G(z_i)",
    "image_of": "image x_i",
    "loss": "loss",
    "glo": "GLO: every image's code is learned together with the generator",
    "glo_words": "A code z of one image goes through the generator to G(z), which is compared with the image x. The gradient "
    "goes from the loss into the generator and into the code. There is no encoder and no critic.",
    "pixels": "pixels",
    "network": "fixed\nnetwork",
    "gram": "Gram\nmatrices",
    "example": "example",
    "texture": "Texture synthesis: the pixels are learned, nothing else",
    "texture_words": "Pixels go through a fixed network to Gram matrices, as does the example. The loss compares the two. The "
    "gradient goes back through the fixed network into the pixels.",
    "maps": "responses F\nK \u00d7 M",
    "product": "G = FF\u1d40/M\nK \u00d7 K",
    "squared": "|G \u2212 T|\u00b2",
    "target": "T of the\nexample",
    "gram_title": "The Gram loss of one layer",
    "gram_words": "A layer's responses to an image are K maps of M places, written as a matrix F. Its product with itself over "
    "all places is the Gram matrix, K by K: where something is does not count. The loss is its squared difference "
    "from the example's.",
    "clean": "x_0",
    "less": "x_{t\u22121}",
    "more": "x_t",
    "pure": "x_T",
    "dots": "\u2026",
    "denoiser": "denoiser, learned",
    "adds": "noise is added: nothing to learn",
    "removes": "one step back",
    "diffusion": "Diffusion: a fixed way into noise, a learned way back",
    "diffusion_words": "From the image x0 to pure noise, a little noise is added at each step. The denoiser looks at the noisier "
    "image of a step and leads back to the less noisy one.",
}


def worded(texts: Mapping[str, str] | None) -> dict[str, str]:
    """``TEXTS`` with some entries replaced; raises ``ValueError`` for a name that is not among them."""
    unknown = set(texts or {}) - TEXTS.keys()
    if unknown:
        raise ValueError(f"there is no text {min(unknown)!r}; the names are {', '.join(TEXTS)}")
    return TEXTS | dict(texts or {})


def gan(turn: Literal["critic", "generator"], texts: Mapping[str, str] | None = None) -> Diagram:
    """One turn of a GAN's step: who learns, and how far the gradient goes."""
    if turn not in ("critic", "generator"):
        raise ValueError(f'whose turn is it, "critic" or "generator"? got {turn!r}')
    t, critics = worded(texts), turn == "critic"
    noise = Box(t["noise"], 30, 30, "noise")
    generator = Box(t["generator"], 150, 30, "network", "made", "fixed" if critics else "learned")
    made = Box(t["generated"], 290, 30, "tensor", "made")
    image = Box(t["image"], 30, 118, "tensor", "data")
    critic = Box(t["critic"], 150, 118, "network", "critic", "learned" if critics else "fixed")
    loss = Box(t[f"{turn}_loss"], 285, 118, "loss")
    above, beside = 72.0, 82.0  # the ways from G(z) to the critic, and back
    arrows = [*chain([noise, generator, made]), *chain([image, critic, loss]), *back([critic, loss])]
    arrows.append(Arrow(made.at("bottom", -5), critic.at("top", -5), via=((made.x - 5, above), (critic.x - 5, above))))
    if critics:
        arrows.append(Arrow(critic.at("top", 6), (critic.x + 6, above), "stopped"))
    else:
        way = ((critic.x + 6, beside), (made.x + 6, beside))
        arrows += [Arrow(critic.at("top", 6), made.at("bottom", 6), "gradient", way), *back([generator, made])]
    return Diagram(t[f"{turn}_turn"], t[f"{turn}_words"], 148, [noise, generator, made, image, critic, loss], arrows)


def vae(texts: Mapping[str, str] | None = None) -> Diagram:
    """A VAE's two losses, and why the gradient reaches the encoder: z is computed from mu, sigma and noise that is only drawn."""
    t = worded(texts)
    image = Box(t["image"], 36, 30, "tensor", "data")
    encoder = Box(t["encoder"], 130, 30, "network", "code", "learned")
    posterior = Box(t["posterior"], 232, 30, "tensor", "code")
    kl = Box(t["kl"], 312, 30, "loss")
    epsilon = Box(t["epsilon"], 130, 92, "noise")
    code = Box(t["code"], 232, 92, "tensor", "code")
    decoder = Box(t["decoder"], 232, 154, "network", "made", "learned")
    decoded = Box(t["decoded"], 134, 154, "tensor", "made")
    loss = Box(t["reconstruction"], 40, 154, "loss")
    top = [image, encoder, posterior, kl]
    arrows = [*chain(top), *back(top[1:]), Arrow(epsilon.at("right", -5), code.at("left", -5))]
    arrows.append(Arrow(code.at("left", 5), epsilon.at("right", 5), "stopped"))
    for upper, lower in ((posterior, code), (code, decoder)):
        arrows.append(Arrow(upper.at("bottom", -5), lower.at("top", -5)))
        arrows.append(Arrow(lower.at("top", 5), upper.at("bottom", 5), "gradient"))
    for first, then in ((decoder, decoded), (decoded, loss)):
        arrows.append(Arrow(first.at("left", -5), then.at("right", -5)))
        arrows.append(Arrow(then.at("right", 5), first.at("left", 5), "gradient"))
    arrows.append(Arrow(image.at("bottom"), loss.at("top", image.x - loss.x)))
    boxes = [*top, epsilon, code, decoder, decoded, loss]
    return Diagram(t["vae"], t["vae_words"], 182, boxes, arrows)


def glo(texts: Mapping[str, str] | None = None) -> Diagram:
    """Generative latent optimisation: codes and generator are learned from a loss on images alone."""
    t = worded(texts)
    code = Box(t["code_of"], 0, 0, "tensor", "code", "learned")
    generator = Box(t["generator"], 0, 0, "network", "made", "learned")
    way = row(code, generator, Box(t["made_of"], 0, 0, "tensor", "made"), Box(t["loss"], 0, 0, "loss"), y=30)
    image = Box(t["image_of"], way[3].x - 14, 98, "tensor", "data")
    arrows = [*chain(way), *back(way), Arrow(image.at("top", way[3].x - image.x), way[3].at("bottom"))]
    return Diagram(t["glo"], t["glo_words"], 118, [*way, image], arrows)


def texture(texts: Mapping[str, str] | None = None) -> Diagram:
    """Texture synthesis: the gradient goes through a network that stays as it is, into the pixels."""
    t = worded(texts)
    network, gram = Box(t["network"], 0, 0, "network", "plain", "fixed"), Box(t["gram"], 0, 0, "tensor")
    way = row(Box(t["pixels"], 0, 0, "tensor", "made", "learned"), network, gram, Box(t["loss"], 0, 0, "loss"), y=30)
    example = Box(t["example"], way[0].x + 2, 104, "tensor", "data")
    again = [Box(box.text, box.x, 104, box.kind, box.ink, box.role) for box in way[1:3]]
    below = [example, *again]
    up = Arrow(again[1].at("right"), way[3].at("bottom"), via=((way[3].x, 104),))
    return Diagram(t["texture"], t["texture_words"], 134, [*way, *below], [*chain(way), *back(way), *chain(below, 0), up])


def gram(texts: Mapping[str, str] | None = None) -> Diagram:
    """The Gram loss of one layer, from its responses to one number."""
    t = worded(texts)
    way = row(Box(t["maps"], 0, 0), Box(t["product"], 0, 0), Box(t["squared"], 0, 0, "loss"), y=30)
    target = Box(t["target"], way[2].x, 104, "tensor", "data")
    arrows = [*chain(way), *back(way), Arrow(target.at("top"), way[2].at("bottom"))]
    return Diagram(t["gram_title"], t["gram_words"], 134, [*way, target], arrows)


def diffusion(texts: Mapping[str, str] | None = None) -> Diagram:
    """A diffusion model: noise is added in many small steps; a network learns to take one back."""
    t = worded(texts)
    ends = [Box(t["clean"], 0, 0, "tensor", "data"), Box(t["dots"], 0, 0, "tensor"), Box(t["less"], 0, 0, "tensor", "made")]
    way = row(*ends, Box(t["more"], 0, 0, "tensor", "made"), Box(t["dots"], 0, 0, "tensor"), Box(t["pure"], 0, 0, "noise"), y=48)
    less, more = way[2], way[3]
    denoiser = Box(t["denoiser"], (less.x + more.x) / 2, 118, "network", "made", "learned")
    down = Arrow(more.at("bottom"), denoiser.at("top", more.x - denoiser.x))
    up = Arrow(denoiser.at("top", less.x - denoiser.x), less.at("bottom"))
    labels = [Label(t["adds"], 170, 16), Label(t["removes"], less.x - 8, 92, "end")]
    return Diagram(t["diffusion"], t["diffusion_words"], 142, [*way, denoiser], [*chain(way, 0), down, up], labels)
