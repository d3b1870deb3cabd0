"""Which accelerators there are, asked of JAX when somebody asks."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export


def _gpus() -> list[Any]:
    from retrograph.framework.lazy_jax import jax

    return [device for device in jax.devices() if device.platform != "cpu"]


@export("test.gpu_device_name")
def gpu_device_name() -> str:
    """`/device:GPU:0`, or nothing without one. Source: TF 1.15 `tf.test.gpu_device_name`."""
    return "/device:GPU:0" if _gpus() else ""


@export("test.is_gpu_available")
def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """True if JAX has an accelerator. Source: TF 1.15 `tf.test.is_gpu_available`."""
    return bool(_gpus())


@export("test.is_built_with_cuda", "test.is_built_with_gpu_support")
def is_built_with_cuda() -> bool:
    """True if JAX runs on NVIDIA GPUs here. Source: TF 1.15 `tf.test.is_built_with_cuda`."""
    return any(device.platform in ("gpu", "cuda") for device in _gpus())


@export("test.is_built_with_rocm")
def is_built_with_rocm() -> bool:
    """True if JAX runs on AMD GPUs here. Source: TF 1.15 `tf.test.is_built_with_rocm`."""
    return any(device.platform == "rocm" for device in _gpus())


is_built_with_gpu_support = is_built_with_cuda
