"""Errors of the file system as TF's classes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework import errors

_KINDS = {
    errors.InvalidArgumentError: "EINVAL ENAMETOOLONG E2BIG EFAULT EILSEQ ESPIPE",
    errors.DeadlineExceededError: "ETIMEDOUT ETIME",
    errors.NotFoundError: "ENODEV ENOENT ENXIO ESRCH",
    errors.AlreadyExistsError: "EEXIST",
    errors.PermissionDeniedError: "EPERM EACCES EROFS",
    errors.FailedPreconditionError: "ENOTEMPTY EISDIR ENOTDIR EBADF EBUSY EPIPE ETXTBSY",
    errors.ResourceExhaustedError: "ENOSPC EDQUOT EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSR EUSERS",
    errors.OutOfRangeError: "EFBIG EOVERFLOW ERANGE",
    errors.UnimplementedError: "ENOSYS ENOTSUP EOPNOTSUPP EXDEV",
    errors.UnavailableError: "EAGAIN EINTR ENOLCK ENOLINK ENONET EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH",
    errors.AbortedError: "EDEADLK ESTALE",
    errors.CancelledError: "ECANCELED",
}
_CLASS_OF: dict[int, Any] = {
    getattr(errno, name): kind for kind, names in _KINDS.items() for name in names.split() if hasattr(errno, name)
}


def file_error(path: Any, error: OSError) -> errors.OpError:
    """The `tf.errors` class of an OSError, with TF's text."""
    kind = _CLASS_OF.get(error.errno or 0, errors.UnknownError)
    found: errors.OpError = kind(None, None, f"{path}; {error.strerror or error}")
    return found


@contextmanager
def as_tf(path: Any) -> Iterator[None]:
    """Turns an OSError into the `tf.errors` class of its kind, with TF's text."""
    try:
        yield
    except OSError as error:
        raise file_error(path, error) from None
