"""Two hundred random acts, each kind of them, with the panel open and evidence coming in.

In the end there is the picture that a fresh widget draws of the last question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import PANEL, Lab
from tests.browser.view import View, control, difference

ACTS = 200
SETUP = """
import logging, sys, threading, time
import numpy as np
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
problems = []

class Watch(logging.Handler):
    def emit(self, record):
        problems.append(self.format(record))

for log in (logging.getLogger(), get_ipython().kernel.log):
    log.addHandler(Watch(logging.ERROR))
threading.excepthook = sys.unraisablehook = lambda args: problems.append(repr(args))

def act(code):
    try:
        exec(code, globals())
    except BaseException as error:
        problems.append(f"{code}: {error!r}")
"""
WIDGET = "w = kx.KxWidget(model, images[:2], class_names=class_names)\nw"
# Those of the stormy widget that make the picture.
FRESH = """
names = "layer method params compare compare_with sign scale colormap opacity threshold".split()
fresh = kx.KxWidget(model, images[:2], w.target, class_names=class_names, **{n: getattr(w, n) for n in names})
fresh
"""
HEADLESS = """
columns = [c["target"] for c in w._last_query[1].columns]
asked = {"method": w.method, "layer": w.layer, **w.params}
e = kx.explain(model, images[:2], columns, class_names=class_names, **asked)
print(all(np.array_equal(r.maps, e.maps) for r in (w.result, fresh.result)), end="")
"""
RUN_LATER = f"(code) => void {PANEL}.sessionContext.session.kernel.requestExecute({{ code, store_history: false }})"
RUN_CELL = f"""(index) => {{
    {PANEL}.content.activeCellIndex = index;
    void window.jupyterapp.commands.execute("notebook:run-cell");
}}"""
# At once, for what is offered changes with the question.
SELECT = """(select, part) => {
    const offered = [...select.options].filter((option) => !option.disabled);
    select.value = offered[Math.floor(part * offered.length)].value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
}"""
BUTTONS = ("cover it", "show it alone", "Measure", "Stop")
SLIDE = "(all, key) => all[0]?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
# Told by `Flow`, which keeps to its limits; the rest answers what a view asked for.
LIMITED = {"queued", "running", "progress", "maps", "ahead", "predictions", "done", "cancelled"}
QUICK = ("gradcam", "layercam", "hirescam", "gradients", "eigencam")
SLOW = ("rise", "scorecam", "occlusion")


@pytest.fixture(scope="module")
def view(lab: Lab) -> View:
    notebook = lab.open_cells([SETUP, WIDGET, "sum(range(10**6))", "time.sleep(0.3)"])
    notebook.page.set_viewport_size({"width": 1600, "height": 1000})
    notebook.run_all()
    view = View(notebook)
    view.settle()
    return view


def acts_on(view: View, dice: random.Random) -> dict[Callable[[], object], int]:
    """What may be done, and how often compared to the rest."""
    page, root = view.notebook.page, view.root
    panel = root.get_by_role("region", name="Image in focus")
    layers = view.notebook.value("*[r.path for r in w.explainer.inspection.layers if r.is_candidate]").split()
    classes = view.notebook.value("'|'.join(class_names)").split("|")
    expressions = [
        lambda: f"w.target = {dice.choice(classes)!r}",
        lambda: f"w.layer = {dice.choice(layers)!r}",
        lambda: f"w.method = {dice.choice(QUICK)!r}",
        lambda: f"w.params = {dice.choice([{}, {'smooth': {'repetitions': 3}}, {'smooth': {'repetitions': 500}}])!r}",
        lambda: f"w.compare = {dice.choice(['none', 'targets'])!r}",
        lambda: f"w.opacity = {dice.random()!r}",
        lambda: f"threading.Thread(target=setattr, args=(w, 'target', {dice.choice(classes)!r})).start()",
        lambda: "w.refresh()",
        lambda: "w.cancel()",
    ]

    def slide(name: str) -> None:
        control(root, name).fill(f"{dice.random():.2f}")

    def select(name: str) -> None:
        control(root, name).evaluate(SELECT, dice.random())

    def click(locator: Locator) -> None:
        # What there is to click changes as evidence comes.
        locator.evaluate_all("(all, part) => all[Math.floor(part * all.length)]?.click()", dice.random())

    return {
        lambda: view.choose_layer(dice.choice(layers)): 10,
        lambda: view.choose_class(dice.choice(classes)): 10,
        lambda: view.choose_method(dice.choice(QUICK)): 10,
        lambda: view.choose_method(dice.choice(SLOW)): 5,
        lambda: slide("Opacity"): 5,
        lambda: slide("Threshold"): 5,
        lambda: select("Colormap"): 5,
        lambda: select("Sign"): 5,
        lambda: select("Scale"): 5,
        lambda: panel.get_by_role("slider").evaluate_all(SLIDE, dice.choice(["ArrowRight", "ArrowLeft", "Home"])): 15,
        lambda: click(panel.get_by_role("tab", name=dice.choice(["Covering", "Cells"]))): 10,
        lambda: click(
            panel.get_by_role("button", name=dice.choice(["cover it", "show it alone", "Measure", "Stop"]))
        ): 10,
        lambda: panel.get_by_role("combobox", name="with").evaluate_all(
            f"(all, part) => all.forEach((select) => ({SELECT})(select, part))", dice.random()
        ): 5,
        lambda: click(view.tiles.locator("canvas")): 5,
        # Somebody looks at what there is.
        lambda: page.evaluate("() => new Promise((then) => setTimeout(then, 700))"): 20,
        # It may not run any more by then.
        lambda: root.get_by_role("button", name="Cancel").dispatch_event("click"): 10,
        lambda: page.evaluate(RUN_LATER, f"act({dice.choice(expressions)()!r})"): 40,
        lambda: page.evaluate(RUN_CELL, dice.choice([2, 3])): 5,
    }


def test_a_storm_ends_in_the_picture_of_the_last_question(view: View) -> None:
    notebook, dice = view.notebook, random.Random(4)
    notebook.received = []
    # How much evidence comes between the acts is up to the machine: some of it there is.
    panel = view.root.get_by_role("region", name="Image in focus")
    slider = panel.get_by_role("slider", name="Part that is covered")
    expect(slider).to_be_visible(timeout=60_000)
    # What came before was not recorded.
    notebook.execute("w.refresh()")
    view.settle()
    expect(slider).to_be_visible(timeout=60_000)
    slider.press("Home")
    for kind in (rb"evidence", rb"covered"):
        notebook.until(
            lambda kind=kind: any(re.search(rb'"kind": ?"' + kind + rb'"', frame) for frame in notebook.received),
            f"{kind!r} has come",
        )
    acts = acts_on(view, dice)
    storm = [*acts, *dice.choices([*acts], [*acts.values()], k=ACTS - len(acts))]
    dice.shuffle(storm)
    for act in storm:
        act()
    # Hosts hold back what changes while the kernel is busy: this comes last.
    control(view.root, "Threshold").fill("0.33")
    view.await_trait("threshold", 0.33)
    received, notebook.received = notebook.received, None
    notebook.wait_idle()
    # Nothing that takes long, and nothing that was cancelled.
    notebook.execute(
        f"w.params = {{}}\nif w.method in {SLOW}: w.method = 'layercam'\nw.status == 'done' or w.refresh()"
    )
    view.settle()

    assert view.root.get_by_role("alert").count() == 0
    stormy = pictures(view)

    # In the same place, for a tile's size depends on it.
    notebook.write_cell(1, FRESH)
    notebook.run_cell(1)
    fresh = View(notebook, "fresh")
    fresh.settle()
    assert notebook.execute(HEADLESS) == "True"
    calm = pictures(fresh)
    assert stormy.keys() == calm.keys()
    assert {at: difference(stormy[at], calm[at]) for at in calm} == dict.fromkeys(calm, 0)
    assert notebook.value("problems") == "[]"
    assert notebook.cell_errors() == notebook.console_errors == notebook.foreign_requests == []
    check_limits(received)
    assert any(re.search(rb'"kind": ?"evidence"', frame) for frame in received)
    assert any(re.search(rb'"kind": ?"covered"', frame) for frame in received)


def pictures(view: View) -> dict[tuple[int, int], np.ndarray]:
    """What each tile shows, by image and column."""
    view.leave()
    view.notebook.page.evaluate("() => document.activeElement.blur()")
    places = [
        (int(t.get_attribute("data-image") or ""), int(t.get_attribute("data-column") or "")) for t in view.tiles.all()
    ]
    return {at: view.pixels(*at) for at in places}


def check_limits(frames: list[bytes]) -> None:
    """No message is too large, and those of `Flow` come no faster than allowed."""
    assert max(map(len, frames)) <= 2**20
    sent = []
    for frame in frames:
        kind = re.search(rb'"method": ?"custom".*?"kind": ?"(\w+)"', frame, re.S)
        date = re.search(rb'"date": ?"([^"]+)"', frame)
        if kind and date and kind[1].decode() in LIMITED:
            sent.append(datetime.fromisoformat(date[1].decode().replace("Z", "+00:00")).timestamp())
    assert len(sent) > 20
    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 21 + 20 * (sent[last] - start)
