"""A model card in Markdown, in the form of the Hugging Face hub: what a model is for, what not, what was measured, and its limits.

Source: Mitchell et al. 2019, Model Cards for Model Reporting.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from imggen_lib import hub
from imggen_lib.applications.report import TEXTS as WORDS
from imggen_lib.applications.report import Check, bar_said, check_all, outcome, said, summary

TEXTS: dict[str, str] = {
    "use": "What it is for",
    "not_for": "What it is not for",
    "checks": "What was measured",
    "limits": "Limits",
    "sources": "Data and licences",
}
_TAG = re.compile(r"[a-z0-9][a-z0-9.+-]{0,39}")


def card(
    name: str, *, use: str, not_for: str, limits: Sequence[str], checks: Sequence[Check], license: str,
    warnings: Sequence[str] = (), sources: Sequence[str] = (), tags: Sequence[str] = (),
    meta: Mapping[str, Any] | None = None, texts: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The card as text: YAML for the hub's search, then warnings, use, limits and the table of checks.

    Args:
        name: Of the model.
        use: What it is for, and for whom, in a paragraph.
        not_for: What nobody should use it for.
        limits: What is known not to work, a sentence each; at least one, because every model has some.
        checks: What was measured, with intervals and bars, failed ones included.
        license: The hub's word for it, such as ``mit`` or ``cc-by-4.0``.
        warnings: Sentences for the top of the card.
        sources: The data and their licences, a sentence each.
        tags: More words for the hub's search, such as ``medical``; lower-case letters, digits, dots and hyphens.
        meta: A checkpoint's ``meta``, of which :func:`imggen_lib.hub.readme` says the rest.
        texts: Entries that replace those of :data:`TEXTS` and of the report's ``TEXTS``.

    Raises:
        ValueError: for a license or a tag that the hub would not take, for no limits, and for numbers that are not finite.
    """
    unknown = set(texts or {}) - TEXTS.keys() - WORDS.keys()
    if unknown:
        raise ValueError(f"there is no text {min(unknown)!r}; the names are {', '.join([*TEXTS, *WORDS])}")
    if not all((name, use, not_for, limits)):
        raise ValueError("a card says the model's name, what it is for, what not, and at least one limit")
    if wrong := [tag for tag in tags if not _TAG.fullmatch(tag)]:
        raise ValueError(f"a tag has lower-case letters, digits, dots and hyphens, got {wrong[0]!r}")
    check_all(checks)
    words = {**WORDS, **TEXTS, **(texts or {})}
    front, title, about = _start(meta, name, license)
    front = _with_tags(front, tags)
    body = [title, *(f"\n> **{_line(text)}**" for text in warnings), *([f"\n{about}"] if about else [])]
    body += [f"\n## {words['use']}\n\n{_line(use)}", f"\n## {words['not_for']}\n\n{_line(not_for)}"]
    body.append(f"\n## {words['checks']}\n\n{_checks(checks, words)}")
    body.append(f"\n## {words['limits']}\n\n" + "\n".join(f"- {_line(text)}" for text in limits))
    if sources:
        body.append(f"\n## {words['sources']}\n\n" + "\n".join(f"- {_line(text)}" for text in sources))
    return "\n".join(["---", *front, "---", "", *body]) + "\n"


def _start(meta: Mapping[str, Any] | None, name: str, license: str) -> tuple[list[str], str, str]:
    """The lines of the YAML, the title, and what the hub's card says of a checkpoint."""
    if meta is None:
        if not re.fullmatch(r"[a-z0-9.+-]{2,40}", license):
            raise ValueError(f"a license is named as the hub names it, such as mit or cc-by-4.0, got {license!r}")
        return [f"license: {license}", "library_name: imggen_lib", "tags:", "- imggen_lib"], f"# {_line(name)}", ""
    _, front, text = hub.readme(meta, _line(name), license).split("---\n", 2)
    title, about = text.strip().split("\n", 1)
    return front.strip().splitlines(), title, about.strip()


def _with_tags(front: Sequence[str], tags: Sequence[str]) -> list[str]:
    at = front.index("- imggen_lib") + 1
    return [*front[:at], *(f"- {json.dumps(tag)}" for tag in tags), *front[at:]]


def _line(text: str) -> str:
    """A text in one line that starts no other block of Markdown and no HTML."""
    return re.sub(r"([<>|\\`*_\[\]])", r"\\\1", " ".join(text.split()))


def _checks(checks: Sequence[Check], words: Mapping[str, str]) -> str:
    head = [words[part] for part in ("check", "measured", "bar", "result")]
    rows = [[c.name, said(c.measured, c.digits, words), bar_said(c, words), outcome(c, words)] for c in checks]
    lines = [head, ["---"] * 4, *([_line(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_line(summary(checks, words))}"
