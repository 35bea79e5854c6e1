"""Maps survive the journey."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from kx_widget.widget.codec import encode
from tests.widget.decode import decode

FIXTURE = Path(__file__).parents[1] / "fixtures" / "codec.json"
numbers = st.floats(-(2.0**60), 2.0**60, width=32) | st.just(np.nan)


@given(st.lists(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=numbers), max_size=5))
def test_small_maps_are_bit_exact(maps):
    headers, buffer = encode(maps)
    for m, header in zip(maps, headers, strict=True):
        assert header["dtype"] == "float32"
        assert header["byte_offset"] % 4 == 0
        assert_array_equal(decode(header, buffer), m)


@given(arrays(np.float32, (65, 64), elements=numbers), st.integers(0, 3))
def test_large_maps_are_off_by_at_most_half_a_step(m, constant):
    m = np.full_like(m, constant) if constant else m
    (header,), buffer = encode([m])
    assert header["dtype"] == "uint16"
    assert len(buffer) == 65 * 64 * 2
    out = decode(header, buffer)
    assert_array_equal(np.isnan(out), np.isnan(m))
    if np.isfinite(m).any():
        span = float(np.nanmax(m)) - float(np.nanmin(m))
        error = np.nanmax(np.abs(out.astype(np.float64) - m.astype(np.float64)))
        assert error <= span / 131068 * (1 + 1e-3) + 6e-8 * float(np.nanmax(np.abs(m)))


def test_fixture_shared_with_the_front_end():
    """What `js/src/kernel/decode.ts` is asked to read is what `encode` writes."""
    fixture = json.loads(FIXTURE.read_text(encoding="utf-8"))
    maps = [np.array([[np.nan if v is None else v for v in row] for row in m], np.float32) for m in fixture["maps"]]
    headers, buffer = encode(maps)
    assert buffer.hex() == fixture["buffer"]
    assert headers == fixture["headers"]


@pytest.mark.parametrize("side", [3, 70])
def test_what_is_infinite_is_sent_as_missing(side):
    m = np.linspace(-1, 1, side * side, dtype=np.float32).reshape(side, side)
    m[0, 0], m[1, 1] = np.inf, -np.inf
    (header,), buffer = encode([m])
    out = decode(header, buffer)
    assert_array_equal(np.isnan(out), ~np.isfinite(m))
    assert np.nanmax(out) == pytest.approx(1, abs=1e-4)
