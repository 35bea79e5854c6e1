"""The explainer that people use: the engine's, and with it data sets of any size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kx_widget.bulk.dataset import Explanations
from kx_widget.bulk.pipeline import PART_IMAGES, PipelineSettings
from kx_widget.engine import explainer as engine
from kx_widget.engine.concepts import Concepts, concepts_of
from kx_widget.engine.detections import Detection, detections_of, target_of
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.evaluation_inputs import EvaluationSettings, columns_of
from kx_widget.engine.evidence_columns import EvidenceLevel
from kx_widget.engine.nearest import EmbeddedImages, NearestImages, directions_of, nearest_images
from kx_widget.engine.pooled_activations import all_pooled, at_layer
from kx_widget.engine.question import Question
from kx_widget.engine.scalars import Target
from kx_widget.engine.tiled import NO_DATA_SET
from kx_widget.engine.types import Floats

if TYPE_CHECKING:
    from kx_widget.bulk.shortcuts import Shortcuts
    from kx_widget.bulk.store import Store
    from kx_widget.bulk.store_evaluation import StoreEvaluation


class Explainer(engine.Explainer):  # noqa: D101
    __doc__ = engine.Explainer.__doc__

    def detections(self, images: Any, **settings: Any) -> list[list[Detection]]:
        """Tell what a detector detects, without boxes that overlap a more probable one of any class.

        Args:
            images: as in `explain`.
            **settings: `threshold=0.5` (only boxes with a class more probable than this), `iou=0.5` (of two boxes whose
                intersection over union is this or more the less probable one goes), `most=100` of an image.

        Returns:
            For each image its `Detection`s, the most probable first; boxes wholly outside of the picture are left out.

        Raises:
            ParameterError: the model is no detector that is known, which `detect=` mends; a setting out of range.
            ImageError, ModelError: as in `explain`.
        """
        return detections_of(self.ask(images, [0], method="gradients"), settings)

    def detection_target(self, image: Any, detection: Detection) -> Target:
        """Make a target of how much of a detection is still found; its maps of the method `"rise"` are those of D-RISE.

        Args:
            image: one image, as in `explain`.
            detection: what `detections` told of it.

        Returns:
            A target for `explain`, see `kx.detection`.

        Raises:
            ParameterError: several images; and as in `detections`.

        Reference: Petsiuk et al. 2021, arXiv 2006.03204.
        """
        return target_of(self.ask(image, [0], method="gradients"), detection)

    def concepts(
        self,
        images: Any,
        layer: str | None = None,
        concepts: int | Concepts = 8,
        *,
        region: Any = None,
        batch_size: int | None = None,
        seed: int = 0,
        progress: bool = False,
    ) -> Concepts:
        """Look for the few parts that a layer's activations in all of these images are made of.

        One non-negative factorisation of the activations of all cells, semi-non-negative where these have both signs.
        It takes no pass through the model where activations are kept, and one of the head for each image and concept.

        Args:
            images: as in `explain`.
            layer: its path, None for the recommended one.
            concepts: how many to look for, at most 16; or concepts found before, to find the same ones in other images.
            region: as in `explain`: of what scores importance is told.
            batch_size: images at once; None goes by memory.
            seed: of random numbers.
            progress: show a progress bar.

        Returns:
            `Concepts`: where each is, which parts of the images are most typical of it, and what each class loses
            without it.

        Raises:
            ParameterError: more concepts than cells or channels, or concepts of another layer; pictures in tiles.
            ModelError: activations are no numbers, or the model has no layer with a map.
            KxError: as in `explain`.

        Reference: Collins et al. 2018, arXiv 1806.10206; Fel et al. 2023, arXiv 2211.10154.
        """
        self._check_whole()
        earlier = concepts if isinstance(concepts, Concepts) else None
        layer = earlier.layer if layer is None and earlier is not None else layer
        settings = {"seed": seed} | ({} if earlier else {"concepts": concepts})
        question = self.ask(images, [0], method="gradcam", layer=layer, region=region, batch_size=batch_size)
        return concepts_of(question, settings, earlier, progress)

    def embed(self, images: Any, layer: str | None = None, batch_size: int | None = None) -> Floats:
        """Tell the mean of a layer's activations over the places of each image.

        Args:
            images: as in `explain`.
            layer: a path; None is the recommended one.
            batch_size: images at once; None goes by memory.

        Returns:
            float32 (N, K) for K channels. After a map at this layer it takes no pass.

        Raises:
            UnknownLayerError, ModelError: there is no such layer, or none with a map.
            ImageError, ParameterError: as in `explain`.
        """
        return all_pooled(self._at_layer(images, layer, batch_size))

    def nearest(
        self,
        images: Any,
        among: Any = None,
        *,
        k: int = 10,
        layer: str | None = None,
        batch_size: int | None = None,
    ) -> NearestImages:
        """Find the images that the model sees most alike, by the cosine of their mean activations at a layer.

        It says that the model sees them alike, whatever it predicts; it does not say where.

        Args:
            images: as in `explain`.
            among: where to look: other images, or a `Store` made with `embeddings=True`, at whose layer they are then
                compared; None for the images themselves, of which none is its own neighbour.
            k: how many neighbours of each image.
            layer, batch_size: as in `embed`.

        Returns:
            A `NearestImages`: indices, or numbers of rows of the store, and similarities (N, k), the nearest first.

        Raises:
            FormatError: the store has no embeddings.
            ParameterError: another model than this has made the store.
            KxError: as in `embed`.
        """
        if isinstance(among, EmbeddedImages):
            # pyarrow is an extra, which whoever has a store has.
            from kx_widget.bulk.job import check_model_of

            path = among.embedding_layer(layer)
            check_model_of(among, self.model)
            return among.nearest(self.embed(images, path, batch_size), k)
        question = self._at_layer(images, layer, batch_size)
        vectors, path = all_pooled(question), str(question.layer)
        if among is None:
            return nearest_images(vectors, directions_of(vectors), k, path, own=np.arange(len(vectors)))
        return nearest_images(vectors, directions_of(self.embed(among, path, batch_size)), k, path)

    def _at_layer(self, images: Any, layer: str | None, batch_size: int | None) -> Question:
        return at_layer(self.ask(images, [0], method="gradients", batch_size=batch_size), layer)

    def explain_dataset(
        self,
        source: Any,
        targets: Any = "top",
        *,
        labels: Literal["folder"] | None = None,
        batch_size: int | None = None,
        on_error: Literal["skip", "raise"] = "skip",
        evidence: EvidenceLevel | None = None,
        progress: bool = False,
        **question: Any,
    ) -> Explanations:
        """Explain image after image of a source of any length; images are decoded while the model is busy.

        A model made under a `tf.distribute` strategy explains a batch on each of its devices at once.

        Args:
            source: a folder, file, glob or a list of these; a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
                generator: of images, batches, `(images, labels)`, or dicts with `"image"` and `"label"`; for a model of
                several inputs of dicts of all of them, or tuples, alone or in the place of images.
            targets: as in `explain`, the same for all images; `"true"` takes the labels that come with the source.
            labels: "folder" if the folders of files are named after their classes.
            batch_size: images at once; None keeps the source's own batches, and takes 32 of single images.
            on_error: a broken image is skipped, and all of them told at the end, or raises.
            evidence: what to tell of how far each map can be believed, as `Explanation.evidence`: `"free"` what takes
                no pass, `"cells"` also what 16 passes an image tell.
            progress: show a bar, with images per second.
            **question: as in `explain`.

        Returns:
            An iterator of one `Explanation` a batch, in order, equal to that of `explain` for the same images (to
            rounding from a thousand images on, where the weights of small models are frozen); its `names`
            are paths or running numbers. The iterator's `skipped` tells names and reasons, `close()` ends it.

        Raises:
            Those of `explain`: for the question at once, for images as they come.
        """
        self._check_images_are_whole()
        settings = PipelineSettings(targets, question, batch_size, on_error, part_images=None, evidence=evidence)
        return Explanations(self, source, settings, progress, labels)

    def _check_images_are_whole(self) -> None:
        if self.tiling is not None:
            raise ParameterError(NO_DATA_SET)

    def explain_to(
        self,
        path: str | Path,
        source: Any,
        targets: Any = "top",
        *,
        dtype: Literal["float16", "float32"] = "float32",
        part_images: int = PART_IMAGES,
        channel_relevance: bool = False,
        embeddings: bool = False,
        labels: Literal["folder"] | None = None,
        batch_size: int | None = None,
        on_error: Literal["skip", "raise"] = "skip",
        evidence: EvidenceLevel | None = "free",
        progress: bool = False,
        **question: Any,
    ) -> Store:
        """Explain a source into a folder of Parquet files, one row an image and target.

        A file appears when all of it has been written. A run that was cut off, however, goes on when the same is
        asked again, and ends with what one run would have given; a finished one is not computed again, but for parts
        whose images have been replaced. A second run on the folder at the same time is refused.

        Args:
            path: the folder, "maps.parquet" for instance.
            source, targets, batch_size, on_error, progress, **question: as in `explain_dataset`.
            dtype: float32 keeps maps bit by bit, float16 takes half the room and rounds to 11 bits.
            part_images: images in a file, which is what a run that is cut off loses at most.
            channel_relevance: also keep what each channel of the layer contributes to each score, 4 bytes a channel,
                for `shortcuts`; it takes no further pass.
            embeddings: also keep the mean activations of each image, 2 bytes a channel, for `nearest`: those of the
                layer that is explained, or of the recommended one where the method sees none, which takes a pass.
            labels: "folder" if the folders of files are named after their classes.
            evidence: as in `explain_dataset`, in columns of their names, null where it cannot be told.

        Returns:
            The `Store`, for reading.

        Raises:
            FormatError: the folder holds something else, or answers to another question, another `preprocess` or
                another method of your own; or another run is at work on it.
            MissingPackageError: pyarrow is missing: install the extra `store`.
            KxError: as in `explain_dataset`.
        """
        self._check_images_are_whole()
        # pyarrow is an extra.
        from kx_widget.bulk.job import Job, run_job

        settings = PipelineSettings(
            targets,
            question,
            batch_size,
            on_error,
            part_images,
            evidence=evidence,
            channel_relevance=channel_relevance,
            embeddings=embeddings,
        )
        return run_job(self, Job(path, source, settings, dtype, labels, progress))

    def shortcuts(self, store: Store | str | Path, **settings: Any) -> Shortcuts:
        """Look in a store for what some images of a class have in common, and test whether the model uses it.

        Class by class, images are clustered by the relevance of the layer's channels, Σ_ij (∂S/∂A ⊙ A), which does not
        depend on where in the image something is. What a cluster has beyond the others of its class is covered in its
        images, and pasted into images of other classes, and so are equally large parts from elsewhere. No verdict comes
        from a cluster alone. What was found is kept in the store's folder, where `KxWidget.from_store` shows it.

        Args:
            store: made by `explain_to(…, channel_relevance=True)` with this model; its images are read again.
            **settings: `cover="mean"` (what covers, as in `what_if`), `most=24` suspicions that are tested,
                `members=50` images of each, `rows=100_000` of the store that are looked at (of more, so many are
                drawn), `seed=0`.

        Returns:
            `Shortcuts`: each suspicion *confirmed*, *not confirmed* or *not testable*, with the figures.

        Raises:
            FormatError: the store does not tell the relevance of channels.
            ParameterError: the model is not that of the store; unknown setting.
            MissingPackageError: scikit-learn or pyarrow is missing: install the extra `shortcuts`.

        Reference: Dreyer et al. 2023, arXiv 2311.16681; Lapuschkin et al. 2019, arXiv 1902.10178.
        """
        # pyarrow and scikit-learn are extras.
        from kx_widget.bulk.shortcuts import find_shortcuts
        from kx_widget.bulk.store import Store

        self._check_images_are_whole()
        return find_shortcuts(store if isinstance(store, Store) else Store(store), self, **settings)

    def evaluate_store(
        self,
        store: str | Path | Store,
        metrics: Any = None,
        *,
        path: str | Path | None = None,
        sample: int | None = 200,
        progress: bool = False,
        **settings: Any,
    ) -> StoreEvaluation:
        """Measure how far the maps of a store can be believed, on a sample of its images, and keep it in a folder.

        A run that was cut off goes on when the same is asked again.

        Args:
            store: what `explain_to` wrote with this model.
            metrics: as in `evaluate`.
            path: the folder to write, or to go on with; None for one beside the store.
            sample: how many images, drawn by the seed; None for all.
            progress: show a bar, with images per second.
            **settings: as in `evaluate`.

        Returns:
            A `StoreEvaluation`: means with intervals, and a row for each map.

        Raises:
            FormatError: there is no such store, it is empty, or the folder holds something else.
            ParameterError: another model made the maps, or pictures have been replaced; unknown metric or setting.
            KxError: as in `evaluate`.
        """
        # pyarrow is an extra.
        from kx_widget.bulk.store import Store
        from kx_widget.bulk.store_evaluation import EvaluationRun

        self._check_images_are_whole()
        run = EvaluationRun(
            explainer=self,
            store=store if isinstance(store, Store) else Store(store),
            columns=columns_of(metrics, self.metrics),
            settings=EvaluationSettings.checked(settings),
            sample=sample,
            path=None if path is None else Path(path),
        )
        return run.run(progress)
