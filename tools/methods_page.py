"""Write docs/methods.md from the table of methods, and a picture of each: ``python -m tools.methods_page``."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
from PIL import Image

import kx_widget as kx
from kx_widget.engine.registry import Method, by_purpose
from kx_widget.engine.types import Workload

PAGE = Path(__file__).parents[1] / "docs/methods.md"
PICTURES = PAGE.parent / "methods"
HEADING = """# Methods

<!-- `python -m tools.methods_page` writes this page from the table of methods, docstrings, and sample networks. -->

S is the score of the target before the softmax or sigmoid, x the picture, x′ a baseline, A_k channel k of the layer's
activations, ij a cell, g a gradient of S. Maps are raw: negative values are evidence against the class. A pass is one
forward pass of one picture; how many are said here are those of a network for 224 × 224 pixels, at a last layer of 512
channels, with the method's own parameters. In the widget, the list of methods tells seconds on your model.

Pictures show one scene and two classes that are in it: the map for {first} at the left, for {second} at the right. Two
equal maps are those of a method that knows no class.

![the scene](methods/scene.webp)
"""
# The scene among the samples, and its two classes.
SCENE, SIDE, QUALITY = 2, 192, 72
LOAD = Workload(224, 224, 512, 0.02)


def section(method: Method) -> str:
    """What the page says of a method."""
    prose = (inspect.getdoc(method.fn) or "").partition("\nArgs:")[0]
    facts = {
        "Good for": method.good_for,
        "Fails": method.fails,
        "Cost": cost(method),
        "Map": resolution(method),
        "Parameters": ", ".join(f"`{p.name}={p.default!r}`" for p in method.params),
        "Source": method.reference,
    }
    lines = [f"- **{name}**: {text}" for name, text in facts.items() if text]
    heading = [f"### {method.title} (`{method.id}`)", "", f"![{method.title}](methods/{method.id}.webp)", ""]
    return "\n".join([*heading, escaped(prose.strip()), "", *lines, ""])


def cost(method: Method) -> str:
    """What a method costs, in words and in passes."""
    if method.passes is None:
        return method.cost
    passes = method.passes(method.complete({}), LOAD)
    return f"{method.cost}, about {passes:.0f} passes" if passes >= 1.5 else method.cost


def resolution(method: Method) -> str:
    """What a method's map is made of, and whether it has a sign."""
    size = "cells of the layer" if method.sees in ("layer", "attention") else "pixels of the input"
    size = method.resolution or size
    return f"{size}, {'signed' if method.is_signed(method.complete({})) else 'without a sign'}"


def escaped(prose: str) -> str:
    """A docstring's prose as Markdown has it: stars are products, and paragraphs stay."""
    parts = re.split(r"(`[^`]*`)", prose)
    return "".join(part if part.startswith("`") else re.sub(r"([*<])", r"\\\1", part) for part in parts)


def text(first: str, second: str) -> str:
    """The whole page; `first` and `second` are the classes in its pictures."""
    parts = [HEADING.format(first=first, second=second)]
    for purpose, rows in by_purpose(kx.METHODS.values()).items():
        parts += [f"## {purpose}\n", *map(section, rows)]
    return "\n".join(parts)


def classes() -> tuple[str, str]:
    """The classes that the page says its pictures are of."""
    match = re.search(r"the map for (.+) at the left, for (.+) at the right", PAGE.read_text(encoding="utf-8"))
    assert match is not None
    return match[1], match[2]


def draw(first: str, second: str) -> None:
    """A picture of each method: the maps for two classes of one scene."""
    samples = {name: kx.samples.load(name) for name in ("cnn", "vit")}
    explainers = {name: kx.Explainer(each.model, class_names=each.class_names) for name, each in samples.items()}
    scenes = [image for image, mask in zip(*samples["cnn"][1::2], strict=True) if mask is not None]
    PICTURES.mkdir(exist_ok=True)
    keep(scenes[SCENE], "scene")
    for method in kx.METHODS.values():
        explainer = explainers["vit" if method.sees == "attention" else "cnn"]
        maps = explainer.explain(scenes, [first, second], method=method.id).overlay()[SCENE]
        keep(np.concatenate([maps[0], np.full_like(maps[0][:, :4], 255), maps[1]], 1), method.id)
        print(method.id)


def keep(picture: np.ndarray, name: str) -> None:
    """Write a picture, so high as all are."""
    image = Image.fromarray(picture)
    image = image.resize((round(SIDE * image.width / image.height), SIDE), Image.Resampling.LANCZOS)
    image.save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)


def main() -> None:
    """Draw the pictures and write the page."""
    samples = kx.samples.load("cnn")
    masks = samples.masks[SCENE]
    assert masks is not None
    first, second = (samples.class_names[index] for index in np.flatnonzero(masks.any((1, 2)))[:2])
    draw(first, second)
    PAGE.write_text(text(first, second), encoding="utf-8")


if __name__ == "__main__":
    main()
