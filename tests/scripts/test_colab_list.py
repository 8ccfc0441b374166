"""The list of Colab's versions: the library fits beside it, and where it is old or says nothing, that is told."""

import sys
import tomllib
from pathlib import Path

import pytest
import test_colab
from colab import OURS, installed, judge, outdated, public
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIST = OURS.read_text(encoding="utf-8")


def test_the_library_fits_beside_the_list() -> None:
    number, have = test_colab.version(LIST), installed(LIST)
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{number}.0")
    verdict = judge(map(Requirement, PROJECT["dependencies"]), have, number)
    assert verdict.conflicts == [] and {"torch", "torchvision", "numpy", "anywidget"} <= set(have)
    assert "github.com/googlecolab/backend-info" in LIST, "a list needs its source"
    pinned = [line for line in LIST.splitlines() if line and not line.startswith("#")]
    assert pinned == sorted(pinned) and len(pinned) == len(have) and all(have.values())


def test_a_version_that_colab_does_not_have_any_more_is_named() -> None:
    now = public(installed("torch==2.11.0+cpu\nnumpy==2.2.0\n"))
    ours = installed("torch==2.11.0\nnumpy==2.1.3\ntornado==6.5.7\n")
    assert outdated(ours, now) == ["colab.txt has numpy 2.1.3, Colab 2.2.0", "colab.txt has tornado 6.5.7, Colab None"]


def test_the_python_is_one_of_the_version_that_is_wanted() -> None:
    here = "{}.{}".format(*sys.version_info)
    assert test_colab.interpreter(here) == sys.executable and test_colab.interpreter("3.2") is None
    assert not test_colab.works(sys.executable, "3.2")
    with pytest.raises(ValueError, match="version of Python"):
        test_colab.version("torch==2.11.0\n")
