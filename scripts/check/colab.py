"""Does the library fit beside what Colab has? Checks its dependencies against the output of pip freeze.

    python scripts/check/colab.py pip-freeze.txt [--python 3.13]
    python scripts/check/colab.py --fetch                           # the lists that Colab publishes
    python scripts/check/colab.py scripts/check/colab.txt           # what `make test-colab` runs the notebooks with

A requirement must be met by what is there, or be absent, so that pip adds it. What pip would add is then resolved by pip itself,
with all that is there pinned (--no-resolve leaves that out; it asks the package index). Nothing that is there may be replaced.
With --fetch, `colab.txt` must say what Colab has now.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

ROOT = Path(__file__).parents[2]
OURS = Path(__file__).with_name("colab.txt")
PUBLISHED = "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64")

Have = dict[str, Version | None]


@dataclass
class Verdict:
    """What becomes of each requirement."""

    met: list[str] = field(default_factory=list)
    added: list[Requirement] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def _of_file(address: str) -> Version | None:
    """The version in the name of a wheel or a source archive; None for a repository."""
    name = unquote(urlparse(address).path).rsplit("/", 1)[-1]
    try:
        return parse_wheel_filename(name)[1] if name.endswith(".whl") else parse_sdist_filename(name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def installed(freeze: str) -> Have:
    """Names and versions in the output of ``pip freeze``; None where a line does not tell the version."""
    have: Have = {}
    for line in map(str.strip, freeze.splitlines()):
        if pinned := re.fullmatch(r"([\w.-]+)===?(\S+)", line):
            have[canonicalize_name(pinned[1])] = Version(pinned[2])
        elif direct := re.fullmatch(r"([\w.-]+) @ (\S+)", line):
            have[canonicalize_name(direct[1])] = _of_file(direct[2])
    return have


def judge(requirements: Iterable[Requirement], have: Have, python: str) -> Verdict:
    """Sort requirements into met, to be added, and in conflict with what is there."""
    verdict = Verdict()
    for requirement in requirements:
        if requirement.marker and not requirement.marker.evaluate({"python_version": python, "sys_platform": "linux"}):
            continue
        name = canonicalize_name(requirement.name)
        version = have.get(name)
        if name not in have:
            verdict.added.append(requirement)
        elif version is None:
            verdict.conflicts.append(f"{requirement}: it is there, but not in a version that the list tells")
        elif requirement.specifier.contains(version, prereleases=True):
            verdict.met.append(f"{name} {version}")
        else:
            verdict.conflicts.append(f"{requirement}: {version} is there, and pip would replace it")
    return verdict


def public(have: Have) -> Have:
    """The same without local parts: 2.9.0 for 2.9.0+cpu."""
    return {name: version and Version(version.public) for name, version in have.items()}


def pins(have: Have) -> str:
    """Everything that is there as constraints; a local version such as 2.9.0+cpu is not in the index, so without that part."""
    return "".join(f"{name}=={version}\n" for name, version in public(have).items() if version)


def resolved(added: list[Requirement], have: Have, python: str) -> dict[str, str]:
    """What pip would add, with all that it needs in turn; ``RuntimeError`` if it can only by replacing something."""
    if not added:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "there.txt"
        constraints.write_text(pins(have), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
        command += ["--target", folder, "--only-binary", ":all:", "--python-version", python, "--constraint", str(constraints)]
        command += [part for platform in PLATFORMS for part in ("--platform", platform)]
        done = subprocess.run([*command, *map(str, added)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    found = {canonicalize_name(e["metadata"]["name"]): e["metadata"]["version"] for e in json.loads(done.stdout)["install"]}
    return {name: version for name, version in found.items() if name not in have}


def outdated(ours: Have, have: Have) -> list[str]:
    """Where the list that the notebooks are tested with is not what Colab has any more."""
    return [
        f"{OURS.name} has {name} {version}, Colab {have.get(name)}" for name, version in ours.items() if have.get(name) != version
    ]


def fetched(name: str) -> str:
    """One of the files that Colab publishes; ends the program in one line if it cannot be had."""
    try:
        with urllib.request.urlopen(PUBLISHED + name, timeout=60) as answer:
            return str(answer.read().decode())
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.exit(f"{PUBLISHED}{name} cannot be fetched: {type(error).__name__}: {error}")


def report(freeze: str, python: str, resolve: bool) -> bool:
    """Print what becomes of each of the library's dependencies; True if it fits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    have = installed(freeze)
    verdict = judge(map(Requirement, project["dependencies"]), have, python)
    if not SpecifierSet(project["requires-python"]).contains(f"{python}.99"):
        verdict.conflicts.append(f"Python {project['requires-python']}: {python} is there")
    adds = ", ".join(map(str, verdict.added))
    if resolve and not verdict.conflicts:
        try:
            adds = ", ".join(f"{name} {version}" for name, version in resolved(verdict.added, have, python).items())
        except RuntimeError as error:
            verdict.conflicts.append(f"pip cannot add {adds} to what is there:\n{error}")
    print(f"{len(have)} packages for Python {python}")
    print("met:", ", ".join(verdict.met) or "none")
    print("pip adds:", adds or "nothing")
    print("conflicts:", "\n  ".join(["", *verdict.conflicts]) if verdict.conflicts else "none")
    return not verdict.conflicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("freeze", nargs="?", type=Path, help="a file with the output of pip freeze")
    parser.add_argument("--fetch", action="store_true", help="take the lists that Colab publishes")
    parser.add_argument("--python", default="3.13", help="Python's version, where a file is given (default 3.13)")
    parser.add_argument("--no-resolve", action="store_true", help="do not ask the package index")
    args = parser.parse_args()
    if args.fetch == bool(args.freeze):
        parser.error("name a file, or --fetch")
    old: list[str] = []
    if args.fetch:
        python = re.search(r"^Python (\d+\.\d+)", fetched("os-info.txt"), re.M)
        freeze, args.python = fetched("pip-freeze.txt"), python[1] if python else args.python
        old = outdated(installed(OURS.read_text(encoding="utf-8")), public(installed(freeze)))
        print("\n".join(old) or f"{OURS.name} is what Colab has")
    else:
        freeze = args.freeze.read_text(encoding="utf-8")
    fits = report(freeze, args.python, not args.no_resolve)
    sys.exit(not fits or bool(old))


if __name__ == "__main__":
    main()
