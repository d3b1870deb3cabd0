"""`tensorflow.python.debug`: imported by programs for an option that few use; using it says what to do instead."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat.resolve import find


def _debug(name):
    return find("tensorflow.python.debug", name)


@pytest.mark.parametrize("name", ["LocalCLIDebugWrapperSession", "TensorBoardDebugWrapperSession", "LocalCLIDebugHook"])
def test_the_debugger_is_refused_by_name(name):
    with pytest.raises(
        tf.errors.UnimplementedError, match=rf"tensorflow\.python\.debug\.{name} is not supported: tfdbg"
    ):
        _debug(name)(tf.Session())


def test_watching_is_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="watch_graph"):
        _debug("watch_graph")(tf.RunOptions(), tf.get_default_graph())


@pytest.mark.parametrize(
    ("value", "wanted"),
    [([1.0, np.nan], True), ([np.inf], True), ([1.0], False), ([1], False), (["a"], False), (np.float32("nan"), True)],
)
def test_has_inf_or_nan(value, wanted):
    assert _debug("has_inf_or_nan")(None, np.asarray(value)) is wanted
    assert _debug("has_inf_or_nan")(None, None) is False


def test_found_by_the_modules_that_define_them():
    assert find("tensorflow.python.debug.lib.debug_data", "has_inf_or_nan") is _debug("has_inf_or_nan")
    wrapper = find("tensorflow.python.debug.wrappers.local_cli_wrapper", "LocalCLIDebugWrapperSession")
    assert wrapper is _debug("LocalCLIDebugWrapperSession")
