"""Objects by name and configuration, as Keras writes them: `{"class_name": ..., "config": {...}}`."""

from __future__ import annotations

from typing import Any

CUSTOM: dict[str, Any] = {}
"""Objects that programs made known by name, for all kinds."""


def serialize(value: Any) -> Any:
    """The name and configuration of an object, or the name of a function.

    Raises ValueError: it has neither.
    """
    if value is None:
        return None
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if hasattr(value, "__name__"):
        return value.__name__
    raise ValueError("Cannot serialize", value)


def deserialize(config: Any, known: dict[str, Any], custom: dict[str, Any] | None, kind: str) -> Any:
    """The object that a name or a dictionary describes; functions are given back as they are.

    Raises ValueError: an unknown name, or a dictionary of another form.
    """
    known = {**known, **CUSTOM, **(custom or {})}
    if isinstance(config, str):
        if config not in known:
            raise ValueError(f"Unknown {kind}:{config}")
        return known[config]() if isinstance(known[config], type) else known[config]
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ValueError(f"Improper config format: {config}")
    if config["class_name"] not in known:
        raise ValueError(f"Unknown {kind}: {config['class_name']}")
    made = known[config["class_name"]]
    return made.from_config(config["config"]) if hasattr(made, "from_config") else made(**config["config"])
