"""`tf.train.Optimizer`: gradients, their application to variables, and the slots of an optimizer.

Names of methods are TF 1.15's, private ones too: programs derive optimizers from this class and override them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices, convert_to_tensor_or_indexed_slices
from retrograph.train import slot_creator
from retrograph.train.slot_creator import is_resource_variable

Pair = tuple[Any, Any]


def _var_key(var: Any) -> Any:
    """What slots of a variable are found by."""
    op = getattr(var, "op", None)
    return (op.graph, op.name) if op is not None else var._unique_id


def _deduplicate_indexed_slices(values: Tensor, indices: Tensor, padded: bool = False) -> tuple[Tensor, Tensor]:
    """(rows summed by index, the distinct indices).

    `padded`: while a program is compiled the distinct indices are filled up with one beyond the last row, so that
    their number, which changes from step to step, is no part of any shape.
    """
    unique_indices, positions = tf.unique(indices)
    if padded:
        unique_indices.op._set_attr("_padded", True)
    summed = tf.unsorted_segment_sum(values, positions, tf.shape(unique_indices)[0])
    return summed, unique_indices


def _tolerates_padding(method: Callable[..., Any]) -> bool:
    """Whether a method only scatters its rows; what programs write may do anything with them."""
    return str(method.__module__).startswith(("retrograph.train.", "retrograph.contrib.opt."))


def cast(value: Any, dtype: DType | None) -> Any:
    """`value` as a tensor of `dtype` (None: of its own); a tensor that has it already stays as it is."""
    if dtype is None or (value.__class__ is Tensor and value._dtype is dtype):
        return value
    return tf.cast(value, dtype)


def _reference(variable: Any) -> Any:
    """The reference of a variable; anything else is left for the operation to refuse."""
    return variable._ref() if hasattr(variable, "_ref") else variable


class _RefVariableProcessor:
    """How a reference variable is differentiated and updated."""

    def __init__(self, v: Any):
        self._v = v

    def __str__(self) -> str:
        return f"<_RefVariableProcessor({self._v})>"

    def target(self) -> Any:
        return self._v._ref()

    def update_op(self, optimizer: Optimizer, g: Any) -> Any:
        if isinstance(g, Tensor):
            return _constrained(self._v, optimizer._apply_dense(g, self._v))
        _refuse_constraint(self._v)
        return optimizer._apply_sparse_duplicate_indices(g, self._v)


class _DenseResourceVariableProcessor:
    """How a resource variable is differentiated and updated."""

    def __init__(self, v: Any):
        self._v = v

    def target(self) -> Any:
        return self._v

    def update_op(self, optimizer: Optimizer, g: Any) -> Any:
        if isinstance(g, IndexedSlices):
            _refuse_constraint(self._v)
            return optimizer._resource_apply_sparse_duplicate_indices(g.values, self._v, g.indices)
        return _constrained(self._v, optimizer._resource_apply_dense(g, self._v))


class _TensorProcessor:
    """Gradients with respect to a plain tensor can be computed, not applied."""

    def __init__(self, v: Any):
        self._v = v

    def target(self) -> Any:
        return self._v

    def update_op(self, optimizer: Optimizer, g: Any) -> Any:
        raise NotImplementedError("Trying to update a Tensor ", self._v)


def _constrained(variable: Any, update_op: Any) -> Any:
    if variable.constraint is None:
        return update_op
    with tf.control_dependencies([update_op]):
        return variable.assign(variable.constraint(variable))


def _refuse_constraint(variable: Any) -> None:
    if variable.constraint is not None:
        raise RuntimeError("Cannot use a constraint function on a sparse variable.")


def _get_processor(v: Any) -> Any:
    if v.op.type == "VarHandleOp":
        return _DenseResourceVariableProcessor(v)
    if isinstance(v, tf.Variable):
        return _RefVariableProcessor(v)
    if isinstance(v, Tensor):
        return _TensorProcessor(v)
    raise NotImplementedError("Trying to optimize unsupported type ", v)


@export("train.Optimizer")
class Optimizer:
    """Base class of optimizers: `compute_gradients` and `apply_gradients`, or both by `minimize`.

    Updates are the operations named after `_kernel` (`ApplyX`, `SparseApplyX` and their resource forms), of which a
    subclass says what slots and arguments they take, or what its `_apply_dense` and its kin make. All optimizers derive
    from this class itself, as in TF: libraries look for it in `__base__`.

    >>> step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

    Source: TF 1.15 `tf.train.Optimizer`.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    _kernel = ""
    # Input of the operation -> name of the slot.
    _slot_inputs: dict[str, str] = {}
    # Slots that start at zero, in order of creation.
    _zero_slots: tuple[str, ...] = ()
    # How the dense operation calls the gradient.
    _dense_gradient = "grad"
    # TF's proximal optimizers convert their arguments for sparse updates of resource variables only.
    _converts_always = True

    def __init__(self, use_locking: bool, name: str):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slot_dict: dict[tuple[str, Any], Any] = {}

    def get_name(self) -> str:
        """The name given to the constructor."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """An operation that updates `var_list` (default: all trainable variables) to make `loss` smaller.

        Raises: ValueError if no variable has a gradient.
        Source: TF 1.15 `tf.train.Optimizer.minimize`.
        """
        grads_and_vars = self.compute_gradients(
            loss,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if all(g is None for g, _ in grads_and_vars):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(v) for _, v in grads_and_vars]} and loss {loss}."
            )
        return self.apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[Pair]:
        """(gradient or None, variable) for each variable of `var_list` (default: all trainable variables).

        `loss` is a tensor, or a function without arguments that makes it.
        Raises: ValueError for wrong dtypes or `gate_gradients`, or if there are no variables.
        Source: TF 1.15 `tf.train.Optimizer.compute_gradients`.
        """
        if callable(loss):
            return self._compute_gradients_of_function(loss, var_list, grad_loss)
        _check_gate(gate_gradients)
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        variables = _variables_to_optimize(var_list)
        targets = [_get_processor(v).target() for v in variables]
        if not variables:
            raise ValueError("No variables to optimize.")
        grads = tf.gradients(
            loss,
            targets,
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == Optimizer.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == Optimizer.GATE_GRAPH:
            grads = tf.tuple(grads)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype != tf.resource])
        return pairs

    def _compute_gradients_of_function(self, loss: Callable[[], Any], var_list: Any, grad_loss: Any) -> list[Pair]:
        with tf.GradientTape() as tape:
            if var_list is not None:
                tape.watch(var_list)
            value = loss()
        variables = list(tape.watched_variables()) if var_list is None else var_list
        with tf.control_dependencies([value]):
            grads = tape.gradient(value, variables, grad_loss)
        return list(zip(grads, variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[Pair], global_step: Any = None, name: str | None = None
    ) -> Operation:
        """An operation that updates each variable by its gradient, then adds 1 to `global_step` (if given).

        Raises: ValueError if there are no pairs, or no gradients; TypeError for a gradient that is no tensor.
        Source: TF 1.15 `tf.train.Optimizer.apply_gradients`.
        """
        pairs = tuple(grads_and_vars)
        if not pairs:
            raise ValueError("No variables provided.")
        converted = [(_as_gradient(g), v, _get_processor(v)) for g, v in pairs]
        var_list = [v for g, v, _ in converted if g is not None]
        if not var_list:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v, _ in converted]}.")
        with tf.init_scope():
            self._create_slots(var_list)
        with tf.name_scope(name, self._name) as scope:
            self._prepare()
            update_ops = [self._update(grad, var, by) for grad, var, by in converted if grad is not None]
            done = self._finish_step(update_ops, global_step, scope)
        train_op = tf.get_collection_ref(GraphKeys.TRAIN_OP)
        if done not in train_op:
            train_op.append(done)
        return done

    def _update(self, grad: Any, var: Any, processor: Any) -> Any:
        graph = get_default_graph()
        with graph.name_scope("update_" + var.op.name), graph.colocate_with(var.op):
            return processor.update_op(self, grad)

    def _finish_step(self, update_ops: list[Any], global_step: Any, scope: str) -> Operation:
        done: Any
        if global_step is None:
            done = self._finish(update_ops, scope)
        else:
            with (
                tf.control_dependencies([self._finish(update_ops, "update")]),
                get_default_graph().colocate_with(global_step.op),
            ):
                done = _add_one(global_step, scope)
        op: Operation = done.op if isinstance(done, Tensor) else done
        return op

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot `name` of a variable, or None."""
        named_slots = self._slots.get(name)
        return named_slots.get(_var_key(var)) if named_slots else None

    def get_slot_names(self) -> list[str]:
        """The names of the slots made so far, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """Slots and other variables of this optimizer in the current graph, sorted by name."""
        graph = get_default_graph()
        slots = [slot for named in self._slots.values() for slot in named.values()]
        own = [v for v in [*self._non_slot_variables(), *slots] if v._in_graph_mode and v.op.graph is graph]
        return sorted(own, key=lambda v: v.name)

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        graph = colocate_with.graph
        made = self._non_slot_dict.get((name, graph))
        if made is None:
            with get_default_graph().colocate_with(colocate_with.op):
                made = tf.Variable(
                    initial_value, name=name, trainable=False, use_resource=is_resource_variable(colocate_with)
                )
            self._non_slot_dict[name, graph] = made
        return made

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self) -> Iterable[Any]:
        return self._non_slot_dict.values()

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                raise ValueError(f"Invalid type {dtype!r} for {tensor.name}, expected: {list(valid)}.")

    # What subclasses implement.

    def _valid_dtypes(self) -> Any:
        # A set in TF, whose order shows in the error's text; this is that order.
        return [tf.float32, tf.float64, tf.float16, tf.bfloat16]

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Makes the slots of the variables; none by default."""
        for v in var_list:
            for slot in self._zero_slots:
                self._zeros_slot(v, slot, self._name)

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        """The hyper-parameters by input name, as tensors of `dtype`."""
        raise NotImplementedError

    def _operation(self) -> str:
        """What follows `Apply` in the op type."""
        return self._kernel

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking}

    def _apply(self, kind: str, var: Any, dtype: DType, gradient: dict[str, Any]) -> Any:
        variables = {"var": var} | {arg: self.get_slot(var, name) for arg, name in self._slot_inputs.items()}
        cells = {arg: v.handle if kind[0] == "R" else _reference(v) for arg, v in variables.items()}
        arguments = self._arguments(dtype if self._converts_always or kind == "ResourceSparseApply" else None)
        inputs = {**cells, **arguments, **gradient, **self._attributes()}
        made = apply_op(kind + self._operation(), None, **inputs)
        return made.op if isinstance(made, Tensor) else made

    def _prepare(self) -> None:
        """Makes the tensors that all updates use, in the scope of the application."""

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return self._apply("Apply", var, var.dtype.base_dtype, {self._dense_gradient: grad})

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        return self._apply("ResourceApply", handle, grad.dtype.base_dtype, {self._dense_gradient: grad})

    def _resource_apply_sparse_duplicate_indices(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        padded = _tolerates_padding(self._resource_apply_sparse)
        summed_grad, unique_indices = _deduplicate_indexed_slices(grad, indices, padded)
        return self._resource_apply_sparse(summed_grad, handle, unique_indices)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        return self._apply("ResourceSparseApply", handle, grad.dtype.base_dtype, {"grad": grad, "indices": indices})

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        padded = _tolerates_padding(self._apply_sparse)
        summed_values, unique_indices = _deduplicate_indexed_slices(grad.values, grad.indices, padded)
        return self._apply_sparse(
            IndexedSlices(indices=unique_indices, values=summed_values, dense_shape=grad.dense_shape), var
        )

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        rows = {"grad": grad.values, "indices": grad.indices}
        return self._apply("SparseApply", var, var.dtype.base_dtype, rows)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        return tf.group(*update_ops, name=name_scope)

    # What subclasses use.

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _slot(self, var: Any, slot_name: str, make: Callable[[], Any]) -> Any:
        named_slots = self._slot_dict(slot_name)
        key = _var_key(var)
        if key not in named_slots:
            named_slots[key] = make()
        return named_slots[key]

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slot_creator.create_slot(var, val, op_name))

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        def make() -> Any:
            return slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)

        return self._slot(var, slot_name, make)

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        return self._slot(var, slot_name, lambda: slot_creator.create_zeros_slot(var, op_name))

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param


def _check_gate(gate_gradients: Any) -> None:
    if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
        raise ValueError(
            "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  "
            f"Not {gate_gradients}"
        )


def _variables_to_optimize(var_list: Any) -> list[Any]:
    if var_list is None:
        found = tf.trainable_variables() + tf.get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
    else:
        found = nest.flatten(var_list)
    return list(found) + list(tf.get_collection(GraphKeys._STREAMING_MODEL_PORTS))


def _as_gradient(grad: Any) -> Any:
    if grad is None:
        return None
    try:
        converted = convert_to_tensor_or_indexed_slices(grad)
    except TypeError:
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad}") from None
    if not isinstance(converted, (Tensor, IndexedSlices)):
        raise TypeError(f"Gradient must be a Tensor, IndexedSlices, or None: {converted}")
    return converted


def _add_one(global_step: Any, name: str) -> Any:
    if not is_resource_variable(global_step):
        return tf.assign_add(global_step, 1, name=name)
    # TF makes this constant before it enters the scope of the assignment.
    one = tf.convert_to_tensor(1, dtype=global_step.dtype)
    return apply_op("AssignAddVariableOp", name, resource=global_step.handle, value=one)
