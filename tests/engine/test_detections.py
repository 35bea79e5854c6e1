"""Detected boxes, explained by D-RISE."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.engine.detectors import retinanet_boxes
from kx_widget.engine.methods.rise import Masks
from tests.segmenters import photographs, retinanet

SIDE = 64


def similarity_by_hand(boxes, scores, box, label):
    """The formula of D-RISE, proposal after proposal."""
    best = []
    for of_image, classes in zip(boxes.astype(np.float64), scores.astype(np.float64), strict=True):
        values = []
        for (x0, y0, x1, y1), p in zip(of_image, classes, strict=True):
            wide, high = min(x1, box[2]) - max(x0, box[0]), min(y1, box[3]) - max(y0, box[1])
            both = max(wide, 0) * max(high, 0)
            union = (x1 - x0) * (y1 - y0) + (box[2] - box[0]) * (box[3] - box[1]) - both
            values.append(both / union * p[label] / np.sqrt((p**2).sum()))
        best.append(max(values))
    return np.array(best)


def test_a_box_under_masks_is_that_of_the_formula():
    net, images = retinanet(), photographs(1)
    detect = retinanet_boxes(net, (SIDE, SIDE))
    explainer = kx.Explainer(net, preprocess=None, output="cls_logits")
    target = kx.detection(detect, (10, 12, 50, 40), (1, 3), "cat")
    e = explainer.explain(images, target, method="rise", masks=40, cells=4)
    masks = Masks(explainer.ask(images, target, method="rise").probe(slice(0, 1)), 40, 4, 0.5)
    drawn = masks.whole(np.zeros(40, np.int64), np.arange(40))
    outputs = net(images * drawn[..., None], training=False)
    boxes, scores = (keras.ops.convert_to_numpy(each) for each in detect(outputs))
    found = similarity_by_hand(boxes, scores, (10, 12, 50, 40), 1)
    assert np.ptp(found) > 0
    assert_allclose(e.maps[0, 0], np.tensordot(found, drawn, 1) / (40 * 0.5), atol=1e-5)
    outputs = net(images, training=False)
    itself = similarity_by_hand(*(keras.ops.convert_to_numpy(each) for each in detect(outputs)), (10, 12, 50, 40), 1)
    assert_allclose(e.scores[:, 0], itself, atol=1e-5)
    # It has a gradient, too.
    assert np.ptp(explainer.explain(images, target, method="gradients").maps) > 0


def test_anchors_are_places_of_a_region():
    net, images = retinanet(), photographs(1)
    logits = keras.ops.convert_to_numpy(net(images, training=False)["cls_logits"])
    mask = np.zeros(logits.shape[1])
    mask[5:9] = 1
    e = kx.explain(net, images, 2, preprocess=None, output="cls_logits", region=kx.region(mask=mask))
    assert_allclose(e.scores[:, 0], logits[:, 5:9, 2].mean(1), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(((3, 3, 3, 9), (0, 2)), "must be"), (((0, 0, 1), (0, 2)), "must be"), (((0, 0, 1, 1), np.zeros(3)), "not all 0")],
)
def test_what_is_no_detection_is_refused(arguments, said):
    with pytest.raises(kx.ParameterError, match=said):
        kx.detection(lambda y: y, *arguments)
