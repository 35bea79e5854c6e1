"""A user's own method in the widget."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from tests import cases, models
from tests.engine.test_own_methods import energy, method
from tests.widget.page import PATIENCE


def test_it_is_in_the_catalogue_and_answered_like_any_other(browser):
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), methods=[method(energy)], method="mine")) as w:
        browser.wait(w)
        (welcome,) = [m for m in browser.messages if m["kind"] == "welcome"]
        listed = [m["id"] for m in welcome["catalogue"]]
        # Controls come last.
        assert listed == [*list(kx.METHODS)[:-2], "mine", "randomcam", "edges"]
        answer = w.wait()
        assert answer.method == "mine"
        assert_array_equal(browser.maps[0, 0][1], answer.maps[0, 0])
        w.compare = "methods"
        w.compare_with = ["mine", "gradcam"]
        browser.wait(w)
        assert [result.method for result in w.results] == ["mine", "gradcam"]
        assert np.isfinite(w.wait().maps).all()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_one_that_would_end_the_process_ends_its_question_alone(browser, tmp_path, kind):
    def leaves(probe, target):
        raise kind(3)
        yield

    with browser.open(kx.KxWidget(models.residual(), cases.photos(), methods=[method(leaves)])) as w:
        browser.wait(w)
        w.method = "mine"
        with pytest.raises(kx.KxError, match=f"raised {kind.__name__}"):
            w.wait(PATIENCE)
        assert w.status == "error"
        w.save(tmp_path / "page.html")
        w.method = "gradcam"
        assert w.wait(PATIENCE).method == "gradcam"
