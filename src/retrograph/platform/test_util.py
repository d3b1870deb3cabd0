"""`tensorflow.python.framework.test_util`: decorators of TF's own tests, of which the graph-mode half runs."""

from __future__ import annotations

import functools
import inspect
import itertools
import socket
from collections.abc import Callable
from typing import Any

from retrograph.framework import errors
from retrograph.framework.default_graph import device as graph_device
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor
from retrograph.platform.devices import gpu_device_name, is_gpu_available
from retrograph.platform.graph_difference import first_difference, strip_checkpoint_names, strip_table_names
from retrograph.platform.test_case import TensorFlowTestCase
from retrograph.train.server import Server

__all__ = ["TensorFlowTestCase", "gpu_device_name", "is_gpu_available"]

Test = Callable[..., Any]


# --- decorators ---


def _same(test: Any) -> Any:
    return test


def _optional_argument(decorate: Callable[[Any], Any]) -> Callable[..., Any]:
    """A decorator that can be written with or without parentheses."""

    def decorator(func: Any = None, **_: Any) -> Any:
        return decorate if func is None else decorate(func)

    return decorator


def _for_test_methods(decorate: Callable[[Test], Test]) -> Callable[[Any], Any]:
    """The decorator for a test, and for a class: then `setUp` and each test of it."""

    def decorator(target: Any) -> Any:
        if not inspect.isclass(target):
            return decorate(target)
        for name, value in list(vars(target).items()):
            if callable(value) and (name == "setUp" or (name.startswith("test") and name != "test_session")):
                setattr(target, name, decorate(value))
        return target

    return decorator


def _skipping(reason: str) -> Callable[[Any], Any]:
    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def skipped(self: Any, *_: Any, **__: Any) -> None:
            self.skipTest(reason)

        return skipped

    return _for_test_methods(decorate)


deprecated_graph_mode_only = _optional_argument(_same)
run_deprecated_v1 = deprecated_graph_mode_only
also_run_as_tf_function = _same
enable_output_all_intermediates = _same
assert_no_new_pyobjects_executing_eagerly = _same
assert_no_new_tensors = _same
assert_no_garbage_created = _same
use_deterministic_cudnn = _same
py_func_if_in_function = _same
enable_c_shapes = _same
with_c_shapes = _same
enable_control_flow_v2 = _same
run_v2_only = _optional_argument(_skipping("Test is only compatible with v2"))


def run_v1_only(reason: str, func: Any = None) -> Any:
    """The test as it is: this is v1."""
    return _same if func is None else func


def disable_control_flow_v2(unused_msg: str) -> Callable[[Any], Any]:
    """The test as it is: control flow is v1."""
    return _same


def disable_xla(description: str) -> Callable[[Any], Any]:
    """The test as it is: the switch was for TF's own XLA bridge."""
    return _same


enable_tf_xla_constant_folding = no_xla_auto_jit = xla_allow_fallback = disable_xla


def _unless_gpu(test: Test) -> Test:
    @functools.wraps(test)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_gpu_available():
            self.skipTest("Test requires GPU")
        return test(self, *args, **kwargs)

    return checked


run_gpu_only = _optional_argument(_unless_gpu)
run_cuda_only = _optional_argument(_unless_gpu)


def skip_if(condition: Any) -> Callable[[Any], Any]:
    """Leaves the body of a test out if a condition (or a function) holds."""

    def decorate(test: Test) -> Test:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            holds = condition() if callable(condition) else condition
            return None if holds else test(*args, **kwargs)

        return wrapper

    return decorate


def for_all_test_methods(decorator: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """Applies a decorator with arguments to each test of a class."""

    def apply(cls: Any) -> Any:
        for name in dir(cls):
            value = getattr(cls, name)
            if callable(value) and name.startswith("test") and name != "test_session":
                setattr(cls, name, decorator(*args, **kwargs)(value))
        return cls

    return apply


def with_control_flow_v2(cls: Any) -> Any:
    """Adds each test of the class once more under the name that TF gave its run with v2 control flow."""
    for name, value in list(vars(cls).items()):
        if callable(value) and name.startswith("test") and not getattr(value, "_disable_control_flow_v2", False):
            setattr(cls, name + "WithControlFlowV2", value)
    return cls


def run_in_graph_and_eager_modes(
    func: Any = None,
    config: Any = None,
    use_gpu: bool = True,
    reset_test: bool = True,
    assert_no_eager_garbage: bool = False,
) -> Any:
    """Runs the test in graph mode, inside the session of the test."""

    def decorate(test: Test) -> Test:
        if inspect.isclass(test):
            raise ValueError(
                "`run_in_graph_and_eager_modes` only supports test methods. "
                "Did you mean to use `run_all_in_graph_and_eager_modes`?"
            )

        @functools.wraps(test)
        def in_graph_mode(self: Any, *args: Any, **kwargs: Any) -> None:
            with self.test_session(use_gpu=use_gpu, config=config):
                test(self, *args, **kwargs)

        return in_graph_mode

    return decorate if func is None else decorate(func)


def run_all_in_graph_and_eager_modes(cls: Any) -> Any:
    """`run_in_graph_and_eager_modes` for each test of a class."""
    for name, value in list(vars(cls).items()):
        both = name.startswith("test") and not name.startswith(("testSkipEager", "test_skip_eager"))
        if callable(value) and both and name != "test_session":
            setattr(cls, name, run_in_graph_and_eager_modes(value))
    return cls


def build_as_function_and_v1_graph(func: Any = None) -> Any:
    """Runs a test, which only builds, in a graph of its own, under the two names that TF gave its two runs."""
    from absl.testing import parameterized

    def decorate(test: Test) -> Any:
        @parameterized.named_parameters(("_v1_graph", "v1_graph"), ("_function", "function"))  # type: ignore[untyped-decorator]
        @functools.wraps(test)
        def in_graph(self: Any, run_mode: str, *args: Any, **kwargs: Any) -> None:
            with Graph().as_default():
                test(self, *args, **kwargs)

        return in_graph

    return decorate if func is None else decorate(func)


# --- devices ---


def device(use_gpu: bool) -> Any:
    """Operations of the block go to the GPU if there is one and it is wanted, else to the CPU."""
    return graph_device(gpu_device_name() or "/device:CPU:0" if use_gpu else "/device:CPU:0")


def use_gpu() -> Any:
    """Operations of the block go to the GPU if there is one."""
    return device(True)


def force_gpu() -> Any:
    """Operations of the block go to the GPU."""
    return graph_device("/device:GPU:0")


def force_cpu() -> Any:
    """Operations of the block go to the CPU."""
    return graph_device("/device:CPU:0")


def _never() -> bool:
    return False


is_xla_enabled = IsGoogleCudaEnabled = IsBuiltWithROCm = IsMklEnabled = _never


def GpuSupportsHalfMatMulAndConv() -> bool:
    """True if there is a GPU."""
    return is_gpu_available()


# --- graphs ---


def assert_ops_in_graph(expected_ops: dict[str, str], graph: Any) -> dict[str, Any]:
    """The NodeDefs of the named operations; ValueError if one is missing or of another type."""
    actual = {}
    for node in graph.as_graph_def().node:
        if node.name in expected_ops:
            if expected_ops[node.name] != node.op:
                raise ValueError(
                    f"Expected op for node {node.name} is different. {expected_ops[node.name]} vs {node.op}"
                )
            actual[node.name] = node
    if set(expected_ops) != set(actual):
        raise ValueError(f"Not all expected ops are present. Expected {expected_ops.keys()}, found {actual.keys()}")
    return actual


def get_node_def_from_graph(node_name: str, graph_def: Any) -> Any:
    """The NodeDef of that name, or None."""
    return next((node for node in graph_def.node if node.name == node_name), None)


def set_producer_version(graph: Any, producer_version: int) -> None:
    """Makes a graph, which must be empty, one of an older version."""
    graph._producer = producer_version


@export("test.assert_equal_graph_def")
def assert_equal_graph_def(
    actual: Any, expected: Any, checkpoint_v2: bool = False, hash_table_shared_name: bool = False
) -> None:
    """Fails unless two GraphDefs have the same nodes, in any order.

    `checkpoint_v2` and `hash_table_shared_name` take names that are random out of both first.

    Source: TF 1.15 `tf.test.assert_equal_graph_def`.
    """
    for name, value in (("actual", actual), ("expected", expected)):
        if not hasattr(value, "node"):
            raise TypeError(f"Expected tf.GraphDef for {name}, got {type(value).__name__}")
    strips = [strip_checkpoint_names] * bool(checkpoint_v2) + [strip_table_names] * bool(hash_table_shared_name)
    for strip in strips:
        for graph_def in (actual, expected):
            strip(graph_def)
    difference = first_difference(actual, expected)
    if difference:
        raise AssertionError(difference)


assert_equal_graph_def_v1 = assert_equal_graph_def


def assert_equal_graph_def_v2(expected: Any, actual: Any) -> None:
    """As `assert_equal_graph_def` with the other order of arguments and without what is random."""
    assert_equal_graph_def(actual, expected, True, True)


def assert_meta_graph_protos_equal(tester: Any, a: Any, b: Any) -> None:
    """Fails unless two MetaGraphDefs say the same."""
    tester.assertEqual(set(a.collection_def), set(b.collection_def))
    for key in a.collection_def:
        tester.assertEqual(str(a.collection_def[key]), str(b.collection_def[key]), f"collection {key}")
    assert_equal_graph_def(a.graph_def, b.graph_def)


# --- layouts ---

_ORDERS = {
    "NHWCToNCHW": {4: [0, 3, 1, 2], 5: [0, 4, 1, 2, 3]},
    "NCHWToNHWC": {4: [0, 2, 3, 1], 5: [0, 2, 3, 4, 1]},
    "NHWCToNCHW_VECT_C": {5: [0, 3, 1, 2, 4], 6: [0, 4, 1, 2, 3, 5]},
    "NCHW_VECT_CToNHWC": {5: [0, 2, 3, 1, 4], 6: [0, 2, 3, 4, 1, 5]},
}


def _reordered(tensor_or_shape: Any, orders: dict[int, list[int]]) -> Any:
    if not isinstance(tensor_or_shape, Tensor):
        return [tensor_or_shape[axis] for axis in orders[len(tensor_or_shape)]]
    from retrograph._namespace import resolve

    return resolve("", "transpose")(tensor_or_shape, orders[len(tensor_or_shape.shape.as_list())])


def NHWCToNCHW(input_tensor: Any) -> Any:
    """A tensor or shape with channels moved to the front."""
    return _reordered(input_tensor, _ORDERS["NHWCToNCHW"])


def NCHWToNHWC(input_tensor: Any) -> Any:
    """A tensor or shape with channels moved to the end."""
    return _reordered(input_tensor, _ORDERS["NCHWToNHWC"])


def _reshaped(value: Any, shape: list[int]) -> Any:
    from retrograph._namespace import resolve

    return resolve("", "reshape")(value, shape) if isinstance(value, Tensor) else shape


def _shape_list(value: Any) -> list[Any]:
    return list(value.shape.as_list() if isinstance(value, Tensor) else value)


def NHWCToNCHW_VECT_C(input_shape_or_tensor: Any) -> Any:
    """Channels to the front in groups of four, which stay last."""
    shape = _shape_list(input_shape_or_tensor)
    if shape[-1] % 4 != 0:
        raise ValueError("Last dimension of input must be evenly divisible by 4 to convert to NCHW_VECT_C.")
    grouped = _reshaped(input_shape_or_tensor, [*shape[:-1], shape[-1] // 4, 4])
    return _reordered(grouped, _ORDERS["NHWCToNCHW_VECT_C"])


def NCHW_VECT_CToNHWC(input_shape_or_tensor: Any) -> Any:
    """Groups of four channels back to the end."""
    moved = _reordered(input_shape_or_tensor, _ORDERS["NCHW_VECT_CToNHWC"])
    shape = _shape_list(moved)
    return _reshaped(moved, [*shape[:-2], shape[-2] * shape[-1]])


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@export("test.create_local_cluster")
def create_local_cluster(
    num_workers: int, num_ps: int, protocol: str = "grpc", worker_config: Any = None, ps_config: Any = None
) -> tuple[list[Server], list[Server]]:
    """(servers of workers, servers of parameters) in this process; there can be one server in all.

    Raises: UnimplementedError: more than one server, which would be several tasks.
    Source: TF 1.15 `tf.test.create_local_cluster`.
    """
    if num_workers + num_ps > 1:
        text = f"create_local_cluster is not supported for several tasks: num_workers={num_workers}, num_ps={num_ps}. One worker without parameter servers is."
        raise errors.UnimplementedError(None, None, text)
    jobs = {"worker": (num_workers, worker_config), "ps": (num_ps, ps_config)}
    cluster = {job: [f"localhost:{_unused_port()}"] * number for job, (number, _) in jobs.items()}
    servers = {
        job: [Server(cluster, job_name=job, task_index=i, protocol=protocol, config=config) for i in range(number)]
        for job, (number, config) in jobs.items()
    }
    return servers["worker"], servers["ps"]


def generate_combinations_with_testcase_name(**kwargs: Any) -> list[dict[str, Any]]:
    """Each combination of the options as arguments of a test, with `testcase_name`.

    Source: TF 1.15 `test_util.generate_combinations_with_testcase_name`.
    """
    keys = sorted(kwargs)
    values = [kwargs[key] if isinstance(kwargs[key], list) else [kwargs[key]] for key in keys]
    return [_with_name(dict(zip(keys, chosen, strict=True))) for chosen in itertools.product(*values)]


def _with_name(options: dict[str, Any]) -> dict[str, Any]:
    words = (f"_{_plain(key)}_{_plain(str(value))}" for key, value in options.items())
    return {**options, "testcase_name": "_test" + "".join(words)}


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text))
