"""Records, inside a real TensorFlow 1.15.5, what each module path holds: `tensorflow.python.ops.array_ops.reshape` is `tf.reshape`.

    TF_CPP_MIN_LOG_LEVEL=3 TF115/bin/python tools/record_modules.py API.TSV src/retrograph/compat

It writes files of facts that the import hook reads (Python 3.7 syntax: it runs under that TensorFlow):

* `symbols.txt.gz`: every public symbol, one a line;
* `test_ops.jsonl.gz`: the op types that TF's own tests define;
* `modules.json.gz`: for each module, name -> public symbols (joined by `|`), `@module` for a module, `~module:name` for
  something that another module defines, `` for something internal; and for `gen_*_ops` modules name -> `!Op arg,arg=default,...`.
"""

import ast
import gzip
import importlib
import inspect
import json
import logging
import os
import pkgutil
import sys
import types
import warnings

warnings.filterwarnings("ignore")
import tensorflow as tf  # noqa: E402

logging.disable(logging.ERROR)
SKIP = (
    "_test",
    "_main",
    "__main__",
    ".examples",
    ".testdata",
    "tpu_cluster",
    ".tools.",
    "profile_analyzer_cli",
    ".debug.examples",
    "generate",
    ".autograph.pyct.testing",
)
FUTURE = ("absolute_import", "division", "print_function", "unicode_literals")
PLAIN = (int, float, str, bytes, bool, type(None), tuple, list, dict)


def canonical(name):
    return name.replace("tensorflow_core.", "tensorflow.").replace(
        "tensorflow_estimator.python.estimator", "tensorflow.python.estimator"
    )


def resolve(symbol):
    value = tf
    for part in symbol.split(".")[1:]:
        value = getattr(value, part)
    return value


def public_objects(symbols):
    """id(object) -> public names, shortest first. The objects are kept alive, so ids stay theirs."""
    names, keep = {}, []
    for symbol in symbols:
        try:
            value = resolve(symbol)
        except Exception:
            continue
        if isinstance(value, PLAIN) or isinstance(value, types.ModuleType):
            continue
        keep.append(value)
        if symbol[3:] not in names.setdefault(id(value), []):
            names[id(value)].append(symbol[3:])
    for row in names.values():
        row.sort(key=lambda n: (n.startswith(("compat.", "contrib.", "keras.")), n.count("."), len(n)))
    return names, keep


def walk(package):
    def quiet(_):
        pass

    for info in pkgutil.walk_packages(package.__path__, canonical(package.__name__) + ".", onerror=quiet):
        if any(s in info.name for s in SKIP):
            continue
        try:
            yield importlib.import_module(info.name)
        except BaseException as error:
            print("not imported:", info.name, type(error).__name__, str(error)[:80], file=sys.stderr)


def literal(node):
    try:
        return repr(ast.literal_eval(node))
    except ValueError:
        return "_dtypes." + node.attr if isinstance(node, ast.Attribute) else "None"


def generated(module):
    """Wrapper name -> `!Op arg=wrapper_arg...`, read from the calls of _apply_op_helper."""
    tree = ast.parse(open(inspect.getsourcefile(module), encoding="utf8").read())
    rows = {}
    for function in [n for n in tree.body if isinstance(n, ast.FunctionDef)]:
        for call in [n for n in ast.walk(function) if isinstance(n, ast.Call)]:
            if getattr(call.func, "attr", "") != "_apply_op_helper":
                continue
            order = [a.arg for a in function.args.args if a.arg not in ("name", "ctx")]
            op_args = {k.value.id: k.arg for k in call.keywords if isinstance(k.value, ast.Name)}
            defaults = function.args.defaults
            with_default = (
                dict(zip([a.arg for a in function.args.args][-len(defaults) :], defaults)) if defaults else {}
            )
            cells = []
            for a in order:
                cell = a if op_args.get(a, a) == a else a + ":" + op_args[a]
                cells.append(cell + ("=" + literal(with_default[a]) if a in with_default else ""))
            rows[function.name] = "!%s %s" % (call.args[0].s, ";".join(cells))
            break
    return rows


def raw_op(value):
    """The CamelCase twins of the generated wrappers (tf.raw_ops)."""
    return isinstance(value, types.FunctionType) and ".gen_" in value.__module__ and value.__name__[:1].isupper()


def describe(module, names):
    here = canonical(module.__name__)
    rows = {}
    for name, value in vars(module).items():
        if name in FUTURE or name.startswith("__") or name.endswith("_eager_fallback"):
            continue
        if isinstance(value, types.ModuleType):
            if canonical(value.__name__).startswith("tensorflow"):
                rows[name] = "@" + canonical(value.__name__)
            continue
        if id(value) in names:
            rows[name] = "|".join(names[id(value)][:6])
            continue
        if name.startswith("_") or name == "tf_export" or type(value).__name__ == "_UserDeviceSpec" or raw_op(value):
            continue
        origin = canonical(getattr(value, "__module__", None) or here) if callable(value) else here
        if origin == here or not origin.startswith("tensorflow"):
            if origin == here or isinstance(value, PLAIN):
                rows[name] = ""
        else:
            rows[name] = "~%s:%s" % (origin, getattr(value, "__name__", name))
    if here.split(".")[-1].startswith("gen_") or here.endswith(".test_ops"):
        rows.update({k: v for k, v in generated(module).items()})
    return here, rows


def one_line(message):
    from google.protobuf import text_format

    return text_format.MessageToString(message, as_one_line=True)


def argument(arg):
    kind = ("%s*" % arg.number_attr if arg.number_attr else "") + (
        arg.type_list_attr or arg.type_attr or tf.as_dtype(arg.type).name
    )
    row = {"name": arg.name, "type": kind}
    if arg.is_ref:
        row["ref"] = True
    return row


def attribute(attr):
    row = {"name": attr.name, "type": attr.type}
    if attr.HasField("default_value"):
        row["default"] = one_line(attr.default_value)
    if attr.HasField("allowed_values"):
        row["allowed"] = one_line(attr.allowed_values)
    if attr.has_minimum:
        row["min"] = attr.minimum
    return row


def test_op_defs():
    """Definitions of the op types that TF's own tests use, in the form of op_defs.jsonl."""
    from tensorflow.python.framework import op_def_registry, test_ops

    names = sorted(set(row[1:].split(" ")[0] for row in generated(test_ops).values()))
    known = op_def_registry.get_registered_ops()
    for name in names:
        op = known[name]
        row = {
            "op": name,
            "in": [argument(a) for a in op.input_arg],
            "out": [argument(a) for a in op.output_arg],
            "attr": [attribute(a) for a in op.attr],
        }
        if op.is_stateful:
            row["stateful"] = True
        yield json.dumps(row, sort_keys=True) + "\n"


def write(path, data):
    with gzip.GzipFile(path, "wb", mtime=0) as out:
        out.write(data.encode("utf8"))


def main(api, folder):
    kinds = {}
    with open(api, encoding="utf8") as lines:
        for line in list(lines)[1:]:
            kinds.setdefault(line.split("\t")[0], line.split("\t")[1].strip())
    import tensorflow.contrib
    import tensorflow.core
    import tensorflow.python

    names, keep = public_objects([s for s in sorted(kinds) if kinds[s] in ("class", "function", "value")])
    modules = {}
    for package in (tensorflow.python, tensorflow.core, tensorflow.contrib):
        loaded = [package] + list(walk(package))
        for module in loaded:
            here, rows = describe(module, names)
            modules[here] = rows
    for module in list(sys.modules.values()):
        if isinstance(module, types.ModuleType) and canonical(getattr(module, "__name__", "")).startswith(
            ("tensorflow.python", "tensorflow.contrib", "tensorflow.core")
        ):
            here, rows = describe(module, names)
            modules.setdefault(here, rows)
    write(os.path.join(folder, "symbols.txt.gz"), "".join("%s %s\n" % (s[3:], kinds[s]) for s in sorted(kinds)))
    write(os.path.join(folder, "modules.json.gz"), json.dumps(modules, sort_keys=True, separators=(",", ":")))
    write(os.path.join(folder, "test_ops.jsonl.gz"), "".join(test_op_defs()))
    print(len(kinds), "symbols", len(modules), "modules", sum(map(len, modules.values())), "names")


if __name__ == "__main__":
    main(*sys.argv[1:])
