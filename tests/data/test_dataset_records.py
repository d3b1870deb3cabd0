"""Datasets as TensorFlow 1.15 has them: operations, types and shapes, elements, also in random order."""

import json
import re
import sys
from pathlib import Path

import dataset_cases
import pytest

import retrograph as tf

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "datasets.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that datasets read."""
    path = tmp_path_factory.mktemp("files")
    dataset_cases.write_files(str(path))
    (path / "a.rec").write_bytes(bytes.fromhex(GOLDEN["records"]))
    return path


def _same(wanted, found):
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(_same, wanted, found))
    if isinstance(wanted, dict):
        return wanted.keys() == found.keys() and all(_same(v, found[k]) for k, v in wanted.items())
    return wanted == pytest.approx(found, rel=1e-5) if isinstance(wanted, float) else wanted == found


def _in_this_python(text):
    """Since 3.12 Python shows an `OrderedDict` as a dict, not as a list of pairs."""
    if sys.version_info < (3, 12):
        return text
    return re.sub(
        r"OrderedDict\(\[(.*?)\]\)",
        lambda shown: "OrderedDict({" + re.sub(r"\((\w+), (\([^()]*\)|[^(),]+)\)", r"\1: \2", shown[1]) + "})",
        text,
    )


@pytest.mark.parametrize("name", sorted(GOLDEN["cases"]))
def test_dataset_is_as_in_tf(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    wanted = GOLDEN["cases"][name]
    make = dataset_cases.cases(tf, ".")[name]
    once = dataset_cases.facts(tf, make, "one_shot")
    again = dataset_cases.facts(tf, make, "initializable")
    assert once["operations"] == wanted["operations"]
    assert [op for op in again["operations"] if op not in wanted["operations"][:-3]] == wanted["after"]
    assert once["dataset"] == _in_this_python(wanted["dataset"])
    assert _same(wanted["elements"], once["elements"])
    assert _same(wanted.get("initializable", wanted["elements"]), again["elements"])
