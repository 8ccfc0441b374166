"""The forge's workflows call targets that exist, on versions of Python that are allowed, with pinned actions and few rights."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)


def _read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in _read(path)["jobs"].values() for step in job["steps"]]


@every_workflow
def test_targets_and_scripts_exist(path: Path) -> None:
    commands = "\n".join(step.get("run", "") for step in _steps(path))
    targets = set(re.findall(r"(?:^|[;&|] *)make ([a-z-]+)", commands, re.M))
    assert targets <= TARGETS, f"no such target: {targets - TARGETS}"
    for script in re.findall(r"scripts/[\w/]+\.py", commands):
        assert (ROOT / script).exists(), script


def test_ci_runs_what_the_project_promises() -> None:
    commands = [step.get("run", "") for step in _steps(ROOT / ".github" / "workflows" / "ci.yml")]
    promised = re.findall(r"^make ([a-z -]+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    for target in " ".join(promised).split():
        parts = {"test": ["test-unit", "test-notebooks"]}.get(target, [target])
        assert all(f"make {part}" in commands for part in parts), target


def test_the_matrix_is_what_pyproject_allows() -> None:
    matrix = _read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["make"]["strategy"]["matrix"]
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"])
    versions = matrix["python"]
    assert all(isinstance(v, str) and allowed.contains(v) for v in versions), "3.10 without quotes is 3.1"
    minor = [int(v.split(".")[1]) for v in versions]
    assert minor == list(range(minor[0], minor[0] + len(minor))) and not allowed.contains(f"3.{minor[0] - 1}.99")
    assert {s.split("-")[0] for s in matrix["system"]} == {"ubuntu", "macos", "windows"}


@every_workflow
def test_other_jobs_use_an_allowed_python(path: Path) -> None:
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"])
    versions = [str(s["with"]["python-version"]) for s in _steps(path) if "setup-python" in s.get("uses", "")]
    assert versions and all(v.startswith("${{ matrix.") or allowed.contains(v) for v in versions)


def test_actions_are_pinned_by_commit_and_to_one_version_each() -> None:
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for name, commit in re.findall(r"uses: (\S+?)@(.+)$", path.read_text(encoding="utf-8"), re.M):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", commit), f"{path.name}: {name}@{commit}"
            used.setdefault(name, set()).add(commit)
    assert used and all(len(commits) == 1 for commits in used.values()), used


@every_workflow
def test_rights_are_as_small_as_they_can_be(path: Path) -> None:
    workflow = _read(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    site = {"publish": {"pages": "write", "id-token": "write"}, "notebooks": {"actions": "read", "contents": "write"}}
    allowed = {"site": site, "weekly": {"report": {"issues": "write"}}}
    assert more == allowed.get(path.stem, {})
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job, "a job that hangs costs six hours"
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "what others write must not become part of a command"
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_a_failure_of_any_weekly_check_becomes_an_issue() -> None:
    jobs = _read(ROOT / ".github" / "workflows" / "weekly.yml")["jobs"]
    assert set(jobs["report"]["needs"]) == set(jobs) - {"report"} and jobs["report"]["if"] == "failure()"
