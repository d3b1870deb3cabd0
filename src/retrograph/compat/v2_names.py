"""`tensorflow.compat.v2`, as TF 1.15 has it: most of its names are those of TF 1, some are functions with other arguments.

What each name is was recorded from TF 1.15.5 (`tools/record_v2.py`). A function of TF 2's form that Retrograph does not
define takes its arguments and calls TF 1's with them, by name, if that has them all. What neither gives is missing, by name.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from retrograph._exports import EXPORTS
from retrograph._namespace import resolve
from retrograph.compat import facts

PREFIX = facts.V2
MISSING: Any = facts.MISSING
_NESTED = PREFIX + "compat"
# What TF 2's form asks of TF 1's function beside its own arguments.
_FIXED: dict[str, dict[str, Any]] = {
    "cond": {"strict": True},
    "gradients": {"colocate_gradients_with_ops": True},
    "hessians": {"colocate_gradients_with_ops": True},
    "strings.split": {"result_type": "RaggedTensor"},
    "while_loop": {"return_same_structure": True},
}
_OTHER_NAMES = {
    "batch_to_space": "batch_to_space_nd",
    "device": "device",
    "nn.space_to_batch": "space_to_batch_nd",
    "random.set_seed": "set_random_seed",
    "space_to_batch": "space_to_batch_nd",
}
_OTHER_ARGUMENTS = {"nn.avg_pool2d": {"input": "value"}, "nn.convolution": {"filters": "filter"}}
# The same arguments mean something else, or seeds do.
_OF_OTHER_MEANING = frozenset(
    ("image.sample_distorted_bounding_box", "nn.fractional_avg_pool", "nn.fractional_max_pool", "nn.max_pool_with_argmax",
     "distribute.Strategy", "distribute.StrategyExtended", "test.assert_equal_graph_def")
)  # fmt: skip


@functools.cache
def namespaces() -> frozenset[str]:
    """The dotted paths below `tensorflow.compat.v2` that can be imported."""
    paths = {PREFIX + parent for name in facts.v2_rows() for parent in facts.parents(name)}
    return frozenset(paths | {PREFIX[:-1]})


def outside(path: str) -> str:
    """`tensorflow.compat.v2.compat.v1` as `tensorflow.compat.v1`, which is the same namespace."""
    return "tensorflow.compat" + path.removeprefix(_NESTED) if f"{path}.".startswith(_NESTED + ".") else path


def names_of(module: str) -> list[str]:
    """The public names directly in a namespace."""
    inside = (module + ".").removeprefix(PREFIX)
    return sorted({n[len(inside) :].partition(".")[0] for n in facts.v2_rows() if n.startswith(inside)})


def find(module: str, name: str, defined: Callable[[str, str], Any]) -> Any:
    """The object that `module.name` was, or MISSING; `defined(module, name)` finds what stands in TF's own modules."""
    symbol = f"{module}.{name}".removeprefix(PREFIX)
    row = facts.v2_rows().get(symbol)
    if row is None:
        return MISSING
    if row.startswith("="):
        return _of_v1(row[1:] or symbol)
    home, _, signature = row.partition("(")
    wanted = "(" + signature
    own = defined(*home.split(":"))
    if own is MISSING or not _takes(own, wanted):
        own = MISSING if symbol in _OF_OTHER_MEANING else _adapted(symbol, wanted)
    return own if own is MISSING else _exact(own, wanted)


def _of_v1(symbol: str) -> Any:
    return resolve(*_split(symbol)) if symbol in EXPORTS else MISSING


def _split(symbol: str) -> tuple[str, str]:
    path, _, name = symbol.rpartition(".")
    return path, name


def _parsed(signature: str) -> Any:
    plain = re.sub("<[^>]*>", "None", signature).replace("/, ", "")
    return ast.parse(f"def f{plain}: pass").body[0].args  # type: ignore[attr-defined]


def _arguments(signature: str) -> dict[str, Any]:
    """Argument -> its default as a value; None also for what is no literal or has no default."""
    spec = _parsed(signature)
    names = [a.arg for a in spec.args]
    defaults = [None] * (len(names) - len(spec.defaults)) + [_literal(d) for d in spec.defaults]
    return {n: d for n, d in zip(names, defaults, strict=True) if n != "self"}


def _default(node: ast.expr) -> Any:
    return resolve("", node.attr) if isinstance(node, ast.Attribute) else _literal(node)


def _exact(value: Any, signature: str) -> Any:
    """A function with these arguments only: TF 1's own often take old names too, and are inspected with them."""
    if inspect.isclass(value):
        return value
    names, own = _arguments(signature), list(inspect.signature(value).parameters)
    if own[: len(names)] == list(names) and len(own) > len(names):
        value = _by_name(value, names, {}, {})
    return value if hasattr(value, "__wrapped__") and not hasattr(value, "_adapts") else _showing(value, signature)


def _showing(function: Any, signature: str) -> Any:
    """The function; who inspects it sees the arguments of TF's."""
    kinds = {p.kind for p in inspect.signature(function, follow_wrapped=False).parameters.values()}
    if inspect.isclass(function) or kinds != {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return function
    spec = _parsed(signature)
    missing = [inspect.Parameter.empty] * (len(spec.args) - len(spec.defaults))
    defaults = [*missing, *map(_default, spec.defaults)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    shown = [inspect.Parameter(a.arg, kind, default=d) for a, d in zip(spec.args, defaults, strict=True)]
    function.__signature__ = inspect.Signature(shown)
    function.__dict__.pop("__wrapped__", None)
    return function


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _takes(value: Any, signature: str) -> bool:
    """Whether a function has at least these arguments, in this order."""
    try:
        own = inspect.signature(value).parameters
    except (TypeError, ValueError):
        return False
    names = list(_arguments(signature))
    if any(p.kind is p.VAR_KEYWORD for p in own.values()):
        return True
    return list(own)[: len(names)] == names


def _adapted(symbol: str, signature: str) -> Any:
    """TF 1's object of that name with the arguments of TF 2's."""
    old = _of_v1(_OTHER_NAMES.get(symbol, symbol))
    if old is MISSING:
        return MISSING
    if inspect.isclass(old):
        return old
    if symbol in ("device", "random.set_seed"):
        return old
    names, own = _arguments(signature), inspect.signature(old).parameters
    if "name" not in own:
        names.pop("name", None)
    renamed = _OTHER_ARGUMENTS.get(symbol, {})
    if not {renamed.get(n, n) for n in names} <= set(own):
        return MISSING
    return _by_name(old, names, renamed, _FIXED.get(symbol, {}))


def _by_name(
    old: Callable[..., Any], arguments: dict[str, Any], renamed: dict[str, str], fixed: dict[str, Any]
) -> Callable[..., Any]:
    """The function with the arguments in TF 2's order; defaults of None are left to TF 1's."""
    order = list(arguments)
    defaults = {n: d for n, d in arguments.items() if d is not None}

    @functools.wraps(old)
    def function(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(order):
            raise TypeError(
                f"{old.__name__}() takes from 0 to {len(order)} positional arguments but {len(args)} were given"
            )
        unknown = next((k for k in kwargs if k not in arguments), None)
        if unknown is not None:
            raise TypeError(f"{old.__name__}() got an unexpected keyword argument '{unknown}'")
        given = dict(zip(order, args, strict=False))
        repeated = next((k for k in kwargs if k in given), None)
        if repeated is not None:
            raise TypeError(f"{old.__name__}() got multiple values for argument '{repeated}'")
        values = {**defaults, **given, **kwargs}
        return old(**{renamed.get(n, n): v for n, v in values.items()}, **fixed)

    function._adapts = old  # type: ignore[attr-defined]
    return function
