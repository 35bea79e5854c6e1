"""Explanations of a source into a store, taken up again where a run was cut off."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.dataset import Answer, Run, bar
from kx_widget.bulk.parts import (
    DONE,
    JOB,
    PartWriter,
    finished_parts,
    is_part,
    part_name,
    read_json,
    replacing,
    write_json,
)
from kx_widget.bulk.rows import DTYPES, rows
from kx_widget.bulk.sources import Files
from kx_widget.bulk.store import Store
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import FormatError, check_path
from kx_widget.engine.registry import check_params
from kx_widget.engine.types import Parameter

SETTINGS = (
    Parameter("dtype", "choice", "float32", "What a number of a map is kept as.", choices=DTYPES),
    Parameter("part_images", "int", 1024, "Images in a file.", minimum=1),
)


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
    run = Run(explainer, source, targets, batch_size, on_error, question, labels, part_images)
    folder = Path(path)
    job = describe(run, dtype, part_images, batch_size)
    open_folder(folder, job)
    done = finished_parts(folder)
    ended = read_json(folder / DONE)
    if ended is None or ended.get("parts", len(done)) != len(done):
        with closing(run.answers(lambda part: part not in done)) as answers, bar(run.source.total, progress) as shown:
            total = run.source.total
            sizes = (part_images if total is None else min(part_images, total - p * part_images) for p in done)
            shown.update(sum(sizes))
            _write(folder, _counted(answers, shown), dtype)
        write_json(folder / DONE, {"parts": len(finished_parts(folder))})
    return Store(folder)


def _write(folder: Path, answers: Iterable[Answer], dtype: str) -> None:
    for part, found in groupby(answers, lambda answer: answer.batch.part):
        with replacing(folder / part_name(part)) as unfinished:
            writer = PartWriter(unfinished, dtype)
            whole = False
            try:
                for answer in found:
                    writer.write(rows(answer, dtype))
                whole = True
            finally:
                writer.close(abandon=not whole)


def _counted(answers: Iterable[Answer], shown: Any) -> Iterator[Answer]:
    for answer in answers:
        yield answer
        shown.update(len(answer.batch.good) + len(answer.batch.broken))


def describe(run: Run, dtype: str, part_images: int, batch_size: int | None) -> dict[str, Any]:
    """All that the result depends on, in words that a person can compare."""
    asked, source = run.asked, run.source
    preprocess = run.explainer._preprocessing._preprocess
    paths = "\n".join(source.paths) if isinstance(source, Files) else ""
    return {
        "method": asked.entry.id,
        "layer": asked.layer,
        "params": json.loads(
            json.dumps({**asked.params, **{k: v for k, v in asked.wrappers.items() if v}}, default=str)
        ),
        "signed": asked.signed,
        "seed": asked.seed,
        "targets": list(asked.columns.texts),
        "class_names": list(asked.ready.class_names),
        "model": {"name": run.explainer.model.name, "weights": weights_of(run.explainer.model)},
        "preprocess": getattr(preprocess, "__name__", preprocess),
        "fit": run.explainer._preprocessing.fit(run.explainer._fit),
        "input_shape": list(run.explainer.inspection.input_shape),
        "source": {"files": run.source.total, "digest": hashlib.sha256(paths.encode()).hexdigest()},
        "dtype": dtype,
        "part_images": part_images,
        "batch_size": batch_size,
    }


def weights_of(model: Any) -> str:
    """A digest of all of a model's weights; the seeds of its Dropouts are others in each process, and no weights."""
    digest = hashlib.sha256()
    for variable in model.weights:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def open_folder(folder: Path, job: dict[str, Any]) -> None:
    """Make the folder, or make sure that it holds the beginnings of this job and nothing else.

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
        return
    if not any(is_part(path.name) for path in folder.iterdir()):
        # A run that ended before its first answer binds nobody.
        (folder / DONE).unlink(missing_ok=True)
        write_json(folder / JOB, job)
        return
    changed = [key for key in job if before.get(key) != job[key]]
    if changed:
        told = ", ".join(_change(key, before.get(key), job[key]) for key in changed[:3])
        raise FormatError(
            f"{str(folder)!r} holds answers to another question ({told}): ask the same one to go on, "
            "or choose another name."
        )


def _change(key: str, before: Any, now: Any) -> str:
    short = all(len(str(value)) < 60 for value in (before, now))
    return f"{key} {before!r}, now {now!r}" if short else f"another {key}"
