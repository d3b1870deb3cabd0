"""Tensors that stay in a session: handles, feeds of them, their end."""

from __future__ import annotations

from typing import Any

import pytest

import retrograph as tf


@pytest.fixture
def kept() -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        product = tf.constant(10.0) * 2.0
        yield session, product, session.run(tf.get_session_handle(product))


def test_a_handle_names_its_operation_and_gives_the_value(kept: Any) -> None:
    _, _, handle = kept
    assert handle.handle == str(handle) == "GetSessionHandle;0;/job:localhost/replica:0/task:0/device:CPU:0"
    assert handle.eval() == 20.0
    assert handle.eval() == 20.0


def test_its_string_is_fed_to_the_placeholder(kept: Any) -> None:
    session, _, handle = kept
    holder, tensor = tf.get_session_tensor(handle.handle, tf.float32)
    assert (holder.op.type, tensor.op.type, tensor.shape.ndims) == ("Placeholder", "GetSessionTensor", None)
    assert session.run(tensor + 1.0, {holder: handle.handle}) == 21.0


def test_a_handle_is_fed_in_place_of_a_value(kept: Any) -> None:
    session, product, handle = kept
    assert session.run([product + 1.0, product], {product: handle}) == [21.0, 20.0]


def test_handles_are_fetched_in_any_structure(kept: Any) -> None:
    session, product, _ = kept
    fetched = session.run({"a": [tf.get_session_handle(product), product]})
    assert fetched["a"][0].eval() == fetched["a"][1] == 20.0


def test_a_deleted_tensor_is_gone(kept: Any) -> None:
    session, product, handle = kept
    handle.delete()
    with pytest.raises(TypeError, match=r"Persistent tensor .* may have already been deleted"):
        handle.eval()
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in the session store"):
        session.run(product, {product: handle})
    holder, deleter = tf.delete_session_tensor(handle.handle)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Failed to delete a tensor with handle"):
        session.run(deleter, {holder: handle.handle})


def test_a_raw_handle_outlives_its_object(kept: Any) -> None:
    session, product, _ = kept
    raw = session.run(tf.get_session_handle(product)).get_raw_handle()
    holder, tensor = tf.get_session_tensor(raw, tf.float32)
    assert session.run(tensor, {holder: raw}) == 20.0


def test_a_handle_that_goes_frees_its_tensor(kept: Any) -> None:
    session, _, handle = kept
    text = handle.handle
    holder, tensor = tf.get_session_tensor(text, tf.float32)
    handle.__del__()
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in the session store"):
        session.run(tensor, {holder: text})


def test_what_is_wrong_is_said(kept: Any) -> None:
    session, _, handle = kept
    with pytest.raises(TypeError, match="`data` must be of type Tensor"):
        tf.get_session_handle(3.0)
    with pytest.raises(ValueError, match="Unknown attribute: 'x' in 'x'"):
        tf.get_session_tensor("x", tf.float32)
    whole = tf.placeholder(tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expects arg\[0\] to be int32 but float"):
        session.run(whole, {whole: handle})
    holder, tensor = tf.get_session_tensor(handle.handle, tf.int32)
    with pytest.raises(tf.errors.InternalError, match="does not match declared output type int32"):
        session.run(tensor, {holder: handle.handle})
