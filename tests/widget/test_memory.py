"""What a widget took it gives back."""

import gc
import threading
import weakref

import psutil

import kx_widget as kx
from tests import cases, models
from tests.widget.page import rest

KINDS = ("gradcam", "layercam", "gradients", "eigencam")


def mebibytes():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


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


def test_a_thousand_questions_leave_nothing_behind(browser):
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), cache_mib=1)) as w:

        def ask(times):
            for n in range(times):
                w.method, w.target = KINDS[n // 4 % 4], n % models.CLASSES
                browser.wait(w) if n % 10 == 0 else w.wait()
                browser.messages.clear()

        ask(200)
        before = mebibytes()
        ask(1000)
        assert mebibytes() <= 1.1 * before


def test_fifty_widgets_opened_and_closed_leave_nothing_behind(browser):
    def open_and_close(times):
        for _ in range(times):
            with browser.open(kx.KxWidget(models.pooled(), cases.photos())) as w:
                w.wait()
            browser.messages.clear()

    open_and_close(15)
    before = mebibytes()
    open_and_close(50)
    assert mebibytes() <= 1.1 * before
