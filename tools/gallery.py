"""Make the live pages of the documentation, and docs/gallery.md, which shows them: ``python -m tools.gallery``.

The pages are files of build/gallery, each a saved widget; they are made again where a source is newer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import kx_widget as kx
from kx_widget.engine.registry import Method, by_purpose

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build/gallery"
DOCUMENT = ROOT / "docs/gallery.md"
SOURCES = (ROOT / "kx_widget", Path(__file__))
HEADING = """---
hide: [navigation]
---

<link rel="stylesheet" href="assets/frames.css">
<script src="assets/frames.js" defer></script>

# Gallery

Click a picture, and the widget runs here, without Python: each is a page that `w.save("view.html")` wrote, with the
answers that were asked before. Networks and pictures are those of `kx.samples`.

<!-- `python -m tools.gallery` makes the pages, and this document. -->"""
SECONDS = 600.0
HEIGHT = 680
# What shows every method: of the sample scenes, those with a horse and something else.
SCENES = (2, 4)
# Scenes with a tag, among those that are made from this seed; the model sees a horse in one of them alone.
TAGGED, TAGGED_SEED = (6, 4, 8, 5), 5
# Among so many new scenes the model makes some mistakes.
NEW_SCENES, NEW_SEED = 400, 8
CONCEPTS_OF = 16


@dataclass(frozen=True)
class LivePage:
    """A page of the gallery.

    Attributes:
        title: of its section.
        prose: what there is to see and to try.
        widget: makes the widget that is saved, with all answers that the page offers.
        megabytes: how large it may be, but for its pictures.
        methods: ids of those that it shows, if it is about methods.
    """

    title: str
    prose: str
    widget: Callable[[], kx.KxWidget]
    megabytes: float = 1.0
    methods: tuple[str, ...] = ()


def ask(w: kx.KxWidget, **traits: Any) -> None:
    """Ask a question of these traits, and wait for the answer, which the page then offers."""
    with w.hold_trait_notifications():
        for name, value in traits.items():
            setattr(w, name, value)
    w.wait(SECONDS)


def ask_each(w: kx.KxWidget, name: str, values: Sequence[Any], **traits: Any) -> None:
    """Ask a question for each value of a trait."""
    for value in values:
        ask(w, **{name: value}, **traits)


def start() -> kx.KxWidget:
    """What the quickstart shows: any class, some layers, some methods, and whether the maps can be believed."""
    model, images, class_names, _ = kx.samples.load()
    w = kx.KxWidget(model, images, class_names=class_names, height=HEIGHT)
    ask_each(w, "layer", ["block1_out", "block2_out", "block3_out", "merge_out"])
    for method in ("layercam", "gradcampp", "hirescam", "gradcam"):
        ask_each(w, "target", [*class_names, "top"], method=method)
    w.measure()
    return w


def every_method() -> kx.KxWidget:
    """All methods that suit a convolutional network, for two classes of two scenes."""
    model, images, class_names, _ = kx.samples.load()
    scenes = [images[number] for number in SCENES]
    w = kx.KxWidget(model, scenes, class_names=class_names, height=HEIGHT, compare="targets")
    w.compare_with = ["top", "top-2"]
    ask_each(w, "method", [*reversed(OF_CNN)])
    return w


def transformer() -> kx.KxWidget:
    """What suits a transformer, beside what does not."""
    model, images, class_names, masks = kx.samples.load("vit")
    scenes = [image for image, mask in zip(images, masks, strict=True) if mask is not None]
    w = kx.KxWidget(model, scenes, class_names=class_names, height=HEIGHT)
    for target in ("top-2", "top"):
        ask_each(w, "method", [*OF_VIT, "integrated_gradients", "gradcam"], target=target)
    ask(w, compare="methods", compare_with=[*OF_VIT, "integrated_gradients"])
    ask(w, compare="none", method="attention_gradient")
    return w


def segmenter() -> kx.KxWidget:
    """Why the segmenter names a pixel, an object or a class as it does."""
    model, images, class_names, _ = kx.samples.load("segmenter")
    w = kx.KxWidget(
        model, images[:5], class_names=class_names, height=HEIGHT, target="top-2", layer="up3_relu", overlay="both"
    )
    ask_each(w, "layer", ["bottom_relu", "up2_relu", "up3_relu"])
    ask(w, target="top")
    w.selected = [1]
    for point in ((118, 75), (22, 60), (68, 96)):
        w.region = [kx.region("wins") if image != 1 else kx.region(pixel=point) for image in range(5)]
        w.wait(SECONDS)
    w.region = kx.region("wins")
    ask_each(w, "target", [*class_names, "top-2"])
    return w


def wrong_prediction() -> kx.KxWidget:
    """Scenes in which the model sees what is not there: the phantom beside what is."""
    model, _, class_names, _ = kx.samples.load()
    x = kx.Explainer(model, class_names=class_names)
    scenes, labels, _ = kx.samples.scenes(NEW_SCENES, (1, 2, 3), seed=NEW_SEED)
    mistakes = np.argwhere((x.predict(scenes)[1] > 0.5) & ~labels)
    scene, phantom = (int(number) for number in mistakes[0])
    there = [class_names[index] for index in np.flatnonzero(labels[scene])]
    name = class_names[phantom]
    w = kx.KxWidget(x, scenes[scene : scene + 1], name, height=HEIGHT, sign="signed")
    for method in ("integrated_gradients", "occlusion", "layercam", "gradcam"):
        ask_each(w, "target", [kx.contrast(name, there[0]), *there, name], method=method)
    w.measure()
    ask(w, compare="targets", compare_with=[name, *there])
    return w


def shortcut() -> kx.KxWidget:
    """A model that learned a tag for a horse, and the evidence that it did."""
    model, class_names = kx.samples.load_shortcut()
    scenes, labels, _ = kx.samples.tagged_scenes(max(TAGGED) + 1, 1, None, seed=TAGGED_SEED)
    chosen = list(TAGGED)
    w = kx.KxWidget(model, scenes[chosen], class_names=class_names, labels=labels[chosen], height=HEIGHT)
    ask_each(w, "target", ["true", kx.contrast("top", "true")])
    ask_each(w, "method", ["gradients", "integrated_gradients", "occlusion", "layercam", "gradcam"], target="top")
    w.measure()
    return w


def concepts() -> kx.KxWidget:
    """What a layer tells apart in all pictures."""
    model, _, class_names, _ = kx.samples.load()
    scenes, labels, _ = kx.samples.scenes(CONCEPTS_OF, 1, seed=NEW_SEED)
    w = kx.KxWidget(model, scenes, class_names=class_names, labels=labels.argmax(1), height=HEIGHT, overlay="concepts")
    ask(w, target="top")
    return w


def bands() -> kx.KxWidget:
    """Twelve bits in four bands, another input, and a value instead of a class."""
    model, inputs, output_names, _, _ = kx.samples.load_thermal()
    x = kx.Explainer(model, output_names=output_names)
    w = kx.KxWidget(x, inputs, method="hirescam", height=HEIGHT)
    ask(w, method="integrated_gradients", params={"channels": "each"})
    ask(w, method="gradients", params={"channels": "each"})
    ask(w, method="occlusion", params={})
    ask(w, method="hirescam")
    return w


OF_VIT = tuple(method.id for method in kx.METHODS.values() if method.sees == "attention")
OF_CNN = tuple(name for name in kx.METHODS if name not in OF_VIT)
PAGES = {
    "start": LivePage(
        "The first view",
        "What one line shows: where the network looks for what it predicts. Choose another class, layer or method; tap "
        "a picture, and the panel shows it large, with what covering parts of it does to the prediction.",
        start,
        1.4,
    ),
    "shortcut": LivePage(
        "A shortcut",
        "This network saw tags on pictures of horses alone, and learned the tag. It calls a cup, a shuttle and a "
        "photographer horses, and each map lies on the tag. The panel says whether to believe that: a tenth of the "
        "picture covered takes the prediction.",
        shortcut,
    ),
    "wrong": LivePage(
        "A wrong prediction",
        "The network sees a horse, and a coin where there is none. The two maps stand side by side: it does not take "
        "the horse for a coin, but a patch of the evening below the tower. Among the kept answers, *coin vs horse* "
        "tells what speaks for the one and against the other.",
        wrong_prediction,
    ),
    "segmenter": LivePage(
        "A segmenter",
        "A segmenter names every pixel; a map explains a class where it wins, an object, or one pixel. Outlines show "
        "what it predicts. Among the kept answers are three that ask about single pixels of image 1: of the cup, of "
        "the shuttle, and of a galaxy that it takes for a horse.",
        segmenter,
    ),
    "transformer": LivePage(
        "A vision transformer",
        "Attention has methods of its own, and the first view takes the one that was measured to point. Choose "
        "Grad-CAM to see what a method for convolutions makes of tokens.",
        transformer,
        1.4,
        OF_VIT,
    ),
    "concepts": LivePage(
        "Concepts",
        "What a layer tells apart in all pictures, one colour for each: ears, cups, hulls, suits. The bars say what a "
        "class loses without a concept. Tap a concept to see it alone.",
        concepts,
        1.4,
    ),
    "bands": LivePage(
        "Bands and values",
        "Four bands of twelve bits, a thermometer as the second input, and a value in °C instead of a class. Warm "
        "colours raise it, cold ones lower it. Integrated gradients and gradients have a map of each band.",
        bands,
        1.4,
    ),
    "methods": LivePage(
        "Every method",
        "Two scenes with a horse, the most probable class at the left and the second one at the right. The pictures "
        "below open this page with their method. Two equal maps are those of a method that knows no class. "
        "[Methods](methods.md) has the formula of each, what it is good for, and how it fails.",
        every_method,
        3.5,
        OF_CNN,
    ),
}


def place(name: str, *, is_open: bool = False) -> str:
    """The HTML of a page's place: its picture, which a click turns into the page."""
    title = f"{PAGES[name].title}, live"
    pictures = "".join(
        f'<img src="gallery/{name}-{theme}.webp#only-{theme}" alt="{title}" width="1200" height="700" loading="lazy">'
        for theme in ("light", "dark")
    )
    opened = " data-open" if is_open else ""
    return (
        f'<div class="kx-live" data-page="gallery/{name}.html" data-title="{title}"{opened}>'
        f'<a class="kx-open" href="gallery/{name}.html">{pictures}<span>Open it here</span></a></div>'
    )


def picture(method: Method) -> str:
    """The HTML of a method's picture, which opens the page that shows it."""
    name = next(name for name, page in PAGES.items() if method.id in page.methods)
    return (
        f'<a class="kx-open" href="gallery/{name}.html#method={method.id}">'
        f'<img src="methods/{method.id}.webp" alt="" width="388" height="192" loading="lazy">{escape(method.title)}</a>'
    )


def text() -> str:
    """The whole document."""
    parts = [HEADING]
    for name, page in PAGES.items():
        parts += [f"## {page.title}", page.prose, place(name)]
    for purpose, methods in by_purpose(kx.METHODS.values()).items():
        parts += [f"### {purpose}", f'<div class="kx-methods">{"".join(map(picture, methods))}</div>']
    return "\n\n".join(parts) + "\n"


def is_current() -> bool:
    """Whether all pages are there, and none is older than a source."""
    files = [FOLDER / f"{name}.html" for name in PAGES]
    sources = [path for source in SOURCES for path in ([source] if source.is_file() else source.rglob("*.*"))]
    newest = max(path.stat().st_mtime for path in sources if "__pycache__" not in path.parts)
    return all(file.exists() and file.stat().st_mtime >= newest for file in files)


def make(names: Sequence[str]) -> None:
    """Make pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        began = time.perf_counter()
        with PAGES[name].widget() as w:
            page = w.to_html(PAGES[name].megabytes)
        (FOLDER / f"{name}.html").write_text(page, encoding="utf-8")
        print(f"{name}: {len(page) / 1e6:.2f} MB, {time.perf_counter() - began:.0f} s", flush=True)


def make_if_stale() -> None:
    """Make all pages, unless they are current."""
    if not is_current():
        make(list(PAGES))


def main(names: Sequence[str] = ()) -> None:
    """Make these pages, or all of them unless they are current, and write the document."""
    if names:
        make(names)
    else:
        make_if_stale()
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != text():
        DOCUMENT.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
