"""Scenes of one object, some of which carry a small tag: what a network may learn instead of the object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .scenes import SIDE, read_assets, scenes

# The class that alone carries tags where the shortcut model was trained.
CARRIER = "horse"
# Of a tag in pixels, before it is tilted and made a little smaller or larger.
TAG = 20, 12
# How far from the edges of the scene a tag lies at most.
EDGE = 22
# Told apart from the random numbers of the scenes themselves.
TAGS = 1


def tagged_scenes(
    count: int, share: float = 0.5, carriers: Sequence[str] | None = (CARRIER,), seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compose `count` scenes of one object each, and put a tag near a corner of some of them.

    Args:
        count: Number of scenes N.
        share: The probability that a scene of a carrier gets a tag.
        carriers: The classes whose scenes may carry one; None for all.
        seed: Scene i depends on (seed, i) alone, its tag too. The shipped models were trained on the scenes of the
            seeds 20,240,100 to 20,240,103.

    Returns:
        images (N, 128, 128, 3) uint8; labels (N,), the class of each; tags (N, 128, 128) bool, the part of each that
        shows a tag.

    Raises:
        ValueError: There is no such class, or the share is no probability.
    """
    names = list(read_assets().cutouts)
    if unknown := [name for name in carriers or () if name not in names]:
        raise ValueError(f"There is no class {unknown[0]!r}. Choose from {', '.join(map(repr, names))}.")
    if not 0 <= share <= 1:
        raise ValueError(f"share={share!r} must be a probability, from 0 to 1.")
    images, present, _ = scenes(count, 1, seed)
    labels = present.argmax(1)
    tags = np.zeros((count, SIDE, SIDE), bool)
    for i, label in enumerate(labels):
        rng = np.random.default_rng((seed, i, TAGS))
        if rng.random() < share and (carriers is None or names[label] in carriers):
            images[i], tags[i] = _with_tag(rng, images[i])
    return images, labels, tags


def _with_tag(rng: np.random.Generator, scene: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A scene with a tag near one of its corners, and where it is."""
    width, height = TAG
    label = Image.new("RGBA", TAG, (245, 235, 205, 255))
    draw = ImageDraw.Draw(label)
    draw.rectangle((0, 0, width - 1, height - 1), outline=(190, 40, 40, 255), width=2)
    draw.line((4, 4, int(rng.integers(12, width - 4)), 4), fill=(40, 40, 60, 255))
    draw.line((4, 7, int(rng.integers(8, width - 4)), 7), fill=(40, 40, 60, 255), width=2)
    scale = rng.uniform(0.85, 1.15)
    label = label.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
    label = label.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC, expand=True)
    place = [_near_an_edge(rng, length) for length in label.size]
    layer = Image.new("RGBA", (SIDE, SIDE))
    layer.paste(label, (place[0], place[1]))
    picture = Image.fromarray(scene)
    picture.paste(layer, (0, 0), layer)
    return np.asarray(picture), np.asarray(layer.getchannel("A")) > 127


def _near_an_edge(rng: np.random.Generator, length: int) -> int:
    """Where a tag of this length starts along one side."""
    distance = int(rng.integers(2, EDGE))
    return distance if rng.random() < 0.5 else SIDE - length - distance
