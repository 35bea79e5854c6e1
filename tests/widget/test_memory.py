"""What a widget took it gives back."""

import gc
import threading
import weakref

import psutil
import pytest

import kx_widget as kx
from tests import cases, models
from tests.widget.page import Page, rest

KINDS = ("gradcam", "layercam", "gradients", "eigencam")


@pytest.fixture
def page(monkeypatch):
    return Page(monkeypatch)


def mebibytes():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def test_a_closed_widget_lets_go_of_its_model(page):
    model = models.residual()
    seen = weakref.ref(model)
    w = page.open(kx.KxWidget(model, cases.photos()))
    page.wait(w)
    rest(w)
    w.close()
    del model
    gc.collect()
    assert seen() is None
    assert not [t for t in threading.enumerate() if t.name == "kx-widget"]


def test_a_thousand_questions_leave_nothing_behind(page):
    with page.open(kx.KxWidget(models.residual(), cases.photos(), cache_mib=1)) as w:

        def ask(times):
            for n in range(times):
                w.method, w.target = KINDS[n // 4 % 4], n % models.CLASSES
                page.wait(w) if n % 10 == 0 else w.wait()
                page.messages.clear()

        ask(200)
        before = mebibytes()
        ask(1000)
        assert mebibytes() <= 1.1 * before


def test_fifty_widgets_opened_and_closed_leave_nothing_behind(page):
    def open_and_close(times):
        for _ in range(times):
            with page.open(kx.KxWidget(models.pooled(), cases.photos())) as w:
                w.wait()
            page.messages.clear()

    open_and_close(15)
    before = mebibytes()
    open_and_close(50)
    assert mebibytes() <= 1.1 * before
