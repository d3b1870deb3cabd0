"""Resources that programs register: what has to be made before a graph can run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection, device, get_collection, name_scope
from retrograph.framework.dtypes import string
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.control_flow import group, no_op


class Resource(NamedTuple):
    """A handle, the operation that makes the resource, and a tensor that says whether it is there."""

    handle: Tensor
    create: Operation
    is_initialized: Tensor


def register_resource(handle: Tensor, create_op: Operation, is_initialized_op: Tensor, is_shared: bool = True) -> None:
    """Adds a resource to the shared or the local ones of the graph.

    Source: TF 1.15 `resources.register_resource`.
    """
    key = GraphKeys.RESOURCES if is_shared else GraphKeys.LOCAL_RESOURCES
    add_to_collection(key, Resource(handle, create_op, is_initialized_op))


def shared_resources() -> list[Any]:
    """The resources that all workers share. Source: TF 1.15 `resources.shared_resources`."""
    return get_collection(GraphKeys.RESOURCES)


def local_resources() -> list[Any]:
    """The resources of this worker. Source: TF 1.15 `resources.local_resources`."""
    return get_collection(GraphKeys.LOCAL_RESOURCES)


def initialize_resources(resource_list: Sequence[Any], name: str = "init") -> Operation:
    """An operation that makes the resources. Source: TF 1.15 `resources.initialize_resources`."""
    if resource_list:
        return group(*[r.create for r in resource_list], name=name)
    return no_op(name=name)


def report_uninitialized_resources(
    resource_list: Sequence[Any] | None = None, name: str = "report_uninitialized_resources"
) -> Tensor:
    """`string[n]`: the names of the handles whose resources are not there.

    Source: TF 1.15 `resources.report_uninitialized_resources`.
    """
    from retrograph.framework.constants import constant
    from retrograph.ops.joining import stack
    from retrograph.ops.selecting import boolean_mask

    if resource_list is None:
        resource_list = [*shared_resources(), *local_resources()]
    with name_scope(name), device("/cpu:0"):
        if not resource_list:
            return constant([], dtype=string)
        mask = apply_op("LogicalNot", None, x=stack([r.is_initialized for r in resource_list]))
        return boolean_mask(constant([r.handle.name for r in resource_list]), mask)
