"""Expressions over mathematical functions, and the recorder of what they give.

Run by TensorFlow 1.15.5's Python it writes the golden file: `python tests/ops/math_cases.py FILE [MODULE]`. The test
suite runs the same functions on Retrograph. `{m}` is a placeholder that is fed the value `m`, `{mU}` one of unknown
shape, `{mN}` one whose first size is unknown.
"""

import importlib
import json
import os
import re
import sys

import numpy as np


def _values():
    rs = np.random.RandomState(0)
    positive = np.array([[0.3, 0.7, 1.5], [2.2, 0.9, 0.1]], np.float32)
    square = rs.randn(3, 3)
    return {
        "m": np.array([[-0.6, 0.2, 0.9], [1.7, -2.5, 0.05]], np.float32),
        "p": positive,
        "pp": positive + 1,
        "u": np.array([[0.3, -0.7, 0.5], [-0.2, 0.9, 0.1]], np.float32),
        "v": np.array([0.5, -1.5, 2.0], np.float32),
        "z": np.array([0.0, 1.0, -2.0], np.float32),
        "s": np.array(1.25, np.float32),
        "sq": (rs.randn(3, 3) + 3 * np.eye(3)).astype(np.float32),
        "pd": (square @ square.T + np.eye(3)).astype(np.float32),
        "tall": rs.randn(4, 3).astype(np.float32),
        "b3": rs.randn(2, 3, 4).astype(np.float32),
        "c3": rs.randn(2, 4, 5).astype(np.float32),
        "d1": rs.randn(1, 4, 5).astype(np.float32),
        "t4": rs.randn(2, 3, 2, 4).astype(np.float32),
        "i": np.array([3, -4, 5], np.int32),
        "j": np.array([2, 3, -2], np.int32),
        "bo": np.array([True, False, True]),
        "n3": np.array([float("nan"), float("inf"), -1.0], np.float32),
        "f64": np.array([0.2, 0.4, -3.3]),
        "cx": np.array([1 + 2j, -0.5 + 0.3j, 2 - 1j], np.complex64),
        "cxm": np.array([[2 + 1j, 0.5], [0.3j, 1 - 1j]], np.complex64),
        "st": np.array([b"a", b"b", b"c"], object),
    }


VALUES = _values()

EXPRESSIONS = r"""
tf.abs({m})
tf.acos({u})
tf.acosh({pp})
tf.asin({u})
tf.asinh({m})
tf.atan({m})
tf.atanh({u})
tf.ceil({m})
tf.cos({m})
tf.cosh({m})
tf.digamma({p})
tf.erf({m})
tf.erfc({m})
tf.exp({m})
tf.expm1({m})
tf.floor({m})
tf.is_finite({n3})
tf.is_inf({n3})
tf.is_nan({n3})
tf.lgamma({p})
tf.log({p})
tf.log1p({p})
tf.negative({m})
tf.reciprocal({m})
tf.rint({m})
tf.round({m})
tf.rsqrt({p})
tf.sign({m})
tf.sin({m})
tf.sinh({m})
tf.sqrt({p})
tf.square({m})
tf.tan({m})
tf.tanh({m})
tf.sigmoid({m})
tf.log_sigmoid({m})
tf.math.bessel_i0e({m})
tf.math.bessel_i1e({m})
tf.math.bessel_i0({m})
tf.math.bessel_i1({m})
tf.lbeta({p})
tf.math.reciprocal_no_nan({z})
tf.add({p}, {p})
tf.add({p}, {s})
tf.add({p}, {v})
tf.add({s}, {p})
tf.add({pU}, {v})
tf.subtract({p}, {p})
tf.subtract({p}, {s})
tf.subtract({p}, {v})
tf.subtract({s}, {p})
tf.subtract({pU}, {v})
tf.multiply({p}, {p})
tf.multiply({p}, {s})
tf.multiply({p}, {v})
tf.multiply({s}, {p})
tf.multiply({pU}, {v})
tf.divide({p}, {p})
tf.divide({p}, {s})
tf.divide({p}, {v})
tf.divide({s}, {p})
tf.divide({pU}, {v})
tf.realdiv({p}, {p})
tf.realdiv({p}, {s})
tf.realdiv({p}, {v})
tf.realdiv({s}, {p})
tf.realdiv({pU}, {v})
tf.truediv({p}, {p})
tf.truediv({p}, {s})
tf.truediv({p}, {v})
tf.truediv({s}, {p})
tf.truediv({pU}, {v})
tf.div({p}, {p})
tf.div({p}, {s})
tf.div({p}, {v})
tf.div({s}, {p})
tf.div({pU}, {v})
tf.div_no_nan({p}, {p})
tf.div_no_nan({p}, {s})
tf.div_no_nan({p}, {v})
tf.div_no_nan({s}, {p})
tf.div_no_nan({pU}, {v})
tf.math.multiply_no_nan({p}, {p})
tf.math.multiply_no_nan({p}, {s})
tf.math.multiply_no_nan({p}, {v})
tf.math.multiply_no_nan({s}, {p})
tf.math.multiply_no_nan({pU}, {v})
tf.floordiv({p}, {p})
tf.floordiv({p}, {s})
tf.floordiv({p}, {v})
tf.floordiv({s}, {p})
tf.floordiv({pU}, {v})
tf.mod({p}, {p})
tf.mod({p}, {s})
tf.mod({p}, {v})
tf.mod({s}, {p})
tf.mod({pU}, {v})
tf.maximum({p}, {p})
tf.maximum({p}, {s})
tf.maximum({p}, {v})
tf.maximum({s}, {p})
tf.maximum({pU}, {v})
tf.minimum({p}, {p})
tf.minimum({p}, {s})
tf.minimum({p}, {v})
tf.minimum({s}, {p})
tf.minimum({pU}, {v})
tf.squared_difference({p}, {p})
tf.squared_difference({p}, {s})
tf.squared_difference({p}, {v})
tf.squared_difference({s}, {p})
tf.squared_difference({pU}, {v})
tf.math.xlogy({p}, {p})
tf.math.xlogy({p}, {s})
tf.math.xlogy({p}, {v})
tf.math.xlogy({s}, {p})
tf.math.xlogy({pU}, {v})
tf.math.xdivy({p}, {p})
tf.math.xdivy({p}, {s})
tf.math.xdivy({p}, {v})
tf.math.xdivy({s}, {p})
tf.math.xdivy({pU}, {v})
tf.less({p}, {p})
tf.less({p}, {s})
tf.less({p}, {v})
tf.less({s}, {p})
tf.less({pU}, {v})
tf.less_equal({p}, {p})
tf.less_equal({p}, {s})
tf.less_equal({p}, {v})
tf.less_equal({s}, {p})
tf.less_equal({pU}, {v})
tf.greater({p}, {p})
tf.greater({p}, {s})
tf.greater({p}, {v})
tf.greater({s}, {p})
tf.greater({pU}, {v})
tf.greater_equal({p}, {p})
tf.greater_equal({p}, {s})
tf.greater_equal({p}, {v})
tf.greater_equal({s}, {p})
tf.greater_equal({pU}, {v})
tf.equal({p}, {p})
tf.equal({p}, {s})
tf.equal({p}, {v})
tf.equal({s}, {p})
tf.equal({pU}, {v})
tf.not_equal({p}, {p})
tf.not_equal({p}, {s})
tf.not_equal({p}, {v})
tf.not_equal({s}, {p})
tf.not_equal({pU}, {v})
tf.math.nextafter({p}, {p})
tf.math.nextafter({p}, {s})
tf.math.nextafter({p}, {v})
tf.math.nextafter({s}, {p})
tf.math.nextafter({pU}, {v})
tf.add({i}, {j})
tf.subtract({i}, {j})
tf.multiply({i}, {j})
tf.divide({i}, {j})
tf.truediv({i}, {j})
tf.div({i}, {j})
tf.floordiv({i}, {j})
tf.mod({i}, {j})
tf.truncatediv({i}, {j})
tf.truncatemod({i}, {j})
tf.maximum({i}, {j})
tf.minimum({i}, {j})
tf.less({i}, {j})
tf.equal({i}, {j})
tf.pow({p}, {p})
tf.pow({p}, 2.0)
{m} ** 2
{m} ** 3
{p} ** 0.5
tf.pow({p}, {v})
2.0 ** {m}
tf.pow({pU}, 2.0)
tf.igamma({p}, {p})
tf.igammac({p}, {p})
tf.zeta({pp}, {p})
tf.polygamma(tf.ones([2, 3]), {p})
tf.betainc({p}, {p}, tf.abs({u}))
tf.atan2({m}, {p})
tf.add({st}, {st})
{st} + 'x'
tf.equal({st}, 'b')
tf.cross({v}, {z})
tf.add_n([{m}, {p}, {u}])
tf.add_n([{m}])
tf.accumulate_n([{m}, {p}])
tf.scalar_mul(2.0, {m})
tf.logical_and({bo}, True)
tf.logical_xor({bo}, {bo})
tf.logical_not({bo})
tf.math.polyval([{s}, 2.0, 3.0], {v})
tf.cast({m}, tf.int32)
tf.cast({i}, tf.float32)
tf.cast({m}, tf.float64)
tf.cast({m}, tf.uint8)
tf.cast({m}, tf.bool)
tf.cast({bo}, tf.float32)
tf.cast({i}, tf.uint8)
tf.cast({m}, tf.float16)
tf.cast({cx}, tf.float32)
tf.cast({m}, tf.complex64)
tf.cast({n3}, tf.int64)
tf.cast({m}, tf.bfloat16)
tf.saturate_cast({m} * 1000, tf.uint8)
tf.bitcast({m}, tf.int32)
tf.bitcast({m}, tf.uint8)
tf.to_float({i})
tf.cast({m}, tf.int8)
tf.cast(300.7, tf.uint8)
tf.reduce_sum({m})
tf.reduce_sum({m}, 0)
tf.reduce_sum({m}, [1], keepdims=True)
tf.reduce_sum({m}, -1)
tf.reduce_mean({m})
tf.reduce_mean({m}, 1)
tf.reduce_mean({i})
tf.reduce_max({m})
tf.reduce_max({m}, 1)
tf.reduce_min({m}, 0, keepdims=True)
tf.reduce_prod({m})
tf.reduce_prod({m}, 1)
tf.reduce_prod({z})
tf.reduce_all({bo})
tf.reduce_any({bo}, 0)
tf.reduce_logsumexp({m})
tf.reduce_logsumexp({m}, 1)
tf.reduce_logsumexp({m}, 1, True)
tf.math.reduce_std({m})
tf.math.reduce_variance({m}, 0)
tf.math.reduce_euclidean_norm({m})
tf.reduce_sum({mU})
tf.reduce_mean({mU})
tf.reduce_mean({mU}, 1)
tf.reduce_sum({mN}, 0)
tf.reduce_mean({mN}, 0)
tf.reduce_max({mN}, 1)
tf.reduce_max({mU})
tf.reduce_sum({t4}, [1, 3])
tf.reduce_mean({t4}, [0, 2], keepdims=True)
tf.reduce_sum({t4}, [-1, 0])
tf.count_nonzero({z})
tf.count_nonzero({m}, 0)
tf.argmax({m}, 1)
tf.argmin({m})
tf.argmax({m}, -1, output_type=tf.int32)
tf.argmax({v})
tf.argmin({i})
tf.cumsum({m})
tf.cumsum({m}, 1, True)
tf.cumsum({m}, 1, reverse=True)
tf.cumsum({m}, -1, True, True)
tf.cumprod({p}, 1)
tf.cumprod({p}, 1, True, True)
tf.math.cumulative_logsumexp({v})
tf.range(10)
tf.range(3, 18, 3)
tf.range(0.0, 1.0, 0.1)
tf.range(5, 1, -2)
tf.range(tf.constant(5, tf.int64))
tf.linspace(0.0, 1.0, 7)
tf.linspace({s}, 5.0, 3)
tf.lin_space(1.0, 2.0, 1)
tf.range({i}[0])
tf.range(0, 4, dtype=tf.float32)
tf.matmul({m}, {sq})
tf.matmul({m}, {p}, transpose_b=True)
tf.matmul({m}, {p}, transpose_a=True)
tf.matmul({sq}, {m}, True, True)
tf.matmul({b3}, {c3})
tf.matmul({b3}, {d1})
tf.matmul({b3}, {c3}[0])
tf.matmul({c3}, {b3}, adjoint_a=True, adjoint_b=True)
tf.matmul({b3}, {b3}, transpose_b=True)
tf.linalg.matvec({sq}, {v})
tf.matmul({m}, {sq}, a_is_sparse=True)
{m} @ {sq}
tf.matmul({b3U}, {c3})
tf.matmul({mN}, {sq})
tf.tensordot({m}, {sq}, 1)
tf.tensordot({b3}, {c3}, [[0, 2], [0, 1]])
tf.tensordot({b3}, {c3}, [[2], [1]])
tf.tensordot({mU}, {sq}, 1)
tf.tensordot({mN}, {sq}, [[1], [0]])
tf.tensordot({v}, {v}, [0, 0])
tf.einsum('ij,jk->ik', {m}, {sq})
tf.einsum('bij,bjk->bik', {b3}, {c3})
tf.einsum('bij,bjk', {b3}, {c3})
tf.einsum('ij->ji', {m})
tf.einsum('ii', {sq})
tf.einsum('i,j->ij', {v}, {z})
tf.einsum('bij->b', {b3})
tf.einsum('ij,ij,ij->i', {m}, {p}, {u})
tf.einsum('...ij,...jk->...ik', {b3}, {c3})
tf.einsum('nhwc,cd->nhwd', {t4}, tf.ones([4, 2]))
tf.einsum('ij,jk->ik', {mN}, {sq})
tf.einsum('bhwc,hkc->bkw', {t4}, tf.ones([3, 5, 4]))
tf.einsum('ij,kj,j->ik', {m}, {p}, {v})
tf.segment_sum({m}, [0, 2])
tf.segment_mean({tall}, [0, 0, 1, 3])
tf.segment_max({tall}, [0, 0, 1, 1])
tf.segment_min({tall}, [0, 0, 2, 2])
tf.segment_prod({tall}, [0, 0, 1, 3])
tf.unsorted_segment_sum({tall}, [1, 0, -1, 1], 3)
tf.unsorted_segment_max({tall}, [1, 0, 0, 1], 3)
tf.unsorted_segment_min({tall}, [1, 0, 0, 1], 2)
tf.unsorted_segment_prod({tall}, [1, 0, 0, 1], 2)
tf.unsorted_segment_mean({tall}, [1, 0, 0, 1], 3)
tf.unsorted_segment_sqrt_n({tall}, [1, 0, 0, 1], 3)
tf.sparse_segment_sum({tall}, [0, 2, 3], [0, 0, 1])
tf.sparse_segment_mean({tall}, [0, 2, 3], [0, 0, 2])
tf.sparse_segment_sqrt_n({tall}, [0, 2, 3], [0, 0, 1])
tf.sparse_segment_mean({tall}, [0, 2, 3], [0, 0, 1], num_segments=4)
tf.unsorted_segment_sum({m}, [[0, 1, 0], [1, 1, 2]], 3)
tf.bincount([1, 1, 3, 7])
tf.bincount([1, 1, 3, 7], maxlength=5)
tf.bincount([1, 1, 3], minlength=6, dtype=tf.float32)
tf.bincount([0, 1, 1], weights=[0.5, 1.0, 2.0])
tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15], [0.0, 5.0], nbins=5)
tf.histogram_fixed_width_bins([-1.0, 0.0, 1.5, 2.0, 5.0, 15], [0.0, 5.0], nbins=5)
tf.clip_by_value({m}, -1.0, 1.0)
tf.clip_by_value({m}, {mU}, 1.0)
tf.clip_by_norm({m}, 1.0)
tf.clip_by_norm({m}, 1.0, axes=[1])
tf.global_norm([{m}, None, {v}])
tf.clip_by_global_norm([{m}, None, {v}], 1.0)
tf.clip_by_average_norm({m}, 0.1)
tf.eye(3)
tf.eye(2, 3)
tf.eye(2, batch_shape=[2])
tf.eye(tf.constant(3))
tf.eye(2, tf.constant(4))
tf.diag({v})
tf.diag_part({sq})
tf.matrix_diag({m})
tf.matrix_diag_part({tall})
tf.matrix_diag_part({sq})
tf.matrix_set_diag({sq}, {v})
tf.matrix_set_diag({tall}, {v})
tf.matrix_band_part({sq}, 1, 0)
tf.matrix_band_part({sq}, -1, 1)
tf.trace({sq})
tf.matrix_transpose({b3})
tf.linalg.adjoint({m})
tf.cholesky({pd})
tf.matrix_inverse({sq})
tf.matrix_inverse({sq}, adjoint=True)
tf.matrix_determinant({sq})
tf.linalg.slogdet({pd})
tf.matrix_solve({sq}, {sq})
tf.matrix_solve({sq}, {sq}, adjoint=True)
tf.matrix_triangular_solve({sq}, {sq})
tf.matrix_triangular_solve({sq}, {sq}, lower=False, adjoint=True)
tf.cholesky_solve({pd}, {sq})
tf.matrix_solve_ls({tall}, tf.ones([4, 1]))
tf.matrix_solve_ls({tall}, tf.ones([4, 1]), l2_regularizer=0.1)
tf.matrix_solve_ls(tf.transpose({tall}), tf.ones([3, 1]))
tf.linalg.logdet({pd})
tf.self_adjoint_eigvals({pd})
tf.abs(tf.qr({tall})[1])
tf.svd({tall}, compute_uv=False)
tf.abs(tf.self_adjoint_eig({pd})[1])
tf.linalg.pinv({tall})
tf.linalg.matrix_rank({tall})
tf.linalg.logm({cxm})
tf.norm({m})
tf.norm({m}, axis=1)
tf.norm({m}, 1)
tf.norm({m}, np.inf, axis=0)
tf.norm({m}, 3, axis=1, keepdims=True)
tf.norm({m}, 'fro', axis=[0, 1])
tf.norm({m}, 1, axis=[0, 1])
tf.linalg.normalize({m})
tf.norm({cx})
tf.complex({v}, {z})
tf.real({cx})
tf.imag({cx})
tf.angle({cx})
tf.abs({cx})
tf.conj({cx})
tf.real({v})
tf.imag({v})
tf.square({cx})
tf.exp({cx})
{cx} * {cx}
{cx} / {cx}
tf.reduce_sum({cx})
tf.matmul({cxm}, {cxm}, adjoint_b=True)
tf.sign({cx})
-{m}
abs({m})
{m} + 1
1 + {m}
{m} - {v}
3 - {m}
{m} * 2
{m} / 2
2 / {p}
{i} / {j}
{i} // {j}
{i} % {j}
{p} % 0.4
{p} // 0.4
{bo} & {bo}
~{bo}
{bo} ^ {bo}
{m} > 0
{m} <= {v}
{i} >= 2
divmod({i}, 2)
{i} * 2 + 1
tf.bitwise.bitwise_and({i}, {j})
tf.bitwise.bitwise_or({i}, {j})
tf.bitwise.bitwise_xor({i}, {j})
tf.bitwise.invert({i})
tf.bitwise.left_shift({i}, [1, 2, 3])
tf.bitwise.right_shift({i}, [1, 2, 3])
tf.clip_by_value({m}, [1.0, 2.0], 3.0)
tf.add({m}, tf.ones([4]))
tf.matmul({m}, {p})
tf.matmul({m}, {v})
{i} + 1.5
{i} + {m}
tf.add({i}, {m})
{bo} + {bo}
tf.sqrt({i})
tf.reduce_sum({m}, 5)
tf.argmax({m}, 7)
tf.range(5, 1)
tf.linspace(0.0, 1.0, 0)
tf.add_n([])
tf.add_n([{m}, {v}])
tf.cast('a', tf.float32)
tf.truediv({i}, {m})
tf.complex({i}, {i})
tf.norm({m}, -1)
tf.norm({m}, axis=[0, 0])
tf.einsum('ij,jk->il', {m}, {sq})
tf.einsum('ij', {m}, {m})
tf.reduce_sum({m}, axis=0, reduction_indices=1)
tf.matmul({m}, {p}, transpose_a=True, adjoint_a=True)
tf.cholesky({m})
tf.matrix_solve({sq}, {m})
tf.segment_sum({m}, [[0]])
tf.unsorted_segment_sum({m}, [0, 1, 2], 3)
tf.scalar_mul({v}, {m})
tf.eye('a')
tf.equal({m}, tf.ones([4]))
tf.cross({m}, {v})
tf.cross({b3}, {b3})
tf.matrix_band_part({sq}, 5, 0)
tf.diag_part({v})
{st} * 2
tf.maximum({m}, 'a')
tf.global_norm({m})
{m} + 'a'
{m} + None
[1, 2] + {m}
tf.less({bo}, {bo})
tf.logical_and({m}, {m})
tf.reduce_all({m})
tf.accumulate_n([{m}, {v}])
tf.tensordot({m}, {sq}, 5)
tf.tensordot({m}, {sq}, [[0, 1], [0]])
tf.histogram_fixed_width([1.0], [1.0], 3)
tf.bincount([1], maxlength=-1)
tf.abs(tf.fft({cxm}))
tf.abs(tf.ifft2d({cxm}))
tf.abs(tf.signal.fft2d({cxm}))
tf.signal.rfft({b3})
tf.signal.rfft({b3}, [8])
tf.signal.rfft2d({b3}, [2, 2])
tf.cast(tf.signal.irfft({cxm}), tf.complex64)
tf.cast(tf.signal.irfft2d({cxm}, [2, 5]), tf.complex64)
(tf.SparseTensor([[0, 1], [1, 2]], [2.0, 3.0], [2, 3]) * {v}).values
(tf.SparseTensor([[0, 1], [1, 2]], [2.0, 3.0], [2, 3]) / {v}).values
({m} * tf.SparseTensor([[0, 1], [1, 2]], [2.0, 3.0], [2, 3])).values
tf.confusion_matrix([0, 1, 2], [0, 2, 2])
tf.confusion_matrix([0, 1, 2], [0, 2, 2], num_classes=4, weights=[0.5, 1.0, 2.0], dtype=tf.float32)
tf.confusion_matrix([0, 1, 2], [0, 2, 2], num_classes=2)
tf.matrix_square_root({pd})
tf.clip_by_value(tf.IndexedSlices({m}, tf.constant([0, 1])), 0.0, 1.0).values
tf.reduce_sum({m}, tf.constant([0]))
tf.reduce_mean({i}, 0)
tf.cast({i}, tf.bool)
""".strip().split("\n")


def _placeholder(tf, key):
    base = key if key in VALUES else key[:-1]
    value = VALUES[base]
    shape = list(value.shape)
    if key not in VALUES:
        shape = None if key.endswith("U") else [None] + shape[1:]
    dtype = tf.string if value.dtype == object else tf.as_dtype(value.dtype)
    return tf.placeholder(dtype, shape, name=key + "_"), value


def _build(tf, expression, feeds):
    """The results of an expression as a flat list of tensors, and the placeholders in it."""
    used = {}

    def note(match):
        key = match.group(1)
        if key not in feeds:
            feeds[key] = _placeholder(tf, key)
        used[key] = feeds[key][0]
        return key

    source = re.sub(r"\{(\w+)\}", note, expression)
    made = eval(source, dict(used, tf=tf, np=np))
    flat = []
    for part in made if isinstance(made, (list, tuple)) else [made]:
        flat.extend(part if isinstance(part, (list, tuple)) else [part])
    return [t for t in flat if t is not None], list(used.values())


def _gradients(tf, results, inputs):
    inputs = [x for x in inputs if x.dtype.is_floating or x.dtype.is_complex]
    if not inputs or not results[0].dtype.is_floating:
        return []
    return [g for g in tf.gradients(results[0], inputs) if g is not None]


def _operation(op, with_inputs):
    return " ".join([op.name, op.type] + [t.name for t in op.inputs] * with_inputs)


def facts_of(tf, expression):
    """The operations that an expression and its gradient make, the static shapes, or the error."""
    with tf.Graph().as_default() as graph:
        feeds = {}
        try:
            results, inputs = _build(tf, expression, feeds)
        except Exception as error:
            return {"error": type(error).__name__ + ": " + str(error)[:300]}
        operations = [op for op in graph.get_operations() if op.type != "Placeholder"]
        facts = {
            "ops": [_operation(op, True) for op in operations],
            "shapes": [None if t.shape.ndims is None else t.shape.as_list() for t in results],
            "types": [t.dtype.name for t in results],
        }
        count = len(graph.get_operations())
        try:
            _gradients(tf, results, inputs)
            facts["gradient"] = [_operation(op, False) for op in graph.get_operations()[count:]]
        except Exception as error:
            facts["gradient"] = type(error).__name__
        return facts


def _plain(value):
    value = np.asarray(value)
    if value.dtype.kind in "OSU":
        return [x.decode() for x in value.ravel().tolist()]
    if value.dtype.kind == "c":
        return [float(f"{x:.6g}") for x in np.stack([value.real, value.imag]).ravel()]
    return [float(f"{x:.6g}") for x in value.astype(np.float64).ravel()]


def values_of(tf, expressions):
    """The values of expressions and of their gradients, computed in one run; None where building or running fails."""
    with tf.Graph().as_default():
        feeds, fetches = {}, {}
        for expression in expressions:
            with tf.name_scope(None):
                results, inputs = _build(tf, expression, feeds)
                try:
                    fetches[expression] = results + _gradients(tf, results, inputs)
                except (LookupError, NotImplementedError):
                    fetches[expression] = results
        with tf.Session() as session:
            values = session.run(fetches, dict(feeds.values()))
    return {e: [_plain(v) for v in values[e]] for e in expressions}


def runtime_error_of(tf, expression):
    """The first line of the error that running an expression raises, None if there is none."""
    with tf.Graph().as_default():
        feeds = {}
        results, _ = _build(tf, expression, feeds)
        with tf.Session() as session:
            try:
                session.run(results, dict(feeds.values()))
            except Exception as error:
                return type(error).__name__ + ": " + str(error).split("\n")[0][:200]
    return None


def _record(tf):
    facts = {e: facts_of(tf, e) for e in EXPRESSIONS}
    built = [e for e in EXPRESSIONS if "error" not in facts[e]]
    failing = {e: runtime_error_of(tf, e) for e in built}
    values = values_of(tf, [e for e in built if failing[e] is None])
    for expression in built:
        if failing[expression] is None:
            facts[expression]["values"] = values[expression]
        else:
            facts[expression]["runtime_error"] = failing[expression]
    return facts


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    module = importlib.import_module(sys.argv[2] if len(sys.argv) > 2 else "tensorflow")
    recorded = _record(module)
    with open(sys.argv[1], "w") as file:
        file.write(
            "{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in sorted(recorded.items())) + "\n}\n"
        )
