"""Nested structures."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from retrograph.framework import data_nest, nest

Pair = collections.namedtuple("Pair", ["b", "a"])

STRUCTURES = [
    1,
    "text",
    [1, 2],
    (1, [2, (3,)]),
    {"b": 1, "a": [2, 3]},
    collections.OrderedDict([("b", 1), ("a", (2,))]),
    Pair(1, [2, Pair(3, 4)]),
    [[], (), {}],
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_packing_the_leaves_gives_the_structure_back(structure: Any) -> None:
    assert nest.pack_sequence_as(structure, nest.flatten(structure)) == structure


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_paths_are_as_many_as_leaves(structure: Any) -> None:
    assert len(list(nest.yield_flat_paths(structure))) == len(nest.flatten(structure))


def test_dicts_flatten_by_sorted_key_and_namedtuples_by_field() -> None:
    assert nest.flatten({"b": 1, "a": 2}) == [2, 1]
    assert nest.flatten(Pair(1, 2)) == [1, 2]
    assert list(nest.yield_flat_paths({"x": Pair(1, [2])})) == [("x", "b"), ("x", "a", 0)]


def test_keys_must_sort() -> None:
    with pytest.raises(TypeError, match="nest only supports dicts with sortable keys"):
        nest.flatten({1: 0, "a": 1})


def test_packing_needs_as_many_leaves() -> None:
    with pytest.raises(ValueError, match="Structure had 2 elements, but flat_sequence had 3 elements"):
        nest.pack_sequence_as([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"Structure is a scalar but len\(flat_sequence\) == 2 > 1"):
        nest.pack_sequence_as(1, [1, 2])


@pytest.mark.parametrize(
    ("one", "other", "error", "text"),
    [
        ([1], (1,), TypeError, "don't have the same sequence type"),
        ([1, 2], [1], ValueError, "don't have the same number of elements"),
        ([1, [2]], [1, 2], ValueError, "is a sequence, while substructure"),
        ({"a": 1}, {"b": 1}, ValueError, "don't have the same set of keys"),
    ],
)
def test_differences_are_told_in_tensorflows_words(one: Any, other: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        nest.assert_same_structure(one, other)
    assert "Entire first structure:" in str(caught.value)


def test_map_structure_takes_several() -> None:
    assert nest.map_structure(lambda x, y: x + y, {"a": 1}, {"a": 2}) == {"a": 3}
    assert nest.map_structure(lambda x, y: x + y, [1], (2,), check_types=False) == [3]
    with pytest.raises(ValueError, match="Only valid keyword arguments"):
        nest.map_structure(str, [1], wrong=True)


def test_up_to_a_shallow_structure() -> None:
    assert nest.flatten_up_to([0, 0], [[1, 2], 3]) == [[1, 2], 3]
    assert nest.map_structure_up_to({"a": 0}, len, {"a": [1, 2]}) == {"a": 2}
    with pytest.raises(TypeError, match="If shallow structure is a sequence, input must also be a sequence"):
        nest.flatten_up_to([0], 1)
    with pytest.raises(ValueError, match="don't have the same sequence length"):
        nest.flatten_up_to([0], [1, 2])


def test_lists_are_leaves_for_datasets() -> None:
    assert data_nest.flatten(([1, 2], 3)) == [[1, 2], 3]
    assert data_nest.map_structure(len, ([1, 2], {"a": [3]})) == (2, {"a": 1})
