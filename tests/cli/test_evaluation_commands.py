"""`kx evaluate` and `kx compare` as people and pipelines call them."""

import io
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk import store_evaluation
from kx_widget.cli import tables
from kx_widget.engine.subjects import Subject
from tests import models
from tests.cases import photos
from tests.widget.saved import buffer_of, read_page

METRICS = "sparseness,random_logit,single_deletion,srg"


@pytest.fixture
def store(kx_command, model, folder, tmp_path):
    """Nineteen explained photos and two that were skipped; of two classes each."""
    path = tmp_path / "maps.parquet"
    assert kx_command("explain", model, folder, "--out", path, "--top", 2, "--quiet")[0] == 3
    return path


def rows_of(folder):
    return pa.concat_tables([pq.read_table(path) for path in sorted(Path(folder).glob("part-*.parquet"))])


def test_a_sample_is_measured_as_evaluate_does(kx_command, store, model, tmp_path):
    asked = ("evaluate", store, model, "--metrics", METRICS, "--sample", 6, "--seed", 3, "--quiet")
    code, out, _ = kx_command(*asked)
    assert code == 0
    assert "6 images of 19" in out
    assert "Not measured: whether the weights matter, whether it is stable." in out
    assert f"A row for each map is in {tmp_path / 'maps.evaluation'}." in out
    table, kept = rows_of(tmp_path / "maps.evaluation"), kx.Store(store)
    assert len(table) == 12
    ids = table.column("id").to_pylist()[::2]
    assert [row["id"] for row in kept.rows(table.column("row").to_pylist())][::2] == ids
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False))
    expected = explainer.evaluate(explainer.explain(ids, ["top", "top-2"]), METRICS.split(","), images=ids, seed=3)
    for name, scores in expected.scores.items():
        values = table.column(name).to_numpy().reshape(6, 2)
        assert_allclose(values, scores, rtol=1e-3, atol=1e-4, err_msg=name)
        told = json.loads(kx_command(*asked, "--json")[1])["metrics"][name]
        assert told["told"] == np.isfinite(scores).sum()
        of_images = np.array([row[np.isfinite(row)].mean() for row in values if np.isfinite(row).any()])
        assert (told["mean"] is None) == (not of_images.size)
        if of_images.size:
            assert told["mean"] == pytest.approx(of_images.mean(), abs=1e-5)
            assert told["low"] <= told["mean"] <= told["high"]
    notes = [note for notes in table.column("notes").to_pylist() for note in notes or ()]
    nothing = sum(np.isnan(scores).sum() for scores in expected.scores.values())
    assert len(notes) == nothing
    assert all(note in out for note in notes)


def test_what_was_measured_is_kept_as_evaluate_returns_it(store, model, tmp_path):
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False))
    kept = explainer.evaluate_store(store, METRICS.split(","), sample=5, seed=1)
    ev, ids = kept.evaluation(), kept.table.column("id").to_pylist()[::2]
    expected = explainer.evaluate(explainer.explain(ids, ["top", "top-2"]), METRICS.split(","), images=ids, seed=1)
    for mapping in ("scores", "curves", "control", "cells", "tops"):
        theirs, ours = getattr(expected, mapping), getattr(ev, mapping)
        assert ours.keys() == theirs.keys()
        for name, values in theirs.items():
            assert_allclose(ours[name], values, rtol=1e-3, atol=1e-4, err_msg=f"{mapping} {name}")
    assert_allclose(ev.fractions, expected.fractions)
    assert_allclose(ev.ends, expected.ends, rtol=1e-3, atol=1e-4)
    assert (ev.notes, ev.target_names, ev.subjects) == (expected.notes, expected.target_names, expected.subjects)
    for place in np.ndindex(ev.shape):
        assert (ev.state(*place), ev.headline(*place)) == (expected.state(*place), expected.headline(*place))
        for curve in ("deletion", "insertion"):
            assert_allclose(ev.smallest_share(curve, *place), expected.smallest_share(curve, *place), rtol=1e-6)
    # An earlier version kept numbers alone; what it measured is not measured again.
    (part,) = kept.path.glob("part-*.parquet")
    table = pq.read_table(part)
    pq.write_table(
        table.select([f.name for f in table.schema if not str(f.type).startswith("list<element: float")]), part
    )
    old = explainer.evaluate_store(store, METRICS.split(","), sample=5, seed=1).evaluation()
    assert (old.curves, old.cells, old.control, old.fractions.size, old.ends) == ({}, {}, {}, 0, None)
    assert_array_equal(old.scores["srg"], ev.scores["srg"])


def test_a_store_of_values_is_spoken_of_as_such(folder, tmp_path):
    net = models.pooled(None)
    net = keras.Model(net.input, keras.layers.Dense(2)(net.layers[-2].output))
    x = kx.Explainer(net, output_names={"age": "years", "height": "cm"})
    files = sorted(folder.rglob("*.png"))[:3]
    store = x.explain_to(tmp_path / "maps.parquet", files, ["age", "height"])
    kept = x.evaluate_store(tmp_path / "maps.parquet", ["sparseness", "deletion"])
    lines = tables.evaluation_lines(kept, store)
    assert (
        "Not measured: whether it is specific to the value, whether the weights matter, whether it is stable." in lines
    )
    assert "specific to height" in kept.evaluation().verdict(0, 1)
    assert_allclose(kept.evaluation().ends[..., 1], x.explain(files, ["age", "height"]).scores, rtol=1e-3, atol=1e-4)
    compared = x.compare(files, "age", methods=["gradcam"], metrics=["sparseness"])
    assert compared.subject == Subject("value", "age", "years")


def test_a_run_that_was_cut_off_goes_on(kx_command, store, model, tmp_path, monkeypatch):
    monkeypatch.setattr(store_evaluation, "PART_IMAGES", 4)
    asked = ("evaluate", store, model, "--metrics", "sparseness,single_deletion", "--sample", 0, "--quiet")
    assert kx_command(*asked, "--out", tmp_path / "whole")[0] == 0
    measured = store_evaluation.EvaluationRun._measured
    parts = []

    def stop(self, rows):
        if len(parts) == 2:
            raise KeyboardInterrupt
        parts.append(rows)
        return measured(self, rows)

    monkeypatch.setattr(store_evaluation.EvaluationRun, "_measured", stop)
    parts += [0, 0]
    code, out, err = kx_command(*asked, "--out", tmp_path / "nothing")
    assert (code, out, err) == (130, "", "Stopped before anything was measured.\n")
    parts.clear()
    code, out, err = kx_command(*asked, "--out", tmp_path / "cut")
    assert (code, len(parts)) == (130, 2)
    assert "8 images of 19" in out
    assert "Stopped at 8 of 19 images: the same command goes on." in err
    monkeypatch.setattr(store_evaluation.EvaluationRun, "_measured", measured)
    assert kx_command(*asked, "--out", tmp_path / "cut")[0] == 0
    whole, cut = rows_of(tmp_path / "whole"), rows_of(tmp_path / "cut")
    assert cut.column("id").to_pylist() == whole.column("id").to_pylist()
    for name in ("sparseness", "single_deletion"):
        assert_array_equal(cut.column(name).to_numpy(), whole.column(name).to_numpy())
    # Asked again, nothing is measured.
    monkeypatch.setattr(store_evaluation.EvaluationRun, "_measured", None)
    assert kx_command(*asked, "--out", tmp_path / "cut")[1].count("19 images of 19") == 1


def test_another_question_goes_beside_and_never_over_it(kx_command, store, model, tmp_path):
    asked = ("evaluate", store, model, "--sample", 2, "--quiet", "--json", "--metrics")
    names = [json.loads(kx_command(*asked, metric)[1])["path"] for metric in ("sparseness", "effective_area") * 2]
    folders = [str(tmp_path / name) for name in ("maps.evaluation", "maps.evaluation-2")]
    assert names == folders * 2
    code, _, err = kx_command(*asked, "completeness", "--out", folders[0])
    assert (code, "holds answers to another question (metrics" in err) == (1, True)


@pytest.mark.parametrize(
    ("bound", "code", "said"),
    [
        (("--fail-below", "sparseness=0.01"), 0, ""),
        (("--fail-below", "sparseness=0.99"), 4, "0.99 at least is asked"),
        (("--fail-above", "effective_area=0.001"), 4, "0.001 at most is asked"),
        (("--fail-below", "pointing_game=0"), 4, "failed: pointing_game cannot be told"),
        (("--fail-below", "effective_area=1"), 1, "of effective_area less is better, so that --fail-above is meant"),
        (("--fail-below", "srg=1"), 1, "'srg' is not measured. Measured: sparseness, effective_area, pointing_game"),
        (("--fail-below", "sparseness"), 1, "must be METRIC=VALUE, sparseness=0.1 for instance"),
    ],
)
def test_a_gate_closes_where_a_mean_is_beyond_its_bound(kx_command, store, model, bound, code, said):
    metrics = "sparseness,effective_area,pointing_game"
    ended, _, err = kx_command("evaluate", store, model, "--sample", 3, "--quiet", "--metrics", metrics, *bound)
    assert ended == code
    assert said in err


def test_what_goes_wrong_is_told_and_nothing_lost(kx_command, store, model, folder, tmp_path):
    keras.utils.set_random_seed(7)
    models.residual().save(tmp_path / "other.keras")
    asked = ("--metrics", "sparseness", "--sample", 0, "--quiet")
    for arguments, said in (
        ((store, tmp_path / "other.keras"), "was made with another model, or with other weights"),
        ((store, tmp_path / "none.keras"), "There is no model"),
        ((tmp_path / "none", model), "is not a store of explanations"),
        ((store, model, "--metrics", "sparsness"), "Did you mean 'sparseness'"),
    ):
        code, _, err = kx_command("evaluate", arguments[0], arguments[1], *asked, *arguments[2:])
        assert (code, said in err) == (1, True), err
    assert not list(tmp_path.glob("*.evaluation*"))
    gone, other = (Path(row["id"]) for row in kx.Store(store).rows([0, 2], ["id"]))
    gone.unlink()
    code, out, err = kx_command("evaluate", store, model, *asked)
    assert (code, "18 images of 19" in out) == (3, True)
    assert f"skipped {gone}: there is no such file" in err
    shutil.rmtree(tmp_path / "maps.evaluation")
    photos(1)
    keras.utils.save_img(other, np.full((30, 30, 3), 255.0))
    code, _, err = kx_command("evaluate", store, model, *asked)
    assert (code, "The maps do not belong to these images" in err) == (1, True)


def test_images_of_a_stream_are_no_files(kx_command, model, tmp_path):
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False))
    explainer.explain_to(tmp_path / "s", [photos(3)])
    code, _, err = kx_command("evaluate", tmp_path / "s", model, "--metrics", "srg", "--quiet")
    assert (code, "since they came from a stream" in err) == (1, True)


def test_methods_are_compared_on_the_same_files(kx_command, model, folder, tmp_path):
    methods, out = "gradcam,hirescam,gradient_x_input,legrad", tmp_path / "table.json"
    asked = ("compare", model, folder, "--methods", methods, "--metrics", "random_logit,single_deletion", "--quiet")
    code, text, err = kx_command(*asked, "--sample", 0, "--out", out)
    assert code == 3
    assert "19 images, means with intervals of 95 % over images, best Single deletion first:" in text
    assert "LeGrad needs attention" in text
    assert "02-truncated.jpg" in err
    facts = json.loads(out.read_text(encoding="utf-8"))
    good = [path for path in sorted(folder.rglob("*.*")) if "-" not in path.name]
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False))
    expected = explainer.compare(good, methods=methods.split(","), metrics=["random_logit", "single_deletion"])
    assert [(row["method"], row["layer"]) for row in facts["methods"]] == [
        (contender.method, contender.layer) for contender in expected.contenders
    ]
    for name, means in expected.means.items():
        for row, mean in zip(facts["methods"], means, strict=True):
            value = row["metrics"][name]["mean"]
            assert (np.nan if value is None else value) == pytest.approx(float(mean[0]), abs=1e-4, nan_ok=True)
    again = [json.loads(kx_command(*asked, "--sample", 5, "--seed", 2, "--json")[1]) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0]["images"] <= 5


def test_a_comparison_that_is_stopped_tells_what_it_has(kx_command, model, folder, monkeypatch):
    compare, calls = kx.Explainer.compare, []

    def stop(self, *arguments, **keywords):
        calls.append(0)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compare(self, *arguments, **keywords)

    monkeypatch.setattr(kx.Explainer, "compare", stop)
    asked = ("compare", model, folder / "dogs", "--methods", "gradcam", "--metrics", "sparseness", "--sample", 0)
    code, out, err = kx_command(*asked, "--quiet")
    assert (code, "7 images, means" in out) == (130, True)
    assert "Stopped at 7 of 11 images." in err


def test_the_page_is_the_widget_with_what_was_measured(kx_command, store, model, tmp_path):
    page = tmp_path / "evidence.html"
    asked = ("evaluate", store, model, "--metrics", METRICS, "--sample", 4, "--quiet", "--html", page)
    code, out, err = kx_command(*asked)
    assert code == 0
    assert f"8 of 8 maps in {page}." in err
    explainer = kx.Explainer(keras.saving.load_model(model, compile=False))
    measured = explainer.evaluate_store(store, METRICS.split(","), sample=4)
    ids = measured.table.column("id").to_pylist()[::2]
    e = explainer.explain(ids, ["top", "top-2"])
    ev = explainer.evaluate(e, METRICS.split(","), images=ids)
    state, header, maps = read_page(page)
    assert [Path(each["name"]).name for each in state["_images"]] == [Path(each).name for each in ids]
    (answer,) = header["answers"]
    assert_allclose(maps[0], e.maps.reshape(8, *e.maps.shape[2:]), rtol=1e-4, atol=1e-6)
    records = {(each["image"], each["column"]): each for each in answer["evidence"]}
    assert records.keys() == set(np.ndindex(4, 2))
    for place, each in records.items():
        assert (each["state"], each["verdict"]) == (ev.state(*place), ev.verdict(*place))
        values = [np.nan if metric["value"] is None else metric["value"] for metric in each["metrics"]]
        assert_allclose(values, [scores[place] for scores in ev.scores.values()], rtol=1e-3, atol=1e-4)
        assert_allclose(each["curves"]["deletion"], ev.curves["deletion"][place], rtol=1e-3, atol=1e-4)
        assert_allclose(each["cells"]["losses"], ev.cells["losses"][place], rtol=1e-3, atol=1e-4)
    told = {column["name"]: column["values"] for column in header["welcome"]["columns"]}
    assert_allclose(np.float32(told["measured_srg"]), ev.scores["srg"][:, 0], rtol=1e-3, atol=1e-4)
    # Along the curves of the first image lies what was scored.
    buffer = buffer_of(page)
    picture, covering, levels = (
        np.asarray(Image.open(io.BytesIO(buffer[at : at + size]))) for at, size in answer["curves"][0]["parts"]
    )
    scored = explainer.scored_picture(e, 0, 0, step=3, images=ids)
    assert_array_equal(np.where((levels < 3)[..., None], covering, picture), scored.pixels)
    text = page.read_text("utf-8")
    (row,) = [line for line in out.splitlines() if line.startswith("SRG")]
    assert all(f"<td>{cell}</td>" in text for cell in row.split("  ") if cell.strip() == cell and cell)
    assert "Not measured: whether the weights matter, whether it is stable." in text
    assert str(tmp_path) not in text, "a page tells nothing of the machine"


def test_a_page_where_there_is_no_folder_is_refused_before_anything_is_measured(kx_command, store, model, tmp_path):
    code, _, err = kx_command("evaluate", store, model, "--html", tmp_path / "nowhere" / "page.html")
    assert code == 1
    assert "nowhere" in err
    assert not (tmp_path / "maps.evaluation").exists()
