"""The live pages of the documentation: each shows maps, and the site shows each in its place, in its colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

import kx_widget as kx
from tests.browser.lab import Lab
from tests.browser.opened import ROOT, Opened
from tests.browser.view import choose_method
from tools import gallery

ALL_BYTES = 12_000_000
DRAWN = re.compile("peak |no evidence|flat")


@pytest.fixture
def page(lab: Lab) -> Iterator[Callable[..., Page]]:
    """What opens a page that must complain of nothing, and ask nobody."""
    opened: list[Opened] = []

    def open_(path: Path, fragment: str = "", size: tuple[int, int] = (1280, 900), **options: object) -> Page:
        opened.append(Opened(lab.page(size, **options)))
        opened[-1].page.goto(path.as_uri() + fragment)
        return opened[-1].page

    yield open_
    for each in opened:
        each.page.close()
        assert (each.console_errors, each.foreign_requests) == ([], [])


def first_map(root: Locator) -> Locator:
    """The first tile's canvas, once its map is there."""
    canvas = root.locator("[data-kx-tile] canvas").first
    expect(canvas).to_have_attribute("aria-label", DRAWN)
    return canvas


def live(page: Page, name: str) -> FrameLocator:
    """The page in its place."""
    return page.frame_locator(f"iframe[src*='{name}.html']")


def test_every_page_shows_maps(live_pages: Path, page: Callable[..., Page]) -> None:
    for name in gallery.PAGES:
        root = page(live_pages / f"{name}.html").locator("[data-kx-root]")
        expect(root).to_have_attribute("data-status", "no-kernel")
        if name == "concepts":
            expect(root.get_by_text("One colour, one concept.")).to_be_visible()
        else:
            first_map(root)
        expect(root.get_by_role("alert")).to_have_count(0)
    assert sum((live_pages / f"{name}.html").stat().st_size for name in gallery.PAGES) <= ALL_BYTES


@pytest.mark.parametrize("name", [name for name, each in gallery.PAGES.items() if each.methods])
def test_every_method_is_there_at_once(live_pages: Path, page: Callable[..., Page], name: str) -> None:
    methods = gallery.PAGES[name].methods
    opened = page(live_pages / f"{name}.html", f"#method={methods[-1]}")
    root = opened.locator("[data-kx-root]")
    for method in reversed(methods):
        opened.evaluate("(method) => location.replace(`#method=${method}`)", method)
        expect(first_map(root)).to_have_attribute("aria-label", re.compile(re.escape(kx.METHODS[method].title)))
    expect(root.get_by_role("alert")).to_have_count(0)
    # What a reader does.
    choose_method(root, methods[-1])
    expect(first_map(root)).to_have_attribute("aria-label", re.compile(re.escape(kx.METHODS[methods[-1]].title)))


def test_the_start_page_is_the_widget_in_the_colours_of_the_site(site: Path, page: Callable[..., Page]) -> None:
    opened = page(site / "index.html", color_scheme="light")
    root = live(opened, "start").locator("[data-kx-root]")
    first_map(root)
    choose_method(root, "layercam")
    for title, theme in (("light mode", "light"), ("dark mode", "dark"), ("the system's mode", "light")):
        opened.get_by_title(f"Switch to {title}").click()
        expect(root).to_have_attribute("data-theme", theme)
        # What was chosen stays.
        expect(first_map(root)).to_have_attribute("aria-label", re.compile("LayerCAM"))
    for title in ("light mode", "dark mode"):
        opened.get_by_title(f"Switch to {title}").click()
    expect(root).to_have_attribute("data-theme", "dark")
    opened.reload()
    expect(live(opened, "start").locator("[data-kx-root]")).to_have_attribute("data-theme", "dark")
    opened.screenshot(path=ROOT / "build/site-start.png")


def test_the_start_page_is_used_on_a_phone(site: Path, page: Callable[..., Page]) -> None:
    opened = page(site / "index.html", size=(360, 760), has_touch=True, is_mobile=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    root = live(opened, "start").locator("[data-kx-root]")
    first_map(root)
    root.locator("[data-kx-tile] canvas").nth(1).tap()
    expect(root.locator("[data-kx-tile]").nth(1)).to_have_attribute("data-selected", "true")
    root.get_by_label("Class", exact=True).tap()
    root.get_by_role("option", name=re.compile("^cat")).tap()
    expect(first_map(root)).to_have_attribute("aria-label", re.compile("cat"))
    choose_method(root, "gradcampp")
    expect(first_map(root)).to_have_attribute("aria-label", re.compile(r"Grad-CAM\+\+"))
    opened.screenshot(path=ROOT / "build/site-phone.png")


def test_the_gallery_opens_what_is_clicked(site: Path, page: Callable[..., Page]) -> None:
    opened = page(site / "gallery.html", color_scheme="dark")
    expect(opened.locator(".kx-live iframe")).to_have_count(0)
    opened.locator("[data-page*=shortcut] a").click()
    first_map(live(opened, "shortcut").locator("[data-kx-root]"))
    for method, name in (("rise", "methods"), ("lime", "methods"), ("legrad", "transformer")):
        opened.locator(f"a[href$='#method={method}']").click()
        root = live(opened, name).locator("[data-kx-root]")
        expect(first_map(root)).to_have_attribute("aria-label", re.compile(kx.METHODS[method].title))
    expect(opened.locator(".kx-live iframe")).to_have_count(3)
    opened.screenshot(path=ROOT / "build/site-gallery.png")
