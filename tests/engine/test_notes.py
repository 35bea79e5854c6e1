"""A map that says nothing is said to: each kind of note, by nets and methods whose maps are known on paper."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.notes import evidence_of, heading_of
from tests import cases, models

CLASS = "'class 1'"


def dead():
    """No picture gets through its only rectified layer: all scores are constant."""
    model = models.pooled()
    layer = model.get_layer("late")
    layer.set_weights([layer.get_weights()[0], np.full(5, -1e4, np.float32)])
    return model


def blind():
    """Its queries and keys are all the same, and its head weighs nothing."""
    model = models.transformer()
    for layer in [*model._flatten_layers()]:
        if layer.name in ("query", "key", "scores"):
            layer.kernel.assign(0 * layer.kernel)
    return model


def class_token():
    """Tokens mixed once, of which the weights of the head read the first alone."""
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 3, strides=3, name="patches")(x))
    x = layers.Concatenate(1, name="with_token")([layers.GlobalAveragePooling1D(keepdims=True)(x), x])
    x = layers.Dense(8, activation="gelu", name="tokens")(x)
    model = keras.Model(image, layers.Dense(models.CLASSES, name="scores")(layers.Flatten()(x)))
    kernel, bias = model.get_layer("scores").get_weights()
    kernel[8:] = 0
    model.get_layer("scores").set_weights([kernel, bias])
    return model


def normalised():
    """Each channel of `late` is normalised over the map, which takes its mean gradient away but for rounding."""
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Conv2D(5, 3, padding="same", name="late")(x)
    x = layers.ReLU()(layers.GroupNormalization(groups=-1)(x))
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(5, 3, name="last")(x))
    return keras.Model(image, layers.Dense(models.CLASSES)(x))


def own(values, signed=True):
    """A method whose maps (h, w) are given."""

    def fn(probe, target):
        yield kx.Partial(np.stack([np.float32(values)] * len(probe.x)))

    return kx.Method("mine", "Mine", fn, "My own", "input", signed, "instant", "…", "…")


def noted(values, signed=True, n=1):
    return kx.explain(models.pooled(), cases.photos(n), 1, method="mine", methods=[own(values, signed)])


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in kx.METHODS if name != "edges"])
def test_whatever_the_method_a_dead_net_has_nothing_to_show(method):
    net = blind() if kx.METHODS[method].sees == "attention" else dead()
    e = kx.Explainer(net).explain(cases.photos(2), ["top", 1], **cases.asked(method))
    assert [heading_of(notes) for row in e.notes for notes in row] == ["Flat"] * 4
    assert all(
        " Try " in notes[0] and not notes[0].endswith(f"Try {kx.METHODS[method].title}.") for notes in e.notes[0]
    )


@pytest.mark.parametrize("wrapper", [{"smooth": {"repetitions": 2}}, {"tta": True}])
@pytest.mark.parametrize("method", ["gradcam", "rise"])
def test_wrapped_methods_are_no_exception(method, wrapper):
    e = kx.explain(dead(), cases.photos(1), 1, **cases.asked(method), **wrapper)
    assert heading_of(e.notes_of(0, 0)) == "Flat"


@pytest.mark.parametrize("wrapper", [{"smooth": {"repetitions": 2}}, {"tta": True}])
def test_what_the_first_masks_do_not_tell_is_not_held_against_a_wrapped_map(wrapper):
    """One mask alone shows no change of the score; sixteen do."""
    e = kx.explain(models.pooled(), cases.photos(2), 1, method="rise", masks=16, **wrapper)
    assert e.notes == ()


@pytest.mark.slow
@pytest.mark.parametrize("method", kx.METHODS)
def test_a_net_that_looks_has_no_notes(method):
    net = cases.fitting(method, models.pooled)()
    e = kx.Explainer(net).explain(cases.photos(2), 1, **cases.asked(method))
    usual = "Control" if kx.METHODS[method].control else ""
    assert all(heading_of(notes) in (usual, "Against") for row in e.notes for notes in row)
    against = [heading_of(notes) == "Against" for row in e.notes for notes in row] or [False] * 2
    assert against == [m.max() <= 0 and e.signed for m in e.maps[:, 0]]


def test_tokens_that_the_head_never_reads_are_flat_and_the_note_says_where_to_look():
    e = kx.explain(class_token(), cases.photos(2), 1, layer="tokens")
    assert not e.maps.any()
    (note,) = e.notes_of(0, 0)
    assert note.startswith(f"Flat: the map is 0 everywhere, no evidence for {CLASS}. Try ")
    recommended = kx.Explainer(class_token()).inspection.recommended
    if recommended != "tokens":
        assert f"layer {recommended!r}" in note
    other = kx.explain(class_token(), cases.photos(2), 1, layer="patches")
    assert other.notes == ()


def test_the_recommended_layer_is_named_where_another_was_chosen():
    explainer = kx.Explainer(normalised())
    assert explainer.inspection.recommended == "last"
    e = explainer.explain(cases.photos(1), 1, layer="late")
    assert e.maps.any()
    assert e.notes[0][0] == (
        f"Flat: the map is rounding error or chance alone, no evidence for {CLASS}. "
        "Try layer 'last' or Integrated gradients.",
    )
    assert explainer.explain(cases.photos(1), 1, layer="last").notes == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[0, 0], [0, 0]], f"Flat: the map is 0 everywhere, no evidence for {CLASS}. Try Integrated gradients."),
        ([[0.3, 0.3], [0.3, np.nextafter(np.float32(0.3), 1)]], "Flat: the map is 0.3 everywhere, so no place counts"),
        ([[-2e-30, -2e-30]], "Flat: the map is -2e-30 everywhere"),
        ([[np.nan, np.inf]], "No numbers: every value of the map is NaN or infinite. Try Integrated gradients."),
        ([[np.nan, 1], [2, -np.inf]], "Gaps: 2 of the map's 4 values are NaN or infinite."),
        ([[-1, -2], [1e-9, -3]], f"Against: no value of the map is above 0, nothing in it speaks for {CLASS}."),
    ],
)
def test_what_is_said_of_a_map(values, said):
    e = noted(values)
    (note,) = e.notes_of(0, 0)
    assert note.startswith(said)
    assert_array_equal(e.maps[0, 0], np.float32(values))


@pytest.mark.parametrize("values", [[[0, 1e-30]], [[1, 1.0001]], [[-3, 0.1]], [[3e38, -3e38]]])
def test_what_needs_no_word(values):
    assert noted(values).notes == ()


def test_flat_with_gaps_is_said_to_be_both_and_its_heading_is_flat():
    notes = noted([[np.nan, 0], [0, 0]]).notes_of(0, 0)
    assert [note.partition(":")[0] for note in notes] == ["Flat", "Gaps"]
    assert (heading_of(notes), evidence_of(notes)) == ("Flat", "none")


def test_only_maps_whose_sign_means_something_can_speak_against():
    assert noted([[-1, -2]], signed=False).notes == ()


def test_notes_come_with_the_finished_map_and_not_before():
    def fn(probe, target):
        yield kx.Partial(np.full((len(probe.x), 2, 2), np.nan, np.float32), 1, 2)
        yield kx.Partial(np.zeros((len(probe.x), 2, 2), np.float32), 2, 2)

    question = kx.Explainer(models.pooled(), methods=[replace(own([[0]]), fn=fn)]).ask(
        cases.photos(1), 1, method="mine"
    )
    said = [frame.notes for frames in question.stream() for frame in frames.frames]
    assert said[0] == ()
    assert heading_of(said[1]) == "Flat"


def test_each_map_has_its_own_note():
    def fn(probe, target):
        maps = np.float32([[[1, 2]], [[0, 0]], [[-1, -2]]])
        yield kx.Partial(maps * (1 if target[0, 0] else -1))

    explainer = kx.Explainer(models.pooled(), methods=[replace(own([[0]]), fn=fn)])
    e = explainer.explain(cases.photos(3), [0, 1], method="mine")
    headings = [[heading_of(notes) for notes in row] for row in e.notes]
    assert headings == [["", "Against"], ["Flat", "Flat"], ["Against", ""]]
    assert repr(e).endswith(", notes on 4 of 6 maps)")


def test_a_caution_about_the_method_is_a_note_of_every_map(monkeypatch):
    explainer = kx.Explainer(models.pooled())
    question = explainer.ask(cases.photos(2), 1)
    cautions = {"gradcam": "On this model Grad-CAM points anywhere."}
    inspection = question.model.inspection
    object.__setattr__(inspection, "cautions", cautions)
    e = AnswerBuilder(question).add_all(question.stream()).explanation(0)
    assert [row[0][-1] for row in e.notes] == [cautions["gradcam"]] * 2
    assert evidence_of(e.notes_of(0, 0)[-1:]) == "some"


def test_notes_are_kept_by_npz_and_older_files_have_none(tmp_path):
    e = noted([[0, 0]], n=2)
    e.save(tmp_path / "e.npz")
    assert Explanation.load(tmp_path / "e.npz").notes == e.notes
    replace(e, notes=()).save(tmp_path / "plain.npz")
    with np.load(tmp_path / "plain.npz") as data:
        arrays = {name: data[name] for name in data.files}
    arrays["meta"] = np.array(str(arrays["meta"]).replace(', "notes": []', ""))
    assert "notes" not in str(arrays["meta"])
    np.savez(tmp_path / "older.npz", **arrays)
    assert Explanation.load(tmp_path / "older.npz").notes == ()


def test_pictures_pages_and_captions_tell_of_it(tmp_path):
    x = np.random.default_rng(0).integers(40, 180, (1, 64, 64, 3), np.uint8)
    e = replace(noted([[0, 0]]), images=x, target_names=(("<b>",),))
    assert e.caption(0, 0).endswith("% (flat)")
    assert e.plot().axes[0].get_title() == e.caption(0, 0)
    e.save(tmp_path / "e.html")
    assert "Flat: the map is 0 everywhere, no evidence for &#x27;class 1&#x27;. Try" in (tmp_path / "e.html").read_text(
        encoding="utf-8"
    )
    e.save(tmp_path / "e.png")
    kept = np.asarray(Image.open(tmp_path / "e.png"))
    # The picture itself, without a veil; then a band with a word in white.
    assert_array_equal(kept[:50], x[0, :50])
    assert (kept[54:] > 200).any()
    assert (kept[54:] < 20).any()
    assert_array_equal(e.overlay()[0, 0], replace(e, notes=()).pictures()[0, 0])


def test_what_speaks_against_is_pictured_where_signs_are():
    x = np.random.default_rng(0).integers(40, 180, (1, 64, 64, 3), np.uint8)
    e = replace(noted([[-1, -2]]), images=x)
    assert_array_equal(e.pictures(sign="positive")[0, 0, :50], x[0, :50])
    assert_array_equal(e.pictures(sign="signed"), e.overlay(sign="signed"))
