"""What is stored is what was explained, whatever happens on the way."""

import builtins
import json
import multiprocessing
import random
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk import pipeline
from kx_widget.bulk.parts import part_name
from kx_widget.engine.errors import FormatError
from tests import models
from tests.bulk import killed
from tests.cases import photos

TARGETS = ["top", 1, kx.contrast(0, 2)]
# Twenty-one files in parts of four, two of them broken.
PARTS = 6


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.residual())


def table(path):
    return ds.dataset(sorted(Path(path).glob("part-*.parquet"))).to_table()


def store(explainer, folder, path, **question):
    return explainer.explain_to(path, folder, TARGETS, **{"part_images": 4, **question})


def test_one_row_an_image_and_target(explainer, folder, tmp_path):
    kept = store(explainer, folder, tmp_path / "maps.parquet")
    good = [p for p in sorted(folder.rglob("*.*")) if "-" not in p.name]
    expected = explainer.explain(good, TARGETS)
    numbers = kept.select()
    assert len(numbers) == len(good) * 3
    assert_allclose(np.stack(kept.maps(numbers)).reshape(expected.maps.shape), expected.maps, rtol=1e-5, atol=1e-7)
    found = kept.rows(numbers)
    assert [r["id"] for r in found] == [str(p) for p in good for _ in TARGETS]
    assert [r["target"] for r in found] == expected.targets.ravel().tolist()
    assert [r["target_name"] for r in found] == [n for names in expected.target_names for n in names]
    assert_allclose([r["score"] for r in found], expected.scores.ravel(), rtol=1e-5)
    assert_allclose(np.float32([r["probability"] for r in found]), expected.probabilities.ravel(), rtol=1e-5)
    assert [r["predicted"] for r in found[::3]] == expected.targets[:, 0].tolist()
    assert {(r["method"], r["layer"], r["params"]) for r in found} == {("gradcam", "after_add", "{}")}
    assert json.loads(found[0]["versions"]) == expected.versions
    assert [Path(name).name for name, _ in kept.skipped] == ["02-truncated.jpg", "03-text.png"]
    assert kept.complete
    assert len(table(kept.path)) == len(kept) == len(good) * 3 + 2


def test_maps_are_those_of_explain_dataset_bit_for_bit(explainer, tmp_path):
    """Also with parts in which the source's batches do not fit."""
    x = photos(10)
    kept = explainer.explain_to(tmp_path / "s", [x[:4], x[4:]], [2], part_images=100)
    expected = np.concatenate([e.maps for e in explainer.explain_dataset([x[:4], x[4:]], [2])])
    assert_array_equal(np.stack(kept.maps(range(10)))[:, None], expected)
    parts = explainer.explain_to(tmp_path / "p", [x[:4], x[4:]], [2], part_images=3)
    assert [len(pq.read_table(p)) for p in sorted((tmp_path / "p").glob("part-*"))] == [3, 3, 3, 1]
    assert_allclose(np.stack(parts.maps(range(10)))[:, None], expected, rtol=1e-5, atol=1e-7)


def test_the_true_class_of_each_image_is_that_of_its_folder(folder, tmp_path):
    model = models.residual()
    good = [p for p in sorted(folder.rglob("*.*")) if "-" not in p.name]
    best = kx.Explainer(model).predict(good)[0].argmax(1)
    names = ["x", "y", "z", "dogs"]
    names[best[0] if best[0] < 3 else 0] = "cats"  # so that some images are right
    x = kx.Explainer(model, class_names=names)
    targets = ["top", "true", kx.contrast("top", "true")]
    kept = x.explain_to(tmp_path / "s", folder, targets, labels="folder", part_images=4)
    found = kept.rows(kept.select())
    assert [row["id"] for row in found[::3]] == [*map(str, good)]
    expected = x.explain(good, targets, labels=[path.parent.name for path in good])
    assert_allclose(np.stack(kept.maps(kept.select())), np.concatenate(expected.maps), rtol=1e-5, atol=1e-7)
    assert [row["target_name"] for row in found] == [name for names in expected.target_names for name in names]
    notes = [expected.notes_of(image, column) for image, column in np.ndindex(len(good), 3)]
    assert [tuple(row["notes"] or ()) for row in found] == notes
    assert any(note[0].startswith("Same class") for note in notes if note)
    assert kept.job["targets"] == ["top", "true", "top − true"]
    each = list(x.explain_dataset([*map(str, good)], targets, labels="folder", batch_size=4))
    assert_allclose(np.concatenate([e.maps for e in each]), expected.maps, rtol=1e-5, atol=1e-7)
    with kx.KxWidget.from_store(kept) as w:
        assert w.target == "top"
        w.target = "true"
        assert w.wait(600).target_names == (expected.target_names[0][1:2],)


def test_folders_without_a_class_are_said_and_an_underscore_is_a_space(folder, tmp_path):
    (folder / "cats").rename(folder / "big_cats")
    x = kx.Explainer(models.residual(), class_names=["Big cats", "wolves", "y", "z"])
    with pytest.warns(RuntimeWarning, match="^11 of 21 images have no label, .*: 'dogs'. The classes are 'Big cats', "):
        labels = x.explain_to(tmp_path / "s", folder, labels="folder").columns(["id", "label"])
    assert {(Path(row["id"]).parent.name, row["label"]) for row in labels.to_pylist()} == {
        ("big_cats", 0),
        ("dogs", None),
    }


def test_without_labels_there_are_no_true_classes(explainer, folder, tmp_path):
    for explain in (explainer.explain_dataset, partial(explainer.explain_to, tmp_path / "s")):
        with pytest.raises(kx.UnknownTargetError, match=r'none of these files has one.*labels="folder"'):
            explain(folder, "true")
        with pytest.raises(kx.UnknownTargetError, match="no single class is named like the folder 'cats', 'dogs'"):
            explain(folder, labels="folder")
    assert not (tmp_path / "s").exists()
    with pytest.raises(kx.UnknownTargetError, match="the first 2 images of the source have none"):
        next(explainer.explain_dataset([photos(2), photos(2)], "true"))


def test_the_labels_of_a_stream_are_what_its_images_are_explained_by(explainer):
    x, labels = photos(4), np.array([3, 1, 0, 2])
    found = [*explainer.explain_dataset([(x[:2], labels[:2]), (x[2:], None)], ["true", 0])]
    assert_array_equal(found[0].maps, explainer.explain(x[:2], np.array([[3, 0], [1, 0]])).maps)
    assert found[1].target_names[0] == ("true", "class 0")
    assert np.isnan(found[1].maps[:, 0]).all()
    assert np.isfinite(found[1].maps[:, 1]).all()


def test_labels(explainer, folder, tmp_path):
    x = kx.Explainer(explainer.model, class_names=["cats", "x", "dogs", "y"])
    labels = x.explain_to(tmp_path / "a", folder, labels="folder").columns(["id", "label"]).to_pylist()
    assert all(row["label"] == (0 if "/cats/" in row["id"] else 2) for row in labels)
    one_hot = np.eye(4, dtype=np.float32)[[3, 0, 1]]
    for name, given in (("b", np.int64([3, 0, 1])), ("c", one_hot), ("d", np.int64([[3], [0], [1]]))):
        assert x.explain_to(tmp_path / name, [(photos(3), given)]).column("label").to_pylist() == [3, 0, 1]
    assert x.explain_to(tmp_path / "e", [photos(3)]).column("label").null_count == 3


def test_checks_and_params(explainer, tmp_path):
    kept = explainer.explain_to(tmp_path / "s", [photos(2)], method="integrated_gradients", steps=8, layer=None)
    expected = explainer.explain(photos(2), method="integrated_gradients", steps=8)
    found = [kept.explanation(i) for i in range(2)]
    assert [e.checks["completeness_gap"].item() for e in found] == pytest.approx(
        expected.checks["completeness_gap"].ravel().tolist()
    )
    assert found[0].params == expected.params
    assert found[0].layer is None
    assert_array_equal(found[1].maps[0, 0], kept.maps([1])[0])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no server that forks")
def test_a_run_killed_twenty_times_ends_with_what_one_run_gives(tmp_path):
    rng = random.Random(0)
    noise = np.random.default_rng(0)
    for i in range(4 * killed.PARTS):
        path = tmp_path / "photos" / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (14, 12, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "17.png").write_text("broken", encoding="utf-8")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["keras", "kx_widget.bulk.job", "tests.models"])

    def start(path):
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=killed.run, args=(str(tmp_path / "photos"), str(path), theirs))
        process.start()
        theirs.close()
        assert ours.recv() == "begins"
        return process, ours

    process, ours = start(tmp_path / "whole")
    assert ours.recv() == "done"
    process.join()
    whole, kills, left, run = table(tmp_path / "whole"), 0, [], 0
    while kills < 20:
        path = tmp_path / f"run {run}"
        process, ours = start(path)
        # Before, while and after a part is written.
        wanted = len([*path.glob("part-*")]) + rng.randrange(3)
        while process.is_alive() and len([*path.glob("part-*")]) < wanted:
            process.join(0.002)
        process.join(rng.uniform(0, 0.1))
        process.kill()
        process.join()
        if process.exitcode == 0:
            assert table(path).equals(whole)
            run += 1
        else:
            kills += 1
            left.append(len([*path.glob("part-*")]))
    assert any(0 < parts < killed.PARTS for parts in left), left
    process, ours = start(path := tmp_path / f"run {run}")
    assert ours.recv() == "done"
    process.join()
    assert table(path).equals(whole)
    assert not [p for p in path.iterdir() if p.name.startswith(".")]
    assert kx.Store(path).complete


@pytest.mark.parametrize("many", [1000, 8])
def test_only_what_is_missing_is_computed(explainer, folder, tmp_path, many, monkeypatch):
    monkeypatch.setattr(pipeline, "MANY", many)
    path = tmp_path / "s"
    store(explainer, folder, path)
    whole = table(path)
    (path / "_done.json").unlink()
    (path / part_name(2)).unlink()
    before = explainer.counts["trunk"]
    store(explainer, folder, path)
    assert explainer.counts["trunk"] == before + 1
    assert table(path).equals(whole)
    store(explainer, folder, path)
    assert explainer.counts["trunk"] == before + 1


def test_another_question_is_refused(explainer, folder, tmp_path):
    store(explainer, folder, tmp_path / "s")
    with pytest.raises(FormatError, match="method 'gradcam', now 'layercam'"):
        store(explainer, folder, tmp_path / "s", method="layercam")
    with pytest.raises(FormatError, match="another source"):
        store(explainer, folder / "cats", tmp_path / "s")
    keras.utils.set_random_seed(7)
    with pytest.raises(FormatError, match="another model"):
        store(kx.Explainer(models.residual()), folder, tmp_path / "s")
    with pytest.raises(FormatError, match="holds other files"):
        store(explainer, folder, folder)
    with pytest.raises(FormatError, match="is a file"):
        store(explainer, folder, folder / "cats" / "01.png")
    with pytest.raises(kx.ParameterError, match="dtype='int8'"):
        store(explainer, folder, tmp_path / "t", dtype="int8")
    for nothing in (tmp_path / "none", folder):
        with pytest.raises(FormatError, match="not a store"):
            kx.Store(nothing)


def test_without_pyarrow_a_sentence_says_what_to_install(explainer, monkeypatch, tmp_path):
    real = builtins.__import__
    for name in [n for n in __import__("sys").modules if n.startswith("kx_widget.bulk.")]:
        monkeypatch.delitem(__import__("sys").modules, name)
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *a: real("no such module" if name.startswith("pyarrow") else name, *a)
    )
    with pytest.raises(ImportError, match=r"needs pyarrow: pip install 'pyarrow>=15'\."):
        explainer.explain_to(tmp_path / "s", [photos(1)])
