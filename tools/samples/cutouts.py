"""Cut the objects out of the photographs that scikit-image ships: RGBA pictures with soft, clean edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .outlines import OUTLINES, Outline, Polygon

LONGEST_SIDE = 176
COIN_COUNT = 8
SUPERSAMPLING = 4


def _coverage(polygons: tuple[Polygon, ...], height: int, width: int) -> np.ndarray:
    """Fraction of each pixel covered by the union of `polygons`: float (H, W)."""
    s = SUPERSAMPLING
    canvas = Image.new("L", (width * s, height * s))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        draw.polygon([(x * s, y * s) for x, y in polygon], fill=255)
    return np.asarray(canvas.reduce(s), np.float32) / 255


def _refine(rgb: np.ndarray, rough: np.ndarray, band: int) -> np.ndarray:
    """Alpha that follows the photograph's own edge within `band` pixels of the outline (random walker)."""
    from skimage.segmentation import random_walker

    disk = ndimage.distance_transform_edt
    # The photograph's border is not an edge of the object.
    inside = np.pad(rough > 0.5, band + 1, mode="edge")
    crop = (slice(band + 1, -band - 1),) * 2
    sure_inside = (disk(inside) > band)[crop]
    sure_outside = (disk(~inside) > band)[crop]
    seeds = np.where(sure_inside, 1, np.where(sure_outside, 2, 0))
    rows, columns = np.nonzero(~sure_outside)
    top, left = max(rows.min() - 8, 0), max(columns.min() - 8, 0)
    box = (slice(top, rows.max() + 9), slice(left, columns.max() + 9))
    alpha = np.zeros(rough.shape, np.float32)
    walked: Any = random_walker(
        rgb[box].astype(float) / 255,
        seeds[box],
        beta=900,
        mode="cg_j",
        tol=1e-5,
        prob_tol=1.0,
        channel_axis=-1,
        return_full_prob=True,
    )
    alpha[box] = walked[0]
    # A random walker's probability is flatter than a lens's edge: steepen it to about two pixels.
    return np.clip((ndimage.gaussian_filter(alpha, 0.6) - 0.5) * 2.2 + 0.5, 0, 1)


def _decontaminate(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Give mixed edge pixels the colour of the nearest pixel inside, so that no old background shows."""
    solid = ndimage.binary_erosion(alpha > 0.97, iterations=1)
    rows, columns = ndimage.distance_transform_edt(~solid, return_distances=False, return_indices=True)
    nearest = rgb[rows, columns].astype(np.float32)
    spread = ndimage.gaussian_filter(nearest, (1.2, 1.2, 0))
    return np.where(solid[..., None], rgb, spread).astype(np.uint8)


def _cropped(rgb: np.ndarray, alpha: np.ndarray, longest: int = LONGEST_SIDE) -> Image.Image:
    rows, columns = np.nonzero(alpha > 0.02)
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    rgba = np.dstack([rgb[box], np.round(alpha[box] * 255).astype(np.uint8)])
    picture = Image.fromarray(rgba)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return picture


def _cut(source: Path, outline: Outline) -> Image.Image:
    rgb = np.asarray(Image.open(source).convert("RGB"))
    height, width = rgb.shape[:2]
    rough = _coverage(outline.polygons, height, width)
    alpha = _refine(rgb, rough, outline.band)
    lifted = np.round(255 * (rgb / 255.0) ** outline.gamma).astype(np.uint8)
    return _cropped(_decontaminate(lifted, alpha), alpha)


def _coins(source: Path) -> list[Image.Image]:
    """The largest whole coins of the tray, found by watershed from sure coin and sure tray."""
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    grey = np.asarray(Image.open(source).convert("L"))
    markers = np.where(grey < 70, 1, np.where(grey > 150, 2, 0))
    coin = ndimage.binary_fill_holes(watershed(sobel(grey), markers) == 2)
    coin = ndimage.binary_opening(coin, iterations=3)
    labels, _ = ndimage.label(coin)
    areas = np.bincount(labels.ravel())[1:]
    boxes = ndimage.find_objects(labels)
    pictures = []
    for index in np.argsort(areas)[::-1]:
        rows, columns = boxes[index]
        touches = rows.start == 0 or columns.start == 0 or rows.stop == grey.shape[0] or columns.stop == grey.shape[1]
        roundness = areas[index] / ((rows.stop - rows.start) * (columns.stop - columns.start))
        if touches or roundness < 0.7 or len(pictures) == COIN_COUNT:
            continue
        box = (slice(rows.start - 3, rows.stop + 3), slice(columns.start - 3, columns.stop + 3))
        alpha = ndimage.gaussian_filter((labels[box] == index + 1).astype(np.float32), 1.0)
        alpha = np.clip((alpha - 0.55) * 2.0 + 0.5, 0, 1)
        dark, bright = np.percentile(grey[box][alpha > 0.9], (2, 98))
        relief = 40 + 190 * (grey[box] - dark) / (bright - dark)
        rgb = np.dstack([np.clip(relief, 0, 255).astype(np.uint8)] * 3)
        pictures.append(_cropped(_decontaminate(rgb, alpha), alpha))
    return pictures


def _bronze_horse(source: Path) -> Image.Image:
    """The silhouette as a small bronze: height from the distance to the edge, lit from the upper left."""
    inside = np.asarray(Image.open(source).convert("RGBA"))
    alpha = np.where(inside[..., :3].mean(-1) < 128, inside[..., 3] / 255.0, 0.0).astype(np.float32)
    depth = ndimage.distance_transform_edt(alpha > 0.5)
    height = ndimage.gaussian_filter(np.sqrt(depth) * 5.0, 2.5)
    slope_y, slope_x = np.gradient(height)
    normal = np.dstack([-slope_x, -slope_y, np.full_like(height, 1.0)])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([-0.5, -0.65, 0.57])
    diffuse = np.clip(normal @ light, 0, 1)
    halfway = light + np.array([0, 0, 1])
    gloss = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 24
    rgb = np.array([38, 26, 18]) + diffuse[..., None] * np.array([112, 74, 42]) + gloss[..., None] * 70
    alpha = np.clip(ndimage.gaussian_filter(alpha, 0.8), 0, 1)
    return _cropped(np.clip(rgb, 0, 255).astype(np.uint8), alpha)


def cut_all(folder: Path) -> dict[str, list[Image.Image]]:
    """Every cut-out by class name, from scikit-image's data `folder`."""
    found = {name: [_cut(folder / outline.source, outline)] for name, outline in OUTLINES.items()}
    found["coin"] = _coins(folder / "coins.png")
    found["horse"] = [_bronze_horse(folder / "horse.png")]
    return dict(sorted(found.items()))
