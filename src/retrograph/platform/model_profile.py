"""`tf.profiler`: how many parameters a model has, and how many float operations a step takes, by name or by kind."""

from __future__ import annotations

import copy
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export, export_value
from retrograph.framework.messages import message_class
from retrograph.platform import logging

GraphNodeProto: Any = export_value("profiler.GraphNodeProto", message_class("tensorflow.tfprof.GraphNodeProto"))
MultiGraphNodeProto: Any = export_value(
    "profiler.MultiGraphNodeProto", message_class("tensorflow.tfprof.MultiGraphNodeProto")
)
OpLogProto: Any = export_value("profiler.OpLogProto", message_class("tensorflow.tfprof.OpLogProto"))
AdviceProto: Any = export_value("profiler.AdviceProto", message_class("tensorflow.tfprof.AdviceProto"))

_TRAINABLE = "_trainable_variables"
_ROOT = "_TFProfRoot"
_VARIABLES = ("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable")
_MINIMUMS = (
    "max_depth", "min_bytes", "min_peak_bytes", "min_residual_bytes", "min_output_bytes", "min_micros",
    "min_accelerator_micros", "min_cpu_micros", "min_params", "min_float_ops", "min_occurrence",
)  # fmt: skip
_SHOWN = (*_MINIMUMS, "step", "order_by", "account_type_regexes", "start_name_regexes", "trim_name_regexes",
          "show_name_regexes", "hide_name_regexes", "account_displayed_op_only", "select")  # fmt: skip


def _options(**given: Any) -> dict[str, Any]:
    plain = {
        "max_depth": 10000, "min_bytes": 0, "min_micros": 0, "min_params": 0, "min_float_ops": 0, "min_occurrence": 0,
        "order_by": "name", "account_type_regexes": [".*"], "start_name_regexes": [".*"], "trim_name_regexes": [],
        "show_name_regexes": [".*"], "hide_name_regexes": [], "account_displayed_op_only": True, "select": ["params"],
        "step": -1, "output": "stdout",
    }  # fmt: skip
    return {**plain, **given}


@export("profiler.ProfileOptionBuilder")
class ProfileOptionBuilder:
    """What to count, and how to show it. Source: TF 1.15 `tf.profiler.ProfileOptionBuilder`."""

    def __init__(self, options: Any = None):
        plain = _options(max_depth=100, account_displayed_op_only=False, select=["micros"])
        self._options = plain if options is None else copy.deepcopy(options)

    @staticmethod
    def trainable_variables_parameter() -> dict[str, Any]:
        """The parameters that are trained."""
        return _options(account_type_regexes=[_TRAINABLE])

    @staticmethod
    def float_operation() -> dict[str, Any]:
        """The float operations."""
        return _options(min_float_ops=1, order_by="float_ops", select=["float_ops"])

    @staticmethod
    def time_and_memory(
        min_micros: int = 1, min_bytes: int = 1, min_accelerator_micros: int = 0, min_cpu_micros: int = 0,
        min_peak_bytes: int = 0, min_residual_bytes: int = 0, min_output_bytes: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """The time and the memory, which `profile` does not know here."""
        return _options(
            min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes,
            min_output_bytes=min_output_bytes, min_micros=min_micros, min_accelerator_micros=min_accelerator_micros,
            min_cpu_micros=min_cpu_micros, order_by="micros", select=["micros", "bytes"],
        )  # fmt: skip

    def build(self) -> dict[str, Any]:
        """The options: a copy."""
        return copy.deepcopy(self._options)

    def _with(self, **values: Any) -> ProfileOptionBuilder:
        self._options.update((k, copy.copy(v)) for k, v in values.items())
        return self

    def with_max_depth(self, max_depth: int) -> ProfileOptionBuilder:
        """Nothing below this depth."""
        return self._with(max_depth=max_depth)

    def with_min_memory(
        self, min_bytes: int = 0, min_peak_bytes: int = 0, min_residual_bytes: int = 0, min_output_bytes: int = 0
    ) -> ProfileOptionBuilder:
        """Nothing with less memory."""
        return self._with(
            min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes,
            min_output_bytes=min_output_bytes,
        )  # fmt: skip

    def with_min_execution_time(
        self, min_micros: int = 0, min_accelerator_micros: int = 0, min_cpu_micros: int = 0
    ) -> ProfileOptionBuilder:
        """Nothing that is faster."""
        return self._with(
            min_micros=min_micros, min_accelerator_micros=min_accelerator_micros, min_cpu_micros=min_cpu_micros
        )

    def with_min_parameters(self, min_params: int) -> ProfileOptionBuilder:
        """Nothing with fewer parameters."""
        return self._with(min_params=min_params)

    def with_min_occurrence(self, min_occurrence: int) -> ProfileOptionBuilder:
        """Nothing that is there less often."""
        return self._with(min_occurrence=min_occurrence)

    def with_min_float_operations(self, min_float_ops: int) -> ProfileOptionBuilder:
        """Nothing with fewer float operations."""
        return self._with(min_float_ops=min_float_ops)

    def with_accounted_types(self, account_type_regexes: Any) -> ProfileOptionBuilder:
        """Only these kinds of operations."""
        return self._with(account_type_regexes=account_type_regexes)

    def with_node_names(
        self, start_name_regexes: Any = None, show_name_regexes: Any = None, hide_name_regexes: Any = None,
        trim_name_regexes: Any = None,
    ) -> ProfileOptionBuilder:  # fmt: skip
        """Only these names."""
        given = {
            "start_name_regexes": start_name_regexes,
            "show_name_regexes": show_name_regexes,
            "hide_name_regexes": hide_name_regexes,
            "trim_name_regexes": trim_name_regexes,
        }
        return self._with(**{k: v for k, v in given.items() if v is not None})

    def account_displayed_op_only(self, is_true: bool) -> ProfileOptionBuilder:
        """Whether only what is shown is counted."""
        return self._with(account_displayed_op_only=is_true)

    def with_empty_output(self) -> ProfileOptionBuilder:
        """Nothing is written."""
        return self._with(output="none")

    def with_stdout_output(self) -> ProfileOptionBuilder:
        """The report goes to the standard output."""
        return self._with(output="stdout")

    def with_file_output(self, outfile: str) -> ProfileOptionBuilder:
        """The report goes to a file."""
        return self._with(output=f"file:outfile={outfile}")

    def with_timeline_output(self, timeline_file: str) -> ProfileOptionBuilder:
        """A timeline, which `profile` does not write here."""
        return self._with(output=f"timeline:outfile={timeline_file}")

    def with_pprof_output(self, pprof_file: str) -> ProfileOptionBuilder:
        """A file for pprof, which `profile` does not write here."""
        return self._with(output=f"pprof:outfile={pprof_file}")

    def order_by(self, attribute: str) -> ProfileOptionBuilder:
        """What to sort by."""
        return self._with(order_by=attribute)

    def select(self, attributes: Any) -> ProfileOptionBuilder:
        """What to show."""
        return self._with(select=attributes)

    def with_step(self, step: int) -> ProfileOptionBuilder:
        """The step to show."""
        return self._with(step=step)


# ---- float operations of one operation


class _Incomplete(Exception):
    """A shape is not known."""


def _size(tensor: Any) -> int:
    return math.prod(_sizes(tensor))


def _sizes(tensor: Any) -> list[int]:
    shape = tensor._shape
    if shape is None or None in shape:
        raise _Incomplete
    return list(shape)


def _each(times: int, of_input: bool = False) -> Callable[[Any], int]:
    return lambda op: times * _size(op.inputs[0] if of_input else op.outputs[0])


def _reduction(finish: int) -> Callable[[Any], int]:
    return lambda op: _size(op.inputs[0]) + _size(op.outputs[0]) * (finish - 1)


def _matmul(op: Any) -> int:
    inner = _sizes(op.inputs[0])[-2 if op.get_attr("transpose_a") else -1]
    return inner * _size(op.outputs[0]) * 2


def _convolution(op: Any) -> int:
    _size(op.inputs[0])
    return _size(op.outputs[0]) * math.prod(_sizes(op.inputs[1])[:-1]) * 2


def _depthwise(op: Any) -> int:
    _size(op.inputs[0])
    return _size(op.outputs[0]) * math.prod(_sizes(op.inputs[1])[:2]) * 2


def _check_format(op: Any) -> None:
    if op.get_attr("data_format") not in (b"NHWC", "NHWC"):
        raise ValueError("Only NHWC format is supported in flops computations")


def _pool(tensor: Callable[[Any], Any], times: int = 1, more: int = 0) -> Callable[[Any], int]:
    def count(op: Any) -> int:
        _check_format(op)
        area: int = math.prod(op.get_attr("ksize"))
        return (area * times + more) * _size(tensor(op))

    return count


def _convolution_grad(image: Callable[[Any], Any], kernel: Callable[[Any], Any]) -> Callable[[Any], int]:
    def count(op: Any) -> int:
        _check_format(op)
        sizes, strides = _sizes(image(op)), op.get_attr("strides")
        return int(2 * math.prod(sizes) * _size(kernel(op)) / (sizes[-1] * strides[1] * strides[2]))

    return count


def _input(index: int) -> Callable[[Any], Any]:
    return lambda op: op.inputs[index]


def _output(op: Any) -> Any:
    return op.outputs[0]


_BINARY = (
    "Add", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow", "GreaterEqual", "Greater", "LessEqual", "Less",
    "Equal", "NotEqual",
)  # fmt: skip
_COUNTS: dict[str, Callable[[Any], int]] = {
    **{name: _each(1) for name in _BINARY},
    **{name: _each(1, True) for name in ("Reciprocal", "Square", "Log", "Neg", "AssignSub", "AssignAdd", "BiasAdd")},
    "Rsqrt": _each(2, True),
    "Softmax": _each(5, True),
    "RsqrtGrad": _each(4),
    "SquaredDifference": _each(2),
    "L2Loss": lambda op: _size(op.inputs[0]) * 3 - 1,
    "Mean": _reduction(1),
    **{name: _reduction(0) for name in ("Sum", "ArgMax", "ArgMin", "BiasAddGrad")},
    "AddN": lambda op: _size(op.inputs[0]) * (len(op.inputs) - 1),
    "MatMul": _matmul,
    "BatchMatMul": _matmul,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "AvgPool": _pool(_output),
    "MaxPool": _pool(_output),
    "AvgPoolGrad": _pool(_input(1), times=2),
    "MaxPoolGrad": _pool(_input(1), more=1),
    "Conv2DBackpropInput": _convolution_grad(_output, _input(1)),
    "Conv2DBackpropFilter": _convolution_grad(_input(0), _output),
}


def _float_ops(graph: Any) -> tuple[dict[str, int], int]:
    """(float operations by name, how many operations have shapes that are not known)."""
    found, incomplete = {}, 0
    for op in graph.get_operations():
        if op.type in _COUNTS:
            try:
                found[op.name] = _COUNTS[op.type](op)
            except _Incomplete:
                incomplete += 1
    if incomplete:
        logging.info("%d ops no flops stats due to incomplete shapes.", incomplete)
    return found, incomplete


def float_operations(op: Any) -> int | None:
    """How many float operations an operation takes; None if nothing is known of its type or its shapes."""
    try:
        return _COUNTS[op.type](op) if op.type in _COUNTS else None
    except _Incomplete:
        return None


def _parameters(op: Any) -> list[int] | None:
    if op.type not in _VARIABLES:
        return None
    shape = op.attrs["shape"]
    return None if shape is None or None in shape else list(shape)


# ---- the tree of names


class _Node:
    """A name: an operation, or what stands before the slashes of operations' names."""

    def __init__(self, name: str):
        self.name = name
        self.op: Any = None
        self.kinds: set[str] = set()
        self.shape: list[int] | None = None
        self.own = {"params": 0, "float_ops": 0}
        self.total = dict(self.own)
        self.below: dict[str, _Node] = {}
        self.shown: list[_Node] = []

    def add(self, others: list[_Node]) -> None:
        """Totals: its own, and those of others."""
        self.shown = others
        self.total = {k: v + sum(o.total[k] for o in others) for k, v in self.own.items()}


def _tree(graph: Any) -> tuple[_Node, int]:
    counts, incomplete = _float_ops(graph)
    trained = {v.op.name for v in graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}
    root = _Node(_ROOT)
    for op in graph.get_operations():
        node, path = root, ""
        for part in op.name.split("/"):
            path = f"{path}/{part}" if path else part
            node = node.below.setdefault(path, _Node(path))
        node.op, node.kinds = op, {op.type, *([_TRAINABLE] if op.name in trained else [])}
        node.shape = _parameters(op)
        node.own = {
            "params": 0 if node.shape is None else int(np.prod(node.shape)),
            "float_ops": counts.get(op.name, 0),
        }
    return root, incomplete


def _matches(regexes: Any, *texts: str) -> bool:
    return any(re.fullmatch(r, t) for r in regexes for t in texts)


def _accounted(node: _Node, options: dict[str, Any]) -> bool:
    """Counts a node and what is below; False if nothing of it is of the kinds that are counted."""
    kinds = options["account_type_regexes"]
    below = [n for n in node.below.values() if _accounted(n, options)]
    counted = list(kinds) == [".*"] or _matches(kinds, *node.kinds)
    if not counted:
        node.own = {"params": 0, "float_ops": 0}
    node.add(below)
    return counted or bool(below)


def _is_shown(node: _Node, options: dict[str, Any], depth: int) -> bool:
    if node.name == _ROOT:
        return True
    if depth > options["max_depth"] or any(options.get(k, 0) > 0 for k in _MINIMUMS if "micros" in k or "bytes" in k):
        return False
    if node.own["params"] < options["min_params"] or node.own["float_ops"] < options["min_float_ops"]:
        return False
    return _matches(options["show_name_regexes"], node.name) and not _matches(options["hide_name_regexes"], node.name)


def _sorted(nodes: list[_Node], options: dict[str, Any]) -> list[_Node]:
    by = options["order_by"]
    return sorted(nodes, key=lambda n: (-n.total[by] if by in n.total else 0, n.name))


def _displayed(node: _Node, options: dict[str, Any], depth: int = 0) -> list[_Node]:
    """The node if it is shown, else what is shown of those below."""
    shown = _is_shown(node, options, depth)
    trimmed = _matches(options["trim_name_regexes"], node.name)
    below = [] if trimmed else [s for n in node.shown for s in _displayed(n, options, depth + 1)]
    if not shown:
        return below
    total = dict(node.total)
    node.add(_sorted(below, options))
    if not options["account_displayed_op_only"]:
        node.total = total
    return [node]


# ---- reports

_UNITS = {"params": "params", "float_ops": "flops"}
_DOCS = {
    "scope": "scope: The nodes in the model graph are organized by their names, which is hierarchical like filesystem.",
    "op": (
        "op: The nodes are operation kernel type, such as MatMul, Conv2D. Graph nodes belonging to the same type are "
        "aggregated together."
    ),
    "params": "param: Number of parameters (in the Variable).",
    "float_ops": "flops: Number of float operations. Note: Please read the implementation for the math behind it.",
}
_HEADS = {"params": "# parameters", "float_ops": "# float_ops"}


def _number(n: int) -> str:
    for size, unit in ((10**9, "b"), (10**6, "m"), (10**3, "k")):
        if n >= size:
            return f"{n / size:.2f}{unit}"
    return str(n)


def _line(node: _Node, select: list[str]) -> str:
    parts = []
    if "params" in select and node.shape is not None and node.own["params"]:
        parts.append("x".join(map(str, node.shape)) if len(node.shape) > 1 else f"{node.own['params']}")
    for what in select:
        own = node.own[what]
        counted = node.name != _ROOT and node.op is not None and (own or what == "float_ops")
        parts.append(f"{_number(own) if counted else '--'}/{_number(node.total[what])} {_UNITS[what]}")
    return f"{node.name} ({', '.join(parts)})"


def _lines(node: _Node, select: list[str], indent: int = 0) -> list[str]:
    below = [line for n in node.shown for line in _lines(n, select, indent + 2)]
    return [" " * indent + _line(node, select), *below]


def _header(cmd: str, select: list[str]) -> list[str]:
    heads = ", ".join(_HEADS[s] for s in select)
    return ["", "Doc:", _DOCS[cmd], *(_DOCS[s] for s in select), "", "Profile:", f"node name | {heads}"]


def _written(lines: list[str], incomplete: int, options: dict[str, Any]) -> None:
    kind, _, where = options["output"].partition(":outfile=")
    text = "\n".join(lines) + "\n"
    if incomplete:
        sys.stderr.write("Incomplete shape.\n")
    if kind == "file":
        with open(where, "w") as file:
            file.write(text)
    elif kind == "stdout":
        sys.stdout.write(
            _settings(options) + text + "\n======================End of Report==========================\n"
        )


def _settings(options: dict[str, Any]) -> str:
    def shown(value: Any) -> str:
        return (
            ",".join(value)
            if isinstance(value, (list, tuple))
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )

    rows = [f"-{name:<26} {shown(options.get(name, 0))}" for name in _SHOWN]
    return "\n".join(
        ["", "=========================Options=============================", *rows, f"-{'output':<26} stdout:", "",
         "==================Model Analysis Report======================", ""]
    )  # fmt: skip


def _message(node: _Node) -> Any:
    made = GraphNodeProto(
        name=node.name,
        parameters=node.own["params"],
        float_ops=node.own["float_ops"],
        total_parameters=node.total["params"],
        total_float_ops=node.total["float_ops"],
    )
    made.children.extend(_message(n) for n in node.shown)
    return made


def _of_names(root: _Node, incomplete: int, options: dict[str, Any], select: list[str]) -> Any:
    _accounted(root, options)
    _displayed(root, options)
    _written(_header("scope", select) + _lines(root, select), incomplete, options)
    return _message(root)


# ---- by kinds


def _kinds(root: _Node, options: dict[str, Any]) -> list[_Node]:
    found: dict[str, _Node] = {}
    waiting = [root]
    for node in waiting:
        waiting.extend(node.below.values())
        for kind in node.kinds:
            if _matches(options["account_type_regexes"], kind):
                of_kind = found.setdefault(kind, _Node(kind))
                of_kind.own = {k: v + node.own[k] for k, v in of_kind.own.items()}
                of_kind.shown.append(node)
    for node in found.values():
        node.total = dict(node.own)
    return [n for n in _sorted(list(found.values()), options) if _is_shown(n, options, 0)]


def _of_kinds(root: _Node, incomplete: int, options: dict[str, Any], select: list[str]) -> Any:
    nodes = _kinds(root, options)
    whole = {what: sum(n.own[what] for n in nodes) for what in select}
    rest, lines, top = dict(whole), _header("op", select), None
    for node in nodes:
        columns = []
        for what in select:
            share = [100.0 * n / whole[what] if whole[what] else 0.0 for n in (rest[what], node.own[what])]
            unit = "float_ops" if what == "float_ops" else "params"
            columns.append(f"{_number(node.own[what]):>5} {unit} ({share[0]:.2f}%, {share[1]:.2f}%)")
        lines.append(f"{node.name:<25}" + ", ".join(columns))
        node.total.update(rest)
        rest = {what: rest[what] - node.own[what] for what in select}
    _written(lines, incomplete, options)
    for node in reversed(nodes):
        top = _kind_message(node.name, node.own, node.total, top, node.shown)
    return _kind_message(_ROOT, {}, {k: whole.get(k, 0) for k in ("params", "float_ops")}, top)


def _kind_message(name: str, own: dict[str, int], total: dict[str, int], below: Any, nodes: Any = ()) -> Any:
    made = MultiGraphNodeProto(
        name=name,
        parameters=own.get("params", 0),
        float_ops=own.get("float_ops", 0),
        total_parameters=total["params"],
        total_float_ops=total["float_ops"],
    )
    for node in nodes:
        made.graph_nodes.add(name=node.name, parameters=node.own["params"], float_ops=node.own["float_ops"])
    if below is not None:
        made.children.append(below)
    return made


# ---- what programs call

_DEFAULT: Any = 0


def _refuse(what: str) -> None:
    raise errors.UnimplementedError(
        None,
        None,
        f"tf.profiler: {what} is not supported. What is there: parameters and float operations by scope and op",
    )


@export("profiler.profile")
def profile(
    graph: Any = None, run_meta: Any = None, op_log: Any = None, cmd: str = "scope", options: Any = _DEFAULT
) -> Any:
    """Counts parameters and float operations of a graph; gives a tree of messages and writes a report.

    Raises ValueError: no such command. UnimplementedError: other commands than `scope` and `op`, times and memory.
    Source: TF 1.15 `tf.profiler.profile`.
    """
    options = ProfileOptionBuilder.trainable_variables_parameter() if options is _DEFAULT else options
    if cmd not in ("scope", "op", "code", "graph"):
        raise errors.InvalidArgumentError(None, None, f"unknown cmd: {cmd}\n")
    for name, wrong in (
        (f"cmd={cmd!r}", cmd in ("code", "graph")),
        ("run_meta", run_meta is not None),
        ("op_log", op_log is not None),
        (f"output {options['output']}", options["output"].startswith(("timeline", "pprof"))),
        (f"select {options['select']}", bool(set(options["select"]) - {"params", "float_ops"})),
    ):
        if wrong:
            _refuse(name)
    root, incomplete = _tree(graph or tf.get_default_graph())
    select = [s for s in ("params", "float_ops") if s in options["select"]]
    return (_of_names if cmd == "scope" else _of_kinds)(root, incomplete, options, select)


@export("profiler.advise")
def advise(graph: Any = None, run_meta: Any = None, options: Any = _DEFAULT) -> Any:
    """Refused. Raises UnimplementedError. Source: TF 1.15 `tf.profiler.advise`."""
    _refuse("advise")


@export("profiler.write_op_log")
def write_op_log(graph: Any, log_dir: Any, op_log: Any = None, run_meta: Any = None, add_trace: bool = True) -> None:
    """Refused. Raises UnimplementedError. Source: TF 1.15 `tf.profiler.write_op_log`."""
    _refuse("write_op_log")


@export("profiler.Profiler")
class Profiler:
    """Counts of one graph, asked several times. Source: TF 1.15 `tf.profiler.Profiler`."""

    def __init__(self, graph: Any = None, op_log: Any = None):
        if op_log is not None:
            _refuse("op_log")
        self._graph = graph or tf.get_default_graph()

    def profile_name_scope(self, options: Any) -> Any:
        """The counts by name."""
        return profile(self._graph, cmd="scope", options=options)

    def profile_operations(self, options: Any) -> Any:
        """The counts by kind."""
        return profile(self._graph, cmd="op", options=options)

    def profile_python(self, options: Any) -> Any:
        """Refused. Raises UnimplementedError."""
        return profile(self._graph, cmd="code", options=options)

    def profile_graph(self, options: Any) -> Any:
        """Refused. Raises UnimplementedError."""
        return profile(self._graph, cmd="graph", options=options)

    def add_step(self, step: int, run_meta: Any) -> None:
        """Refused: times are not known. Raises UnimplementedError."""
        _refuse("Profiler.add_step")

    def advise(self, options: Any) -> Any:
        """Refused. Raises UnimplementedError."""
        _refuse("Profiler.advise")

    def serialize_to_string(self) -> bytes:
        """Refused. Raises UnimplementedError."""
        _refuse("Profiler.serialize_to_string")
        return b""
