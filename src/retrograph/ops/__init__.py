"""The op families: user functions and the rows of the op table. Importing this package installs all of them."""

from __future__ import annotations

import gc
import importlib
import pkgutil

# A graph is many small objects that live long. With the collector's default thresholds, looking through them again and
# again takes half of the time of building a large one. Thresholds that the program has set itself stay.
if gc.get_threshold()[0] in (700, 2000):
    gc.set_threshold(20_000, 20, 50)

for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
