"""Two workers of a Ray cluster, one of which dies: `python -m tests.bulk.ray_job MODEL FOLDER STORE`."""

import os
import signal
import sys
import time
from pathlib import Path

import kx_widget as kx

# Batches of four: each worker has done some and has some to do when one dies.
IMAGES, BLOCK, BATCH = 48, 12, 4


def preprocess(batch):
    """Note who works; whoever comes to its fourth batch first is killed in the middle of a block."""
    seen = Path(os.environ["KX_SEEN"])
    with (seen / str(os.getpid())).open("a", encoding="utf-8") as file:
        file.write(".")
        mine = file.tell()
    if mine == 5:
        try:
            (seen / "killed").touch(exist_ok=False)
        except FileExistsError:
            return batch / 127.5 - 1
        # Whoever dies waits for the other one, which has nothing left to do where it begins too late.
        while sum(path.name.isdigit() for path in seen.iterdir()) < 2:
            time.sleep(0.05)
        # Were all machines to go down now, the job could go on: the folder tells what it is.
        assert Path(os.environ["KX_STORE"], "_job.json").exists()
        os.kill(os.getpid(), signal.SIGKILL)
    return batch / 127.5 - 1


def question(folder, store):
    return {
        "source": folder, "path": store, "targets": ["top", 1], "part_images": BLOCK, "batch_size": BATCH,
        "labels": "folder",
    }  # fmt: skip


def start(attempts: int = 4) -> None:
    """A cluster of this machine; Ray gives up a start of more than 30 s, which a busy machine may need."""
    import ray

    for left in range(attempts, 0, -1):
        try:
            ray.init(num_cpus=4, include_dashboard=False, object_store_memory=100 * 2**20, _node_ip_address="127.0.0.1")
            return
        except Exception:
            ray.shutdown()
            if left == 1:
                raise


def main(model: str, folder: str, store: str) -> None:
    import ray

    from kx_widget.bulk.cluster import explain_on_ray

    start()
    settings = {"preprocess": preprocess, "class_names": ["cats", "x", "dogs", "y"]}
    found = explain_on_ray(model, workers=2, settings=settings, progress=True, **question(folder, store))
    assert isinstance(found, kx.Store)

    # As a run that was killed would have left it; what is whole is not computed again.
    (Path(store) / "_done.json").unlink()
    (Path(store) / "part-000002.parquet").write_bytes(b"PAR1")
    times = {path.name: path.stat().st_mtime_ns for path in Path(store).glob("part-*")}
    assert explain_on_ray(model, workers=2, settings=settings, **question(folder, store)).complete
    written = {path.name for path in Path(store).glob("part-*") if times[path.name] != path.stat().st_mtime_ns}
    assert written == {"part-000002.parquet"}

    check_a_model_that_workers_cannot_load(Path(store).with_name("unknown"), folder)
    ray.shutdown()


def check_a_model_that_workers_cannot_load(path: Path, folder: str) -> None:
    """What loading the model raises is told, and is no lack of memory."""
    import keras
    import pytest

    from kx_widget.bulk.cluster import explain_on_ray

    @keras.saving.register_keras_serializable()
    class OfThisProcess(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    x = inputs = keras.Input((12, 12, 3))
    x = keras.layers.Flatten()(OfThisProcess()(x))
    model = path.with_suffix(".keras")
    keras.Model(inputs, keras.layers.Dense(2)(x)).save(model)
    with pytest.raises(kx.KxError, match=r"(?s)Workers of the cluster cannot load the model: .*OfThisProcess"):
        explain_on_ray(model, folder, path, workers=1, method="gradients")


if __name__ == "__main__":
    from tests.bulk import ray_job  # so that workers import it by this name

    ray_job.main(*sys.argv[1:])
