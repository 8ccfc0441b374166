"""The repository's address: how it is written, where it stands (``_config.yml``), and what the environment says of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "_config.yml"
NOTEBOOKS = "notebooks"  # the branch of the notebooks that readers open; scripts/site/branch.py makes it
BLOCK = re.compile(r"^repository:\n(?:[ \t]+\S.*\n)*", re.M)


class Address(NamedTuple):
    """Where the repository is: ``https://host/owner/name`` or "", a branch, and the kind of forge ("" if that is unknown)."""

    url: str
    branch: str
    forge: str

    @property
    def pages(self) -> str:
        """Where the forge publishes the repository's pages, for github.com and gitlab.com without subgroups; else ""."""
        host, _, path = self.url.removeprefix("https://").partition("/")
        owner, _, name = path.partition("/")
        if host not in ("github.com", "gitlab.com") or "/" in name:
            return ""
        there = f"{owner.lower()}.{host.split('.')[0]}.io"
        return f"https://{there}/" if name.lower() == there else f"https://{there}/{name}/"


def normal(url: str) -> str:
    """``https://host/owner/name`` from any usual way to write an address, "" from "".

    Raises:
        ValueError: if it is neither.
    """
    ssh = re.fullmatch(r"(?:ssh://)?git@([\w.-]+)[:/](.+)", url.strip())
    plain = (f"https://{ssh[1]}/{ssh[2]}" if ssh else url.strip()).rstrip("/").removesuffix(".git")
    if plain and not re.fullmatch(r"https?://[\w.:-]+(/[\w.~-]+){2,}", plain):
        raise ValueError(f"{url!r} is not the address of a repository, such as https://github.com/owner/name")
    return plain


def forge(url: str) -> str:
    """``github``, ``gitlab`` or ``bitbucket`` if the host's name says so, else ""."""
    host = url.split("/")[2] if url else ""
    return next((name for name in ("github", "gitlab", "bitbucket") if name in host), "")


def configured(config: Path = CONFIG) -> Address:
    """What ``_config.yml`` says; no address if it says nothing."""
    block = yaml.safe_load(config.read_text(encoding="utf-8")).get("repository") or {}
    url = normal(block.get("url") or "")
    return Address(url, block.get("branch") or "main", forge(url))


def address(environment: Mapping[str, str], otherwise: Address) -> Address:
    """What the environment says (``REPO``, then GitHub's own variables, then GitLab's), else ``otherwise``."""
    said = environment.get
    if said("REPO"):
        url = normal(environment["REPO"])
        return Address(url, said("REPO_BRANCH") or otherwise.branch, forge(url))
    if said("GITHUB_SERVER_URL") and said("GITHUB_REPOSITORY"):
        # A pull request's ref is no branch of this repository.
        branch = "" if said("GITHUB_HEAD_REF") else said("GITHUB_REF_NAME")
        return Address(normal(f"{said('GITHUB_SERVER_URL')}/{said('GITHUB_REPOSITORY')}"), branch or otherwise.branch, "github")
    if said("CI_PROJECT_URL"):
        branch = "" if said("CI_MERGE_REQUEST_IID") else said("CI_COMMIT_REF_NAME")
        return Address(normal(environment["CI_PROJECT_URL"]), branch or otherwise.branch, "gitlab")
    return otherwise


def write(url: str, branch: str, config: Path = CONFIG) -> None:
    """Put the address into ``_config.yml``; everything else in it stays."""
    block = f'repository:\n  url: "{normal(url)}"\n  branch: {branch}\n'
    text = config.read_text(encoding="utf-8")
    changed = BLOCK.sub(lambda _: block, text) if BLOCK.search(text) else f"{text.rstrip()}\n\n{block}"
    config.write_text(changed, encoding="utf-8")
    assert configured(config)[:2] == (normal(url), branch)
