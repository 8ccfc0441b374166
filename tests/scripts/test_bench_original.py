"""The bench's way to a loop that lies in another repository: a small one of the same shape stands for it here."""

import json
from pathlib import Path

import pytest
import torch
from bench import original

from imggen_lib.data import glyphs

REPOSITORY = {
    "models/ema.py": """
import torch
class EMA(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
    def forward(self, *args, **kwargs):
        return self.model(*args, **kwargs)
""",
    "training/grad_scaler.py": """
class NativeScalerWithGradNormCount:
    def __call__(self, loss, optimizer):
        loss.backward()
        optimizer.step()
""",
    "training/train_loop.py": """
import torch
def train_one_epoch(model, data_loader, optimizer, lr_schedule, device, epoch, loss_scaler, args):
    assert len(data_loader) in (2, 5) and args.class_drop_prob == 0.1 and args.accum_iter == 1
    for samples, labels in data_loader:
        optimizer.zero_grad()
        loss_scaler(model(samples, torch.rand(len(samples)), extra={"label": labels}).square().mean(), optimizer)
    lr_schedule.step()
""",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name, text in REPOSITORY.items():
        path = tmp_path / "examples" / "image" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return tmp_path


def test_both_loops_run_in_turn_and_their_ratio_is_recorded(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "bench.json"
    out.write_text(json.dumps({"throughput": [1]}), encoding="ascii")
    monkeypatch.setattr(original, "OUT", out)
    monkeypatch.setattr(original, "load", lambda name: glyphs.make("train", n=200, classes="01"))
    monkeypatch.setattr("sys.argv", ["bench.original", str(copy), "--rounds", "2", "--steps", "2"])
    original.main()
    record = json.loads(out.read_text(encoding="utf-8"))
    found = record["original"]
    assert record["throughput"] == [1] and found["rounds"] == 2 and found["steps"] == 2 and found["original"] > 0
    assert found["ratios"][0] <= found["ratio"] <= found["ratios"][1]


def test_a_class_that_is_left_out_is_the_one_more() -> None:
    net, x, t = original.Told().eval(), torch.rand(3, 1, 28, 28), torch.rand(3)
    with torch.no_grad():
        torch.testing.assert_close(net(x, t, {}), net.net(x, t, torch.full((3,), 10)))
        torch.testing.assert_close(net(x, t, {"label": torch.tensor([1, 2, 3])}), net.net(x, t, torch.tensor([1, 2, 3])))


def test_a_part_of_a_loader_has_so_many_batches() -> None:
    part = original.Part(range(10), 3)
    assert len(part) == 3 and list(part) == [0, 1, 2] and list(part) == [0, 1, 2]


def test_the_record_of_the_original_is_of_a_row_of_the_bench() -> None:
    record = json.loads(original.OUT.read_text(encoding="utf-8"))
    assert record["original"]["work"] in {row["work"] for row in record["throughput"]}
