"""The operations of optional values: an element, or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.data.host.engine import Element, boxed, invalid
from retrograph.data.host.iterators import _element_shapes, _find, check_elements
from retrograph.framework import dtypes, errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape_rules import scalar
from retrograph.ops.array import zeros_like_variant


class HostOptional:
    """An element, or None."""

    def __init__(self, element: Element | None):
        self.element = element

    def __add__(self, other: HostOptional) -> HostOptional:
        if self.element is None or other.element is None:
            if self.element is not other.element:
                raise errors.InvalidArgumentError(
                    None, None, "Cannot add optionals because one has a value and the other doesn't."
                )
            return HostOptional(None)
        return HostOptional(tuple(np.asarray(a + b) for a, b in zip(self.element, other.element, strict=True)))

    def zeros_like(self) -> HostOptional:
        """An optional of zeros, or none."""
        return HostOptional(None if self.element is None else tuple(map(zeros_like_variant, self.element)))


def _type_of(value: Any) -> Any:
    return dtypes.string if value.dtype == object else dtypes.as_dtype(value.dtype)


def _from_value(op: Any, *components: Any) -> Any:
    return boxed(HostOptional(components))


def _get_value(op: Any, optional: Any) -> Element:
    element = optional.item().element
    if element is None:
        raise invalid("The given optional does not have a value.", op)
    types = [t._base for t in op._attrs["output_types"]]
    found = [t if t.name == "variant" else _type_of(v) for t, v in zip(types, element, strict=False)]
    check_elements(types, op._attrs["output_shapes"], found, [np.shape(v) for v in element], op)
    return element  # type: ignore[no-any-return]


def _next(op: Any, ctx: Any, handle: Any) -> Any:
    return boxed(HostOptional(_find(ctx, handle).get_next()))


def _row(op_type: str, rule: Any, run: Any, **more: Any) -> None:
    register_op(op_type, shape=rule, numpy=run, host=True, gradient=NO_GRADIENT, **more)


_row("OptionalFromValue", scalar, _from_value)
_row("OptionalNone", scalar, lambda op: boxed(HostOptional(None)))
_row("OptionalHasValue", scalar, lambda op, optional: np.bool_(optional.item().element is not None))
_row("OptionalGetValue", _element_shapes, _get_value)
_row("IteratorGetNextAsOptional", scalar, _next, effect=True, waits=True)
