"""A completed surface as files that other programs open: a table in CSV, arrays in NPZ."""

import csv
import math
from pathlib import Path

import numpy as np
import torch

from imggen_lib.applications.volatility.completion import BAND, Completion
from imggen_lib.applications.volatility.surfaces import MONEYNESS, SHAPE, TIMES, Quotes
from imggen_lib.files import expanded

COLUMNS = ("maturity_years", "log_moneyness", "volatility", "low_90", "high_90", "quote")
NAMES = ("surface.csv", "surface.npz")


def save_completion(folder: str | Path, found: Completion, quotes: Quotes, index: int = 0) -> list[Path]:
    """Write one of the completed surfaces to `folder`: ``surface.csv``, a row a place, and ``surface.npz``, arrays (16, 16).

    Volatilities are shares (0.2 is 20 %), `low_90` and `high_90` the ends of the 90 % band, `quote` is empty where there is none.

    Raises:
        ValueError: for a completion without a band, or an index that there is no surface of.
    """
    if not 0 <= index < len(found.mean) or bool(found.sd[index].isnan().any()):
        raise ValueError(f"one of {len(found.mean)} surfaces, with a band, can be written; got the index {index}")
    mean, sd = found.mean[index].double(), found.sd[index].double()
    quoted = torch.full_like(mean, math.nan).scatter(0, quotes.places[index], quotes.values[index].double().exp())
    columns = [mean.exp(), (mean - BAND * sd).exp(), (mean + BAND * sd).exp(), quoted]
    volatility, low, high, given = (column.view(SHAPE[1:]).numpy() for column in columns)
    place = expanded(folder)
    place.mkdir(parents=True, exist_ok=True)
    table, arrays = (place / name for name in NAMES)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i, t in enumerate(TIMES.tolist()):
            for j, k in enumerate(MONEYNESS.tolist()):
                numbers = (t, k, volatility[i, j], low[i, j], high[i, j])
                quote = "" if math.isnan(given[i, j]) else f"{given[i, j]:.8f}"
                writer.writerow([*(f"{number:.8f}" for number in numbers), quote])
    places = {"maturity_years": TIMES.numpy(), "log_moneyness": MONEYNESS.numpy()}
    surface = {"volatility": volatility, "low_90": low, "high_90": high, "quote": given}
    np.savez(arrays, **places, **surface)  # type: ignore[arg-type]
    return [table, arrays]
