"""Images as a parameter of what a widget asks: a text of the trait, which a browser can send back."""

import json

import numpy as np
import pytest
from PIL import Image

from kx_widget import Explainer, KxWidget
from kx_widget.engine.errors import KxError, ParameterError
from tests import cases, models

METHOD = "expected_gradients"


@pytest.fixture(scope="module")
def explainer():
    return Explainer(models.residual())


def pictures(n):
    return np.random.default_rng(n).integers(0, 256, (n, models.SIDE, models.SIDE, 3), np.uint8)


def test_images_are_a_text_of_the_trait(explainer):
    with KxWidget(explainer, cases.photos(), method=METHOD, params={"background": pictures(2), "draws": 4}) as w:
        maps = w.wait().maps
        told = json.loads(json.dumps(w.params))
        assert told["background"].startswith("2 images ")
        w.params = {**told, "draws": 5}
        assert w.wait().params["background"] == told["background"]
        w.params = {"background": pictures(3), "draws": 4}
        assert np.abs(w.wait().maps - maps).max() > 0
        assert w.params["background"].startswith("3 images ")
        with pytest.raises(ParameterError, match="background: "):
            w.params = {"background": "nowhere/"}
        assert w.params["background"].startswith("3 images ")


def test_a_store_shows_what_it_holds_without_them(explainer, tmp_path):
    for i, picture in enumerate(pictures(3)):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    asked = {"method": METHOD, "background": pictures(2), "draws": 4}
    store = explainer.explain_to(tmp_path / "maps", tmp_path, **asked)
    text = store.job["params"]["background"]
    for model in (None, Explainer(explainer.model)):
        with KxWidget.from_store(tmp_path / "maps", model) as w:
            assert w.wait().params["background"] == w.params["background"] == text
            with pytest.raises(
                KxError, match="anything else needs the model" if model is None else "pass these images"
            ):
                w.params = {**w.params, "draws": 5}
            if model is not None:
                w.params = {"background": pictures(2), "draws": 5}
                assert w.wait().params["background"] == text
