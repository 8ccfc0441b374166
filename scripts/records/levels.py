"""Train, measure and release the models of platform levels, and search among them for ordered ones; writes a record.

``python scripts/records/levels.py train`` makes the models that ship (minutes), ``levels.py measure`` the record. The models
learn from the grammar's levels, which are ours: nothing but this repository is needed, and what ships is nobody else's. Where the
Video Game Level Corpus is at hand (``IMGGEN_DATA``), its windows get a row of their own.
"""

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import imggen_lib
from imggen_lib import checkpoint
from imggen_lib.applications.levels import corpus, grammar, measures, models, repair, tiles
from imggen_lib.applications.levels.agent import Proof, solve
from imggen_lib.applications.levels.search import Found, Order, best_of, evolve, sift
from imggen_lib.applications.verdict import paired_difference
from imggen_lib.configs import VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.metrics.intervals import bounded_mean, wilson_interval
from imggen_lib.noise import generator_for
from imggen_lib.runs import Run, resume, start
from imggen_lib.train.vae import evaluate_elbo

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "levels.json"
DIM, NODES, PROOF = 32, 600, 20_000  # latents; the agent's nodes in a search, and for a last answer
N, SEEDS, BUDGET = 200, 16, 144
MOST = tiles.ROWS * tiles.COLUMNS
#: The rates' end and the images seen of each stage: of the first GAN, the second was added later; both ended early.
GAN_STAGES = {"levels-gan": ((60_000, 60_000), (180_000, 156_000)), "levels-gan-local": ((150_000, 132_352),)}
BETAS = {"levels-vae": (0.05, 120_000), "levels-vae-beta1": (1.0, 60_000)}
#: The GAN: the VAE's decoder goes on as a generator, against a fresh critic that sees 6,000 levels first.
DECODER: dict[str, Any] = {
    "generator": "imggen_lib.models.levels:TileDecoder", "generator_options": {"width": 24}, "lr": 5e-4, "r1": 0.3, "r2": 0.3,
    "ema_half_life": 3000.0, "head_start": 6000, "decay_start": 40_000, "decay_end": 60_000,
}  # fmt: skip
#: What the second GAN has more: a decoder in which neighbours can agree, and a critic that marks each tile.
LOCAL: dict[str, Any] = {
    "generator_options": {"width": 24, "blocks": 2}, "critic_options": {"width": 24, "local": 48}, "decay_end": 150_000,
}  # fmt: skip
GANS = {"levels-gan": DECODER, "levels-gan-local": DECODER | LOCAL}
ORDERS = {
    "easy": Order(gaps=2),
    "rare": Order(gaps=6, pipe_tiles=8, enemies=3),
    "rare, with jumps": Order(jumps=5, gaps=6, pipe_tiles=8, enemies=3),
}
ASKED = (2, 4, 6)
PARTS = ("sets", "originals", "searches")
BUDGETS = (1500, 5000, 20_000, 50_000)  # the agent's nodes for the corpus's levels
NEW = 0.05  # the share of tiles in which a level that counts as new differs from every training window


def windows() -> tuple[np.ndarray, np.ndarray]:
    """Windows of 160 levels to learn from, and of 40 others that no model sees."""
    learn, held_out = grammar.split()
    return tiles.all_windows(learn), tiles.all_windows(held_out)


def some(levels: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """`n` of them at random."""
    return levels[torch.randperm(len(levels), generator=generator_for(seed))[:n].numpy()]


def fresh(name: str, data: ImageSet) -> Run:
    """The run of a model that ships, before its first step."""
    if name in BETAS:
        beta, images = BETAS[name]
        return start(models.vae_config(beta=beta, schedule_images=images, model_options={"width": 24}), data, "cpu")
    vae = models.pretrained("levels-vae")
    run = start(models.gan_config(**GANS[name]), data, "cpu")
    for net in (run.state.generator, run.state.ema):  # type: ignore[union-attr]
        net.begin(vae.model(), *models.codes_from_json(vae.meta["card"]["codes"]))  # type: ignore[operator]
    return run


def trained(name: str, runs: Path) -> Run:
    """The run of a model that ships, at its end: gone on with where its folder below `runs` is."""
    data, folder = models.level_set(windows()[0], "grammar"), runs / name
    run = resume(folder, data, "cpu") if (folder / "checkpoint.json").exists() else fresh(name, data)
    for end, images in ((BETAS[name][1],) * 2,) if name in BETAS else GAN_STAGES[name]:
        if run.state.images < images:
            for _ in run.plan(images=end).records(images):
                pass
            run.save(folder)
    return run


def card_of(run: Run) -> dict[str, Any]:
    """What the card says of a model's quality; of a VAE the density of codes, too."""
    learn, held_out = windows()
    quality: dict[str, Any] = {"protocol": f"{N} levels, seeds from 0; agent with at most {NODES} nodes"}
    card: dict[str, Any] = {"seed": run.config.seed}
    if isinstance(run.config, VaeConfig):
        model = run.state.model  # type: ignore[union-attr]
        elbo, error = evaluate_elbo(model, models.level_set(some(held_out, 1000)).floats())
        quality |= {"held_out_elbo_nats": round(elbo, 2), "held_out_elbo_standard_error": round(error, 2)}
        codes = models.fit_codes(model, models.level_set(some(learn, 4000)).floats())
        card["codes"] = models.codes_to_json(codes)
        made = models.draw_levels(model, N, codes=codes)
    else:
        made = models.draw_levels(run.state.ema, N)  # type: ignore[union-attr]
    quality |= {name: cell[0] for name, cell in described(made, learn)["cells"].items()}
    return card | {"quality": quality}


def train(names: Sequence[str], runs: Path) -> None:
    """Train and release these models."""
    for name in names:
        run = trained(name, runs)
        about = {
            "command": f"python scripts/records/levels.py train {name}",
            "source": f"the book's repository, tag v{imggen_lib.__version__}; the installed package has the library alone",
            "licence": "MIT, trained by this book on levels that its own grammar made",
        }
        with TemporaryDirectory() as folder:
            run.save(folder)
            print(checkpoint.release(checkpoint.load(folder), name, about | card_of(run), models.WEIGHTS))


def played(level: np.ndarray) -> Proof:
    """The agent with the search's budget."""
    return solve(level, nodes=NODES)


def described(levels: np.ndarray, learn: np.ndarray) -> dict[str, Any]:
    """What is measured of a set of levels: value, interval and n of each; and the counts behind them."""
    n, proofs = len(levels), [played(level) for level in levels]
    piped = [level for level in levels if measures.pipe_tiles(level)]
    broken = sum(measures.broken_pipes(level) > 0 for level in piped)
    finished = sum(p.finished for p in proofs)
    kept = len({level.tobytes() for level in levels})
    near = [measures.nearest(level, learn) / level.size for level in some(levels, min(n, 60))]
    cells = {"playable": share(finished, n), "distinct": share(kept, n), "with pipes": share(len(piped), n)}
    if piped:
        cells["pipes broken"] = share(broken, len(piped))
    for name, values, most in (
        ("richness", [measures.richness(level) for level in levels], MOST),
        ("gaps", [measures.gaps(level) for level in levels], levels.shape[2]),
        ("enemies", [measures.enemies(level) for level in levels], MOST),
        ("jumps", [p.jumps for p in proofs if p.finished], MOST),
        ("nearest", near, 1),
    ):
        cells[name] = mean(values, most)
    cells["floating enemies"] = share(sum(measures.floating_enemies(level) > 0 for level in levels), n)
    cells["new"] = share(sum(value >= NEW for value in near), len(near))
    given_up = sum(p.outcome == "out of nodes" for p in proofs)
    print({name: cell[0] for name, cell in cells.items()}, flush=True)
    return {"cells": cells, "n": n, "out of nodes": given_up}


def share(k: int, n: int) -> tuple[float, float, float, int]:
    """A share with Wilson's interval."""
    low, high = wilson_interval(k, n)
    return round(k / n, 4), round(low, 4), round(high, 4), n


def mean(values: Sequence[float], most: float) -> tuple[float, float, float, int]:
    """A mean of values from 0 to `most` with an interval that stays there."""
    if len(values) < 2:
        return 0.0, 0.0, float(most), max(1, len(values))
    found = bounded_mean(torch.tensor(values, dtype=torch.float64), 0, most)
    return round(found.value, 4), round(found.low, 4), round(found.high, 4), len(values)


def shuffled(levels: np.ndarray, seed: int = 0) -> np.ndarray:
    """The trivial baseline: the columns of each level in random order."""
    random = np.random.default_rng(seed)
    return np.stack([level[:, random.permutation(level.shape[1])] for level in levels])


def sets(learn: np.ndarray, held_out: np.ndarray) -> dict[str, np.ndarray]:
    """The sets of levels that are compared."""
    vae, flat = (models.pretrained(name) for name in ("levels-vae", "levels-vae-beta1"))
    codes = models.codes_from_json(vae.meta["card"]["codes"])
    found = {
        "held-out windows": some(held_out, N),
        "shuffled columns": shuffled(some(held_out, N)),
        "VAE, beta 1": models.draw_levels(flat.model(), N),
        "VAE, beta 1, tiles drawn": models.draw_tiles(flat.model(), N),
        "VAE, beta 0.05, prior": models.draw_levels(vae.model(), N),
        "VAE, beta 0.05": models.draw_levels(vae.model(), N, codes=codes),
        "GAN": models.draw_levels(models.pretrained("levels-gan").model(), N),
        "GAN, local critic": models.draw_levels(models.pretrained("levels-gan-local").model(), N),
    }
    for name in ("VAE, beta 0.05", "GAN", "GAN, local critic"):
        found[f"{name}, mended"] = np.stack([repair.mended(level) for level in found[name]])
    if corpus.at_hand():
        found["corpus windows"] = some(tiles.all_windows(corpus.split()[0]), N)
    return found


def one_search(found: Found, learn: np.ndarray) -> dict[str, Any]:
    """What is kept of a search."""
    proof = solve(found.level, nodes=PROOF)
    return {
        "off": round(found.off, 5),
        "runs": found.runs if found.off == 0 else None,
        "finished": proof.finished,
        "broken": measures.broken_pipes(found.level),
        "jumps": found.trial.jumps,
        "nearest": measures.nearest(found.level, learn),
        "text": tiles.level_text(found.level),
    }


def searches(learn: np.ndarray) -> dict[str, Any]:
    """Every order by every search, paired by seed; and what the difference of random search and CMA-ES is."""
    model = models.pretrained("levels-gan").model()

    def decode(noise: torch.Tensor) -> np.ndarray:
        return models.decode_levels(model, noise)

    found: dict[str, Any] = {}
    for name, order in ORDERS.items():
        ways = {"CMA-ES": evolve, "best of N": best_of, "sifted": sift}
        rows = {
            way: [one_search(run(decode, DIM, order, played, budget=BUDGET, seed=1000 * k), learn) for k in range(SEEDS)]
            for way, run in ways.items()
        }
        off = {way: [row["off"] for row in several] for way, several in rows.items()}
        gained = {f"{way} less {other}": paired_difference(off[way], off[other])
                  for way, other in (("CMA-ES", "best of N"), ("CMA-ES", "sifted"))}  # fmt: skip
        found[name] = {"rows": rows, "differences": gained}
        print(name, {way: round(fmean(values), 3) for way, values in off.items()}, gained, flush=True)
    asked = [
        (jumps, one_search(evolve(decode, DIM, Order(jumps=jumps), played, budget=BUDGET, seed=1000 * k + jumps), learn))
        for jumps in ASKED
        for k in range(SEEDS)
    ]
    pairs = [(jumps, row["jumps"]) for jumps, row in asked]
    found["difficulty"] = {"pairs": pairs, "rank correlation": rank_correlation(pairs)}
    print("difficulty", found["difficulty"], flush=True)
    return found


def rank_correlation(pairs: Sequence[tuple[float, float]], draws: int = 2000) -> tuple[float, float, float, int]:
    """Spearman's rank correlation with a percentile bootstrap interval over the searches."""
    from scipy.stats import bootstrap, spearmanr

    asked, found = np.array(pairs, dtype=float).T

    def rho(a: np.ndarray, b: np.ndarray) -> float:
        return float(spearmanr(a, b).statistic) if a.std() and b.std() else 0.0

    how: dict[str, Any] = {"paired": True, "vectorized": False, "method": "percentile", "n_resamples": draws}
    low, high = bootstrap((asked, found), rho, random_state=np.random.default_rng(0), **how).confidence_interval
    return round(rho(asked, found), 4), round(float(low), 4), round(float(high), 4), len(asked)


def originals() -> dict[str, Any]:
    """What the agent does with the corpus's levels: its outcome and nodes for each, and the levels finished within each budget."""
    rows = {name: solve(level, nodes=BUDGETS[-1]) for name, level in corpus.levels().items()}
    finished = {str(most): sum(p.finished and p.nodes <= most for p in rows.values()) for most in BUDGETS}
    kept = {name: {"outcome": p.outcome, "nodes": p.nodes, "frames": p.frames, "jumps": p.jumps} for name, p in rows.items()}
    return {"finished": finished, "levels": kept}


def measure(parts: Sequence[str]) -> dict[str, Any]:
    """These parts of the record."""
    learn, held_out = windows()
    found: dict[str, Any] = {}
    if "sets" in parts:
        found["sets"] = {name: described(levels, learn) for name, levels in sets(learn, held_out).items()}
    if "originals" in parts and corpus.at_hand():
        found["originals"] = originals()
    return found | ({"searches": searches(learn)} if "searches" in parts else {})


def main() -> None:
    """Train, or measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("names", nargs="*", help="of models to train, or parts to measure anew: the others stay; all if left out")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.names or [*BETAS, *GANS], arguments.runs)
        return
    about = {
        "command": "python scripts/records/levels.py measure",
        "protocol": {"levels": N, "agent_nodes": NODES, "proof_nodes": PROOF, "searches": SEEDS, "trials_a_search": BUDGET},
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "imggen_lib": imggen_lib.__version__},
        "machine": "CPU, one thread",
    }
    known = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.names and arguments.out.exists() else {}
    record = known | about | measure(arguments.names or PARTS)
    arguments.out.write_text(json.dumps({name: record[name] for name in (*about, *PARTS) if name in record}, indent=1) + "\n")


if __name__ == "__main__":
    main()
