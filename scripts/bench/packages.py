"""Peers that are on the package index, run as their own documentation says. Missing ones are left out."""

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from bench.nets import MlpCritic, MlpGenerator, unet
from bench.peers import Pictures


def installed() -> list[str]:
    return [name for name in PACKAGES if importlib.util.find_spec(name.replace("-", "_"))]


def pythae_vae(images: np.ndarray, epochs: int = 1) -> float:
    """Images a second of Pythae's TrainingPipeline: its VAE with an MLP of 512 units and 20 latent dimensions, batch 128."""
    from pythae.models import VAE, VAEConfig
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    x = torch.from_numpy(images[:, None].astype(np.float32) / 255)
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, learning_rate=1e-3, per_device_train_batch_size=128, no_cuda=True
        )
        model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=20))
        began = time.perf_counter()
        TrainingPipeline(model=model, training_config=config)(train_data=x)
        return epochs * len(x) / (time.perf_counter() - began)


def lightning_gan(images: np.ndarray, batches: int = 200) -> float:
    """Images a second of a LightningModule with manual optimisation: the networks and settings of PyTorch-GAN's ``gan.py``."""
    import lightning

    class Gan(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.generator, self.critic = MlpGenerator(), MlpCritic(sigmoid=True)

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
            x, _ = batch
            g_optimizer, d_optimizer = self.optimizers()
            valid, fake = torch.ones(len(x)), torch.zeros(len(x))
            made = self.generator(torch.randn(len(x), 100))
            g_optimizer.zero_grad()
            self.manual_backward(nn.functional.binary_cross_entropy(self.critic(made), valid))
            g_optimizer.step()
            d_optimizer.zero_grad()
            real_loss = nn.functional.binary_cross_entropy(self.critic(x), valid)
            fake_loss = nn.functional.binary_cross_entropy(self.critic(made.detach()), fake)
            self.manual_backward((real_loss + fake_loss) / 2)
            d_optimizer.step()

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            nets = (self.generator, self.critic)
            return [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in nets]

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
    loader = DataLoader(Pictures(images, transform), batch_size=64, shuffle=True)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_steps=2 * batches, limit_train_batches=batches, max_epochs=1, accelerator="cpu", **quiet)
    began = time.perf_counter()
    trainer.fit(Gan(), loader)
    return batches * 64 / (time.perf_counter() - began)


def keras_conv_vae(images: np.ndarray, epochs: int = 1) -> float:
    """Images a second of the convolutional VAE of Keras's documentation, on Keras's PyTorch backend, batch 128."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers

    encoder_in = keras.Input((28, 28, 1))
    h = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(encoder_in)
    h = layers.Conv2D(64, 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
    encoder = keras.Model(encoder_in, [layers.Dense(2)(h), layers.Dense(2)(h)])
    decoder_in = keras.Input((2,))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation="relu")(decoder_in))
    h = layers.Conv2DTranspose(64, 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Conv2DTranspose(32, 3, activation="relu", strides=2, padding="same")(h)
    decoder = keras.Model(decoder_in, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h))

    class Vae(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = encoder, decoder

        def call(self, data: torch.Tensor) -> torch.Tensor:
            return self.decoder(self.encoder(data)[0])

        def train_step(self, data: torch.Tensor) -> dict[str, torch.Tensor]:
            self.zero_grad()
            mean, log_variance = self.encoder(data, training=True)
            z = mean + keras.ops.exp(0.5 * log_variance) * keras.random.normal(keras.ops.shape(mean))
            decoded = self.decoder(z, training=True)
            cross_entropy = keras.ops.sum(keras.losses.binary_crossentropy(data, decoded), axis=(1, 2))
            divergence = -0.5 * keras.ops.sum(1 + log_variance - mean**2 - keras.ops.exp(log_variance), axis=1)
            loss = keras.ops.mean(cross_entropy + divergence)
            loss.backward()
            weights = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([w.value.grad for w in weights], weights)
            return {"loss": loss.detach()}

    model = Vae()
    model.compile(optimizer=keras.optimizers.Adam())
    x = np.expand_dims(images, -1).astype("float32") / 255
    model.fit(x[:256], epochs=1, batch_size=128, verbose=0)
    began = time.perf_counter()
    model.fit(x, epochs=epochs, batch_size=128, verbose=0)
    return epochs * len(x) / (time.perf_counter() - began)


def diffusion(images: np.ndarray, steps: int = 100) -> float:
    """Images a second of denoising-diffusion-pytorch's ``Trainer``, batch 64, with our U-Net without classes in its place of one.

    Its pictures are files, which its loader's processes read and decode, one for each core.
    """
    from denoising_diffusion_pytorch import GaussianDiffusion, Trainer

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.channels, self.out_dim = unet(0), 1, 1
            self.self_condition = self.random_or_learned_sinusoidal_cond = False

        def forward(self, x: torch.Tensor, t: torch.Tensor, x_self_cond: None = None) -> torch.Tensor:
            return self.net(x, t / 1000)

    with tempfile.TemporaryDirectory() as folder:
        for k, image in enumerate(images):
            Image.fromarray(image).save(f"{folder}/{k:05}.png")
        options = {"train_batch_size": 64, "train_num_steps": 5, "augment_horizontal_flip": False, "calculate_fid": False}
        options |= {"save_and_sample_every": 10**9, "results_folder": f"{folder}/made"}
        trainer = Trainer(GaussianDiffusion(Net(), image_size=28), folder, **options)
        trainer.train()  # the loader's processes start
        trainer.train_num_steps += steps
        began = time.perf_counter()
        trainer.train()
        return steps * 64 / (time.perf_counter() - began)


PACKAGES: dict[str, Callable[[np.ndarray], float]] = {
    "pythae": pythae_vae,
    "lightning": lightning_gan,
    "keras": keras_conv_vae,
    "denoising-diffusion-pytorch": diffusion,
}
