"""Networks and losses of one's own: trained, stored by name, loaded by permission alone, resumed bit for bit; never unpickled."""

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import own_nets
import pytest
import torch
from test_checkpoint import _tensors
from torch import nn

from imggen_lib import checkpoint, sample
from imggen_lib.cli import main
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig, from_json
from imggen_lib.data import ImageSet
from imggen_lib.errors import CheckpointError
from imggen_lib.losses.gan import hinge
from imggen_lib.own import Own
from imggen_lib.runs import Run, resume, start
from imggen_lib.train.state import GanState

SMALL: dict[str, Any] = {"image_shape": (1, 8, 8), "latent_dim": 4, "batch": 16}
CONFIGS: dict[str, Callable[[], Any]] = {
    "generator": lambda: GanConfig(generator=own_nets.Generator, width=4, **SMALL),
    "critic": lambda: GanConfig(critic="own_nets:Critic", net="mlp", hidden=(8,), r1=0.0, gp=1.0, **SMALL),
    "all": lambda: GanConfig(
        generator=own_nets.Generator, generator_options={"width": 6, "slope": 0.1}, critic=own_nets.Critic,
        critic_options={"width": 5}, loss=own_nets.soft, classes=2, augment="diff", **SMALL,
    ),
    "loss": lambda: GanConfig(loss=own_nets.scaled, loss_options={"scale": 0.5}, net="mlp", hidden=(8,), **SMALL),
    "vae": lambda: VaeConfig(model=own_nets.vae, model_options={"width": 6}, classes=2, **SMALL),
    "flow": lambda: FlowConfig(model=own_nets.Velocity, model_options={"width": 6}, classes=2, image_shape=(1, 8, 8), batch=16),
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> ImageSet:
    noise = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return ImageSet.from_float(noise, torch.arange(64) % 2)


@pytest.mark.parametrize("name", CONFIGS)
def test_own_networks_are_stored_by_name_and_resumed_bit_for_bit(name: str, data: ImageSet, tmp_path: Path) -> None:
    whole = start(CONFIGS[name](), data, "cpu")
    expected = [{k: float(v) for k, v in r.items()} for r in whole.records(160)]
    first = start(CONFIGS[name](), data, "cpu")
    for record in first.records(160):
        if record["images"] == 64:
            break
    first.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"it wants own_nets:\w+, code that is not of imggen_lib.*--allow own_nets"):
        checkpoint.load(tmp_path)
    second = resume(tmp_path, data, "cpu", allow={"own_nets"})
    assert second.config == whole.config and second.config.own.keys() == whole.config.own.keys()
    assert [{k: float(v) for k, v in r.items()} for r in second.records(160)] == expected[4:]
    a, b = _tensors(whole), _tensors(second)
    assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    second.save(tmp_path)
    model = checkpoint.load(tmp_path, ["own_nets"]).model()
    kept = whole.state.modules()["model" if name == "vae" else "ema"]
    assert torch.equal(sample(model, 4), sample(kept, 4))
    stored = json.loads((tmp_path / "checkpoint.json").read_text())["config"]
    assert all(stored[k] == str(v) and v.startswith("own_nets:") for k, v in whole.config.own.items())


def test_a_configuration_without_own_networks_is_stored_as_before(data: ImageSet, tmp_path: Path) -> None:
    start(GanConfig(net="mlp", hidden=(8,), loss=hinge, **SMALL), data, "cpu").save(tmp_path)
    stored = json.loads((tmp_path / "checkpoint.json").read_text())["config"]
    assert stored["loss"] == "hinge" and not {"augment", "augment_p", "generator", "critic_options", "model"} & stored.keys()
    assert GanConfig(generator="own_nets:Generator") == GanConfig(generator=own_nets.Generator)
    assert hash(GanConfig(generator="own_nets:Generator", generator_options={"width": 3})) != hash(GanConfig())
    copied = pickle.loads(pickle.dumps(CONFIGS["vae"]()))
    assert copied.own["model"].make is own_nets.vae and copied == CONFIGS["vae"]()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"critic": own_nets.NoShape}, "the NoShape has no attribute 'classes'"),
    ({"critic": own_nets.Column}, r"Column must give one logit an image, shape \(n,\), for 2 images it gave the shape \(2, 1\)"),
    ({"critic": own_nets.NoLabels}, r"NoLabels: forward must be called as forward\(images, labels=None\)"),
    ({"critic": own_nets.OtherWord}, r"OtherWord: forward must be called as forward\(images, labels=None\)"),
    ({"critic": own_nets.no_network}, "no_network must make a torch.nn.Module, it made a str"),
    ({"critic": own_nets.Generator}, "Generator is called with the keywords image_shape, classes: missing"),
    ({"generator": own_nets.Flat}, r"Flat must make images \(n, 1, 8, 8\) of n latents, .* shape \(2, 64\)"),
    ({"generator": own_nets.OtherLatents}, "OtherLatents has latent_dim = 5, the configuration has 4"),
    ({"generator": own_nets.Breaks}, r"Breaks cannot compute z of the shape \(2, 4\)"),
    ({"generator": own_nets.Empty}, "Empty has no parameters"),
    ({"generator": own_nets.Generator, "generator_options": {"depth": 3}}, "unexpected keyword argument 'depth'"),
]


@pytest.mark.parametrize(("entries", "words"), WRONG)
def test_what_a_network_must_do_is_said_in_one_sentence(entries: dict[str, Any], words: str, data: ImageSet) -> None:
    with pytest.raises(ValueError, match=words) as error:
        start(GanConfig(**entries, **SMALL), data, "cpu")
    assert "\n" not in str(error.value)


def test_what_a_velocity_must_be(data: ImageSet) -> None:
    shape: dict[str, Any] = {"image_shape": (1, 8, 8), "batch": 16}
    with pytest.raises(ValueError, match=r"StandsStill must give a velocity in the shape of the images \(2, 1, 8, 8\)"):
        start(FlowConfig(model=own_nets.StandsStill, **shape), data, "cpu")
    with pytest.raises(ValueError, match=r"forward must be called as forward\(x, t, labels=None\)"):
        start(FlowConfig(model=own_nets.Critic, **shape), data, "cpu")


def test_what_a_loss_and_a_vae_must_do(data: ImageSet) -> None:
    with pytest.raises(ValueError, match="no_vae must make a VAE"):
        start(VaeConfig(model=own_nets.no_vae, **SMALL), data, "cpu")
    with pytest.raises(ValueError, match=r"the critic's loss must be one number .* got \(2,\)"):
        next(start(GanConfig(loss=own_nets.vector, **SMALL), data, "cpu").records(16))
    with pytest.raises(ValueError, match="no_network is called with"):
        next(start(GanConfig(loss=own_nets.no_network, **SMALL), data, "cpu").records(16))
    with pytest.raises(ValueError, match="takes no options"):
        next(start(GanConfig(loss=own_nets.soft, loss_options={"a": 1}, **SMALL), data, "cpu").records(16))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GanConfig(generator="Generator"), "is named 'module:Name', as in my_package.nets:Generator"),
        (lambda: GanConfig(generator="own_nets:Genrator"), "Did you mean 'Generator'"),
        (lambda: GanConfig(generator="no_such_nets:G"), "no module no_such_nets; start where it is, or set PYTHONPATH"),
        (lambda: GanConfig(generator="own_nets:nn.Linear"), "is named 'module:Name'"),
        (lambda: GanConfig(generator="own_nets:system"), "no network, no function and no GanLoss that is defined in own_nets"),
        (lambda: GanConfig(generator="os:system"), "no network, no function and no GanLoss that is defined in os"),
        (lambda: GanConfig(generator_options={"a": 1}), "name one"),
        (lambda: GanConfig(generator=own_nets.Generator, generator_options={"a": [1]}), "must be a number, a word"),
        (lambda: GanConfig(generator=own_nets.Generator, generator_options={"a b": 1}), "names with a value each"),
        (lambda: GanConfig(generator=own_nets.Generator, generator_options={"a": float("nan")}), "finite"),
        (lambda: GanConfig(loss="hinj"), "Did you mean 'hinge'"),
        (lambda: GanConfig(augment="dif"), "Did you mean 'diff'"),
        (lambda: GanConfig(augment_p=1.5), "augment-p"),
    ],
)
def test_names_that_mean_nothing_are_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


class Here(own_nets.Critic):
    """Of this module, as others may import it."""


def test_what_cannot_be_found_again_trains_and_is_told_before_the_first_batch(data: ImageSet, tmp_path: Path) -> None:
    made_here: Any = type("Inner", (own_nets.Critic,), {"__module__": "__main__"})
    for critic in (lambda image_shape, classes: own_nets.Critic(image_shape, classes), made_here):
        config = GanConfig(critic=critic, net="mlp", hidden=(8,), **SMALL)
        with pytest.warns(UserWarning, match="this run cannot be saved: .* define it in a module, or name it"):
            run = start(config, data, "cpu")
        assert len([*run.records(32)]) == 2
        with pytest.raises(CheckpointError, match="cannot be saved"):
            run.save(tmp_path)
        assert not list(tmp_path.iterdir())
    named = start(replace(config, critic=Own("mine:Critic", critic)), data, "cpu")
    list(named.records(32))
    named.save(tmp_path)
    with pytest.raises(CheckpointError, match="it wants mine:Critic"):
        checkpoint.load(tmp_path, {"own_nets"})
    assert resume(tmp_path, data, "cpu", allow={"mine:Critic": critic}).state.images == 32


HOSTILE = (
    "os:system", "trap_of_tests:Generator", "own_nets.trap:G", "own_nets:__builtins__", "own_nets:nn.Module", ":", "a:b:c",
    "own_nets:",
    "own_nets:Generator\n", "../own_nets:G", "own_nets:Generator()", "трап:G", "own_nets :G", "trap_of_tests:x" + "y" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_checkpoint_imports_nothing(name: str, data: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap_of_tests.py").write_text("import pathlib; pathlib.Path(__file__).with_suffix('.sprung').touch()\n")
    monkeypatch.syspath_prepend(tmp_path)
    start(CONFIGS["generator"](), data, "cpu").save(tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.json"
    meta = json.loads(path.read_text())
    before = set(sys.modules)
    monkeypatch.setattr("imggen_lib.own.import_module", lambda _: pytest.fail("something was imported"))
    for entry in ("generator", "loss"):
        path.write_text(json.dumps({**meta, "config": {**meta["config"], "generator": "", "generator_options": {}, entry: name}}))
        allowed: set[str] = {"own_nets2", "trap_of_tests2", "own"}
        with pytest.raises(CheckpointError) as error:
            checkpoint.load(tmp_path / "run", allow=allowed)
        assert len(str(error.value)) < 6000 and "\n" not in str(error.value)
    assert set(sys.modules) == before and not (tmp_path / "trap_of_tests.sprung").exists()


def test_permission_for_a_module_is_none_for_what_it_imports(data: ImageSet, tmp_path: Path) -> None:
    values = CONFIGS["generator"]().to_json()
    for name in ("own_nets:system", "own_nets:hinge", "own_nets:prod", "own_nets:Any", "own_nets:torch"):
        with pytest.raises(CheckpointError, match=r"makes no network|no network, no function"):
            config = from_json({**values, "generator": name, "generator_options": {}}, {"own_nets"})
            checkpoint.stored.networks(config)
    for wrong in ({"a": [1]}, {"a": None}, {"a": {}}, {"": 1}, [], "x", {str(k): k for k in range(101)}):
        with pytest.raises((CheckpointError, ValueError)):
            checkpoint.stored.check_config({**values, "generator_options": wrong})


def test_networks_that_the_configuration_does_not_make_are_refused(data: ImageSet, tmp_path: Path) -> None:
    config = GanConfig(net="mlp", hidden=(8,), **SMALL)
    run = start(config, data, "cpu")
    generator = config.build_generator()
    generator.net[1] = nn.SiLU()  # type: ignore[index, operator]  # weights of equal shapes, another function
    state = GanState.create(generator, config.build_critic())
    with pytest.raises(ValueError, match=r"generator\.net\.1 is a torch.*SiLU, not a torch.*LeakyReLU"):
        Run(config, state, data)
    with pytest.raises(CheckpointError, match=r"not the networks of the configuration \(generator\.net\.1"):
        checkpoint.save(tmp_path, state, config)
    theirs = GanState.create(own_nets.Generator((1, 8, 8), 4, 0), run.state.modules()["critic"])
    with pytest.raises(ValueError, match="name networks of your own in the configuration"):
        Run(config, theirs, data)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # PyTorch's compiler looks at it
def test_compile_bfloat16_and_beginning_from_it(data: ImageSet, tmp_path: Path) -> None:
    config = CONFIGS["all"]()
    run = start(config, data, "cpu").in_bfloat16()
    assert len([*run.records(64)]) == 4
    run.save(tmp_path)
    begun = start(replace(config, begin_from=str(tmp_path), seed=1), data, "cpu")
    assert torch.equal(sample(begun.state.modules()["generator"], 2), sample(checkpoint.load(tmp_path, {"own_nets"}).model(), 2))
    with pytest.raises(ValueError, match="its generator-options is"):
        start(replace(config, begin_from=str(tmp_path), generator_options={"width": 8}), data, "cpu")
    with pytest.raises(CheckpointError, match="it wants own_nets:"):
        start(GanConfig(begin_from=str(tmp_path), **SMALL), data, "cpu")
    compiled = start(config, data, "cpu").compile(backend="aot_eager")
    plain = start(config, data, "cpu")
    for a, b in zip(compiled.records(32), plain.records(32), strict=True):
        assert a["critic"].item() == pytest.approx(b["critic"].item(), abs=1e-5)


def test_the_command_line_names_and_allows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, few = str(tmp_path / "run"), ["--data", "glyphs", "--images", "64", "--batch", "32", "--quiet", "--latent-dim", "4"]
    own = ["--generator", "own_nets:Generator", "--critic", "own_nets:Critic", "--critic-options", "width=6"]
    assert main(["train", "gan", *few, *own, "--loss", "own_nets:soft", "--augment", "diff", "--out", out]) == 0
    capsys.readouterr()
    sheet = ["--out", str(tmp_path / "x.png")]
    for command in (["sample", out, *sheet], ["info", out], ["train", "gan", *few, "--resume", "--out", out]):
        assert main(command) == 2
        assert "--allow own_nets" in capsys.readouterr().err
    assert main(["sample", out, *sheet, "--allow", "own_nets"]) == 0 and (tmp_path / "x.png").exists()
    assert main(["info", out, "--allow", "own_nets"]) == 0
    assert '"critic_options": {\n      "width": 6' in capsys.readouterr().out
    longer = ["train", "gan", *few[:3], "96", *few[4:], "--resume", "--out", out]
    assert main([*longer, *own]) == 0 and main([*longer, "--allow", "own_nets"]) == 0
    assert main([*longer, *own[:-1], "width=7"]) == 2
    assert "cannot go on with {'width': 7}" in capsys.readouterr().err
    for wrong, words in ((["--generator", "Generator"], "MODULE:NAME"), (["--critic-options", "width"], "KEY=VALUE")):
        with pytest.raises(SystemExit):
            main(["train", "gan", *few, *wrong, "--out", out])
        assert words in capsys.readouterr().err
    assert main(["train", "vae", *few, "--generator", "own_nets:Generator", "--out", str(tmp_path / "y")]) == 2
    assert "--generator is not an option of a vae" in capsys.readouterr().err
