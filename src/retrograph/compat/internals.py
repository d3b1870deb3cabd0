"""Small things of TF's inside that files name while they are imported, and that have no meaning here."""

from __future__ import annotations

import re
from typing import Any

from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.device import canonical_name
from retrograph.framework.node_def import NodeDef
from retrograph.framework.operation import Operation
from retrograph.platform.text import as_text
from retrograph.variables.base import Variable


def _set_call_cpp_shape_fn(call_cpp_shape_fn: Any) -> None:
    """Nothing to do: shapes come from the op table."""


def call_cpp_shape_fn(op: Any, require_shape_fn: bool = True) -> Any:
    """The static shapes of an operation's outputs."""
    return {"shapes": [output.get_shape() for output in op.outputs]}


def get_name_scope() -> str | None:
    """The open name scope of the default graph, without a slash at its end."""
    return get_default_graph().get_name_scope()


class name_scope_v2:
    """TF 2's name scope, which can be entered again and again.

    Raises ValueError if the name is no string.
    """

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name
        self._open: list[Any] = []

    @property
    def name(self) -> str:
        """The name as given."""
        return self._name

    def __enter__(self) -> Any:
        scope = get_default_graph().name_scope(self._name)
        self._open.append(scope)
        return scope.__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._open.pop().__exit__(*error)


_SCOPED = r"([\^]|loc:@|^)"


def strip_name_scope(name: Any, export_scope: str | None) -> Any:
    """`scope/a` as `a`, also in `^scope/a` and `loc:@scope/a`."""
    if not export_scope:
        return name
    return re.sub(_SCOPED + export_scope.rstrip("/") + r"[\/]+(.*)", r"\1\2", as_text(name), count=1)


def prepend_name_scope(name: Any, import_scope: str | None) -> Any:
    """`a` as `scope/a`, also in `^a` and `loc:@a`."""
    if not import_scope:
        return name
    return re.sub(_SCOPED + r"(.*)", r"\1" + import_scope.rstrip("/") + r"/\2", as_text(name), count=1)


def _NodeDef(op_type: Any, name: Any, device: Any = None, attrs: dict[str, Any] | None = None) -> Any:
    """A node of a graph as data; `device` may be a function of the node."""
    node = NodeDef.of(as_text(name), as_text(op_type), attr=attrs)
    if device is not None:
        node.device = device(node) if callable(device) else canonical_name(device)
    return node


def _create_c_op(graph: Any, node_def: Any, inputs: Any, control_inputs: Any) -> Operation:
    """The operation of a node; `graph._create_op_from_tf_operation` gives it as it is."""
    op = Operation(node_def, graph, inputs, control_inputs=control_inputs)
    graph._unclaimed.append(op)
    return op


class _DeviceAttributes:
    """A device, as `Session.list_devices()` lists them."""

    def __init__(self, name: str, device_type: str, memory_limit_bytes: int, incarnation: int):
        self.name = canonical_name(name)
        self.device_type = device_type
        self.memory_limit_bytes = memory_limit_bytes
        self.incarnation = incarnation

    def __repr__(self) -> str:
        parts = self.name, self.device_type, self.memory_limit_bytes, self.incarnation
        return "_DeviceAttributes({}, {}, {}, {})".format(*parts)


class OpStats:
    """A number that a statistic of TF's gives for an operation."""

    def __init__(self, statistic_type: str, value: Any = None):
        self.statistic_type = statistic_type
        self.value = value

    def __iadd__(self, other: OpStats) -> OpStats:
        if other.statistic_type != self.statistic_type:
            raise ValueError(f"Can't add an OpStat of type {self.statistic_type} to one of {other.statistic_type}.")
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value += other.value
        return self


_STATISTICS: dict[tuple[str, str], Any] = {}


class RegisterStatistics:
    """A decorator that keeps a function as the statistic of an op type."""

    def __init__(self, op_type: str, statistic_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string.")
        if "," in op_type:
            raise TypeError("op_type must not contain a comma.")
        if not isinstance(statistic_type, str):
            raise TypeError("statistic_type must be a string.")
        if "," in statistic_type:
            raise TypeError("statistic_type must not contain a comma.")
        self._key = (op_type, statistic_type)

    def __call__(self, f: Any) -> Any:
        if self._key in _STATISTICS:
            name = ",".join(self._key)
            raise KeyError(f"Registering two statistical functions with name '{name}'!")
        _STATISTICS[self._key] = f
        return f


def get_stats_for_node_def(graph: Any, node: Any, statistic_type: str) -> OpStats:
    """The statistic of a node; without a value if none is registered. `flops` are known for what the profiler counts."""
    function = _STATISTICS.get((node.op, statistic_type))
    if function is not None:
        return function(graph, node)  # type: ignore[no-any-return]
    if statistic_type != "flops" or node.name not in graph._nodes_by_name:
        return OpStats(statistic_type)
    from retrograph.platform.model_profile import float_operations

    return OpStats(statistic_type, float_operations(graph.get_operation_by_name(node.name)))


class RegisterShape:
    """A decorator that leaves the function: shapes come from the op table."""

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")

    def __call__(self, f: Any) -> Any:
        return f


def cond_v2(pred: Any, true_fn: Any, false_fn: Any, name: str = "cond") -> Any:
    """`tf.cond`; TypeError for a `pred` that is Python's bool. TensorFlow makes one operation of it, here it is a context."""
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool", pred)
    from retrograph.ops.cond import cond

    return cond(pred, true_fn, false_fn, strict=True, name=name or "cond")


def get_saver_or_default() -> Any:
    """The saver of the default graph; if there is none, one of all variables is made. Raises RuntimeError for several."""
    import retrograph as tf

    savers = tf.get_collection_ref(tf.GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError(f"Found more than one saver in collection: {tf.GraphKeys.SAVERS}")
    if not savers:
        savers.append(tf.train.Saver(sharded=True, allow_empty=True))
    return savers[0]


def try_evaluate_constant(graph: Any, output: tuple[Operation, int]) -> Any:
    """The value of an operation's output if the graph tells it, else None; the output as `Tensor._as_tf_output` gives it."""
    from retrograph.framework.static_value import static_value

    op, index = output
    return static_value(op.outputs[index])


def bfloat16_type() -> type:
    """NumPy's scalar type of `tf.bfloat16`."""
    from retrograph.framework.dtypes import bfloat16

    return bfloat16.as_numpy_dtype  # type: ignore[no-any-return]


def bucketize(input: Any, boundaries: Any, name: str | None = None) -> Any:
    """`int32` numbers of the buckets that values are in, between `boundaries`."""
    from retrograph.framework.apply import apply_op

    return apply_op("Bucketize", name, input=input, boundaries=boundaries)


def variable_from_proto(v: Any, import_scope: str | None = None) -> Any:
    """The variable of either kind whose operations are in the default graph under the names of a `VariableDef`."""
    return Variable.from_proto(v, import_scope=import_scope)
