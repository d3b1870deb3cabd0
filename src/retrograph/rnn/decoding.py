"""Decoders of `tf.contrib.seq2seq`: `dynamic_decode`, `BasicDecoder`, and the helpers that feed it."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.rnn.cells import assert_like_rnncell
from retrograph.rnn.running import cache_reads, transpose_batch_time
from retrograph.rnn.sizes import zeros_of


@export("contrib.seq2seq.Decoder")
class Decoder:
    """What `dynamic_decode` runs: `batch_size`, `output_size`, `output_dtype`, `initialize`, `step`, `finalize`. Source: TF 1.15 `tf.contrib.seq2seq.Decoder`."""

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """The sizes of one step's outputs."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        """The dtypes of the outputs."""
        raise NotImplementedError

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs, first state)."""
        raise NotImplementedError

    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        """(outputs, next state, next inputs, finished)."""
        raise NotImplementedError

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """(outputs, state) after the last step."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether what `step` says is finished may become unfinished again."""
        return False


def _copied_past_end(finished: Any, new: Any, current: Any) -> Any:
    if isinstance(current, tf.TensorArray):
        return new
    new.set_shape(current.shape)
    return new if new.shape.ndims == 0 else tf.where(finished, current, new)


@export("contrib.seq2seq.dynamic_decode")
def dynamic_decode(
    decoder: Any, output_time_major: bool = False, impute_finished: bool = False, maximum_iterations: Any = None, parallel_iterations: int = 32, swap_memory: bool = False,
    scope: Any = None, **kwargs: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The outputs of all steps until every row is finished, the last state, and the lengths i32[batch].

    Raises: TypeError: no `Decoder`; ValueError: `maximum_iterations` is no scalar. Source: TF 1.15 `tf.contrib.seq2seq.dynamic_decode`.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with tf.variable_scope(scope, "decoder") as opened:
        cache_reads(opened)
        if maximum_iterations is not None:
            maximum_iterations = _limit(maximum_iterations)
        finished, inputs, state = decoder.initialize()
        zeros = nest.map_structure(
            lambda size, dtype: zeros_of(size, decoder.batch_size, dtype), decoder.output_size, decoder.output_dtype
        )
        if maximum_iterations is not None:
            finished = tf.logical_or(finished, maximum_iterations <= 0)
        lengths = tf.zeros_like(finished, dtype=tf.int32)
        time = tf.constant(0, dtype=tf.int32)
        arrays = _empty_arrays(decoder)
        _, arrays, state, _, _, lengths = tf.while_loop(
            lambda time, arrays, state, inputs, finished, lengths: tf.logical_not(tf.reduce_all(finished)),
            _decode_body(decoder, impute_finished, zeros),
            loop_vars=(time, arrays, state, inputs, finished, lengths),
            parallel_iterations=parallel_iterations,
            maximum_iterations=maximum_iterations,
            swap_memory=swap_memory,
        )
        outputs = nest.map_structure(lambda array: array.stack(), arrays)
        with contextlib.suppress(NotImplementedError):
            outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            outputs = nest.map_structure(transpose_batch_time, outputs)
    return outputs, state, lengths


def _limit(maximum_iterations: Any) -> Any:
    limit = tf.convert_to_tensor(maximum_iterations, dtype=tf.int32, name="maximum_iterations")
    if limit.shape.ndims != 0:
        raise ValueError("maximum_iterations must be a scalar")
    return limit


def _empty_arrays(decoder: Any) -> Any:
    """Arrays for the outputs of a decoder's steps, in their structure."""
    return nest.map_structure(
        lambda size, dtype: tf.TensorArray(
            dtype=dtype, size=0, dynamic_size=True, element_shape=_row_shape(decoder.batch_size, size)
        ),
        decoder.output_size,
        decoder.output_dtype,
    )


def _row_shape(batch_size: Any, size: Any) -> Any:
    if not isinstance(size, tf.TensorShape) or size.ndims == 0:
        return None
    return tf.TensorShape([constant_value(tf.convert_to_tensor(batch_size, name="batch_size"))]).concatenate(size)


def _decode_body(decoder: Any, impute_finished: bool, zeros: Any) -> Callable[..., Any]:
    def body(time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
        outputs, next_state, next_inputs, next_finished = decoder.step(time, inputs, state)
        if not decoder.tracks_own_finished:
            next_finished = tf.logical_or(next_finished, finished)
        lengths = tf.where(tf.logical_not(finished), tf.fill(tf.shape(lengths), time + 1), lengths)
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(arrays, outputs)
        nest.assert_same_structure(inputs, next_inputs)
        if impute_finished:
            outputs = nest.map_structure(lambda out, zero: tf.where(finished, zero, out), outputs, zeros)
            next_state = nest.map_structure(
                lambda new, current: _copied_past_end(finished, new, current), next_state, state
            )
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, outputs)
        return time + 1, arrays, next_state, next_inputs, next_finished, lengths

    return body


_Output = collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))  # type: ignore[name-match]


@export("contrib.seq2seq.BasicDecoderOutput")
class BasicDecoderOutput(_Output):
    """What a `BasicDecoder` gives a step. Source: TF 1.15 `tf.contrib.seq2seq.BasicDecoderOutput`."""

    __slots__ = ()


@export("contrib.seq2seq.BasicDecoder")
class BasicDecoder(Decoder):
    """A decoder that samples from a cell's outputs as a helper says. Source: TF 1.15 `tf.contrib.seq2seq.BasicDecoder`."""

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None):
        assert_like_rnncell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not isinstance(output_layer, tf.layers.Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper, self._initial_state = cell, helper, initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Any:
        """The number of rows, from the helper."""
        return self._helper.batch_size

    def _rnn_output_size(self) -> Any:
        return layer_size(self._cell.output_size, self._output_layer)

    @property
    def output_size(self) -> Any:
        """The sizes of outputs and samples."""
        return BasicDecoderOutput(rnn_output=self._rnn_output_size(), sample_id=self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> Any:
        """The dtypes of outputs and samples; that of the state is that of the outputs."""
        dtype = nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(
            nest.map_structure(lambda _: dtype, self._rnn_output_size()), self._helper.sample_ids_dtype
        )

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs, first state)."""
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        """(outputs, next state, next inputs, finished)."""
        with tf.name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            cell_outputs, cell_state = self._cell(inputs, state)
            if self._output_layer is not None:
                cell_outputs = self._output_layer(cell_outputs)
            sample_ids = self._helper.sample(time=time, outputs=cell_outputs, state=cell_state)
            finished, next_inputs, next_state = self._helper.next_inputs(
                time=time, outputs=cell_outputs, state=cell_state, sample_ids=sample_ids
            )
        return BasicDecoderOutput(cell_outputs, sample_ids), next_state, next_inputs, finished


def layer_size(size: Any, layer: Any) -> Any:
    """The size of a cell's output after a layer."""
    if layer is None:
        return size
    shapes = nest.map_structure(
        lambda s: tf.TensorShape([None]).concatenate(s if isinstance(s, tf.TensorShape) else tf.TensorShape([s])), size
    )
    return nest.map_structure(lambda shape: shape[1:], layer.compute_output_shape(shapes))


@export("contrib.seq2seq.Helper")
class Helper:
    """What feeds a `BasicDecoder`: `batch_size`, `sample_ids_shape`, `sample_ids_dtype`, `initialize`, `sample`, `next_inputs`. Source: TF 1.15 `tf.contrib.seq2seq.Helper`."""

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        raise NotImplementedError("batch_size has not been implemented")

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of one row's sample."""
        return tf.TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""
        return tf.int32

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs)."""
        raise NotImplementedError("initialize has not been implemented")

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """The samples of a step."""
        raise NotImplementedError("sample has not been implemented")

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        """(finished, next inputs, next state)."""
        raise NotImplementedError("next_inputs has not been implemented")


@export("contrib.seq2seq.CustomHelper")
class CustomHelper(Helper):
    """A helper of three functions. Source: TF 1.15 `tf.contrib.seq2seq.CustomHelper`."""

    def __init__(
        self, initialize_fn: Any, sample_fn: Any, next_inputs_fn: Any, sample_ids_shape: Any = None, sample_ids_dtype: Any = None,
    ):  # fmt: skip
        self._initialize_fn, self._sample_fn, self._next_inputs_fn = initialize_fn, sample_fn, next_inputs_fn
        self._batch_size: Any = None
        self._sample_ids_shape = tf.TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or tf.int32

    @property
    def batch_size(self) -> Any:
        """The number of rows; ValueError before `initialize`."""
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of one row's sample."""
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""
        return self._sample_ids_dtype

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs)."""
        with tf.name_scope(name, "CustomHelperInitialize"):
            finished, inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = tf.size(finished)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """The samples of a step."""
        with tf.name_scope(name, "CustomHelperSample", (time, outputs, state)):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        """(finished, next inputs, next state)."""
        with tf.name_scope(name, "CustomHelperNextInputs", (time, outputs, state)):
            return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


@export("contrib.seq2seq.TrainingHelper")
class TrainingHelper(Helper):
    """Feeds given inputs f[batch, time, n], each row as long as it is. Source: TF 1.15 `tf.contrib.seq2seq.TrainingHelper`."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: Any = None):
        with tf.name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = nest.map_structure(tf.convert_to_tensor, inputs)
            self._inputs = inputs
            if not time_major:
                inputs = nest.map_structure(transpose_batch_time, inputs)
            self._input_tas = nest.map_structure(unstacked, inputs)
            self._sequence_length = tf.convert_to_tensor(sequence_length, name="sequence_length")
            if self._sequence_length.shape.ndims != 1:
                raise ValueError(
                    f"Expected sequence_length to be a vector, but received shape: {self._sequence_length.shape}"
                )
            self._zero_inputs = nest.map_structure(lambda x: tf.zeros_like(x[0, :]), inputs)
            self._batch_size = tf.size(sequence_length)

    @property
    def inputs(self) -> Any:
        """What is fed."""
        return self._inputs

    @property
    def sequence_length(self) -> Any:
        """How long the rows are."""
        return self._sequence_length

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        return self._batch_size

    def _read(self, finished: Any, time: Any) -> Any:
        return tf.cond(
            tf.reduce_all(finished),
            lambda: self._zero_inputs,
            lambda: nest.map_structure(lambda array: read_until_end(array, time), self._input_tas),
        )

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs)."""
        with tf.name_scope(name, "TrainingHelperInitialize"):
            finished = tf.equal(0, self._sequence_length)
            return finished, self._read(finished, 0)

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """The likeliest symbols."""
        with tf.name_scope(name, "TrainingHelperSample", [time, outputs]):
            return tf.cast(tf.argmax(outputs, axis=-1), tf.int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: Any = None) -> Any:
        """(finished, next inputs, the state)."""
        with tf.name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            next_time = time + 1
            finished = next_time >= self._sequence_length
            return finished, self._read(finished, next_time), state


def read_until_end(array: Any, time: Any) -> Any:
    """An element of inputs in which decoding ends before it passes the end: this bounds the rounds of its loop."""
    value = array.read(time)
    value.op._set_attr("_until_end", True)
    return value


def unstacked(value: Any) -> Any:
    """A TensorArray of the rows of a value."""
    return tf.TensorArray(dtype=value.dtype, size=tf.shape(value)[0], element_shape=value.shape[1:]).unstack(value)


def embedding_function(embedding: Any) -> Callable[[Any], Any]:
    """The function that embeds numbers of symbols: the given one, or a lookup in parameters."""
    if callable(embedding):
        return embedding  # type: ignore[no-any-return]
    return lambda ids: tf.nn.embedding_lookup(embedding, ids)


def checked_tokens(start_tokens: Any, end_token: Any) -> tuple[Any, Any]:
    """The tokens as tensors; ValueError for other ranks than 1 and 0."""
    start = tf.convert_to_tensor(start_tokens, dtype=tf.int32, name="start_tokens")
    end = tf.convert_to_tensor(end_token, dtype=tf.int32, name="end_token")
    if start.shape.ndims != 1:
        raise ValueError("start_tokens must be a vector")
    if end.shape.ndims != 0:
        raise ValueError("end_token must be a scalar")
    return start, end


@export("contrib.seq2seq.GreedyEmbeddingHelper")
class GreedyEmbeddingHelper(Helper):
    """Feeds the embedding of the likeliest symbol back. Source: TF 1.15 `tf.contrib.seq2seq.GreedyEmbeddingHelper`."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any):
        self._embedding_fn = embedding_function(embedding)
        self._start_tokens, self._end_token = checked_tokens(start_tokens, end_token)
        self._batch_size = tf.size(start_tokens)
        self._start_inputs = self._embedding_fn(self._start_tokens)

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        return self._batch_size

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs)."""
        return tf.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """The likeliest symbols."""
        if not isinstance(outputs, tf.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return tf.argmax(outputs, axis=-1, output_type=tf.int32)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        """(finished, next inputs, the state)."""
        finished = tf.equal(sample_ids, self._end_token)
        next_inputs = tf.cond(
            tf.reduce_all(finished), lambda: self._start_inputs, lambda: self._embedding_fn(sample_ids)
        )
        return finished, next_inputs, state


@export("contrib.seq2seq.SampleEmbeddingHelper")
class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds the embedding of a drawn symbol back. Source: TF 1.15 `tf.contrib.seq2seq.SampleEmbeddingHelper`."""

    def __init__(
        self, embedding: Any, start_tokens: Any, end_token: Any, softmax_temperature: Any = None, seed: Any = None
    ):
        super().__init__(embedding, start_tokens, end_token)
        self._softmax_temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """Symbols drawn by their probabilities."""
        if not isinstance(outputs, tf.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        logits = outputs if self._softmax_temperature is None else outputs / self._softmax_temperature
        shape = logits.shape
        drawn = tf.multinomial(logits, 1, seed=self._seed, output_dtype=tf.int32)
        result = tf.squeeze(drawn, [-1])
        result.set_shape(shape[:-1])
        return result
