"""Functions of `Defun` as messages, and functions from messages."""

import pytest

import retrograph as tf
from retrograph.autodiff import defun
from retrograph.framework.messages import message_class


def _square_plus() -> defun.DefinedFunction:
    @defun.Defun(tf.float32, tf.float32, func_name="SquarePlus", out_names=["result"], noinline=True)
    def square_plus(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """The square of one and another."""
        return tf.square(x) + y

    return square_plus


def test_definitions() -> None:
    with tf.Graph().as_default():
        made = _square_plus().definition
        assert made.signature.name == "SquarePlus" and [a.name for a in made.signature.output_arg] == ["result"]
        assert made.signature.description == "The square of one and another."
        assert made.attr["_noinline"].b and len(made.signature.input_arg) == 2
        assert {n.op for n in made.node_def} == {"Square", "AddV2"} or {n.op for n in made.node_def} == {
            "Square",
            "Add",
        }


def test_names_of_functions_that_were_given_none() -> None:
    with tf.Graph().as_default():

        @defun.Defun(tf.float32)
        def double(x: tf.Tensor) -> tf.Tensor:
            return x * 2

        assert double.name.startswith("double_") and len(double.name) == len("double_") + 11
        assert double.name == double.definition.signature.name


def test_functions_from_definitions() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        again = defun._from_definition(_square_plus().definition)
        assert again.name == "SquarePlus" and again.declared_input_types == (tf.float32, tf.float32)
        assert sess.run(again(3.0, 4.0)) == 13.0


def test_libraries() -> None:
    library = message_class("tensorflow.FunctionDefLibrary")()
    assert not defun.from_library(library)
    with tf.Graph().as_default():
        library.function.add().CopyFrom(_square_plus().definition)
        assert [f.name for f in defun.from_library(library)] == ["SquarePlus"]
        library.gradient.add(function_name="SquarePlus", gradient_func="Other")
        with pytest.raises(ValueError, match="missing 'Other' FunctionDef"):
            defun.from_library(library)
        library.gradient[0].gradient_func = "SquarePlus"
        with pytest.raises(ValueError, match="contains cyclic gradient functions"):
            defun.from_library(library)


def test_what_functions_take_and_do() -> None:
    with tf.Graph().as_default():
        outside = tf.constant(1.0)

        @defun.Defun(tf.float32)
        def noisy(x: tf.Tensor) -> tf.Tensor:
            return tf.Print(x + outside, [x], name="say")

        assert noisy.captured_inputs == [outside] and noisy.stateful_ops == [("say", "Print")]


def test_bad_options() -> None:
    with pytest.raises(ValueError, match="Unknown keyword arguments"):
        defun.Defun(tf.float32, wrong=1)(lambda x: x)
    with pytest.raises(ValueError, match="Unsupported attribute type for experimental_a"):
        defun.Defun(tf.float32, experimental_a=[])(lambda x: x)
    with tf.Graph().as_default(), pytest.raises(tf.errors.InvalidArgumentError, match="output names size = 2 outputs"):
        defun.Defun(tf.float32, out_names=["a", "b"])(lambda x: x)(1.0)
