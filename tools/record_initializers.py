"""Records what TF 1.15's initializers and regularizers make, in tests/golden/initializers.json (runs with TF 1.15)."""

import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import init_ops  # noqa: F401 - so do they

EXPRESSIONS = """
tf.zeros_initializer()([2, 3])
tf.zeros_initializer()([], tf.int64)
tf.zeros_initializer()([3], tf.bool)
tf.zeros_initializer()([1000])
tf.ones_initializer()([2])
tf.ones_initializer()([2], tf.int32)
tf.ones_initializer()([10, 100], tf.float64)
tf.ones_initializer()([2], tf.bool)
tf.constant_initializer(3.)([2, 2])
tf.constant_initializer([1, 2, 3])([2, 3], tf.int32)
tf.random_uniform_initializer(seed=1)([3])
tf.random_uniform_initializer(-2, 5, seed=1)([3], tf.int32)
tf.random_normal_initializer(1., 2., seed=1)([3])
tf.truncated_normal_initializer(seed=1)([3], tf.float64)
tf.uniform_unit_scaling_initializer(2., seed=1)([3, 2])
tf.variance_scaling_initializer(seed=1)([4, 5])
tf.variance_scaling_initializer(3., 'fan_out', 'uniform', seed=1)([4, 5])
tf.variance_scaling_initializer(3., 'fan_avg', 'untruncated_normal', seed=1)([2, 3, 4])
tf.variance_scaling_initializer(3., 'fan_avg', 'Normal', seed=1)([4, 5])
tf.glorot_uniform_initializer(seed=1)([2, 3])
tf.glorot_uniform_initializer(seed=1)([])
tf.glorot_uniform_initializer(seed=1)([4], tf.float16)
tf.glorot_normal_initializer(seed=1)([3, 3, 2, 2])
tf.initializers.he_normal(1)([2, 3])
tf.initializers.he_uniform(1)([2, 3])
tf.initializers.lecun_normal(1)([2, 3])
tf.initializers.lecun_uniform(1)([2, 3])
tf.orthogonal_initializer(seed=1)([3, 2])
tf.orthogonal_initializer(2., seed=1)([2, 3])
tf.orthogonal_initializer(seed=1)([2, 2, 3])
tf.initializers.identity(2.)([2, 2])
tf.initializers.identity()([2, 3])
init_ops.ConvolutionDeltaOrthogonal(seed=1)([3, 3, 2, 2])
init_ops.ConvolutionOrthogonal1D(seed=1)([3, 2, 2])
init_ops.ConvolutionOrthogonal2D(seed=1)([2, 2, 2, 3])
init_ops.ConvolutionOrthogonal2D(2., seed=1)([3, 3, 2, 2])
init_ops.ConvolutionOrthogonal3D(seed=1)([2, 2, 2, 2, 2])
tf.contrib.layers.xavier_initializer(seed=1)([2, 3])
tf.contrib.layers.xavier_initializer(False, seed=1)([3, 3, 2, 3])
tf.contrib.layers.xavier_initializer(seed=1)([])
tf.contrib.layers.variance_scaling_initializer(seed=1)([2, 3])
tf.contrib.layers.variance_scaling_initializer(3., 'FAN_OUT', True, seed=1)([4])
tf.contrib.layers.l1_regularizer(.5)(W)
tf.contrib.layers.l1_regularizer(.5, 'mine')(W)
tf.contrib.layers.l2_regularizer(.5)(W)
tf.contrib.layers.l1_l2_regularizer(.5, .25)(W)
tf.contrib.layers.l1_l2_regularizer(0., .25)(W)
tf.contrib.layers.sum_regularizer([tf.contrib.layers.l2_regularizer(.5), None])(W)
tf.contrib.layers.apply_regularization(tf.contrib.layers.l2_regularizer(.5), [W, W])
tf.contrib.layers.apply_regularization(tf.contrib.layers.l2_regularizer(0.), [W])
""".strip().splitlines()


def plain(value):
    value = np.asarray(value)
    return (value.astype(np.float64) if value.dtype.kind == "f" else value).tolist()


def record(expression):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        W = tf.constant([[1.0, -2.0]], name="W")  # noqa: F841 - the expressions use it
        result = eval(expression)
        ops = [[o.name, o.type, [t.name for t in o.inputs]] for o in graph.get_operations()[1:]]
        row = {"expr": expression, "result": result.name, "dtype": result.dtype.name, "shape": result.shape.as_list()}
        value = plain(session.run(result))
        if np.size(value) > 100:
            value = None
        return {**row, "value": value, "ops": ops if len(ops) < 60 else None, "count": len(ops)}


def main():
    rows = [record(e) for e in EXPRESSIONS]
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main()
