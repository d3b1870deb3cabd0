"""`retrograph inspect`, `convert` and `diff` on the files that a small program leaves."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf
from retrograph.checkpoint import writing
from retrograph.checkpoint.writing import write_checkpoint
from retrograph.cli.main import main
from retrograph.cli.tree import Leaf, rendered, sized
from retrograph.scopes.select import Rename, Select


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A checkpoint `m.ckpt`, a frozen graph, a SavedModel and an event file of one model."""
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        for tower in ("train", "valid"):
            with tf.name_scope(tower), tf.variable_scope("net", reuse=tf.AUTO_REUSE):
                y = tf.matmul(x, tf.get_variable("w", [4, 2]), name="y")
        tf.Variable(np.array([b"a", b"bc"], object), name="names")
        merged = tf.summary.merge([tf.summary.scalar("loss", tf.reduce_sum(y))])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            tf.train.Saver().save(session, "./m.ckpt")
            with tf.summary.FileWriter("logs", session.graph) as writer:
                for step in (1, 5):
                    writer.add_summary(session.run(merged, {x: np.ones((1, 4))}), step)
            tf.saved_model.simple_save(session, "model", {"x": x}, {"y": y})
            frozen = tf.graph_util.convert_variables_to_constants(
                session, session.graph.as_graph_def(), ["valid/net/y"]
            )
            tf.train.write_graph(frozen, ".", "frozen.pb", as_text=False)
    return tmp_path


def told(capsys, *words):
    """(exit status, output, errors) of a command."""
    status = main(list(words))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_inspect_a_checkpoint(files, capsys):
    status, out, _ = told(capsys, "inspect", "m.ckpt")
    assert status == 0 and "2 tensors, 10 parameters, 32 B" in out
    assert [line.split() for line in out.splitlines()[3:]] == [
        ["names", "[2]", "string", "2"],
        ["net/", "8", "32", "B"],
        ["w", "[4,2]", "float32", "8", "32", "B"],
    ]
    _, out, _ = told(capsys, "inspect", ".", "--json", "--include", "net")
    assert json.loads(out)["variables"] == [
        {"name": "net/w", "shape": [4, 2], "dtype": "float32", "parameters": 8, "bytes": 32}
    ]


def test_inspect_says_who_shares_a_variable(files, capsys):
    _, out, _ = told(capsys, "inspect", "m.ckpt.meta")
    assert "shared by train, valid" in out and "input   x  float32[?,4]" in out


@pytest.mark.parametrize("name", ["m.ckpt.index", "m.ckpt.data-00000-of-00001", "checkpoint"])
def test_any_file_of_a_checkpoint_stands_for_it(files, capsys, name):
    _, wanted, _ = told(capsys, "inspect", "m.ckpt")
    status, out, _ = told(capsys, "inspect", name)
    assert status == 0 and out.splitlines()[1:] == wanted.splitlines()[1:]


def test_a_directory_of_checkpoints(files, capsys):
    for step in (1, 20):
        for end in ("index", "data-00000-of-00001"):
            shutil.copy(f"m.ckpt.{end}", f"n.ckpt-{step}.{end}")
    (files / "m.ckpt.index").rename("m.ckpt-3.index")
    status, _, err = told(capsys, "inspect", ".")
    assert status == 1 and "which checkpoint? There are " in err and "names m.ckpt, which is not there" in err
    Path("checkpoint").unlink()
    assert "it has no file `checkpoint`" in told(capsys, "convert", ".", "a.npz")[2]
    assert "; there is n.ckpt-1, n.ckpt-20" in told(capsys, "inspect", "n.ckpt")[2]
    Path("checkpoint").write_text('model_checkpoint_path: "/moved/away/n.ckpt-20"')
    status, out, _ = told(capsys, "inspect", ".")
    assert status == 0 and out.startswith(".: checkpoint ./n.ckpt-20 (also there: ") and "n.ckpt-1" in out
    found = json.loads(told(capsys, "inspect", ".", "--json")[1])
    assert found["checkpoint"] == "./n.ckpt-20" and sorted(found["others"]) == ["m.ckpt-3", "n.ckpt-1"]


def test_a_directory_of_one_checkpoint_needs_no_list(files, capsys):
    (files / "alone").mkdir()
    for end in ("index", "data-00000-of-00001"):
        shutil.copy(f"m.ckpt.{end}", f"alone/x.{end}")
    assert told(capsys, "diff", "alone", "m.ckpt")[0] == 0
    assert told(capsys, "inspect", "nowhere/x")[2].endswith("nowhere/x: no such file, directory or checkpoint\n")


def test_what_is_no_file_is_no_checkpoint(capsys):
    status, _, err = told(capsys, "inspect", "/dev/null")
    assert status == 1 and err.startswith("retrograph inspect: /dev/null: no checkpoint, graph")


def test_inspect_graphs(files, capsys):
    _, out, _ = told(capsys, "inspect", "frozen.pb")
    assert "1 constant, 8 parameters" in out and "output  valid/net/y" in out
    _, out, _ = told(capsys, "inspect", "model")
    assert "SavedModel ['serve']" in out and "output  y: valid/net/y:0 float32[?,2]" in out


def test_inspect_events(files, capsys):
    (path,) = (files / "logs").iterdir()
    _, out, _ = told(capsys, "inspect", str(path))
    assert "1 graph, 1 tag" in out and "2 values, steps 1 to 5" in out


def test_inspect_folders_of_event_files(files, capsys):
    status, out, _ = told(capsys, "inspect", "logs")
    assert status == 0 and "logs: 1 event file" in out and "2 values, steps 1 to 5" in out
    with tf.Graph().as_default(), tf.summary.FileWriter("logs/eval") as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=3.0)]), 7)
    _, out, _ = told(capsys, "inspect", "logs")
    assert "2 event files" in out
    assert [" ".join(line.split()) for line in out.splitlines()[3:]] == [
        "eval: loss scalar 1 value, step 7 last 3",
        "loss scalar 2 values, steps 1 to 5 last " + out.split()[-1],
    ]


def test_an_event_file_that_is_still_written(files, capsys):
    (path,) = (files / "logs").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    status, out, err = told(capsys, "inspect", "logs", "--json")
    found = json.loads(out)
    assert status == 0 and found["damaged"] == [str(path.relative_to(files))]
    assert found["tags"]["loss"]["count"] == 1 and found["tags"]["loss"]["kind"] == "scalar"
    assert "truncated record" in err and err.count("\n") == 1


def test_an_event_file_cut_inside_its_first_record(files, capsys):
    (whole,) = (files / "logs").iterdir()
    cut = files / "logs" / "events.out.tfevents.2.x"
    cut.write_bytes(whole.read_bytes()[:20])
    (files / "logs" / "events.out.tfevents.3.x").symlink_to("nowhere")
    status, out, err = told(capsys, "inspect", "logs", "--json")
    assert (status, json.loads(out)["damaged"]) == (0, [str(cut.relative_to(files))]) and err.count("\n") == 1
    assert json.loads(out)["tags"]["loss"]["steps"] == [1, 5]
    status, out, err = told(capsys, "inspect", str(cut))
    assert (status, out) == (1, "") and str(cut) in err


def test_a_link_that_leads_nowhere_is_no_checkpoint(files, capsys):
    (files / "gone.index").symlink_to("nowhere")
    status, out, _ = told(capsys, "inspect", ".")
    assert status == 0 and "./m.ckpt" in out and "gone" not in out
    assert "there is m.ckpt" in told(capsys, "inspect", "m.ckp")[2]


def test_convert_a_frozen_graph(files, capsys):
    status, out, _ = told(capsys, "convert", "frozen.pb", "w.npz", "--rename", "net=model")
    assert status == 0 and "net/w -> model/w  float32[4,2]" in out
    saved = tf.train.load_checkpoint("m.ckpt").get_tensor("net/w")
    np.testing.assert_array_equal(np.load("w.npz")["model/w"], saved)
    assert told(capsys, "diff", "frozen.pb", "m.ckpt", "--include", "net")[0] == 0


def test_convert_a_graph_that_is_not_frozen(files, capsys):
    with tf.Graph().as_default() as graph:
        tf.get_variable("v", [2])
    tf.train.write_graph(graph, ".", "train.pbtxt")
    status, _, err = told(capsys, "convert", "train.pbtxt", "w.npz")
    assert status == 1 and "a graph with variables, not a frozen one: their values are in a checkpoint" in err
    tf.train.write_graph(tf.Graph(), ".", "empty.pb", as_text=False)
    assert "without constants" in told(capsys, "convert", "empty.pb", "w.npz")[2]
    status, out, _ = told(capsys, "convert", "model/saved_model.pb", "w.npz", "--exclude", "names")
    assert status == 0 and "net/w" in out
    assert "SavedModel ['serve']" in told(capsys, "inspect", "model/saved_model.pb")[1]


def test_inspect_a_script_stops_at_its_session(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nimport tensorflow as tf\nprint('built', sys.argv[1])\n"
        "v = tf.get_variable('v', [int(sys.argv[1])])\ntf.Session().run(v.initializer)\nopen('ran', 'w')\n"
    )
    command = [sys.executable, "-m", "retrograph", "inspect", str(script), "7", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["variables"][0]["shape"] == [7] and "built 7" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_convert_there_and_back(files, capsys, ending):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    there, back = f"a{ending}", "back.ckpt"
    status, out, _ = told(
        capsys, "convert", "m.ckpt", there, "--exclude", "names", "--rename", "net=body", "--rename", "re:w$=kernel"
    )
    assert status == 0 and "net/w -> body/kernel  float32[4,2]" in out
    assert told(capsys, "convert", there, back, "--rename", "body=net", "--rename", "re:kernel$=w")[0] == 0
    np.testing.assert_array_equal(tf.train.load_variable(back, "net/w"), tf.train.load_variable("m.ckpt", "net/w"))
    assert told(capsys, "diff", there, back, "--rename", "body/kernel=net/w")[:2] == (
        0,
        "1 tensor in both, 0 differences\n",
    )


def test_bfloat16_there_and_back(tmp_path):
    """In a process of its own: what knows the type may have been imported here already."""
    prefix = str(tmp_path / "m")
    write_checkpoint(prefix, {"a": np.arange(3).astype(tf.bfloat16.as_numpy_dtype)})
    for source, target in ((prefix, "m.safetensors"), ("m.safetensors", "again/m")):
        (tmp_path / "again").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "retrograph", "convert", source, target]
        subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    files = [Path(f"{p}.data-00000-of-00001").read_bytes() for p in (prefix, tmp_path / "again" / "m")]
    assert files[0] == files[1]


def test_convert_refuses_what_would_lose_something(files, capsys):
    status, _, err = told(capsys, "convert", "m.ckpt", "a.npz")
    assert status == 1 and "names: an .npz file cannot hold strings" in err and err.count("\n") == 1
    assert not [p for p in files.iterdir() if "npz" in p.name]
    assert "no tensor is chosen" in told(capsys, "convert", "m.ckpt", "a.npz", "--include", "nothing")[2]
    assert "would both be named x" in told(capsys, "convert", "m.ckpt", "a.npz", "--rename", "re:.*[ws]$=x")[2]
    assert "is the source itself" in told(capsys, "convert", "m.ckpt", "m.ckpt", "--force")[2]
    (files / "a.npz").write_text("kept")
    assert "--force writes over it" in told(capsys, "convert", "m.ckpt", "a.npz", "--include", "net")[2]
    assert (files / "a.npz").read_text() == "kept"


@pytest.mark.parametrize("target", ["t.npz", "t.safetensors", "t.ckpt"])
@pytest.mark.parametrize("kind", ["quint8", "datetime64[D]"])
def test_convert_refuses_types_before_it_prints(tmp_path, capsys, monkeypatch, kind, target):
    monkeypatch.chdir(tmp_path)
    if kind == "quint8":
        with monkeypatch.context() as patch:
            patch.setattr(writing, "_enum_of", lambda array: tf.quint8.as_datatype_enum)
            write_checkpoint("s", {"day": np.array([1, 2], np.uint8)})
    else:
        np.savez("s.npz", day=np.array(["2020-01-01"], "M8[D]"))
    before = sorted(tmp_path.iterdir())
    status, out, err = told(capsys, "convert", before[-1].name, target)
    if (kind, target) == ("datetime64[D]", "t.npz"):
        assert status == 0 and np.load(target)["day"].dtype == "M8[D]"
        return
    assert (status, out) == (1, "") and err.startswith("retrograph convert: day: a") and err.count("\n") == 1
    assert f"cannot hold {kind};" in err and sorted(tmp_path.iterdir()) == before


def test_convert_refuses_quantized_numbers_of_a_frozen_graph(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default() as graph:
        tf.constant(np.array([1, 2], np.uint8), name="w")
    Path("s.pbtxt").write_text(str(graph.as_graph_def()).replace("DT_UINT8", "DT_QUINT8"))
    assert "w: an .npz file cannot hold quint8;" in told(capsys, "convert", "s.pbtxt", "t.npz")[2]


def test_endings_in_capitals(files, capsys):
    assert told(capsys, "convert", "m.ckpt", "x.NPZ", "--include", "net")[0] == 0
    assert list(np.load("x.NPZ")) == ["net/w"]
    assert told(capsys, "diff", "x.NPZ", "m.ckpt", "--include", "net")[0] == 0
    assert "x.NPZ: npz" in told(capsys, "inspect", "x.NPZ")[1]
    pytest.importorskip("safetensors")
    assert told(capsys, "convert", "x.NPZ", "x.SAFETENSORS")[0] == 0
    assert "x.SAFETENSORS: safetensors" in told(capsys, "inspect", "x.SAFETENSORS")[1]


def test_convert_looks_at_its_target_first(files, capsys):
    for target, text in (
        ("a.h5", ".h5 files are not written"),
        ("no/a.npz", "convert: no: no such directory"),
        ("logs", "logs is a directory"),
    ):
        for words in ((), ("--dry-run",)):
            status, out, err = told(capsys, "convert", "m.ckpt", target, "--include", "net", *words)
            assert (status, out) == (1, "") and text in err and err.count("\n") == 1


def test_a_tensor_that_is_cut_off_is_named(files, capsys):
    Path("m.ckpt.data-00000-of-00001").write_bytes(b"1234")
    wanted = "m.ckpt: net/w: a tensor's values are cut off\n"
    assert told(capsys, "convert", "m.ckpt", "a.npz", "--include", "net")[2].endswith(wanted)
    assert told(capsys, "diff", "m.ckpt", "m.ckpt", "--include", "net")[::2] == (2, f"retrograph diff: {wanted}")


def test_convert_gives_what_safetensors_reads(tmp_path, capsys):
    library = pytest.importorskip("safetensors.numpy")
    values = {"a/b": np.arange(6, dtype=np.int16).reshape(2, 3), "": np.array(2.5), "é": np.zeros((0, 4), bool)}
    values |= {"c": np.array([1 + 2j], np.complex64), "t": np.arange(6.0).reshape(2, 3).T.copy()}
    write_checkpoint(str(tmp_path / "m"), {name or "x": value for name, value in values.items()})
    assert told(capsys, "convert", str(tmp_path / "m"), str(tmp_path / "m.safetensors"))[0] == 0
    found = library.load_file(tmp_path / "m.safetensors")
    for name, value in values.items():
        np.testing.assert_array_equal(found[name or "x"], value)
        assert found[name or "x"].dtype == value.dtype


def test_convert_dry_run_writes_nothing(files, capsys):
    status, out, _ = told(capsys, "convert", "m.ckpt", "a.npz", "--dry-run", "--include", "*/w")
    assert status == 0 and "1 tensor, 32 B: would be written to a.npz" in out and not (files / "a.npz").exists()


def test_diff(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", same=[1.0, np.nan], moved=[1.0, 2.0], shaped=[1], gone=[1], kind=np.float32([1]))
    np.savez("b.npz", same=[1.0, np.nan], moved=[1.0, 2.5], shaped=[1, 2], new=[1], kind=np.float64([1]))
    status, out, _ = told(capsys, "diff", "a.npz", "b.npz")
    assert status == 1
    assert dict(line.split(maxsplit=1) for line in out.splitlines()[:-1]) == {
        "gone": "only in a.npz",
        "new": "only in b.npz",
        "kind": "float32 and float64",
        "moved": "1 of 2 values, by up to 0.5",
        "shaped": "shape [1] and [2]",
    }
    assert told(capsys, "diff", "a.npz", "b.npz", "--include", "moved", "--tolerance", "0.5")[0] == 0
    assert told(capsys, "diff", "a.npz", "nowhere")[0] == 2


def test_diff_refuses_two_tensors_of_one_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", a=[1], b=[2])
    status, out, err = told(capsys, "diff", "a.npz", "a.npz", "--rename", "a=b")
    assert (status, out) == (2, "") and "b and a would both be named b" in err
    assert told(capsys, "diff", "a.npz", "a.npz", "--rename", "a=b", "--include", "a")[0] == 1


def test_diff_of_large_integers_and_of_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", n=np.array([1 << 60, 3]), slot=[1])
    np.savez("b.npz", n=np.array([(1 << 60) + 1, 3]), slot=[2])
    status, out, _ = told(capsys, "diff", "a.npz", "b.npz", "--exclude", "slot")
    assert status == 1 and out.splitlines() == ["n  1 of 2 values, by up to 1", "1 tensor in both, 1 difference"]
    assert told(capsys, "diff", "a.npz", "b.npz", "--include", "nothing")[0] == 2


@pytest.mark.parametrize("name", ["bad.index", "bad.pb", "bad.npz", "bad.meta", "bad.safetensors", "x.tfevents", "no"])
def test_damaged_files_are_told_in_one_line(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name != "no":
        (tmp_path / name).write_bytes(b"\x0a\xff\xff\xff\x7f damaged" * 20)
    status, out, err = told(capsys, "inspect", name)
    assert (status, out) == (1, "") and err.startswith("retrograph inspect: ") and err.count("\n") == 1
    assert name.split(".")[0] in err


def test_a_wrong_rule_is_told(files, capsys):
    assert "is no renaming" in told(capsys, "convert", "m.ckpt", "a.npz", "--rename", "net")[2]
    assert "re:[" in told(capsys, "inspect", "m.ckpt", "--include", "re:[")[2]


def test_select_and_rename():
    names = ["enc/w", "enc", "encoder/w", "dec/b", "dec/l_1/b"]
    assert Select("enc").of(names) == ["enc/w", "enc"]
    assert Select("*/b").of(names) == ["dec/b", "dec/l_1/b"]
    assert Select(r"re:dec/\w").of(names) == ["dec/b"]
    assert Select(lambda name: name.endswith("w"), "dec/b").of(names) == ["enc/w", "encoder/w", "dec/b"]
    assert not Select()("enc")
    assert [Rename(["enc="])(n) for n in names[:3]] == ["w", "", "encoder/w"]
    assert Rename(["=top", "re:w$=kernel"])("enc/w") == "top/enc/kernel"


def test_tree_counts_and_sorts_by_number():
    lines = rendered([Leaf(f"l_{i}/w", [2], "float32", 2, 8) for i in (10, 9)] + [Leaf("b", [], "int32", 1, 4)])
    assert [line.split()[0] for line in lines] == ["b", "l_9/", "w", "l_10/", "w"]
    assert sized(1023) == "1023 B" and sized(3 << 29) == "1.5 GiB"
