"""Targets, layers, methods, models: what is understood, and what is said otherwise."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.errors import (
    ImageError,
    KxError,
    ModelError,
    ParameterError,
    UnknownLayerError,
    UnknownMethodError,
    UnknownTargetError,
)
from kx_widget.engine.explainer import Explainer, check_parameters, explain
from kx_widget.engine.labels import read_labels
from kx_widget.engine.targets import contrast, names_for, parse
from tests import cases, models

NAMES = ("tench", "tabby cat", "tiger cat", "Tabby Cat 2")
SCORES = np.float32([[0.1, 3.0, 2.0, -1.0], [9.0, 0.0, 1.0, 2.0]])


@pytest.fixture(scope="module")
def explainer():
    return Explainer(models.pooled(), class_names=NAMES)


@pytest.mark.parametrize(
    ("targets", "indices"),
    [
        ("top", [[1], [0]]),
        ("top-2", [[2], [3]]),
        (["top", 2, "tench"], [[1, 2, 0], [0, 2, 0]]),
        (np.array([1, 3]), [[1, 3], [1, 3]]),
        (np.array([[1], [3]]), [[1], [3]]),
        ("TABBY CAT", [[1], [1]]),
        (np.int64(2), [[2], [2]]),
        (contrast("top", "top-2"), [[-1], [-1]]),
    ],
)
def test_targets(targets, indices):
    found = parse(targets, NAMES, 2).resolve(SCORES)
    assert_array_equal(found.indices, indices)
    for row, classes in zip(found.weights, indices, strict=True):
        for weights, c in zip(row, classes, strict=True):
            assert_array_equal(weights, np.eye(4)[c] if c >= 0 else weights)
            assert weights.sum() == (1 if c >= 0 else 0)


def test_contrast_reads_as_written_and_is_read_back():
    found = parse(contrast("top", 3), NAMES).resolve(SCORES)
    assert found.names == (("tabby cat − Tabby Cat 2",), ("tench − Tabby Cat 2",))
    assert_array_equal(found.weights[0, 0], [0, 1, 0, -1])
    again = parse("tabby cat − tench", NAMES).resolve(SCORES)
    assert_array_equal(again.weights[0, 0], [-1, 1, 0, 0])


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("tabi cat", "Did you mean 'tabby cat'"),
        (4, "classes 0 to 3"),
        (-1, "classes 0 to 3"),
        (True, "not a target"),
        (1.5, "not a target"),
        (None, "not a target"),
        ([], "empty"),
        ("top-5", "more classes than the model has"),
        ("top-0", "no class 'top-0'"),
        (np.array([[1.0]]), "class indices"),
        (np.array([[1]]), r"got \(1, 1\) for 2 images"),
        (np.array([[1], [9]]), "no class 9"),
        ({"a": 1}, "not a target"),
        (contrast("top", "dog"), "no class 'dog'"),
    ],
)
def test_wrong_targets(targets, said):
    with pytest.raises(UnknownTargetError, match=said):
        parse(targets, NAMES, 2)


def test_names_of_two_classes_are_ambiguous():
    with pytest.raises(UnknownTargetError, match="name of classes 0, 2; pass the index"):
        parse("crane", ("crane", "x", "crane"))


RANKED = ("Top", "Dress", "top-2", "Coat")


def test_a_class_is_found_by_the_first_of_its_synonyms():
    names = ("tabby, tabby cat", "crane, bird", "crane, machine", "bird")
    assert parse(["tabby", "Bird", "tabby − bird"], names).columns == (0, 3, contrast(0, 3))
    assert read_labels(["tabby", None], 2, names) == [0, None]
    with pytest.raises(UnknownTargetError, match="the name of classes 1, 2; pass the index"):
        parse("crane", names)


@pytest.mark.parametrize(
    ("target", "indices"), [("top", [1, 0]), ("top-2", [2, 3]), ("Top", [0, 0]), ("TOP", [0, 0]), (2, [2, 2])]
)
def test_a_rank_is_a_rank_whatever_the_classes_are_called(target, indices):
    assert_array_equal(parse(target, RANKED, 2).resolve(SCORES).indices[:, 0], indices)


def test_a_class_called_as_a_rank_is_told_once_with_its_index():
    with pytest.warns(RuntimeWarning, match="rank, whatever the classes are called: pass the index") as told:
        x = Explainer(models.pooled(), class_names=RANKED)
    assert [str(w.message).split(",")[0] for w in told] == ["Class 0 is called 'Top'", "Class 2 is called 'top-2'"]
    assert {w.filename for w in told} == {__file__}
    scores = x.predict(cases.photos())[0]
    assert_array_equal(x.explain(cases.photos()).targets[:, 0], scores.argmax(1))
    assert x.explain(cases.photos(), 2).target_names[0] == ("top-2",)
    # As text it would be read back as the rank.
    assert parse(contrast(2, 1), RANKED).texts == ("class 2 − Dress",)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cat", "dog"}, "a set has no order: pass a list"),
        (frozenset(("cat", "dog")), "a set has no order: pass a list"),
        (["cat", None], r"Class 1 has no name: class_names\[1\] is None"),
        (["", "dog"], r"Class 0 has no name: class_names\[0\] is ''"),
        ({0: "cat", 1: "  "}, "Class 1 has no name"),
    ],
)
def test_names_without_order_or_text_are_refused(wrong, said):
    with pytest.raises(UnknownTargetError, match=said):
        names_for(wrong, 2, False)
    assert names_for(dict.fromkeys(["cat", "dog"]).keys(), 2, False) == ("cat", "dog")


def test_class_names():
    assert names_for({1: "b", 0: "a"}, 2, False) == ("a", "b")
    assert names_for(None, 3, True) == ("class 0", "class 1", "class 2")
    imagenet = names_for(None, 1000, True)
    assert imagenet[281] == "tabby"
    assert imagenet[0] == "tench"
    assert len(set(imagenet)) == 1000
    assert names_for(None, 1000, False)[999] == "class 999"
    for wrong, said in (
        (["a"], "1 class names for the model's 2"),
        ({0: "a", 2: "b"}, "keys 0 to 1"),
        ("coco", "not known"),
    ):
        with pytest.raises(UnknownTargetError, match=said):
            names_for(wrong, 2, False)


@pytest.mark.parametrize(
    ("question", "error", "said"),
    [
        ({"method": "grad-cam"}, UnknownMethodError, r"no method 'grad-cam'\. Did you mean 'gradcam'"),
        ({"method": 3}, UnknownMethodError, "no method 3"),
        ({"layer": "lat"}, UnknownLayerError, "Did you mean 'late'"),
        ({"layer": "scores"}, UnknownLayerError, "'scores' cannot be explained: no spatial map: its output is 4"),
        ({"layer": "nope", "method": "gradients"}, UnknownLayerError, "no layer 'nope'"),
        ({"channel": 3}, ParameterError, r"Grad-CAM has no parameter 'channel'\. It takes none"),
        ({"metod": "rise"}, ParameterError, r"Grad-CAM has no parameter 'metod'\. Did you mean 'method'\?"),
        ({"method": "gradients", "channel": 3}, ParameterError, "Did you mean 'channels'"),
        ({"method": "gradients", "channels": "all"}, ParameterError, "Choose one of 'max_abs'"),
        ({"smooth": {"noise": 2}}, ParameterError, "noise=2 is outside its range 0 to 1"),
        ({"smooth": {"repetitions": 2.5}}, ParameterError, "must be a whole number"),
        ({"smooth": {"repetition": 2}}, ParameterError, "Did you mean 'repetitions'"),
        ({"smooth": 3}, ParameterError, "must be True or like"),
        ({"tta": {"scales": 3}}, ParameterError, "must be a list of numbers from 0.1 to 10"),
        ({"tta": {"scales": [1, 11]}}, ParameterError, "must be a list of numbers from 0.1 to 10"),
        ({"tta": {"hflip": 1}}, ParameterError, "must be True or False"),
        ({"tta": {"flip": True}}, ParameterError, "Did you mean 'hflip'"),
        ({"batch_size": 0}, ParameterError, "batch_size=0"),
        ({"seed": "x"}, ParameterError, "seed='x'"),
        ({"self": 1}, ParameterError, "Grad-CAM has no parameter 'self'"),
        ({"tta": {"scales": np.float32([0.05])}}, ParameterError, "must be a list of numbers from 0.1 to 10"),
        ({"tta": {"scales": np.array(1)}}, ParameterError, "must be a list of numbers from 0.1 to 10"),
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_computed(explainer, question, error, said):
    before = explainer.counts
    with pytest.raises(error, match=said) as caught:
        explainer.explain(cases.photos(), **question)
    assert isinstance(caught.value, KxError)
    assert isinstance(caught.value, ValueError)
    assert explainer.counts == before


@pytest.mark.parametrize("question", [{"smooth": 3}, {"tta": {"flip": True}}, {"channel": 3}, {"seed": "x"}])
def test_a_wrong_setting_is_refused_before_images_are_read(explainer, question):
    with pytest.raises(ParameterError):
        explainer.explain("nowhere.png", **question)


def test_short_names_of_nested_layers_are_completed_in_the_message():
    with pytest.raises(UnknownLayerError, match="Did you mean 'backbone/late'"):
        Explainer(models.nested()).explain(cases.photos(), layer="late")


RECOMMENDED = {
    models.pooled: "late",
    models.pointwise: "late",
    models.flattened: "late",
    models.residual: "after_add",
    models.nested: "backbone/late",
    models.subclassed: "late",
    models.single_unit: "late",
    models.gray: "late",
    models.tokens: "joined",
    models.flat: None,
}


@pytest.mark.parametrize("make", RECOMMENDED)
def test_recommended_layer(make):
    inspection = Explainer(make()).inspection
    assert inspection.recommended == RECOMMENDED[make]
    assert inspection.why.endswith(".")
    assert inspection.nested == (make is models.nested)


@pytest.mark.parametrize(
    ("make", "head", "classes"),
    [
        (models.pooled, "softmax", 4),
        (models.pointwise, "softmax", 4),
        (lambda: models.pooled(None), "linear", 4),
        (lambda: models.pooled("sigmoid"), "sigmoid", 4),
        (models.single_unit, "sigmoid", 2),
        (lambda: models.pooled("relu"), "unknown", 4),
    ],
)
def test_heads(make, head, classes):
    explainer = Explainer(make())
    assert (explainer.inspection.head, explainer.inspection.classes) == (head, classes)
    probabilities = explainer.predict(cases.photos())[1]
    assert np.isnan(probabilities).all() == (head in ("linear", "unknown"))


def linear(classes, loss):
    image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, 3, activation="relu")(image))
    model = keras.Model(image, layers.Dense(classes, name="out")(x))
    if loss is not None:
        model.compile(loss=loss)
    return model


@pytest.mark.parametrize(
    ("classes", "loss", "names", "expected"),
    [
        (2, "mse", None, None),
        (4, None, None, None),
        (128, "cosine_similarity", None, None),
        # Without from_logits the loss takes what the layer gives for probabilities.
        (4, "sparse_categorical_crossentropy", None, None),
        (4, keras.losses.SparseCategoricalCrossentropy(from_logits=False), None, None),
        (4, keras.losses.SparseCategoricalCrossentropy(from_logits=True), None, "softmax"),
        (4, {"out": keras.losses.CategoricalCrossentropy(from_logits=True)}, None, "softmax"),
        (4, [keras.losses.CategoricalFocalCrossentropy(from_logits=True)], None, "softmax"),
        (4, keras.losses.BinaryCrossentropy(from_logits=True), None, "sigmoid"),
        (1, keras.losses.BinaryCrossentropy(from_logits=True), None, "sigmoid"),
        (4, None, ["cat", "dog", "cup", "sky"], "softmax"),
        (4, None, ["class 0", "class 1", "class 2", "class 3"], None),
        # A softmax of one number is 1, whatever it is.
        (1, None, ["cat"], None),
    ],
)
def test_probabilities_are_given_where_the_model_is_known_to_be_a_classifier(classes, loss, names, expected):
    model, x = linear(classes, loss), cases.photos()
    explainer = Explainer(model, class_names=names)
    logits = keras.ops.convert_to_numpy(model(x))
    probabilities = explainer.predict(x)[1]
    e = explainer.explain(x)
    if expected is None:
        assert np.isnan(probabilities).all()
        # A loss of values says that they are no scores.
        number = f"{'' if loss == 'mse' else 'score '}{logits[0].max():.2f}".replace("-", "−")
        assert e.caption(0, 0) == f"{e.target_names[0][0]} · {number}"
        return
    truth = keras.ops.convert_to_numpy(getattr(keras.ops, expected)(logits))
    assert_allclose(probabilities, truth, rtol=1e-5)
    assert e.caption(0, 0).endswith(f" · {100 * truth[0].max():.1f} %")


def test_a_subclassed_model_names_its_output_in_its_loss_alone():
    class Named(keras.Model):
        def __init__(self):
            super().__init__()
            self.inside = linear(4, None)

        def call(self, x):
            return {"out": self.inside(x)}

    model, x = Named(), cases.photos()
    model.compile(loss={"out": keras.losses.CategoricalCrossentropy(from_logits=True)})
    logits = model(x)["out"]
    assert_allclose(Explainer(model).predict(x)[1], keras.ops.softmax(logits), rtol=1e-5)


def test_each_output_has_a_loss_of_its_own():
    image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, 3, activation="relu")(image))
    model = keras.Model(image, [layers.Dense(4, name="kind")(x), layers.Dense(4, name="box")(x)])
    logits = keras.losses.CategoricalCrossentropy(from_logits=True)
    for loss in ({"kind": logits, "box": "mse"}, [logits, "mse"]):
        model.compile(loss=loss)
        for output, known in (("kind", True), (0, True), ("box", False), (1, False)):
            assert np.isnan(Explainer(model, output=output).predict(cases.photos())[1]).all() != known


def test_a_keras_hub_classifier_is_known_by_its_own_loss():
    hub = pytest.importorskip("keras_hub")
    backbone = hub.models.ViTBackbone((32, 32, 3), (8, 8), 2, 2, 16, 32)
    task, x = hub.models.ViTImageClassifier(backbone, 5), cases.photos(2, (32, 32, 3))
    assert_allclose(Explainer(task).predict(x)[1], keras.ops.softmax(task(x)), rtol=1e-4)
    assert np.isnan(Explainer(keras.Model(task.inputs, task.outputs)).predict(x)[1]).all()


def test_tokens_lie_in_a_grid():
    with_class, without = (Explainer(models.tokens(c)).inspection for c in (True, False))
    assert with_class.token_grid == without.token_grid == (4, 4)


def test_model_without_a_map_says_so_and_gradients_still_work():
    explainer = Explainer(models.flat())
    with pytest.raises(ModelError, match=r"Grad-CAM needs a layer with a map\. No layer has a map"):
        explainer.explain(cases.photos())
    assert explainer.explain(cases.photos(), method="gradients").maps.shape == (3, 1, 12, 12)


def test_outputs_are_chosen_by_name_or_index():
    model, x = models.two_outputs(), cases.photos()
    with pytest.raises(ModelError, match=r"several outputs: kind, size\. Choose one with output="):
        Explainer(model)
    with pytest.raises(ModelError, match=r"no output 'sizes'\. Did you mean 'size'"):
        Explainer(model, output="sizes")
    assert Explainer(model, output="size").inspection.classes == 2
    assert_array_equal(explain(model, x, output=0).maps, explain(model, x, output="kind").maps)


def unbuilt():
    return keras.Sequential([layers.Conv2D(2, 3)])


def two_inputs():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([a, b], layers.Dense(2)(layers.Flatten()(layers.Add()([a, b]))))


def vectors():
    return keras.Sequential([keras.Input((8,)), layers.Dense(2)])


def unknown_channels():
    image = keras.Input((8, 8, None))
    return keras.Model(image, layers.Dense(2)(layers.Lambda(lambda x: keras.ops.mean(x, (1, 2, 3))[:, None])(image)))


def constant():
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Lambda(lambda x: keras.ops.zeros((1, 2)))(image))


def raising():
    class Broken(keras.Model):
        def call(self, x):
            raise RuntimeError("the cable is out")

    model = Broken()
    model.built = True
    model._build_shapes_dict = {"input_shape": (None, 8, 8, 3)}
    return model


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (unbuilt, "is not built"),
        (two_inputs, "2 inputs of the model are images: .* Choose the one to explain with explain_input="),
        (vectors, "not a batch of images"),
        (unknown_channels, "how many channels it has must be known"),
        (constant, "does not depend on its input"),
        (raising, r"(?s)raised RuntimeError: .*the cable is out"),
        (lambda: layers.Dense(2), "Dense is not a keras.Model"),
        (lambda: None, "NoneType is not a keras.Model"),
    ],
)
def test_models_that_cannot_be_explained(make, said):
    with pytest.raises(ModelError, match=said):
        Explainer(make())


def test_explain_once_takes_keywords_of_both():
    e = explain(
        models.pooled(), cases.photos(), ["a", "b"], class_names=["a", "b", "c", "d"], method="layercam", seed=3
    )
    assert e.target_names[0] == ("a", "b")
    assert e.method == "layercam"


def test_numbers_of_numpy_are_numbers(explainer, tmp_path):
    x = cases.photos()
    question = {"method": "occlusion", "patch": np.float64(0.4), "batch_size": np.float32(2), "seed": np.int64(3)}
    wrappers = {
        "smooth": {"noise": np.float32(0.5), "repetitions": np.int64(2)},
        "tta": {"scales": np.float32([0.5, 1]), "hflip": False},
    }
    e = explainer.explain(x, np.array(1), **question, **wrappers)
    assert e.params["patch"] == 0.4
    assert e.params["smooth"] == {"noise": 0.5, "repetitions": 2}
    assert e.params["tta"] == {"scales": (0.5, 1.0), "hflip": False}
    assert type(e.params["smooth"]["noise"]) is float
    e.save(tmp_path / "e.npz")
    assert type(e).load(tmp_path / "e.npz").params["smooth"] == {"noise": 0.5, "repetitions": 2}
    assert Explainer(explainer.model, memory_mib=np.float32(64), cache_mib=np.int64(8))._cache.limit == 2**23


@pytest.mark.parametrize("name", ["images", "targets", "method", "layer", "progress"])
def test_parameters_cannot_have_the_names_of_other_arguments(name):
    with pytest.raises(ParameterError, match=f"'{name}' is no parameter of a method: pass {name}= by itself"):
        check_parameters({"patch": 0.4, name: 1})
    check_parameters({"patch": 0.4, "smooth": True, "seed": 3})


@pytest.mark.parametrize(
    "targets",
    [contrast(contrast(0, 1), 2), contrast(0, "cat − dog"), "cat − dog − cup", [0, contrast(1, contrast(0, 2))]],
)
def test_a_contrast_of_contrasts_is_refused(targets):
    with pytest.raises(UnknownTargetError, match=r"A contrast is of two classes, and '.+ − .+' is one itself"):
        parse(targets, ("cat", "dog", "cup"))


def test_one_number_of_numpy_is_a_target():
    assert parse(np.array(1), ("cat", "dog")).texts == ("dog",)
    with pytest.raises(UnknownTargetError, match=r"1\.5 is not a target"):
        parse(np.array(1.5), ("cat", "dog"))


@pytest.mark.parametrize("wrong", [np.array("a"), {0: "a", "1": "b"}, b"ab", 3])
def test_class_names_of_another_kind_are_refused(wrong):
    with pytest.raises(UnknownTargetError, match="class_names"):
        names_for(wrong, 2, False)


@pytest.mark.parametrize("layers", [None, "late", 3])
def test_what_is_no_list_of_layers_is_refused(explainer, layers):
    with pytest.raises(UnknownLayerError, match="must be a list of paths of layers"):
        explainer.explain_layers(cases.photos(), layers=layers)


def test_an_array_is_no_preprocessing():
    with pytest.raises(ImageError, match='Pass "auto", None or a function'):
        Explainer(models.pooled(), preprocess=np.zeros(3))
