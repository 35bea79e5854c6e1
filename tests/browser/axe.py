"""What axe complains about in the views of a page."""

from __future__ import annotations

from playwright.sync_api import Frame, Page

from tests.browser.opened import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"
# The element around a view's shadow root bears this mark in every host.
VIOLATIONS = """async () => {
    const { violations } = await axe.run("[data-lm-suppress-shortcuts]");
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.flat().join(" ")}\\n${failureSummary}`));
}"""


def complaints(frame: Page | Frame) -> list[str]:
    """One text for each rule and element that breaks it."""
    if not frame.evaluate("() => 'axe' in window"):
        # A page may forbid that scripts are added.
        frame.evaluate(f"{AXE.read_text(encoding='utf-8')}; null")
    return frame.evaluate(VIOLATIONS)
