"""The flow demo's JavaScript against PyTorch and the library: the field, its gradient, steps of Adam, solvers, reflow."""

from typing import Any

import numpy as np
import pytest
import torch
from flow_script import needs_node, run, table
from torch import Tensor, nn

from imggen_lib.losses.flow import flow_matching_loss, straight_path
from imggen_lib.metrics.energy import energy_distance
from imggen_lib.noise import generator_for
from imggen_lib.ode import evaluations, trajectory
from imggen_lib.theory.plane import Velocity
from imggen_lib.train.state import update_ema

#: Rows of five points, and a time for each, in the middle and at the ends.
X = torch.randn(5, 2, generator=generator_for(1), dtype=torch.float64)
TIMES = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=torch.float64)


def velocity(params: list[float]) -> Velocity:
    """The library's network, in double precision, with the weights that JavaScript listed."""
    net = Velocity().double()
    nn.utils.vector_to_parameters(torch.tensor(params, dtype=torch.float64), net.parameters())
    return net


def close(ours: Any, theirs: Tensor, bound: float = 1e-9) -> None:
    """Relative to the largest entry."""
    error = (torch.as_tensor(ours, dtype=torch.float64).flatten() - theirs.detach().flatten()).abs().max()
    assert error <= bound * theirs.detach().abs().max().clamp(min=1e-12), f"off by {error:.1e}"


NET = "const net = flowMath.network(96, trainerMath.random(4));"


@needs_node
def test_the_field_is_the_librarys() -> None:
    found = run(
        NET
        + """
        const x = rows(data.x);
        return { params: net.params, each: flowMath.velocity(net, x, data.t), same: flowMath.velocity(net, x, 0.3) };
        """,
        {"x": X.tolist(), "t": TIMES.tolist()},
    )
    net = velocity(found["params"])
    close(found["each"], net(X, TIMES[:, None]), 1e-12)
    close(found["same"], net(X, torch.full((5, 1), 0.3, dtype=torch.float64)), 1e-12)


def batches(count: int, n: int) -> list[dict[str, Any]]:
    noise = generator_for(5)
    draw = {"x0": (n, 2), "x1": (n, 2)}
    made = [{name: torch.randn(shape, generator=noise, dtype=torch.float64) for name, shape in draw.items()} for _ in range(count)]
    return [batch | {"t": torch.rand(n, generator=noise, dtype=torch.float64)} for batch in made]


def flow_loss(net: Velocity, batch: dict[str, Tensor]) -> Tensor:
    """The library's loss, as a sum over both coordinates, which is what ``Velocity.loss`` lowers."""
    x = straight_path(batch["x1"], batch["x0"], batch["t"])
    return 2 * flow_matching_loss(net(x, batch["t"][:, None]), batch["x1"], batch["x0"]).mean()


@needs_node
def test_whole_steps_of_training_are_pytorchs() -> None:
    """Loss, gradient, eight steps of Adam and the running average of the weights."""
    given = batches(8, 7)
    found = run(
        """
        const game = flowMath.game(settings({ width: 96, batch: 7, lr: 0.003 }));
        const all = data.map((b) => ({ x0: rows(b.x0), x1: rows(b.x1), t: rows(b.t) }));
        const start = game.net.params.slice();
        const { value, grad } = game.gradient(all[0]);
        const first = { value, grad: grad.slice() };
        const losses = all.map((b) => (game.step(b), game.loss));
        return { start, first, losses, end: game.net.params, average: game.average.params };
        """,
        [{name: value.tolist() for name, value in batch.items()} for batch in given],
    )
    net, average = velocity(found["start"]), velocity(found["start"])
    value = flow_loss(net, given[0])
    assert found["first"]["value"] == pytest.approx(value.item(), rel=1e-12)
    close(found["first"]["grad"], torch.cat([g.flatten() for g in torch.autograd.grad(value, list(net.parameters()))]))
    adam = torch.optim.Adam(net.parameters(), lr=0.003)
    for k, (batch, ours) in enumerate(zip(given, found["losses"], strict=True)):
        value = flow_loss(net, batch)
        assert ours == pytest.approx(value.item(), rel=1e-9)
        adam.zero_grad()
        value.backward()
        adam.step()
        update_ema(average, net, images=7 * k, batch=7, half_life=20_000)
    close(found["end"], nn.utils.parameters_to_vector(net.parameters()))
    close(found["average"], nn.utils.parameters_to_vector(average.parameters()))


def followed(net: Velocity, x: Tensor, solver: str, steps: int) -> Tensor:
    """The library's solver."""
    with torch.no_grad():
        return trajectory(lambda x, t: net(x, x.new_full((len(x), 1), t)), x, steps, solver=solver)


@needs_node
@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun"])
def test_the_solvers_follow_the_field(solver: str) -> None:
    found = run(
        NET
        + """
        net.params.forEach((p, j) => (net.params[j] = 1.5 * p)); // a field that bends
        const paths = [1, 6, 200].map((n) => flowMath.solve(net, rows(data.x), data.solver, n));
        const { evaluations } = flowMath.SOLVERS[data.solver];
        return { params: net.params, paths, evaluations, at: [0, 0.25, 0.7, 1].map((t) => flowMath.placeAt(paths[1], t)) };
        """,
        {"x": X.tolist(), "solver": solver},
    )
    net = velocity(found["params"])
    for ours, steps in zip(found["paths"], (1, 6, 200), strict=True):
        theirs = followed(net, X, solver, steps)
        assert len(ours) == steps + 1
        for a, b in zip(ours, theirs, strict=True):
            close(a, b, 1e-10)
    exact = followed(net, X, "midpoint", 2000)[-1]
    off = [(table(path[-1]) - exact).abs().max().item() for path in found["paths"]]
    assert off[2] < off[1] and off[2] < (0.02 if solver == "euler" else 2e-3)
    assert found["evaluations"] == evaluations(solver, 1)
    six = torch.stack([table(rows) for rows in found["paths"][1]]).numpy()
    for ours, t in zip(found["at"], (0, 0.25, 0.7, 1), strict=True):
        between = [np.interp(6 * t, range(7), six[:, i, k]) for i in range(5) for k in range(2)]
        assert ours == pytest.approx(between, abs=1e-12)


@needs_node
def test_straightness_is_the_integral_along_the_flows_own_paths() -> None:
    """Over 40 steps of Heun; and 0 for a field that is the same everywhere at all times."""
    found = run(
        NET
        + """
        const x = rows(data);
        net.params.forEach((p, j) => (net.params[j] = 1.5 * p));
        const bent = flowMath.straightness(net, flowMath.solve(net, x, "heun", 40));
        const params = net.params.slice();
        net.params.fill(0);
        net.params.set([0.5, -2], net.params.length - 2); // the last biases
        return { params, bent, even: flowMath.straightness(net, flowMath.solve(net, x, "euler", 1)) };
        """,
        X.tolist(),
    )
    net = velocity(found["params"])
    path = followed(net, X, "heun", 40)
    v = torch.stack([net(x, x.new_full((5, 1), k / 40)) for k, x in enumerate(path)]).detach()
    off = (path[-1] - path[0] - v).square().sum(2).mean(1)
    assert found["bent"] == pytest.approx(torch.trapezoid(off, dx=1 / 40).item(), rel=1e-9)
    assert found["bent"] > 1e-4 and found["even"] == pytest.approx(0, abs=1e-12)


@needs_node
def test_distances_are_the_librarys() -> None:
    noise = generator_for(9)
    x, y = torch.randn(60, 2, generator=noise), 0.7 * torch.randn(45, 2, generator=noise) + 0.3
    found = run(
        "return [flowMath.energyDistance(rows(data[0]), rows(data[1])), flowMath.apart(rows(data[0]), rows(data[2]))];",
        [x.tolist(), y.tolist(), (x + torch.tensor([3.0, 4.0])).tolist()],
    )
    assert found[0] == pytest.approx(energy_distance(x, y).value, rel=1e-6)
    assert found[1] == pytest.approx(5, rel=1e-6)


@needs_node
def test_reflow_straightens_the_paths_and_one_step_is_enough() -> None:
    """Its pairs are noise and where the average flows to; what they teach is nearly straight, so one step will do."""
    found = run(
        """
        const game = flowMath.game(settings({ data: "ring" }));
        const set = trainerGames.DATA.ring;
        const real = set.sample(500, trainerMath.random(1, 20));
        const z = trainerMath.random(1, 21).normals(1000);
        const judge = () => {
          const ends = [1, 20].map((n) => flowMath.solve(game.average, z, "euler", n).at(-1));
          const fine = flowMath.solve(game.average, z, "heun", 24);
          const near = ends.map((end) => flowMath.energyDistance(real, flowMath.scaled(end, 1 / flowMath.SCALE)));
          const bend = flowMath.straightness(game.average, fine);
          return { near, bend, miss: flowMath.apart(ends[0], fine.at(-1)), loss: game.loss };
        };
        const untrained = judge();
        for (let k = 0; k < 700; k++) game.step();
        const before = judge();
        const average = game.average.params.slice();
        const slice = game.reflow(8);
        const shares = Array.from({ length: 8 }, slice);
        const from = { ...game.net, params: average };
        const kept = game.stages[0].params.every((p, j) => p === average[j]);
        const { x0, x1 } = game.draw();
        const end = flowMath.solve(from, x0, "midpoint", 16).at(-1);
        const off = Math.max(...end.map((v, j) => Math.abs(v - x1[j])));
        for (let k = 0; k < 400; k++) game.step();
        return { untrained, before, after: judge(), shares, kept, off, counts: [game.steps, game.total, game.stages.length],
          base: flowMath.baseline(set, 500, trainerMath.random(1, 22)) };
        """
    )
    untrained, before, after = found["untrained"], found["before"], found["after"]
    assert found["shares"] == [k / 8 for k in range(1, 9)] and found["kept"] and found["off"] < 1e-9
    assert found["counts"] == [400, 1100, 1]
    assert before["near"][1] < 3 * found["base"] < untrained["near"][1]
    assert before["near"][0] > 20 * before["near"][1]  # one step runs to the middle
    assert after["near"][0] < 0.1 * before["near"][0] and after["near"][0] < 5 * found["base"]
    assert after["bend"] < 0.05 * before["bend"] and after["miss"] < 0.2 * before["miss"]
    assert after["loss"] < 0.05 * before["loss"]  # lines that do not cross can be learned
