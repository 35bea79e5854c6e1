"""Messages that do not arrive are told again when a view asks for them."""

import pytest
from numpy.testing import assert_array_equal

from tests.widget.page import rest, until


@pytest.mark.parametrize("late", [0, 1])
def test_a_view_that_misses_something_hears_everything_again(widget, browser, late):
    rest(widget)
    expected = dict(browser.maps)
    browser.maps, browser.answers = {}, {}
    browser.messages.clear()
    browser.say(widget, "miss", gen=browser.gen - late)
    if late:
        # It has just heard of a newer question, and is taken to have the answer.
        assert browser.messages[0]["held"]
        rest(widget)
        browser.messages.clear()
        browser.say(widget, "miss", gen=browser.gen)
    expected_kinds = ["costs", "done", "evidence", "maps", "nearest", "rankings", "running"]
    until(lambda: sorted(browser.kinds()[-7:]) == expected_kinds)
    done = [message for message in browser.messages if message["kind"] == "done"][-1]
    assert done["maps"] == len(expected) == 3
    for at, (_, values) in expected.items():
        assert_array_equal(values, browser.maps[at][1])
