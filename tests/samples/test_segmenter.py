"""The segmenter finds the objects, and maps of it lie on what was asked about."""

import numpy as np
import pytest

import kx_widget as kx
from kx_widget import samples
from tools.samples.segmenter import SEEDS, intersections_over_unions, measure
from tools.samples.train import HELD_OUT_SEED, peaks_inside

SCENES = 40


@pytest.fixture(scope="module")
def loaded():
    return samples.load("segmenter")


@pytest.fixture(scope="module")
def explainer(loaded):
    return kx.Explainer(loaded.model, class_names=loaded.class_names)


@pytest.fixture(scope="module")
def pairs():
    """Held-out scenes of two objects, the two classes of each, and where these are: (N, 2, 128, 128)."""
    images, labels, masks = samples.scenes(SCENES, 2, HELD_OUT_SEED + 1)
    classes = np.nonzero(labels)[1].reshape(SCENES, 2)
    return images, 1 + classes, masks[np.arange(SCENES)[:, None], classes]


def middle_of(mask):
    """A pixel (x, y) of a mask that has as much of it around it as there can be."""
    inside = mask.copy()
    while True:
        rows, columns = np.nonzero(inside)
        eroded = inside.copy()
        eroded[1:] &= inside[:-1]
        eroded[:-1] &= inside[1:]
        eroded[:, 1:] &= inside[:, :-1]
        eroded[:, :-1] &= inside[:, 1:]
        eroded[[0, -1]] = eroded[:, [0, -1]] = False
        if not eroded.any():
            return int(columns[0]), int(rows[0])
        inside = eroded


def test_masks_tell_of_each_pixel_what_it_shows(loaded):
    assert loaded.class_names == ["background", *samples.load().class_names]
    assert loaded.model.output_shape == (None, 128, 128, len(loaded.class_names))
    plain = samples.load()
    assert [image.shape for image in loaded.images] == [image.shape for image in plain.images]
    for mask, of_objects in zip(loaded.masks, plain.masks, strict=True):
        assert (mask is None) == (of_objects is None)
        if mask is not None:
            np.testing.assert_array_equal(mask[1:], of_objects)
            np.testing.assert_array_equal(mask.sum(0), 1)


def test_it_finds_the_objects_of_scenes_that_it_has_not_seen(loaded):
    assert not {HELD_OUT_SEED, HELD_OUT_SEED + 1} & set(SEEDS)
    figures = measure(loaded.model, 200)
    assert figures["pixels right"] > 0.97
    assert figures["mean IoU of the classes"] > 0.87
    assert figures["IoU of the worst class"] > 0.78


def test_the_overlap_of_two_maps_of_classes():
    true, predicted = np.array([[[0, 0, 1, 1]]]), np.array([[[0, 1, 1, 1]]])
    np.testing.assert_allclose(intersections_over_unions(predicted, true), [1 / 2, 2 / 3])


def test_shares_of_the_picture_are_those_that_keras_counts(explainer, loaded, pairs):
    images = pairs[0][:4]
    scores, _ = explainer.predict(images)
    winners = loaded.model.predict(images, verbose=0).argmax(-1).reshape(4, -1)
    shares = [np.bincount(row, minlength=len(loaded.class_names)) / row.size for row in winners]
    np.testing.assert_allclose(scores, shares, atol=1e-4)


@pytest.mark.parametrize(
    ("question", "share"), [({"layer": "up3_relu"}, 0.9), ({"method": "integrated_gradients"}, 0.95)]
)
def test_a_map_of_a_class_peaks_on_its_object(explainer, pairs, question, share):
    """By chance it would in one of eight."""
    images, targets, masks = pairs
    heatmaps = explainer.explain(images, targets, **question).heatmaps(sign="positive", clip=100)
    assert (peaks_inside(heatmaps, masks).mean(0) >= share).all()


def test_what_explains_a_pixel_lies_around_it_and_on_its_object(explainer, pairs):
    images, targets, masks = pairs
    points = [middle_of(mask) for mask in masks[:, 0]]
    e = explainer.explain(
        images, targets[:, :1], method="gradient_x_input", region=[kx.region(pixel=point) for point in points]
    )
    strength = np.abs(e.maps[:, 0])
    on_object = (strength * masks[:, 0]).sum((1, 2)) / strength.sum((1, 2))
    assert np.median(on_object / masks[:, 0].mean((1, 2))) > 2
    rows, columns = np.mgrid[:128, :128]
    far = [strength[i][np.hypot(columns - x, rows - y) > 64].sum() for i, (x, y) in enumerate(points)]
    assert np.median(far / strength.sum((1, 2))) < 0.1


def test_a_pixel_is_named_for_what_is_around_it(explainer, pairs):
    """Without its object around it, a pixel becomes background; without anything else, it stays what it was."""
    images, targets, masks = (array[:12] for array in pairs)
    pixels, parts = [kx.region(pixel=middle_of(mask)) for mask in masks[:, 0]], masks[:, :1]
    covered, alone = (
        explainer.what_if(images, parts, region=pixels, cover="mean", keep=keep)[0][:, 0].argmax(-1)
        for keep in (False, True)
    )
    assert (covered == 0).sum() >= 9
    assert (alone == targets[:, 0]).sum() >= 9
