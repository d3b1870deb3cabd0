"""Names that TF 1.15's `contrib` modules show because they imported them, for programs that list them."""

from __future__ import annotations
import __future__

import collections
import contextlib

from retrograph.framework.exports import export_value

_FEATURES = {name: getattr(__future__, name) for name in ("absolute_import", "division", "print_function")}
globals().update(_FEATURES)
for _module in (
    "contrib.autograph",
    "contrib.compiler",
    "contrib.grid_rnn",
    "contrib.slim",
    "contrib.solvers",
    "contrib.specs",
    "contrib.staging",
    "contrib.tensorboard",
    "contrib.testing",
    "contrib.reduce_slice_ops",
    "contrib.training.python.training.hparam",
):
    for _name in _FEATURES:
        export_value(f"{_module}.{_name}", _FEATURES[_name], attribute=_name)
namedtuple, contextmanager = collections.namedtuple, contextlib.contextmanager
export_value("contrib.grid_rnn.namedtuple", namedtuple, attribute="namedtuple")
export_value("contrib.slim.queues.contextmanager", contextmanager, attribute="contextmanager")
