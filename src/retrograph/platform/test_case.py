"""`tf.test.TestCase`: sessions per test, and assertions about arrays and tensors."""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np
from absl.testing import absltest

from retrograph.framework import errors, seeds
from retrograph.framework.default_graph import reset_default_graph
from retrograph.framework.device import canonical_name
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.sessions import get_default_session
from retrograph.platform import devices

DEFAULT_GRAPH_SEED = 87654321
_FLOATS = (np.float16, np.float32, np.float64, ml_dtypes.bfloat16)
_SMALL = 500
_INCONSISTENT = (
    "The {} used to get the cached session is different than the one that was used to create the session. "
    "Maybe create a new session with self.session()"
)


class CapturedWrites:
    """What was written to a stream during `captureWritesToStream`."""

    def __init__(self, capture_location: str):
        self.capture_location = capture_location

    def contents(self) -> str:
        """All of it."""
        with open(self.capture_location) as file:
            return file.read()


class _CheckedThread:
    """A thread whose failure is a failure of the test that joins it."""

    def __init__(self, test: Any, target: Callable[..., Any], args: Any = None, kwargs: Any = None):
        self._test = test
        self._target = target
        self._args = args or ()
        self._kwargs = kwargs or {}
        self._thread = threading.Thread(target=self._protected_run)
        self._exception: BaseException | None = None
        self._is_thread_joined = False

    def _protected_run(self) -> None:
        try:
            self._target(*self._args, **self._kwargs)
        except BaseException as error:
            self._exception = error

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self) -> None:
        """Waits for the end and fails the test if the thread failed."""
        self._is_thread_joined = True
        self._thread.join()
        if self._exception is not None:
            self._test.fail(f"Error in checkedThread: {self._exception}")

    def is_alive(self) -> bool:
        """True while it runs."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fails the test if nobody joined the thread."""
        if not self._is_thread_joined:
            if self._thread.is_alive():
                self._test.fail("A checked thread was not joined.")
            self._thread.join()


def _copied_for_tests(config: Any, force_gpu: bool) -> Any:
    from retrograph._namespace import resolve

    if config is None:
        config = resolve("", "ConfigProto")()
        config.allow_soft_placement = not force_gpu
    return config


@export("test.TestCase")
class TensorFlowTestCase(absltest.TestCase):  # type: ignore[misc]
    """A unittest.TestCase with a graph, a seed and a session of its own for each test.

    Source: TF 1.15 `tf.test.TestCase`.
    """

    def __init__(self, methodName: str = "runTest"):
        super().__init__(methodName)
        self._threads: list[_CheckedThread] = []
        self._tempdir: str | None = None
        self._cached_session: Any = None

    def setUp(self) -> None:
        """A fresh default graph and fixed seeds."""
        self._ClearCachedSession()
        random.seed(DEFAULT_GRAPH_SEED)
        np.random.seed(DEFAULT_GRAPH_SEED)
        _leave_graphs()
        reset_default_graph()
        seeds.set_random_seed(DEFAULT_GRAPH_SEED)
        if self.id().endswith(".test_session"):  # unittest takes the method for a test, by its name
            self.skipTest("Not a test.")

    def tearDown(self) -> None:
        """Joins what the test left and closes its session."""
        for thread in self._threads:
            thread.check_termination()
        self._ClearCachedSession()

    def _ClearCachedSession(self) -> None:
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    def get_temp_dir(self) -> str:
        """A folder for this test, the same at each call."""
        if self._tempdir is None:
            self._tempdir = tempfile.mkdtemp(dir=_test_tmpdir())
        return self._tempdir

    @contextlib.contextmanager
    def captureWritesToStream(self, stream: Any) -> Iterator[CapturedWrites]:
        """What the block writes to the file descriptor of a stream."""
        stream.flush()
        descriptor, path = tempfile.mkstemp(dir=self.get_temp_dir())
        saved = os.dup(stream.fileno())
        os.dup2(descriptor, stream.fileno())
        try:
            yield CapturedWrites(path)
        finally:
            stream.flush()
            os.close(descriptor)
            os.dup2(saved, stream.fileno())
            os.close(saved)

    def checkedThread(self, target: Callable[..., Any], args: Any = None, kwargs: Any = None) -> _CheckedThread:
        """A thread that fails the test if it fails."""
        thread = _CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    # --- sessions ---

    def _create_session(self, graph: Any, config: Any, force_gpu: bool) -> Any:
        from retrograph._namespace import resolve

        return resolve("", "Session")(graph=graph, config=_copied_for_tests(config, force_gpu))

    @contextlib.contextmanager
    def _constrain_devices_and_set_default(self, sess: Any, use_gpu: bool, force_gpu: bool) -> Iterator[Any]:
        with sess.graph.as_default(), sess.as_default():
            if use_gpu and not force_gpu:
                yield sess
                return
            name = (devices.gpu_device_name() or "/device:GPU:0") if force_gpu else "/device:CPU:0"
            with sess.graph.device(name):
                yield sess

    @contextlib.contextmanager
    def session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """A new session as default, its graph too; operations go to the CPU unless `use_gpu`."""
        with (
            self._create_session(graph, config, force_gpu) as sess,
            self._constrain_devices_and_set_default(sess, use_gpu, force_gpu) as constrained,
        ):
            yield constrained

    @contextlib.contextmanager
    def cached_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """The session of this test, kept open until its end, as default."""
        sess = self._get_cached_session(graph, config, force_gpu, crash_if_inconsistent_args=True)
        with self._constrain_devices_and_set_default(sess, use_gpu, force_gpu) as constrained:
            yield constrained

    @contextlib.contextmanager
    def test_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """`session` for a given graph, else `cached_session`."""
        if graph is not None:
            with self.session(graph, config, use_gpu, force_gpu) as sess:
                yield sess
            return
        sess = self._get_cached_session(graph, config, force_gpu, crash_if_inconsistent_args=False)
        with self._constrain_devices_and_set_default(sess, use_gpu, force_gpu) as constrained:
            yield constrained

    def _get_cached_session(
        self, graph: Any = None, config: Any = None, force_gpu: bool = False, crash_if_inconsistent_args: bool = True
    ) -> Any:
        asked = {"graph": graph, "config": config, "force_gpu value": force_gpu}
        if self._cached_session is None:
            self._cached_session = self._create_session(graph, config, force_gpu)
            self._cached_arguments = asked
        elif crash_if_inconsistent_args:
            for name, value in asked.items():
                if self._cached_arguments[name] is not value:
                    raise ValueError(_INCONSISTENT.format(name))
        return self._cached_session

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors (or a structure of them) in the default session, or in that of the test."""
        sess = get_default_session()
        if sess is not None:
            return sess.run(tensors)
        with self.test_session() as own:
            return own.run(tensors)

    # --- assertions ---

    def _GetNdArray(self, a: Any) -> Any:
        if isinstance(a, Tensor):
            a = self.evaluate(a)
        if isinstance(a, np.ndarray):
            return a
        try:
            return np.array(a)
        except ValueError:  # ragged: older NumPys made an array of objects by themselves
            return np.array(a, dtype=object)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        """Fails unless a string starts with another."""
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r}" + (f" : {msg!r}" if msg else ""))

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        """Fails unless two numbers differ by `err` at most."""
        f1, f2 = _number(f1), _number(f2)
        note = f" ({msg})" if msg is not None else ""
        self.assertTrue(f1 == f2 or math.fabs(f1 - f2) <= err, f"{f1:f} != {f2:f} +/- {err:f}{note}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Fails unless each two numbers of two lists differ by `err` at most."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(f1, f2, err, msg=msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        """Fails unless the norm of the difference is below `err`."""
        self.assertTrue(np.linalg.norm(ndarray1 - ndarray2) < err, msg=msg)

    def _assert_same_shape(self, a: Any, b: Any, contents: str, end: str) -> None:
        shown = contents.format(b) if b.ndim <= 3 or b.size < _SMALL else ""
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}{shown}.{end}")

    def _assertArrayLikeAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        self._assert_same_shape(a, b, " with contents {}", "")
        if np.allclose(a, b, rtol=rtol, atol=atol):
            return
        off = np.logical_or(np.abs(a - b) > atol + rtol * np.abs(b), np.isnan(a) != np.isnan(b))
        x, y = (a[np.where(off)], b[np.where(off)]) if a.ndim else (a, b)
        lines = [
            str(msg),
            f"not close where = {np.where(off)}" if a.ndim else "",
            f"not close lhs = {x}",
            f"not close rhs = {y}",
            f"not close dif = {np.abs(x - y)}",
            f"not close tol = {atol + rtol * np.abs(y)}",
            f"dtype = {a.dtype}, shape = {a.shape}",
        ]
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg="\n".join(lines), equal_nan=True)

    def _close_dicts(self, a: Any, b: Any, rtol: float, atol: float, path: list[str], msg: str) -> None:
        where = _subscript(path)
        self.assertCountEqual(
            a.keys(),
            b.keys(),
            msg=f"mismatched keys: a{where} has keys {a.keys()}, but b{where} has keys {b.keys()}. {msg}",
        )
        for key in a:
            self._assertAllCloseRecursive(a[key], b[key], rtol, atol, [*path, str(key)], msg)

    def _close_lists(self, a: Any, b: Any, rtol: float, atol: float, path: list[str], msg: str) -> None:
        where = _subscript(path)
        try:
            different = f"Mismatched value: a{where} is different from b{where}. {msg}"
            self._assertArrayLikeAllClose(a, b, rtol, atol, msg=different)
        except (ValueError, TypeError):
            if len(a) != len(b):
                raise ValueError(
                    f"Mismatched length: a{where} has {len(a)} items, but b{where} has {len(b)} items. {msg}"
                )
            for index, (one, other) in enumerate(zip(a, b, strict=True)):
                self._assertAllCloseRecursive(one, other, rtol, atol, [*path, str(index)], msg)

    def _assertAllCloseRecursive(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, path: Any = None, msg: str | None = None
    ) -> None:
        path, msg = path or [], msg or ""
        where = _subscript(path)
        a, b = (x._asdict() if hasattr(x, "_asdict") else x for x in (a, b))
        if isinstance(a, Mapping) != isinstance(b, Mapping):
            raise ValueError(f"Can't compare dict to non-dict, a{where} vs b{where}. {msg}")
        if isinstance(a, Mapping):
            self._close_dicts(a, b, rtol, atol, path, msg)
        elif isinstance(a, (list, tuple)):
            self._close_lists(a, b, rtol, atol, path, msg)
        else:
            try:
                different = f"Mismatched value: a{where} is different from b{where}. {msg}"
                self._assertArrayLikeAllClose(a, b, rtol, atol, msg=different)
            except TypeError as error:
                note = f"Error: a{where} has {type(a)}, but b{where} has {type(b)}. {msg}"
                error.args = (f"{error.args[0]} : {note}", *error.args[1:])
                raise

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Fails unless two arrays, tensors or structures of them have near values."""
        if _is_ragged(a) or _is_ragged(b):
            self._assert_near_rows(self._GetPyList(a), self._GetPyList(b), rtol, atol, msg)
            return
        self._assertAllCloseRecursive(a, b, rtol=rtol, atol=atol, msg=msg)

    def _assert_near_rows(self, a: Any, b: Any, rtol: float, atol: float, msg: str | None) -> None:
        self.assertEqual(isinstance(a, list), isinstance(b, list), msg)
        if not isinstance(a, list):
            self._assertAllCloseRecursive(a, b, rtol=rtol, atol=atol, msg=msg)
            return
        self.assertLen(a, len(b), msg)
        for mine, theirs in zip(a, b, strict=True):
            self._assert_near_rows(mine, theirs, rtol, atol, msg)

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:
        """`assertAllClose` with wider bounds where one of the two is of a narrower type."""
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        bounds = (
            ((np.float32, np.complex64), float_rtol, float_atol),
            ((np.float16,), half_rtol, half_atol),
            ((ml_dtypes.bfloat16,), bfloat16_rtol, bfloat16_atol),
        )
        for kinds, kind_rtol, kind_atol in bounds:
            if a.dtype in kinds or b.dtype in kinds:
                rtol, atol = max(rtol, kind_rtol), max(atol, kind_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        """Fails if two arrays or tensors have near values."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails unless two arrays or tensors have the same shape and values; NaN equals NaN."""
        if _is_ragged(a) or _is_ragged(b):
            self.assertEqual(self._GetPyList(a), self._GetPyList(b), msg)
            return
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        self._assert_same_shape(a, b, ". Contents: {}", f" \n{msg or ''}.")
        same = a == b
        if a.dtype in _FLOATS:
            same = np.logical_or(same, np.logical_and(np.isnan(a), np.isnan(b)))
        if np.all(same):
            return
        where = np.nonzero(np.logical_not(np.atleast_1d(same)))
        x, y = (a[where], b[where]) if a.ndim else (a, b)
        lines = [msg or "", f"not equal where = {where}", f"not equal lhs = {x}", f"not equal rhs = {y}"]
        np.testing.assert_array_equal(a, b, err_msg="\n".join(lines))

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails if two arrays or tensors have the same values."""
        try:
            self.assertAllEqual(a, b, msg)
        except AssertionError:
            return
        raise AssertionError("The two values are equal at all elements")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Fails unless every element is above a value."""
        self.assertGreater(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Fails unless every element is below a value."""
        self.assertLess(np.max(self._GetNdArray(a)), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails if an element is below a value."""
        self.assertGreaterEqual(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails if an element is above a value."""
        self.assertLessEqual(np.max(self._GetNdArray(a)), comparison_target)

    def _format_subscripts(self, subscripts: Any, value: Any, limit: int = 10, indent: int = 2) -> list[str]:
        rows = np.transpose(subscripts)
        lines = [f"{' ' * indent}{row} : {value[tuple(row)]}" for row in rows[:limit]]
        return [*lines, " " * indent + "..."] if len(rows) > limit else lines

    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Fails unless every element lies in a range, closed unless said otherwise."""
        target = self._GetNdArray(target)
        if not np.issubdtype(target.dtype, np.floating) and not np.issubdtype(target.dtype, np.integer):
            raise AssertionError(
                f"The value of {target} does not have an ordered numeric type, instead it has type: {target.dtype}"
            )
        nan = np.where(np.isnan(target))
        if np.size(nan):
            raise AssertionError(
                f"{len(nan[0])} of the {np.size(target)} element(s) are NaN. "
                "Subscripts(s) and value(s) of the NaN element(s):\n" + "\n".join(self._format_subscripts(nan, target))
            )
        left, right = "(" if open_lower_bound else "[", ")" if open_upper_bound else "]"
        below = target <= lower_bound if open_lower_bound else target < lower_bound
        above = target >= upper_bound if open_upper_bound else target > upper_bound
        outside = np.where(np.logical_or(below, above))
        if np.size(outside):
            raise AssertionError(
                f"{len(outside[0])} of the {np.size(target)} element(s) are outside the range "
                f"{left}{lower_bound}, {upper_bound}{right}. Subscript(s) and value(s) of the offending elements:\n"
                + "\n".join(self._format_subscripts(outside, target))
            )

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Fails unless every element is one of a set."""
        diff = np.setdiff1d(self._GetNdArray(target).flatten(), list(expected_set))
        if np.size(diff):
            raise AssertionError(f"{np.size(diff)} unique element(s) are not in the set {expected_set}: {diff}")

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """Fails unless an array or tensor has a dtype."""
        self.assertEqual(self._GetNdArray(target).dtype, expected_dtype)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: type[BaseException], expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """Fails unless the block raises an exception whose text matches, or which the predicate accepts."""
        accepts = expected_err_re_or_predicate
        if not callable(accepts):

            def accepts(error: BaseException) -> Any:
                return re.search(expected_err_re_or_predicate, _text_with_causes(error))

        try:
            yield
            self.fail(exception_type.__name__ + " not raised")
        except Exception as error:
            if not isinstance(error, exception_type) or not accepts(error):
                raise AssertionError(f"Exception of type {type(error)}: {error}")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Fails unless the block raises a `tf.OpError` that matches."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:
        """Fails unless an array and a tensor have the same static shape."""
        if not isinstance(np_array, (np.ndarray, np.generic)):
            raise TypeError("np_array must be a Numpy ndarray or Numpy scalar")
        if not isinstance(tf_tensor, Tensor):
            raise TypeError("tf_tensor must be a Tensor")
        self.assertAllEqual(np_array.shape, tf_tensor.get_shape().as_list(), msg=msg)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Fails unless two device names mean the same."""
        one, other = canonical_name(device1), canonical_name(device2)
        self.assertEqual(one, other, f"Devices {one} and {other} are not equal. {msg}")

    def assertProtoEquals(self, expected_message_maybe_ascii: Any, message: Any, msg: str | None = None) -> None:
        """Fails unless a message equals another, or one given as text."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            from retrograph.platform.prototext import normalized

            self.assertEqual(normalized(expected), normalized(str(message)), msg)
            return
        self.assertEqual(str(expected), str(message), msg)

    def assertProtoEqualsVersion(
        self, expected: str, actual: Any, producer: int = 134, min_consumer: int = 0, msg: str | None = None
    ) -> None:
        """`assertProtoEquals` of a graph whose text lacks the versions."""
        head = f"versions {{ producer: {producer} min_consumer: {min_consumer} }};\n"
        self.assertProtoEquals(head + expected, actual, msg=msg)

    def _GetPyList(self, a: Any) -> Any:
        if isinstance(a, Tensor) or type(a).__name__ == "RaggedTensor":
            a = self.evaluate(a)
        if hasattr(a, "to_list"):
            return a.to_list()
        return _nested(a)

    assertItemsEqual = absltest.TestCase.assertCountEqual
    assertRaisesRegexp = absltest.TestCase.assertRaisesRegex


def _number(value: Any) -> float:
    """A number, also out of an array of one element."""
    return float(np.asarray(value).reshape(()))


def _subscript(path: list[str]) -> str:
    return "".join(f"[{part}]" for part in path)


def _nested(value: Any) -> Any:
    """An array, a number, or lists of them whose rows may be of several lengths, as lists."""
    if isinstance(value, list | tuple):
        return [_nested(one) for one in value]
    return np.asarray(value).tolist()


def _is_ragged(value: Any) -> bool:
    return type(value).__name__ in ("RaggedTensor", "RaggedTensorValue")


def _text_with_causes(error: BaseException) -> str:
    """The text of an error; for one of an operation also the names of the operations that it came from."""
    if not isinstance(error, errors.OpError):
        return str(error)
    text, op = error.message, error.op
    while op is not None:
        text += "\nCaused by: " + op.name
        op = getattr(op, "_original_op", None)
    return text


def _leave_graphs() -> None:
    """A test that failed inside nested graphs may have left them on the stack."""
    from retrograph.framework.graph_scopes import default_graph_stack

    default_graph_stack.reset()


def _test_tmpdir() -> str:
    folder = os.environ.get("TEST_TMPDIR") or os.path.join(tempfile.gettempdir(), "retrograph_test")
    os.makedirs(folder, exist_ok=True)
    return folder
