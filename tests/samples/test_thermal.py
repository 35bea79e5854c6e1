"""The network of four bands and two inputs reads the heat of the object, less that of the air, and maps say so."""

import numpy as np
import pytest

import kx_widget as kx
from kx_widget import samples
from kx_widget.samples.thermal import BANDS, HEAT_BAND
from tools.samples.thermal import HELD_OUT_SEED, TRAINING_SEEDS, measure


@pytest.fixture(scope="module")
def loaded():
    return samples.load_thermal()


@pytest.fixture(scope="module")
def explainer(loaded):
    return kx.Explainer(loaded.model, output_names=loaded.output_names)


def test_a_thermal_scene_depends_on_its_seed_and_index_alone():
    images, air, excess, masks = samples.thermal_scenes(3, seed=5)
    again = samples.thermal_scenes(2, seed=5)
    for array, same in zip((images, air, excess, masks), again, strict=True):
        np.testing.assert_array_equal(array[:2], same)
    assert not np.array_equal(images, samples.thermal_scenes(3, seed=6)[0])
    assert images.shape == (3, 128, 128, len(BANDS))
    assert (images.dtype, 255 < images.max() <= 4095) == (np.uint16, True)


def test_the_heat_of_the_object_less_that_of_the_air_is_the_value():
    images, air, excess, masks = samples.thermal_scenes(20, seed=5)
    degrees = images[..., HEAT_BAND] / 4095 * 80 - 20
    of_objects = [image[mask].mean() for image, mask in zip(degrees, masks, strict=True)]
    np.testing.assert_allclose(excess[:, 0], np.array(of_objects) - air[:, 0], atol=0.05)


def test_what_is_loaded_goes_together(loaded):
    assert {name: tuple(array.shape[1:]) for name, array in loaded.images.items()} == {
        spec.name: tuple(spec.shape[1:]) for spec in loaded.model.inputs
    }
    predicted = loaded.model.predict(loaded.images, verbose=0)
    assert np.abs(predicted - loaded.values).max() < 3
    assert loaded.masks.shape == loaded.images["image"].shape[:3]


def test_values_follow_the_object_and_the_air_and_nothing_else(loaded):
    assert HELD_OUT_SEED not in TRAINING_SEEDS
    figures = measure(loaded.model, 200)
    assert figures["°C off"] < 1.5
    assert figures["°C more where the air is 10 °C warmer"] == pytest.approx(-10, abs=0.5)
    assert figures["°C more where the object is 10 °C warmer"] == pytest.approx(10, abs=1.5)
    assert figures["°C more where all else is 10 °C warmer"] == pytest.approx(0, abs=1.5)


def test_values_are_those_of_keras_at_full_depth(explainer, loaded):
    scores, _ = explainer.predict(loaded.images)
    deep = loaded.images["image"].astype("f4")
    want = loaded.model.predict({**loaded.images, "image": deep}, verbose=0)
    np.testing.assert_allclose(scores, want, atol=1e-3)
    np.testing.assert_array_equal(explainer.load(loaded.images).batch, deep)
    assert "12 bit" in explainer.preprocessing


def test_the_map_of_the_heat_band_lies_on_the_object(explainer):
    """What a degree more at each pixel would do is told by the gradient: one in all, hardly any elsewhere."""
    images, air, _, masks = samples.thermal_scenes(30, HELD_OUT_SEED)
    e = explainer.explain({"image": images, "air": air}, 0, method="gradients", channels="each")
    heat = e.maps[:, HEAT_BAND] * (4095 / 80)
    on_object = (heat * masks).sum((1, 2))
    np.testing.assert_allclose(np.median(on_object), 1, atol=0.15)
    assert np.median(np.abs(heat * ~masks).sum((1, 2)) / np.abs(heat).sum((1, 2))) < 0.2
    assert masks.mean() < 0.25


def test_what_a_layer_adds_to_the_value_lies_on_the_object(explainer):
    images, air, _, masks = samples.thermal_scenes(20, HELD_OUT_SEED)
    assert explainer.inspection.recommended == "cells"
    e = explainer.explain({"image": images, "air": air}, 0, method="hirescam")
    strength = np.abs(e.heatmaps(sign="signed", size="input")[:, 0])
    assert np.median((strength * masks).sum((1, 2)) / strength.sum((1, 2))) > 0.9


def test_bands_sum_to_what_the_whole_image_adds_to_nothing(explainer, loaded):
    e = explainer.explain(loaded.images, 0, method="integrated_gradients", channels="each", steps=100)
    black = {**loaded.images, "image": np.zeros_like(loaded.images["image"], "f4")}
    want = (loaded.model.predict(loaded.images, verbose=0) - loaded.model.predict(black, verbose=0))[:, 0]
    np.testing.assert_allclose(e.maps.sum((1, 2, 3)), want, atol=0.02 * np.abs(want).max())


def test_both_are_small():
    files = samples.MODELS["segmenter"], samples.THERMAL
    assert sum((samples.DATA / file).stat().st_size for file in files) <= 2_000_000
