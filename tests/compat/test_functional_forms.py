"""Branches, loops and calls of functions by TensorFlow's inner names; effects of functions of `Defun`."""

import pytest

import retrograph as tf
from retrograph.autodiff.defun import Defun
from retrograph.compat import functional_forms as forms


def test_branches_and_loops() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        twice, thrice = Defun(tf.float32)(lambda x: x * 2), Defun(tf.float32)(lambda x: x * 3)
        x = tf.placeholder(tf.float32, [])
        (chosen,) = forms.If(x, [x], twice, thrice)
        assert [sess.run(chosen, {x: v}) for v in (2.0, 0.0)] == [4.0, 0.0]
        cond = Defun(tf.int32, tf.float32)(lambda n, y: n < 4)
        body = Defun(tf.int32, tf.float32)(lambda n, y: (n + 1, y * 2))
        assert sess.run(forms.While([0, 1.0], cond, body)) == [4, 16.0]
        step = Defun(tf.int32, tf.float32)(lambda i, y: y + tf.cast(i, tf.float32))
        assert sess.run(forms.For(10, 0, -3, [0.0], step)) == [10 + 7 + 4 + 1]
        assert sess.run(forms.partitioned_call([5.0], twice)) == [10.0]


def test_what_is_refused() -> None:
    with tf.Graph().as_default():
        cond, body = Defun(tf.float32)(lambda x: x > 0), Defun(tf.int32)(lambda x: x - 1)
        with pytest.raises(ValueError, match="'cond' and 'body' signatures do not match"):
            forms.While([1.0], cond, body)
        two = Defun(tf.float32)(lambda x: (x, x))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"While loop body returned 2 arguments\. Expected: 1"):
            forms.While([1.0], cond, two)
        with pytest.raises(tf.errors.UnimplementedError, match="executor_type 'X'"):
            forms.partitioned_call([1.0], two, executor_type="X")


def test_effects_of_functions_happen() -> None:
    # TF 1.15: a function's stateful operations run whenever one of its results is taken.
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(1.0, use_resource=True)

        @Defun(tf.float32)
        def with_result(x: tf.Tensor) -> tf.Tensor:
            v.assign_add(1.0)
            return x * 2

        @Defun()
        def without_result() -> None:
            v.assign_add(10.0)

        taken, done = with_result(3.0), without_result()
        sess.run(v.initializer)
        assert sess.run(taken) == 6.0 and sess.run(v) == 2.0
        sess.run(done)
        assert sess.run(v) == 12.0


def test_symbolic_gradient() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        scaled = Defun(tf.float32, tf.float32)(lambda x, y: tf.sin(x) * y)
        types = [tf.float32, tf.float32]
        backward = Defun(tf.float32, tf.float32, tf.float32)(
            lambda x, y, dz: tuple(forms.symbolic_gradient([x, y, dz], types, scaled))
        )
        given = [tf.constant(v) for v in (1.0, 2.0, 3.0)]
        expected = pytest.approx([3.2418137, 2.5244129], rel=1e-5)
        assert sess.run(forms.symbolic_gradient(given, types, scaled)) == expected
        assert list(sess.run(backward(*given))) == expected
        with pytest.raises(ValueError, match="are not those of their gradients"):
            forms.symbolic_gradient(given, [tf.int32, tf.float32], scaled)
