"""Methods of many passes against loops that do one at a time."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods.occlusion import covers
from kx_widget.engine.methods.rise import Masks
from tests import cases, models


def linear_end(make):
    model = make()
    model.layers[-1].activation = keras.activations.linear
    return model


def inside(model, layer="late"):
    """From the input to a layer, and from there to the scores; for chains of layers."""
    first = keras.Model(model.inputs[0], model.get_layer(layer).output)
    rest = model.layers[model.layers.index(model.get_layer(layer)) + 1 :]

    def after(a):
        for part in rest:
            a = part(a)
        return a.numpy()

    return first, after


def scaled(a):
    return (a - a.min()) / (a.max() - a.min())


def one_mask_at_a_time(model, x, target):
    """Activations (h, w, K) of the channels of one image that are not flat, and Score-CAM's scores (K,)."""
    a = inside(model)[0](x[None]).numpy()[0]
    a = a[..., np.ptp(a, axis=(0, 1)) > 0]
    scores = []
    for k in range(a.shape[-1]):
        mask = scaled(tf.image.resize(a[..., k : k + 1], x.shape[:2]).numpy())
        scores.append(model((x * mask)[None]).numpy()[0, target])
    return a, np.array(scores)


@pytest.mark.oracle("scorecam")
@pytest.mark.parametrize("make", [models.pooled, models.gray])
def test_scorecam_equals_one_mask_at_a_time(make):
    model = linear_end(make)
    x = cases.photos_for(model)
    explainer = Explainer(model)
    softmax = explainer.explain(x, [2], method="scorecam").maps[:, 0]
    plain = explainer.explain(x, [2], method="scorecam", weighting="scores").maps[:, 0]
    few = explainer.explain(x, [2], method="scorecam", channels=2).maps[:, 0]
    for i, image in enumerate(x):
        a, scores = one_mask_at_a_time(model, image, 2)
        weights = np.exp(scores - scores.max())
        close(softmax[i], a @ (weights / weights.sum()))
        close(plain[i], sum(s * scaled(a[..., k]) for k, s in enumerate(scores)))
        best = np.argsort(-(a.astype(np.float64) ** 2).sum((0, 1)))[:2]
        close(few[i], a[..., best] @ (weights[best] / weights[best].sum()))


def close(found, expected):
    assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_scorecam_leaves_flat_channels_out():
    """A dead and a constant channel have no mask; a softmax that counted them would weigh the others less."""
    model, x = linear_end(models.pooled), cases.photos()
    kernel, bias = model.get_layer("late").get_weights()
    kernel[..., :2], bias[:2] = 0, (-1, 5)
    model.get_layer("late").set_weights([kernel, bias])
    explainer = Explainer(model)
    e = explainer.explain(x[:1], [1], method="scorecam")
    a, scores = one_mask_at_a_time(model, x[0], 1)
    assert 2 <= a.shape[-1] <= 3
    close(e.maps[0, 0], a @ (np.exp(scores) / np.exp(scores).sum()))
    kernel[:], bias[:] = 0, 1
    model.get_layer("late").set_weights([kernel, bias])
    assert (explainer.explain(x, [1], method="scorecam").maps == 0).all()


@pytest.mark.oracle("ablationcam")
@pytest.mark.parametrize("make", [models.pooled, models.flattened])
def test_ablationcam_equals_one_channel_at_a_time(make):
    model, x = linear_end(make), cases.photos()
    first, after = inside(model)
    a = first(x).numpy()
    score = after(a)[:, 3]
    expected = np.zeros(a.shape[:3])
    for k in range(a.shape[-1]):
        without = a.copy()
        without[..., k] = 0
        fall = (score - after(without)[:, 3]) / np.abs(score)
        expected += fall[:, None, None] * a[..., k]
    close(Explainer(model).explain(x, [3], method="ablationcam").maps[:, 0], expected)


def last_maps(model, x):
    """The last activations with a map, by Keras run eagerly, and the Dense layer after the pooling."""
    if model.name == "residual":
        return keras.Model(model.inputs[0], model.get_layer("after_add").output)(x), model.layers[-1]
    if model.name == "subclassed":
        return model.late(x), model.scores
    if model.name == "tokens":
        return keras.Model(model.inputs[0], model.get_layer("norm").output)(x), model.layers[-1]
    return model.layers[0].get_layer("late")(x), model.layers[-1]


@pytest.mark.parametrize("make", [models.residual, models.nested, models.subclassed, models.tokens])
def test_ablating_a_channel_is_pooled_away_linearly(make):
    """With pooling and one Dense layer after the last map, S − S(A_k=0) is w_k times the mean of A_k."""
    model, x = make(), cases.photos()
    a, dense = (v.numpy() if hasattr(v, "numpy") else v for v in last_maps(model, x))
    cells = tuple(range(1, a.ndim - 1))
    fall = a.mean(cells) * dense.kernel.numpy()[:, 1]
    score = fall.sum(-1) + dense.bias.numpy()[1]
    patches = a[:, 1:].reshape(len(a), 4, 4, -1) if make is models.tokens else a
    expected = np.einsum("bk,bhwk->bhw", fall / np.abs(score)[:, None], patches)
    layer = "norm" if make is models.tokens else None
    close(Explainer(model).explain(x, [1], method="ablationcam", layer=layer).maps[:, 0], expected)


@pytest.mark.oracle("occlusion")
@pytest.mark.parametrize("baseline", ["black", "mean"])
@pytest.mark.parametrize(("patch", "stride"), [(0.4, 0.5), (0.25, 1), (0.6, 0.3)])
def test_occlusion_equals_a_loop_over_patches(patch, stride, baseline):
    """Also where the image is not square and the last patch would reach beyond the edge."""
    model = linear_end(models.gray)
    x = cases.photos_for(model)[:2]
    e = Explainer(model).explain(x, [2], method="occlusion", patch=patch, stride=stride, baseline=baseline)
    height, width = x.shape[1:3]
    side = round(patch * height)
    step = round(stride * side)
    for image, found in zip(x, e.maps[:, 0], strict=True):
        cover = -1 if baseline == "black" else image.mean()
        total, times = np.zeros((height, width)), np.zeros((height, width))
        for top in sorted({min(t, height - side) for t in range(0, height, step)}):
            for left in sorted({min(t, width - side) for t in range(0, width, step)}):
                changed = image.copy()
                changed[top : top + side, left : left + side] = cover
                fall = model(np.stack([image, changed])).numpy()[:, 2]
                total[top : top + side, left : left + side] += fall[0] - fall[1]
                times[top : top + side, left : left + side] += 1
        assert times.min() > 0
        close(found, total / times)


@pytest.mark.oracle("occlusion")
def test_occlusion_that_imputes_solves_the_equations_of_each_patch():
    """Also at edges and corners, where a pixel has fewer neighbours."""
    model = linear_end(models.gray)
    x = cases.photos_for(model)[:1]
    e = Explainer(model).explain(x, [2], method="occlusion", patch=0.4, stride=1, baseline="impute")
    total, times = np.zeros((2, 12, 24))
    for top in (0, 5, 7):
        for left in (0, 5, 10, 15, 19):
            inside = [(i, j) for i in range(top, top + 5) for j in range(left, left + 5)]
            left_side, right_side = np.eye(25), np.zeros(25)
            for number, (i, j) in enumerate(inside):
                near = [(p, q) for p in range(i - 1, i + 2) for q in range(j - 1, j + 2) if (p, q) != (i, j)]
                near = {(p, q): 1 / 6 if p == i or q == j else 1 / 12 for p, q in near if 0 <= p < 12 and 0 <= q < 24}
                for place, weight in near.items():
                    part = weight / sum(near.values())
                    if place in inside:
                        left_side[number, inside.index(place)] -= part
                    else:
                        right_side[number] += part * x[(0, *place, 0)]
            changed = x.copy()
            changed[0, top : top + 5, left : left + 5, 0] = np.linalg.solve(left_side, right_side).reshape(5, 5)
            fall = model(np.concatenate([x, changed])).numpy()[:, 2]
            total[top : top + 5, left : left + 5] += fall[0] - fall[1]
            times[top : top + 5, left : left + 5] += 1
    close(e.maps[0, 0], total / times)


def test_what_only_carries_on_is_not_missed_when_it_is_imputed():
    """Of a ramp, a patch that is not at an edge is told by what is around it; nothing tells of a whole image."""
    image = keras.Input((15, 15, 1))
    explainer = Explainer(keras.Model(image, layers.Dense(2)(layers.Flatten()(image))))
    ramp = np.linspace(0, 0.9, 15, dtype="f4")[None, :, None, None] * np.ones((1, 15, 15, 1), "f4")
    asked = {"method": "occlusion", "stride": 1}
    maps = explainer.explain(ramp, [1], **asked, patch=1 / 3, baseline="impute").maps[0, 0]
    assert np.abs(maps[5:10, 5:10]).max() < 1e-5 < 1e-2 < np.abs(maps).max()
    whole, mean = (explainer.explain(ramp, [1], **asked, patch=1, baseline=each).maps for each in ("impute", "mean"))
    assert_allclose(whole, mean)


def test_noise_has_the_colours_of_the_image_and_follows_from_the_seed():
    explainer, x = Explainer(models.pooled()), cases.photos(2, (12, 12, 3)) * [0.1, 0.2, 0.3] + [0.3, 0, -0.2]

    def noise(seed):
        _, probe = next(explainer.ask(x, [0], method="occlusion", seed=seed).probes())
        return probe.baseline("noise")

    assert_array_equal(noise(1), noise(1))
    assert np.abs(noise(1) - noise(2)).max() > 0.1
    drawn = np.stack([noise(seed) for seed in range(20)])
    assert_allclose(drawn.mean((0, 2, 3)), x.mean((1, 2)), atol=0.02)
    assert_allclose(drawn.std((0, 2, 3)), x.std((1, 2)), rtol=0.05)
    falls = [explainer.explain(x, [0], method="occlusion", baseline="noise", seed=seed).maps for seed in (1, 1, 2)]
    assert_array_equal(falls[0], falls[1])
    assert np.abs(falls[0] - falls[2]).max() > 0


def test_every_pixel_is_covered_and_no_patch_is_cut():
    for size in (1, 2, 7, 12, 31):
        for side in range(1, size + 1):
            for step in range(1, side + 1):
                patches = covers(size, side, step)
                assert patches.sum(0).min() >= 1
                assert (patches.sum(1) == side).all()


@pytest.mark.oracle("rise")
@pytest.mark.parametrize("cells", [2, 3, 7])
def test_rise_equals_a_direct_estimate_with_the_same_masks(cells):
    model = linear_end(models.gray)
    x = cases.photos_for(model)
    explainer = Explainer(model)
    question = explainer.ask(x, [2], method="rise", masks=50, cells=cells, probability=0.4, seed=3)
    _, probe = next(question.probes())
    masks = Masks(probe, 50, cells, 0.4)
    e = explainer.explain(x, [2], method="rise", masks=50, cells=cells, probability=0.4, seed=3)
    for i, image in enumerate(x):
        drawn = masks.whole(np.full(50, i), np.arange(50))
        scores = model(image * drawn[..., None]).numpy()[:, 2]
        close(e.maps[i, 0], np.einsum("n,nhw->hw", scores, drawn) / (50 * 0.4))


def test_masks_are_interpolated_grids_each_with_its_own_shift():
    """One shift of one grid of zeros and ones makes a mask, and no other fits."""
    question = Explainer(models.gray()).ask(cases.photos_for(models.gray()), [0], method="rise")
    _, probe = next(question.probes())
    masks = Masks(probe, 400, 4, 0.3)
    drawn = masks.whole(np.zeros(400, int), np.arange(400))
    assert drawn.shape == (400, 12, 24)
    assert 0 <= drawn.min() < drawn.max() <= 1
    assert drawn.mean() == pytest.approx(0.3, abs=0.02)
    assert not np.allclose(drawn[:5], masks.whole(np.ones(5, int), np.arange(5)))
    cells = np.eye(16, dtype=np.float32).reshape(16, 4, 4, 1)
    enlarged = tf.image.resize(cells, (5 * 3, 5 * 6)).numpy()[..., 0]
    shifts = [(dy, dx) for dy in range(3) for dx in range(6)]
    ways = {(dy, dx): enlarged[:, dy : dy + 12, dx : dx + 24].reshape(16, -1).T for dy, dx in shifts}
    used = set()
    for mask in drawn:
        fits = {shift: np.linalg.lstsq(way, mask.ravel(), rcond=None)[0] for shift, way in ways.items()}
        rest = {shift: np.abs(ways[shift] @ grid - mask.ravel()).max() for shift, grid in fits.items()}
        best = min(rest, key=rest.__getitem__)
        assert rest[best] < 1e-5
        assert np.isin(fits[best].round(4), (0, 1)).all()
        used.add(best)
    assert used == set(shifts)


def test_occlusion_and_rise_find_the_only_patch_that_matters():
    """A score that is the brightness of one corner: both maps are largest there."""
    x = image = keras.Input((16, 16, 1))
    x = layers.Cropping2D(((0, 12), (12, 0)))(x)
    x = layers.Dense(2, kernel_initializer="ones")(layers.GlobalAveragePooling2D()(x))
    explainer, photo = Explainer(keras.Model(image, x)), np.full((1, 16, 16, 1), 0.9, np.float32)
    for asked, times in (({"method": "occlusion", "baseline": "black"}, 10), ({"method": "rise"}, 1.2)):
        found = explainer.explain(photo, [0], **asked).maps[0, 0]
        assert found[:4, 12:].mean() > times * found[8:, :8].mean()
