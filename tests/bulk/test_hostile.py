"""What people do wrong with stores, and what happens to the files, is told in a sentence."""

import json
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.errors import FormatError
from kx_widget.widget.store_page import write_page
from tests import models
from tests.cases import photos


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.pooled())


@pytest.fixture(scope="module")
def two_rows(explainer, tmp_path_factory):
    return explainer.explain_to(tmp_path_factory.mktemp("store") / "s", [photos(2)])


def test_a_model_with_dropout_is_the_same_when_it_is_loaded_again(tmp_path):
    models.pointwise().save(tmp_path / "m.keras")
    first, second = (keras.saving.load_model(tmp_path / "m.keras", compile=False) for _ in range(2))
    (seed,), (other,) = ([v for v in m.variables if "seed" in v.path] for m in (first, second))
    other.assign(seed + 1)
    kept = kx.Explainer(first).explain_to(tmp_path / "s", [photos(2)])
    again = kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])
    assert_array_equal(again.maps([0, 1]), kept.maps([0, 1]))
    kx.KxWidget.from_store(kept, second).close()
    second.weights[0].assign_add(second.weights[0] * 0 + 1)
    with pytest.raises(kx.KxError, match="another model"):
        kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("phtos", "phtos: there is no such file or folder"),
        ("one.png", "one.png: there is no such file"),
        (["one.png", "two.png"], "one.png: there is no such file, nor any other"),
        (["here.png", "phtos"], "phtos: there is no such file or folder"),
        ("empty", "The folder 'empty' holds no images"),
        ([], "the list is empty"),
        (tf.data.Dataset.from_tensor_slices(photos(2)).take(0), "There was no image"),
        (iter(()), "There was no image"),
    ],
)
def test_no_image_is_told_and_does_not_bind_the_folder(explainer, tmp_path, monkeypatch, source, said):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Image.new("RGB", (9, 7)).save("here.png")
    with pytest.raises(kx.ImageError, match=said):
        list(explainer.explain_dataset(source))
    with pytest.raises(kx.ImageError, match=said):
        explainer.explain_to("s", source)
    # A path is checked before anything is written.
    assert Path("s").exists() == ("There was no image" in said)
    kept = explainer.explain_to("s", ["here.png", "gone.png"], [1])
    assert [name for name, _ in kept.skipped] == [str(tmp_path / "gone.png")]
    assert len(kept.select()) == 1


def test_a_finished_empty_store_is_not_shown_and_can_be_filled(explainer, tmp_path):
    kept = explainer.explain_to(tmp_path / "s", [photos(1)])
    for part in (tmp_path / "s").glob("part-*"):
        part.unlink()
    with pytest.raises(FormatError, match="has no map to show"):
        write_page(kx.Store(kept.path), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    assert len(explainer.explain_to(tmp_path / "s", [photos(3)], [1, 2])) == 6


@pytest.mark.parametrize(
    "content",
    [
        *(b"{nope", b"[]", b"\xff\xfe\x00", b"[" * 100_000),
        *(b'{"dtype": 7}', b'{"dtype": "int8"}', b'{"targets": "top"}', b'{"class_names": [1]}', b'{"layer": [1]}'),
        *(
            b'{"input_shape": [8, 8]}',
            b'{"input_shape": [8, "8", 3]}',
            b'{"input_shape": [8, 1e9, 3]}',
            b'{"fit": null}',
        ),
        *(
            b'{"model": "m"}',
            b'{"params": []}',
            b'{"id": null}',
            b'{"signed": 1}',
            b'{"source": []}',
            b'{"method": {}}',
        ),
    ],
    ids=lambda content: content[:30].decode("latin1"),
)
def test_a_damaged_job_file_is_named(explainer, tmp_path, content):
    explainer.explain_to(tmp_path / "s", [photos(1)])
    (tmp_path / "s" / "_job.json").write_bytes(content)
    for opened in (
        kx.Store,
        kx.KxWidget.from_store,
        lambda path: explainer.explain_to(path, [photos(1)]),
    ):
        with pytest.raises(FormatError, match=r"_job.json' is damaged .*: bring it back, or delete the store"):
            opened(tmp_path / "s")


@pytest.mark.parametrize("content", [b"", b'{"par', b"[]", b'{"parts": "1"}', b'{"parts": -1}', b'{"files": 7}'])
def test_a_damaged_end_is_named_by_all_in_the_same_words(explainer, tmp_path, content):
    explainer.explain_to(tmp_path / "s", [photos(1)])
    (tmp_path / "s" / "_done.json").write_bytes(content)
    for opened in (kx.Store, kx.KxWidget.from_store, lambda path: explainer.explain_to(path, [photos(1)])):
        with pytest.raises(FormatError, match=r"_done.json' is damaged .*: delete it and explain again; what is whole"):
            opened(tmp_path / "s")
    (tmp_path / "s" / "_done.json").unlink()
    assert explainer.explain_to(tmp_path / "s", [photos(1)]).complete


def test_rows_without_an_id_are_told(explainer, tmp_path):
    kept = explainer.explain_to(tmp_path / "s", [photos(2)])
    part = tmp_path / "s" / "part-000000.parquet"
    table = pq.read_table(part)
    pq.write_table(table.set_column(0, table.schema.field(0), pa.array([None, "1"])), part)
    for ask in (lambda s: s.explanation(0), lambda s: s.skipped, kx.KxWidget.from_store):
        with pytest.raises(FormatError, match=r"is damaged .there are rows without an id"):
            ask(kx.Store(kept.path))


def test_an_image_that_was_skipped_has_no_explanation(explainer, tmp_path):
    Image.new("RGB", (9, 7)).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_text("no picture", encoding="utf-8")
    kept = explainer.explain_to(tmp_path / "s", [tmp_path / "good.png", tmp_path / "broken.png"])
    with pytest.raises(
        kx.ParameterError, match=r"Row 1 holds no explanation, for its image was skipped: .*cannot be read"
    ):
        kept.explanation(1)


def test_a_job_file_that_lacks_something_is_named(explainer, tmp_path):
    job = explainer.explain_to(tmp_path / "s", [photos(1)]).job
    (tmp_path / "s" / "_job.json").write_text(
        json.dumps({name: job[name] for name in ("targets", "method", "id")}), encoding="utf-8"
    )
    with pytest.raises(FormatError, match=r"its _job.json has no 'class_names'"):
        kx.KxWidget.from_store(tmp_path / "s")


def test_a_damaged_part_is_named_and_computed_again(explainer, tmp_path):
    def explained():
        return explainer.explain_to(tmp_path / "s", [photos(6)], part_images=2)

    expected = explained().maps(range(6))
    first, last = (tmp_path / "s" / f"part-00000{n}.parquet" for n in (0, 2))
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(FormatError, match=r"part-000002.parquet' is damaged.*: delete it and explain again"):
        kx.Store(tmp_path / "s")
    assert_array_equal(explained().maps(range(6)), expected)

    # The end, which says what there is, is whole.
    content = first.read_bytes()
    end = 8 + int.from_bytes(content[-8:-4], "little")
    first.write_bytes(content[:4] + bytes(len(content) - end - 4) + content[-end:])
    kept = kx.Store(tmp_path / "s")
    for read in (lambda: kept.maps([0]), lambda: kept.rows([0])):
        with pytest.raises(FormatError, match=r"part-000000.parquet' is damaged"):
            read()
    first.unlink()
    assert_array_equal(explained().maps(range(6)), expected)


def test_a_parquet_file_of_somebody_else_is_named(explainer, tmp_path):
    explainer.explain_to(tmp_path / "s", [photos(1)])
    pq.write_table(pa.table({"a": [1]}), tmp_path / "s" / "part-notes.parquet")
    for opened in (kx.Store, lambda path: explainer.explain_to(path, [photos(1)])):
        with pytest.raises(
            FormatError, match=r"part-notes.parquet' is no part of a store .*: move it out of the folder"
        ):
            opened(tmp_path / "s")


@pytest.mark.parametrize("name", ["zz.parquet", "part-9.parquet", "part-000009.parquet", "part-000000-copy.parquet"])
@pytest.mark.parametrize("whose", ["own", "other"])
def test_rows_are_not_counted_twice(explainer, tmp_path, name, whose):
    def explained(folder, question):
        return explainer.explain_to(folder, [photos(4)], question, part_images=2)

    explained(tmp_path / "own", [1])
    explained(tmp_path / "other", [2])
    (tmp_path / "own" / name).write_bytes((tmp_path / whose / "part-000001.parquet").read_bytes())
    for opened in (kx.Store, lambda path: explained(path, [1])):
        with pytest.raises(FormatError, match=rf"{name}' is no part of this store .*: move it out of the folder"):
            opened(tmp_path / "own")
    (tmp_path / "own" / name).unlink()
    # Also in place of a part.
    (tmp_path / "own" / "part-000001.parquet").write_bytes((tmp_path / "other" / "part-000001.parquet").read_bytes())
    for opened in (kx.Store, lambda path: explained(path, [1])):
        with pytest.raises(
            FormatError, match=r"part-000001.parquet' is no part of this store \(it was written for anoth"
        ):
            opened(tmp_path / "own")


def test_flipped_bits_are_never_read_as_good(explainer, tmp_path):
    """Every bit of pages, whose sums are checked, and of what the end of the file says."""
    kept = explainer.explain_to(tmp_path / "s", [photos(3)])
    part = tmp_path / "s" / "part-000000.parquet"
    content, rows, maps = part.read_bytes(), kept.rows(range(3)), kept.maps(range(3))
    told: list[str] = []
    for bit in np.random.default_rng(0).choice(8 * len(content), 1500, replace=False):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << (bit % 8)
        part.write_bytes(flipped)
        try:
            store = kx.Store(kept.path)
            found = store.rows(range(3)), store.maps(range(3))
        except FormatError as error:
            told.append(str(error))
            continue
        assert found[0] == rows, bit
        assert_array_equal(found[1], maps, err_msg=str(bit))
    assert len(told) > 900
    assert all("part-000000.parquet' is " in text for text in told)
    # What is damaged is explained anew.
    at = 200
    part.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert_array_equal(explainer.explain_to(tmp_path / "s", [photos(3)]).maps(range(3)), maps)
    assert part.read_bytes() == content


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda s: s.select("label != predicted"), r"pass an expression of pyarrow, `pyarrow.compute.field\("),
        (lambda s: s.select([True, False]), "is not a condition"),
        (lambda s: s.select(sort=5), 'pass its name, "probability"'),
        (lambda s: s.select(sort=""), "There is no column ''"),
        (lambda s: s.maps([99]), "There is no row 99: they are numbered 0 to 1"),
        (lambda s: s.rows([99]), "There is no row 99: they are numbered 0 to 1"),
        (lambda s: s.explanation(-1), "There is no row -1: they are numbered 0 to 1"),
        (lambda s: s.explanation("a"), "are not numbers of rows"),
        (lambda s: s.maps(1), "pass a list of them"),
        (lambda s: s.columns(5), r"5 is not a list of columns: pass \["),
        (lambda s: s.columns("id"), "'id' is not a list of columns"),
        (lambda s: s.columns([["id"]]), "There is no column"),
        (lambda s: kx.KxWidget.from_store(s, where="label != predicted"), "pass an expression of pyarrow"),
        (lambda s: kx.KxWidget.from_store(s, sort=5), "pass its name"),
    ],
)
def test_wrong_conditions_columns_and_rows(two_rows, ask, said):
    with pytest.raises(kx.KxError, match=said):
        ask(two_rows)


def test_no_rows_are_no_mistake(two_rows):
    assert two_rows.maps([]) == two_rows.rows([]) == []
    assert two_rows.columns(("id",)).column_names == ["id"]


@pytest.mark.parametrize(
    "write",
    [
        lambda s, path: s.explanation(0).save(path),
        lambda s, path: kx.KxWidget.from_store(s).save(path),
        lambda s, path: kx.KxWidget(models.pooled(), photos(1)).save(path),
        lambda s, path: write_page(s, path),
    ],
)
def test_a_file_that_cannot_be_written_is_told(two_rows, tmp_path, write):
    with pytest.raises(FormatError, match=r"There is no folder '.*nodir' to write 'x.html' to: make it first"):
        write(two_rows, tmp_path / "nodir" / "x.html")
    with pytest.raises(FormatError, match="None is not a path: pass the name of a file"):
        write(two_rows, None)


def test_a_store_needs_a_path(explainer):
    with pytest.raises(FormatError, match="None is not a path: pass the folder to write"):
        explainer.explain_to(None, [photos(1)])
    for opened in (kx.Store, kx.KxWidget.from_store):
        with pytest.raises(FormatError, match="None is not a path: pass the folder of a store"):
            opened(None)
