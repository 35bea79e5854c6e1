"""Models that bring their own preprocessor: photographs go through it, and the overlay lies on the original.

The oracle is the task itself, `task.predict`, and keras-hub's converter in a `tf.data` pipeline.
"""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.imagenet import names as imagenet

keras_hub = pytest.importorskip("keras_hub")

from tests import tasks  # noqa: E402
from tests.tasks import net, of_pipeline, photo  # noqa: E402

# What keras-hub's Swin makes Keras say.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(r"ignore:.*was passed an input with a mask attached:UserWarning"),
]


def of_task(task, image):
    if isinstance(task, keras_hub.models.Task):
        return task.predict(image[None], verbose=0)[0]
    return task.predict({next(iter(task.input)): of_pipeline(task.preprocessor, image)[None]}, verbose=0)[0]


@pytest.mark.parametrize("name", [*tasks.TASKS, *tasks.ENCODERS])
def test_scores_are_the_tasks_own(name, tmp_path):
    keras.utils.set_random_seed(1)
    task = tasks.task(name) if name in tasks.TASKS else tasks.encoder(name)
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
    task = tasks.task("resnet")
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
    task = tasks.task("vit", activation="softmax")
    explainer, images = kx.Explainer(task), photo(70, 90)[None]
    scores, probabilities = explainer.predict(images)
    assert_allclose(probabilities, task.predict(images, verbose=0), rtol=1e-4)
    assert_allclose(keras.ops.softmax(scores), probabilities, rtol=1e-5)


def test_it_is_said_what_was_applied():
    explainer = kx.Explainer(tasks.task("vit"))
    explainer.predict(photo(50, 40))
    assert explainer.preprocessing == (
        "preprocess: the task's own ViTImageClassifierPreprocessor: resized to 64 × 64 (bilinear), "
        "cropped to the aspect ratio, × 1/127.5 − 1"
    )
    for preprocess, said in ((None, "preprocess: none, as asked"), (np.negative, "preprocess: negative")):
        explainer = kx.Explainer(tasks.task("vit"), preprocess=preprocess)
        image = photo(64, 64)
        expected = explainer.model(np.float32(image if preprocess is None else -1.0 * image)[None]).numpy()
        assert_allclose(explainer.predict(image)[0], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
        assert explainer.preprocessing == said


def test_a_task_without_preprocessor_says_what_was_assumed():
    task = tasks.task("vit")
    task.preprocessor = None
    explainer, image = kx.Explainer(task), photo(64, 64)
    expected = task.predict(image[None].astype(np.float32), verbose=0)
    assert_allclose(explainer.predict(image)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert "the task has no preprocessor: 0..255 passed on; set task.preprocessor" in explainer.preprocessing


def test_a_free_input_takes_the_converters_size():
    task = tasks.task("resnet", shape=(None, None, 3))
    task.preprocessor.image_size = (48, 64)
    explainer, images = kx.Explainer(task), [photo(150, 211), photo(97, 64, 1)]
    assert explainer.inspection.input_shape == (48, 64, 3)
    expected = np.stack([of_task(task, image) for image in images])
    assert_allclose(explainer.predict(images)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_names_of_imagenet():
    assert kx.Explainer(tasks.task("vit", num_classes=1000)).class_names == tuple(imagenet())
    assert kx.Explainer(tasks.task("vit")).class_names[0] == "class 0"
    bare = tasks.task("vit", num_classes=1000)
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


def test_a_model_of_text_and_images_asks_for_references():
    sees = keras_hub.models.CLIPVisionEncoder(
        image_shape=(56, 56, 3), patch_size=14, num_layers=1, num_heads=2, hidden_dim=32, intermediate_dim=48
    )
    reads = keras_hub.models.CLIPTextEncoder(
        vocabulary_size=50, embedding_dim=32, hidden_dim=32, num_layers=1, num_heads=2, intermediate_dim=48
    )
    clip = keras_hub.models.CLIPBackbone(vision_encoder=sees, text_encoder=reads, projection_dim=16)
    with pytest.raises(kx.ModelError, match=r"compares images with texts: pass references=kx\.similar_to"):
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
    task = tasks.task("resnet")
    explainer = kx.Explainer(task)
    run = list(explainer.explain_dataset(tmp_path, batch_size=2))
    assert "16-bit images taken as 12 bit (0..4095)" in explainer.preprocessing
    whole = kx.Explainer(task).explain(sorted(map(str, tmp_path.glob("*.png"))), batch_size=2)
    for name in ("maps", "scores", "targets", "images"):
        assert_array_equal(np.concatenate([getattr(e, name) for e in run]), getattr(whole, name), err_msg=name)
