"""The equations of the chapter on tools."""

import math

import torch


def _weights() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.tensor([1e-10, -1e-9, 3e-8, -2e-6, 1e-3, 0.7, -12.0], dtype=torch.float64)
    return torch.zeros_like(g), g


def test_tools_first_step() -> None:
    """Against PyTorch's Adam, in float64, for gradients below and above epsilon."""
    theta, g = _weights()
    weight = theta.clone().requires_grad_()
    weight.grad = g.clone()
    lr, eps = 0.0015, 1e-8
    torch.optim.Adam([weight], lr, (0.9, 0.999), eps).step()
    claim = theta - lr * g / (g.abs() + eps)  # claim
    assert torch.allclose(weight.detach(), claim, rtol=1e-9, atol=1e-15)


def test_tools_keras_epsilon() -> None:
    """Against Keras' update as its source has it: the corrected rate, then epsilon beside the uncorrected root."""
    theta, g = _weights()
    for lr, beta1, beta2, eps in ((0.0015, 0.9, 0.999, 1e-8), (0.1, 0.5, 0.99, 1e-5)):
        m, v = (1 - beta1) * g, (1 - beta2) * g**2
        alpha = lr * math.sqrt(1 - beta2) / (1 - beta1)
        keras = theta - alpha * m / (v.sqrt() + eps)
        other = theta - lr * (m / (1 - beta1)) / ((v / (1 - beta2)).sqrt() + eps)
        kappa = 1 / math.sqrt(1 - beta2)  # claim
        claim = lr * g * (kappa - 1) * eps / ((g.abs() + eps) * (g.abs() + kappa * eps))  # claim
        assert torch.allclose(keras - other, claim, rtol=1e-6, atol=1e-12)
        assert claim.abs().max() > 0.1 * lr
