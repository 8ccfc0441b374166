"""What stands around the flow demo: baselines, what is shown beside it, its texts, the Python side."""

import gzip
import re

import numpy as np
import pytest
from flow_script import needs_node, run, table

from imggen_lib import live
from imggen_lib.live.base import HERE, page_script
from imggen_lib.live.flow import BESIDE, DATA


@needs_node
def test_real_points_lie_below_the_baseline_and_the_gaussian_has_the_datas_moments() -> None:
    found = run(
        """
        const set = trainerGames.DATA.moons;
        const [a, b] = [1, 2].map((k) => trainerMath.random(k));
        const line = flowMath.baseline(set, 100, a);
        const again = Array.from({ length: 200 }, () => flowMath.energyDistance(set.sample(100, b), set.sample(100, b)));
        const x = set.sample(4000, b);
        return { line, again, x, like: flowMath.gaussianLike(x, 20000, b) };
        """
    )
    below = np.mean(np.array(found["again"]) < found["line"])
    assert 0.85 <= below < 1  # 0.95 of those that are to come, from 40 that were
    assert abs(np.mean(found["again"])) < 0.2 * found["line"]  # no bias
    x, like = (table(found[name]).numpy() for name in ("x", "like"))
    assert like.mean(0) == pytest.approx(x.mean(0), abs=0.02)
    assert np.cov(like.T) == pytest.approx(np.cov(x.T), abs=0.01)


@needs_node
def test_the_rivals_learn_the_same_data_and_the_seed_says_everything() -> None:
    found = run(
        """
        const set = trainerGames.DATA.moons;
        const real = set.sample(400, trainerMath.random(1, 20));
        return data.map((beside) => {
          const made = [0, 600, 600].map((n) => {
            const rival = flowViews.rival(settings({ beside }));
            for (let k = 0; k < n; k++) rival.step();
            return rival.sample(400, trainerMath.random(3));
          });
          const near = made.slice(0, 2).map((x) => flowMath.energyDistance(real, x));
          return { same: made[1].every((v, j) => v === made[2][j]), near };
        });
        """,
        list(BESIDE),
    )
    for beside, rival in zip(BESIDE, found, strict=True):
        assert rival["same"] and rival["near"][1] < 0.2 * rival["near"][0], beside


# ---- Texts, the Python side ----------------------------------------------------------------------------------------------


@needs_node
def test_every_text_is_said_and_every_choice_has_one() -> None:
    tables = run("return { words: words.flow, choices: FLOW_CHOICES, defaults: FLOW_DEFAULTS, anew: FLOW_ANEW };")
    told = tables["words"]
    assert tables["choices"]["data"] == list(DATA) and tables["choices"]["beside"] == list(BESIDE)
    for name, value in tables["defaults"].items():
        assert name not in tables["choices"] or value in tables["choices"][name]
    for name, values in tables["choices"].items():
        keys = [f"data-{v}" if name == "data" else v for v in values if isinstance(v, str)]
        assert all(told[key] for key in [name, *keys])
        assert told[name].endswith("*") == (name in tables["anew"])
    names = ("flow", "flow_views", "trainer_pen")
    scripts = "".join((HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in names)
    said = set(re.findall(r'say\("([\w-]+)"', scripts))
    assert said and said <= set(told), said - set(told)
    # Others are put together from parts, or stand in a list.
    built = r"data-\w+|try-\w+|(gan|vae)-caption|gan|vae|euler|midpoint|heun|flow|reflowed"
    named = {key for key in told if f'"{key}"' in scripts} | set(tables["choices"]) | {"arrows", "paths"}
    left = {key for key in set(told) - said - named if not re.fullmatch(built, key)}
    assert not left, f"nobody says {left}"


def test_the_python_side_checks_and_shows() -> None:
    assert live.flow().options == {"data": "moons", "beside": "gan"}
    for data in DATA:
        for beside in BESIDE:
            assert live.flow(data, beside).options == {"data": data, "beside": beside}
    with pytest.raises(ValueError, match="data of the flow are moons"):
        live.flow("faces")
    with pytest.raises(ValueError, match="a gan or a vae; got 'diffusion'"):
        live.flow("ring", "diffusion")
    data, _ = live.flow("ring")._repr_mimebundle_()
    assert "data-demo='flow'" in data["text/html"] and data["text/plain"] == "<live demo flow: beside='gan', data='ring'>"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_script_is_light_and_its_parts_are_short() -> None:
    assert len(gzip.compress(page_script("flow").encode())) <= 42_000
    for path in (HERE / "js").glob("flow*.js"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 300 and max(map(len, lines)) <= 132, path.name
