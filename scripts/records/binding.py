"""Train and release what the chapter's section on two things at once ships, and measure who gets which colour.

``python scripts/records/binding.py train`` makes the reader, the coder, the flow that hears the order of words and the one that
does not (under half an hour of processor time), ``binding.py measure`` the record. Budgets are processor seconds, so how many
images are seen differs from machine to machine: the record says it.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imggen_lib.data import two_glyphs
from imggen_lib.models.sentence import GlyphCoder, SentenceVelocity
from imggen_lib.models.two_glyphs import HalfReader
from imggen_lib.train import sentence as training
from imggen_lib.train import two_glyphs as pairs_training

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "binding.json"
BUDGET = {"reader": 45, "coder": 90, "order": 270, "bag": 270}  # processor seconds
CODER = {"latents": 48, "channels": 3}
NET = {"dim": 48, "width": 128, "blocks": 4, "text": 48, "words": len(two_glyphs.VOCABULARY), "length": two_glyphs.LENGTH}


def trained(path: Path, model: nn.Module, records: Callable[[], Iterator[dict[str, Any]]]) -> tuple[nn.Module, int]:
    """A model after its training, and how many images that took; from `path` where it is kept there."""
    if path.exists():
        kept = torch.load(path, weights_only=True)
        model.load_state_dict(kept["weights"])
        return model.eval(), kept["images"]
    last: dict[str, Any] = {}
    for last in records():
        if last["step"] % 500 == 0:
            print(path.stem, {k: round(v, 4) for k, v in last.items() if isinstance(v, float | int)}, flush=True)
            if "net" in last:
                torch.save(last["net"].state_dict(), path.with_suffix(".part"))
    model = last.get("net", model)
    torch.save({"weights": model.state_dict(), "images": last["images"]}, path)
    return model.eval(), last["images"]


def train(folder: Path) -> dict[str, tuple[nn.Module, int]]:
    """The reader, the coder, the flow with the order of words and the one without; those that `folder` keeps are not made again."""
    torch.manual_seed(1)
    reader, coder = HalfReader(), GlyphCoder(**CODER)
    made = {"reader": trained(folder / "reader.pt", reader, lambda: pairs_training.train_reader(reader, BUDGET["reader"], 1))}
    batches = pairs_training.pictures(128, 11)
    made["coder"] = trained(folder / "coder.pt", coder, lambda: training.train_coder(coder, batches, BUDGET["coder"], 5))
    for name in ("order", "bag"):
        torch.manual_seed(3)
        net = SentenceVelocity(**NET, order=name == "order")

        def records(net: SentenceVelocity = net, budget: float = BUDGET[name]) -> Iterator[dict[str, Any]]:
            pairs = pairs_training.encoded(coder, 60_000, 21)
            return training.train_sentence(net, coder, pairs, budget, 31, language=two_glyphs)

        made[name] = trained(folder / f"{name}.pt", net, records)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--runs", type=Path, default=Path("runs/binding"), help="where trainings are kept in full precision")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.runs.mkdir(parents=True, exist_ok=True)
    train(given.runs)
