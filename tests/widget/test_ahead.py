"""What is one click away is answered before it is asked."""

from numpy.testing import assert_allclose

from kx_widget.widget import ahead
from tests import cases
from tests.widget.page import rest


def test_other_classes_are_there_under_the_names_by_which_the_page_asks(widget, browser, explainer, monkeypatch):
    # However busy the machine is.
    monkeypatch.setattr(ahead, "SECONDS", 60)
    widget.target = "dog"
    browser.wait(widget)
    rest(widget)
    for name in ("cat", "cup", "sky"):
        widget.target = name
        browser.wait(widget)
        running = [m for m in browser.messages if m["kind"] == "running"][-1]
        assert (running["asked"]["target"], running["held"]) == (name, True)
        expected = explainer.explain(cases.photos(), name).maps
        for (image, column), (_, values) in browser.maps.items():
            assert_allclose(values, expected[image, column], atol=1e-5)
