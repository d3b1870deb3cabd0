"""Bytes and text: `tf.compat.as_bytes` and its kin."""

from __future__ import annotations

import datetime
import numbers
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrograph.framework.exports import export, export_value

integral_types = export_value("compat.integral_types", (numbers.Integral, np.integer))
real_types = export_value("compat.real_types", (numbers.Real, np.integer, np.floating))
complex_types = export_value("compat.complex_types", (numbers.Complex, np.number))
bytes_or_text_types = export_value("compat.bytes_or_text_types", (bytes, str))


def _refuse(value: Any) -> TypeError:
    return TypeError(f"Expected binary or unicode string, got {value!r}")


_FORWARD_COMPATIBILITY_HORIZON = datetime.date(2019, 8, 21)
_horizon = _FORWARD_COMPATIBILITY_HORIZON


def _update_forward_compatibility_date_number(date_to_override: datetime.date | None = None) -> None:
    """Sets the date for which `forward_compatible` answers: the horizon and as many days as the environment says."""
    global _horizon
    days = datetime.timedelta(days=int(os.environ.get("TF_FORWARD_COMPATIBILITY_DELTA_DAYS") or 0))
    _horizon = date_to_override or _FORWARD_COMPATIBILITY_HORIZON + days


_update_forward_compatibility_date_number()


@export("compat.as_bytes")
def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text encoded; bytes as they are.

    >>> as_bytes("a")
    b'a'

    Raises TypeError for anything else. Source: TF 1.15 `tf.compat.as_bytes`.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise _refuse(bytes_or_text)


@export("compat.as_text", "compat.as_str")
def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes decoded; text as it is.

    >>> as_text(b"a")
    'a'

    Raises TypeError for anything else. Source: TF 1.15 `tf.compat.as_text`.
    """
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    raise _refuse(bytes_or_text)


as_str = as_text


@export("compat.as_str_any")
def as_str_any(value: Any) -> str:
    """Bytes decoded, anything else through `str`.

    Source: TF 1.15 `tf.compat.as_str_any`.
    """
    return as_text(value) if isinstance(value, bytes) else str(value)


def as_name(name: str | bytes) -> str:
    r"""A name as text; bytes that are not UTF-8 are kept as Python keeps them in names of files.

    >>> as_name(b"a\xff")
    'a\udcff'

    Raises TypeError for anything else.
    """
    return name if isinstance(name, str) else as_bytes(name).decode(errors="surrogateescape")


@export("compat.path_to_str")
def path_to_str(path: Any) -> Any:
    """A path object as a string; anything else as it is.

    Source: TF 1.15 `tf.compat.path_to_str`.
    """
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


@export("compat.forward_compatible")
def forward_compatible(year: int, month: int, day: int) -> bool:
    """True if TF 1.15.5 already wrote graphs of that date: its horizon is 2019-08-21.

    Source: TF 1.15 `tf.compat.forward_compatible`.
    """
    return (year, month, day) < (_horizon.year, _horizon.month, _horizon.day)


@export("compat.forward_compatibility_horizon")
@contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Within the block `forward_compatible` answers for another date.

    Source: TF 1.15 `tf.compat.forward_compatibility_horizon`.
    """
    _update_forward_compatibility_date_number(datetime.date(year, month, day))
    try:
        yield
    finally:
        _update_forward_compatibility_date_number()
