"""Records what the networks of `tf.contrib.slim.nets` are made of, into the file named.

Runs under the Python that has TensorFlow 1.15.5: python tools/record_slim_nets.py tests/golden/slim_nets.json
"""

import hashlib
import importlib
import json
import sys

import tensorflow as tf

NETS = {
    "alexnet": ("alexnet_v2", "alexnet_v2_arg_scope", 224),
    "overfeat": ("overfeat", "overfeat_arg_scope", 231),
    "vgg": ("vgg_a vgg_16 vgg_19", "vgg_arg_scope", 224),
    "resnet_v1": ("resnet_v1_50", "resnet_arg_scope", 224),
    "resnet_v2": ("resnet_v2_50", "resnet_arg_scope", 224),
    "inception_v1": ("inception_v1", "inception_v1_arg_scope", 224),
    "inception_v2": ("inception_v2", "inception_v2_arg_scope", 224),
    "inception_v3": ("inception_v3", "inception_v3_arg_scope", 299),
}


def built(module, name, scope, size):
    """Variables, end points, collections and a digest of all operations' names and types."""
    nets = importlib.import_module("tensorflow.contrib.slim.python.slim.nets." + module)
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [2, size, size, 3], name="images")
        with tf.contrib.framework.arg_scope(getattr(nets, scope)()):
            net, end_points = getattr(nets, name)(images, num_classes=10)
        ops = "\n".join(f"{op.name} {op.type}" for op in graph.get_operations() if "gradient" not in op.name)
        variables = "\n".join(f"{v.name} {v.shape.as_list()}" for v in tf.global_variables())
        return {
            "net": [net.name, net.shape.as_list()],
            "end_points": [[key, value.name, value.shape.as_list()] for key, value in end_points.items()],
            "variables": [len(tf.global_variables()), hashlib.sha256(variables.encode()).hexdigest()],
            "ops": [len(ops.splitlines()), hashlib.sha256(ops.encode()).hexdigest()],
            "losses": len(tf.losses.get_regularization_losses()),
            "updates": len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
        }


def main(path):
    rows = {name: built(m, name, scope, size) for m, (names, scope, size) in NETS.items() for name in names.split()}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=0)


if __name__ == "__main__":
    main(sys.argv[1])
