"""Several layers at once: the same answers, for one pass forward and one backward."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.errors import UnknownLayerError
from kx_widget.engine.explainer import Explainer
from tests import cases, models

LAYERS = ["stem", "branch", "inside", "after_add"]


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_each_layer_has_the_answer_it_has_alone(method):
    explainer, x = Explainer(models.residual()), cases.photos()
    together = explainer.explain_layers(x, ["top", 2], layers=LAYERS, method=method)
    assert list(together) == LAYERS
    for layer, found in together.items():
        alone = Explainer(explainer.model).explain(x, ["top", 2], layer=layer, method=method)
        assert_allclose(found.maps, alone.maps, rtol=1e-4, atol=1e-7)
        assert_array_equal(found.targets, alone.targets)
        assert_allclose(found.scores, alone.scores, rtol=1e-5)


def test_one_pass_serves_all_layers_and_the_family():
    explainer, x = Explainer(models.residual()), cases.photos()
    explainer.explain_layers(x, [1], layers=LAYERS)
    assert explainer.counts["layers"] == 1
    explainer.explain_layers(x, [1], layers=LAYERS, method="layercam")
    for layer in LAYERS:
        explainer.explain(x, [1], layer=layer, method="gradcampp")
    counts = explainer.counts
    assert counts["layers"] == 1
    assert counts["trunk"] == counts["head"] == counts["predict"] == 0


def test_without_room_to_keep_it_the_answer_is_the_same():
    model, x = models.residual(), cases.photos()
    kept, forgotten = (Explainer(model, cache_mib=mib).explain_layers(x, [1], layers=LAYERS) for mib in (512, 0))
    for layer in LAYERS:
        assert_allclose(kept[layer].maps, forgotten[layer].maps, rtol=1e-4, atol=1e-7)


def test_an_unknown_layer_is_refused():
    with pytest.raises(UnknownLayerError, match="no layer 'stemm'"):
        Explainer(models.residual()).explain_layers(cases.photos(), layers=["stem", "stemm"])
