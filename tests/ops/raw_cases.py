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
    for make in (quantized, quantized_images, quantizing, sounds, scaled, removed, arrays, recurrent, lists, shrinking):
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


def sounds(tf):
    raw = tf.raw_ops
    sound = (np.sin(np.arange(900) * 0.05) + 0.1 * R.randn(900)).astype(np.float32)[:, None]
    power = np.abs(R.randn(2, 3, 129)).astype(np.float32)
    rate = {"sample_rate": 8000}
    return {
        "spectrogram": lambda: raw.AudioSpectrogram(input=sound, window_size=256, stride=160),
        "spectrogram squared": lambda: raw.AudioSpectrogram(
            input=sound[:500], window_size=100, stride=200, magnitude_squared=True, name="s"
        ),
        "spectrogram short": lambda: raw.AudioSpectrogram(input=sound[:50], window_size=100, stride=200),
        "spectrogram fed": lambda: raw.AudioSpectrogram(
            input=tf.placeholder_with_default(sound, [None, 1]), window_size=300, stride=300
        ),
        "error: spectrogram window": lambda: raw.AudioSpectrogram(input=sound, window_size=1, stride=1),
        "error: spectrogram rank": lambda: raw.AudioSpectrogram(input=sound[:, 0], window_size=10, stride=1),
        "mfcc": lambda: raw.Mfcc(spectrogram=power, **rate),
        "mfcc options": lambda: raw.Mfcc(
            spectrogram=power, sample_rate=tf.placeholder_with_default(16000, []), upper_frequency_limit=7000.0,
            lower_frequency_limit=100.0, filterbank_channel_count=12, dct_coefficient_count=7,
        ),
        "mfcc too high": lambda: raw.Mfcc(spectrogram=power, sample_rate=4000),
        "mfcc of spectrogram": lambda: raw.Mfcc(
            spectrogram=raw.AudioSpectrogram(input=sound, window_size=200, stride=160, magnitude_squared=True), **rate
        ),
        "error: mfcc count": lambda: raw.Mfcc(spectrogram=power, dct_coefficient_count=50, **rate),
        "error: mfcc limits": lambda: raw.Mfcc(spectrogram=power, lower_frequency_limit=5000.0, **rate),
        "error: mfcc rank": lambda: raw.Mfcc(spectrogram=power[0], **rate),
    }  # fmt: skip


def _resize(tf):
    """The function of TF 2, which Retrograph has by the path of its module."""
    if tf.__name__ != "retrograph":
        return tf.compat.v2.image.resize
    from retrograph.compat import image_forms

    return image_forms.resize_images_v2


def scaled(tf):
    raw = tf.raw_ops
    images = R.rand(2, 7, 5, 2).astype(np.float32)
    found = {}

    def scale(kind, size, scale, shift, antialias=True, x=images):
        return lambda: raw.ScaleAndTranslate(
            images=x, size=size, scale=scale, translation=shift, kernel_type=kind, antialias=antialias
        )

    def gradient(kind):
        x = tf.constant(images)
        made = raw.ScaleAndTranslate(images=x, size=[4, 9], scale=[0.6, 1.8], translation=[0.5, -1.0], kernel_type=kind)
        return tf.gradients(made * made, x)

    for kind in ["lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"]:
        found["smaller by " + kind] = scale(kind, [3, 2], [3 / 7.0, 0.4], [0.0, 0.0])
        found["larger by " + kind] = scale(kind, [9, 11], [1.5, 2.2], [0.3, -1.0])
        found["not smoothed by " + kind] = scale(kind, [4, 2], [0.5, 0.4], [0.0, 1.0], False)
    found["gradient of scaled"] = lambda: gradient("lanczos3")
    found["gradient of scaled by triangle"] = lambda: gradient("triangle")
    found["scaled bytes"] = scale("triangle", [3, 2], [0.4, 0.4], [0.0, 0.0], True, PIXELS)
    found["moved away"] = scale("triangle", [3, 3], [1.0, 1.0], [-20.0, 1.0])
    found["error: scale"] = scale("triangle", [3, 2], [0.0, 0.4], [0.0, 0.0])
    found["error: kernel"] = scale("sinc", [3, 2], [1.0, 0.4], [0.0, 0.0])
    found["error: size"] = scale("box", [3, 0], [1.0, 0.4], [0.0, 0.0])
    for kind in ("bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
        found["values: resize by " + kind] = lambda kind=kind: _resize(tf)(images, [4, 8], kind, antialias=True)
    found["values: resize plainly"] = lambda: _resize(tf)(images, [4, 8], "lanczos3")
    return found


def removed(tf):
    """Op types that graphs of the versions before can hold."""
    square = R.randn(2, 3, 3).astype(np.float32)
    positive = np.matmul(square, square.transpose(0, 2, 1)) + 3 * np.eye(3, dtype=np.float32)
    lower = np.linalg.cholesky(positive).astype(np.float32)
    symmetric = (square + square.transpose(0, 2, 1)).astype(np.float32)
    wide = R.randn(2, 4, 3).astype(np.float32)
    right = R.randn(2, 3, 2).astype(np.float32)

    def old(op_type, count, *inputs, **attrs):
        def build():
            graph = tf.GraphDef()
            graph.versions.producer = 1
            node = graph.node.add()
            node.name, node.op = "old", op_type
            names = []
            for i, value in enumerate(inputs):
                names.append(f"in{i}")
                node.input.append(names[-1])
                holder = graph.node.add()
                holder.name, holder.op = names[-1], "Placeholder"
                holder.attr["dtype"].type = tf.as_dtype(np.asarray(value).dtype).as_datatype_enum
            node.attr["T"].type = tf.as_dtype(np.asarray(inputs[0]).dtype).as_datatype_enum
            for name, value in attrs.items():
                setattr(node.attr[name], "b" if isinstance(value, bool) else "f", value)
            outputs = [f"old:{i}" for i in range(count)]
            given = {name: tf.constant(value) for name, value in zip(names, inputs)}  # noqa: B905
            return tf.import_graph_def(graph, given, outputs, name="")

        return build

    eigen = old("BatchSelfAdjointEig", 1, symmetric)
    return {
        "values: old cholesky": old("BatchCholesky", 1, positive),
        "values: old cholesky gradient": old("BatchCholeskyGrad", 1, lower, square),
        "values: old band": old("BatchMatrixBandPart", 1, square, np.int64(1), np.int64(0)),
        "values: old determinant": old("BatchMatrixDeterminant", 1, square),
        "values: old diagonal": old("BatchMatrixDiag", 1, square[0]),
        "values: old diagonal part": old("BatchMatrixDiagPart", 1, square),
        "values: old inverse": old("BatchMatrixInverse", 1, positive, adjoint=False),
        "values: old set diagonal": old("BatchMatrixSetDiag", 1, square, square[:, 0]),
        "values: old solution": old("BatchMatrixSolve", 1, positive, right, adjoint=True),
        "values: old least squares": old("BatchMatrixSolveLs", 1, wide, wide, np.float64(0.1), fast=True),
        "values: old triangular solution": old(
            "BatchMatrixTriangularSolve", 1, lower, right, lower=True, adjoint=False
        ),
        "values: old eigenvalues": lambda: [tf.abs(x) for x in eigen()],
        "values: old eigenvalues of one": lambda: [tf.abs(x) for x in old("SelfAdjointEig", 1, symmetric[0])()],
        "values: old eigenvalues alone": lambda: old("BatchSelfAdjointEigV2", 1, symmetric, compute_v=False)(),
        "values: old singular values": lambda: old("BatchSvd", 1, wide, compute_uv=False, full_matrices=False)(),
        "values: old contrast": old("AdjustContrast", 1, wide, np.float32(2), np.float32(-1), np.float32(1.5)),
        "error: old inverse": old("BatchMatrixInverse", 1, np.zeros((1, 2, 2), np.float32), adjoint=False),
    }


def arrays(tf):
    raw = tf.raw_ops
    matrix = np.arange(24, dtype=np.float32).reshape(2, 3, 4) + 1
    band = np.arange(18, dtype=np.float32).reshape(2, 3, 3) + 1

    def part(k, x=matrix):
        return lambda: raw.MatrixDiagPartV2(input=x, k=k, padding_value=-1.0)

    def made(diagonal, k, rows=-1, columns=-1):
        return lambda: raw.MatrixDiagV2(diagonal=diagonal, k=k, num_rows=rows, num_cols=columns, padding_value=9.0)

    def changed(diagonal, k):
        return lambda: raw.MatrixSetDiagV2(input=matrix, diagonal=diagonal, k=k)

    def padded(length, dtype=tf.uint8, **more):
        # TensorFlow writes beyond the result for more than one string of numbers of several bytes.
        given = [["ab", "cdefgh"], ["", "xyz"]] if dtype == tf.uint8 else ["abc"]
        return lambda: raw.DecodePaddedRaw(input_bytes=given, fixed_length=length, out_type=dtype, **more)

    lower = np.linalg.cholesky(np.array([[4.0, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]]))
    found = {
        "values: cholesky gradient": lambda: raw.CholeskyGrad(l=lower, grad=matrix[0, :, :3].astype(np.float64)),
        "padded bytes": padded(4),
        "padded shorts": padded(4, tf.int16),
        "values: padded fed": padded(8, tf.int64),
        "error: padded odd": padded(3, tf.int32),
        "error: padded nothing": padded(0),
    }
    for k in (0, 1, -2, [-1, 1], [0, 2], [-2, -1]):
        found[f"values: diagonals {k}"] = part(k)
        found[f"values: set diagonals {k}"] = lambda k=k: raw.MatrixSetDiagV2(
            input=matrix, diagonal=raw.MatrixDiagPartV2(input=matrix * 10, k=k, padding_value=0.0), k=k
        )
    found["values: of diagonals"] = made(band, [-1, 1])
    found["values: of diagonal"] = made(band[:, 0], 0)
    found["values: of diagonal above"] = made(band[0, 0], 1)
    found["values: of diagonal in rows"] = made(band[0, 0], -1, 4, 5)
    found["values: of diagonals in columns"] = made(band[:, :2], [0, 1], 3, 4)
    found["error: of few diagonals"] = made(band, [-1, 0])
    found["error: diagonals beyond"] = part(7)
    return found


def recurrent(tf):
    raw = tf.raw_ops
    r = np.random.RandomState(8)

    def some(*shape):
        return r.randn(*shape).astype(np.float32)

    x, cs, h, w, b = some(5, 2, 3), some(2, 4), some(2, 4), some(7, 16), some(16)
    peeps = {name: some(4) for name in ("wci", "wcf", "wco")}
    gates = {"w_ru": some(7, 8), "w_c": some(7, 4), "b_ru": some(8), "b_c": some(4)}
    grads = {"cs_grad": some(5, 2, 4), "h_grad": some(5, 2, 4)}

    def cell(peephole):
        given = dict(peeps, x=x[0], cs_prev=cs, h_prev=h, w=w, b=b)
        made = raw.LSTMBlockCell(use_peephole=peephole, **given)
        results = {name: getattr(made, name) for name in ("i", "cs", "f", "o", "ci", "co")}
        given.update(results, cs_grad=grads["cs_grad"][0], h_grad=grads["h_grad"][0])
        return list(raw.LSTMBlockCellGrad(use_peephole=peephole, **given))

    def block(peephole, length):
        given = dict(peeps, seq_len_max=np.int64(length), x=x, cs_prev=cs, h_prev=h, w=w, b=b)
        made = raw.BlockLSTM(use_peephole=peephole, **given)
        given.update({name: getattr(made, name) for name in ("i", "cs", "f", "o", "ci", "co", "h")}, **grads)
        return list(raw.BlockLSTMGrad(use_peephole=peephole, **given))

    def gru():
        made = raw.GRUBlockCell(x=x[1], h_prev=h, **gates)
        return list(raw.GRUBlockCellGrad(x=x[1], h_prev=h, r=made.r, u=made.u, c=made.c, d_h=cs, **gates))

    return {
        "gradient of a cell": lambda: cell(False),
        "gradient of a cell that peeps": lambda: cell(True),
        "gradient of steps": lambda: block(False, 5),
        "gradient of few steps that peep": lambda: block(True, 3),
        "gradient of a gated cell": gru,
    }


def lists(tf):
    raw = tf.raw_ops
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    kind = {"element_dtype": tf.float32}

    def made(shape=(3,)):
        return raw.TensorListFromTensor(tensor=rows, element_shape=np.array(shape, np.int32))

    def stack(handle, shape=-1, count=-1):
        return raw.TensorListStack(input_handle=handle, element_shape=shape, num_elements=count, **kind)

    def get(handle, index, shape=-1):
        return raw.TensorListGetItem(input_handle=handle, index=index, element_shape=shape, **kind)

    def put(handle, index, item):
        return raw.TensorListSetItem(input_handle=handle, index=index, item=item)

    def reserve(count, shape=(3,)):
        return raw.TensorListReserve(element_shape=np.array(shape, np.int32), num_elements=count, **kind)

    def length(handle):
        return raw.TensorListLength(input_handle=handle)

    def resize(handle, size):
        return raw.TensorListResize(input_handle=handle, size=size)

    def pushed(count=2, shape=-1):
        handle = raw.EmptyTensorList(element_shape=shape, max_num_elements=-1, **kind)
        for i in range(count):
            handle = raw.TensorListPushBack(input_handle=handle, tensor=rows[i])
        return handle

    def pop(handle):
        left, item = raw.TensorListPopBack(input_handle=handle, element_shape=-1, **kind)
        return [stack(left), item]

    def concat(handle, shape=(-1,)):
        given = {"element_shape": np.array(shape, np.int32), "leading_dims": np.array([], np.int64)}
        return list(raw.TensorListConcatV2(input_handle=handle, **dict(given, **kind)))

    def split(lengths):
        return raw.TensorListSplit(
            tensor=rows, element_shape=np.array([-1, 3], np.int32), lengths=np.array(lengths, np.int64)
        )

    def scatter(indices, count=None):
        given = {"tensor": rows, "indices": indices, "element_shape": np.array([3], np.int32)}
        return raw.TensorListScatter(**given) if count is None else raw.TensorListScatterV2(num_elements=count, **given)

    fed = tf.placeholder_with_default
    return {
        "list": lambda: [stack(made()), length(made()), get(made(), 2)],
        "list fed index": lambda: [get(made(), fed(1, [])), stack(put(made(), fed(3, []), rows[0]))],
        "list reserved": lambda: [stack(put(reserve(3), 1, rows[2])), get(reserve(2), 1)],
        "list of unknown": lambda: stack(put(reserve(3, -1), 1, rows[2])),
        "list pushed": lambda: [stack(pushed()), length(pushed(0))],
        "list popped": lambda: pop(pushed(3)),
        "list resized": lambda: [stack(resize(made(), 2)), stack(resize(made(), 6))],
        "list joined": lambda: concat(made()),
        "list split": lambda: [get(split([1, 3]), 1), length(split([1, 0, 3])), *concat(split([2, 2]), (-1, 3))],
        "list gathered": lambda: raw.TensorListGather(
            input_handle=made(), indices=[3, 0, 3], element_shape=np.array([3], np.int32), **kind
        ),
        "list scattered": lambda: [stack(scatter([2, 0, 1, 4])), stack(scatter([2, 0, 1, 3], 6))],
        "list scattered into": lambda: stack(
            raw.TensorListScatterIntoExistingList(input_handle=made(), tensor=rows[:2] * 10, indices=[1, 3])
        ),
        "lists joined": lambda: stack(
            raw.TensorListConcatLists(input_a=made(), input_b=pushed(shape=np.array([3], np.int32)), **kind)
        ),
        "list shape": lambda: raw.TensorListElementShape(input_handle=made((-1,)), shape_type=tf.int64),
        "error: list index": lambda: get(made(), 4),
        "error: list written": lambda: put(made(), 9, rows[0]),
        "error: list empty": lambda: pop(pushed(0)),
        "error: list count": lambda: stack(made(), -1, 7),
        "error: list unset": lambda: stack(reserve(2, -1)),
        "error: list of nothing": lambda: stack(pushed(0)),
    }


def shrinking(tf):
    def shrunk(l1, l2):
        variables = [tf.Variable([0.5, -3.0, 0.0, 1.0]), tf.Variable([[2.0], [-0.1]])]
        begun = tf.group(*[v.initializer for v in variables])
        with tf.control_dependencies([begun]):
            done = tf.train.sdca_shrink_l1(variables, l1=l1, l2=l2, name="s")
        with tf.control_dependencies([done]):
            return [v.read_value() for v in variables]

    return {"shrunk": lambda: shrunk(0.5, 1.0), "shrunk by less": lambda: shrunk(0.5, 4.0)}


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
