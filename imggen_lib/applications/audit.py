"""``audit.json``: what was measured, on which data, by which model, in numbers that a program reads and a reader can check.

The file is one object (:data:`SCHEMA` is its JSON Schema):

========== =============================================================================================================
schema     ``imggen-audit/1``
title      what was audited, in words
warnings   sentences that go with the numbers wherever they go, such as *Not for clinical use*
data       ``name``, ``sha256`` of the file or of the images, and how many ``images``; more entries as wanted
model      the same of the model: ``name``, ``sha256``; empty where there is none
thresholds by name: the ``value`` from which on something is called unusual, and how it was ``chosen``
numbers    by name: ``value``, ``low``, ``high``, ``n``, ``level``: a number, its confidence interval, and what it rests on
checks     a list of ``name``, the number ``measured``, ``at_least``, ``at_most`` (a bar, or null), ``passed`` (null without one)
seeds      the seeds of what was random
versions   of this package, PyTorch and Python, and the kind of machine
========== =============================================================================================================

Numbers are finite: JSON has no word for others, and a number that could not be computed belongs into a warning.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imggen_lib import files
from imggen_lib.applications.report import Check, check_all, check_measured
from imggen_lib.applications.verdict import Measured
from imggen_lib.checkpoint import versions
from imggen_lib.metrics.intervals import upper_tail

NAME = "imggen-audit/1"
_BAR = {"type": ["number", "null"]}
_NUMBER = {
    "type": "object",
    "required": ["value", "low", "high", "n", "level"],
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "number"} for name in ("value", "low", "high")},
        "n": {"type": "integer", "minimum": 1},
        "level": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    },
}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_NAMED = {"name": {"type": "string", "minLength": 1}, "sha256": _SHA256}
#: The JSON Schema of the file (draft 2020-12).
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["schema", "title", "warnings", "data", "model", "thresholds", "numbers", "checks", "seeds", "versions"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": NAME},
        "title": {"type": "string", "minLength": 1},
        "warnings": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "data": {
            "type": "object",
            "required": ["name", "sha256", "images"],
            "properties": {**_NAMED, "images": {"type": "integer", "minimum": 1}},
        },
        "model": {
            "anyOf": [{"type": "object", "maxProperties": 0}, {"type": "object", "required": [*_NAMED], "properties": _NAMED}]
        },
        "thresholds": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["value", "chosen"],
                "additionalProperties": False,
                "properties": {"value": {"type": "number"}, "chosen": {"type": "string", "minLength": 1}},
            },
        },
        "numbers": {"type": "object", "minProperties": 1, "additionalProperties": _NUMBER},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "measured", "at_least", "at_most", "passed"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "measured": _NUMBER,
                    "at_least": _BAR,
                    "at_most": _BAR,
                    "passed": {"type": ["boolean", "null"]},
                },
            },
        },
        "seeds": {"type": "array", "items": {"type": "integer"}},
        "versions": {"type": "object", "required": ["imggen_lib", "torch", "python"], "additionalProperties": {"type": "string"}},
    },
}


def _number(measured: Measured, level: float) -> dict[str, Any]:
    value, low, high, n = measured
    return {"value": float(value), "low": float(low), "high": float(high), "n": int(n), "level": level}


def _measured(number: Mapping[str, Any]) -> Measured:
    return Measured(number["value"], number["low"], number["high"], number["n"])


def _judged(check: Check, level: float) -> dict[str, Any]:
    told = {"name": check.name, "measured": _number(check.measured, level)}
    return {**told, "at_least": check.at_least, "at_most": check.at_most, "passed": check.passed}


def audit(
    title: str, *, data: Mapping[str, Any], numbers: Mapping[str, Measured], model: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, tuple[float, str]] | None = None, checks: Sequence[Check] = (), warnings: Sequence[str] = (),
    seeds: Sequence[int] = (), level: float = 0.95,
) -> dict[str, Any]:  # fmt: skip
    """What :func:`write_audit` writes, checked.

    Args:
        title: What was audited.
        data: ``name``, ``sha256`` (64 hexadecimal digits) and ``images`` at least.
        numbers: What was measured, by name.
        model: ``name`` and ``sha256`` at least; None where there is none.
        thresholds: By name, the value and how it was chosen, in words.
        checks: The numbers that had to meet a bar.
        warnings: Sentences that go with the numbers.
        seeds: Of what was random.
        level: Of all intervals.

    Raises:
        ValueError: for a number that is not finite, an interval that is not around its value, and what :data:`SCHEMA` refuses.
    """
    upper_tail(level)
    for name, measured in numbers.items():
        check_measured(name, measured)
    if checks:
        check_all(checks)
    content = {
        "schema": NAME,
        "title": title,
        "warnings": list(warnings),
        "data": dict(data),
        "model": dict(model or {}),
        "thresholds": {name: {"value": float(v), "chosen": how} for name, (v, how) in (thresholds or {}).items()},
        "numbers": {name: _number(measured, level) for name, measured in numbers.items()},
        "checks": [
            {
                "name": c.name,
                "measured": _number(c.measured, level),
                "at_least": c.at_least,
                "at_most": c.at_most,
                "passed": c.passed,
            }
            for c in checks
        ],
        "seeds": list(seeds),
        "versions": versions(),
    }
    check_audit(content)
    return content


def check_audit(content: Mapping[str, Any]) -> None:
    """Raises ``ValueError`` with the place and the reason unless it is what :data:`SCHEMA` describes, with finite numbers."""
    _check(content, SCHEMA, "the audit")
    for name, number in content["numbers"].items():
        check_measured(name, _measured(number))
    judged = [Check(c["name"], _measured(c["measured"]), c["at_least"], c["at_most"]) for c in content["checks"]]
    if judged:
        check_all(judged)
    for check, told in zip(judged, content["checks"], strict=True):
        if check.passed != told["passed"]:
            raise ValueError(f"the check {check.name!r} says passed: {told['passed']}; its number and its bar say {check.passed}")


_TYPES: dict[str, Any] = {
    "object": Mapping, "array": (list, tuple), "string": str, "boolean": bool,
    "null": type(None), "integer": int, "number": (int, float),
}  # fmt: skip


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, _TYPES[kind]) and not (isinstance(value, float) and not math.isfinite(value))


def _check(value: Any, schema: Mapping[str, Any], where: str) -> None:
    """The part of JSON Schema that :data:`SCHEMA` uses, and no number that is not finite anywhere."""
    if "anyOf" in schema:
        _check(value, schema["anyOf"][bool(value)], where)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise ValueError(f"{where} must be {' or '.join(kinds)}, and finite, got {value!r:.60}")
    _check_value(value, schema, where)
    if isinstance(value, Mapping):
        _check_entries(value, schema, where)
    elif isinstance(value, list | tuple):
        for k, item in enumerate(value):
            _check(item, schema.get("items", {}), f"{where}[{k}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} must be finite, got {value}")


def _check_value(value: Any, schema: Mapping[str, Any], where: str) -> None:
    wrong = (
        ("const" in schema and value != schema["const"])
        or ("minLength" in schema and len(value) < schema["minLength"])
        or ("pattern" in schema and not re.fullmatch(schema["pattern"].strip("^$"), value))
        or ("minimum" in schema and value < schema["minimum"])
        or ("exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"])
        or ("exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"])
        or ("minProperties" in schema and len(value) < schema["minProperties"])
    )
    if wrong:
        told = {k: v for k, v in schema.items() if k not in ("type", "properties", "required", "additionalProperties")}
        raise ValueError(f"{where} must be such that {json.dumps(told)}, got {value!r:.60}")


def _check_entries(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> None:
    if missing := [name for name in schema.get("required", ()) if name not in value]:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, item in value.items():
        if name not in known and others is False:
            raise ValueError(f"{where} has an entry {name!r}, which nobody reads")
        _check(item, known.get(name, others), f"{where}.{name}")


def write_audit(path: Path | str, content: Mapping[str, Any]) -> Path:
    """Write the file: checked, whole or not at all, in UTF-8, with its entries in their order."""
    check_audit(content)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return files.write(files.expanded(path), lambda target: target.write_text(text, encoding="utf-8"))


def read_audit(path: Path | str) -> dict[str, Any]:
    """Read such a file. Raises ``ValueError`` if it is none, ``OSError`` if it cannot be read."""
    path = files.expanded(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    check_audit(content)
    return dict(content)
