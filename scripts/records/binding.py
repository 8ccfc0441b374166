"""Train and release what the chapter's section on two things at once ships, and measure who gets which colour.

``python scripts/records/binding.py train`` makes the reader, the coder, the flow that hears the order of words and the one that
does not (ten minutes of processor time), ``binding.py measure`` the record, to which ``binding.py learning`` adds what is bound
while it is learnt, and ``binding.py seeds`` what two more trainings of each flow draw (a quarter of an hour). Budgets are
processor seconds, so how many images are seen differs from machine to machine: the record says it.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

import imggen_lib
from imggen_lib.applications.sentence import store
from imggen_lib.applications.sentence.binding import (
    UNHEARD,
    PlainReader,
    ReadsHalves,
    binding,
    by_form,
    read_by,
    retrieved,
    sentences,
    unheard,
)
from imggen_lib.applications.sentence.obedience import as_json
from imggen_lib.applications.sentence.painter import Painter
from imggen_lib.data import two_glyphs
from imggen_lib.models.sentence import GlyphCoder, SentenceVelocity
from imggen_lib.models.two_glyphs import HalfReader
from imggen_lib.train import sentence as training
from imggen_lib.train import two_glyphs as pairs_training

N, STEPS, WEIGHTS = 1000, 8, (1.0, 2.0, 4.0)  # sentences a row, Heun steps, guidance
LICENCE = (
    "Trained on images of the fonts that ship with matplotlib: DejaVu (Bitstream Vera's licence) and Computer Modern (BaKoMa's). "
    "No outline of them is in the weights."
)
OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "binding.json"
BUDGET = {"reader": 45, "coder": 90, "order": 230, "bag": 230}  # processor seconds
SEEDS = (3, 4, 5)  # of the two flows; the first of each ships
EARLY = (125, 250, 375, 500, 750, 1000)  # steps after which a second training, which ends there, is looked at
CODER = {"latents": 48, "channels": 3}
NET: dict[str, Any] = {
    "dim": 48,
    "width": 128,
    "blocks": 4,
    "text": 48,
    "words": len(two_glyphs.VOCABULARY),
    "length": two_glyphs.LENGTH,
}


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


def train(folder: Path) -> dict[str, tuple[Any, int]]:
    """The reader, the coder, the flow with the order of words and the one without; those that `folder` keeps are not made again."""
    torch.manual_seed(1)
    reader, coder = HalfReader(), GlyphCoder(**CODER)
    made = {"reader": trained(folder / "reader.pt", reader, lambda: pairs_training.train_reader(reader, BUDGET["reader"], 1))}
    batches = pairs_training.pictures(128, 11)
    made["coder"] = trained(folder / "coder.pt", coder, lambda: training.train_coder(coder, batches, BUDGET["coder"], 5))
    for name in ("order", "bag"):
        made[name] = flow(folder, coder, name, SEEDS[0])
    return made


def flow(folder: Path, coder: GlyphCoder, name: str, seed: int) -> tuple[SentenceVelocity, int]:
    """The flow with the order of words, or without it, of one seed: weights at the start, noises and the order of sentences."""
    torch.manual_seed(seed)
    net = SentenceVelocity(**NET, order=name == "order")

    def records() -> Iterator[dict[str, Any]]:
        pairs = pairs_training.encoded(coder, 60_000, 21)
        return training.train_sentence(net, coder, pairs, BUDGET[name], 28 + seed, language=two_glyphs)

    own = "" if seed == SEEDS[0] else f"-{seed}"
    found, told = trained(folder / f"{name}{own}.pt", net, records)
    return cast(SentenceVelocity, found), told


def seeds(folder: Path) -> dict[str, Any]:
    """What every seed's flow draws of the record's sentences: the rows of the table, once more for each training."""
    made, rows = train(folder), dict[str, list[dict[str, Any]]]()
    coder, reader = made["coder"][0], made["reader"][0]
    for label, name in (("with order", "order"), ("bag of words", "bag")):
        for seed in SEEDS:
            net, told = flow(folder, coder, name, seed)
            row: dict[str, Any] = {"seed": seed, "images_seen": told}
            for at, kind in enumerate(("seen", *two_glyphs.HELD_OUT)):
                meanings = two_glyphs.draw_meanings(N, 900 + at, kind)
                images = Painter(net, coder, two_glyphs).draw(sentences(meanings, 7 + at), range(N), guidance=2.0, steps=STEPS)
                row[kind] = as_json(binding(meanings, reader.read(images).numpy()))
            rows.setdefault(label, []).append(row)
            print(label, seed, told, {k: v["as asked"] for k, v in row.items() if isinstance(v, dict)}, flush=True)
    return {"seeds": rows}


def early(folder: Path, coder: GlyphCoder) -> dict[int, SentenceVelocity]:
    """The flow that hears the order of words while it learns: a second training with the same seed, as far as the last look."""
    path, nets = folder / "early.pt", {}
    torch.manual_seed(3)
    net = SentenceVelocity(**NET)
    if path.exists():
        kept = torch.load(path, weights_only=True)
    else:
        kept, pairs = {}, pairs_training.encoded(coder, 60_000, 21)
        for row in training.train_sentence(net, coder, pairs, BUDGET["order"], 31, language=two_glyphs):
            if row["step"] in EARLY:
                kept[row["step"]] = {name: value.clone() for name, value in row["net"].state_dict().items()}
                print("early", row["step"], flush=True)
            if row["step"] == EARLY[-1]:
                break
        torch.save(kept, path)
    for step, weights in kept.items():
        nets[step] = SentenceVelocity(**NET)
        nets[step].load_state_dict(weights)
        nets[step].eval()
    return nets


def learning(folder: Path) -> dict[str, Any]:
    """What is bound while it is learnt, and in forms of sentences that training had not; seen combinations, for the record."""
    made = train(folder)
    coder, reader = made["coder"][0], made["reader"][0]
    meanings = two_glyphs.draw_meanings(N, 900)
    texts, found = sentences(meanings, 7), {}
    for step, net in early(folder, coder).items():
        images = Painter(net, coder, two_glyphs).draw(texts, range(N), guidance=2.0, steps=STEPS)
        found[str(step)] = as_json(binding(meanings, reader.read(images).numpy()))
        print(step, found[str(step)]["as asked"], flush=True)
    strange = {}
    for form in UNHEARD:
        images = store.pair_painter().draw([unheard(m, form) for m in meanings], range(N), guidance=2.0, steps=STEPS)
        strange[form] = as_json(binding(meanings, reader.read(images).numpy()))
    return {"unheard": strange, "learning": found, "early": {"batch": 128, "steps": list(EARLY)}}


def release(folder: Path) -> None:
    """What ships: the flow with the order of words and the decoder; and the weights in which its deaf twin differs."""
    made = train(folder)
    coder, coded = made["coder"]
    for name, stem in (("order", "pair"), ("bag", "bag")):
        net, told = made[name]
        about = {
            "command": "python scripts/records/binding.py train",
            "source": f"the book's repository, tag v{imggen_lib.__version__}; the installed package has the library alone",
            "licence": LICENCE,
            "held_out": "a red A; each glyph left of the next one of the list",
            "seed": SEEDS[0],
            "images_seen": told,
            "planned_processor_seconds": {"coder": BUDGET["coder"], "flow": BUDGET[name]},
            "coder_images": coded,
            "net": NET,
            "coder": CODER,
        }
        painter = Painter(net, coder, two_glyphs)
        skip = ("coder.encoder",) if stem == "pair" else ("coder",)
        print(store.release(stem, painter, 127, about, skip=skip))


def measure(folder: Path) -> dict[str, Any]:
    """The record."""
    made, start = train(folder), time.process_time()
    readers: dict[str, ReadsHalves] = {"reader": made["reader"][0], "hue and nearest": PlainReader()}
    coder: GlyphCoder = made["coder"][0]
    sets: dict[str, Any] = {}
    guidance: dict[str, Any] = {}
    forms: dict[str, Any] = {}
    for at, kind in enumerate(("seen", *two_glyphs.HELD_OUT)):
        meanings = two_glyphs.draw_meanings(N, 900 + at, kind)
        texts, images = sentences(meanings, 7 + at), two_glyphs.draw_images(meanings, 950 + at)
        with torch.no_grad():
            decoded = 2 * torch.sigmoid(coder.logits(coder.encode(images)[0])) - 1
        drawn = {w: store.pair_painter().draw(texts, range(N), guidance=w, steps=STEPS) for w in WEIGHTS}
        rows = {
            "real": images,
            "through the coder": decoded,
            "with order": drawn[2.0],
            "bag of words": store.pair_painter(order=False).draw(texts, range(N), guidance=2.0, steps=STEPS),
            "nearest caption": retrieved(meanings, 60_000, 21),
            "another sentence": drawn[2.0].roll(1, 0),
        }
        sets |= {f"{name}, {kind}": read_by(meanings, x, readers) for name, x in rows.items()}
        guidance[kind] = {f"{w:g}": read_by(meanings, x, readers)["reader"] for w, x in drawn.items()}
        forms[kind] = by_form(meanings, readers["reader"].read(drawn[2.0]).numpy(), texts)
        print(kind, {k: v["reader"]["as asked"] for k, v in sets.items() if k.endswith(kind)}, flush=True)
    return {
        "command": "python scripts/records/binding.py measure",
        "protocol": f"{N} sentences a row in four forms, seeds from 0, {STEPS} Heun steps, guidance 2 unless it is said",
        "painter": {**store.card_of("pair"), "words": len(two_glyphs.VOCABULARY) - 1},
        "bag": store.card_of("bag"),
        "reader": {"images_seen": made["reader"][1], "planned_processor_seconds": BUDGET["reader"], "seed": 1},
        "sets": sets,
        "guidance": guidance,
        "forms": forms,
        "processor_seconds": round(time.process_time() - start, 1),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "machine": platform.processor() or platform.machine(),
    }


RECORDED: dict[str, Callable[[Path], dict[str, Any]]] = {"measure": measure, "learning": learning, "seeds": seeds}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", *RECORDED))
    parser.add_argument("--runs", type=Path, default=Path("runs/binding"), help="where trainings are kept in full precision")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.runs.mkdir(parents=True, exist_ok=True)
    if given.what == "train":
        release(given.runs)
    else:
        before = {} if given.what == "measure" else json.loads(OUT.read_text(encoding="utf-8"))
        made = before | RECORDED[given.what](given.runs)
        OUT.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(OUT)
