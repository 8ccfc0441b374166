"""What axe finds on a page, in words."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page

AXE = """async ([rules, within, every]) => {
  const options = {resultTypes: ["violations"], iframes: false, preload: false};
  if (rules.length) options.runOnly = {type: "rule", values: rules};
  const found = (await axe.run(within || document, options)).violations;
  const why = n => [...n.any, ...n.all, ...n.none].map(c => c.message).join("; ").slice(0, 200);
  return found.filter(v => every || v.impact === "serious" || v.impact === "critical")
    .flatMap(v => v.nodes.map(n => `${v.impact} ${v.id}: ${n.html.slice(0, 160)} ${why(n)}`));
}"""


def faults(page: Page | Frame, rules: tuple[str, ...] = (), *, within: str = "", every: bool = False) -> list[str]:
    """The serious and critical faults (or `every` one) by these rules (or all), on the page (or `within` an element)."""
    page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(AXE, [list(rules), within, every])
    return found


def demo_faults(page: Page) -> list[str]:
    """Every fault of the page's demo, slight ones too."""
    return faults(page, within=".imggen-live", every=True)
