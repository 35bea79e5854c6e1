"""How time and memory grow with images, classes and layers."""

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.child import ask

HEAD = ("ResNet50, 224×224", "time", "per image, class or layer", "peak memory growth")
NOTE = (
    "F is that of 8 images; images are new and functions compiled. Memory is the most that the process grew by from "
    "before `Explainer(model)` on."
)
ONE: dict[str, Any] = {"net": "ResNet50", "images": 8, "question": {"method": "gradcam"}, "timed": True}


def rows() -> Iterator[tuple[str, ...]]:
    for method in ("gradcam", "gradients"):
        for n in (1, 4, 16, 64):
            yield row(f"{method}, {n} images", n, ONE | {"images": n, "question": {"method": method}})
    for n in (1, 5, 10, 20):
        yield row(f"gradcam, 8 images, {n} classes", n, ONE | {"targets": [*range(n)]})
    for n in (1, 4, 16):
        yield row(f"gradcam, 8 images, {n} layers", n, ONE | {"layers": n})


def row(name: str, n: int, job: dict[str, Any]) -> tuple[str, ...]:
    found = ask(**job)
    if "error" in found:
        return name, found["error"], "", ""
    return name, f"{found['ratio']:.2f} F", f"{found['ratio'] / n:.3f} F", f"{found['growth']:.0f} MiB"
