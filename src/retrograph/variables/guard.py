"""Initial values made of other variables: rewired so that initializers may run in any order."""

from __future__ import annotations

from itertools import chain
from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.operation import Operation, Tensor

_HOLDERS = frozenset(("Variable", "VariableV2", "VarHandleOp"))
_LEFT_ALONE = frozenset(("IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If"))


def guarded(name: str, initial_value: Tensor) -> Tensor:
    """`initial_value`, computed from the initial values of those variables that are not initialized when it runs.

    The operations on the way from a variable are made again, with `_<name>` added to their names.
    """
    op = initial_value.op
    if not op.inputs or not _reads_variable(op) or _has_cycle(op):
        return initial_value
    return _safe_tensor(name, initial_value, {})


def _reads_variable(op: Operation) -> bool:
    seen, todo = {op}, [op]
    while todo:
        for tensor in todo.pop().inputs:
            source = tensor.op
            if source.type in _HOLDERS:
                return True
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return False


def _has_cycle(op: Operation) -> bool:
    done: set[Operation] = set()
    on_path = {op}
    stack = [(op, _sources(op))]
    while stack:
        current, sources = stack[-1]
        source = next(sources, None)
        if source is None:
            stack.pop()
            on_path.discard(current)
            done.add(current)
        elif source in on_path:
            return True
        elif source not in done:
            on_path.add(source)
            stack.append((source, _sources(source)))
    return False


def _sources(op: Operation) -> Any:
    return chain((tensor.op for tensor in op.inputs), iter(op.control_inputs))


def _safe_tensor(name: str, tensor: Tensor, made: dict[Operation, Operation]) -> Tensor:
    op = tensor.op
    if op not in made:
        made[op] = _safe_op(name, op, made)
    output: Tensor = made[op].outputs[tensor.value_index]
    return output


def _safe_op(name: str, op: Operation, made: dict[Operation, Operation]) -> Operation:
    if op.type in _LEFT_ALONE:
        return op
    if op.type in _HOLDERS:
        value = _initialized_value(op)
        return op if value is None else value.op
    inputs = [_safe_tensor(name, tensor, made) for tensor in op.inputs]
    if all(new is old for new, old in zip(inputs, op.inputs, strict=True)):
        return op
    copy: Operation = op.graph.create_op(
        "Switch" if op.type == "RefSwitch" else op.type,
        inputs,
        [tensor.dtype for tensor in op.outputs],
        name=f"{op.name}_{name}".replace(":", "_"),
        attrs=dict(op.attrs),
    )
    return copy


def _initialized_value(holder: Operation) -> Tensor | None:
    names = (holder.name, holder.name + ":0")
    try:
        for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
            for variable in holder.graph.get_collection(key):
                if variable.name in names:
                    value: Tensor = variable.initialized_value()
                    return value
    except AttributeError:
        pass  # as in TF, something in the collection that is no variable ends the search
    return None
