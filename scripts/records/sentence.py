"""Train and release what the chapter on sentences ships, and measure whether sentences are obeyed.

``python scripts/records/sentence.py train`` makes the painter and the reader (a quarter of an hour of processor time),
``sentence.py measure`` the record. Budgets are processor seconds, so how many images are seen differs from machine to machine:
the cards say it.
"""

import argparse
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import imggen_lib
from imggen_lib.applications.sentence import judge, store
from imggen_lib.applications.sentence.nearest import nearest_reader
from imggen_lib.applications.sentence.obedience import as_json, obedience, relative
from imggen_lib.applications.sentence.painter import Painter
from imggen_lib.data import captions
from imggen_lib.models.sentence import GlyphCoder, Reader, SentenceVelocity
from imggen_lib.train import sentence as training

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "sentence.json"
BUDGET = {"reader": 270, "coder": 210, "flow": 720}  # processor seconds
NET, CODER = {"dim": 48}, {"latents": 48}
LEVELS = {"painter": 16, "reader": 127}
LICENCE = (
    "Trained on images of the fonts that ship with matplotlib: DejaVu (Bitstream Vera's licence), Computer Modern (BaKoMa's), "
    "STIX (SIL OFL). No outline of them is in the weights."
)
N, CURVE = 600, 200  # sentences of the closing table, and of each point of a curve


def run(records: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    """The last record of a training, told now and then."""
    last: dict[str, Any] = {}
    for last in records:
        if last["step"] % 500 == 0:
            print(name, {k: round(v, 4) for k, v in last.items() if isinstance(v, float | int)}, flush=True)
    return last


def card(name: str, seed: int, images: int, **more: Any) -> dict[str, Any]:
    """What every card says."""
    return {
        "command": "python scripts/records/sentence.py train",
        "source": f"the book's repository, tag v{imggen_lib.__version__}; the installed package has the library alone",
        "licence": LICENCE,
        "held_out": "slanted serif digits" if name == "painter" else "nothing: a reader has to know all compositions",
        "seed": seed,
        "images_seen": images,
        **more,
    }


def train_reader(folder: Path) -> None:
    """The reader, which is released, and kept in full precision in `folder`."""
    torch.manual_seed(1)
    reader, path = Reader(), folder / "reader.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        reader.load_state_dict(kept["weights"])
        seen = kept["images"]
    else:
        seen = run(training.train_reader(reader, BUDGET["reader"], 1), "reader")["images"]
        torch.save({"weights": reader.state_dict(), "images": seen}, path)
    about = card("reader", 1, seen, net={}, planned_processor_seconds=BUDGET["reader"])
    print(store.release("reader", reader.eval(), LEVELS["reader"], about))


def train_painter(folder: Path) -> None:
    """The coder, then the flow in its latents."""
    torch.manual_seed(1)
    coder, path = GlyphCoder(**CODER), folder / "coder.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        coder.load_state_dict(kept["weights"])
        coded = kept["images"]
    else:
        batches = (training.scaled(images) for _, images, _ in training.stream(128, 11))
        coded = run(training.train_coder(coder, batches, BUDGET["coder"], 5), "coder")["images"]
        torch.save({"weights": coder.state_dict(), "images": coded}, path)
    coder.eval()
    torch.manual_seed(3)
    net, path = SentenceVelocity(**NET), folder / "flow.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        net.load_state_dict(kept["weights"])
        told = kept["images"]
    else:
        pairs = training.encoded(coder, 80_000, 21)
        last = run(training.train_sentence(net, coder, pairs, BUDGET["flow"], 31), "flow")
        net, told = last["net"], last["images"]
        torch.save({"weights": net.state_dict(), "images": told}, path)
    seconds = {"coder": BUDGET["coder"], "flow": BUDGET["flow"]}
    about = card("painter", 3, told, net=NET, coder=CODER, coder_images=coded, planned_processor_seconds=seconds)
    about["ceiling"] = ceiling(coder)
    print(store.release("painter", Painter(net.eval(), coder), LEVELS["painter"], about))


@torch.no_grad()
def ceiling(coder: GlyphCoder, n: int = 2000) -> dict[str, Any]:
    """What a reader says of the coder's reconstructions of real images: more than that the flow cannot be expected to reach."""
    found = {}
    for name, unseen in (("seen", False), ("unseen", True)):
        meanings, images = judge.real(n, 901, unseen)
        mean, _ = coder.encode(images)
        drawn = 2 * torch.sigmoid(coder.logits(mean)) - 1
        found[name] = as_json(obedience(meanings, drawn, store.reader()))
    return found


def measure() -> dict[str, Any]:
    """The record."""
    painter, reader, second = store.painter(), store.reader(), nearest_reader()
    start, sets, ratios = time.process_time(), {}, {}
    drawn: dict[str, Tensor] = {}
    for name, unseen in (("seen", False), ("unseen", True)):
        meanings, images = judge.real(N, 901, unseen)
        texts = judge.sentences(meanings, 7)
        drawn[name] = painter.draw(texts, range(N), guidance=judge.GUIDANCE, steps=judge.STEPS)
        rows = {
            "real": images,
            "drawn": drawn[name],
            "nearest caption": judge.retrieved(meanings, 60_000, 5),
            "another sentence": painter.draw(texts[1:] + texts[:1], range(N), guidance=judge.GUIDANCE, steps=judge.STEPS),
        }
        for kind, x in rows.items():
            by = {"reader": obedience(meanings, x, reader), "nearest images": obedience(meanings, x, second)}
            sets[f"{kind}, {name}"] = {who: as_json(table) for who, table in by.items()}
            real = obedience(meanings, images, reader)["all"], obedience(meanings, images, second)["all"]
            ratios[f"{kind}, {name}"] = as_json({who: relative(t["all"], r) for (who, t), r in zip(by.items(), real, strict=True)})
    told = store.card_of("painter")
    return {
        "painter": {**told, "words": len(captions.VOCABULARY) - 1},
        "command": "python scripts/records/sentence.py measure",
        "protocol": f"{N} full sentences a row, paraphrased; seeds from 0; guidance {judge.GUIDANCE}, {judge.STEPS} Heun steps; "
        f"curves with {CURVE} sentences a point",
        "sets": sets,
        "relative": ratios,
        **judge.curves(painter, reader, CURVE),
        "rescue": judge.rescue(painter, reader, CURVE),
        "negative": judge.negatives(painter, reader, CURVE),
        "edits": judge.edits(painter, reader, CURVE),
        "diversity": judge.diversity(painter, reader),
        "processor_seconds": round(time.process_time() - start, 1),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "machine": platform.processor() or platform.machine(),
    }


def main() -> None:
    """Train or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--runs", type=Path, default=Path("runs/sentence"), help="where trainings are kept in full precision")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "train":
        given.runs.mkdir(parents=True, exist_ok=True)
        train_reader(given.runs)
        train_painter(given.runs)
    else:
        OUT.write_text(json.dumps(measure(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(OUT)


if __name__ == "__main__":
    main()
