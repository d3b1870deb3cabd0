"""Functions of TF's modules in the form that TF 2 has them: other arguments, the same operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph._namespace import resolve
from retrograph.framework.operation import Tensor


def moments_v2(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Any = None) -> tuple[Tensor, Tensor]:
    """Mean and variance."""
    return resolve("nn", "moments")(x=x, axes=axes, shift=shift, name=name, keep_dims=keepdims)  # type: ignore[no-any-return]


def l2_normalize_v2(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None) -> Tensor:
    """Values over the root of the sum of their squares."""
    return resolve("nn", "l2_normalize")(x, axis, epsilon, name)  # type: ignore[no-any-return]


def softmax_v2(logits: Any, axis: Any = None, name: Any = None) -> Tensor:
    """Probabilities of logits along an axis, the last if not given."""
    return resolve("nn", "softmax")(logits, -1 if axis is None else axis, name)  # type: ignore[no-any-return]


def log_softmax_v2(logits: Any, axis: Any = None, name: Any = None) -> Tensor:
    """Logarithms of the probabilities of logits along an axis, the last if not given."""
    return resolve("nn", "log_softmax")(logits, -1 if axis is None else axis, name)  # type: ignore[no-any-return]


def conv2d_transpose_v2(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: Any = None,
) -> Tensor:
    """A 2-D convolution turned around."""
    return resolve("nn", "conv2d_transpose")(  # type: ignore[no-any-return]
        input, filters, output_shape, strides, padding=padding, data_format=data_format, dilations=dilations, name=name
    )


def conv3d_transpose_v2(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: Any = None,
) -> Tensor:
    """A 3-D convolution turned around."""
    return resolve("nn", "conv3d_transpose")(  # type: ignore[no-any-return]
        input, filters, output_shape, strides, padding=padding, data_format=data_format, dilations=dilations, name=name
    )


def nce_loss_v2(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: Any = "nce_loss",
) -> Tensor:
    """The loss of noise-contrastive estimation; partitioned weights are cut into runs of rows."""
    return resolve("nn", "nce_loss")(  # type: ignore[no-any-return]
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy="div", name=name,
    )  # fmt: skip


def sampled_softmax_loss_v2(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: Any = None,
    name: Any = "sampled_softmax_loss",
) -> Tensor:
    """The loss of a softmax over sampled classes; partitioned weights are cut into runs of rows."""
    return resolve("nn", "sampled_softmax_loss")(  # type: ignore[no-any-return]
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy="div", name=name, seed=seed,
    )  # fmt: skip


# Name in TF 2's form -> the public function, and the arguments in order (`own:in_the_function`).
_FORMS = {
    "argmax_v2": ("argmax", "input axis output_type name"),
    "argmin_v2": ("argmin", "input axis output_type name"),
    "boolean_mask_v2": ("boolean_mask", "tensor mask axis name"),
    "conv2d_v2": ("nn.conv2d", "input filters strides padding data_format dilations name"),
    "conv3d_v2": ("nn.conv3d", "input filters:filter strides padding data_format dilations name"),
    "count_nonzero_v2": ("count_nonzero", "input:input_tensor axis keepdims dtype name"),
    "crelu_v2": ("nn.crelu", "features axis name"),
    "dropout_v2": ("nn.dropout", "x rate noise_shape seed name"),
    "embedding_lookup_v2": ("nn.embedding_lookup", "params ids max_norm name"),
    "expand_dims_v2": ("expand_dims", "input axis name"),
    "gather_nd_v2": ("gather_nd", "params indices batch_dims name"),
    "gather_v2": ("gather", "params indices validate_indices axis batch_dims name"),
    "norm_v2": ("norm", "tensor ord axis keepdims name"),
    "ones_like_v2": ("ones_like", "input:tensor dtype name"),
    "reverse_sequence_v2": ("reverse_sequence", "input seq_lengths seq_axis batch_axis name"),
    "shape_v2": ("shape", "input out_type name"),
    "size_v2": ("size", "input out_type name"),
    "squeeze_v2": ("squeeze", "input axis name"),
    "transpose_v2": ("transpose", "a perm conjugate name"),
    "zeros_like_v2": ("zeros_like", "input:tensor dtype name"),
}


def _form(name: str, public: str, arguments: str) -> Callable[..., Any]:
    names = dict((argument.split(":") * 2)[:2] for argument in arguments.split())

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > len(names):
            raise TypeError(f"{name}() takes {len(names)} positional arguments but {len(args)} were given")
        given = dict(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key in given or key not in names:
                kind = "multiple values for" if key in given else "an unexpected keyword"
                raise TypeError(f"{name}() got {kind} argument '{key}'")
            given[key] = value
        path, _, last = public.rpartition(".")
        return resolve(path, last)(**{names[key]: value for key, value in given.items()})

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`tf.{public}` with the arguments of TF 2: {', '.join(names)}."
    return call


globals().update({name: _form(name, *form) for name, form in _FORMS.items()})
