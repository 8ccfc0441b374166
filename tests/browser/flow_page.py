"""What the tests of the flow demo ask of its page."""

from typing import Any

from playwright.sync_api import Page


def ask(page: Page, code: str, value: Any = None) -> Any:
    """What `code` says of the demo, where `view` and `settings` are its own."""
    body = f"(root, value) => {{ const {{ view, settings, goTo }} = root.flow; {code} }}"
    return page.locator(".il-flow").evaluate(body, value)


def train(page: Page, count: int) -> None:
    """Train without drawing; then draw, as at the end of a pause."""
    ask(page, "for (let k = 0; k < value; k++) view.step();", count)
    page.get_by_label("show the paths").uncheck()
    page.get_by_label("show the paths").check()


def cells(page: Page, row: str) -> list[str]:
    line = page.locator(".il-flow-table tr", has=page.get_by_role("rowheader", name=row, exact=True))
    return [text.replace("\u2212", "-") for text in line.locator("td").all_inner_texts()]
