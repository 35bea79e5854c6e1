"""How far maps can be believed, on the made-up kernel: by keyboard, by touch, for those who hear it, in little room."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.gallery import states
from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import pixels

ACTS = 200
HAS_FOCUS = "(root) => root.contains(root.getRootNode().activeElement)"
NAME_OF_FOCUS = "(root) => { const e = root.getRootNode().activeElement; return e.title || e.id || e.innerText; }"
# As if another view had asked.
MEASURE = """(image) => {
    const { gen } = gallery.model.sent.filter(({ kind }) => kind === "cover").at(-1);
    gallery.model.send({ kind: "measure", gen, images: [image], cover: "blur" });
}"""


def panel_of(view: Gallery) -> Locator:
    return view.root.get_by_role("region", name="Image in focus")


@pytest.fixture
def view(gallery: Open) -> Gallery:
    view = gallery("evidence&step=1", 1280)
    states.measured(view)
    return view


@pytest.mark.every_browser
def test_the_sentences_are_heard_in_order(view: Gallery) -> None:
    heard = panel_of(view).aria_snapshot()
    parts = [
        "Can it be believed?",
        "Weak.",
        "Not clearly better than random maps as smooth in SRG",
        "tablist",
        'tab "Covering" [selected]',
        "tabpanel",
        'group "Curve"',
        'slider "Part that is covered"',
        "what the map marks most is covered",
        "Covering 40% takes the prediction.",
        "Showing 60% keeps it.",
        "the very picture that was scored",
        "Most probable classes of the covered picture",
        "All numbers",
        "This map",
    ]
    places = [heard.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places, strict=True))
    assert places == sorted(places)
    # The verdict is told when it comes, the step when it is changed.
    expect(panel_of(view).get_by_role("status").filter(has_text="Weak.")).to_have_count(1)
    slider = panel_of(view).get_by_role("slider")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^30 % covered, [0-9.]+ %, .+ first$"))


@pytest.mark.every_browser
def test_all_of_it_is_reached_by_keys(view: Gallery) -> None:
    panel, press = panel_of(view), view.page.keyboard.press
    tab = panel.get_by_role("tab", name="Covering")
    tab.focus()
    reached = []
    for _ in range(5):
        press("Tab")
        reached.append(view.root.evaluate(NAME_OF_FOCUS).split(",")[0].split(":")[0].strip())
    assert reached == [
        "Cover what the map marks most",
        "Show what the map marks most",
        "kx-cover",
        "Drag along it",
        "All numbers",
    ]
    tab.focus()
    press("ArrowRight")
    cells = panel.get_by_role("tab", name="Cells")
    expect(cells).to_be_focused()
    expect(panel.get_by_role("img", name=re.compile("^what covering it costs, row by row: "))).to_be_visible()
    for name in ("Paint", "Which map here?", "Covering"):
        press("ArrowRight")
        expect(panel.get_by_role("tab", name=name)).to_be_focused()


def test_the_focus_stays_as_evidence_comes(view: Gallery) -> None:
    slider = panel_of(view).get_by_role("slider")
    slider.focus()
    view.page.keyboard.press("End")
    view.page.evaluate(MEASURE, 0)
    view.page.evaluate(MEASURE, 1)
    expect(view.root.locator(".evidence-line[data-state=holds]")).to_have_count(1)
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuenow", "10")
    # A button that is not needed any more leaves the focus in the view.
    panel_of(view).get_by_role("button", name="Measure all in sight").press("Enter")
    expect(panel_of(view).locator(".measuring")).to_have_count(0)
    assert view.root.evaluate(HAS_FOCUS)
    expect(view.root.locator(".evidence-line[data-state=unmeasured]")).to_have_count(0)


@pytest.mark.parametrize("width", [640, NARROW])
def test_it_fits_where_there_is_little_room(gallery: Open, width: int) -> None:
    view = gallery("evidence&step=1", width)
    for reach in (states.measured, states.cells_shown):
        reach(view)
        wide = view.root.evaluate(
            "(root) => [root.scrollWidth - root.clientWidth, innerWidth - document.body.scrollWidth]"
        )
        assert wide[0] <= 0 <= wide[1] + 48
        panel = panel_of(view)
        frame = panel.bounding_box()
        assert frame is not None
        for part in panel.locator(".evidence-verdict, .tabs, .tabs svg, .button-row, .covered").all():
            box = part.bounding_box()
            assert box is not None
            assert box["x"] >= frame["x"] - 1
            assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_a_finger_moves_the_handle(gallery: Open) -> None:
    view = gallery("evidence&step=1", NARROW, has_touch=True)
    states.measured(view)
    slider = panel_of(view).get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    view.page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    expect(slider).to_have_attribute("aria-valuenow", re.compile("^(8|9)$"))


@pytest.mark.parametrize(("item", "has_evidence"), [("one tile", True), ("one tile", False), ("the grid", True)])
def test_an_exported_picture_carries_the_sentence(gallery: Open, item: str, has_evidence: bool) -> None:
    view = gallery('evidence&step=1&traits={"compare":"methods"}', 1280)
    states.measured(view)

    def exported() -> np.ndarray:
        view.button("Export").click()
        with view.page.expect_download() as download:
            view.root.get_by_role("menuitem", name=f"Picture of {item}").click()
        return np.asarray(Image.open(io.BytesIO(download.value.path().read_bytes())).convert("L"))

    whole = exported()
    view.button("Export").click()
    view.root.get_by_role("menuitemcheckbox").press("Enter")
    view.page.keyboard.press("Escape")
    without = exported()
    assert without.shape[1] == whole.shape[1]
    assert whole.shape[0] > without.shape[0] + 40, "the whole sentence takes several lines"
    if not has_evidence:
        view.button("Export").click()
        view.root.get_by_role("menuitemcheckbox").click()
        view.page.keyboard.press("Escape")
        assert (exported() == whole).all()


def acts_on(view: Gallery, dice: random.Random) -> list[Callable[[], Any]]:
    """What may be done, some of it more often."""
    panel, page = panel_of(view), view.page

    def select(name: str, values: list[str]) -> Callable[[], Any]:
        return lambda: view.field(name).select_option(dice.choice(values))

    def choose() -> None:
        view.choose_method(dice.choice(["blobs", "blobs2", "saliency"]))
        # The next key would be the beginning of a search.
        view.field("Method").blur()

    def slide() -> None:
        key = dice.choice(["ArrowRight", "ArrowLeft", "PageUp", "End"])
        panel.get_by_role("slider").evaluate_all(
            "(all, key) => all[0]?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))", key
        )

    def click(locator: Locator) -> Callable[[], Any]:
        # At once, for what there is to click changes as evidence comes.
        return lambda: locator.evaluate_all("(all) => all[0]?.click()")

    def python(**values: Any) -> None:
        page.evaluate("(v) => { for (const n in v) gallery.model.set(n, v[n]); gallery.model.save_changes(); }", values)

    return [
        *[choose] * 3,
        *[lambda: python(target=dice.choice(["top", "top-2", "cat", "cup"]))] * 3,
        *[lambda: python(selected=[dice.randrange(4)])] * 3,
        select("Compare", ["none", "targets", "methods"]),
        select("Colormap", ["magma", "viridis", "turbo"]),
        lambda: view.field("Opacity").fill(f"{dice.random():.2f}"),
        *[slide] * 3,
        click(panel.get_by_role("tab", name="Cells")),
        click(panel.get_by_role("tab", name="Covering")),
        click(panel.get_by_role("button", name="show it alone")),
        click(panel.get_by_role("button", name="Measure")),
        click(panel.get_by_role("button", name="Stop")),
        click(panel.get_by_role("list", name="Most probable classes").get_by_role("button")),
        click(view.canvases),
        lambda: page.keyboard.press(dice.choice(["n", "p", "Tab", "ArrowRight", "Escape"])),
        lambda: page.evaluate("() => new Promise((then) => setTimeout(then, 20))"),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_acts_end_in_the_picture_and_the_sentences_of_the_last_question(gallery: Open, seed: int) -> None:
    view, dice = gallery("evidence&images=4&step=3", 1280), random.Random(seed)
    states.measured(view)
    acts = acts_on(view, dice)
    for act in [*acts, *dice.choices(acts, k=ACTS - len(acts))]:
        act()
    view.await_status("done")
    names = ("layer", "method", "target", "params", "compare", "compare_with", "selected", "colormap", "opacity")
    traits = {name: view.trait(name) for name in names}
    fresh = gallery("evidence&images=4&step=3", 1280)
    fresh.await_status("done")
    fresh.page.evaluate(
        "(v) => { for (const n in v) gallery.model.set(n, v[n]); gallery.model.save_changes(); }", traits
    )
    for one in (view, fresh):
        settle(one)
    assert shown(view) == shown(fresh)
    assert view.canvases.count() == fresh.canvases.count()
    for ours, theirs in zip(view.canvases.all(), fresh.canvases.all(), strict=True):
        # What is far out of sight is not drawn.
        for canvas in (ours, theirs):
            canvas.scroll_into_view_if_needed()
        assert (pixels(ours) == pixels(theirs)).all()


def settle(view: Gallery) -> None:
    """All in sight is measured, nothing is chosen in the panel, and nothing lies over the maps."""
    view.page.keyboard.press("Escape")
    view.await_status("done")
    panel = panel_of(view)
    panel.get_by_role("button", name="Stop").evaluate_all("(all) => all[0]?.click()")
    # Measured may be fewer than are in sight; what comes of that is the same.
    expect(panel.get_by_role("tablist")).to_be_visible()
    panel.get_by_role("button", name="Measure").evaluate_all("(all) => all.at(-1)?.click()")
    expect(view.root.locator(".evidence-line[data-state=unmeasured]")).to_have_count(0)
    view.page.mouse.move(0, 0)
    view.page.evaluate("() => document.activeElement.blur()")
    view.page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")


def shown(view: Gallery) -> list[str]:
    """The sentences below the tiles, and that of the panel."""
    return [line.inner_text() for line in view.root.locator(".evidence-line, .evidence-verdict").all()]
