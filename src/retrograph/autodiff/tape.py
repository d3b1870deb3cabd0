"""`tf.GradientTape` in a graph: `tf.gradients` of what was built inside the block."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.autodiff.gradients import UnconnectedGradients
from retrograph.framework import nest
from retrograph.framework.exports import export


@export("GradientTape")
class GradientTape:
    """Gives gradients with respect to variables and watched tensors.

    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x)

    Differs: the graph itself is the record, so that operations made outside the block count too.
    Source: TF 1.15 `tf.GradientTape`.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._watched: list[Any] = []
        self._first = 0
        self._recorded = False
        self._used = False

    def __enter__(self) -> GradientTape:
        if self._recorded:
            raise ValueError("Tape is already recording.")
        self._recorded = True
        self._first = tf.get_default_graph().version
        return self

    def __exit__(self, *exc: object) -> None:
        self._recorded = False

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to `tensor` (or a structure of tensors) available."""
        self._watched.extend(nest.flatten(tensor))

    def watched_variables(self) -> tuple[Any, ...]:
        """The trainable variables that operations of the block read, in order of creation."""
        graph = tf.get_default_graph()
        read = {t.op for op in graph.get_operations()[self._first :] for t in op.inputs}
        through = {t.op for op in read for t in op.inputs}
        known = [v for v in self._watched if isinstance(v, tf.Variable)]
        used = [v for v in tf.trainable_variables() if v.op in read or v.op in through]
        return tuple(used if self._watch_accessed_variables else known)

    def reset(self) -> None:
        """Forgets what was watched and recorded."""
        self._watched.clear()
        self._first = tf.get_default_graph().version

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """d target / d source for each of `sources`, in their structure.

        Raises: RuntimeError when asked twice of a tape that is not persistent.
        Source: TF 1.15 `tf.GradientTape.gradient`.
        """
        if self._used and not self._persistent:
            raise RuntimeError("GradientTape.gradient can only be called once on non-persistent tapes.")
        self._used = True
        flat = nest.flatten(sources)
        grad_ys = None if output_gradients is None else nest.flatten(output_gradients)
        grads = tf.gradients(nest.flatten(target), flat, grad_ys=grad_ys, unconnected_gradients=unconnected_gradients)
        return nest.pack_sequence_as(
            sources, [g if g is None or self._watches(x) else None for g, x in zip(grads, flat, strict=True)]
        )

    def _watches(self, source: Any) -> bool:
        if any(source is x for x in self._watched):
            return True
        if isinstance(source, tf.Variable):
            return self._watch_accessed_variables
        return isinstance(source, tf.Tensor) and self._is_computed(source)

    def _is_computed(self, source: Any) -> bool:
        """Whether a tensor is made of what is watched."""
        watched = {id(x) for x in self._watched}
        if self._watch_accessed_variables:
            watched |= {id(v._ref() if hasattr(v, "_ref") else v.handle) for v in tf.trainable_variables()}
        seen, waiting = set(), [source.op]
        while waiting:
            op = waiting.pop()
            if op in seen:
                continue
            seen.add(op)
            if any(id(t) in watched for t in op.inputs):
                return True
            waiting.extend(t.op for t in op.inputs)
        return False
