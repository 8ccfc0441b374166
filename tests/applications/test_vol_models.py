"""The VAEs of surfaces: no arbitrage by construction, weights with their card, files that SQLite opens."""

import csv
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from imggen_lib.applications.volatility import models, surfaces
from imggen_lib.applications.volatility.arbitrage import arbitrage
from imggen_lib.applications.volatility.completion import BAND, Flat, Gaussian
from imggen_lib.applications.volatility.exports import COLUMNS, save_completion
from imggen_lib.applications.volatility.measures import errors
from imggen_lib.data.download import sha256
from imggen_lib.measured import measured


@pytest.fixture(scope="module")
def known() -> torch.Tensor:
    return surfaces.draw(2000, 0)


def test_parameters_can_draw_no_arbitrage_whatever_the_weights_are(known: torch.Tensor) -> None:
    """In float64: at volatilities of thousands of per cent, which wild weights draw, single precision rounds too coarsely."""
    for seed, scale in ((0, 1.0), (1, 3.0)):
        model = models.build("parameters", seed, known).double().eval()
        with torch.no_grad():
            for layer in model.decoder.parameters():
                layer.mul_(scale)
            z = 3 * torch.randn(300, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            found = surfaces.from_images(model.decode(z))
        assert torch.isfinite(found).all() and not arbitrage(found).found().any()
    assert not model.bias.any() and not model.bias.requires_grad


def test_what_is_allowed_is_allowed(known: torch.Tensor) -> None:
    found = models.ToParameters()(5 * torch.randn(1000, 19, generator=torch.Generator().manual_seed(0)))
    assert (found.theta.diff(dim=1) >= 0).all() and (found.rho.abs() < 1).all()
    assert (found.eta * (1 + found.rho.abs()) <= 2.0001).all() and (found.gamma <= 0.5).all()


@pytest.mark.parametrize("kind", models.KINDS)
def test_a_short_training_learns_and_repeats(kind: str, known: torch.Tensor) -> None:
    runs = []
    for _ in range(2):
        _, records = models.training(kind, 3, known, 6400)
        runs.append([float(r["elbo"]) for r in records])
    assert runs[0] == runs[1] and np.mean(runs[0][-5:]) > np.mean(runs[0][:5]) + 100
    with pytest.raises(ValueError, match="kind of VAE"):
        models.build("prices", 0, known)


@pytest.mark.parametrize("kind", models.KINDS)
def test_shipped_models_are_those_of_their_card_and_complete_surfaces(kind: str) -> None:
    card = models.card(f"volatility-{kind}")
    assert card["warning"].startswith("Not for trading") and card["licence"].startswith("MIT")
    assert sha256(models.WEIGHTS / card["weights"]["file"]) == card["weights"]["sha256"]
    model, x = models.pretrained(kind), surfaces.draw(40, 1)
    asked = surfaces.quotes(x, 20, 3)
    record = measured("volatility")["cells"]["SSVI, 20 quotes, exact"][f"VAE of {kind}-0"]["rmse"]
    assert float(errors(models.completer(model).complete(asked), x).mean()) < 2 * record[0] + 0.05
    assert not model.training and not any(p.requires_grad for p in model.parameters())


def test_names_that_there_is_no_model_of_are_refused() -> None:
    assert models.names() == ["volatility-parameters", "volatility-volatilities"]
    for wrong in (lambda: models.card("volatility-prices"), lambda: models.pretrained("prices")):
        with pytest.raises(ValueError, match="prices"):
            wrong()


def test_a_completion_is_a_table_and_arrays(tmp_path: Path, known: torch.Tensor) -> None:
    x = surfaces.draw(2, 5)
    asked = surfaces.quotes(x, 7, 0)
    found = Gaussian.full(known).complete(asked)
    table, arrays = save_completion(tmp_path / "out", found, asked, 1)
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 256 and sum(row["quote"] != "" for row in rows) == 7
    assert float(rows[37]["volatility"]) == pytest.approx(math.exp(float(found.mean[1, 37])), abs=1e-8)
    assert float(rows[37]["high_90"]) == pytest.approx(math.exp(float(found.mean[1, 37] + BAND * found.sd[1, 37])), abs=1e-8)
    with np.load(arrays) as stored:
        assert stored["volatility"].shape == (16, 16) and np.isnan(stored["quote"]).sum() == 249
        assert stored["volatility"].flatten() == pytest.approx([float(row["volatility"]) for row in rows], abs=1e-8)
    for way, index in ((Flat().complete(asked), 0), (found, 2)):
        with pytest.raises(ValueError, match="with a band"):
            save_completion(tmp_path, way, asked, index)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="SQLite's shell is not installed")
def test_sqlite_opens_the_table(tmp_path: Path, known: torch.Tensor) -> None:
    x = surfaces.draw(1, 6)
    asked = surfaces.quotes(x, 10, 0)
    found = Gaussian.full(known).complete(asked)
    table, _ = save_completion(tmp_path, found, asked)
    ask = "select count(*), sum(quote <> ''), printf('%.6f', min(volatility)), sum(low_90 > high_90) from s"
    code = f".import --csv {table.name} s\n{ask};\n"
    done = subprocess.run(["sqlite3", ":memory:"], input=code, text=True, capture_output=True, cwd=tmp_path, check=True)
    assert done.stderr == ""
    assert done.stdout.strip() == f"256|10|{math.exp(float(found.mean.min())):.6f}|0"
