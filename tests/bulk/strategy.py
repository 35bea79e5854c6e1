"""Explains one source, and prints a digest: `python -m tests.bulk.strategy DEVICES MANY FOLDER`.

On one device or on two; from MANY images on, weights are frozen.
"""

import hashlib
import sys
from contextlib import nullcontext
from dataclasses import replace

import keras
import tensorflow as tf

import kx_widget as kx
from kx_widget.bulk import pipeline
from kx_widget.bulk.pipeline import replicas
from kx_widget.engine.graph.trace import Graph
from tests import models


def main(devices: int, many: int, folder: str) -> None:
    pipeline.MANY = many
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if devices == 2 else None
    keras.utils.set_random_seed(0)
    with strategy.scope() if strategy else nullcontext():
        model = models.residual()
    own = replace(kx.METHODS["gradcam"], id="own")
    x = kx.Explainer(model, methods=[own])
    graphs, frozen = set(), Graph.frozen
    Graph.frozen = lambda graph: graphs.add(graph) or frozen(graph)
    seen = hashlib.sha256()
    for e in x.explain_dataset(folder, ["top", "top-2"], batch_size=4, method="own"):
        seen.update(repr((e.names, e.target_names)).encode() + e.maps.tobytes() + e.scores.tobytes())
    found = replicas(x)
    copies = {handle.device for _, r in found for handle, _ in r._models.last.graph._whole.graph.captures}
    print(len(found), len(copies), len(graphs), seen.hexdigest())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
