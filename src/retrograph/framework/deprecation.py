"""Warnings of deprecated forms, through the logger `tensorflow` as TF gives them."""

from __future__ import annotations

from retrograph.framework.logger import get_logger


def warn(text: str) -> None:
    """Logs a warning to the logger that `tf.logging` sets up."""
    get_logger().warning(text)
