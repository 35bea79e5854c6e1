"""Train the shipped CNN on composed scenes, and measure a model on scenes of another seed."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.samples.scenes import SIDE, scenes

if TYPE_CHECKING:
    import keras

TRAINING_SEEDS = range(20_240_000, 20_240_008)
HELD_OUT_SEED = 7
SCENES_PER_SEED = 1125
EPOCHS = 10
BATCH = 64
LEARNING_RATE = 3e-3
POINTING_WEIGHT = 0.03
CELLS = 32
# By class, what Keras 3.4 does not know and what is not used.
LATER_SETTINGS = {
    "InputLayer": ("optional",),
    "BatchNormalization": ("renorm", "renorm_momentum"),
    "MultiHeadAttention": ("use_gate",),
    "ZeroPadding1D": ("data_format",),
}


def network(classes: int, evidence: bool = False) -> keras.Model:
    """Build a residual CNN: uint8 RGB (128, 128, 3) -> features (32, 32, 64) -> a probability for each class.

    With `evidence`, for training only, the model also returns the evidence map of each class (32, 32, C), whose mean
    is the logit up to the bias.
    """
    import keras
    from keras import layers

    def convolution(x: Any, filters: int, size: int, stride: int, name: str) -> Any:
        x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
        return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)

    def block(x: Any, filters: int, stride: int, name: str) -> Any:
        # A stride of 2 takes a kernel of 4: one of 3 would move the map by half a cell against the picture.
        y = layers.ReLU(name=f"{name}_1_relu")(convolution(x, filters, 2 + stride, stride, f"{name}_1"))
        y = convolution(y, filters, 3, 1, f"{name}_2")
        if stride > 1:
            x = layers.AveragePooling2D(stride, name=f"{name}_0_pool")(x)
        if x.shape != y.shape:
            x = convolution(x, filters, 1, 1, f"{name}_0")
        return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))

    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)
    x = layers.ReLU(name="stem_relu")(convolution(x, 16, 4, 2, "stem"))
    x = layers.MaxPooling2D(name="stem_pool")(x)
    fine = block(x, 32, 1, "block1")
    x = block(fine, 64, 2, "block2")
    x = block(x, 64, 1, "block3")
    # What it is, from the coarse map, added to where exactly it is, from the fine one.
    x = layers.UpSampling2D(interpolation="bilinear", name="upsampling")(convolution(x, 64, 1, 1, "coarse"))
    x = layers.Add(name="merge_add")([x, convolution(fine, 64, 1, 1, "fine")])
    x = layers.ReLU(name="merge_out")(x)
    pooled = layers.GlobalAveragePooling2D(name="pool")(x)
    if evidence:
        classify = layers.Dense(classes, name="predictions")
        return keras.Model(image, [layers.Activation("sigmoid")(classify(pooled)), classify(x)])
    return keras.Model(image, layers.Dense(classes, activation="sigmoid", name="predictions")(pooled), name="scenes")


def pointing_loss(inside: Any, evidence: Any) -> Any:
    """How little of a present class's evidence, as a softmax over the cells, lies on its object.

    Without this term the network is as often right, but has a tenth of its peaks just beside the objects: on their
    outlines, between legs. To be a touchstone for explanations, it must look at what it names.

    Args:
        inside: (N, h, w, C) fraction of each cell that shows the object of the class.
        evidence: (N, h, w, C) evidence of each cell for the class.
    """
    from keras import ops

    cells = (-1, inside.shape[1] * inside.shape[2], inside.shape[3])
    inside, evidence = ops.reshape(inside, cells), ops.reshape(evidence, cells)
    missed = -ops.logsumexp(ops.log_softmax(evidence, axis=1) + ops.log(inside + 1e-6), axis=1)
    present = ops.cast(ops.any(inside > 0, axis=1), "float32")
    return ops.sum(missed * present) / ops.maximum(ops.sum(present), 1.0)


def _training_scenes(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and, as (N, 32, 32, C), the percentage of each cell that shows the object."""
    images, labels, masks = scenes(SCENES_PER_SEED, (0, 1, 2, 3, 3), seed)
    cells = masks.reshape(*masks.shape[:2], CELLS, SIDE // CELLS, CELLS, SIDE // CELLS).mean((3, 5), np.float32)
    return images, labels, np.round(100 * cells.transpose(0, 2, 3, 1)).astype(np.uint8)


def training_set() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scenes of `TRAINING_SEEDS`, as `_training_scenes` gives them."""
    images, labels, inside = composed(_training_scenes, TRAINING_SEEDS)
    return images, labels, inside


def composed(scenes_of: Callable[[int], tuple[np.ndarray, ...]], seeds: Sequence[int]) -> list[np.ndarray]:
    """The arrays that `scenes_of` gives for each of the seeds, one after the other, made on two cores."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        arrays = [np.concatenate(parts) for parts in zip(*pool.map(scenes_of, seeds), strict=True)]
    # What trains on them imports TensorFlow next.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return arrays


def train(path: Path, verbose: int = 2) -> None:
    """Train on the scenes of `TRAINING_SEEDS` and save the model at `path`."""
    images, labels, inside = training_set()
    import keras

    def batch(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        x, cells = mirrored(rng, images[chosen], inside[chosen])
        return x, (labels[chosen].astype(np.float32), cells.astype(np.float32) / 100)

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    model = network(labels.shape[1], evidence=True)
    data = batches(len(images), batch)
    model.compile(
        keras.optimizers.AdamW(warmed_up(LEARNING_RATE, len(data), EPOCHS), weight_decay=0.02),
        ["binary_crossentropy", pointing_loss],
        loss_weights=[1.0, POINTING_WEIGHT],
    )
    model.fit(data, epochs=EPOCHS, verbose=verbose)
    ship(model, network(labels.shape[1]), path)


def warmed_up(rate: float, steps: int, epochs: int) -> keras.optimizers.schedules.CosineDecay:
    """A learning rate that rises in the first epoch of so many steps, and then falls along a cosine."""
    import keras

    return keras.optimizers.schedules.CosineDecay(rate / 10, steps * epochs, warmup_target=rate, warmup_steps=steps)


def ship(trained: keras.Model, shipped: keras.Model, path: Path) -> None:
    """Save the weights of a network in its like that was never compiled, and so has no optimizer to be saved."""
    shipped.set_weights(trained.get_weights())
    shipped.save(path)
    make_portable(path)


def convolved(x: Any, filters: int, stride: int, name: str) -> Any:
    """A convolution with what makes it learn, and a ReLU."""
    from keras import layers

    # A stride of 2 takes a kernel of 4: one of 3 would move the map by half a cell against the picture.
    x = layers.Conv2D(filters, 2 + stride, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def mirrored(rng: np.random.Generator, *pictures: np.ndarray) -> tuple[np.ndarray, ...]:
    """Half of the pictures (B, H, W, …), the same ones of each array, turned left to right in place."""
    turned = rng.random(len(pictures[0])) < 0.5
    for picture in pictures:
        picture[turned] = picture[turned, :, ::-1]
    return pictures


def batches(count: int, batch: Callable[[np.random.Generator, np.ndarray], tuple[Any, Any]]) -> keras.utils.PyDataset:
    """Batches of `count` scenes in a new order each epoch; `batch(rng, chosen)` gives inputs and answers."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(TRAINING_SEEDS[0])
            self.on_epoch_end()

        def __len__(self):
            return -(-count // BATCH)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return batch(self.rng, self.order[index * BATCH : (index + 1) * BATCH])

        def on_epoch_end(self):
            self.order = self.rng.permutation(count)

    return Batches()


def make_portable(path: Path) -> None:
    """Rewrite a saved model without unused settings that Keras 3.4 does not know."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = json.dumps(_pruned(json.loads(parts["config.json"]))).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _pruned(config: Any, later: tuple[str, ...] = ()) -> Any:
    if isinstance(config, dict):
        below = LATER_SETTINGS.get(str(config.get("class_name")), ())
        return {key: _pruned(value, below) for key, value in config.items() if value is not None and key not in later}
    return [_pruned(value) for value in config] if isinstance(config, list) else config


def measure(model: keras.Model, method: str, count: int = 500, seed: int = HELD_OUT_SEED) -> dict[str, float]:
    """Exact match over zero to three objects, and how often a method's peak lies on the object explained.

    Args:
        model: Takes scenes and gives a probability for each class.
        method: Id of the method whose maps are looked at, at the layer recommended.
        count: Number of scenes for each of the two.
        seed: Seed of the scenes without a fixed number of objects; `seed + 1` is that of those with two.
    """
    from kx_widget import explain

    images, labels, _ = scenes(count, (0, 1, 2, 3), seed)
    exact = (model.predict(images, verbose=0) > 0.5) == labels
    images, labels, masks = scenes(count, 2, seed + 1)
    targets = np.nonzero(labels)[1].reshape(count, 2)
    heatmaps = explain(model, images, targets, method=method).heatmaps(sign="positive", clip=100)
    inside = peaks_inside(heatmaps, masks[np.arange(count)[:, None], targets]).mean(0)
    return {
        "exact match": float(exact.all(1).mean()),
        f"peak of {method} on the first object": float(inside[0]),
        f"peak of {method} on the second object": float(inside[1]),
    }


def peaks_inside(heatmaps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Whether the highest value of each map lies on its object.

    Args:
        heatmaps: (N, T, H, W).
        masks: bool (N, T, H, W).

    Returns:
        bool (N, T); False where a map is flat or not a number, and so has no peak.
    """
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    hit = np.take_along_axis(masks.reshape(flat.shape), flat.argmax(-1)[..., None], -1)[..., 0]
    return hit & (np.ptp(flat, axis=-1) > 0)
