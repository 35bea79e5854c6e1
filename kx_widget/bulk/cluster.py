"""A job on a Ray cluster: each worker explains part after part, as one process would."""

import os
import tempfile
from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kx_widget.bulk.job import Job, PartFiles, explain_part, run_job
from kx_widget.bulk.pipeline import Pipeline, PipelineSettings
from kx_widget.bulk.sources import ImageFiles, Source, read_source
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import ImageError, KxError, MissingPackageError
from kx_widget.engine.explainer import Explainer, ExplainerSettings
from kx_widget.engine.model_files import load_model
from kx_widget.install import how_to_install

try:
    import ray
except ImportError as error:
    raise MissingPackageError(f"Explaining on a cluster needs Ray: {how_to_install('ray')}.") from error

# How often a part is begun again whose worker died.
RETRIES = 3


class ExplainActor:
    """Explains parts of a source with one compiled explainer, for as long as the actor lives.

    Args:
        model: what is in the file of the model.
        source: all images of the job.
        suffix: of the model's file.
        explainer_settings, pipeline_settings: of its explainer and its pipeline.
        files: where the parts go.
    """

    def __init__(
        self,
        model: bytes,
        source: ImageFiles,
        suffix: str,
        explainer_settings: ExplainerSettings,
        pipeline_settings: PipelineSettings,
        files: PartFiles,
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{suffix}"
            path.write_bytes(model)
            explainer = Explainer(load_model(path), **vars(explainer_settings))
        self._pipeline = Pipeline(explainer, pipeline_settings)
        self._source = source
        self._files = files

    def ready(self) -> int:
        """Tell that the actor has started, and done no image yet."""
        return 0

    def explain_part(self, part: int) -> int:
        """Explain a part into its file; returns how many images it has."""
        self._pipeline.loader.settle(self._source.items())
        start = part * self._files.images
        with closing(self._pipeline.explain(self._source.items(start, start + self._files.images))) as batches:
            return sum(explain_part(batches, part, self._files))


@dataclass(frozen=True)
class RayExecutor:
    """Explains the missing parts of a job on the cluster this process is connected to, or on a new one here.

    Attributes:
        model: the file of the model that the job's explainer has; it is sent to each machine once.
        workers: actors that explain at once.
        gpus: of each worker, 0.5 for two on one GPU.
    """

    model: str | Path
    workers: int = 2
    gpus: float = 0

    def __call__(
        self, pipeline: Pipeline, source: Source, files: PartFiles, complete: Collection[int]
    ) -> Generator[int, None, None]:
        """Yield how many images are done, part after part.

        Raises:
            KxError: workers cannot load the model, or die again and again.
            What explaining raises.
        """
        assert isinstance(source, ImageFiles)
        parts = [part for part in range(len(files.stamps)) if part not in complete]
        if not parts:
            return
        model, everywhere = Path(self.model), replace(source, root=os.getcwd())
        # What all images have in common is written down here, too.
        pipeline.loader.settle(source.items())
        # Held to the end: an actor that is started again gets the same objects.
        large = ray.put(model.read_bytes()), ray.put(everywhere)
        actor: Any = ray.remote(ExplainActor).options(
            num_cpus=1, num_gpus=self.gpus, max_restarts=-1, max_task_retries=RETRIES
        )
        settings = pipeline.explainer.settings, pipeline.settings
        actors = [actor.remote(*large, model.suffix, *settings, files) for _ in range(min(self.workers, len(parts)))]
        try:
            yield from _explain_parts(actors, parts)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, (KxError, OSError)):
                raise error.cause from error
            raise
        except ray.exceptions.RayActorError as error:
            if error.actor_init_failed:
                raise KxError(f"Workers of the cluster cannot load the model: {error}") from error
            raise KxError(
                f"Workers of the cluster died {RETRIES + 1} times over one part, of lack of memory perhaps ({error}). "
                "The parts that are written stay, and the same command goes on with the others."
            ) from error
        finally:
            for one in actors:
                ray.kill(one)


def _explain_parts(actors: list[Any], parts: list[int]) -> Generator[int, None, None]:
    """Give each actor that is ready a part, until all are done; one that never starts keeps nobody waiting."""
    busy: dict[Any, Any] = {actor.ready.remote(): actor for actor in actors}
    waiting, left = iter(parts), len(parts)
    while left:
        (task,), _ = ray.wait([*busy], num_returns=1)
        actor, images = busy.pop(task), ray.get(task)
        if images:
            left -= 1
            yield images
        part = next(waiting, None)
        if part is not None:
            busy[actor.explain_part.remote(part)] = actor


def explain_on_ray(
    model: str | Path,
    source: Any,
    path: str | Path,
    targets: Any = "top",
    *,
    workers: int = 2,
    gpus: float = 0,
    settings: dict[str, Any] | None = None,
    **keywords: Any,
) -> Store:
    """Explain image files on the Ray cluster this process is connected to, or on a new one on this machine.

    A worker that dies is replaced by Ray, and the part it was at is explained again; nothing is lost or doubled.
    A run that was cut off goes on when the same is asked again, on a cluster or in one process.

    Args:
        model: a saved Keras model; it is sent to each machine once.
        source: a folder, file, glob or a list of these, at the same place on every machine.
        path: the folder to write, at the same place on every machine.
        targets, **keywords: as in `Explainer.explain_to`.
        workers: how many actors explain at once.
        gpus: of each worker, 0.5 for two on one GPU.
        settings: keywords of `Explainer`.

    Returns:
        The `Store`, for reading.

    Raises:
        ImageError: the source is no list of files.
        KxError: as in `Explainer.explain_to`.
    """
    explainer = Explainer(load_model(Path(model)), **(settings or {}))
    files = read_source(source, keywords.get("labels"), explainer.class_names, explainer.inputs)
    if not isinstance(files, ImageFiles):
        raise ImageError("A cluster explains files: pass a folder, a glob or a list of paths.")
    return run_job(explainer, Job.of(path, files, targets, keywords), RayExecutor(model, workers, gpus))
