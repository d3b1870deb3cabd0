"""`tf.contrib.training.HParams`: named hyperparameters with types, set from text or JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from retrograph.framework.exports import export

_ASSIGNMENT = re.compile(
    r"(?P<name>[a-zA-Z][\w.]*)(?:\[\s*(?P<index>\d+)\s*\])?\s*=\s*(?:\[(?P<list>[^\]]*)\]|(?P<value>[^,\[]*))(?:$|,\s*)"
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _cast(name: str, kind: type, value: Any) -> Any:
    """The value as the type of a hyperparameter. Raises ValueError: it is of another."""
    failure = ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    if value is None or kind is type(None):
        return value
    if kind in (str, bytes):
        if not isinstance(value, str | bytes):
            raise failure
        return value
    if isinstance(value, bool) != (kind is bool):
        raise failure
    if kind is int and not isinstance(value, int):
        raise failure
    if kind is float and not isinstance(value, int | float):
        raise failure
    return kind(value)


def _parsed(name: str, kind: type, text: str) -> Any:
    try:
        return _BOOLEANS[text.lower()] if kind is bool else text if kind is type(None) else kind(text)
    except (KeyError, ValueError):
        raise ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' from value '{text}'") from None


@export("contrib.training.HParams")
class HParams:
    """Hyperparameters as attributes, each with the type of its first value.

    >>> HParams(rate=0.1, sizes=[1, 2]).parse("rate=0.2,sizes=[3,4]").values()
    {'rate': 0.2, 'sizes': [3, 4]}

    Source: TF 1.15 `tf.contrib.training.HParams`.
    """

    _RESERVED = ("_hparam_types", "_model_structure")

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any):
        if hparam_def is not None:
            raise NotImplementedError("tf.contrib.training.HParams: hparam_def is not supported.")
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
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
        setattr(self, name, list(value) if isinstance(value, tuple) else value)

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
        """Sets those named in `name=value,name=[1,2],name[1]=3`. Raises ValueError: unknown name, malformed."""
        position = 0
        while position < len(values):
            match = _ASSIGNMENT.match(values, position)
            if match is None:
                raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
            position = match.end()
            self._assign(match["name"], match["index"], match["list"], match["value"])
        return self

    def _assign(self, name: str, index: str | None, listed: str | None, value: str | None) -> None:
        if name not in self._hparam_types:
            raise ValueError(f"Unknown hyperparameter type for {name}")
        kind, is_list = self._hparam_types[name]
        if listed is not None:
            self.set_hparam(name, [_parsed(name, kind, t) for t in re.split(r"\s*,\s*", listed.strip()) if t])
        elif index is not None:
            getattr(self, name)[int(index)] = _parsed(name, kind, (value or "").strip())
        else:
            parsed = _parsed(name, kind, (value or "").strip())
            self.set_hparam(name, [parsed] if is_list else parsed)

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Sets those of a dict."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse_json(self, values_json: str) -> HParams:
        """Sets those of a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """All as a JSON object, functions left out."""
        plain = {k: v for k, v in self.values().items() if not callable(v)}
        return json.dumps(plain, indent=indent, separators=separators, sort_keys=sort_keys)

    def values(self) -> dict[str, Any]:
        """All by name."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` where there is none. Raises ValueError: a default of another type."""
        if key not in self._hparam_types:
            return default
        kind, is_list = self._hparam_types[key]
        if default is not None:
            if is_list and not isinstance(default, list):
                raise ValueError(f"Hparam '{key}' of type '{kind.__name__}' is incompatible with default={default}")
            for value in default if isinstance(default, list) else [default]:
                _cast(key, kind, value)
        return getattr(self, key)

    def get_model_structure(self) -> Any:
        """The structure given when it was made."""
        return self._model_structure

    def set_model_structure(self, model_structure: Any) -> None:
        """Sets the structure."""
        self._model_structure = model_structure

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"
