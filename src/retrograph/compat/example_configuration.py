"""`tensorflow.python.util.example_parser_configuration`: what a ParseExample operation parses, as a message."""

from __future__ import annotations

from typing import Any

from retrograph.framework.constants import make_tensor_proto
from retrograph.framework.messages import message_class
from retrograph.framework.shape import TensorShape


def extract_example_parser_configuration(parse_example_op: Any, sess: Any) -> Any:
    """An ExampleParserConfiguration of an operation, whose keys and defaults are run for.

    Source: TF 1.15 `tensorflow.python.util.example_parser_configuration.extract_example_parser_configuration`.
    """
    config = message_class("tensorflow.ExampleParserConfiguration")()
    sparse, dense = parse_example_op.get_attr("Nsparse"), parse_example_op.get_attr("Ndense")
    fetched = sess.run(list(parse_example_op.inputs[2:]))
    keys, defaults = fetched[: sparse + dense], fetched[sparse + dense :]
    names = [t.name for t in parse_example_op.outputs]
    for i, dtype in enumerate(parse_example_op.get_attr("sparse_types")):
        row = config.feature_map[keys[i]].var_len_feature
        row.dtype = dtype.as_datatype_enum
        row.indices_output_tensor_name = names[i]
        row.values_output_tensor_name = names[sparse + i]
        row.shapes_output_tensor_name = names[2 * sparse + i]
    shapes = parse_example_op.get_attr("dense_shapes")
    for i, dtype in enumerate(parse_example_op.get_attr("Tdense")):
        fixed = config.feature_map[keys[sparse + i]].fixed_len_feature
        fixed.default_value.CopyFrom(make_tensor_proto(defaults[i]))
        fixed.shape.CopyFrom(TensorShape(shapes[i]).as_proto())
        fixed.dtype = dtype.as_datatype_enum
        fixed.values_output_tensor_name = names[3 * sparse + i]
    return config
