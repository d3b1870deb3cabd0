"""Ragged tensors."""

import numpy as np

from harness import case, named, tf, write

R = tf.RaggedTensor
C = tf.constant
rg = tf.ragged


def A():
    return rg.constant([[3, 1, 4, 1], [], [5, 9, 2], [6], []])


def B():
    return rg.constant([[[1, 2], [3]], [], [[4, 5, 6]]])


def S():
    return rg.constant([["a", "bc"], ["d"]])


@case
def const():
    return (
        A(),
        B(),
        S(),
        rg.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1),
        rg.constant([[], []], dtype=tf.float32),
        rg.constant([1, 2]),
        rg.constant(3),
    )


@case
def const32():
    return rg.constant([[1], [2, 3]], row_splits_dtype=tf.int32)


@case
def splits():
    return R.from_row_splits([3, 1, 4, 1, 5], [0, 2, 2, 5])


@case
def splits_nv():
    return R.from_row_splits([3, 1, 4, 1, 5], [0, 2, 2, 5], validate=False)


@case
def splits_bad():
    return R.from_row_splits([3, 1, 4, 1, 5], tf.placeholder_with_default(C([0, 2, 2, 6], tf.int64), [None]))


@case
def splits_bad2():
    return R.from_row_splits([3, 1, 4, 1, 5], [])


@case
def lengths():
    return R.from_row_lengths([3, 1, 4, 1, 5], [2, 0, 3]), R.from_row_lengths(
        [3, 1, 4, 1, 5], [2, 0, 3], validate=False, name="qq"
    )


@case
def starts():
    return R.from_row_starts([3, 1, 4, 1, 5], [0, 2, 2], validate=False), R.from_row_limits(
        [3, 1, 4, 1, 5], [2, 2, 5], validate=False
    )


@case
def rowids():
    return R.from_value_rowids([3, 1, 4, 1, 5], [0, 0, 2, 2, 2], validate=False), R.from_value_rowids(
        [3, 1, 4], [0, 0, 2], nrows=5, validate=False
    )


@case
def nested():
    return (
        R.from_nested_row_splits([3, 1, 4, 1, 5], [[0, 2, 3], [0, 2, 2, 5]], validate=False),
        R.from_nested_row_lengths([3, 1, 4, 1, 5], [[2, 1], [2, 0, 3]], validate=False),
        R.from_nested_value_rowids([3, 1, 4, 1, 5], [[0, 0, 1], [0, 0, 2, 2, 2]], validate=False),
    )


@case
def facts():
    b = B()
    return (
        b.values,
        b.flat_values,
        list(b.nested_row_splits),
        b.row_lengths(),
        b.row_lengths(axis=2),
        b.nrows(),
        b.row_starts(),
        b.row_limits(),
        b.bounding_shape(),
        b.value_rowids(),
        list(b.nested_row_lengths()),
        C(b.ragged_rank),
        C(str(b.shape)),
    )


@case
def to_tensor():
    return A().to_tensor(), B().to_tensor(), S().to_tensor(default_value="*"), A().to_tensor(7)


@case
def to_sparse():
    return A().to_sparse(), B().to_sparse(), rg.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1).to_sparse()


@case
def from_sparse():
    return R.from_sparse(tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [1, 2, 3], [4, 5]))


@case
def from_sparse_bad():
    return R.from_sparse(tf.SparseTensor([[0, 0], [0, 2], [2, 0]], [1, 2, 3], [4, 5]))


@case
def from_tensor():
    return (
        R.from_tensor([[1, 2, 0], [3, 0, 0]]),
        R.from_tensor([[1, 2, 0], [3, 0, 0]], lengths=[1, 2]),
        R.from_tensor([[1, 2, 0], [0, 3, 0], [0, 0, 0]], padding=0),
        R.from_tensor([[[1], [2]], [[3], [4]]], ragged_rank=2),
    )


@case
def getitem():
    a = A()
    b = B()
    return (
        a[0],
        a[2],
        a[-2],
        a[1:3],
        a[:2],
        a[::2],
        a[:, :2],
        a[:, 1:],
        a[:, -1:],
        b[0],
        b[:, :1],
        b[0, 1],
        b[:, :, :1],
        a[..., :1],
        a[C(2)],
    )


@case
def ops():
    a = A()
    return a + 1, a * a, 2 * a, -a, a - a, a // 2, a > 3, abs(a), tf.cast(3, tf.int32) * a if False else a % 2


@case
def mapf():
    return (
        rg.map_flat_values(tf.square, A()),
        rg.map_flat_values(tf.add, A(), A()),
        rg.map_flat_values(tf.strings.length, S()),
    )


@case
def mapbad():
    return rg.map_flat_values(tf.add, rg.constant([[1]]), rg.constant([[1, 2]]))


@case
def ranges():
    return rg.range([3, 5, 2]), rg.range([0, 5, 8], [3, 3, 12]), rg.range([0, 5], [3, 3], [1, -1]), rg.range(3)


@case
def segs():
    return (
        rg.row_splits_to_segment_ids([0, 3, 3, 5]),
        rg.segment_ids_to_row_splits([0, 0, 0, 2, 2]),
        rg.segment_ids_to_row_splits([0, 2], num_segments=4),
    )


@case
def mask():
    return (
        rg.boolean_mask([[1, 2, 3], [4, 5, 6]], [[True, False, True], [False, False, False]]),
        rg.boolean_mask(A(), rg.constant([[True, False, True, False], [], [True, True, False], [False], []])),
        rg.boolean_mask(A(), [True, False, False, True, True]),
    )


@case
def stackp():
    return rg.stack_dynamic_partitions(["a", "b", "c", "d"], [1, 0, 1, 3], 4)


@case
def stack():
    return rg.stack([A(), A()]), rg.stack([C([1, 2]), C([3])])


@case
def ph():
    p = rg.placeholder(tf.int32, 2)
    return "FEED", {p: rg.constant_value([[[1, 2], []], [[3]]], dtype=np.int32)}, [p, p.row_lengths(), p.to_tensor()]


@case
def grad():
    v = tf.Variable([1.0, 2.0, 3.0])
    r = R.from_row_splits(v, [0, 2, 3], validate=False)
    t = (r * r).to_tensor()
    return tf.gradients(t * t, v)


for n, f in enumerate(
    [
        lambda: R(C([1]), C([0, 1])),
        lambda: rg.constant([[1], 2]),
        lambda: rg.constant([[[1]], [2]]),
        lambda: R.from_value_rowids([1], [0], nrows=-1),
        lambda: A().to_list(),
        lambda: R.from_sparse(C([1])),
        lambda: rg.constant([[1]], ragged_rank=-1),
        lambda: A().with_row_splits_dtype(tf.float32),
        lambda: R.from_tensor([[1]], lengths=[1], padding=0),
        lambda: bool(A()),
        lambda: tf.convert_to_tensor(A()),
    ]
):
    named("err%d" % n, f)
