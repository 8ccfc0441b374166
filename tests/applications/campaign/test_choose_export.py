"""Choice by rule, and the archive: what another program finds in it."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_png

from imggen_lib.applications.campaign import brand, choose, export
from imggen_lib.applications.campaign.card import campaign_card
from imggen_lib.applications.campaign.choose import Candidate, Rules
from imggen_lib.applications.campaign.palette import palette
from imggen_lib.applications.campaign.sizes import SIZES
from imggen_lib.checkpoint import pretrained
from imggen_lib.measured import measured
from imggen_lib.metrics.distribution import features
from imggen_lib.models.features import FeatureNet
from imggen_lib.sampling import sample

RULES = Rules(0.2, 0.6, 1.0)
INK = np.zeros((1, 28, 28))
INK[:, 3:25, 6:22] = np.linspace(0.2, 1, 16)


def test_silhouettes_are_shares_of_pixels() -> None:
    images = torch.full((2, 1, 4, 4), -1.0)
    images[1, 0, :2] = 0.0
    assert choose.silhouettes(images).tolist() == [0, 0.5]


def test_refusals_say_why() -> None:
    assert choose.refusals(Candidate(3, 0, 0.95, 0.4, 2.0), RULES) == []
    bad = choose.refusals(Candidate(3, 0, 0.5, 0.7, 0.5), RULES)
    assert len(bad) == 3 and "not surely Dress" in bad[0] and "silhouette 0.70" in bad[1] and "0.50 < 1.00" in bad[2]


def test_rules_are_percentiles() -> None:
    found = choose.rules_from(torch.linspace(0, 1, 101), torch.linspace(0, 10, 101))
    assert found == pytest.approx((0.05, 0.95, 0.1))
    with pytest.raises(ValueError, match="at least 100"):
        choose.rules_from(torch.ones(5), torch.ones(500))


def test_varied_takes_what_is_far() -> None:
    points = torch.tensor([[0.0], [0.1], [5.0], [2.4], [4.9]])
    assert choose.varied(points, 3) == [0, 2, 3]
    with pytest.raises(ValueError, match="6 were asked for"):
        choose.varied(points, 6)


def test_copies_of_training_garments_are_not_chosen() -> None:
    """Two of the model's own garments put into the "training set" are recognised as copies; the rest may be taken."""
    net = pretrained("fashion-features").model()
    assert isinstance(net, FeatureNet)
    images = sample(pretrained("fashion-gan-classes").model(), 24, labels=3)
    others = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    training = features(net, torch.cat([images[:2], others]))
    found = choose.candidates(images, 3, range(24), net, training)
    assert [one.distance < 1e-4 for one in found] == [True, True] + 22 * [False]
    taken = choose.choose(found, images, Rules(0.0, 1.0, 1e-3), 4)
    assert len(set(taken)) == 4 and not {0, 1} & set(taken) and all(found[k].probability >= choose.CERTAIN for k in taken)
    with pytest.raises(ValueError, match="draw more seeds"):
        choose.choose(found, images, Rules(0.99, 1.0, 0.0), 4)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pieces = export.campaign("Made of dots", INK, 200)
    path = tmp_path_factory.mktemp("campaign") / "campaign.zip"
    return export.save_campaign(path, pieces, "Made of dots", 200, {"seeds": [1]})


@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
def test_the_archive_has_every_size_twice(archive: Path) -> None:
    with zipfile.ZipFile(archive) as found:
        assert found.testzip() is None
        names = found.namelist()
        assert names[:20] == [f"{scale}x/{one.name}.png" for one in SIZES for scale in (1, 2)]
        assert names[20:] == ["brand.png", "report.html", "sources.json"]
        for one in SIZES:
            for scale in (1, 2):
                content = found.read(f"{scale}x/{one.name}.png")
                picture = Image.open(io.BytesIO(content))
                picture.load()
                other = decode_png(torch.frombuffer(bytearray(content), dtype=torch.uint8), ImageReadMode.RGB)  # by libpng
                assert (other.permute(1, 2, 0).numpy() == np.asarray(picture.convert("RGB"))).all()
                assert picture.size == (one.width * scale, one.height * scale) and picture.format == "PNG"
                assert len(content) <= 600 * one.limit


def test_sources_say_where_everything_comes_from(archive: Path) -> None:
    with zipfile.ZipFile(archive) as found:
        said = json.loads(found.read("sources.json"))
    assert said["garments"] == {"seeds": [1]} and "nobody can buy" in said["use"] and "MIT" in said["data"]
    assert said["contrasts"]["text on button"] >= 4.5 and len(said["files"]) == 20
    assert all(passed for checks in said["files"].values() for _, passed in checks.values())


def test_the_report_shows_every_check_of_every_file(archive: Path) -> None:
    with zipfile.ZipFile(archive) as found:
        page = found.read("report.html").decode()
    assert "20 of 20 files passed all of 8 checks." in page and "<script" not in page and "nobody can buy" in page
    for one in SIZES:
        assert f"1x/{one.name}.png" in page and f"2x/{one.name}.png" in page
    assert "too small for a headline" in page and "300x600 is not among them" in page


def test_made_again_it_is_the_same(tmp_path: Path) -> None:
    twice = []
    for name in ("a.zip", "b.zip"):
        pieces = export.campaign("Made of dots", INK, 200, scales=(1,), sizes=SIZES[3:6])
        twice.append(export.save_campaign(tmp_path / name, pieces, "Made of dots", 200, {"seeds": [1]}).read_bytes())
    assert twice[0] == twice[1]


def test_the_brand_s_sheet_has_its_colours() -> None:
    colours = palette(120)
    picture = Image.open(io.BytesIO(brand.brand_sheet(colours))).convert("RGB")
    assert picture.size == (1600, 900)
    wide = (1600 - 160) // 5
    for k, name in enumerate(("paper", "ink", "panel", "dots", "button")):
        shown = picture.getpixel((80 + k * wide + 200, 500))
        assert max(abs(a - b) for a, b in zip(shown, getattr(colours, name), strict=True)) <= 3, name


def test_the_card_says_what_was_measured_and_goes_into_the_archive(tmp_path: Path) -> None:
    said = campaign_card(measured("campaign"))
    assert "cannot be bought" in said and "3 of 3 checks passed" in said and "license: mit" in said
    pieces = export.campaign("Made of dots", INK, 200, scales=(1,), sizes=SIZES[4:5])
    path = export.save_campaign(tmp_path / "a.zip", pieces, "Made of dots", 200, {}, card=said)
    with zipfile.ZipFile(path) as found:
        assert found.read("card.md").decode() == said
