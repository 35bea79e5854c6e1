"""Regions of a segmenter, asked in the widget."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from tests import segmenters
from tests.widget.page import Page

NAMES = ["road", "car", "sky", "tree", "sign"]
PIXEL = {"kind": "pixel", "at": [40.0, 20.0]}
# Larger than what the model sees, and of another shape.
SIZE = (96, 128)
PLACES = {
    "whole": kx.region("whole"),
    "pixel": kx.region(pixel=(40, 20)),
    "box": kx.region(box=(10, 5, 90, 60)),
    "object": kx.region(object_at=(100, 80)),
    "mask": kx.region(mask=np.eye(segmenters.SIDE, dtype=bool)),
}


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(segmenters.unet(), preprocess=None, class_names=NAMES)


@pytest.fixture(scope="module")
def photos():
    return segmenters.photographs(3, 128)[:, : SIZE[0]]


@pytest.fixture
def page(monkeypatch):
    return Page(monkeypatch)


@pytest.fixture
def widget(explainer, photos, page):
    widget = page.open(kx.KxWidget(explainer, photos))
    page.wait(widget)
    yield widget
    widget.close()


def ask(widget, page, **traits):
    """Set traits as the page does."""
    widget.set_state(traits)
    return page.wait(widget)


@pytest.mark.parametrize("region", PLACES.values(), ids=PLACES)
def test_maps_are_those_of_the_engine(widget, page, explainer, photos, region):
    answer = ask(widget, page, regions={"1": region.as_plain()})
    want = explainer.explain(photos, region=[None, region, None])
    assert_array_equal(answer.maps, want.maps)
    assert_array_equal(answer.scores, want.scores)
    assert answer.regions == want.regions
    assert answer.target_names == want.target_names
    for (image, _), (item, values) in page.maps.items():
        assert_allclose(values, want.maps[image, 0], atol=np.ptp(want.maps) / 1e5)
        assert item["region"]["words"] == str(want.regions[image])
        assert item["region"]["kind"] == ("wins" if image != 1 else region.kind)
        assert item["target_name"] == want.target_names[image][0]


def test_the_pixel_s_own_class_is_explained(widget, page, explainer, photos):
    answer = ask(widget, page, regions={"0": PIXEL, "2": {"kind": "pixel", "at": [120, 90]}})
    small = np.asarray(explainer.model(explainer.load(photos).batch))
    for image, (x, y) in {0: (40, 20), 2: (120, 90)}.items():
        scores = small[image, y * segmenters.SIDE // SIZE[0], x * segmenters.SIDE // SIZE[1]]
        assert answer.target_names[image][0] == NAMES[scores.argmax()]
        assert_allclose(answer.scores[image, 0], scores.max(), rtol=1e-5)
