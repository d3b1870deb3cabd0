"""`tf.estimator.Estimator`: a model by a function, trained, evaluated, asked and exported."""

from __future__ import annotations

import copy
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

import retrograph as tf
from retrograph.estimator import exporting
from retrograph.estimator.run_config import RunConfig, default_session_config
from retrograph.estimator.spec import LOSS_METRIC_KEY, EstimatorSpec, ModeKeys
from retrograph.framework import nest
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import make_tensor_proto
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.messages import message_class
from retrograph.framework.operation import Tensor
from retrograph.platform import logging
from retrograph.saved.builder import SavedModelBuilder
from retrograph.summary.writing import FileWriterCache
from retrograph.train import evaluation, training_util
from retrograph.train.distribution import InputContext, ReplicaContext
from retrograph.train.session_run_hook import SessionRunHook

_ARGUMENTS = {"features", "labels", "mode", "params", "self", "config"}
_OVERRIDABLE = {"model_fn", "_create_and_assert_global_step", "_export_all_saved_models"}


class _WarmStart(NamedTuple):
    ckpt_to_initialize_from: Any
    vars_to_warm_start: Any = ".*"
    var_name_to_vocab_info: Any = None
    var_name_to_prev_var_name: Any = None


@export("estimator.WarmStartSettings")
class WarmStartSettings(_WarmStart):
    """The checkpoint whose values variables start with. Raises ValueError: no checkpoint.

    Source: TF 1.15 `tf.estimator.WarmStartSettings`.
    """

    def __new__(
        cls, ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None,
        var_name_to_prev_var_name: Any = None,
    ) -> WarmStartSettings:  # fmt: skip
        """Fills in what is missing."""
        if not ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        given = (var_name_to_vocab_info or {}, var_name_to_prev_var_name or {})
        return super().__new__(cls, ckpt_to_initialize_from, vars_to_warm_start, *given)


def _warm_start_settings(given: Any) -> Any:
    if given is None or isinstance(given, WarmStartSettings):
        return given
    if not isinstance(given, (str, bytes)):
        raise ValueError(f"warm_start_from must be a string or a WarmStartSettings, instead got {type(given)}")
    variables = os.path.join(os.fsdecode(given), "variables", "variables")
    if os.path.exists(variables + ".index"):
        logging.info("Warm-starting from a SavedModel")
        return WarmStartSettings(variables)
    return WarmStartSettings(given)


def function_args(function: Any) -> tuple[str, ...]:
    """The names of a function's arguments, bound ones left out."""
    bound = inspect.ismethod(function)
    names = [
        n
        for n, p in inspect.signature(function).parameters.items()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    return tuple(n for n in names if not (bound and n == "self"))


def _check_model_fn(model_fn: Any, params: Any) -> None:
    names = set(function_args(model_fn))
    if "features" not in names:
        raise ValueError(f"model_fn ({model_fn}) must include features argument.")
    if params is not None and "params" not in names:
        raise ValueError(
            f"model_fn ({model_fn}) does not include params argument, but params ({params}) is passed to Estimator."
        )
    if params is None and "params" in names:
        logging.warning(
            "Estimator's model_fn (%s) includes params argument, but params are not passed to Estimator.", model_fn
        )
    others = list(names - _ARGUMENTS)
    if others:
        raise ValueError(f"model_fn ({model_fn}) has following not expected args: {others}")


def _complete_config(config: Any, model_dir: Any) -> Any:
    if config is None:
        config = RunConfig()
        logging.info("Using default config.")
    if not isinstance(config, RunConfig):
        raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
    if config._session_config is None:  # type: ignore[attr-defined]
        config = config.replace(session_config=default_session_config())
    model_dir = os.fspath(model_dir) if isinstance(model_dir, os.PathLike) else model_dir
    own = config._model_dir
    if model_dir is not None and own is not None and own != model_dir:
        raise ValueError(
            "`model_dir` are set both in constructor and `RunConfig`, but with different values. In constructor: "
            f"'{model_dir}', in `RunConfig`: '{own}' "
        )
    if model_dir:
        return config.replace(model_dir=model_dir)
    if own is None:
        model_dir = tempfile.mkdtemp()
        logging.warning("Using temporary folder as model directory: %s", model_dir)
        return config.replace(model_dir=model_dir)
    return config


class _DatasetInitializerHook(SessionRunHook):
    """Starts an iterator in each new session."""

    def __init__(self, iterator: Any):
        self._iterator = iterator
        self._initializer: Any = None

    def begin(self) -> None:
        """Takes the operation."""
        self._initializer = self._iterator.initializer

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Runs it."""
        session.run(self._initializer)


def _parsed(result: Any) -> tuple[Any, Any, list[Any]]:
    """(features, labels, hooks) of what an input function gave. Raises ValueError: not a pair."""
    hooks: list[Any] = []
    if hasattr(result, "_variant_tensor"):
        iterator = tf.data.make_initializable_iterator(result)
        hooks.append(_DatasetInitializerHook(iterator))
        result = iterator.get_next()
    if not isinstance(result, (list, tuple)):
        return result, None, hooks
    if len(result) != 2:
        raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
    return result[0], result[1], hooks


def _checked_hooks(hooks: Any) -> list[Any]:
    found = list(hooks or [])
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"Hooks must be a SessionRunHook, given: {hook}")
    return found


def _checked_listeners(listeners: Any) -> list[Any]:
    found = list(listeners or [])
    for listener in found:
        if not isinstance(listener, tf.train.CheckpointSaverListener):
            raise TypeError(f"saving_listeners must be a list of CheckpointSaverListener, given: {listener}")
    return found


def _saved_step(folder: str) -> int:
    path = tf.train.latest_checkpoint(folder)
    reader = tf.train.NewCheckpointReader(path) if path else None
    if reader is None or not reader.has_tensor(GraphKeys.GLOBAL_STEP):
        return 0
    return int(reader.get_tensor(GraphKeys.GLOBAL_STEP))


def _check_steps(name: str, steps: Any) -> None:
    if steps is not None and steps <= 0:
        raise ValueError(f"Must specify {name} > 0, given: {steps}")


@export("estimator.Estimator")
class Estimator:
    """A model that a function makes: `model_fn(features, labels, mode, params, config)` gives an `EstimatorSpec`.

    What is trained is saved in `model_dir`. Raises ValueError: a function with other arguments, or two folders.
    Source: TF 1.15 `tf.estimator.Estimator`.
    """

    def __init__(
        self, model_fn: Any, model_dir: Any = None, config: Any = None, params: Any = None, warm_start_from: Any = None
    ):
        # By the class, for libraries put a static method in its place.
        type(self)._assert_members_are_not_overridden(self)
        self._config: Any = _complete_config(config, model_dir)
        self._model_dir: str = self._config.model_dir
        self._session_config = self._config.session_config
        logging.info("Using config: %s", str(vars(self._config)))
        self._device_fn = self._config.device_fn
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        _check_model_fn(model_fn, params)
        self._model_fn = model_fn
        self._params = copy.deepcopy(params or {})
        self._warm_start_settings = _warm_start_settings(warm_start_from)

    def _assert_members_are_not_overridden(self) -> None:
        own = {m for m in vars(type(self)) if not m.startswith("__")} if type(self) is not Estimator else set()
        wrong = [m for m in own & set(vars(Estimator)) - _OVERRIDABLE if hasattr(Estimator, m)]
        if wrong:
            raise ValueError(
                f"Subclasses of Estimator cannot override members of Estimator. {type(self)} does override {wrong}"
            )

    # ---- facts

    @property
    def model_dir(self) -> str:
        """Where the model is saved."""
        return self._model_dir

    @property
    def config(self) -> Any:
        """How the model runs: a copy."""
        return copy.deepcopy(self._config)

    @property
    def params(self) -> Any:
        """What the model function is told: a copy."""
        return copy.deepcopy(self._params)

    @property
    def model_fn(self) -> Callable[..., Any]:
        """The model function, of (features, labels, mode, config)."""
        return lambda features, labels, mode, config: self._call_model_fn(features, labels, mode, config)

    def _check_checkpoint(self) -> None:
        if not tf.train.latest_checkpoint(self._model_dir):
            raise ValueError(f"Could not find trained model in model_dir: {self._model_dir}.")

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the latest checkpoint. Raises ValueError: there is none."""
        self._check_checkpoint()
        return tf.train.load_variable(self._model_dir, name)

    def get_variable_names(self) -> list[str]:
        """The variables in the latest checkpoint. Raises ValueError: there is none."""
        self._check_checkpoint()
        return [name for name, _ in tf.train.list_variables(self._model_dir)]

    def latest_checkpoint(self) -> Any:
        """The path of the latest checkpoint, or None."""
        return tf.train.latest_checkpoint(self._model_dir)

    def eval_dir(self, name: str | None = None) -> str:
        """Where evaluations are written."""
        return os.path.join(self._model_dir, f"eval_{name}" if name else "eval")

    def _enter(self, strategy: Any, scopes: ExitStack) -> None:
        """Enters the scope of a strategy, if there is one, and its replica."""
        if strategy is not None:
            scopes.enter_context(strategy.scope())
            scopes.enter_context(ReplicaContext(strategy, None))

    # ---- programs' functions

    def _call_input_fn(self, input_fn: Any, mode: str) -> Any:
        given = {"mode": mode, "params": self.params, "config": self.config, "input_context": InputContext()}
        wanted = function_args(input_fn)
        with tf.device("/cpu:0"):
            return input_fn(**{k: v for k, v in given.items() if k in wanted})

    def _call_model_fn(self, features: Any, labels: Any, mode: str, config: Any) -> EstimatorSpec:
        wanted = function_args(self._model_fn)
        if "labels" not in wanted and labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        given = {"labels": labels, "mode": mode, "params": self.params, "config": config}
        logging.info("Calling model_fn.")
        spec = self._model_fn(features=features, **{k: v for k, v in given.items() if k in wanted})
        logging.info("Done calling model_fn.")
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec

    def _create_global_step(self, graph: Any) -> Any:
        return tf.train.create_global_step(graph)

    def _create_and_assert_global_step(self, graph: Any) -> Any:
        step = self._create_global_step(graph)
        if step is not tf.train.get_global_step() or not step.dtype.is_integer:
            raise AssertionError("the global step is not that of the graph")
        return step

    def _warm_start(self) -> None:
        if self._warm_start_settings:
            logging.info("Warm-starting with WarmStartSettings: %s", self._warm_start_settings)
            tf.train.warm_start(*self._warm_start_settings)

    # ---- training

    def train(
        self, input_fn: Any, hooks: Any = None, steps: Any = None, max_steps: Any = None, saving_listeners: Any = None
    ) -> Estimator:
        """Trains for `steps`, up to `max_steps`, or to the end of the input, and saves.

        Raises ValueError: both numbers, or not positive. Source: TF 1.15 `tf.estimator.Estimator.train`.
        """
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        _check_steps("steps", steps)
        _check_steps("max_steps", max_steps)
        if max_steps is not None and max_steps <= _saved_step(self._model_dir):
            logging.info("Skipping training since max_steps has already saved.")
            return self
        all_hooks = _checked_hooks(hooks)
        if steps is not None or max_steps is not None:
            all_hooks.append(tf.train.StopAtStepHook(steps, max_steps))
        loss = self._train_model(input_fn, all_hooks, _checked_listeners(saving_listeners))
        logging.info("Loss for final step: %s.", loss)
        return self

    def _train_model(self, input_fn: Any, hooks: list[Any], listeners: list[Any]) -> Any:
        with tf.Graph().as_default() as graph, graph.device(self._device_fn), ExitStack() as scopes:
            self._enter(self._config.train_distribute, scopes)
            tf.set_random_seed(self._config.tf_random_seed)
            self._create_and_assert_global_step(graph)
            training_util._get_or_create_global_step_read(graph)
            features, labels, input_hooks = _parsed(self._call_input_fn(input_fn, ModeKeys.TRAIN))
            spec = self._call_model_fn(features, labels, ModeKeys.TRAIN, self.config)
            self._warm_start()
            if not any(x.op.name == "loss" for x in tf.get_collection(GraphKeys.SUMMARIES)):
                tf.summary.scalar("loss", spec.loss)
            tf.add_to_collection(GraphKeys.LOSSES, spec.loss)
            return self._run_training(spec, self._training_hooks(spec, [*input_hooks, *hooks]), listeners)

    def _training_hooks(self, spec: EstimatorSpec, hooks: list[Any]) -> list[Any]:
        found = [*hooks, tf.train.NanTensorHook(spec.loss)]
        every = self._config.log_step_count_steps
        if every is not None:
            shown = {"loss": spec.loss, "step": tf.train.get_global_step()}
            found.append(tf.train.LoggingTensorHook(shown, every_n_iter=every))
        found.extend(spec.training_hooks)
        if not (spec.scaffold.saver or tf.get_collection(GraphKeys.SAVERS)):
            config = self._config
            saver = tf.train.Saver(
                sharded=True,
                max_to_keep=config.keep_checkpoint_max,
                keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
                defer_build=True,
                save_relative_paths=True,
            )
            tf.add_to_collection(GraphKeys.SAVERS, saver)
        return found

    def _saver_hooks(self, spec: EstimatorSpec, hooks: list[Any], listeners: list[Any]) -> list[Any]:
        """Hooks that save, if the programs' own do not; listeners are told of what is saved."""
        config = self._config
        saving = [h for h in (*hooks, *spec.training_chief_hooks) if isinstance(h, tf.train.CheckpointSaverHook)]
        made: list[Any] = []
        if (config.save_checkpoints_secs or config.save_checkpoints_steps) and not saving:
            made = [
                tf.train.CheckpointSaverHook(
                    self._model_dir,
                    save_secs=config.save_checkpoints_secs,
                    save_steps=config.save_checkpoints_steps,
                    scaffold=spec.scaffold,
                )
            ]
        if listeners:
            if not (saving or made):
                raise ValueError(
                    "There should be a CheckpointSaverHook to use saving_listeners. Please set one of the "
                    "RunConfig.save_checkpoints_steps or RunConfig.save_checkpoints_secs."
                )
            first = (saving or made)[0]
            first._listeners.extend(x for x in listeners if x not in first._listeners)
        return made

    def _run_training(self, spec: EstimatorSpec, hooks: list[Any], listeners: list[Any]) -> Any:
        chief_hooks = self._saver_hooks(spec, hooks, listeners)
        config, loss = self._config, None
        with tf.train.MonitoredTrainingSession(
            master=config.master,
            is_chief=config.is_chief,
            checkpoint_dir=self._model_dir,
            scaffold=spec.scaffold,
            hooks=hooks,
            chief_only_hooks=(*chief_hooks, *spec.training_chief_hooks),
            save_checkpoint_secs=0,
            save_summaries_steps=config.save_summary_steps,
            config=self._session_config,
            max_wait_secs=config.session_creation_timeout_secs,
            log_step_count_steps=config.log_step_count_steps,
        ) as session:
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
        if loss is None:
            logging.warning("Training with estimator made no steps. Perhaps input is empty or misspecified.")
        return loss

    # ---- evaluation

    def evaluate(
        self, input_fn: Any, steps: Any = None, hooks: Any = None, checkpoint_path: Any = None, name: str | None = None
    ) -> dict[str, Any]:
        """The metrics, the loss and the step of a checkpoint, over `steps` or to the end of the input.

        Raises ValueError: `steps` not positive. Source: TF 1.15 `tf.estimator.Estimator.evaluate`.
        """
        all_hooks = _checked_hooks(hooks)
        _check_steps("steps", steps)
        if steps is not None:
            all_hooks.append(evaluation._StopAfterNEvalsHook(steps))
        path = checkpoint_path or tf.train.latest_checkpoint(self._model_dir)
        if not path:
            logging.info(
                "Could not find trained model in model_dir: %s, running initialization to evaluate.", self._model_dir
            )
        with tf.Graph().as_default(), ExitStack() as scopes:
            self._enter(self._config.eval_distribute, scopes)
            scaffold, update, values, all_hooks = self._evaluation_graph(input_fn, all_hooks, path)
            results = evaluation._evaluate_once(
                checkpoint_path=path, master=self._config.evaluation_master, scaffold=scaffold, eval_ops=update,
                final_ops=values, hooks=all_hooks, config=self._session_config,
            )  # fmt: skip
        _write_results(self.eval_dir(name), results, path)
        return results  # type: ignore[no-any-return]

    def _evaluation_graph(
        self, input_fn: Any, hooks: list[Any], path: Any
    ) -> tuple[Any, Any, dict[str, Any], list[Any]]:
        tf.set_random_seed(self._config.tf_random_seed)
        self._create_and_assert_global_step(tf.get_default_graph())
        features, labels, input_hooks = _parsed(self._call_input_fn(input_fn, ModeKeys.EVAL))
        spec = self._call_model_fn(features, labels, ModeKeys.EVAL, self.config)
        metrics = spec.eval_metric_ops
        for reserved in (LOSS_METRIC_KEY, GraphKeys.GLOBAL_STEP):
            if reserved in metrics:
                raise ValueError(
                    f"Metric with name {_quoted(reserved)} is not allowed, because Estimator already defines a default "
                    "metric with the same name."
                )
        metrics[LOSS_METRIC_KEY] = tf.metrics.mean(spec.loss)
        ordered = sorted(metrics.items())
        update = tf.group(*(m[1] for _, m in ordered))
        values = {key: m[0] for key, m in ordered}
        if not path:
            self._warm_start()
        values[GraphKeys.GLOBAL_STEP] = tf.train.get_global_step()
        scaffold = spec.scaffold
        if scaffold and scaffold.local_init_op:
            evaluation._get_or_create_eval_step()
            both = tf.group(scaffold.local_init_op, tf.train.Scaffold.default_local_init_op())
            scaffold = tf.train.Scaffold(local_init_op=both, copy_from_scaffold=scaffold)
        return scaffold, update, values, [*input_hooks, *hooks, *(spec.evaluation_hooks or ())]

    # ---- prediction

    def predict(
        self, input_fn: Any, predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """Gives the predictions, one example after another (or batch after batch).

        Raises ValueError: none of the keys, or batches of different lengths. Source: TF 1.15 `tf.estimator.Estimator.predict`.
        """
        all_hooks = _checked_hooks(hooks)
        path = checkpoint_path or tf.train.latest_checkpoint(self._model_dir)
        if not path:
            logging.info(
                "Could not find trained model in model_dir: %s, running initialization to predict.", self._model_dir
            )
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(self._config.tf_random_seed)
            self._create_and_assert_global_step(graph)
            features, _, input_hooks = _parsed(self._call_input_fn(input_fn, ModeKeys.PREDICT))
            _warn_of_endless(features)
            spec = self._call_model_fn(features, None, ModeKeys.PREDICT, self.config)
            if not path:
                self._warm_start()
            predictions = _chosen(spec.predictions, predict_keys)
            creator = tf.train.ChiefSessionCreator(
                checkpoint_filename_with_path=path,
                master=self._config.master,
                scaffold=spec.scaffold,
                config=self._session_config,
            )
            all_hooks = [*input_hooks, *all_hooks, *(spec.prediction_hooks or ())]
            with tf.train.MonitoredSession(session_creator=creator, hooks=all_hooks) as session:
                while not session.should_stop():
                    found = session.run(predictions)
                    if yield_single_examples:
                        yield from _examples(found)
                    else:
                        yield found

    # ---- export

    def export_saved_model(
        self, export_dir_base: Any, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
        checkpoint_path: Any = None, experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:  # fmt: skip
        """Writes a SavedModel to a new folder below `export_dir_base`; gives that folder.

        Raises ValueError: no function, or nothing trained. Source: TF 1.15 `tf.estimator.Estimator.export_saved_model`.
        """
        if not serving_input_receiver_fn:
            raise ValueError("An input_receiver_fn must be defined.")
        receivers = {experimental_mode: serving_input_receiver_fn}
        return self._export_all_saved_models(export_dir_base, receivers, assets_extra, as_text, checkpoint_path)

    @deprecated(
        "This function has been renamed, use `export_saved_model` instead.",
        "tensorflow_estimator.python.estimator.estimator",
    )
    def export_savedmodel(
        self, export_dir_base: Any, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
        checkpoint_path: Any = None, strip_default_attrs: bool = False,
    ) -> bytes:  # fmt: skip
        """As `export_saved_model`. Source: TF 1.15 `tf.estimator.Estimator.export_savedmodel`."""
        if not serving_input_receiver_fn:
            raise ValueError("An input_receiver_fn must be defined.")
        receivers = {ModeKeys.PREDICT: serving_input_receiver_fn}
        return self._export_all_saved_models(
            export_dir_base, receivers, assets_extra, as_text, checkpoint_path, strip_default_attrs
        )

    def experimental_export_all_saved_models(
        self, export_dir_base: Any, input_receiver_fn_map: Any, assets_extra: Any = None, as_text: bool = False,
        checkpoint_path: Any = None,
    ) -> bytes:  # fmt: skip
        """Writes a SavedModel with the graphs of several modes.

        Source: TF 1.15 `tf.estimator.Estimator.experimental_export_all_saved_models`.
        """
        return self._export_all_saved_models(
            export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path
        )

    def _export_all_saved_models(
        self, export_dir_base: Any, receivers: Any, assets_extra: Any = None, as_text: bool = False,
        checkpoint_path: Any = None, strip_default_attrs: bool = True,
    ) -> bytes:  # fmt: skip
        path = checkpoint_path or tf.train.latest_checkpoint(self._model_dir)
        if not path and self._warm_start_settings:
            path = self._warm_start_settings.ckpt_to_initialize_from
            path = tf.train.latest_checkpoint(path) if os.path.isdir(path) else path
        if not path:
            raise ValueError(f"Couldn't find trained model at {self._model_dir}.")
        export_dir = exporting.timestamped_export_dir(export_dir_base)
        folder, name = os.path.split(export_dir)
        temporary = os.path.join(folder, b"temp-" + name)
        builder = SavedModelBuilder(os.fsdecode(temporary))
        modes = [m for m in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT) if receivers.get(m)]
        if not modes:
            raise ValueError(f"No valid modes for exporting found. Got {receivers.keys()}.")
        for place, mode in enumerate(modes):
            self._add_meta_graph(builder, receivers[mode], path, mode, place == 0, strip_default_attrs)
        builder.save(as_text)
        for to, source in (assets_extra or {}).items():
            target = os.path.join(os.fsdecode(temporary), "assets.extra", to)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
        os.rename(temporary, export_dir)
        return export_dir

    def _add_meta_graph(self, builder: Any, receiver_fn: Any, path: Any, mode: str, first: bool, strip: bool) -> None:
        with tf.Graph().as_default() as graph:
            self._create_and_assert_global_step(graph)
            tf.set_random_seed(self._config.tf_random_seed)
            receiver = receiver_fn()
            spec = self._call_model_fn(receiver.features, getattr(receiver, "labels", None), mode, self.config)
            outputs = exporting.outputs_for_mode(mode, spec)
            signatures = exporting.build_all_signature_defs(receiver, outputs, mode == ModeKeys.PREDICT)
            with tf.Session(config=self._session_config) as session:
                start = spec.scaffold.local_init_op
                start = tf.train.Scaffold.default_local_init_op() if start is None else start
                saver = spec.scaffold.saver or tf.train.Saver(sharded=True)
                _restore(saver, session, path, mode)
                common: dict[str, Any] = {
                    "signature_def_map": signatures,
                    "assets_collection": tf.get_collection(GraphKeys.ASSET_FILEPATHS),
                    "main_op": start,
                    "saver": saver,
                    "strip_default_attrs": strip,
                }
                tags = exporting.TAGS[mode]
                if first:
                    builder.add_meta_graph_and_variables(session, tags, **common)
                else:
                    builder.add_meta_graph(tags, **common)


def _quoted(name: str) -> str:
    return f'"{name}"' if name == LOSS_METRIC_KEY else f"`{name}`"


def _restore(saver: Any, session: Any, path: Any, mode: str) -> None:
    try:
        saver.restore(session, path)
    except tf.errors.NotFoundError as error:
        raise ValueError(
            "Could not load all requested variables from checkpoint. Please make sure your model_fn does not expect variables "
            f"that were not saved in the checkpoint.\n\nEncountered error with mode `{mode}` while restoring checkpoint from: "
            f"`{path}`. Full Traceback:\n\n{error}"
        ) from None


def _warn_of_endless(features: Any) -> None:
    tensors = [x for x in nest.flatten(features) if isinstance(x, Tensor)]
    if not any(t.op.type == "IteratorGetNext" for t in tensors) and not tf.get_collection(GraphKeys.QUEUE_RUNNERS):
        logging.warning(
            "Input graph does not use tf.data.Dataset or contain a QueueRunner. That means predict yields forever. This is "
            "probably a mistake."
        )


def _chosen(predictions: Any, keys: Any) -> Any:
    if not keys:
        return predictions
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    found = {k: v for k, v in predictions.items() if k in keys}
    if not found:
        raise ValueError(f"Expected to run at least one output from {predictions.keys()}, provided {keys}.")
    return found


def _examples(found: Any) -> Iterator[Any]:
    if not isinstance(found, dict):
        yield from found
        return
    length = None
    for key, value in found.items():
        length = length or value.shape[0]
        if value.shape[0] != length:
            raise ValueError(
                f"Batch length of predictions should be same. {key} has different batch length than others."
            )
    for i in range(length or 0):
        yield {k: v[i] for k, v in found.items()}


# ---- what evaluations write


def _write_results(folder: str, results: dict[str, Any], path: Any) -> None:
    step = results[GraphKeys.GLOBAL_STEP]
    shown = ", ".join(f"{k} = {v}" for k, v in sorted(results.items()) if not isinstance(v, bytes))
    logging.info("Saving dict for global step %d: %s", step, shown)
    writer = FileWriterCache.get(folder)
    summary = message_class("tensorflow.Summary")()
    for key, value in results.items():
        if value is not None and key != "global_step":
            _add_value(summary, key, value)
    writer.add_summary(summary, step)
    writer.flush()
    if path:
        logging.info("Saving '%s' summary for global step %d: %s", "checkpoint_path", step, path)
        summary = message_class("tensorflow.Summary")()
        value = summary.value.add(tag="checkpoint_path")
        value.tensor.CopyFrom(make_tensor_proto(path, dtype=tf.string))
        writer.add_summary(summary, step)
        writer.flush()


def _add_value(summary: Any, key: str, value: Any) -> None:
    if isinstance(value, (np.floating, float, np.integer, int)):
        summary.value.add(tag=key, simple_value=float(value))
    elif isinstance(value, bytes):
        given = message_class("tensorflow.Summary").FromString(value)
        for i, part in enumerate(given.value):
            part.tag = f"{key}/{i}"
            summary.value.append(part)
    elif isinstance(value, np.ndarray):
        made = summary.value.add(tag=key, node_name=key)
        made.tensor.CopyFrom(make_tensor_proto(value))
    else:
        logging.warning(
            "Skipping summary for %s, must be a float, np.float32, np.int64, np.int32 or int or np.ndarray or a serialized "
            "string of Summary.",
            key,
        )
