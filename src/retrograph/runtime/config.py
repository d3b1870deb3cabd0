"""`ConfigProto`, `RunOptions` and their parts: accepted with TF's fields; docs/sessions.md says which have a meaning here."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export


class Message:
    """An object with the fields of a protocol buffer: unset scalars give their default, parts are made when first read."""

    _fields: dict[str, Any] = {}

    def __init__(self, **fields: Any):
        for name, value in fields.items():
            self._check(name)
            if value is not None:
                setattr(self, name, value)

    def _check(self, name: str) -> None:
        if name not in self._fields:
            raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in type(self)._fields:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        default = self._fields[name]
        value = default() if callable(default) else default
        if callable(default):
            object.__setattr__(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f'Assignment not allowed (no field "{name}" in protocol message object).')
        object.__setattr__(self, name, value)

    def HasField(self, name: str) -> bool:
        """Whether the field has been set."""
        return name in self.__dict__

    def CopyFrom(self, other: Message) -> None:
        """Takes the fields of another message."""
        self.__dict__.clear()
        self.__dict__.update(other.__dict__)

    MergeFrom = CopyFrom

    def Clear(self) -> None:
        """Unsets all fields."""
        self.__dict__.clear()

    def SerializeToString(self) -> bytes:
        """A text form; it is not TF's wire format."""
        return repr(self).encode()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "".join(f"{k}: {v}\n" for k, v in sorted(self.__dict__.items()))


class _Repeated(list[Any]):
    """A repeated field of messages."""

    def __init__(self, kind: Any):
        super().__init__()
        self._kind = kind

    def add(self, **fields: Any) -> Any:
        """Appends a new message and gives it."""
        self.append(self._kind(**fields))
        return self[-1]


def _message(name: str, doc: str, fields: dict[str, Any], **constants: int) -> Any:
    return type(name, (Message,), {"__doc__": doc, "_fields": fields, "__module__": __name__, **constants})


GPUOptions: Any = export("GPUOptions")(
    _message(
        "GPUOptions", "How GPUs are used; memory is JAX's matter here. Source: TF 1.15 `tf.GPUOptions`.",
        {
            "per_process_gpu_memory_fraction": 0.0, "allow_growth": False, "allocator_type": "", "deferred_deletion_bytes": 0, "visible_device_list": "",
            "polling_active_delay_usecs": 0, "polling_inactive_delay_msecs": 0, "force_gpu_compatible": False, "experimental": dict,
        },
    )
)  # fmt: skip
OptimizerOptions: Any = export("OptimizerOptions")(
    _message(
        "OptimizerOptions", "How graphs are optimized; XLA does that here. Source: TF 1.15 `tf.OptimizerOptions`.",
        {
            "do_common_subexpression_elimination": False, "do_constant_folding": False, "max_folded_constant_in_bytes": 0, "do_function_inlining": False, "opt_level": 0,
            "global_jit_level": 0,
        },
        L1=0, L0=-1, DEFAULT=0, OFF=-1, ON_1=1, ON_2=2,
    )
)  # fmt: skip
RewriterConfig: Any = _message(
    "RewriterConfig", "Grappler's settings; without meaning here.",
    dict.fromkeys(
        (
            "layout_optimizer", "constant_folding", "shape_optimization", "remapping", "arithmetic_optimization", "dependency_optimization", "loop_optimization",
            "function_optimization", "debug_stripper", "disable_model_pruning", "scoped_allocator_optimization", "pin_to_host_optimization", "implementation_selector",
            "auto_mixed_precision", "disable_meta_optimizer", "meta_optimizer_iterations", "min_graph_nodes", "memory_optimization", "meta_optimizer_timeout_ms",
        ),
        0,
    ),
    DEFAULT=0, ON=1, OFF=2, AGGRESSIVE=3, NO_MEM_OPT=1, MANUAL=2,
)  # fmt: skip
GraphOptions: Any = export("GraphOptions")(
    _message(
        "GraphOptions", "How graphs are run. Source: TF 1.15 `tf.GraphOptions`.",
        {
            "enable_recv_scheduling": False, "optimizer_options": OptimizerOptions, "build_cost_model": 0, "build_cost_model_after": 0, "infer_shapes": False,
            "place_pruned_graph": False, "enable_bfloat16_sendrecv": False, "timeline_step": 0, "rewrite_options": RewriterConfig,
        },
    )
)  # fmt: skip
ThreadPoolOptions: Any = _message(
    "ThreadPoolOptionProto", "A thread pool; without meaning here.", {"num_threads": 0, "global_name": ""}
)
RPCOptions: Any = _message(
    "RPCOptions",
    "Remote calls; without meaning here.",
    {"use_rpc_for_inprocess_master": False, "compression_algorithm": "", "compression_level": 0},
)
ClusterDef: Any = _message("ClusterDef", "A cluster; sessions are local here.", {"job": list})
ConfigProto: Any = export("ConfigProto")(
    _message(
        "ConfigProto", "How a session runs. Source: TF 1.15 `tf.ConfigProto`.",
        {
            "device_count": dict, "intra_op_parallelism_threads": 0, "inter_op_parallelism_threads": 0, "use_per_session_threads": False, "session_inter_op_thread_pool": lambda: _Repeated(ThreadPoolOptions),
            "placement_period": 0, "device_filters": list, "gpu_options": GPUOptions, "allow_soft_placement": False, "log_device_placement": False,
            "graph_options": GraphOptions, "operation_timeout_in_ms": 0, "rpc_options": RPCOptions, "cluster_def": ClusterDef, "isolate_session_state": False,
            "share_cluster_devices_in_session": False, "experimental": dict,
        },
    )
)  # fmt: skip
RunOptions: Any = export("RunOptions")(
    _message(
        "RunOptions", "How one `run` goes. Source: TF 1.15 `tf.RunOptions`.",
        {
            "trace_level": 0, "timeout_in_ms": 0, "inter_op_thread_pool": 0, "output_partition_graphs": False, "debug_options": dict,
            "report_tensor_allocations_upon_oom": False, "experimental": dict,
        },
        NO_TRACE=0, SOFTWARE_TRACE=1, HARDWARE_TRACE=2, FULL_TRACE=3,
    )
)  # fmt: skip
StepStats: Any = _message("StepStats", "Times of operations; XLA runs them as one.", {"dev_stats": list})
RunMetadata: Any = export("RunMetadata")(
    _message(
        "RunMetadata",
        "What a `run` tells of itself. Source: TF 1.15 `tf.RunMetadata`.",
        {"step_stats": StepStats, "cost_graph": dict, "partition_graphs": list},
    )
)
