"""`tf.contrib.legacy_seq2seq`: decoders unrolled while the graph is built, attention over encoder outputs, sequence losses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.cells import RNNCell
from retrograph.rnn.contrib_cells import EmbeddingWrapper, OutputProjectionWrapper
from retrograph.rnn.linear import Linear
from retrograph.rnn.static import static_rnn


def _argmax_fed_back(embedding: Any, projection: Any, trained: bool = True) -> Callable[[Any, Any], Any]:
    """A loop function that embeds the likeliest symbol of the step before."""

    def loop_function(prev: Any, _: Any) -> Any:
        if projection is not None:
            prev = tf.nn.xw_plus_b(prev, projection[0], projection[1])
        embedded = tf.nn.embedding_lookup(embedding, tf.argmax(prev, 1))
        return embedded if trained else tf.stop_gradient(embedded)

    return loop_function


def _fed_back(loop_function: Any, prev: Any, i: int) -> Any:
    with tf.variable_scope("loop_function", reuse=True):
        return loop_function(prev, i)


@export("contrib.legacy_seq2seq.rnn_decoder")
def rnn_decoder(
    decoder_inputs: Any, initial_state: Any, cell: Any, loop_function: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """The outputs of a cell from a state on, and the last state; `loop_function(output, i)` makes inputs of outputs. Source: TF 1.15 `tf.contrib.legacy_seq2seq.rnn_decoder`."""
    with tf.variable_scope(scope or "rnn_decoder"):
        state, outputs, prev = initial_state, [], None
        for i, value in enumerate(decoder_inputs):
            if loop_function is not None and prev is not None:
                value = _fed_back(loop_function, prev, i)
            if i > 0:
                tf.get_variable_scope().reuse_variables()
            output, state = cell(value, state)
            outputs.append(output)
            prev = output if loop_function is not None else None
    return outputs, state


@export("contrib.legacy_seq2seq.basic_rnn_seq2seq")
def basic_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, dtype: Any = tf.float32, scope: Any = None
) -> tuple[list[Any], Any]:
    """A decoder that goes on from an encoder's last state; both have cells of one kind. Source: TF 1.15 `tf.contrib.legacy_seq2seq.basic_rnn_seq2seq`."""
    with tf.variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


@export("contrib.legacy_seq2seq.tied_rnn_seq2seq")
def tied_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, loop_function: Any = None, dtype: Any = tf.float32, scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Encoder and decoder that share their variables. Source: TF 1.15 `tf.contrib.legacy_seq2seq.tied_rnn_seq2seq`."""
    with tf.variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        tf.get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function=loop_function, scope=scope)


def _checked_projection(projection: Any, rows: Any, symbols: int, dtype: Any) -> None:
    if projection is None:
        return
    tf.convert_to_tensor(projection[0], dtype=dtype).shape.assert_is_compatible_with([rows, symbols])
    tf.convert_to_tensor(projection[1], dtype=dtype).shape.assert_is_compatible_with([symbols])


@export("contrib.legacy_seq2seq.embedding_rnn_decoder")
def embedding_rnn_decoder(
    decoder_inputs: Any, initial_state: Any, cell: Any, num_symbols: int, embedding_size: int, output_projection: Any = None, feed_previous: bool = False,
    update_embedding_for_previous: bool = True, scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """`rnn_decoder` for numbers of symbols i[batch]. Source: TF 1.15 `tf.contrib.legacy_seq2seq.embedding_rnn_decoder`."""
    with tf.variable_scope(scope or "embedding_rnn_decoder") as opened:
        if output_projection is not None:
            _checked_projection(output_projection, None, num_symbols, opened.dtype)
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size])
        loop = None
        if feed_previous:
            loop = _argmax_fed_back(embedding, output_projection, update_embedding_for_previous)
        # Looked up one by one, since with fed back outputs most are never needed.
        inputs = (tf.nn.embedding_lookup(embedding, i) for i in decoder_inputs)
        return rnn_decoder(inputs, initial_state, cell, loop_function=loop)


def _decoded(feed_previous: Any, count: int, like: Any, decode: Callable[[bool, bool], Any]) -> tuple[list[Any], Any]:
    """What `decode(feed_previous, update_embedding)` gives; for a tensor `feed_previous` both, under a `tf.cond`."""
    if isinstance(feed_previous, bool):
        return decode(feed_previous, True)  # type: ignore[no-any-return]

    def branch(feeds: bool) -> list[Any]:
        with tf.variable_scope(tf.get_variable_scope(), reuse=None if feeds else True):
            outputs, state = decode(feeds, False)
            return list(outputs) + nest.flatten(state)

    values = tf.cond(feed_previous, lambda: branch(True), lambda: branch(False))
    structure = like()
    state = nest.pack_sequence_as(structure, values[count:]) if nest.is_sequence(structure) else values[count]
    return values[:count], state


@export("contrib.legacy_seq2seq.embedding_rnn_seq2seq")
def embedding_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int, num_decoder_symbols: int, embedding_size: int, output_projection: Any = None,
    feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Encoder and decoder of symbols, with an embedding each. Source: TF 1.15 `tf.contrib.legacy_seq2seq.embedding_rnn_seq2seq`."""
    with tf.variable_scope(scope or "embedding_rnn_seq2seq") as opened:
        if dtype is not None:
            opened.set_dtype(dtype)
        else:
            dtype = opened.dtype
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decode(feeds: bool, updates: bool) -> Any:
            return embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size, output_projection, feeds, updates
            )

        return _decoded(feed_previous, len(decoder_inputs), lambda: state, decode)


@export("contrib.legacy_seq2seq.embedding_tied_rnn_seq2seq")
def embedding_tied_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_symbols: int, embedding_size: int, num_decoder_symbols: Any = None, output_projection: Any = None,
    feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Encoder and decoder of symbols that share variables and embedding. Source: TF 1.15 `tf.contrib.legacy_seq2seq.embedding_tied_rnn_seq2seq`."""
    with tf.variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as opened:
        dtype = opened.dtype
        _checked_projection(output_projection, None, num_symbols, dtype)
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size], dtype=dtype)
        encoded, given = (
            [tf.nn.embedding_lookup(embedding, x) for x in values] for values in (encoder_inputs, decoder_inputs)
        )
        inner = cell
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_symbols if num_decoder_symbols is None else num_decoder_symbols)

        def decode(feeds: bool, updates: bool) -> Any:
            loop = _argmax_fed_back(embedding, output_projection, updates) if feeds else None
            return tied_rnn_seq2seq(encoded, given, cell, loop_function=loop, dtype=dtype)

        return _decoded(feed_previous, len(decoder_inputs), lambda: inner.state_size, decode)


def _check_attention(decoder_inputs: Any, num_heads: int, attention_states: Any) -> None:
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    if attention_states.shape.as_list()[2] is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {attention_states.shape}")


def _known_depth(value: Any) -> int:
    depth: int | None = value.shape.with_rank(2).as_list()[1]
    if depth is None:
        raise ValueError(f"Could not infer input size from input: {value.name}")
    return depth


@export("contrib.legacy_seq2seq.attention_decoder")
def attention_decoder(
    decoder_inputs: Any, initial_state: Any, attention_states: Any, cell: Any, output_size: Any = None, num_heads: int = 1, loop_function: Any = None, dtype: Any = None,
    scope: Any = None, initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:  # fmt: skip
    """A decoder whose every step attends to `attention_states` f[batch, length, size].

    Raises ValueError: no inputs, no heads, a length or size that is not known. Source: TF 1.15 `tf.contrib.legacy_seq2seq.attention_decoder`.
    """
    _check_attention(decoder_inputs, num_heads, attention_states)
    output_size = cell.output_size if output_size is None else output_size
    with tf.variable_scope(scope or "attention_decoder", dtype=dtype) as opened:
        dtype = opened.dtype
        batch_size = tf.shape(decoder_inputs[0])[0]
        heads = _Heads(attention_states, num_heads, dtype)
        state, outputs, prev = initial_state, [], None
        batch_attn_size = tf.stack([batch_size, heads.size])
        attns = [tf.zeros(batch_attn_size, dtype=dtype) for _ in range(num_heads)]
        for a in attns:
            a.set_shape([None, heads.size])
        if initial_state_attention:
            attns = heads(initial_state)
        merge, project = _Remembered(), _Remembered()
        for i, value in enumerate(decoder_inputs):
            if i > 0:
                tf.get_variable_scope().reuse_variables()
            if loop_function is not None and prev is not None:
                value = _fed_back(loop_function, prev, i)
            cell_output, state = cell(merge([value, *attns], _known_depth(value)), state)
            if i == 0 and initial_state_attention:
                with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                    attns = heads(state)
            else:
                attns = heads(state)
            with tf.variable_scope("AttnOutputProjection"):
                output = project([cell_output, *attns], output_size)
            prev = output if loop_function is not None else None
            outputs.append(output)
    return outputs, state


class _Remembered:
    """An affine map made at its first call."""

    def __init__(self) -> None:
        self._linear: Any = None

    def __call__(self, args: Any, size: int) -> Any:
        if self._linear is None:
            self._linear = Linear(args, size, True)
        return self._linear(args)


class _Heads:
    """Attention heads over f[batch, length, size]."""

    def __init__(self, states: Any, count: int, dtype: Any):
        length, self.size = states.shape.as_list()[1:3]
        self._length = tf.shape(states)[1] if length is None else length
        self._hidden = tf.reshape(states, [-1, self._length, 1, self.size])
        self._features, self._vectors = [], []
        for a in range(count):
            k = tf.get_variable(f"AttnW_{a}", [1, 1, self.size, self.size], dtype=dtype)
            self._features.append(tf.nn.conv2d(self._hidden, k, [1, 1, 1, 1], "SAME"))
            self._vectors.append(tf.get_variable(f"AttnV_{a}", [self.size], dtype=dtype))
        self._maps = [_Remembered() for _ in range(count)]

    def __call__(self, query: Any) -> list[Any]:
        if nest.is_sequence(query):
            parts = nest.flatten(query)
            for q in parts:
                if q.shape.ndims:
                    q.shape.assert_has_rank(2)
            query = tf.concat(parts, 1)
        return [self._head(a, query) for a in range(len(self._maps))]

    def _head(self, a: int, query: Any) -> Any:
        with tf.variable_scope(f"Attention_{a}"):
            y = tf.reshape(self._maps[a](query, self.size), [-1, 1, 1, self.size])
            y = tf.cast(y, self._features[a].dtype) if y.dtype != self._features[a].dtype else y
            s = tf.reduce_sum(self._vectors[a] * tf.tanh(self._features[a] + y), [2, 3])
            weights = tf.reshape(tf.nn.softmax(s), [-1, self._length, 1, 1])
            return tf.reshape(tf.reduce_sum(weights * self._hidden, [1, 2]), [-1, self.size])


@export("contrib.legacy_seq2seq.embedding_attention_decoder")
def embedding_attention_decoder(
    decoder_inputs: Any, initial_state: Any, attention_states: Any, cell: Any, num_symbols: int, embedding_size: int, num_heads: int = 1, output_size: Any = None,
    output_projection: Any = None, feed_previous: bool = False, update_embedding_for_previous: bool = True, dtype: Any = None, scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:  # fmt: skip
    """`attention_decoder` for numbers of symbols i[batch]. Source: TF 1.15 `tf.contrib.legacy_seq2seq.embedding_attention_decoder`."""
    output_size = cell.output_size if output_size is None else output_size
    if output_projection is not None:
        tf.convert_to_tensor(output_projection[1], dtype=dtype).shape.assert_is_compatible_with([num_symbols])
    with tf.variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size])
        loop = None
        if feed_previous:
            loop = _argmax_fed_back(embedding, output_projection, update_embedding_for_previous)
        return attention_decoder(
            [tf.nn.embedding_lookup(embedding, i) for i in decoder_inputs], initial_state, attention_states, cell,
            output_size=output_size, num_heads=num_heads, loop_function=loop, initial_state_attention=initial_state_attention,
        )  # fmt: skip


@export("contrib.legacy_seq2seq.embedding_attention_seq2seq")
def embedding_attention_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int, num_decoder_symbols: int, embedding_size: int, num_heads: int = 1,
    output_projection: Any = None, feed_previous: Any = False, dtype: Any = None, scope: Any = None, initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Encoder and attending decoder of symbols, with an embedding each. Source: TF 1.15 `tf.contrib.legacy_seq2seq.embedding_attention_seq2seq`."""
    with tf.variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as opened:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        encoded, state = static_rnn(encoder, encoder_inputs, dtype=opened.dtype)
        attended = tf.concat([tf.reshape(e, [-1, 1, cell.output_size]) for e in encoded], 1)
        size = None
        if output_projection is None:
            cell, size = OutputProjectionWrapper(cell, num_decoder_symbols), num_decoder_symbols

        def decode(feeds: bool, updates: bool) -> Any:
            return embedding_attention_decoder(
                decoder_inputs, state, attended, cell, num_decoder_symbols, embedding_size, num_heads=num_heads,
                output_size=size, output_projection=output_projection, feed_previous=feeds,
                update_embedding_for_previous=updates, initial_state_attention=initial_state_attention,
            )  # fmt: skip

        return _decoded(feed_previous, len(decoder_inputs), lambda: state, decode)


@export("contrib.legacy_seq2seq.sequence_loss_by_example")
def sequence_loss_by_example(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, softmax_loss_function: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The weighted cross entropy of each row, f[batch], of lists with one element a step.

    Raises ValueError: lists of different length. Source: TF 1.15 `tf.contrib.legacy_seq2seq.sequence_loss_by_example`.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}."
        )
    with tf.name_scope(name, "sequence_loss_by_example", logits + targets + weights):
        costs = []
        for logit, target, weight in zip(logits, targets, weights, strict=True):
            if softmax_loss_function is None:
                target = tf.reshape(target, [-1])
                cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logit)
            else:
                cost = softmax_loss_function(labels=target, logits=logit)
            costs.append(cost * weight)
        total = tf.add_n(costs)
        if average_across_timesteps:
            total_size = tf.add_n(weights)
            # Rows without weight would divide by zero.
            total_size += 1e-12
            total /= total_size
    return total


@export("contrib.legacy_seq2seq.sequence_loss")
def sequence_loss(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, average_across_batch: bool = True, softmax_loss_function: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The weighted cross entropy of a batch, f[]. Source: TF 1.15 `tf.contrib.legacy_seq2seq.sequence_loss`."""
    with tf.name_scope(name, "sequence_loss", logits + targets + weights):
        cost = tf.reduce_sum(
            sequence_loss_by_example(
                logits, targets, weights, average_across_timesteps, softmax_loss_function=softmax_loss_function
            )
        )
        if average_across_batch:
            return cost / tf.cast(tf.shape(targets[0])[0], cost.dtype)
        return cost


@export("contrib.legacy_seq2seq.model_with_buckets")
def model_with_buckets(
    encoder_inputs: Any, decoder_inputs: Any, targets: Any, weights: Any, buckets: Any, seq2seq: Callable[[Any, Any], Any], softmax_loss_function: Any = None,
    per_example_loss: bool = False, name: Any = None,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """Outputs and losses of one model for several lengths, which share their variables.

    Raises ValueError: fewer inputs, targets or weights than the last bucket wants. Source: TF 1.15 `tf.contrib.legacy_seq2seq.model_with_buckets`.
    """
    wanted = buckets[-1]
    for what, values, least in (
        ("encoder_inputs", encoder_inputs, wanted[0]),
        ("targets", targets, wanted[1]),
        ("weights", weights, wanted[1]),
    ):
        if len(values) < least:
            raise ValueError(f"Length of {what} ({len(values)}) must be at least that of last bucket ({least}).")
    outputs, losses = [], []
    with tf.name_scope(name, "model_with_buckets", encoder_inputs + decoder_inputs + targets + weights):
        for j, (source, target) in enumerate(buckets):
            with tf.variable_scope(tf.get_variable_scope(), reuse=True if j > 0 else None):
                result, _ = seq2seq(encoder_inputs[:source], decoder_inputs[:target])
                outputs.append(result)
                loss = sequence_loss_by_example if per_example_loss else sequence_loss
                losses.append(
                    loss(result, targets[:target], weights[:target], softmax_loss_function=softmax_loss_function)
                )
    return outputs, losses


@export("contrib.legacy_seq2seq.one2many_rnn_seq2seq")
def one2many_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs_dict: Any, enc_cell: Any, dec_cells_dict: Any, num_encoder_symbols: int, num_decoder_symbols_dict: Any, embedding_size: int,
    feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> tuple[dict[Any, Any], dict[Any, Any]]:  # fmt: skip
    """One encoder and several decoders: ({name: outputs}, {name: state}).

    Raises: TypeError: no cells; ValueError: cells and inputs of other names. Source: TF 1.15 `tf.contrib.legacy_seq2seq.one2many_rnn_seq2seq`.
    """
    if not isinstance(enc_cell, RNNCell):
        raise TypeError(f"enc_cell is not an RNNCell: {type(enc_cell)}")
    if set(dec_cells_dict) != set(decoder_inputs_dict):
        raise ValueError("keys of dec_cells_dict != keys of decodre_inputs_dict")
    for cell in dec_cells_dict.values():
        if not isinstance(cell, RNNCell):
            raise TypeError(f"dec_cell is not an RNNCell: {type(cell)}")
    all_outputs, all_states = {}, {}
    with tf.variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as opened:
        encoder = EmbeddingWrapper(enc_cell, num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=opened.dtype)
        for name, inputs in decoder_inputs_dict.items():
            symbols = num_decoder_symbols_dict[name]
            with tf.variable_scope(f"one2many_decoder_{name}"):
                cell = OutputProjectionWrapper(dec_cells_dict[name], symbols)

                def decode(feeds: bool, _: bool, inputs: Any = inputs, cell: Any = cell, symbols: int = symbols) -> Any:
                    return embedding_rnn_decoder(inputs, state, cell, symbols, embedding_size, feed_previous=feeds)

                all_outputs[name], all_states[name] = _decoded(feed_previous, len(inputs), lambda: state, decode)
    return all_outputs, all_states
