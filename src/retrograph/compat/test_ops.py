"""The op types of `tensorflow.python.framework.test_ops`, which TF's own tests build graphs of. They do not run."""

from __future__ import annotations

import json

from retrograph.compat.facts import read
from retrograph.framework.op_table import define_op

for _line in read("test_ops.jsonl.gz").splitlines():
    define_op(json.loads(_line))
