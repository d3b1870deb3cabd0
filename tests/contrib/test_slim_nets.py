"""`tf.contrib.slim.nets`: operations, variables and end points as recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path

import pytest

import retrograph as tf

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "slim_nets.json").read_text())
NETS = {
    "alexnet_v2": ("plain", "alexnet_v2_arg_scope", 224),
    "overfeat": ("plain", "overfeat_arg_scope", 231),
    "vgg_a": ("plain", "vgg_arg_scope", 224),
    "vgg_16": ("plain", "vgg_arg_scope", 224),
    "vgg_19": ("plain", "vgg_arg_scope", 224),
    "resnet_v1_50": ("resnet_v1", "resnet_arg_scope", 224),
    "resnet_v2_50": ("resnet_v2", "resnet_arg_scope", 224),
    "inception_v1": ("inception", "inception_v1_arg_scope", 224),
    "inception_v2": ("inception_v2", "inception_v2_arg_scope", 224),
    "inception_v3": ("inception", "inception_v3_arg_scope", 299),
}


def _digest(lines):
    return [len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()]


def _nets(module):
    return importlib.import_module("retrograph.contrib.slim_nets." + module)


@pytest.mark.parametrize("name", sorted(NETS))
def test_built_as_recorded(name):
    module, scope, size = NETS[name]
    nets = _nets(module)
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [2, size, size, 3], name="images")
        with tf.contrib.framework.arg_scope(getattr(nets, scope)()):
            net, end_points = getattr(nets, name)(images, num_classes=10)
        ops = [f"{op.name} {op.type}" for op in graph.get_operations()]
        made = {
            "net": [net.name, net.shape.as_list()],
            "end_points": [[key, value.name, value.shape.as_list()] for key, value in end_points.items()],
            "variables": _digest([f"{v.name} {v.shape.as_list()}" for v in tf.global_variables()]),
            "ops": _digest(ops),
            "losses": len(tf.losses.get_regularization_losses()),
            "updates": len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
        }
    assert made == GOLDEN[name]


def test_bad_arguments():
    images = tf.placeholder(tf.float32, [2, 299, 299, 3])
    inception, resnet = _nets("inception"), _nets("resnet_v1")
    with pytest.raises(ValueError, match="depth_multiplier is not greater than zero"):
        inception.inception_v3(images, depth_multiplier=-0.1)
    with pytest.raises(ValueError, match="Unknown final endpoint Mixed_9z"):
        inception.inception_v1_base(images, final_endpoint="Mixed_9z")
    with pytest.raises(ValueError, match="multiple of 4"):
        resnet.resnet_v1_50(images, output_stride=6)


def test_default_sizes():
    assert _nets("inception").inception_v3.default_image_size == 299
    assert _nets("plain").vgg_16.default_image_size == 224
    assert _nets("plain").vgg_d is _nets("plain").vgg_16
