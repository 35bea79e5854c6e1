"""Large pictures, explained tile by tile."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.methods import METHODS
from kx_widget.engine.segmentation import segmented
from kx_widget.engine.tiling import MergedMap, TileGrid, tiling_of
from tests import cases, models
from tests.segmenters import with_drawn_weights

SIZE, TILE = (70, 94), (32, 40, 16)
FREE = (None, None, 3)


def pooled(activation=None, size=(None, None), final=None):
    """Two convolutions, whose field of 5 pixels fits into a quarter of the overlap, and global average pooling."""
    image = keras.Input((*size, 3))
    x = layers.Conv2D(4, 3, padding="same", activation=activation, name="first")(image)
    x = layers.Conv2D(5, 3, padding="same", activation=activation, name="last")(x)
    x = layers.Dense(3, activation=final, name="scores")(layers.GlobalAveragePooling2D()(x))
    return with_drawn_weights(keras.Model(image, x))


def segmenter(size=(None, None)):
    image = keras.Input((*size, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    return with_drawn_weights(keras.Model(image, layers.Conv2D(3, 3, padding="same", name="classes")(x)), seed=3)


def picture(size=SIZE, seed=0):
    return np.random.default_rng(seed).random((*size, 3)).astype(np.float32)


def both(model, **settings):
    settings = {"preprocess": None} | settings
    return kx.Explainer(model, **settings), kx.Explainer(model, tile=TILE, **settings)


@pytest.fixture(scope="module")
def linear():
    return both(pooled())


def test_tiles_cover_the_picture_and_overlap():
    grid = tiling_of(TILE, FREE).grid(SIZE)
    assert [axis.starts for axis in grid.axes] == [(0, 16, 32, 38), (0, 24, 48, 54)]
    assert str(grid) == "16 tiles of 40 × 32 that overlap by 16 or more"
    counts = np.zeros(SIZE, np.int64)
    for tile in grid.tiles:
        counts[tile.slices] += 1
    assert counts.min() == 1
    for axis in grid.axes:
        weights = axis.weights(np.arange(axis.length) + 0.5)
        assert_allclose(weights.sum(0), 1)
        # Nowhere does a tile take over from another at once.
        assert np.abs(np.diff(weights)).max() < 2.5 / 16


def test_merged_tiles_of_one_field_are_the_field():
    """A field that is linear along both sides, sampled by every tile at its own cells, comes out as it went in."""
    grid = TileGrid((100, 130), (40, 50), 12)
    y, x = np.mgrid[:100, :130] + 0.5
    for cells, most in (((40, 50), np.inf), ((20, 25), np.inf), ((40, 50), 100 * 130 / 4)):
        merged = MergedMap(grid, cells, most)
        for tile in grid.tiles:
            part = (2 * y - 3 * x)[tile.slices]
            height, width = (n // c for n, c in zip(part.shape, cells, strict=True))
            part = part.reshape(cells[0], height, cells[1], width).mean((1, 3))
            merged.add(tile, part.astype(np.float32))
        step = 100 // merged.size[0]
        expected = (2 * y - 3 * x).reshape(100 // step, step, 130 // step, step).mean((1, 3))
        # Half a cell at the border has no neighbour to go by.
        assert_allclose(merged.values()[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-3)
        assert merged.is_reduced == (most < np.inf)


@pytest.mark.parametrize("method", ["gradients", "hirescam", "gradcam"])
def test_maps_of_a_linear_net_are_those_of_the_whole_picture(linear, method):
    """Of global average pooling, the whole picture's map is smaller by a tile's part of the picture."""
    x, (whole, tiled) = picture(), linear
    found = tiled.explain(x, [0, 2], method=method)
    if method == "gradients":
        expected = whole.explain(x, [0, 2], method=method).maps[0] * np.float32(np.prod(SIZE) / (TILE[0] * TILE[1]))
    else:
        features = keras.Model(tiled.model.input, tiled.model.get_layer("last").output)
        weights = tiled.model.get_layer("scores").kernel.numpy()[:, [0, 2]] / (TILE[0] * TILE[1])
        expected = np.moveaxis(features(x[None]).numpy()[0] @ weights, -1, 0)
    # Grad-CAM's mean of 1280 equal gradients is rounded.
    rounded = 2e-5 if method == "gradcam" else 1e-5
    assert_allclose(found.maps[0], expected, atol=rounded * np.abs(expected).max())
    assert whole.preprocessing in tiled.preprocessing
    assert "in 16 tiles" in tiled.preprocessing


def test_a_gradient_is_the_closed_form():
    """S = mean(w · x) for a 1×1 convolution of weights w: the gradient is w / pixels of a tile everywhere."""
    image = keras.Input(FREE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1, use_bias=False, name="classes")(image))
    model = keras.Model(image, x)
    w = model.get_layer("classes").kernel.numpy()[0, 0]
    tiled, pixels = kx.Explainer(model, preprocess=None, tile=TILE), picture()
    e = tiled.explain(pixels, [0, 1], method="gradient_x_input")
    expected = np.moveaxis(pixels @ w, -1, 0) / (TILE[0] * TILE[1])
    assert_allclose(e.maps[0], expected, rtol=1e-4, atol=1e-7)
    # The scores are the mean over tiles.
    grid = tiled.tiling.grid(SIZE)
    means = [pixels[tile.slices].mean((0, 1)) @ w for tile in grid.tiles]
    assert_allclose(e.scores[0], np.mean(means, 0), rtol=1e-5)
    assert_allclose(tiled.predict(pixels)[0][0], np.mean(means, 0), rtol=1e-5)


@pytest.mark.parametrize("method", kx.METHODS)
def test_one_tile_is_the_whole_picture_exactly(method):
    if METHODS[method].sees == "attention":
        model, x, tile = models.transformer(), picture((models.SIDE, models.SIDE)), True
    else:
        model, x, tile = pooled("relu"), picture((20, 24)), (400, 300)
    expected, found = (
        kx.Explainer(model, preprocess=None, tile=each).explain(x, "top", **cases.asked(method))
        for each in (None, tile)
    )
    assert_array_equal(found.maps, expected.maps)
    assert_array_equal(found.scores, expected.scores)
    assert (found.notes, found.checks) == (expected.notes, expected.checks)


@pytest.mark.parametrize("method", ["gradcam", "rise", "integrated_gradients", "attention_gradient"])
def test_a_model_of_fixed_size_explains_larger_pictures(method):
    make = models.transformer if method == "attention_gradient" else models.residual
    explainer = kx.Explainer(make(), preprocess=None, tile=True)
    assert (explainer.tiling.height, explainer.tiling.overlap) == (models.SIDE, models.SIDE // 2)
    explainer = kx.Explainer(make(), preprocess=None, tile=(models.SIDE, models.SIDE, 4))
    e = explainer.explain(picture((30, 41)), ["top", 1], smooth={"repetitions": 2}, **cases.asked(method))
    assert np.isfinite(e.maps).all()
    assert np.ptp(e.maps, (2, 3)).min() > 0
    assert_allclose(e.maps.shape[3] / e.maps.shape[2], 41 / 30, rtol=0.1)
    assert [notes[-1] for notes in e.notes[0]] == [
        "In 20 tiles of 12 × 12 that overlap by 4 or more: the score is the mean of theirs."
    ] * 2


def test_there_is_no_seam():
    """Where a net is not linear, tiles differ; across the borders of tiles the map changes no more than elsewhere."""
    y, x = np.mgrid[:96, :160] / 16
    smooth = np.stack([np.sin(x + y), np.cos(2 * x), np.sin(3 * y)], -1).astype(np.float32)
    e = kx.Explainer(pooled("relu"), preprocess=None, tile=(32, 48, 16)).explain(smooth, 1, method="gradcam")
    values = e.maps[0, 0]
    for axis, starts in zip((0, 1), ((16, 32, 48, 64), (32, 64, 96, 112)), strict=True):
        steps = np.moveaxis(np.abs(np.diff(values, axis=axis)), axis, 0)
        borders = {border - 1 for start in starts for border in (start, start + (16, 16)[axis])}
        at_borders = steps[sorted(borders)].mean()
        elsewhere = steps[[n for n in range(len(steps)) if n not in borders]].mean()
        assert at_borders <= 1.25 * elsewhere


def test_the_class_is_that_of_the_mean_over_tiles():
    explainer = kx.Explainer(pooled("relu", final="softmax"), preprocess=None, tile=TILE)
    x = np.stack([picture(seed=1), picture(seed=2) / 2])
    e = explainer.explain(x, ["top", "top-2", kx.contrast("top", "top-2"), "true"], labels=[2, None])
    means = []
    for image in x:
        tiles = np.stack([image[tile.slices] for tile in explainer.tiling.grid(SIZE).tiles])
        means.append(kx.Explainer(explainer.model, preprocess=None).predict(tiles)[0].mean(0))
    order = np.argsort(-np.array(means), 1)
    assert_array_equal(e.targets[:, :2], order[:, :2])
    assert_array_equal(e.targets[:, 2:], [[-1, 2], [-1, -1]])
    assert_allclose(e.scores[:, :2], np.take_along_axis(np.array(means), order[:, :2], 1), rtol=1e-4)
    scores, probabilities = explainer.predict(x)
    assert_allclose(scores, means, rtol=1e-4, atol=1e-6)
    assert_allclose(probabilities, np.exp(means) / np.exp(means).sum(1, keepdims=True), rtol=1e-4)
    assert np.isnan(e.maps[1, 3]).all()
    assert e.notes[1][3][0].startswith("No label")
    assert_allclose(e.maps[:, 2], e.maps[:, 0] - e.maps[:, 1], atol=1e-5 * np.abs(e.maps[:, :3]).max())


def test_a_wide_net_of_files_and_arrays_of_any_depth(tmp_path):
    """Twelve bits, of which some tiles use fewer: the depth is told from the whole picture."""
    deep = np.random.default_rng(0).integers(0, 200, (*SIZE, 3)).astype(np.uint16)
    deep[-4:, -4:] = 4095
    whole, tiled = both(pooled(), preprocess="auto")
    expected, found = (each.explain(deep, 1, method="gradient_x_input").maps for each in (whole, tiled))
    assert_allclose(found * np.float32(TILE[0] * TILE[1] / np.prod(SIZE)), expected, atol=1e-5 * np.abs(found).max())
    np.save(tmp_path / "deep.npy", deep)
    assert_array_equal(tiled.explain(tmp_path / "deep.npy", 1, method="gradient_x_input").maps, found)
    bytes_of = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(bytes_of).save(tmp_path / "bytes.png")
    e = tiled.explain([str(tmp_path / "bytes.png"), bytes_of], "top")
    assert_array_equal(e.maps[0], e.maps[1])
    assert e.images.shape == (2, *SIZE, 3)
    assert e.overlay().shape == (2, 1, *SIZE, 3)
    e.save(tmp_path / "maps.npz")
    assert_array_equal(kx.Explanation.load(tmp_path / "maps.npz").maps, e.maps)


def test_bands_and_other_inputs_ride_along():
    image, age = keras.Input((None, None, 4), name="image"), keras.Input((1,), name="age")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, padding="same")(image))
    model = with_drawn_weights(keras.Model({"image": image, "age": age}, layers.Dense(2)(x * age)))
    x = np.random.default_rng(0).random((2, *SIZE, 4)).astype(np.float32)
    whole, tiled = both(model)
    part = np.float32(TILE[0] * TILE[1] / np.prod(SIZE))
    for ages in ([1.0, 2.0], [3.0, 0.5]):
        asked = {"image": x, "age": np.array(ages)}
        expected, found = (
            each.explain(asked, 1, method="gradient_x_input", channels="each") for each in (whole, tiled)
        )
        assert found.maps.shape == (2, 4, *SIZE)
        assert_allclose(found.maps * part, expected.maps, atol=1e-5 * np.abs(found.maps).max())
    # A widget that has the maps of other bands asks for what it lacks.
    lacking = tiled.ask(asked, 1, method="gradient_x_input", channels="each").part(slice(1, 2), [1, 3])
    frames = [frame for step in lacking.stream(partials=False) for frame in step.frames]
    assert_allclose([frame.values for frame in frames], found.maps[1, [1, 3]], atol=1e-5 * np.abs(found.maps).max())


def test_a_target_of_ones_own_is_the_mean_over_tiles(linear):
    target = kx.Target(lambda y: keras.ops.sum(keras.ops.square(y), -1), "spread")
    x, tiled = picture(), linear[1]
    e = tiled.explain(x, target, method="gradients")
    tiles = np.stack([x[tile.slices] for tile in tiled.tiling.grid(SIZE).tiles])
    expected = (tiled.model(tiles).numpy() ** 2).sum(-1).mean()
    assert_allclose(e.scores[0, 0], expected, rtol=1e-4)


# Segmenters.


def tiles_there(e):
    return next((note for note in e.notes[0][0] if note.startswith("In ")), "")


@pytest.mark.parametrize(
    ("region", "tiles"),
    [
        (kx.region(pixel=(50, 30)), 4),
        (kx.region(pixel=(2, 3)), 1),
        (kx.region(box=(20, 10, 80, 60)), 16),
        (kx.region(box=(0, 0, 20, 14)), 1),
        (kx.region("whole"), 16),
        (None, 16),
    ],
)
def test_regions_lie_in_the_whole_picture(region, tiles):
    """The gradient of the mean over a region is the whole picture's, where a field of 5 pixels fits."""
    whole, tiled = both(segmenter())
    x = picture()
    expected, found = (each.explain(x, 1, method="gradients", region=region) for each in (whole, tiled))
    assert expected.maps.max() > 0
    assert_allclose(found.maps, expected.maps, atol=1e-5 * np.abs(expected.maps).max())
    # Of a region in several tiles, a tile's mean is that of all that lies in it.
    inside = isinstance(region, kx.Region) and max(region.at or (99,)) <= 50
    assert_allclose(found.scores, expected.scores, rtol=1e-4 if inside else 0.03)
    assert_allclose(found.probabilities, expected.probabilities, rtol=1e-4 if inside else 0.03)
    assert tiles_there(found).startswith(f"In {tiles} of 16 tiles" if tiles < 16 else "In 16 tiles")


def test_what_wins_in_the_whole_picture_is_predicted():
    whole, tiled = both(segmenter())
    x = picture()
    for expected, found in zip(whole.predict(x), tiled.predict(x), strict=True):
        assert_allclose(found, expected, rtol=2e-3, atol=1e-6)
    expected, found = (each.explain(x, ["top", "top-2"], method="gradients") for each in (whole, tiled))
    assert_array_equal(found.targets, expected.targets)


def test_what_is_seen_is_put_together_of_the_tiles():
    """The class at each place is that of the tile in which it lies farthest from the borders."""
    whole, tiled = both(segmenter())
    x = np.stack([picture(), picture(seed=1)])
    assert_array_equal(segmented(tiled, tiled.load(x)), whole.model(x).numpy().argmax(-1))
    wide = np.tile(picture(seed=2), (1, 14, 1))
    seen = segmented(tiled, tiled.load(wide))[0]
    assert seen.shape == (35, 658)
    places = whole.model(wide[None]).numpy()[0].argmax(-1)
    assert_array_equal(seen, places[1::2, 1::2])


def test_a_frame_says_which_region_of_the_picture_it_explains():
    region = kx.region(pixel=(50, 30))
    steps = both(segmenter())[1].ask(picture(), "top", method="gradients", region=region).stream()
    frame = [frame for frames in steps for frame in frames.frames][-1]
    assert (frame.region.kind, frame.region.at, frame.region.words) == ("pixel", (50, 30), "at pixel (50, 30)")


def test_masks_of_the_picture_and_objects():
    whole, tiled = both(segmenter())
    x = picture()
    mask = np.zeros(SIZE, bool)
    mask[5:40, 60:90] = True
    expected, found = (each.explain(x, 1, method="gradients", region=kx.region(mask=mask)) for each in (whole, tiled))
    assert_allclose(found.maps, expected.maps, atol=1e-5 * np.abs(expected.maps).max())
    e = tiled.explain(x, "top", method="gradients", region=kx.region(object_at=(47, 35)))
    assert tiles_there(e).startswith("In 1 of 16 tiles")
    assert e.maps.max() > 0


@pytest.mark.parametrize(
    ("region", "why"),
    [
        (kx.region(pixel=(94, 3)), "outside of the picture, which has 94 × 70"),
        (kx.region(box=(100, 0, 120, 9)), "is in the picture, which has 94 × 70"),
        (kx.region(mask=np.ones((32, 40))), "the mask has 32 × 40, and must have 70 × 94"),
    ],
)
def test_a_region_elsewhere_has_a_map_of_nan_and_says_why(region, why):
    e = both(segmenter())[1].explain(picture(), 1, method="gradients", region=region)
    assert np.isnan(e.maps).all()
    assert np.isnan(e.scores).all()
    assert e.notes[0][0][0].startswith("No region")
    assert why in e.notes[0][0][0]


def test_a_class_that_wins_nowhere_says_so():
    model = segmenter()
    classes = model.get_layer("classes")
    classes.bias.assign(classes.bias - np.array([0, 0, 1000], np.float32))
    x = kx.Explainer(model, preprocess=None, tile=TILE, class_names=["sea", "land", "sky"])
    e = x.explain(picture(), [0, 2], method="gradients")
    assert np.isfinite(e.maps[0, 0]).all()
    assert e.notes[0][1][0].startswith("Wins nowhere")
    areas, probabilities = x.predict(picture())
    assert_array_equal(np.isnan(probabilities), areas == 0)
    assert areas[0, 2] == 0


# Life.


def test_maps_come_tile_by_tile_and_end_as_the_whole(linear):
    tiled, x = linear[1], picture(seed=5)
    steps = list(tiled.stream(x, [0, 1], method="gradients", batch_size=4))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {4 + 2 * 4}
    first, last = steps[0], steps[-1]
    assert 0.2 < np.isnan(first.maps[0, 0]).mean() < 0.8
    there = np.isfinite(first.maps[0, 0])
    grid = tiled.tiling.grid(SIZE)
    top = np.concatenate([np.ones(grid.tiles[0].height), np.zeros(SIZE[0] - grid.tiles[0].height)]) > 0
    assert_array_equal(there.any(1), top)
    assert_array_equal(last.maps, tiled.explain(x, [0, 1], method="gradients", batch_size=4).maps)
    assert last.complete.all()


def test_it_is_cancelled_between_tiles(linear):
    tiled, x = linear[1], picture(seed=6)
    before = tiled.counts["input_gradient"]
    stream = tiled.stream(x, 0, method="gradients", batch_size=1)
    next(stream)
    stream.close()
    assert tiled.counts["input_gradient"] - before == 1
    assert np.isfinite(tiled.explain(x, 0, method="gradients").maps).all()


def test_another_class_goes_by_what_is_known_of_tiles():
    tiled, x = kx.Explainer(pooled("relu"), preprocess=None, tile=TILE), picture()
    tiled.explain(x, 0)
    trunks = tiled.counts["trunk"]
    tiled.explain(x, 1)
    assert tiled.counts["trunk"] == trunks


def test_large_maps_are_kept_within_the_memory():
    explainer = kx.Explainer(pooled(), preprocess=None, tile=TILE, memory_mib=70 * 94 * 4 * 8 / 2**20 / 3)
    e = explainer.explain(picture(), 0, method="gradients")
    assert e.maps.shape == (1, 1, 35, 47)
    assert "The map has 47 × 35 cells instead of 94 × 70: raise memory_mib to keep all." in e.notes[0][0]


# Bad input.


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ((32, 32, 32), "overlap of 32 pixels must be from 0 to 31"),
        ((32, 32, -1), "overlap of -1 pixels"),
        ((-32, 32), "is no size of tiles"),
        ((0, 32), "is no size of tiles"),
        ((32.5, 32), "is no size of tiles"),
        (64, "is no size of tiles"),
        ("large", "is no size of tiles"),
        ((1, 2, 3, 4), "is no size of tiles"),
        ((True, True), "is no size of tiles"),
    ],
)
def test_tiles_that_are_none_are_refused(tile, message):
    with pytest.raises(kx.ParameterError, match=message):
        kx.Explainer(pooled(), tile=tile)


def test_a_model_of_fixed_size_refuses_another_one():
    with pytest.raises(kx.ParameterError, match="the model takes images of 40 × 30 pixels alone, height first"):
        kx.Explainer(pooled(size=(40, 30)), tile=(30, 30))
    tiling = kx.Explainer(pooled(size=(None, 64)), tile=True).tiling
    assert (tiling.height, tiling.width, tiling.overlap) == (512, 64, 32)
    assert kx.Explainer(pooled(), tile=False).tiling is None


def test_pictures_of_several_sizes_are_refused(linear):
    with pytest.raises(kx.ImageError, match="image 1 has 50 × 40 pixels, and image 0 94 × 70"):
        linear[1].explain([picture(), picture((40, 50))], 0)


def test_a_small_picture_is_not_cropped_or_padded():
    """Of the part of a tile that the model sees, the map would be laid on all of it."""
    x, model = picture((30, 94)), pooled(size=(32, 40))
    for fit in ("crop", "pad"):
        tiled = kx.Explainer(model, preprocess=None, tile=TILE, fit=fit)
        with pytest.raises(kx.ImageError, match=rf"fit is '{fit}'\), and image 0 is smaller than one of 40"):
            tiled.explain(x, 0)
        assert tiled.explain(picture(), 0).maps.shape == (1, 1, *SIZE)
    assert kx.Explainer(model, preprocess=None, tile=TILE).explain(x, 0).maps.shape[2] == 32


def test_what_is_not_done_in_tiles_says_so(linear, tmp_path):
    tiled, x = linear[1], picture()
    e = tiled.explain(x, 0)
    for refused in (
        lambda: tiled.evaluate(e),
        lambda: tiled.evaluate_stream(e),
        lambda: tiled.scored_picture(e, step=1),
        lambda: tiled.compare(x),
        lambda: tiled.what_if(x, np.ones((1, *SIZE))),
        lambda: tiled.uncovered(x),
        lambda: tiled.cover_pixels(x),
    ):
        with pytest.raises(kx.ParameterError, match="Parts of pictures in tiles are not covered"):
            refused()
    store = linear[0].explain_to(tmp_path / "maps.parquet", [x])
    for refused in (
        lambda: tiled.explain_dataset([x]),
        lambda: tiled.explain_to(tmp_path / "others.parquet", [x]),
        lambda: tiled.shortcuts(store),
        lambda: tiled.evaluate_store(store),
        lambda: tiled.explain(linear[0].load(x)),
        lambda: kx.KxWidget.from_store(store, tiled),
    ):
        with pytest.raises(kx.ParameterError, match="are not cut into tiles"):
            refused()
    two = keras.Model([a := keras.Input((8, 8, 3)), b := keras.Input((8, 8, 3))], layers.Flatten()(a + b))
    with pytest.raises(kx.ParameterError, match="is an image, too, and is not cut into tiles"):
        kx.Explainer(two, explain_input=0, tile=True)


def test_several_layers_are_explained_in_tiles(linear):
    found = linear[1].explain_layers(picture(), 0, layers=["first", "last"])
    assert {path: e.maps.shape for path, e in found.items()} == {"first": (1, 1, *SIZE), "last": (1, 1, *SIZE)}
