"""A text encoder without places hears a bag of words; a reader of halves does not look across; both trainings move."""

from itertools import islice

import torch

from imggen_lib.data import two_glyphs
from imggen_lib.models.sentence import GlyphCoder, SentenceVelocity
from imggen_lib.models.two_glyphs import HalfReader
from imggen_lib.noise import mix
from imggen_lib.train import two_glyphs as training
from imggen_lib.train.sentence import train_sentence

SIZE = {"words": len(two_glyphs.VOCABULARY), "length": two_glyphs.LENGTH}
FOUR = ["a red K left of a blue 7", "a blue 7 left of a red K", "a blue K left of a red 7", "7 a of red a K blue left"]


def _net(order: bool) -> SentenceVelocity:
    torch.manual_seed(0)
    net = SentenceVelocity(dim=6, width=16, blocks=2, text=16, heads=4, order=order, **SIZE).eval()
    for weight in (net.leave.weight, *(block.down.weight for block in net.blocks)):
        torch.nn.init.normal_(weight, std=0.2)  # they begin at 0: an untrained network listens to nobody
    return net


def test_without_places_every_order_of_the_words_is_the_same() -> None:
    x, t, ids = torch.randn(1, 6).expand(4, -1), torch.full((4,), 0.4), two_glyphs.tokens(FOUR)
    for order in (True, False):
        net = _net(order)
        v = net(x, t, net.read(ids))
        apart = (v - v[0]).abs().amax(1)[1:]
        assert (apart > 1e-4).all() if order else (apart < 1e-5).all()
    other = _net(False)
    words = other.read(two_glyphs.tokens([FOUR[0], "a red K left of a blue X"]))
    assert (other(x[:2], t[:2], words).diff(dim=0)).abs().max() > 1e-4  # another word is heard
    assert not any(name == "encoder.places" for name, p in other.named_parameters() if p.requires_grad)


def test_a_half_is_read_by_itself() -> None:
    torch.manual_seed(1)
    reader = HalfReader(8).eval()
    images = two_glyphs.draw_images(two_glyphs.draw_meanings(12, 1), 2)
    read, mixed = reader.read(images), torch.cat([images[:, :, :, :14], images.roll(1, 0)[:, :, :, 14:]], 3)
    assert torch.equal(reader.read(mixed)[:, :2], read[:, :2])
    assert torch.equal(reader.read(mixed)[:, 2:], read.roll(1, 0)[:, 2:])
    turned = reader.read(torch.cat([images[:, :, :, 14:], images[:, :, :, :14]], 3))
    assert torch.equal(turned, read[:, [2, 3, 0, 1]])


def test_the_reader_learns() -> None:
    torch.manual_seed(1)
    reader = HalfReader(8)
    losses = [row["loss"] for row in training.train_reader(reader, 3.0, 3, batch=32)]  # the rate follows the budget, to its end
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    images = next(training.pictures(64, 9))
    assert images.shape == (64, 3, 28, 28) and images.std() > 0.1


def test_the_flow_learns_sentences_of_another_language() -> None:
    """And of what it is shown nothing is held out: not a red A, not an ordered pair."""
    torch.manual_seed(2)
    coder = GlyphCoder(6, 3)
    pairs = training.encoded(coder, 600, 4)
    assert not any(v.any() for v in two_glyphs.held_out(pairs.meanings).values())
    meanings = two_glyphs.draw_meanings(600, 1)
    assert len(pairs.mean) == 600 and pairs.meanings.shape == meanings.shape
    images = two_glyphs.draw_images(pairs.meanings[500:], mix(4, 1, 500))
    torch.testing.assert_close(coder.encode(images)[0], pairs.mean[500:])
    net = SentenceVelocity(dim=6, width=16, blocks=1, text=16, heads=2, **SIZE)
    before = net.encoder.words.weight.clone()
    rows = list(islice(train_sentence(net, coder, pairs, 1e6, 5, batch=16, each=2, language=two_glyphs), 20))
    assert rows[-1]["images"] == 320 and not torch.equal(before, net.encoder.words.weight)
