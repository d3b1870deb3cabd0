"""Calls of `tf.image`. Run under TF 1.15's Python to record: python image_cases.py FRAMES.json LIGHT.json"""

import json
import sys

import numpy as np

R = np.random.RandomState(0)
BATCH = R.rand(2, 4, 3, 2).astype(np.float32)
ONE = R.randint(0, 255, (6, 4, 3)).astype(np.uint8)
BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.2, 0.3, 1.3, 0.5], [0.9, 0.8, 0.1, 0.2]], np.float32)


def cases(tf):
    """Name -> a function that builds the tensor."""
    image = tf.image

    def fed(value):
        return tf.placeholder_with_default(value, [None] * np.ndim(value))

    def gradient(make):
        x = tf.constant(BATCH)
        return tf.gradients(tf.reduce_sum(tf.square(make(x))), x)[0]

    found = {}
    for method in ("bilinear", "nearest_neighbor", "bicubic"):
        resize = getattr(image, "resize_" + method)
        for size in ((3, 4), (7, 2)):
            for align, half in ((False, False), (True, False), (False, True)):

                def call(x=BATCH, resize=resize, size=size, align=align, half=half):
                    return resize(x, size, align_corners=align, half_pixel_centers=half)

                key = f"{method} {size} align={align} half={half}"
                found[key] = call
                found["gradient of " + key] = lambda call=call: gradient(call)
    for size in ((3, 4), (7, 2)):
        for align in (False, True):
            found[f"area {size} align={align}"] = lambda size=size, align=align: image.resize_area(
                BATCH, size, align_corners=align
            )
    for method in range(4):
        found[f"resize_images {method}"] = lambda method=method: image.resize_images(ONE, [3, 5], method=method)
        found[f"resize_images fed {method}"] = lambda method=method: image.resize_images(
            tf.placeholder_with_default(ONE, [None, None, 3]), [3, 5], method=method, align_corners=True
        )
    found["same size"] = lambda: image.resize_images(ONE, [6, 4])
    found["fed size"] = lambda: image.resize_images(ONE, tf.placeholder_with_default([3, 5], [2]))
    found["aspect"] = lambda: image.resize_images(BATCH, [10, 10], preserve_aspect_ratio=True)
    found["aspect fed"] = lambda: image.resize_images(fed(BATCH), [10, 30], preserve_aspect_ratio=True)
    for name, value in (("batch", BATCH), ("one", ONE)):
        for target in ((3, 2), (7, 6), (2, 7)):
            for how, given in (("", lambda v: v), ("fed ", fed)):
                key = f"{how}{name} {target}"
                found["crop or pad " + key] = lambda v=value, g=given, t=target: image.resize_image_with_crop_or_pad(
                    g(v), *t
                )
                found["with pad " + key] = lambda v=value, g=given, t=target: image.resize_image_with_pad(g(v), *t)
        found["central " + name] = lambda v=value: image.central_crop(v, 0.5)
        found["central fed " + name] = lambda v=value: image.central_crop(fed(v), 0.33)
        found["crop " + name] = lambda v=value: image.crop_to_bounding_box(v, 1, 2, 3, 1)
        found["crop fed " + name] = lambda v=value: image.crop_to_bounding_box(fed(v), 1, fed(2), 3, 1)
        found["pad " + name] = lambda v=value: image.pad_to_bounding_box(v, 1, 2, 9, 10)
    for method in ("bilinear", "nearest"):
        for size in ((3, 4), (1, 1)):
            found[f"boxes {method} {size}"] = lambda method=method, size=size: image.crop_and_resize(
                BATCH, BOXES, [0, 1, 0, 1], size, method=method, extrapolation_value=-1.0
            )
    found["gradient of boxes"] = lambda: gradient(lambda x: image.crop_and_resize(x, BOXES, [0, 1, 0, 1], [3, 4]))
    errors = {
        "size of one": lambda: image.resize_images(BATCH, [3]),
        "size of three": lambda: image.resize_bilinear(BATCH, [3, 4, 5]),
        "size of text": lambda: image.resize_images(BATCH, "a"),
        "method": lambda: image.resize_images(BATCH, [3, 4], method=7),
        "rank": lambda: image.resize_images(np.zeros((3, 4)), [3, 4]),
        "fraction": lambda: image.central_crop(BATCH, 0),
        "crop outside": lambda: image.crop_to_bounding_box(BATCH, 1, 2, 30, 2),
        "crop outside, fed": lambda: image.crop_to_bounding_box(fed(BATCH), 1, 2, 30, 2),
        "pad inside": lambda: image.pad_to_bounding_box(BATCH, 1, 2, 3, 10),
        "empty target": lambda: image.resize_image_with_crop_or_pad(BATCH, 0, 1),
    }
    found.update(("error: " + name, make) for name, make in errors.items())
    return found


def light_cases(tf):
    """Flips, types, brightness and contrast."""
    image = tf.image
    found = {}
    values = {"float": BATCH[0], "batch": BATCH, "bytes": ONE}
    for name, value in values.items():
        for how, given in (("", lambda v: v), ("fed ", lambda v: tf.placeholder_with_default(v, [None] * v.ndim))):
            for plain in ("flip_left_right", "flip_up_down", "per_image_standardization"):
                found[f"{plain} {how}{name}"] = lambda f=plain, v=value, g=given: getattr(image, f)(g(v))
            for drawn in ("random_flip_left_right", "random_flip_up_down"):
                found[f"{drawn} {how}{name}"] = lambda f=drawn, v=value, g=given: getattr(image, f)(g(v), seed=5)
            found[f"brightness {how}{name}"] = lambda v=value, g=given: image.random_brightness(g(v), 0.2, seed=3)
            found[f"contrast {how}{name}"] = lambda v=value, g=given: image.random_contrast(g(v), 0.2, 1.8, seed=3)
    found["grayscale"] = lambda: image.rgb_to_grayscale(ONE)
    for given in ("float32", "float16", "uint8", "int16"):
        for wanted in ("float32", "float64", "uint8", "uint16", "int8"):
            for saturate in (False, True):
                numbers = [0, 0.25, 0.9, 1.0] if "float" in given else [0, 3, 100, np.iinfo(given).max]
                found[f"{given} to {wanted} {saturate}"] = (
                    lambda v=np.array(numbers).astype(given), w=wanted, s=saturate: image.convert_image_dtype(v, w, s)
                )
    found["error: rank"] = lambda: image.flip_left_right(np.zeros((1, 1, 1, 3, 4)))
    found["error: delta"] = lambda: image.random_brightness(ONE, -1)
    found["error: bounds"] = lambda: image.random_contrast(ONE, 2, 1)
    found["error: type"] = lambda: image.convert_image_dtype(BATCH, tf.bool)
    return found


def facts(tf, make):
    """What one case gives: operations, static shape, values, or the error."""
    try:
        with tf.Graph().as_default() as graph:
            tensor = make()
            operations = [[op.type, op.name] for op in graph.get_operations() if "gradients" not in op.name]
            with tf.Session() as session:
                value = session.run(tensor)
    except Exception as error:
        return {"error": [type(error).__name__, str(error).split("\n")[0][:100]]}
    return {
        "operations": operations, "shape": str(tensor.shape), "dtype": tensor.dtype.name,
        "value": np.round(value.astype(np.float64), 5).tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    import tensorflow

    tensorflow.logging.set_verbosity(tensorflow.logging.ERROR)
    for make_all, path in ((cases, sys.argv[1]), (light_cases, sys.argv[2])):
        recorded = {name: facts(tensorflow, make) for name, make in make_all(tensorflow).items()}
        with open(path, "w") as file:
            json.dump(recorded, file, separators=(",", ":"), sort_keys=True)
