"""Cases of recurrent networks and decoders that run under TF 1.15.5 (to record) and under Retrograph (to compare).

A case takes `tf` and gives fetches and feeds; `evaluate` sets all variables to fixed values. Python 3.7 reads this too.
"""

import numpy as np

CASES = {}


def case(function):
    """Adds a case."""
    CASES[function.__name__] = function
    return function


def fixed(shape, salt=0):
    """Fixed numbers between -0.5 and 0.5."""
    count = int(np.prod(shape))
    return (((np.arange(count) + salt) * 37 % 101) / 101.0 - 0.5).reshape(shape).astype(np.float32)


def _plain(value):
    value = np.asarray(value)
    if value.dtype.kind == "f":
        return np.round(value.astype(np.float64), 5).tolist()
    return value.tolist()


def evaluate(tf, name):
    """The variables and the values of a case."""
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        fetches, feeds = CASES[name](tf)
        variables = tf.global_variables()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i, v in enumerate(variables):
                if v.dtype.base_dtype.is_floating:
                    v.load(fixed(v.shape.as_list(), i), session)
            values = session.run(fetches, feeds)
    return {"variables": [[v.op.name, v.shape.as_list()] for v in variables], "values": [_plain(v) for v in values]}


# ---- conditional random fields


def _crf(tf, steps):
    x = tf.placeholder(tf.float32, [3, steps, 4])
    tags, lengths = tf.constant((np.arange(3 * steps) % 4).reshape(3, steps), tf.int32), tf.constant([steps, 2, 0])
    likelihood, transitions = tf.contrib.crf.crf_log_likelihood(x, tags, lengths)
    best, score = tf.contrib.crf.crf_decode(x, transitions, lengths)
    several = tf.contrib.crf.crf_multitag_sequence_score(
        x, tf.constant(fixed([3, steps, 4]) > -0.2), lengths, transitions
    )
    grads = [g for g in tf.gradients(likelihood, [x, transitions]) if g is not None]
    return [likelihood, best, score, several] + grads, {x: 4 * fixed([3, steps, 4])}


@case
def crf(tf):
    return _crf(tf, 5)


@case
def crf_of_one_step(tf):
    return _crf(tf, 1)


# ---- decoders


def _beam(tf, attention=False, steps_unknown=False, **kwargs):
    s2s, width, rows = tf.contrib.seq2seq, 3, 2
    embedding = tf.get_variable("embedding", [6, 4])
    cell = tf.nn.rnn_cell.LSTMCell(5)
    if attention:
        memory = tf.constant(fixed([rows, 4, 5]))
        if steps_unknown:
            memory = tf.placeholder_with_default(memory, [rows, None, 5])
        memory = s2s.tile_batch(memory, width)
        lengths = s2s.tile_batch(tf.constant([4, 2]), width)
        cell = s2s.AttentionWrapper(cell, s2s.LuongAttention(5, memory, lengths), 5, alignment_history=True)
    decoder = s2s.BeamSearchDecoder(
        cell,
        embedding,
        tf.constant([1, 2]),
        0,
        cell.zero_state(rows * width, tf.float32),
        width,
        tf.layers.Dense(6),
        **kwargs,
    )
    out, state, lengths = s2s.dynamic_decode(decoder, maximum_iterations=7)
    steps = out.beam_search_decoder_output
    found = [out.predicted_ids, steps.scores, steps.parent_ids, lengths, state.log_probs, state.lengths]
    history = state.cell_state.alignment_history if attention else None
    if attention and kwargs.get("reorder_tensor_arrays", True) and steps_unknown:
        found.append(history)
    elif attention:
        found.append(history.stack())
    return found, {}


@case
def beam_search(tf):
    return _beam(tf)


@case
def beam_search_with_penalties(tf):
    return _beam(tf, True, length_penalty_weight=0.7, coverage_penalty_weight=0.3)


@case
def beam_search_that_reorders_alignments(tf):
    return _beam(tf, True, True)


@case
def gather_tree(tf):
    steps = tf.placeholder(tf.int32, [4, 2, 3])
    parents = tf.placeholder(tf.int32, [4, 2, 3])
    given = np.arange(24).reshape(4, 2, 3)
    tree = tf.contrib.seq2seq.gather_tree(steps, parents, [3, 4], 11)
    return [tree], {steps: given, parents: given * 7 % 3}


def _attending(tf, mechanisms, **kwargs):
    s2s = tf.contrib.seq2seq
    memory, lengths = tf.constant(fixed([2, 4, 5])), tf.constant([4, 3])
    made = [m(s2s, memory, lengths) for m in mechanisms]
    cell = tf.nn.rnn_cell.BasicRNNCell(6)
    cell = s2s.AttentionWrapper(cell, made if len(made) > 1 else made[0], alignment_history=True, **kwargs)
    x = tf.constant(fixed([2, 5, 3], 3))
    decoder = s2s.BasicDecoder(cell, s2s.TrainingHelper(x, [5, 3]), cell.zero_state(2, tf.float32))
    out, state, _ = s2s.dynamic_decode(decoder, impute_finished=True)
    histories = state.alignment_history if len(made) > 1 else [state.alignment_history]
    grads = [g for g in tf.gradients(out.rnn_output, tf.trainable_variables()) if g is not None]
    return [out.rnn_output, out.sample_id, state.attention] + [h.stack() for h in histories] + grads, {}


@case
def monotonic_attention(tf):
    return _attending(
        tf,
        [
            lambda s, m, n: s.BahdanauMonotonicAttention(4, m, n, normalize=True, score_bias_init=0.2),
            lambda s, m, n: s.LuongMonotonicAttention(6, m, n, scale=True, mode="recursive"),
        ],
        attention_layer_size=[3, 4],
    )


@case
def hard_monotonic_attention(tf):
    return _attending(tf, [lambda s, m, n: s.LuongMonotonicAttention(6, m, n, mode="hard")])


@case
def bahdanau_attention(tf):
    return _attending(tf, [lambda s, m, n: s.BahdanauAttention(4, m, n, normalize=True)], output_attention=False)


@case
def luong_attention_of_an_initial_state(tf):
    return _attending(
        tf,
        [lambda s, m, n: s.LuongAttention(6, m, n, scale=True)],
        attention_layer_size=3,
        initial_cell_state=tf.constant(fixed([2, 6])),
    )


def _scheduled(tf, helper_of):  # sampled always: TF 1.15 draws of different rounds in any order
    s2s = tf.contrib.seq2seq
    embedding = tf.get_variable("embedding", [4, 3])
    helper = helper_of(s2s, tf.constant(fixed([3, 5, 3])), tf.constant([5, 3, 4]), embedding)
    cell = tf.nn.rnn_cell.GRUCell(4)
    decoder = s2s.BasicDecoder(cell, helper, cell.zero_state(3, tf.float32))
    out, _, lengths = s2s.dynamic_decode(decoder)
    return [out.rnn_output, out.sample_id, lengths], {}


@case
def scheduled_embedding(tf):
    return _scheduled(
        tf, lambda s, x, n, e: s.ScheduledEmbeddingTrainingHelper(x, n, e, 1.0, seed=1, scheduling_seed=2)
    )


@case
def scheduled_output(tf):
    return _scheduled(
        tf,
        lambda s, x, n, e: s.ScheduledOutputTrainingHelper(
            x[:, :, :2], n, 1.0, seed=3, next_inputs_fn=lambda o: o[:, 1:3], auxiliary_inputs=x[:, :, 2:]
        ),
    )


@case
def inference_by_functions(tf):
    s2s = tf.contrib.seq2seq
    cell = tf.nn.rnn_cell.GRUCell(4)
    helper = s2s.InferenceHelper(
        sample_fn=lambda outputs: outputs[:, :3],
        sample_shape=[3],
        sample_dtype=tf.float32,
        start_inputs=tf.constant(fixed([2, 3])),
        end_fn=lambda ids: tf.tile([False], [2]),
    )
    decoder = s2s.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
    out, _, lengths = s2s.dynamic_decode(decoder, maximum_iterations=4)
    return [out.rnn_output, out.sample_id, lengths], {}


# ---- cells


def _cell(tf, cell, width=4, steps=4, inputs=None, **kwargs):
    x = tf.constant(fixed([2, steps, width], 5)) if inputs is None else inputs
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, **kwargs)
    flat = [state] if isinstance(state, tf.Tensor) else list(state)
    trained = tf.trainable_variables()
    loss = sum(tf.reduce_sum(tf.square(v)) for v in [outputs] + flat)
    grads = [g for g in tf.gradients(loss, trained) if g is not None]
    return [outputs] + flat + [tf.reduce_sum(tf.abs(g)) for g in grads], {}


_CELLS = {
    "sru": lambda r: r.SRUCell(3),
    "ind_rnn": lambda r: r.IndRNNCell(3),
    "indy_gru": lambda r: r.IndyGRUCell(3),
    "indy_lstm": lambda r: r.IndyLSTMCell(3, forget_bias=0.5),
    "highway": lambda r: r.HighwayWrapper(r.BasicRNNCell(4), couple_carry_transform_gates=False),
    "intersection": lambda r: r.IntersectionRNNCell(3, num_in_proj=3),
    "coupled": lambda r: r.CoupledInputForgetGateLSTMCell(3, use_peepholes=True, num_proj=2, num_unit_shards=2),
    "coupled_normalized": lambda r: r.CoupledInputForgetGateLSTMCell(3, state_is_tuple=False, layer_norm=True),
    "glstm": lambda r: r.GLSTMCell(4, num_proj=2, number_of_groups=2),
    "gru_block": lambda r: r.GRUBlockCell(3),
    "gru_block_v2": lambda r: r.GRUBlockCellV2(3),
    "ugrnn": lambda r: r.UGRNNCell(3),
    "nas": lambda r: r.NASCell(3, num_proj=2, use_bias=True),
    "layer_norm": lambda r: r.LayerNormBasicLSTMCell(3),
    "attending": lambda r: r.AttentionCellWrapper(r.GRUCell(3), 2, state_is_tuple=False),
    "compiled": lambda r: r.CompiledWrapper(r.GRUCell(3)),
    "joined_lstm": lambda r: r.LSTMCell(3, use_peepholes=True, num_proj=2, state_is_tuple=False),
    "joined_basic_lstm": lambda r: r.BasicLSTMCell(3, state_is_tuple=False),
}
for _name, _make in _CELLS.items():
    CASES["cell_" + _name] = lambda tf, make=_make: _cell(tf, make(tf.contrib.rnn))


@case
def conv_lstm(tf):
    cell = tf.contrib.rnn.Conv2DLSTMCell(input_shape=[3, 4, 2], output_channels=2, kernel_shape=[2, 3])
    return _cell(tf, cell, inputs=tf.constant(fixed([2, 3, 3, 4, 2])))


@case
def conv_lstm_of_one_axis(tf):
    cell = tf.contrib.rnn.Conv1DLSTMCell(input_shape=[5, 2], output_channels=2, kernel_shape=[3], use_bias=False)
    return _cell(tf, cell, inputs=tf.constant(fixed([2, 3, 5, 2])))


@case
def phased_lstm(tf):
    times = tf.constant(np.arange(8).reshape(2, 4, 1) * 0.3, tf.float32)
    cell = tf.contrib.rnn.PhasedLSTMCell(3, use_peepholes=True)
    return _cell(tf, cell, inputs=(times, tf.constant(fixed([2, 4, 4]))))


def _fused(tf, network, **kwargs):
    outputs, state = network(tf.constant(fixed([5, 2, 3])), dtype=tf.float32, **kwargs)
    return [outputs, state], {}


@case
def fused(tf):
    rnn = tf.contrib.rnn
    return _fused(tf, rnn.TimeReversedFusedRNN(rnn.FusedRNNCellAdaptor(rnn.GRUCell(3))), sequence_length=[5, 3])


@case
def fused_dynamic(tf):
    rnn = tf.contrib.rnn
    return _fused(tf, rnn.FusedRNNCellAdaptor(rnn.GRUCell(3), use_dynamic_rnn=True))


# ---- connectionist temporal classification


def _ctc_labels(tf):
    return tf.SparseTensor([[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1]], [1, 1, 2, 0, 3, 3], [3, 3])


def _ctc(tf, labels=_ctc_labels, lengths=(6, 4, 3), **kwargs):
    x = tf.placeholder(tf.float32, [6, 3, 5])
    loss = tf.nn.ctc_loss(labels(tf), x, list(lengths), **kwargs)
    return [loss] + tf.gradients(loss, x), {x: 6 * fixed([6, 3, 5])}


@case
def ctc_loss(tf):
    return _ctc(tf)


@case
def ctc_loss_that_keeps_repeats(tf):
    return _ctc(tf, ctc_merge_repeated=False)


@case
def ctc_loss_that_collapses(tf):
    return _ctc(tf, preprocess_collapse_repeated=True)


@case
def ctc_loss_of_rows_too_short(tf):
    return _ctc(tf, lengths=(2, 4, 0), ignore_longer_outputs_than_inputs=True)


@case
def ctc_loss_v2(tf):
    x = tf.constant(6 * fixed([6, 3, 5]))
    labels = tf.constant([[1, 1, 2], [4, 0, 0], [3, 2, 0]])
    loss = tf.nn.ctc_loss_v2(labels, x, [3, 1, 2], [6, 4, 3])
    return [loss] + tf.gradients(loss, x), {}


def _decoded(found, scores):
    return [part for s in found for part in (s.indices, s.values, s.dense_shape)] + [scores]


@case
def ctc_greedy(tf):
    x = tf.constant(6 * fixed([6, 3, 4]))
    return _decoded(*tf.nn.ctc_greedy_decoder(x, [6, 4, 3])) + _decoded(
        *tf.nn.ctc_greedy_decoder(tf.concat([x, x], 0), [12, 4, 9], merge_repeated=False)
    ), {}


@case
def ctc_beams(tf):
    x = tf.constant(6 * fixed([6, 3, 4]))
    return _decoded(*tf.nn.ctc_beam_search_decoder(x, [6, 4, 3], beam_width=5, top_paths=3)), {}


@case
def ctc_beams_v2(tf):
    x = tf.constant(6 * fixed([9, 3, 4], 4))
    return _decoded(*tf.nn.ctc_beam_search_decoder_v2(x, [9, 4, 3], beam_width=8, top_paths=2)), {}


@case
def ctc_labels(tf):
    labels = tf.constant([[1, 1, 2, 2, 1], [3, 3, 3, 0, 0]])
    return list(tf.nn.ctc_unique_labels(labels)) + list(tf.nn.collapse_repeated(labels, [5, 3])), {}


@case
def cudnn_compatible_lstm(tf):
    return _cell(tf, tf.contrib.cudnn_rnn.CudnnCompatibleLSTMCell(3))


@case
def cudnn_compatible_gru(tf):
    return _cell(tf, tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell(3))


def _stepped(tf, cell, width=6, steps=2):
    state = tf.nest.map_structure(lambda n: tf.constant(fixed([2, n], n)), cell.state_size)
    output, after = cell(tf.constant(fixed([2, width])), state)
    if steps > 1:
        output, after = cell(tf.constant(fixed([2, width], 3)), after)
    return tf.nest.flatten(output) + tf.nest.flatten(after), {}


@case
def time_frequency_lstm(tf):
    cell = tf.contrib.rnn.TimeFreqLSTMCell(2, use_peepholes=True, feature_size=3, frequency_skip=1, cell_clip=0.4)
    x, state = tf.constant(fixed([2, 6])), tf.constant(fixed([2, 16], 4))
    output, after = cell(x, state)
    return [output, after], {}


@case
def grid_lstm(tf):
    rnn = tf.contrib.rnn
    return _stepped(tf, rnn.GridLSTMCell(2, True, feature_size=2, frequency_skip=2, num_frequency_blocks=[3]))


@case
def grid_lstm_coupled(tf):
    cell = tf.contrib.rnn.GridLSTMCell(
        2, True, True, feature_size=2, frequency_skip=1, num_frequency_blocks=[2, 1], start_freqindex_list=[0, 4],
        end_freqindex_list=[3, 6], couple_input_forget_gates=True, cell_clip=0.5
    )  # fmt: skip
    return _stepped(tf, cell)


@case
def bidirectional_grid_lstm(tf):
    cell = tf.contrib.rnn.BidirectionalGridLSTMCell(
        2, feature_size=2, frequency_skip=2, num_frequency_blocks=[3], backward_slice_offset=1
    )
    return _stepped(tf, cell)


def _one_to_many(tf, feeds_previous):
    rnn = tf.contrib.rnn
    outputs, states = tf.contrib.legacy_seq2seq.one2many_rnn_seq2seq(
        [tf.constant([1, 2])] * 3,
        {"a": [tf.constant([0, 1])] * 2, "b": [tf.constant([2, 0])] * 3},
        rnn.GRUCell(3),
        {"a": rnn.GRUCell(3), "b": rnn.GRUCell(3)},
        4,
        {"a": 3, "b": 5},
        2,
        feed_previous=feeds_previous(tf),
    )
    return [tf.stack(outputs[k]) for k in "ab"] + [states[k] for k in "ab"], {}


@case
def one_to_many(tf):
    return _one_to_many(tf, lambda tf: False)


@case
def one_to_many_by_a_tensor(tf):
    return _one_to_many(tf, lambda tf: tf.constant(True))


_GRIDS = {
    "two_lstm": lambda g: g.Grid2LSTMCell(3, use_peepholes=True),
    "two_lstm_tied": lambda g: g.Grid2BasicLSTMCell(3, tied=True),
    "three_lstm": lambda g: g.Grid3LSTMCell(2, tied=True),
    "two_rnn": lambda g: g.Grid2BasicRNNCell(3),
    "two_gru": lambda g: g.Grid2GRUCell(3, tied=True),
    "one_lstm": lambda g: g.Grid1LSTMCell(3),
    "flat": lambda g: g.Grid2LSTMCell(3, tied=True, state_is_tuple=True, non_recurrent_fn=None),
}
for _name, _make in _GRIDS.items():
    CASES["grid_" + _name] = lambda tf, make=_make: _stepped(tf, make(tf.contrib.grid_rnn), 3, 1)
