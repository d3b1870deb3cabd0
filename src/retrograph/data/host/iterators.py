"""The operations of iterators: resources of a session that go through datasets."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from retrograph.data.host.calls import Call, HostFunction
from retrograph.data.host.engine import Element, HostDataset, HostIterator, Root, invalid, unboxed
from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, compatible, to_text
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar
from retrograph.runtime.state import Ref

_NOT_INITIALIZED = (
    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer operation for "
    "this iterator before getting the next element."
)
_HANDLE = b"tf.data.Iterator:"


class IteratorResource:
    """An iterator as a session holds it."""

    def __init__(self, op: Any):
        self.types = [t._base for t in op._attrs["output_types"]]
        self.shapes: list[Shape] = op._attrs["output_shapes"]
        self.iterator: HostIterator | None = None
        self.lock = threading.RLock()

    def start(self, dataset: HostDataset, session: Any, op: Any) -> None:
        """Goes through a dataset from its start. InvalidArgumentError: its elements are others."""
        check_elements(self.types, self.shapes, dataset.types, dataset.shapes, op)
        iterator = dataset.iterator(Root(_outermost(session)), "Iterator")
        with self.lock:
            self.iterator = iterator

    def get_next(self) -> Element | None:
        """The next element. FailedPreconditionError: not started."""
        with self.lock:
            if self.iterator is None:
                raise errors.FailedPreconditionError(None, None, _NOT_INITIALIZED)
            return self.iterator.get_next()


def _outermost(session: Any) -> Any:
    while hasattr(session, "session"):
        session = session.session
    return session


_ENUM_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def _type_name(dtype: Any) -> str:
    return str(_ENUM_NAMES.get(dtype.name, dtype.name))


def check_elements(types: Any, shapes: Any, found_types: Any, found_shapes: Any, op: Any) -> None:
    """Raises InvalidArgumentError: elements of other numbers, types or shapes than wanted."""
    if not found_types:  # readers, whose elements are strings
        from retrograph.framework import dtypes

        found_types, found_shapes = [dtypes.string], [()]
    if len(types) != len(found_types):
        raise invalid(
            f"Number of components does not match: expected {len(types)} types but got {len(found_types)}.", op
        )
    for i, (wanted, found) in enumerate(zip(types, found_types, strict=True)):
        if wanted != found:
            raise invalid(
                f"Data type mismatch at component {i}: expected {_type_name(wanted)} but got {_type_name(found)}.", op
            )
    for i, (wanted, found) in enumerate(zip(shapes, found_shapes, strict=True)):
        if wanted is not None and found is not None and not compatible(wanted, found):
            raise invalid(
                f"Incompatible shapes at component {i}: expected {to_text(wanted)} but got {to_text(found)}.", op
            )


def _key(ref: Ref) -> Any:
    return ("iterator", ref.key)


def _find(ctx: Any, handle: Any) -> IteratorResource:
    ref = handle if isinstance(handle, Ref) else handle.reshape(-1)[0]
    try:
        found: IteratorResource = ctx.resources[_key(ref)]
    except KeyError:
        text = f"Resource localhost/{ref.key}/N10tensorflow4data16IteratorResourceE does not exist."
        raise errors.NotFoundError(None, None, text) from None
    return found


# ---- operations


def _iterator(op: Any, ctx: Any) -> Any:
    ref = Ref(op)
    found = ctx.resources.find_or_make(_key(ref), lambda _: IteratorResource(op))
    check_elements(
        [t._base for t in op._attrs["output_types"]], op._attrs["output_shapes"], found.types, found.shapes, op
    )
    return ref


def _one_shot(op: Any, ctx: Any) -> Any:
    ref = Ref(op)
    resource: IteratorResource = ctx.resources.find_or_make(_key(ref), lambda _: IteratorResource(op))
    with resource.lock:
        if resource.iterator is None:
            session = _outermost(ctx.session)
            function = HostFunction(op, "dataset_factory", ())
            dataset = unboxed(Call(function.function, (), Root(session))()[0])
            resource.start(dataset, session, op)
    return ref


def _make_iterator(op: Any, ctx: Any, dataset: Any, handle: Any) -> tuple[()]:
    _find(ctx, handle).start(unboxed(dataset), ctx.session, op)
    return ()


def _get_next(op: Any, ctx: Any, handle: Any) -> Element:
    found = _find(ctx, handle).get_next()
    if found is None:
        raise errors.OutOfRangeError(None, op, "End of sequence")
    return found


def _to_string(op: Any, ctx: Any, handle: Any) -> Any:
    ref = handle if isinstance(handle, Ref) else handle.reshape(-1)[0]
    made = np.empty((), object)
    made[()] = _HANDLE + str(ref.key).encode()
    return made


def _from_string(op: Any, ctx: Any, text: Any) -> Any:
    value = text.item() if isinstance(text, np.ndarray) else text
    if not isinstance(value, bytes) or not value.startswith(_HANDLE):
        raise invalid("Could not parse string_handle as a valid ResourceHandle", op)
    ref = Ref.__new__(Ref)
    ref.op, ref.key = op, value[len(_HANDLE) :].decode()
    found = _find(ctx, ref)
    types, shapes = op._attrs["output_types"], op._attrs["output_shapes"]
    if types:
        check_elements([t._base for t in types], shapes or [None] * len(types), found.types, found.shapes, op)
    return ref


def _element_shapes(c: ShapeContext) -> list[Shape]:
    return list(c.attr("output_shapes"))


_HOST: dict[str, Any] = {"host": True, "effect": True, "waits": True, "gradient": NO_GRADIENT}
_ITERATORS: list[tuple[str, Any, Any]] = [
    ("IteratorV2", scalar, _iterator),
    ("Iterator", scalar, _iterator),
    ("AnonymousIterator", scalar, _iterator),
    ("OneShotIterator", scalar, _one_shot),
    ("MakeIterator", no_outputs, _make_iterator),
    ("IteratorGetNext", _element_shapes, _get_next),
    ("IteratorGetNextSync", _element_shapes, _get_next),
    ("IteratorToStringHandle", scalar, _to_string),
    ("IteratorFromStringHandle", scalar, _from_string),
    ("IteratorFromStringHandleV2", scalar, _from_string),
]
for _name, _rule, _run in _ITERATORS:
    register_op(_name, shape=_rule, numpy=_run, **_HOST)


# ---- whole datasets


def _single(op: Any, ctx: Any, dataset: Any) -> Element:
    iterator = unboxed(dataset).iterator(Root(_outermost(ctx.session)), "SingleElementIterator")
    found = iterator.get_next()
    if found is None:
        raise invalid("Dataset was empty.", op)
    if iterator.get_next() is not None:
        raise invalid("Dataset had more than one element.", op)
    return found  # type: ignore[no-any-return]


def _reduce(op: Any, ctx: Any, dataset: Any, *rest: Any) -> Element:
    count = len(op._attrs["Tstate"])
    state, captured = tuple(rest[:count]), rest[count:]
    root = Root(_outermost(ctx.session))
    call = HostFunction(op, "f", captured).call(root)
    iterator = unboxed(dataset).iterator(root, "ReduceIterator")
    while (element := iterator.get_next()) is not None:
        if root.closed:
            raise errors.CancelledError(None, op, "Operation was cancelled")
        found = call(*state, *element)
        if len(found) != len(state):
            raise invalid(
                "The number of components of the initial state and the reduce function output does not match. "
                f"(initial_state={len(state)}, output={len(found)}).",
                op,
            )
        state = found
    return state


def _cardinality(op: Any, ctx: Any, dataset: Any) -> Any:
    return np.int64(unboxed(dataset).cardinality())


_WHOLE: list[tuple[str, Any, Any]] = [
    ("DatasetToSingleElement", _element_shapes, _single),
    ("ReduceDataset", _element_shapes, _reduce),
    ("DatasetCardinality", scalar, _cardinality),
    ("ExperimentalDatasetCardinality", scalar, _cardinality),
]
for _name, _rule, _run in _WHOLE:
    register_op(_name, shape=_rule, numpy=_run, **_HOST)
