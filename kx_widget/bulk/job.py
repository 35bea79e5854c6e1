"""Explanations of a source into a store, taken up again where a run was cut off."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.code import UnknownCodeError, digest_of
from kx_widget.bulk.dataset import Answer, Run, bar
from kx_widget.bulk.parts import (
    DONE,
    JOB,
    Origin,
    PartWriter,
    finished_parts,
    is_part,
    part_name,
    read_json,
    write_json,
)
from kx_widget.bulk.rows import DTYPES, rows
from kx_widget.bulk.sources import Files, read_source
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import FormatError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.files import atomic_write, check_path
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import check_params
from kx_widget.engine.types import Parameter

SETTINGS = (
    Parameter("dtype", "choice", "float32", "What a number of a map is kept as.", choices=DTYPES),
    Parameter("part_images", "int", 1024, "Images in a file.", minimum=1),
)
CODE = ("preprocess_code", "method_code")
UNKNOWN = "unknown: "
# Of a source that is no list of files.
NOTHING = hashlib.sha256(b"").hexdigest()


def explain_to_store(
    explainer: Explainer,
    source: Any,
    path: str | Path,
    targets: Any = "top",
    *,
    dtype: str = "float32",
    part_images: int = 1024,
    batch_size: int | None = None,
    on_error: str = "skip",
    labels: str | None = None,
    progress: bool = False,
    **question: Any,
) -> Store:
    """Explain a source into a store; see `Explainer.explain_to`, whose arguments these are."""
    check_params("explain_to", SETTINGS, {"dtype": dtype, "part_images": part_images})
    check_path(path, 'pass the folder to write, "maps.parquet" for instance.')
    folder = Path(path)
    files = read_source(source, labels, explainer.class_names)
    if isinstance(files, Files) and not _is_begun_with(folder, files):
        files = files.absolute()
    run = Run(explainer, files, targets, batch_size, on_error, question, labels, part_images)
    job = open_folder(folder, describe(run, dtype, part_images, batch_size))
    # Looked at before any of them is read: what is replaced meanwhile counts as replaced.
    stamps = files.stamps(part_images) if isinstance(files, Files) else None
    ended = read_json(folder / DONE)
    if ended is not None and job.get("by") == "ray":
        check_images(folder, ended, files.stamps(len(files.paths))[0] if isinstance(files, Files) else None)
        return Store(folder)
    done = finished_parts(folder, job, stamps)
    if ended is None or ended.get("parts") != len(done):
        with closing(run.answers(lambda part: part not in done)) as answers, bar(run.source.total, progress) as shown:
            total = run.source.total
            sizes = (part_images if total is None else min(part_images, total - p * part_images) for p in done)
            shown.update(sum(sizes))
            done |= _write(folder, _counted(answers, shown), dtype, job.get("id"), stamps or [])
        write_json(folder / DONE, {"parts": len(done)})
    return Store(folder)


def _is_begun_with(folder: Path, files: Files) -> bool:
    """Whether the folder holds answers about these paths as they are; relative ones are those of older versions."""
    before = read_json(folder / JOB) if folder.is_dir() else None
    return before is not None and before.get("source", {}).get("digest") == files.digest()


def _write(folder: Path, answers: Iterable[Answer], dtype: str, job: str | None, stamps: Sequence[str]) -> set[int]:
    """Write the answers into parts; returns which."""
    written: set[int] = set()
    for part, found in groupby(answers, lambda answer: answer.batch.part):
        origin = Origin(job, part, stamps[part] if stamps else None)
        with atomic_write(folder / part_name(part)) as unfinished:
            writer = PartWriter(unfinished, dtype, origin)
            whole = False
            try:
                for answer in found:
                    writer.write(rows(answer, dtype))
                whole = True
            finally:
                writer.close(abandon=not whole)
        written.add(part)
    return written


def _counted(answers: Iterable[Answer], shown: Any) -> Iterator[Answer]:
    for answer in answers:
        yield answer
        shown.update(len(answer.batch.good) + len(answer.batch.broken))


def describe(run: Run, dtype: str, part_images: int, batch_size: int | None, by: str | None = None) -> dict[str, Any]:
    """All that the result depends on, in words that a person can compare; `id` is a digest of it."""
    asked, source, model = run.asked, run.source, run.explainer.model
    preprocess = run.explainer.settings.preprocess
    job = {
        "method": asked.method.id,
        "layer": asked.layer,
        "params": json.loads(
            json.dumps({**asked.params, **{k: v for k, v in asked.wrappers.items() if v}}, default=str)
        ),
        "signed": asked.signed,
        "seed": asked.seed,
        "targets": list(asked.columns.texts),
        "class_names": list(asked.model.class_names),
        "model": {"name": model.name, "weights": weights_of(model)},
        "preprocess": getattr(
            preprocess, "__name__", type(preprocess).__name__ if callable(preprocess) else preprocess
        ),
        "fit": run.explainer.preprocessor.fit(run.explainer.settings.fit),
        "input_shape": list(run.explainer.inspection.input_shape),
        "source": {"files": source.total, "digest": source.digest() if isinstance(source, Files) else NOTHING},
        "dtype": dtype,
        "part_images": part_images,
        "batch_size": batch_size,
    }
    function = getattr(model, "preprocessor", None) if preprocess == "auto" else preprocess
    if callable(function):
        job["preprocess_code"] = _code(function)
    if METHODS.get(asked.method.id) is not asked.method:
        job["method_code"] = _code((asked.method.fn, asked.method.finish))
    if by is not None:
        job["by"] = by
    return {**job, "id": hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()}


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


def open_folder(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Make the folder, or make sure that it holds the beginnings of this job and nothing else.

    Returns:
        The job as it is written there, by an older version perhaps.

    Raises:
        FormatError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise FormatError(f"{str(folder)!r} is a file, and a store is a folder: choose another name.")
    before = read_json(folder / JOB)
    if before is None:
        if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise FormatError(f"The folder {str(folder)!r} holds other files: choose another name.")
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JOB, job)
        return job
    if not any(is_part(path.name) for path in folder.iterdir()):
        # A run that ended before its first answer binds nobody.
        (folder / DONE).unlink(missing_ok=True)
        write_json(folder / JOB, job)
        return job
    _check_same(folder, before, job, read_json(folder / DONE) is not None)
    return before


def _check_same(folder: Path, before: dict[str, Any], job: dict[str, Any], ended: bool) -> None:
    changed = [key for key in job if key not in ("id", "by", *CODE) and before.get(key) != job[key]]
    changed += [key for key in CODE if before.get(key, job.get(key)) != job.get(key)]
    if changed:
        changes = ", ".join(_change(key, before.get(key), job.get(key)) for key in changed[:3])
        raise FormatError(
            f"{str(folder)!r} holds answers to another question ({changes}): ask the same one to go on, "
            "or choose another name."
        )
    for key in CODE:
        what = key.removesuffix("_code")
        code = str(job.get(key, ""))
        if code.startswith(UNKNOWN):
            why = code.removeprefix(UNKNOWN)
            raise FormatError(
                f"Nobody can tell whether {what} still does what it did for {str(folder)!r} ({why}): choose another "
                f"name, or pass a function that uses plain values."
            )
        if key in job and key not in before and not ended:
            raise FormatError(
                f"{str(folder)!r} was begun by a version that did not write down what {what} does, so nobody can tell "
                "whether it is still the same: choose another name."
            )
    if before.get("by") != job.get("by") and not (ended and before.get("by") == "ray"):
        raise FormatError(
            f"{str(folder)!r} holds answers of {_by(before)}, and this is {_by(job)}: go on as it was begun, or "
            "choose another name."
        )


def _by(job: dict[str, Any]) -> str:
    return "a run on a cluster" if job.get("by") else "a run in one process"


def check_images(folder: Path, done: dict[str, Any], stamp: str | None) -> None:
    """Refuse a store that was filled by a cluster, if its images are not what they were.

    Raises:
        FormatError: files have been replaced.
    """
    if stamp is not None and done.get("stamp", stamp) != stamp:
        raise FormatError(
            f"Files that {str(folder)!r} explains have been changed since: delete the folder to explain all of them "
            "anew, or choose another name."
        )


def _change(key: str, before: Any, now: Any) -> str:
    short = all(len(str(value)) < 60 for value in (before, now))
    return f"{key} {before!r}, now {now!r}" if short else f"another {key.replace('_', ' ')}"
