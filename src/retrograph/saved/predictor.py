"""`tf.contrib.predictor`: a SavedModel as a function from arrays to arrays."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.saved import constants
from retrograph.saved.loader import load
from retrograph.saved.reader import read_saved_model


class Predictor:
    """A function of arrays by name, computed by a session."""

    _graph: Any
    _session: Any
    _feed_tensors: dict[str, Any]
    _fetch_tensors: dict[str, Any]

    @property
    def graph(self) -> Any:
        """The graph."""
        return self._graph

    @property
    def session(self) -> Any:
        """The session."""
        return self._session

    @property
    def feed_tensors(self) -> dict[str, Any]:
        """The tensors that are fed, by name."""
        return self._feed_tensors

    @property
    def fetch_tensors(self) -> dict[str, Any]:
        """The tensors that are computed, by name."""
        return self._fetch_tensors

    def __repr__(self) -> str:
        return f"{type(self).__name__} with feed tensors {self._feed_tensors} and fetch_tensors {self._fetch_tensors}"

    def __call__(self, input_dict: dict[str, Any]) -> dict[str, Any]:
        unexpected = set(input_dict) - set(self._feed_tensors)
        if unexpected:
            raise ValueError(f"Got unexpected keys in input_dict: {unexpected}\nexpected: {set(self._feed_tensors)}")
        feeds = {t: input_dict[k] for k, t in self._feed_tensors.items() if input_dict.get(k) is not None}
        result: dict[str, Any] = self._session.run(self._fetch_tensors, feeds)
        return result


def _signature(export_dir: str, tags: str, key: str | None) -> Any:
    wanted = {tag.strip() for tag in tags.split(",")}
    metas = [m for m in read_saved_model(export_dir).meta_graphs if set(m.meta_info_def.tags) == wanted]
    if not metas:
        raise ValueError(f"Could not find MetaGraphDef with tags {tags}")
    name, signatures = key or constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY, metas[0].signature_def
    for candidate in (name, f"default_input_alternative:{name}"):
        if candidate in signatures:
            return signatures[candidate]
    raise ValueError(f'Got signature_def_key "{name}". Available signatures are {list(signatures)}.')


class SavedModelPredictor(Predictor):
    """The prediction of one signature of a SavedModel."""

    def __init__(
        self,
        export_dir: str,
        signature_def_key: str | None = None,
        signature_def: Any = None,
        input_names: dict[str, str] | None = None,
        output_names: dict[str, str] | None = None,
        tags: str | None = None,
        graph: Any = None,
        config: Any = None,
    ):
        if (input_names is None) != (output_names is None):
            raise ValueError("input_names and output_names must both be specified or both be unspecified.")
        if sum(x is not None for x in (signature_def_key, signature_def, input_names)) > 1:
            raise ValueError(
                "You must specify at most one of signature_def_key OR signature_def OR(input_names AND output_names)."
            )
        tags = tags or constants.SERVING
        self._graph = graph or tf.Graph()
        with self._graph.as_default():
            self._session = tf.Session(config=config)
            load(self._session, tags.split(","), export_dir)
        if input_names is None or output_names is None:
            signature = signature_def or _signature(export_dir, tags, signature_def_key)
            input_names = {k: v.name for k, v in signature.inputs.items()}
            output_names = {k: v.name for k, v in signature.outputs.items()}
        self._feed_tensors = {k: self._graph.get_tensor_by_name(v) for k, v in input_names.items()}
        self._fetch_tensors = {k: self._graph.get_tensor_by_name(v) for k, v in output_names.items()}


@export("contrib.predictor.from_saved_model")
def from_saved_model(
    export_dir: str,
    signature_def_key: str | None = None,
    signature_def: Any = None,
    input_names: dict[str, str] | None = None,
    output_names: dict[str, str] | None = None,
    tags: str | None = None,
    graph: Any = None,
    config: Any = None,
) -> SavedModelPredictor:
    """A function from arrays to arrays, both by the names of a SavedModel's signature.

    >>> predict = tf.contrib.predictor.from_saved_model("export")    # doctest: +SKIP
    >>> predict({"x": [[1.0]]})    # doctest: +SKIP

    Raises: ValueError for a signature that is not there, or given twice; RuntimeError for tags that are not there.
    Source: TF 1.15 `tf.contrib.predictor.from_saved_model`.
    """
    return SavedModelPredictor(
        export_dir, signature_def_key, signature_def, input_names, output_names, tags, graph, config
    )
