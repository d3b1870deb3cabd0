"""Connecting operations anew: who takes which tensor, and who waits for whom."""

from __future__ import annotations

from typing import Any

from retrograph.contrib.graph_editor.elements import (
    ControlOutputs,
    check_graphs,
    get_consuming_ops,
    make_list_of_op,
    make_list_of_t,
    make_placeholder_from_tensor,
    placeholder_name,
)
from retrograph.contrib.graph_editor.selecting import check_cios
from retrograph.contrib.graph_editor.views import SubGraphView, make_view
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.identities import placeholder

# (the first's tensors go to the second's consumers, the second's to the first's)
_SWAP, _ONE_WAY = (True, True), (True, False)


def _check_fit(ts0: list[Tensor], ts1: list[Tensor]) -> None:
    if len(ts0) != len(ts1):
        raise ValueError(f"ts0 and ts1 have different sizes: {len(ts0)} != {len(ts1)}")
    for a, b in zip(ts0, ts1, strict=True):
        if not a.dtype.is_compatible_with(b.dtype):
            raise ValueError(f"Dtypes {a.dtype} and {b.dtype} are not compatible.")
        if not a.get_shape().is_compatible_with(b.get_shape()):
            raise ValueError(f"Shapes {a.get_shape()} and {b.get_shape()} are not compatible.")


def _replace(new: Tensor, old: Tensor, consumers: list[Operation]) -> int:
    """Puts a tensor in place of another; gives how often."""
    places = [(op, i) for op in consumers for i, t in enumerate(op.inputs) if t is old]
    for op, i in places:
        op._update_input(i, new)
    return len(places)


def _reroute(ts0: Any, ts1: Any, mode: tuple[bool, bool], can_modify: Any = None, cannot_modify: Any = None) -> int:
    ts0, ts1 = make_list_of_t(ts0), make_list_of_t(ts1)
    _check_fit(ts0, ts1)
    allowed = None if can_modify is None else frozenset(make_list_of_op(can_modify))
    refused = frozenset() if cannot_modify is None else frozenset(make_list_of_op(cannot_modify))

    def consumers(t: Tensor) -> list[Operation]:
        return [op for op in t.consumers() if op not in refused and (allowed is None or op in allowed)]

    # All consumers are looked up before anything changes.
    pairs = [(a, b, consumers(a), consumers(b)) for a, b in zip(ts0, ts1, strict=True)]
    count = 0
    for a, b, of_a, of_b in pairs:
        if a is not b:
            count += _replace(a, b, of_b) if mode[0] else 0
            count += _replace(b, a, of_a) if mode[1] else 0
    return count


@export("contrib.graph_editor.swap_ts")
def swap_ts(ts0: Any, ts1: Any, can_modify: Any = None, cannot_modify: Any = None) -> int:
    """What takes one list's tensors takes the other's; gives how many inputs changed.

    Raises: ValueError for tensors that do not fit. Source: TF 1.15 `tf.contrib.graph_editor.swap_ts`.
    """
    return _reroute(ts0, ts1, _SWAP, can_modify, cannot_modify)


@export("contrib.graph_editor.reroute_ts")
def reroute_ts(ts0: Any, ts1: Any, can_modify: Any = None, cannot_modify: Any = None) -> int:
    """What takes the tensors of `ts1` takes those of `ts0`; gives how many inputs changed.

    Raises: ValueError for tensors that do not fit. Source: TF 1.15 `tf.contrib.graph_editor.reroute_ts`.
    """
    return _reroute(ts0, ts1, _ONE_WAY, can_modify, cannot_modify)


# ---- views


def _remap(sgv0: SubGraphView, sgv1: SubGraphView, swapped: bool) -> None:
    """Gives views the inputs that they have after rerouting."""
    first, second = sgv0.copy(), sgv1.copy()
    second._input_ts, second._passthrough_ts = list(sgv0._input_ts), list(sgv0._passthrough_ts)
    if swapped:
        first._input_ts, first._passthrough_ts = list(sgv1._input_ts), list(sgv1._passthrough_ts)
    _pass_through(first, second)
    if swapped:
        _pass_through(second, first)
    sgv0._assign_from(first)
    sgv1._assign_from(second)


def _pass_through(a: SubGraphView, b: SubGraphView) -> None:
    for i, t in enumerate(b._output_ts):
        if t in a._passthrough_ts:
            b._output_ts[i] = b._input_ts[a._input_ts.index(t)]


def _views(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    first, second = make_view(sgv0), make_view(sgv1)
    check_graphs(first, second)
    return first, second


def _inputs(sgv0: Any, sgv1: Any, mode: tuple[bool, bool]) -> tuple[SubGraphView, SubGraphView]:
    first, second = _views(sgv0, sgv1)
    passed = get_consuming_ops(first.passthroughs) + get_consuming_ops(second.passthroughs)
    _reroute(first.inputs, second.inputs, mode, can_modify=first.ops + second.ops + passed)
    _remap(first, second, mode == _SWAP)
    return first, second


def _outputs(sgv0: Any, sgv1: Any, mode: tuple[bool, bool]) -> tuple[SubGraphView, SubGraphView]:
    first, second = _views(sgv0, sgv1)
    _reroute(first.outputs, second.outputs, mode, cannot_modify=first.ops + second.ops)
    return first, second


@export("contrib.graph_editor.swap_inputs")
def swap_inputs(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """Two views take each other's inputs. Source: TF 1.15 `tf.contrib.graph_editor.swap_inputs`."""
    return _inputs(sgv0, sgv1, _SWAP)


@export("contrib.graph_editor.reroute_inputs")
def reroute_inputs(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """The second view takes the first one's inputs. Source: TF 1.15 `tf.contrib.graph_editor.reroute_inputs`."""
    return _inputs(sgv0, sgv1, _ONE_WAY)


@export("contrib.graph_editor.swap_outputs")
def swap_outputs(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """What takes one view's outputs takes the other's. Source: TF 1.15 `tf.contrib.graph_editor.swap_outputs`."""
    return _outputs(sgv0, sgv1, _SWAP)


@export("contrib.graph_editor.reroute_outputs")
def reroute_outputs(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """What takes the second view's outputs takes the first one's.

    Source: TF 1.15 `tf.contrib.graph_editor.reroute_outputs`.
    """
    return _outputs(sgv0, sgv1, _ONE_WAY)


@export("contrib.graph_editor.swap_ios")
def swap_ios(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """`swap_outputs` and `swap_inputs`. Source: TF 1.15 `tf.contrib.graph_editor.swap_ios`."""
    return _inputs(*_outputs(sgv0, sgv1, _SWAP), _SWAP)


@export("contrib.graph_editor.reroute_ios")
def reroute_ios(sgv0: Any, sgv1: Any) -> tuple[SubGraphView, SubGraphView]:
    """`reroute_outputs` and `reroute_inputs`. Source: TF 1.15 `tf.contrib.graph_editor.reroute_ios`."""
    return _inputs(*_outputs(sgv0, sgv1, _ONE_WAY), _ONE_WAY)


# ---- control inputs


def _check_operation(op: Any) -> None:
    if not isinstance(op, Operation):
        raise TypeError("Expected a tf.Operation, got: {}", type(op))


@export("contrib.graph_editor.remove_control_inputs")
def remove_control_inputs(op: Any, cops: Any) -> None:
    """An operation waits for others no more.

    Raises: ValueError for one that it did not wait for. Source: TF 1.15 `tf.contrib.graph_editor.remove_control_inputs`.
    """
    _check_operation(op)
    removed = make_list_of_op(cops, allow_graph=False)
    for cop in removed:
        if cop not in op.control_inputs:
            raise ValueError(f"{op.name} is not a control_input of {cop.name}")
    kept = [cop for cop in op.control_inputs if cop not in removed]
    op._remove_all_control_inputs()
    op._add_control_inputs(kept)


@export("contrib.graph_editor.add_control_inputs")
def add_control_inputs(op: Any, cops: Any) -> None:
    """An operation waits for others.

    Raises: ValueError for one that it waits for already. Source: TF 1.15 `tf.contrib.graph_editor.add_control_inputs`.
    """
    _check_operation(op)
    added = make_list_of_op(cops, allow_graph=False)
    for cop in added:
        if cop in op.control_inputs:
            raise ValueError(f"{cop.name} is already a control_input of {op.name}")
    op._add_control_inputs(added)


# ---- taking parts out


@export("contrib.graph_editor.detach_control_inputs")
def detach_control_inputs(sgv: Any) -> None:
    """The operations of a view wait for none outside. Source: TF 1.15 `tf.contrib.graph_editor.detach_control_inputs`."""
    view = make_view(sgv)
    for op in view.ops:
        remove_control_inputs(op, [cop for cop in op.control_inputs if cop not in view.ops])


@export("contrib.graph_editor.detach_control_outputs")
def detach_control_outputs(sgv: Any, control_outputs: Any) -> None:
    """None outside waits for the operations of a view.

    Source: TF 1.15 `tf.contrib.graph_editor.detach_control_outputs`.
    """
    if not isinstance(control_outputs, ControlOutputs):
        raise TypeError("Expected a util.ControlOutputs, got: {}", type(control_outputs))
    control_outputs.update()
    view = make_view(sgv)
    for op in view.ops:
        for cop in control_outputs.get(op):
            if cop not in view.ops:
                remove_control_inputs(cop, op)


@export("contrib.graph_editor.detach_inputs")
def detach_inputs(sgv: Any, control_inputs: bool = False) -> tuple[SubGraphView, list[Any]]:
    """Placeholders in place of a view's inputs: (view, placeholders).

    Source: TF 1.15 `tf.contrib.graph_editor.detach_inputs`.
    """
    view = make_view(sgv)
    with view.graph.as_default():
        holders = [placeholder(t.dtype, name=placeholder_name(t)) for t in view.inputs]
    swap_inputs(view, holders)
    if control_inputs:
        detach_control_inputs(view)
    return view, holders


@export("contrib.graph_editor.detach_outputs")
def detach_outputs(sgv: Any, control_outputs: Any = None) -> tuple[SubGraphView, list[Any]]:
    """Placeholders in place of a view's outputs, for what takes them: (view, placeholders).

    Source: TF 1.15 `tf.contrib.graph_editor.detach_outputs`.
    """
    view = make_view(sgv)
    view = view.remap_outputs([i for i, t in enumerate(view.outputs) if t.consumers()])
    users = SubGraphView(view.consumers())
    users = users.remap_inputs([i for i, t in enumerate(users.inputs) if t in view._output_ts])
    with view.graph.as_default():
        holders = [make_placeholder_from_tensor(t) for t in users.inputs]
    swap_outputs(view, holders)
    if control_outputs is not None:
        detach_control_outputs(view, control_outputs)
    return view, holders


@export("contrib.graph_editor.detach")
def detach(
    sgv: Any, control_inputs: bool = False, control_outputs: Any = None, control_ios: Any = None
) -> tuple[Any, list[Any], list[Any]]:
    """Placeholders on both sides of a view: (view, placeholders of inputs, of outputs).

    Source: TF 1.15 `tf.contrib.graph_editor.detach`.
    """
    control_inputs, control_outputs = check_cios(control_inputs, control_outputs, control_ios)
    _, inputs = detach_inputs(sgv, control_inputs)
    _, outputs = detach_outputs(sgv, control_outputs)
    return sgv, inputs, outputs


@export("contrib.graph_editor.connect")
def connect(sgv0: Any, sgv1: Any, disconnect_first: bool = False) -> tuple[SubGraphView, SubGraphView]:
    """The second view takes the first one's outputs as its inputs.

    Source: TF 1.15 `tf.contrib.graph_editor.connect`.
    """
    first, second = _views(sgv0, sgv1)
    if disconnect_first:
        detach_outputs(first)
    reroute_inputs(SubGraphView(passthrough_ts=list(first.outputs)), second)
    return first, second


@export("contrib.graph_editor.bypass")
def bypass(sgv: Any) -> tuple[SubGraphView, list[Any]]:
    """What took a view's outputs takes its inputs: (view, placeholders of its inputs).

    Source: TF 1.15 `tf.contrib.graph_editor.bypass`.
    """
    view = make_view(sgv)
    inputs = list(view.inputs)
    view, holders = detach_inputs(view)
    reroute_ts(inputs, list(view.outputs))
    return view, holders
