"""What frozen weights save and cost: `python -m tests.benchmarks.frozen NET` tells it of one net."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.bulk import ask
from tests.benchmarks.child import memory_mib

HEAD = ("net", "weights", "a forward pass", "freezing takes", "and grows memory by", "activations differ by")
NOTE = (
    "Frozen weights are constants of the compiled graph. A forward pass of 32 images up to the layer to explain, over "
    "that with the model's own weights; what freezing takes includes the first pass. The default `memory_mib` leaves "
    "ResNet50 as it is."
)
NETS = ("MobileNetV3Small", "MobileNetV2", "EfficientNetB0", "NASNetMobile", "DenseNet121", "ResNet50")
IMAGES, TURNS = 32, 5


def rows() -> Iterator[tuple[str, ...]]:
    for net in NETS:
        found = ask("frozen", net)
        weights, grown = (f"{found[what]:.0f} MiB" for what in ("weights", "grown"))
        yield net, weights, f"{found['ratio']:.2f}", f"{found['took']:.1f} s", grown, f"{found['apart']:.0e}"


def compare(net: str) -> dict[str, float]:
    """A forward pass up to the layer to explain with frozen weights, over one with the model's own."""
    import keras
    import numpy as np

    import kx_widget as kx

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, net)(weights=None)
    x = kx.Explainer(model, memory_mib=8192)
    images = np.random.default_rng(0).normal(size=(IMAGES, 224, 224, 3)).astype(np.float32)
    asked = x.ask(x.load(np.zeros((1, 224, 224, 3), np.uint8)))
    call: Any = asked.call
    own = asked.model.functions.trunk(call, images)
    before, begun = memory_mib("VmRSS"), time.perf_counter()
    frozen = asked.model.functions.frozen(1)
    found = frozen.trunk(call, images)
    took, grown = time.perf_counter() - begun, memory_mib("VmHWM") - before

    def seconds(run: Callable[..., Any]) -> float:
        start = time.perf_counter()
        run(call, images)
        return time.perf_counter() - start

    turns = [(seconds(frozen.trunk), seconds(asked.model.functions.trunk)) for _ in range(TURNS)]
    return {
        "ratio": statistics.median(one / other for one, other in turns), "took": took, "grown": grown,
        "weights": model.count_params() * 4 / 2**20,
        "apart": float(np.abs(found[0] - own[0]).max() / np.abs(own[0]).max()),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1])))
