"""Whatever is passed, only errors of our own come out, and what was right before is right after."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal
from PIL import Image

from kx_widget.engine.errors import KxError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods import METHODS
from kx_widget.engine.targets import contrast
from tests import cases, models

PHOTOS = cases.photos(2)
QUICK = ("gradcam", "gradients", "eigencam", "layercam")

numbers = st.integers() | st.floats() | st.booleans() | st.complex_numbers()
dtypes = arrays.scalar_dtypes() | arrays.unicode_string_dtypes() | st.just(np.dtype(object))
odd_arrays = arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4), elements=None)
texts = st.text(max_size=12) | st.sampled_from(
    ["top", "top-2", "top-0", "top-99999999999999999999", "late", "late#2", "["]
)
leaves = st.none() | numbers | texts | st.binary(max_size=8)
anything = st.recursive(
    leaves | odd_arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(leaves.filter(lambda v: v == v), max_size=3)
        | st.builds(contrast, inner, inner)
    ),
    max_leaves=5,
)
sides = st.integers(1, 40)
pictures = st.builds(
    lambda mode, w, h: Image.new(mode, (w, h)),
    st.sampled_from(["RGB", "L", "RGBA", "1", "P", "CMYK", "F", "I", "LA"]),
    sides,
    sides,
)
image_arrays = arrays.arrays(
    st.sampled_from([np.dtype(t) for t in ("u1", "i2", "f2", "f4", "f8", "?", "i8", "u8")]),
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 12, 30]), min_size=1, max_size=4).map(tuple),
)
images = anything | pictures | image_arrays | st.lists(pictures | image_arrays | texts, max_size=3)
parameters = st.sampled_from(sorted(METHODS)).flatmap(
    lambda method: st.fixed_dictionaries(
        {"method": st.just(method)}, optional={p.name: anything for p in METHODS[method].params} | {"nope": anything}
    )
)
wrappers = st.fixed_dictionaries(
    {},
    optional={
        "smooth": anything | st.fixed_dictionaries({}, optional={"repetitions": anything, "noise": anything}),
        "tta": anything | st.fixed_dictionaries({}, optional={"scales": anything, "hflip": anything}),
        "batch_size": anything,
        "seed": anything,
    },
)
fuzzed = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def explainer():
    return Explainer(models.pooled())


@pytest.fixture(scope="module")
def right(explainer):
    return explainer.explain(PHOTOS)


def answer_of(ask: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What was answered, or None where the question was refused in words."""
    try:
        return ask(*arguments, **keywords)
    except KxError as error:
        refused = str(error)
    assert len(refused) > 15
    return None


@fuzzed
@given(images)
def test_images(explainer, right, given_images):
    if found := answer_of(explainer.explain, given_images, method="gradients"):
        assert np.isfinite(found.maps).all()
    assert_array_equal(explainer.explain(PHOTOS).maps, right.maps)


@fuzzed
@given(anything)
def test_targets(explainer, right, targets):
    if found := answer_of(explainer.explain, PHOTOS, targets):
        assert found.maps.shape[:2] == found.scores.shape
        assert np.isfinite(found.scores).all()
    assert_array_equal(explainer.explain(PHOTOS).maps, right.maps)


@fuzzed
@given(anything, st.sampled_from(QUICK))
def test_layers(explainer, layer, method):
    answer_of(explainer.ask, PHOTOS, layer=layer, method=method)


@fuzzed
@given(anything)
def test_methods(explainer, method):
    answer_of(explainer.ask, PHOTOS, method=method)


@settings(fuzzed, max_examples=300)
@given(parameters)
@example({"method": "scorecam", "weighting": np.zeros(3)})
def test_parameters(explainer, question):
    answer_of(explainer.ask, PHOTOS, **question)


@fuzzed
@given(wrappers)
def test_wrappers(explainer, question):
    answer_of(explainer.ask, PHOTOS, **question)


@settings(fuzzed, max_examples=40)
@given(
    st.fixed_dictionaries(
        {},
        optional={name: anything for name in ("preprocess", "class_names", "output", "memory_mib", "cache_mib", "fit")},
    )
)
def test_settings_of_an_explainer(model, keywords):
    answer_of(Explainer, model, **keywords)


@pytest.fixture(scope="module")
def model():
    return models.pooled()


@settings(fuzzed, max_examples=60)
@given(anything)
def test_models(thing):
    with pytest.raises(KxError):
        Explainer(thing)
