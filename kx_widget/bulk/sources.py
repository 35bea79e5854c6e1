"""What people keep images in -> one stream of items."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.bulk.threads import ordered_map, prefetch
from kx_widget.engine.errors import ImageError, ParameterError, UnknownTargetError
from kx_widget.engine.folders import PICTURES, opened_endings, pictures_in
from kx_widget.engine.targets import classes_named

if TYPE_CHECKING:
    # Stores are shown without Keras.
    from kx_widget.engine.model_inputs import ModelInputs

BATCHES_AHEAD = 2
# So many folders or classes are named in a message.
SHOWN = 6


@dataclass(frozen=True)
class SourceItem:
    """One image not looked at yet; `label` is its true class, `ends` tells that a batch of the source ends here.

    `beside` is what else the model takes of it.
    """

    position: int
    id: str
    value: Any
    label: int | None = None
    ends: bool = False
    beside: tuple[Any, ...] = ()


@dataclass(frozen=True)
class ImageFiles:
    """Image files; none is opened before it is needed.

    Attributes:
        paths: of the files, which are their ids as well.
        class_names: one a class, where the folders of the files are named after them; "_" in a folder may be a space.
        root: the folder that relative paths begin at; "" is the current one.
    """

    paths: tuple[str, ...]
    class_names: tuple[str, ...] | None = None
    root: str = ""

    @property
    def total(self) -> int | None:
        """How many images there are."""
        return len(self.paths)

    @property
    def has_labels(self) -> bool | None:
        """Whether any file has a label."""
        return any(self._label(path) is not None for path in self.paths)

    def absolute(self) -> ImageFiles:
        """The same files by paths that mean them from everywhere."""
        return replace(self, paths=tuple(str(Path(path).absolute()) for path in self.paths))

    def digest(self) -> str:
        """A digest of the paths."""
        return hashlib.sha256("\n".join(self.paths).encode("utf-8", "surrogateescape")).hexdigest()

    def stamps(self, part: int) -> list[str]:
        """A digest of the sizes and times of so many files each, by which one that was replaced is noticed."""
        stamps = [*map(_stamp, self.paths)]
        parts = ("\n".join(stamps[at : at + part]) for at in range(0, len(stamps), part))
        return [hashlib.sha256(text.encode()).hexdigest()[:32] for text in parts]

    def items(self, start: int = 0, stop: int | None = None) -> Generator[SourceItem, None, None]:
        """The items from `start` to before `stop`, all by default."""
        for position, path in enumerate(self.paths[start:stop], start):
            yield SourceItem(position, path, Path(self.root, path), self._label(path))

    def without_class(self) -> dict[str, int]:
        """How many files lie in each folder that no single class is named like."""
        folders = Counter(map(_folder_of, self.paths))
        return {folder: files for folder, files in folders.items() if folder not in self._classes}

    @cached_property
    def _classes(self) -> dict[str, int]:
        """The class of each folder that has one."""
        names, classes = self.class_names or (), dict[str, int]()
        for folder in {*map(_folder_of, self.paths)}:
            same = classes_named(folder, names) or classes_named(folder.replace("_", " "), names)
            if len(same) == 1:
                classes[folder] = same[0]
        return classes

    def _label(self, path: str) -> int | None:
        return self._classes.get(_folder_of(path))


@dataclass(frozen=True)
class ImageStream:
    """Anything that yields images or batches of them, alone or with labels, and with the `inputs` beside them."""

    elements: Any
    inputs: ModelInputs | None = None

    @property
    def total(self) -> int | None:
        """How many images there are; not known before the end, even where the number of batches is."""
        return None

    @property
    def has_labels(self) -> bool | None:
        """Whether any image has a label: not known before it comes."""
        return None

    def items(self) -> Generator[SourceItem, None, None]:
        """All items, in order; ids are running numbers."""
        elements = _iterate(self.elements)
        position = 0
        try:
            for element in elements:
                element, others = _without_others(element, self.inputs)
                values, labels, is_batch = _parts(element)
                beside = _each(others, len(values), is_batch)
                for i, value in enumerate(values):
                    name = str(value) if isinstance(value, (str, Path)) else str(position)
                    value = Path(value) if isinstance(value, str) else value
                    ends = is_batch and i == len(values) - 1
                    yield SourceItem(position, name, value, labels[i] if labels else None, ends, beside[i])
                    position += 1
        finally:
            elements.close()


Source = ImageFiles | ImageStream


def _folder_of(path: str) -> str:
    return Path(path).parent.name


def _check_folders(files: ImageFiles) -> None:
    """Say which folders are not named after a class.

    Raises:
        UnknownTargetError: none is.
    """
    missing = files.without_class()
    folders = ", ".join([*map(repr, sorted(missing)[:SHOWN]), *(["…"] if len(missing) > SHOWN else [])])
    names = files.class_names or ()
    known = ", ".join([*map(repr, names[:SHOWN]), *(["…"] if len(names) > SHOWN else [])])
    hint = f"The classes are {known}. Name them as the folders are: class_names=, in a shell --class-names."
    if not files.has_labels:
        raise UnknownTargetError(f'labels="folder": no single class is named like the folder {folders}. {hint}')
    if missing:
        warnings.warn(
            f"{sum(missing.values())} of {len(files.paths)} images have no label, for no single class is named like "
            f"their folder: {folders}. {hint}",
            RuntimeWarning,
            stacklevel=3,
        )


def read_source(
    source: Any, labels: str | None = None, class_names: Sequence[str] = (), inputs: ModelInputs | None = None
) -> Source:
    """Sort out what was given; no image is opened.

    Args:
        source: a folder, a file, a glob or a list of these; a `tf.data.Dataset`; a `keras.utils.PyDataset`; or
            anything that can be iterated over and yields images, batches, `(images, labels)` or dicts with
            `"image"` and `"label"`.
        labels: `"folder"` if the folders of files are named after their classes.
        class_names: one a class.
        inputs: of the model; if these are several, images come with the others, in dicts by name or in tuples.

    Raises:
        ImageError: there are no images, or the source is nothing of the kind, or files where a model takes more.
        ParameterError: another `labels`.
        UnknownTargetError: `"folder"`, and no folder is named after a class.
    """
    if labels not in (None, "folder"):
        raise ParameterError(f'labels={labels!r} is not known. Pass "folder" or None.')
    if isinstance(source, (ImageFiles, ImageStream)):
        return source
    if isinstance(source, (str, Path)):
        source = [source]
    if isinstance(source, (list, tuple)) and not source:
        raise ImageError("There are no images: the list is empty. Pass at least one.")
    if isinstance(source, (list, tuple)) and all(isinstance(s, (str, Path)) for s in source):
        paths = tuple(p for s in source for p in _files(s))
        if not any(Path(p).exists() for p in paths):
            raise ImageError(f"{paths[0]}: there is no such file" + (", nor any other." if len(paths) > 1 else "."))
        if inputs is not None and inputs.others:
            names = ", ".join(repr(spec.name) for spec in inputs.specs)
            raise ImageError(
                f"The model takes {names}, and files are the image alone: pass something that yields dicts with all."
            )
        files = ImageFiles(paths, tuple(class_names) if labels else None)
        if labels:
            _check_folders(files)
        return files
    if not (isinstance(source, Iterable) or hasattr(source, "__getitem__")) or isinstance(source, (bytes, Mapping)):
        raise ImageError(
            f"{type(source).__name__} is not a source of images. Pass files, a folder, a glob, a tf.data.Dataset, "
            "a keras.utils.PyDataset or something that yields images."
        )
    return ImageStream(source, inputs if inputs is not None and inputs.others else None)


def file_of(name: str) -> Path:
    """The file that a store's id names; see `id_of`."""
    path = Path(name)
    if "\\ud" in name and not path.exists():
        return Path(re.sub(r"\\u(d[89a-f][0-9a-f]{2})", lambda code: chr(int(code[1], 16)), name))
    return path


def id_of(name: str) -> str:
    """The name of an image as a store keeps it: bytes of a file name that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _files(path: str | Path) -> list[str]:
    text = str(path)
    if not text:
        raise ImageError('"" is not a path: pass a file, a folder or a glob.')
    if Path(path).is_dir():
        return pictures_in(text)
    if glob.has_magic(text) and not Path(path).exists():
        matches = sorted(p for p in glob.glob(text, recursive=True) if not Path(p).is_dir())
        if not matches:
            raise ImageError(f"No file matches {text!r}.")
        return matches
    # A picture may be gone and is skipped; a folder that is not there was never meant.
    suffix = Path(path).suffix.lower()
    if not (suffix in PICTURES or suffix in opened_endings()) and not Path(path).exists():
        raise ImageError(f"{text}: there is no such file or folder.")
    return [text]


def _stamp(path: str) -> str:
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return "not there"
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _iterate(elements: Any) -> Generator[Any, None, None]:
    """The elements, read ahead by whatever means the source has."""
    if hasattr(elements, "element_spec"):
        return prefetch(iter(elements.prefetch(BATCHES_AHEAD)), 1)
    if hasattr(elements, "num_batches") and hasattr(elements, "workers"):
        batches = elements.num_batches
        numbers = count() if batches is None else range(batches)
        return ordered_map(elements.__getitem__, numbers, max(1, elements.workers), BATCHES_AHEAD)
    return prefetch(iter(elements), BATCHES_AHEAD)


def _without_others(element: Any, inputs: ModelInputs | None) -> tuple[Any, list[Any]]:
    """An element with its image alone, as for a model that takes nothing else, and the other inputs."""
    if inputs is None:
        return element, []
    names, labels = [spec.name for spec in inputs.specs], ()
    if isinstance(element, Mapping):
        labels = tuple(element[key] for key in ("label", "labels") if key in element and key not in names)
        element = {key: value for key, value in element.items() if key in names}
    elif isinstance(element, tuple) and len(element) == len(names) + 1:
        *element, label = element
        labels = (label,)
    elif isinstance(element, tuple) and element and isinstance(element[0], (Mapping, tuple, list)):
        element, *rest = element
        labels = tuple(rest[:1])
    image, others = inputs.split(dict(element) if isinstance(element, Mapping) else tuple(element))
    return (image, *labels), others


def _each(others: Sequence[Any], images: int, is_batch: bool) -> list[tuple[Any, ...]]:
    """What is beside each of the images of one element.

    Raises:
        ImageError: it is not as long as they are.
    """
    if not is_batch:
        return [tuple(others)] * images
    for values in others:
        if np.ndim(values) == 0 or len(values) != images:
            raise ImageError(f"A batch has {images} images, and {np.shape(values)} values of another input.")
    return [tuple(values[i] for values in others) for i in range(images)]


def _parts(element: Any) -> tuple[Sequence[Any], list[int | None], bool]:
    """Images and labels of one element, and whether it is a batch rather than a single image."""
    images, labels = element, None
    if isinstance(element, Mapping):
        images = element.get("image", element.get("images"))
        labels = element.get("label", element.get("labels"))
        if images is None:
            if "image" in element or "images" in element:
                raise ImageError('The key "image" of a dict is None, which is not an image.')
            raise ImageError(f'A dict must have the key "image"; this one has {", ".join(map(repr, element))}.')
    elif isinstance(element, tuple):
        if not element:
            raise ImageError("() is not an image: yield images, batches, (images, labels) or dicts.")
        images, *rest = element
        labels = rest[0] if rest else None
    if not isinstance(images, (list, str, Path)) and hasattr(images, "shape"):
        array = np.asarray(images)
        images = list(array) if array.ndim == 4 else array
    is_batch = isinstance(images, list)
    values: list[Any] = images if is_batch else [images]
    return values, _labels(labels, len(values)), is_batch


def _labels(labels: Any, n: int) -> list[int | None]:
    """Class indices; one-hot rows count as the class they show; whatever is no class is left out."""
    if labels is None:
        return []
    array = np.asarray(labels)
    if array.size == n and array.dtype.kind in "iu":
        return [int(v) for v in array.ravel()]
    if array.dtype.kind in "iuf" and array.ndim and array.size > n and array.size % n == 0:
        rows = array.reshape(n, -1)
        if ((rows == 0) | (rows == 1)).all() and (rows.sum(1) == 1).all():
            return [int(v) for v in rows.argmax(1)]
    return []
