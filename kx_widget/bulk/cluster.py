"""The same job on a Ray cluster: Ray reads, schedules, retries and writes; a worker holds one explainer."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.bulk.arrow import pa
from kx_widget.bulk.dataset import Run
from kx_widget.bulk.job import SETTINGS, check_images, describe, open_folder
from kx_widget.bulk.parts import DONE, GROUP_BYTES, Origin, read_json, write_json
from kx_widget.bulk.rows import rows, schema
from kx_widget.bulk.sources import Contents, Files, read_source
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import ImageError, KxError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.registry import check_params
from kx_widget.engine.saved import load_model
from kx_widget.install import how_to_install

try:
    import ray
    import ray.data
    from ray.data import ActorPoolStrategy
except ImportError as error:
    raise ImportError(f"Explaining on a cluster needs Ray: {how_to_install('ray')}.") from error


class Worker:
    """One compiled explainer, kept for as long as the actor lives; Ray calls it with blocks of files."""

    def __init__(self, model: Any, suffix: str, settings: dict[str, Any], run: dict[str, Any], dtype: str) -> None:
        self._explainer = Explainer(_loaded(ray.get(model), suffix), **settings)
        self._run = run
        self._dtype = dtype

    def __call__(self, block: pa.Table) -> Iterator[pa.Table]:
        """Files (path, bytes) -> rows, a batch at a time."""
        names = self._explainer.class_names if self._run["labels"] else None
        files = Contents(tuple(block["path"].to_pylist()), names, block["bytes"])
        run: dict[str, Any] = {**self._run, "labels": None}
        for answer in Run(self._explainer, files, **run).answers():
            yield rows(answer, self._dtype)


def explain_on_ray(
    model: str | Path,
    source: Any,
    path: str | Path,
    targets: Any = "top",
    *,
    workers: int = 2,
    gpus: float = 0,
    part_images: int = 1024,
    dtype: str = "float32",
    batch_size: int | None = None,
    on_error: str = "skip",
    labels: str | None = None,
    settings: dict[str, Any] | None = None,
    **question: Any,
) -> Store:
    """Explain image files on the Ray cluster this process is connected to, or on a new one on this machine.

    A worker that dies is replaced by Ray, and the files it had are explained again; nothing is lost or doubled.

    Args:
        model: a saved Keras model; it is sent to each machine once.
        source: a folder, file, glob or a list of these, at the same place on every machine.
        path: the folder to write, at the same place on every machine.
        targets, dtype, batch_size, on_error, labels, **question: as in `Explainer.explain_to`.
        workers: how many actors explain at once.
        gpus: of each worker, 0.5 for two on one GPU.
        part_images: files in a block, the unit of reading, retrying and writing.
        settings: keywords of `Explainer`.

    Returns:
        The `Store`, for reading.

    Raises:
        FormatError: the folder holds something else, or answers to another question.
        Those of `explain_dataset`.
    """
    check_params("explain_to", SETTINGS, {"dtype": dtype, "part_images": part_images})
    settings = settings or {}
    content, suffix = Path(model).read_bytes(), Path(model).suffix
    run: dict[str, Any] = {
        "targets": targets,
        "batch_size": batch_size,
        "on_error": on_error,
        "question": question,
        "labels": labels,
        "part": None,
    }
    files = read_source(source)
    if not isinstance(files, Files):
        raise ImageError("A cluster explains files: pass a folder, a glob or a list of paths.")
    files = files.absolute()
    run["total"] = len(files.paths)
    asked = Run(Explainer(_loaded(content, suffix), **settings), files, **run)
    folder = Path(path).absolute()
    job = open_folder(folder, describe(asked, dtype, part_images, batch_size, by="ray"))
    (stamp,) = files.stamps(len(files.paths))
    done = read_json(folder / DONE)
    if done is not None:
        check_images(folder, done, stamp)
    else:
        # What a run that did not end has left; what the job is stays, so that it can be begun anew at any time.
        for left in folder.glob("*.parquet"):
            left.unlink()
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        blocks = -(-len(files.paths) // part_images)
        read = ray.data.read_binary_files(list(files.paths), include_paths=True, override_num_blocks=blocks)
        explained = read.map_batches(
            Worker,  # pyright: ignore[reportArgumentType]
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=workers),
            num_cpus=1,
            num_gpus=gpus,
            fn_constructor_args=(ray.put(content), suffix, settings, run, dtype),
        )
        try:
            explained.write_parquet(
                str(folder),
                compression="zstd",
                row_group_size=_rows_at_once(asked, dtype),
                write_page_checksum=True,
                schema=schema(dtype).with_metadata(Origin(job.get("id")).metadata()),
            )
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, KxError):
                raise error.cause from error
            raise
        written = sorted(path.name for path in folder.glob("*.parquet"))
        write_json(folder / DONE, {"images": len(files.paths), "files": written, "stamp": stamp})
    return Store(folder)


def _rows_at_once(run: Run, dtype: str) -> int:
    """Rows whose maps take about as much as a group of those that `PartWriter` writes."""
    height, width = run.asked.spatial or run.explainer.inspection.input_shape[:2]
    return max(1, GROUP_BYTES // (height * width * np.dtype(dtype).itemsize))


def _loaded(content: bytes, suffix: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        path.write_bytes(content)
        return load_model(path)
