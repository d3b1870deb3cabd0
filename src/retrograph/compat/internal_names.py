"""Single objects where names that are not public in TF live here: `module:attribute`, or a whole module."""

from __future__ import annotations

_DATA = "retrograph.data."
_PLATFORM = "retrograph.platform."
_FRAMEWORK = "retrograph.framework."
_VARIABLES = "retrograph.variables."
_KERAS = "retrograph.keras."
_COLUMNS = "retrograph.feature_column."
_COLUMN_MAKERS = {
    "categorical": (
        "categorical_column_with_hash_bucket",
        "categorical_column_with_identity",
        "categorical_column_with_vocabulary_file",
        "categorical_column_with_vocabulary_list",
        "crossed_column",
        "weighted_categorical_column",
    ),
    "dense": ("bucketized_column", "embedding_column", "indicator_column", "numeric_column"),
}

_FILE_IO = {
    "FileIO": "FileIO",
    "file_exists": "exists",
    "file_exists_v2": "exists",
    "delete_file": "remove",
    "delete_file_v2": "remove",
    "get_matching_files": "glob",
    "get_matching_files_v2": "glob",
    "create_dir": "mkdir",
    "create_dir_v2": "mkdir",
    "recursive_create_dir": "makedirs",
    "recursive_create_dir_v2": "makedirs",
    "copy": "copy",
    "copy_v2": "copy",
    "rename": "rename",
    "rename_v2": "rename",
    "delete_recursively": "rmtree",
    "delete_recursively_v2": "rmtree",
    "is_directory": "isdir",
    "is_directory_v2": "isdir",
    "list_directory": "listdir",
    "list_directory_v2": "listdir",
    "walk": "walk",
    "walk_v2": "walk",
    "stat": "stat",
    "stat_v2": "stat",
    "read_file_to_string": "read_file_to_string",
    "write_string_to_file": "write_string_to_file",
    "atomic_write_string_to_file": "atomic_write_string_to_file",
    "filecmp": "filecmp",
    "file_crc32": "file_crc32",
}

_FLOW_QUESTIONS = {
    "ENABLE_CONTROL_FLOW_V2": "ENABLE_CONTROL_FLOW_V2",
    "EnableControlFlowV2": "is_control_flow_v2",
    "IsSwitch": "is_switch",
    "IsMerge": "is_merge",
    "IsLoopEnter": "is_loop_enter",
    "IsLoopExit": "is_loop_exit",
    "IsLoopConstantEnter": "is_loop_constant_enter",
    "IsCondMerge": "is_cond_merge",
    "IsCondSwitch": "is_cond_switch",
    "IsLoopSwitch": "is_loop_switch",
    "IsLoopMerge": "is_loop_merge",
    "GetContainingCondContext": "containing_cond_context",
    "GetContainingWhileContext": "containing_while_context",
    "IsInWhileLoop": "is_in_while_loop",
    "IsContainingContext": "is_containing_context",
    "OpInContext": "op_in_context",
    "GetOutputContext": "output_context",
    "GetWhileContext": "while_context_of",
    "CheckInputFromValidContext": "check_input_from_valid_context",
}

INTERNALS: dict[str, dict[str, str]] = {
    **{
        f"tensorflow.python.ops.{module}": {"symbolic_gradient": "retrograph.compat.functional_forms:symbolic_gradient"}
        for module in ("functional_ops", "gen_functional_ops")
    },
    "tensorflow.python.ops.clustering_ops": {"KMeans": "retrograph.contrib.clustering:GraphSeededKMeans"},
    "tensorflow.python.framework.device_spec": {"DeviceSpecV1": _FRAMEWORK + "device:DeviceSpec"},
    "tensorflow": {"__file__": "retrograph:__file__"},
    "tensorflow.python.lib.io.file_io": {name: f"{_PLATFORM}gfile:{own}" for name, own in _FILE_IO.items()},
    "tensorflow.python.ops.array_ops": {
        "newaxis": "retrograph:newaxis",
        "_SLICE_TYPE_ERROR": "retrograph.ops.strided_slice:_INDEX_ERROR",
    },
    "tensorflow.python.ops.math_ops": {
        "_as_indexed_slices": "retrograph.ops.control_flow:as_indexed_slices",
        "_as_indexed_slices_list": "retrograph.ops.control_flow:as_indexed_slices_list",
        "_bucketize": "retrograph.compat.internals:bucketize",
    },
    "tensorflow.python.util.nest": {
        "_is_namedtuple": _FRAMEWORK + "nest:is_namedtuple",
        "_sequence_like": _FRAMEWORK + "nest:_like",
        "_yield_value": _FRAMEWORK + "nest:_children",
        "_is_composite_tensor": _FRAMEWORK + "nest:_is_composite",
    },
    "tensorflow.python.data.util.structure": {
        "get_flat_tensor_specs": _DATA + "structure:flat_specs",
        "get_flat_tensor_shapes": _DATA + "structure:flat_shapes",
        "get_flat_tensor_types": _DATA + "structure:flat_types",
    },
    "tensorflow.python.framework.ops": {
        name: f"retrograph.compat.tensor_forms:{name}"
        for name in (
            "_TensorLike",
            "convert_to_tensor_or_composite",
            "internal_convert_to_tensor_or_composite",
            "is_dense_tensor_like",
            "register_dense_tensor_like_type",
        )
    }
    | {
        "EagerTensor": "retrograph.compat.eager:EagerTensor",
        "_default_session_stack": _FRAMEWORK + "sessions:_stack",
        "_default_graph_stack": _FRAMEWORK + "graph_scopes:default_graph_stack",
    },
    "tensorflow.python.framework.tensor_like": {"_TensorLike": "retrograph.compat.tensor_forms:_TensorLike"},
    "tensorflow.python.ops.summary_ops_v2": {
        "_INVALID_SCOPE_CHARACTERS": "retrograph.summary.recording:_INVALID_IN_SCOPE"
    },
    "tensorflow.python.framework.op_def_registry": {
        name: f"retrograph.compat.op_registry:{name}" for name in ("get_registered_ops", "get", "sync")
    },
    "tensorflow.python.feature_column.feature_column": {
        "_LazyBuilder": _COLUMNS + "column:LazyBuilder",
        "_FeatureColumn": _COLUMNS + "older:OlderFeatureColumn",
        "_DenseColumn": _COLUMNS + "older:OlderDenseColumn",
        "_CategoricalColumn": _COLUMNS + "older:OlderCategoricalColumn",
        "_LinearModel": _COLUMNS + "feature_layers:OldLinearModel",
        "InputLayer": _COLUMNS + "models:InputLayer",
        "_transform_features": _COLUMNS + "state:transform_features",
    }
    | {"_" + name: f"{_COLUMNS}{module}:{name}" for module, names in _COLUMN_MAKERS.items() for name in names},
    "tensorflow.python.feature_column.feature_column_v2": {
        "_StateManagerImpl": _COLUMNS + "state:LayerState",
        "_StateManagerImplV2": _COLUMNS + "state:LayerStateV2",
        "_LinearModelLayer": _COLUMNS + "feature_layers:LinearModelLayer",
        "LinearModel": _COLUMNS + "feature_layers:LinearModel",
        "_transform_features_v2": _COLUMNS + "state:transform_features_v2",
        "shared_embedding_columns_v2": _COLUMNS + "shared:shared_embedding_columns_v2",
        "SharedEmbeddingColumn": _COLUMNS + "shared:SharedEmbeddingColumnV2",
        "SharedEmbeddingColumnCreator": _COLUMNS + "shared:SharedEmbeddingColumnCreator",
        "make_parse_example_spec_v2": _COLUMNS + "models:make_parse_example_spec",
        "is_feature_column_v2": _COLUMNS + "older:is_feature_column_v2",
    },
    "tensorflow.python.keras.utils.losses_utils": {"ReductionV2": "retrograph.keras.loss_functions:ReductionV2"},
    "tensorflow.python.ops.losses.loss_reduction": {"ReductionV2": "retrograph.keras.loss_functions:ReductionV2"},
    "tensorflow.python.keras.layers.dense_attention": {
        "_lower_triangular_mask": _KERAS + "attention_layers:lower_triangle",
        "_merge_masks": _KERAS + "attention_layers:both",
        "BaseDenseAttention": _KERAS + "attention_layers:BaseDenseAttention",
    },
    "tensorflow.python.feature_column.serialization": {
        "_column_name_with_class_name": _COLUMNS + "serialization:column_name_with_class_name"
    },
    "tensorflow.python.feature_column.utils": {
        "sequence_length_from_sparse_tensor": _COLUMNS + "sequences:sequence_length"
    },
    "tensorflow.contrib.feature_column.python.feature_column.sequence_feature_column": {
        name: f"{_COLUMNS}{module}:{name}"
        for module, names in {
            "sequences": ("concatenate_context_input", "sequence_input_layer", "sequence_numeric_column"),
            "categorical": tuple("sequence_" + n for n in _COLUMN_MAKERS["categorical"][:4]),
        }.items()
        for name in names
    }
    | {
        "_assert_all_equal_and_return": _COLUMNS + "sequences:equal_lengths",
        "_SequenceNumericColumn": _COLUMNS + "sequences:SequenceNumericColumn",
    },
    "tensorflow.python.feature_column.sequence_feature_column": {
        "_assert_all_equal_and_return": _COLUMNS + "sequences:equal_lengths",
        "SequenceFeatures": _COLUMNS + "feature_layers:SequenceFeatures",
    },
    "tensorflow.python.feature_column.dense_features": {"DenseFeatures": _COLUMNS + "feature_layers:DenseFeatures"},
    "tensorflow.python.feature_column.dense_features_v2": {
        "DenseFeatures": _COLUMNS + "feature_layers:DenseFeaturesV2"
    },
    "tensorflow.python.framework.tensor_util": {
        name: f"retrograph.compat.tensor_forms:{name}" for name in ("ShapeEquals", "shape_tensor")
    },
    "tensorflow.python.training.checkpoint_utils": {
        "wait_for_new_checkpoint": "retrograph.contrib.evaluation:wait_for_new_checkpoint"
    },
    "tensorflow.python.util.compat": {"collections_abc": "collections.abc"},
    "tensorflow.python.training.checkpoint_management": {
        "time": "time",
        "update_checkpoint_state_internal": "retrograph.checkpoint.management:write_state",
    },
    "tensorflow.python.platform.test": {"mock": "unittest.mock"},
    "tensorflow.test": {"mock": "unittest.mock"},
    "tensorflow.contrib.framework": {"nest": _FRAMEWORK + "nest"},
    "tensorflow.python.ops.variable_scope": {
        "_PartitionInfo": _VARIABLES + "spec:PartitionInfo",
        "_ReuseMode": _VARIABLES + "spec:_ReuseMode",
        "_VariableStore": _VARIABLES + "store:VariableStore",
        "_get_default_variable_store": _VARIABLES + "store:default_store",
        "_pure_variable_scope": _VARIABLES + "scope:PureVariableScope",
        "_DEFAULT_USE_RESOURCE": _VARIABLES + "base:_use_resource_by_default",
    },
    "tensorflow.python.ops.variables": {
        "Variable": "retrograph.compat.variables_v2:Variable",
        "VariableV1": _VARIABLES + "base:Variable",
        "_all_saveable_objects": "retrograph.train.saver:_all_saveable_objects",
        "VariableAggregationV2": _VARIABLES + "spec:VariableAggregation",
        "_try_guard_against_uninitialized_dependencies": _VARIABLES + "guard:guarded",
    },
    "tensorflow.python.ops.control_flow_util": {
        tf_name: f"retrograph.ops.flow_context:{own}" for tf_name, own in _FLOW_QUESTIONS.items()
    },
    "tensorflow.python.ops.control_flow_ops": {
        "_Identity": "retrograph.ops.control_flow:identity_or_ref",
        "_NextIteration": "retrograph.ops.control_flow:next_iteration",
        "_Enter": "retrograph.ops.control_flow:enter",
        "exit": "retrograph.ops.control_flow:exit_loop",
        "_SwitchRefOrTensor": "retrograph.ops.control_flow:switch_ref_or_tensor",
        "_case_helper": "retrograph.ops.cond:case_with",
    },
    "tensorflow.python.training.saver": {
        "time": "time",
        "_get_saver_or_default": "retrograph.compat.internals:get_saver_or_default",
    },
    "tensorflow.python.ops.cond_v2": {"cond_v2": "retrograph.compat.internals:cond_v2"},
    "tensorflow.python.ops.embedding_ops": {
        "_embedding_lookup_and_transform": "retrograph.ops.embedding:embedding_lookup_and_transform",
    },
    "tensorflow.python.ops.resource_variable_ops": {
        "_UnreadVariable": _VARIABLES + "resource:UnreadVariable",
        "_to_proto_fn": _FRAMEWORK + "proto_functions:item_to_proto",
        "_from_proto_fn": "retrograph.compat.internals:variable_from_proto",
    },
    "tensorflow.python.ops.lookup_ops": {
        "index_table_from_tensor": "retrograph.ops.vocabularies:index_table_from_list",
        "index_to_string_table_from_tensor": "retrograph.ops.vocabularies:index_to_string_table_from_list",
    },
    "tensorflow.contrib.layers.python.layers.embedding_ops": {
        "safe_embedding_lookup_sparse": "retrograph.ops.safe_embedding:contrib_safe_embedding_lookup_sparse",
    },
    "tensorflow.python.ops.metrics_impl": {"_streaming_confusion_matrix": "retrograph.metrics.metrics_impl:_confusion"},
    "tensorflow.python.ops.rnn_cell_impl": {
        "_concat": "retrograph.rnn.joined_shapes:joined",
        "_zero_state_tensors": "retrograph.rnn.sizes:zeros_of",
    },
    "tensorflow.contrib.rnn.python.ops.core_rnn_cell": {
        "_Linear": "retrograph.rnn.linear:Linear",
        "_linear": "retrograph.rnn.linear:linear",
    },
    "tensorflow.contrib.layers.python.layers.utils": {
        "get_variable_collections": "retrograph.contrib.layer_parts:collections_for",
    },
    "tensorflow.python.pywrap_tensorflow": {
        "EventsWriter": "retrograph.summary.native_writer:EventsWriter",
        "TF_bfloat16_type": "retrograph.compat.internals:bfloat16_type",
        "TF_TryEvaluateConstant_wrapper": "retrograph.compat.internals:try_evaluate_constant",
    },
    "tensorflow.python.util.all_util": {
        "make_all": "retrograph.compat.documented:make_all",
        "remove_undocumented": "retrograph.compat.documented:remove_undocumented",
        "reveal_undocumented": "retrograph.compat.documented:reveal_undocumented",
    },
    "tensorflow.python.client.session": {
        "_DeviceAttributes": "retrograph.compat.internals:_DeviceAttributes",
        "_FetchHandler": "retrograph.runtime.fetch_handler:FetchHandler",
    },
    "tensorflow.python.framework.errors_impl": {
        "_make_specific_exception": _FRAMEWORK + "errors:_make_specific_exception"
    },
    "tensorflow.python.framework.constant_op": {"constant": "retrograph.compat.constants_v2:constant"},
    "tensorflow.python.ops.distributions.special_math": {
        f"LOGNDTR_FLOAT{bits}_{end}": f"retrograph.distributions.special:LOGNDTR_FLOAT{bits}_{end}"
        for bits in (32, 64)
        for end in ("LOWER", "UPPER")
    },
    "tensorflow.python.ops.distributions.kullback_leibler": {
        "_DIVERGENCES": "retrograph.distributions.divergence:_DIVERGENCES",
    },
    "tensorflow.python.ops.init_ops": {"_compute_fans": _VARIABLES + "initializers:compute_fans"},
    "tensorflow.python.ops.nn_impl": {
        "_compute_sampled_logits": "retrograph.ops.sampled_losses:_compute_sampled_logits"
    },
    "tensorflow.python.framework.dtypes": {
        "_TYPE_TO_STRING": _FRAMEWORK + "dtypes:TYPE_TO_STRING",
    },
}
