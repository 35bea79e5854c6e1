"""The most that memory grows by, for every method."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kx_widget.engine.methods import METHODS
from tests.benchmarks.child import ask

BUDGETS = (1024, 256)
SLACK = 300
HEAD = ("64 images of 224×224", *(f"memory_mib={b}: ≤ {b + SLACK}" for b in BUDGETS), "")
NOTE = (
    "MiB that a new process grew by at its peak, from before `Explainer(model)` on; caches and TensorFlow's own memory "
    "count. Long methods take few passes, of which each takes as much memory as the next. What all passes of Score-CAM "
    "and Ablation-CAM keep on ResNet50, 8 MiB an image, is measured on a shallow net whose 64 channels × 32000 classes "
    "are as many numbers as ResNet50's 2048 × 1000."
)
FEW: dict[str, dict[str, Any]] = {
    "scorecam": {"channels": 2},
    "integrated_gradients": {"steps": 1},
    "occlusion": {"patch": 0.9, "stride": 0.9},
    "rise": {"masks": 4},
}
ALSO: dict[str, tuple[str, dict[str, Any]]] = {
    "gradcam at the first ReLU": ("ResNet50", {"method": "gradcam", "layer": "conv1_relu"}),
    "smooth(gradients)": ("ResNet50", {"method": "gradients", "smooth": {"repetitions": 2}}),
    "tta(gradients)": ("ResNet50", {"method": "gradients", "tta": {"scales": (1.5,), "hflip": False}}),
    "scorecam, all channels of the shallow net": ("shallow", {"method": "scorecam"}),
    "ablationcam, all channels of the shallow net": ("shallow", {"method": "ablationcam"}),
}


def rows() -> Iterator[tuple[str, ...]]:
    cases = {m: ("ResNet50", {"method": m, **FEW.get(m, {})}) for m in METHODS if m != "ablationcam"} | ALSO
    with ThreadPoolExecutor(2) as two_at_once:
        yield from two_at_once.map(lambda name: row(name, *cases[name]), cases)


def row(name: str, net: str, question: dict[str, Any]) -> tuple[str, ...]:
    found = [ask(net=net, images=64, question=question, memory=budget) for budget in BUDGETS]
    told = [f["error"] if "error" in f else f"{f['growth']:.0f}" for f in found]
    few = {k: v for k, v in question.items() if name in METHODS and k != "method"}
    return name, *told, ", ".join(f"{k}={v}" for k, v in few.items())
