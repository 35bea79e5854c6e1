"""What questions and views took of the page they give back."""

from __future__ import annotations

from tests.browser.gallery.page import Gallery, Open

QUIET = """
const quiet = async () => {
    const root = [...document.querySelectorAll(".view > div")].at(-1).shadowRoot.querySelector("[data-kx-root]");
    while (root.dataset.status !== "done") await new Promise((resolve) => setTimeout(resolve));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    gallery.model.sent.length = 0;
};
"""
# Thirty different ones, so that the page keeps all their answers after as many.
ASK = f"""async (times) => {{
    {QUIET}
    const targets = ["top", "top-2", "top-3", ...Array.from({{ length: 7 }}, (_, i) => i)];
    for (let n = 0; n < times; n++) {{
        gallery.model.set("target", targets[n % 10]);
        gallery.model.set("layer", `trunk/stage${{1 + (n % 3)}}/block2/relu`);
        gallery.model.set("method", ["blobs", "blobs2"][n % 2]);
        gallery.model.save_changes();
        await quiet();
    }}
}}"""
OPEN_AND_CLOSE = f"""async (times) => {{
    {QUIET}
    for (let n = 0; n < times; n++) {{
        const close = gallery.show();
        await quiet();
        close();
    }}
}}"""


def taken(view: Gallery) -> dict[str, float]:
    """Bytes of the heap, nodes and listeners, once all that nobody holds is gone."""
    session = view.page.context.new_cdp_session(view.page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return {"heap": heap, **{name: counters[name] for name in ("nodes", "jsEventListeners")}}


def check_given_back(before: dict[str, float], after: dict[str, float]) -> None:
    assert all(after[name] <= 1.1 * before[name] for name in before), (before, after)


def test_a_thousand_questions(gallery: Open) -> None:
    view = gallery("images=2&step=0")
    view.await_status("done")
    # The engine compiles what is called often.
    view.page.evaluate(ASK, 400)
    before = taken(view)
    view.page.evaluate(ASK, 1000)
    check_given_back(before, taken(view))


def test_a_hundred_views_opened_and_closed(gallery: Open) -> None:
    view = gallery("images=2&step=0")
    view.await_status("done")
    # As above: the heap grows by a fifth, whatever views give back, until all their code is compiled.
    view.page.evaluate(OPEN_AND_CLOSE, 200)
    before = taken(view)
    view.page.evaluate(OPEN_AND_CLOSE, 100)
    check_given_back(before, taken(view))
