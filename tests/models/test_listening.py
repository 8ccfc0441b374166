"""The networks that listen: attention beside PyTorch's own, silence for what is empty, and words whose places matter."""

import numpy as np
import pytest
import torch

from imggen_lib.data import captions
from imggen_lib.models.sentence import GlyphCoder, Reader, SentenceVelocity, TextEncoder, attended, attention, time_features


def test_attention_is_pytorchs() -> None:
    """Beside `torch.nn.functional.multi_head_attention_forward`'s heart, with a mask."""
    q, k, v = (torch.randn(3, n, 12, generator=torch.Generator().manual_seed(n)) for n in (5, 7, 7))
    empty = torch.zeros(3, 7, dtype=torch.bool)
    empty[1, 4:], empty[2, 1:] = True, True
    weights = attention(q, k, 4, empty)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 5))
    assert not weights[1, :, :, 4:].any() and not weights[2, :, :, 1:].any()
    split = [x.view(3, -1, 4, 3).transpose(1, 2) for x in (q, k, v)]
    theirs = torch.nn.functional.scaled_dot_product_attention(*split, attn_mask=~empty[:, None, None])
    torch.testing.assert_close(attended(weights, v), theirs.transpose(1, 2).reshape(3, 5, 12))


def test_a_longer_filling_changes_nothing() -> None:
    """Empty places are not looked at: words mean the same in a batch with longer sentences."""
    torch.manual_seed(0)
    net = SentenceVelocity(dim=6, width=16, blocks=2, text=16, heads=4).eval()
    for weight in (net.leave.weight, *(block.down.weight for block in net.blocks)):
        torch.nn.init.normal_(weight, std=0.2)  # they begin at 0: an untrained network listens to nobody
    x, t, ids = torch.randn(2, 6), torch.tensor([0.2, 0.7]), captions.tokens(["a bold Q", "7"])
    whole = net(x, t, net.read(ids))
    short = net(x[:1], t[:1], net.read(ids[:1, :3]))
    torch.testing.assert_close(whole[:1], short, atol=1e-5, rtol=1e-5)
    assert (net(x, t, net.read(captions.tokens(["a bold Z", "7"])))[0] - whole[0]).abs().max() > 1e-4
    assert (net(x, t, net.read(captions.tokens(["", "7"])))[0] - whole[0]).abs().max() > 1e-4


def test_looking_tells_where() -> None:
    net = SentenceVelocity(dim=6, width=16, blocks=3, text=16, heads=4).eval()
    v, maps = net.look(torch.randn(2, 6), torch.rand(2), net.read(captions.tokens(["a bold Q", ""])))
    assert v.shape == (2, 6) and len(maps) == 3 and maps[0].shape == (2, 4, captions.LENGTH)
    torch.testing.assert_close(maps[0].sum(-1), torch.ones(2, 4))
    assert not maps[1][0, :, 3:].any()
    torch.testing.assert_close(maps[2][1, :, 0], torch.ones(4))  # of no words, the first place is kept


def test_the_order_of_words_matters() -> None:
    """ "with serifs" and "without serifs" differ by one word; places are added to words."""
    encoder = TextEncoder(16, 4, 1)
    a, _, _ = encoder(captions.tokens(["bold Q"]))
    b, _, _ = encoder(captions.tokens(["Q bold"]))
    assert (a[0, 0] - b[0, 1]).abs().max() > 1e-4


def test_time_features_have_no_two_times_alike() -> None:
    f = time_features(torch.linspace(0, 1, 101), 32)
    assert f.shape == (101, 32)
    assert torch.cdist(f, f)[~torch.eye(101, dtype=torch.bool)].min() > 0.05


def test_coder_and_reader_have_the_shapes_they_say() -> None:
    coder, reader = GlyphCoder(8).eval(), Reader(3, (4, 6, 8)).eval()
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    mean, log_variance = coder.encode(x)
    assert mean.shape == log_variance.shape == (3, 8)
    drawn = coder.draw(torch.randn(3, 8))
    assert drawn.shape == x.shape and drawn.abs().max() <= 1
    read = reader.read(x)
    assert set(read) == set(captions.FACTORS) and all(len(v) == 3 for v in read.values())
    assert np.isin(read["font"].numpy(), range(3)).all()


def test_standardised_latents_are_undone_by_drawing() -> None:
    coder = GlyphCoder(8).eval()
    coder.mean.fill_(0.5)
    coder.spread.fill_(2.0)
    z = torch.randn(4, 8)
    torch.testing.assert_close(coder.draw((z - 0.5) / 2), 2 * torch.sigmoid(coder.logits(z)) - 1)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_heads_divide_the_width(heads: int) -> None:
    q = torch.randn(1, 2, 8)
    assert attention(q, q, heads, torch.zeros(1, 2, dtype=torch.bool)).shape == (1, heads, 2, 2)
