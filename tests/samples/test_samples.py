"""The shipped samples are small, credited, well predicted, and explanations point at the right object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kx_widget as kx
from kx_widget import samples
from kx_widget.samples.assets import PHOTOGRAPHS
from kx_widget.samples.backgrounds import BACKGROUNDS
from kx_widget.samples.outlines import OUTLINES
from kx_widget.samples.train import HELD_OUT_SEED, TRAINING_SEEDS

FOLDER = Path(samples.__file__).parent


@pytest.fixture(scope="module")
def loaded() -> samples.Samples:
    return samples.load()


def test_folder_is_at_most_four_megabytes():
    files = [p for p in FOLDER.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert sum(p.stat().st_size for p in files) <= 4_000_000


def test_import_and_scenes_leave_tensorflow_alone():
    code = (
        "import sys; from kx_widget import samples; samples.scenes(1); "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'skimage')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_source_is_credited():
    rows = [line.split("|") for line in (FOLDER / "README.md").read_text("utf-8").splitlines() if line[:3] == "| `"]
    credits = {row[1].strip().strip("`"): [cell.strip() for cell in row[2:-1]] for row in rows}
    sources = {o.source for o in OUTLINES.values()} | {b.source for b in BACKGROUNDS.values()}
    sources |= {"coins.png", "horse.png", *PHOTOGRAPHS.values()}
    assert set(credits) == sources
    for what, use, author, licence, page in credits.values():
        assert all((what, use, author, page))
        assert any(kind in licence for kind in ("CC0", "public domain", "no known copyright restrictions"))


def test_every_shipped_picture_has_a_credited_source():
    facts = json.loads((FOLDER / "data" / "assets.json").read_text())
    assert set(facts["cutouts"]) == {*OUTLINES, "coin", "horse"}
    listed = {file for files in facts["cutouts"].values() for file in files} | set(facts["backgrounds"])
    listed |= {f"photographs/{name}.jpg" for name in PHOTOGRAPHS}
    assert {p.stem for p in (FOLDER / "data" / "backgrounds").iterdir()} == {n.replace(" ", "-") for n in BACKGROUNDS}
    assert {str(p.relative_to(FOLDER / "data").as_posix()) for p in (FOLDER / "data").glob("*/*")} == listed


def test_load_returns_aligned_pictures_and_masks(loaded: samples.Samples):
    model, images, class_names, masks = loaded
    assert 6 <= len(class_names) <= 10
    assert model.input_shape == (None, 128, 128, 3)
    assert model.output_shape == (None, len(class_names))
    assert all(weight.dtype == "float32" for weight in model.weights)
    assert len(images) == len(masks)
    assert all(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 for image in images)
    shown = [(image, mask) for image, mask in zip(images, masks, strict=True) if mask is not None]
    assert {int(mask.any((1, 2)).sum()) for _, mask in shown} == {2, 3}
    for image, mask in shown:
        assert image.shape == (128, 128, 3)
        assert mask.dtype == bool
        assert mask.shape == (len(class_names), 128, 128)
    photographs = [image for image, mask in zip(images, masks, strict=True) if mask is None]
    assert len(photographs) == len(PHOTOGRAPHS)
    assert all(128 < max(image.shape[:2]) <= 512 for image in photographs)
    assert len({image.shape for image in photographs}) > 1


def test_shown_scenes_are_predicted_right(loaded: samples.Samples):
    pairs = [(image, mask) for image, mask in zip(loaded.images, loaded.masks, strict=True) if mask is not None]
    probabilities = loaded.model.predict(np.stack([image for image, _ in pairs]), verbose=0)
    np.testing.assert_array_equal(probabilities > 0.5, [mask.any((1, 2)) for _, mask in pairs])


def test_a_scene_depends_on_its_seed_and_index_alone():
    images, labels, masks = samples.scenes(4, (0, 1, 2, 3), seed=5)
    again = samples.scenes(2, (0, 1, 2, 3), seed=5)
    np.testing.assert_array_equal(images[:2], again[0])
    np.testing.assert_array_equal(masks[:2], again[2])
    assert not np.array_equal(images, samples.scenes(4, (0, 1, 2, 3), seed=6)[0])
    np.testing.assert_array_equal(labels, masks.any((2, 3)))


@pytest.mark.parametrize("objects", [0, 1, 2, 3])
def test_a_scene_shows_as_many_objects_as_asked(objects: int):
    _, labels, masks = samples.scenes(5, objects, seed=9)
    assert (labels.sum(1) == objects).all()
    assert (masks.sum(1) <= 1).all(), "a pixel shows one object"
    assert (masks.sum((2, 3))[labels] >= 90).all()


@pytest.mark.parametrize("objects", [-1, 99, ()])
def test_an_impossible_number_of_objects_is_refused(objects: int | tuple[int, ...]):
    with pytest.raises(ValueError, match="from 0 to 8"):
        samples.scenes(1, objects)


def test_held_out_scenes_are_predicted_exactly(loaded: samples.Samples):
    assert not {HELD_OUT_SEED, HELD_OUT_SEED + 1} & set(TRAINING_SEEDS)
    images, labels, _ = samples.scenes(400, (0, 1, 2, 3), HELD_OUT_SEED)
    exact = ((loaded.model.predict(images, verbose=0) > 0.5) == labels).all(1)
    assert exact.mean() >= 0.95


def test_gradcam_peaks_on_the_object_it_explains(loaded: samples.Samples):
    images, labels, masks = samples.scenes(200, 2, HELD_OUT_SEED + 1)
    targets = np.nonzero(labels)[1].reshape(200, 2)
    maps = kx.explain(loaded.model, images, targets, method="gradcam").maps
    height, width = maps.shape[2:]
    rows, columns = np.unravel_index(maps.reshape(200, 2, -1).argmax(-1), (height, width))
    y, x = ((rows + 0.5) * 128 / height).astype(int), ((columns + 0.5) * 128 / width).astype(int)
    inside = masks[np.arange(200)[:, None], targets, y, x]
    assert inside.shape == (200, 2)
    assert (inside.mean(0) >= 0.95).all()
