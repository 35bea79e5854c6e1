"""The columns of a store, and explained batches as its rows: one an image and target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.bulk.arrow import pa
from kx_widget.bulk.embeddings import embedding_column
from kx_widget.bulk.sources import id_of
from kx_widget.engine.evidence_columns import EvidenceLevel, evidence_names

if TYPE_CHECKING:
    # Stores are read without TensorFlow.
    from collections.abc import Sequence

    from kx_widget.bulk.loader import Sample
    from kx_widget.bulk.pipeline import ExplainedBatch

DTYPES = ("float16", "float32")
MAP = "map"
# Not there in stores of 0.1.
NOTES = "notes"
# Only where it was asked for.
RELEVANCE = "channel_relevance"
# Only where it was asked for.
EMBEDDING = "embedding"
# Only of models that have scores for several places.
REGION = "region"
# Only of models that take numbers beside the image.
BESIDE = "beside"
# Only of what was explained while a model was trained; the last of all.
EPOCH = "epoch"
EPOCH_FIELD = pa.field(EPOCH, pa.float32())


def schema(
    dtype: str,
    evidence: EvidenceLevel | None = None,
    channels: int = 0,
    has_regions: bool = False,
    beside: Sequence[str] = (),
    has_embeddings: bool = False,
) -> pa.Schema:
    """The columns of a store whose maps are kept as `dtype`, with so much evidence and so many channels' relevance.

    With `has_regions` they say which places of the model's output count, with names of inputs `beside` the image what
    these were, with `has_embeddings` which images are alike.
    """
    columns: list[tuple[str, pa.DataType]] = [
        ("id", pa.string()),  # path, or running number; see sources.id_of
        ("column", pa.int16()),  # which of the targets asked for, from 0
        ("target", pa.int32()),  # class, −1 for a contrast
        ("target_name", pa.string()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("predicted", pa.int32()),  # most probable class
        ("label", pa.int32()),  # true class, where it is known
        (MAP, pa.list_(pa.from_numpy_dtype(dtype))),  # row by row; times scale it is raw
        ("scale", pa.float32()),
        ("shape", pa.list_(pa.int32())),  # (h, w) of the map
        ("method", pa.string()),
        ("layer", pa.string()),
        ("params", pa.string()),  # JSON
        ("checks", pa.string()),  # JSON, by name
        ("versions", pa.string()),  # JSON
        (NOTES, pa.list_(pa.string())),  # what the map fails to say; null where nothing
        ("error", pa.string()),  # why the image was skipped; then what was found is null
    ]
    columns += [(name, pa.float32()) for name in evidence_names(evidence)]  # null where it cannot be told
    columns += [(REGION, pa.string())] if has_regions else []  # in words
    columns += [(BESIDE, pa.string())] if beside else []  # JSON, by name
    # Of length 1, 0 or NaN; null but in the first row of each image, see bulk.embeddings.
    columns += [(EMBEDDING, pa.list_(pa.float16()))] if has_embeddings else []
    if channels:
        columns.append((RELEVANCE, pa.list_(pa.float32(), channels)))  # see engine.channel_relevance; 0 where skipped
    return pa.schema(columns)


def to_table(
    explained: ExplainedBatch,
    dtype: str,
    evidence: EvidenceLevel | None = None,
    channels: int = 0,
    has_regions: bool = False,
    beside: Sequence[str] = (),
    has_embeddings: bool = False,
) -> pa.Table:
    """N × T rows of a batch's explanation, image after image, and one for each image that was skipped."""
    columns = schema(dtype, evidence, has_regions=has_regions, beside=beside, has_embeddings=has_embeddings)
    tables = [_with_relevance(_skipped(explained.batch.broken, columns), None, channels)]
    if explained.explanation is not None:
        labels = [sample.item.label for sample in explained.batch.good]
        images = explained.batch.images
        others = beside_rows(beside, images.beside if beside and images is not None else ())
        table = _explained(explained, labels, columns, others)
        tables.insert(0, _with_relevance(table, explained.channel_relevance, channels))
    return pa.concat_tables(tables)


def _with_relevance(table: pa.Table, relevance: Any, channels: int) -> pa.Table:
    """The table with a column of the relevance (N, T, channels), 0 where there is none."""
    if not channels:
        return table
    values = np.zeros(len(table) * channels, np.float32) if relevance is None else relevance.ravel()
    return table.append_column(RELEVANCE, pa.FixedSizeListArray.from_arrays(pa.array(values, pa.float32()), channels))


def beside_rows(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    """What else a model takes of each image, (N, …) of each name, as JSON, from which numbers come back bit by bit."""
    rows = zip(*(each.tolist() for each in values), strict=True)
    return [json.dumps(dict(zip(names, row, strict=True))) for row in rows]


def _explained(
    explained: ExplainedBatch, labels: Sequence[int | None], columns: pa.Schema, beside: Sequence[str]
) -> pa.Table:
    e: Any = explained.explanation
    n, t, h, w = e.maps.shape

    def each_image(values: Any) -> list[Any]:
        return [v for v in values for _ in range(t)]

    def everywhere(value: str | None) -> pa.Array:
        return pa.array([value] * (n * t), pa.string())

    offsets = np.arange(0, n * t * h * w + 1, h * w, dtype=np.int32)
    dtype = columns.field(MAP).type.value_type.to_pandas_dtype()
    scale = _scale(e.maps, dtype)
    checks = {name: np.ravel(values).tolist() for name, values in e.checks.items()}
    values: dict[str, Any] = {
        "id": each_image(map(id_of, e.names)),
        "column": [*range(t)] * n,
        "target": e.targets.ravel(),
        "target_name": [name for names in e.target_names for name in names],
        "score": e.scores.ravel(),
        "probability": pa.array(e.probabilities.ravel(), from_pandas=True),  # NaN is null
        "predicted": each_image(explained.predicted.tolist()),
        "label": each_image(labels),
        MAP: pa.ListArray.from_arrays(
            offsets, pa.array(np.ravel(e.maps.reshape(n * t, h * w) / scale[:, None]).astype(dtype))
        ),
        "scale": scale,
        "shape": [[h, w]] * (n * t),
        "method": everywhere(e.method),
        "layer": everywhere(e.layer),
        "params": everywhere(json.dumps(dict(e.params), default=str)),
        "checks": [json.dumps({k: v[i] for k, v in checks.items()}) if checks else None for i in range(n * t)],
        "versions": everywhere(json.dumps(dict(e.versions))),
        NOTES: [list(e.notes_of(i, j)) or None for i, j in np.ndindex(n, t)],
        "error": everywhere(None),
        REGION: each_image(map(str, e.regions)),
        BESIDE: each_image(beside),
        EMBEDDING: None if explained.embeddings is None else embedding_column(explained.embeddings, t),
    }
    values |= {name: pa.array(column.ravel(), from_pandas=True) for name, column in e.evidence.items()}
    return pa.table({f.name: pa.array(values[f.name], f.type) for f in columns}, columns)


def _scale(maps: Any, dtype: Any) -> Any:
    """What to divide each map by before it is kept, (N × T,): a power of two, so that nothing but float16 rounds.

    Raw maps may be smaller than anything float16 can hold.
    """
    largest = np.abs(np.where(np.isfinite(maps), maps, 0)).max((2, 3)).ravel()
    if dtype == np.float32:
        return np.ones_like(largest)
    return np.where(largest > 0, np.exp2(np.ceil(np.log2(np.maximum(largest, 1e-37)))), 1).astype(np.float32)


def _skipped(samples: Sequence[Sample], columns: pa.Schema) -> pa.Table:
    values: dict[str, Any] = {
        "id": [id_of(sample.item.id) for sample in samples],
        "label": [sample.item.label for sample in samples],
        "error": [id_of(sample.problem) for sample in samples],
    }
    nulls = [None] * len(samples)
    return pa.table({f.name: pa.array(values.get(f.name, nulls), f.type) for f in columns}, columns)
