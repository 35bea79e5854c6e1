"""What works where TensorFlow and Keras are not installed, and what says in a sentence that it needs them.

Looks at the folder `KX_MADE` that make.py has filled where they are; test_blocked.py and `make matrix` run this.
"""

import importlib
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk.store_evaluation import StoreEvaluation
from kx_widget.cli import main
from kx_widget.cli.tables import evaluation_remarks, evaluation_table
from kx_widget.engine.comparison import Contender
from kx_widget.widget.evaluation_page import write_evaluation_page
from tests.no_tensorflow.make import IMAGES
from tests.widget.saved import read_page

MADE = Path(os.environ["KX_MADE"])
SENTENCE = r"^This needs TensorFlow, which is not installed: pip install 'tensorflow[^\n]*\.$"


OF_KERAS = "ExplainCallback"


@pytest.fixture
def store(tmp_path):
    """A copy, since a search for shortcuts writes into it."""
    return kx.Store(shutil.copytree(MADE / "maps.parquet", tmp_path / "maps.parquet"))


@pytest.fixture
def explanation():
    """The same answers from a file."""
    return kx.Explanation.load(MADE / "maps.npz")


@pytest.fixture
def kx_command(monkeypatch, capsys):
    """Run `kx …`: exit code or sentence, and what was printed."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kx", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().out

    return run


@pytest.mark.parametrize("name", ["tensorflow", "keras"])
def test_what_is_tested_is_an_environment_without(name):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


def test_every_public_name_is_there_but_that_of_a_callback_of_keras():
    assert [name for name in kx.__all__ if name != OF_KERAS and getattr(kx, name) is None] == []
    with pytest.raises(kx.MissingPackageError, match="needs TensorFlow"):
        getattr(kx, OF_KERAS)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: kx.KxWidget("model", []),
        lambda: kx.Explainer("model"),
        lambda: kx.explain("model", []),
        lambda: kx.KxWidget.from_store(MADE / "maps.parquet", "model"),
        lambda: kx.dfine_boxes(None, (8, 8))({"logits": np.zeros(1), "pred_boxes": np.zeros(4)}),
        lambda: kx.retinanet_boxes(type("Net", (), {"anchor_generator": print})(), (8, 8)),
        lambda: kx.detection(lambda _: np.zeros((2, 1, 4)), (0, 0, 1, 1), np.ones(3)).fn(None),
        lambda: kx.samples.load(),
        lambda: kx.samples.load_shortcut(),
        lambda: kx.samples.load_thermal(),
        lambda: importlib.import_module("kx_widget.compat.keras_explainable"),
    ],
    ids=range(11),
)
def test_what_needs_a_model_says_what_is_missing(ask):
    with pytest.raises(kx.KxError, match=SENTENCE) as raised:
        ask()
    assert isinstance(raised.value, kx.MissingPackageError)


def test_public_names_that_need_none_of_it_work():
    assert kx.region(pixel=(1, 2)).kind == "pixel"
    assert kx.contrast("cat", "dog") == kx.contrast("cat", "dog")
    assert kx.Target(lambda y: y, "mine").name == "mine"
    assert kx.similar_to(np.eye(2), names=["a", "b"]).names == ("a", "b")
    assert kx.METHODS["gradcam"].title == "Grad-CAM"
    assert kx.METRICS["srg"].title
    images, masks = kx.samples.scenes(2, 0)[:2]
    assert len(images) == len(masks) == 2


def test_a_store_is_read(store, explanation):
    rows = store.select()
    maps = np.stack(store.maps(rows)).reshape(explanation.maps.shape)
    assert_allclose(maps, explanation.maps, rtol=1e-4, atol=1e-6)
    assert len(store.nearest([0], k=2).indices[0]) == 2


def test_a_widget_of_a_store_shows_what_is_stored(store, explanation, tmp_path):
    with kx.KxWidget.from_store(store, sort="id") as widget:
        for number in (0, IMAGES - 1):
            widget.selected = [number]
            widget.refresh()
            result = widget.wait()
            assert_allclose(result.maps[0, 0], explanation.maps[number, 0], rtol=1e-4, atol=1e-6)
        assert result.versions == explanation.versions
        widget.save(tmp_path / "one.npz")
        widget.save(tmp_path / "one.png")
        with pytest.raises(kx.KxError, match="no model beside the store"):
            widget.explainer  # noqa: B018
    assert_array_equal(kx.Explanation.load(tmp_path / "one.npz").maps, result.maps)
    with Image.open(tmp_path / "one.png") as picture:
        assert min(picture.size) > 100


def test_what_was_saved_is_opened_and_saved_again(explanation, tmp_path):
    assert explanation.heatmaps().max() == 1
    assert explanation.overlay().shape[:2] == explanation.maps.shape[:2]
    explanation.save(tmp_path / "maps.html")
    assert "data:image/" in (tmp_path / "maps.html").read_text("utf-8")
    assert kx.Evaluation.load(MADE / "evaluation.npz").verdict(0, 0)


def test_kx_show_writes_a_page_of_a_store(kx_command, store, tmp_path):
    page = tmp_path / "page.html"
    assert kx_command("show", store.path, "--out", page) == (0, f"10 of 10 maps in {page}.\n")
    _, _, (maps,) = read_page(page)
    assert len(maps) == 2 * IMAGES


def test_kx_shortcuts_looks_in_a_store_without_testing(kx_command, store, tmp_path):
    code, out = kx_command("shortcuts", store.path, "--out", tmp_path / "page.html")
    assert (code, (tmp_path / "page.html").is_file()) == (0, True)
    assert out.strip()


def test_a_page_of_what_was_measured_is_written(store, tmp_path):
    measured = StoreEvaluation(
        path=MADE / "maps.evaluation",
        metrics=kx.Evaluation.load(MADE / "evaluation.npz").metrics,
        table=pq.read_table(MADE / "maps.evaluation" / "part-000000.parquet"),
        targets=2,
        contender=Contender("gradcam", store.job["layer"]),
        wanted=IMAGES,
        settings={"cover": "blur", "steps": 10, "controls": 8, "batch_size": None, "seed": 0},
    )
    page, table = tmp_path / "page.html", evaluation_table(measured)
    assert write_evaluation_page(measured, store, page, table, evaluation_remarks(measured, store)) == 2 * IMAGES
    assert "SRG" in page.read_text("utf-8")


@pytest.mark.parametrize("arguments", [("methods",), ("methods", "--json"), ("--version",), ("--help",)])
def test_commands_that_ask_no_model_answer(kx_command, arguments):
    code, out = kx_command(*arguments)
    assert (code, bool(out)) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", MADE / "model.keras"),
        ("explain", MADE / "model.keras", MADE / "photos", "--out", "maps.parquet"),
        ("evaluate", MADE / "maps.parquet", MADE / "model.keras"),
        ("compare", MADE / "model.keras", MADE / "photos"),
        ("shortcuts", MADE / "maps.parquet", MADE / "model.keras", "--out", "page.html"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_ask_a_model_say_what_is_missing(kx_command, arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sentence, out = kx_command(*arguments)
    assert sentence.startswith("kx: This needs TensorFlow, which is not installed: pip install 'tensorflow")
    assert (out, [*tmp_path.iterdir()]) == ("", [])
