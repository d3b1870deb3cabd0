"""Distributions and bijectors against what TF 1.15.5 answered: values, samples, shapes, names and types of operations."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import asking  # noqa: E402
import distribution_cases as cases  # noqa: E402

# What TF 1.15.5 answered and Retrograph does not: (case, question) -> why.
_DIFFERENT = {
    **{("multinomial", text): "iterations of map_fn race for the generator in TF" for text in cases.QUESTIONS[:3]},
    ("autoregressive", "d.sample(2)"): "drawn with a seed of NumPy's global generator",
}
_POISSONS = ("poisson", "poisson_log", "negative_binomial", "poisson_log_normal", "poisson_hermite")
_NO_GRADIENT = "RandomPoissonV2 is without a gradient here, and not registered in TF"
_DIFFERENT.update({(name, "grad_of_sample(d)"): _NO_GRADIENT for name in _POISSONS})
_OTHERWISE = {
    "same_family_vectors": "TF 1.15.5's checks call a function that is not there",
    "percentile_kind": "the text holds a set",
}

# What takes seconds to compile: these operations are made, and run only if the variable RETROGRAPH_SLOW is set.
_SLOW_CASES = (
    "beta", "gamma", "exponential", "student_t", "dirichlet", "chi2", "inverse_gamma", "wishart", "multinomial",
    "binomial", "negative_binomial", "poisson", "mixture", "kumaraswamy", "quantized", "cholesky_batch", "auto_corr",
)  # fmt: skip
_QUICK = ("log_prob", ".prob(", "mean", "variance", "stddev", "mode", "entropy", "shape", "scalar", "sample(", "KL")


def _unrun(name: str, questions: list[str]) -> set[str]:
    if os.environ.get("RETROGRAPH_SLOW"):
        return set()
    if "softplus" in name or "relaxed" in name or name == "mixture_vectors":
        return set(questions) - {"d.sample(seed=7)", "d.log_prob(v)"}
    if not name.startswith(_SLOW_CASES):
        return set()
    return {text for text in questions if text.startswith("grad") or not any(quick in text for quick in _QUICK)}


def _recorded(table: str) -> Any:
    return json.loads((HERE.parent / "golden" / f"distributions_{table}.json").read_text())


def _cases() -> list[Any]:
    return [pytest.param(table, name, id=f"{table}-{name}") for table in cases.TABLES for name in cases.asked(table)]


def _close(x: Any, y: Any) -> bool:
    if isinstance(x, str) or isinstance(y, str) or isinstance(x, bool):
        return bool(x == y)
    return bool(abs(x - y) <= 2e-5 * max(1.0, abs(x)))


def _same(x: Any, y: Any) -> bool:
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(_same(p, q) for p, q in zip(x, y, strict=True))
    if isinstance(x, dict) and isinstance(y, dict):
        shapes = x["is"] == y["is"] and x.get("static") == y.get("static")
        return shapes and len(x["of"]) == len(y["of"]) and all(map(_close, x["of"], y["of"]))
    return bool(x == y)


_ASKER = asking.Asker(tf)
_GOLDEN = {table: _recorded(table) for table in cases.TABLES}


@pytest.mark.parametrize(("table", "name"), _cases())
def test_answers_are_tensorflows(table: str, name: str) -> None:
    arguments = cases.asked(table)[name]
    unrun = set() if table in ("bijectors", "functions") else _unrun(name, arguments[2])
    expected, found = _GOLDEN[table][name], _ASKER.case(*arguments, unrun=unrun)
    if _OTHERWISE.get(name):
        return
    assert found.get("error") == expected.get("error")
    if "error" in expected:
        return
    for question, theirs, ours in zip(arguments[2], expected["answers"], found["answers"], strict=True):
        if (name, question) not in _DIFFERENT and question not in unrun:
            assert _same(theirs, ours), (question, theirs, ours)
    # TF 1.15's Deterministic has an argument of its base among its parameters, and cannot be copied because of it.
    assert found["plain"] == [str(text).replace("'is_vector', ", "") for text in expected["plain"]]
    assert (found["count"], found["names"]) == (expected["count"], expected["names"])
