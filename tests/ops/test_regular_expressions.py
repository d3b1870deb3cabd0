"""`tf.strings.regex_replace` and `regex_full_match` in RE2's syntax, as recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import retrograph as tf

# [pattern, text, rewrite, [all replaced, first replaced, whether all of it matches] or {"error": text}], bytes as Latin-1.
FACTS = json.loads((Path(__file__).parent.parent / "golden" / "regular_expressions.json").read_text())


@pytest.mark.parametrize("fact", FACTS, ids=[f"{i}-{fact[0]!a}" for i, fact in enumerate(FACTS)])
def test_as_recorded(fact):
    pattern, text, rewrite = (part.encode("latin-1") for part in fact[:3])
    with tf.Graph().as_default(), tf.Session() as session:
        made = [
            tf.strings.regex_replace(text, pattern, rewrite),
            tf.strings.regex_replace(text, pattern, rewrite, replace_global=False),
            tf.strings.regex_full_match(text, pattern),
        ]
        for wanted, fetch in zip(fact[3] if isinstance(fact[3], list) else [fact[3]] * 3, made, strict=True):
            if isinstance(wanted, dict):
                with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                    session.run(fetch)
                assert str(caught.value).partition("\n")[0] == wanted["error"]
            else:
                found = session.run(fetch)
                assert (found.decode("latin-1") if isinstance(found, bytes) else found) == wanted


def test_a_pattern_that_is_a_tensor():
    with tf.Graph().as_default(), tf.Session() as session:
        pattern = tf.placeholder(tf.string, [])
        replaced = tf.strings.regex_replace(["a-é", "b"], pattern, "_")
        assert session.run(replaced, {pattern: r"[^\p{L}]"}).tolist() == ["a_é".encode(), b"b"]


def test_two_groups_of_one_name() -> None:
    made = tf.strings.regex_replace(["abab"], "(?P<n>a)(?P<n>b)", r"<\2\1>")
    with tf.Session() as sess:
        assert sess.run(made).tolist() == [b"<ba><ba>"]
