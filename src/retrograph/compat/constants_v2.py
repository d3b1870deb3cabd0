"""`tensorflow.python.framework.constant_op.constant`: TF 2's function, which fills a shape with one element only."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.constants import constant as constant_v1
from retrograph.framework.constants import make_array
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import as_shape


def constant(value: Any, dtype: Any = None, shape: Any = None, name: Any = "Const") -> Tensor:
    """A constant tensor.

    Raises TypeError if `value` has neither the shape given nor one element.
    """
    size = 1 if shape is None else np.size(make_array(value, dtype))
    verify = size != 1 and size != as_shape(shape).num_elements()
    return constant_v1(value, dtype, shape, name, verify_shape=verify)
