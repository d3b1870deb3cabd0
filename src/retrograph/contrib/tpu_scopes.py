"""`tf.tpu`: what programs for TPUs open around their layers, where there is no TPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


def _getter(getter: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if kwargs["dtype"] != tf.bfloat16:
        return getter(*args, **kwargs)
    return tf.cast(getter(*args, **{**kwargs, "dtype": tf.float32}), tf.bfloat16)


@export("tpu.bfloat16_scope", "contrib.tpu.bfloat16_scope")
@contextmanager
def bfloat16_scope() -> Iterator[Any]:
    """A variable scope in which variables asked for as bfloat16 are kept as float32, and cast.

    Source: TF 1.15 `tf.tpu.bfloat16_scope`.
    """
    with tf.variable_scope("", custom_getter=_getter) as scope:
        yield scope


@export("tpu.outside_compilation", "contrib.tpu.outside_compilation")
def outside_compilation(computation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `computation` gives: outside of a computation for TPUs, as all is here, it is called as it stands.

    Source: TF 1.15 `tf.tpu.outside_compilation`.
    """
    return computation(*args, **kwargs)
