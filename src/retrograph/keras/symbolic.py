"""Which values are tensors to Keras: tensors of graphs, and types that libraries name (distributions as layers' outputs)."""

from __future__ import annotations

from typing import Any

import retrograph as tf

_types: list[type] = []


def register_symbolic_tensor_type(cls: type) -> None:
    """Values of this class go through layers as tensors do; they need a tensor conversion function.

    Source: TF 1.15 `tensorflow.python.keras.utils.tf_utils.register_symbolic_tensor_type`.
    """
    if cls not in _types:
        _types.append(cls)


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether a value is a tensor of a graph, a variable among them, or of a registered class.

    Source: TF 1.15 `tensorflow.python.keras.utils.tf_utils.is_symbolic_tensor`.
    """
    return isinstance(tensor, (tf.Tensor, tf.Variable, tf.SparseTensor, tf.RaggedTensor, *_types))


def are_all_symbolic_tensors(tensors: Any) -> bool:
    """Whether all values are. Source: TF 1.15 `tensorflow.python.keras.utils.tf_utils.are_all_symbolic_tensors`."""
    return all(is_symbolic_tensor(tensor) for tensor in tensors)


def get_reachable_from_inputs(inputs: Any, targets: Any = None) -> set[Any]:
    """`inputs` and the tensors and operations that depend on them; no further than until all `targets` are among them.

    Raises TypeError: something is no tensor, operation or variable.
    Source: TF 1.15 `tensorflow.python.keras.utils.tf_utils.get_reachable_from_inputs`.
    """
    waiting = tf.nest.flatten(inputs)
    reached, wanted = set(waiting), set(tf.nest.flatten(targets)) if targets else None
    while waiting:
        found = [item for item in _takers(waiting.pop()) if item not in reached]
        reached.update(found)
        waiting[:0] = found
        if wanted is not None and wanted <= reached:
            break
    return reached


def _takers(item: Any) -> list[Any]:
    if isinstance(item, tf.Operation):
        return [*item.outputs, *item._control_outputs]
    if isinstance(item, tf.Variable):
        return [item.op]
    if isinstance(item, tf.Tensor):
        return list(item.consumers())
    raise TypeError(f"Expected Operation, Variable, or Tensor, got {item}")
