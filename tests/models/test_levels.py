"""Networks for grids of tiles, and the categorical likelihood in the library's own VAE loop."""

import math

import pytest
import torch

from imggen_lib.checkpoint import load
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.metrics.likelihood import bits_per_dimension
from imggen_lib.models.levels import TileCritic, TileDecoder, TileGenerator, TileVAE
from imggen_lib.models.vae import ConvVAE
from imggen_lib.runs import start
from imggen_lib.sampling import sample
from imggen_lib.train.vae import evaluate_elbo

SHAPE = (4, 8, 16)


def _levels(n: int = 64, seed: int = 0) -> ImageSet:
    """Two kinds of grid that differ in every column: a floor that is low or high, of kind 1; a random kind stands on it."""
    g = torch.Generator().manual_seed(seed)
    kinds = torch.zeros(n, 8, 16, dtype=torch.int64)
    height = torch.randint(1, 5, (n, 1, 1), generator=g)
    kinds[(torch.arange(8)[:, None] >= 8 - height).expand(n, 8, 16)] = 1
    kinds[torch.arange(n), 7 - height[:, 0, 0], 3] = 2 + torch.arange(n) % 2
    tiles = torch.nn.functional.one_hot(kinds, 4).movedim(-1, 1)
    return ImageSet.from_float(2.0 * tiles - 1, name="floors")


def test_the_generator_gives_probabilities_of_kinds_in_the_range_of_images() -> None:
    torch.manual_seed(0)
    net = TileGenerator(SHAPE, latent_dim=5, width=8)
    z = torch.randn(3, 5)
    p = (net.eval()(z) + 1) / 2
    torch.testing.assert_close(p.sum(1), torch.ones(3, 8, 16))
    torch.testing.assert_close(p, torch.softmax(net.logits(z), 1))


def test_the_critic_sees_neighbours_and_judges_each_level_alone() -> None:
    torch.manual_seed(0)
    critic = TileCritic(SHAPE, width=4, blocks=1)
    x = torch.rand(5, *SHAPE)
    torch.testing.assert_close(critic(x[2:3]), critic(x)[2:3], rtol=1e-4, atol=1e-5)
    assert critic.net[0].stride == (1, 1) and critic.net[0].kernel_size == (3, 3)
    conditional = TileCritic(SHAPE, classes=2, width=4)
    assert not torch.equal(conditional(x, torch.zeros(5, dtype=torch.int64)), conditional(x, torch.ones(5, dtype=torch.int64)))


def test_a_decoder_with_blocks_begins_as_the_vae_s_and_its_blocks_learn() -> None:
    torch.manual_seed(0)
    vae = TileVAE(SHAPE, latent_dim=5, width=6).eval()
    net = TileDecoder(SHAPE, latent_dim=5, width=6, blocks=2).begin(vae, torch.ones(5), 2 * torch.eye(5)).eval()
    z = torch.randn(3, 5)
    torch.testing.assert_close(net.logits(z), vae.decode(1 + 2 * z))
    net(z).square().mean().backward()
    assert all(block.second.weight.grad.abs().max() > 0 for block in net.blocks)
    with torch.no_grad():
        net.blocks[0].second.bias.fill_(0.5)
    assert not torch.allclose(net.logits(z), vae.decode(1 + 2 * z))


def test_a_critic_with_local_marks_sees_one_tile_wherever_it_is_and_each_level_alone() -> None:
    torch.manual_seed(0)
    critic = TileCritic(SHAPE, width=4, local=6)
    for parameter in (*critic.net.parameters(), *critic.logit.parameters()):
        parameter.data.zero_()
    flat = -torch.ones(1, *SHAPE)
    flat[:, 0] = 1
    changed = flat.repeat(2, 1, 1, 1)
    for k, (row, column) in enumerate(((3, 4), (4, 11))):
        changed[k, :2, row, column] = torch.tensor([-1.0, 1.0])
    difference = critic(changed) - critic(flat)
    torch.testing.assert_close(difference[0], difference[1])
    assert difference[0].abs() > 1e-4
    x = torch.rand(5, *SHAPE)
    torch.testing.assert_close(critic(x[2:3]), critic(x)[2:3], rtol=1e-4, atol=1e-5)


def test_a_vae_of_tiles_trains_in_the_librarys_loop() -> None:
    data = _levels()
    run = start(VaeConfig(image_shape=SHAPE, likelihood="categorical", latent_dim=4, width=8, batch=16, lr=5e-3), data, "cpu")
    records = list(run.records(2000))
    uninformed = 8 * 16 * math.log(4)
    assert records[-1]["elbo"].item() > -30 > -uninformed
    model = run.state.model.eval()
    images = sample(model, 20)
    assert set(images.unique().tolist()) == {-1.0, 1.0} and bool(((images == 1).sum(1) == 1).all())
    reached, error = evaluate_elbo(model, _levels(seed=1).floats())
    assert reached > -40 and error < 5


def test_the_bias_starts_at_the_frequencies_of_the_kinds() -> None:
    data = _levels()
    model = ConvVAE(SHAPE, 2, 2, likelihood="categorical")
    model.start_at(data.mean_image())
    frequencies = (data.mean_image() + 1) / 2
    torch.testing.assert_close(torch.softmax(model.bias, 0), frequencies, atol=0.03, rtol=0.05)


def test_bits_are_of_tiles_not_of_channels() -> None:
    model = ConvVAE(SHAPE, 2, 2, likelihood="categorical")
    uninformed = torch.full((3,), -8 * 16 * math.log(4), dtype=torch.float64)
    found = bits_per_dimension(model, uninformed)
    assert found.value == pytest.approx(2.0) and found.levels == 4 and "kinds" in found.meaning


def test_a_gan_of_tiles_trains_and_is_loaded_without_permission(tmp_path: object) -> None:
    """Networks of `imggen_lib.models` are nobody else's code: a checkpoint that names one needs no ``allow``."""
    own = {"generator": "imggen_lib.models.levels:TileGenerator", "critic": "imggen_lib.models.levels:TileCritic"}
    sizes = {"generator_options": {"width": 8}, "critic_options": {"width": 4}}
    run = start(GanConfig(image_shape=SHAPE, latent_dim=4, batch=16, **own, **sizes), _levels(), "cpu")  # type: ignore[arg-type]
    assert all(math.isfinite(float(r["critic"])) for r in run.records(64))
    run.save(str(tmp_path))
    model = load(str(tmp_path)).model()
    assert isinstance(model, TileGenerator)
    torch.testing.assert_close(sample(model, 3), sample(run.state.ema, 3))  # type: ignore[union-attr]
