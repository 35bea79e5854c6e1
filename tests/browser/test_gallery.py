"""The front end alone, on the gallery's made-up kernel: every state is there within a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import ROOT, Lab

WIDE, NARROW = 1120, 420
AXE = ROOT / "node_modules/axe-core/axe.min.js"
VIOLATIONS = """async () => {
    const { violations } = await axe.run(".view");
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.flat().join(" ")}\\n${failureSummary}`));
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the repository and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not to stderr."""


class Gallery:
    """One page of the gallery, and what it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.goto(url)
        self.root = page.locator("[data-kx-root]").first
        self.root.wait_for()

    def await_status(self, status: str) -> None:
        """Wait until the view shows this status."""
        expect(self.root).to_have_attribute("data-status", status, timeout=20_000)

    def button(self, name: str) -> Locator:
        """The button of that name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """The control with that label."""
        return self.root.get_by_label(name, exact=True)

    def trait(self, name: str) -> Any:
        """A trait as the kernel would see it."""
        return self.page.evaluate("(name) => gallery.model.get(name)", name)


Open = Callable[..., Gallery]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ROOT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/js/gallery.html"
        server.shutdown()
        thread.join()


@pytest.fixture
def gallery(lab: Lab, address: str) -> Iterator[Open]:
    """Opens the gallery with a query at a width; in the end nothing may have gone wrong in the page."""
    opened: list[Gallery] = []

    def open_(query: str = "", width: int = WIDE) -> Gallery:
        page = lab._browser.new_page(viewport={"width": width, "height": 900})
        opened.append(Gallery(page, f"{address}?{query}"))
        return opened[-1]

    yield open_
    for one in opened:
        one.page.close()
        assert one.errors == []


def test_a_model_without_maps_says_so(gallery: Open) -> None:
    view = gallery("flat")
    view.await_status("done")
    expect(view.root.locator(".why")).to_contain_text("No layer of this model has a map")
    expect(view.root.locator(".why")).to_contain_text("Input gradient sees the input")
    expect(view.root.locator(".star")).to_have_count(0)
    expect(view.field("Compare").locator("option", has_text="layers")).to_be_disabled()


def test_a_method_that_sees_the_input_says_that_the_layer_is_not_used(gallery: Open) -> None:
    view = gallery()
    note = view.root.get_by_text("sees the input: the layer makes no difference")
    view.await_status("done")
    expect(note).to_have_count(0)
    view.field("Method").select_option("saliency")
    expect(note).to_be_visible()
    layer = view.root.get_by_role("treeitem", name="conv", exact=False).last
    layer.click()
    expect(layer).to_have_attribute("aria-selected", "true")


def running(view: Gallery) -> None:
    view.field("Method").select_option("slowblobs")
    expect(view.root.locator("[data-partial]").first).to_be_visible()


def failed(view: Gallery) -> None:
    view.await_status("error")
    view.root.get_by_text("Traceback", exact=True).click()


def cancelled(view: Gallery) -> None:
    view.field("Method").select_option("slowblobs")
    view.button("Cancel").click()
    view.await_status("cancelled")


def classes_open(view: Gallery) -> None:
    view.await_status("done")
    view.field("Class").click()
    expect(view.root.get_by_role("option", name="top-2")).to_be_visible()


def with_parameters(view: Gallery) -> None:
    view.field("Method").select_option("blobs2")
    view.await_status("done")


def nothing_found(view: Gallery) -> None:
    view.field("Search layers").fill("zzz")
    expect(view.root.get_by_text("No layer matches")).to_be_visible()


def comparing(view: Gallery) -> None:
    view.field("Compare").select_option("targets")
    expect(view.root.locator("[data-column='2']")).not_to_have_count(0)
    view.await_status("done")


def reading(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator("canvas").first.hover()
    expect(view.root.locator(".readout").first).to_be_visible()


def layers_open(view: Gallery) -> None:
    view.await_status("done")
    view.root.locator("summary").click()
    expect(view.root.get_by_role("tree", name="Layers")).to_be_visible()


STATES: dict[str, tuple[str, int, Callable[[Gallery], None]]] = {
    "done": ("", WIDE, lambda view: view.await_status("done")),
    "running": ("step=400", WIDE, running),
    "failed": ("fail", WIDE, failed),
    "cancelled": ("step=400", WIDE, cancelled),
    "no-kernel": ("silent", WIDE, lambda view: view.await_status("no-kernel")),
    "classes-open": ("classes=1000", WIDE, classes_open),
    "with-parameters": ("", WIDE, with_parameters),
    "nothing-found": ("layers=1000", WIDE, nothing_found),
    "comparing": ("", WIDE, comparing),
    "reading": ("", WIDE, reading),
    "flat": ("flat", WIDE, lambda view: view.await_status("done")),
    "narrow": ("", NARROW, layers_open),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(gallery: Open, state: str, theme: str) -> None:
    query, width, reach = STATES[state]
    view = gallery(f"{query}&{theme}", width)
    reach(view)
    view.page.screenshot(path=ROOT / f"build/gallery-{state}-{theme}.png", full_page=True)
    view.page.add_script_tag(path=AXE)
    assert view.page.evaluate(VIOLATIONS) == []
