"""Summaries of `tf.contrib.summary` made inside branches and loop bodies, which are run by what the branch gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph.framework import nest
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import control_dependencies, get_collection, get_collection_ref
from retrograph.ops.control_flow import identity_or_ref


def after_summaries(build: Callable[[], Any]) -> Any:
    """What `build()` gives, computed after the summaries that it made: outside, these could not be run."""
    key = GraphKeys._SUMMARY_COLLECTION
    before = get_collection(key)
    result = build()
    made = get_collection(key)[len(before) :]
    if not made or result is None:
        return result
    get_collection_ref(key)[:] = before
    with control_dependencies(made):
        return nest.map_structure(identity_or_ref, result, expand_composites=True)
