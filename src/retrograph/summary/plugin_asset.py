"""What TensorBoard's plugins keep beside event files: one asset object a graph and plugin."""

from __future__ import annotations

import abc
from typing import Any

from retrograph.framework.default_graph import get_default_graph

_PREFIX = "__tensorboard_plugin_asset__"


class PluginAsset(abc.ABC):
    """The files of a plugin, which a FileWriter writes when it is given the graph."""

    plugin_name: str | None = None

    @abc.abstractmethod
    def assets(self) -> dict[str, str]:
        """Name of a file -> what it holds."""


def _only(graph: Any, name: str) -> Any:
    found = graph.get_collection(_PREFIX + name)
    if len(found) != 1:
        raise ValueError(f"Collection for {_PREFIX + name} had {len(found)} items, expected 1")
    return found[0]


def get_plugin_asset(plugin_asset_cls: Any, graph: Any = None) -> Any:
    """The graph's object of this class, made when first asked for.

    Raises: ValueError without a plugin name, or if another class has it.
    """
    graph, plugin = graph or get_default_graph(), plugin_asset_cls.plugin_name
    if not plugin:
        raise ValueError(f"Class {plugin_asset_cls.__name__} has no plugin_name")
    if not graph.get_collection(_PREFIX + plugin):
        graph.add_to_collection(_PREFIX + plugin, plugin_asset_cls())
        graph.add_to_collection(_PREFIX, plugin)
    found = _only(graph, plugin)
    if not isinstance(found, plugin_asset_cls):
        raise ValueError(
            f"Plugin name collision between classes {plugin_asset_cls.__name__} and {type(found).__name__}"
        )
    return found


def get_all_plugin_assets(graph: Any = None) -> list[Any]:
    """All the graph's objects of plugins. Raises: ValueError if there are several of one plugin."""
    graph = graph or get_default_graph()
    return [_only(graph, name) for name in graph.get_collection(_PREFIX)]
