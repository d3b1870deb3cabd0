"""Texts."""

import numpy as np

from harness import case, named, tf, write

R = tf.RaggedTensor
C = tf.constant
st = tf.strings
rg = tf.ragged
U = ["G\u00f6\u00f6dnight".encode(), "\u4f60\u597d\U0001f600".encode()]
BAD = [b"a\xffb\xe4\xbd", b"\x01x"]


@case
def dec():
    return st.unicode_decode(U, "UTF-8"), st.unicode_decode(U[0], "UTF-8"), st.unicode_decode([U], "UTF-8")


@case
def dec2():
    return st.unicode_decode_with_offsets(U, "UTF-8"), st.unicode_decode_with_offsets(U[1], "UTF-8")


@case
def dec3():
    return (
        st.unicode_decode(BAD, "UTF-8"),
        st.unicode_decode(BAD, "UTF-8", errors="ignore"),
        st.unicode_decode(BAD, "UTF-8", replacement_char=42, replace_control_characters=True),
    )


@case
def dec4():
    return st.unicode_decode(BAD, "UTF-8", errors="strict")


@case
def dec5():
    return st.unicode_decode(["a"], "nonsense")


@case
def dec16():
    return st.unicode_decode_with_offsets(["hi\u4f60".encode("utf-16-be")], "UTF-16-BE")


@case
def split():
    return st.unicode_split(U, "UTF-8"), st.unicode_split(U[0], "UTF-8"), st.unicode_split_with_offsets(U, "UTF-8")


@case
def enc():
    return (
        st.unicode_encode([104, 105], "UTF-8"),
        st.unicode_encode([[104, 105], [20320, 0x110000]], "UTF-8"),
        st.unicode_encode(rg.constant([[104], [0x1F600, 65]]), "UTF-16-BE"),
        st.unicode_encode([[[104, 105]]], "UTF-32-BE"),
    )


@case
def enc_s():
    return st.unicode_encode([0xD800], "UTF-8", errors="strict")


@case
def enc_i():
    return st.unicode_encode([65, 0xD800, 66], "UTF-8", errors="ignore")


@case
def trans():
    return (
        st.unicode_transcode(U, "UTF-8", "UTF-16-BE"),
        st.unicode_transcode(BAD, "UTF-8", "UTF-8", replacement_char=33),
        st.unicode_transcode([b"\xe9"], "latin1", "UTF-8"),
    )


@case
def bsplit():
    return st.bytes_split(["ab", "c"]), st.bytes_split("xyz"), st.bytes_split([["ab"], [""]])


@case
def ssplit():
    return (
        st.split(["a b  c", "d"]),
        st.split(["a b  c", "d"], result_type="RaggedTensor"),
        st.split(["a,b,,c", "d"], sep=",", maxsplit=1, result_type="RaggedTensor"),
        st.split("a b", result_type="RaggedTensor"),
        st.split([["a b"], ["c"]], result_type="RaggedTensor"),
        st.split([["a b"], ["c"]]),
        tf.string_split(["a b", "c"], result_type="RaggedTensor"),
    )


@case
def ssplit_e():
    return st.split(["a"], result_type="x")


@case
def ng():
    d = rg.constant([["a", "b", "c"], ["d"]])
    return (
        st.ngrams(d, 2),
        st.ngrams(d, [1, 2], separator="|"),
        st.ngrams(d, 3, pad_values=("<", ">")),
        st.ngrams(d, 3, pad_values="*", padding_width=1),
        st.ngrams(d, 2, preserve_short_sequences=True),
        st.ngrams(["a", "b", "c"], 2),
        st.ngrams([["a", "b", "c"], ["d", "e", "f"]], 2),
    )


@case
def usj():
    return st.unsorted_segment_join(["a", "b", "c", "d"], [1, 0, 1, -1], 3, separator=":"), st.unsorted_segment_join(
        [["a", "b"], ["c", "d"]], [1, 1], 2
    )


@case
def usj_e():
    return st.unsorted_segment_join(["a", "b"], [1, 5], 3)


@case
def join():
    return st.join([["a", "b"], "x"], separator="-"), tf.string_join(["a", "b"])


@case
def substr():
    return (
        st.substr(["hello", "\u4f60\u597d!".encode()], 1, 2),
        st.substr(["\u4f60\u597d!".encode()], 1, 1, unit="UTF8_CHAR"),
        st.substr("hello", -3, 2),
        tf.substr(["abc", "def"], [0, 1], [1, 2]),
    )


@case
def substr_e():
    return st.substr("hi", 5, 1)


@case
def bsplit_empty():
    return st.bytes_split(["", "a"])


@case
def substr_e2():
    return st.substr(["hi"], [-5], 1)


@case
def length():
    return st.length(U), st.length(U, unit="UTF8_CHAR")


@case
def rr():
    return (
        st.regex_replace(["aabb", "xay"], "a+(b?)", r"<\1>"),
        st.regex_replace(["aa"], "a", "b", replace_global=False),
        st.regex_full_match(["abc", "ab"], "a.c"),
        tf.regex_replace(C(["a"]), C("a"), C("b")),
    )


@case
def rr_e():
    return st.regex_replace(["a"], "(", "b")


@case
def rr_e2():
    return st.regex_replace(["a"], C("("), "b")


@case
def low():
    return (
        st.lower(["ABC\u00c9".encode()]),
        st.lower(["ABC\u00c9".encode()], encoding="utf-8"),
        st.upper(["abc\u00e9".encode()], encoding="utf-8"),
        st.strip([" a ", "b\n"]),
    )


@case
def num():
    return st.to_number(["1", "2.5"]), st.to_number(["7"], tf.int64), tf.string_to_number(["1e3"], tf.float64)


@case
def num_e():
    return st.to_number(["x"])


@case
def num_e2():
    return st.to_number(["99999999999"], tf.int32)


@case
def asstr():
    return (
        tf.as_string([1.5, 2.0]),
        tf.as_string([1.5], precision=2),
        tf.as_string([1, -2], width=4, fill="0"),
        tf.as_string([True]),
        tf.as_string([1.5], scientific=True),
        tf.as_string([1.5], shortest=True),
        tf.as_string(C([3], tf.int8)),
        tf.as_string([1 + 2j]),
    )


@case
def fmt():
    return (
        st.format("t: {}", C([1, 2, 3, 4, 5, 6, 7])),
        st.format(
            "{} and {}",
            [C([[1.5, 2.0]]), C("s")],
        ),
        st.format("%s|", C([1]), placeholder="%s", summarize=-1),
    )


@case
def fmt_e():
    return st.format("{} {}", C(1))


@case
def hb():
    return (
        st.to_hash_bucket(["a", "b"], 10),
        st.to_hash_bucket_fast(["a", "hello world this is long text for hashing"], 1000),
        st.to_hash_bucket_strong(["a"], 100, [1, 2]),
        tf.string_to_hash_bucket(["x"], 7),
    )


@case
def b64():
    return tf.encode_base64(["hello", "a?>"]), tf.encode_base64(["a"], pad=True), tf.decode_base64(["aGVsbG8", "YT8-"])


@case
def b64_e():
    return tf.decode_base64(["*"])


@case
def raw_():
    return (
        tf.decode_raw(["abcd", "efgh"], tf.uint8),
        tf.decode_raw("abcd", tf.int16),
        tf.decode_raw("abcd", tf.int32, little_endian=False),
    )


@case
def raw_e():
    return tf.decode_raw(["abc"], tf.int16)


@case
def raw_e2():
    return tf.decode_raw(["abc", "a"], tf.uint8)


@case
def rj():
    return (
        tf.reduce_join([["a", "b"], ["c", "d"]], 0),
        st.reduce_join([["a", "b"], ["c", "d"]], [0, 1]),
        st.reduce_join([["a", "b"], ["c", "d"]], -1, keepdims=True, separator="."),
        tf.reduce_join(["a", "b"]),
    )
