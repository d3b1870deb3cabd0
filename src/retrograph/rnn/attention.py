"""Attention of `tf.contrib.seq2seq`: mechanisms over a memory, and the cell that uses them."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.cells import RNNCell, assert_like_rnncell
from retrograph.rnn.sizes import zeros_of

_TILE = (
    "Are you using the BeamSearchDecoder?  {0} via the tf.contrib.seq2seq.tile_batch function with argument "
    "multiple=beam_width."
)


@export("contrib.seq2seq.hardmax")
def hardmax(logits: Any, name: Any = None) -> Any:
    """One at the greatest logit of the last axis, zero elsewhere. Source: TF 1.15 `tf.contrib.seq2seq.hardmax`."""
    with tf.name_scope(name, "Hardmax", [logits]):
        logits = tf.convert_to_tensor(logits, name="logits")
        depth = None if logits.shape.ndims is None else logits.shape.as_list()[-1]
        depth = tf.shape(logits)[-1] if depth is None else depth
        return tf.one_hot(tf.argmax(logits, -1), depth, dtype=logits.dtype)


def _tiled(t: Any, multiplier: int) -> Any:
    if isinstance(t, tf.TensorArray) or t.shape.ndims == 0:
        return t
    if t.shape.ndims is None:
        raise ValueError("t must have statically known rank")
    shape, static = tf.shape(t), t.shape.as_list()
    tiled = tf.tile(tf.expand_dims(t, 1), [1, multiplier] + [1] * (len(static) - 1))
    tiled = tf.reshape(tiled, tf.concat(([shape[0] * multiplier], shape[1:]), 0))
    tiled.set_shape([None if static[0] is None else static[0] * multiplier, *static[1:]])
    return tiled


@export("contrib.seq2seq.tile_batch")
def tile_batch(t: Any, multiplier: int, name: Any = None) -> Any:
    """Each row `multiplier` times, one after another: [batch, ...] to [batch * multiplier, ...]. Source: TF 1.15 `tf.contrib.seq2seq.tile_batch`."""
    with tf.name_scope(name, "tile_batch", nest.flatten(t) + [multiplier]):
        return nest.map_structure(lambda one: _tiled(tf.convert_to_tensor(one, name="t"), multiplier), t)


@export("contrib.seq2seq.AttentionMechanism")
class AttentionMechanism:
    """The base of attention mechanisms. Source: TF 1.15 `tf.contrib.seq2seq.AttentionMechanism`."""

    @property
    def alignments_size(self) -> Any:
        """The length of the memory."""
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        """The size of the mechanism's state."""
        raise NotImplementedError


def _prepared(memory: Any, lengths: Any) -> Any:
    """The memory, zero beyond the lengths."""
    memory = tf.convert_to_tensor(memory, name="memory")
    if not memory.shape[2:].is_fully_defined():
        raise ValueError(
            f"Expected memory {memory.name} to have fully defined inner dims, but saw shape: {memory.shape}"
        )
    if lengths is None:
        return memory
    mask = tf.sequence_mask(lengths, maxlen=tf.shape(memory)[1], dtype=memory.dtype)
    ones = tf.ones(memory.shape.ndims - 2, dtype=tf.int32)
    return memory * tf.reshape(mask, tf.concat((tf.shape(mask), ones), 0))


def _masked(score: Any, lengths: Any, value: Any) -> Any:
    if lengths is None:
        return score
    message = "All values in memory_sequence_length must be greater than zero."
    with tf.control_dependencies([tf.assert_positive(lengths, message=message)]):
        mask = tf.sequence_mask(lengths, maxlen=tf.shape(score)[1])
    return tf.where(mask, score, value * tf.ones_like(score))


class _Scored(AttentionMechanism):
    """A mechanism that gives each place of its memory f[batch, length, size] a score."""

    def __init__(
        self, query_layer: Any, memory_layer: Any, memory: Any, memory_sequence_length: Any, probability_fn: Callable[[Any], Any], score_mask_value: Any, name: str,
        custom_key_value_fn: Any = None,
    ):  # fmt: skip
        self.query_layer, self.memory_layer = query_layer, memory_layer
        self.dtype = memory_layer.dtype
        with tf.name_scope(name, "BaseAttentionMechanismInit", nest.flatten(memory)):
            lengths = memory_sequence_length
            if lengths is not None:
                lengths = tf.convert_to_tensor(lengths, name="memory_sequence_length")
            self._lengths = memory_sequence_length
            self._values = _prepared(memory, lengths)
            self._keys = self.memory_layer(self._values) if self.memory_layer else self._values
            if custom_key_value_fn is not None:
                self._keys, self._values = custom_key_value_fn(self._keys, self._values)
            rows, length = self._keys.shape.as_list()[:2]
            self._batch_size = tf.shape(self._keys)[0] if rows is None else rows
            self._alignments_size = tf.shape(self._keys)[1] if length is None else length
        if score_mask_value is None:
            score_mask_value = tf.as_dtype(self._values.dtype).as_numpy_dtype(float("-inf"))
        self._mask_value, self._probability_fn = score_mask_value, probability_fn

    @property
    def keys(self) -> Any:
        """What queries are compared with."""
        return self._keys

    @property
    def values(self) -> Any:
        """What is attended to."""
        return self._values

    @property
    def batch_size(self) -> Any:
        """The number of rows of the memory."""
        return self._batch_size

    @property
    def alignments_size(self) -> Any:
        """The length of the memory."""
        return self._alignments_size

    @property
    def state_size(self) -> Any:
        """The length of the memory: the state is the last alignments."""
        return self._alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros f[batch, length]."""
        return zeros_of(self._alignments_size, batch_size, dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros f[batch, length]."""
        return self.initial_alignments(batch_size, dtype)

    def _score(self, query: Any) -> Any:
        raise NotImplementedError

    _scope = ""

    def __call__(self, query: Any, state: Any) -> tuple[Any, Any]:
        """The alignments f[batch, length] for a query f[batch, n], and the next state."""
        with tf.variable_scope(None, self._scope, [query]):
            score = self._score(query)
        alignments = self._aligned(_masked(score, self._lengths, self._mask_value), state)
        return alignments, alignments

    def _aligned(self, score: Any, state: Any) -> Any:
        return self._probability_fn(score)


def _probability(function: Any) -> Callable[[Any], Any]:
    function = tf.nn.softmax if function is None else function
    return lambda score: function(score)


@export("contrib.seq2seq.LuongAttention")
class LuongAttention(_Scored):
    """Multiplicative attention: the product of query and key. Source: TF 1.15 `tf.contrib.seq2seq.LuongAttention`."""

    _scope = "luong_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False, probability_fn: Any = None, score_mask_value: Any = None, dtype: Any = None,
        custom_key_value_fn: Any = None, name: str = "LuongAttention",
    ):  # fmt: skip
        layer = tf.layers.Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype or tf.float32)
        super().__init__(
            None, layer, memory, memory_sequence_length, _probability(probability_fn), score_mask_value, name,
            custom_key_value_fn,
        )  # fmt: skip
        self._num_units, self._scale, self._name = num_units, scale, name

    def _score(self, query: Any) -> Any:
        gain = None
        if self._scale:
            gain = tf.get_variable("attention_g", dtype=query.dtype, initializer=tf.ones_initializer, shape=())
        depth, units = query.shape.as_list()[-1], self._keys.shape.as_list()[-1]
        if depth is None or depth != units:
            raise ValueError(
                f"Incompatible or unknown inner dimensions between query and keys.  Query ({query}) has units: {depth}.  Keys ({self._keys}) have units: {units}.  "
                f"Perhaps you need to set num_units to the keys' dimension ({units})?"
            )
        score = tf.squeeze(tf.matmul(tf.expand_dims(query, 1), self._keys, transpose_b=True), [1])
        return score if gain is None else gain * score


@export("contrib.seq2seq.BahdanauAttention")
class BahdanauAttention(_Scored):
    """Additive attention: a small network of query and key. Source: TF 1.15 `tf.contrib.seq2seq.BahdanauAttention`."""

    _scope = "bahdanau_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False, probability_fn: Any = None, score_mask_value: Any = None,
        dtype: Any = None, custom_key_value_fn: Any = None, name: str = "BahdanauAttention",
    ):  # fmt: skip
        dtype = dtype or tf.float32
        super().__init__(
            tf.layers.Dense(num_units, name="query_layer", use_bias=False, dtype=dtype),
            tf.layers.Dense(num_units, name="memory_layer", use_bias=False, dtype=dtype),
            memory, memory_sequence_length, _probability(probability_fn), score_mask_value, name, custom_key_value_fn,
        )  # fmt: skip
        self._num_units, self._normalize, self._name = num_units, normalize, name

    def _score(self, query: Any) -> Any:
        processed = self.query_layer(query) if self.query_layer else query
        dtype = query.dtype
        v = tf.get_variable("attention_v", [self._num_units], dtype=dtype)
        if not self._normalize:
            return tf.reduce_sum(v * tf.tanh(self._keys + tf.expand_dims(processed, 1)), [2])
        g = tf.get_variable(
            "attention_g", dtype=dtype, initializer=tf.constant_initializer((1.0 / self._num_units) ** 0.5), shape=()
        )
        b = tf.get_variable("attention_b", [self._num_units], dtype=dtype, initializer=tf.zeros_initializer())
        processed = tf.expand_dims(processed, 1)
        direction = g * v * tf.rsqrt(tf.reduce_sum(tf.square(v)))
        return tf.reduce_sum(direction * tf.tanh(self._keys + processed + b), [2])


_State = collections.namedtuple(  # type: ignore[name-match]
    "AttentionWrapperState",
    ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"),
)


@export("contrib.seq2seq.AttentionWrapperState")
class AttentionWrapperState(_State):
    """The state of an `AttentionWrapper`. Source: TF 1.15 `tf.contrib.seq2seq.AttentionWrapperState`."""

    __slots__ = ()

    def clone(self, **kwargs: Any) -> Any:
        """The state with some fields replaced; shapes that are not known yet are checked in the graph.

        Raises ValueError: a tensor of another shape than the one it replaces.
        """

        def fitting(old: Any, new: Any) -> Any:
            if isinstance(old, tf.Tensor) and isinstance(new, tf.Tensor):
                return tf.contrib.framework.with_same_shape(old, new)
            return new

        return nest.map_structure(fitting, self, super()._replace(**kwargs))


def _attend(mechanism: Any, cell_output: Any, state: Any, layer: Any) -> tuple[Any, Any, Any]:
    """(attention, alignments, next state) for a cell's output."""
    alignments, next_state = mechanism(cell_output, state)
    found = tf.squeeze(tf.matmul(tf.expand_dims(alignments, 1), mechanism.values), [1])
    attention = found if layer is None else layer(tf.concat([cell_output, found], 1))
    return attention, alignments, next_state


@export("contrib.seq2seq.AttentionWrapper")
class AttentionWrapper(RNNCell):
    """A cell that attends to a memory, or to several, after each step. Source: TF 1.15 `tf.contrib.seq2seq.AttentionWrapper`."""

    def __init__(
        self, cell: Any, attention_mechanism: Any, attention_layer_size: Any = None, alignment_history: bool = False, cell_input_fn: Any = None, output_attention: bool = True,
        initial_cell_state: Any = None, name: Any = None, attention_layer: Any = None, attention_fn: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        mechanisms = tuple(attention_mechanism) if self._is_multi else (attention_mechanism,)
        for mechanism in mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                what = (
                    "contain only instances of AttentionMechanism"
                    if self._is_multi
                    else "be an AttentionMechanism or list of multiple AttentionMechanism instances"
                )
                raise TypeError(f"attention_mechanism must {what}, saw type: {type(mechanism).__name__}")
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._cell, self._attention_mechanisms = cell, mechanisms
        self._cell_input_fn = cell_input_fn or (lambda inputs, attention: tf.concat([inputs, attention], -1))
        self._attention_fn = attention_fn or _attend
        self._output_attention, self._alignment_history = output_attention, alignment_history
        self._set_layers(attention_layer_size, attention_layer)
        with tf.name_scope(name, "AttentionWrapperInit"):
            self._initial_cell_state = None
            if initial_cell_state is not None:
                rows = _rows(nest.flatten(initial_cell_state)[-1])
                text = (
                    f"When constructing AttentionWrapper {self._base_name}: Non-matching batch sizes between the memory (encoder output) and initial_cell_state.  "
                    + _TILE.format("You may need to tile your initial state")
                )
                self._initial_cell_state = self._checked(rows, text, initial_cell_state, "check_initial_cell_state")

    def _set_layers(self, sizes: Any, layers: Any) -> None:
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        mechanisms = self._attention_mechanisms
        given, what = (sizes, "attention_layer_size must contain exactly one integer") if layers is None else (
            layers, "attention_layer must contain exactly one layer",
        )  # fmt: skip
        self._attention_layers: Any = None
        if given is None:
            self._attention_layer_size = sum(m.values.shape.as_list()[-1] for m in mechanisms)
            return
        given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if len(given) != len(mechanisms):
            raise ValueError(f"If provided, {what} per attention_mechanism, saw: {len(given)} vs {len(mechanisms)}")
        if layers is None:
            self._attention_layers = tuple(
                tf.layers.Dense(size, name="attention_layer", use_bias=False, dtype=mechanism.dtype)
                for size, mechanism in zip(given, mechanisms, strict=True)
            )
            self._attention_layer_size = sum(given)
            return
        self._attention_layers = given
        self._attention_layer_size = sum(
            layer.compute_output_shape([None, self._cell.output_size + m.values.shape.as_list()[-1]]).as_list()[-1]
            for layer, m in zip(given, mechanisms, strict=True)
        )

    # Cells of programs that are made from this one call the next and `_item_or_tuple` by these names.
    def _batch_size_checks(self, batch_size: Any, error_message: str) -> list[Any]:
        return [tf.assert_equal(batch_size, m.batch_size, message=error_message) for m in self._attention_mechanisms]

    def _checked(self, rows: Any, text: str, value: Any, name: str) -> Any:
        with tf.control_dependencies(self._batch_size_checks(rows, text)):
            return nest.map_structure(lambda s: tf.identity(s, name=name), value)

    def _item_or_tuple(self, values: Any) -> Any:
        values = tuple(values)
        return values if self._is_multi else values[0]

    @property
    def output_size(self) -> Any:
        """The size of the attention, or of the cell's output."""
        return self._attention_layer_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> Any:
        """The sizes of the state's fields."""
        mechanisms = self._attention_mechanisms
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=tf.TensorShape([]),
            attention=self._attention_layer_size,
            alignments=self._item_or_tuple(m.alignments_size for m in mechanisms),
            attention_state=self._item_or_tuple(m.state_size for m in mechanisms),
            alignment_history=self._item_or_tuple(
                m.alignments_size if self._alignment_history else () for m in mechanisms
            ),
        )

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The state before the first step."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size=batch_size, dtype=dtype)
            text = (
                f"When calling zero_state of AttentionWrapper {self._base_name}: Non-matching batch sizes between the memory (encoder output) and the requested batch size.  "
                "Are you using the BeamSearchDecoder?  If so, make sure your encoder output has been tiled to beam_width via tf.contrib.seq2seq.tile_batch, and "
                "the batch_size= argument passed to zero_state is batch_size * beam_width."
            )
            cell_state = self._checked(batch_size, text, cell_state, "checked_cell_state")
            mechanisms = self._attention_mechanisms
            alignments = [m.initial_alignments(batch_size, dtype) for m in mechanisms]
            return AttentionWrapperState(
                cell_state=cell_state,
                time=tf.zeros([], dtype=tf.int32),
                attention=zeros_of(self._attention_layer_size, batch_size, dtype),
                alignments=self._item_or_tuple(alignments),
                attention_state=self._item_or_tuple(m.initial_state(batch_size, dtype) for m in mechanisms),
                alignment_history=self._item_or_tuple(
                    tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=a.shape)
                    if self._alignment_history
                    else ()
                    for a in alignments
                ),
            )

    def call(self, inputs: Any, state: Any) -> Any:
        """The attention (or the cell's output), and the next state; TypeError for another state."""
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                f"Expected state to be instance of AttentionWrapperState. Received type {type(state)} instead."
            )
        output, next_cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        text = (
            f"When applying AttentionWrapper {self.name}: Non-matching batch sizes between the memory (encoder output) and the query (decoder output).  "
            + _TILE.format("You may need to tile your memory input")
        )
        output = self._checked(_rows(output), text, output, "checked_cell_output")
        states, histories = state.attention_state, state.alignment_history
        if not self._is_multi:
            states, histories = [states], [histories]
        attentions, alignments, next_states, next_histories = [], [], [], []
        for i, mechanism in enumerate(self._attention_mechanisms):
            layer = self._attention_layers[i] if self._attention_layers else None
            attention, aligned, next_state = self._attention_fn(mechanism, output, states[i], layer)
            next_histories.append(histories[i].write(state.time, aligned) if self._alignment_history else ())
            next_states.append(next_state)
            alignments.append(aligned)
            attentions.append(attention)
        attention = tf.concat(attentions, 1)
        after = AttentionWrapperState(
            time=state.time + 1,
            cell_state=next_cell_state,
            attention=attention,
            attention_state=self._item_or_tuple(next_states),
            alignments=self._item_or_tuple(alignments),
            alignment_history=self._item_or_tuple(next_histories),
        )
        return (attention if self._output_attention else output), after


def _rows(value: Any) -> Any:
    rows = value.shape.as_list()[0]
    return tf.shape(value)[0] if rows is None else rows
