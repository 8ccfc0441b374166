"""A flow on codes in the page: its network, paths, distances and images are PyTorch's, for the weights that the page loads."""

import base64
import gzip
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from imggen_lib import live
from imggen_lib.checkpoint import pretrained
from imggen_lib.live import latent_codes
from imggen_lib.live.base import HERE
from imggen_lib.live.latent import LatentDemo
from imggen_lib.live.latent_file import FLOW, SHIPPED, STUDENT, drawn, flow_file, restored
from imggen_lib.live.shipped import packed_file, script
from imggen_lib.live.wire import tensors
from imggen_lib.noise import latents
from imggen_lib.ode import trajectory

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { files, asked, codes } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const model = { get: (name) => (name === 'files' ? files : undefined) };
const plain = (x) => ArrayBuffer.isView(x) ? Array.from(x) : x;
(async () => {
  const network = await openNetwork(model, 'vae');
  const where = await latentCodes(model, 'codes');
  const flows = { flow: await latentOpen(model, 'flow'), student: await latentOpen(model, 'student') };
  const drawn = asked.map(({ which, noise, ...settings }) => {
    const { places, guesses } = flows[which].path(noise, settings);
    const found = flows[which].codes(places.at(-1));
    return {
      places: places.map(plain), guesses: guesses.map(plain), codes: plain(found),
      images: plain(network.draw(found, found.length / network.spec.latent)),
    };
  });
  const rows = codes.map(({ code, label }) => ({ distance: where.distance(code, label), plane: where.plane(code, label) }));
  process.stdout.write(JSON.stringify({ drawn, rows, own: plain(where.cloud('own', 4)), others: plain(where.cloud('others', 4)) }));
})();
"""
ASKED: list[dict[str, Any]] = [
    {"which": "flow", "label": 3, "solver": "heun", "steps": 4, "guidance": 1},
    {"which": "flow", "label": 7, "solver": "euler", "steps": 5, "guidance": 2.5},
    {"which": "flow", "label": 0, "solver": "midpoint", "steps": 3, "guidance": 0},
    {"which": "student", "label": 9, "solver": "euler", "steps": 1, "guidance": 1},
]
FILES = {"flow": FLOW, "student": STUDENT}


def _noise() -> Tensor:
    return latents(range(2), 32)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's scripts compute."""
    names = {"vae": pretrained(SHIPPED[FLOW]).config.vae, "codes": latent_codes.NAME, **FILES}
    loaded = {key: packed_file(name) for key, name in names.items()}
    files = {key: {"spec": f["spec"], "bytes": base64.b64encode(f["bytes"]).decode()} for key, f in loaded.items()}
    asked = [{**a, "noise": _noise().flatten().tolist()} for a in ASKED]
    codes = [{"code": row.tolist(), "label": k} for k, row in enumerate(latents(range(10), 32))]
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", *LatentDemo.parts)]
    assert NODE is not None
    given = json.dumps({"files": files, "asked": asked, "codes": codes})
    done = subprocess.run(
        [NODE, "-e", "\n".join([*parts, CODE])], input=given, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_node
@pytest.mark.parametrize("k", range(len(ASKED)))
def test_the_page_flows_and_draws_as_pytorch_does(page: dict[str, Any], k: int) -> None:
    """Each place of each path and each pixel, by every solver, with guidance and without a class."""
    asked, found = ASKED[k], page["drawn"][k]
    model = restored(flow_file(FILES[asked["which"]]), pretrained("mnist-vae-res").model())
    model = model.sampled_with(solver=asked["solver"], steps=asked["steps"], guidance=float(asked["guidance"]))
    labels, z = torch.full((2,), asked["label"]), _noise().double()

    def velocity(x: Tensor, t: float) -> Tensor:
        return model.flow.velocity(x, t, labels)

    with torch.no_grad():
        path = trajectory(velocity, z, asked["steps"], solver=asked["solver"])
        np.testing.assert_allclose(found["places"], path.flatten(1), atol=1e-3)
        heading = path[-2] + velocity(path[-2], 1 - 1 / asked["steps"]) / asked["steps"]
        np.testing.assert_allclose(found["guesses"][-2], heading.flatten(), atol=1e-3)
        np.testing.assert_allclose(found["codes"], model.codes(z, labels).flatten(), atol=1e-3)
        images = drawn(model.codes(z, labels))
        np.testing.assert_allclose(found["images"], images.flatten(), atol=1e-3)
    assert images.std() > 0.1 and (path[-1] - path[0]).abs().max() > 0.1


@pytest.mark.parametrize("name", [FLOW, STUDENT])
def test_the_file_draws_nearly_what_the_shipped_flow_draws_and_is_light(name: str) -> None:
    """By more than the file says, no image differs in the mean; the wrong class differs by far more."""
    file, model = flow_file(name), pretrained(SHIPPED[name]).model()
    z, labels = latents(range(100, 140), 32), torch.arange(40) % 10
    with torch.no_grad():
        mine = drawn(restored(file, model.vae).codes(z.double(), labels), name)
        theirs, others = model(z, labels), model(z, (labels + 1) % 10)
    apart = float((mine - theirs).abs().mean()) * 127.5
    assert apart < 2 * file["spec"]["difference"] + 0.2 and file["spec"]["difference"] < 3
    assert apart < 0.1 * float((others - theirs).abs().mean()) * 127.5
    assert len(gzip.compress(script(name, file).encode())) < 500_000
    assert file["spec"]["sampler"] == {k: getattr(pretrained(SHIPPED[name]).config, k) for k in ("solver", "steps", "guidance")}


def test_the_record_of_codes_belongs_to_the_flows_vae() -> None:
    """If this fails, run ``python scripts/records/live_maps.py mnist-flow-codes``."""
    said = latent_codes.known()
    assert said["of"] == pretrained(pretrained(SHIPPED[FLOW]).config.vae).meta["weights"]["sha256"]
    assert said["images"] >= 10_000 and len(said["typical"]) == 10
    assert all(0.5 < low < middle < high < 2 for low, middle, high in said["typical"])


def test_codes_of_a_class_are_nearer_to_it_than_noise_and_stand_apart_in_its_plane() -> None:
    """On codes whose truth is known: two classes, each a Gaussian of its own."""
    n = 4000
    noise = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    centre = torch.zeros(2, 6)
    centre[0, 1], centre[1, 1] = 3, -3
    mu = centre[labels] + 0.2 * torch.randn(n, 6, generator=noise)
    logvar = torch.full((n, 6), -3.0)
    said = latent_codes.described(mu, logvar, labels, classes=2)
    kept = tensors(said["tensors"], base64.b64decode(said["content"]))
    part = {name: kept[at] for name, at in said["parts"].items()}
    whiten = part["whiten"].view(2, 6, 6)
    truth = (0.04 + np.exp(-3)) ** -0.5
    assert torch.allclose(whiten[0].diagonal(), torch.full((6,), truth).double(), rtol=0.05)
    far = latent_codes.distances(torch.randn(500, 6, generator=noise).double(), labels[:500], part["mean"], whiten)
    assert far.median() > 2 * said["typical"][0][2] and said["typical"][0][1] == pytest.approx(1, abs=0.1)
    assert part["directions"][0, 0, 1] > 0.99 and part["directions"][1, 0, 1] < -0.99
    assert part["own"][:, :, 0].min() > 1.5 and part["others"][:, :, 0].max() < -1.5


@needs_node
def test_the_page_measures_distance_and_place_as_python_does(page: dict[str, Any]) -> None:
    said = latent_codes.file()
    kept = tensors(said["spec"]["tensors"], said["bytes"])
    part = {name: kept[at] for name, at in said["spec"]["parts"].items()}
    z, labels = latents(range(10), 32).double(), torch.arange(10)
    ours = latent_codes.distances(z, labels, part["mean"], part["whiten"].view(10, 32, 32))
    np.testing.assert_allclose([row["distance"] for row in page["rows"]], ours, atol=1e-3)
    places = torch.einsum("nkz,nz->nk", part["directions"], z)
    np.testing.assert_allclose([row["plane"] for row in page["rows"]], places, atol=1e-3)
    np.testing.assert_allclose(page["own"], part["own"][4].flatten(), atol=1e-5)
    np.testing.assert_allclose(page["others"], part["others"][4].flatten(), atol=1e-5)


def test_a_page_loads_half_a_megabyte_by_itself_and_the_rest_when_asked() -> None:
    options = live.latent().options
    first = sum(len(gzip.compress(script(name, packed_file(name)).encode())) for name in (options["model"], options["real"]))
    rest = sum(len(gzip.compress(script(name, packed_file(name)).encode())) for name in options["later"])
    assert first < 500_000 and options["later"] == [FLOW, STUDENT] and first + rest < 1_500_000


def test_wrong_settings_are_refused_in_words() -> None:
    for wrong, words in (
        ({"digit": 10}, "digits are 0 to 9"),
        ({"solver": "newton"}, "unknown solver"),
        ({"steps": 0}, "from 1 to 16"),
        ({"guidance": 9}, "from 0 to 4"),
        ({"seed": -1}, "from 0 to 99999"),
    ):
        with pytest.raises(ValueError, match=words):
            live.latent(**wrong)
    options = live.latent(7, solver="euler", steps=2, guidance=3, seed=5).options
    assert [options[k] for k in ("digit", "solver", "steps", "guidance", "seed")] == [7, "euler", 2, 3, 5]


def test_a_frame_has_all_files() -> None:
    """In a front end without widgets nothing can be asked for later."""
    text = live.latent().framed()
    assert all(f"imggenLiveFiles || {{}})[&quot;{name}&quot;]" in text or f'["{name}"]' in text for name in FILES.values())
