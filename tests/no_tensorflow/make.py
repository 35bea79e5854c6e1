"""What a machine with TensorFlow leaves to one without it: `python -m tests.no_tensorflow.make FOLDER`."""

import sys
from pathlib import Path

from PIL import Image

import kx_widget as kx

IMAGES, TARGETS = 5, ["top", "top-2"]


def make(folder: Path) -> None:
    """Scenes, a model, what it answers about them as a store and in files, and how far that can be believed."""
    model, images, class_names, _ = kx.samples.load()
    photos = folder / "photos"
    photos.mkdir(parents=True)
    paths = [photos / f"{number}.png" for number in range(IMAGES)]
    for image, path in zip(images, paths, strict=False):
        Image.fromarray(image).save(path)
    model.save(folder / "model.keras")
    explainer = kx.Explainer(model, class_names=class_names)
    store = explainer.explain_to(folder / "maps.parquet", photos, TARGETS, embeddings=True, channel_relevance=True)
    explainer.evaluate_store(store, ["sparseness", "srg"], path=folder / "maps.evaluation")
    explanation = explainer.explain(paths, TARGETS)
    explanation.save(folder / "maps.npz")
    explainer.evaluate(explanation, ["sparseness", "srg"]).save(folder / "evaluation.npz")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
