"""The exceptions that TF raises, by canonical error code."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework.exports import export, export_value

CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
globals().update(CODES)
for _name in CODES:
    export_value(f"errors.{_name}", attribute=_name)


@export("OpError", "errors.OpError")
class OpError(Exception):
    """An operation failed while it ran.

    `node_def` and `op` say which (None if unknown), `message` what happened, `error_code` is the canonical code.
    Source: TF 1.15 `tf.errors.OpError`.
    """

    _code = CODES["UNKNOWN"]

    def __init__(self, node_def: Any = None, op: Any = None, message: str = "", error_code: int | None = None):
        super().__init__(message)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = self._code if error_code is None else error_code

    @property
    def message(self) -> str:
        """What happened."""
        return self._message

    @property
    def op(self) -> Any:
        """The operation that failed, or None."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The NodeDef of the operation that failed, or None."""
        return self._node_def if self._node_def is not None or self._op is None else self._op.node_def

    @property
    def error_code(self) -> int:
        """The canonical error code."""
        return self._error_code

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> Any:
        return _restore_error, (type(self), self._message)


def _restore_error(cls: type[OpError], message: str) -> OpError:
    return cls(None, None, message)


def _error_class(name: str, code: str, doc: str) -> Any:
    def __init__(self: OpError, node_def: Any = None, op: Any = None, message: str = "") -> None:
        OpError.__init__(self, node_def, op, message)

    cls = type(name, (OpError,), {"__doc__": doc, "_code": CODES[code], "__module__": __name__, "__init__": __init__})
    return export(f"errors.{name}")(cls)


CancelledError: Any = _error_class("CancelledError", "CANCELLED", "The operation was cancelled.")
InvalidArgumentError: Any = _error_class(
    "InvalidArgumentError", "INVALID_ARGUMENT", "An operation got an argument that it cannot take."
)
DeadlineExceededError: Any = _error_class("DeadlineExceededError", "DEADLINE_EXCEEDED", "A deadline passed.")
NotFoundError: Any = _error_class("NotFoundError", "NOT_FOUND", "Something asked for (a file, a key) is not there.")
AlreadyExistsError: Any = _error_class("AlreadyExistsError", "ALREADY_EXISTS", "Something to be made is there already.")
PermissionDeniedError: Any = _error_class("PermissionDeniedError", "PERMISSION_DENIED", "The caller may not do this.")
UnauthenticatedError: Any = _error_class("UnauthenticatedError", "UNAUTHENTICATED", "The caller is not known.")
ResourceExhaustedError: Any = _error_class(
    "ResourceExhaustedError", "RESOURCE_EXHAUSTED", "Memory, disk or a quota ran out."
)
FailedPreconditionError: Any = _error_class(
    "FailedPreconditionError", "FAILED_PRECONDITION", "The state does not allow this, e.g. an uninitialized variable."
)
AbortedError: Any = _error_class("AbortedError", "ABORTED", "The operation was aborted.")
OutOfRangeError: Any = _error_class("OutOfRangeError", "OUT_OF_RANGE", "An operation went past the end of its input.")
UnimplementedError: Any = _error_class("UnimplementedError", "UNIMPLEMENTED", "What was asked for is not implemented.")
InternalError: Any = _error_class("InternalError", "INTERNAL", "An invariant of the system is broken.")
UnavailableError: Any = _error_class("UnavailableError", "UNAVAILABLE", "The service is not available now.")
DataLossError: Any = _error_class("DataLossError", "DATA_LOSS", "Data is lost or corrupt.")


@export("errors.UnknownError")
class UnknownError(OpError):
    """Something failed in a way that no other class tells. Source: TF 1.15 `tf.errors.UnknownError`."""

    def __init__(self, node_def: Any = None, op: Any = None, message: str = "", error_code: int = CODES["UNKNOWN"]):
        super().__init__(node_def, op, message, error_code)


_CLASS_OF_CODE: dict[int, type[OpError]] = {
    c._code: c
    for c in (
        CancelledError,
        InvalidArgumentError,
        DeadlineExceededError,
        NotFoundError,
        AlreadyExistsError,
        PermissionDeniedError,
        UnauthenticatedError,
        ResourceExhaustedError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        UnimplementedError,
        InternalError,
        UnavailableError,
        DataLossError,
        UnknownError,
    )
}


@export("errors.exception_type_from_error_code")
def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The exception class of a canonical error code; KeyError if there is none.

    Source: TF 1.15 `tf.errors.exception_type_from_error_code`.
    """
    return _CLASS_OF_CODE[error_code]


@export("errors.error_code_from_exception_type")
def error_code_from_exception_type(cls: type[OpError]) -> Any:
    """The canonical code of an exception class; an UnknownError, with a warning, for what is none.

    Source: TF 1.15 `tf.errors.error_code_from_exception_type`.
    """
    if isinstance(cls, type) and issubclass(cls, OpError):
        return cls._code
    warnings.warn("Unknown class exception", stacklevel=2)
    return UnknownError(None, None, "Unknown class exception")


def _make_specific_exception(node_def: Any, op: Any, message: Any, error_code: int) -> OpError:
    """The exception of a canonical error code; UnknownError, with a warning, for another code."""
    if error_code in _CLASS_OF_CODE:
        return _CLASS_OF_CODE[error_code](node_def, op, message)
    warnings.warn(f"Unknown error code: {error_code}", stacklevel=2)
    return UnknownError(node_def, op, message, error_code)


@export("errors.raise_exception_on_not_ok_status")
@contextmanager
def raise_exception_on_not_ok_status() -> Iterator[None]:
    """Kept for programs that open it: failures raise by themselves here.

    Source: TF 1.15 `tf.errors.raise_exception_on_not_ok_status`.
    """
    yield


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operator that needs a value was used on a tensor of a graph."""
