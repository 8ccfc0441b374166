"""Augmentation that does not leak: the same for both kinds of images, drawn image by image, differentiable, and to be undone."""

from functools import partial

import pytest
import torch
from torch import Tensor

from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.losses import gan as losses
from imggen_lib.losses.gan import hinge, relativistic
from imggen_lib.models.gan import MLPDiscriminator, MLPGenerator
from imggen_lib.runs import start
from imggen_lib.train.augment import Adaptive, colour, cut_out, diff_augment, follow, seeds_of, translate, uniforms, veiled
from imggen_lib.train.gan import train_gan, train_gan_simultaneous
from imggen_lib.train.state import GanState


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def players() -> GanState:
    torch.manual_seed(0)
    return GanState.create(MLPGenerator((3, 16, 16), 4, (8,)), MLPDiscriminator((3, 16, 16), (8,)))


def test_an_image_s_changes_do_not_depend_on_its_batch(images: Tensor) -> None:
    whole = diff_augment(images, seeds_of(100, 12, 0, 7), p=0.7)
    parts = [diff_augment(x, seeds_of(100 + k, len(x), 0, 7), p=0.7) for k, x in ((0, images[:5]), (5, images[5:]))]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole, diff_augment(images, seeds_of(100, 12, 0, 8), p=0.7))
    torch.testing.assert_close(diff_augment(images, seeds_of(0, 12, 0, 0), p=0.0), images)
    with pytest.raises(ValueError, match="p must be at most 1"):
        diff_augment(images, seeds_of(0, 12, 0, 0), p=1.5)


def test_numbers_are_uniform_and_unrelated() -> None:
    n = 50_000
    u = torch.cat([uniforms(seeds_of(0, n, kind, seed), 10) for kind in (0, 1) for seed in (0, 1)], 1)  # (n, 40)
    assert u.min() >= 0 and u.max() < 1 and u.unique().numel() > 0.9 * u.numel() * (1 - u.numel() / 2**25)
    assert (u.mean(0) - 0.5).abs().max() < 5 * (1 / 12 / n) ** 0.5
    both = torch.corrcoef(torch.cat([u[1:], u[:-1]], 1).T.double())
    assert (both - torch.eye(80)).abs().max() < 5.5 / n**0.5


def test_each_change_is_what_it_says() -> None:
    x = torch.arange(2 * 3 * 4 * 4).view(2, 3, 4, 4) / 96.0
    one = torch.ones(2)
    torch.testing.assert_close(colour(x, 0.25 * one, one, one), x + 0.25)
    grey = x.mean(1, keepdim=True).expand_as(x)
    torch.testing.assert_close(colour(x, 0 * one, 0 * one, one), grey)
    torch.testing.assert_close(colour(x, 0 * one, one, 0 * one), x.mean((1, 2, 3), keepdim=True).expand_as(x))
    moved = translate(x, torch.tensor([1, 0]), torch.tensor([0, -2]))
    assert (moved[0, :, 0] == 0).all() and torch.equal(moved[0, :, 1:], x[0, :, :3])
    assert (moved[1, :, :, 2:] == 0).all() and torch.equal(moved[1, :, :, :2], x[1, :, :, 2:])
    hole = cut_out(x + 1, torch.tensor([0, 2]), torch.tensor([0, 2]), torch.tensor([0, 2]))
    assert torch.equal(hole[0], x[0] + 1) and (hole[1] == 0).sum() == 3 and hole[1, :, 2, 2].eq(0).all()
    assert (cut_out(x + 1, torch.tensor([2, 2]), torch.tensor([2, 2]), torch.tensor([4, 4]))[0, 0] == 0).sum() == 9


def test_the_gradient_in_float64(images: Tensor) -> None:
    x, seeds = images[:4, :, :6, :6].double().requires_grad_(True), seeds_of(3, 4, 1, 0)
    assert torch.autograd.gradcheck(lambda x: diff_augment(x, seeds, p=0.8), (x,))
    one = x[:1].detach().requires_grad_(True)
    assert torch.autograd.gradgradcheck(lambda x: diff_augment(x, seeds[:1], p=0.8).square(), (one,))


def test_both_sides_are_changed_by_one_rule(images: Tensor) -> None:
    """The same images on both sides: the same share is changed, and each change as often, up to five standard errors."""
    many = images[:1].expand(4000, -1, -1, -1)
    state = players()
    sides = veiled(partial(diff_augment, p=0.4), many, many, state, 0)
    changed = torch.stack([(side - many).abs().flatten(1).amax(1) > 1e-4 for side in sides]).double().mean(1)
    assert (changed - (1 - 0.6**3)).abs().max() < 5 * (0.25 / 4000) ** 0.5
    a, b = (side.mean((1, 2, 3)) for side in sides)
    assert (a.mean() - b.mean()).abs() < 5 * ((a.var() + b.var()) / 4000) ** 0.5 and (a - b).abs().max() > 0.1
    assert veiled(None, many, many, state, 0) == (many, many) == veiled(Adaptive(), many, many, state, 0), "p begins at 0"
    state.p = 0.4
    assert all(torch.equal(a, b) for a, b in zip(sides, veiled(Adaptive(), many, many, state, 0), strict=True))


@pytest.mark.parametrize("p", [0.4, 1.0])
def test_with_p_below_one_half_every_distribution_can_be_recovered(p: float) -> None:
    """A world of five images of 2 x 2 pixels, a point or none, moved by up to one pixel: the matrix from true to seen shares."""
    moves = torch.tensor([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])
    matrix = torch.zeros(5, 5, dtype=torch.float64)
    for k in range(5):
        x = torch.zeros(1, 1, 2, 2)
        if k < 4:
            x.view(-1)[k] = 1
        seen = translate(x.expand(9, -1, -1, -1), moves[:, 0], moves[:, 1]).flatten(1)  # (9, 4)
        where = torch.cat([seen, 1 - seen.sum(1, keepdim=True)], 1).double()  # (9, 5), one-hot
        matrix[:, k] = p * where.mean(0)
        matrix[k, k] += 1 - p
    smallest = torch.linalg.svdvals(matrix)[-1]
    assert (smallest > 0.05) if p < 0.5 else (smallest < 1e-12), "always moved, some distributions look alike"
    least = (matrix @ (d := torch.randn(5, 500, dtype=torch.float64))).abs().sum(0) / d.abs().sum(0)
    if p < 0.5:
        assert least.min() >= 1 - 2 * p - 1e-12, "the bound of the module's proof"


@pytest.mark.parametrize("train", [train_gan, train_gan_simultaneous])
def test_the_generator_learns_through_the_change(train, images: Tensor) -> None:  # type: ignore[no-untyped-def]
    """What the critic gets is changed, real and generated; the generator's gradient is that of its changed images."""
    state = players()
    before = [p.detach().clone() for p in state.generator.parameters()]
    seen = []

    def augment(x: Tensor, seeds: Tensor) -> Tensor:
        seen.append((x, seeds))
        return 0 * x

    loss = hinge if train is train_gan else relativistic
    records = list(train(state, [(images, torch.zeros(12, dtype=torch.long))], loss, augment=augment))
    assert len(seen) == 2 and seen[0][0] is images and seen[1][0].requires_grad
    assert not set(seen[0][1].tolist()) & set(seen[1][1].tolist())
    assert records[0]["real"] == records[0]["fake"], "both are black to the critic"
    assert all(torch.equal(a, b) for a, b in zip(before, state.generator.parameters(), strict=True)), "nothing comes through 0 * x"


def test_the_probability_goes_up_while_the_critic_is_surer_than_the_target_and_down_while_it_is_not() -> None:
    """Against the rule as the paper states it, in images: half of the images that bring it from 0 to 1 bring it to one half."""
    rule = Adaptive(target=0.6, images=1000, most=0.9)
    p = 0.0
    for _ in range(10):
        p = rule.moved(p, 0.61, 50)
    assert p == pytest.approx(0.5) and rule.moved(p, 0.59, 50) == pytest.approx(0.45)
    assert rule.moved(p, 0.6, 50) == p and rule.moved(0.01, -1.0, 50) == 0.0 and rule.moved(0.89, 1.0, 50) == 0.9


@pytest.mark.parametrize("loss", losses.ALL, ids=lambda loss: loss.name)
def test_sure_means_what_the_loss_means_by_it(loss: losses.GanLoss) -> None:
    """Four batches of four, real logits on the real side of the middle for all but one image of four: surety 1/2."""
    for move, target in ((1, 0.4), (-1, 0.6)):
        state, rule = players(), Adaptive(target=target, images=1000)
        state.p = 0.2
        middle = {"least-squares": 0.5}.get(loss.name, 0.0)
        for step in range(4):
            state.steps = step
            assert state.p == 0.2, "it is looked at after four batches"
            fake = torch.full((4,), -7.0) if loss.middle is None else torch.full((4,), 9.0)  # where there is a middle, no matter
            level = fake if loss.middle is None else middle
            follow(rule, loss, state, level + torch.tensor([0.1, 3.0, -0.1, 0.2]), fake)
        assert state.p == pytest.approx(0.2 + move * 16 / 1000) and state.surety == 0
    follow(partial(diff_augment, p=0.3), loss, state, fake, fake), follow(None, loss, state, fake, fake)
    assert state.surety == 0


@pytest.mark.parametrize("train", [train_gan, train_gan_simultaneous])
def test_both_loops_listen(train, images: Tensor) -> None:  # type: ignore[no-untyped-def]
    """A critic that is trained on twelve images knows them soon: the probability leaves 0 and ends at the most that is allowed."""
    state, batch = players(), (images, torch.zeros(12, dtype=torch.long))
    seen = [state.p for _ in train(state, [batch] * 40, relativistic, augment=Adaptive(images=200, most=0.3))]
    assert seen[:3] == [0, 0, 0] and max(seen) == seen[-1] == 0.3, "p is moved every fourth step"
    assert any(p == pytest.approx(0.24) for p in seen), "48 images of 200"


def test_what_adaptive_augmentation_cannot_mean_is_refused() -> None:
    for wrong in ({"target": 0.0}, {"target": 1.5}, {"images": 0}, {"most": 1.2}):
        with pytest.raises(ValueError, match="adaptive augmentation"):
            Adaptive(**wrong)  # type: ignore[arg-type]
    for entries in ({"augment_target": 1.0}, {"augment_target": -0.1}, {"augment_images": 0}):
        with pytest.raises(ValueError, match="augment-target must lie between 0 and 1, and augment-images be"):
            GanConfig(augment="ada", **entries)


def test_an_adaptive_run_stores_where_it_is(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Saved between two moves of p; what a stranger writes there is looked at."""
    from imggen_lib.checkpoint import load
    from imggen_lib.errors import CheckpointError

    digits = glyphs.make("train", n=64, classes="01")
    config = GanConfig(net="mlp", hidden=(8,), latent_dim=4, batch=16, augment="ada", augment_images=300)
    run = start(config, digits, "cpu")
    list(run.records(16 * 6))
    assert isinstance(run.state, GanState)
    run.state.p = 0.25
    run.save(tmp_path)
    stored = load(tmp_path).meta["augment"]
    assert stored == {"p": 0.25, "surety": float(run.state.surety)} and stored["surety"] != 0
    path = tmp_path / "checkpoint.json"
    whole = path.read_text(encoding="utf-8")
    for wrong in ('"p": 1.5', '"p": "0.25"', '"q": 0.25'):
        path.write_text(whole.replace('"p": 0.25', wrong), encoding="utf-8")
        with pytest.raises(CheckpointError, match="augment: 'p' is"):
            load(tmp_path)


ADA = {"augment": "ada", "augment_images": 200, "augment_target": 0.1}


@pytest.mark.parametrize("entries", [{"augment": "diff", "augment_p": 0.3}, ADA], ids=["diff", "ada"])
def test_a_run_with_augmentation_is_resumed_bit_for_bit_and_stored(entries, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from imggen_lib.runs import resume

    digits: ImageSet = glyphs.make("train", n=64, classes="01")
    config = GanConfig(net="conv", width=4, latent_dim=4, batch=16, r2=0.5, **entries)
    whole = [{k: float(v) for k, v in r.items()} for r in start(config, digits, "cpu").records(224)]
    first = start(config, digits, "cpu")
    list(first.records(96))  # between the fourth step and the eighth, after which p moves
    first.save(tmp_path)
    second = resume(tmp_path, digits, "cpu")
    assert second.config == config and [{k: float(v) for k, v in r.items()} for r in second.records(224)] == whole[6:]
    if config.augment == "ada":
        alone = start(config, digits, "cpu")
        list(alone.records(224))
        assert alone.state.p == second.state.p > 0  # type: ignore[union-attr]
    plain = GanConfig(net="conv", width=4, latent_dim=4, batch=16, r2=0.5)
    assert [float(r["critic"]) for r in start(plain, digits, "cpu").records(224)] != [r["critic"] for r in whole]
