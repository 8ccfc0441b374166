"""What ``pytest --nbval`` needs to compare this book's notebooks, so that nobody has to type it: ``pytest --nbval book`` is enough.

Nothing here does anything unless nbval is active. Then the kernel is the environment that pytest runs in, what may differ between
machines is masked (``sanitize.cfg``), a notebook stays with one worker, and kernels have one thread and no GPU: two that wait for
each other are many times slower, and with a GPU chapters train on more images, so that other numbers are printed.

The chapters are about MNIST. Where it is neither at hand nor to be downloaded they run on glyphs all the same, but their stored
outputs, which are MNIST's, are not compared; the last lines say so.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
SANITIZE = ROOT / "sanitize.cfg"
SECONDS = 900.0  # for one cell; nbval's own limit is 2,000
ABOUT_MNIST = 'load_or_glyphs(\\"mnist\\"'
WITHOUT = "IMGGEN_NBVAL_WITHOUT_MNIST"  # set for the workers, which are processes of their own


def _active(config: pytest.Config) -> bool:
    return bool(config.getoption("nbval", False) or config.getoption("nbval_lax", False))


def _mnist_is_missing() -> bool:
    from imggen_lib.data import load
    from imggen_lib.errors import DataUnavailable

    try:
        load("mnist", "train"), load("mnist", "test")
    except DataUnavailable:
        return True
    return False


@pytest.hookimpl(tryfirst=True)  # before xdist starts its workers
def pytest_configure(config: pytest.Config) -> None:
    if not _active(config):
        return
    option = config.option
    option.nbval_sanitize_with = option.nbval_sanitize_with or str(SANITIZE)
    option.nbval_current_env = option.nbval_current_env or not option.nbval_kernel_name
    if option.nbval_cell_timeout == 2000:
        option.nbval_cell_timeout = SECONDS
    if getattr(option, "dist", "no") in ("load", "worksteal"):
        option.dist, option.loadscopereorder = "loadfile", False  # the cells of a notebook need each other, in their order
    if hasattr(config, "workerinput"):
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    if _mnist_is_missing():
        os.environ |= {WITHOUT: "1", "IMGGEN_OFFLINE": "1"}
    else:
        os.environ.pop(WITHOUT, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (_active(config) and os.environ.get(WITHOUT)):
        return
    about = {i.path for i in items if i.path.suffix == ".ipynb" and ABOUT_MNIST in i.path.read_text(encoding="utf-8")}
    for item in items:
        if item.path in about:
            item.options["check"] = False  # type: ignore[attr-defined]  # a cell of nbval's


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    if _active(config) and os.environ.get(WITHOUT):
        terminalreporter.write_line(
            "\nNOTE: MNIST is not at hand and could not be downloaded. The chapters about it ran on glyphs instead, and their "
            "stored outputs were NOT compared. Set IMGGEN_DATA to a folder that holds MNIST/raw to have them compared."
        )
