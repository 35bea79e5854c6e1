"""Two runs at once, sources that fail, full disks, odd names: nothing is lost or doubled, and a sentence tells it."""

import errno
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, features

import kx_widget as kx
from kx_widget.bulk import job
from kx_widget.bulk.parts import PartWriter
from kx_widget.bulk.schema import schema
from kx_widget.engine.errors import FormatError
from tests import models
from tests.cases import photos


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.pooled())


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    return path


def meanwhile(act):
    """Two batches of two images; something happens when the first is under way."""
    yield photos(4)[:2]
    act()
    yield photos(4)[2:]


def test_a_second_run_on_a_folder_is_refused_and_harms_nothing(explainer, tmp_path):
    def second():
        with pytest.raises(FormatError, match=r"Another run is at work on .*s': wait until it has ended, or choose"):
            explainer.explain_to(tmp_path / "s", iter([photos(4)]))

    store = explainer.explain_to(tmp_path / "s", meanwhile(second))
    assert store.complete
    expected = explainer.explain_to(tmp_path / "t", [photos(4)[:2], photos(4)[2:]])
    assert_array_equal(store.maps(range(4)), expected.maps(range(4)))
    assert len(explainer.explain_to(tmp_path / "s", iter([photos(4)]))) == 4


def test_where_no_folder_can_be_held_two_runs_write_the_same_store(explainer, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "_lock", lambda folder: None)

    def second():
        assert explainer.explain_to(tmp_path / "s", [photos(4)[:2], photos(4)[2:]]).complete

    # The first goes on with a file that it had begun before the second wrote the same part.
    store = explainer.explain_to(tmp_path / "s", meanwhile(second))
    expected = explainer.explain_to(tmp_path / "t", [photos(4)[:2], photos(4)[2:]])
    assert_array_equal(store.maps(range(4)), expected.maps(range(4)))


def test_what_a_killed_run_left_is_removed(explainer, tmp_path):
    (tmp_path / "s").mkdir()
    for name in (".part-000000.parquet", ".part-000007.parquet.0a1b2c3d", "._job.json.0a1b2c3d"):
        (tmp_path / "s" / name).write_bytes(b"PAR1")
    explainer.explain_to(tmp_path / "s", [photos(1)])
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"_job.json", "_done.json", "part-000000.parquet"}


def test_a_folder_that_cannot_be_cleaned_is_not_held_afterwards(explainer, tmp_path, monkeypatch):
    def refused(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    with monkeypatch.context() as patched:
        patched.setattr(job, "remove_unfinished", refused)
        with pytest.raises(PermissionError):
            explainer.explain_to(tmp_path / "s", [photos(1)])
    assert explainer.explain_to(tmp_path / "s", [photos(1)]).complete


def failing(after):
    """Images one by one, and then a disk that is gone."""
    yield from photos(after)
    raise RuntimeError("the disk is gone")


@pytest.mark.parametrize(("after", "explained"), [(40, [32]), (32, [32]), (31, [])])
def test_batches_before_the_source_fails_are_explained(explainer, after, explained):
    run = explainer.explain_dataset(failing(after), batch_size=32)
    sizes = []
    with pytest.raises(RuntimeError, match="the disk is gone"):
        sizes.extend(len(e.maps) for e in run)
    assert sizes == explained


@pytest.mark.parametrize(("after", "parts"), [(40, 2), (32, 2), (15, 0)])
def test_whole_parts_before_the_source_fails_are_written(explainer, tmp_path, after, parts):
    with pytest.raises(RuntimeError, match="the disk is gone"):
        explainer.explain_to(tmp_path / "s", failing(after), part_images=16, batch_size=32)
    assert [path.name for path in sorted((tmp_path / "s").glob("*part*"))] == [
        f"part-00000{part}.parquet" for part in range(parts)
    ]
    store = explainer.explain_to(tmp_path / "s", iter(photos(48)), part_images=16, batch_size=32)
    expected = explainer.explain_to(tmp_path / "t", iter(photos(48)), part_images=16, batch_size=32)
    assert_array_equal(store.maps(range(48)), expected.maps(range(48)))


def test_a_parameter_called_question_belongs_to_the_method():
    parsed = job.Job.of("s", [], "top", {"question": 2, "total": 3, "dtype": "float16"})
    assert (parsed.settings.question, parsed.dtype) == ({"question": 2, "total": 3}, "float16")


@pytest.mark.parametrize(
    ("element", "said"),
    [((), r"\(\) is not an image: yield images"), ({"image": None}, 'The key "image" of a dict is None')],
)
def test_elements_that_are_none_are_told(explainer, element, said):
    with pytest.raises(kx.ImageError, match=said):
        list(explainer.explain_dataset([photos(1), element]))


def test_a_file_name_that_is_not_utf8(explainer, tmp_path):
    name = os.fsdecode(bytes(tmp_path / "photos") + b"/M\xfcller.png")
    picture(Path(name))
    (tmp_path / "photos" / os.fsdecode(b"br\xf6ken.png")).write_text("no picture", encoding="utf-8")
    store = explainer.explain_to(tmp_path / "s", tmp_path / "photos", [1])
    assert [Path(i).name for i in store.column("id").to_pylist()] == [r"M\udcfcller.png", r"br\udcf6ken.png"]
    assert [Path(i).name for i, _ in store.skipped] == [r"br\udcf6ken.png"]
    assert_array_equal(store.explanation(0).images[0], np.asarray(Image.open(name)))
    assert len(explainer.explain_to(tmp_path / "s", tmp_path / "photos", [1])) == 2


def test_an_empty_path_is_not_the_current_folder(explainer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "a.png")
    with pytest.raises(kx.ImageError, match='"" is not a path'):
        explainer.explain_dataset("")


def names_of(explainer, folder):
    return [str(Path(name).relative_to(folder)) for e in explainer.explain_dataset(folder) for name in e.names]


def test_a_folder_gives_what_pillow_opens(explainer, tmp_path):
    suffixes = [".png", ".JPG", ".jp2", ".tga", ".ppm", *([".avif"] if features.check("avif") else [])]
    files = [picture(tmp_path / f"{i}{suffix}") for i, suffix in enumerate(suffixes)]
    (tmp_path / "labels.csv").write_text("a,b", encoding="utf-8")
    (tmp_path / "maps.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert names_of(explainer, tmp_path) == [file.name for file in files]


def test_what_is_left_out_of_a_folder_is_counted(explainer, tmp_path):
    picture(tmp_path / "a.png")
    for name in ("b.heic", "c.HEIC", "d.svg"):
        (tmp_path / name).write_text("…", encoding="utf-8")
    said = r"Left out of the folder '.*': 2 \.heic that this Pillow does not open, 1 \.svg that this"
    with pytest.warns(RuntimeWarning, match=said):
        assert names_of(explainer, tmp_path) == ["a.png"]
    (tmp_path / "a.png").unlink()
    with pytest.raises(kx.ImageError, match=r"holds no images that Pillow opens \(2 \.heic"):
        explainer.explain_dataset(tmp_path)


def test_folders_that_are_linked_to_are_read_and_loops_are_not(explainer, tmp_path):
    picture(tmp_path / "elsewhere" / "a.png")
    picture(tmp_path / "photos" / "dogs" / "b.png")
    (tmp_path / "photos" / "cats").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "dogs" / "up").symlink_to(tmp_path / "photos")
    (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere")
    assert names_of(explainer, tmp_path / "photos") == ["cats/a.png", "dogs/b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no files")
def test_a_full_disk_is_told_with_the_file(explainer, tmp_path):
    import resource

    about = {"method": "gradients", "layer": None, "part_images": 16}
    explainer.explain_to(tmp_path / "s", iter(photos(16)), **about)
    (tmp_path / "s" / "_done.json").unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
        with pytest.raises(OSError, match=r"part-000001\.parquet") as raised:
            explainer.explain_to(tmp_path / "s", iter(photos(32)), **about)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG
    assert not [*(tmp_path / "s").glob(".part*")]
    assert len(kx.Store(tmp_path / "s")) == 16
    assert len(explainer.explain_to(tmp_path / "s", iter(photos(32)), **about)) == 32


def test_what_stopped_a_part_is_told_though_its_file_does_not_close(tmp_path, monkeypatch):
    closed = []

    def refused(self):
        closed.append(self.is_open)
        self.is_open = False
        raise pa.ArrowInvalid("not closed")

    monkeypatch.setattr(pq.ParquetWriter, "close", refused)
    with pytest.raises(RuntimeError, match="the disk is gone"), PartWriter(tmp_path / "p", "float32"):
        raise RuntimeError("the disk is gone")
    assert closed == [True]


def test_a_part_is_closed_though_its_last_rows_are_not_written(tmp_path, monkeypatch):
    def refused(self, table, row_group_size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", refused)
    writer = PartWriter(tmp_path / "p", "float32")
    with pytest.raises(OSError, match=r"No space left on device: '.*/p'"), writer:
        writer.write(schema("float32").empty_table())
    assert not writer._writer.is_open


def test_a_folder_in_place_of_a_part_and_a_link_to_nothing(explainer, tmp_path):
    explainer.explain_to(tmp_path / "s", [photos(2)], part_images=1)
    (tmp_path / "s" / "part-000001.parquet").unlink()
    (tmp_path / "s" / "part-000001.parquet").mkdir()
    with pytest.raises(FormatError, match=r"part-000001.parquet' is no part of this store: move it out"):
        explainer.explain_to(tmp_path / "s", [photos(2)], part_images=1)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FormatError, match="is a file or a link to nothing, and a store is a folder"):
        explainer.explain_to(tmp_path / "link", [photos(2)])


def test_a_store_that_lost_what_was_asked(explainer, tmp_path):
    explainer.explain_to(tmp_path / "s", [photos(1)])
    (tmp_path / "s" / "_job.json").unlink()
    with pytest.raises(FormatError, match=r"has lost its _job.json, which tells what was asked: bring it back"):
        explainer.explain_to(tmp_path / "s", [photos(1)])


def damaged_column(part, name):
    """Flip a byte in the first page of a column."""
    group = pq.read_metadata(part).row_group(0)
    (chunk,) = (c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == name)
    content = bytearray(part.read_bytes())
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 3] ^= 1
    part.write_bytes(content)


def test_a_condition_reads_only_the_columns_it_is_about(explainer, tmp_path):
    store = explainer.explain_to(tmp_path / "s", [photos(6)], [1])
    scores = store.column("score").to_numpy()
    limit = float(np.median(scores))
    damaged_column(tmp_path / "s" / "part-000000.parquet", "versions")
    rows = kx.Store(store.path).select(pc.field("score") > limit, sort="score")
    assert_array_equal(rows, sorted(np.flatnonzero(scores > limit), key=scores.__getitem__))
    for ask in (lambda s: s.select(pc.field("versions") == ""), lambda s: s.column("versions")):
        with pytest.raises(FormatError, match=r"part-000000.parquet' is damaged"):
            ask(kx.Store(store.path))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda s: s.select(sort="shape"), "There is no order in the column 'shape'"),
        (lambda s: s.select(sort="map"), "There is no column 'map'"),
        (lambda s: s.select(pc.field("map") == 1), "does not fit the columns"),
        (lambda s: s.select(pc.field("score")), "does not fit the columns"),
        (lambda s: s.select(pc.field("id").cast("int32") > 3), "does not fit the columns"),
        (lambda s: s.maps([[1], "x"]), "are not numbers of rows"),
        (lambda s: s.rows([[1], "x"]), "are not numbers of rows"),
        (lambda s: s.column(np.arange(3)), "There is no column"),
    ],
)
def test_odd_arguments_of_a_store_are_told(explainer, tmp_path, ask, said):
    images = [picture(tmp_path / "photos" / f"{i}.png") for i in range(2)]
    store = explainer.explain_to(tmp_path / "s", images)
    with pytest.raises(kx.KxError, match=said):
        ask(store)


def test_a_condition_that_is_null_does_not_choose(explainer, tmp_path):
    store = explainer.explain_to(tmp_path / "s", [photos(2)])
    assert len(store.select(pc.field("label") == 1)) == 0
    assert len(store.select(~(pc.field("label") == 1))) == 0


def test_no_warning_for_a_folder_of_pictures(explainer, folder):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        explainer.explain_dataset(folder)
    assert not seen
