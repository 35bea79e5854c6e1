"""Segmenters: scores are means over a region of the output."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.regions import flooded
from tests import segmenters
from tests.oracles.case import answers_of
from tests.segmenters import CLASSES, SIDE, photographs, with_drawn_weights

IMAGES = photographs()


@pytest.fixture(scope="module")
def net():
    return segmenters.unet()


@pytest.fixture(scope="module")
def asked(net):
    return kx.Explainer(net, preprocess=None)


def winners(y):
    return np.asarray(y).argmax(-1)


def gradients(net, layer, c, masks):
    """The mean logit of a class over masks (N, H, W), activations of a layer, and the gradient."""
    both = keras.Model(net.input, [net.get_layer(layer).output, net.output])
    with tf.GradientTape() as tape:
        a, y = both(IMAGES)
        scores = tf.reduce_sum(y[..., c] * masks, (1, 2)) / tf.reduce_sum(masks, (1, 2))
    return scores.numpy(), a.numpy(), tape.gradient(scores, a).numpy()


def peaked(maps, places):
    """What is positive in maps, ending at 1 as medicai has it, which adds up places (N,) where we take their mean."""
    positive = np.maximum(maps, 0) * np.reshape(places, (-1, 1, 1))
    return positive / (positive.max((-2, -1), keepdims=True) + 1e-7)


@pytest.mark.parametrize("name", segmenters.SEGMENTERS)
def test_gradcam_is_that_of_medicai(name):
    golden = answers_of("medicai")
    model = segmenters.SEGMENTERS[name]()
    explainer, layer = Explainer(model, preprocess=None), segmenters.last_coarse(model)
    y = model(IMAGES, training=False).numpy()
    for c in range(CLASSES):
        e = explainer.explain(IMAGES, c, layer=layer, region="whole")
        assert_allclose(peaked(e.maps[:, 0], SIDE**2), golden[f"{name}_all"][:, c], atol=1e-4)
        counts = (winners(y) == c).sum((1, 2))
        there = counts > 0
        e = explainer.explain(IMAGES, c, layer=layer)
        assert_allclose(peaked(e.maps[there, 0], counts[there]), golden[f"{name}_object"][there, c], atol=1e-4)
        at = [np.unravel_index(each.argmax(), each.shape)[::-1] for each in y[..., c]]
        e = explainer.explain(IMAGES, c, layer=layer, region=[kx.region(pixel=point) for point in at])
        assert_allclose(peaked(e.maps[:, 0], 1), golden[f"{name}_single"][:, c], atol=1e-4)


def regions_by_hand(net, c):
    """Regions, and the same as masks (N, H, W)."""
    wins = winners(net(IMAGES)) == c
    pixel, box, half = (np.zeros(wins.shape, bool) for _ in range(3))
    pixel[:, 7, 30] = box[:, 10:21, 4:50] = half[:, :, : SIDE // 2] = True
    return [
        (None, wins),
        ("whole", np.ones_like(wins)),
        (kx.region(pixel=(30, 7)), pixel),
        (kx.region(box=(4, 10, 50, 21)), box),
        (kx.region(mask=half[0]), half),
    ]


@pytest.mark.parametrize("layer", ["bottom", "last"])
def test_maps_are_those_of_a_gradient_tape(net, asked, layer):
    for region, masks in regions_by_hand(net, 1):
        scores, a, g = gradients(net, layer, 1, masks.astype(np.float32))
        for method, maps in (("gradcam", (g.mean((1, 2), keepdims=True) * a).sum(-1)), ("hirescam", (g * a).sum(-1))):
            e = asked.explain(IMAGES, 1, method=method, layer=layer, region=region)
            assert_allclose(e.scores[:, 0], scores, atol=1e-5)
            assert_allclose(e.maps[:, 0], maps, atol=1e-6 * np.abs(maps).max() + 1e-9, rtol=1e-3)


def test_probabilities_are_means_over_the_region():
    net = segmenters.unet("softmax")
    asked, y = Explainer(net, preprocess=None), net(IMAGES).numpy()
    for region, masks in regions_by_hand(net, 1):
        e = asked.explain(IMAGES, 1, region=region)
        assert_allclose(e.probabilities[:, 0], (y[..., 1] * masks).sum((1, 2)) / masks.sum((1, 2)), atol=1e-5)


def test_no_probabilities_where_nothing_says_so(asked):
    assert np.isnan(asked.explain(IMAGES).probabilities).all()


def test_the_best_class_is_the_one_that_wins_most(net, asked):
    counts = np.stack([np.bincount(w.ravel(), minlength=CLASSES) for w in winners(net(IMAGES))])
    shares, _ = asked.predict(IMAGES)
    assert_allclose(shares, counts / SIDE**2, atol=1e-6)
    e = asked.explain(IMAGES, ["top", "top-2"])
    assert_array_equal(e.targets, np.argsort(-counts, 1, kind="stable")[:, :2])
    at_pixel = asked.explain(IMAGES, region=kx.region(pixel=(30, 7)))
    assert_array_equal(at_pixel.targets[:, 0], net(IMAGES).numpy()[:, 7, 30].argmax(-1))


@pytest.mark.parametrize("region", [None, kx.region(box=(4, 10, 50, 21))])
def test_what_counts_stays_while_pictures_are_covered(net, asked, region):
    """What wins where in the picture itself is what counts in the covered one."""
    y, number = net(IMAGES).numpy(), CLASSES - 1
    masks = np.zeros(y.shape[:3], bool)
    masks[:, 10:21, 4:50] = True
    masks = winners(y) == number if region is None else masks
    parts = np.zeros((2, SIDE, SIDE))
    parts[0, :20, :20] = parts[1, 30:] = 1
    scores, _ = asked.what_if(IMAGES, parts, cover="black", region=region)
    for m, part in enumerate(parts):
        covered = net(IMAGES * (1 - part[..., None])).numpy()[..., number]
        assert_allclose(scores[:, m, number], (covered * masks).sum((1, 2)) / masks.sum((1, 2)), atol=1e-5)


def test_another_class_of_masks_takes_no_pass(asked):
    asked.explain(IMAGES, 1, method="rise", masks=60)
    before = asked.counts["predict"]
    asked.explain(IMAGES, 4, method="rise", masks=60)
    assert asked.counts["predict"] == before


def test_integrated_gradients_add_up_to_the_change_of_the_mean(net, asked):
    region = kx.region(box=(4, 10, 50, 21))
    e = asked.explain(IMAGES, 1, method="integrated_gradients", region=region, steps=128)
    means = [net(x).numpy()[:, 10:21, 4:50, 1].mean((1, 2)) for x in (IMAGES, 0 * IMAGES)]
    assert_allclose(e.maps[:, 0].sum((1, 2)), means[0] - means[1], atol=1e-2 * np.abs(means[0] - means[1]).max())


def test_a_contrast_is_the_difference_of_maps(asked):
    region = kx.region(pixel=(30, 7))
    one, other, both = (
        asked.explain(IMAGES, target, region=region) for target in ([1], [3], [kx.contrast(1, 3)])
    )  # fmt: skip
    assert_allclose(both.maps, one.maps - other.maps, atol=1e-6)
    assert_allclose(both.scores, one.scores - other.scores, atol=1e-6)


def test_classes_that_win_nowhere_and_regions_outside_are_told_of_their_image_alone(net, asked):
    lost = np.array([(w == c).any() for c in range(CLASSES) for w in winners(net(IMAGES))]).reshape(CLASSES, -1)
    image = np.full_like(IMAGES[:1], 0.5)
    images = np.concatenate([IMAGES, image])
    missing = next(c for c in range(CLASSES) if not (winners(net(image)) == c).any())
    e = asked.explain(images, missing)
    assert np.isnan(e.maps[3]).all()
    assert np.isnan(e.scores[3, 0])
    assert e.notes_of(3, 0)[0].startswith("Wins nowhere: ")
    assert_array_equal(np.isfinite(e.scores[:3, 0]), lost[missing])
    regions = [kx.region(pixel=(99, 3)), None, kx.region(mask=np.ones((9, 11))), kx.region(box=(-9, 0, 0, 5))]
    e = asked.explain(images, region=regions)
    assert "(99, 3) is outside of the picture, which has 64 × 64 pixels" in e.notes_of(0, 0)[0]
    assert "the mask has 9 × 11, and must have 64 × 64" in e.notes_of(2, 0)[0]
    assert "nothing in the box (-9, 0) to (0, 5) is in the picture" in e.notes_of(3, 0)[0]
    assert_array_equal(np.isfinite(e.scores[:, 0]), [False, True, False, False])


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ({"mask": np.zeros((4, 4))}, "marks nothing"),
        ({"mask": "x"}, "must be"),
        ({"box": (3, 3, 3, 9)}, "is empty"),
        ({"pixel": (1, 2, 3)}, r"is no pixel: pass \(x, y\)"),
        ({"pixel": (1, float("nan"))}, "is no pixel"),
        ({"where": "here"}, "'here' is no region"),
        ({"pixel": (1, 2), "box": (1, 2, 3, 4)}, "A region is one of these"),
        ({}, "A region is one of these"),
    ],
)
def test_what_is_no_region_is_refused(region, said):
    with pytest.raises(kx.ParameterError, match=said):
        kx.region(**region)


def test_regions_that_do_not_fit_the_question_are_refused(asked):
    with pytest.raises(kx.ParameterError, match="2 regions for 3 images"):
        asked.explain(IMAGES, region=["whole", "wins"])
    with pytest.raises(kx.ParameterError, match=r"3 is no region|region=3"):
        asked.explain(IMAGES, region=3)
    from tests import models

    with pytest.raises(kx.ParameterError, match="one score per class for the whole image"):
        kx.explain(models.pooled(), np.zeros((1, 12, 12, 3), np.uint8), region="whole")


def blobs():
    """A net whose class at each pixel is the channel of most colour there, and a picture of four rectangles."""
    image = keras.Input((12, 12, 3))
    net = keras.Model(image, layers.Conv2D(3, 1, use_bias=False, name="same")(image))
    net.set_weights([np.eye(3, dtype=np.float32)[None, None]])
    picture = np.zeros((1, 12, 12, 3), np.float32)
    picture[..., 0] = 0.5
    picture[0, 2:5, 2:6, 1] = picture[0, 7:10, 7:11, 1] = picture[0, 5, 6, 1] = 1
    return Explainer(net, preprocess=None), picture


def test_an_object_is_what_hangs_together_around_a_point():
    explainer, picture = blobs()
    e = explainer.explain(picture, 1, method="gradients", region=kx.region(object_at=(3, 3)), channels="sum")
    part = np.zeros((12, 12), bool)
    part[2:5, 2:6] = True  # (6, 5) touches it by a corner alone.
    assert_allclose(e.maps[0, 0], part / part.sum(), atol=1e-6)
    assert_array_equal(flooded(picture[0, ..., 1] == 1, (3, 3)), part)


def test_regions_are_in_pixels_of_the_original_picture():
    """A picture of 48 × 24 pixels whose middle 24 × 24 fill an input of 12 × 12."""
    net = blobs()[0].model
    picture = np.zeros((24, 48, 3), np.uint8)
    explainer = Explainer(net, preprocess=None, fit="crop")
    for region, cells in (
        (kx.region(pixel=(12, 0)), (slice(0, 1), slice(0, 1))),
        (kx.region(pixel=(35, 23)), (slice(11, 12), slice(11, 12))),
        (kx.region(box=(16, 4, 24, 8)), (slice(2, 4), slice(2, 6))),
    ):
        e = explainer.explain([picture], 0, method="gradients", region=region, channels="sum")
        expected = np.zeros((12, 12))
        expected[cells] = 1
        assert_allclose(e.maps[0, 0], expected / expected.sum(), atol=1e-6)
    mask = np.zeros((24, 48))
    mask[4:8, 16:24] = 1
    e = explainer.explain([picture], 0, method="gradients", region=kx.region(mask=mask), channels="sum")
    assert_allclose(e.maps[0, 0], expected / expected.sum(), atol=1e-6)
    e = explainer.explain([picture], 0, method="gradients", region=kx.region(pixel=(3, 3)))
    assert "(3, 3) is not seen by the model: its input is cropped" in e.notes_of(0, 0)[0]


def test_a_sigmoid_of_several_classes_wins_where_it_is_over_a_half():
    net = segmenters.unet("sigmoid")
    net.get_layer("classes").bias.assign(np.full(CLASSES, -1.5, np.float32))
    explainer, y = kx.Explainer(net, preprocess=None), net(IMAGES).numpy()
    shares, probabilities = explainer.predict(IMAGES)
    wins = (winners(y)[..., None] == np.arange(CLASSES)) & (y.max(-1, keepdims=True) > 0.5)
    assert 0 < wins.any(-1).mean() < 1
    assert_allclose(shares, wins.mean((1, 2)), atol=1e-6)
    with np.errstate(invalid="ignore"):
        assert_allclose(probabilities, (y * wins).sum((1, 2)) / wins.sum((1, 2)), atol=1e-5)


def test_one_sigmoid_has_two_classes():
    net = segmenters.unet("sigmoid", classes=1)
    explainer, y = Explainer(net, preprocess=None), net(IMAGES).numpy()[..., 0]
    shares, _ = explainer.predict(IMAGES)
    assert_allclose(shares[:, 1], (y > 0.5).mean((1, 2)), atol=1e-6)
    e = explainer.explain(IMAGES, 1, region="whole")
    assert_allclose(e.probabilities[:, 0], y.mean((1, 2)), atol=1e-5)


def test_places_without_rows_and_columns():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="seen")(image)
    x = layers.Reshape((9, 3))(layers.Dense(27)(layers.Flatten()(x)))
    net = with_drawn_weights(keras.Model(image, x))
    images = photographs(2, 8)
    explainer, y = Explainer(net, preprocess=None), net(images).numpy()
    mask = np.arange(9) % 3 == 0
    e = explainer.explain(images, 2, layer="seen", region=kx.region(mask=mask))
    assert_allclose(e.scores[:, 0], y[:, mask, 2].mean(1), atol=1e-5)
    e = explainer.explain(images, 2, layer="seen", region=kx.region(pixel=(1, 1)))
    assert "the output has 9 places without rows and columns" in e.notes_of(0, 0)[0]


def test_the_region_is_said_and_kept(asked, tmp_path):
    regions = [kx.region(pixel=(30, 7)), None, kx.region(mask=np.eye(SIDE))]
    e = asked.explain(IMAGES, 1, region=regions)
    e.save(tmp_path / "maps.npz")
    loaded = kx.Explanation.load(tmp_path / "maps.npz")
    assert loaded.regions == e.regions
    assert loaded.caption(0, 0).endswith("at pixel (30, 7)")
    assert loaded.caption(1, 0).endswith("where it wins")
    assert loaded.caption(2, 0).endswith("in a mask of 64 pixels")
    assert_array_equal(loaded.of_image(2).regions[0].marked, np.eye(SIDE, dtype=bool))
    assert "at pixel (30, 7), where it wins, …" in repr(loaded)
    assert kx.region(pixel=(30, 7)).code == "kx.region(pixel=(30, 7))"


def test_an_evaluation_is_of_the_same_region(net, asked):
    region = kx.region(box=(4, 10, 50, 21))
    e = asked.explain(IMAGES, [1, 2], region=region)
    v = asked.evaluate(e, {"deletion": {}}, images=IMAGES, cover="black", controls=0, steps=4)
    for t, c in enumerate((1, 2)):
        original, blank = (net(x).numpy()[:, 10:21, 4:50, c].mean((1, 2)) for x in (IMAGES, 0 * IMAGES))
        assert_allclose(e.scores[:, t], original, atol=1e-5)
        curve = v.curves["deletion"][:, t]
        assert_allclose(curve[:, [0, -1]], np.broadcast_to([1, 0], (3, 2)), atol=1e-5)
        assert np.isfinite(curve).all()
        assert_allclose(v.ends[:, t], np.stack([blank, original], -1), atol=1e-4)
        assert np.abs(original - blank).min() > 0


def test_a_store_says_the_region_of_each_image(net, asked, tmp_path):
    region = kx.region(box=(4, 10, 50, 21))
    store = asked.explain_to(tmp_path / "maps", list(IMAGES), 1, region=region)
    e = store.explanation_of(np.arange(3)[:, None], np.zeros((3, SIDE, SIDE, 3), np.uint8))
    assert_array_equal(e.maps, asked.explain(IMAGES, 1, region=region).maps)
    assert e.regions == (region,) * 3
    assert [row["region"] for row in store.rows(range(3))] == ["in the box (4, 10) to (50, 21)"] * 3
    with pytest.raises(kx.FormatError, match="regions"):
        asked.explain_to(tmp_path / "maps", list(IMAGES), 1)


def test_layers_of_the_coarsest_grid_are_recommended(asked):
    assert asked.inspection.recommended == "bottom"
    assert "the last layer of the coarsest grid: 16 × 16 cells" in asked.inspection.why


def test_layers_at_once_are_those_asked_alone(asked):
    region = kx.region(pixel=(30, 7))
    together = asked.explain_layers(IMAGES, 1, layers=["bottom", "second", "last"], region=region)
    for path, e in together.items():
        assert_allclose(e.maps, Explainer(asked.model, preprocess=None).explain(
            IMAGES, 1, layer=path, region=region).maps, atol=1e-6)  # fmt: skip
