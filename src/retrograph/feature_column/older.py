"""The base classes of columns by their older names, from which programs' own columns derive, often from both."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from retrograph.feature_column.column import CategoricalColumn, DenseColumn, FeatureColumn


class _Older(ABCMeta):
    """A class that stands before a newer one in lists of bases, though what is of the newer one is of it as well."""

    def __instancecheck__(cls, instance: Any) -> bool:
        newer = _NEWER.get(cls.__name__) if cls.__module__ == __name__ else None
        return isinstance(instance, newer) if newer else super().__instancecheck__(instance)


class OlderFeatureColumn(FeatureColumn, metaclass=_Older):
    """Source: TF 1.15 `tensorflow.python.feature_column.feature_column._FeatureColumn`."""


class OlderDenseColumn(DenseColumn, metaclass=_Older):
    """Source: TF 1.15 `tensorflow.python.feature_column.feature_column._DenseColumn`."""


class OlderCategoricalColumn(CategoricalColumn, metaclass=_Older):
    """Source: TF 1.15 `tensorflow.python.feature_column.feature_column._CategoricalColumn`."""


_NEWER: dict[str, type] = {
    "OlderFeatureColumn": FeatureColumn,
    "OlderDenseColumn": DenseColumn,
    "OlderCategoricalColumn": CategoricalColumn,
}


def is_feature_column_v2(feature_columns: Any) -> bool:
    """Whether all of them are columns of the newer kind, as all are that `tf.feature_column` makes.

    Source: TF 1.15 `tensorflow.python.feature_column.feature_column_lib.is_feature_column_v2`.
    """
    return all(isinstance(c, FeatureColumn) and getattr(c, "_is_v2_column", True) for c in feature_columns)
