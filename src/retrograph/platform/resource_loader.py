"""`tf.resource_loader`: files beside the caller's module."""

from __future__ import annotations

import os
import sys

from retrograph.framework.exports import export


@export("resource_loader.get_data_files_path")
def get_data_files_path() -> str:
    """The folder of the calling file. Source: TF 1.15 `tf.resource_loader.get_data_files_path`."""
    return os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))


@export("resource_loader.get_root_dir_with_all_resources")
def get_root_dir_with_all_resources() -> str:
    """The folder of the calling file. Source: TF 1.15 `tf.resource_loader.get_root_dir_with_all_resources`."""
    return os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))


@export("resource_loader.get_path_to_datafile")
def get_path_to_datafile(path: str) -> str:
    """`path` beside the calling file. Source: TF 1.15 `tf.resource_loader.get_path_to_datafile`."""
    return os.path.join(os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename)), path)


@export("resource_loader.readahead_file_path")
def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """The path as it is. Source: TF 1.15 `tf.resource_loader.readahead_file_path`."""
    return path


@export("resource_loader.load_resource")
def load_resource(path: str) -> bytes:
    """The content of a file below the package. Source: TF 1.15 `tf.resource_loader.load_resource`."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(package, path), "rb") as file:
        return file.read()
