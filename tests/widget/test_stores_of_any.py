"""Stores of models of several inputs and of embeddings are asked again: what these models need is kept with them."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from tests.widget.page import rest

RNG = np.random.default_rng(0)
AGES = np.array([0.1, 3, 70, 0.7], np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [str(folder / f"{number}.png") for number in range(4)]
    for path in paths:
        Image.fromarray(RNG.integers(0, 256, (20, 16, 3), np.uint8)).save(path)
    return paths


def with_age():
    """What a picture says counts by the age and two more numbers."""
    keras.utils.set_random_seed(1)
    image, age, more = (
        keras.Input((16, 16, 3), name="image"),
        keras.Input((1,), name="age"),
        keras.Input((2,), name="more"),
    )
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    x = layers.Multiply()([layers.GlobalAveragePooling2D()(x), layers.Dense(4)(age)])
    return keras.Model({"image": image, "age": age, "more": more}, layers.Dense(3)(layers.Concatenate()([x, more])))


def rows(files):
    for path, age in zip(files, AGES, strict=True):
        yield {"image": path, "age": age, "more": [age, 1]}


def test_what_rides_along_is_kept_and_asked_again(files, tmp_path, browser):
    x = kx.Explainer(with_age(), class_names=["a", "b", "c"])
    store = x.explain_to(tmp_path / "s", rows(files), "a", layer="conv")
    assert store.skipped == []
    kept = [json.loads(text) for text in store.column("beside").to_pylist()]
    assert [np.float32(row["age"][0]) for row in kept] == [*AGES]
    given = {"image": files, "age": AGES, "more": np.stack([AGES, np.ones(4)], 1)}
    assert_allclose(np.stack(store.maps(store.select())), x.explain(given, "a", layer="conv").maps[:, 0], rtol=1e-6)
    with kx.KxWidget.from_store(tmp_path / "s", x) as widget:
        browser.open(widget)
        browser.wait(widget)
        for target, method in (("b", "gradcam"), ("c", "gradient_x_input")):
            widget.method = method
            widget.target = target
            widget.wait()
            rest(widget)
            expected = x.explain(given, target, method=method, **({"layer": "conv"} if method == "gradcam" else {}))
            assert_array_equal(widget.result.maps[0], expected.maps[0])
            assert_array_equal(widget.result.scores[0], expected.scores[0])


def test_a_store_of_several_inputs_is_evaluated(files, tmp_path):
    x = kx.Explainer(with_age(), class_names=["a", "b", "c"])
    store = x.explain_to(tmp_path / "s", rows(files), "a", layer="conv")
    evaluation = x.evaluate_store(store, "single_deletion")
    given = {"image": files, "age": AGES, "more": np.stack([AGES, np.ones(4)], 1)}
    direct = x.evaluate(x.explain(given, "a", layer="conv"), "single_deletion")
    assert_allclose(evaluation.means["single_deletion"], direct.scores["single_deletion"].mean(), rtol=1e-5)


def test_a_store_that_lacks_an_input_shows_what_it_holds_and_says_why_no_more(files, tmp_path):
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    pooled = [layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name=f"conv_{i.name}")(i)) for i in (left, right)]
    model = keras.Model([left, right], layers.Dense(3)(layers.Concatenate()(pooled)))
    x = kx.Explainer(model, explain_input="left", class_names=["a", "b", "c"])
    store = x.explain_to(tmp_path / "s", ({"left": f, "right": f} for f in files), "a", layer="conv_left")
    assert "beside" not in store.names
    with kx.KxWidget.from_store(store, x) as widget:
        assert np.isfinite(widget.wait().maps).all()
        widget.target = "b"
        with pytest.raises(kx.KxError, match=r"The model also takes 'right', and what that was is not kept"):
            widget.wait()


def test_a_store_of_embeddings_keeps_its_references(files, tmp_path):
    keras.utils.set_random_seed(2)
    image = keras.Input((16, 16, 3))
    conv = layers.Conv2D(4, 3, activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling2D()(conv)))
    x = kx.Explainer(model, references=kx.similar_to(files[:2], names=["first", "second"]))
    store = x.explain_to(tmp_path / "s", files, "first", layer="conv")
    assert store.explanation(3).caption(0, 0).endswith(" similarity")
    with kx.KxWidget.from_store(tmp_path / "s", model) as widget:
        widget.target = "second"
        assert_allclose(widget.wait().scores[0, 0], x.predict(files)[0][0, 1], rtol=1e-6)
    other = kx.Explainer(model, references=kx.similar_to(files[1:3], names=["first", "second"]))
    with pytest.raises(kx.FormatError, match="another references"):
        other.explain_to(tmp_path / "s", files, "first", layer="conv")
