"""A checkpoint of either format, by its prefix."""

from __future__ import annotations

import os

from retrograph.checkpoint.old_format import SlicesReader, matching_files
from retrograph.checkpoint.reading import BundleReader, index_name

Reader = BundleReader | SlicesReader


def open_checkpoint(prefix: str) -> Reader:
    """The tensors of a checkpoint.

    Raises: NotFoundError if there is none; DataLossError for damaged files.
    """
    if not os.path.exists(index_name(prefix)) and any(map(os.path.isfile, matching_files(prefix))):
        return SlicesReader(prefix)
    return BundleReader(prefix)
