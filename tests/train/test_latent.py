"""Generative Latent Optimization: the ball, the table, the Gaussian, the loop, and encoding with a fixed generator."""

import inspect
import itertools

import pytest
import torch
from torch import Tensor

from imggen_lib.data import ImageSet
from imggen_lib.errors import TrainingDiverged
from imggen_lib.losses.image import squared_error
from imggen_lib.models.latent import Codebook, DecoderGenerator, LatentGaussian, principal_start, to_ball
from imggen_lib.models.vae import MLPVAE
from imggen_lib.noise import generator_for
from imggen_lib.sampling import decode, sample
from imggen_lib.train.latent import GloState, find_latents, numbered, train_glo


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator_for(seed))


def _data(n: int = 40, side: int = 16) -> ImageSet:
    return ImageSet.from_float((_random(n, 1, side, side) * 0.5).clamp(-1, 1))


def _generator(side: int = 16, latent_dim: int = 4) -> DecoderGenerator:
    torch.manual_seed(0)
    return DecoderGenerator(MLPVAE((1, side, side), latent_dim, (32,)))


def test_the_ball_keeps_what_is_inside_and_shortens_the_rest() -> None:
    z = torch.tensor([[0.3, 0.4], [3.0, 4.0], [0.0, 0.0]])
    assert torch.allclose(to_ball(z), torch.tensor([[0.3, 0.4], [0.6, 0.8], [0.0, 0.0]]))
    assert torch.allclose(to_ball(z, 2.0)[1], torch.tensor([1.2, 1.6]))
    torch.testing.assert_close(to_ball(to_ball(z)), to_ball(z))


def test_the_start_is_uncorrelated_and_near_images_start_near() -> None:
    base = _random(30, 1, 6, 6, seed=1)
    images = torch.cat([base, base + 0.01 * _random(30, 1, 6, 6, seed=2)])
    z = principal_start(images, 8)
    assert z.norm(dim=1).max() <= 1 + 1e-6
    twins, others = (z[:30] - z[30:]).norm(dim=1), torch.pdist(z[:30])
    assert twins.max() < 0.2 * others.min()


def test_a_step_moves_the_rows_of_its_batch_alone() -> None:
    book = Codebook(to_ball(_random(10, 4)))
    state = GloState.create(_generator(), book)
    before = book.z.detach().clone()
    index = torch.tensor([2, 7])
    list(train_glo(state, [(_data(2).floats(), index)], distance=squared_error))
    moved = (book.z.detach() != before).any(1)
    assert moved.nonzero().flatten().tolist() == [2, 7]


def test_training_lowers_the_error_and_stays_in_the_ball() -> None:
    data = _data()
    state = GloState.create(_generator(), Codebook(to_ball(_random(len(data), 4))), code_lr=0.1)
    records = list(train_glo(state, numbered(data).batches(20, images=4000)))
    assert records[-1]["loss"] < 0.8 * records[0]["loss"]
    assert state.codebook.z.norm(dim=1).max() <= 1 + 1e-5
    assert (state.images, state.steps, records[-1]["images"]) == (4000, 200, 4000)
    assert all(b["images"] > a["images"] for a, b in itertools.pairwise(records))


def test_the_same_start_gives_the_same_training() -> None:
    def run() -> Tensor:
        state = GloState.create(_generator(), Codebook(to_ball(_random(40, 4))))
        return torch.stack([r["loss"] for r in train_glo(state, numbered(_data()).batches(8, images=160, seed=3))])

    torch.testing.assert_close(run(), run(), rtol=0, atol=0)


def test_nan_images_stop_the_training() -> None:
    state = GloState.create(_generator(), Codebook(to_ball(_random(4, 4))))
    good, index = torch.zeros(2, 1, 16, 16), torch.tensor([0, 1])
    with pytest.raises(TrainingDiverged, match="loss"):
        list(train_glo(state, [(good, index), (good * float("nan"), index)]))
    with pytest.raises(ValueError, match="first batch have NaN"):
        list(train_glo(state, [(good * float("nan"), index)]))
    with pytest.raises(ValueError, match="labels must lie from 0 to 3, got 0 to 4"):
        list(train_glo(state, [(good, torch.tensor([0, 4]))]))


def test_the_number_of_an_image_is_its_place() -> None:
    data = numbered(_data(12))
    for images, index in data.batches(5, images=20):
        torch.testing.assert_close(images, data.floats()[index])


def test_the_generator_draws_the_mean_of_its_bodys_bernoulli_pixels() -> None:
    body = MLPVAE((1, 8, 8), 4, (16,))
    with torch.no_grad():
        body.bias.normal_()
    z = to_ball(_random(5, 4))
    torch.testing.assert_close(decode(DecoderGenerator(body), z), decode(body, 2 * z))  # the root of 4 dimensions is 2
    assert sample(DecoderGenerator(body), 3).shape == (3, 1, 8, 8)


def test_the_gaussian_has_the_moments_of_the_points() -> None:
    z = _random(500, 3) @ torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.3, 0.2], [0.0, 0.0, 0.1]]) + 2
    full, diagonal = LatentGaussian.fit(z), LatentGaussian.fit(z, diagonal=True)
    torch.testing.assert_close(full.root @ full.root.T, torch.cov(z.double().T, correction=0), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(diagonal.root, diagonal.root.diagonal().diag())
    drawn = full.sample(100_000, seed=1).double()
    error = drawn.std(0) / 100_000**0.5
    assert ((drawn.mean(0) - full.mean).abs() < 5 * error).all()
    torch.testing.assert_close(torch.cov(drawn.T), full.root @ full.root.T, rtol=0.03, atol=0.01)
    assert torch.equal(full.sample(5, seed=1), full.sample(5, seed=1))


def test_encoding_finds_the_latents_and_leaves_the_generator_alone() -> None:
    generator = _generator().train()
    weights = [p.detach().clone() for p in generator.parameters()]
    truth = to_ball(_random(6, 4, seed=5)) * 0.8
    x = decode(generator, truth)
    found = find_latents(generator, x, torch.zeros(6, 4), distance=squared_error, steps=300, lr=0.1)
    assert squared_error(decode(generator, found), x).max() < 1e-3
    assert all(torch.equal(a, b) for a, b in zip(weights, generator.parameters(), strict=True))
    assert generator.training and all(p.grad is None for p in generator.parameters())


def test_an_image_is_encoded_alike_in_any_company() -> None:
    generator, x = _generator(), _data(5).floats()
    together = find_latents(generator, x, torch.zeros(5, 4), steps=20)
    alone = find_latents(generator, x[3:4], torch.zeros(1, 4), steps=20)
    torch.testing.assert_close(together[3:4], alone, rtol=1e-4, atol=1e-5)


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        to_ball(torch.zeros(1, 2), 0.0)
    with pytest.raises(ValueError, match="principal axes"):
        inspect.unwrap(principal_start)(torch.zeros(3, 1, 4, 4), 5)
    with pytest.raises(ValueError, match="cannot be fitted"):
        LatentGaussian.fit(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="without classes"):
        DecoderGenerator(MLPVAE((1, 8, 8), 4, (16,), classes=2))
    with pytest.raises(ValueError, match="2 images but 3 latents"):
        inspect.unwrap(find_latents)(_generator(), torch.zeros(2, 1, 16, 16), torch.zeros(3, 4))
