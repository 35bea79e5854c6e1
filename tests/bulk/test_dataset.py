"""Explanations of a source equal those of the same images at once."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.bulk.loader import FixedRange
from tests import models
from tests.cases import photos

ROOT = Path(__file__).parents[2]
QUESTION = {"targets": ["top", 1], "method": "layercam", "layer": "inside"}


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.residual())


def assert_same(found, explainer, images, size, **question):
    """Batch by batch the bits that `explain` has, whatever else was asked before."""
    found = list(found)
    expected = explainer.explain(images, batch_size=size, **{**QUESTION, **question})
    for name in ("maps", "scores", "probabilities", "targets", "images"):
        assert_array_equal(np.concatenate([getattr(e, name) for e in found]), getattr(expected, name), err_msg=name)
    assert sum((e.target_names for e in found), ()) == expected.target_names
    assert all((e.method, e.layer, e.params) == (expected.method, expected.layer, expected.params) for e in found)


def good(folder):
    return [p for p in sorted(folder.rglob("*.*")) if "-" not in p.name]


@pytest.mark.parametrize("size", [1, 4, 32])
def test_files_and_the_broken_ones_are_told(explainer, folder, size):
    run = explainer.explain_dataset(folder, batch_size=size, **QUESTION)
    with pytest.warns(RuntimeWarning, match=r"(?s)2 images were skipped:.*02-truncated.*03-text") as warned:
        found = list(run)
    assert warned[0].filename == __file__
    assert_same(found, explainer, good(folder), size)
    assert [n for e in found for n in e.names] == [str(p) for p in good(folder)]
    assert [Path(name).name for name, _ in run.skipped] == ["02-truncated.jpg", "03-text.png"]
    assert all("cannot be read" in reason for _, reason in run.skipped)
    assert run.done == 19


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_fits(folder, fit):
    x = kx.Explainer(models.residual(), fit=fit, preprocess=lambda batch: batch / 127.5 - 1)
    assert_same(x.explain_dataset([str(folder / "*s" / "??.png")], batch_size=4, **QUESTION), x, good(folder), 4)


def test_methods_that_draw_random_numbers(explainer, folder):
    question = {"method": "gradients", "layer": None, "smooth": {"repetitions": 3}}
    run = explainer.explain_dataset(good(folder), batch_size=4, **{**QUESTION, **question})
    assert_same(run, explainer, good(folder), 4, **question)


def test_on_error_raise_names_the_file(explainer, folder):
    with pytest.raises(kx.ImageError, match=r"02-truncated.jpg: cannot be read"):
        list(explainer.explain_dataset(folder, on_error="raise"))


class Numbers(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__(workers=2, use_multiprocessing=False)
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.x) // 5)

    def __getitem__(self, i):
        return self.x[5 * i : 5 * i + 5], self.y[5 * i : 5 * i + 5]


def batches(x, y):
    for i in range(0, len(x), 5):
        yield {"image": x[i : i + 5], "label": y[i : i + 5]}


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)).batch(5),
        lambda x, y: tf.data.Dataset.from_tensor_slices({"image": x, "label": y}).batch(5),
        Numbers,
        batches,
        lambda x, y: [(x[i : i + 5], y[i : i + 5]) for i in range(0, len(x), 5)],
        lambda x, y: (list(x[i : i + 5]) for i in range(0, len(x), 5)),
    ],
    ids=["tf.data", "tf.data of dicts", "PyDataset", "generator", "pairs", "lists"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_batches_of_the_source_stay_batches(explainer, make, dtype):
    x = photos(13)
    x = x if dtype == np.float32 else np.uint8((x + 1) * 127)
    run = explainer.explain_dataset(make(x, np.arange(13)), **QUESTION)
    found = list(run)
    assert [len(e.maps) for e in found] == [5, 5, 3]
    assert_same(found, explainer, x, 5)
    again = explainer.explain_dataset(make(x, np.arange(13)), batch_size=4, **QUESTION)
    assert_same(again, explainer, x, 4)


def test_single_images_go_together_and_a_batch_of_one_stays_one(explainer):
    x = photos(40)
    for source in (x, (image for image in x), ((image, 1) for image in x)):
        assert [len(e.maps) for e in explainer.explain_dataset(source, **QUESTION)] == [32, 8]
    assert [len(e.maps) for e in explainer.explain_dataset((x[i : i + 1] for i in range(3)), **QUESTION)] == [1, 1, 1]


def test_single_images(explainer):
    x = photos(7)
    for source in (tf.data.Dataset.from_tensor_slices(x), x, list(x), (image for image in x)):
        assert_same(explainer.explain_dataset(source, batch_size=3, **QUESTION), explainer, x, 3)


def test_a_dark_batch_is_taken_to_be_in_the_range_of_the_first():
    """By itself a black batch of 0..255 looks like one of 0..1."""
    x = kx.Explainer(models.residual(), preprocess=lambda batch: batch / 255)
    bright = np.float32(photos(2) * 127 + 128)
    dark = np.full_like(bright, 1)
    (_, second) = x.explain_dataset([bright, dark], method="gradients")
    assert second.images.max() == 1
    with pytest.raises(kx.ImageError, match=r"are in 0..1, and later ones in 0..255"):
        list(x.explain_dataset([dark, bright], method="gradients"))


def test_to_ask_for_the_depth_of_no_images_writes_none(monkeypatch):
    """Threads that decode ask so while another thread learns it."""
    ranges, written = FixedRange(), []
    monkeypatch.setattr(FixedRange, "__setattr__", lambda _, name, value: written.append(name), raising=False)
    assert ranges.depth_of([]) == 0
    assert not written


def test_images_without_scores_are_skipped_or_raise():
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(2, 3, kernel_initializer="ones")(image)
    x = layers.Dense(2, kernel_initializer="ones")(layers.GlobalAveragePooling2D()(x))
    explainer = kx.Explainer(keras.Model(image, keras.ops.sqrt(x)), preprocess=None)
    images = [np.full((12, 12, 3), v, np.float32) for v in (0.5, -0.5, 1.0, -1.0, -0.7, 0.2)]
    run = explainer.explain_dataset(iter(images), 0, batch_size=2)
    with pytest.warns(RuntimeWarning, match="3 images were skipped"):
        found = list(run)
    assert [e.names for e in found] == [("0",), ("2",), ("5",)]
    assert run.skipped == [(name, "the model's scores are NaN or infinite") for name in "134"]
    for one, i in zip(found, (0, 2, 5), strict=True):
        assert_allclose(one.maps, explainer.explain(images[i], 0).maps, rtol=1e-6)
    with pytest.raises(kx.ModelError, match="NaN or infinite for 1"):
        list(explainer.explain_dataset(iter(images), 0, batch_size=2, on_error="raise"))


def test_a_model_of_any_size_takes_that_of_the_first_image(folder):
    x = image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="late")(x))
    explainer = kx.Explainer(keras.Model(image, layers.Dense(3)(x)))
    run = explainer.explain_dataset(good(folder), "top", batch_size=4, method="gradients")
    assert_same(run, explainer, good(folder), 4, targets="top", method="gradients", layer=None)


def test_questions_and_sources_are_checked_at_once(explainer, tmp_path):
    with pytest.raises(kx.UnknownMethodError, match="Did you mean 'gradcam'"):
        explainer.explain_dataset([photos(1)], method="gradcan")
    with pytest.raises(kx.UnknownTargetError, match="fixed number"):
        explainer.explain_dataset([photos(1)], np.zeros((3, 1), int))
    with pytest.raises(kx.ParameterError, match="on_error='ignore'"):
        explainer.explain_dataset([photos(1)], on_error="ignore")
    with pytest.raises(kx.ImageError, match="holds no images"):
        explainer.explain_dataset(tmp_path)
    with pytest.raises(kx.ImageError, match=r"No file matches '.*none.\*'"):
        explainer.explain_dataset(tmp_path / "none.*")
    with pytest.raises(kx.ImageError, match="int is not a source of images"):
        explainer.explain_dataset(3)
    with pytest.raises(kx.ImageError, match="must have the key \"image\"; this one has 'pixels'"):
        next(explainer.explain_dataset([{"pixels": photos(1)}]))


def test_an_error_of_the_source_comes_out(explainer):
    def source():
        yield photos(2)
        raise RuntimeError("the disk is gone")

    run = explainer.explain_dataset(source())
    with pytest.raises(RuntimeError, match="the disk is gone"):
        list(run)


def test_no_more_is_read_than_is_needed_soon_and_closing_ends_all_threads(explainer):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield photos(4)

    before = set(threading.enumerate())
    run = explainer.explain_dataset(endless(), method="gradients")
    for _ in range(10):
        next(run)
    assert taken < 10 + 40
    run.close()
    assert not [thread for thread in threading.enumerate() if thread not in before and thread.name != "tqdm_monitor"]
    assert next(run, None) is None
    assert explainer.explain(photos(1)).maps.shape[0] == 1


def test_progress_counts_images(explainer, capsys):
    list(explainer.explain_dataset([photos(3), photos(2)], progress=True))
    assert "5image [" in capsys.readouterr().err


@pytest.mark.parametrize(("many", "frozen"), [(1000, ["0", "0"]), (4, ["1", "2"])])
def test_mirrored_strategy_over_two_devices_equals_none(folder, many, frozen):
    """Each device explains with its own copy of the weights: 2 explainers, 2 copies, the same bits."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-m", "tests.bulk.strategy"]
    runs = [
        subprocess.Popen(
            [*command, str(devices), str(many), str(folder)],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for devices in (1, 2)
    ]
    one, two = (run.communicate()[0].split() for run in runs)
    assert (one[:2], two[:2]) == (["1", "1"], ["2", "2"])
    assert [one[2], two[2]] == frozen
    assert one[3] == two[3]
