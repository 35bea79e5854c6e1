"""Attention rollout: how attention carries the patches to what the head reads, block after block."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def attention_rollout(probe: Any, target: Floats, fusion: str = "mean", discard: float = 0.0) -> Iterator[Partial]:
    """The row of the tokens that the head reads, of Π_l normalise(½(Ā_l + I)), Ā_l the heads of block l as one.

    It does not depend on the class. Where the head reads several tokens, as where patches are pooled, the row is the
    mean of theirs.

    Args:
        probe: the images, the model and the layer to start from.
        target: not looked at.
        fusion: how a block's heads become one: their `"mean"`, `"max"` or `"min"`.
        discard: the part of each block's fused attention, its smallest entries, that is taken as 0. The read tokens'
            own entries stay, as in the code that made this usual.

    Yields:
        One `Partial` with maps (B, h, w) on the grid of patches that are not negative.

    Raises:
        UnsupportedMethodError: the model's attention is not among all its tokens.

    Reference: Abnar and Zuidema 2020, arXiv 2005.00928.
    """
    del target
    rows: Any = None
    # From the last block back: one row in place of a product of whole matrices.
    for attention in reversed(probe.attentions("Attention rollout")):
        fused = getattr(attention, fusion)(1)  # (B, T, T)
        if discard:
            fused = without_smallest(fused, discard, probe.read_out == 0)
        mixed = (fused + np.eye(fused.shape[-1], dtype=np.float32)) / 2
        mixed /= mixed.sum(-1, keepdims=True)
        rows = np.broadcast_to(probe.read_out, mixed.shape[:2]) if rows is None else rows
        rows = np.einsum("bt,bts->bs", rows, mixed)
    yield Partial(probe.on_the_patches(rows))


def without_smallest(fused: Floats, share: float, may_go: Any) -> Floats:
    """Attention (B, T, T) whose smallest entries, this share of all, are 0, except at keys that may not go (T,)."""
    flat = fused.reshape(len(fused), -1)
    count = int(share * flat.shape[1])
    if not count:
        return fused
    limit = np.partition(flat, count - 1, axis=1)[:, count - 1, None, None]
    return np.where((fused <= limit) & may_go, 0, fused)
