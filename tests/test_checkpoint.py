"""Checkpoints: resume equals no interruption, nothing half written, damage is named, nothing is unpickled."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from imggen_lib import checkpoint
from imggen_lib.configs import Config, FeatureConfig, FlowConfig, GanConfig, VaeConfig, from_json
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.errors import CheckpointError, TrainingDiverged
from imggen_lib.finding import find
from imggen_lib.losses.gan import relativistic
from imggen_lib.runs import Run, resume, start
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import GanState

CONFIGS = {
    "gan": GanConfig(net="conv", width=4, latent_dim=4, batch=16, critic_steps=2, r1=1.0, gp=1.0, penalty_every=3),
    "gan-classes": GanConfig(net="mlp", hidden=(16,), latent_dim=4, batch=16, classes=2, beta1=0.5, decay_start=80, decay_end=400),
    "gan-at-once": GanConfig(net="conv", width=4, latent_dim=4, batch=16, classes=2, simultaneous=True),
    "vae": VaeConfig(net="conv", width=4, latent_dim=4, batch=16, schedule_images=320),
    "vae-gaussian": VaeConfig(net="mlp", hidden=(16,), latent_dim=4, batch=16, likelihood="gaussian", classes=2),
    "flow": FlowConfig(width=4, batch=16, classes=2, schedule_images=320, steps=2),
    "flow-codes": FlowConfig(vae="mnist-vae-small", width=8, batch=16, classes=2),
    "flow-mlp": FlowConfig(net="mlp", width=8, batch=16, times="uniform", solver="euler"),
}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=100, classes="01")


def _tensors(run: Run) -> dict[str, torch.Tensor]:
    out = {f"{n}.{k}": v for n, m in run.state.modules().items() for k, v in m.state_dict().items()}
    for n, o in run.state.optimizers().items():
        for i, slots in o.state_dict()["state"].items():
            out |= {f"opt.{n}.{i}.{k}": v for k, v in slots.items()}
    return out


@pytest.mark.parametrize("name", CONFIGS)
def test_resume_equals_no_interruption_bit_for_bit(name: str, digits: ImageSet, tmp_path: Path) -> None:
    whole = start(CONFIGS[name], digits)
    expected = [{k: float(v) for k, v in r.items()} for r in whole.records(320)]
    first = start(CONFIGS[name], digits)
    for record in first.records(320):
        if record["images"] == 112:
            break
    first.save(tmp_path)
    second = resume(tmp_path, digits)
    assert second.state.images == 112
    assert [{k: float(v) for k, v in r.items()} for r in second.records(320)] == expected[7:]
    a, b = _tensors(whole), _tensors(second)
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_comes_back(name: str, digits: ImageSet, tmp_path: Path) -> None:
    run = start(CONFIGS[name], digits)
    list(run.records(48))
    run.save(tmp_path, note="hello")
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == run.config and loaded.meta["note"] == "hello" and loaded.meta["images"] == 48
    assert loaded.meta["data"]["sha256"] == digits.checksum
    net = loaded.model()
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    kept = run.state.modules()["model" if name.startswith("vae") else "ema"].state_dict()
    assert all(torch.equal(v, kept[k]) for k, v in net.state_dict().items())


def test_resume_wants_the_same_data(digits: ImageSet, tmp_path: Path) -> None:
    run = start(CONFIGS["vae"], digits)
    list(run.records(16))
    run.save(tmp_path)
    with pytest.raises(CheckpointError, match="not the same set"):
        resume(tmp_path, glyphs.make("train", n=101, classes="01"))


def test_old_weights_are_deleted_after_the_new_are_safe(digits: ImageSet, tmp_path: Path) -> None:
    run = start(CONFIGS["vae"], digits)
    for record in run.records(64):
        run.save(tmp_path)
        names = sorted(p.name for p in tmp_path.iterdir())
        assert names[0] == "checkpoint.json" and len(names) == 2
        assert names[1].startswith(f"weights-{record['images']:012d}-") and names[1].endswith(".safetensors")


def test_files_of_others_are_left_alone(digits: ImageSet, tmp_path: Path) -> None:
    theirs = ["weights-best.safetensors", ".eslintrc.json.bak", ".weights.txt", "weights-000000000016.safetensors"]
    for name in theirs:
        (tmp_path / name).write_text("mine")
    run = start(CONFIGS["vae"], digits)
    for _ in run.records(48):
        run.save(tmp_path)
    assert [n for n in theirs if not (tmp_path / n).exists()] == []


def test_weights_that_are_not_finite_are_not_saved(digits: ImageSet, tmp_path: Path) -> None:
    run = start(CONFIGS["vae"], digits)
    list(run.records(16))
    run.save(tmp_path)
    list(run.records(32))
    with torch.no_grad():
        next(run.state.modules()["model"].parameters()).view(-1)[0] = float("nan")
    with pytest.raises(TrainingDiverged, match="not finite after 32 images"):
        run.save(tmp_path)
    assert checkpoint.load(tmp_path).meta["images"] == 16


@pytest.mark.parametrize("moment", ["weights", "json"])
@pytest.mark.parametrize("same_count", [False, True])
def test_a_failed_write_loses_nothing(
    moment: str, same_count: bool, digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(CONFIGS["vae"], digits)
    list(run.records(16))
    run.save(tmp_path)
    before = checkpoint.load(tmp_path).meta["weights"]
    if same_count:  # another run, saved over the first
        run = start(replace(CONFIGS["vae"], seed=1), digits)
    list(run.records(16 if same_count else 32))
    real, count = os.replace, iter(range(9))

    def fail(a: object, b: object) -> None:
        if next(count) == (0 if moment == "weights" else 1):
            raise OSError(28, "No space left on device")
        real(a, b)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        run.save(tmp_path)
    assert checkpoint.load(tmp_path).meta["weights"] == before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


_SAVER = """
import sys
from pathlib import Path
from imggen_lib.configs import VaeConfig
from imggen_lib.data import glyphs
from imggen_lib.runs import start
run = start(VaeConfig(net="mlp", hidden=(700, 700), batch=16), glyphs.make("train", n=50, classes="01"))
for record in run.records(10**9):
    run.save(sys.argv[1])
    print(record["images"], flush=True)
"""


@pytest.mark.slow
def test_sigkill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    """Kill a process that does little but write checkpoints, again and again, at other moments each time."""
    process = subprocess.Popen([sys.executable, "-c", _SAVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    in_the_middle = 0
    for k in range(400):
        os.kill(process.pid, signal.SIGSTOP)  # a stop shows what a kill at this moment would leave
        saved = checkpoint.load(tmp_path)
        saved.model()
        in_the_middle += any(p.name.startswith(".") or p.stat().st_size == 0 for p in tmp_path.iterdir())
        os.kill(process.pid, signal.SIGCONT)
        seen = saved.meta["images"]
        if k >= 12 and seen > 64:  # on a machine that is busy with other things, a few more times
            break
        time.sleep(0.013 + 0.0071 * (k % 12))
    process.kill()
    process.wait()
    process.stdout.close()
    after = checkpoint.load(tmp_path)
    assert after.meta["images"] >= seen > 64
    assert in_the_middle > 0, "no stop fell into a write: the test looked at nothing"


def _saved(digits: ImageSet, folder: Path) -> Path:
    run = start(CONFIGS["vae"], digits)
    list(run.records(16))
    run.save(folder)
    return folder


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        ("no folder", "there is no checkpoint"),
        ("no json", "there is no checkpoint"),
        ("no weights", "is missing"),
        ("cut weights", "damaged"),
        ("flipped bit", "checksum"),
        ("cut json", "damaged"),
        ("list", "damaged"),
        ("format", "format 99"),
        ("kind", "Did you mean 'vae'"),
        ("entry", "unknown entries: colour"),
        ("other config", "do not fit"),
    ],
)
def test_damage_is_named(damage: str, match: str, digits: ImageSet, tmp_path: Path) -> None:
    folder = _saved(digits, tmp_path / "run")
    text, weights = folder / "checkpoint.json", next(folder.glob("*.safetensors"))
    meta, content = json.loads(text.read_text()), weights.read_bytes()
    if damage == "no folder":
        folder = tmp_path / "elsewhere"
    elif damage == "no json":
        text.unlink()
    elif damage == "no weights":
        weights.unlink()
    elif damage == "cut weights":
        weights.write_bytes(content[:-100])
    elif damage == "flipped bit":
        weights.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    elif damage == "cut json":
        text.write_text(text.read_text()[:-40])
    elif damage == "list":
        text.write_text("[]")
    else:
        change = {
            "format": {"format": 99},
            "kind": {"config": {**meta["config"], "kind": "vaee"}},
            "entry": {"config": {**meta["config"], "colour": 1}},
            "other config": {"config": {**meta["config"], "width": 6}},
        }[damage]
        text.write_text(json.dumps({**meta, **change}))
    with pytest.raises(CheckpointError, match=match) as error:
        checkpoint.load(folder).model()
    assert str(folder) in str(error.value) or damage == "no json"


def test_a_released_model_is_small_and_cannot_be_resumed(digits: ImageSet, tmp_path: Path) -> None:
    saved = checkpoint.load(_saved(digits, tmp_path / "run"))
    path = checkpoint.release(saved, "tiny", {"seed": 0}, tmp_path)
    released = checkpoint._load(path)
    assert released.meta["card"] == {"seed": 0} and all(v.dtype == torch.float16 for v in released.tensors.values())
    a, b = saved.model().state_dict(), released.model().state_dict()
    assert all(torch.allclose(a[k], b[k], rtol=1e-3, atol=1e-4) for k in a)
    with pytest.raises(CheckpointError, match="not a training run"):
        released.restore(CONFIGS["vae"].state())


@pytest.mark.parametrize(
    "config",
    [GanConfig(), GanConfig.article(seed=3), VaeConfig(hidden=(5, 6)), FlowConfig(classes=3, guidance=2.0), FeatureConfig()],
)
def test_configs_survive_json(config: Config) -> None:
    assert from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: GanConfig(net="cnn"), "unknown network"),
        (lambda: GanConfig(loss="relativisitc"), "Did you mean 'relativistic'"),
        (lambda: GanConfig(r1=float("nan")), "r1 must be a finite number"),
        (lambda: GanConfig(ema_half_life=float("nan")), "ema-half-life"),
        (lambda: GanConfig(ema_half_life=-1.0), "ema-half-life"),
        (lambda: GanConfig(critic_steps=0), "critic-steps"),
        (lambda: VaeConfig(beta=float("inf")), "beta"),
        (lambda: GanConfig(r1=-1.0), "r1 must not be negative"),
        (lambda: GanConfig(latent_dim=0), "latent-dim must be at least 1"),
        (lambda: VaeConfig(lr=5.0), "learning rate"),
        (lambda: VaeConfig(lr=float("nan")), "learning rate"),
        (lambda: VaeConfig(likelihood="bernouli"), "Did you mean 'bernoulli'"),
        (lambda: VaeConfig(beta=-0.1), "beta"),
    ],
)
def test_bad_configs_are_refused(make, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_resumed_run_holds_no_map_of_the_file(digits: ImageSet, tmp_path: Path) -> None:
    """Windows does not delete a file that somebody has mapped, and the next checkpoint takes the place of this one."""
    run = start(CONFIGS["vae"], digits, "cpu")
    list(run.records(32))
    run.save(tmp_path)
    again = resume(tmp_path, digits, "cpu")
    assert again.state.images == 32 and str(tmp_path) not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("file", ["checkpoint.json", "*.safetensors"])
def test_a_checkpoint_s_file_instead_of_its_folder(file: str, digits: ImageSet, tmp_path: Path) -> None:
    path = next(_saved(digits, tmp_path / "run").glob(file))
    for read in (checkpoint.load, find):
        with pytest.raises(CheckpointError, match=f"{path} is a file; a checkpoint is named by its folder: {path.parent}"):
            read(path)


def test_a_folder_of_one_s_own_is_no_pretrained_model(digits: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"unknown pretrained model .*\. A folder of your own is read by imggen_lib.checkpoint.load"
    ):
        checkpoint.pretrained(str(_saved(digits, tmp_path / "run")))
    with pytest.raises(ValueError, match="the name is empty"):
        find("")


def test_weights_that_are_not_numbers_are_named(digits: ImageSet, tmp_path: Path) -> None:
    from test_damaged import _tensors

    folder = _saved(digits, tmp_path / "run")
    _tensors(lambda tensors: tensors["model.decoder.0.weight"].view(-1)[3].fill_(float("nan")))(folder)
    with pytest.raises(CheckpointError, match=r"'model.decoder.0.weight' holds NaN or infinite numbers"):
        checkpoint.load(folder)


def test_a_model_draws_no_random_numbers_and_shares_none(digits: ImageSet, tmp_path: Path) -> None:
    saved = checkpoint.load(_saved(digits, tmp_path / "run"))
    torch.manual_seed(0)
    one = saved.model()
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(0)))
    for parameter in one.parameters():
        parameter.zero_()
    assert any(p.abs().sum() > 0 for p in saved.model().parameters())


class OwnGenerator(nn.Module):
    image_shape, latent_dim, classes = (1, 28, 28), 4, 0

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 784)
        self.same = self.one  # the same numbers under two names
        self.unused = nn.Linear(2, 2)

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.one(z).tanh().view(-1, 1, 28, 28)


class OwnCritic(nn.Module):
    image_shape, classes = (1, 28, 28), 0

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(784, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.one(x.flatten(1)).squeeze(1)


def test_networks_of_one_s_own_are_refused_with_a_configuration_and_kept_without(digits: ImageSet, tmp_path: Path) -> None:
    config, state = CONFIGS["gan"], GanState.create(OwnGenerator(), OwnCritic())
    assert isinstance(config, GanConfig)

    def train(state: GanState, images: int) -> list[float]:
        batches = digits.batches(16, images=images, start=state.images)
        return [float(record["critic"]) for record in train_gan(state, batches, relativistic, penalty_every=3)]

    train(state, 48)
    with pytest.raises(CheckpointError, match=r"not the networks of the configuration .*None as the configuration saves your own"):
        checkpoint.save(tmp_path / "no", state, config)
    assert not (tmp_path / "no").exists()
    checkpoint.save(tmp_path / "own", state, None, note="mine")
    saved = checkpoint.load(tmp_path / "own")
    with pytest.raises(CheckpointError, match="somebody's own"):
        saved.model()
    net = saved.model(net=OwnGenerator())
    assert all(torch.equal(v, state.ema.state_dict()[k]) for k, v in net.state_dict().items()) and not net.training
    again = saved.restore(GanState.create(OwnGenerator(), OwnCritic()))
    whole, resumed = train(state, 96), train(again, 96)
    assert whole == resumed and len(whole) == 3
    with pytest.raises(CheckpointError, match=r"do not fit|does not fit"):
        saved.restore(GanState.create(OwnCritic(), OwnCritic()))
    with pytest.raises(CheckpointError, match="somebody's own"):
        saved.config.state()


def test_what_a_checkpoint_cannot_hold_is_said_before() -> None:
    checkpoint.storable(GanConfig())
    for changes in ({"begin_from": Path("runs")}, {"seed": np.int64(3)}, {"hidden": (np.int64(5),)}, {"latent_dim": 64.0}):
        config = GanConfig()
        for name, value in changes.items():
            object.__setattr__(config, name, value)  # however it got there
        with pytest.raises(ValueError, match=next(iter(changes))):
            checkpoint.storable(config)


def test_numbers_of_numpy_beside_a_checkpoint_are_stored_as_plain_ones(digits: ImageSet, tmp_path: Path) -> None:
    run = start(CONFIGS["vae"], digits)
    list(run.records(16))
    run.save(tmp_path, seconds=np.float64(1.5), best=torch.tensor(3), where=Path("a"), row=np.arange(3))
    meta = checkpoint.load(tmp_path).meta
    assert (meta["seconds"], meta["best"], meta["where"], meta["row"]) == (1.5, 3, "a", [0, 1, 2])
    for name in ("images", "format", "weights"):
        with pytest.raises(ValueError, match=f"'{name}' is an entry of every checkpoint"):
            run.save(tmp_path, **{name: 3})


@pytest.mark.parametrize("name", CONFIGS)
def test_a_run_that_was_stopped_before_its_first_step_goes_on(name: str, digits: ImageSet, tmp_path: Path) -> None:
    start(CONFIGS[name], digits).save(tmp_path)
    whole, again = start(CONFIGS[name], digits), resume(tmp_path, digits)
    assert [*whole.records(32)] == [*again.records(32)]


def test_a_moment_that_is_missing_is_not_begun_anew(digits: ImageSet, tmp_path: Path) -> None:
    from test_damaged import _tensors

    folder = _saved(digits, tmp_path / "run")
    _tensors(lambda tensors: [tensors.pop(f"optimizer.model.2.{slot}") for slot in ("step", "exp_avg", "exp_avg_sq")])(folder)
    with pytest.raises(CheckpointError, match="the optimiser's state does not fit"):
        resume(folder, digits)
