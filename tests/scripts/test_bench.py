"""The benchmark compares like with like: the same functions, the same numbers of weights; and a slow side loses."""

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from bench import beside, curves, gpu, lost, nets, orders, peers, quality, scaling, steps, throughput
from bench.apart import apart
from torch import nn

from imggen_lib.checkpoint import pretrained
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.losses.flow import flow_matching_loss, straight_path
from imggen_lib.losses.gan import non_saturating
from imggen_lib.runs import start
from imggen_lib.train.gan import train_gan_simultaneous
from imggen_lib.train.state import GanState


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=300, classes="01")


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (1, 1, 1, 1), (3, 5, 7, 2)])
def test_one_transposed_convolution_is_doubling_then_convolving(shape: tuple[int, ...]) -> None:
    """The outputs and the gradients, in float64."""
    torch.manual_seed(0)
    up, x = nets.UpConv(shape[1], 4).double(), torch.randn(shape, dtype=torch.float64, requires_grad=True)
    slow = nn.functional.conv2d(nn.functional.interpolate(x, scale_factor=2), up.weight, up.bias, padding=1)
    out, weight = up(x), torch.randn_like(slow)
    torch.testing.assert_close(out, slow, rtol=1e-12, atol=1e-12)
    for a, b in zip(*(torch.autograd.grad((y * weight).sum(), (x, up.weight, up.bias)) for y in (out, slow)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_both_sides_have_the_same_networks() -> None:
    assert nets.parameters(nets.our_vae()) - 784 == nets.parameters(nets.Vae()) == 652_824  # ours has a bias for the mean image
    assert nets.parameters(nets.our_conv_vae()) - 784 == nets.parameters(nets.ConvVae()) == 134_165
    fast, slow = nets.DcganGenerator(fast=True), nets.DcganGenerator()
    assert nets.parameters(fast) == nets.parameters(slow)
    names = zip(fast.state_dict().values(), slow.state_dict(), strict=True)
    slow.load_state_dict({name: value for value, name in names})
    z = torch.randn(4, 100, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fast(z), slow(z), rtol=1e-5, atol=1e-5)


def test_the_peer_s_average_is_ours() -> None:
    weights = [nn.Parameter(torch.full((3,), 2.0)), nn.Parameter(torch.full((2, 2), -1.0))]
    averages = [torch.zeros(3), torch.ones(2, 2)]
    expected = [torch.lerp(average, weight.detach(), 0.1) for average, weight in zip(averages, weights, strict=True)]
    peers.follow(averages, weights, 0.9)
    for ours, theirs in zip(expected, averages, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_peer_s_flow_learns_what_ours_learns(in_double: None) -> None:
    """A step of plain gradient descent from the same weights, images, noise and times ends at the same weights (float64)."""
    torch.manual_seed(0)
    ours, images = nets.unet(0), torch.rand(64, 1, 28, 28) * 2 - 1
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.05)
    theirs, noise, t = copy.deepcopy(ours), torch.randn(64, 1, 28, 28), torch.rand(64)
    flow_matching_loss(ours(straight_path(images, noise, t), t, None), images, noise).mean().backward()

    def descent(weights: Any, **_: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(weights, lr=0.1)

    drawn = iter([torch.ones(1), t])  # the class is told; the times
    loader = [((images + 1) / 2, torch.zeros(64, dtype=torch.long))]
    with (
        patch("torch.rand", lambda *_, **__: next(drawn)),
        patch("torch.randn_like", lambda x: noise),
        patch.object(peers, "DataLoader", lambda *_, **__: loader),
        patch("torch.optim.AdamW", descent),
    ):
        next(peers.flow_loop(theirs, np.zeros((1, 28, 28), np.uint8)))
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert mine.grad is not None
        torch.testing.assert_close(mine.detach() - 0.1 * mine.grad, other.detach(), rtol=1e-9, atol=1e-11)


def test_the_dcgan_begins_as_its_program_does() -> None:
    """0.02 around 0 for the weights of convolutions, around 1 for BatchNorm's; dense layers are PyTorch's."""
    torch.manual_seed(0)
    for module in (module for net in peers.dcgan() for module in net.modules()):
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            normal = (module.weight.detach() - (1 if isinstance(module, nn.BatchNorm2d) else 0)) / 0.02
            many = normal.numel()
            assert abs(normal.mean()) < 5 / many**0.5 and abs(normal.square().mean() - 1) < 5 * (2 / many) ** 0.5
        if isinstance(module, nn.BatchNorm2d):
            assert module.bias.eq(0).all()
        if isinstance(module, nn.Linear):
            assert module.weight.abs().max() <= module.in_features**-0.5


def test_activations_that_overwrite_their_inputs_change_nothing() -> None:
    fast, slow = nets.our_conv_vae(fast=True), nets.our_conv_vae()
    slow.load_state_dict(fast.state_dict())
    x, eps = torch.rand(6, 1, 28, 28) * 2 - 1, torch.randn(6, 2)
    for net in (fast, slow):
        net(x, None, eps).decoded.square().sum().backward()
    assert torch.equal(fast(x, None, eps).decoded, slow(x, None, eps).decoded)
    for a, b in zip(fast.decoder.parameters(), slow.decoder.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


def test_the_textbook_s_vae_is_ours() -> None:
    """The same weights give the same logits; the parts of the loss are tested where they are defined."""
    theirs, ours = nets.Vae(), nets.our_vae()
    with torch.no_grad():
        for mine, other in ((ours.encoder[1], theirs.fc1), (ours.decoder[0], theirs.fc3), (ours.decoder[2], theirs.fc4)):  # type: ignore[index]
            mine.weight.copy_(other.weight)
            mine.bias.copy_(other.bias)
        ours.posterior.weight.copy_(torch.cat([theirs.fc21.weight, theirs.fc22.weight]))
        ours.posterior.bias.copy_(torch.cat([theirs.fc21.bias, theirs.fc22.bias]))
    x = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    mu, logvar = ours.encode(x)
    _, theirs_mu, theirs_logvar = theirs(x)
    torch.testing.assert_close(mu, theirs_mu)
    torch.testing.assert_close(logvar, theirs_logvar)
    decoded = torch.sigmoid(theirs.fc4(torch.relu(theirs.fc3(mu))))
    torch.testing.assert_close(torch.sigmoid(ours.decode(mu)).flatten(1), decoded)


def test_our_players_move_as_the_peer_s(in_double: None) -> None:
    """Three steps from the same weights, images and latents end at the same weights (float64): the peer's order, in one pass."""
    torch.manual_seed(0)
    images, latents = torch.rand(3, 64, 1, 28, 28) * 2 - 1, torch.randn(3, 64, 100)
    theirs = nets.MlpGenerator(), nets.MlpCritic(sigmoid=True)
    ours = nets.MlpGenerator(), nets.MlpCritic()
    for net, other in zip(ours, theirs, strict=True):
        net.load_state_dict(other.state_dict())

    def given(values: torch.Tensor) -> Any:
        drawn = iter(values)
        return patch("torch.randn", lambda *shape, **_: next(drawn))

    # The peer halves the critic's loss. To Adam a factor is nothing, up to its epsilon.
    halved = replace(non_saturating, critic=lambda a, b: non_saturating.critic(a, b) / 2)
    loader = [(x, torch.zeros(64)) for x in images]
    with given(latents), patch.object(peers, "DataLoader", lambda *_, **__: loader):
        for _ in islice(peers.gan_loop(*theirs, 28, np.zeros((1, 28, 28), np.uint8), "cpu"), 3):
            pass
    state = GanState.create(*ours, lr=2e-4, betas=(0.5, 0.999))
    with given(latents):
        list(train_gan_simultaneous(state, loader, halved))
    for net, other in zip(ours, theirs, strict=True):
        for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("work", throughput.WORKS, ids=lambda work: work.name)
def test_both_sides_run_and_count_images(work: throughput.Work, digits: ImageSet) -> None:
    for seen in (
        work.ours(digits),
        work.theirs(digits.images[:, 0].numpy(), "cpu"),
        *(getattr(work, side)(digits) for side in work.more),
    ):
        counted = list(islice(seen, 3))
        assert counted[0] == work.batch and counted == sorted(counted) and counted[2] <= 3 * work.batch


@contextmanager
def here(**settings: Any) -> Iterator[Callable[..., Any]]:
    """In place of bench.apart.apart: without a process, so that what a test put in place holds."""
    yield lambda f, *args: f(*args)


def test_a_side_that_is_three_times_slower_has_a_ratio_of_three() -> None:
    def side(pause: float) -> Iterator[int]:
        seen = 0
        while True:
            time.sleep(pause)
            seen += 10
            yield seen

    sides = {"ours": partial(throughput.speed, side(0.01)), "theirs": partial(throughput.speed, side(0.03))}
    found = throughput.turns(sides, rounds=3, seconds=0.2)
    ratio, (lowest, highest) = throughput.ratios(found["ours"], found["theirs"])
    assert ratio == pytest.approx(3, rel=0.4) and lowest <= ratio <= highest
    assert throughput.ratios([4.0, 6.0, 100.0], [2.0, 2.0, 2.0]) == (3.0, [2.0, 50.0])


def test_all_sides_are_measured_in_processes_of_their_own(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput.packages, "installed", list)
    for work, side in ((throughput.WORKS[0], ""), (throughput.WORKS[1], "in_turns"), (throughput.WORKS[4], "in_bfloat16")):
        more = [side, f"ratio_{side}"] if side else []
        found = throughput.measure(work, digits, rounds=2, seconds=0.05, peak=1e11)
        assert min(found[name] for name in ("ours", "theirs", "theirs_helped", "ratio", "ratio_helped", *more)) > 0
        assert found["ratios"][0] <= found["ratios"][1] and 0 < found["our_fraction_of_peak"] < 10 and "package" not in found
        assert {"in_turns", "in_bfloat16"} & found.keys() == ({side} if side else set())


def test_products_in_bfloat16_round_the_network_and_nothing_else(digits: ImageSet) -> None:
    whole, rounded = throughput.nets.unet(10), throughput.nets.unet(10)
    rounded.load_state_dict(whole.state_dict())
    next(throughput.flow(rounded, digits, 16, bfloat16=True))
    x, t, labels = torch.rand(4, 1, 28, 28), torch.rand(4), torch.arange(4)
    with torch.no_grad():
        made = rounded(x, t, labels)
        exact = type(rounded).forward(rounded, x, t, labels)
    assert made.dtype == torch.float32 and all(p.dtype == torch.float32 for p in rounded.parameters())
    assert 0 < (made - exact).abs().max() < 0.1


def test_what_one_side_asks_of_its_process_does_nothing_for_the_other() -> None:
    before = torch.get_float32_matmul_precision()
    with apart() as ours, apart(threads=1) as theirs:
        ours(torch.set_float32_matmul_precision, "high")
        assert (ours(torch.get_float32_matmul_precision), theirs(torch.get_float32_matmul_precision)) == ("high", "highest")
        assert ours(os.getpid) == ours(os.getpid) != theirs(os.getpid) != os.getpid()
        assert theirs(torch.get_num_threads) == 1
    assert torch.get_float32_matmul_precision() == before


def test_the_pixels_are_grey_no_longer_than_the_training_lasts(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    from imggen_lib.train import vae

    monkeypatch.setattr(quality, "load", lambda name, split: digits)
    before = vae.observe
    quality.our_vae(digits, 256)
    assert vae.observe is before


def test_the_textbook_loops_learn(digits: ImageSet) -> None:
    """Not only fast: a stand-in that trained nothing would be no peer."""
    torch.manual_seed(0)
    model = nets.Vae()
    x = digits.images[:128].float() / 255

    def loss() -> float:
        with torch.no_grad():
            decoded, _, _ = model(x)
            return nn.functional.binary_cross_entropy(decoded, x.flatten(1)).item()

    before = loss()
    for _ in islice(peers.vae_loop(model, digits.images[:, 0].numpy(), "cpu"), 12):
        pass
    assert loss() < 0.8 * before


def test_looking_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that training moves by 2 seconds a step, and a look by 100."""
    now = [0.0]
    monkeypatch.setattr(quality.time, "perf_counter", lambda: now[0])

    def training() -> Iterator[int]:
        for k in range(1, 10):
            now[0] += 2
            yield 10 * k

    def done(images: int, seconds: float) -> bool:
        now[0] += 100
        return images >= 40

    assert quality.trained_for(training(), done) == (40, 8.0)
    with pytest.raises(RuntimeError, match="ended before"):
        quality.trained_for(training(), lambda images, seconds: False)


def test_the_objective_is_the_peer_s_own(digits: ImageSet) -> None:
    torch.manual_seed(0)
    model, x = nets.Vae(), digits.floats(300) / 2 + 0.5
    torch.manual_seed(1)
    decoded, mu, logvar = model(x)
    cross_entropy = nn.functional.binary_cross_entropy(decoded, x.flatten(1), reduction="sum")
    expected = (cross_entropy - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()).item() / len(x)
    torch.manual_seed(1)
    assert quality.grey_objective(quality._their_parts(model), x) == pytest.approx(expected, rel=1e-5)


def test_both_recipes_are_judged_by_one_rule(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short trainings: the verdict is that of the two values, and a training that does not get there gives up."""
    monkeypatch.setattr(quality, "load", lambda name, split: digits)
    monkeypatch.setattr(quality, "feature_network", lambda name: pretrained("mnist-features").model())
    monkeypatch.setattr(quality, "apart", here)
    monkeypatch.setattr(quality, "SAMPLES", 500)
    monkeypatch.setattr(quality, "EVERY", 128)
    found = [quality.vae(digits, epochs=1, budget=1280), quality.gan(digits, minutes=0.001, limit=256)]
    for row in found:
        assert row["reached"] == (row["our_value"] <= row["their_value"])
        assert row["ratio"] > 0 and row["their_seconds"] >= 0
    assert found[1]["our_images"] in (128, 256) and len(found[1]["looks"]) == found[1]["our_images"] // 128


def test_both_orders_are_trained_and_looked_at(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "apart", here)
    monkeypatch.setattr(orders, "load", lambda name, split: digits)
    monkeypatch.setattr(orders, "feature_network", lambda name: pretrained("mnist-features").model())
    for name, value in (("EVERY", 64), ("TOTAL", 128), ("SAMPLES", 200), ("SEEDS", (3,))):
        monkeypatch.setattr(orders, name, value)
    rows = orders.measure(digits)
    assert [row["order"] for row in rows] == ["in turns", "at once"] == list(orders._runs)
    assert [run.config.simultaneous for run in orders._runs.values()] == [False, True]  # type: ignore[union-attr]
    assert [run.state.images for run in orders._runs.values()] == [128, 128]
    for row in rows:
        assert [look[0] for look in row["looks"]] == [64, 128] and 0 <= row["looks"][0][1] <= row["looks"][1][1]
        assert all(look[2] > 0 for look in row["looks"])


def test_a_stream_is_read_to_its_end() -> None:
    found = curves.streamed(4000, files=2)
    assert found["shards"] == 20 and [n for n, *_ in found["memory_mib"]] == [500, 1000, 1500, 2000, 2500, 3000, 3500, 4000]
    assert all(mib > 50 for _, mib, _ in found["memory_mib"])
    assert found["memory_mib"][0][2] > 50  # two workers, each with PyTorch; at the end they may have gone


def test_what_others_compute_is_told_from_what_we_do() -> None:
    """A program that is not waited for before the end is somebody else's; one that has ended is ours."""
    about: dict[str, Any] = {}
    with beside.others(about):
        ours = subprocess.run([sys.executable, "-c", SPIN], check=True)
    alone = about["others"]
    assert ours.returncode == 0 and about["load_before"] >= 0
    other = subprocess.Popen([sys.executable, "-c", SPIN.replace("1.0", "60")])
    try:
        with beside.others(about):
            time.sleep(1)
    finally:
        other.kill()
        other.wait()
    assert about["others"] > 0.4 and alone >= 0  # what else the machine does while tests run is not known


SPIN = "import time\nend = time.process_time() + 1.0\nwhile time.process_time() < end: pass"


def test_steps_are_measured_without_and_with_them(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "apart", here)
    monkeypatch.setattr(lost, "ROUNDS", 1)
    rows = steps.measure(digits, 0.01)
    assert [row["what"] for row in rows] == list(steps.STEPS) and all(row["before"] > 0 < row["after"] for row in rows)


def test_two_passes_through_the_critic_are_one() -> None:
    """What the step's other side computes: the logits of real and generated images, and the gradients, agree."""
    whole = GanConfig(width=8).build_critic()
    split = copy.deepcopy(whole)
    steps.in_two(split, 6)
    x = torch.randn(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(split(x), whole(x), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(split(x[:4]), whole(x[:4]), rtol=0, atol=0)
    for net in (whole, split):
        net(x).square().sum().backward()
    for a, b in zip(whole.parameters(), split.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_two_processes_share_a_batch_and_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(scaling.__file__).parent.parent))
    monkeypatch.setattr(scaling, "WORKS", {"VAE, fully connected": scaling.WORKS["VAE, fully connected"]})
    (row,) = scaling.measure(rounds=1, part=0.01)
    assert min(row["one"], row["two"], row["two threads"]) > 0
    assert row["efficiency"] == pytest.approx(row["two"] / (2 * row["one"]), rel=1e-2)


def test_other_programs_run_while_they_should_and_no_longer() -> None:
    with lost.busy(0):
        pass
    started: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lost.subprocess, "Popen", lambda *a, **k: started.append(original(*a, **k)) or started[-1])
        patch.setattr(lost.time, "sleep", lambda seconds: None)
        with lost.busy(2):
            assert len(started) == 2 and all(other.poll() is None for other in started)
    assert all(other.poll() is not None for other in started)


def test_growth_has_a_point_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("BATCHES", (8,)), ("WIDTHS", (4, 8)), ("SIZES", (8,)), ("COUNTS", (100,))):
        monkeypatch.setattr(curves, name, few)
    found = curves.measure(0.02, rounds=2)
    assert list(found) == ["batch", "width", "image size", "images in the set"] and len(found["batch"]) == 2
    assert [setting for setting, _ in found["width"]["GAN, convolutional"]] == [4, 8]
    assert all(rate > 0 for lines in found.values() for points in lines.values() for _, rate in points)


def test_the_gpu_s_program_runs_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: ImageSet) -> None:
    monkeypatch.setattr(gpu, "apart", here)
    monkeypatch.setattr(gpu, "load", lambda name: digits)
    monkeypatch.setattr(gpu, "WORKS", throughput.WORKS[:1])
    changes = {name: gpu.CHANGES[name] for name in ("eager", "bfloat16")} | {"broken": lambda run: 1 / 0}
    monkeypatch.setattr(gpu, "CHANGES", changes)
    arguments = ["gpu", "--device", "cpu", "--seconds", "0.01", "--rounds", "1", "--size", "8", "--out", str(tmp_path / "gpu.json")]
    monkeypatch.setattr("sys.argv", arguments)
    gpu.main()
    gpu.main()  # what was measured before is kept
    record = json.loads((tmp_path / "gpu.json").read_text())
    assert len(record["earlier"]) == 1 and record["earlier"][0]["throughput"][0]["ratio"] > 0 and record["peak_gflops"] > 0
    assert record["throughput"][0]["ratio"] > 0 and "trial" in record["machine"]
    assert [row["how"] for row in record["GAN at 8x8"]] == ["eager", "bfloat16", "broken"]
    assert [row.get("failed", "")[:17] for row in record["GAN at 8x8"]] == ["", "", "ZeroDivisionError"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.filterwarnings("ignore:Profiler clears events:UserWarning")
def test_the_share_in_kernels_is_a_share() -> None:
    seen = (record["images"] for record in start(GanConfig(), glyphs.make("train", n=300, classes="01"), "cuda").records(2**40))
    assert 0 < gpu.kernel_share(seen, "cuda") <= 1


def test_an_earlier_measurement_leaves_its_ratios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: ImageSet) -> None:
    from bench import __main__ as program

    out = tmp_path / "bench.json"
    monkeypatch.setattr(program, "load", lambda name: digits)
    monkeypatch.setattr(program, "peak_flops", lambda tries: 1e11)
    days = iter(("one", "two", "three", "four", "five"))
    monkeypatch.setattr(program, "hardware", lambda _: next(days))
    for part, work, ratio in (("throughput", "a", 2.0), ("quality", "b", 3.0), ("quality", "b", 4.0), ("throughput", "a", 5.0)):
        rows = [{"work": work, "ratio": ratio}]
        monkeypatch.setitem(program.PARTS, part, lambda data, args, peak, rows=rows: rows)
        monkeypatch.setattr("sys.argv", ["bench", part, "--out", str(out)])
        program.main()
    record = json.loads(out.read_text())
    assert record["lost_earlier"] == []
    assert record["throughput"] == [{"work": "a", "ratio": 5.0}] and record["quality"] == [{"work": "b", "ratio": 4.0}]
    assert [(e["machine"], e["ratios"]) for e in record["earlier"]] == [("two", {"b": 3.0}), ("one", {"a": 2.0})]
    assert {part: when["machine"] for part, when in record["measured"].items()} == {"throughput": "four", "quality": "three"}
    monkeypatch.setattr("sys.argv", ["bench", "throughput", "quality", "--out", str(out)])
    program.main()  # both at once, measured on different machines before
    assert [e["machine"] for e in json.loads(out.read_text())["earlier"][2:]] == ["four", "three"]


def test_earlier_attempts_are_kept_with_their_machine() -> None:
    from bench import __main__ as program

    first = {"machine": "one", "date": "d", "load_before": 0, "peak_gflops": 1.0, "lost": {"rows": [{"what": "a"}]}}
    assert program.attempts({}, True) == program.attempts(first, False) == []
    kept = program.attempts(first, True)
    assert kept == [{"machine": "one", "date": "d", "load_before": 0, "peak_gflops": 1.0, "rows": [{"what": "a"}]}]
    second = {**first, "lost_earlier": kept, "measured": {"lost": {"machine": "two"}}}
    assert [run["machine"] for run in program.attempts(second, True)] == ["one", "two"]
