"""What README.md and docs speak of: a folder of photographs and models, and the names of their code blocks."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from PIL import Image

import kx_widget as kx
from tests import detectors, dual_encoders, models, segmenters

DATA = Path(kx.samples.__file__).parent / "data"
# Each scene shows one thing, in the folder of its name; a cat among the coins is a mistake to be found.
SCENES, SEED = 8, 11
WIDE = (224, 160)


def folder(where: Path) -> Path:
    """A folder with a saved model, photographs in folders by their class, and some single ones."""
    class_names = kx.samples.load().class_names
    images, labels, _ = kx.samples.scenes(SCENES, 1, seed=SEED)
    for number, (image, label) in enumerate(zip(images, labels.argmax(1), strict=True)):
        path = where / "photos" / class_names[label] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    of_cats = sorted((where / "photos/cat").glob("*.png"))
    (where / "photos/coin").mkdir(exist_ok=True)
    shutil.move(of_cats[0], where / "photos/coin")
    for number, name in enumerate(("new", "cat", "owl")):
        Image.fromarray(images[number]).save(where / f"{name}.jpg")
    large = np.random.default_rng(0).integers(0, 256, (560, 640, 3), np.uint8)
    for name in ("scene", "scene_6000_by_4000"):
        Image.fromarray(large).save(where / f"{name}.tif")
    (where / "classes.txt").write_text("\n".join(class_names), encoding="utf-8")
    shutil.copy(DATA / "scenes.keras", where / "model.keras")
    shutil.copy(DATA / "segmenter.keras", where / "segmenter.keras")
    return where


@cache
def sample_names() -> dict[str, Any]:
    """The sample network and its scenes, under the names that pages use."""
    model, images, class_names, masks = kx.samples.load()
    scenes = [image for image, mask in zip(images, masks, strict=True) if mask is not None][:4]
    labels = [int(mask.any((1, 2)).argmax()) for mask in masks if mask is not None][:4]
    x = kx.Explainer(model, class_names=class_names)
    halves = np.zeros((2, 128, 128), bool)
    halves[0, :64] = halves[1, 64:] = True
    return {
        "kx": kx, "np": np, "model": model, "images": scenes, "class_names": class_names, "masks": halves,
        "labels": labels, "x": x, "photos": scenes, "others": scenes[::-1],
    }  # fmt: skip


def pooled(image: Any, outputs: int, filters: int = 8) -> Any:
    """What a layer with a map and a pool make of an image."""
    x = layers.Conv2D(filters, 3, strides=2, activation="relu")(image)
    return layers.Dense(outputs)(layers.GlobalAveragePooling2D()(x))


def places() -> dict[str, Any]:
    """Pictures of 224 × 160 in 0..1, and models that have scores for their places."""
    names = sample_names()
    pictures = [np.array(Image.fromarray(image).resize(WIDE), np.float32) / 255 for image in names["images"]]
    segmenter = segmenters.unet(classes=3)
    both = keras.Input((512, 512, 3))
    grid = layers.Conv2D(8, 32, strides=32, activation="relu")(both)
    boxes, scores = (layers.Reshape((-1, n))(layers.Conv2D(n, 1)(grid)) for n in (4, 3))
    points = keras.Input((64, 64, 3))
    spread = keras.Model(points, {"points": pooled(points, 6)})
    mask = np.zeros(WIDE[::-1], bool)
    mask[40:120, 60:160] = True
    return names | {
        "images": pictures, "segmenter": segmenter, "mask": mask, "task": detectors.calm_retinanet(),
        "keypoints": spread, "regression": regression(),
        "detector": keras.Model(both, {"boxes": keras.ops.sigmoid(boxes), "scores": scores}),
    }  # fmt: skip


def regression() -> Any:
    """Two values of a picture."""
    image = keras.Input((64, 64, 3))
    return keras.Model(image, pooled(image, 2))


def bands() -> dict[str, Any]:
    """Images of four bands, pairs of pictures, a picture with a number beside it, and large pictures."""
    names = sample_names()
    rng = np.random.default_rng(0)
    image, beside, age = keras.Input((32, 32, 4)), keras.Input((32, 32, 4), name="image"), keras.Input((1,), name="age")
    joined = keras.Model([beside, age], layers.Dense(3)(layers.Concatenate()([pooled(beside, 6), age])))
    pair = [keras.Input((32, 32, 3), name=name) for name in ("left", "right")]
    tower = models.tower(32)
    siamese = keras.Model(pair, layers.Dot(1, normalize=True)([tower(side) for side in pair]))
    free = keras.Input((None, None, 3))
    images = rng.integers(0, 4096, (2, 32, 32, 4), np.uint16)
    ages = np.array([[30.0], [60.0]], np.float32)
    left, right = rng.random((2, 2, 32, 32, 3), np.float32)
    return names | {
        "model": keras.Model(image, pooled(image, 3)), "images": images, "joined": joined, "ages": ages,
        "dataset": [({"image": images, "age": ages}, np.zeros(2, int))],
        "siamese": siamese, "left": left, "right": right, "free": keras.Model(free, pooled(free, 3)),
    }  # fmt: skip


def embeddings() -> dict[str, Any]:
    """A model that tells embeddings, and one that compares two pictures."""
    image = keras.Input((128, 128, 3))
    return bands() | sample_names() | {"net": keras.Model(image, pooled(image, 12))}


def widget() -> dict[str, Any]:
    """A widget of some samples."""
    names = sample_names()
    return names | {"w": kx.KxWidget(names["x"], names["images"][:2])}


def readme() -> dict[str, Any]:
    """All of these, under other names."""
    beside, of_places = bands(), places()
    return sample_names() | {
        "segmenter": of_places["segmenter"], "retinanet": of_places["task"], "regression": of_places["regression"],
        "network": beside["joined"], "bands": beside["images"], "ages": beside["ages"],
        "tuned": kx.samples.load_shortcut()[0],
        "clip": dual_encoders.clip(), "preprocessor": dual_encoders.clip_preprocessor(),
    }  # fmt: skip


# Of pages whose blocks speak of more than the samples.
NAMES: dict[str, Callable[[], dict[str, Any]]] = {
    "README.md": readme,
    "docs/images.md": bands,
    "docs/references.md": embeddings,
    "docs/regions.md": places,
    "docs/troubleshooting.md": widget,
}
