"""The supervised upper line of the chapter on medicine: a small network that sees ill images, three seeds; writes a record.

``python scripts/records/supervised.py``, two minutes on a CPU. Epochs, rates and shifts were fixed beforehand; the validation
images give the threshold and nothing else, and the test images are looked at once, at the end. Not for clinical use.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch
from chest import splits
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

import imggen_lib
from imggen_lib.applications.anomaly.scores import smoothness
from imggen_lib.data import ImageSet
from imggen_lib.data.shifted import shifted_batches
from imggen_lib.machine import first_weights, prepare
from imggen_lib.metrics.audit import by_truth, delong, delong_paired, transfer
from imggen_lib.models.gan import ConvCritic

OUT = Path(imggen_lib.__file__).parent / "measured" / "supervised.json"
SEEDS, EPOCHS, BATCH, RATE, SHIFT, WIDTH = (0, 1, 2), 8, 64, 1e-3, 1, 32


def trained(train: ImageSet, seed: int) -> ConvCritic:
    """A convolutional network with one logit, trained on both classes; the learning rate falls to 0."""
    with first_weights(seed):
        net = ConvCritic((1, 28, 28), width=WIDTH)
    images = EPOCHS * len(train)
    steps = -(-images // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for x, labels in shifted_batches(train.batches(BATCH, images=images, seed=seed), SHIFT, seed):
        loss = binary_cross_entropy_with_logits(net(x), labels.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
    return net.eval()


@torch.no_grad()
def scores(net: ConvCritic, data: ImageSet) -> Tensor:
    """The logits of all images."""
    return torch.cat([net(part) for part in data.floats().split(1000)]).double()


def judged(known: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """Area with DeLong's interval on both sets; and the threshold of 5 % false alarms, carried from validation to test."""
    found = {}
    for name, (ill, healthy) in (("validation", known), ("test", new)):
        area = delong(ill, healthy)
        found[name] = [round(v, 4) for v in (area.value, area.low, area.high)]
    carried = transfer(known[1], *new, 0.05)
    rates = {"sensitivity": carried.sensitivity, "false_alarms": carried.false_alarms}
    return found | {name: [round(float(v), 4) for v in rate] for name, rate in rates.items()}


def beyond(new: Tensor, test: ImageSet) -> list[float]:
    """The area on test less that of the one line smoothness, on the same images, with DeLong's interval."""
    sides = zip(by_truth(new, test.labels), by_truth(smoothness(test.floats()).double(), test.labels), strict=True)
    gap = delong_paired(*(torch.stack(pair, 1) for pair in sides))
    return [round(v, 4) for v in (gap.value, gap.low, gap.high)]


def main() -> None:
    """Train, measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    prepare("cpu")
    torch.set_num_threads(1)
    train, validation, test = splits()
    each: list[tuple[Tensor, Tensor]] = []
    rows = {}
    for seed in SEEDS:
        net = trained(train, seed)
        each.append((scores(net, validation), scores(net, test)))
        rows[str(seed)] = judged(by_truth(each[-1][0], validation.labels), by_truth(each[-1][1], test.labels))
        print(seed, rows[str(seed)], flush=True)
    known, new = (torch.stack([pair[k] for pair in each]).mean(0) for k in range(2))
    found = {
        "command": "python scripts/records/supervised.py",
        "protocol": {
            "network": f"ConvCritic, width {WIDTH}, one logit",
            "epochs": EPOCHS,
            "batch": BATCH,
            "optimiser": f"AdamW, rate {RATE} falling to 0, weight decay 0.01",
            "largest_shift": SHIFT,
            "train_images": len(train),
            "test_images": len(test),
            "chosen_on_validation": "nothing but the threshold",
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
        "seeds": rows,
        "mean logit of the three": judged(by_truth(known, validation.labels), by_truth(new, test.labels)),
        "area less that of smoothness": beyond(new, test),
    }
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
