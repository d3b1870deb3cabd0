"""`tf.contrib.quantize`: a graph is rewritten in place so that it computes as it would with few bits."""

from __future__ import annotations

from retrograph.contrib.quantizing.layers import Quantizer, Settings
from retrograph.contrib.quantizing.unfused import FoldBatchNorms
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph

_RULES = (
    "Adagrad", "AdagradDA", "Adam", "AddSign", "CenteredRMSProp", "Ftrl", "FtrlV2", "GradientDescent", "Momentum",
    "PowerSign", "ProximalAdagrad", "ProximalGradientDescent", "RMSProp",
)  # fmt: skip
_DENSE_ONLY = ("Adam", "AddSign", "GradientDescent", "PowerSign")
_SPARSE = tuple(rule for rule in ("Adadelta", *_RULES) if rule not in _DENSE_ONLY)
_TRAINING = frozenset((
    *(f"Apply{rule}" for rule in _RULES),
    *(f"ResourceApply{rule}" for rule in ("Adadelta", *_RULES)),
    *(f"SparseApply{rule}" for rule in _SPARSE),
    *(f"ResourceSparseApply{rule}" for rule in _SPARSE),
))  # fmt: skip


def _rewrite(input_graph: Graph | None, settings: Settings, freeze_bn_delay: int | None = None) -> None:
    graph = get_default_graph() if input_graph is None else input_graph
    training = {op.type for op in graph.get_operations()} & _TRAINING
    if training:
        raise ValueError(f"Training op found in graph, exiting {training}")
    with graph.as_default():
        FoldBatchNorms(graph, settings.is_training, freeze_bn_delay)
        Quantizer(graph, settings).run()


@export("contrib.quantize.create_training_graph")
def create_training_graph(input_graph: Graph | None = None, quant_delay: int = 0) -> None:
    """Makes a graph train as if its weights and activations had 8 bits, after `quant_delay` steps.

    Call it before gradients are made. Batch norms are folded into the layers before them.
    Raises: ValueError for a graph with optimizers.
    Source: TF 1.15 `tf.contrib.quantize.create_training_graph`.
    """
    _rewrite(input_graph, Settings(True, delay=quant_delay))


@export("contrib.quantize.create_eval_graph")
def create_eval_graph(input_graph: Graph | None = None) -> None:
    """Makes a graph evaluate as if its weights and activations had 8 bits.

    Raises: as `create_training_graph`.
    Source: TF 1.15 `tf.contrib.quantize.create_eval_graph`.
    """
    _rewrite(input_graph, Settings(False))


@export("contrib.quantize.experimental_create_training_graph")
def experimental_create_training_graph(
    input_graph: Graph | None = None, weight_bits: int = 8, activation_bits: int = 8, symmetric: bool = False,
    quant_delay: int = 0, freeze_bn_delay: int | None = None, scope: str | None = None,
) -> None:  # fmt: skip
    """`create_training_graph` with other numbers of bits, in a scope; moving averages are frozen after a while.

    Source: TF 1.15 `tf.contrib.quantize.experimental_create_training_graph`.
    """
    _rewrite(input_graph, Settings(True, weight_bits, activation_bits, symmetric, quant_delay, scope), freeze_bn_delay)


@export("contrib.quantize.experimental_create_eval_graph")
def experimental_create_eval_graph(
    input_graph: Graph | None = None, weight_bits: int = 8, activation_bits: int = 8, symmetric: bool = False,
    quant_delay: int | None = None, scope: str | None = None,
) -> None:  # fmt: skip
    """`create_eval_graph` with other numbers of bits, in a scope.

    Source: TF 1.15 `tf.contrib.quantize.experimental_create_eval_graph`.
    """
    _rewrite(input_graph, Settings(False, weight_bits, activation_bits, symmetric, quant_delay, scope))
