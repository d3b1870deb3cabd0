"""Records, inside a real TensorFlow 1.15.5, what `tensorflow.compat.v2` holds: which names are those of TF 1, and which are other objects.

    TF_CPP_MIN_LOG_LEVEL=3 TF115/bin/python tools/record_v2.py src/retrograph/compat

It writes `v2.json.gz`: symbol without `tf.compat.v2.` -> `=symbol` (the very object that TF 1's symbol is; nothing after `=`
if it has the same name) or `module:name(arguments)`, where TF 2's own object is defined. (Python 3.7 syntax.)
"""

import inspect
import json
import os
import sys
import types

import tensorflow as tf
import tensorflow.compat.v2 as v2
from record_modules import canonical, write

PLAIN = (int, float, str, bytes, bool, type(None), tuple)


def symbols(module, path, depth=0):
    """Pairs (dotted name, object) of a public namespace; what stands for other versions of the API is left out."""
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if name.startswith("_") or path + name in ("compat", "contrib"):
            continue
        if isinstance(value, types.ModuleType):
            if ("_api" in value.__name__ or ".api._v" in value.__name__) and depth < 6:
                yield from symbols(value, path + name + ".", depth + 1)
        else:
            yield path + name, value


def homes():
    """id(object) -> (module, name) pairs where it stands in tensorflow.python, its own module first."""
    found = {}
    for path, module in list(sys.modules.items()):
        if path.startswith("tensorflow_core.python.") and module is not None:
            for name, value in list(vars(module).items()):
                if not isinstance(value, PLAIN):
                    pair = (canonical(path), name)
                    own = getattr(value, "__module__", None) == path
                    found.setdefault(id(value), []).insert(0 if own else len(found.get(id(value), ())), pair)
    return found


def arguments(value):
    """The names of the arguments with their defaults, as `inspect` shows them."""
    try:
        return str(inspect.signature(value.__init__ if inspect.isclass(value) else value))
    except (TypeError, ValueError):
        return "(?)"


def defining(name, value, places):
    """`module:name(arguments)` of an object that TF 1's public names do not have."""
    if isinstance(value, PLAIN):
        return "=" if value == getattr_path(tf, name) else f"value {value!r}"
    module = canonical(getattr(value, "__module__", None) or "")
    known = [p for p in places.get(id(value), ()) if p[0] == module] or places.get(id(value), [])[:1]
    path, own = known[0] if known else (module, getattr(value, "__name__", "?"))
    return f"{path}:{own}{arguments(value)}"


def getattr_path(value, path):
    for part in path.split("."):
        value = getattr(value, part, None)
    return value


def main(folder):
    first = {}
    for name, value in symbols(tf.compat.v1, ""):
        first.setdefault(id(value), []).append(name)
    places = homes()
    rows = {}
    for name, value in symbols(v2, ""):
        same = [] if isinstance(value, PLAIN) else first.get(id(value), [])
        if same:
            rows[name] = "=" if name in same else "=" + min(same, key=lambda n: (n.count("."), len(n)))
        else:
            rows[name] = defining(name, value, places)
    write(os.path.join(folder, "v2.json.gz"), json.dumps(rows, sort_keys=True, separators=(",", ":")))
    print(len(rows), "symbols,", sum(1 for row in rows.values() if row[0] != "="), "of TF 2's own")


if __name__ == "__main__":
    main(*sys.argv[1:])
