"""`tf.contrib.training.HParams`: named hyperparameters with types, set from text or JSON."""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Callable
from typing import Any, NoReturn

from retrograph.framework import errors
from retrograph.framework.exports import export, export_value

PARAM_RE = re.compile(
    r"(?P<name>[a-zA-Z][\w\.]*)(\[\s*(?P<index>\d+)\s*\])?\s*=\s*"
    r"((?P<val>[^,\[]*)|\[(?P<vals>[^\]]*)\])($|,\s*)"
)
export_value("contrib.training.python.training.hparam.PARAM_RE", PARAM_RE, attribute="PARAM_RE")
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


def _refused(name: str, kind: type, value: Any, values: Any) -> NoReturn:
    raise ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{value}' in {values}")


def _repeated(name: str, values: Any) -> NoReturn:
    raise ValueError(f"Multiple assignments to variable '{name}' in {values}")


def _parser(kind: type) -> Callable[[str], Any]:
    """What makes a value of a text. It raises ValueError."""
    return kind if kind is not bool else lambda text: _BOOLEANS[text] if text in _BOOLEANS else bool(int(text))


def _parsed(name: str, kind: type, texts: list[str], whole: str, values: str) -> list[Any]:
    try:
        return [_parser(kind)(text) for text in texts]
    except ValueError:
        _refused(name, kind, whole, values)


@export("contrib.training.parse_values", "contrib.training.python.training.hparam.parse_values")
def parse_values(values: str, type_map: dict[str, Any], ignore_unknown: bool = False) -> dict[str, Any]:
    """The values by name (or by name and index) in `name=value,name=[1,2],name[1]=3`.

    Raises ValueError: an unknown name, one set twice, a malformed text.
    Source: TF 1.15 `tf.contrib.training.parse_values`.
    """
    found: dict[str, Any] = {}
    position = 0
    while position < len(values):
        match = PARAM_RE.match(values, position)
        if match is None:
            raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
        position = match.end()
        name = match["name"]
        if name in type_map:
            _take(found, name, type_map[name], match, values)
        elif not ignore_unknown:
            raise ValueError(f"Unknown hyperparameter type for {name}")
    return found


def _take(found: dict[str, Any], name: str, kind: type, match: Any, values: str) -> None:
    if match["val"] is None:
        if match["index"] is not None:
            raise ValueError("Assignment of a list to a list index.")
        if name in found:
            _repeated(name, values)
        texts = [text for text in re.split("[ ,]", match["vals"]) if text]
        found[name] = _parsed(name, kind, texts, match["vals"], values)
        return
    value = _parsed(name, kind, [match["val"]], match["val"], values)[0]
    if not match["index"]:
        if name in found:
            _repeated(name, values)
        found[name] = value
        return
    places = found.setdefault(name, {})
    if not isinstance(places, dict):
        _repeated(name, values)
    index = int(match["index"])
    if index in places:
        _repeated(f"{name}[{index}]", values)
    places[index] = value


def _cast(name: str, kind: Any, value: Any) -> Any:
    """The value as the type of a hyperparameter. Raises ValueError: it is of another."""
    if type(value) is kind or issubclass(kind, type(None)):
        return value
    text = issubclass(kind, str | bytes) and not isinstance(value, str | bytes)
    boolean = issubclass(kind, bool) != isinstance(value, bool)
    whole = issubclass(kind, numbers.Integral) and not isinstance(value, numbers.Integral)
    number = issubclass(kind, numbers.Number) and not isinstance(value, numbers.Number)
    if text or boolean or whole or number:
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    return kind(value)


@export("contrib.training.HParams", "contrib.training.python.training.hparam.HParams")
class HParams:
    """Hyperparameters as attributes, each with the type of its first value.

    >>> HParams(rate=0.1, sizes=[1, 2]).parse("rate=0.2,sizes=[3,4]").values()
    {'rate': 0.2, 'sizes': [3, 4]}

    Source: TF 1.15 `tf.contrib.training.HParams`.
    """

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any):
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        if hparam_def:
            if not hasattr(hparam_def, "hparam"):
                raise AssertionError(f"{hparam_def!r} is no HParamDef")
            if kwargs:
                raise ValueError("hparam_def and initialization values are mutually exclusive")
            kwargs = {name: _of_message(value) for name, value in hparam_def.hparam.items()}
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """A new one. Raises ValueError: the name is reserved or there already, or a list is empty."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        is_list = isinstance(value, list | tuple)
        if is_list and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        self._hparam_types[name] = (type(value[0]) if is_list else type(value), is_list)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Another value of the same type. Raises ValueError: it does not fit."""
        kind, is_list = self._hparam_types[name]
        if isinstance(value, list):
            if not is_list:
                raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
            setattr(self, name, [_cast(name, kind, v) for v in value])
            return
        if is_list:
            raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
        setattr(self, name, _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Removes one, if it is there."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> HParams:
        """Sets those named in `name=value,name=[1,2]`. Raises ValueError: unknown name, malformed."""
        return self.override_from_dict(parse_values(values, {n: kind for n, (kind, _) in self._hparam_types.items()}))

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Sets those of a dict."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_from_map(self, values_map: dict[str, Any]) -> HParams:
        """As `override_from_dict`, by its old name."""
        return self.override_from_dict(values_dict=values_map)

    def parse_json(self, values_json: str) -> HParams:
        """Sets those of a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """All as a JSON object."""
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def values(self) -> dict[str, Any]:
        """All by name."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` where there is none. Raises ValueError: a default of another type."""
        if key not in self._hparam_types:
            return default
        if default is not None:
            self._check_default(key, default)
        return getattr(self, key)

    def _check_default(self, key: str, default: Any) -> None:
        kind, is_list = self._hparam_types[key]
        text = f"list<{kind}>" if is_list else str(kind)
        failure = f"Hparam '{key}' of type '{text}' is incompatible with default={default}"
        if is_list != isinstance(default, list):
            raise ValueError(failure)
        try:
            for value in default if is_list else [default]:
                _cast(key, kind, value)
        except ValueError as error:
            raise ValueError(f"{failure}. {error}") from None

    def get_model_structure(self) -> Any:
        """The structure given when it was made."""
        return self._model_structure

    def set_model_structure(self, model_structure: Any) -> None:
        """Sets the structure."""
        self._model_structure = model_structure

    def to_proto(self, export_scope: Any = None) -> Any:
        """Raises UnimplementedError: the message `HParamDef` is not known."""
        raise errors.UnimplementedError(None, None, "tf.contrib.training.HParams.to_proto is not implemented")

    @staticmethod
    def from_proto(hparam_def: Any, import_scope: Any = None) -> HParams:
        """The hyperparameters of a message `HParamDef`."""
        return HParams(hparam_def=hparam_def)

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.values().items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.values().items())})"


def _of_message(message: Any) -> Any:
    """The value, or the list of values, of one hyperparameter of a message."""
    kind = message.WhichOneof("kind")
    given = getattr(message, kind)
    values = [given] if kind.endswith("_value") else list(given.value)
    if kind.startswith("int64"):
        values = [int(v) for v in values]
    elif kind.startswith("bytes"):
        values = [v.decode() if isinstance(v, bytes) else v for v in values]
    return values[0] if kind.endswith("_value") else values
