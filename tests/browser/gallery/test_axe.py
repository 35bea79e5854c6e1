"""Axe finds nothing to complain about, in any state and in any host's colours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.axe import complaints
from tests.browser.gallery import states
from tests.browser.gallery.page import NARROW, WIDE, Gallery, Open
from tests.browser.opened import ROOT

DARK = {"dark", "jupyter-dark", "vscode-dark", "vscode-high-contrast", "colab-dark", "mixed"}


STATES: dict[str, tuple[str, int, Callable[[Gallery], object]]] = {
    "done": ("", WIDE, lambda view: view.await_status("done")),
    "running": ("step=399", WIDE, states.running),
    "failed": ("fail", WIDE, states.failed),
    "cancelled": ("step=399", WIDE, states.cancelled),
    "no-kernel": ("silent", WIDE, lambda view: view.await_status("no-kernel")),
    "classes-open": ("classes=1000", WIDE, states.classes_open),
    "with-parameters": ("", WIDE, states.with_parameters),
    "nothing-found": ("layers=1000", WIDE, states.nothing_found),
    "comparing": ("", WIDE, states.comparing),
    "reading": ("", WIDE, states.reading),
    "export-open": ("", WIDE, states.export_open),
    "code-shown": ("", WIDE, states.code_shown),
    "contrasting": ("", WIDE, states.contrasting),
    "wrapped": ("", WIDE, states.wrapped),
    "limited": ('traits={"sign":"signed"}', WIDE, lambda view: view.field("Upper limit").press("PageDown")),
    "swiped": ("", WIDE, states.swiped),
    "many": ("images=500", WIDE, states.many),
    "labelled": ("labels&images=12", WIDE, lambda view: view.field("Sort").select_option("wrong")),
    "flat": ("flat", WIDE, lambda view: view.await_status("done")),
    "heads": ("heads=2", WIDE, states.heads_open),
    "cautions": ('cautions&traits={"compare":"methods"}', WIDE, lambda view: view.await_status("done")),
    "cautions-narrow": ("cautions", NARROW, lambda view: view.await_status("done")),
    "notes": ("notes", WIDE, states.noted),
    "notes-narrow": ("notes", NARROW, states.noted),
    "notes-compared": ('notes&traits={"compare":"methods"}', NARROW, lambda view: view.await_status("done")),
    "narrow": ("", NARROW, states.layers_open),
    "narrow-many": ("labels&images=60", NARROW, lambda view: view.await_status("done")),
    "methods": ("costs", WIDE, states.methods_open),
    "narrow-methods": ("costs", NARROW, states.methods_open),
    "narrow-classes": ("classes=1000", NARROW, states.classes_open),
    "all-layers": ("layers=1000", WIDE, states.all_layers),
    "stage-closed": ("", WIDE, states.stage_closed),
    "help": ("", WIDE, states.help_open),
    "narrow-help": ("", NARROW, states.help_open),
    "display": ("", WIDE, states.display_open),
    "narrow-display": ("", NARROW, states.display_open),
    "narrow-comparing": ("labels", NARROW, states.comparing),
    "panel": ("labels", 1280, states.panel_open),
    "drawer": ("labels", WIDE, states.panel_open),
    "narrow-drawer": ("", NARROW, states.panel_open),
    "neighbours": ("nearest&labels&images=12", 1280, states.neighbours_shown),
    "neighbours-drawer": ("nearest&labels&images=12", 640, states.neighbours_shown),
    "neighbours-narrow": ("nearest", NARROW, states.neighbours_shown),
    "evidence": ("evidence&step=1", 1280, states.measured),
    "evidence-cells": ("evidence&step=1", 1280, states.cells_shown),
    "evidence-paint": ("evidence&step=1", 1280, states.painted),
    "evidence-ranking": ("evidence&step=1", 1280, states.ranked),
    "evidence-export": ("evidence&step=1", 1280, states.evidence_exported),
    "evidence-drawer": ("evidence&step=1", 640, states.measured),
    "evidence-drawer-cells": ("evidence&step=1", 640, states.cells_shown),
    "evidence-narrow": ("evidence&step=1", NARROW, states.measured),
    "evidence-narrow-paint": ("evidence&step=1", NARROW, states.painted),
    "evidence-narrow-ranking": ("evidence&step=1", NARROW, states.ranked),
    "evidence-compared": ('evidence&step=1&traits={"compare":"methods"}', 1280, states.measured),
}


EVERY_BROWSER = {"done", "comparing", "methods", "narrow", "notes", "evidence-cells", "evidence-narrow"}


@pytest.mark.parametrize(
    "state", [pytest.param(state, marks=[pytest.mark.every_browser] * (state in EVERY_BROWSER)) for state in STATES]
)
def test_axe_finds_nothing(gallery: Open, state: str, pytestconfig: pytest.Config) -> None:
    query, width, reach = STATES[state]
    kept = f"build/gallery-{pytestconfig.getoption('--browser')}-{state}"
    view = gallery(query, width)
    reach(view)
    for host in ("light", "dark"):
        wear(view, host)
        view.page.screenshot(path=ROOT / f"{kept}-{host}.png", full_page=True)
        assert complaints(view.page) == [], host
    if state == "running":
        view.await_status("running")


@pytest.mark.parametrize("state", ["classes-open", "failed", "labelled", "limited", "narrow", "notes"])
def test_axe_finds_nothing_whichever_host_the_page_turns_into(gallery: Open, state: str) -> None:
    query, width, reach = STATES[state]
    view = gallery(query, width)
    reach(view)
    for host in view.page.evaluate("gallery.hosts"):
        wear(view, host)
        if state == "labelled":
            view.page.screenshot(path=ROOT / f"build/gallery-{state}-{host}.png", full_page=True)
        assert complaints(view.page) == [], host


def wear(view: Gallery, host: str) -> None:
    """Turn the page into another host; the view must follow."""
    view.page.evaluate("(host) => gallery.wear(host)", host)
    expect(view.root).to_have_attribute("data-theme", "dark" if host in DARK else "light")
