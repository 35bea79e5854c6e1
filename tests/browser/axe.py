"""What axe complains about in a page, or in the views in it."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Frame, Page

from tests.browser.opened import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"
# The element around a view's shadow root bears this mark in every host.
VIEWS = "[data-lm-suppress-shortcuts]"
IMPACTS = ("minor", "moderate", "serious", "critical")
VIOLATIONS = """async ([part, impacts]) => {
    const { violations } = await axe.run(part);
    return violations.filter(({ impact }) => impacts.includes(impact)).flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.flat().join(" ")}\\n${failureSummary}`));
}"""


def complaints(frame: Page | Frame, part: str = VIEWS, impacts: Sequence[str] = IMPACTS) -> list[str]:
    """One text for each rule and element in this part of a page that breaks it, if that matters so much."""
    if not frame.evaluate("() => 'axe' in window"):
        # A page may forbid that scripts are added.
        frame.evaluate(f"{AXE.read_text(encoding='utf-8')}; null")
    return frame.evaluate(VIOLATIONS, [part, list(impacts)])
