"""Functions of a GraphDef: their calls, `If` and `While` become the operations that they stand for.

What a call, `If` or `While` was called is an `IdentityN` of its results afterwards (a `NoOp` if it had none), so that it can be
fetched by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograph.framework import dtypes, errors
from retrograph.framework.function_import import ImportedFunction
from retrograph.framework.node_def import FunctionName, NodeDef
from retrograph.framework.op_table import OpDef, find_op_def
from retrograph.framework.operation import Operation, Tensor

if TYPE_CHECKING:
    from retrograph.framework.importer import Maker

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_IFS = ("If", "StatelessIf")
_WHILES = ("While", "StatelessWhile")
_CASE = "Case"
_MERGE = ("Merge", "RefMerge")
# More operations than this out of functions are refused: functions that call each other can stand for any number.
_MOST = 20_000
_DEEPEST = 100


def is_call(op_type: str, library: FunctionLibrary) -> bool:
    """Whether a node of this type is put in place of what it calls."""
    return op_type in library.functions or (bool(library.functions) and op_type in (*_CALLS, *_IFS, *_WHILES, _CASE))


def _counts(args: Sequence[Any], attrs: dict[str, Any]) -> list[tuple[str, int]]:
    """(name, number of tensors) of arguments; both OpDef messages and our own definitions have these fields."""
    found = []
    for arg in args:
        if arg.type_list_attr:
            count = len(attrs[arg.type_list_attr])
        else:
            count = attrs[arg.number_attr] if arg.number_attr else 1
        found.append((arg.name, count))
    return found


def _starts(counts: list[tuple[str, int]]) -> dict[str, int]:
    found, place = {}, 0
    for name, count in counts:
        found[name] = place
        place += count
    return found


class FunctionLibrary:
    """The functions of a graph, and how to put their calls in place."""

    def __init__(self, library: Any, maker: Maker):
        self.functions = {f.signature.name: f for f in library.function}
        self.maker = maker
        self.made = 0
        self.depth = 0

    def kept(self, nodes: Sequence[NodeDef]) -> Iterator[ImportedFunction]:
        """The functions that operations name which are no calls (such as those of datasets)."""
        named = any(
            isinstance(v, FunctionName) or (isinstance(v, list) and any(isinstance(x, FunctionName) for x in v))
            for op in self.maker.new
            for v in op._attrs.values()
        )
        if named:
            every = list(self.functions.values())
            yield from (ImportedFunction(f, every, self.maker.graph) for f in every)

    def find(self, name: str) -> Any:
        """A function by its name. Raises: NotFoundError."""
        if str(name) not in self.functions:
            raise errors.NotFoundError(None, None, f"Function {name} is not defined.")
        return self.functions[str(name)]

    def call(
        self, node: NodeDef, name: str, inputs: list[Tensor], controls: list[Operation], attrs: dict[str, Any]
    ) -> Operation:
        """Puts a call in place; gives the operation that has its results."""
        if self.depth > _DEEPEST:
            raise errors.InvalidArgumentError(None, None, f"Function calls are nested too deep at node '{node.name}'")
        self.depth += 1
        try:
            if node.op in _IFS:
                outputs, after = self._if(name, inputs, controls, attrs)
            elif node.op == _CASE:
                outputs, after = self._case(name, inputs, controls, attrs)
            elif node.op in _WHILES:
                outputs, after = self._while(name, inputs, controls, attrs)
            else:
                function = self.find(attrs["f"] if node.op in _CALLS else node.op)
                values = getattr(attrs.get("f"), "attr", attrs) if node.op in _CALLS else attrs
                outputs, after = self.body(function, name + "/", inputs, controls, values)
        finally:
            self.depth -= 1
        return self._result(name, outputs, [*controls, *after])

    def _result(self, name: str, outputs: list[Tensor], after: Sequence[Operation]) -> Operation:
        after = list(dict.fromkeys(after))
        if not outputs:
            return self.add("NoOp", name, [], {}, after)
        return self.add("IdentityN", name, outputs, {"T": [t._dtype._base for t in outputs]}, after)

    def add(
        self, op_type: str, name: str, inputs: Sequence[Tensor], attrs: dict[str, Any], controls: Any = (), **more: Any
    ) -> Operation:
        """A new operation; there is a bound on their number."""
        self.made += 1
        if self.made > _MOST:
            raise errors.ResourceExhaustedError(
                None, None, f"The functions of the graph stand for more than {_MOST} nodes"
            )
        return self.maker.add(op_type, self._free(name), inputs, attrs, controls, **more)

    def _free(self, name: str) -> str:
        taken, number, found = self.maker.graph._nodes_by_name, 0, name
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        return found

    # ---- bodies

    def body(
        self, function: Any, prefix: str, inputs: list[Tensor], controls: Sequence[Operation], attrs: Any
    ) -> tuple[list[Tensor], list[Operation]]:
        """The operations of a function under `prefix`: its results, and what must run with it."""
        return _Body(self, function, prefix, inputs, controls, attrs).run()

    def _if(
        self, name: str, inputs: list[Tensor], controls: list[Operation], attrs: dict[str, Any]
    ) -> tuple[list[Tensor], list[Operation]]:
        pred = self._as_bool(inputs[0], name, controls)
        sides = [self._branch(attrs[f"{side}_branch"], side) for side in ("else", "then")]
        return self._either(pred, name + "/", inputs[1:], controls, sides)

    def _branch(self, named: Any, label: str) -> _Side:
        """A function as a branch."""
        function, values = self.find(named), getattr(named, "attr", {})

        def make(scope: str, inputs: list[Tensor], pivot: Operation) -> tuple[list[Tensor], list[Operation]]:
            return self.body(function, f"{scope}{label}/", inputs, [pivot], values)

        return label, make

    def _either(
        self, pred: Tensor, scope: str, inputs: list[Tensor], controls: list[Operation], branches: Sequence[_Side]
    ) -> tuple[list[Tensor], list[Operation]]:
        """What the first of two branches gives if `pred` is false, else what the second does."""
        pivots = self.add("Switch", scope + "Switch", [pred, pred], {"T": dtypes.bool}, controls)._outputs
        gates = [
            self.add("Switch", scope + "Switch", [x, pred], {"T": x._dtype._base}, controls)._outputs for x in inputs
        ]
        sides, after = [], []
        for side, (label, make) in enumerate(branches):
            pivot = self.add("Identity", scope + f"switch_{'ft'[side]}", [pivots[side]], {"T": dtypes.bool})
            found, run = make(scope, [g[side] for g in gates], pivot)
            sides.append([self._held(x, [pivot, *run], f"{scope}{label}_result") for x in found])
            after.append(run or [pivot])
        outputs = [
            self.add("Merge", scope + "Merge", pair, {"T": pair[0]._dtype._base, "N": 2})._outputs[0]
            for pair in zip(*sides, strict=True)
        ]
        return outputs, [] if outputs else [self._joined(scope, after)]

    def _case(
        self, name: str, inputs: list[Tensor], controls: list[Operation], attrs: dict[str, Any]
    ) -> tuple[list[Tensor], list[Operation]]:
        """One after the other: whether the index is that of a branch; all others take the last one."""
        branches = [self._branch(named, f"branch_{i}") for i, named in enumerate(attrs["branches"])]
        scope = name + "/"
        if len(branches) == 1:
            pivot = self.add("NoOp", scope + "pivot", [], {}, controls)
            return branches[0][1](scope, inputs[1:], pivot)
        return self._cases(scope, 0, inputs, controls, branches)

    def _cases(
        self, scope: str, first: int, inputs: list[Tensor], controls: list[Operation], branches: list[_Side]
    ) -> tuple[list[Tensor], list[Operation]]:
        number = _number(first)
        value = {"dtype": dtypes.int32, "value": number}
        wanted = self.add("Const", f"{scope}index_{first}", [], value, controls)._outputs[0]
        pred = self.add("Equal", f"{scope}is_{first}", [inputs[0], wanted], {"T": dtypes.int32}, controls)._outputs[0]
        if first + 2 == len(branches):
            sides = [branches[first + 1], branches[first]]
            return self._either(pred, scope, inputs[1:], controls, sides)

        def later(inner: str, given: list[Tensor], pivot: Operation) -> tuple[list[Tensor], list[Operation]]:
            return self._cases(f"{inner}later/", first + 1, given, [pivot], branches)

        def this(inner: str, given: list[Tensor], pivot: Operation) -> tuple[list[Tensor], list[Operation]]:
            return branches[first][1](inner, given[1:], pivot)

        return self._either(pred, scope, inputs, controls, [("later", later), (branches[first][0], this)])

    def _held(self, value: Tensor, after: Sequence[Operation], name: str) -> Tensor:
        """A result of a branch that has a value only if the branch is taken."""
        return self.add("Identity", name, [value], {"T": value._dtype._base}, after)._outputs[0]

    def _joined(self, scope: str, after: list[list[Operation]]) -> Operation:
        """What runs when either branch has."""
        ends = []
        for ops in after:
            end = self.add("Const", scope + "done", [], {"dtype": dtypes.bool, "value": _TRUE()}, ops)
            ends.append(end._outputs[0])
        return self.add("Merge", scope + "Merge", ends, {"T": dtypes.bool, "N": 2})

    def _as_bool(self, value: Tensor, name: str, controls: Sequence[Operation]) -> Tensor:
        if value._dtype._base == dtypes.bool:
            return value
        if value._shape != () or value._dtype._base == dtypes.string:
            raise errors.UnimplementedError(None, None, f"{name}: a condition of type {value._dtype.name}")
        attrs = {"SrcT": value._dtype._base, "DstT": dtypes.bool}
        return self.add("Cast", name + "/ToBool", [value], attrs, controls)._outputs[0]

    def _while(
        self, name: str, inputs: list[Tensor], controls: list[Operation], attrs: dict[str, Any]
    ) -> tuple[list[Tensor], list[Operation]]:
        scope = name + "/"
        frame = {"frame_name": name.encode(), "is_constant": False, "parallel_iterations": attrs["parallel_iterations"]}
        shapes = attrs.get("output_shapes") or [None] * len(inputs)
        enters = [
            self.add("Enter", scope + "enter", [x], {"T": x._dtype._base, **frame}, controls)._outputs[0]
            for x in inputs
        ]
        merges = [
            self.add(
                "Merge", scope + "merge", [e, e], {"T": e._dtype._base, "N": 2, "_output_shapes": [s, ()]}, partial=True
            )
            for e, s in zip(enters, shapes, strict=True)
        ]
        loop = [m._outputs[0] for m in merges]
        cond = self.find(attrs["cond"])
        found, _ = self.body(cond, scope + "cond/", loop, merges[:1], getattr(attrs["cond"], "attr", {}))
        pred = self._as_bool(found[0], name, ())
        going = self.add("LoopCond", scope + "LoopCond", [pred], {})._outputs[0]
        switches = [self.add("Switch", scope + "switch", [x, going], {"T": x._dtype._base})._outputs for x in loop]
        inner = [
            self.add("Identity", scope + "body_arg", [s[1]], {"T": s[1]._dtype._base})._outputs[0] for s in switches
        ]
        values = getattr(attrs["body"], "attr", {})
        results, after = self.body(self.find(attrs["body"]), scope + "body/", inner, [inner[0]._op], values)
        for merged, value in zip(merges, results, strict=True):
            back = self.add("NextIteration", scope + "next_iteration", [value], {"T": value._dtype._base}, after)
            merged._update_input(1, back._outputs[0])
        exits = [self.add("Exit", scope + "exit", [s[0]], {"T": s[0]._dtype._base})._outputs[0] for s in switches]
        return exits, []


_Side = tuple[str, Callable[[str, list[Tensor], Operation], tuple[list[Tensor], list[Operation]]]]


def _number(value: int) -> Any:
    import numpy as np

    return np.array(value, np.int32)


def _TRUE() -> Any:
    import numpy as np

    return np.array(True)


class _Body:
    """One function put in place."""

    def __init__(
        self,
        library: FunctionLibrary,
        function: Any,
        prefix: str,
        inputs: list[Tensor],
        controls: Sequence[Operation],
        attrs: Any,
    ):
        self.library, self.function, self.prefix, self.controls = library, function, prefix, list(controls)
        self.attrs = {k: v.python_value() if hasattr(v, "python_value") else v for k, v in attrs.items()}
        counts = _counts(function.signature.input_arg, self.attrs)
        if sum(n for _, n in counts) != len(inputs):
            name = function.signature.name
            raise ValueError(f"Function {name} takes {sum(n for _, n in counts)} inputs, {len(inputs)} were given")
        self.arguments, place = {}, 0
        for name, count in counts:
            self.arguments[name] = inputs[place : place + count]
            place += count
        self.outputs: dict[str, tuple[Operation, dict[str, int]]] = {}

    def run(self) -> tuple[list[Tensor], list[Operation]]:
        """(results, operations that must run with them)."""
        from retrograph.framework.importer import Pending

        for node in Pending(list(self.function.node_def), self._sources):
            self._add(node)
        results: list[Tensor] = []
        for name, count in _counts(self.function.signature.output_arg, self.attrs):
            if name not in self.function.ret:
                raise ValueError(f"Return {name} missing.")
            results += self._tensors(self.function.ret[name], count)
        after = [self.outputs[n][0] for n in self.function.control_ret.values() if n in self.outputs]
        return results, after or self._stateful()

    def _stateful(self) -> list[Operation]:
        found = []
        for node in self.function.node_def:
            definition = find_op_def(node.op)
            stateful = definition.stateful if definition is not None else node.op in self.library.functions
            if stateful and node.op not in ("VarHandleOp", "Placeholder") and not node.op.startswith("Read"):
                found.append(self.outputs[node.name][0])
        return found

    def _sources(self, node: NodeDef, known: dict[str, int]) -> Iterator[str]:
        for text in node.input:
            control = text.startswith("^")
            name = text[1:] if control else text.split(":")[0]
            if not control and name in self.arguments:
                continue
            if control and name in self.arguments:
                continue
            if name not in known:
                raise ValueError(f"Node '{node.name}': Unknown input node '{text}'")
            yield "^" + name if control else name

    def _add(self, node: NodeDef) -> None:
        from retrograph.framework.importer import checked_attrs

        data = [t for t in node.input if not t.startswith("^")]
        named = [t[1:] for t in node.input if t.startswith("^")]
        controls = [self.outputs[n][0] for n in named if n in self.outputs]
        rooted = not controls and not any(t.split(":")[0] in self.outputs or self._is_open(t) for t in data)
        if rooted:
            # What starts in here waits for what the call waits for.
            controls = self.controls
        attrs = {k: self._attr(v) for k, v in checked_attrs(node).items()}
        definition: Any = find_op_def(node.op)
        name = self.prefix + node.name
        if is_call(node.op, self.library):
            op = self.library.call(node, self.library._free(name), self._all(data), list(controls), attrs)
            definition = definition or self.library.find(node.op).signature
        else:
            op = self._plain(node, name, data, attrs, controls)
        self.outputs[node.name] = (op, self._places(definition, op, attrs))

    def _plain(self, node: NodeDef, name: str, data: list[str], attrs: dict[str, Any], controls: Any) -> Operation:
        if "frame_name" in attrs:
            attrs["frame_name"] = (self.prefix + attrs["frame_name"].decode()).encode()
        attrs.pop("_class", None)
        open_at = [i for i, t in enumerate(data) if self._is_open(t)] if node.op in _MERGE else []
        if not open_at:
            return self.library.add(node.op, name, self._all(data), attrs, controls, device=node.device)
        first = next(self._tensors(t)[0] for i, t in enumerate(data) if i not in open_at)
        inputs = [first if i in open_at else self._tensors(t)[0] for i, t in enumerate(data)]
        op = self.library.add(node.op, name, inputs, attrs, controls, device=node.device, partial=True)
        for i in open_at:
            text = data[i]
            self.library.maker.open_merges.append((op, i, lambda text=text: self._tensors(text)[0]))
        return op

    def _places(self, definition: OpDef | Any, op: Operation, attrs: dict[str, Any]) -> dict[str, int]:
        args = definition.outputs if isinstance(definition, OpDef) else definition.output_arg
        return _starts(
            _counts(args, op._attrs if isinstance(definition, OpDef) and op.type == definition.name else attrs)
        )

    def _attr(self, attr: Any) -> Any:
        if attr.kind == "placeholder":
            return self.attrs[attr.value]
        return attr.python_value()

    def _is_open(self, text: str) -> bool:
        name = text.split(":")[0]
        return name not in self.arguments and name not in self.outputs

    def _all(self, data: list[str]) -> list[Tensor]:
        return [tensor for text in data for tensor in self._tensors(text)]

    def _tensors(self, text: str, count: int = 1) -> list[Tensor]:
        """The tensors that an input of a function's node names: `argument`, `argument:i` or `node:output:i`."""
        name, *rest = text.split(":")
        if name in self.arguments:
            given = self.arguments[name]
            return [given[int(rest[0])]] if rest else given
        op, places = self.outputs[name]
        try:
            start = places[rest[0]] + int(rest[1] if len(rest) > 1 else 0)
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"Unknown input '{text}' in function {self.function.signature.name}") from None
        if start + count > len(op._outputs):
            raise ValueError(f"Unknown input '{text}' in function {self.function.signature.name}")
        return list(op._outputs[start : start + count])
