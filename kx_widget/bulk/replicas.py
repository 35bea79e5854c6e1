"""One explainer for each device of the model's `tf.distribute` strategy."""

from typing import Any

import tensorflow as tf

from kx_widget.engine.explainer import Explainer


def replicas(explainer: Explainer) -> list[tuple[Any, Explainer]]:
    """(device, explainer) for each device that holds a copy of the weights; the first is the explainer itself.

    A graph traced in a replica's context reads that replica's copy. All are traced here, one after the other, since
    tracing hooks the layers that they share.
    """
    strategy = getattr(explainer.model, "distribute_strategy", None)
    if strategy is None or strategy.num_replicas_in_sync < 2:
        return [(None, explainer)]
    shape = explainer.inspection.input_shape
    devices = strategy.extended.worker_devices
    found = [(devices[0], explainer)]
    for i, device in enumerate(devices[1:], 1):
        with tf.distribute.ReplicaContext(strategy, i), tf.device(device):
            twin = Explainer(explainer.model, **vars(explainer.settings))
            twin.prepare(shape)
        found.append((device, twin))
    return found
