"""What tests/test_parallel.py runs, alone and under torchrun: trains small models in float64 and writes their parameters."""

import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.runs import start
from imggen_lib.train.flow import train_flow
from imggen_lib.train.gan import train_gan, train_gan_simultaneous
from imggen_lib.train.state import FlowState, GanState
from imggen_lib.train.vae import train_vae

sys.path.insert(0, str(Path(__file__).parents[1]))  # for own_nets
GAN = {"image_shape": (1, 8, 8), "latent_dim": 4, "width": 4, "hidden": (12,), "batch": 8}
CONFIGS: dict[str, GanConfig | VaeConfig | FlowConfig] = {
    "conv-gan": GanConfig(**GAN, penalty_every=2, r2=0.3, gp=0.2, classes=2),
    "conv-gan-at-once": GanConfig(**GAN, penalty_every=2, r2=0.3, gp=0.2, classes=2, simultaneous=True),
    "mlp-gan": GanConfig(**GAN, net="mlp", loss="hinge", critic_steps=2),
    "own-critic": GanConfig(**GAN, critic="own_nets:Critic", loss="own_nets:scaled", loss_options={"scale": 0.5}, augment="diff"),
    "adaptive": GanConfig(**GAN, loss="hinge", lr=2e-2, augment="ada", augment_images=80, augment_target=0.05),
    "conv-vae": VaeConfig(**GAN, free_bits=0.1),
    "mlp-vae-at-the-floor": VaeConfig(**{**GAN, "net": "mlp"}, free_bits=0.03),  # one half of a batch above it, the other below
    "mlp-vae-three-draws": VaeConfig(**{**GAN, "net": "mlp"}, draws=3, draws_start=16),
    "mlp-vae": VaeConfig(**{**GAN, "net": "mlp"}, likelihood="gaussian", classes=2),
    "flow": FlowConfig(image_shape=(1, 8, 8), width=4, batch=8, classes=2, drop=0.3),
}


def data() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (50, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return ImageSet(images, torch.randint(0, 2, (50,), generator=generator), ("0", "1"), "noise")


def doubles(batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for x, y in batches:
        yield x.double(), y


def trained(config: GanConfig | VaeConfig | FlowConfig, accelerator: Accelerator) -> dict[str, torch.Tensor]:
    """The tensors of every network after seven batches, the last but one of which goes over the end of the data."""
    state = start(config, data(), "cpu").state
    for module in state.modules().values():
        module.double()
    part = (accelerator.process_index, accelerator.num_processes)
    batches = doubles(data().batches(config.batch, images=7 * config.batch, part=part))
    if isinstance(state, GanState):
        assert isinstance(config, GanConfig)
        train = train_gan_simultaneous if config.simultaneous else train_gan
        records = list(train(state, batches, config.loss_function, processes=accelerator, **config.options))
    elif isinstance(state, FlowState):
        records = list(train_flow(state, batches, processes=accelerator, **config.options))
    else:
        records = list(train_vae(state, batches, processes=accelerator, **config.options))
    assert records[-1]["images"] == state.images == 7 * config.batch
    if getattr(config, "augment", "") == "ada":
        assert isinstance(state, GanState) and state.p > 0, "the last three steps are augmented"
    return {f"{name}.{k}": v for name, m in state.modules().items() for k, v in m.state_dict().items()}


def main(folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    accelerator = Accelerator(cpu=True)
    for name, config in CONFIGS.items():
        tensors = {k: v.contiguous().clone() for k, v in trained(config, accelerator).items()}
        save_file(tensors, folder / f"{name}-{accelerator.process_index}.safetensors")
    accelerator.end_training()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
