"""What a widget took it gives back."""

import gc
import threading
import weakref
from collections import Counter

import kx_widget as kx
from kx_widget.engine.images import Images
from kx_widget.engine.question import CompiledModel, Question
from kx_widget.widget.archive import KeptAnswer
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.export import Exporter
from kx_widget.widget.model_answers import ModelQuery
from kx_widget.widget.session import Session
from tests import cases, models
from tests.widget.page import rest, until

METHODS = ("gradcam", "layercam", "gradients", "eigencam")
# Of the first four there is one a question, of the others one a widget.
KINDS = (kx.Explanation, Question, ModelQuery, CurrentAnswer, Images, CompiledModel, Session, Exporter)


def alive():
    """How many objects there are of each kind."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    return {kind.__name__: kinds[kind] for kind in KINDS}


def takes_a_snapshot(thread):
    """Whether it is the timer that does."""
    return any(getattr(each, "__name__", "") == "snapshot" for each in getattr(thread, "args", ()))


def end_of_threads():
    """Wait until the worker is gone, which holds its last job, and who holds an answer to keep it in the notebook."""
    until(lambda: not any(t.name == "kx-widget" or takes_a_snapshot(t) for t in threading.enumerate()))


def test_a_closed_widget_lets_go_of_its_model(browser):
    model = models.residual()
    seen = weakref.ref(model)
    w = browser.open(kx.KxWidget(model, cases.photos()))
    browser.wait(w)
    rest(w)
    w.close()
    del model
    end_of_threads()
    gc.collect()
    assert seen() is None
    assert not [t for t in threading.enumerate() if t.name == "kx-widget"]


def finished_answers():
    return [each for each in gc.get_objects() if type(each) is KeptAnswer]


def test_a_hundred_questions_leave_one_answer_each_in_the_archive_and_nothing_else(browser):
    # Of widgets that others have made.
    others = {id(answer): answer for answer in finished_answers()}
    with browser.open(kx.KxWidget(models.residual(), cases.photos())) as w:

        def ask(times):
            for n in range(times):
                w.method, w.target = METHODS[n // 4 % 4], n % models.CLASSES
                w.wait()
            browser.wait(w)
            rest(w)
            until(lambda: not any(map(takes_a_snapshot, threading.enumerate())))
            browser.messages.clear()

        ask(1)
        before = alive()
        ask(100)
        assert alive() == before
        answers = [answer for answer in finished_answers() if id(answer) not in others]
        assert len({repr(answer.traits) for answer in answers}) == len(answers) <= 1 + 4 * models.CLASSES


def test_widgets_opened_and_closed_leave_nothing_behind(browser):
    def open_and_close():
        with browser.open(kx.KxWidget(models.pooled(), cases.photos())) as w:
            browser.wait(w)
            rest(w)
        end_of_threads()
        browser.messages.clear()

    open_and_close()
    before = alive()
    for _ in range(5):
        open_and_close()
    # A closed widget and its exporter are held by anywidget.
    assert alive() | {"Exporter": 0} == before | {"Exporter": 0}
