"""A page of stored explanations that needs nothing else."""

import base64
import hashlib
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from kx_widget.bulk.arrow import pc
from kx_widget.bulk.store import Store
from kx_widget.engine.drawing import data_url, encode
from kx_widget.engine.errors import FormatError, UnknownTargetError, did_you_mean
from kx_widget.engine.files import writable, write_whole
from kx_widget.engine.methods import METHODS

STYLE = """
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
body { margin: 1.5rem; max-width: 110rem }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 1rem }
figure { margin: 0; min-width: 0 } details { margin-block: 1rem }
.pair { position: relative; display: block }
.pair img { width: 100%; display: block; border-radius: 4px }
.pair img + img { position: absolute; inset: 0 }
figure:hover img + img, .pair:focus img + img { opacity: 0 }
figcaption span { display: flex; white-space: pre }
figcaption :is(b, i) { font: inherit }
figcaption :is(b, small) { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
figcaption small { display: block }
figcaption .note { white-space: normal; overflow-wrap: anywhere }
.right::before { content: "✓ " } .wrong::before { content: "✗ " }
small, p { color: color-mix(in srgb, currentColor 70%, transparent) }
"""


def write_page(
    store: Store,
    path: Path,
    limit: int = 100,
    sort: str | None = None,
    descending: bool = False,
    target: str | None = None,
    wrong: bool | None = None,
    **look: Any,
) -> tuple[int, int]:
    """Write the first maps of a choice over their images; a picture shows alone under the pointer.

    Args:
        store: where the maps are.
        path: the page.
        limit: how many at most.
        sort, descending: the column to sort by.
        target: only maps of this class.
        wrong: only images whose prediction is not their label, or is it; None for all.
        **look: as in `Explanation.overlay`.

    Returns:
        How many are shown, and how many there are of this choice.

    Raises:
        UnknownTargetError: the store has no map of this class.
        FormatError: it has no map at all, or none of this choice; or there is no folder for the page.
    """
    path = writable(path)
    every = len(store.select())
    if not every:
        lost = len(store.skipped)
        why = f": all its {lost} images were skipped." if lost else "."
        raise FormatError(f"{store.path!r} has no map to show{why}")
    numbers = store.select(_condition(store, target, wrong), sort, descending)
    if not len(numbers):
        raise FormatError(f"None of the {every} maps in {store.path!r} fits this choice.")
    shown = numbers[:limit]
    tiles = [_tile(store, int(number), look) for number in shown]
    job = store.job
    method = job.get("method", "maps")
    title = escape(f"{METHODS[method].title if method in METHODS else method} · {job.get('layer') or 'input'}")
    model = escape(job.get("model", {}).get("name", ""))
    skipped = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in store.skipped[:limit])
    lost = f"<details><summary>Skipped images: {len(store.skipped)}</summary><ul>{skipped}</ul></details>"
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
        f"<p>{model} · {len(shown)} of {len(numbers)} maps · point at one to see the picture alone</p>"
        f"{lost if skipped else ''}<main>{''.join(tiles)}</main></html>"
    )
    write_whole(path, text.encode())
    return len(shown), len(numbers)


def _condition(store: Store, target: str | None, wrong: bool | None) -> Any:
    where = None
    if target is not None:
        names = [name for name in store.column("target_name").unique().to_pylist() if name is not None]
        if target not in names:
            raise UnknownTargetError(f"The store has no map of {target!r}.{did_you_mean(target, names)}")
        where = pc.field("target_name") == target
    if wrong is not None:
        if store.column("label").null_count == len(store):
            raise UnknownTargetError("The store has no labels: explain with labels to know what is wrong.")
        differ = pc.field("predicted") != pc.field("label")
        verdict = differ if wrong else ~differ
        where = verdict if where is None else where & verdict
    return where


def _tile(store: Store, number: int, look: dict[str, Any]) -> str:
    e = store.explanation(number)
    (row,) = store.rows([number], ["predicted", "label"])
    # The notes are below.
    name, caption = escape(e.names[0]), escape(replace(e, notes=()).caption(0, 0))
    # Where there is little room, it is the class that gives way.
    target, dot, figure = caption.rpartition(" · ")
    verdict = "" if row["label"] is None else "right" if row["label"] == row["predicted"] else "wrong"
    pictures = (e.images[0], e.pictures(**look)[0, 0])
    notes = "".join(f'<small class="note">{escape(note)}</small>' for note in e.notes_of(0, 0))
    urls = [data_url(encode(picture, "jpeg", quality=88), "jpeg") for picture in pictures]
    shown = zip(urls, (name, caption), strict=True)
    images = "".join(f'<img loading="lazy" alt="{alt}" src="{url}">' for url, alt in shown)
    return (
        f'<figure><a class="pair" tabindex="0">{images}</a>'
        f'<figcaption title="{caption}"><span class="{verdict}"><b>{target}</b><i>{dot}{figure}</i></span>'
        f'<small title="{name}">{name}</small>{notes}'
        f"</figcaption></figure>"
    )
