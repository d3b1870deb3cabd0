"""Names that Python, NumPy, SciPy and Pillow dropped are put back by `retrograph run`, and named at the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import collections, fractions, inspect, time
import numpy as np
import imp
assert np.float is float and np.asscalar(np.array(3)) == 3 and np.product([2, 3]) == 6
assert isinstance([], collections.Iterable) and fractions.gcd(4, 6) == 2 and time.clock() >= 0
assert inspect.getargspec(lambda a, b=1: 0).args == ["a", "b"]
assert np.reshape([1, 2], newshape=[2, 1]).shape == (2, 1) and np.random.random_integers(3, 3) == 3
ragged = np.array([[[1, 2], [3]], [[4, 5, 6], [7]]])
assert ragged.shape == (2, 2) and ragged.dtype == object and ragged[1, 0] == [4, 5, 6]
assert np.unique([(1, 2), (3,), (1, 2)]).tolist() == [(1, 2), (3,)]
assert np.array([1, 2], copy=False).tolist() == [1, 2] and np.array(5, dtype="f", copy=False).dtype == np.float32
assert imp.new_module("x").__name__ == "x"
from scipy.sparse.linalg.eigen.arpack import eigsh
import scipy.sparse.linalg.eigen.arpack as arpack
assert arpack.eigsh is eigsh
a = np.arange(6, dtype=np.uint8).reshape(2, 3)
assert a.tostring() == bytes(range(6)) and a.ptp() == 5 and a.ptp(axis=1).tolist() == [2, 2]
a.itemset(4, 9), a.itemset((0, 1), 7), a.itemset(1, 0, 5)
assert a.tolist() == [[0, 7, 2], [5, 9, 5]] and a.newbyteorder().dtype == np.uint8
assert np.cast["float32"]([1]).dtype == np.float32 and np.math.sqrt(4) == 2 and np.float64 in np.sctypes["float"]
assert issubclass(np.VisibleDeprecationWarning, Warning) and np.lib.pad([1], 1, "constant").tolist() == [0, 1, 0]
import scipy.misc
from scipy.misc import imresize
from scipy.signal import hann
from scipy.integrate import simps
import importlib.util
assert importlib.util.find_spec("PIL.Image")
from PIL import Image, ImageDraw, ImageFont
assert imresize(np.eye(4), 0.5).shape == (2, 2) and scipy.misc.comb(5, 2) == 10 and len(hann(3)) == 3 and simps([1, 1]) == 1
assert Image.new("L", (4, 4)).resize((2, 2), Image.ANTIALIAS).size == (2, 2)
draw = ImageDraw.Draw(Image.new("L", (40, 20)))
width, height = draw.textsize("ab")
assert width > 0 and height > 0 and ImageFont.load_default().getsize("ab") == (width, height)
shown = []
def show():
    shown.append(str([np.float32(0.5), np.int64(3), np.bool_(True)]))
import io, pickle, threading
other = threading.Thread(target=show)
show(), other.start(), other.join()
assert shown == ["[0.5, 3, True]"] * 2
assert np.fromstring(b"ab", dtype=np.uint8).tolist() == [97, 98] and np.fromstring("1 2", sep=" ").tolist() == [1, 2]
assert np.msort([[3, 1], [2, 5]]).tolist() == [[2, 1], [3, 5]] and np.alen(3) == 1
assert np.array([[1], [2, 3]], copy=False).dtype == object and np.array([[1], [2, 3]], dtype=None).dtype == object
assert open is io.open and pickle.loads(pickle.dumps(open)) is open
from six.moves import cPickle, xrange  # TensorFlow brought it
import array, configparser, json, random, threading
import xml.etree.ElementTree as ElementTree
tree = ElementTree.fromstring("<a><b/><c/></a>")
assert [e.tag for e in tree.getchildren()] == ["b", "c"] and len(list(tree.getiterator("c"))) == 1
assert array.array("b", [1, 2]).tostring() == bytes([1, 2]) and not threading.Thread().isAlive()
assert json.loads("[1]", encoding="utf-8") == [1] and random.sample({7}, 1) == [7] and random.sample([7], k=1) == [7]
random.seed(np.int64(3))
drawn = random.random()
random.seed(3)
order = [1, 2, 3]
random.shuffle(order, lambda: 0.0)
assert drawn == random.random() and order == [2, 3, 1]
with open(__file__, "rU") as file:
    assert "rU" in file.read() and isinstance(configparser.SafeConfigParser(), configparser.ConfigParser)
from distutils.version import LooseVersion, StrictVersion
from distutils.util import strtobool
assert LooseVersion("1.15.0") > LooseVersion("1.4") and LooseVersion("2.0.0-rc1") >= "2.0" and strtobool("yes") == 1
assert str(StrictVersion("1.2a3")) == "1.2a3" < StrictVersion("1.2") == "1.2.0"
print("ok")
"""


def _run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "old.py"
    script.write_text(PROGRAM)
    command = [sys.executable, "-W", "ignore", "-m", "retrograph", "run", *options, str(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_dropped_names_are_put_back_and_told(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.stdout.strip() == "ok", done.stderr
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("retrograph run:")]
    for name in (
        "collections.Iterable",
        "fractions.gcd",
        "inspect.getargspec",
        "np.float",
        "np.product",
        "np.reshape(newshape=)",
        "np.array(lists of different lengths)",
        "np.array(copy=False)",
        "ndarray.tostring",
        "np.cast",
        "scipy.misc.imresize",
        "PIL.Image.ANTIALIAS",
        "ImageDraw.textsize",
        "Element.getchildren",
        "Thread.isAlive",
        "array.tostring",
        "json.loads(encoding=)",
        "open(mode='U')",
        "random.sample(set)",
        "time.clock",
        "scipy.sparse.linalg.eigen.arpack",
    ):
        assert name in told
    assert "np.int" not in told


def test_strict_leaves_them_out(tmp_path: Path) -> None:
    done = _run(tmp_path, "--strict")
    assert done.returncode == 1
    assert "retrograph run: put back" not in done.stderr
