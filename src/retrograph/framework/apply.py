"""Making operations from Python arguments, by the op definitions: what TF's generated wrappers do."""

from __future__ import annotations

import numbers
import re
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant_of, make_array
from retrograph.framework.conversion import internal_convert_n_to_tensor, internal_convert_to_tensor, plain_constant
from retrograph.framework.default_graph import get_default_graph, graph_of_inputs
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import AttrDef, InputDef, OpDef, find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import as_shape


def apply_op(op_type: str, name: Any = None, /, **keywords: Any) -> Any:
    """Adds an operation to the graph of its inputs (else the default graph) and gives what it makes.

    Inputs and attributes are given by the names of the op definition; an attribute that is None or left out takes its
    default. Gives the Operation if it has no outputs, its tensor, a list for one list output, else a named tuple.
    Raises TypeError, ValueError with TF's texts.
    """
    definition = find_op_def(op_type)
    if definition is None:
        raise RuntimeError(f"Unrecognized Op name {op_type}")
    op = make_op(definition, op_type if name is None else name, keywords)
    return structured_outputs(definition, op)


def make_op(definition: OpDef, name: Any, keywords: dict[str, Any]) -> Operation:
    """Adds the operation that `apply_op` gives the results of."""
    graph = get_default_graph()
    # A control-flow context makes gates of its own, which are named inside the operation's scope.
    known = None if graph._state.control_flow_context is not None else _known_inputs(definition, name, keywords, graph)
    if known is None:
        values = [_take_input(arg, keywords) for arg in definition.inputs]
        return _make_op_in_scope(definition, name, values, keywords)
    inputs, attrs, has_constants = known
    made = _outer_attrs(definition, keywords) if definition.free_attrs else None
    full_name = graph._opened_name(name, graph._state.name_stack) if name else _empty_name(graph)
    if has_constants:
        inputs = [
            value if isinstance(value, Tensor) else constant_of(graph, value, full_name, row[0])
            for row, value in zip(definition.plain_inputs or (), inputs, strict=True)
        ]
    if made:
        attrs.update(made)
    if keywords or len(attrs) < len(definition.attrs):
        _explicit_attrs(definition, keywords, attrs)
    return graph._new_op(definition.name, full_name, tuple(inputs), attrs, definition)


def _empty_name(graph: Graph) -> str:
    """What an operation called '' gets: a name at the root that no node can have, but that counts."""
    state = graph._state
    outside, state.name_stack = state.name_stack, None
    try:
        return graph.unique_name("")
    finally:
        state.name_stack = outside


def _known_inputs(
    definition: OpDef, name: Any, keywords: dict[str, Any], graph: Graph
) -> tuple[list[Any], dict[str, Any], bool] | None:
    """The inputs, taken out of `keywords`, the types that they tell, and whether arrays are among them, which are to be
    constants: they stand for plain Python numbers and lists of them.

    None (and nothing taken) unless all else is tensors of the default graph, and all types fit and are allowed.
    """
    rows = definition.plain_inputs
    if rows is None:
        return None
    values: list[Any] = []
    attrs: dict[str, Any] = {}
    has_constants = False
    base: Any = None
    for arg_name, dtype, type_attr in rows:
        value = keywords.get(arg_name)
        if value.__class__ is Tensor and value._op._graph is graph:
            base = value._dtype._base
        elif not name or graph._finalized:
            return None
        else:
            wanted = dtype or attrs.get(type_attr) or definition.type_defaults.get(type_attr)
            value = plain_constant(value, wanted)
            if value is None:
                return None
            base = wanted or dtypes.as_dtype(value.dtype)
            has_constants = True
        if base is not (attrs.setdefault(type_attr, base) if dtype is None else dtype):
            return None
        values.append(value)
    for type_attr, (attr, _) in definition.checked_types.items():
        if attrs[type_attr] not in attr.allowed_set:  # type: ignore[operator]
            return None
    for arg_name, _, _ in rows:
        del keywords[arg_name]
    shared = definition.type_only_attrs
    return values, attrs if shared is None else shared.setdefault(base, attrs), has_constants


def _make_op_in_scope(definition: OpDef, name: Any, values: list[Any], keywords: dict[str, Any]) -> Operation:
    graph = graph_of_inputs(_flattened([*values, *keywords.values()]))
    if graph is not get_default_graph():
        with graph.as_default():
            return _make_op_in_scope(definition, name, values, keywords)
    attrs = _outer_attrs(definition, keywords)
    with graph.name_scope(name) as scope:
        inputs: list[Tensor] = []
        origin: dict[str, str] = {}
        refs: list[Tensor] = []
        for arg, value in zip(definition.inputs, values, strict=True):
            converted = (
                _converted_list(definition, arg, value, attrs, origin)
                if arg.is_list
                else [_converted(definition, arg, value, attrs, origin)]
            )
            _infer_attrs(definition, arg, converted, attrs, origin)
            if arg.is_ref:
                if not all(t._dtype._is_ref for t in converted):
                    raise TypeError(
                        f"'{definition.name}' Op requires that input '{arg.name}' be a mutable tensor (e.g.: a tf.Variable)"
                    )
                refs.extend(converted)
            inputs.extend(converted)
        for tensor in inputs:
            if tensor._op._graph is not graph and not graph.building_function:
                raise KeyError(tensor._op._name)
        _explicit_attrs(definition, keywords, attrs)
        if not scope and name is not None:
            return graph._new_op(definition.name, _empty_name(graph), tuple(inputs), attrs, definition)
        if not refs:
            return graph._new_op(definition.name, scope[:-1], tuple(inputs), attrs, definition)
        return _colocated_op(graph, definition, scope[:-1], tuple(inputs), attrs, refs)


def _colocated_op(
    graph: Graph, definition: OpDef, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], refs: list[Tensor]
) -> Operation:
    """An operation with reference inputs goes where they are."""
    state = graph._state
    saved = state.device_stack, state.colocation_stack
    state.device_stack, state.colocation_stack = (), (*saved[1], *(t._op for t in refs))
    try:
        return graph._new_op(definition.name, name, inputs, attrs, definition)
    finally:
        state.device_stack, state.colocation_stack = saved


def _flattened(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found.extend(value)
        else:
            found.append(value)
    return found


_MISSING = object()


def _take_input(arg: InputDef, keywords: dict[str, Any]) -> Any:
    value = keywords.pop(arg.name, _MISSING)
    if value is _MISSING:
        value = keywords.pop(arg.name + "_", _MISSING)
    if value is _MISSING:
        raise TypeError(f"No argument for input {arg.name}")
    return value


def _converted(definition: OpDef, arg: InputDef, value: Any, attrs: dict[str, Any], origin: dict[str, str]) -> Tensor:
    dtype, default = arg.dtype, None
    if dtype is None:
        dtype = attrs.get(arg.type_attr)
        if dtype is None:
            default = definition.type_defaults.get(arg.type_attr)
    try:
        return internal_convert_to_tensor(value, dtype, arg.name, arg.is_ref, default)
    except TypeError as error:
        if dtype is None:
            raise
        raise TypeError(
            f"Expected {dtype.name} passed to parameter '{arg.name}' of op '{definition.name}', got {value!r} of type '{type(value).__name__}' instead. Error: {error}"
        ) from None
    except ValueError:
        _raise_type_mismatch(definition, arg, value, attrs, origin)
        raise


def _raise_type_mismatch(
    definition: OpDef, arg: InputDef, value: Any, attrs: dict[str, Any], origin: dict[str, str]
) -> None:
    try:
        observed = internal_convert_to_tensor(value, as_ref=arg.is_ref).dtype.name
    except ValueError as error:
        raise ValueError(f"Tried to convert '{arg.name}' to a tensor and failed. Error: {error}") from None
    prefix = f"Input '{arg.name}' of '{definition.name}' Op has type {observed} that does not match"
    if arg.dtype is not None:
        raise TypeError(f"{prefix} expected type of {arg.dtype.name}.") from None
    if arg.type_attr not in attrs and arg.type_attr in definition.type_defaults:
        attrs[arg.type_attr] = definition.type_defaults[arg.type_attr]
        origin.setdefault(arg.type_attr, "Default in OpDef")
    raise TypeError(f"{prefix} type {attrs[arg.type_attr].name} of argument '{origin[arg.type_attr]}'.") from None


# Attributes that TF's wrappers have under another name.
_PYTHON_NAMES = {"squeeze_dims": "axis"}


def _no_list(definition: OpDef, argument: str, value: Any) -> TypeError:
    wrapper = re.sub("([a-z0-9])([A-Z])", r"\1_\2", definition.name).lower()
    return TypeError(f"Expected list for '{argument}' argument to '{wrapper}' Op, not {value!r}.")


def _converted_list(
    definition: OpDef, arg: InputDef, values: Any, attrs: dict[str, Any], origin: dict[str, str]
) -> list[Tensor]:
    if not isinstance(values, (list, tuple)):
        raise (
            _no_list(definition, arg.name, values)
            if arg.number_attr
            else TypeError(f"Expected list for '{arg.name}' argument to '{definition.name}' Op, not {values}.")
        )
    dtype, default = arg.dtype, None
    if arg.number_attr and dtype is None:
        dtype = attrs.get(arg.type_attr) or next((t.dtype for t in values if isinstance(t, Tensor)), None)
        if dtype is None:
            default = definition.type_defaults.get(arg.type_attr)
    if dtype is not None and not arg.is_ref:
        dtype = dtype.base_dtype
    try:
        values = internal_convert_n_to_tensor(values, dtype, arg.name, arg.is_ref, default)
        if arg.number_attr and len({t._dtype._base for t in values}) > 1:
            raise TypeError
    except (TypeError, ValueError):
        _raise_list_mismatch(definition, arg, values, dtype, attrs)
        raise
    return values  # type: ignore[no-any-return]


def _observed_name(value: Any, as_ref: bool) -> str:
    try:
        return internal_convert_to_tensor(value, as_ref=as_ref).dtype.base_dtype.name
    except (TypeError, ValueError):
        return "<NOT CONVERTIBLE TO TENSOR>"


def _raise_list_mismatch(
    definition: OpDef, arg: InputDef, values: Any, dtype: DType | None, attrs: dict[str, Any]
) -> None:
    observed = ", ".join(_observed_name(v, arg.is_ref) for v in values)
    prefix = f"Tensors in list passed to '{arg.name}' of '{definition.name}' Op have types [{observed}]"
    if not arg.number_attr:
        raise TypeError(f"{prefix} that are invalid. Tensors: {values}") from None
    if arg.dtype is not None:
        raise TypeError(f"{prefix} that do not match expected type {arg.dtype.name}.") from None
    if arg.type_attr in attrs:
        raise TypeError(
            f"{prefix} that do not match type {attrs[arg.type_attr].name} inferred from earlier arguments."
        ) from None
    raise TypeError(f"{prefix} that don't all match.") from None


def _infer_attrs(
    definition: OpDef, arg: InputDef, values: list[Tensor], attrs: dict[str, Any], origin: dict[str, str]
) -> None:
    bases = [t._dtype._base for t in values]
    if arg.number_attr:
        _infer_number(definition, arg, len(values), attrs, origin)
        if arg.dtype is None and arg.type_attr not in attrs:
            if not bases:
                raise TypeError(
                    f"Don't know how to infer type variable from empty input list passed to input '{arg.name}' of '{definition.name}' Op."
                )
            _note_type(definition, arg, bases[0], attrs, origin)
    elif arg.type_attr:
        _infer_type(definition, arg, bases[0], attrs, origin)
    elif arg.type_list_attr:
        _infer_type_list(definition, arg, bases, attrs, origin)


def _note_type(definition: OpDef, arg: InputDef, base: DType, attrs: dict[str, Any], origin: dict[str, str]) -> None:
    attrs[arg.type_attr] = base
    origin[arg.type_attr] = arg.name
    _check_allowed(base, definition.attr_by_name[arg.type_attr], arg.name)


def _infer_number(definition: OpDef, arg: InputDef, count: int, attrs: dict[str, Any], origin: dict[str, str]) -> None:
    known = attrs.setdefault(arg.number_attr, count)
    if known != count:
        raise ValueError(
            f"List argument '{arg.name}' to '{definition.name}' Op with length {count} must match length {known} of argument '{origin[arg.number_attr]}'."
        )
    origin.setdefault(arg.number_attr, arg.name)
    minimum = definition.attr_by_name[arg.number_attr].minimum or 0
    if count < minimum:
        raise ValueError(
            f"List argument '{arg.name}' to '{definition.name}' Op with length {count} shorter than minimum length {minimum}."
        )


def _infer_type(definition: OpDef, arg: InputDef, base: DType, attrs: dict[str, Any], origin: dict[str, str]) -> None:
    known = attrs.get(arg.type_attr)
    if known is None:
        _check_allowed(base, definition.attr_by_name[arg.type_attr], arg.name)
        attrs[arg.type_attr] = base
        origin[arg.type_attr] = arg.name
    elif known is not base:
        raise TypeError(
            f"Input '{arg.name}' of '{definition.name}' Op has type {base.name} that does not match type {known.name} of argument '{origin[arg.type_attr]}'."
        )


def _infer_type_list(
    definition: OpDef, arg: InputDef, bases: list[DType], attrs: dict[str, Any], origin: dict[str, str]
) -> None:
    known = attrs.get(arg.type_list_attr)
    if known is None:
        for base in bases:
            _check_allowed(base, definition.attr_by_name[arg.type_list_attr], arg.name)
        attrs[arg.type_list_attr] = bases
        origin[arg.type_list_attr] = arg.name
    elif known != bases:
        raise TypeError(
            f"Input '{arg.name}' of '{definition.name}' Op has type list of {', '.join(b.name for b in bases)} that does not match type list "
            f"{', '.join(b.name for b in known)} of argument '{origin[arg.type_list_attr]}'."
        )


def _check_allowed(dtype: DType, attr: AttrDef, parameter: str) -> None:
    if attr.allowed_set is not None and dtype not in attr.allowed_set:
        names = ", ".join(d.name for d in attr.allowed or ())
        raise TypeError(
            f"Value passed to parameter '{parameter}' has DataType {dtype.name} not in list of allowed values: {names}"
        )


def _outer_attrs(definition: OpDef, keywords: dict[str, Any]) -> dict[str, Any]:
    """The attributes that the inputs do not tell: TF's wrappers make them before the operation's scope is opened."""
    made: dict[str, Any] = {}
    for attr in definition.free_attrs:
        name = attr.name
        value = keywords.get(name)
        if value is not None:
            del keywords[name]
            made[name] = value if value.__class__ is attr.taken_as_is else _attr_value(definition, attr, value)
    return made


def _explicit_attrs(definition: OpDef, keywords: dict[str, Any], attrs: dict[str, Any]) -> None:
    for attr in definition.attrs:
        key = attr.name
        if key in attrs:
            if key in keywords:
                raise TypeError(f"Should not specify value for inferred attr '{key}'.")
            continue
        value = keywords.pop(key, _MISSING) if key in keywords else keywords.pop(key + "_", _MISSING)
        if attr.has_default and (value is None or value is _MISSING):
            attrs[key] = list(attr.default) if attr.default.__class__ is list else attr.default
        elif value is _MISSING:
            raise TypeError(f"No argument for attr {key}")
        else:
            attrs[key] = _attr_value(definition, attr, value)
    if keywords:
        raise TypeError("apply_op() got unexpected keyword arguments: " + ", ".join(sorted(keywords)))


def _attr_value(definition: OpDef, attr: AttrDef, value: Any) -> Any:
    if not attr.type.startswith("list("):
        made = _allowed_string(definition, attr, _MAKERS[attr.type](value, attr))
        if attr.minimum is not None and made < attr.minimum:
            raise ValueError(_below(definition, attr, f"{made:d}"))
        return made
    if not isinstance(value, (list, tuple)):
        raise _no_list(definition, _PYTHON_NAMES.get(attr.name, attr.name), value)
    if attr.minimum is not None and len(value) < attr.minimum:
        raise ValueError(_below(definition, attr, f"list of length {len(value)}"))
    make = _MAKERS[attr.type[5:-1]]
    return [_allowed_string(definition, attr, make(v, attr)) for v in value]


def _below(definition: OpDef, attr: AttrDef, what: str) -> str:
    return f"Attr '{attr.name}' of '{definition.name}' Op passed {what} less than minimum {attr.minimum}."


def _allowed_string(definition: OpDef, attr: AttrDef, value: Any) -> Any:
    if attr.allowed_set is not None and isinstance(value, bytes) and value not in attr.allowed_set:
        allowed = '", "'.join(a.decode() for a in attr.allowed or ())
        raise ValueError(
            f"Attr '{attr.name}' of '{definition.name}' Op passed string '{value.decode()}' not in: \"{allowed}\"."
        )
    return value


def _make_string(value: Any, attr: AttrDef) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"Expected string for argument '{attr.name}' not {value!r}.")
    return value.encode() if isinstance(value, str) else value


def _make_int(value: Any, attr: AttrDef) -> int:
    try:
        if isinstance(value, str):
            raise TypeError
        return int(value)
    except (ValueError, TypeError):
        name = _PYTHON_NAMES.get(attr.name, attr.name)
        raise TypeError(f"Expected int for argument '{name}' not {value!r}.") from None


def _make_float(value: Any, attr: AttrDef) -> float:
    if not isinstance(value, (numbers.Real, np.integer, np.floating)):
        raise TypeError(f"Expected float for argument '{attr.name}' not {value!r}.")
    return float(value)


def _make_bool(value: Any, attr: AttrDef) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"Expected bool for argument '{attr.name}' not {value!r}.")
    return value


def _make_type(value: Any, attr: AttrDef) -> DType:
    try:
        dtype = dtypes.as_dtype(value).base_dtype
    except TypeError:
        raise TypeError(f"Expected DataType for argument '{attr.name}' not {value!r}.") from None
    _check_allowed(dtype, attr, attr.name)
    return dtype


def _make_shape(value: Any, attr: AttrDef) -> Any:
    try:
        return as_shape(value)._plain
    except TypeError as error:
        raise TypeError(f"Error converting {attr.name} to a TensorShape: {error}.") from None
    except ValueError as error:
        raise ValueError(f"Error converting {attr.name} to a TensorShape: {error}.") from None


def _make_tensor(value: Any, attr: AttrDef) -> Any:
    return value.array if hasattr(value, "array") else make_array(value)


def _make_function(value: Any, attr: AttrDef) -> Any:
    return value


_MAKERS: dict[str, Callable[[Any, AttrDef], Any]] = {
    "string": _make_string,
    "int": _make_int,
    "float": _make_float,
    "bool": _make_bool,
    "type": _make_type,
    "shape": _make_shape,
    "tensor": _make_tensor,
    "func": _make_function,
}


def structured_outputs(definition: OpDef, op: Operation) -> Any:
    """What a wrapper of this op type gives: the operation, a tensor, a list, or a named tuple."""
    outputs = op._outputs
    if definition.simple_outputs:
        if len(outputs) == 1:
            return outputs[0]
        return _result_type(definition)(*outputs) if outputs else op
    if not definition.outputs:
        return op
    parts: list[Any] = []
    position = 0
    for arg in definition.outputs:
        if not arg.is_list:
            parts.append(outputs[position])
            position += 1
            continue
        count = op._attrs[arg.number_attr] if arg.number_attr else len(op._attrs[arg.type_list_attr])
        parts.append(list(outputs[position : position + count]))
        position += count
    if len(parts) == 1:
        return parts[0] if parts[0] or not definition.stateful else op
    return _result_type(definition)(*parts)


def _result_type(definition: OpDef) -> Any:
    if definition.result_type is None:
        fields = [a.name for a in definition.outputs]
        definition.result_type = namedtuple(definition.name, fields, rename=True)  # type: ignore[misc]
    return definition.result_type
