"""Detectors: scores are means over the boxes that overlap one that is asked about."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.detections import suppressed
from tests.detectors import CLASSES, boxes_of, calm_retinanet, detect, dfine, plain
from tests.segmenters import SIDE, photographs

IMAGES = photographs(2)
SMALL = photographs(2, 32)


@pytest.fixture(scope="module")
def net():
    return plain()


@pytest.fixture(scope="module")
def asked(net):
    return kx.Explainer(net, preprocess=None, detect=detect)


@pytest.fixture(scope="module", params=[calm_retinanet, dfine])
def hub(request):
    return request.param()


def told(net, images=SMALL):
    """Boxes and logits of the plain net."""
    outputs = net(images, training=False)
    return ops.convert_to_numpy(boxes_of(outputs)), ops.convert_to_numpy(outputs["what"])


def iou(boxes, box):
    """Intersection over union of boxes (…, 4) with one, written out."""
    wide = np.minimum(boxes[..., 2], box[2]) - np.maximum(boxes[..., 0], box[0])
    high = np.minimum(boxes[..., 3], box[3]) - np.maximum(boxes[..., 1], box[1])
    both = np.maximum(wide, 0) * np.maximum(high, 0)
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return both / (areas + (box[2] - box[0]) * (box[3] - box[1]) - both)


def predicted(task, images, threshold, overlap):
    """What a task of keras-hub predicts, as x0, y0, x1, y1 in pixels of its input."""
    task.prediction_decoder = keras_hub.layers.NonMaxSuppression(
        bounding_box_format=task.bounding_box_format, from_logits=True, confidence_threshold=threshold,
        iou_threshold=overlap, max_detections=12,
    )  # fmt: skip
    told = task.predict(images, verbose=0)
    order = [1, 0, 3, 2] if task.bounding_box_format == "yxyx" else [0, 1, 2, 3]
    each = zip(told["num_detections"], told["boxes"], told["labels"], told["confidence"], strict=True)
    return [(boxes[:n, order], labels[:n], scores[:n]) for n, boxes, labels, scores in each]


@pytest.mark.parametrize(("part", "overlap"), [(0.9, 0.5), (0.6, 0.3)])
def test_detections_are_those_that_a_task_predicts(hub, part, overlap):
    explainer = kx.Explainer(hub, preprocess=None)
    best = max(d[0].score for d in explainer.detections(IMAGES, threshold=0))
    listed = explainer.detections(IMAGES, threshold=part * best, iou=overlap, most=12)
    oracle = predicted(hub, IMAGES, part * best, overlap)
    assert sum(map(len, listed)) > 3
    for detections, (boxes, labels, scores) in zip(listed, oracle, strict=True):
        inside = ((boxes[:, :2] < SIDE) & (boxes[:, 2:] > 0)).all(1)
        assert_allclose([d.box for d in detections], boxes[inside], atol=1e-3)
        assert [d.target for d in detections] == labels[inside].tolist()
        assert_allclose([d.score for d in detections], scores[inside], atol=1e-5)


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.8])
def test_boxes_are_suppressed_as_tensorflow_does_it(overlap):
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 50, (400, 2))
    boxes, scores = np.concatenate([start, start + rng.uniform(2, 30, (400, 2))], 1), rng.random(400)
    # TensorFlow keeps what overlaps just as much.
    oracle = tf.image.non_max_suppression(boxes[:, [1, 0, 3, 2]].astype("f4"), scores, 60, overlap, 0.3).numpy()
    assert_array_equal(suppressed(boxes, scores, 0.3, overlap, 60), oracle)


@pytest.mark.parametrize("fit", ["pad_to_aspect_ratio", "crop_to_aspect_ratio", None])
def test_boxes_are_told_in_pixels_of_the_picture(fit):
    settings = {"crop_to_aspect_ratio": False, **({} if fit is None else {fit: True})}
    converter = keras_hub.layers.RetinaNetImageConverter(image_size=(SIDE, SIDE), scale=1 / 255, **settings)
    net = calm_retinanet(keras_hub.models.RetinaNetObjectDetectorPreprocessor(image_converter=converter))
    photo = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    # Pixels of the picture for one of the input, and where the input begins.
    scale, offset = {
        "pad_to_aspect_ratio": ((100 / SIDE, 100 / SIDE), (0, -20)),
        "crop_to_aspect_ratio": ((60 / SIDE, 60 / SIDE), (20, 0)),
        None: ((100 / SIDE, 60 / SIDE), (0, 0)),
    }[fit]
    explainer = kx.Explainer(net)
    ((boxes, *_),) = predicted(net, photo[None], 0.9, 0.5)
    (detections,) = explainer.detections(photo[None], threshold=0.9, most=12)
    boxes = boxes * np.array([*scale, *scale]) + np.array([*offset, *offset])
    inside = ((boxes[:, :2] < (100, 60)) & (boxes[:, 2:] > 0)).all(1)
    assert inside.any()
    assert_allclose([d.box for d in detections], boxes[inside], atol=1e-2)
    # The region of a detection is found again.
    e = explainer.explain(photo[None], detections[0].target, region=detections[0].region)
    assert np.ptp(e.maps) > 0
    assert e.regions[0].at == detections[0].box


def test_maps_are_those_of_a_gradient_tape(net, asked):
    boxes, logits = told(net)
    (first, *_), _ = asked.detections(SMALL)
    box = (4, 5, 21, 23)
    shares = np.stack([iou(each, box) for each in boxes.astype(np.float64)])
    weights = np.where(shares >= 0.5, shares, 0)
    assert (weights > 0).sum(1).min() > 1
    both = keras.Model(net.input, [net.get_layer("trunk").output, net.output])
    with tf.GradientTape() as tape:
        a, outputs = both(SMALL)
        score = tf.reduce_sum(outputs["what"][..., 1] * weights, 1) / weights.sum(1)
    g = tape.gradient(score, a)
    itself = asked.explain(SMALL[:1], region=first.region)
    assert itself.targets[0, 0] == first.target
    e = asked.explain(SMALL, 1, layer="trunk", region=kx.region(box=box))
    assert_allclose(e.scores[:, 0], (logits[..., 1] * weights).sum(1) / weights.sum(1), atol=1e-5)
    assert_allclose(e.scores[:, 0], score, atol=1e-5)
    probable = (weights / (1 + np.exp(-logits[..., 1]))).sum(1) / weights.sum(1)
    assert_allclose(e.probabilities[:, 0], probable, atol=1e-5)
    assert_allclose(e.maps[:, 0], np.einsum("bk,bhwk->bhw", np.mean(g, (1, 2)), a), atol=1e-5)


def test_another_class_of_a_detection_takes_no_pass_through_the_model(asked):
    (first, *_), _ = asked.detections(SMALL)
    asked.explain(SMALL, 0, region=first.region)
    before = asked.counts
    asked.explain(SMALL, [1, kx.contrast(2, 0)], region=first.region)
    assert set(asked.counts - before) <= {"head", "cache hits", "cache misses"}


def test_without_a_region_the_boxes_that_show_a_class_count(net, asked):
    _, logits = told(net)
    probable = 1 / (1 + np.exp(-logits.astype(np.float64)))
    shown = np.where(probable.max(-1) > 0.5, probable.argmax(-1), -1)
    e = asked.explain(SMALL)
    for i, classes in enumerate(shown):
        means = [probable[i, classes == c, c].mean() if (classes == c).any() else 0 for c in range(CLASSES)]
        assert e.targets[i, 0] == np.argmax(means)
        assert_allclose(e.probabilities[i, 0], max(means), atol=1e-5)
        assert_allclose(asked.predict(SMALL)[1][i], np.where(np.array(means) > 0, means, np.nan), atol=1e-5)


def test_where_nothing_is_probable_the_most_probable_box_counts(net):
    unsure = kx.Explainer(net, preprocess=None, detect=lambda y: (boxes_of(y), y["what"] - 20))
    _, logits = told(net)
    e = unsure.explain(SMALL)
    assert_array_equal(e.targets[:, 0], logits.max(1).argmax(-1))
    assert_allclose(e.scores[:, 0], logits.max((1, 2)) - 20, atol=1e-4)
    lost = unsure.explain(SMALL, int((e.targets[0, 0] + 1) % CLASSES))
    assert np.isnan(lost.maps[0]).all()
    assert "no box of this image shows" in lost.notes[0][0][0]


def test_a_point_stands_for_the_most_probable_box_that_holds_it(net, asked):
    boxes, logits = told(net)
    best = logits.max(-1)
    inside = ((boxes[..., :2] <= 12.5) & (boxes[..., 2:] > 12.5)).all(-1)
    at = np.where(inside, best, -np.inf).argmax(1)
    points = asked.explain(SMALL, 0, region=kx.region(object_at=(12, 12)))
    chosen = [kx.region(box=boxes[i, j]) for i, j in enumerate(at)]
    assert_allclose(points.maps, asked.explain(SMALL, 0, region=chosen).maps, atol=1e-6)


def test_a_level_that_tells_no_box_of_a_region_says_so(asked):
    assert asked.inspection.recommended == "trunk"
    coarse = [d for d in asked.detections(SMALL, threshold=0, iou=1)[0] if d.index >= 64]
    for d in coarse:
        e = asked.explain(SMALL[:1], 0, layer="fine", region=d.region)
        if not e.maps.any():
            break
    assert "only boxes 0 to 63 come from this layer" in e.notes[0][0][0]
    assert "'trunk'" in e.notes[0][0][0]
    levels = asked.explain_layers(SMALL[:1], 0, layers=["fine", "coarse"], region=d.region)
    assert not levels["fine"].maps.any()
    assert np.ptp(levels["coarse"].maps) > 0


@pytest.mark.parametrize("classes", [1, CLASSES])
def test_probabilities_may_come_from_anything(classes):
    """The last class of a softmax is that of no object."""
    net = plain(classes + 1)

    def with_softmax(outputs):
        return boxes_of(outputs), outputs["what"][..., :-1], ops.softmax(outputs["what"])[..., :-1]

    explainer = kx.Explainer(net, preprocess=None, detect=with_softmax)
    _, logits = told(net)
    e = np.exp(logits - logits.max(-1, keepdims=True))
    probable = (e / e.sum(-1, keepdims=True))[..., :-1]
    for detections, each in zip(explainer.detections(SMALL, threshold=0.1, iou=1.1), probable, strict=True):
        assert detections
        for d in detections:
            assert d.target == each[d.index].argmax()
            assert_allclose(d.score, each[d.index].max(), atol=1e-5)
    assert explainer.inspection.classes == classes


def test_sigmoids_are_looked_behind(net, asked):
    linked = kx.Explainer(net, preprocess=None, detect=lambda y: (boxes_of(y), ops.sigmoid(y["what"])))
    assert linked.detections(SMALL)[0] == asked.detections(SMALL)[0]
    assert_allclose(linked.explain(SMALL, 0).scores, asked.explain(SMALL, 0).scores, atol=1e-5)


def test_a_detection_under_masks_is_that_of_the_formula(net, asked):
    (first, *_), _ = asked.detections(SMALL, threshold=0)
    target = asked.detection_target(SMALL[:1], first)
    boxes, logits = told(net, SMALL[:1])
    p = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    itself = p[first.index]
    alike = p @ itself / np.linalg.norm(p, axis=1) / np.linalg.norm(itself)
    e = asked.explain(SMALL[:1], target, method="rise", masks=8)
    assert_allclose(e.scores[0, 0], (iou(boxes[0], first.box) * alike).max(), atol=1e-5)
    other = asked.explain(SMALL[1:], target, method="gradients")
    boxes, logits = told(net, SMALL[1:])
    p = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    alike = p @ itself / np.linalg.norm(p, axis=1) / np.linalg.norm(itself)
    assert_allclose(other.scores[0, 0], (iou(boxes[0], first.box) * alike).max(), atol=1e-5)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (kx.region(box=(40, 0, 50, 9)), "is in the picture, which has 32 × 32"),
        (kx.region(box=(0, 0, 1, 1)), "proposes no box there"),
        (kx.region(pixel=(40, 3)), "is in the picture, which has 32 × 32"),
        (kx.region(mask=np.ones((32, 32))), "without rows and columns"),
    ],
)
def test_a_region_that_no_box_is_in_has_a_map_of_nothing_and_says_why(asked, region, said):
    e = asked.explain(SMALL, 0, region=[region, None])
    assert np.isnan(e.maps[0]).all()
    assert np.isfinite(e.maps[1]).all()
    assert said in e.notes[0][0][0]


@pytest.mark.parametrize(
    ("detect", "said"),
    [
        (lambda y: y["where"], "are needed"),
        (lambda y: (y["what"], y["where"]), "are needed"),
        (lambda y: (y["where"], y["what"][..., 0]), "are needed"),
        (lambda y: (y["where"], y["what"], y["where"]), "are needed"),
        (lambda y: y["boxes"], "detect raised"),
        ("RetinaNet", "is no function"),
    ],
)
def test_what_reads_no_boxes_is_refused(net, detect, said):
    with pytest.raises(kx.ParameterError, match=said):
        kx.Explainer(net, preprocess=None, detect=detect)


def test_what_is_no_detector_is_told_how_to_become_one(net, asked):
    with pytest.raises(kx.ModelError, match="If the model detects objects, pass detect="):
        kx.Explainer(net, preprocess=None)
    with pytest.raises(kx.ParameterError, match="pass one of them"):
        kx.Explainer(net, preprocess=None, detect=detect, output="what")
    flat = kx.Explainer(net, preprocess=None, output="what")
    with pytest.raises(kx.ParameterError, match="no detector that is known"):
        flat.detections(SMALL)
    with pytest.raises(kx.ParameterError, match="outside its range"):
        asked.detections(SMALL, most=0)
    with pytest.raises(kx.UnknownTargetError, match="There is no class"):
        asked.explain(SMALL, "zebra")
    with pytest.raises(kx.ParameterError, match="one image"):
        asked.detection_target(SMALL, asked.detections(SMALL)[0][0])
