"""Blur integrated gradients: gradients on the way from a blurred image to the sharp one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.lines import completeness_gap, over_bands
from kx_widget.engine.types import Floats, Ints, Partial

# A Gaussian goes so many deviations far.
TRUNCATE = 4


def blur_ig(probe: Any, target: Floats, steps: int = 50, blur: float = 0.2, channels: str = "sum") -> Iterator[Partial]:
    """−Σ_channels ∫₀^σ ∂S/∂x(x_s) ⊙ ∂x_s/∂s ds, where x_s is the image under a Gaussian blur of deviation s.

    No baseline of another colour comes in: what is on the way are the image's own details. Beyond the border is 0. It
    is the left sum, of the gradient where a step begins times what the blur changes until it ends. The authors' code
    takes steps of one size, and a derivative for the change; here steps grow with s, as s = σ (k/n)², since the first
    pixels of a blur take most details. The map sums to S(x) − S(x_σ), but for its `completeness_gap`.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        steps: n.
        blur: σ, as a part of the image's shorter side.
        channels: `"sum"`, or `"each"` for what is summed.

    Yields:
        `Partial`s with signed maps (B, H, W), or (B, H, W, channels), of the steps so far.

    Reference: Xu, Venugopalan and Sundararajan 2020, arXiv 2004.03383.
    """
    sigma, everyone = blur * min(probe.x.shape[1:3]), np.arange(len(probe.x))
    # Where a step ends, the next one begins: each blur is made once.
    kept: dict[tuple[int, int], Floats] = {}

    def blurred(images: Ints, numbers: Ints) -> Floats:
        pairs = list(zip(images.tolist(), numbers.tolist(), strict=True))
        for i, k in pairs:
            if (i, k) not in kept:
                kept[i, k] = blurred_by(probe.x[i], sigma * (k / steps) ** 2)
        return np.stack([kept[pair] for pair in pairs])

    total = np.zeros_like(probe.x)
    for batch in probe.changed_gradients(blurred, target, steps):
        change = blurred(batch.images, batch.items) - blurred(batch.images, batch.items + 1)
        np.add.at(total, batch.images, change * batch.values)
        last = dict(zip(batch.images.tolist(), batch.items.tolist(), strict=True))
        for i, k in list(kept):
            if k <= last.get(i, -1):
                del kept[i, k]
        maps, checks = over_bands(total, channels), {}
        if batch.done == steps:
            ends = blurred(everyone, np.full_like(everyone, steps))
            checks = completeness_gap(probe, target, maps, probe.scores_of(ends))
        yield Partial(maps, batch.done, steps, checks)


def blurred_by(image: Floats, sigma: float) -> Floats:
    """An image (H, W, C) under a Gaussian blur of this deviation; beyond it is 0."""
    rows, columns = (gaussian(size, sigma) for size in image.shape[:2])
    return np.einsum("yi,xj,ijc->yxc", rows, columns, image, optimize=True).astype(np.float32)


def gaussian(size: int, sigma: float) -> Floats:
    """Weights (size, size) of a blur along one axis."""
    reach = int(TRUNCATE * sigma + 0.5)
    if reach == 0:
        return np.eye(size, dtype=np.float32)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    away = np.arange(size)[:, None] - np.arange(size)
    return np.where(np.abs(away) <= reach, weights[np.clip(away + reach, 0, 2 * reach)], 0).astype(np.float32)
