"""A store tells which images are alike as the engine does, at no further pass."""

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk.embeddings import StoredEmbeddings, embedding_column
from kx_widget.engine.errors import FormatError, ParameterError
from tests import models
from tests.bulk.test_going_on import cut_off
from tests.engine.test_nearest import nothing_or_nan, passes

TARGETS = ["top", 1]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Nine pictures in folders of their classes, of which the fourth is broken and the last a copy of the second."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"{i}.png" for i in range(9)]
    for path in paths:
        colour, noise = rng.integers(0, 256, 3), rng.integers(0, 99, (12, 12, 3))
        Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8)).save(path)
    paths[3].write_bytes(b"no picture")
    paths[8].write_bytes(paths[1].read_bytes())
    return paths


@pytest.fixture(scope="module")
def store(explainer, files, tmp_path_factory):
    return explainer.explain_to(
        tmp_path_factory.mktemp("kept") / "s", files, TARGETS, embeddings=True, part_images=4, batch_size=3
    )


def good_of(files):
    return [path for i, path in enumerate(files) if i != 3]


def test_a_store_answers_as_the_engine_does(explainer, files, store):
    good = good_of(files)
    expected = explainer.nearest(good, k=4)
    first_rows = store.select(pc.field("column") == 0)
    assert len(first_rows) == 8
    nearest = store.nearest(first_rows, k=4)
    assert nearest.layer == expected.layer == store.job["embeddings"]["layer"]
    assert_array_equal(nearest.indices, first_rows[expected.indices])
    assert_allclose(nearest.similarities, expected.similarities, atol=2e-3)
    assert nearest.notes == ("",) * 8
    rows = store.rows(nearest.indices[1])
    assert rows[0]["id"] == str(files[8]), "the copy"
    assert_allclose(nearest.similarities[1, 0], 1, atol=1e-3)


def test_rows_names_and_vectors_ask_the_same(explainer, files, store):
    row = int(store.select()[3])
    number = store.rows([row])[0]["id"]
    expected = store.nearest(row, k=5)
    for query in ([row], number, [number], np.array([row])):
        assert_array_equal(store.nearest(query, k=5).indices, expected.indices)
    (vector,) = explainer.embed([number], expected.layer)
    with_itself = store.nearest(vector, k=6)
    assert_array_equal(with_itself.indices[:, 1:], expected.indices)
    assert_allclose(with_itself.similarities[0, 0], 1, atol=1e-3)
    assert_array_equal(explainer.nearest([number], among=store, k=6).indices, with_itself.indices)


def test_rows_to_look_among_are_chosen_without_reading_maps(store):
    among = store.select(pc.field("predicted") == store.rows([0])[0]["predicted"])
    nearest = store.nearest(0, k=99, among=among)
    firsts = {row - store.rows([row])[0]["column"] for row in among.tolist()} - {0}
    assert set(nearest.indices[0].tolist()) == firsts
    nobody = store.nearest(0, among=[0, 1])
    assert nobody.indices.shape == (1, 0)
    assert "no other image" in nobody.notes[0]


def test_it_takes_no_pass_and_changes_nothing_else(model, files, tmp_path):
    stores, counts = [], []
    for is_asked in (False, True):
        explainer = kx.Explainer(model)
        stores.append(explainer.explain_to(tmp_path / str(is_asked), files, TARGETS, embeddings=is_asked))
        counts.append(passes(explainer))
    assert counts[0] == counts[1]
    assert stores[0].names == stores[1].names
    assert stores[0].columns(stores[0].names).equals(stores[1].columns(stores[1].names))
    assert_array_equal(np.stack(stores[0].maps(range(4))), np.stack(stores[1].maps(range(4))))
    with pytest.raises(FormatError, match="--embeddings"):
        stores[0].nearest(0)
    with pytest.raises(FormatError, match="--embeddings"):
        explainer.nearest(files[:1], among=stores[0])
    for folder, is_asked in (("False", True), ("True", False)):
        with pytest.raises(FormatError, match="another question") as refused:
            explainer.explain_to(tmp_path / folder, files, TARGETS, embeddings=is_asked)
        assert str(refused.value).count("--embeddings") == 1


def test_a_run_that_was_cut_off_ends_with_the_same(explainer, files, tmp_path):
    asked = {"part_images": 2, "embeddings": True, "channel_relevance": True}
    whole = explainer.explain_to(tmp_path / "s", files, **asked).nearest(0)
    cut_off(tmp_path / "s")
    again = explainer.explain_to(tmp_path / "s", files, **asked).nearest(0)
    assert_array_equal(again.indices, whole.indices)
    assert_array_equal(again.similarities, whole.similarities)


def test_where_the_method_sees_the_input_it_is_the_recommended_layer(explainer, files, tmp_path):
    store = explainer.explain_to(tmp_path / "s", files, method="gradients", embeddings=True)
    assert store.embedding_layer() == explainer.inspection.recommended
    expected = explainer.nearest(good_of(files), k=2)
    assert_array_equal(store.nearest(store.select(), k=2).indices, store.select()[expected.indices])


def test_what_cannot_be_asked_is_told(explainer, files, store):
    skipped = len(store) - 2 * 5 - 1
    assert store.rows([skipped])[0]["error"]
    with pytest.raises(ParameterError, match="was skipped"):
        store.nearest(skipped)
    with pytest.raises(ParameterError, match=r"no image 'nobody\.png'"):
        store.nearest("nobody.png")
    with pytest.raises(ParameterError, match="There is no row 99"):
        store.nearest(99)
    with pytest.raises(ParameterError, match="has 5 numbers"):
        store.nearest(np.zeros(7))
    with pytest.raises(ParameterError, match="keeps what images are at 'late'"):
        explainer.nearest(files[:1], among=store, layer="early")
    keras.utils.set_random_seed(2)
    with pytest.raises(ParameterError, match="other weights"):
        kx.Explainer(models.pooled()).nearest(files[:1], among=store)
    with pytest.raises(ParameterError, match="k=0"):
        store.nearest(0, k=0)


def test_activations_of_nothing_are_told_by_a_store(tmp_path):
    explainer = kx.Explainer(nothing_or_nan(), preprocess=None)
    grey = np.linspace(0.2, 0.8, 8 * 8 * 3).reshape(8, 8, 3)
    x = np.stack([grey, np.zeros((8, 8, 3)), np.ones((8, 8, 3)), grey**2]).astype(np.float32)
    store = explainer.explain_to(tmp_path / "s", x, layer="cut", method="gradcam", embeddings=True)
    nearest = store.nearest([0, 1, 2], k=3)
    assert nearest.indices[:, 0].tolist() == [3, -1, -1]
    assert "are all 0" in nearest.notes[1]
    assert "NaN or infinite" in nearest.notes[2]


@pytest.mark.parametrize(("room", "dtype"), [(2**29, np.float32), (1, np.float16)])
def test_embeddings_are_read_back_however_many_they_are(monkeypatch, room, dtype):
    monkeypatch.setattr("kx_widget.bulk.embeddings.WIDE_BYTES", room)
    vectors = np.random.default_rng(3).random((50, 16), np.float32)
    embeddings = StoredEmbeddings.read([embedding_column(vectors, 2)], 100, "conv", 16)
    assert embeddings.directions.dtype == dtype
    assert_array_equal(embeddings.rows, np.arange(0, 100, 2))
    nearest = embeddings.nearest(np.arange(50), 5)
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = directions @ directions.T
    assert_allclose(nearest.similarities, expected[np.arange(50)[:, None], nearest.indices // 2], atol=1e-3)
    np.fill_diagonal(expected, -1)
    assert_allclose(nearest.similarities, -np.sort(-expected, axis=1)[:, :5], atol=1e-3)
