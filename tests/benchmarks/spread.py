"""Images a second of Ray workers that are pinned to a core each: `python -m tests.benchmarks.spread …` is one job."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.child import ROOT

EACH, BLOCK, BATCH = 2000, 250, 32


def preprocess(batch: Any) -> Any:
    """Note when each batch comes; the first pins its worker to the next core."""
    seen = Path(os.environ["KX_SEEN"])
    mine = seen / str(os.getpid())
    if not mine.exists():
        core = len(list(seen.iterdir()))
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core % (os.cpu_count() or 1)})
    with mine.open("a", encoding="utf-8") as file:
        file.write(f"{time.time()}\n")
    return batch / 127.5 - 1


def rate(photos: Path, folder: Path, workers: int) -> float:
    """Images a second of so many workers together, while all are busy and all that Ray starts is there."""
    seen = folder / "seen"
    seen.mkdir(parents=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "KX_SEEN": str(seen), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "tests.benchmarks.spread", str(photos), str(folder / "maps"), str(workers)]
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times = [[float(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in seen.iterdir()]
    # The process that asks the question is not among them: it explains nothing.
    times = [of for of in times if len(of) > 3]
    assert len(times) == workers, f"{len(times)} of {workers} workers had work: {json.dumps([*map(len, times)])}"
    begin, end = max(of[len(of) // 2] for of in times), min(of[-1] for of in times)
    return sum(BATCH * (sum(begin < t <= end for t in of)) for of in times) / (end - begin)


def main(photos: str, store: str, workers: str) -> None:
    import keras
    import ray

    from kx_widget.bulk.cluster import explain_on_ray
    from tests.benchmarks import spread
    from tests.bulk.ray_job import start

    keras.utils.set_random_seed(0)
    model = Path(store).with_name("m.keras")
    keras.applications.MobileNetV2(weights=None).save(model)
    start()
    paths = (sorted(map(str, Path(photos).glob("*.jpg"))) * 2)[: EACH * int(workers)]
    explain_on_ray(
        model, paths, store, workers=int(workers), part_images=BLOCK, batch_size=BATCH,
        settings={"preprocess": spread.preprocess},
    )  # fmt: skip
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
