"""The book's VAE in PyTorch, without the book's library."""

import time

import shared  # isort: skip
import torch
import torch.nn.functional as F

IMPORTED = time.process_time()


# the heart
def linear(p, name, h):
    return F.linear(h, p[name + ".w"], p[name + ".b"])


def logits(p, z):
    h = F.gelu(linear(p, "d1", z))
    h = F.gelu(linear(p, "d2", h))
    return linear(p, "d3", h) + p["bias"]


def elbo(p, x, eps):
    h = F.gelu(linear(p, "e1", 2 * x - 1 - p["centre"]))
    h = F.gelu(linear(p, "e2", h))
    mu, logvar = linear(p, "q", h).chunk(2, 1)
    out = logits(p, mu + torch.exp(logvar / 2) * eps)
    log_px = (x * out - F.softplus(out)).sum(1)
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)
    return (log_px - kl).mean()


# the end of the heart
torch.set_num_threads(1)
given = {name: torch.tensor(value) for name, value in shared.given().items()}
weights = [given[name].requires_grad_() for name in shared.WEIGHTS]
found = elbo(given, given["x"], given["eps"])
optimiser = torch.optim.Adam(weights, lr=shared.LR, betas=(shared.BETA1, shared.BETA2), eps=shared.EPS)
before = {name: value.detach().clone() for name, value in given.items()}
(-found).backward()
optimiser.step()


@torch.no_grad()
def decode(z):
    return 2 * torch.sigmoid(logits(before, torch.from_numpy(z))).numpy() - 1


gradient = shared.named("grad", [w.grad for w in weights])
step = shared.named("step", [w.detach() for w in weights])
shared.answer("PyTorch", torch.__version__.split("+")[0], decode, IMPORTED, elbo=found.item(), **gradient, **step)
