"""What methods will cost is told before they are chosen."""

from tests.widget.page import rest, until


def told(browser):
    return [message["seconds"] for message in browser.messages if message["kind"] == "costs"]


def test_each_method_has_its_seconds_for_these_images_and_this_layer(widget, browser, explainer):
    until(lambda: told(browser))
    first = told(browser)[-1]
    fitting = {name for name, method in explainer.methods.items() if method.sees != "attention"}
    assert set(first) == fitting
    assert first["gradcam"] < first["gradients"] < first["integrated_gradients"] < first["rise"]
    widget.layer = "stem"
    browser.wait(widget)
    until(lambda: len(told(browser)) > 1)
    early = told(browser)[-1]
    channels = {layer.path: layer.shape[-1] for layer in explainer.inspection.layers}
    ratio = channels["stem"] / channels["after_add"]
    assert abs(early["scorecam"] / first["scorecam"] - ratio) < 1e-6
    assert early["rise"] == first["rise"]


def test_parameters_and_wrappers_count(widget, browser):
    widget.method = "rise"
    for params, factor in (({"masks": 50}, 1), ({"masks": 100}, 2), ({"masks": 50, "smooth": {"repetitions": 4}}, 4)):
        widget.params = params
        browser.wait(widget)
        rest(widget)
        if factor == 1:
            alone = told(browser)[-1]["rise"]
        assert abs(told(browser)[-1]["rise"] / alone - factor) < 1e-6


def test_a_view_that_comes_later_is_told_too(widget, browser):
    until(lambda: told(browser))
    rest(widget)
    before = told(browser)[-1]
    browser.messages.clear()
    browser.open(widget)
    until(lambda: told(browser))
    assert told(browser) == [before]
