"""What is read from a store is what was written, and little else is read; no model is needed for either."""

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.bulk.schema import schema
from kx_widget.engine.errors import FormatError
from tests.bulk.synthetic import synthetic


def test_float16_keeps_small_and_large_maps(tmp_path):
    """Raw maps may be far outside of what float16 can hold: the scale brings them in, and is exact."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(4, 1, 5, 6)).astype(np.float32) * np.float32([1e-12, 1, 1e12, 0])[:, None, None, None]
    maps[1, 0, 0, 0] = np.nan
    path = tmp_path / "s"
    synthetic(path, maps, dtype="float16")
    found = np.stack(kx.Store(path).maps(range(4)))[:, None]
    for ours, theirs in zip(found, maps, strict=True):
        assert_allclose(ours, theirs, rtol=2**-10, atol=np.nanmax(np.abs(theirs)) * 2**-14)
    parts = ds.dataset(sorted(path.glob("part-*.parquet")))
    assert parts.schema.field("map").type == pa.list_(pa.float16())


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "maps.parquet"
    maps = np.random.default_rng(0).normal(size=(100_000, 1, 7, 7)).astype(np.float32)
    synthetic(path, maps)
    return path, maps


def test_a_large_store_reads_only_what_is_looked_at(large):
    path, maps = large
    size = sum(part.stat().st_size for part in path.iterdir())
    # What Python and Arrow load themselves is loaded.
    kx.Store(path).maps([0])
    before = bytes_read()
    kept = kx.Store(path)
    assert bytes_read() - before < size / 30
    assert_array_equal(kept.maps([50_000]), maps[50_000, 0][None])
    assert bytes_read() - before < size / 8
    assert len(kept) == 100_000


def bytes_read():
    """How many this process has read from files so far, by the kernel's count."""
    return psutil.Process().io_counters().read_chars


def test_a_large_store_is_sorted_and_filtered_by_its_columns(large):
    path, maps = large
    kept = kx.Store(path)
    wrong = kept.select(pc.field("predicted") != pc.field("label"), sort="probability", descending=True)
    first = kept.rows(wrong[:24], ["id", "probability", "target_name"])
    assert 40_000 < len(wrong) < 60_000
    p = kept.column("probability").to_numpy()
    assert (np.diff(p[wrong]) <= 0).all()
    assert first[0].keys() == {"id", "probability", "target_name"}
    assert_array_equal(kept.maps(wrong[:24]), maps[wrong[:24], 0])
    assert_array_equal(kept.maps([99_999, 0]), maps[[99_999, 0], 0])


def test_a_store_takes_little_more_room_than_its_maps(large):
    path, maps = large
    assert sum(p.stat().st_size for p in path.iterdir()) <= 1.3 * maps.nbytes


def test_wrong_conditions_columns_and_rows(large):
    kept = kx.Store(large[0])
    with pytest.raises(FormatError, match="There is no column 'scores'; there are id, column"):
        kept.select(sort="scores")
    with pytest.raises(FormatError, match="does not fit the columns"):
        kept.select(pc.field("wrong") == 1)
    with pytest.raises(kx.ParameterError, match="no row 100000: they are numbered 0 to 99999"):
        kept.maps([100_000])
    assert set(kept.names) == set(schema("float32").names) - {"map"}
