"""Nested structures: flattening, packing and comparing lists, tuples, namedtuples, dicts and attrs classes.

One walk serves both dialects of TF: `tf.nest` (`PYTHON`; with composite tensors taken apart when asked, `COMPOSITES`)
and the one of `tf.data`, where a list is a leaf (`DATA`).
"""

from __future__ import annotations

import collections
import types
from collections import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from retrograph.framework.exports import export

Path = tuple[Any, ...]

# Programs and tests that compare texts know these by TF's names.
_SHALLOW_TREE_HAS_INVALID_KEYS = (
    "The shallow_tree's keys are not a subset of the input_tree's keys. The shallow_tree has the following keys that are "
    "not in the input_tree: {}."
)
_STRUCTURES_HAVE_MISMATCHING_TYPES = (
    "The two structures don't have the same sequence type. Input structure has type {input_type}, while shallow structure "
    "has type {shallow_type}."
)
_STRUCTURES_HAVE_MISMATCHING_LENGTHS = (
    "The two structures don't have the same sequence length. Input structure has length {input_length}, while shallow "
    "structure has length {shallow_length}."
)
_INPUT_TREE_SMALLER_THAN_SHALLOW_TREE = (
    "The input_tree has fewer elements than the shallow_tree. Input structure has length {input_size}, while shallow "
    "structure has length {shallow_size}."
)
_IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ = (
    "If shallow structure is a sequence, input must also be a sequence. Input has type: {}."
)


def is_namedtuple(value: Any, strict: bool = False) -> bool:
    """True for an instance of a namedtuple class (`strict`: of that class itself, not of a subclass)."""
    if not isinstance(value, tuple) or (strict and type(value).__base__ is not tuple):
        return False
    fields = getattr(value, "_fields", None)
    return isinstance(fields, abc.Sequence) and all(isinstance(field, str) for field in fields)


def _is_attrs(value: Any) -> bool:
    return hasattr(type(value), "__attrs_attrs__")


def _is_composite(value: Any) -> bool:
    return hasattr(type(value), "_type_spec") and not isinstance(value, type)


def _is_type_spec(value: Any) -> bool:
    """True for the spec of a value made of several; that of one tensor stands for itself."""
    kind = type(value)
    return hasattr(kind, "_component_specs") and hasattr(kind, "_from_components") and not hasattr(kind, "_one_tensor")


def _is_sparse_value(value: Any) -> bool:
    return type(value).__name__ == "SparseTensorValue" and is_namedtuple(value)


def is_sequence(value: Any) -> bool:
    """True for what `flatten` takes apart: sequences except strings, mappings, mapping views and attrs classes.

    >>> is_sequence([1]), is_sequence("ab"), is_sequence({"a": 1})
    (True, False, True)
    """
    if isinstance(value, (str, bytes, bytearray)):
        return False
    return isinstance(value, (abc.Sequence, abc.Mapping, abc.MappingView)) or _is_attrs(value)


def is_sequence_or_composite(value: Any) -> bool:
    """Like `is_sequence`, and true for composite tensors (sparse, ragged) and their type specs."""
    return is_sequence(value) or _is_composite(value) or _is_type_spec(value)


def _is_data_sequence(value: Any) -> bool:
    return is_sequence(value) and not isinstance(value, list) and not _is_sparse_value(value)


@dataclass(frozen=True)
class Dialect:
    """What a walk takes apart, and whether composite tensors count as structure."""

    is_sequence: Callable[[Any], bool]
    composites: bool = False


PYTHON = Dialect(is_sequence)
COMPOSITES = Dialect(is_sequence_or_composite, composites=True)
DATA = Dialect(_is_data_sequence)


def _dialect(expand_composites: bool) -> Dialect:
    return COMPOSITES if expand_composites else PYTHON


def _sorted_keys(mapping: Any) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.")


def _items(structure: Any) -> Iterator[tuple[Any, Any]]:
    """(key, child) pairs of one level, mappings by sorted key so that equal dicts flatten alike."""
    if isinstance(structure, abc.Mapping):
        return ((key, structure[key]) for key in _sorted_keys(structure))
    if _is_attrs(structure):
        return ((field.name, getattr(structure, field.name)) for field in type(structure).__attrs_attrs__)
    if is_namedtuple(structure):
        return ((field, getattr(structure, field)) for field in structure._fields)
    if _is_composite(structure):
        return iter([(type(structure).__name__, structure._type_spec._to_components(structure))])
    if _is_type_spec(structure):
        return iter([(structure.value_type.__name__, structure._component_specs)])
    return enumerate(structure)


def _children(structure: Any) -> Iterator[Any]:
    return (child for _, child in _items(structure))


def _default_factory(mapping: Any) -> Any:
    return mapping.default_factory


def _like(structure: Any, children: list[Any]) -> Any:
    """`children` in a container of the kind of `structure`."""
    kind: Any = type(structure)
    if isinstance(structure, abc.Mapping):
        by_key = dict(zip(_sorted_keys(structure), children, strict=False))
        pairs = [(key, by_key[key]) for key in structure]
        if kind is collections.defaultdict:
            return kind(_default_factory(structure), pairs)
        if kind is types.MappingProxyType:
            return kind(dict(pairs))
        return kind(pairs)
    if isinstance(structure, (abc.MappingView, range)):
        return list(children)
    if is_namedtuple(structure) or _is_attrs(structure):
        return kind(*children)
    if _is_composite(structure):
        return structure._type_spec._from_components(children[0])
    if _is_type_spec(structure):
        return structure._from_components(children[0])
    return kind(children)


def _flatten(structure: Any, dialect: Dialect) -> list[Any]:
    if not dialect.is_sequence(structure):
        return [structure]
    flat: list[Any] = []
    for child in _children(structure):
        flat += _flatten(child, dialect)
    return flat


def _pack(structure: Any, leaves: Iterator[Any], dialect: Dialect) -> Any:
    if not dialect.is_sequence(structure):
        return next(leaves)
    return _like(structure, [_pack(child, leaves, dialect) for child in _children(structure)])


def pack(structure: Any, flat_sequence: Any, dialect: Dialect) -> Any:
    """`flat_sequence` arranged as `structure` in the given dialect."""
    if not is_sequence_or_composite(flat_sequence):
        raise TypeError("flat_sequence must be a sequence")
    values = list(flat_sequence)
    if not dialect.is_sequence(structure):
        if len(values) != 1:
            raise ValueError(f"Structure is a scalar but len(flat_sequence) == {len(values)} > 1")
        return values[0]
    expected = _flatten(structure, dialect)
    if len(expected) != len(values):
        raise ValueError(
            f"Could not pack sequence. Structure had {len(expected)} elements, but flat_sequence had {len(values)} "
            f"elements.  Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _pack(structure, iter(values), dialect)


@export("nest.is_nested", "contrib.framework.nest.is_sequence")
def is_nested(seq: Any) -> bool:
    """True if `seq` is a structure: a sequence other than a string, or a dict.

    >>> is_nested((1, 2)), is_nested(3)
    (True, False)

    Source: TF 1.15 `tf.nest.is_nested`.
    """
    return is_sequence(seq)


@export("nest.flatten", "contrib.framework.nest.flatten")
def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of a structure in order, dicts by sorted key.

    >>> flatten({"b": 2, "a": [1, (3,)]})
    [1, 3, 2]

    Raises TypeError for dicts with keys that do not sort. Source: TF 1.15 `tf.nest.flatten`.
    """
    return _flatten(structure, _dialect(expand_composites))


@export("nest.pack_sequence_as", "contrib.framework.nest.pack_sequence_as")
def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """The values of `flat_sequence` arranged as `structure`.

    >>> pack_sequence_as({"b": 0, "a": [0]}, [1, 2])
    {'b': 2, 'a': [1]}

    Raises ValueError if the numbers of leaves differ. Source: TF 1.15 `tf.nest.pack_sequence_as`.
    """
    return pack(structure, flat_sequence, _dialect(expand_composites))


@export("nest.map_structure", "contrib.framework.nest.map_structure")
def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The structure of `func(leaf of the first, leaf of the second, ...)`.

    >>> map_structure(lambda x, y: x + y, [1, (2,)], [10, (20,)])
    [11, (22,)]

    `check_types=False` lets a list stand beside a tuple. Raises ValueError or TypeError where the structures differ.
    Source: TF 1.15 `tf.nest.map_structure`.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        names = "`, `".join(kwargs)
        raise ValueError(f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{names}`")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types, expand_composites=expand_composites)
    columns = [flatten(one, expand_composites) for one in structure]
    return pack_sequence_as(structure[0], [func(*row) for row in zip(*columns, strict=True)], expand_composites)


class _Dot:
    def __repr__(self) -> str:
        return "."


_DOT = _Dot()


def _same_namedtuples(first: Any, second: Any) -> bool:
    return bool(first._fields == second._fields and type(first).__name__ == type(second).__name__)


def _types_agree(first: Any, second: Any, dialect: Dialect) -> bool:
    if is_namedtuple(first, strict=True) and is_namedtuple(second, strict=True):
        return _same_namedtuples(first, second)
    if type(first) is type(second):
        return True
    either = (list, abc.Mapping)
    if any(isinstance(first, kind) and isinstance(second, kind) for kind in either):
        return True
    specs = _is_type_spec(first) or _is_type_spec(second)
    return dialect.composites and specs and (_is_composite(first) or _is_composite(second))


def _text(value: Any) -> str:
    return f"type={type(value).__name__} str={value}"


def _spec_of(value: Any) -> Any:
    return value._type_spec if _is_composite(value) else value


def _specs_agree(first: Any, second: Any) -> bool:
    try:
        _spec_of(first).most_specific_compatible_type(_spec_of(second))
    except Exception:
        return False
    return True


def _type_difference(first: Any, second: Any, dialect: Dialect) -> Exception | None:
    if not _types_agree(first, second, dialect):
        return TypeError(
            f"The two namedtuples don't have the same sequence type. First structure {_text(first)} has type "
            f"{type(first).__name__}, while second structure {_text(second)} has type {type(second).__name__}"
        )
    if isinstance(first, abc.Mapping) and set(first) != set(second):
        return ValueError(
            f"The two dictionaries don't have the same set of keys. First structure has keys {list(first)}, while second "
            f"structure has keys {list(second)}"
        )
    return None


def _difference(first: Any, second: Any, check_types: bool, dialect: Dialect) -> Exception | None:
    """The first difference of two structures as the exception that tells it."""
    if dialect.is_sequence(first) != dialect.is_sequence(second):
        sequence, other = (first, second) if dialect.is_sequence(first) else (second, first)
        return ValueError(f'Substructure "{_text(sequence)}" is a sequence, while substructure "{_text(other)}" is not')
    if not dialect.is_sequence(first):
        return None
    found = _type_difference(first, second, dialect) if check_types else None
    if found is not None:
        return found
    if dialect.composites and (_is_composite(first) or _is_composite(second)) and not _specs_agree(first, second):
        return ValueError(
            f"Incompatible CompositeTensor TypeSpecs: {_text(_spec_of(first))} vs. {_text(_spec_of(second))}"
        )
    ours, theirs = list(_children(first)), list(_children(second))
    for one, other in zip(ours, theirs, strict=False):
        found = _difference(one, other, check_types, dialect)
        if found is not None:
            return found
    if len(ours) != len(theirs):
        return ValueError(
            "The two structures don't have the same number of elements. "
            f"First structure: {_text(first)}. Second structure: {_text(second)}"
        )
    return None


def check_same(first: Any, second: Any, check_types: bool, dialect: Dialect) -> None:
    """Raises ValueError or TypeError if the structures differ in the given dialect."""
    found = _difference(first, second, check_types, dialect)
    if found is not None:
        raise type(found)(
            f"The two structures don't have the same nested structure.\n\nFirst structure: {_text(first)}\n\n"
            f"Second structure: {_text(second)}\n\nMore specifically: {found}"
        )


@export("nest.assert_same_structure", "contrib.framework.nest.assert_same_structure")
def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises if two structures are not nested in the same way.

    ValueError: another number or depth of elements, other keys. TypeError (with `check_types`): another sequence type;
    namedtuples of one name and fields are one type. Source: TF 1.15 `tf.nest.assert_same_structure`.
    """
    try:
        check_same(nest1, nest2, check_types, _dialect(expand_composites))
    except (ValueError, TypeError) as error:
        dotted = [map_structure(lambda _: _DOT, nest) for nest in (nest1, nest2)]
        raise type(error)(
            f"{error}\nEntire first structure:\n{dotted[0]}\nEntire second structure:\n{dotted[1]}"
        ) from None


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """A dict with keys and values flattened alike: `{(4, 5): ("a", "b")}` gives `{4: "a", 5: "b"}`.

    Raises TypeError if it is no dict, ValueError where a key and its value differ in length or a key comes twice.
    """
    if not isinstance(dictionary, abc.Mapping):
        raise TypeError("input must be a dictionary")
    result: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys, values = (flatten(key), flatten(value)) if is_sequence(key) else ([key], [value])
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} elements. "
                f"Key: {keys}, value: {values}."
            )
        for one, item in zip(keys, values, strict=True):
            if one in result:
                raise ValueError(f"Could not flatten dictionary: key {one} is not unique.")
            result[one] = item
    return result


def _walk_up_to(shallow: Any, tree: Any, dialect: Dialect, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not dialect.is_sequence(shallow):
        yield path, tree
        return
    children = dict(_items(tree))
    for key, child in _items(shallow):
        yield from _walk_up_to(child, children[key], dialect, (*path, key))


def _types_differ(shallow: Any, tree: Any) -> TypeError:
    return TypeError(_STRUCTURES_HAVE_MISMATCHING_TYPES.format(input_type=type(tree), shallow_type=type(shallow)))


def _shallow_types(shallow: Any, tree: Any) -> None:
    """Raises TypeError unless `tree` is of the type of `shallow`, or as good as that."""
    if isinstance(tree, type(shallow)):
        return
    if is_namedtuple(shallow) and is_namedtuple(tree):
        same = _same_namedtuples(shallow, tree)
    else:
        same = isinstance(shallow, abc.Mapping) and isinstance(tree, abc.Mapping)
        same = same or (any(map(_is_composite, (shallow, tree))) and any(map(_is_type_spec, (shallow, tree))))
    if not same:
        raise _types_differ(shallow, tree)


def _shallow_specs(shallow: Any, tree: Any) -> None:
    pair = (shallow, tree)
    if not all(_is_composite(one) or _is_type_spec(one) for one in pair):
        raise _types_differ(shallow, tree)
    if not _specs_agree(shallow, tree):
        raise ValueError(f"Incompatible CompositeTensor TypeSpecs: {_spec_of(shallow)} vs. {_spec_of(tree)}")


def _shallow_lengths(shallow: Any, tree: Any, exact: bool) -> None:
    if exact and len(tree) != len(shallow):
        raise ValueError(
            _STRUCTURES_HAVE_MISMATCHING_LENGTHS.format(input_length=len(tree), shallow_length=len(shallow))
        )
    if len(tree) < len(shallow):
        raise ValueError(_INPUT_TREE_SMALLER_THAN_SHALLOW_TREE.format(input_size=len(tree), shallow_size=len(shallow)))


def check_shallow(shallow: Any, tree: Any, check_types: bool, dialect: Dialect, exact: bool = True) -> None:
    """Raises unless `tree` can be made from `shallow` by replacing its leaves, in the given dialect."""
    if not dialect.is_sequence(shallow):
        return
    if not dialect.is_sequence(tree):
        raise TypeError(_IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ.format(type(tree)))
    if check_types:
        _shallow_types(shallow, tree)
    if _is_composite(shallow) or _is_composite(tree):
        _shallow_specs(shallow, tree)
    elif _is_type_spec(shallow):
        if not _is_type_spec(tree):
            raise TypeError(
                f"If shallow structure is a TypeSpec, input must also be a TypeSpec.  Input has type: {type(tree)}."
            )
    else:
        _shallow_lengths(shallow, tree, exact)
    if isinstance(shallow, abc.Mapping):
        absent = set(shallow) - set(tree)
        if absent:
            raise ValueError(_SHALLOW_TREE_HAS_INVALID_KEYS.format(sorted(absent)))
    for one, other in zip(_children(shallow), _children(tree), strict=False):
        check_shallow(one, other, check_types, dialect, exact)


def assert_shallow_structure(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> None:
    """Raises unless `input_tree` is `shallow_tree` with deeper structures in place of leaves.

    TypeError: a leaf where a sequence should be, another type. ValueError: another length, missing keys.
    """
    check_shallow(shallow_tree, input_tree, check_types, _dialect(expand_composites), check_subtrees_length)


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[tuple[Path, Any]]:
    """(path, subtree) pairs of `input_tree`, going no deeper than `shallow_tree` does."""
    assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length)
    return list(_walk_up_to(shallow_tree, input_tree, _dialect(expand_composites)))


@export("contrib.framework.nest.flatten_up_to")
def flatten_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[Any]:
    """The subtrees of `input_tree` at the leaves of `shallow_tree`.

    >>> flatten_up_to([0, 0], [[1, 2], 3])
    [[1, 2], 3]

    Source: TF 1.15 `tf.contrib.framework.nest.flatten_up_to`.
    """
    pairs = flatten_with_tuple_paths_up_to(
        shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length
    )
    return [value for _, value in pairs]


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """`func(path, subtree of each input)` at each leaf of `shallow_tree`, in its structure."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    options = {
        "check_types": kwargs.pop("check_types", True),
        "expand_composites": kwargs.pop("expand_composites", False),
        "check_subtrees_length": kwargs.pop("check_subtrees_length", True),
    }
    columns = [flatten_with_tuple_paths_up_to(shallow_tree, tree, **options) for tree in inputs]
    results = [func(row[0][0], *(value for _, value in row), **kwargs) for row in zip(*columns, strict=True)]
    return pack_sequence_as(shallow_tree, results, expand_composites=options["expand_composites"])


@export("contrib.framework.nest.map_structure_up_to")
def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """`func(subtree of each input)` at each leaf of `shallow_tree`, in its structure.

    >>> map_structure_up_to([0, 0], len, [[1, 2], [3]])
    [2, 1]

    Source: TF 1.15 `tf.contrib.framework.nest.map_structure_up_to`.
    """
    return map_structure_with_tuple_paths_up_to(
        shallow_tree, lambda _, *values, **rest: func(*values, **rest), *inputs, **kwargs
    )


def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """`map_structure` with the path of the leaf, a tuple, as first argument."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """`map_structure` with the path of the leaf, joined by slashes, as first argument."""

    def with_string(path: Path, *values: Any, **rest: Any) -> Any:
        return func("/".join(map(str, path)), *values, **rest)

    return map_structure_with_tuple_paths_up_to(structure[0], with_string, *structure, **kwargs)


def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[Path]:
    """The path of each leaf, in the order of `flatten`.

    >>> list(yield_flat_paths({"a": [3, 4]}))
    [('a', 0), ('a', 1)]
    """
    return (path for path, _ in _walk_up_to(nest, nest, _dialect(expand_composites)))


def flatten_with_tuple_paths(structure: Any, expand_composites: bool = False) -> list[tuple[Path, Any]]:
    """(path, leaf) pairs in the order of `flatten`."""
    return list(_walk_up_to(structure, structure, _dialect(expand_composites)))


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """(path joined by `separator`, leaf) pairs in the order of `flatten`."""
    pairs = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in pairs]


def _traverse_level(traverse_fn: Callable[[Any], Any], structure: Any, chosen: Any, expand: bool) -> list[Any]:
    level = []
    for flag, branch in zip(_children(chosen), _children(structure), strict=False):
        if not isinstance(flag, bool):
            raise TypeError(
                f"traverse_fn didn't return a depth=1 structure of bools.  saw: {chosen}  for structure: {structure}"
            )
        level.append(get_traverse_shallow_structure(traverse_fn, branch, expand) if flag else False)
    return level


def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """A shallow structure of bools, by what `traverse_fn` says of each subtree (a bool, or one for each child)."""
    is_seq = _dialect(expand_composites).is_sequence
    chosen = traverse_fn(structure)
    if not is_seq(structure):
        if not isinstance(chosen, bool):
            raise TypeError(f"traverse_fn returned structure: {chosen} for non-structure: {structure}")
        return chosen
    if isinstance(chosen, bool):
        if not chosen:
            return False
        branches = [get_traverse_shallow_structure(traverse_fn, b, expand_composites) for b in _children(structure)]
        return _like(structure, branches)
    if not is_seq(chosen):
        raise TypeError(f"traverse_fn returned a non-bool scalar: {chosen} for input: {structure}")
    assert_shallow_structure(chosen, structure, expand_composites=expand_composites)
    return _like(structure, _traverse_level(traverse_fn, structure, chosen, expand_composites))
