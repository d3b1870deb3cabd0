"""Where names that are not public in TF live here: two tables, read by `resolve.py`.

`INTERNALS` names single objects (`module:attribute`, or a whole module). `HOMES` says for a module path of TF, or for all
below a path, which modules or packages of Retrograph to search for a definition of the same name.
"""

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

# Importing the module on the left installs the one on the right.
INSTALLS = {"tensorflow.python.framework.test_ops": "retrograph.compat.test_ops"}

# What is set in the module on the left is set in the one on the right, too.
MIRRORS = {
    "tensorflow.python.platform.tf_logging": "retrograph.platform.logging",
    "tensorflow.python.training.saver": "retrograph.train.saver",
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
            "convert_to_tensor_or_composite",
            "internal_convert_to_tensor_or_composite",
            "is_dense_tensor_like",
            "register_dense_tensor_like_type",
        )
    }
    | {
        "_default_session_stack": _FRAMEWORK + "sessions:_stack",
        "_default_graph_stack": _FRAMEWORK + "graph_scopes:default_graph_stack",
    },
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
        "_DEFAULT_USE_RESOURCE": _VARIABLES + "variable:_use_resource_by_default",
    },
    "tensorflow.python.ops.variables": {
        "Variable": "retrograph.compat.variables_v2:Variable",
        "VariableV1": _VARIABLES + "variable:Variable",
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
        "_UnreadVariable": _VARIABLES + "variable:UnreadVariable",
    },
    "tensorflow.python.ops.lookup_ops": {
        "index_table_from_tensor": "retrograph.ops.vocabularies:index_table_from_list",
        "index_to_string_table_from_tensor": "retrograph.ops.vocabularies:index_to_string_table_from_list",
    },
    "tensorflow.contrib.layers.python.layers.embedding_ops": {
        "safe_embedding_lookup_sparse": "retrograph.ops.safe_embedding:contrib_safe_embedding_lookup_sparse",
    },
    "tensorflow.python.ops.metrics_impl": {"_streaming_confusion_matrix": "retrograph.metrics.metrics_impl:_confusion"},
    "tensorflow.python.ops.rnn_cell_impl": {"_zero_state_tensors": "retrograph.rnn.sizes:zeros_of"},
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
    "tensorflow.python.client.session": {"_DeviceAttributes": "retrograph.compat.internals:_DeviceAttributes"},
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

HOMES: dict[str, tuple[str, ...]] = {
    "tensorflow.python.ops.linalg.linear_operator_util": ("retrograph.linear_operators.solving",),
    "tensorflow.contrib.slim.python.slim.summaries": ("retrograph.contrib.slim_summaries",),
    "tensorflow.python.ops.critical_section_ops": ("retrograph.ops.critical_section",),
    "tensorflow.python.module.module": ("retrograph.train.modules",),
    "tensorflow.python.ops.stateful_random_ops": ("retrograph.train.generators", "retrograph.ops.stateful_random"),
    "tensorflow.python.ops.list_ops": ("retrograph.compat.list_forms",),
    "tensorflow.python.ops.signal.util_ops": ("retrograph.ops.framing",),
    "tensorflow.python.ops.signal.mel_ops": ("retrograph.ops.spectra",),
    "tensorflow.python.ops.signal.spectral_ops": ("retrograph.ops.spectra",),
    "tensorflow.python.keras.backend": (
        _KERAS + "backend_values",
        _KERAS + "backend_math",
        _KERAS + "backend_nn",
        _KERAS + "state",
    ),
    "tensorflow.python.keras.backend_config": (_KERAS + "state",),
    "tensorflow.python.keras.activations": (_KERAS + "activation_functions",),
    "tensorflow.python.keras.losses": (_KERAS + "loss_functions",),
    "tensorflow.python.keras.metrics": (_KERAS + "metric_base", _KERAS + "metric_classes"),
    "tensorflow.python.keras.optimizers": (_KERAS + "optimizer_classes", _KERAS + "optimizer_base"),
    "tensorflow.python.keras.optimizer_v2": (_KERAS + "optimizer_base", _KERAS + "optimizer_classes"),
    "tensorflow.python.keras.engine": (
        _KERAS + "network",
        _KERAS + "nodes",
        _KERAS + "tracking",
        _KERAS + "base_layer",
    ),
    "tensorflow.python.keras.utils.tf_utils": (
        "retrograph.ops.smart_cond",
        _KERAS + "shape_helpers",
        _KERAS + "symbolic",
    ),
    "tensorflow.python.autograph.pyct.transformer": ("retrograph.compat.config",),
    "tensorflow.python.util.lazy_loader": ("retrograph.compat.lazy_loader",),
    "tensorflow.python.keras.utils": (_KERAS + "array_utils", _KERAS + "tracking", "retrograph.variables.named"),
    "tensorflow.python.keras.layers": (
        _KERAS + "convolution_layers",
        _KERAS + "merge_layers",
        _KERAS + "pooling_layers",
    ),
    "tensorflow.python.ops.distributions": ("retrograph.distributions",),
    "tensorflow.python.ops.distributions.special_math": ("retrograph.distributions.special",),
    "tensorflow.python.ops.distributions.transformed_distribution": ("retrograph.distributions.transformed",),
    "tensorflow.python.ops.distributions.categorical": ("retrograph.distributions.categorical",),
    "tensorflow.python.ops.distributions.kullback_leibler": ("retrograph.distributions.divergence",),
    "tensorflow.python.ops.distributions.bijector": ("retrograph.distributions.bijector",),
    "tensorflow.python.ops.distributions.identity_bijector": ("retrograph.distributions.bijector",),
    "tensorflow.python.ops.distributions.util": tuple(
        f"retrograph.distributions.{m}" for m in ("shapes", "checks", "numeric", "matrices", "scales", "naming")
    ),
    "tensorflow.contrib.distributions.python.ops.bijectors": tuple(
        f"retrograph.distributions.{name}"
        for name in ("bijector", "scalar_bijectors", "vector_bijectors", "matrix_bijectors", "flows")
    ),
    "tensorflow.contrib.distributions.python.ops.distribution_util": tuple(
        f"retrograph.distributions.{m}" for m in ("shapes", "checks", "numeric", "matrices", "scales", "naming")
    ),
    "tensorflow.contrib.distributions.python.ops": ("retrograph.distributions",),
    "tensorflow.python.framework.tensor_spec": ("retrograph.compat.bounded_spec", _FRAMEWORK + "type_spec"),
    "tensorflow.python.ops.array_ops": ("retrograph.compat.v2_forms",),
    "tensorflow.python.ops.math_ops": ("retrograph.compat.v2_forms",),
    "tensorflow.python.ops.linalg_ops": ("retrograph.compat.v2_forms",),
    "tensorflow.python.ops.init_ops_v2": ("retrograph.compat.initializers_v2",),
    "tensorflow.python.ops.embedding_ops": ("retrograph.compat.v2_forms",),
    "tensorflow.python.ops.nn_impl": ("retrograph.compat.v2_forms",),
    "tensorflow.python.ops.nn_ops": ("retrograph.compat.v2_forms",),
    "tensorflow.python.framework": ("retrograph.framework", "retrograph.variables", "retrograph.ops"),
    "tensorflow.python.framework.ops": (
        _FRAMEWORK + "default_graph",
        _FRAMEWORK + "graph",
        _FRAMEWORK + "graph_scopes",
        _FRAMEWORK + "operation",
        _FRAMEWORK + "sessions",
        _FRAMEWORK + "conversion",
        "retrograph.framework",
        "retrograph.autodiff",
        "retrograph.compat.internals",
    ),
    "tensorflow.python.framework.test_util": (_PLATFORM + "test_util", _PLATFORM + "test_case"),
    "tensorflow.python.framework.versions": (_PLATFORM + "sysconfig",),
    "tensorflow.python.framework.config": ("retrograph.compat.config", "retrograph.compat.eager"),
    "tensorflow.python.framework.device_spec": ("retrograph.compat.device_specs",),
    "tensorflow.python.framework.device": (_FRAMEWORK + "device", "retrograph.compat.device_specs"),
    "tensorflow.python.framework.constant_op": (_FRAMEWORK + "constants",),
    "tensorflow.python.framework.dtypes": (_FRAMEWORK + "dtypes",),
    "tensorflow.python.framework.tensor_shape": (_FRAMEWORK + "shape",),
    "tensorflow.python.framework.common_shapes": (
        "retrograph.compat.common_shapes",
        _FRAMEWORK + "shape",
        "retrograph.compat.internals",
    ),
    "tensorflow.python.framework.meta_graph": (_FRAMEWORK + "meta_graph",),
    "tensorflow.python.framework.importer": (_FRAMEWORK + "importer",),
    "tensorflow.python.framework.smart_cond": ("retrograph.ops.smart_cond",),
    "tensorflow.python.framework.registry": ("retrograph.compat.registry",),
    "tensorflow.python.framework.random_seed": (_FRAMEWORK + "seeds",),
    "tensorflow.python.framework.sparse_tensor": (_FRAMEWORK + "structures",),
    "tensorflow.python.framework.indexed_slices": (_FRAMEWORK + "structures",),
    "tensorflow.python.framework.function": ("retrograph.autodiff.defun", "retrograph.autodiff.defun_definition"),
    "tensorflow.python.ops": (
        "retrograph.ops",
        "retrograph.variables",
        "retrograph.autodiff",
        "retrograph.framework",
        "retrograph.losses",
        "retrograph.metrics",
        "retrograph.layers",
    ),
    "tensorflow.python.ops.init_ops": ("retrograph.variables.initializers",),
    "tensorflow.python.ops.gradient_checker": (_PLATFORM + "gradient_check",),
    "tensorflow.python.ops.gradient_checker_v2": (_PLATFORM + "gradient_check_v2",),
    "tensorflow.python.ops.variable_scope": (
        "retrograph.variables.scope",
        "retrograph.variables.store",
        "retrograph.variables",
    ),
    "tensorflow.python.ops.variables": ("retrograph.variables",),
    "tensorflow.python.ops.resource_variable_ops": ("retrograph.variables", "retrograph.ops"),
    "tensorflow.python.ops.gradients_impl": ("retrograph.autodiff",),
    "tensorflow.python.ops.gradients_util": ("retrograph.autodiff",),
    **{
        f"tensorflow.contrib.slim.python.slim.nets.{name}": (f"retrograph.contrib.slim_nets.{home}",)
        for name, home in {
            "alexnet": "plain",
            "overfeat": "plain",
            "vgg": "plain",
            "resnet_utils": "resnet_utils",
            "resnet_v1": "resnet_v1",
            "resnet_v2": "resnet_v2",
            "inception_v1": "inception",
            "inception_v2": "inception_v2",
            "inception_v3": "inception",
        }.items()
    },
    "tensorflow.contrib.opt.python.training": ("retrograph.contrib.opt",),
    "tensorflow.contrib.layers.python.layers.utils": ("retrograph.contrib.layer_parts",),
    "tensorflow.contrib.layers.python.layers.layers": (
        "retrograph.contrib.column_parts",
        "retrograph.contrib.more_layers",
        "retrograph.contrib.small_layers",
        "retrograph.contrib.layer_functions",
    ),
    "tensorflow.contrib.losses.python.metric_learning.metric_loss_ops": ("retrograph.contrib.metric_learning",),
    "tensorflow.contrib.losses.python.metric_learning": ("retrograph.contrib.metric_learning",),
    "tensorflow.contrib.losses.python.losses.loss_ops": ("retrograph.contrib.old_losses",),
    "tensorflow.contrib.metrics.python.ops.metric_ops": (
        "retrograph.contrib.streaming_rates",
        "retrograph.contrib.streaming_sums",
        "retrograph.contrib.metric_curves",
        "retrograph.contrib.old_names",
    ),
    "tensorflow.contrib.metrics.python.ops.histogram_ops": ("retrograph.contrib.metric_curves",),
    "tensorflow.contrib.metrics.python.ops.confusion_matrix_ops": ("retrograph.contrib.streaming_sums",),
    "tensorflow.contrib.metrics.python.metrics.classification": (
        "retrograph.contrib.small_layers",
        "retrograph.contrib.streaming_rates",
    ),
    "tensorflow.contrib.framework.python.framework.tensor_util": ("retrograph.contrib.tensor_checks",),
    "tensorflow.python.ops.data_flow_ops": ("retrograph.ops.barriers",),
    "tensorflow.contrib.training.python.training.hparam": ("retrograph.contrib.hyperparameters",),
    "tensorflow.contrib.training.python.training.sequence_queueing_state_saver": (
        "retrograph.contrib.sequence_queueing",
        "retrograph.contrib.sequence_batching",
    ),
    "tensorflow.contrib.opt.python.training.matrix_functions": ("retrograph.contrib.opt.matrix_roots",),
    "tensorflow.contrib.layers.python.layers.target_column": ("retrograph.contrib.target_columns",),
    "tensorflow.contrib.factorization.python.ops": (
        "retrograph.contrib.clustering",
        "retrograph.contrib.kmeans_estimator",
    ),
    "tensorflow.python.ops.clustering_ops": ("retrograph.contrib.clustering",),
    "tensorflow.contrib.input_pipeline.python.ops.input_pipeline_ops": ("retrograph.contrib.input_pipeline",),
    "tensorflow.contrib.training.python.training.sampling_ops": ("retrograph.contrib.sampling",),
    "tensorflow.contrib.training.python.training.resample": ("retrograph.contrib.sampling",),
    "tensorflow.contrib.training.python.training.device_setter": ("retrograph.contrib.placement",),
    "tensorflow.contrib.framework.python.ops.script_ops": ("retrograph.contrib.framework_leftovers",),
    "tensorflow.contrib.framework.python.framework.graph_util": ("retrograph.contrib.framework_leftovers",),
    "tensorflow.contrib.nn.python.ops.alpha_dropout": ("retrograph.contrib.nn_functions",),
    "tensorflow.contrib.nn.python.ops.scaled_softplus": ("retrograph.contrib.nn_functions",),
    "tensorflow.python.ops.image_ops": (
        "retrograph.compat.image_forms",
        "retrograph.ops.image_codecs",
        "retrograph.ops.image_colors",
        "retrograph.ops.image_frames",
        "retrograph.ops.image_flips",
        "retrograph.ops.image_boxes",
        "retrograph.ops.image_quality",
    ),
    "tensorflow.python.ops.image_ops_impl": (
        "retrograph.compat.image_forms",
        "retrograph.ops.image_codecs",
        "retrograph.ops.image_colors",
        "retrograph.ops.image_frames",
        "retrograph.ops.image_flips",
        "retrograph.ops.image_boxes",
        "retrograph.ops.image_quality",
    ),
    "tensorflow.contrib.image.python.ops": ("retrograph.contrib.image_transforms", "retrograph.contrib.image_warps"),
    "tensorflow.contrib.resampler.python.ops.resampler_ops": ("retrograph.contrib.image_transforms",),
    "tensorflow.contrib.nn.python.ops.cross_entropy": ("retrograph.contrib.nn_functions",),
    "tensorflow.contrib.nn.python.ops.sampling_ops": ("retrograph.contrib.nn_functions",),
    "tensorflow.contrib.copy_graph.python.util.copy_elements": ("retrograph.contrib.copying",),
    "tensorflow.contrib.layers.python.layers.feature_column": (
        "retrograph.contrib.old_columns",
        "retrograph.contrib.old_dense_columns",
        "retrograph.contrib.column_layers",
    ),
    "tensorflow.contrib.layers.python.layers.feature_column_ops": ("retrograph.contrib.column_layers",),
    "tensorflow.contrib.layers.python.layers.embedding_ops": (
        "retrograph.contrib.feature_cross",
        "retrograph.contrib.sparse_layers",
    ),
    "tensorflow.contrib.layers.python.ops.sparse_feature_cross_op": ("retrograph.contrib.feature_cross",),
    "tensorflow.contrib.layers.python.ops.bucketization_op": ("retrograph.contrib.feature_cross",),
    "tensorflow.contrib.layers.python.layers.optimizers": ("retrograph.contrib.optimizing",),
    "tensorflow.contrib.layers.python.layers.summaries": ("retrograph.contrib.layer_summaries",),
    "tensorflow.contrib.layers.python.layers.rev_block_lib": ("retrograph.contrib.reversible",),
    "tensorflow.contrib.layers.python.layers.normalization": ("retrograph.contrib.normalizers",),
    "tensorflow.contrib.layers.python.ops.sparse_ops": ("retrograph.contrib.sparse_layers",),
    "tensorflow.contrib.slim.python.slim.data.prefetch_queue": ("retrograph.contrib.prefetching",),
    **{
        f"tensorflow.python.training.tracking{name}": (
            "retrograph.train.tracking",
            "retrograph.train.checkpoint_object",
            "retrograph.train.tracked_resources",
        )
        for name in ("", ".base", ".util", ".tracking", ".graph_view")
    },
    "tensorflow.python.training.tracking.data_structures": ("retrograph.train.data_structures",),
    "tensorflow.python.training.tracking.python_state": ("retrograph.train.python_state",),
    "tensorflow.contrib.integrate.python.ops.odes": ("retrograph.contrib.differential_equations",),
    "tensorflow.contrib.solvers.python.ops": ("retrograph.contrib.krylov_solvers",),
    "tensorflow.contrib.bayesflow.python.ops.monte_carlo_impl": ("retrograph.contrib.monte_carlo",),
    "tensorflow.contrib.mixed_precision.python": ("retrograph.contrib.scaled_loss",),
    "tensorflow.contrib.checkpoint.python": ("retrograph.contrib.checkpoint_objects",),
    "tensorflow.python.training.warm_starting_util": (
        "retrograph.train.checkpoint_utils",
        "retrograph.train.remapping",
    ),
    "tensorflow.python.training.checkpoint_ops": ("retrograph.train.remapping",),
    "tensorflow.python.training.checkpoint_management": (
        "retrograph.checkpoint.management",
        "retrograph.train.checkpoint_manager",
    ),
    "tensorflow.python.training": ("retrograph.train", "retrograph.variables", "retrograph.checkpoint"),
    "tensorflow.python.client": ("retrograph.runtime", _FRAMEWORK + "sessions"),
    "tensorflow.python.client.timeline": ("retrograph.runtime.timeline",),
    "tensorflow.python.client.device_lib": ("retrograph.compat.device_lib",),
    "tensorflow.python.estimator": (
        "retrograph.estimator.model",
        "retrograph.estimator.spec",
        "retrograph.estimator.run_config",
        "retrograph.estimator.training",
        "retrograph.estimator.exporting",
        "retrograph.estimator.feeding",
        "retrograph.estimator",
    ),
    "tensorflow.python.data.ops.dataset_ops": (
        _DATA + "dataset",
        _DATA + "structure",
        _DATA + "options",
        _DATA + "functions",
    ),
    "tensorflow.python.data.ops.iterator_ops": (_DATA + "iterator",),
    "tensorflow.python.data.ops.optional_ops": (_DATA + "optional",),
    "tensorflow.python.data.ops.readers": (_DATA + "readers",),
    "tensorflow.python.data.util.structure": (_DATA + "structure",),
    "tensorflow.python.data.util.options": (_DATA + "options",),
    "tensorflow.python.data.experimental.ops": (
        _DATA + "transforming",
        _DATA + "grouping",
        _DATA + "csv",
        _DATA + "resampling",
        _DATA + "options",
    ),
    "tensorflow.contrib.data.python.ops": (
        _DATA + "contrib",
        _DATA + "transforming",
        _DATA + "grouping",
        _DATA + "csv",
    ),
    "tensorflow.python.data": ("retrograph.data", _FRAMEWORK + "data_nest"),
    "tensorflow.python.data.util.nest": (_FRAMEWORK + "data_nest",),
    "tensorflow.python.eager": ("retrograph.compat.eager",),
    **{
        f"tensorflow{path}": (
            "retrograph.estimator.tpu",
            "retrograph.contrib.tpu_optimizer",
            "retrograph.ops.replicas",
            "retrograph.ops.tpu_context",
        )
        for path in (".contrib.tpu", ".contrib.tpu.python.tpu", ".contrib.tpu.python.ops", ".python.tpu")
    },
    "tensorflow.python.distribute.cluster_resolver": ("retrograph.train.cluster_resolvers",),
    "tensorflow.contrib.cluster_resolver": ("retrograph.train.cluster_resolvers",),
    "tensorflow.python.tf2": ("retrograph.compat.eager",),
    "tensorflow.python.layers": ("retrograph.layers",),
    "tensorflow.python.summary": ("retrograph.summary", "retrograph.summary.writing"),
    "tensorflow.python.ops.logging_ops": ("retrograph.ops.logging", "retrograph.summary.old_names"),
    "tensorflow.python.ops.summary_ops_v2": ("retrograph.summary.recording", "retrograph.summary.resource_writers"),
    "tensorflow.python.ops.summary_op_util": ("retrograph.summary.creation",),
    "tensorflow.python.saved_model": ("retrograph.saved",),
    **{
        f"tensorflow.contrib.graph_editor{name}": ("retrograph.contrib.graph_editor",)
        for name in ("", ".util", ".select", ".subgraph", ".reroute", ".edit", ".transform")
    },
    "tensorflow.python.tools.freeze_graph": ("retrograph.saved.tools",),
    "tensorflow.python.tools.inspect_checkpoint": ("retrograph.saved.tools",),
    "tensorflow.python.tools.optimize_for_inference_lib": ("retrograph.saved.inference",),
    "tensorflow.python.tools.strip_unused_lib": ("retrograph.saved.tools",),
    "tensorflow.python.saved_model.model_utils": ("retrograph.compat.model_utils", "retrograph.estimator.exporting"),
    "tensorflow.python.saved_model.model_utils.export_output": ("retrograph.estimator.exporting",),
    "tensorflow.python.saved_model.model_utils.export_utils": ("retrograph.compat.model_utils",),
    "tensorflow.python.saved_model.model_utils.mode_keys": ("retrograph.compat.model_utils",),
    "tensorflow.python.tools.saved_model_utils": ("retrograph.saved.reader",),
    "tensorflow.contrib.saved_model": ("retrograph.saved.reader",),
    "tensorflow.contrib.quantize": ("retrograph.contrib.quantizing",),
    "tensorflow.contrib.learn": ("retrograph.contrib.learning", "retrograph.contrib.learn_running"),
    "tensorflow.contrib.predictor": ("retrograph.saved.predictor",),
    "tensorflow.python.training.saver": ("retrograph.train.object_restoring",),
    "tensorflow.python.training.saver_test_utils": (_PLATFORM + "saver_test_utils",),
    "tensorflow.python.feature_column": ("retrograph.feature_column",),
    "tensorflow.python.lib.io": ("retrograph.io",),
    "tensorflow.python.debug": (_PLATFORM + "debug_wrappers",),
    "tensorflow.python.compat.compat": (_PLATFORM + "text",),
    "tensorflow.python.platform.app": (_PLATFORM + "app",),
    "tensorflow.python.platform.flags": (_PLATFORM + "flags",),
    "tensorflow.python.platform.gfile": (_PLATFORM + "gfile",),
    "tensorflow.python.platform.tf_logging": (_PLATFORM + "logging",),
    "tensorflow.python.platform.resource_loader": (_PLATFORM + "resource_loader",),
    "tensorflow.python.platform.sysconfig": (_PLATFORM + "sysconfig",),
    "tensorflow.python.platform.googletest": (_PLATFORM + "test",),
    "tensorflow.python.platform.test": (_PLATFORM + "test",),
    "tensorflow.python.platform.benchmark": (_PLATFORM + "benchmark",),
    "tensorflow.python.util.compat": (_PLATFORM + "text",),
    "tensorflow.python.util.compat_internal": (_PLATFORM + "text",),
    "tensorflow.python.util.nest": (_FRAMEWORK + "nest",),
    "tensorflow.python.util.tf_inspect": ("retrograph.compat.tf_inspect",),
    "tensorflow.python.util.tf_decorator": ("retrograph.compat.tf_decorator",),
    "tensorflow.python.util.deprecation": ("retrograph.compat.deprecating",),
    "tensorflow.python.util.decorator_utils": ("retrograph.compat.deprecating",),
    "tensorflow.python.framework.test_ops": ("retrograph.compat.test_ops",),
    "tensorflow.python.util.tf_export": ("retrograph.compat.exporting",),
    "tensorflow.python.util.tf_should_use": ("retrograph.compat.should_use",),
    "tensorflow.python.util.tf_stack": ("retrograph.compat.stack_frames",),
    "tensorflow.python._tf_stack": ("retrograph.compat.stack_frames",),
    "tensorflow.python.framework.traceable_stack": ("retrograph.compat.stack_frames",),
    "tensorflow.python.framework.error_interpolation": ("retrograph.compat.error_interpolation",),
    "tensorflow.python.training.tensorboard_logging": ("retrograph.compat.tensorboard_logging",),
    "tensorflow.python.util.tf_contextlib": ("retrograph.compat.decorators",),
    "tensorflow.python.util": ("retrograph.compat.decorators",),
    "tensorflow.python.pywrap_tensorflow": ("retrograph.checkpoint", _FRAMEWORK + "nest"),
    "tensorflow.python.data.kernel_tests.test_base": (_PLATFORM + "dataset_test",),
    "tensorflow.python.kernel_tests.random.util": (_PLATFORM + "random_test",),
    "tensorflow.contrib.rnn.python.kernel_tests.benchmarking": (_PLATFORM + "rnn_benchmark",),
    "tensorflow.python.training.experimental.loss_scale": ("retrograph.train.loss_scale",),
    "tensorflow.python.layers.utils": ("retrograph.compat.layer_utils",),
    "tensorflow.python.util.function_utils": ("retrograph.compat.function_utils",),
    "tensorflow.python.util.object_identity": ("retrograph.compat.object_identity",),
    "tensorflow.python.ops.functional_ops": ("retrograph.compat.functional_forms",),
    "tensorflow.python.framework.composite_tensor_utils": ("retrograph.compat.tensor_forms",),
    "tensorflow.python.util.example_parser_configuration": ("retrograph.compat.example_configuration",),
    "tensorflow.python.framework.subscribe": ("retrograph.compat.subscribe",),
    "tensorflow.python.util.serialization": ("retrograph.compat.serialization",),
    "tensorflow.python.util.lock_util": ("retrograph.compat.lock_util",),
    "tensorflow.python.ops.parallel_for.control_flow_ops": ("retrograph.ops.parallel_for",),
    "tensorflow.python.ops.parallel_for.gradients": ("retrograph.ops.parallel_for",),
    "tensorflow.python.ops.parallel_for.test_util": (_PLATFORM + "parallel_for_test",),
    "tensorflow.python.keras.testing_utils": (_PLATFORM + "keras_testing",),
    "tensorflow.python.keras.keras_parameterized": (_PLATFORM + "keras_parameterized",),
    "tensorflow.python.ops.rnn_cell_impl": ("retrograph.rnn.cells",),
    "tensorflow.contrib.rnn.python.ops.rnn_cell": tuple(
        f"retrograph.rnn.{name}" for name in ("contrib_cells", "more_cells", "grid_cells", "normed_cells", "sharding")
    ),
    "tensorflow.contrib.rnn.python.ops.core_rnn_cell": ("retrograph.rnn.contrib_cells", "retrograph.rnn.linear"),
    "tensorflow.python.ops.session_ops": ("retrograph.runtime.handles",),
    "tensorflow.python.ops.inplace_ops": ("retrograph.ops.inplace",),
    "tensorflow.contrib.rnn.python.ops.lstm_ops": ("retrograph.rnn.block_cells",),
    "tensorflow.contrib.rnn.python.ops.fused_rnn_cell": ("retrograph.rnn.fused",),
    "tensorflow.contrib.seq2seq.python.ops.beam_search_decoder": (
        "retrograph.compat.beam_search_steps",
        "retrograph.rnn.beam_search",
    ),
    "tensorflow.contrib.seq2seq.python.ops.attention_wrapper": (
        "retrograph.rnn.attention",
        "retrograph.rnn.monotonic",
    ),
    "tensorflow.contrib.seq2seq.python.ops.helper": (
        "retrograph.rnn.decoding",
        "retrograph.rnn.scheduled",
        "retrograph.compat.sampling",
    ),
    "tensorflow.contrib.seq2seq.python.ops.decoder": ("retrograph.rnn.decoding",),
    "tensorflow.contrib.seq2seq.python.ops.basic_decoder": ("retrograph.rnn.decoding",),
    "tensorflow.contrib.crf.python.ops.crf": ("retrograph.rnn.crf",),
    "tensorflow.contrib.cudnn_rnn.python.ops.cudnn_rnn_ops": ("retrograph.rnn.cudnn",),
    "tensorflow.contrib.cudnn_rnn.python.layers.cudnn_rnn": ("retrograph.rnn.cudnn",),
    "tensorflow.python.framework.test_combinations": (_PLATFORM + "combinations",),
    "tensorflow.python.framework.combinations": (_PLATFORM + "combinations",),
    "tensorflow.examples.tutorials.mnist.input_data": ("retrograph.compat.mnist",),
    "tensorflow.contrib.learn.python.learn": ("retrograph.contrib.learn_running",),
    "tensorflow.contrib.learn.python.learn.datasets.mnist": ("retrograph.compat.mnist",),
    "tensorflow.core.framework.types_pb2": ("retrograph.compat.enums",),
    "tensorflow.core.lib.core.error_codes_pb2": ("retrograph.compat.enums",),
    "tensorflow.core.protobuf": ("retrograph.runtime.config",),
    "tensorflow.core": ("retrograph.protos", "retrograph.framework"),
    "tensorflow.contrib": ("retrograph.contrib",),
    **{
        f"tensorflow.python.ops.ragged.{name}": ("retrograph.compat.ragged_forms", "retrograph.ops.ragged_tensor")
        for name in (
            "ragged_array_ops",
            "ragged_batch_gather_ops",
            "ragged_concat_ops",
            "ragged_conversion_ops",
            "ragged_factory_ops",
            "ragged_functional_ops",
            "ragged_gather_ops",
            "ragged_map_ops",
            "ragged_math_ops",
            "ragged_squeeze_op",
            "ragged_string_ops",
            "ragged_tensor",
            "ragged_tensor_value",
            "ragged_util",
            "ragged_where_op",
            "segment_id_ops",
        )
    },
    "tensorflow.contrib.slim.python.slim.data": ("retrograph.contrib.example_decoder", "retrograph.contrib.slim_data"),
    **{
        f"tensorflow.contrib.slim.python.slim.data.{name}": ("retrograph.contrib.slim_data",)
        for name in ("dataset", "data_provider", "dataset_data_provider", "parallel_reader", "data_decoder")
    },
}

# What TF has here under a name means something else than the same name in the homes of the modules above.
ELSEWHERE = (
    *(
        f"tensorflow.python.ops.{name}"
        for name in (
            "default_gradient", "distributions.", "image_ops", "init_ops_v2", "linalg.", "nccl_ops", "parallel_for.",
            "ragged.", "signal.", "summary_ops_v2", "while_v2",
        )
    ),
    "tensorflow.python.training.experimental.",
    "tensorflow.python.training.tensorboard_logging",
    "tensorflow.python.framework.experimental.",
)  # fmt: skip
# Modules of ours that hold helpers, found only where they are named.
HELPERS = frozenset((_FRAMEWORK + "deprecation", _FRAMEWORK + "shape_rules", "retrograph.contrib.example_decoder"))
