"""Explanations of a source into a store, taken up again where a run was cut off."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.dataset import progress_bar
from kx_widget.bulk.function_digest import UnknownCodeError, digest_of
from kx_widget.bulk.parts import (
    DONE,
    JOB,
    Origin,
    PartWriter,
    complete_parts,
    is_part,
    part_name,
    part_number,
    read_json,
    remove_unfinished,
    write_json,
)
from kx_widget.bulk.pipeline import PART_IMAGES, ExplainedBatch, Pipeline, PipelineSettings
from kx_widget.bulk.schema import DTYPES, to_table
from kx_widget.bulk.sources import ImageFiles, Source, read_source
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.engine.evidence_columns import EvidenceLevel
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.files import atomic_write, check_path
from kx_widget.engine.methods import METHODS
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Parameter

SETTINGS = (
    Parameter("dtype", "choice", "float32", "What a number of a map is kept as.", choices=DTYPES),
    Parameter("part_images", "int", PART_IMAGES, "Images in a file.", minimum=1),
)
CODE = ("preprocess_code", "method_code", "target_code", "detect_code")
# What is written of some jobs alone.
OPTIONAL = ("channels", "embeddings", "regions", "units", "bands", "references", "beside", "epoch")
# What asks for numbers that a store may also keep, by what it says of them.
SWITCHES = {"channels": "channel_relevance", "embeddings": "embeddings"}
UNKNOWN = "unknown: "
# What is locked where folders are not.
LOCK = ".lock"
# What stores tell of their maps where nobody says otherwise.
EVIDENCE_LEVEL: EvidenceLevel = "free"
# Of a source that is no list of files.
NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Job:
    """What is to be explained into which folder; what `settings` do not hold is as in `Explainer.explain_to`."""

    path: str | Path
    source: Any
    settings: PipelineSettings
    dtype: str = "float32"
    labels: str | None = None
    progress: bool = False

    @classmethod
    def of(cls, path: str | Path, source: Any, targets: Any, keywords: Mapping[str, Any]) -> "Job":
        """The job of these keywords of `Explainer.explain_to`; those that it does not have belong to the question."""
        question = dict(keywords)
        job, settings = (
            {name: question.pop(name) for name in names if name in question}
            for names in (
                ("dtype", "labels", "progress"),
                ("batch_size", "on_error", "part_images", "channel_relevance", "embeddings", "evidence"),
            )
        )
        settings.setdefault("evidence", EVIDENCE_LEVEL)
        return cls(path, source, PipelineSettings(targets, question, **settings), **job)

    def as_begun(self, folder: Path) -> "Job":
        """The same, without columns that an older version, which had none, began the folder without."""
        before = read_json(folder / JOB) if folder.is_dir() else None
        if before is None or "evidence" in before or self.settings.evidence != EVIDENCE_LEVEL:
            return self
        return replace(self, settings=replace(self.settings, evidence=None))


@dataclass(frozen=True)
class PartFiles:
    """Where the parts of a job are written, and what each says of itself.

    Attributes:
        folder: of the store.
        dtype: what a number of a map is kept as.
        images: in a part; the last one has what is left.
        job: its id.
        stamps: of each part's images, where these are files.
        evidence: how much is told of how far maps can be believed.
        channels: whose relevance is written.
        has_regions: whether it is written which places count.
        beside: names of the inputs beside the image that are written.
        has_embeddings: whether mean activations are written.
    """

    folder: Path
    dtype: str
    images: int
    job: str | None
    stamps: tuple[str, ...]
    evidence: EvidenceLevel | None
    channels: int = 0
    has_regions: bool = False
    beside: tuple[str, ...] = ()
    has_embeddings: bool = False


# Explains all but the complete parts of a source, and yields how many images are done now and then.
Executor = Callable[[Pipeline, Source, PartFiles, Collection[int]], Iterator[int]]


def explain_part(batches: Iterable[ExplainedBatch], part: int, files: PartFiles) -> Generator[int, None, None]:
    """Write one part, whole or not at all.

    Args:
        batches: of the part; computed as they are asked for, and no more of them than belong to it.
        part: its number.
        files: where it goes.

    Yields:
        How many images each batch took.

    Raises:
        OSError: the file cannot be written.
        What the batches raise.
    """
    origin = Origin(files.job, part, files.stamps[part] if files.stamps else None)
    about = files.evidence, files.channels, files.has_regions, files.beside, files.has_embeddings
    with (
        atomic_write(files.folder / part_name(part)) as unfinished,
        PartWriter(unfinished, files.dtype, origin, *about) as writer,
    ):
        left = files.images
        for explained in batches:
            writer.write(to_table(explained, files.dtype, *about))
            yield explained.size
            left -= explained.size
            if not left:
                # To ask for more would be to wait for another part, and to fail with it.
                return


def explain_here(
    pipeline: Pipeline, source: Source, files: PartFiles, complete: Collection[int]
) -> Generator[int, None, None]:
    """Explain the missing parts in this process; images of the next are decoded while one is written."""
    loader = pipeline.loader
    with closing(source.items()) as items:
        missing = (item for item in loader.settle(items) if loader.part_of(item) not in complete)
        with closing(pipeline.explain(missing)) as batches:
            for part, of_part in groupby(batches, lambda explained: explained.batch.part):
                yield from explain_part(of_part, part, files)


def run_job(explainer: Explainer, job: Job, execute: Executor = explain_here) -> Store:
    """Explain what is missing of a job; see `Explainer.explain_to`.

    Raises:
        FormatError: the folder holds something else, or another run is at work on it.
    """
    settings = {"dtype": job.dtype, "part_images": job.settings.part_images}
    part_images = check_params("explain_to", SETTINGS, settings)["part_images"]
    check_path(job.path, 'pass the folder to write, "maps.parquet" for instance.')
    folder = Path(job.path).absolute()
    job = job.as_begun(folder)
    source = read_source(job.source, job.labels, explainer.class_names, explainer.inputs)
    if isinstance(source, ImageFiles) and not _is_begun_with(folder, source):
        source = source.absolute()
    pipeline = Pipeline(explainer, replace(job.settings, total=source.total))
    pipeline.check_labels(source)
    with open_folder(folder, job_fingerprint(pipeline, source, job.dtype)) as fingerprint:
        # Looked at before any of them is read: what is replaced meanwhile counts as replaced.
        stamps = tuple(source.stamps(part_images)) if isinstance(source, ImageFiles) else ()
        ended = read_json(folder / DONE)
        if fingerprint.get("by") == "ray":
            _check_images(folder, ended or {}, source)
            return Store(job.path)
        complete = complete_parts(folder, fingerprint, stamps or None)
        if ended is None or ended.get("parts") != len(complete):
            columns = job.settings.evidence, pipeline.channels, bool(pipeline.question.regions)
            about = fingerprint.get("id"), stamps, *columns, explainer.inputs.small_others, bool(pipeline.embeddings)
            files = PartFiles(folder, job.dtype, part_images, *about)
            with progress_bar(source.total, job.progress) as bar:
                bar.update(_images_in(complete, part_images, source.total))
                for images in execute(pipeline, source, files, complete):
                    bar.update(images)
            facts = {"parts": sum(is_part(path.name) for path in folder.iterdir())}
            # Told by the images themselves, and therefore no part of the question.
            write_json(folder / DONE, facts | ({"depth": depth} if (depth := pipeline.loader.depth) else {}))
    return Store(job.path)


def _images_in(parts: Collection[int], part_images: int, total: int | None) -> int:
    return sum(part_images if total is None else min(part_images, total - part * part_images) for part in parts)


def _is_begun_with(folder: Path, files: ImageFiles) -> bool:
    """Whether the folder holds answers about these paths as they are; relative ones are those of older versions."""
    before = read_json(folder / JOB) if folder.is_dir() else None
    return before is not None and before.get("source", {}).get("digest") == files.digest()


def job_fingerprint(pipeline: Pipeline, source: Source, dtype: str) -> dict[str, Any]:
    """All that the result depends on, in words that a person can compare; `id` is a digest of it."""
    explainer, question = pipeline.explainer, pipeline.question
    model, preprocess = explainer.model, explainer.settings.preprocess
    facts = {
        "method": question.method.id,
        "layer": question.layer,
        "params": json.loads(json.dumps({**question.params, **question.wrappers}, default=str)),
        "signed": question.signed,
        "seed": question.seed,
        "targets": list(question.columns.texts),
        "class_names": list(question.model.class_names),
        "model": {"name": model.name, "weights": weights_of(model)},
        "preprocess": getattr(
            preprocess, "__name__", type(preprocess).__name__ if callable(preprocess) else preprocess
        ),
        "fit": explainer.preprocessor.fit(explainer.settings.fit),
        "input_shape": list(explainer.inspection.input_shape),
        "source": {
            "files": source.total,
            "digest": source.digest() if isinstance(source, ImageFiles) else NOTHING,
        },
        "dtype": dtype,
        "part_images": pipeline.settings.part_images,
        "batch_size": pipeline.settings.batch_size,
        "evidence": pipeline.settings.evidence,
    }
    function = getattr(model, "preprocessor", None) if preprocess == "auto" else preprocess
    if callable(function):
        facts["preprocess_code"] = _code(function)
    if bands := explainer.bands.as_plain():
        facts["bands"] = bands
    if explainer.similarity is not None:
        facts["references"] = explainer.similarity.as_plain()
    if beside := explainer.inputs.small_others:
        facts["beside"] = list(beside)
    if pipeline.channels:
        facts["channels"] = pipeline.channels
    if pipeline.embeddings:
        facts["embeddings"] = pipeline.embeddings
    if units := question.model.meaning.units:
        facts["units"] = list(units)
    if question.model.own:
        facts["target_code"] = _code(tuple(target.fn for target in question.model.own))
    if callable(explainer.settings.detect):
        facts["detect_code"] = _code(explainer.settings.detect)
    if question.regions:
        facts["regions"] = [region.as_plain() for region in question.regions]
    if METHODS.get(question.method.id) is not question.method:
        facts["method_code"] = _code((question.method.fn, question.method.finish))
    return {**facts, "id": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}


def _code(function: Any) -> str:
    try:
        return digest_of(function)
    except UnknownCodeError as error:
        return f"{UNKNOWN}{error}"


def weights_of(model: Any) -> str:
    """A digest of all of a model's weights; the seeds of its Dropouts are others in each process, and no weights."""
    digest = hashlib.sha256()
    for variable in model.weights:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def check_model_of(store: Any, model: Any) -> None:
    """Refuse another model than the one whose answers are stored.

    Raises:
        ParameterError: it has other weights.
    """
    if weights_of(model) != store.job["model"]["weights"]:
        raise ParameterError(
            f"The model has other weights than the one that {store.path!r} explains: pass that one, or explain again."
        )


@contextmanager
def open_folder(folder: Path, fingerprint: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Make the folder, or make sure that it holds the beginnings of this job and nothing else; keep others away.

    Yields:
        The fingerprint as it is written there, by an older version perhaps.

    Raises:
        FormatError: it holds something else, or another run is at work on it.
    """
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise FormatError(
            f"{str(folder)!r} is a file or a link to nothing, and a store is a folder: choose another name."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        yield _begun(folder, fingerprint)


def _begun(folder: Path, fingerprint: dict[str, Any]) -> dict[str, Any]:
    before = read_json(folder / JOB)
    names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if before is None and names:
        if any(part_number(name) is not None for name in names):
            raise FormatError(
                f"{str(folder)!r} has lost its {JOB}, which tells what was asked: bring it back, or choose another "
                "name."
            )
        raise FormatError(f"The folder {str(folder)!r} holds other files: choose another name.")
    if before is None or not any(map(is_part, names)):
        # A run that ended before its first part binds nobody.
        (folder / DONE).unlink(missing_ok=True)
        write_json(folder / JOB, fingerprint)
        return fingerprint
    _check_same(folder, before, fingerprint, read_json(folder / DONE) is not None)
    return before


@contextmanager
def _locked(folder: Path) -> Generator[None, None, None]:
    """Hold a folder as long as the block lasts, where the system can; what killed runs left in it is removed.

    Raises:
        FormatError: another run holds it.
    """
    lock = _lock(folder)
    if lock is None:
        yield
        return
    try:
        remove_unfinished(folder)
        try:
            yield
        finally:
            remove_unfinished(folder)
    finally:
        os.close(lock)
        # Windows keeps it while somebody else has it open.
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the folder until it is closed; None where the system has no such locks.

    Raises:
        FormatError: another run holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows, which locks no folders
        import msvcrt

        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
        hold = partial(msvcrt.locking, descriptor, msvcrt.LK_NBLCK, 1)
    else:
        descriptor = os.open(folder, os.O_RDONLY)
        hold = partial(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        hold()
    except OSError as error:
        os.close(descriptor)
        if not isinstance(error, (BlockingIOError, PermissionError)):  # a file system without them
            return None
        raise FormatError(
            f"Another run is at work on {str(folder)!r}: wait until it has ended, or choose another name."
        ) from None
    return descriptor


def _check_same(folder: Path, before: dict[str, Any], now: dict[str, Any], ended: bool) -> None:
    changed = [
        key for key in dict.fromkeys((*now, *OPTIONAL)) if key not in ("id", *CODE) and before.get(key) != now.get(key)
    ]
    changed += [key for key in CODE if before.get(key, now.get(key)) != now.get(key)]
    if changed:
        changes = ", ".join(_change(key, before.get(key), now.get(key)) for key in changed[:3])
        raise FormatError(
            f"{str(folder)!r} holds answers to another question ({changes}): ask the same one to go on, "
            "or choose another name."
        )
    for key in CODE:
        what = key.removesuffix("_code")
        code = str(now.get(key, ""))
        if code.startswith(UNKNOWN):
            why = code.removeprefix(UNKNOWN)
            raise FormatError(
                f"Nobody can tell whether {what} still does what it did for {str(folder)!r} ({why}): choose another "
                f"name, or pass a function that uses plain values."
            )
        if key in now and key not in before and not ended:
            raise FormatError(
                f"{str(folder)!r} was begun by a version that did not write down what {what} does, so nobody can tell "
                "whether it is still the same: choose another name."
            )
    if before.get("by") == "ray" and not ended:
        raise FormatError(
            f"{str(folder)!r} holds answers of a run on a cluster that an older version began, with which none can go "
            "on: delete the folder to explain all of it anew, or choose another name."
        )


def _check_images(folder: Path, done: dict[str, Any], source: Source) -> None:
    """Refuse a store that an older version filled on a cluster, if its images are not what they were.

    Raises:
        FormatError: files have been replaced.
    """
    if not isinstance(source, ImageFiles):
        return
    (stamp,) = source.stamps(len(source.paths))
    if done.get("stamp", stamp) != stamp:
        raise FormatError(
            f"Files that {str(folder)!r} explains have been changed since: delete the folder to explain all of them "
            "anew, or choose another name."
        )


def _change(key: str, before: Any, now: Any) -> str:
    if key in SWITCHES and None in (before, now):
        name = SWITCHES[key]
        return f"now {'without' if now is None else 'with'} {name}=True, in a shell --{name.replace('_', '-')}"
    short = all(len(str(value)) < 60 for value in (before, now))
    return f"{key} {before!r}, now {now!r}" if short else f"another {key.replace('_', ' ')}"
