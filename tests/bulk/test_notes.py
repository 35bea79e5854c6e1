"""What maps fail to say is kept beside them; older stores, which have no such column, read as having nothing to say."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import kx_widget as kx
from kx_widget.bulk.parts import DONE
from kx_widget.widget.store_page import MapChoice, write_page
from tests import models
from tests.cases import photos
from tests.engine.test_notes import dead
from tests.widget.saved import read_page

FLAT = "Flat: the map is 0 everywhere, no evidence for 'class 1'. Try Integrated gradients."


# What the first pixel of an image is.
WHICH = (-0.9, -0.3, 0.3, 0.9)


def speckled(probe, target):
    """The first image's map is flat, the second's negative, the third's has no number; a fourth is as it should be."""
    maps = np.float32([[[0, 0]], [[-1, -2]], [[np.nan, np.inf]], [[1, 2]]])
    yield kx.Partial(maps[np.searchsorted(WHICH, probe.x[:, 0, 0, 0] - 0.1)])


OWN = kx.Method("own", "Own", speckled, "My own", "input", True, "instant", "…", "…")


@pytest.fixture
def x():
    images = photos(4)
    images[:, 0, 0, 0] = WHICH
    return images


@pytest.fixture(params=["float32", "float16"])
def explained(request, x, tmp_path):
    """Explains into a store, or goes on with it."""
    explainer = kx.Explainer(models.pooled(), methods=[OWN], preprocess=None)
    about = {"method": "own", "dtype": request.param, "part_images": 2}
    return lambda: explainer.explain_to(tmp_path / "s", [x[:2], x[2:]], [1, 2], **about)


def without_notes(path):
    """As it was written before there were notes."""
    table = pq.read_table(path)
    pq.write_table(table.drop_columns("notes"), path)


def test_a_store_keeps_the_notes_of_explain(explained, x):
    store = explained()
    expected = kx.explain(models.pooled(), x, [1, 2], method="own", methods=[OWN], preprocess=None)
    assert len({notes for row in expected.notes for notes in row}) == 5 + 1
    assert store.notes(range(8)) == [notes for row in expected.notes for notes in row]
    assert store.notes([0]) == [(FLAT,)]
    assert store.explanation(3).notes == ((expected.notes[1][1],),)
    assert store.explanation(7).notes == ()
    assert store.headings() == {"Flat": 2, "Against": 2, "No numbers": 2}
    assert store.rows([0, 7], ["notes"]) == [{"notes": [FLAT]}, {"notes": None}]


def test_an_older_store_has_none_and_goes_on(explained, tmp_path):
    explained()
    first, second = sorted((tmp_path / "s").glob("part-*"))
    without_notes(first)
    second.unlink()
    (tmp_path / "s" / DONE).unlink()
    store = explained()
    assert store.notes(range(4)) == [()] * 4
    assert all(store.notes([4, 5]))
    assert store.explanation(0).notes == ()
    assert store.headings() == {"No numbers": 2}
    without_notes(second)
    assert kx.Store(tmp_path / "s").headings() == {}


def test_a_page_of_a_store_tells_of_them(folder, tmp_path):
    store = kx.Explainer(dead()).explain_to(tmp_path / "s", folder, 1)
    write_page(store, tmp_path / "page.html", MapChoice(limit=3))
    _, header, _ = read_page(tmp_path / "page.html")
    notes = [item["notes"][0] for item in header["answers"][0]["items"]]
    assert len(notes) == 3
    assert all(note.startswith("Flat: the map is 0 everywhere, no evidence for 'class 1'. Try") for note in notes)
