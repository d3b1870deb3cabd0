"""`tf.Print` and `tf.print`: what tensors hold, written out while the graph runs."""

from __future__ import annotations

import os
import pprint
import random
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors, nest
from retrograph.framework.apply import apply_op
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax
from retrograph.framework.logger import get_logger
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape_rules import no_outputs, unchanged
from retrograph.framework.structures import SparseTensor
from retrograph.ops.control_flow import is_tensor_like
from retrograph.ops.strings import string_format
from retrograph.ops.summarize import summarize_value
from retrograph.platform import logging as tf_logging

_LOCK = threading.Lock()


def _is_due(op: Operation) -> bool:
    """Whether this execution is one of the first n."""
    first_n = op.attrs["first_n"]
    if first_n < 0:
        return True
    with _LOCK:
        count = op.__dict__.get("_printed", 0)
        op.__dict__["_printed"] = count + 1
    return bool(count < first_n)


def _write(op: Operation, *data: Any) -> None:
    if _is_due(op):
        shown = "".join(f"[{summarize_value(np.asarray(x), op.attrs['summarize'])}]" for x in data)
        sys.stderr.write(f"{op.attrs['message'].decode()}{shown}\n")
        sys.stderr.flush()


def _print(op: Operation, ctx: Any, value: Any, *data: Any) -> Any:
    _write(op, *data)
    return value


def _print_from_program(op: Operation, ctx: Any, value: Any, *data: Any) -> Any:
    jax.debug.callback(lambda *arrays: _write(op, *arrays), *data)
    return value


def _print_grad(op: Operation, *grads: Any) -> list[Any]:
    return [*grads, *([None] * (len(op.inputs) - 1))]


register_op("Print", shape=unchanged, lower=_print_from_program, numpy=_print, effect=True, gradient=_print_grad)


@export("Print")
@deprecated(
    "Use tf.print instead of tf.Print. Note that tf.print returns a no-output operator that directly prints the output. "
    "Outside of defuns or eager mode, this operator will not be executed unless it is directly specified in session.run "
    "or used as a control dependency for other operators. This is only a concern in graph mode. Below is an example of "
    "how to ensure tf.print executes in graph mode:\n",
    "tensorflow.python.ops.logging_ops",
    "2018-08-20",
)
def Print(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`input_`; when it is computed, `message` and the first `summarize` (3) elements of each of `data` go to stderr.

    Source: TF 1.15 tf.Print
    """
    return apply_op(  # type: ignore[no-any-return]
        "Print",
        name,
        input=input_,
        data=data,
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
    )


def _streams() -> dict[Any, str]:
    import logging

    streams: dict[Any, str] = {sys.stdout: "stdout", sys.stderr: "stderr"}
    for module in (tf_logging, logging):
        for names, text in (
            (("INFO", "info"), "info"),
            (("WARN", "WARNING", "warn", "warning"), "warning"),
            (("ERROR", "error"), "error"),
        ):
            streams.update({getattr(module, n): f"log({text})" for n in names if hasattr(module, n)})
    return streams


def _stream_name(stream: Any) -> str:
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    name = _streams().get(stream)
    if not name:
        raise ValueError(
            f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, sys.stderr, "
            "tf.logging.info, tf.logging.warning, tf.logging.error. File needs to be in the form of 'file://<filepath>'."
        )
    return name


def _placeholder_not_in(text: str) -> str:
    placeholder = "{}"
    # The same digits as TF draws, since the template is seen in the graph.
    digits = random.Random(5)
    while placeholder in text:
        placeholder += str(digits.randint(0, 9))
    return placeholder


def _leaf(value: Any, placeholder: str, tensors: list[Any]) -> Any:
    if isinstance(value, SparseTensor):
        tensors.extend([value.indices, value.values, value.dense_shape])
        return f"SparseTensor(indices={placeholder}, values={placeholder}, shape={placeholder})"
    if is_tensor_like(value):
        tensors.append(value)
        return placeholder
    return value


def _template(inputs: Sequence[Any], sep: str) -> tuple[str, str, list[Any]]:
    """(template, placeholder, the tensors that belong in its places)."""
    plain = nest.map_structure(lambda x: "" if is_tensor_like(x) else x, list(inputs))
    placeholder = _placeholder_not_in(" ".join(pprint.pformat(x) for x in plain))
    tensors: list[Any] = []
    parts = []
    for item in inputs:
        leaves = [_leaf(x, placeholder, tensors) for x in nest.flatten(item)]
        parts.append(item if isinstance(item, str) else pprint.pformat(nest.pack_sequence_as(item, leaves)))
    return sep.join(parts).replace(f"'{placeholder}'", placeholder), placeholder, tensors


def _is_one_text(inputs: Sequence[Any]) -> bool:
    if len(inputs) != 1 or not is_tensor_like(inputs[0]) or isinstance(inputs[0], SparseTensor):
        return False
    return inputs[0].get_shape().ndims == 0 and inputs[0].dtype.name == "string"  # type: ignore[no-any-return]


@export("print")
def print_v2(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that prints `inputs` (tensors, structures of them, anything else as Python shows it).

    Keywords: `output_stream` (sys.stderr), `summarize` (3 at either end), `sep`, `end`, `name`.

    Raises: ValueError for an unknown stream or keyword.
    Source: TF 1.15 tf.print
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", os.linesep)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    stream_name = _stream_name(stream)
    if _is_one_text(inputs):
        text = inputs[0]
    else:
        template, placeholder, tensors = _template(inputs, sep)
        text = string_format(template, tensors, placeholder, summarize, name=f"{name}_format" if name else None)
    return apply_op("PrintV2", name, input=text, output_stream=stream_name, end=end)  # type: ignore[no-any-return]


_LEVELS = {"log(info)": 20, "log(warning)": 30, "log(error)": 40}


def _print_text(op: Operation, ctx: Any, text: Any) -> tuple[()]:
    stream, end = op.attrs["output_stream"].decode(), op.attrs["end"].decode()
    message = np.asarray(text, object).item()
    message = (message.decode("utf-8", "replace") if isinstance(message, bytes) else message) + end
    if stream.startswith("file://"):
        with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(message)
    elif stream in _LEVELS:
        get_logger().log(_LEVELS[stream], "%s", message)
    elif stream in ("stdout", "stderr"):
        target = sys.stdout if stream == "stdout" else sys.stderr
        target.write(message)
        target.flush()
    else:
        valid = " ".join(["stdout", "stderr", *_LEVELS])
        raise errors.InvalidArgumentError(None, op, f"Unknown output stream: {stream}, Valid streams are: {valid}")
    return ()


register_op("PrintV2", shape=no_outputs, numpy=_print_text, host=True, effect=True, gradient=NO_GRADIENT)
