"""Live demos: what is packed computes what the network computes, in few bytes; widgets and mounts say the same in every run."""

import ast
import copy
import gzip
import html
import importlib.util
import itertools
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from live_demos import DEMOS as EXAMPLES
from torch import Tensor, nn

from imggen_lib import live
from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.calibrate import Rounding, steps
from imggen_lib.compress.fold import folded as folded_generator
from imggen_lib.compress.quantise import channels_of, layers, quantised, rounded, rows, unrows
from imggen_lib.compress.store import small
from imggen_lib.live import base, shipped
from imggen_lib.live.layers import KINDS, Layer, folded, networks, run, unrolled
from imggen_lib.live.pack import EIGHT, HALF_A_GREY_LEVEL, pack
from imggen_lib.live.sizes import STUDENTS
from imggen_lib.live.wire import Writer, tensors, unpacked
from imggen_lib.measured import measured
from imggen_lib.models.blocks import one_hot
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.gan import ConvGenerator, MLPGenerator
from imggen_lib.models.vae import MLPVAE, VAE, ConvVAE, ResVAE
from imggen_lib.noise import latents
from imggen_lib.sampling import decode

ROOT = Path(__file__).parents[2]
JS = sorted((ROOT / "imggen_lib" / "live" / "js").glob("*.js"))


def _trained(model: nn.Module) -> Any:
    """Weights and running statistics as if trained: nothing is 0 or 1, and half precision is exact."""
    noise = torch.Generator().manual_seed(3)
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        if value.is_floating_point():
            random = torch.randn(value.shape, generator=noise)
            positive = "running_var" in name or (value.ndim == 1 and "weight" in name)
            value.data = (random.abs() + 0.5 if positive else random * (0.15 if value.ndim > 1 else 0.3)).half().float()
    return model.eval().requires_grad_(False)


MODELS = {
    "conv generator": lambda: ConvGenerator((1, 28, 28), 6, 8),
    "conv generator, classes, colour": lambda: ConvGenerator((3, 32, 32), 5, 6, classes=4),
    "residual generator": lambda: ConvGenerator((1, 28, 28), 6, 8, blocks=1),
    "mlp generator": lambda: MLPGenerator((1, 12, 12), 4, (9, 11), classes=3),
    "conv vae": lambda: ConvVAE((1, 28, 28), 3, 4),
    "conv vae, classes, gaussian": lambda: ConvVAE((3, 16, 16), 3, 4, classes=5, likelihood="gaussian"),
    "residual vae": lambda: ResVAE((1, 28, 28), 3, 4),
    "mlp vae": lambda: MLPVAE((1, 10, 10), 4, (12, 7), classes=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_layers_compute_what_the_network_computes(name: str) -> None:
    model = _trained(MODELS[name]()).double()
    labels = torch.arange(7) % model.classes if model.classes else None
    z = torch.randn(7, model.latent_dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    nets, rows = networks(model), one_hot(labels, model.classes, z)
    left = [layer for layers in nets.values() for layer in layers if layer.kind == "channels"]
    assert len(left) == (2 if name == "residual generator" else 0)  # behind a sum there is nothing to fold it into
    assert torch.allclose(run(nets["decode"] + nets["show"], z, rows), decode(model, z, labels), rtol=0, atol=1e-6)
    if isinstance(model, VAE):
        x = torch.rand(7, *model.image_shape, dtype=torch.float64) * 2 - 1
        assert torch.allclose(run(nets["encode"], x, rows), torch.cat(model.encode(x, labels), 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_bytes_there_and_back_change_nothing(name: str) -> None:
    """Weights that are exact in half precision are exact in the page, BatchNorm's factors included."""
    model = _trained(MODELS[name]())
    vae = isinstance(model, VAE)
    packed = pack(model, encoder=vae)
    assert packed.spec["weights"] == "fp16" and packed.spec["difference"]["largest"] < 1e-4
    nets = unpacked(json.loads(json.dumps(packed.spec)), packed.content)
    assert set(nets) == ({"decode", "show", "encode"} if vae else {"decode", "show"})
    labels = torch.arange(5) % model.classes if model.classes else None
    z = torch.randn(5, model.latent_dim, dtype=torch.float64)
    rows = one_hot(labels, model.classes, z)
    kept = networks(model.double())
    for net, x in {"decode": z, "encode": torch.rand(5, *model.image_shape, dtype=torch.float64)}.items():
        if net in nets:
            assert torch.allclose(run(nets[net], x, rows), run(kept[net], x, rows), rtol=1e-6, atol=1e-5)


def test_every_layer_that_the_page_knows() -> None:
    net = nn.Sequential(
        nn.Conv2d(2, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.SiLU(), nn.Upsample(scale_factor=2), nn.BatchNorm2d(6, affine=False),
        nn.Conv2d(6, 4, 5, padding="valid", bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Identity(),
        nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1), nn.Sigmoid(), nn.Flatten(), nn.Linear(1728, 8), nn.BatchNorm1d(8),
        nn.LeakyReLU(0.1), nn.Unflatten(1, (2, 2, 2)), nn.GELU(), nn.Tanh(),
    )  # fmt: skip
    net = _trained(net).double()
    x = torch.randn(3, 2, 16, 16, dtype=torch.float64)
    layers = folded(unrolled(net))
    assert {layer.kind for layer in layers} <= set(KINDS)
    assert [layer.kind for layer in layers].count("channels") == 1  # behind the enlargement nothing takes it in
    assert torch.allclose(run(layers, x), net(x), rtol=0, atol=1e-9)
    inner = [
        Layer("residual", body=tuple(unrolled(nn.Sequential(net[0], nn.Upsample(scale_factor=2), nn.Conv2d(6, 2, 1)).double())))
    ]
    assert torch.allclose(run(inner, x) - x, run(list(inner[0].body), x))


def test_what_the_page_cannot_compute_is_named() -> None:
    with pytest.raises(ValueError, match="PReLU"):
        unrolled(nn.Sequential(nn.Linear(2, 2), nn.PReLU()))
    with pytest.raises(ValueError, match="FeatureNet"):
        live.explorer(FeatureNet((1, 28, 28), 10, 4))
    for module in (nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(1, 1, 3, padding="same"), nn.Conv2d(1, 1, 3, stride=(1, 2))):
        with pytest.raises(ValueError, match="convolutions"):
            unrolled(module)
    for module in (nn.GELU("tanh"), nn.Upsample(scale_factor=2, mode="bilinear"), nn.BatchNorm2d(2, track_running_stats=False)):
        with pytest.raises(ValueError, match="the page"):
            unrolled(module)
    with pytest.raises(ValueError, match="evaluation"):
        pack(MLPGenerator((1, 8, 8), 2, (4,)).train())
    with pytest.raises(ValueError, match="encoder"):
        pack(MLPGenerator((1, 8, 8), 2, (4,)).eval(), encoder=True)


def test_tensors_survive_the_wire() -> None:
    writer = Writer()
    small = torch.arange(-127, 128).view(3, 85).double()
    large = torch.tensor([[0, -1, 1, 127], [128, -128, 30000, -30000]]).double()
    exact, inexact = torch.tensor([0.5, 2.0**-24, 65504.0]).double(), torch.tensor([0.1, 1e6]).double()
    scale = writer.numbers(torch.tensor([2.0, 0.25]).double())
    at = [writer.whole(small), writer.whole(large, scale=scale, axis=0), writer.numbers(exact), writer.numbers(inexact)]
    assert [writer.table[k]["type"] for k in at] == ["i8", "i16", "f16", "f32"]
    back = tensors(writer.table, writer.deflated())
    assert torch.equal(back[at[0]], small) and torch.equal(back[at[2]], exact)
    assert torch.equal(back[at[1]], large * torch.tensor([[2.0], [0.25]]))
    assert torch.allclose(back[at[3]], inexact, rtol=1e-7)


def test_rounding_with_feedback_is_better_where_inputs_are_correlated() -> None:
    noise = torch.Generator().manual_seed(0)
    hidden = torch.randn(500, 6, generator=noise).double()
    inputs = hidden @ torch.randn(6, 90, generator=noise).double() + 0.01 * torch.randn(500, 90, generator=noise).double() + 1
    weight = torch.randn(40, 90, generator=noise).double()
    step = steps(weight, 7)

    def spread(whole: Tensor) -> float:
        return ((whole * step[:, None] - weight) @ (inputs - inputs.mean(0)).T).square().mean().item()

    whole = Rounding(inputs)(weight, step)
    assert torch.equal(whole, whole.round())
    assert spread(whole) < 0.05 * spread((weight / step[:, None]).round())


def test_a_network_that_is_too_large_is_rounded_as_coarsely_as_cannot_be_seen() -> None:
    torch.manual_seed(0)
    model = MLPGenerator((1, 28, 28), 8, (24, 140)).eval()
    half, small = pack(model), pack(model, budget=1000)
    assert (half.spec["weights"], small.spec["weights"]) == ("fp16", "whole")
    assert len(small.content) < 0.75 * len(half.content)
    assert small.spec["difference"]["largest"] <= HALF_A_GREY_LEVEL
    coarser = pack(model, choice={**small.spec, "levels": 0.8 * small.spec["levels"]})
    assert coarser.spec["difference"]["largest"] > HALF_A_GREY_LEVEL
    assert pack(model, choice=small.spec).content == small.content


def test_eight_bits_are_those_of_the_chapter() -> None:
    """Each weight is the folded generator's, rounded as the chapter rounds it; a student's file is taken over as it is."""
    for whole, model in (
        (rounded(folded_generator(pretrained(shipped.TEACHER).model()), 8), pretrained(shipped.TEACHER).model()),
        (small("fifth"), small("fifth")),
    ):
        packed = pack(model, choice=EIGHT)
        said = [layer for layer in unpacked(packed.spec, packed.content)["decode"] if "weight" in layer.tensors]
        for layer, (_, ours) in zip(said, layers(whole), strict=True):
            assert torch.allclose(layer.tensors["weight"].float(), ours.weight, rtol=1e-6, atol=1e-9)
        kinds = [entry["type"] for entry in packed.spec["tensors"]]
        assert kinds.count("i8") == len(said) and packed.spec["weights"] == "int8"


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_can_have_eight_bits(name: str) -> None:
    model = _trained(MODELS[name]())
    packed = pack(model, choice=EIGHT)
    z, labels = latents(range(20), model.latent_dim), torch.arange(20) % model.classes if model.classes else None
    nets = unpacked(json.loads(json.dumps(packed.spec)), packed.content)
    shown = run(nets["decode"] + nets["show"], z, one_hot(labels, model.classes, z))
    full, eight = decode(model, z, labels), decode(_in_eight_bits(model), z, labels)
    assert (shown - eight).abs().mean() < 0.2 * (full - eight).abs().mean()


def test_pages_have_eight_bits_where_the_record_shows_no_cost() -> None:
    """No cost: the distance in eight bits lies within the interval of the full network's, and the file is smaller."""
    told = measured("smaller")["pages"]
    assert {"mnist-gan-classes", "mnist-gan-long", "mnist-vae-classes"} <= set(told) <= set(shipped.generators())
    for name, row in told.items():
        low, high = row["full"]["frechet_interval"]
        free = low <= row["eight"]["frechet_distance"] <= high and row["eight"]["bytes"] < row["full"]["bytes"]
        assert row["free"] == free and row["of"] == pretrained(name).meta["weights"]["sha256"], f"run make smaller: {name}"
        assert (shipped.rounding(name) == EIGHT) == free
        file = shipped.packed_file(name)
        size = len(gzip.compress(shipped.script(name, file).encode()))
        assert size == pytest.approx(row["eight" if free else "full"]["bytes"], rel=0.03), name  # a map, names; builds of zlib
    assert shipped.rounding("mnist-vae-map") != EIGHT  # its own way is smaller
    for name, row in measured("smaller")["students"].items():
        file = shipped.packed_file(name)
        assert len(gzip.compress(shipped.script(name, file).encode())) == pytest.approx(row["bytes"], rel=0.01)


def test_a_record_of_other_weights_rounds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {**measured("smaller")["pages"][shipped.TEACHER], "of": "another training"}
    monkeypatch.setattr("imggen_lib.measured.measured", lambda name: {"pages": {shipped.TEACHER: row}})
    assert shipped.rounding(shipped.TEACHER) == shipped.known(shipped.TEACHER)["rounding"]


def test_what_reads_is_not_rounded() -> None:
    model = _trained(ConvVAE((1, 28, 28), 3, 4))
    both = pack(model, encoder=True, budget=1000)
    assert both.spec["weights"] == "fp16" and {entry["type"] for entry in both.spec["tensors"]} == {"f16"}


def test_what_data_told_belongs_to_the_shipped_weights() -> None:
    """If this fails, run ``python scripts/records/live_maps.py``."""
    for name in shipped.generators():
        said, model = shipped.known(name), pretrained(name).model()
        assert "weights" in said.get("rounding", {}), f"{name} has no file in imggen_lib/live/maps, or one of other weights"
        if isinstance(model, VAE):
            assert len(said["nats"]) == model.latent_dim
            assert ("map" in said) == (model.latent_dim == 2)
    real = shipped.stored(shipped.DIGITS)
    pixels = np.frombuffer(zlib.decompress(real["bytes"], -15), np.uint8)
    assert pixels.size == real["spec"]["count"] * 784 == len(real["spec"]["labels"]) * 784
    assert "MNIST" in real["spec"]["source"] and real["spec"]["licence"]
    assert sum(path.stat().st_size for path in shipped.MAPS.glob("*.json")) < 80_000


def _mounts(page: Path) -> list[dict[str, Any]]:
    """The options of the demos of a page, in order: of its code cells, or of its directives."""
    text = page.read_text(encoding="utf-8")
    found = list(re.finditer(r"^live\.\w+\(.*\)$|^```{live} (\w+)\n((?::\w+: .*\n)*)", text, re.M))
    options = []
    for match in found:
        if match[1]:
            given = dict(re.findall(r":(\w+): (.*)", match[2]))
            widget = getattr(live, match[1])(**{name: _plain(value) for name, value in given.items()})
        else:
            call = ast.parse(match[0], mode="eval").body
            assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            more = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            widget = getattr(live, call.func.attr)(*map(ast.literal_eval, call.args), **more)
        options.append(widget.options)
    return options


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


PAGES = {page.stem: _mounts(page) for page in sorted((ROOT / "book").glob("*/*.md"))}
NAMED = {name for demos in PAGES.values() for o in demos for name in (*o.get("choices", ()), o.get("model")) if name}
OFFERED = sorted(NAMED - shipped.STORED.keys())  # models of images; the files of the games have their own tests


@torch.no_grad()
def _in_eight_bits(model: nn.Module) -> nn.Module:
    """The module with its own layers rounded to 127 levels: behind BatchNorm or before it, a step a map comes to the same."""
    eight = copy.deepcopy(model)
    leaves = [m for m in (eight.decoder if isinstance(eight, VAE) else eight).modules() if not list(m.children())]
    leaves = [m for m in leaves if not isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for layer, behind in itertools.zip_longest(leaves, leaves[1:]):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            maps = behind.unflattened_size[0] if isinstance(behind, nn.Unflatten) else channels_of(eight, layer)
            flat = rows(layer.weight, axis, maps)
            layer.weight.copy_(unrows(quantised(flat, flat.abs().amax(1, keepdim=True) / 127, 8), layer.weight, axis))
    return eight


@pytest.mark.parametrize("name", OFFERED)
def test_what_a_page_offers_draws_what_the_model_draws(name: str) -> None:
    """Over the images of 100 seeds: in eight bits what PyTorch draws with weights of eight bits; else to half a grey level."""
    file, model = shipped.packed_file(name), pretrained(name.removesuffix(shipped.BOTH)).model()
    z, labels = latents(range(100), model.latent_dim), torch.arange(100) % model.classes if model.classes else None
    nets = unpacked(file["spec"], file["bytes"])
    shown = run(nets["decode"] + nets["show"], z, one_hot(labels, model.classes, z))
    apart = (shown - decode(model, z, labels)).abs()
    assert file["spec"]["difference"]["largest"] == pytest.approx(apart.max().item(), rel=0.06, abs=1e-5)
    if file["spec"]["weights"] == "int8":
        own = (shown - decode(_in_eight_bits(model), z, labels)).abs()
        assert own.max() < 0.02 and own.mean() < 1e-3  # biases in half precision
        assert own.mean() < 0.3 * apart.mean()
    else:
        assert apart.max() <= HALF_A_GREY_LEVEL + 1e-5


def test_every_model_of_images_can_be_played_with() -> None:
    assert set(shipped.generators()) <= {name.removesuffix(shipped.BOTH) for name in OFFERED}


@pytest.mark.parametrize("page", [page for page, demos in PAGES.items() if any("model" in o for o in demos)])
def test_a_page_loads_at_most_500_kb_of_weights_by_itself(page: str, record_property: Callable[[str, object], None]) -> None:
    """Its first demo does, at least: the extension holds back what would be more, and what the reader may choose."""
    first = next(o for o in PAGES[page] if "model" in o)
    names = [first[key] for key in ("model", "real") if key in first]
    sizes = {name: len(gzip.compress(shipped.script(name, shipped.packed_file(name)).encode())) for name in names}
    record_property("weights", f"{page}: {sum(sizes.values()) / 1000:.0f} kB of gzip")
    assert sum(sizes.values()) <= 500_000, sizes


def test_the_map_holds_the_encoders_means(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64

    from imggen_lib.data import load

    monkeypatch.setenv("IMGGEN_DATA", str(mnist_folder))
    said, data = shipped.known("mnist-vae-map")["map"], load("mnist", "test")
    points = torch.from_numpy(np.frombuffer(base64.b64decode(said["points"]), np.int8).reshape(-1, 2) * said["unit"])
    mu, _ = pretrained("mnist-vae-map").model().encode(data.floats(200))
    assert (points[:200] - mu).abs().max() <= said["unit"]
    assert [int(c) for c in said["labels"][:200]] == data.labels[:200].tolist()


STRINGS = {"walk": "Go 'on' & \"on\""}
DEMOS: dict[str, Callable[[], Any]] = {
    **EXAMPLES, "explorer": lambda: live.explorer("mnist-vae-map", choices=["mnist-gan-conv"], walk=True, strings=STRINGS)
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("demo", DEMOS)
def test_a_widget_says_the_same_in_every_run(demo: str) -> None:
    first, second = (DEMOS[demo]()._repr_mimebundle_()[0] for _ in range(2))
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} == set(first)
    for kind in ("text/plain", "text/html"):
        assert first[kind] == second[kind] and "0x" not in first[kind]
    assert len(first["text/html"]) < 2000


def test_a_notebook_stores_the_mount_whichever_ipywidgets_there_is() -> None:
    """ipywidgets 7 would display the widget past IPython's formatters, and the stored output would have no mount."""
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(DEMOS["explorer"]())
    assert "imggen-live" in data["text/html"] and data["application/vnd.jupyter.widget-view+json"]["model_id"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_mount_holds_what_the_script_needs() -> None:
    widget = DEMOS["explorer"]()
    mount = r"<div class='imggen-live' data-demo='explorer' data-options='([^']*)' data-strings='([^']*)'><p>.*</p></div>"
    match = re.fullmatch(mount, widget.html())
    assert match is not None
    assert json.loads(html.unescape(match[1])) == widget.options
    every = live.explorer("mnist-vae-map", choices="all").options["choices"]
    assert every[0] == "mnist-vae-map" and sorted(every) == sorted([*shipped.generators(), *shipped.SMALL])
    assert widget.options["choices"] == ["mnist-vae-map", "mnist-gan-conv"] and widget.options["walk"] is True
    assert json.loads(html.unescape(match[2])) == {"walk": "Go 'on' & \"on\""}
    with pytest.raises(ValueError, match="live demos are"):
        base.mount("dance", {}, "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_kernel_answers_what_the_script_asks_for() -> None:
    widget = live.real_or_fake()
    assert widget.files == {}
    widget.wanted = ["mnist-digits", "nobody"]
    assert widget.files["mnist-digits"]["spec"]["count"] == 60 and "unknown model" in widget.files["nobody"]["error"]
    own = live.explorer(MLPGenerator((1, 8, 8), 2, (5,)))
    assert "imggen-live'" not in own.html() and "<p" in own.html()
    own.wanted = [own.options["model"]]
    assert own.files[own.options["model"]]["spec"]["latent"] == 2
    reads = live.drawing(ConvVAE((1, 28, 28), 2, 4))
    reads.wanted = [reads.options["model"]]
    assert "encode" in reads.files[reads.options["model"]]["spec"]["nets"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrong_arguments_are_refused_in_words() -> None:
    for wrong, words in (
        (lambda: live.explorer("mnist"), "unknown model"),
        (lambda: live.explorer("mnist-features"), "unknown model"),
        (lambda: live.explorer(choices=["mnist"]), "unknown model"),
        (lambda: live.explorer(dims=0), "at least one slider"),
        (lambda: live.drawing("mnist-gan-conv"), "VAE without classes"),
        (lambda: live.drawing("mnist-vae-classes"), "VAE without classes"),
        (lambda: live.drawing(draws=0), "at least one draw"),
        (lambda: live.real_or_fake(count=1), "from 2 to 48"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()


def test_every_text_of_a_demo_is_in_its_table() -> None:
    """Each key that a script says is in its table of words, and each word is said; so a translation can be complete."""
    named = set(shipped.stored(shipped.CHEST)["spec"]["scores"]) | set(STUDENTS)  # said by the names that files have
    for demo, made in base.DEMOS.items():
        parts = [part for part in (*made.parts, demo) if part.startswith(demo)]
        text = "\n".join((ROOT / "imggen_lib" / "live" / "js" / f"{part}.js").read_text(encoding="utf-8") for part in parts)
        start = text.index(f"words.{demo} = {{")
        table = text[start : text.index("\n};", start)]
        keys = set(re.findall(r"^  (\w+):", table, re.M))
        rest = text.replace(table, "")
        said = {k for part in re.findall(r"\bsay\(([^)]*)", rest) for k in re.findall(r'"(\w+)"', part)}
        assert said <= keys, f"{demo}: no text for {said - keys}"
        unused = {k for k in keys - said if not re.search(rf"""["'`]{k}["'`]|\b{k}:|\.{k}\b""", rest)} - named
        assert not unused, f"{demo}: nobody says {unused}"


def test_scripts_are_plain() -> None:
    for path in JS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|export)\b", text, re.M), path.name
        text = text.replace("http://www.w3.org/2000/svg", "")  # the name of a kind of element, which nothing asks for
        assert not re.search(r"https?://", text), f"{path.name} names an address"
    assert set(base.DEMOS) == set(live.__all__)
    for demo, kind in base.DEMOS.items():
        script, module = base.page_script(demo), str(kind._esm)
        assert set(re.findall(r"^demos\.(\w+) =", script, re.M)) == {demo} and "STYLE_SHEET" not in script
        assert set(re.findall(r"^demos\.(\w+) =", module, re.M)) == {demo}
        assert module.rstrip().endswith("export default { render };")
    used = {"core", "page"} | {part for demo, kind in base.DEMOS.items() for part in (*kind.parts, demo)}
    assert used == {path.stem for path in JS}


def _extension() -> ModuleType:
    pytest.importorskip("docutils", reason="needs the extra that builds the book")
    spec = importlib.util.spec_from_file_location("live_extension", ROOT / "book" / "_ext" / "live.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_page_gets_what_it_names_and_not_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extension = _extension()
    exported: list[str] = []
    monkeypatch.setattr(extension, "export", lambda name, folder: exported.append(name) or 300_000)
    added: list[str] = []
    app = SimpleNamespace(builder=SimpleNamespace(format="html", name="html"), outdir=tmp_path)
    app.add_js_file = lambda name, **options: added.append(name)
    demos = [live.explorer(choices=["mnist-gan-conv"]), live.drawing(), live.explorer(), live.trainer("gan")]
    context = {"body": "<p>" + "</p><p>".join(d.html() for d in demos) + "</p>"}
    extension._demos(app, "page", "page.html", context, None)
    assert added == ["live/mnist-vae-map.js", "live/demo-explorer.js", "live/demo-drawing.js", "live/demo-trainer.js"]
    assert set(exported) == {"mnist-vae-map", "mnist-gan-conv", "mnist-vae-small.both"}
    assert context["body"].count("""data-sizes='{"mnist-vae-map": 300, "mnist-gan-conv": 300}'""") == 1
    assert re.findall(r"data-demo='(\w+)'[^>]*data-hold='(\d+)'", context["body"]) == [("drawing", "300")]
    added.clear()
    monkeypatch.setattr(extension, "export", lambda name, folder: 600_000)
    heavy = {"body": live.explorer().html()}
    extension._demos(app, "page", "page.html", heavy, None)
    assert "data-hold='600'" in heavy["body"] and added == ["live/demo-explorer.js"]  # what waits for a click is not fetched before
    plain = {"body": "<p>nothing</p>"}
    extension._demos(app, "page", "page.html", plain, None)
    assert plain == {"body": "<p>nothing</p>"} and len(added) == 1
    options = extension._AnyOption()
    assert options["anything"]("x") == "x" and [extension._value(v) for v in (None, "3", "gan")] == [True, 3, "gan"]


def test_an_export_is_kept_until_something_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extension = _extension()
    size = extension.export("mnist-digits", tmp_path)
    before = (tmp_path / "mnist-digits.js").read_text()
    assert 9_000 < size < 20_000 and 'window.imggenLiveFiles = window.imggenLiveFiles || {})["mnist-digits"]' in before
    monkeypatch.setattr(extension.shipped, "packed_file", lambda name: pytest.fail("packed again"))
    assert extension.export("mnist-digits", tmp_path) == size
