"""One question in a process of its own: how far memory grew, how long it took. Linux tells the peak."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def ask(**job: Any) -> dict[str, Any]:
    """Run `job` (see `answer`) in a new process; its answer, or the `error` it ended with."""
    command = [sys.executable, "-m", "tests.benchmarks.child", json.dumps(job)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
    lines = (ran.stdout if ran.returncode == 0 else ran.stderr).strip().splitlines() or [f"exit {ran.returncode}"]
    return json.loads(lines[-1]) if ran.returncode == 0 else {"error": lines[-1]}


def memory_mib(which: str) -> float:
    """`"VmRSS"`, what this process holds now, or `"VmHWM"`, the most it ever held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def answer(
    net: str,
    images: int,
    question: dict[str, Any],
    targets: list[int] | None = None,
    layers: int = 0,
    memory: float = 1024,
    timed: bool = False,
) -> dict[str, float]:
    """What one `explain` takes, everything from making the `Explainer` on counted as growth.

    Args:
        net: a class of keras.applications, or a function of `nets`.
        images: how many, 224×224.
        question: keywords of `explain`.
        targets: classes, by default one.
        layers: ask for that many of the last layers at once, 0 for one only.
        memory: `memory_mib`.
        timed: also run again on other images, against F of 8 images.
    """
    import keras
    import numpy as np

    import kx_widget as kx
    from tests.benchmarks import nets
    from tests.benchmarks.clock import Forward

    model = getattr(nets, net, None) or getattr(keras.applications, net)
    model = model(weights=None)
    rng = np.random.default_rng(0)
    before = memory_mib("VmRSS")
    explainer = kx.Explainer(model, memory_mib=memory)
    paths = [layer.path for layer in explainer.inspection.layers if layer.is_candidate][-layers:]

    def once() -> float:
        x = rng.integers(0, 256, (images, 224, 224, 3), np.uint8)
        start = time.perf_counter()
        if layers:
            explainer.explain_layers(x, targets or [1], layers=paths, **question)
        else:
            explainer.explain(x, targets or [1], **question)
        return time.perf_counter() - start

    once()
    found = {"growth": memory_mib("VmHWM") - before}
    if timed:
        forward = Forward(model, rng.normal(size=(8, 224, 224, 3)).astype("float32"))
        found |= {"ratio": forward.ratio(once).median, "forward": forward.median}
    return found


if __name__ == "__main__":
    print(json.dumps(answer(**json.loads(sys.argv[1]))))
