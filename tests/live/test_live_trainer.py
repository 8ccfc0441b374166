"""The trainer demo's JavaScript against PyTorch and the library: gradients, Adam, whole steps, and what the presets promise.

The scripts run in Node where it is installed; the browser tests run the same functions in Chromium.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from math import log, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import imggen_lib.live.base as base
from imggen_lib import live
from imggen_lib.data.toy import Ring
from imggen_lib.live.trainer import PRESETS
from imggen_lib.losses import gan as losses
from imggen_lib.losses import vae as terms
from imggen_lib.metrics.modes import modes_found
from imggen_lib.models.gan import MLPDiscriminator, MLPGenerator
from imggen_lib.noise import generator_for
from imggen_lib.theory.dirac import Method, eigenvalues, trajectory
from imggen_lib.train.gan import NOISE, train_gan
from imggen_lib.train.state import GanState

JS = Path(base.__file__).parent / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
LOSSES = {loss.name: loss for loss in losses.ALL}
PENALTIES = {"none": {}, "r1": {"r1": 0.7}, "r1r2": {"r1": 0.7, "r2": 0.7}, "gp": {"gp": 0.7}}

PRELUDE = """
const words = {}, demos = {};
const plain = (x) => ArrayBuffer.isView(x) ? Array.from(x, plain) : Array.isArray(x) ? x.map(plain)
  : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)])) : x;
const settings = (kind, more) => ({ ...TRAINER_DEFAULTS[kind], ...more });
const preset = (kind, name, more) => settings(kind, { ...TRAINER_PRESETS[kind][name], ...more });
const batch = (b) => b && Object.fromEntries(Object.entries(b).map(([k, v]) => [k, Float64Array.from(v)]));
"""


def run(code: str, data: Any = None) -> Any:
    """What the function body `code` returns in Node, where `data` is the argument and the trainer's scripts are loaded."""
    names = ("trainer_math", "trainer_games", "trainer_draw", "trainer_pen", "trainer")
    parts = [(JS / f"{name}.js").read_text(encoding="utf-8") for name in names]
    script = "\n".join([PRELUDE, *parts, f"const job = (data) => {{ {code} }};"])
    script += "\nprocess.stdout.write(JSON.stringify(plain(job(JSON.parse(require('fs').readFileSync(0, 'utf8'))))));"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(data), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(values: list[float], width: int) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, width)


def mlp(sizes: list[int], params: list[float], hidden: Callable[[], nn.Module], last: nn.Module | None = None) -> nn.Sequential:
    """PyTorch's network with the weights that JavaScript listed."""
    layers: list[nn.Module] = []
    for k in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[k], sizes[k + 1]))
        if k + 2 < len(sizes):
            layers.append(hidden())
    net = nn.Sequential(*layers, *([last] if last else [])).double()
    nn.utils.vector_to_parameters(torch.tensor(params, dtype=torch.float64), net.parameters())
    return net


def flat(net: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(net.parameters()).detach()


def gradient(value: Tensor, net: nn.Module) -> Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(value, list(net.parameters()))])


def agree(ours: Any, theirs: Tensor, bound: float = 1e-9) -> None:
    """Relative to the largest entry: gradients have entries near zero."""
    ours = torch.as_tensor(ours, dtype=torch.float64).flatten()
    error = (ours - theirs.detach().flatten()).abs().max() / theirs.detach().abs().max().clamp(min=1e-12)
    assert error <= bound, f"relative error {error:.1e}"


def leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)


# ---- Gradients ----------------------------------------------------------------------------------------------------------

GRADIENTS = """
return data.map(([loss, penalty]) => {
  const gan = trainerGames.gan(settings("gan", { loss, penalty, weight: 0.7, width: 6, batch: 9, seed: 4 }));
  for (const net of [gan.generator, gan.critic]) net.params.forEach((p, j) => (net.params[j] = 2.5 * p)); // away from zero logits
  const b = gan.draw();
  const critic = plain(gan.criticGradient(b));
  const generator = plain(gan.generatorGradient(b));
  return { params: [gan.generator.params, gan.critic.params], batch: b, critic, generator };
});
"""


@pytest.fixture(scope="module")
def gradients() -> dict[tuple[str, str], Any]:
    cases = [(loss, penalty) for loss in LOSSES for penalty in PENALTIES]
    return dict(zip(cases, run(GRADIENTS, cases), strict=True))


@needs_node
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_penalties_have_pytorchs_gradients(loss: str, penalty: str, gradients: dict[tuple[str, str], Any]) -> None:
    found = gradients[loss, penalty]
    generator = mlp([8, 6, 6, 2], found["params"][0], leaky, nn.Tanh())
    net = mlp([2, 6, 6, 1], found["params"][1], leaky)
    real, z = rows(found["batch"]["real"], 2), rows(found["batch"]["z"], 8)
    t = torch.tensor(found["batch"]["t"], dtype=torch.float64)
    fake = generator(z)

    def critic(x: Tensor) -> Tensor:
        return net(x.flatten(1)).squeeze(1)

    value = LOSSES[loss].critic(critic(real), critic(fake.detach()))
    assert found["critic"]["value"] == pytest.approx(value.item(), rel=1e-12)
    images, made = real.view(-1, 2, 1, 1), fake.detach().view(-1, 2, 1, 1)
    extra = torch.zeros((), dtype=torch.float64)
    weights = PENALTIES[penalty]
    if "r1" in weights:
        extra = extra + weights["r1"] / 2 * losses.zero_centred_penalty(critic, images)
    if "r2" in weights:
        extra = extra + weights["r2"] / 2 * losses.zero_centred_penalty(critic, made)
    if "gp" in weights:
        extra = extra + weights["gp"] * losses.gradient_penalty(critic, images, made, t)
    assert found["critic"]["penalty"] == pytest.approx(extra.item(), rel=1e-12)
    agree(found["critic"]["grad"], gradient(value + extra, net))

    value = LOSSES[loss].generator(critic(real).detach(), critic(fake))
    assert found["generator"]["value"] == pytest.approx(value.item(), rel=1e-12)
    agree(found["generator"]["grad"], gradient(value, generator))
    points = fake.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(LOSSES[loss].generator(critic(real).detach(), critic(points)), points)
    agree(found["generator"]["push"], -9 * slope)


@needs_node
@pytest.mark.parametrize("target", [0, 1])
def test_the_penalties_see_the_bend_of_a_smooth_critic(target: int) -> None:
    """LeakyReLU has no second derivative; tanh has one, and a penalty's gradient needs it."""
    found = run(
        """
        const critic = trainerMath.network([3, 7, 5, 1], { hidden: "tanh" }, trainerMath.random(1));
        critic.params.forEach((p, j) => (critic.params[j] = 2 * p));
        const x = trainerMath.random(2).normals(33);
        const grad = new Float64Array(critic.params.length);
        const value = trainerMath.slopePenalty(critic, x, 11, data, 1.3, grad, trainerMath.arena());
        return { params: critic.params, x, grad, value };
        """,
        target,
    )
    net = mlp([3, 7, 5, 1], found["params"], nn.Tanh)
    x = rows(found["x"], 3).requires_grad_(True)
    (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    value = (slope.square().sum(1) if target == 0 else (slope.norm(dim=1) - 1).square()).mean()
    assert found["value"] == pytest.approx(value.item(), rel=1e-12)
    # The last bias changes no slope, and PyTorch says so by None.
    wanted = torch.autograd.grad(1.3 * value, list(net.parameters()), allow_unused=True)
    theirs = [torch.zeros_like(p) if g is None else g for g, p in zip(wanted, net.parameters(), strict=True)]
    agree(found["grad"], torch.cat([g.flatten() for g in theirs]))


VAE_CASES = [(latent, sigma, beta) for latent in (1, 2) for sigma in (0, 0.4) for beta in (0, 1, 3)]


@needs_node
def test_the_vae_has_pytorchs_elbo_and_gradients() -> None:
    everything = run(
        """
        return data.map(([latent, sigma, beta]) => {
          const vae = trainerGames.vae(settings("vae", { latent, sigma, beta, width: 6, batch: 9, data: "moons", seed: 5 }));
          for (const net of [vae.encoder, vae.decoder]) net.params.forEach((p, j) => (net.params[j] = 2 * p));
          const b = vae.draw();
          return { ...vae.gradient(b), batch: b, params: [vae.encoder.params, vae.decoder.params] };
        });
        """,
        VAE_CASES,
    )
    for found, (latent, sigma, beta) in zip(everything, VAE_CASES, strict=True):
        encoder = mlp([2, 6, 6, 2 * latent], found["params"][0], nn.Tanh)
        decoder = mlp([latent, 6, 6, 2], found["params"][1], nn.Tanh)
        x, eps = rows(found["batch"]["x"], 2), rows(found["batch"]["eps"], latent)
        log_sigma = torch.tensor(log(sigma or 0.3), dtype=torch.float64, requires_grad=True)
        mu, logvar = encoder(x).chunk(2, 1)
        log_px = terms.gaussian_log_prob(x, decoder(mu + (0.5 * logvar).exp() * eps), log_sigma)
        kl = terms.standard_normal_kl(mu, logvar)
        loss = -terms.elbo(log_px, kl, beta).mean()
        for name, value in (("value", loss), ("logPx", log_px.mean()), ("kl", kl.mean())):
            assert found[name] == pytest.approx(value.item(), rel=1e-11)
        wanted = torch.autograd.grad(loss, [*encoder.parameters(), *decoder.parameters(), log_sigma])
        theirs = [g.flatten() for g in wanted]
        agree(found["grads"][0], torch.cat(theirs[:6]))
        agree(found["grads"][1], torch.cat(theirs[6:12]))
        if not sigma:
            agree(found["grads"][2], theirs[12])


# ---- Steps --------------------------------------------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("beta1", [0.0, 0.9])
def test_adam_is_pytorchs(beta1: float) -> None:
    grads = torch.randn(6, 10, generator=generator_for(1), dtype=torch.float64)
    found = run(
        """
        const p = new Float64Array(10).fill(0.5);
        const adam = trainerMath.optimiser(10, { beta1: data.beta1 });
        return data.grads.map((g) => (adam.step(p, Float64Array.from(g), 0.01), p.slice()));
        """,
        {"beta1": beta1, "grads": grads.tolist()},
    )
    p = nn.Parameter(torch.full((10,), 0.5, dtype=torch.float64))
    adam = torch.optim.Adam([p], lr=0.01, betas=(beta1, 0.99))
    for ours, g in zip(found, grads, strict=True):
        p.grad = g
        adam.step()
        agree(ours, p, 1e-12)


STEPS = """
const gan = trainerGames.gan(settings("gan", data.settings));
const start = [gan.generator.params.slice(), gan.critic.params.slice()];
for (const b of data.batches) gan.step(batch(b));
return { start, end: [gan.generator.params, gan.critic.params, gan.average.params], losses: gan.losses };
"""


@needs_node
@pytest.mark.parametrize(
    ("loss", "penalty", "critic_steps"),
    [("non-saturating", "none", 1), ("relativistic", "r1r2", 1), ("hinge", "r1", 3), ("wasserstein", "gp", 2)],
)
def test_a_gan_takes_the_steps_of_train_gan(loss: str, penalty: str, critic_steps: int) -> None:
    """Seven steps from the same weights on the same points end at the same weights, the running average's included."""
    steps, n = 7, 5
    ring, noise = Ring(), []
    data = [ring.sample(n, generator_for(2, k))[0].double() for k in range(steps)]
    for k in range(steps):
        source = generator_for(3, NOISE, k * n)
        z = torch.randn(n, 8, generator=source, dtype=torch.float64)
        noise.append((z, torch.rand(n, generator=source, dtype=torch.float64)))
    batches = [
        {"real": x.flatten().tolist(), "z": z.flatten().tolist(), "t": t.tolist()} for x, (z, t) in zip(data, noise, strict=True)
    ]
    options = {"loss": loss, "penalty": penalty, "weight": 0.7, "criticSteps": critic_steps, "batch": n, "width": 6}
    rates = {"lrGenerator": 0.002, "lrCritic": 0.005, "beta1": 0.5}
    found = run(STEPS, {"settings": options | rates, "batches": batches})

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        generator, critic = MLPGenerator((2, 1, 1), 8, (6, 6)), MLPDiscriminator((2, 1, 1), (6, 6))
        for net, params in zip((generator, critic), found["start"], strict=True):
            nn.utils.vector_to_parameters(torch.tensor(params), net.parameters())
        state = GanState.create(generator, critic, lr=0.002, betas=(0.5, 0.99))
        state.critic_optimizer.param_groups[0]["lr"] = 0.005
        stream = [(x, torch.zeros(n, dtype=torch.long)) for x in data]
        *_, last = train_gan(state, stream, LOSSES[loss], critic_steps=critic_steps, seed=3, **PENALTIES[penalty])
    finally:
        torch.set_default_dtype(before)
    for ours, net in zip(found["end"], (generator, critic, state.ema), strict=True):
        agree(ours, flat(net))
    for name in ("critic", "generator", "penalty"):
        assert found["losses"][name] == pytest.approx(last[name].item(), rel=1e-9)


DIRAC = """
return data.map(([settings, steps]) => {
  const gan = trainerGames.gan({ ...preset("gan", "dirac"), ...settings });
  const path = [];
  const here = () => path.push([gan.generator.params[0], gan.critic.params[0]]);
  here();
  for (let k = 0; k < steps; k++) gan.step(), here();
  return path;
});
"""
DIRAC_CASES = [
    (name, penalty, turns)
    for name in ("minimax", "non-saturating", "hinge", "wasserstein", "relativistic")
    for penalty in ("none", "r1", "r1r2")
    for turns in ("alternating", "together")
]


@needs_node
def test_one_point_is_the_chapters_dirac_gan() -> None:
    asked = [({"loss": name, "penalty": penalty, "weight": 0.7, "turns": turns}, 60) for name, penalty, turns in DIRAC_CASES]
    for path, (name, penalty, turns) in zip(run(DIRAC, asked), DIRAC_CASES, strict=True):
        method = Method(LOSSES[name], **PENALTIES[penalty])
        theirs = trajectory(method, (0.3, 0.4), 60, 0.1, alternating=turns == "alternating")
        assert np.abs(np.array(path) - theirs.numpy()).max() < 1e-12, (name, penalty, turns)


@needs_node
def test_the_dirac_presets_circle_and_settle() -> None:
    paths = run(DIRAC, [({}, 600), ({"penalty": "r1", "weight": 0.5}, 600), ({"turns": "together"}, 600)])
    circling, settling, growing = (np.linalg.norm(path, axis=1) for path in paths)
    assert 0.45 < circling[-100:].mean() < 0.55 and circling.min() > 0.4
    assert settling[-1] < 1e-5
    turning = [bool(eigenvalues(Method(losses.wasserstein, r1=gamma)).imag.abs().max() > 0.1) for gamma in (1.9, 2.1)]
    assert turning == [True, False]  # as the text beside the demo says
    assert growing[-1] == pytest.approx(0.5 * (1 + 0.1**2) ** 300, rel=1e-9)  # the chapter's factor for the Wasserstein loss


# ---- What the presets promise -------------------------------------------------------------------------------------------

TRAIN = """
const [name, steps, more] = data;
const gan = trainerGames.gan(preset("gan", name, more));
const z = gan.latents(1000, trainerMath.random(77));
const pushes = [];
for (let k = 0; k < steps; k++) gan.step(), pushes.push(gan.losses.push ?? 0);
const points = gan.generate(z, gan.average);
const radius = trainerGames.meanLength(gan.generate(z), 2);
return { radius, ...trainerGames.quality(points, gan.data), points, pushes, loss: gan.losses, params: gan.generator.params };
"""


@pytest.mark.slow
@needs_node
def test_r1_finds_all_modes_and_without_it_most_are_lost() -> None:
    with_r1 = run(TRAIN, ["r1", 3000, {}])
    assert with_r1["found"] == 8
    assert np.mean(with_r1["pushes"][-300:]) < 1  # the field stays gentle
    without = run(TRAIN, ["collapse", 2000, {}])
    assert without["found"] <= 4 and without["near"] > 0.5  # a few modes, and most of the points are there
    assert np.mean(without["pushes"][-300:]) > 5
    # What the demo counts is what the library counts.
    ring = Ring()
    for run_ in (with_r1, without):
        counted = modes_found(rows(run_["points"], 2).float(), ring.centres, ring.sigma)
        assert counted.found == run_["found"] and counted.near == pytest.approx(run_["near"], abs=0.003)


@needs_node
def test_a_sure_critic_silences_the_minimax_loss_only() -> None:
    minimax = run(TRAIN, ["saturated", 650, {}])
    other = run(TRAIN, ["saturated", 650, {"loss": "non-saturating"}])
    first = slice(500, 503)
    assert max(minimax["pushes"][first]) < 0.1 and min(other["pushes"][first]) > 2
    assert max(minimax["pushes"][:500]) == 0  # the critic's head start
    assert minimax["radius"] < 0.35 < 0.6 < other["radius"]  # 150 steps on: still in the middle; at the ring


@pytest.mark.slow
@needs_node
def test_a_wasserstein_critic_needs_a_bound() -> None:
    assert np.mean(run(TRAIN, ["wgan", 1500, {}])["pushes"][-100:]) > 300
    assert 0.5 < np.mean(run(TRAIN, ["wgan-gp", 1500, {}])["pushes"][-100:]) < 1.5


@needs_node
def test_the_seed_decides_everything() -> None:
    a, b, c = (run(TRAIN, ["collapse", 30, {"seed": seed}])["params"] for seed in (3, 3, 4))
    assert a == b and a != c


VAE = """
const [name, steps, more] = data;
const vae = trainerGames.vae(preset("vae", name, more));
for (let k = 0; k < steps; k++) vae.step();
const source = trainerMath.random(77);
const x = vae.data.sample(500, source);
const codes = vae.encode(x);
const nats = Array.from({ length: vae.latent }, () => 0);
for (let i = 0; i < 500; i++) {
  for (let j = 0; j < vae.latent; j++) {
    const [mu, logvar] = [codes[2 * vae.latent * i + j], codes[2 * vae.latent * i + vae.latent + j]];
    nats[j] += 0.5 * (mu ** 2 + Math.exp(logvar) - logvar - 1) / 500;
  }
}
const samples = vae.decode(source.normals(500 * vae.latent)).map((m) => m + vae.sigma() * source.normal());
return { nats, sigma: vae.sigma(), terms: vae.terms, near: trainerGames.quality(samples, vae.data).near };
"""


@pytest.mark.slow
@needs_node
def test_the_vae_presets_do_what_they_say() -> None:
    arc = run(VAE, ["arc", 1500, {}])
    assert 0.12 < arc["sigma"] < 0.17 and arc["nats"][0] > 1 and arc["near"] > 0.9
    # A bound: the ELBO cannot exceed the data's own entropy, which the noise alone puts below this.
    assert arc["terms"]["logPx"] - arc["terms"]["kl"] < -log(2 * pi * (0.4 / 3) ** 2) - 1
    spare = sorted(run(VAE, ["spare", 1500, {}])["nats"])
    assert spare[0] < 0.02 and spare[1] > 1.5
    assert sum(run(VAE, ["collapse", 800, {}])["nats"]) < 0.01
    assert sum(run(VAE, ["collapse", 800, {"beta": 1}])["nats"]) > 0.5
    small = run(VAE, ["small-beta", 1500, {}])
    assert small["sigma"] < 0.02 and small["near"] < 0.15 and sum(small["nats"]) > 8
    wide = run(VAE, ["sigma", 800, {}])
    assert sum(wide["nats"]) < 0.01 and wide["near"] < 0.5


# ---- Data, texts, the Python side ----------------------------------------------------------------------------------------


@needs_node
def test_data_are_the_librarys_and_are_good_by_their_own_measure() -> None:
    found = run(
        """
        return Object.fromEntries(Object.entries(trainerGames.DATA).filter(([, d]) => d.dim === 2).map(([name, data]) => {
          const x = data.sample(4000, trainerMath.random(1));
          return [name, { x, ...trainerGames.quality(x, data), marks: data.marks, sigma: data.sigma }];
        }));
        """
    )
    ring = Ring()
    assert np.allclose(np.reshape(found["ring"]["marks"], (-1, 2)), ring.centres.numpy(), atol=1e-6)
    assert found["ring"]["sigma"] == ring.sigma
    for name, data in found.items():
        assert data["found"] == data["count"] and data["near"] > 0.98, name
        assert np.abs(data["x"]).max() < 1.3, name
    counted = modes_found(rows(found["ring"]["x"], 2).float(), ring.centres, ring.sigma)
    assert counted.near == pytest.approx(found["ring"]["near"], abs=0.001)


@needs_node
def test_drawn_points_are_data_that_may_change() -> None:
    found = run(
        """
        const settings = { ...TRAINER_DEFAULTS.gan, penalty: "r1", data: "drawn", drawn: [[0.5, -0.25]] };
        const set = trainerGames.dataOf(settings);
        const one = Array.from(set.sample(4000, trainerMath.random(0)));
        settings.drawn.push([-0.5, 0.5]);
        const two = Array.from(set.sample(4000, trainerMath.random(0)));
        settings.drawn.length = 0;
        const none = Array.from(set.sample(2, trainerMath.random(0)));
        return { one, two, none, sigma: set.sigma, marks: Array.from(set.marks), heart: trainerPen.HEART.flat() };
        """
    )
    one, two, heart = (np.array(found[name]).reshape(-1, 2) for name in ("one", "two", "heart"))
    assert one.mean(0) == pytest.approx([0.5, -0.25], abs=0.003) and one.std(0) == pytest.approx([found["sigma"]] * 2, rel=0.05)
    assert (two[:, 0] < 0).mean() == pytest.approx(0.5, abs=0.03)
    assert found["marks"] == [] and np.isfinite(found["none"]).all()
    assert np.abs(heart).max() < 0.85


@needs_node
def test_presets_losses_and_texts_agree() -> None:
    tables = run(
        """
        const names = (x) => Object.keys(x);
        return { presets: { gan: names(TRAINER_PRESETS.gan), vae: names(TRAINER_PRESETS.vae) }, losses: names(trainerMath.LOSSES),
          settings: TRAINER_SETTINGS, defaults: TRAINER_DEFAULTS, sets: TRAINER_PRESETS, words: words.trainer };
        """
    )
    assert tables["presets"] == {kind: list(names) for kind, names in PRESETS.items()}
    assert tables["losses"] == list(LOSSES)
    told = tables["words"]
    for kind, names in PRESETS.items():
        for name in names:
            assert told[f"{kind}-{name}"] and len(told[f"{kind}-{name}-look"]) < 200
            chosen = tables["defaults"][kind] | tables["sets"][kind][name]
            for setting, control in tables["settings"][kind].items():
                assert chosen[setting] in control["values"], f"{name}: {setting} = {chosen[setting]} is not on offer"
        for setting, control in tables["settings"][kind].items():
            assert told[setting]
            for value in control["values"]:
                assert not isinstance(value, str) or told[f"{setting}-{value}"]


def test_every_text_that_the_scripts_say_exists() -> None:
    scripts = "".join((JS / f"{name}.js").read_text(encoding="utf-8") for name in ("trainer", "trainer_pen", "trainer_views"))
    table = scripts[scripts.index("words.trainer") : scripts.index("const TRAINER_DEFAULTS")]
    known = set(re.findall(r'^  "?([\w-]+)"?:', table, re.MULTILINE))
    said = set(re.findall(r'say\("([\w-]+)"', scripts))
    assert said and said <= known, said - known


def test_the_python_side_checks_and_shows() -> None:
    for kind, names in PRESETS.items():
        for name in names:
            assert live.trainer(kind, name).options == {"kind": kind, "preset": name}
    assert live.trainer().options == {"kind": "gan", "preset": "r1"}
    with pytest.raises(ValueError, match="the trainer has gan and vae"):
        live.trainer("diffusion")
    with pytest.raises(ValueError, match="presets of the vae are arc"):
        live.trainer("vae", preset="wgan")
    data, _ = live.trainer("gan", preset="dirac")._repr_mimebundle_()
    assert "data-demo='trainer'" in data["text/html"] and "dirac" in data["text/html"]
    assert data["text/plain"] == "<live demo trainer: kind='gan', preset='dirac'>"
    assert "application/vnd.jupyter.widget-view+json" in data


@needs_node
def test_no_chord_of_the_path_leads_across_what_it_goes_round() -> None:
    """Every line that is drawn is one step, however many have been made; the beginning and the end are there."""
    drawn = run(
        """
        const game = trainerGames.gan(preset("gan", "dirac"));
        const path = trainerDraw.trace();
        for (let k = 0; k < data; k++) {
          path.add(game.generator.params[0], game.critic.params[0]);
          game.step();
        }
        return [path.first, path.last];
        """,
        20_000,
    )
    pieces = [np.array(piece).reshape(-1, 2) for piece in drawn]
    assert np.allclose(pieces[0][0], (0.3, 0.4)) and all(1000 < len(piece) < 4000 for piece in pieces)
    for piece in pieces:
        middles = (piece[1:] + piece[:-1]) / 2
        assert np.hypot(*middles.T).min() > 0.45, "the two go round at a distance of about 0.5"
        assert np.hypot(*np.diff(piece, axis=0).T).max() < 0.06
