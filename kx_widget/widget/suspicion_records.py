"""Suspicions as pages show them: by the numbers that images have there."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.types import Ints
from kx_widget.widget.messages import SuspicionRecord, SuspicionRecords

if TYPE_CHECKING:
    from kx_widget.bulk.shortcuts import Shortcuts


def suspicion_records(shortcuts: Mapping[str, Any], shown: Ints, count: int) -> SuspicionRecords:
    """What a search for shortcuts has found, of the images that are shown.

    Args:
        shortcuts: as they are kept, see `bulk.kept_shortcuts`.
        shown: the rows of the store (N, T) of each image.
        count: rows of the store.
    """
    images = np.full(count, -1, np.int64)
    images[shown] = np.arange(len(shown))[:, None]
    return {
        "headline": shortcuts["headline"],
        "summary": shortcuts["summary"],
        "limits": shortcuts["limits"],
        "items": [_record(each, images) for each in shortcuts["suspicions"]],
    }


def _record(suspicion: Mapping[str, Any], images: Ints) -> SuspicionRecord:
    members = images[np.asarray(suspicion["rows"], np.int64)]
    members = np.unique(members[members >= 0]).astype("<u4")
    return {
        "target_name": suspicion["target_name"],
        "verdict": suspicion["verdict"],
        "why": suspicion["why"],
        "size": len(suspicion["rows"]),
        "share": suspicion["share"],
        "wrong": suspicion["wrong"],
        "images": base64.b64encode(members.tobytes()).decode(),
        "pictures": suspicion["pictures"],
        "map": suspicion["map"],
    }


def facts_of(suspicions: "Shortcuts | bool") -> dict[str, Any]:
    """What is shown of the suspicions that somebody passes; False is none.

    Raises:
        ParameterError: they are nothing of the kind.
    """
    if suspicions is False:
        return {}
    if isinstance(suspicions, bool) or not hasattr(suspicions, "facts"):
        raise ParameterError(
            f"suspicions={suspicions!r:.100}: pass what Explainer.shortcuts returned, None for what is kept in the "
            "store, or False for none."
        )
    return suspicions.facts()
