"""Somebody else's errors in one line, and near misses."""

import pytest

from kx_widget.engine.errors import did_you_mean, plain


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no more film"), "ValueError: no more film"),
        (
            ValueError("Exception encountered when calling A\n\n\x1b[1mtoo small\x1b[0m\n\nArguments received by"),
            "ValueError: too small",
        ),
        (
            RuntimeError("Graph execution error:\n\nDetected at node X\nTraceback (most recent call last):\n"
                         "  File x, line 3\n\nValueError: no more film\n\n\t [[{{node PyFunc}}]]"),
            "ValueError: no more film",
        ),
        (KeyError(), "KeyError"),
    ],
)  # fmt: skip
def test_somebody_elses_error_in_one_line(error, line):
    assert plain(error) == line


def test_names_that_hold_the_word_come_before_those_that_are_spelt_alike():
    known = ["bow", "yawl", "wool", "soup bowl", "great grey owl", "tabby"]
    assert did_you_mean("owl", known) == " Did you mean 'great grey owl'?"
    assert did_you_mean("GREY owl", known) == " Did you mean 'great grey owl'?"
    assert did_you_mean("owl", known[:4]) == " Did you mean 'soup bowl' or 'bow' or 'yawl'?"
    assert did_you_mean("bo", known) == " Did you mean 'bow'?"
    # Three letters in the same order are no likeness.
    assert did_you_mean("steps", ["targets", "labels"]) == " Known: 'targets', 'labels'."


def test_near_misses_come_first_else_what_there_is():
    known = ["tabby", "tiger cat", "Egyptian cat"]
    assert did_you_mean("Taby", known) == " Did you mean 'tabby'?"
    assert did_you_mean("zzz", known) == " Known: 'tabby', 'tiger cat', 'Egyptian cat'."
    assert did_you_mean("zzz", map(str, range(20))).endswith(", ….")
    assert did_you_mean("x", []) == ""
