"""`kx explain --region` of a segmenter, and pages of it."""

import numpy as np
import pytest
from PIL import Image

import kx_widget as kx
from tests import models, segmenters
from tests.widget.saved import read_page


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "unet.keras"
    segmenters.unet().save(path)
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    pixels = (255 * segmenters.photographs(1, 128)[0, :96]).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "one.png")
    return folder / "one.png"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("whole", kx.region("whole")),
        ("pixel=40,20", kx.region(pixel=(40, 20))),
        ("box=10,5,90,60", kx.region(box=(10, 5, 90, 60))),
        ("object=100,80", kx.region(object_at=(100, 80))),
    ],
)
def test_maps_are_about_the_region(kx_command, model, photo, tmp_path, text, region):
    store, page = tmp_path / "maps.parquet", tmp_path / "page.html"
    asked = ("explain", model, photo, "--region", text, "--out", store, "--preprocess", "none", "--quiet")
    assert kx_command(*asked)[0] == 0
    kept = kx.Store(store)
    want = kx.Explainer(segmenters.unet(), preprocess=None).explain(str(photo), region=region)
    np.testing.assert_allclose(kept.maps([0])[0], want.maps[0, 0], rtol=1e-4, atol=1e-7)
    assert kx_command("show", store, "--out", page)[0] == 0
    _, header, _ = read_page(page)
    (answer,) = header["answers"]
    assert answer["asked"]["regions"] == {"others": region.as_plain()}
    assert answer["items"][0]["region"]["words"] == str(region)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pixel=40", "is no pixel"),
        ("pixel=a,b", "is none of wins, whole"),
        ("box=9,9,1,1", "is empty"),
        ("everywhere", "is none of wins, whole"),
        ("", "is none of wins, whole"),
    ],
)
def test_what_is_no_region_is_refused(kx_command, model, photo, tmp_path, text, reason):
    code, _, err = kx_command("explain", model, photo, "--region", text, "--out", tmp_path / "maps.parquet")
    assert (code, reason in err) == (1, True)


def test_a_region_outside_is_noted(kx_command, model, photo, tmp_path):
    store = tmp_path / "maps.parquet"
    asked = ("explain", model, photo, "--region", "pixel=500,3", "--out", store, "--preprocess", "none", "--quiet")
    code, out, _ = kx_command(*asked)
    assert (code, "1 of 1 map are empty" in out) == (0, True)


def test_a_model_of_one_score_a_class_has_no_regions(kx_command, photo, tmp_path):
    path = tmp_path / "model.keras"
    models.residual().save(path)
    code, _, err = kx_command("explain", path, photo, "--region", "whole", "--out", tmp_path / "maps.parquet")
    assert (code, "region= has nothing to choose" in err) == (1, True)
