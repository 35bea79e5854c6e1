"""Models that take more than an image: one is explained, the others ride along with each image."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.bulk.pipeline import blank

SHAPE = (12, 10, 4)
N = 5


def rng(seed=0):
    return np.random.default_rng(seed)


def data():
    return {
        "image": rng().random((N, *SHAPE)).astype("f4"),
        "age": rng(1).normal(size=N).astype("f4"),
        "words": rng(2).integers(0, 5, (N, 2)),
    }


def network(structure):
    """The age gates channels before the last layer, and all inputs meet after it."""
    keras.utils.set_random_seed(3)
    image = keras.Input(SHAPE, name="image")
    age = keras.Input((1,), name="age")
    words = keras.Input((2,), dtype="int32", name="words")
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(image)
    x = x * layers.Reshape((1, 1, 4))(layers.Dense(4, activation="sigmoid")(age))
    x = layers.Conv2D(5, 3, activation="relu", padding="same", name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Concatenate()([x, age, layers.Flatten()(layers.Embedding(5, 3)(words))])
    inputs = {"image": image, "age": age, "words": words} if structure == "dict" else [age, image, words]
    return keras.Model(inputs, layers.Dense(3)(layers.Dense(6, activation="tanh")(x)))


def given(structure, rows=slice(None)):
    """What `explain` is given, and what Keras is."""
    values = {name: value[rows] for name, value in data().items()}
    if structure == "dict":
        return values, values
    return (values["age"], values["image"], values["words"]), [values["age"], values["image"], values["words"]]


@pytest.fixture(scope="module", params=["dict", "list"])
def structure(request):
    return request.param


@pytest.fixture(scope="module")
def explainer(structure):
    return kx.Explainer(network(structure))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.head = layers.Conv2D(3, 3, activation="relu", name="conv"), layers.Dense(2)

    def call(self, inputs):
        x = keras.ops.mean(self.conv(inputs["image"]), (1, 2))
        return self.head(keras.ops.concatenate([x, inputs["age"]], -1))


class TestTruth:
    def test_scores_are_those_of_keras(self, explainer, structure):
        ours, keras_takes = given(structure)
        assert_allclose(explainer.predict(ours)[0], explainer.model.predict(keras_takes, verbose=0), atol=1e-6)

    def test_of_a_linear_model_in_closed_form(self):
        """S = Σ w x + v age + b: the age moves the score, and no map."""
        image, age = keras.Input(SHAPE, name="image"), keras.Input((1,), name="age")
        both = layers.Concatenate()([layers.Flatten()(image), age])
        model = keras.Model({"image": image, "age": age}, layers.Dense(2)(both))
        weights = rng(4).normal(0, 0.1, (np.prod(SHAPE) + 1, 2)).astype("f4")
        model.set_weights([weights, np.array([1, 2])])
        images, ages = data()["image"], data()["age"]
        w, v = weights[:-1, 1].reshape(SHAPE), weights[-1, 1]
        explainer = kx.Explainer(model)
        e = explainer.explain({"image": images, "age": ages}, 1, method="integrated_gradients", channels="each")
        assert_allclose(e.maps, np.moveaxis(w * images, -1, 1), atol=1e-5)
        assert_allclose(e.scores[:, 0], (w * images).sum((1, 2, 3)) + v * ages + 2, atol=1e-5)
        older = explainer.explain({"image": images, "age": ages + 1}, 1, method="gradients", channels="sum")
        assert_allclose(older.scores[:, 0] - e.scores[:, 0], v, atol=1e-5)
        assert_allclose(older.maps[:, 0], np.broadcast_to(w.sum(-1), images.shape[:3]), atol=1e-5)
        covered = explainer.what_if({"image": images, "age": ages}, np.ones((1, *SHAPE[:2])), "black")[0]
        assert_allclose(covered[:, 0, 1], v * ages + 2, atol=1e-5)

    @pytest.mark.parametrize("target", [0, 2])
    def test_gradients_under_a_tape(self, explainer, structure, target):
        ours, _ = given(structure)
        tensor = tf.constant(data()["image"])
        tensors = {"image": tensor, "age": tf.constant(data()["age"][:, None]), "words": tf.constant(data()["words"])}
        takes = tensors if structure == "dict" else [tensors["age"], tensor, tensors["words"]]
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            score = tf.reduce_sum(explainer.model(takes)[:, target])
        want = tape.gradient(score, tensor).numpy().sum(-1)
        e = explainer.explain(ours, target, method="gradients", channels="sum")
        assert_allclose(e.maps[:, 0], want, atol=1e-6)

    def test_gradcam_under_a_tape(self, explainer, structure):
        model = explainer.model
        both = keras.Model(model.inputs, [model.get_layer("last").output, model.output])
        values = {"image": data()["image"], "age": data()["age"][:, None], "words": data()["words"]}
        with tf.GradientTape() as tape:
            a, y = both([tf.constant(values[i.name]) for i in model.inputs])
            score = tf.reduce_sum(y[:, 1])
        g = tape.gradient(score, a).numpy()
        want = (a.numpy() * g.mean((1, 2), keepdims=True)).sum(-1)
        e = explainer.explain(given(structure)[0], 1, layer="last")
        assert_allclose(e.maps[:, 0], want, rtol=1e-4, atol=1e-7)

    @pytest.mark.parametrize("method", [m.id for m in kx.METHODS.values() if m.sees != "attention" and m.id != "cam"])
    def test_each_image_with_its_own(self, explainer, structure, method):
        """Together, where images share calls of the model, each is what it is alone."""
        settings = {"masks": 30} if method == "rise" else {}
        together = explainer.explain(given(structure)[0], [0, "top"], method=method, **settings).maps
        alone = kx.Explainer(explainer.model)
        for row in (0, 3):
            one = alone.explain(given(structure, slice(row, row + 1))[0], [0, "top"], method=method, **settings)
            assert np.ptp(one.maps) > 0
            assert_allclose(one.maps[0], together[row], rtol=1e-4, atol=1e-5 * np.abs(together).max())

    def test_copies_and_their_random_numbers(self, explainer, structure):
        settings = {"method": "gradients", "channels": "sum", "smooth": {"repetitions": 4}, "tta": True}
        together = explainer.explain(given(structure)[0], 0, **settings).maps
        one = kx.Explainer(explainer.model).explain(given(structure, slice(2, 3))[0], 0, **settings).maps
        assert_allclose(one[0], together[2], atol=1e-6)

    def test_layers_together(self, explainer, structure):
        ours = given(structure)[0]
        paths = explainer.inspection.candidates[:2]
        answers = explainer.explain_layers(ours, 1, layers=paths)
        for path in paths:
            want = kx.Explainer(explainer.model).explain(ours, 1, layer=path).maps
            assert_allclose(answers[path].maps, want, rtol=1e-4, atol=1e-7)

    def test_covered_in_part_as_keras_has_it(self, explainer, structure):
        ours, keras_takes = given(structure)
        masks = np.zeros((2, *SHAPE[:2]), bool)
        masks[0, 2:6, 1:5] = masks[1, :, 7:] = True
        scores = explainer.what_if(ours, masks, "black")[0]
        for i, mask in enumerate(masks):
            image = np.where(mask[..., None], 0, data()["image"]).astype("f4")
            inputs = {**keras_takes, "image": image} if structure == "dict" else [keras_takes[0], image, keras_takes[2]]
            assert_allclose(scores[:, i], explainer.model.predict(inputs, verbose=0), atol=1e-5)

    def test_evaluated(self, explainer, structure):
        ours = given(structure)[0]
        v = explainer.evaluate(explainer.explain(ours, 0), ["max_sensitivity", "random_logit"], images=ours)
        assert np.isfinite(v.scores["max_sensitivity"]).all()
        assert np.isfinite(v.scores["random_logit"]).all()

    def test_completeness_goes_by_what_rides_along(self):
        """Without activation a score is what the age makes of it, which is another one for each image."""
        image, age = keras.Input(SHAPE, name="image"), keras.Input((1,), name="age")
        x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="last")(image))
        model = keras.Model({"image": image, "age": age}, layers.Add()([layers.Dense(3)(x), layers.Dense(3)(age)]))
        values = {"image": data()["image"], "age": data()["age"]}
        explainer = kx.Explainer(model)
        v = explainer.evaluate(explainer.explain(values, 0, layer="last"), "completeness", images=values)
        assert_allclose(v.scores["completeness"], 0, atol=1e-4)

    def test_what_maps_do_not_keep_has_to_be_passed(self, structure):
        explainer, (ours, _) = kx.Explainer(network(structure)), given(structure)
        e = explainer.explain(ours, 0)
        assert explainer.evaluate(e, "effective_area").scores["effective_area"].shape == (N, 1)
        with pytest.raises(kx.ParameterError, match="pass images= what was explained"):
            kx.Explainer(explainer.model).evaluate(e)

    def test_the_same_image_of_another_age_is_another_question(self, explainer, structure):
        """Nothing that is kept of an image is taken for it with other inputs."""
        (ours, _), images = given(structure), np.repeat(data()["image"][:1], N, 0)
        same = {**ours, "image": images} if structure == "dict" else (ours[0], images, ours[2])
        e = explainer.explain(same, 0)
        assert len(np.unique(e.scores)) == N
        again = explainer.explain(same, 0, method="gradients", channels="sum")
        assert len(np.unique(again.maps.reshape(N, -1), axis=0)) == N

    def test_a_subclassed_model(self):
        model = Subclassed()
        values = {"image": data()["image"], "age": data()["age"][:, None]}
        want = model(values).numpy()
        explainer = kx.Explainer(model)
        assert_allclose(explainer.predict(values)[0], want, atol=1e-5)
        assert np.ptp(explainer.explain(values, "top").maps) > 0


class TestSeveralImages:
    @pytest.fixture(scope="class")
    @staticmethod
    def siamese():
        """S = Σ x y u: what one picture is worth depends on the other."""
        left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
        product = layers.Flatten()(layers.Multiply()([left, right]))
        model = keras.Model([left, right], layers.Dense(2)(product))
        model.set_weights([rng(5).normal(size=(192, 2)), np.zeros(2)])
        return model

    @pytest.mark.parametrize("name", ["left", "right"])
    def test_each_can_be_explained(self, siamese, name):
        images = [rng(i).random((3, 8, 8, 3)).astype("f4") for i in (6, 7)]
        u = siamese.get_weights()[0][:, 0].reshape(8, 8, 3)
        e = kx.explain(siamese, tuple(images), 0, explain_input=name, method="gradients", channels="each")
        other = images[0 if name == "right" else 1]
        assert_allclose(e.maps, np.moveaxis(other * u, -1, 1), atol=1e-5)

    def test_pictures_beside_are_made_ready_as_well(self, siamese, tmp_path):
        from PIL import Image

        pixels = rng().integers(0, 256, (3, 16, 16, 3), np.uint8)
        for i, image in enumerate(pixels):
            Image.fromarray(image).save(tmp_path / f"{i}.png")
        explainer = kx.Explainer(siamese, explain_input=0, preprocess=lambda x: x / 255)
        loaded = explainer.load({"left": pixels, "right": str(tmp_path / "*.png")})
        assert_array_equal(loaded.beside[0], loaded.batch)
        assert loaded.batch.max() <= 1

    def test_one_has_to_be_chosen(self, siamese):
        said = r"2 inputs of the model are images: left, right. Choose the one to explain with explain_input="
        with pytest.raises(kx.ModelError, match=said):
            kx.Explainer(siamese)
        with pytest.raises(kx.ModelError, match=r"The model has no input 'top'"):
            kx.Explainer(siamese, explain_input="top")

    def test_one_that_is_no_image(self):
        with pytest.raises(kx.ModelError, match=r"shape \(None, 1\): not a batch of images"):
            kx.Explainer(network("dict"), explain_input="age")


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"age": ...}, r"The input 'age' is missing: pass images=\{"),
            ({"age": None}, "The input 'age' is missing: it is None"),
            ({"age": np.zeros(3)}, "The input 'age' needs one value for each of the 5 images; got 3 of them"),
            ({"age": 3.0}, "The input 'age' needs one value for each of the 5 images; got a single number"),
            ({"age": np.zeros((N, 2))}, r"The input 'age' has shape \(5, 2\); the model takes 1 for each image"),
            ({"age": np.array([0, 0, np.nan, 0, 0])}, "The input 'age' is NaN or infinite for image 2"),
            ({"age": np.array(["a"] * N)}, "The input 'age' holds <U1, which are no numbers"),
            ({"ages": np.zeros(N)}, "The model has no input 'ages'.*age"),
        ],
    )
    def test_is_named(self, change, said):
        values = {name: value for name, value in {**data(), **change}.items() if value is not ...}
        with pytest.raises(kx.ImageError, match=said):
            kx.Explainer(network("dict")).predict(values)

    def test_the_image_alone(self):
        with pytest.raises(kx.ImageError, match=r"has 3 inputs, 'age', 'image', 'words': pass images=\{\"age\": …"):
            kx.Explainer(network("dict")).predict(data()["image"])

    def test_no_image_at_all(self):
        a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
        with pytest.raises(kx.ModelError, match="2 inputs, a, b, and none of them is an image"):
            kx.Explainer(keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b]))))


class TestDataSets:
    @pytest.fixture(scope="class")
    @staticmethod
    def whole():
        explainer = kx.Explainer(network("dict"))
        return explainer, explainer.explain(data(), ["top", 0], smooth={"repetitions": 2})

    def sources(self):
        labels = np.arange(N) % 3
        rows = [{name: value[i] for name, value in data().items()} for i in range(N)]
        return {
            "tf.data": tf.data.Dataset.from_tensor_slices((data(), labels)).batch(2),
            "dicts with labels": [{**row, "label": label} for row, label in zip(rows, labels, strict=True)],
            "tuples": [(row["age"], row["image"], row["words"]) for row in rows],
            "tuples and a label": [(row["age"], row["image"], row["words"], 1) for row in rows],
            "pairs": [((row["age"], row["image"], row["words"]), 1) for row in rows],
        }

    @pytest.mark.parametrize("name", ["tf.data", "dicts with labels", "tuples", "tuples and a label", "pairs"])
    def test_of_every_kind(self, whole, name):
        explainer, want = whole
        run = list(explainer.explain_dataset(self.sources()[name], ["top", 0], smooth={"repetitions": 2}))
        assert_allclose(np.concatenate([e.maps for e in run]), want.maps, rtol=1e-4, atol=1e-6)
        assert_allclose(np.concatenate([e.scores for e in run]), want.scores, atol=1e-5)

    def test_a_store(self, whole, tmp_path):
        explainer, want = whole
        store = explainer.explain_to(tmp_path / "s", self.sources()["tf.data"], ["top", 0], smooth={"repetitions": 2})
        assert_allclose(np.stack(store.maps(range(2 * N))).reshape(want.maps.shape), want.maps, rtol=1e-4, atol=1e-6)
        assert store.column("label").to_pylist()[::2] == [0, 1, 2, 0, 1]

    def test_an_image_of_nothing_has_all_inputs(self, whole):
        """With it questions are checked, and passes are timed, before anything is read."""
        assert [values.shape for values in blank(whole[0]).beside] == [(1, 1), (1, 2)]
        assert np.isfinite(whole[0].predict(blank(whole[0]))[0]).all()

    def test_files_alone_do_not_do(self, whole, tmp_path):
        np.save(tmp_path / "a.npy", data()["image"][0])
        with pytest.raises(kx.ImageError, match="takes 'age', 'image', 'words', and files are the image alone"):
            whole[0].explain_dataset(tmp_path)

    def test_a_batch_of_another_length(self, whole):
        with pytest.raises(kx.ImageError, match=r"A batch has 5 images, and .* of another input"):
            list(whole[0].explain_dataset([{**data(), "age": np.zeros(3)}]))

    def test_one_bad_value_beside_an_image_leaves_out_this_image(self, whole):
        explainer, want = whole
        age = data()["age"]
        age[1], age[3] = np.nan, np.inf
        asked, source = {"smooth": {"repetitions": 2}}, [{**data(), "age": age}]
        run = explainer.explain_dataset(source, ["top", 0], **asked)
        with pytest.warns(RuntimeWarning, match=r"2 images were skipped:\n  1: The input 'age' is NaN or infinite\.\n"):
            (e,) = run
        assert run.skipped == [(name, "The input 'age' is NaN or infinite.") for name in ("1", "3")]
        assert e.names == ("0", "2", "4")
        assert_allclose(e.maps, want.maps[::2], rtol=1e-4, atol=1e-6)
        with pytest.raises(kx.ImageError, match=r"^1: The input 'age' is NaN or infinite\.$"):
            list(explainer.explain_dataset(source, ["top", 0], on_error="raise", **asked))

    @pytest.mark.parametrize("bad", [{"age": np.nan}, {"age": None}, {"words": np.zeros(3, int)}])
    def test_images_one_by_one_go_on_after_a_bad_value(self, whole, bad):
        rows = [{name: value[i] for name, value in data().items()} for i in range(N)]
        run = whole[0].explain_dataset([*rows[:2], rows[2] | bad, *rows[3:]], 0, batch_size=2)
        with pytest.warns(RuntimeWarning, match=f"1 images were skipped:\n  2: The input '{next(iter(bad))}' "):
            explanations = list(run)
        assert [name for e in explanations for name in e.names] == ["0", "1", "3", "4"]

    def test_a_bad_picture_beside_an_image_leaves_out_this_image(self):
        left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
        model = keras.Model([left, right], layers.Dense(2)(layers.Flatten()(layers.Multiply()([left, right]))))
        pictures = rng().random((3, 8, 8, 3)).astype("f4")
        broken = pictures.copy()
        broken[2, 0, 0, 0] = np.nan
        run = kx.Explainer(model, explain_input="left").explain_dataset([(pictures, broken)], 0, method="gradients")
        with pytest.warns(RuntimeWarning, match="1 images were skipped"):
            (e,) = run
        assert e.names == ("0", "1")
        ((name, why),) = run.skipped
        assert (name, why[:19]) == ("2", "The input 'right': ")
        assert "image 0" not in why
