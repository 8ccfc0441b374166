"""Two methods with something hidden: a VAE and a GAN."""

import math

import torch
from torch import Tensor, nn

from imggen_lib.checks import whole
from imggen_lib.losses import gan as losses
from imggen_lib.losses.vae import standard_normal_kl
from imggen_lib.noise import generator_for, on_cpu
from imggen_lib.theory.plane.parts import PerPoint, Points, checked, network, starts_at, taught


@on_cpu
class GridVAE(nn.Module):
    r"""A VAE with two hidden numbers: :math:`z \sim N(0, I)`, :math:`x \mid z \sim N(g(z), s^2 I)`, one s for all.

    With two hidden numbers the integral over z can be computed on a grid, so the bound that the training raises can be
    compared with what it is a bound of. Source: Kingma and Welling 2014, arXiv:1312.6114.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = network(2, 4), network(2, 2)
        self.log_s = nn.Parameter(torch.tensor(-1.0))

    def _log_likelihood(self, x: Tensor, centre: Tensor) -> Tensor:
        """log N(x; centre, s^2 I), over the last dimension."""
        squares = (x - centre).square().sum(-1) * (-2 * self.log_s).exp()
        return -0.5 * squares - 2 * self.log_s - math.log(2 * math.pi)

    def bound(self, x: Points, noise: torch.Generator) -> PerPoint:
        """The ELBO with one draw of z for each point, in nats."""
        mu, logvar = self.encoder(x).chunk(2, 1)
        z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=noise)
        return self._log_likelihood(x, self.decoder(z)) - standard_normal_kl(mu, logvar)

    def log_prob(self, x: Points, side: int = 121) -> PerPoint:
        """Log-density in nats, by quadrature over z on a grid of `side` by `side` points from -4.5 to 4.5."""
        line = torch.linspace(-4.5, 4.5, whole(side, "side", 2))
        z = torch.cartesian_prod(line, line)
        log_weights = torch.log_softmax(-0.5 * z.square().sum(1), 0)
        centres = self.decoder(z)
        parts = [self._log_likelihood(part[:, None], centres) + log_weights for part in x.split(500)]
        return torch.cat([torch.logsumexp(part, 1) for part in parts])

    def sample(self, n: int, noise: torch.Generator) -> Points:
        centre = self.decoder(torch.randn(n, 2, generator=noise))
        return centre + self.log_s.exp() * torch.randn(n, 2, generator=noise)


@on_cpu
def learn_vae(x: Points, *, steps: int = 3000, seed: int = 0) -> GridVAE:
    """Raise the evidence lower bound of a VAE."""
    return taught(GridVAE, lambda vae, batch, noise: -vae.bound(batch, noise).mean(), x, steps, seed)


@on_cpu
class Maker(nn.Module):
    """A GAN's generator: any function of noise, with no density that could be computed."""

    def __init__(self, latent_dim: int = 4) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.net = network(latent_dim, 2)

    def sample(self, n: int, noise: torch.Generator) -> Points:
        x: Tensor = self.net(torch.randn(n, self.latent_dim, generator=noise))
        return x


@on_cpu
def learn_gan(x: Points, *, steps: int = 1500, batch: int = 256, seed: int = 0) -> Maker:
    """The relativistic game with a penalty on the critic's slope at real and at generated points, in turns.

    Source: Huang et al. 2024, arXiv:2501.05441.
    """
    steps, noise = checked(x, steps), generator_for(seed, 2)
    with starts_at(seed):
        maker, critic = Maker(), nn.Sequential(network(2, 1), nn.Flatten(0))
    players = [torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.0, 0.99)) for net in (maker, critic)]
    calmer = [torch.optim.lr_scheduler.LinearLR(player, 1, 0.02, steps) for player in players]
    loss = losses.relativistic
    for _ in range(steps):
        real, fake = x[torch.randint(len(x), (batch,), generator=noise)], maker.sample(batch, noise)
        lost = loss.critic(critic(real), critic(fake.detach()))
        for points in (real, fake.detach()):
            seen = points[:, :, None, None]  # the library's penalty is for images; these have two channels and one pixel
            lost = lost + 0.025 * losses.zero_centred_penalty(lambda p: critic(p.flatten(1)), seen)
        players[1].zero_grad()
        lost.backward()
        players[1].step()
        players[0].zero_grad()
        loss.generator(critic(real).detach(), critic(fake)).backward()
        players[0].step()
        for schedule in calmer:
            schedule.step()
    return maker.requires_grad_(False)
