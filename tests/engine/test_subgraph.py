"""A part of a graph computes what the whole does."""

import numpy as np
import tensorflow as tf
from numpy.testing import assert_allclose

from kx_widget.engine.graph.subgraph import part


def traced(variable, constant):
    def run(x, y):
        with tf.control_dependencies([x, tf.debugging.assert_all_finite(y, "y")]):
            a = tf.square(x) * variable
        low, high = tf.split(a, 2, axis=1)
        b = tf.where(tf.reduce_any(y > 0), low + constant, high)
        return tf.cond(tf.reduce_all(b > 0), lambda: b + y, lambda: b - y)

    spec = [tf.TensorSpec((None, 4)), tf.TensorSpec((None, 2))]
    return tf.compat.v1.wrap_function(run, spec)


def test_a_part_computes_what_the_whole_does():
    """With control dependencies, branches, ops of several outputs, captured constants, and variables that change."""
    rng = np.random.default_rng(0)
    variable, constant = tf.Variable(2.0), tf.constant(rng.normal(size=(200, 2)), tf.float32)
    whole = traced(variable, constant)
    x, y = (tf.constant(rng.normal(size=(200, n)), tf.float32) for n in (4, 2))
    (low, high), (out,) = whole.graph.get_operation_by_name("split").outputs, whole.outputs
    first = part(whole.graph, whole.inputs[:2], [low, high, whole.inputs[0]])
    rest = part(whole.graph, [low, high, *whole.inputs[:2]], [out, low])
    for value in (2.0, -3.0):
        variable.assign(value)
        a, b, same = first(x, y)
        assert_allclose(np.concatenate([a, b], 1), value * np.square(x), rtol=1e-6)
        assert_allclose(same, x)
        found, given = rest(a, b, x, y)
        assert_allclose(found, whole(x, y), rtol=1e-6)
        assert_allclose(given, a)


def test_a_frozen_part_keeps_what_variables_were_but_not_those_that_the_graph_writes():
    weight, count = tf.Variable([2.0, 3.0]), tf.Variable(0.0)

    def run(x):
        with tf.control_dependencies([count.assign_add(1.0)]):
            return x * weight + count.read_value()

    whole = tf.compat.v1.wrap_function(run, [tf.TensorSpec((None, 2))])
    frozen = part(whole.graph, whole.inputs[:1], whole.outputs, frozen=True)
    weight.assign([5.0, 7.0])
    x = tf.ones((1, 2))
    for called in (1.0, 2.0):
        assert_allclose(frozen(x)[0], [[2 + called, 3 + called]])
    assert_allclose(whole(x), [[5 + 3, 7 + 3]])
