"""Modules that show only what their docstring names (`@@name`), as TF's own and some programs' do."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

_REFERENCE = re.compile(r"^@@(\w+)$", re.MULTILINE)
_hidden: dict[str, tuple[ModuleType, Any]] = {}


def make_all(module_name: str, doc_string_modules: Any = None) -> list[str]:
    """The names of a module that its docstring (or those of the given modules) names.

    Source: TF 1.15 `tensorflow.python.util.all_util.make_all`.
    """
    module = sys.modules[module_name]
    texts = [documented.__doc__ or "" for documented in doc_string_modules or [module]]
    return sorted({name for text in texts for name in _REFERENCE.findall(text) if hasattr(module, name)})


def remove_undocumented(module_name: str, allowed_exception_list: Any = None, doc_string_modules: Any = None) -> None:
    """Takes away a module's names that are neither documented nor allowed nor begin with `_`.

    Source: TF 1.15 `tensorflow.python.util.all_util.remove_undocumented`.
    """
    module = sys.modules[module_name]
    kept = {*make_all(module_name, doc_string_modules), *(allowed_exception_list or ())}
    for name in [name for name in vars(module) if name not in kept and not name.startswith("_")]:
        _hidden[f"{module_name}.{name}"] = (module, getattr(module, name))
        delattr(module, name)


def reveal_undocumented(symbol_name: str, target_module: Any = None) -> None:
    """Gives a name back. Raises: LookupError if it is not hidden.

    Source: TF 1.15 `tensorflow.python.util.all_util.reveal_undocumented`.
    """
    if symbol_name not in _hidden:
        raise LookupError(f"Symbol {symbol_name} is not a hidden symbol")
    module, value = _hidden[symbol_name]
    setattr(target_module or module, symbol_name.rpartition(".")[2], value)
