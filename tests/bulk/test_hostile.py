"""What people do wrong with stores, and what happens to the files, is told in a sentence."""

import keras
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from tests import models
from tests.cases import photos


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.pooled())


def test_a_model_with_dropout_is_the_same_when_it_is_loaded_again(tmp_path):
    models.pointwise().save(tmp_path / "m.keras")
    first, second = (keras.saving.load_model(tmp_path / "m.keras", compile=False) for _ in range(2))
    (seed,), (other,) = ([v for v in m.variables if "seed" in v.path] for m in (first, second))
    other.assign(seed + 1)
    kept = kx.Explainer(first).explain_to(tmp_path / "s", [photos(2)])
    again = kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])
    assert_array_equal(again.maps([0, 1]), kept.maps([0, 1]))
    kx.KxWidget.from_store(kept, second).close()
    second.weights[0].assign_add(second.weights[0] * 0 + 1)
    with pytest.raises(kx.KxError, match="another model"):
        kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])
