"""Sparse tensors."""

import numpy as np

from harness import case, named, tf, write

S = lambda i, v, d: tf.SparseTensor(i, v, d)


def A():
    return S([[0, 1], [2, 0]], [1.0, 2.0], [3, 4])


def AV():
    return S([[0, 1], [2, 0]], tf.Variable([1.0, 2.0]), [3, 4])


def I():
    return S([[0, 1], [2, 0]], tf.constant([1, 2], tf.int64), [3, 4])


def P():
    p = tf.sparse_placeholder(tf.float32, name="sp")
    return p


FV = lambda: tf.SparseTensorValue(
    np.array([[0, 1], [2, 0]], np.int64), np.array([1, 2], np.float32), np.array([3, 4], np.int64)
)
C = tf.constant
for k, idx in enumerate(([[0, 1], [0, 5]], [[1, 1], [0, 1]], [[0, 1], [0, 1]], [[0, 1], [1, 2]])):

    def f(idx=idx):
        return tf.sparse_to_dense(C(idx), [2, 3], [1.0, 2.0])

    named("std%d" % k, f)

    def f(idx=idx):
        return tf.sparse_to_dense(C(idx), [2, 3], [1.0, 2.0], validate_indices=False)

    named("stdn%d" % k, f)

    def f(idx=idx):
        x = tf.placeholder_with_default(C(idx), [2, 2])
        w = tf.Variable(tf.ones([600, 600]))
        return tf.sparse_to_dense(x + 0, [2, 3], [1.0, 2.0]), tf.reduce_sum(tf.matmul(w, w))

    named("stdc%d" % k, f)


@case
def std_a():
    return tf.sparse_to_dense(C([1, 2]), [2, 3], [1.0, 2.0])


@case
def std_b():
    return tf.sparse_to_dense(C([[1, 2]]), [2, 3], [1.0, 2.0])


@case
def std_c():
    return tf.sparse_to_dense(C([1, 2]), [4], 1.0, [2.0])


@case
def std_d():
    return tf.sparse_to_dense(C([1, 2]), [4], 1.0)


@case
def std_e():
    return tf.sparse_to_dense(3, [4], 1.0, -1.0)


@case
def std_s():
    return tf.sparse_to_dense([1, 2], [4], ["a", "b"], default_value="")


@case
def std_feed():
    i = tf.placeholder(tf.int64, [None, 2])
    return "FEED", {i: [[0, 0], [1, 2]]}, tf.sparse_to_dense(i, [2, 3], 1.0)


@case
def std_feed_bad():
    i = tf.placeholder(tf.int64, [None, 2])
    return "FEED", {i: [[0, 0], [1, 3]]}, tf.sparse_to_dense(i, [2, 3], 1.0)


@case
def std_grad():
    v = tf.Variable([1.0, 2.0])
    d = tf.Variable(3.0)
    y = tf.sparse_to_dense([[0, 1], [1, 0]], [2, 2], v, d)
    return y, tf.gradients(y * y, [v, d])


@case
def to_dense():
    return tf.sparse_tensor_to_dense(A())


@case
def to_dense2():
    return tf.sparse.to_dense(I(), default_value=-1, name="q")


@case
def to_dense_p():
    p = P()
    return "FEED", {p: FV()}, (tf.sparse.to_dense(p), p)


@case
def to_dense_p2():
    p = P()
    return "FEED", {p: ([[0, 1], [2, 0]], [1, 2], [3, 4])}, tf.sparse.to_dense(p)


@case
def ph3():
    p = tf.sparse_placeholder(tf.float32, [None, 4])
    return "FEED", {p: FV()}, (tf.sparse.to_dense(p), p)


@case
def ph4():
    p = tf.sparse_placeholder(tf.float32, [3, 4])
    return "FEED", {p: FV()}, (tf.sparse.to_dense(p), p)


@case
def to_dense_str():
    return tf.sparse.to_dense(S([[0, 1]], ["a"], [1, 2])), tf.sparse.to_dense(
        S([[0, 1]], ["a"], [1, 2]), default_value=""
    )


@case
def matmul():
    a = AV()
    b = tf.Variable(np.arange(8).reshape(4, 2).astype(np.float32))
    y = tf.sparse_tensor_dense_matmul(a, b)
    return y, tf.gradients(y * y, [a.values, b])


@case
def matmul_adj():
    a = AV()
    b = tf.Variable(np.arange(6).reshape(2, 3).astype(np.float32))
    y = tf.sparse.sparse_dense_matmul(a, b, adjoint_a=True, adjoint_b=True)
    return y, tf.gradients(y * y, [a.values, b])


@case
def matmul_p():
    p = P()
    b = tf.Variable(np.arange(8).reshape(4, 2).astype(np.float32))
    y = tf.sparse.matmul(p, b)
    return "FEED", {p: FV()}, [y, tf.gradients(y * y, [b])]


@case
def matmul_bad():
    return tf.sparse_tensor_dense_matmul(A(), np.ones((3, 2), np.float32))


@case
def matmul_bad2():
    return tf.sparse_tensor_dense_matmul(S([[0, 4], [2, 0]], [1.0, 2.0], [3, 4]), np.ones((4, 2), np.float32))


@case
def matmul_bad3():
    return tf.sparse_tensor_dense_matmul(S([[5, 1], [2, 0]], [1.0, 2.0], [3, 4]), np.ones((4, 2), np.float32))


@case
def matmul_bad4():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_tensor_dense_matmul(p, np.ones((3, 2), np.float32))


@case
def matmul_c():
    return tf.sparse_tensor_dense_matmul(
        S([[0, 1], [2, 0]], np.array([1 + 1j, 2]), [3, 4]), np.ones((3, 2)) * (2 + 1j), adjoint_a=True
    )


@case
def add1():
    return tf.sparse_add(A(), S([[0, 1], [1, 1]], [1.0, 4.0], [3, 4]))


@case
def add2():
    return tf.sparse_add(A(), S([[0, 1]], [-1.0], [3, 4]), 1.0)


@case
def add3():
    return tf.sparse.add(A(), np.ones((3, 4), np.float32)), tf.sparse.add(np.ones((3, 4), np.float32), A())


@case
def add4():
    return tf.sparse_add(A(), S([[0, 1]], [1.0], [3, 5]))


@case
def add5():
    return tf.sparse_add(1, 2)


@case
def add_grad():
    a = AV()
    b = S([[0, 1], [1, 1]], tf.Variable([1.0, 4.0]), [3, 4])
    y = tf.sparse_add(a, b)
    return tf.gradients(y.values * y.values, [a.values, b.values])


@case
def add_dgrad():
    a = AV()
    b = tf.Variable(np.ones((3, 4), np.float32))
    y = tf.sparse_add(a, b)
    return tf.gradients(y * y, [a.values, b])


@case
def concat1():
    return tf.sparse_concat(1, [A(), A()]), tf.sparse_concat(0, [A(), A()], name="k"), tf.sparse_concat(-1, [A()])


@case
def concat2():
    return tf.sparse_concat(1, [A(), S([[0, 1]], [1.0], [4, 5])])


@case
def concat3():
    return tf.sparse_concat(1, [A(), S([[3, 1]], [1.0], [4, 5])], expand_nonconcat_dim=True)


@case
def concat4():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_concat(1, [p, p], expand_nonconcat_dims=True)


@case
def split1():
    return tf.sparse_split(sp_input=A(), num_split=3, axis=1)


@case
def split2():
    return tf.sparse_split(sp_input=A(), num_split=5, axis=1)


@case
def split3():
    return tf.sparse_split(sp_input=A(), num_split=2, axis=3)


@case
def split4():
    return tf.sparse_split(A(), 2, 1)


@case
def split5():
    return tf.sparse.split(sp_input=A(), num_split=2)


@case
def slice1():
    return tf.sparse_slice(A(), [0, 0], [2, 9])


@case
def slice2():
    a = AV()
    y = tf.sparse_slice(a, [1, 0], [2, 3], name="s")
    return y, tf.gradients(y.values * 3, a.values)


@case
def reshape1():
    return tf.sparse_reshape(A(), [2, -1]), tf.sparse_reshape(A(), [12])


@case
def reshape2():
    return tf.sparse_reshape(A(), [5, -1])


@case
def reshape3():
    return tf.sparse_reshape(A(), [-1, -1])


@case
def reshape4():
    return tf.sparse_reshape(A(), tf.placeholder_with_default(tf.constant([5, -1], tf.int64), None))


@case
def reshape5():
    return tf.sparse_reshape(A(), tf.placeholder_with_default(tf.constant([5, 2], tf.int64), None))


@case
def reshape6():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_reshape(p, [2, -1])


@case
def fill1():
    return tf.sparse_fill_empty_rows(A(), 5.0)


@case
def fill2():
    return tf.sparse_fill_empty_rows(S([[0, 1], [4, 0]], [1.0, 2.0], [3, 4]), 5.0)


@case
def fillg():
    a = AV()
    d = tf.Variable(7.0)
    y, _ = tf.sparse_fill_empty_rows(a, d)
    return tf.gradients(y.values * y.values, [a.values, d])


@case
def fills():
    return tf.sparse_fill_empty_rows(S([[0, 1], [2, 0]], ["a", "b"], [3, 4]), "x")


@case
def rs1():
    return tf.sparse_reduce_sum(A(), [3])


@case
def rs2():
    return [tf.sparse_reduce_sum(A(), x) for x in (None, 0, 1, [0, 1], -1)]


@case
def rs3():
    return [tf.sparse_reduce_sum(A(), x, keepdims=True) for x in (None, 0, 1, [0, 1], -1)]


@case
def rs4():
    return [tf.sparse_reduce_sum_sparse(A(), x, keepdims=k) for x in (None, 0, 1, [0, 1], -1) for k in (True, False)]


@case
def rs5():
    return [tf.sparse_reduce_max_sparse(A(), x, keep_dims=k) for x in (None, 0, 1, [0, 1], -1) for k in (True, False)]


@case
def rs6():
    return [
        tf.sparse_reduce_max(S([[0, 1], [0, 3], [2, 0]], [-1.0, -3.0, 2.0], [3, 4]), x)
        for x in (None, 0, 1, [0, 1], -1)
    ]


@case
def rsp():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_reduce_sum(p)


@case
def rsg():
    a = AV()
    y = tf.sparse_reduce_sum(a, 1)
    return tf.gradients(y * y, [a.values])


@case
def max1():
    return tf.sparse_maximum(A(), S([[0, 1], [2, 1]], [5.0, -2.0], [3, 4])), tf.sparse_minimum(
        A(), S([[0, 1], [2, 1]], [5.0, -2.0], [3, 4])
    )


@case
def max2():
    return tf.sparse_maximum(A(), S([[0, 1], [2, 1]], [5.0, -2.0], [3, 5]))


@case
def sm1():
    return tf.sparse_softmax(S([[0, 1], [0, 2], [2, 0]], [1.0, 2.0, 4.0], [3, 4]))


@case
def sm2():
    return tf.sparse_softmax(S([[0], [2]], [1.0, 2.0], [3]))


@case
def smg():
    v = tf.Variable([1.0, 2.0, 4.0])
    y = tf.sparse_softmax(S([[0, 1], [0, 2], [2, 0]], v, [3, 4]))
    return tf.gradients(y.values * [1.0, 2.0, 3.0], v)


@case
def reset1():
    return tf.sparse_reset_shape(A()), tf.sparse_reset_shape(A(), [5, 6])


@case
def reset2():
    return tf.sparse_reset_shape(A(), [1, 6])


@case
def reset3():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_reset_shape(p, [5, 6])


@case
def reset4():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_reset_shape(p)


@case
def ind1():
    return tf.sparse_to_indicator(I(), 5)


@case
def merge1():
    return tf.sparse_merge(I(), A(), 7), tf.sparse_merge([I(), I()], A(), [7, 8], name="mm", already_sorted=True)


@case
def merge2():
    return tf.sparse_merge(I(), A(), [7])


@case
def reorder1():
    v = tf.Variable([1.0, 2.0])
    a = S([[2, 1], [0, 0]], v, [3, 4])
    y = tf.sparse_reorder(a)
    return y, tf.gradients(y.values * [1.0, 3.0], v)


@case
def reorder2():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_reorder(p)


@case
def tr1():
    return tf.sparse_transpose(A()), tf.sparse_transpose(A(), [1, 0], name="t")


@case
def tr2():
    p = P()
    return "FEED", {p: FV()}, tf.sparse_transpose(p)


@case
def expand():
    return [tf.sparse.expand_dims(A(), x) for x in (None, 0, 1, -1, -2)]


@case
def eye():
    return tf.sparse.eye(3), tf.sparse.eye(2, 4, dtype=tf.int32)


@case
def fromd():
    return tf.sparse.from_dense([[0, 1], [2, 0]]), tf.sparse.from_dense([["", "a"]])


@case
def ops():
    a = A()
    b = tf.fill([3, 4], 2.0)
    return a * b, a / b, tf.cast(a, tf.int32), str(a), -1


@case
def cross1():
    return tf.sparse.cross([A(), A()])


@case
def cross2():
    return tf.sparse.cross([I(), C([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]])])


@case
def cross3():
    return tf.sparse.cross_hashed([I(), C([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]])])


@case
def cross4():
    return tf.sparse.cross_hashed([I(), C([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]])], num_buckets=100, hash_key=7)


@case
def cross5():
    return tf.sparse.cross_hashed(
        [S([[0, 0], [0, 1], [1, 0]], ["a", "b", "c"], [3, 2]), C([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]])],
        num_buckets=1000,
    )


@case
def cross6():
    return tf.sparse.cross((I(),))


@case
def ser():
    return tf.serialize_sparse(A()), tf.serialize_many_sparse(A())


@case
def deser():
    return tf.io.deserialize_many_sparse(tf.serialize_many_sparse(A()), tf.float32), tf.deserialize_many_sparse(
        tf.stack([tf.serialize_sparse(A())]), tf.float32, rank=3
    )


@case
def deser_bad():
    return tf.io.deserialize_many_sparse(tf.serialize_many_sparse(A()), tf.int32)


@case
def deser1():
    from_ = tf.serialize_sparse(I())
    return from_


@case
def retain():
    return tf.sparse_retain(A(), [True, False])


@case
def mask():
    return tf.sparse_mask(tf.IndexedSlices(C([[1.0], [2.0]]), C([1, 3])), [3]).values


@case
def sampled():
    w = tf.Variable(np.linspace(0, 1, 40).reshape(10, 4).astype(np.float32))
    b = tf.Variable(np.zeros(10, np.float32))
    x = tf.Variable(np.ones((2, 4), np.float32))
    l = tf.nn.sampled_softmax_loss(w, b, C([[1], [2]], tf.int64), x, 5, 10, seed=3)
    return l, tf.gradients(l, [x])


@case
def nce():
    w = tf.Variable(np.linspace(0, 1, 40).reshape(10, 4).astype(np.float32))
    b = tf.Variable(np.zeros(10, np.float32))
    x = tf.Variable(np.ones((2, 4), np.float32))
    l = tf.nn.nce_loss(
        w,
        b,
        C([[1], [2]], tf.int64),
        x,
        5,
        10,
        remove_accidental_hits=True,
        sampled_values=(C([1, 2, 3, 4, 5], tf.int64), C([[0.1], [0.2]]), C([0.1, 0.1, 0.1, 0.1, 0.1])),
    )
    return l, tf.gradients(l, [x])


@case
def unary():
    return tf.abs(A()), tf.square(A()), tf.negative(A()), tf.sign(A()), tf.sqrt(A()), tf.tanh(A()), tf.erf(A())


@case
def smm():
    return tf.sparse_matmul(tf.ones([2, 3]), tf.ones([3, 2]), b_is_sparse=True)
