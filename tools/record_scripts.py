"""Records which script each character belongs to. Run under TF 1.15's Python: python tools/record_scripts.py OUT.json"""

import json
import sys

import numpy as np
import tensorflow as tf

with tf.Session() as session:
    scripts = session.run(tf.strings.unicode_script(np.arange(0x110000, dtype=np.int32)))
begins = np.concatenate([[0], np.flatnonzero(np.diff(scripts)) + 1])
rows = {"steps": np.diff(begins, prepend=0).tolist(), "scripts": scripts[begins].tolist()}
with open(sys.argv[1], "w") as file:
    json.dump(rows, file, separators=(",", ":"))
