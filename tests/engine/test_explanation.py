"""Looking at maps, keeping them, and the pure arithmetic below."""

import json
import os
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from kx_widget.engine import files
from kx_widget.engine.display import Display
from kx_widget.engine.drawing import color_table
from kx_widget.engine.errors import FormatError, KxError, ParameterError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.postprocess import apply_scale, apply_sign, bilinear, resize

FIXTURE = Path(__file__).parents[1] / "fixtures" / "postprocess.json"


PLAIN = Display(100, "zero", "positive")


def explanation(maps, signed=True, images=None, **fields):
    maps = np.asarray(maps, np.float32)
    n, t = maps.shape[:2]
    return Explanation(
        maps=maps,
        scores=np.zeros((n, t), np.float32),
        probabilities=np.full((n, t), 0.5, np.float32),
        targets=np.zeros((n, t), np.int64),
        target_names=tuple(tuple(f"<b>{j}</b>" for j in range(t)) for _ in range(n)),
        method="gradcam",
        layer=fields.pop("layer", "late"),
        params={"noise": 0.1},
        signed=signed,
        seconds=0.5,
        versions={"kx_widget": "0"},
        images=np.full((n, 8, 8, 3), 100, np.uint8) if images is None else images,
        checks={"gap": np.zeros((n, t), np.float32)},
        **{"display": PLAIN} | fields,
    )


MAPS = [[[[1, -2], [0, 4]], [[0, 0], [0, 8]]], [[[0, 0], [0, 0]], [[-1, -1], [-1, -1]]]]


@pytest.mark.parametrize(
    ("sign", "scale", "expected"),
    [
        ("positive", "map", [[[[0.25, 0], [0, 1]], [[0, 0], [0, 1]]], [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]]),
        ("absolute", "map", [[[[0.25, 0.5], [0, 1]], [[0, 0], [0, 1]]], [[[0, 0], [0, 0]], [[1, 1], [1, 1]]]]),
        ("signed", "map", [[[[0.25, -0.5], [0, 1]], [[0, 0], [0, 1]]], [[[0, 0], [0, 0]], [[-1, -1], [-1, -1]]]]),
        ("positive", "image", [[[[0.125, 0], [0, 0.5]], [[0, 0], [0, 1]]], [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]]),
        ("signed", "all", [[[[1, -2], [0, 4]], [[0, 0], [0, 8]]], [[[0, 0], [0, 0]], [[-1, -1], [-1, -1]]]]),
    ],
)
def test_heatmaps_on_paper(sign, scale, expected):
    expected = np.asarray(expected, np.float32) / (8 if scale == "all" else 1)
    assert_allclose(explanation(MAPS).heatmaps(None, sign, scale), expected)


def test_the_part_of_an_image_has_its_own_evidence():
    part = explanation(MAPS, evidence={"stability": np.arange(4, dtype=np.float32).reshape(2, 2)}).of_image(1)
    assert_array_equal(part.evidence["stability"], [[2, 3]])
    assert part.maps.shape == (1, 2, 2, 2)


def test_unsigned_maps_ignore_the_sign():
    e = explanation(np.abs(MAPS), signed=False)
    assert_array_equal(e.heatmaps(sign="signed"), e.heatmaps(sign="positive"))


def test_bilinear_on_paper():
    assert_allclose(bilinear(2, 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    assert_allclose(bilinear(1, 3), [[1], [1], [1]])
    assert_allclose(bilinear(4, 2), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    assert_allclose(resize(np.float32([[0, 4], [8, 12]]), (4, 4))[1], [2, 3, 5, 6])


@given(arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)), st.integers(1, 9), st.integers(1, 9))
def test_resizing_stays_within_the_maps_range_and_keeps_constants(m, h, w):
    out = resize(m, (h, w))
    assert out.shape == (h, w)
    assert out.min() >= m.min() - 1e-3
    assert out.max() <= m.max() + 1e-3
    assert_allclose(resize(np.full((3, 4), 7, np.float32), (h, w)), 7, rtol=1e-6)


def test_nan_is_left_alone_and_does_not_count():
    maps = np.float32([[[[np.nan, 2], [0, 4]]]])
    scaled = apply_scale(apply_sign(maps, "positive"), "map", [PLAIN])
    assert np.isnan(scaled[0, 0, 0, 0])
    assert_allclose(scaled[0, 0].ravel()[1:], [0.5, 0, 1])
    assert (explanation(maps, images=np.full((1, 2, 2, 3), 9, np.uint8)).overlay(photo="colour")[0, 0, 0, 0] == 9).all()


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_is_no_larger_than_it_is(gap):
    """What is no number hides what it is interpolated into, and neither the rest of the map nor its scale."""
    maps = np.float32([[[[gap, 1, 1, 1], [1, 1, 1, 1], [1, 1, 2, 2], [1, 1, 2, 4]]]])
    seen = explanation(maps).heatmaps("input")[0, 0]
    hidden = np.isnan(seen)
    assert hidden[:3, :3].all()
    assert hidden.sum() == 9
    assert seen[7, 7] == 1
    assert_allclose(seen[0, 7], 0.25)


def test_overlay_mixes_image_and_table():
    e = explanation([[[[0, 1], [0, 1]]]], images=np.full((1, 2, 2, 3), 100, np.uint8))
    gray = e.overlay("gray", alpha=1)[0, 0]
    assert_array_equal(gray[0], [[80, 80, 80], [255, 255, 255]])
    half = e.overlay("gray", alpha=0.5, photo="colour")[0, 0, 0]
    assert_array_equal(half, [[100] * 3, [178] * 3])
    assert_array_equal(e.overlay(alpha=0, photo="colour")[0, 0], e.images[0])
    viridis = e.overlay("viridis", alpha=1)[0, 0, 0]
    assert_array_equal(viridis, [[80, 80, 80], [253, 231, 37]])
    inferno = e.overlay(alpha=1)[0, 0, 0]
    assert_array_equal(inferno, [[80, 80, 80], [252, 255, 164]])


def test_the_image_loses_its_colours_and_a_fifth_of_its_light_below_a_map():
    photo = np.uint8([[[[200, 100, 50], [0, 0, 255]]]])
    e = explanation([[[[0, 0]]]], images=photo)
    assert_array_equal(e.overlay()[0, 0, 0], [[100] * 3, [22] * 3])
    assert_array_equal(e.overlay(photo="colour")[0, 0], photo[0])


def test_contours_run_around_quarters_of_the_scale():
    ramp = np.tile(np.arange(17, dtype=np.float32) / 16, (3, 1))
    e = explanation([[ramp]], images=np.full((1, 3, 17, 3), 100, np.uint8))
    row = e.overlay("gray", alpha=1, style="contours", photo="colour")[0, 0, 1, :, 0]
    # Two pixels of the brighter side's colour at 4, 8 and 12, and a dark pixel on either side.
    assert_array_equal(row, [100, 100, 50, 128, 128, 50, 50, 191, 191, 50, 50, 255, 255, 50, 100, 100, 100])


def test_an_unlikely_class_is_drawn_at_half_the_strength_and_says_so():
    e = explanation([[[[0, 1]]]], images=np.full((1, 1, 2, 3), 100, np.uint8))
    faint = replace(e, probabilities=np.float32([[0.004]]))
    assert_array_equal(faint.overlay(), e.overlay(alpha=0.35))
    assert faint.caption(0, 0) == "<b>0</b> · 0.4 % (unlikely, drawn faint)"
    unknown = replace(e, probabilities=np.float32([[np.nan]]))
    assert_array_equal(unknown.overlay(), e.overlay())


def test_outliers_do_not_take_the_whole_scale():
    maps = np.ones((1, 1, 20, 20), np.float32)
    maps[0, 0, 0, :3] = 1000
    assert_allclose(np.median(explanation(maps, layer=None).heatmaps(None)), 0.001)
    e = explanation(maps, layer=None, display=Display())
    assert_allclose(e.heatmaps(None), 1)
    assert_allclose(np.median(e.heatmaps(None, clip=100)), 0.001)
    sparse = np.zeros((1, 1, 20, 20), np.float32)
    sparse[0, 0, 3, 3] = -5
    assert_allclose(explanation(sparse, layer=None, display=Display()).heatmaps(None)[0, 0, 3, 3], -1)


def test_a_map_without_a_zero_begins_at_its_lower_quartile():
    maps = np.arange(100, 201, dtype=np.float32).reshape(1, 1, 1, 101)
    e = explanation(maps, display=Display(100, "quartile"))
    assert_allclose(e.heatmaps(None)[0, 0, 0, [0, 25, 100]], [0, 0, 1], atol=1e-6)
    assert_allclose(e.heatmaps(None, sign="signed")[0, 0, 0, 0], 0.5)


def test_signs_go_by_method_and_target():
    e = explanation(MAPS, display=Display())
    contrast = replace(e, targets=np.array([[0, -1], [0, -1]]))
    assert [contrast.display_of(t).sign for t in (0, 1)] == ["positive", "signed"]
    assert [contrast.display_of(t).origin for t in (0, 1)] == ["quartile", "zero"]
    assert contrast.heatmaps(None)[1].min() == -1
    assert replace(e, layer=None).display_of(0) == Display(99, "zero", "signed")
    assert replace(e, layer=None, signed=False).display_of(0) == Display(99, "quartile", "signed")
    plain = replace(contrast, display=PLAIN)
    assert [plain.display_of(t).sign for t in (0, 1)] == ["positive", "signed"]
    assert e.display_of(0, "absolute", 90) == Display(90, "zero", "absolute")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"clip": 30}, "clip=30 must be a percentile from 50 to 100"),
        ({"clip": True}, "clip=True must be"),
        ({"clip": None}, "clip=None must be"),
        ({"origin": "middle"}, "origin='middle' is not a choice"),
        ({"sign": "auto"}, "sign='auto' is not a choice"),
    ],
)
def test_wrong_displays(fields, said):
    with pytest.raises(ParameterError, match=said):
        Display(**fields)


def test_signed_overlay_is_bare_at_zero_blue_below_red_above():
    e = explanation([[[[-1, 0, 1]]]], images=np.zeros((1, 1, 3, 3), np.uint8))
    below, zero, above = e.overlay(alpha=1, sign="signed")[0, 0, 0].astype(int)
    assert below[2] > below[0] + 50
    assert above[0] > above[2] + 50
    assert_array_equal(zero, 0)


def test_borders_are_drawn_where_values_change_however_small():
    """Light before them and dark behind, as in js/tests/borders.test.ts."""
    nan = np.nan
    maps = [[[[1, 1, 1.0001, 1.0001], [1, 1, 1.0001, 1.0001], [0, 0, nan, nan], [0, 0, nan, nan]]]]
    bordered = Display(100, "zero", "positive", borders=True)
    gray = np.full((1, 4, 4, 3), 100, np.uint8)
    e = explanation(maps, images=gray, display=bordered)
    plain = replace(e, display=replace(bordered, borders=False))
    kinds = np.sign(e.overlay(alpha=0.1, photo="colour").astype(int) - plain.overlay(alpha=0.1, photo="colour"))
    assert_array_equal(kinds[0, 0, ..., 0], [[0, 1, -1, 0], [1, 1, 1, 1], [-1, 1, -1, -1], [0, 1, -1, 0]])
    assert_array_equal(e.overlay(alpha=0), plain.overlay(alpha=0))


def test_the_tables_for_signed_maps():
    table = color_table("coldhot")
    # As in js/tests/paint.test.ts.
    expected = [[180, 240, 255], [30, 140, 255], [10, 21, 111], [111, 10, 10], [239, 60, 20], [255, 240, 120]]
    assert_allclose(table[[0, 64, 127, 128, 191, 255]], expected, atol=1)
    e = explanation([[[[-1, 1]]]], images=np.zeros((1, 1, 2, 3), np.uint8))
    for colormap, ends in (("magma", table), ("coldhot", table), ("rdbu", color_table("rdbu"))):
        assert_array_equal(e.overlay(colormap, alpha=1, sign="signed")[0, 0, 0], ends[[0, 255]])


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ({"colormap": "virdis"}, "colormap='virdis' is not known"),
        ({"alpha": 2}, "outside its range 0 to 1"),
        ({"sign": "plus"}, "Choose one of 'auto', 'positive'"),
        ({"clip": 0.99}, "clip=0.99 must be a percentile from 50 to 100"),
        ({"photo": "grey"}, "Choose one of 'gray', 'colour'"),
        ({"style": "line"}, "Choose one of 'fill', 'contours'"),
        ({"scale": "row"}, "Choose one of 'map'"),
    ],
)
def test_wrong_looks(look, said):
    with pytest.raises(ParameterError, match=said):
        explanation(MAPS).overlay(**look)
    with pytest.raises(ParameterError, match="must be"):
        explanation(MAPS).heatmaps(size="big")


def test_saved_and_loaded_it_is_the_same(tmp_path):
    e = explanation(MAPS)
    e.save(tmp_path / "e.npz")
    again = Explanation.load(tmp_path / "e.npz")
    for name in ("maps", "scores", "probabilities", "targets", "images"):
        assert_array_equal(getattr(e, name), getattr(again, name))
    for name in ("target_names", "method", "layer", "params", "signed", "seconds", "versions", "display"):
        assert getattr(e, name) == getattr(again, name)
    assert_array_equal(again.checks["gap"], e.checks["gap"])


def test_a_file_of_an_earlier_version_is_drawn_as_its_maps_suggest(tmp_path):
    explanation(MAPS).save(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz") as data:
        arrays = {name: data[name] for name in data.files}
    facts = json.loads(str(arrays["meta"]))
    damaged = facts | {"display": {"clip": 7}}
    del facts["display"]
    for name, meta in (("earlier", facts), ("damaged", damaged)):
        np.savez(tmp_path / f"{name}.npz", **{**arrays, "meta": np.array(json.dumps(meta))})
    assert Explanation.load(tmp_path / "earlier.npz").display == Display()
    with pytest.raises(FormatError, match="is not an explanation saved as"):
        Explanation.load(tmp_path / "damaged.npz")


def test_pictures_and_pages(tmp_path):
    e = explanation(MAPS)
    e.save(tmp_path / "e.png")
    assert_array_equal(np.asarray(Image.open(tmp_path / "e.png"))[:8, 8:16], e.overlay()[0, 1])
    e.save(tmp_path / "e.html")
    page = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "<b>" not in page
    assert "&lt;b&gt;0&lt;/b&gt; · 50.0 %" in page
    axes = e.plot(colormap="magma").axes
    assert len(axes) == 4
    assert axes[0].get_title() == "<b>0</b> · 50.0 %"
    with pytest.raises(KxError, match=r"must end in \.npz"):
        e.save(tmp_path / "e.tiff")
    for wrong in ("e.png", "none.npz"):
        with pytest.raises(KxError, match="is not an explanation saved"):
            Explanation.load(tmp_path / wrong)


def test_fixture_shared_with_the_front_end():
    """The same cases are asked of `js/src/math/postprocess.ts`."""
    for case in json.loads(FIXTURE.read_text(encoding="utf-8")):
        maps = np.asarray(case["maps"], np.float32)
        display = Display(**case["display"])
        found = apply_sign(maps, display.sign) if case["signed"] else maps
        found = np.clip(resize(apply_scale(found, case["scale"], [display] * 2), tuple(case["size"])), -1, 1)
        assert_allclose(found, np.asarray(case["expected"], np.float32), atol=1e-6)


def test_it_is_written_in_one_line():
    assert repr(explanation(MAPS)) == (
        "Explanation(maps=(2, 2, 2, 2), images=(2, 8, 8, 3), method='gradcam', layer='late', "
        "targets=['<b>0</b>', '<b>1</b>'])"
    )
    many = replace(explanation(MAPS), target_names=(("a", "b"), ("c", "d")))
    assert repr(many).endswith("targets=['a', 'b', 'c', …])")


def test_what_is_not_finished_says_so_wherever_it_is_kept(tmp_path):
    whole = explanation(MAPS, images=np.full((2, 64, 64, 3), 100, np.uint8))
    assert whole.progress == 1
    maps = whole.maps.copy()
    maps[1, 1] = np.nan
    names = (whole.target_names[0], (whole.target_names[1][0], ""))
    e = replace(whole, maps=maps, target_names=names, done=np.float32([[1, 0.032], [0.002, 0]]))
    assert e.progress == pytest.approx(1.034 / 4)
    assert [e.caption(*at).split(" · ")[-1] for at in np.ndindex(2, 2)] == [
        "50.0 %", "50.0 % (partial 3 %)", "50.0 % (partial <1 %)", "not computed",
    ]  # fmt: skip
    assert repr(e).endswith("targets=['<b>0</b>', '<b>1</b>'], partial 25 %)")
    assert "0.50 s, partial 25 %" in e._repr_html_()
    drawn, same = e.pictures(), whole.pictures()
    assert [bool((drawn[at] != e.overlay()[at]).any()) for at in np.ndindex(2, 2)] == [False, True, True, True]
    assert_array_equal(drawn[0, 0], same[0, 0])
    e.save(tmp_path / "e.npz")
    again = Explanation.load(tmp_path / "e.npz")
    assert_array_equal(again.done, e.done)
    assert again.progress == e.progress
    whole.save(tmp_path / "e.npz")
    assert Explanation.load(tmp_path / "e.npz").done is None


@pytest.mark.parametrize("ending", ["npz", "png", "html"])
def test_a_failed_save_leaves_the_good_file(tmp_path, monkeypatch, ending):
    path = tmp_path / f"e.{ending}"
    explanation(MAPS).save(path)
    before = path.read_bytes()

    def full(file, *_, **__):
        if hasattr(file, "write"):
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        explanation(np.add(MAPS, 1)).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "e.npz").symlink_to(tmp_path / "folder" / "target.npz")
    explanation(MAPS).save(tmp_path / "e.npz")
    assert (tmp_path / "e.npz").is_symlink()
    assert_array_equal(Explanation.load(tmp_path / "folder" / "target.npz").maps, np.float32(MAPS))


def test_save_copies_no_array(tmp_path, monkeypatch):
    written = {}
    monkeypatch.setattr("kx_widget.engine.explanation.write_arrays", lambda _, arrays, facts: written.update(arrays))
    e = explanation(MAPS)
    e.save(tmp_path / "e.npz")
    assert all(written[name] is getattr(e, name) for name in ("maps", "scores", "probabilities", "targets", "images"))
    assert written["check_gap"] is e.checks["gap"]


def test_numbers_of_numpy_can_be_written(tmp_path):
    params = {"noise": np.float32(0.5), "steps": np.int64(3), "scales": np.array([1, 2]), "fn": explanation}
    replace(explanation(MAPS), params=params).save(tmp_path / "e.npz")
    params = Explanation.load(tmp_path / "e.npz").params
    assert {name: params[name] for name in ("noise", "steps", "scales")} == {"noise": 0.5, "steps": 3, "scales": [1, 2]}


def test_a_file_with_damaged_arrays_is_no_explanation(tmp_path):
    path = tmp_path / "e.npz"
    explanation(MAPS).save(path)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("maps.npy")
    data = bytearray(path.read_bytes())
    header = data[entry.header_offset : entry.header_offset + 30]
    start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(FormatError, match="is not an explanation saved as"):
        Explanation.load(path)


def test_a_file_is_flushed_through_a_handle_that_may_write(tmp_path, monkeypatch):
    fcntl, modes = pytest.importorskip("fcntl"), []
    monkeypatch.setattr(files.os, "fsync", lambda number: modes.append(fcntl.fcntl(number, fcntl.F_GETFL)))
    files.write_whole(tmp_path / "e.txt", b"e")
    assert [mode & os.O_ACCMODE for mode in modes] == [os.O_RDWR]


def test_an_empty_file_is_no_explanation(tmp_path):
    (tmp_path / "e.npz").write_bytes(b"")
    with pytest.raises(FormatError, match="is not an explanation saved as"):
        Explanation.load(tmp_path / "e.npz")
    with pytest.raises(FormatError, match="None is not a path"):
        Explanation.load(None)


def test_it_is_equal_to_itself_alone():
    e = explanation(MAPS)
    assert e == e
    assert e != explanation(MAPS)
    assert len({e, e, explanation(MAPS)}) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.caption(2, 0), "There is no image 2: this explanation has 0 to 1"),
        (lambda e: e.caption("x", 0), "There is no image 'x'"),
        (lambda e: e.notes_of(0, 2), "There is no target 2: this explanation has 0 to 1"),
        (lambda e: e.overlay(alpha="0.5"), "alpha='0.5' must be a number"),
        (lambda e: e.overlay(alpha=[0.5, 1]), r"alpha=\[0.5, 1\] must be a number"),
        (lambda e: e.overlay(alpha=1.5), "alpha=1.5 is outside its range 0 to 1"),
        (lambda e: e.plot(alpha=None), "alpha=None must be a number"),
        (lambda e: e.heatmaps(sign=np.array(["positive"])), "is not a choice"),
        (lambda e: e.overlay(scale=np.arange(3)), "is not a choice"),
        (lambda e: e.overlay(colormap=["viridis"] * 3000), "is not known"),
    ],
)
def test_junk_is_told(call, message):
    with pytest.raises(ParameterError, match=message):
        call(explanation(MAPS))
