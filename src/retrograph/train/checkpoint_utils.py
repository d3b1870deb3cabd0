"""Variables that start from a checkpoint: `init_from_checkpoint`, `warm_start`, `assign_from_checkpoint`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.checkpoint.management import checkpoint_file, load_checkpoint
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import device, get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.train.object_restoring import object_graph_key_mapping
from retrograph.train.remapping import load_and_remap_matrix_initializer
from retrograph.train.saveable import by_name, saveables_of
from retrograph.variables.base import Variable
from retrograph.variables.partition import PartitionedVariable
from retrograph.variables.spec import PartitionInfo
from retrograph.variables.store import default_store


def _is_variables(value: Any) -> bool:
    return isinstance(value, Variable) or (
        isinstance(value, (list, tuple)) and all(isinstance(v, Variable) for v in value)
    )


def _stored(name: str, store: dict[str, Any]) -> Any:
    """A variable of the store, or the parts of a partitioned one."""
    if name in store:
        return store[name]
    parts: list[Any] = []
    while f"{name}/part_{len(parts)}" in store:
        parts.append(store[f"{name}/part_{len(parts)}"])
    return parts or None


def _check_wanted(value: Any, tensor_name: str) -> None:
    if not isinstance(value, str):
        raise TypeError(
            f"assignment_map[{tensor_name!r}] has to be a variable, a list of a variable's parts, or the name of a variable or "
            f"scope, not {value!r}"
        )


def _start_from(variable: Any, file: str, tensor_name: str, slice_spec: str) -> None:
    with device(variable.device), device("/cpu:0"):
        restored = apply_op(
            "RestoreV2",
            "checkpoint_initializer",
            prefix=file,
            tensor_names=[tensor_name],
            shape_and_slices=[slice_spec],
            dtypes=[variable.dtype.base_dtype],
        )[0]
    (saveable,) = (s for name, op in by_name([variable]).items() for s in saveables_of(op, name))
    assigned = saveable.restore([restored], None)
    variable._initializer_op = assigned
    restored.set_shape(variable.shape)
    variable._initial_value = restored


def _start_all_from(variables: Any, file: str, tensor_name: str) -> None:
    if isinstance(variables, Variable):
        _start_from(variables, file, tensor_name, "")
        return
    names = {v._get_save_slice_info().full_name for v in variables}
    if len(names) > 1:
        raise ValueError("Slices must all be from the same tensor: " + " != ".join(sorted(names)))
    for part in variables:
        _start_from(part, file, tensor_name, part._get_save_slice_info().spec)


def _scope_pairs(wanted: str, scope_in_ckpt: str, store: dict[str, Any], directory: str, shapes: Any) -> Any:
    """(variable name, tensor name) of each variable in a scope."""
    scope = wanted.rpartition("/")[0]
    if not scope_in_ckpt.endswith("/"):
        raise ValueError(
            f"Assignment map with scope only name {scope} should map to scope only "
            f"{scope_in_ckpt}. Should be 'scope/': 'other_scope/'."
        )
    names = {name.partition("/part_")[0] for name in store if not scope or name.startswith(scope + "/")}
    for name in sorted(names):
        full = name[len(scope) :]
        full = full[1:] if wanted != "/" else full
        full = scope_in_ckpt + full if scope_in_ckpt != "/" else full
        full = full.removesuffix("/")
        if full not in shapes:
            raise ValueError(
                f"Tensor {full} ({name[len(scope) + 1 :]} in {scope_in_ckpt}) is not found in {directory} checkpoint"
            )
        yield name, full


def _check_given(variables: Any, tensor_name: str, directory: str, shapes: Any) -> None:
    if tensor_name not in shapes:
        raise ValueError(f"Tensor {tensor_name} is not found in {directory} checkpoint {shapes}")
    if isinstance(variables, Variable) and not variables.get_shape().is_compatible_with(shapes[tensor_name]):
        raise ValueError(
            f"Shape of variable {variables.name} ({variables.get_shape()}) doesn't match with shape of "
            f"tensor {tensor_name} ({shapes[tensor_name]}) from checkpoint reader."
        )


def _assignments(assignment_map: Any) -> list[tuple[str, Any]]:
    """The pairs of an assignment_map, sorted. Raises TypeError for what is none."""
    if isinstance(assignment_map, (list, tuple)) and all(
        isinstance(p, (list, tuple)) and len(p) == 2 for p in assignment_map
    ):
        assignment_map = dict(assignment_map)
    if not isinstance(assignment_map, Mapping):
        raise TypeError(
            f"assignment_map has to be a dict from names of the checkpoint to variables, not {assignment_map!r}"
        )
    return sorted(assignment_map.items(), key=lambda pair: pair[0])


@export("train.init_from_checkpoint", "contrib.framework.init_from_checkpoint")
def init_from_checkpoint(ckpt_dir_or_file: str, assignment_map: Any) -> None:
    """Makes variables start with values of a checkpoint when they are initialized.

    `assignment_map` maps names or scopes (`"a/"`) of the checkpoint to variables, their names, lists of parts, or scopes.
    Raises: ValueError for names that are not there, and for other shapes.
    Source: TF 1.15 `tf.train.init_from_checkpoint`.
    """
    file = os.fsdecode(checkpoint_file(ckpt_dir_or_file) or "")
    shapes = load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map()
    store = default_store()._vars
    for tensor_name, wanted in _assignments(assignment_map):
        found: Any = list(wanted) if isinstance(wanted, PartitionedVariable) else wanted
        if not _is_variables(found):
            _check_wanted(found, tensor_name)
            found = _stored(found, store)
        if found is not None:
            _check_given(found, tensor_name, ckpt_dir_or_file, shapes)
            _start_all_from(found, file, tensor_name)
            continue
        for name, full in _scope_pairs(wanted, tensor_name, store, ckpt_dir_or_file, shapes):
            _start_all_from(_stored(name, store), file, full)


def _grouped(variables: Iterable[Any]) -> dict[str, Any]:
    """Variables by their names in a checkpoint, the parts of partitioned ones in lists."""
    found: dict[str, Any] = {}
    for variable in variables:
        info = variable._get_save_slice_info() if isinstance(variable, Variable) else None
        if info is None:
            found[variable.op.name if isinstance(variable, Variable) else variable.name] = variable
        else:
            found.setdefault(info.full_name, []).append(variable)
    return found


def _to_warm_start(what: Any) -> dict[str, list[Any]]:
    """The variables to start, slices of one together, by their names in a checkpoint."""
    graph, keys = get_default_graph(), tf.GraphKeys
    if what is None or isinstance(what, str):
        get_logger().info("Warm-starting variables only in TRAINABLE_VARIABLES.")
        chosen = graph.get_collection(keys.TRAINABLE_VARIABLES, scope=what)
    elif not isinstance(what, list):
        raise ValueError(f"`vars_to_warm_start must be a `list` or `str`.  Given type is {type(what)}")
    elif all(isinstance(v, str) for v in what):
        chosen = [v for scope in what for v in graph.get_collection(keys.GLOBAL_VARIABLES, scope=scope)]
    elif all(_is_variables(v) for v in what):
        chosen = [v for item in what for v in (item if isinstance(item, (list, tuple)) else [item])]
    else:
        raise ValueError(
            "If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.  Given types are "
            f"{[type(v) for v in what]}"
        )
    grouped = _grouped(dict.fromkeys(chosen))
    return {name: list(v) if isinstance(v, (list, PartitionedVariable)) else [v] for name, v in grouped.items()}


def _infer_var_name(var: Any) -> str:
    """The name in a checkpoint of a variable, given as a list of its slices. Raises: TypeError for several."""
    names = list(by_name(list(var)))
    if len(names) > 1:
        raise TypeError(f"`var` = {var} passed as arg violates the constraints.  name_to_var_dict = {names}")
    return names[0]


def _get_var_info(var: Any, prev_tensor_name: str | None = None) -> tuple[str, Any]:
    """(name in the checkpoint, variable or slices)."""
    slices = list(var) if isinstance(var, PartitionedVariable) else var
    if not (isinstance(slices, Variable) or (isinstance(slices, list) and all(_is_variables(v) for v in slices))):
        raise TypeError(
            f"var MUST be one of the following: a Variable, list of Variable or PartitionedVariable, but is {type(var)}"
        )
    name = _name_in_checkpoint(slices[0] if isinstance(slices, list) else slices)
    return prev_tensor_name or name, slices


def _warm_start_var_with_vocab(
    var: Any, current_vocab_path: Any, current_vocab_size: Any, prev_ckpt: Any, prev_vocab_path: Any,
    previous_vocab_size: int = -1, current_oov_buckets: int = 0, prev_tensor_name: str | None = None, initializer: Any = None,
    axis: int = 0,
) -> None:  # fmt: skip
    """Makes a matrix start with the rows (`axis` 0) or columns that a checkpoint has for its words."""
    if not (current_vocab_path and current_vocab_size and prev_ckpt and prev_vocab_path):
        raise ValueError(
            "Invalid args: Must provide all of [current_vocab_path, current_vocab_size, prev_ckpt, prev_vocab_path}."
        )
    name, slices = _get_var_info(var, prev_tensor_name)
    parts = slices if isinstance(slices, list) else [slices]
    all_rows = sum(v.get_shape().as_list()[0] for v in parts)
    for part in parts:
        rows, columns = (current_vocab_size, part.get_shape().as_list()[1])
        files: dict[str, Any] = {"old_row_vocab_size": previous_vocab_size, "num_row_oov_buckets": current_oov_buckets}
        files |= {"old_row_vocab_file": prev_vocab_path, "new_row_vocab_file": current_vocab_path}
        if axis == 1:
            rows, columns = all_rows, current_vocab_size
            files = {"num_col_oov_buckets": current_oov_buckets}
            files |= {"old_col_vocab_file": prev_vocab_path, "new_col_vocab_file": current_vocab_path}
        make = load_and_remap_matrix_initializer(
            checkpoint_file(prev_ckpt) or prev_ckpt, name, rows, columns, initializer=initializer, **files
        )
        info = part._get_save_slice_info()
        place = PartitionInfo(full_shape=info.full_shape, var_offset=info.var_offset) if info else None
        value = tf.convert_to_tensor(make(shape=part.get_shape().as_list(), partition_info=place))
        part._initializer_op = tf.assign(part, value)


def _object_names(path: str, names: Any) -> dict[str, str]:
    """The keys of an object-based checkpoint by the names of variables; empty for another one."""
    try:
        keys = object_graph_key_mapping(checkpoint_file(path) or path)
    except errors.NotFoundError:
        return {}
    missing = set(names) - set(keys)
    if missing:
        raise ValueError(
            "Attempting to warm-start from an object-based checkpoint, but found that the checkpoint did not contain values for "
            f"all variables. The following variables were missing: {missing}"
        )
    return {name: keys[name] for name in names}


@export("train.warm_start")
def warm_start(
    ckpt_to_initialize_from: str,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: dict[str, Any] | None = None,
    var_name_to_prev_var_name: dict[str, str] | None = None,
) -> None:
    """Makes variables start with the values of another program's checkpoint, trainable ones that match a regex by default.

    Those in `var_name_to_vocab_info` take rows or columns by the words that these stand for.
    Raises: ValueError for names that are not in the checkpoint, or given for nothing.
    Source: TF 1.15 `tf.train.warm_start`.
    """
    get_logger().info("Warm-starting from: %s", ckpt_to_initialize_from)
    grouped = _to_warm_start(vars_to_warm_start)
    words = dict(var_name_to_vocab_info or {})
    renamed = dict(var_name_to_prev_var_name or _object_names(ckpt_to_initialize_from, grouped))
    plain: dict[str, Any] = {}
    used: set[str] = set()
    for name, slices in grouped.items():
        used.add(name)
        before, info = renamed.get(name), words.get(name)
        if info:
            _warm_start_var_with_vocab(
                slices, info.new_vocab, info.new_vocab_size, ckpt_to_initialize_from, info.old_vocab, info.old_vocab_size,
                info.num_oov_buckets, before, info.backup_initializer, info.axis,
            )  # fmt: skip
        elif vars_to_warm_start:
            plain[before or name] = slices[0] if len(slices) == 1 else slices
    init_from_checkpoint(ckpt_to_initialize_from, plain)
    for argument, given in (("var_name_to_prev_var_name", renamed), ("var_name_to_vocab_info", words)):
        unused = set(given) - used
        if unused:
            raise ValueError(
                f"You provided the following variables in {argument} that were not used: {unused}.  Perhaps you misspelled "
                f"them?  Here is the list of viable variable names: {list(grouped)}"
            )


def _pairs(var_list: Any) -> dict[str, list[Any]]:
    if not isinstance(var_list, (dict, list)):
        raise ValueError("var_list must be a dictionary or list.")
    items = var_list.items() if isinstance(var_list, dict) else [(_name_in_checkpoint(v), v) for v in var_list]
    found: dict[str, list[Any]] = {}
    for name, variables in items:
        found.setdefault(name, []).extend(
            variables if isinstance(variables, (list, tuple, PartitionedVariable)) else [variables]
        )
    return found


def _name_in_checkpoint(variable: Any) -> str:
    info = variable._get_save_slice_info()
    return str(info.full_name if info else variable.op.name)


def _part_of(value: Any, variable: Any) -> Any:
    info = variable._get_save_slice_info() if hasattr(variable, "_get_save_slice_info") else None
    if not info:
        return value
    return value[tuple(slice(o, o + n) for o, n in zip(info.var_offset, info.var_shape, strict=True))]


@export("contrib.framework.assign_from_checkpoint", "contrib.slim.assign_from_checkpoint")
def assign_from_checkpoint(model_path: str, var_list: Any, ignore_missing_vars: bool = False) -> tuple[Any, Any]:
    """(operation, feed dict) that give variables, in a list or by their names there, the values of a checkpoint.

    Raises: ValueError for a name that is not there, unless `ignore_missing_vars`, and for another shape.
    Source: TF 1.15 `tf.contrib.framework.assign_from_checkpoint`.
    """
    reader, feed, values = tf.train.NewCheckpointReader(model_path), {}, []
    for name, variables in _pairs(var_list).items():
        if not reader.has_tensor(name):
            if not ignore_missing_vars:
                raise ValueError(f"Checkpoint is missing variable [{name}]")
            get_logger().warning("Variable %s missing in checkpoint %s", name, model_path)
            continue
        for variable in variables:
            values.append((variable, name, _part_of(np.asarray(reader.get_tensor(name)), variable)))
    assigned = []
    for variable, name, value in values:
        if list(variable.get_shape().as_list()) != list(value.shape):
            if tf.TensorShape(value.shape).num_elements() != variable.get_shape().num_elements():
                raise ValueError(
                    f"Total size of new array must be unchanged for {name} lh_shape: "
                    f"[{value.shape}], rh_shape: [{tuple(variable.get_shape().as_list())}]"
                )
            value = value.reshape(variable.get_shape().as_list())
        held = tf.placeholder(variable.dtype.base_dtype, value.shape, f"placeholder/{variable.op.name}")
        assigned.append(tf.assign(variable, held))
        feed[held] = value
    return tf.group(*assigned), feed


@export("contrib.framework.assign_from_checkpoint_fn", "contrib.slim.assign_from_checkpoint_fn")
def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None] | None:
    """A function of a session that gives variables the values of a checkpoint; None if none of them is in it.

    Raises: ValueError for an empty list.
    Source: TF 1.15 `tf.contrib.framework.assign_from_checkpoint_fn`.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        reader = tf.train.NewCheckpointReader(model_path)
        named = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
        var_list = {name: v for name, v in named.items() if reader.has_tensor(name)}
        for name in sorted(set(named).difference(var_list)):
            get_logger().warning("Variable %s missing in checkpoint %s", name, model_path)
    if not var_list:
        get_logger().warning("No Variables to restore")
        return None
    saver = tf.train.Saver(var_list, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)
