"""`tf.contrib.tensorboard.plugins.projector`: what TensorBoard's projector of embeddings shows."""

from __future__ import annotations

import os
from typing import Any

from retrograph.framework.exports import export, export_value
from retrograph.framework.messages import message_class
from retrograph.platform.gfile import write_string_to_file

_HERE = "contrib.tensorboard.plugins.projector."
ProjectorConfig: Any = export_value(f"{_HERE}ProjectorConfig", message_class("tensorflow.ProjectorConfig"))
EmbeddingInfo: Any = export_value(f"{_HERE}EmbeddingInfo", message_class("tensorflow.EmbeddingInfo"))
SpriteMetadata: Any = export_value(f"{_HERE}SpriteMetadata", message_class("tensorflow.SpriteMetadata"))


@export("contrib.tensorboard.plugins.projector.visualize_embeddings")
def visualize_embeddings(summary_writer: Any, config: Any) -> None:
    """Writes a ProjectorConfig as `projector_config.pbtxt` into the directory of a FileWriter.

    Raises: ValueError for a writer without a directory.
    Source: TF 1.15 tf.contrib.tensorboard.plugins.projector.visualize_embeddings
    """
    logdir = summary_writer.get_logdir()
    if logdir is None:
        raise ValueError("Summary writer must have a logdir")
    write_string_to_file(os.path.join(logdir, "projector_config.pbtxt"), str(config))
