"""What every program here does alike: read what it is given, time itself, write its answer. Needs Python 3.7 and NumPy.

`python in_NAME.py inputs.npz answer.npz` computes, and prints one line of JSON: versions, import seconds, milliseconds per image.
"""

import json
import os
import platform
import sys
import time

START = time.process_time()  # before NumPy, so that its import counts for every tool
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

LR, BETA1, BETA2, EPS = 1.5e-3, 0.9, 0.999, 1e-8  # Adam's
WEIGHTS = ["e1.w", "e1.b", "e2.w", "e2.b", "q.w", "q.b", "d1.w", "d1.b", "d2.w", "d2.b", "d3.w", "d3.b", "bias"]


def given():
    """The arrays of the file that the command names, by their names."""
    with np.load(sys.argv[1]) as file:
        return {name: file[name] for name in file.files}


def milliseconds(decode, z, times):
    """Processor milliseconds of `decode(z)`, the median of `times` calls after one that does not count."""
    decode(z)
    found = []
    for _ in range(times):
        start = time.process_time()
        decode(z)
        found.append(1000 * (time.process_time() - start))
    return sorted(found)[times // 2]


def answer(tool, version, decode, imported, **arrays):
    """Time `decode` (latents to pixels in [-1, 1]), write `arrays` and its pixels, print the line; `imported`: the imports' end."""
    latents = given()["z"]
    arrays["pixels"] = decode(latents)
    one, hundred = milliseconds(decode, latents[:1], 60), milliseconds(decode, latents, 20)
    np.savez(sys.argv[2], **{name: np.asarray(value) for name, value in arrays.items()})
    line = {"tool": tool, "version": version, "python": platform.python_version(), "import_s": round(imported - START, 2)}
    print(json.dumps({**line, "ms_1": round(one, 3), "ms_100": round(hundred / len(latents), 4)}))


def named(prefix, values):
    """`{"prefix.e1.w": ...}` from a dictionary by the weights' names, or from a list in the order of `WEIGHTS`."""
    pairs = values.items() if isinstance(values, dict) else zip(WEIGHTS, values)  # noqa: B905
    return {f"{prefix}.{name}": np.asarray(value) for name, value in pairs}


def first_adam_step(p, grad):
    """The weights after Adam's first step, by hand: both averages begin at 0 and are divided by what they lack."""
    found = {}
    for name in WEIGHTS:
        m, v = (1 - BETA1) * grad[name], (1 - BETA2) * grad[name] ** 2
        found[name] = p[name] - LR * (m / (1 - BETA1)) / ((v / (1 - BETA2)) ** 0.5 + EPS)
    return found
