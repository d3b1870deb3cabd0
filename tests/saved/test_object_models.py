"""`tf.saved_model.save` and `load_v2` say what to do instead."""

from __future__ import annotations

import pytest

import retrograph as tf


@pytest.mark.parametrize("name", ["save", "experimental.save"])
def test_save(name, tmp_path):
    function = tf.saved_model
    for part in name.split("."):
        function = getattr(function, part)
    with pytest.raises(tf.errors.UnimplementedError, match=r"tf\.saved_model\.simple_save"):
        function(tf.train.Checkpoint(), str(tmp_path / "m"))
    assert not list(tmp_path.iterdir())


def test_load(tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist at"):
        tf.saved_model.load_v2(str(tmp_path))
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(tf.errors.UnimplementedError, match=r"tf\.saved_model\.load with a session"):
        tf.saved_model.load_v2(str(tmp_path))
