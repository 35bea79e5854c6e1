"""Models that bring their own preprocessor: photographs go through it, and the overlay lies on the original.

The oracle is the task itself, `task.predict`, and keras-hub's converter in a `tf.data` pipeline.
"""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.imagenet import names as imagenet
from kx_widget.engine.images import load
from kx_widget.engine.preprocessing import Preprocessing
from tests import models

keras_hub = pytest.importorskip("keras_hub")

from tests import tasks  # noqa: E402

# What keras-hub's Swin makes Keras say.
pytestmark = pytest.mark.filterwarnings(r"ignore:.*was passed an input with a mask attached:UserWarning")


def photo(h, w, seed=0):
    """Coarse patches, as photographs have: what is cropped, padded or resized otherwise shows."""
    coarse = np.random.default_rng(seed).integers(0, 256, (h // 9 + 1, w // 9 + 1, 3), np.uint8)
    return np.kron(coarse, np.ones((9, 9, 1), np.uint8))[:h, :w]


def net(preprocessor, shape=(32, 48, 3)):
    """A plain net with a preprocessor on it."""
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(tasks.CLASSES),
        ]
    )
    model.preprocessor = preprocessor
    return model


def loaded(preprocessor, images, shape=(32, 48, 3), **keywords):
    return load(images, shape, Preprocessing(net(preprocessor, shape), "auto"), **keywords)


def of_pipeline(preprocessor, image):
    """What a pipeline makes of one image; a task predicts through one."""
    data = tf.data.Dataset.from_tensors(image[None]).map(preprocessor)
    return next(iter(data)).numpy()[0]


def of_task(task, image):
    if isinstance(task, keras_hub.models.Task):
        return task.predict(image[None], verbose=0)[0]
    return task.predict({next(iter(task.input)): of_pipeline(task.preprocessor, image)[None]}, verbose=0)[0]


@pytest.mark.parametrize("name", [*tasks.TASKS, *tasks.ENCODERS])
def test_scores_are_the_tasks_own(name, tmp_path):
    keras.utils.set_random_seed(1)
    task = {**tasks.TASKS, **tasks.ENCODERS}[name]()
    photos = [photo(150, 211), photo(97, 64, 1), photo(64, 96, 2), photo(31, 40, 3)]
    Image.fromarray(photos[0]).save(tmp_path / "p.png")
    explainer = kx.Explainer(task)
    for items in (photos[:1], [tmp_path / "p.png", *photos[1:3], Image.fromarray(photos[3])]):
        expected = np.stack([of_task(task, image) for image in photos[: len(items)]])
        assert_allclose(explainer.predict(items)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert np.ptp(expected, axis=0).max() > 1e-3 * np.abs(expected).max()
    kind = type(task.preprocessor).__name__
    whose = "task's" if name in tasks.TASKS else "model's"
    assert explainer.preprocessing.startswith(f"preprocess: the {whose} own {kind}: resized to ")


def test_a_batch_and_floats_are_what_predict_makes_of_them():
    task = tasks.resnet()
    explainer = kx.Explainer(task)
    batch = np.stack([photo(80, 80, seed) for seed in range(3)])
    for images in (batch, batch.astype(np.float32), batch.astype(np.int64), batch[:1]):
        expected = task.predict(images, verbose=0)
        assert_allclose(explainer.predict(images)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    with pytest.warns(RuntimeWarning, match=r"floats in 0..1, but the model rescales 0..255 itself"):
        scores = explainer.predict(batch / 255)[0]
    expected = task.predict((batch / 255).astype(np.float32), verbose=0)
    assert_allclose(scores, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_an_activation_inside_is_taken_apart():
    task = tasks.vit(activation="softmax")
    explainer, images = kx.Explainer(task), photo(70, 90)[None]
    scores, probabilities = explainer.predict(images)
    assert_allclose(probabilities, task.predict(images, verbose=0), rtol=1e-4)
    assert_allclose(keras.ops.softmax(scores), probabilities, rtol=1e-5)


FITS = ({"crop_to_aspect_ratio": True}, {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True},
        {"crop_to_aspect_ratio": False})  # fmt: skip
NUMBERS = (
    {},
    {"scale": 1 / 255},
    {"offset": -100.0},
    {"scale": (0.1, 0.2, 0.3), "offset": (1.0, -2.0, 3.0)},
    {"scale": None, "mean": [0.4, 0.5, 0.6], "variance": [0.04, 0.05, 0.06]},
)


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_every_setting_of_a_converter(fit):
    images = [photo(50, 40), photo(20, 90, 1)]
    ways = itertools.product(("bilinear", "nearest", "bicubic", "lanczos3"), (False, True))
    for (interpolation, antialias), numbers in zip(ways, itertools.cycle(NUMBERS)):
        if "mean" in numbers:
            numbers = {**numbers, "scale": 1 / 255}
        converter = tasks.converter((32, 48), interpolation=interpolation, antialias=antialias, **fit, **numbers)
        batch = loaded(converter, images).batch
        expected = [of_pipeline(converter, image) for image in images]
        assert_allclose(batch, np.stack(expected), rtol=1e-5, atol=1e-5, err_msg=str(converter.get_config()))


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_the_box_lies_on_the_original_to_a_pixel(fit):
    """A bright square at a known place is where the box says that it is, seen by its centre of mass."""
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(40):
        size = tuple(int(v) for v in rng.integers(24, 120, 2))
        h, w = (int(v) for v in rng.integers(90, 600, 2))
        converter = tasks.converter(size, antialias=True, **fit)
        side = int(rng.integers(max(8, min(h, w) // 8), min(h, w) // 4))
        # In the middle third, which no crop of less than 1 : 3 cuts off.
        top, left = (int(rng.integers(0, n // 20 + 1)) + (n - side) // 2 for n in (h, w))
        image = np.zeros((h, w, 3), np.uint8)
        image[top : top + side, left : left + side] = 250
        images = loaded(converter, [image], (*size, 3))
        mass = images.batch[0, ..., 0]
        (x0, y0, x1, y1), total = images.boxes[0], mass.sum()
        across = (mass.sum(0) @ (np.arange(size[1]) + 0.5)) / total / size[1]
        down = (mass.sum(1) @ (np.arange(size[0]) + 0.5)) / total / size[0]
        if max(mass[0].max(), mass[-1].max(), mass[:, 0].max(), mass[:, -1].max()) > 0:
            continue
        worst = max(worst, abs((x0 + across * (x1 - x0)) * w - (left + side / 2)))
        worst = max(worst, abs((y0 + down * (y1 - y0)) * h - (top + side / 2)))
    assert 0 < worst <= 1


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_what_is_shown_is_what_the_model_sees(fit):
    for h, w in ((131, 77), (60, 201), (33, 48)):
        images = loaded(tasks.converter((32, 48), antialias=True, **fit), [photo(h, w)])
        assert images.shown[0].shape == (h, w, 3)
        assert np.abs(images.seen()[0] - images.batch[0]).mean() < 1.5


def test_black_is_what_the_preprocessor_makes_of_it():
    converter = tasks.converter((32, 48), **tasks.DEVIATIONS)
    black = loaded(converter, [photo(50, 40), photo(20, 90, 1)]).black
    assert_allclose(black, [tasks.DEVIATIONS["offset"]] * 2, rtol=1e-5)


def test_it_is_said_what_was_applied():
    explainer = kx.Explainer(tasks.vit())
    explainer.predict(photo(50, 40))
    assert explainer.preprocessing == (
        "preprocess: the task's own ViTImageClassifierPreprocessor: resized to 64 × 64 (bilinear), "
        "cropped to the aspect ratio, × 1/127.5 − 1"
    )
    for preprocess, said in ((None, "preprocess: none, as asked"), (np.negative, "preprocess: negative")):
        explainer = kx.Explainer(tasks.vit(), preprocess=preprocess)
        image = photo(64, 64)
        expected = explainer.model(np.float32(image if preprocess is None else -1.0 * image)[None]).numpy()
        assert_allclose(explainer.predict(image)[0], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
        assert explainer.preprocessing == said


def test_a_task_without_preprocessor_says_what_was_assumed():
    task = tasks.vit()
    task.preprocessor = None
    explainer, image = kx.Explainer(task), photo(64, 64)
    expected = task.predict(image[None].astype(np.float32), verbose=0)
    assert_allclose(explainer.predict(image)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert "the task has no preprocessor: 0..255 passed on; set task.preprocessor" in explainer.preprocessing


def test_a_preprocessor_that_does_not_resize_comes_after_the_fit():
    image = np.full((40, 40, 3), 200, np.uint8)
    for preprocessor in (lambda x: x / 100 - 1, tasks.converter(None, scale=0.01, offset=-1.0)):
        images = loaded(preprocessor, image, fit="pad")
        assert_allclose(images.batch[0, 16, [0, 24]], [[-1] * 3, [1] * 3], atol=1e-6)
        assert images.boxes == ((-0.25, 0.0, 1.25, 1.0),)


def test_a_preprocessor_of_unknown_geometry():
    explainer = kx.Explainer(net(lambda x: tf.image.resize(x, (32, 48)) / 255, (None, None, 3)))
    image = photo(80, 90)
    assert_allclose(explainer.load(image).batch[0], tf.image.resize(np.float32(image), (32, 48)) / 255, atol=1e-6)
    explainer.predict(image)
    assert explainer.preprocessing == (
        "preprocess: the model's own <lambda>, which resizes: how is not known, and taken as stretching"
    )
    maps = explainer.explain([image, photo(50, 40)]).maps
    assert maps.shape[0] == 2


def test_a_free_input_takes_the_converters_size():
    task = tasks.resnet({**tasks.DEVIATIONS}, shape=(None, None, 3))
    task.preprocessor.image_size = (48, 64)
    explainer, images = kx.Explainer(task), [photo(150, 211), photo(97, 64, 1)]
    assert explainer.inspection.input_shape == (48, 64, 3)
    expected = np.stack([of_task(task, image) for image in images])
    assert_allclose(explainer.predict(images)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: {"images": x, "size": 3},
        lambda x: {"whatever": x},
        lambda x: (x, None, None),
        lambda x: ({"pixel_values": x}, 1),
        lambda x: x[0],
    ],
)
def test_the_image_is_found_in_what_is_returned(wrap):
    image = photo(32, 48)
    assert_allclose(loaded(lambda x: wrap(x / 2), image).batch[0], image / 2)


def _raising(x):
    raise RuntimeError("no tables")


@pytest.mark.parametrize(
    ("preprocessor", "said"),
    [
        (_raising, r"The model's own _raising raised RuntimeError: no tables"),
        (tasks.converter((20, 20)), r"makes images of 20 × 20 × 3, where the model takes 32 × 48 × 3: set "
         r"model.preprocessor.image_size = \(32, 48\)"),
        (lambda x: x[..., :1], r"makes images of 32 × 48 × 1, where"),
        (lambda x: x * np.nan, r"returned values that are NaN or infinite"),
        (lambda x: {"a": x, "b": x}, r"returned a dict with 'a', 'b'; the image is looked for under 'images'"),
        (lambda x: "text", r"The model's own <lambda> raised ValueError: "),
    ],
)  # fmt: skip
def test_a_bad_preprocessor_is_named(preprocessor, said):
    with pytest.raises(kx.ImageError, match=said):
        loaded(preprocessor, photo(50, 40))


def test_a_fit_that_contradicts_is_refused():
    crops = tasks.converter((32, 48))
    with pytest.raises(kx.ImageError, match=r"fit=.pad. contradicts the model.s own ImageConverter, which crops"):
        loaded(crops, photo(50, 40), fit="pad")
    assert loaded(crops, photo(50, 40), fit="crop").boxes == loaded(crops, photo(50, 40)).boxes


class Inside(keras.Model):
    """Calls its preprocessor itself."""

    def __init__(self, preprocessor):
        super().__init__()
        self.preprocessor = preprocessor
        self.body = layers.Dense(3)
        self.pool = layers.GlobalAveragePooling2D()

    def _prepared(self, x):
        return self.preprocessor(x)

    def call(self, x):
        return self.body(self.pool(self._prepared(x)))


class InsideDirectly(Inside):
    def call(self, x):
        return self.body(self.pool(self.preprocessor(x)))


@pytest.mark.parametrize("make", [lambda: Inside(layers.Rescaling(1 / 255)), lambda: InsideDirectly(lambda x: x / 255)])
def test_a_preprocessor_within_the_model_is_left_to_it(make):
    model = make()
    images = photo(32, 48)[None].astype(np.float32)
    expected = model(images).numpy()
    explainer = kx.Explainer(model)
    assert_allclose(explainer.predict(images.astype(np.uint8))[0], expected, rtol=1e-4, atol=1e-6)
    assert "own" not in explainer.preprocessing


def test_nothing_of_the_users_is_written_to():
    def greedy(x):
        x = np.asarray(x)
        x.flags.writeable = True
        x /= 3
        return x

    for image in (photo(32, 48), photo(32, 48).astype(np.float32)):
        before = image.copy()
        assert_allclose(loaded(greedy, image[None]).batch[0], before / 3, rtol=1e-6)
        assert_array_equal(image, before)


def test_names_of_imagenet():
    assert kx.Explainer(tasks.vit(num_classes=1000)).class_names == tuple(imagenet())
    assert kx.Explainer(tasks.vit()).class_names[0] == "class 0"
    bare = tasks.vit(num_classes=1000)
    bare.preprocessor = None
    assert kx.Explainer(bare).class_names[0] == "class 0"
    own = net(tasks.converter((32, 48)))
    own.pop()
    own.add(layers.Dense(1000))
    own.preprocessor = tasks.converter((32, 48))
    assert kx.Explainer(own).class_names[0] == "class 0"


def test_names_of_imagenet_are_in_keras_hubs_order():
    theirs = [keras_hub.utils.imagenet_id_to_name(i).replace("_", " ").lower() for i in range(1000)]
    ours = [name.replace("_", " ").lower() for name in imagenet()]
    assert [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if not a.startswith(b)] == []


def test_a_model_of_text_and_images_names_its_encoder():
    sees = keras_hub.models.CLIPVisionEncoder(
        image_shape=(56, 56, 3), patch_size=14, num_layers=1, num_heads=2, hidden_dim=32, intermediate_dim=48
    )
    reads = keras_hub.models.CLIPTextEncoder(
        vocabulary_size=50, embedding_dim=32, hidden_dim=32, num_layers=1, num_heads=2, intermediate_dim=48
    )
    clip = keras_hub.models.CLIPBackbone(vision_encoder=sees, text_encoder=reads, projection_dim=16)
    with pytest.raises(kx.ModelError, match=r"has 2 inputs; .* Explain model\.vision_encoder, which takes images"):
        kx.Explainer(clip)


def test_a_model_of_keras_2_is_told_apart():
    old = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})()
    with pytest.raises(kx.ModelError, match=r"is a model of Keras 2 \(tf_keras\); Keras 3 is needed"):
        kx.Explainer(old)


def test_a_data_set_of_photographs_equals_explain(tmp_path):
    sizes = [(50, 40), (97, 64), (31, 90), (64, 64), (20, 70)]
    for i, (h, w) in enumerate(sizes):
        image = photo(h, w, i)
        deep = Image.fromarray(image[..., 0].astype(np.uint16) * 16)
        (deep if i == 3 else Image.fromarray(image)).save(tmp_path / f"{i}.png")
    task = tasks.resnet({**tasks.DEVIATIONS})
    explainer = kx.Explainer(task)
    run = list(explainer.explain_dataset(tmp_path, batch_size=2))
    assert "16-bit images taken as 12 bit (0..4095)" in explainer.preprocessing
    whole = kx.Explainer(task).explain(sorted(map(str, tmp_path.glob("*.png"))), batch_size=2)
    for name in ("maps", "scores", "targets", "images"):
        assert_array_equal(np.concatenate([getattr(e, name) for e in run]), getattr(whole, name), err_msg=name)


def test_models_without_anything_of_the_kind_are_as_before():
    assert Preprocessing(models.pooled(), "auto").own is None
