"""Velocity networks: shapes, what they depend on, where they start; and the generator that follows them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from imggen_lib.models.flow import Flow, UNet, VectorNet
from imggen_lib.models.mean_flow import MeanFlow, MeanVectorNet
from imggen_lib.sampling import sample


def awake(net: nn.Module) -> nn.Module:
    """With last layers that are not zero, so that everything matters."""
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.1)
    return net.eval()


NETS = [
    lambda classes: UNet((1, 28, 28), 8, classes),
    lambda classes: UNet((3, 16, 16), 4, classes, blocks=2),
    lambda classes: UNet((1, 64, 32), 4, classes),
    lambda classes: VectorNet((5,), 16, classes),
    lambda classes: VectorNet((1, 6, 5), 16, classes, blocks=1),
]


@pytest.mark.parametrize("make", NETS)
@pytest.mark.parametrize("classes", [0, 3])
def test_a_velocity_has_the_shape_of_its_point_and_knows_time_and_class(make: Any, classes: int) -> None:
    net = awake(make(classes))
    x = torch.randn(4, *net.image_shape)  # type: ignore[misc]
    t, y = torch.tensor([0.0, 0.3, 0.6, 1.0]), torch.tensor([0, 1, 2, 3]) if classes else None
    v = net(x, t, y)
    assert v.shape == x.shape
    assert not torch.allclose(v, net(x, t.flip(0), y), atol=1e-4), "time matters"
    torch.testing.assert_close(net(x[:1], t[:1], None if y is None else y[:1]), v[:1], atol=1e-5, rtol=1e-4)
    if y is not None:
        assert not torch.allclose(v[:3], net(x, t, y.roll(1))[:3], atol=1e-4), "the class matters"
        torch.testing.assert_close(net(x, t), net(x, t, torch.full((4,), classes)))


def test_blocks_start_as_the_identity_so_a_fresh_network_is_one_dense_map() -> None:
    net = VectorNet((5,), 16, blocks=3)
    x, t = torch.randn(4, 5), torch.rand(4)
    torch.testing.assert_close(net(x, t), net.last(net.first(x)))


def test_the_unet_has_what_a_reader_can_hold_in_mind() -> None:
    assert sum(p.numel() for p in UNet((1, 28, 28), 48, 10).parameters()) == 728_980
    with pytest.raises(ValueError, match="multiple of 4"):
        UNet((1, 30, 28))


class Toward(nn.Module):
    """The velocity of straight lines from anywhere to the point of the class: (goal - x) / (1 - t)."""

    image_shape, classes = (2,), 2

    def __init__(self) -> None:
        super().__init__()
        self.goals = nn.Parameter(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        whose = torch.full((len(x),), 2) if labels is None else labels
        return (self.goals[whose] - x) / (1 - t[:, None])


def test_a_flow_follows_its_network_and_guidance_goes_further() -> None:
    z, y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 1, 0, 1])
    flow = Flow(Toward(), "euler", 7)
    goals = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[y]
    torch.testing.assert_close(flow(z, y), goals)
    torch.testing.assert_close(flow(z), torch.zeros(6, 2), atol=1e-6, rtol=0)
    other = flow.sampled_with(guidance=2.0, steps=3)
    torch.testing.assert_close(other(z, y), 2 * goals)
    assert (flow.guidance, flow.steps) == (1.0, 7) and other.net is flow.net
    t = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    torch.testing.assert_close(other.velocity(z, t, y), 2 * flow.velocity(z, t, y) - flow.velocity(z, t))


def test_a_flow_is_a_generator_like_any_other() -> None:
    flow = Flow(awake(UNet((1, 8, 8), 4, 3)), steps=2)
    images = sample(flow, 6, seed=3)
    assert images.shape == (6, 1, 8, 8) and images.min() >= -1 and images.max() <= 1
    torch.testing.assert_close(sample(flow, 1, seed=5, labels=2), images[2:3], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"solver": "eulr"}, "Did you mean 'euler'"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"guidance": 2.0}, "needs classes to guide by"),
        ({"guidance": -1.0}, "guidance must be at least 0"),
    ],
)
def test_a_sampler_that_cannot_be_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Flow(VectorNet((5,), 8), **settings)
    with pytest.raises(ValueError, match=words):
        Flow(VectorNet((5,), 8)).sampled_with(**settings)


@pytest.mark.usefixtures("as_readers_call")
@pytest.mark.parametrize("labels", [[0, 1, 4], [0, -1, 2], [0, 1], [0.0, 1.0, 2.0]], ids=str)
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_labels_that_no_class_has_are_told_by_the_network_itself(labels: list[Any], guidance: float) -> None:
    """As the GANs and VAEs tell them; on a GPU PyTorch would end the process."""
    flow = Flow(VectorNet((2,), 8, 3), guidance=guidance)
    with pytest.raises(ValueError, match="labels"):
        flow(torch.randn(3, 2), torch.tensor(labels))
    assert flow(torch.randn(3, 2), torch.tensor([0, 3, 3])).shape == (3, 2), "the number 3 is no class of these three"


@pytest.mark.usefixtures("as_readers_call")
@pytest.mark.parametrize("flow", [Flow(VectorNet((2,), 8)), MeanFlow(MeanVectorNet((2,), 8))], ids=["flow", "mean flow"])
def test_latents_of_another_size_are_not_cut_up_into_more_points(flow: Flow) -> None:
    for z in (torch.randn(5, 4), torch.randn(5, 3), torch.randn(4), torch.randn(1, 2, 2)):
        with pytest.raises(ValueError, match=r"takes latents of shape \(n, 2\)"):
            flow(z)


@pytest.mark.usefixtures("as_readers_call")
def test_one_time_for_all_rows_may_be_a_tensor() -> None:
    flow, x = Flow(awake(VectorNet((2,), 8))), torch.randn(3, 2)
    assert torch.equal(flow.velocity(x, torch.tensor(0.3)), flow.velocity(x, 0.3))


def test_a_mean_flow_offers_what_it_does() -> None:
    """Its way has no solver and no guidance: asked for, they would be said and not done. Images end in their range."""
    flow = MeanFlow(awake(MeanVectorNet((1, 2, 2), 8, 3)))
    for asked in ({"solver": "heun"}, {"guidance": 2.0}):
        with pytest.raises(ValueError, match="only its steps can be chosen"):
            flow.sampled_with(**asked)  # type: ignore[arg-type]
    more = flow.sampled_with(steps=3, solver="euler", guidance=1.0)
    assert isinstance(more, MeanFlow) and more.evaluations == 3 and more.net is flow.net
    assert flow(9 * torch.randn(4, 4)).abs().max() == 1
