"""Nested structures as `tf.data` sees them: a list is one value (it becomes a tensor), only tuples and dicts nest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from retrograph.framework import nest

is_sequence = nest.DATA.is_sequence


def flatten(nest_: Any) -> list[Any]:
    """The leaves in order.

    >>> flatten(([1, 2], {"a": 3}))
    [[1, 2], 3]
    """
    return nest._flatten(nest_, nest.DATA)


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The values of `flat_sequence` arranged as `structure`; ValueError if the numbers of leaves differ."""
    return nest.pack(structure, flat_sequence, nest.DATA)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raises ValueError or TypeError if two structures are not nested in the same way."""
    nest.check_same(nest1, nest2, check_types, nest.DATA)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The structure of `func(leaf of the first, leaf of the second, ...)`."""
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    if kwargs:
        raise ValueError("Only valid keyword argument is check_types")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    columns = map(flatten, structure)
    return pack_sequence_as(structure[0], [func(*row) for row in zip(*columns, strict=True)])


def _check_keys(shallow: Any, tree: Any) -> None:
    if isinstance(shallow, dict) and set(shallow) != set(tree):
        raise ValueError(
            f"The two structures don't have the same keys. Input structure has keys {list(tree)}, while shallow structure has keys {list(shallow)}."
        )


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """Raises unless `input_tree` is `shallow_tree` with deeper structures in place of leaves."""
    if not is_sequence(shallow_tree):
        return
    if not is_sequence(input_tree):
        raise TypeError(nest._IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ.format(type(input_tree)))
    if check_types and not isinstance(input_tree, type(shallow_tree)):
        raise nest._types_differ(shallow_tree, input_tree)
    nest._shallow_lengths(shallow_tree, input_tree, exact=True)
    if check_types:
        _check_keys(shallow_tree, input_tree)
    for shallow, tree in zip(nest._children(shallow_tree), nest._children(input_tree), strict=True):
        assert_shallow_structure(shallow, tree, check_types)


def _walk_up_to(shallow: Any, tree: Any) -> Iterator[Any]:
    if not is_sequence(shallow):
        yield tree
        return
    for one, other in zip(nest._children(shallow), nest._children(tree), strict=True):
        yield from _walk_up_to(one, other)


def flatten_up_to(shallow_tree: Any, input_tree: Any) -> list[Any]:
    """The subtrees of `input_tree` at the leaves of `shallow_tree`."""
    assert_shallow_structure(shallow_tree, input_tree)
    return list(_walk_up_to(shallow_tree, input_tree))


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any) -> Any:
    """`func(subtree of each input)` at each leaf of `shallow_tree`, in its structure."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    columns = [flatten_up_to(shallow_tree, tree) for tree in inputs]
    return pack_sequence_as(shallow_tree, [func(*row) for row in zip(*columns, strict=True)])
