"""Scores for the unusual, their cases and their shortcuts: by hand, by libraries, and on data whose answer is known."""

import inspect
import zlib

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from torch import Tensor

from imggen_lib.applications.anomaly import scores, shortcut
from imggen_lib.applications.anomaly.anogan import Anogan, Encoder, anogan_scores, train_encoder
from imggen_lib.applications.anomaly.case import cases, percentiles
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import degrade
from imggen_lib.losses.vae import standard_normal_kl
from imggen_lib.machine import first_weights
from imggen_lib.metrics.audit import auroc
from imggen_lib.train.vae import log_likelihood

F64 = torch.float64


def _images(n: int = 12, seed: int = 0, side: int = 8) -> Tensor:
    grey = torch.randint(0, 256, (n, 1, side, side), generator=torch.Generator().manual_seed(seed))
    return grey / 127.5 - 1


def test_the_trivial_scores_by_hand() -> None:
    image = torch.tensor([[[[0, 255], [51, 0]]]]) / 127.5 - 1
    assert scores.brightness(image).item() == pytest.approx((306 / 4) / 127.5 - 1)
    assert scores.smoothness(image).item() == pytest.approx(-(255 + 51) / 2, rel=1e-6)
    assert scores.flatness(image).item() == pytest.approx(-np.std([0, 255, 51, 0]) / 127.5, rel=1e-6)
    row = bytes([0, 255, 51, 256 - 51])
    assert scores.compressed_length(image).item() == len(zlib.compress(row, 9)) == -scores.simplicity(image).item()


def test_blurred_images_count_as_less_usual_and_no_score_depends_on_the_batch() -> None:
    x = _images(6, side=28)
    soft = degrade.blur(x, 1.0)
    tools = {**scores.TRIVIAL, **scores.classical(_images(200, 1, 28), (4,))}
    for name, score in tools.items():
        assert torch.allclose(score(x)[2:4], score(x[2:4]), rtol=1e-9), name
    for name in ("flatness", "smoothness", "simplicity"):
        assert (tools[name](soft) > tools[name](x)).all()


def test_the_classical_tools_find_what_lies_outside() -> None:
    """Normals on a plane of two dimensions, and a little noise; the others off the plane, or far out in it."""
    draw = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(64, 3, generator=draw)).Q
    made = lambda n, out, far: (  # noqa: E731
        torch.randn(n, 2, generator=draw) * far @ basis[:, :2].T + out * basis[:, 2] + 0.01 * torch.randn(n, 64, generator=draw)
    ).view(n, 1, 8, 8).div(9)  # fmt: skip
    normals, fresh, off, out = made(300, 0, 1), made(100, 0, 1), made(100, 1, 1), made(100, 0, 2)
    error, distance = scores.pca(normals, 2), scores.mahalanobis(normals, 2)
    assert auroc(error(off), error(fresh)) == 1 and abs(auroc(error(out), error(fresh)) - 0.5) < 0.15
    assert auroc(distance(out), distance(fresh)) > 0.7 and abs(auroc(distance(off), distance(fresh)) - 0.5) < 0.15
    for score in (scores.neighbours(normals, 5), scores.one_class(normals, 3), scores.isolation(normals, 3)):
        assert auroc(score(off), score(fresh)) > 0.85
    flat = normals.double().flatten(1)
    away = fresh.double().flatten(1) - flat.mean(0)
    axes = torch.linalg.svd(flat - flat.mean(0), full_matrices=False).Vh[:2]
    assert torch.allclose(error(fresh), (away - away @ axes.T @ axes).square().sum(1))
    assert torch.allclose(scores.neighbours(normals, 5)(fresh), torch.cdist(fresh.double().flatten(1), flat).sort(1).values[:, 4])


def _vae(likelihood: str = "logistic") -> torch.nn.Module:
    with first_weights(0):
        return VaeConfig(image_shape=(1, 8, 8), latent_dim=3, width=4, likelihood=likelihood).build().eval()


def test_what_a_vae_says_is_its_bound_in_parts() -> None:
    model, x = _vae(), _images()
    found = scores.vae_scores(model, _images(40, 1), draws=2)(x)
    mu, logvar = model.encode(x)
    assert torch.allclose(found.kl, standard_normal_kl(mu, logvar).double(), atol=1e-5)
    assert torch.allclose(found.elbo, found.reconstruction + found.kl)
    noise = torch.randn(2, 3, generator=scores.generator_for(0, scores._STREAM))
    terms = [log_likelihood(model, x, model.decode(mu + (0.5 * logvar).exp() * eps)).double() for eps in noise]
    assert torch.allclose(found.reconstruction, -sum(terms) / 2, rtol=1e-5)
    error = (x - model.images(model.decode(mu))).square().flatten(1).mean(1).log()
    assert torch.allclose(found.log_error, error.double(), atol=1e-5)
    known = model.encode(_images(40, 1))[0].double()
    away = mu.double() - known.mean(0)
    assert torch.allclose(found.latent, (away @ torch.cov(known.T).inverse() * away).sum(1), rtol=1e-4)
    part = scores.vae_scores(model, _images(40, 1), draws=2)(x[5:7])
    assert all(torch.allclose(a[5:7], b, rtol=1e-5) for a, b in zip(found, part, strict=True))  # nothing depends on the batch
    with pytest.raises(ValueError, match="black and white"):
        scores.vae_scores(_vae("bernoulli"), x)


def test_a_score_given_complexity_is_the_residual_of_least_squares() -> None:
    draw = torch.Generator().manual_seed(3)
    c = torch.rand(50, generator=draw, dtype=F64)
    s = 3 * c + torch.randn(50, generator=draw, dtype=F64)
    line = scores.given_complexity(s, c)
    theirs = LinearRegression().fit(c[:, None].numpy(), s.numpy())
    assert (line.slope, line.offset) == pytest.approx((theirs.coef_[0], theirs.intercept_))
    left = line.residual(s, c)
    assert abs(left.mean()) < 1e-12 and abs(torch.corrcoef(torch.stack([left, c]))[0, 1]) < 1e-12
    for bad, words in (((s, c[:3]), "as many scores"), ((s[:3], torch.ones(3)), "are equal")):
        with pytest.raises(ValueError, match=words):
            inspect.unwrap(scores.given_complexity)(*bad)


def test_f_anogan_s_encoder_learns_the_way_back() -> None:
    config = GanConfig(image_shape=(1, 8, 8), latent_dim=3, width=8)
    with first_weights(0):
        nets = Anogan(config.build_generator().eval(), config.build_critic(), Encoder((1, 8, 8), 3, 4))
    made = nets.generator(torch.randn(256, 3, generator=torch.Generator().manual_seed(0))).detach()
    before, weights = anogan_scores(nets)(made), [p.clone() for p in nets.generator.parameters()]
    optimizer = torch.optim.Adam(nets.encoder.parameters(), lr=1e-2)
    batches = ((x, torch.zeros(len(x))) for _ in range(40) for x in made.split(64))
    records = list(train_encoder(nets, optimizer, batches))
    after = anogan_scores(nets, kappa=2.0)(made)
    assert records[-1]["images"] == 40 * 256 and after.image.mean() < 0.5 * before.image.mean()
    assert torch.allclose(after.score, after.image + 2 * after.features)
    assert all(torch.equal(a, b) for a, b in zip(weights, nets.generator.parameters(), strict=True))
    back = nets.generator(nets.encoder(made))
    assert torch.allclose(after.image, (made - back).square().flatten(1).mean(1).double(), atol=1e-6)
    assert auroc(anogan_scores(nets)(_images(60)).score, after.score) > 0.9


def test_images_are_blurred_to_the_same_sharpness_or_left_alone() -> None:
    x = torch.cat([_images(5, side=28), degrade.blur(_images(5, 1, 28), 3.0)])
    target = 10.0
    found = shortcut.blurred_to(x, target, batch=4)
    was, now = scores.edges(x), scores.edges(found)
    assert torch.equal(shortcut.is_smoother(x, target), was < target) and (was[5:] < target).all()
    assert torch.allclose(now[:5], torch.full((5,), target, dtype=F64), atol=1e-3)
    assert torch.equal(found[5:], x[5:])
    width = torch.tensor([1.3], dtype=F64)
    assert torch.allclose(shortcut._blurred(x[:1], width), degrade.blur(x[:1], 1.3), atol=1e-4)  # which cuts its tails at 4 sigma


def test_pairs_are_the_most_that_there_are() -> None:
    a, b = torch.tensor([5.0, 1.0, 3.0]), torch.tensor([2.9, 9.0, 5.4, 4.6])
    first, second = shortcut.pairs(a, b, 0.5)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 3), (2, 0)]
    draw = torch.Generator().manual_seed(0)
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    for _ in range(20):
        a, b = torch.rand(30, generator=draw), torch.rand(40, generator=draw) + 0.3
        first, second = shortcut.pairs(a, b, 0.02)
        allowed = (a[:, None] - b).abs() <= 0.02
        assert len(first) == (maximum_bipartite_matching(csr_matrix(allowed.numpy())) >= 0).sum()
        assert len(set(first.tolist())) == len(first) == len(set(second.tolist())) and bool(allowed[first, second].all())


def test_a_case_has_all_that_a_report_shows() -> None:
    model, x, normals = _vae(), _images(3, 5), _images(20, 6)
    reference = scores.smoothness(normals)
    made = cases(model, x, ["normal", "pneumonia", "normal"], scores.smoothness, normals, reference, indices=[7, 8, 9])
    assert [case.index for case in made] == [7, 8, 9] and made[1].truth == "pneumonia"
    case, score = made[2], scores.smoothness(x)[2]
    assert case.score == pytest.approx(score.item()) and case.percentile == pytest.approx(
        100 * (reference <= score).double().mean()
    )
    assert torch.allclose(case.reconstruction, model.images(model.decode(model.encode(x[2:])[0]))[0], atol=1e-6)
    order = (normals - x[2]).flatten(1).norm(dim=1).argsort()
    assert torch.equal(case.nearest, normals[order[:3]])
    assert percentiles(torch.tensor([1.0, 2.0, 2.0, 4.0]), torch.tensor([0.0, 2.0, 9.0])).tolist() == [0, 75, 100]
    with pytest.raises(ValueError, match="a truth and an index each"):
        cases(model, x, ["normal"], scores.smoothness, normals, reference)
