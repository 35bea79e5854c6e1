"""What a widget took it gives back."""

import gc
import sys
import threading
import weakref
from collections import Counter

import kx_widget as kx
from tests import cases, models
from tests.widget.page import rest

KINDS = ("gradcam", "layercam", "gradients", "eigencam")


def living(package="kx_widget"):
    """How many objects there are of each class of the package, and how many blocks of memory Python has in use."""
    gc.collect()
    ours = (type(o) for o in gc.get_objects() if str(type(o).__module__).startswith(package))
    return Counter(kind.__qualname__ for kind in ours), sys.getallocatedblocks()


def test_a_closed_widget_lets_go_of_its_model(browser):
    model = models.residual()
    seen = weakref.ref(model)
    w = browser.open(kx.KxWidget(model, cases.photos()))
    browser.wait(w)
    rest(w)
    w.close()
    del model
    gc.collect()
    assert seen() is None
    assert not [t for t in threading.enumerate() if t.name == "kx-widget"]


def test_a_hundred_questions_leave_nothing_behind(browser):
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), cache_mib=1)) as w:

        def ask(times):
            for n in range(times):
                w.method, w.target = KINDS[n // 4 % 4], n % models.CLASSES
                browser.wait(w) if n % 10 == 0 else w.wait()
                browser.messages.clear()
            browser.wait(w)
            rest(w)

        ask(50)
        objects, blocks = living()
        ask(100)
        later, more = living()
        assert later == objects
        assert more - blocks < 10 * 100


def test_ten_widgets_opened_and_closed_leave_no_part_of_the_engine_behind(browser):
    """The shell of a closed widget stays: anywidget holds it."""

    def open_and_close(times):
        for _ in range(times):
            with browser.open(kx.KxWidget(models.pooled(), cases.photos())) as w:
                w.wait()
                rest(w)
            browser.messages.clear()

    open_and_close(2)
    objects, blocks = living("kx_widget.engine")
    open_and_close(10)
    later, more = living("kx_widget.engine")
    assert later == objects
    assert more - blocks < 1000 * 10
