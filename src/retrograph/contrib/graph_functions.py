"""Graphs of inputs, the open name scope, and derivatives forwards, out of `tf.contrib`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograph.autodiff.gradients import gradients
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, get_default_graph, graph_of_inputs
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array, identities
from retrograph.ops.check import Assert


@export("contrib.framework.get_graph_from_inputs")
def get_graph_from_inputs(op_input_list: Sequence[Any], graph: Graph | None = None) -> Graph:
    """The graph of the tensors and operations among inputs, else the default graph.

    Raises TypeError: no list, or no graph. ValueError: they are in several graphs, or not in the one given.
    Source: TF 1.15 `tf.contrib.framework.get_graph_from_inputs`.
    """
    if not isinstance(op_input_list, (list, tuple)):
        raise TypeError("The op_input_list must be a list or tuple")
    if graph is not None and not isinstance(graph, Graph):
        raise TypeError(f"Input graph needs to be a Graph: {graph}")
    return graph_of_inputs(op_input_list, graph)


@export("contrib.framework.get_name_scope")
def get_name_scope() -> str:
    """The open name scope of the default graph, without a slash at its end.

    Source: TF 1.15 `tf.contrib.framework.get_name_scope`.
    """
    return get_default_graph().get_name_scope() or ""


def _directions(ys: Sequence[Any], xs: Sequence[Any], us: Sequence[Any], assert_unused: bool) -> list[Any]:
    """The gradients of `ys` by `xs` as functions of the directions `us`."""
    found = [convert_to_tensor(g) if isinstance(g, IndexedSlices) else g for g in gradients(ys, xs, grad_ys=us)]
    if assert_unused:
        with control_dependencies(found):
            check = Assert(False, [1], name="fwd_gradients")
        with control_dependencies([check]):
            found = identities.identity_n(found)
    return [array.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True)]


def fwd_gradients(ys: Sequence[Any], xs: Sequence[Any], grad_xs: Any = None, assert_unused: bool = False) -> list[Any]:
    """The derivatives of `ys` by `xs` in the direction `grad_xs` (ones if not given), shaped as `ys`.

    Source: TF 1.15 `tensorflow.contrib.nn.python.ops.fwd_gradients`.
    """
    us = [array.zeros_like(y) + float("nan") for y in ys]
    by_us = _directions(ys, xs, us, assert_unused)
    for x, g in zip(xs, by_us, strict=True):
        g.set_shape(x.shape)
    return gradients(by_us, us, grad_ys=grad_xs)
