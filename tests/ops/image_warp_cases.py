"""Calls of `tf.contrib.image` and `tf.contrib.resampler`. Run under TF 1.15's Python to record: python image_warp_cases.py OUT.json"""

import json
import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from image_codec_cases import facts

R = np.random.RandomState(0)
BATCH = R.rand(2, 5, 6, 2).astype(np.float32)
BYTES = R.randint(0, 256, (4, 7, 3)).astype(np.uint8)
FLAT = R.randint(0, 100, (5, 4)).astype(np.int32)
TURN = [0.9, -0.2, 1.0, 0.3, 1.1, -0.5, 0.01, -0.02]
MANY = np.array([TURN, [1, 0, 1.3, 0, 1, -0.7, 0, 0]], np.float32)
WARP = (R.rand(2, 3, 4, 2) * 9 - 2).astype(np.float32)
LABELS = np.array([[1, 1, 0, 2, 2, 0], [0, 1, 0, 0, 2, 2], [3, 0, 0, 1, 0, 2], [3, 3, 3, 1, 1, 0]])


def cases(tf):
    """Name -> a function that builds the tensor."""
    image, found = tf.contrib.image, {}
    given = {
        "batch": BATCH,
        "bytes": BYTES,
        "flat": FLAT,
        "doubles": BATCH.astype(np.float64),
        "long": FLAT.astype(np.int64),
    }

    def fed(value):
        return tf.placeholder_with_default(value, [None] * np.ndim(value))

    def gradients(make, *values):
        inputs = [tf.constant(v) for v in values]
        found = tf.gradients(tf.reduce_sum(tf.square(make(*inputs))), inputs)
        return tf.concat([tf.reshape(g, [-1]) for g in found if g is not None], 0)

    for name, value in given.items():
        for kind in ("NEAREST", "bilinear"):
            for how, wrap in (("", lambda v: v), ("fed ", fed)):
                key = f"{how}{name} {kind}"
                found["transform " + key] = lambda v=value, k=kind, w=wrap: image.transform(w(v), TURN, k)
                found["larger " + key] = lambda v=value, k=kind, w=wrap: image.transform(
                    w(v), TURN, k, output_shape=[7, 9]
                )
                for angle in (math.pi / 2, 0.3, -1.0):
                    found[f"rotate {key} {angle:.2}"] = lambda v=value, k=kind, w=wrap, a=angle: image.rotate(
                        w(v), a, k.upper()
                    )
                found["translate " + key] = lambda v=value, k=kind, w=wrap: image.translate(w(v), [1.4, -0.5], k)
    for kind in ("NEAREST", "BILINEAR"):
        found["many " + kind] = lambda k=kind: image.transform(BATCH, MANY, k)
        found["many angles " + kind] = lambda k=kind: image.rotate(BATCH, [0.1, 2.0], k)
        found["gradient " + kind] = lambda k=kind: gradients(lambda x: image.transform(x, MANY, k), BATCH)
    found["fed size"] = lambda: image.transform(BATCH, TURN, output_shape=tf.placeholder_with_default([3, 4], [2]))
    found["compose"] = lambda: image.compose_transforms(TURN, MANY[1], [1, 0, 2.0, 0, 1, 3, 0, 0])
    found["matrices"] = lambda: image.flat_transforms_to_matrices(MANY)
    found["flat"] = lambda: image.matrices_to_flat_transforms(np.eye(3, dtype=np.float32) * 2)
    found["components"] = lambda: image.connected_components(LABELS)
    found["components of bools"] = lambda: image.connected_components(np.stack([LABELS > 0, LABELS > 1]))
    found["components, all full"] = lambda: image.connected_components(np.ones((3, 4), np.float32))
    found["components of texts"] = lambda: image.connected_components(np.array([["a", "a", ""], ["", "b", "a"]]))
    distances = R.rand(4, 3).astype(np.float32)
    for rows, most in ((-1, -1), (2, -1), (4, 2), (5, -1)):
        for i in (0, 1):
            found[f"match {rows} {most} {i}"] = lambda r=rows, m=most, i=i: image.bipartite_match(
                distances, float(r), m
            )[i]
    flow = (R.rand(2, 5, 6, 2) * 4 - 2).astype(np.float32)
    found["dense"] = lambda: image.dense_image_warp(BATCH, tf.constant(flow))
    found["dense fed"] = lambda: image.dense_image_warp(fed(BATCH), tf.constant(flow))
    found["gradient of dense"] = lambda: gradients(image.dense_image_warp, BATCH, flow)
    points, values = R.rand(2, 6, 2).astype(np.float32), R.rand(2, 6, 3).astype(np.float32)
    queries = R.rand(2, 4, 2).astype(np.float32)
    for order in (1, 2, 3, 4, 6):
        found[f"spline {order}"] = lambda n=order: image.interpolate_spline(points, values, queries, n, 0.01)
    corners = np.array([[[1.0, 1], [3, 4], [0, 5]]] * 2, np.float32)
    for boundary in (0, 2):
        for i in (0, 1):
            found[f"sparse {boundary} {i}"] = lambda b=boundary, i=i: image.sparse_image_warp(
                tf.constant(BATCH), corners, corners + 0.5, num_boundary_points=b, regularization_weight=0.1
            )[i]
    sample = tf.contrib.resampler.resampler
    found["resampler"] = lambda: sample(BATCH, WARP)
    found["resampler fed"] = lambda: sample(fed(BATCH), fed(WARP))
    found["resampler of points"] = lambda: sample(BATCH.astype(np.float64), WARP[:, 0].astype(np.float64))
    found["gradient of resampler"] = lambda: gradients(sample, BATCH, WARP)
    errors = {
        "type": lambda: image.rotate(np.zeros((3, 3), bool), 1.0), "rank": lambda: image.rotate(np.zeros(3), 1.0),
        "unknown rank": lambda: image.rotate(tf.placeholder(tf.float32), 1.0), "angles": lambda: image.rotate(BATCH, [[1.0]]),
        "moves": lambda: image.translate(BATCH, [[[1.0]]]), "size": lambda: image.transform(BATCH, TURN, output_shape=[1, 2, 3]),
        "transforms": lambda: image.transform(BATCH, [MANY]), "seven": lambda: image.transform(BATCH, TURN[:7]),
        "three of two": lambda: image.transform(BATCH, [TURN] * 3), "no size": lambda: image.transform(BATCH, TURN, output_shape=[0, 2]),
        "matrices": lambda: image.matrices_to_flat_transforms([1.0]), "flat": lambda: image.flat_transforms_to_matrices([[TURN]]),
        "components": lambda: image.connected_components(np.zeros(3)), "grid": lambda: image.dense_image_warp(tf.constant(BATCH[:, :1]), tf.constant(flow[:, :1])),
        "warp of three": lambda: sample(BATCH, WARP.repeat(2, -1)[..., :3]), "data of three": lambda: sample(BATCH[0], WARP),
        "batches": lambda: sample(BATCH[:1], WARP), "warp of one": lambda: sample(BATCH, WARP[0, 0, 0]),
    }  # fmt: skip
    found.update(("error: " + name, make) for name, make in errors.items())
    return found


if __name__ == "__main__":
    import tensorflow

    tensorflow.logging.set_verbosity(tensorflow.logging.ERROR)
    recorded = {name: facts(tensorflow, make) for name, make in cases(tensorflow).items()}
    with open(sys.argv[1], "w") as file:
        json.dump(recorded, file, separators=(",", ":"), sort_keys=True)
