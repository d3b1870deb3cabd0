"""Messages that are public names of their own and that nothing else here makes."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export_value
from retrograph.framework.messages import message_class

TensorInfo: Any = export_value("TensorInfo", message_class("tensorflow.TensorInfo"))
NameAttrList: Any = export_value("NameAttrList", message_class("tensorflow.NameAttrList"))
