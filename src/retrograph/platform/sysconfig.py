"""`tf.sysconfig` and `tf.version`: what the program asks about the library itself."""

from __future__ import annotations

import os

from retrograph.framework.exports import export, export_value

VERSION = export_value("VERSION", "version.VERSION", "__version__", value="1.15.5", attribute="VERSION")
GIT_VERSION = export_value(
    "GIT_VERSION", "version.GIT_VERSION", "__git_version__", value="v1.15.4-39-g3db52be", attribute="GIT_VERSION"
)
COMPILER_VERSION = export_value(
    "COMPILER_VERSION",
    "version.COMPILER_VERSION",
    "__compiler_version__",
    value="7.3.1 20180303",
    attribute="COMPILER_VERSION",
)
GRAPH_DEF_VERSION = export_value(
    "GRAPH_DEF_VERSION", "version.GRAPH_DEF_VERSION", value=134, attribute="GRAPH_DEF_VERSION"
)
GRAPH_DEF_VERSION_MIN_CONSUMER = export_value(
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "version.GRAPH_DEF_VERSION_MIN_CONSUMER",
    value=0,
    attribute="GRAPH_DEF_VERSION_MIN_CONSUMER",
)
GRAPH_DEF_VERSION_MIN_PRODUCER = export_value(
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "version.GRAPH_DEF_VERSION_MIN_PRODUCER",
    value=0,
    attribute="GRAPH_DEF_VERSION_MIN_PRODUCER",
)
CXX11_ABI_FLAG = export_value(
    "CXX11_ABI_FLAG", "sysconfig.CXX11_ABI_FLAG", "__cxx11_abi_flag__", value=0, attribute="CXX11_ABI_FLAG"
)
MONOLITHIC_BUILD = export_value(
    "MONOLITHIC_BUILD", "sysconfig.MONOLITHIC_BUILD", "__monolithic_build__", value=0, attribute="MONOLITHIC_BUILD"
)

_NO_NATIVE_CODE = "Retrograph is pure Python: there are no headers or libraries of TensorFlow to compile against."


@export("sysconfig.get_lib")
def get_lib() -> str:
    """The folder of the package. Source: TF 1.15 `tf.sysconfig.get_lib`."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@export("sysconfig.get_include")
def get_include() -> str:
    """Raises NotImplementedError: there are no headers. Source: TF 1.15 `tf.sysconfig.get_include`."""
    raise NotImplementedError(_NO_NATIVE_CODE)


@export("sysconfig.get_compile_flags", "sysconfig.get_link_flags")
def get_compile_flags() -> list[str]:
    """Raises NotImplementedError: there is nothing to compile against. Source: TF 1.15 `tf.sysconfig.get_compile_flags`."""
    raise NotImplementedError(_NO_NATIVE_CODE)


get_link_flags = get_compile_flags
