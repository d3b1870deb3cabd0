"""Operations that programs seldom make but graphs hold. Run under TF 1.15's Python to record: python raw_cases.py OUT.json"""

import sys

import golden_facts
import numpy as np

R = np.random.RandomState(3)
FLOATS = (R.randn(2, 3, 4) * 3).astype(np.float32)
BYTES = R.randint(0, 256, (3, 4)).astype(np.uint8)
MORE = R.randint(0, 256, (3, 4)).astype(np.uint8)
PIXELS = R.randint(0, 256, (2, 3, 5, 4)).astype(np.uint8)
WIDE = R.randint(-(2**30), 2**30, (3, 5)).astype(np.int32)


def cases(tf):
    """Name -> a function that builds the tensors."""
    found = {}
    for make in (quantized, quantized_images, quantizing):
        found.update(make(tf))
    return found


def shown(tf, made):
    """Quantized tensors as the integers that they are."""
    if not isinstance(made, tuple):
        made = (made,)
    return [tf.bitcast(t, t.dtype.name[1:]) if t.dtype.name[0] == "q" else t for t in made]


def named(names, values):
    """Arguments by name."""
    return {name: value for name, value in zip(names, values)}  # noqa: B905, C416


def quantized(tf):
    raw = tf.raw_ops
    u8, i8 = tf.quint8, tf.qint8

    def const(value, dtype=u8):
        return tf.bitcast(tf.constant(value), dtype)

    def pair(op, x, y, ends=(-1.0, 2.0, 0.0, 5.5), **more):
        names = ("min_x", "max_x", "min_y", "max_y")
        return lambda: shown(tf, op(x=const(x), y=const(y), **named(names, ends), **more))

    def product(a, b, ends=(-1.0, 2.0, 0.0, 5.5), **more):
        names = ("min_a", "max_a", "min_b", "max_b")
        return lambda: shown(tf, raw.QuantizedMatMul(a=const(a), b=const(b), **named(names, ends), **more))

    def bias(x, b, dtype=u8, ends=(-1.0, 2.0, 0.0, 5.5)):
        names = ("min_input", "max_input", "min_bias", "max_bias")
        given = named(names, ends)
        return lambda: shown(
            tf, raw.QuantizedBiasAdd(input=const(x, dtype), bias=const(b, dtype), out_type=tf.qint32, **given)
        )

    def one(op, x, low=-1.0, high=2.5, dtype=u8, **more):
        return lambda: shown(
            tf, op(features=const(x, dtype), min_features=low, max_features=high, out_type=dtype, **more)
        )

    def wide(op, low=-3.0, high=4.0, **more):
        return lambda: shown(tf, op(input=const(WIDE, tf.qint32), input_min=low, input_max=high, **more))

    return {
        "quantized sum": pair(raw.QuantizedAdd, BYTES, MORE),
        "quantized sum with rows": pair(raw.QuantizedAdd, BYTES, MORE[0]),
        "quantized sum of rows": pair(raw.QuantizedAdd, BYTES[1], MORE),
        "quantized sum with a number": pair(raw.QuantizedAdd, BYTES, MORE[0, 0]),
        "quantized sum of a number": pair(raw.QuantizedAdd, BYTES[0, :1], MORE),
        "quantized sum small range": pair(raw.QuantizedAdd, BYTES, MORE, (-1e-3, 2e-3, -300.0, 500.0)),
        "error: quantized sum shapes": pair(raw.QuantizedAdd, BYTES, MORE[:2]),
        "quantized sum columns": pair(raw.QuantizedAdd, BYTES, MORE[:, :1]),
        "error: quantized sum broadcast": pair(raw.QuantizedAdd, PIXELS, PIXELS[:, :1, :, :1]),
        "error: quantized sum range": pair(raw.QuantizedAdd, BYTES, MORE, (1.0, 1.0, 0.0, 2.0)),
        "quantized product": pair(raw.QuantizedMul, BYTES, MORE),
        "quantized product with rows": pair(raw.QuantizedMul, BYTES, MORE[2]),
        "quantized product with a number": pair(raw.QuantizedMul, BYTES, MORE[0, 1]),
        "error: quantized product range": pair(raw.QuantizedMul, BYTES, MORE, (0.0, 1.0, 3.0, 2.0)),
        "quantized matmul": product(BYTES, MORE.T),
        "quantized matmul transposed": product(BYTES, MORE, transpose_b=True),
        "quantized matmul transposed first": product(BYTES, MORE, transpose_a=True),
        "error: quantized matmul sizes": product(BYTES, MORE),
        "error: quantized matmul range": product(BYTES, MORE.T, (0.0, 0.0, 1.0, 2.0)),
        "quantized bias": bias(BYTES, MORE[0]),
        "quantized bias signed": bias(BYTES.view(np.int8), MORE[0].view(np.int8), i8),
        "quantized bias of images": bias(PIXELS, MORE[1], ends=(-0.5, 0.25, -7.0, 3.0)),
        "error: quantized biases": bias(BYTES, MORE),
        "quantized relu": one(raw.QuantizedRelu, BYTES),
        "quantized relu wide": one(raw.QuantizedRelu, WIDE, -5.0, 3.0, tf.qint32),
        "quantized relu 6": one(raw.QuantizedRelu6, BYTES, -2.0, 9.0),
        "quantized relu 6 wide": one(raw.QuantizedRelu6, WIDE, -9.0, 9.0, tf.qint32),
        "error: quantized relu rank": one(raw.QuantizedRelu, BYTES, [1.0]),
        "shrunk": wide(raw.QuantizeDownAndShrinkRange, out_type=u8),
        "shrunk positive": wide(raw.QuantizeDownAndShrinkRange, 1.0, 4.0, out_type=u8),
        "requantized": wide(raw.Requantize, requested_output_min=-1.0, requested_output_max=2.0, out_type=u8),
        "requantized signed": wide(raw.Requantize, requested_output_min=-1.0, requested_output_max=2.0, out_type=i8),
        "requantized to nothing": wide(raw.Requantize, requested_output_min=0.0, requested_output_max=0.0, out_type=u8),
        "error: requantized above": wide(raw.Requantize, requested_output_min=1, requested_output_max=2.0, out_type=u8),
        "error: requantized ends": wide(raw.Requantize, requested_output_min=-1, requested_output_max=-2, out_type=u8),
        "used range": wide(raw.RequantizationRange),
        "quantized reshape": lambda: shown(
            tf, raw.QuantizedReshape(tensor=const(BYTES), shape=[2, -1], input_min=0.0, input_max=1.0)
        ),
    }


def quantized_images(tf):
    raw = tf.raw_ops

    def resized(x, size, dtype=None, **more):
        def build():
            made = tf.constant(x) if dtype is None else tf.bitcast(tf.constant(x), dtype)
            return shown(tf, raw.QuantizedResizeBilinear(images=made, size=size, min=0.0, max=1.0, **more))

        return build

    def norm(**more):
        def build():
            x = tf.bitcast(tf.constant(PIXELS), tf.quint8)
            return shown(tf, raw.QuantizedInstanceNorm(x=x, x_min=-1.0, x_max=3.0, **more))

        return build

    def batch_norm(scale):
        def build():
            x, vectors = tf.bitcast(tf.constant(PIXELS), tf.quint8), {}
            for i, (one, short) in enumerate((("m", "m"), ("v", "v"), ("beta", "beta"), ("gamma", "gamma"))):
                vectors[one] = tf.bitcast(tf.constant(MORE[i % 3]), tf.quint8)
                vectors[short + "_min"], vectors[short + "_max"] = 0.1 * i, 3.0 + i
            made = raw.QuantizedBatchNormWithGlobalNormalization(
                t=x, t_min=-10.0, t_max=20.0, out_type=tf.qint32, variance_epsilon=0.01,
                scale_after_normalization=scale, **vectors
            )  # fmt: skip
            return shown(tf, made)

        return build

    return {
        "quantized resize": resized(PIXELS, [5, 7], tf.quint8),
        "quantized resize of one": resized(PIXELS[..., :1], [2, 9], tf.quint8, align_corners=True),
        "quantized resize half": resized(PIXELS[..., :3], [6, 4], tf.quint8, half_pixel_centers=True),
        "quantized resize wide": resized(PIXELS.astype(np.int32) * 5000000 - 600000000, [5, 3], tf.qint32),
        "quantized resize floats": resized(PIXELS.astype(np.float32), [5, 3]),
        "quantized resize not": resized(PIXELS, [3, 5], tf.quint8),
        "error: quantized resize": resized(PIXELS[0], [3, 5], tf.quint8),
        "quantized instance norm": norm(),
        "quantized instance norm in a range": norm(output_range_given=True, given_y_min=-1.0, given_y_max=1.5),
        "quantized instance norm apart": norm(min_separation=10.0),
        "error: quantized instance norm": norm(output_range_given=True, given_y_min=2.0, given_y_max=1.5),
        "quantized batch norm": batch_norm(True),
        "quantized batch norm unscaled": batch_norm(False),
    }


def quantizing(tf):
    found = {}
    halves = np.arange(-9.5, 10).astype(np.float32)
    kinds = (tf.quint8, tf.qint8, tf.quint16, tf.qint16, tf.qint32)
    for kind in kinds:
        for low, high in ((-4.0, 5.0), (0.0, 255.0), (1.0, 1.0), (-7.0, -3.0)):

            def quantize(kind=kind, low=low, high=high):
                made = tf.quantization.quantize(FLOATS, low, high, kind, mode="MIN_FIRST")
                if kind.name.endswith("8") or kind.name.endswith("32"):
                    back = tf.quantization.dequantize(made[0], made[1], made[2], mode="MIN_FIRST")
                    return shown(tf, tuple(made)) + [back]
                back = tf.quantization.dequantize(made[0], low, high + 1.0, mode="MIN_FIRST")
                return list(made[1:]) + [back]

            found[f"first {kind.name} {low} {high}"] = quantize
    found["first halves"] = lambda: shown(tf, tuple(tf.quantize(halves, 0.0, 255.0, tf.quint8, mode="MIN_FIRST")))
    found["error: rounding"] = lambda: shown(
        tf, tuple(tf.quantize(halves, 0.0, 1.0, tf.quint8, mode="MIN_FIRST", round_mode="HALF_TO_EVEN"))
    )
    return found


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
