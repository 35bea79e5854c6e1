"""A widget on a small model, and the page that shows it."""

import signal

import pytest

import kx_widget as kx
from tests.widget.page import Page

NAMES = ["cat", "dog", "cup", "sky"]


@pytest.fixture
def browser(monkeypatch):
    """However busy the machine is, what is quick is measured unasked."""
    monkeypatch.setattr("kx_widget.widget.evidence_requests.MOST_SECONDS", float("inf"))
    return Page(monkeypatch)


@pytest.fixture
def patient_prefetch(monkeypatch):
    """However busy the machine is, what is one click away is answered."""
    monkeypatch.setattr("kx_widget.widget.prefetch.SECONDS_A_QUESTION", 60)


@pytest.fixture(scope="module")
def explainer(request):
    """Its classes have the names that the module says, if it does."""
    # What needs no model is also tested where there is no Keras.
    import keras

    from tests import models

    # Whatever ran before.
    keras.utils.set_random_seed(0)
    return kx.Explainer(models.residual(), class_names=getattr(request.module, "CLASS_NAMES", NAMES))


@pytest.fixture
def photos():
    from tests import cases

    return cases.photos()


@pytest.fixture
def widget(browser, explainer, photos):
    """A module may have an explainer and photographs of its own."""
    w = browser.open(kx.KxWidget(explainer, photos))
    browser.wait(w)
    yield w
    w.close()


@pytest.fixture
def heeded_interrupts():
    """The main thread hears SIGINT, which processes of a test run that share the work ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
