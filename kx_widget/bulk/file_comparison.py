"""Methods beside each other on a sample of image files."""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.dataset import progress_bar
from kx_widget.bulk.loader import load_readable
from kx_widget.bulk.sources import ImageFiles, read_source
from kx_widget.engine.comparison import Comparison, joined
from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer

# Images that are compared together; what is shared by methods is kept meanwhile.
TOGETHER = 8


@dataclass
class FileComparison:
    """A comparison as far as it has come: of `done` of `wanted` images; `skipped` are (path, reason)."""

    wanted: int
    done: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    parts: list[Comparison] = field(default_factory=list)

    @property
    def comparison(self) -> Comparison:
        """Of all images that are done.

        Raises:
            ImageError: there is none.
        """
        if not self.parts:
            raise ImageError(
                f"None of the {self.wanted} images can be used. {self.skipped[0][0]}: {self.skipped[0][1]}"
            )
        return joined(self.parts)


def compare_files(
    explainer: Explainer,
    source: Any,
    target: Any = "top",
    *,
    sample: int | None = 100,
    seed: int = 0,
    progress: bool = False,
    **question: Any,
) -> Generator[FileComparison, None, None]:
    """Compare methods on a sample of files, some at a time.

    Args:
        explainer: of the model.
        source: a folder, file, glob or a list of these.
        target: as in `Explainer.explain`.
        sample: how many images; None for all.
        seed: draws them, and is that of random numbers.
        progress: show a bar.
        **question: as in `Explainer.compare`.

    Yields:
        The same object, which has come farther. Closing the generator keeps what is done.

    Raises:
        ImageError: the source is no list of files.
        Those of `Explainer.compare`.
    """
    files = read_source(source)
    if not isinstance(files, ImageFiles):
        raise ImageError("Methods are compared on files: pass a folder, a glob or a list of paths.")
    paths = [*map(Path, files.paths)]
    if sample is not None and sample < len(paths):
        paths = [paths[i] for i in np.sort(np.random.default_rng(seed).choice(len(paths), sample, replace=False))]
    state = FileComparison(len(paths))
    with progress_bar(len(paths), progress) as bar:
        for first in range(0, len(paths), TOGETHER):
            chunk = paths[first : first + TOGETHER]
            problems, images = load_readable(explainer, chunk)
            state.skipped += [(str(path), why) for path, why in zip(chunk, problems, strict=True) if why]
            if images is not None:
                state.parts.append(explainer.compare(images, target, seed=seed, **question))
                state.done += len(images.batch)
            bar.update(len(chunk))
            yield state
