"""How similar the embedding that a model tells of an image is to references, as scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.engine.errors import ModelError, ParameterError, plain
from kx_widget.engine.graph.outputs import choose_output
from kx_widget.engine.heads import Link, Meaning
from kx_widget.engine.images import Images
from kx_widget.engine.keras_private import as_input, compiled, observed
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.model_inputs import ModelInputs, inputs_of
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.engine.references import UNITS, References, check_vectors, names_of, plain_references
from kx_widget.engine.tasks import dual_encoder, is_of_pairs
from kx_widget.engine.types import Floats

# Reference images that are embedded at once, and texts.
AT_ONCE = 16


class Similarity:
    """The scores of a model that tells embeddings: how similar these are to references.

    Args:
        model: it returns one vector for each image, or has an encoder for images and one for texts.
        output: name or index of the output that is the embedding, if there are several.
        references: what `similar_to` made.
        explain_input: as in `Explainer`.

    Attributes:
        inputs: what the model takes of an image.
        names: one a reference.
        measure: how embeddings are compared.

    Raises:
        ParameterError: `references` are something else, or texts that cannot be read.
        ModelError: texts are given, or logits asked for, and the model has none.
    """

    def __init__(self, model: Any, output: str | int | None, references: Any, explain_input: Any = None) -> None:
        if not isinstance(references, References):
            raise ParameterError(
                f"references= takes what kx.similar_to(…) returns, not {type(references).__name__}: "
                "kx.similar_to(vectors), kx.similar_to(images), kx.similar_to(texts=[…])."
            )
        self._model, self._output, self._references = model, output, references
        self._encoder = dual_encoder(model)
        self._head = next((each for each in getattr(self._encoder, "layers", ()) if hasattr(each, "logit_scale")), None)
        self.measure = references.measure or ("logits" if references.texts and self._head is not None else "cosine")
        if self.measure == "logits" and self._head is None:
            raise ModelError('The model does not say what it makes of two embeddings: pass measure="cosine".')
        if references.texts and self._encoder is None:
            raise ModelError(
                "The model has no text encoder (get_text_embeddings): pass texts that your own has embedded, "
                "kx.similar_to(vectors, names=texts)."
            )
        inputs = inputs_of(self._encoder or model, explain_input)
        # Of two encoders only that for images is explained.
        self.inputs: ModelInputs = replace(inputs, specs=(inputs.image,), explained=0) if self._encoder else inputs
        self.names: tuple[str, ...] = ()
        self._vectors: Floats | None = None
        self._version: int | None = None

    @property
    def are_images(self) -> bool:
        """Whether the references are images, which the model embeds."""
        return self._references.images is not None

    @property
    def meaning(self) -> Meaning:
        """What the scores are."""
        if self.measure != "logits":
            return Meaning(self.names, None, (UNITS[self.measure],) * len(self.names))
        # SigLIP was trained to tell of each pair by itself whether it belongs together, which takes a bias.
        link: Link = "sigmoid" if hasattr(self._head, "logit_bias") else "softmax"
        return Meaning(self.names, link)

    def as_plain(self) -> dict[str, Any]:
        """The references as JSON has them."""
        assert self._vectors is not None
        return plain_references(self._vectors, self.names, self.measure)

    def begin(self, preprocessor: Preprocessing, shape: tuple[int, int, int]) -> None:
        """Find out what images are to be preprocessed with, before references are read.

        A preprocessor that the model has may be one that it calls itself, which its trace (H, W, C) shows.
        """
        if self.are_images and preprocessor.own is not None:
            calls: list[Any] = []

            def traced(x: Any, *beside: Any) -> Any:
                with observed(self._model, tf.compat.v1.get_default_graph(), calls, self.inputs.channels_first):
                    return self.embed(self.inputs.joined(x, beside))

            fed = [(shape, "float32"), *map(self.inputs.fed, self.inputs.others)]
            compiled(traced, [tf.TensorSpec((None, *sides), dtype) for sides, dtype in fed])
            preprocessor.leave_to(layer for _, layer, _ in calls)

    def update(self, version: int, read: Callable[[Any], Images]) -> bool:
        """Embed references with the weights that the model has now; whether they are others than before.

        Args:
            version: of the weights.
            read: makes images ready for the model, with all that goes with them.

        Raises:
            ParameterError, ImageError, ModelError: they cannot be embedded, and why.
        """
        references = self._references
        if version == self._version or (self._vectors is not None and references.vectors is not None):
            return False
        if references.vectors is not None:
            self.names, self._vectors = names_of(references, len(references.vectors)), references.vectors
        elif references.texts:
            self._vectors = check_vectors(self._of_texts(references), self.measure)
            self.names = names_of(references, len(self._vectors))
        else:
            images = read(references.images)
            self._vectors = check_vectors(self._of_images(images), self.measure)
            files = [Path(each.place).stem for each in images.originals if isinstance(each.place, Path)]
            self.names = names_of(references, len(self._vectors), files if len(files) == len(self._vectors) else ())
        self._version = version
        return True

    def _of_images(self, images: Images) -> Floats:
        """The embeddings (N, D) of images."""
        vectors: list[Any] = []
        for start in range(0, len(images.batch), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            beside = [tf.constant(values[rows]) for values in images.beside]
            vectors.append(self.embed(self.inputs.joined(tf.constant(images.batch[rows]), beside)))
        return np.concatenate(vectors).astype(np.float32)

    def _of_texts(self, references: References) -> Floats:
        """The embeddings (C, D) of texts."""
        assert self._encoder is not None
        tokenizer = references.tokenizer or getattr(self._model, "preprocessor", None)
        if not callable(tokenizer):
            raise ParameterError(
                "What makes tokens of texts is not known: pass kx.similar_to(texts=…, tokenizer=preprocessor), the "
                "preprocessor of keras-hub that belongs to the model, or a function of a list of texts."
            )
        texts = list(references.texts)
        try:
            # A preprocessor of pairs wants images, too; what it makes of them is of no use here.
            pairs = {"prompts": texts, "images": np.zeros((len(texts), 8, 8, 3), np.float32)}
            tokens = tokenizer(pairs if is_of_pairs(tokenizer) else texts)
            tokens = tokens["token_ids"] if isinstance(tokens, dict) else tokens
            return np.asarray(self._encoder.get_text_embeddings(tf.constant(np.asarray(tokens), tf.int32)), np.float32)
        except Exception as error:
            raise ParameterError(f"Embedding the texts raised {plain(error)}") from error

    def embed(self, values: Sequence[Any]) -> Any:
        """The embedding (B, D), float32, of all inputs in the model's order.

        Raises:
            ModelError: the model tells something else of an image.
        """
        if self._encoder is not None:
            z = self._encoder.get_vision_embeddings(values[0])
        else:
            z = self._model(as_input(self._model, values), training=False)
            z = choose_output(self._model, z, self._output)
        shape = z.shape
        if shape.rank is not None and shape.rank > 2 and all(side == 1 for side in shape[1:-1]):
            z = tf.reshape(z, (-1, shape[-1]))
        if z.shape.rank != 2 or z.shape[-1] is None:
            raise ModelError(
                f"The model's output has shape {tuple(shape)}; an embedding of shape (batch, dimensions) is needed to "
                "compare it with references: pool its places or tokens, with GlobalAveragePooling for instance."
            )
        return tf.cast(z, tf.float32)

    def scores(self, z: Any) -> Any:
        """How similar embeddings (B, D) are to each reference, (B, C).

        Raises:
            ParameterError: references have another dimension.
        """
        assert self._vectors is not None
        vectors = tf.constant(check_vectors(self._vectors, self.measure, z.shape[-1]))
        if self.measure == "logits":
            assert self._head is not None
            return tf.cast(self._head(z, vectors)[0], tf.float32)
        if self.measure == "cosine":
            z, vectors = (tf.math.l2_normalize(each, -1, 1e-24) for each in (z, vectors))
        return tf.matmul(z, vectors, transpose_b=True)


def similarity_of(model: Any, settings: Mapping[str, Any]) -> Similarity | None:
    """How a model's embeddings are compared with references; None where there are none.

    Args:
        model: what is explained.
        settings: of its explainer.

    Raises:
        ModelError: the model compares images with texts, and there are none; those of `Similarity`.
        ParameterError: classes are named, or boxes are read, beside references.
    """
    references = settings["references"]
    if references is not None:
        for name in ("class_names", "output_names"):
            if settings[name] is not None:
                raise ParameterError(f"References are the classes: name them with similar_to(…, names=…), not {name}=.")
        if settings["detect"]:
            raise ParameterError("references= and detect= both say what is explained: pass one of them.")
        return Similarity(model, settings["output"], references, settings["explain_input"])
    if dual_encoder(model) is not None:
        raise ModelError(
            "The model compares images with texts: pass references=kx.similar_to(texts=[…], tokenizer=…) and each text "
            "is a class, or references=kx.similar_to(images)."
        )
    return None
