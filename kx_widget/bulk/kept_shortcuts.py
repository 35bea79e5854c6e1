"""What a search for shortcuts has found, in words, pictures and rows, kept in the store's folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kx_widget.bulk.parts import as_json
from kx_widget.bulk.store import Store
from kx_widget.bulk.suspicions import Suspicion
from kx_widget.engine.drawing import COLORMAP, color_table, data_url, encode
from kx_widget.engine.errors import FormatError
from kx_widget.engine.figures import counted, listed, percent
from kx_widget.engine.files import shared_names, write_whole

if TYPE_CHECKING:
    # A store is shown without TensorFlow.
    from kx_widget.bulk.interventions import TestedSuspicion

KEPT = "_shortcuts.json"
# Pictures of each suspicion, their sides in pixels, and how many maps a mean is of.
MEDOIDS, SIDE, MEANT = 6, 96, 50
NOT_TESTABLE = "not testable"


def kept_facts(store: Store, summary: str, limits: Sequence[str], tested: Sequence[TestedSuspicion]) -> dict[str, Any]:
    """What pages show of suspicions, as JSON can hold it.

    Args:
        store: where the explanations are.
        summary: what was looked at, in a sentence.
        limits: what cannot be found, in sentences.
        tested: what was found.
    """
    return {
        "rows": len(store),
        "headline": headline(tested),
        "summary": summary,
        "limits": list(limits),
        "suspicions": [_facts(store, one) for one in tested],
    }


def keep(store: Store, facts: dict[str, Any]) -> None:
    """Keep them in the store's folder, unless that cannot be written to, which is said.

    What was tested is not replaced by what was not, for want of a model.
    """
    try:
        before = read_kept(store)
    except FormatError:
        before = None
    if before is not None and _is_tested(before) and not _is_tested(facts):
        return
    try:
        if "://" in store.path:
            raise OSError("it lies elsewhere")
        write_whole(Path(store.path) / KEPT, json.dumps(facts).encode())
    except OSError as error:
        warnings.warn(
            f"What was found is not kept in {store.path!r}: {error}. Pass it on: "
            "KxWidget.from_store(store, suspicions=shortcuts).",
            RuntimeWarning,
            stacklevel=2,
        )


def read_kept(store: Store) -> dict[str, Any] | None:
    """What was kept of the last search in a store; None where nobody has searched.

    Raises:
        FormatError: the file is damaged, or the store has other rows by now.
    """
    path = Path(store.path) / KEPT
    if "://" in store.path or not path.is_file():
        return None
    facts = as_json(str(path), path.read_bytes())
    if not isinstance(facts.get("suspicions"), list) or not isinstance(facts.get("rows"), int):
        raise FormatError(f"{str(path)!r} holds no suspicions: run kx shortcuts again.")
    if facts["rows"] != len(store):
        raise FormatError(
            f"The suspicions in {str(path)!r} are about {facts['rows']} rows, and the store has {len(store)} by now: "
            "run kx shortcuts again."
        )
    return facts


def headline(tested: Sequence[TestedSuspicion]) -> str:
    """Whether the model is right for the right reason, as far as that is known, bad news first."""
    confirmed = [one for one in tested if one.trial.verdict == "confirmed"]
    if confirmed:
        first, names = confirmed[0], list(dict.fromkeys(one.suspicion.target_name for one in confirmed))
        trial, name = first.trial, first.suspicion.target_name
        text = (
            f"Not always. It takes pictures for {listed(names)} by something that not all of them show: what "
            f"{counted(len(first.suspicion.rows), 'image')} of {name} have in common takes "
            f"{percent(trial.covered.mean if trial.covered else 0)} of the score with it when it is covered"
        )
        if trial.pasted is not None:
            text += f", and turns {percent(trial.pasted.mean)} of other pictures into {name} when it is pasted there"
        return f"{text}. Whether the model may use that, only somebody who knows the subject can tell."
    if not tested:
        return "Nobody knows: no group of images stands apart from its class, so there was nothing to test."
    if all(one.trial.verdict == NOT_TESTABLE for one in tested):
        return (
            f"Nobody knows: {counted(len(tested), 'group')} of images stand apart from their class, and whether the "
            "model uses what they have in common was not tested."
        )
    count = sum(one.trial.verdict == "not confirmed" for one in tested)
    return (
        f"Nothing speaks against it: of {counted(count, 'group')} of images that stand apart from their class, none "
        "has something in common that does more than the class itself. That excludes no shortcut."
    )


def _facts(store: Store, tested: TestedSuspicion) -> dict[str, Any]:
    suspicion, trial = tested.suspicion, tested.trial
    wrong = (suspicion.wrong, suspicion.others_wrong)
    return {
        "target_name": suspicion.target_name,
        "verdict": trial.verdict,
        "why": trial.why,
        "share": suspicion.share,
        "wrong": None if np.isnan(wrong).any() else [float(part) for part in wrong],
        "rows": suspicion.rows.tolist(),
        "pictures": _pictures(store, tested),
        "map": _mean_map(store, suspicion),
    }


def _pictures(store: Store, tested: TestedSuspicion) -> list[dict[str, Any]]:
    """Pictures of the members that are most like the mean, with their maps, and the part that was tested."""
    boxes, rows = tested.trial.boxes, tested.examples(MEDOIDS)
    names = shared_names([row["id"] for row in store.rows(rows, ["id"])])
    return [
        {"name": name, "box": list(boxes[row]) if row in boxes else None, "url": _small(store, row)}
        for row, name in zip(rows, names, strict=True)
    ]


def _small(store: Store, row: int) -> str:
    picture = Image.fromarray(store.explanation(row).pictures()[0, 0])
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return data_url(encode(picture, "jpeg", quality=80), "jpeg")


def _mean_map(store: Store, suspicion: Suspicion) -> str:
    """The mean of what speaks for the class in the members' maps, each at its own scale; "" where sizes differ."""
    maps = [np.maximum(np.nan_to_num(each), 0) for each in store.maps(suspicion.rows[:MEANT])]
    if len({each.shape for each in maps}) > 1:
        return ""
    mean = np.mean([each / max(float(each.max()), np.finfo(np.float32).tiny) for each in maps], 0)
    mean /= max(float(mean.max()), np.finfo(np.float32).tiny)
    return data_url(encode(color_table(COLORMAP)[(255 * mean + 0.5).astype(np.uint8)]))


def _is_tested(facts: dict[str, Any]) -> bool:
    return any(each.get("verdict") != NOT_TESTABLE for each in facts["suspicions"])
