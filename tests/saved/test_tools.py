"""freeze_graph, inspect_checkpoint and strip_unused."""

from __future__ import annotations

from pathlib import Path

import pytest

import retrograph as tf
from retrograph.saved import tools

GOLDEN = Path(__file__).parents[1] / "golden" / "models"


def _outputs(path: Path) -> list[float]:
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(tf.GraphDef.FromString(path.read_bytes()), name="")
        found: list[float] = sess.run("y:0", {"x:0": [[1.0, 2.0, 3.0, 4.0]]}).tolist()
        return found


def test_a_graph_is_frozen_from_each_kind_of_file(tmp_path: Path) -> None:
    model, target = str(GOLDEN / "dense" / "model"), str(tmp_path / "frozen.pb")
    wanted = _outputs(GOLDEN / "dense" / "frozen.pb")
    meta = tf.MetaGraphDef.FromString(Path(model + ".meta").read_bytes())
    (tmp_path / "graph.pbtxt").write_text(str(meta.graph_def))
    shared = ("save/restore_all", "save/Const:0", target, True, "")
    tools.freeze_graph(str(tmp_path / "graph.pbtxt"), "", False, model, "y", *shared)
    assert _outputs(Path(target)) == wanted
    tools.freeze_graph("", "", True, model, "y", *shared, input_meta_graph=model + ".meta")
    assert _outputs(Path(target)) == wanted
    tools.freeze_graph("", "", True, "", "y", *shared, input_saved_model_dir=str(GOLDEN / "dense" / "saved"))
    assert _outputs(Path(target)) == wanted
    with pytest.raises(ValueError, match="doesn't exist!"):
        tools.freeze_graph(str(tmp_path / "graph.pbtxt"), "", False, "nothing", "y", *shared)
    with pytest.raises(ValueError, match="You need to supply the name of a node"):
        tools.freeze_graph(str(tmp_path / "graph.pbtxt"), "", False, model, "", *shared)
    with pytest.raises(ValueError, match="You cannot freeze a graph twice"):
        tools.freeze_graph(target, "", True, model, "y", *shared)
    with pytest.raises(OSError, match=r"Input graph file 'no\.pb' does not exist"):
        tools.freeze_graph("no.pb", "", True, model, "y", *shared)


def test_what_is_in_a_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(GOLDEN / "embedding" / "model")
    tools.print_tensors_in_checkpoint_file(path, "", all_tensors=False)
    assert capsys.readouterr().out == "table (DT_FLOAT) [10,4]\n\n# Total number of params: 40\n"
    tools.print_tensors_in_checkpoint_file(
        path, None, all_tensors=False, all_tensor_names=True, count_exclude_pattern="tab"
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "tensor_name:  table",
        "# Excluding 1 tensors (40 params) that match tab when counting.",
        "# Total number of params: 0",
    ]
    tools.print_tensors_in_checkpoint_file(path + ".index", "", all_tensors=False)
    assert "It's likely that this is a V2 checkpoint" in capsys.readouterr().out


def test_inputs_are_cut_off() -> None:
    graph_def = tf.GraphDef.FromString((GOLDEN / "dense" / "frozen.pb").read_bytes())
    cut = tools.strip_unused(graph_def, ["hidden/Relu"], ["y"], tf.float32.as_datatype_enum)
    names = [node.name for node in cut.node]
    assert "x" not in names and cut.node[names.index("hidden/Relu")].op == "Placeholder"
    with pytest.raises(KeyError, match="were not found"):
        tools.strip_unused(graph_def, ["nothing"], ["y"], 1)
    with pytest.raises(ValueError, match="appears to refer to a Tensor"):
        tools.strip_unused(graph_def, ["x:0"], ["y"], 1)
