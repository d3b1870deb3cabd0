"""Conditions that may be known while the graph is built: then only the branch taken is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import static_value
from retrograph.ops.cond import case_with, cond


@export("contrib.framework.smart_constant_value")
def smart_constant_value(pred: Any) -> Any:
    """The value of a condition known while building, or None. `pred`: `bool[]` tensor, bool, 0 or 1.

    >>> smart_constant_value(1)
    True

    Raises TypeError for anything else. Source: TF 1.15 `tf.contrib.framework.smart_constant_value`.
    """
    if isinstance(pred, Tensor):
        return static_value(pred)
    if isinstance(pred, (bool, int)) and pred in (0, 1):
        return bool(pred)
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")


@export("contrib.framework.smart_cond")
def smart_cond(
    pred: Any, true_fn: Callable[[], Any] | None = None, false_fn: Callable[[], Any] | None = None, name: Any = None
) -> Any:
    """What `true_fn()` or `false_fn()` gives where the condition is known while building, else `tf.cond` of them.

    Raises TypeError if a function is none. Source: TF 1.15 `tf.contrib.framework.smart_cond`.
    """
    if not callable(true_fn):
        raise TypeError("`true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("`false_fn` must be callable.")
    value = smart_constant_value(pred)
    if value is None:
        return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if value else false_fn()


@export("contrib.framework.smart_case")
def smart_case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, name: str = "smart_case"
) -> Any:
    """`tf.case` that leaves out the branches which are known not to be taken.

    Source: TF 1.15 `tf.contrib.framework.smart_case`.
    """
    return case_with(smart_cond, pred_fn_pairs, default, exclusive, name, allow_python_preds=True)
