"""The dataset that an operation makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograph.data.dataset import DatasetV1
from retrograph.data.options import Options
from retrograph.framework.operation import Tensor


class Made(DatasetV1):
    """A dataset by its variant, what its elements are, and the datasets and functions that it is made of."""

    def __init__(self, variant: Tensor, spec: Any, inputs: Sequence[Any], functions: Sequence[Any]):
        self._given, self._spec = variant, spec
        self._given_inputs, self._given_functions = list(inputs), list(functions)
        self._options_found: Options | None = None
        super().__init__()

    def _as_variant_tensor(self) -> Tensor:
        return self._given

    def _inputs(self) -> Sequence[Any]:
        return self._given_inputs

    def _functions(self) -> Sequence[Any]:
        return self._given_functions

    def options(self) -> Options:
        """The options of the dataset and of what it is made from."""
        return super().options() if self._options_found is None else self._options_found

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements."""
        return self._spec
