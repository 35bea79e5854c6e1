"""Methods that a user brings."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from tests import cases, models


def method(fn, name="mine", **more):
    about = {"family": "My own", "sees": "layer", "signed": True, "cost": "instant", "summary": "…", "reference": "…"}
    return kx.Method(**{"id": name, "title": "Mine", "fn": fn, **about, **more})


def energy(probe, target, power=2):
    yield kx.Partial((np.maximum(probe.activations(), 0) ** power).sum(-1))


def test_an_own_method_is_asked_like_any_other():
    own = method(energy, params=(kx.Parameter("power", "int", 2, "Exponent.", minimum=1, maximum=4),))
    model, x = models.flattened(), cases.photos()
    e = kx.explain(model, x, 1, method="mine", power=1, methods=[own])
    a = keras.Model(model.inputs, model.get_layer(e.layer).output).predict(x, verbose=0)
    assert_allclose(e.maps[:, 0], np.maximum(a, 0).sum(-1), rtol=1e-5)
    with pytest.raises(kx.ParameterError, match="power=9 is outside its range 1 to 4"):
        kx.explain(model, x, 1, method="mine", power=9, methods=[own])
    with pytest.raises(kx.UnknownMethodError, match="no method 'mine'"):
        kx.explain(model, x, 1, method="mine")


def test_one_with_a_known_id_takes_its_place():
    explainer = kx.Explainer(models.flattened(), methods=[method(energy, "gradcam")])
    assert list(explainer.methods) == list(kx.METHODS)
    assert explainer.methods["gradcam"].title == "Mine"
    assert kx.METHODS["gradcam"].title == "Grad-CAM"


@pytest.mark.parametrize(
    ("yielded", "message"),
    [
        (lambda a: a.sum(-1), "Mine yielded ndarray; wrap its maps"),
        (lambda a: kx.Partial(a), r"maps of shape \(3, \d+, \d+, \d+\); it was asked for \(images, height, width\)"),
        (lambda a: kx.Partial(a[:1].sum(-1)), "with 3 images"),
    ],
)
def test_what_is_no_map_is_said(yielded, message):
    def fn(probe, target):
        yield yielded(probe.activations())

    with pytest.raises(kx.ParameterError, match=message):
        kx.explain(models.flattened(), cases.photos(), 1, method="mine", methods=[method(fn)])


def test_a_method_that_returns_instead_of_yielding_is_told_to_yield():
    own = method(lambda probe, target: None)
    with pytest.raises(kx.ParameterError, match=r"^Mine returned NoneType; it must yield kx\.Partial\(maps\)\.$"):
        kx.explain(models.flattened(), cases.photos(), 1, method="mine", methods=[own])


@pytest.mark.parametrize(
    ("yielded", "message"),
    [
        (lambda a: kx.Partial("nothing"), "Mine yielded maps of <U7; real numbers are needed"),
        (lambda a: kx.Partial([[1], [1, 2]]), "Mine yielded maps that are no array"),
        (lambda a: kx.Partial(a[..., 0] * 1j), "Mine yielded maps of complex64; real numbers are needed: take its abs"),
        (lambda a: kx.Partial(a[:, :0, :0, 0]), r"maps of shape \(3, 0, 0\).* at least one cell"),
        (lambda a: kx.Partial(a[..., 0], done=0, total=0), r"done=0, total=0\): done counts passes from 0 to total"),
        (lambda a: kx.Partial(a[..., 0], done=3, total=2), r"done=3, total=2\): done counts passes"),
        (lambda a: kx.Partial(a[..., 0], done=0.5), r"done=0\.5, total=1\): done counts passes"),
        (lambda a: kx.Partial(a[..., 0], noise=np.zeros(2)), r"noise of shape \(2,\); it must be \(3,\), one"),
        (lambda a: kx.Partial(a[..., 0], checks={"sum": np.zeros(2)}), r"checks\['sum'\] of shape \(2,\)"),
    ],
)
@pytest.mark.parametrize("wrapper", [{}, {"smooth": {"repetitions": 2}}], ids=["alone", "smooth"])
def test_what_is_wrong_with_a_partial_is_said(yielded, message, wrapper):
    def fn(probe, target):
        yield yielded(probe.activations()[:3])

    with pytest.raises(kx.ParameterError, match=message if not wrapper else "Mine yielded"):
        kx.explain(models.flattened(), cases.photos(), 1, method="mine", methods=[method(fn)], **wrapper)


def test_lists_of_numbers_are_maps():
    def fn(probe, target):
        yield kx.Partial([[[1.0, 2.0]]] * len(target))

    e = kx.explain(models.flattened(), cases.photos(), 1, method="mine", methods=[method(fn)])
    assert_array_equal(e.maps, np.tile(np.float32([1, 2]), (3, 1, 1, 1)))


def test_a_method_that_yields_nothing_is_told_so():
    def fn(probe, target):
        yield from ()

    explainer = kx.Explainer(models.flattened(), methods=[method(fn)])
    layers = [explainer.inspection.recommended]
    for ask in (
        lambda: explainer.explain(cases.photos(), 1, method="mine"),
        lambda: list(explainer.stream(cases.photos(), 1, method="mine")),
        lambda: explainer.explain_layers(cases.photos(), 1, layers=layers, method="mine"),
        lambda: list(explainer.explain_dataset(iter(cases.photos()), 1, method="mine")),
    ):
        with pytest.raises(
            kx.ParameterError, match=r"^Mine yielded nothing; it must yield kx\.Partial\(maps\) at least"
        ):
            ask()


def test_maps_whose_size_differs_by_target_are_refused():
    def fn(probe, target):
        side = 2 if target[0, 0] else 3
        yield kx.Partial(np.zeros((len(target), side, side), np.float32))

    with pytest.raises(kx.ParameterError, match=r"^Mine yielded maps of 2 × 2 and 3 × 3; all maps of an answer are of"):
        kx.explain(models.flattened(), cases.photos(), [0, 1], method="mine", methods=[method(fn)])


@pytest.mark.parametrize("targets", [0, [0, 1], [1, 0]])
def test_passes_may_differ_by_target_and_the_last_need_not_be_made(targets):
    """What ends an answer is that the method ends."""

    def fn(probe, target):
        passes = 2 if target[0, 0] else 5
        for done in range(1, passes):
            yield kx.Partial(np.full((len(target), 1, 1), done, np.float32), done, passes)

    explainer = kx.Explainer(models.flattened(), methods=[method(fn)])
    e = explainer.explain(cases.photos(), targets, method="mine", batch_size=2)
    *steps, last = explainer.stream(cases.photos(), targets, method="mine", batch_size=2)
    assert_array_equal(last.maps, e.maps)
    assert last.complete.all()
    assert last.done == last.total
    assert all(step.done < step.total for step in steps)
    assert set(e.maps.ravel()) <= {1, 4}
    smooth = explainer.explain(cases.photos(), targets, method="mine", smooth={"repetitions": 3})
    assert_array_equal(smooth.maps, e.maps)


@pytest.mark.parametrize("wrapper", [{}, {"smooth": {"repetitions": 2}}])
def test_a_method_that_raises_is_named_and_the_cause_kept(wrapper):
    def fn(probe, target):
        yield kx.Partial(probe.activations()[..., 0] / {}["scale"])

    with pytest.raises(kx.KxError, match=r"^Mine \('mine'\) raised KeyError: 'scale'$") as told:
        kx.explain(models.flattened(), cases.photos(), 1, method="mine", methods=[method(fn)], **wrapper)
    assert isinstance(told.value.__cause__, KeyError)


def test_what_is_no_method_is_said():
    with pytest.raises(kx.ParameterError, match=r"is no kx\.Method"):
        kx.Explainer(models.flattened(), methods=[energy])


@pytest.mark.parametrize("own", [None, 5, method(energy), np.array("a")])
def test_what_is_no_list_of_methods_is_said(own):
    with pytest.raises(kx.ParameterError, match=r"^methods=.* must be a list of kx\.Method\.$"):
        kx.Explainer(models.flattened(), methods=own)


def test_one_that_writes_to_the_images_is_refused():
    """Whoever asked about the same images later got answers about what it had made of them."""

    def careless(probe, target):
        x = probe.x
        x -= x.mean()
        yield kx.Partial(np.zeros((len(x), 2, 2), np.float32))

    images, explainer = cases.photos(), kx.Explainer(models.pooled(), methods=[method(careless)])
    before = explainer.explain(images, method="gradients").maps
    with pytest.raises(kx.KxError, match="read-only"):
        explainer.explain(images, method="mine")
    assert_array_equal(explainer.load(images).batch, images)
    assert_array_equal(explainer.explain(images, method="gradients").maps, before)


@pytest.mark.parametrize("model", [models.pooled, models.tokens, models.nested])
@pytest.mark.parametrize("together", [True, False])
def test_one_that_writes_to_what_it_was_told_is_refused(model, together):
    """Whether the images were met together or one by one, and what is told again is what was told."""
    images = cases.photos()
    told = {
        "x": lambda probe, target: probe.x,
        "scores": lambda probe, target: probe.scores(),
        "activations": lambda probe, target: probe.activations(),
        "head_gradient": lambda probe, target: probe.head_gradient(target),
        "input_gradient": lambda probe, target: probe.input_gradient(target),
        "full_gradients": lambda probe, target: probe.full_gradients(target, "tensor")[0],
    }
    refused = []

    def careless(probe, target):
        for name, ask in told.items():
            try:
                ask(probe, target)[:] = 0
            except ValueError:
                refused.append(name)
        yield kx.Partial(np.zeros((len(probe.x), 2, 2), np.float32))

    explainer = kx.Explainer(model(), methods=[method(careless)])
    if not together:
        for image in images[::-1]:
            explainer.explain(image, 1, method="gradcam")
            explainer.explain(image, 1, method="gradients")
            explainer.explain(image, 1, method="full_gradients")
    explainer.explain(images, 1, method="mine")
    assert refused == list(told)


def test_what_a_preprocess_returned_stays_writable():
    array = cases.photos()
    explainer = kx.Explainer(models.pooled(), preprocess=lambda batch: array)
    explainer.predict(cases.photos())
    array += 1
