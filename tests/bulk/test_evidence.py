"""Columns of evidence are what is true of the maps, whoever computes them and whatever happens on the way."""

import json

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.bulk.parts import JOB
from kx_widget.engine.errors import FormatError
from kx_widget.engine.evidence_columns import EVIDENCE, evidence_names
from tests import models
from tests.cases import photos

FREE = ["sparseness", "area50", "border_mass", "center_y", "center_x", "random_logit", "completeness"]
CELLS = ["single_deletion", "best_cell_drop"]
SIDE, BOX = 20, 5


def quarters():
    """A model whose class q is the mean brightness of quarter q of the picture, 4 × 4 cells of which are covered."""
    image = keras.Input((SIDE, SIDE, 3))
    scores = keras.layers.Dense(4, use_bias=False)(keras.layers.Flatten()(image))
    model = keras.Model(image, scores)
    weights = np.zeros((SIDE, SIDE, 3, 4), np.float32)
    half = SIDE // 2
    for quarter in range(4):
        y, x = divmod(quarter, 2)
        weights[y * half : (y + 1) * half, x * half : (x + 1) * half, :, quarter] = 1 / (half * half * 3)
    model.set_weights([weights.reshape(-1, 4)])
    return model


@pytest.fixture(scope="module")
def explainer():
    keras.utils.set_random_seed(0)
    return kx.Explainer(models.residual())


def told(store, names):
    return {name: store.columns([name]).take(store.select()).column(0).to_numpy() for name in names}


def test_form_is_what_numpy_says_of_the_maps(explainer):
    (e,) = explainer.explain_dataset([photos(6)], ["top", 1], evidence="free")
    positive = np.maximum(e.maps.astype(np.float64), 0)
    total = positive.sum((-2, -1))
    at = (np.arange(e.maps.shape[-1]) + 0.5) / e.maps.shape[-1]
    assert_allclose(e.evidence["center_y"], (positive.sum(-1) * at).sum(-1) / total, rtol=1e-5)
    assert_allclose(e.evidence["center_x"], (positive.sum(-2) * at).sum(-1) / total, rtol=1e-5)
    # Each value is cut into 10 × 10 pieces, so that tenths of the picture have whole ones.
    fine = positive.repeat(10, -1).repeat(10, -2)
    edge = e.maps.shape[-1]
    inside = fine[..., edge:-edge, edge:-edge].sum((-2, -1))
    assert_allclose(e.evidence["border_mass"], 1 - inside / (100 * total), rtol=1e-4)
    assert [*e.evidence] == FREE
    assert all(values.shape == (6, 2) and values.dtype == np.float32 for values in e.evidence.values())


def test_numbers_equal_those_of_evaluate(explainer):
    x = photos(7)
    each = list(explainer.explain_dataset([x[:3], x[3:]], ["top", 2], evidence="cells"))
    ids = {"area50": "effective_area"}
    metrics = {ids.get(name, name): {} for name in (*FREE, *CELLS) if ids.get(name, name) in kx.METRICS}
    metrics["random_logit"] = {"classes": 1, "drawn": 0}
    explanation = explainer.explain(x, ["top", 2])
    evaluation = explainer.evaluate(explanation, metrics, images=x, controls=0)
    for name in (*FREE, *CELLS):
        if (metric := ids.get(name, name)) in metrics:
            stored = np.concatenate([e.evidence[name] for e in each])
            assert_allclose(stored, evaluation.scores[metric], rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_best_cell_is_the_one_that_is_covered():
    """Of a linear model it is known on paper which cell of a map has most: the brightest in its quarter."""
    x = kx.Explainer(quarters(), preprocess=None)
    pictures = np.full((2, SIDE, SIDE, 3), 100, np.uint8)
    for number, picture in enumerate(pictures):
        for row, column in np.ndindex(4, 4):
            picture[row * BOX : (row + 1) * BOX, column * BOX : (column + 1) * BOX] += np.uint8(
                number + 4 * row + column
            )
    (e,) = x.explain_dataset([pictures], [0, 3], method="gradient_x_input", evidence="cells")
    ready = x.load(pictures).batch.astype(np.float64)
    mass = np.abs(e.maps[:, 0, : SIDE // 2, : SIDE // 2]).sum((1, 2)) / np.abs(e.maps[:, 0]).sum((1, 2))
    assert_allclose(mass, 1, rtol=1e-6)
    cells = ready[:, : SIDE // 2, : SIDE // 2].reshape(2, 2, BOX, 2, BOX, 3).sum((2, 4, 5)) / 300
    blurred, _ = x.what_if(pictures, _best_cells(cells), cover="blur")
    scores, _ = x.predict(pictures)
    drop = (scores[:, 0] - blurred[np.arange(2), np.arange(2), 0]) / np.abs(scores[:, 0])
    assert_allclose(e.evidence["best_cell_drop"][:, 0], drop, rtol=1e-3, atol=1e-6)


def _best_cells(cells):
    """Masks (2, H, W) of the cell that is brightest in the first quarter of each picture."""
    masks = np.zeros((2, SIDE, SIDE), bool)
    for mask, of_image in zip(masks, cells, strict=True):
        row, column = divmod(int(of_image.argmax()), 2)
        mask[row * BOX : (row + 1) * BOX, column * BOX : (column + 1) * BOX] = True
    return masks


def test_a_store_has_typed_columns_that_choose_and_sort(explainer, folder, tmp_path):
    kept = explainer.explain_to(tmp_path / "s", folder, ["top", 1], part_images=4, evidence="cells")
    assert [*kept.evidence] == [*FREE, *CELLS] == [*EVIDENCE]
    assert {str(kept.column(name).type) for name in kept.evidence} == {"float"}
    values = told(kept, FREE)
    chosen = kept.select(pc.field("area50") < float(np.median(values["area50"])), sort="border_mass", descending=True)
    expected = np.flatnonzero(values["area50"] < np.median(values["area50"]))
    expected = expected[np.argsort(-values["border_mass"][expected], kind="stable")]
    assert_array_equal(chosen, kept.select()[expected])
    one = kept.explanation(int(chosen[0]))
    assert one.evidence["border_mass"].item() == pytest.approx(float(values["border_mass"][expected[0]]))
    one.save(tmp_path / "one.npz")
    again = kx.Explanation.load(tmp_path / "one.npz")
    assert {name: v.tolist() for name, v in again.evidence.items() if not np.isnan(v).any()} == {
        name: v.tolist() for name, v in one.evidence.items() if not np.isnan(v).any()
    }
    assert kept.skipped
    assert kept.rows([len(kept) - 1])[0].keys() >= set(EVIDENCE)


def test_what_cannot_be_told_is_null(tmp_path):
    """Flat maps, a method whose maps of other classes take passes, and one that adds up to nothing."""
    keras.utils.set_random_seed(0)
    model = models.residual()
    kept = kx.Explainer(model).explain_to(tmp_path / "g", [photos(3)], method="gradient_x_input")
    values = told(kept, FREE)
    assert {name for name in FREE if np.isnan(values[name]).all()} == {"random_logit", "completeness"}
    model.layers[-1].set_weights([np.zeros_like(array) for array in model.layers[-1].get_weights()])
    flat = kx.Explainer(model).explain_to(tmp_path / "f", [photos(3)], evidence="cells")
    for name in EVIDENCE:
        assert flat.columns([name]).take(flat.select()).column(0).null_count == 3, name
    assert not len(flat.select(pc.field("sparseness") >= 0))
    assert len(flat.select(~(pc.field("sparseness") >= 0))) == 0


def test_none_is_as_before_and_another_evidence_is_refused(explainer, tmp_path):
    x = photos(6)
    plain = explainer.explain_to(tmp_path / "plain", [x], evidence=None)
    assert not plain.evidence
    assert not set(EVIDENCE) & set(plain.names)
    for evidence in ("free", "cells"):
        with pytest.raises(FormatError, match=f"evidence None, now '{evidence}'"):
            explainer.explain_to(tmp_path / "plain", [x], evidence=evidence)
    free = explainer.explain_to(tmp_path / "free", [x])
    assert [*free.evidence] == FREE == evidence_names("free")
    with pytest.raises(FormatError, match="evidence 'free', now None"):
        explainer.explain_to(tmp_path / "free", [x], evidence=None)
    assert_array_equal(np.stack(free.maps(range(6))), np.stack(plain.maps(range(6))))
    for ask in (explainer.explain_dataset, lambda *a, **k: explainer.explain_to(tmp_path / "n", *a, **k)):
        with pytest.raises(kx.ParameterError, match=r"evidence='all' is not known\. Pass 'free', 'cells' or None"):
            ask([x], evidence="all")


@pytest.mark.parametrize("ended", [True, False])
def test_a_store_of_the_version_before_goes_on_without(explainer, folder, tmp_path, ended):
    path = tmp_path / "s"
    explainer.explain_to(path, folder, part_images=4, evidence=None)
    job = json.loads((path / JOB).read_text(encoding="utf-8"))
    del job["evidence"]
    (path / JOB).write_text(json.dumps(job), encoding="utf-8")
    if not ended:
        (path / "part-000001.parquet").unlink()
        (path / "_done.json").unlink()
    kept = explainer.explain_to(path, folder, part_images=4)
    assert kept.complete
    assert not kept.evidence
    with pytest.raises(FormatError, match="evidence None, now 'cells'"):
        explainer.explain_to(path, folder, part_images=4, evidence="cells")


def test_a_run_that_was_cut_off_ends_with_the_same_evidence(explainer, folder, tmp_path):
    path = tmp_path / "s"
    whole = told(explainer.explain_to(path, folder, part_images=4, evidence="cells"), EVIDENCE)
    (path / "part-000002.parquet").unlink()
    (path / "_done.json").unlink()
    again = told(explainer.explain_to(path, folder, part_images=4, evidence="cells"), EVIDENCE)
    for name in EVIDENCE:
        assert_array_equal(again[name], whole[name], err_msg=name)
