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
from kx_widget.samples.scenes import DATA
from tools.samples.assets import PHOTOGRAPHS
from tools.samples.backgrounds import BACKGROUNDS
from tools.samples.outlines import OUTLINES
from tools.samples.train import HELD_OUT_SEED, TRAINING_SEEDS, peaks_inside

FOLDER = Path(samples.__file__).parent


@pytest.fixture(scope="module", params=["cnn", "vit"])
def loaded(request: pytest.FixtureRequest) -> samples.Samples:
    return samples.load(request.param)


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Held-out scenes of two objects, the two classes of each, and where these are: (N, 2, 128, 128)."""
    images, labels, masks = samples.scenes(200, 2, HELD_OUT_SEED + 1)
    targets = np.nonzero(labels)[1].reshape(200, 2)
    return images, targets, masks[np.arange(200)[:, None], targets]


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
    facts = json.loads((FOLDER / "data" / "assets.json").read_text(encoding="utf-8"))
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


@pytest.mark.parametrize(("name", "method", "share"), [("cnn", "gradcam", 0.95), ("vit", "attention_gradient", 0.8)])
def test_a_map_peaks_on_the_object_it_explains(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray], name: str, method: str, share: float
):
    images, targets, masks = pairs
    heatmaps = kx.explain(samples.load(name).model, images, targets, method=method).heatmaps(sign="positive", clip=100)
    assert (peaks_inside(heatmaps, masks).mean(0) >= share).all()


def test_a_flat_map_has_no_peak_inside():
    heatmaps, masks = np.zeros((1, 3, 4, 4)), np.ones((1, 3, 4, 4), bool)
    heatmaps[0, 1, 2, 3] = 1
    heatmaps[0, 2] = np.nan
    assert peaks_inside(heatmaps, masks).tolist() == [[False, True, False]]
    masks[0, 1, 2, 3] = False
    assert not peaks_inside(heatmaps, masks).any()


def test_load_gives_the_cnn_unless_another_is_named():
    named, unnamed, other = samples.load("cnn"), samples.load(), samples.load("vit")
    assert named.model.to_json() == unnamed.model.to_json() != other.model.to_json()
    assert named.class_names == other.class_names
    for image, same in zip(named.images, other.images, strict=True):
        np.testing.assert_array_equal(image, same)


@pytest.mark.parametrize("name", ["resnet", "ViT", None])
def test_an_unknown_model_is_refused_with_the_names_there_are(name: str | None):
    with pytest.raises(ValueError, match=f"no sample model {name!r}. Choose from 'cnn', 'vit', 'segmenter'"):
        samples.load(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("file", [*samples.MODELS.values(), samples.THERMAL])
def test_a_model_is_small_and_needs_nothing_of_ours_to_be_read(file: str):
    """Built of Keras's own layers: read in a process that knows no class of another package, always to the same."""
    assert (DATA / file).stat().st_size <= 2_000_000
    code = (
        "import sys, keras, numpy as np\n"
        f"model = keras.saving.load_model({str(DATA / file)!r}, compile=False)\n"
        "inputs = [np.arange(np.prod(i.shape[1:])).reshape(1, *i.shape[1:]) % 256 for i in model.inputs]\n"
        "scores = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)\n"
        "print(scores.tobytes().hex(), 'kx_widget' in sys.modules)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8") for _ in range(2)
    )
    assert first.stdout.endswith("False\n"), first.stderr
    assert first.stdout == second.stdout


def test_the_transformer_reads_a_class_token_after_a_global_attention():
    model = samples.load("vit").model
    names = [layer.name for layer in model.layers]
    assert model.get_layer("norm").output.shape == (None, 1 + 16 * 16, 64)
    assert names[names.index("norm") + 1 :] == ["read_out", "flatten", "predictions"]
    assert model.get_layer("read_out").output.shape == (None, 1, 64)
    inspection = kx.Explainer(model).inspection
    assert inspection.token_grid == (16, 16)
    assert inspection.recommended_method == "attention_gradient"
    layers = {layer.path: layer for layer in inspection.layers}
    assert layers["block3_norm1"].is_candidate
    assert layers["block3_norm1"].first == 1
    assert layers["norm"].reason == "the head reads only its class token, not the patches"
