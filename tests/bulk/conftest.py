"""Folders of small pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nineteen pictures of different sizes in two folders, and two files that are none."""
    rng = np.random.default_rng(0)
    for i in range(19):
        path = tmp_path / "photos" / ("cats" if i % 2 else "dogs") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (13 + i, 20, 3), np.uint8)).save(path)
    whole = (tmp_path / "photos/cats/01.png").read_bytes()
    (tmp_path / "photos/cats/02-truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "photos/dogs/03-text.png").write_text("not a picture")
    return tmp_path / "photos"
