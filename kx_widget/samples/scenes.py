"""Scenes with known contents: the shipped cut-outs pasted on the shipped backgrounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter, ImageOps

DATA = Path(__file__).parent / "data"
SIDE = 128
# A class needs this much of its object in sight to count as present.
LEAST_PIXELS = 90
LEAST_VISIBLE = 0.6
# The square root of an object's area, in pixels of the scene.
SMALLEST, LARGEST = 28.0, 92.0
MARGIN = 2
METALS = ((1.0, 1.0, 1.0), (1.15, 0.95, 0.55), (1.12, 0.78, 0.58))


class Assets(NamedTuple):
    """Cut-outs by class name, backgrounds with their tints, and the classes that stand on the lower edge."""

    cutouts: dict[str, list[Image.Image]]
    backgrounds: list[tuple[Image.Image, list[list[float]]]]
    grounded: frozenset[str]


def read_assets() -> Assets:
    """Read the shipped pictures; classes come in alphabetical order."""
    facts = json.loads((DATA / "assets.json").read_text(encoding="utf-8"))
    cutouts = {name: [_opened(file) for file in files] for name, files in facts["cutouts"].items()}
    backgrounds = [(_opened(file), tints) for file, tints in facts["backgrounds"].items()]
    return Assets(cutouts, backgrounds, frozenset(facts["grounded"]))


def scenes(count: int, objects: int | Sequence[int] = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compose `count` scenes of different objects at random places, sizes, tilts, flips and lights.

    Args:
        count: Number of scenes N.
        objects: How many objects a scene shows, or the numbers to draw from, e.g. ``(0, 1, 2, 3)``.
        seed: Scene i depends on (seed, i) alone. The shipped models were trained on the scenes of the seeds
            20,240,000 to 20,240,007, and have seen those of no other.

    Returns:
        images (N, 128, 128, 3) uint8; labels (N, C) bool; masks (N, C, 128, 128) bool, the part of each
        object that is in sight.
    """
    assets = read_assets()
    choices = [objects] if isinstance(objects, int) else list(objects)
    if not choices or min(choices) < 0 or max(choices) > len(assets.cutouts):
        raise ValueError(f"objects={objects!r}: pass numbers from 0 to {len(assets.cutouts)}, the number of classes.")
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    masks = np.zeros((count, len(assets.cutouts), SIDE, SIDE), bool)
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        images[i], masks[i] = _scene(rng, int(rng.choice(choices)), assets)
    labels: np.ndarray = np.any(masks, (2, 3))
    return images, labels, masks


def _scene(rng: np.random.Generator, number: int, assets: Assets) -> tuple[np.ndarray, np.ndarray]:
    names = list(assets.cutouts)
    while True:
        canvas = _background(rng, assets)
        masks = np.zeros((len(names), SIDE, SIDE), bool)
        whole = np.zeros(len(names))
        chosen = rng.choice(len(names), number, replace=False)
        for c in chosen:
            variants = assets.cutouts[names[c]]
            cutout = _sized(rng, variants[rng.integers(len(variants))], crowd=number)
            cutout = _lit(rng, cutout, METALS if names[c] == "coin" else METALS[:1])
            layer = _placed(rng, cutout, names[c] in assets.grounded)
            canvas = _pasted(rng, canvas, layer)
            seen = np.asarray(layer.getchannel("A")) > 127
            masks[:, seen] = False
            masks[c] = seen
            whole[c] = seen.sum()
        visible = masks.sum((1, 2))[chosen]
        if np.all(visible >= np.maximum(LEAST_PIXELS, LEAST_VISIBLE * whole[chosen])):
            break
    image = np.asarray(canvas, np.float32) * np.float32(rng.uniform(0.8, 1.15)) + np.float32(rng.uniform(-12, 12))
    image += rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, 5))
    return np.clip(image, 0, 255).astype(np.uint8), masks


def _background(rng: np.random.Generator, assets: Assets) -> Image.Image:
    picture, tints = assets.backgrounds[rng.integers(len(assets.backgrounds))]
    side = rng.uniform(0.45, 1.0) * min(picture.size)
    left, top = rng.uniform(0, picture.width - side), rng.uniform(0, picture.height - side)
    square = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    if rng.random() < 0.5:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if not tints:
        return square
    tint = np.array(tints[rng.integers(len(tints))])
    return Image.fromarray(np.clip(np.asarray(square, np.float32)[..., None] * tint, 0, 255).astype(np.uint8))


def _sized(rng: np.random.Generator, cutout: Image.Image, crowd: int) -> Image.Image:
    """The cut-out at a random size, smaller in a crowd, and up to a fifth slimmer or wider."""
    area = np.count_nonzero(np.asarray(cutout.getchannel("A")) > 127)
    largest = LARGEST - 14 * max(crowd - 1, 0)
    scale = np.exp(rng.uniform(np.log(SMALLEST), np.log(largest))) / np.sqrt(area)
    scale = min(scale, 1.25 * SIDE / max(cutout.size))
    squeeze = np.exp(rng.uniform(-0.2, 0.2))
    size = (max(round(cutout.width * scale * squeeze), 4), max(round(cutout.height * scale / squeeze), 4))
    return cutout.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _lit(rng: np.random.Generator, cutout: Image.Image, metals: Sequence[Sequence[float]]) -> Image.Image:
    """The cut-out under another lamp: brightness, warmth and a shade that falls off across it."""
    rgba = np.asarray(cutout, np.float32)
    height, width = rgba.shape[:2]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    shade = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    warmth = rng.uniform(-0.08, 0.08)
    colour = np.array(metals[int(rng.integers(len(metals)))]) * [1 + warmth, 1, 1 - warmth] * rng.uniform(0.8, 1.25)
    rgb = np.clip(rgba[..., :3] * shade[..., None] * colour, 0, 255)
    return Image.fromarray(np.dstack([rgb, rgba[..., 3]]).astype(np.uint8))


def _placed(rng: np.random.Generator, cutout: Image.Image, grounded: bool) -> Image.Image:
    """The cut-out at a random tilt, side and place on a clear (128, 128) layer."""
    if rng.random() < 0.5:
        cutout = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tilt = rng.uniform(-8, 8) if grounded else rng.uniform(-35, 35)
    # A clear margin, so that tilted straight edges come out smooth.
    picture = ImageOps.expand(cutout, MARGIN, (0, 0, 0, 0)).rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    # The foot that the photograph cut off stays out of sight.
    left, top = (_place(rng, length) for length in picture.size)
    if grounded:
        hidden = abs(np.sin(np.deg2rad(tilt))) * cutout.width
        top = SIDE - picture.height + hidden + MARGIN + rng.uniform(0, 0.06) * cutout.height
    layer = Image.new("RGBA", (SIDE, SIDE))
    layer.paste(picture, (round(left), round(top)))
    return layer


def _place(rng: np.random.Generator, length: int) -> float:
    """Where an object of this length starts along one side: up to an eighth of it may lie outside."""
    first, last = sorted((-length / 8, SIDE - length * 7 / 8))
    return rng.uniform(first, last)


def _pasted(rng: np.random.Generator, canvas: Image.Image, layer: Image.Image) -> Image.Image:
    """`layer` over `canvas`, with the soft shadow that it casts."""
    shadow = layer.getchannel("A").filter(ImageFilter.BoxBlur(3))
    depth = rng.uniform(0, 0.5)
    offset = (int(rng.integers(-3, 4)), int(rng.integers(1, 5)))
    canvas.paste((0, 0, 0), offset, shadow.point(lambda level: level * depth))
    canvas.paste(layer, (0, 0), layer)
    return canvas


def _opened(file: str) -> Image.Image:
    with Image.open(DATA / file) as picture:
        picture.load()
        return picture.copy()
