"""The repository's address: how it is written, where it is looked for, which buttons it gives, and where the library fits."""

import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from colab import installed, judge, pins
from forge import CONFIG, NOTEBOOKS, Address, address, configured, forge, normal, write
from packaging.requirements import Requirement
from packaging.version import Version
from test_install import changes

ROOT = Path(__file__).parents[2]
OURS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
GITHUB = "https://github.com/owner/name"
GITHUBS = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "owner/name", "GITHUB_REF_NAME": "draft"}
GITLABS = {"CI_PROJECT_URL": "https://git.example.org/group/part/name", "CI_COMMIT_REF_NAME": "draft"}


@pytest.mark.parametrize(
    "written",
    [GITHUB, f"{GITHUB}/", f"{GITHUB}.git", f" {GITHUB}\n", "git@github.com:owner/name.git", "ssh://git@github.com/owner/name"],
)
def test_an_address_is_understood_however_it_is_written(written: str) -> None:
    assert normal(written) == GITHUB


@pytest.mark.parametrize(
    "written", ["owner/name", "https://github.com/owner", "https://me:secret@github.com/o/n", "ftp://a/b/c", "a b"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a repository"):
        normal(written)


def test_the_environment_comes_before_the_configuration() -> None:
    there = Address("https://codeberg.org/a/b", "trunk", "")
    assert address({}, there) == there
    assert address({"REPO": ""}, there) == there
    assert address(GITHUBS, there) == Address(GITHUB, "draft", "github")
    assert address(GITLABS, there) == Address("https://git.example.org/group/part/name", "draft", "gitlab")
    assert address({**GITLABS, **GITHUBS}, there).url == GITHUB
    own = {**GITHUBS, "REPO": "git@gitlab.com:x/y.git"}
    assert address(own, there) == Address("https://gitlab.com/x/y", "trunk", "gitlab")
    assert address({**own, "REPO_BRANCH": "v1"}, there).branch == "v1"


def test_a_pull_request_does_not_lend_its_branch() -> None:
    there = Address("", "main", "")
    assert address({**GITHUBS, "GITHUB_REF_NAME": "12/merge", "GITHUB_HEAD_REF": "patch"}, there).branch == "main"
    assert address({**GITLABS, "CI_MERGE_REQUEST_IID": "3"}, there).branch == "main"


def test_the_forge_is_read_from_the_host() -> None:
    assert [forge(u) for u in (GITHUB, "https://gitlab.example.org/a/b", "https://codeberg.org/github/b", "")] == [
        "github",
        "gitlab",
        "",
        "",
    ]


def test_where_the_pages_are_is_read_from_the_address() -> None:
    known = {
        GITHUB: "https://owner.github.io/name/",
        "https://github.com/Owner/owner.github.io": "https://owner.github.io/",
        "https://gitlab.com/group/name": "https://group.gitlab.io/name/",
    }
    for url in (*known, "https://gitlab.com/group/part/name", "https://github.example.org/a/b", "https://codeberg.org/a/b", ""):
        assert Address(url, "main", forge(url)).pages == known.get(url, "")


@pytest.mark.parametrize(
    "before", [CONFIG.read_text(encoding="utf-8"), "title: A\n\nrepository:\n  # why\n  url: x\nhtml: {}\n", "title: A\n"]
)
def test_writing_the_address_changes_nothing_else(before: str, tmp_path: Path) -> None:
    config = tmp_path / "_config.yml"
    config.write_text(before, encoding="utf-8")
    write(f"{GITHUB}.git", "trunk", config)
    assert configured(config) == Address(GITHUB, "trunk", "github")
    old, new = yaml.safe_load(before), yaml.safe_load(config.read_text(encoding="utf-8"))
    assert {k: v for k, v in new.items() if k != "repository"} == {k: v for k, v in old.items() if k != "repository"}
    write("", "main", config)
    assert configured(config) == Address("", "main", "")


def test_buttons_are_absent_rather_than_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    from repository import options

    def launched(url: str) -> set[str]:
        return {key for key in options(Address(url, "main", forge(url)))["launch_buttons"] if key.endswith("_url")}

    assert launched(GITHUB) == {"binderhub_url", "colab_url"}
    assert launched("https://gitlab.com/a/b") == {"binderhub_url"}
    assert (
        launched("https://gitlab.com/a/b/c")
        == launched("https://github.example.org/a/b")
        == launched("https://codeberg.org/a/b")
        == set()
    )
    assert options(Address(GITHUB, "main", "github"))["repository_branch"] == NOTEBOOKS
    assert options(Address("https://gitlab.com/a/b", "main", "gitlab"))["repository_branch"] == "main"
    none = options(Address("", "main", ""))
    assert not any(none.values())
    assert set(none) <= set(options(Address(GITHUB, "main", "github"))), "an option of one address would stay for another"
    assert not options(Address("https://codeberg.org/a/b", "main", ""))["use_issues_button"]


# What Colab had in its runtime 2026.01: the lines about what the library needs, and one of each form, of pip-freeze.txt in
# https://github.com/googlecolab/backend-info at bd8aaa4580401a7fbf96a52fab5a7acf96f50b73. That runtime has Python 3.12.12.
COLAB = """
# Do not modify this file directly
anywidget==0.9.21
en_core_web_sm @ https://github.com/explosion/spacy-models/releases/download/en_core_web_sm-3.8.0/en_core_web_sm-3.8.0-py3-none-any.whl#sha256=19
fonttools==4.61.1
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
ipywidgets==7.7.1
jupyter_kernel_gateway @ git+https://github.com/googlecolab/kernel_gateway@b134e9945df25c2dcb98ade9129399be10788671
matplotlib==3.10.0
numpy==2.0.2
pillow==11.3.0
platformdirs==4.5.1
safetensors==0.7.0
scikit-image==0.25.2
scikit-learn==1.6.1
scipy==1.16.3
shapely==2.1.2
torch==2.9.0+cpu
torchvision==0.24.0+cpu
traitlets==5.7.1
tqdm==4.67.1
"""


def test_the_library_fits_beside_what_colab_has() -> None:
    verdict = judge(map(Requirement, OURS), installed(COLAB), "3.12")
    assert verdict.conflicts == []
    assert [r.name for r in verdict.added] == ["cma", "coloraide", "jaxtyping"]
    assert len(verdict.met) == len(OURS) - 3


def test_a_list_of_packages_is_read_in_all_its_forms() -> None:
    have = installed(COLAB)
    assert have["torch"] == Version("2.9.0+cpu") and have["en-core-web-sm"] == Version("3.8.0")
    assert have["google-colab"] == Version("1.0.0") and have["jupyter-kernel-gateway"] is None
    assert len(have) == 20 - 1 and "torch==2.9.0\n" in pins(have) and "kernel" not in pins(have)


def test_every_outcome_of_a_requirement() -> None:
    have = installed("here==2.0\nold==1.0\nearly==3.0rc1\nunknown @ git+https://example.org/unknown\n")
    wanted = ["here>=1", "old>=1.5", "early>=2", "absent>=4", "unknown>=1", "elsewhere; python_version < '3.9'"]
    verdict = judge(map(Requirement, wanted), have, "3.12")
    assert verdict.met == ["here 2.0", "early 3.0rc1"]
    assert [str(r) for r in verdict.added] == ["absent>=4"]
    assert [c.split(":")[0] for c in verdict.conflicts] == ["old>=1.5", "unknown>=1"]


def test_a_replaced_package_is_noticed() -> None:
    before = {"torch": "2.9.0+cpu", "numpy": "2.0.2", "six": "1"}
    assert changes(before, {**before, "imggen-lib": "0.1.0"}) == []
    assert changes(before, {"torch": "2.10.0", "numpy": "2.0.2"}) == ["torch 2.9.0+cpu became 2.10.0", "six 1 became nothing"]


def test_binder_gets_the_library_s_dependencies_and_no_cuda() -> None:
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
    conda = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
    bounds = [(conda.get(r.name, r.name), str(r.specifier)) for r in map(Requirement, OURS)]
    assert environment["dependencies"][3:] == [name + bound for name, bound in bounds]
    for script in ("postBuild", "start"):
        path = ROOT / ".binder" / script
        assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
        assert sys.platform == "win32" or path.stat().st_mode & 0o111, f"{script} cannot be executed"
